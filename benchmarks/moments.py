"""How a training step's time changes from moment to moment, in one thread and in all.

    python -m benchmarks.moments

On a machine that is shared, or whose processors do not share a cache, the same step does not
always take the same time. Prints a table and writes moments.md next to this file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import tinynet
from benchmarks.contenders import keras_script
from benchmarks.race import training_images
from benchmarks.stopwatch import Stopwatch
from tinynet.files import write_atomically
from tinynet.layers import Dense

SECONDS = 0.1  # the length of a moment
EPOCHS = 6
PARTS = ("dense layers", "optimizer", "all else")
Moment = tuple[float, ...]  # microseconds per step, for each of PARTS


def moments(images: np.ndarray, labels: np.ndarray, batch_size: int) -> list[Moment]:
    """Train, and return what a step took in each moment."""
    model = keras_script.compiled(tinynet)
    model.fit(images[:1000], labels[:1000], batch_size, verbose=0)
    watch = Stopwatch()
    for layer in model.layers:
        if isinstance(layer, Dense):
            for way in ("forward", "backward"):
                setattr(layer, way, watch.around("dense layers", getattr(layer, way)))
    model.optimizer.step = watch.around("optimizer", model.optimizer.step)
    found: list[Moment] = []
    start, steps = time.perf_counter(), 0

    def look(batch: int, logs: object) -> None:
        nonlocal start, steps
        steps += 1
        passed = time.perf_counter() - start
        if passed > SECONDS:
            known = [watch.seconds[part] for part in PARTS[:2]]
            found.append(tuple(1e6 * s / steps for s in (*known, passed - sum(known))))
            watch.seconds.clear()
            start, steps = time.perf_counter(), 0

    callback = tinynet.callbacks.LambdaCallback(on_train_batch_end=look)
    model.fit(images, labels, batch_size, EPOCHS, verbose=0, callbacks=[callback])
    return found


def rows(batch_size: int, threads: int, found: list[Moment]) -> Iterator[str]:
    """Return the rows of the table: each part in the quickest, middle and slowest moments."""
    order = np.argsort([sum(moment) for moment in found])
    tenth = max(1, len(order) // 10)
    middle = len(order) // 2
    some = [order[:tenth], order[middle : middle + tenth], order[-tenth:]]
    table = np.array(found)
    means = np.array([table[chosen].mean(axis=0) for chosen in some])  # (three, parts)
    for name, column in zip(("a step", *PARTS), (means.sum(axis=1), *means.T), strict=True):
        cells = " | ".join(f"{us:,.0f}" for us in column)
        yield f"| {batch_size} | {threads} | {name} | {cells} |"


def main() -> None:
    """Print the table and write it."""
    _, images, labels = training_images()
    lines = [
        "| batch | threads | us | quickest tenth of moments | in the middle | slowest tenth |",
        "|---:|---:|---|---:|---:|---:|",
    ]
    print("\n".join(lines))
    for batch_size in (32, 128):
        for threads in (1, os.cpu_count() or 2):
            tinynet.config.set_threads(threads)
            new = list(rows(batch_size, threads, moments(images, labels, batch_size)))
            print("\n".join(new), flush=True)
            lines += new
    text = "Written by `python -m benchmarks.moments`; not edited.\n\n"
    write_atomically(Path(__file__).parent / "moments.md", text + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
