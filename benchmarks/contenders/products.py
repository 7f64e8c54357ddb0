"""Nothing but the matrix products of a training step, by NumPy's BLAS: the lower bound."""

import itertools
import time
from collections.abc import Callable, Sequence

import numpy as np

SIZES = (784, 256, 128, 64, 10)


def train(
    images: np.ndarray, labels: np.ndarray, batch_size: int, epochs: int, network: str = "ann"
) -> list[float]:
    """Make the products of each step of an epoch, and return the seconds of each epoch."""
    make_products = of_step(SIZES, batch_size) if network == "ann" else of_cnn_step(batch_size)
    seconds = []
    for _ in range(epochs):
        start = time.perf_counter()
        for _ in range(-(-len(images) // batch_size)):
            make_products()
        seconds.append(time.perf_counter() - start)
    return seconds


def of_step(sizes: Sequence[int], batch_size: int) -> Callable[[], None]:
    """Return a function that makes the products of a step, for layers of these sizes.

    For every dense layer: x W forward, x^T dz for the weights, and dz W^T for the layer below,
    which the first one does not have.
    """
    rng = np.random.default_rng(0)
    kernels = [rng.random(pair, "float32") for pair in itertools.pairwise(sizes)]
    grads = [np.empty_like(kernel) for kernel in kernels]
    xs = [rng.random((batch_size, n), "float32") for n in sizes]

    def make_products() -> None:
        for i, kernel in enumerate(kernels):
            xs[i] @ kernel
        for i in reversed(range(len(kernels))):
            np.matmul(xs[i].T, xs[i + 1], out=grads[i])
            if i:
                xs[i + 1] @ kernels[i].T

    return make_products


def of_cnn_step(batch_size: int) -> Callable[[], None]:
    """Return a function that makes the products of a step of the network with two convolutions.

    For each convolution they are those of its patches, already laid out: one row for each position
    of the window (26 x 26 and 11 x 11 of them), one column for each number in it.
    """
    rng = np.random.default_rng(0)
    shapes = [(26 * 26, 9, 32), (11 * 11, 288, 64), (1, 1600, 128), (1, 128, 10)]
    layers = [
        [rng.random(s, "float32") for s in ((rows * batch_size, k), (k, n), (rows * batch_size, n))]
        for rows, k, n in shapes
    ]

    def make_products() -> None:
        for x, kernel, _ in layers:
            x @ kernel
        for i, (x, kernel, dz) in reversed(list(enumerate(layers))):
            x.T @ dz
            if i:
                dz @ kernel.T

    return make_products


def peak(n: int = 2048) -> float:
    """Return how many billion operations per second one large product makes."""
    a, b = np.ones((n, n), "float32"), np.ones((n, n), "float32")
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - start)
    return 2 * n**3 / best / 1e9
