"""What each idea gains: the code as it is and the code without the idea, timed in turn.

    python -m benchmarks.tried

Prints a table for docs/performance.md and writes tried.md next to this file.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import tinynet
from benchmarks.contenders import keras_script
from tinynet import written
from tinynet.files import write_atomically
from tinynet.kernels import linear, pooling, random_bits
from tinynet.kernels.adam import adam
from tinynet.kernels.compiled import compile_loops
from tinynet.kernels.products import batched_product
from tinynet.kernels.random_bits import LOW, SHIFT, ten_rounds

ROUNDS_OF_TIMING = 15
Pair = tuple[str, Callable[[], object], Callable[[], object]]


def straight_philox(key, counter, first_blocks, words):
    """Write the words of a block next to each other at once, unlike philox_loops."""
    low = (counter[1] << SHIFT) | counter[0]
    high = (counter[3] << SHIFT) | counter[2]
    for g in range(words.shape[0]):
        for b in range(words.shape[1]):
            position = low + first_blocks[g] + np.uint64(b)
            words[g, b, 0], words[g, b, 1], words[g, b, 2], words[g, b, 3] = ten_rounds(
                position & LOW, position >> SHIFT, high & LOW, high >> SHIFT, key[0], key[1]
            )


def words_to_uniform(words, out):
    """Make numbers from words that were written before, unlike uniform_float32_loops."""
    for i in range(out.size):
        out[i] = np.float32(np.int32(words[i] & np.uint32(0x7FFFFF))) * np.float32(2.0**-23)


def adam_without_flush(g, learning_rate, iterations, beta_1, beta_2, epsilon, m, v, w):
    """Let the moments decay into subnormal numbers, unlike adam_loops."""
    number = w.dtype.type
    t = np.float64(iterations[()] + 1)
    a = number(learning_rate[()] * np.sqrt(1 - beta_2**t) / (1 - beta_1**t))
    c1, c2, eps = number(1 - beta_1), number(1 - beta_2), number(epsilon)
    for i in range(w.size):
        m[i] += (g[i] - m[i]) * c1
        v[i] += (g[i] * g[i] - v[i]) * c2
        w[i] -= m[i] * a / (np.sqrt(v[i]) + eps)


def random_words() -> Pair:
    """Make the words for the dropout on a batch of 128 images."""
    key, counter = np.array([1, 2], np.uint64), np.array([0, 0, 3, 4], np.uint64)
    first, words = np.zeros(1, np.uint64), np.empty((1, 128 * 784 // 4, 4), np.uint32)
    straight = compile_loops(straight_philox)
    return (
        "random words by rows of 16, not word after word",
        lambda: random_bits.philox(key, counter, first, words),
        lambda: straight(key, counter, first, words),
    )


def numbers_at_once(batch_size: int) -> Pair:
    """Draw numbers for the dropout on a batch of images, with and without writing words first."""
    key, counter = np.array([1, 2], np.uint64), np.array([0, 0, 3, 4], np.uint64)
    pair, first, blocks = np.array([5, 6]), np.zeros(1, np.uint64), batch_size * 784 // 4
    words, out = np.empty((1, blocks, 4), np.uint32), np.empty((1, blocks, 4), np.float32)
    convert = compile_loops(words_to_uniform)

    def in_two_steps() -> None:
        random_bits.philox(key, counter, first, words)
        convert(words.reshape(-1), out.reshape(-1))

    return (
        f"random numbers without words in between, batch {batch_size}",
        lambda: random_bits.uniform_float32(pair, first, out),
        in_two_steps,
    )


def subnormals() -> Pair:
    """Update 243,000 weights, a tenth of which have had no gradient for a long time."""
    n = 243_000
    rng = np.random.default_rng(0)
    g = rng.normal(size=n).astype("float32")
    g[: n // 10] = 0
    plain = compile_loops(adam_without_flush)

    def updater(form: Callable[..., None]) -> Callable[[], None]:
        m, v, w = np.zeros(n, "float32"), np.full(n, 1e-3, "float32"), g.copy()
        m[: n // 10], v[: n // 10] = 1e-39, 1e-39
        dials = np.array(1e-3), np.array(1000)
        return lambda: form(g, *dials, 1 - 1e-7, 1 - 1e-7, 1e-7, m, v, w)

    return "subnormal moments set to zero", updater(adam), updater(plain)


def pool_pixel_by_pixel(x, out, which):
    """Come back to the output for each pixel of a window, unlike max_of_four."""
    images, height, width, channels = out.shape
    for n in range(images):
        for y in range(height):
            for z in range(width):
                out[n, y, z] = -np.inf
                for i in range(2):
                    for j in range(2):
                        for c in range(channels):
                            v = x[n, 2 * y + i, 2 * z + j, c]
                            larger = (v > out[n, y, z, c]) | (v != v)
                            out[n, y, z, c] = v if larger else out[n, y, z, c]
                            which[n, y, z, c] = 2 * i + j if larger else which[n, y, z, c]


def sum_row_by_row(x, out):
    """Bring the sums back to memory after each row, unlike column_sum_loops."""
    out[:] = 0
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[j] += x[i, j]


# What follows the first convolution of the CNN, for a batch of 64.
PICTURES = (64, 26, 26, 32)


def windows_of_two() -> Pair:
    """Pool in windows of two by two pixels."""
    x = np.random.default_rng(0).normal(size=PICTURES).astype("float32")
    out = np.empty((64, 13, 13, 32), "float32")
    which = np.empty(out.shape, "uint8")
    twos, straight = ((2, 2), (2, 2), (0, 0)), compile_loops(pool_pixel_by_pixel)
    return (
        "max pooling: four pixels at once, not one by one",
        lambda: pooling.max_pool(x, *twos, out, which),
        lambda: straight(x, out, which),
    )


def rows_by_eight() -> Pair:
    """Add up the gradient of a bias."""
    dz = np.random.default_rng(0).normal(size=PICTURES).astype("float32").reshape(-1, 32)
    out, straight = np.empty(32, "float32"), compile_loops(sum_row_by_row)
    return (
        "sums over rows: eight at a time, not one",
        lambda: linear.column_sum(dz, out),
        lambda: straight(dz, out),
    )


def turned_weights() -> Pair:
    """Multiply the gradients of 72 tiles with the weights, which BLAS may have to turn."""
    rng = np.random.default_rng(0)
    dsums, u = (rng.normal(size=(36, *n)).astype("float32") for n in ((72, 64), (32, 64)))
    turned, out = np.ascontiguousarray(u.swapaxes(1, 2)), np.empty((36, 72, 32), "float32")
    return (
        "tiles: products with weights that are turned, not that BLAS turns",
        lambda: batched_product(dsums, turned, out),
        lambda: batched_product(dsums, u.swapaxes(1, 2), out),
    )


def model_and_batch(batch_size: int = 32) -> tuple[Any, np.ndarray, np.ndarray]:
    """Return the compiled network and a batch, after a first step."""
    rng = np.random.default_rng(0)
    model = keras_script.compiled(tinynet)
    x = rng.integers(0, 256, (batch_size, 28, 28)).astype("float32")
    y = rng.integers(0, 10, batch_size)
    model.train_on_batch(x, y)
    return model, x, y


def image_gradient(batch_size: int) -> Pair:
    """Make a step from its list, with and without what nobody reads."""
    model, _, _ = model_and_batch(batch_size)
    short = model.step(batch_size)
    with mock.patch.object(written, "without_unread", lambda lines, kept: lines):
        whole = model.step(batch_size)
    return f"no gradient at the images, batch {batch_size}", short.run, whole.run


def pooled_relu() -> Pair:
    """Make a step of the CNN, with the way back through a ReLU before and behind pooling."""
    rng = np.random.default_rng(0)
    model = keras_script.compiled(tinynet, "cnn")
    x, y = rng.random((64, 28, 28), np.float32), rng.integers(10, size=64)
    model.train_on_batch(x, y)
    exchanged = model.step(64)
    with mock.patch.object(written, "relu_before_pooling", lambda lines, kept: lines):
        plain = model.step(64)
    return "a ReLU's derivative before pooling, CNN, batch 64", exchanged.run, plain.run


def warm_gradient(batch_size: int) -> Pair:
    """Make the gradient of the largest weight and its step of Adam, in blocks and as a whole.

    Half of the weight's rows at a time: the gradient is still in the cache when Adam reads it.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch_size, 784)).astype("float32")
    dz = rng.normal(size=(batch_size, 256)).astype("float32")
    g, m, v, w = (np.zeros((784, 256), "float32") for _ in range(4))
    dials = np.array(1e-3), np.array(1000)

    def step(rows: slice) -> None:
        np.matmul(x.T[rows], dz, out=g[rows])
        arrays = (each[rows].reshape(-1) for each in (m, v, w))
        adam(g[rows].reshape(-1), *dials, 0.9, 0.999, 1e-7, *arrays)

    def in_blocks() -> None:
        for first in range(0, 784, 392):
            step(slice(first, first + 392))

    return (
        f"Adam while a gradient is in the cache, batch {batch_size} (not kept)",
        in_blocks,
        lambda: step(slice(None)),
    )


def at_once(batch_size: int) -> Pair:
    """Train for 200 steps, some of them in one call, and each in a call of its own."""
    rng = np.random.default_rng(0)
    n = 200 * batch_size
    x, y = rng.random((n, 28, 28), np.float32), rng.integers(10, size=n)
    model = keras_script.compiled(tinynet)

    def one_by_one() -> None:
        with mock.patch.object(written, "ONCE", 0):
            model.fit(x, y, batch_size, verbose=0)

    return (
        f"several steps in one call, not one, batch {batch_size} (200 steps)",
        lambda: model.fit(x, y, batch_size, verbose=0),
        one_by_one,
    )


def from_a_list(batch_size: int) -> Pair:
    """Train for 200 steps, from the list of the first one and by calling the layers in each."""
    rng = np.random.default_rng(0)
    x, y = (
        rng.random((200 * batch_size, 28, 28), np.float32),
        rng.integers(10, size=200 * batch_size),
    )
    listed, eager = keras_script.compiled(tinynet), keras_script.compiled(tinynet)
    eager.run_eagerly = True
    return (
        f"kernels from a list, not by the layers, batch {batch_size} (200 steps)",
        lambda: listed.fit(x, y, batch_size, verbose=0),
        lambda: eager.fit(x, y, batch_size, verbose=0),
    )


def compiled_kernels(batch_size: int) -> Pair:
    """Make a training step with compiled kernels, and with NumPy's."""
    model, x, y = model_and_batch(batch_size)

    def step(form: str) -> None:
        tinynet.config.use_kernels(form)
        for _ in range(20):
            model.train_on_batch(x, y)
        tinynet.config.use_kernels("numba")

    return (
        f"kernels compiled, not in NumPy, batch {batch_size} (20 steps)",
        lambda: step("numba"),
        lambda: step("numpy"),
    )


def threads(batch_size: int) -> Pair:
    """Make a training step with matrix products in all threads, and in one."""
    model, x, y = model_and_batch(batch_size)
    several = max(2, os.cpu_count() or 2)

    def step(n: int) -> None:
        tinynet.config.set_threads(n)
        for _ in range(20):
            model.train_on_batch(x, y)
        tinynet.config.set_threads(1)

    return (
        f"products in {several} threads, not in one, batch {batch_size} (20 steps)",
        lambda: step(several),
        lambda: step(1),
    )


def pairs() -> Iterator[Pair]:
    """Yield all pairs: a text, the code as it is, the code without the idea."""
    yield random_words()
    yield numbers_at_once(32)
    yield numbers_at_once(128)
    yield subnormals()
    yield windows_of_two()
    yield rows_by_eight()
    yield turned_weights()
    yield pooled_relu()
    for batch_size in (8, 32, 128):
        yield warm_gradient(batch_size)
        yield at_once(batch_size)
    for batch_size in (32, 128):
        yield image_gradient(batch_size)
        yield from_a_list(batch_size)
        yield compiled_kernels(batch_size)
        yield threads(batch_size)


def seconds(function: Callable[[], object], calls: int) -> float:
    """Return the seconds of one call, over several."""
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def row(what: str, with_it: Callable[[], object], without: Callable[[], object]) -> str:
    """Time both in turn; return a row of the table."""
    calls = max(1, int(0.02 / max(seconds(with_it, 3), seconds(without, 3))))
    times = [(seconds(with_it, calls), seconds(without, calls)) for _ in range(ROUNDS_OF_TIMING)]
    fast, slow = (1e6 * statistics.median(column) for column in zip(*times, strict=True))
    ratios = sorted(b / a for a, b in times)
    low, high = ratios[1], ratios[-2]
    return (
        f"| {what} | {fast:,.0f} | {slow:,.0f} | {statistics.median(ratios):.2f} "
        f"({low:.2f} to {high:.2f}) |"
    )


def main() -> None:
    """Print the table and write it."""
    tinynet.config.set_threads(1)  # with more, a step's time varies from second to second
    lines = ["| idea | us with it | us without | ratio |", "|---|---:|---:|---:|"]
    print("\n".join(lines))
    for pair in pairs():
        lines.append(row(*pair))
        print(lines[-1], flush=True)
    text = "Written by `python -m benchmarks.tried`; not edited. Medians, both in turn, in one "
    text += "thread unless stated otherwise.\n\n"
    write_atomically(Path(__file__).parent / "tried.md", text + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
