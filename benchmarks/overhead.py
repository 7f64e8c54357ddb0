"""How much of an epoch goes to callbacks and the progress bar.

    python -m benchmarks.overhead

Prints a table and writes overhead.md next to this file. It times what `fit` does besides training:
calling the callbacks, the bar among them, and computing the metrics that they get. The difference
between two epochs, with and without them, would be lost in the noise of a shared machine.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import tinynet
from benchmarks.contenders import keras_script
from benchmarks.race import training_images
from benchmarks.stopwatch import Stopwatch
from tinynet.callbacks.base import CallbackList
from tinynet.files import write_atomically

ROUNDS = 5
BATCH_SIZES = (32, 128)
KINDS = {
    "nothing": "no callbacks, verbose=0",
    "bar": "progress bar on a terminal",
    "all": "the bar, EarlyStopping, ReduceLROnPlateau, CSVLogger and ModelCheckpoint",
}


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def callbacks(folder: Path) -> list[Any]:
    """Return what a careful script passes to `fit`."""
    make = tinynet.callbacks
    return [
        make.EarlyStopping("loss", patience=5, restore_best_weights=True),
        make.ReduceLROnPlateau("loss", patience=3),
        make.CSVLogger(folder / "log.csv"),
        make.ModelCheckpoint(folder / "best.safetensors", "loss", save_best_only=True),
    ]


@contextlib.contextmanager
def watched(model: Any) -> Iterator[Stopwatch]:
    """Time what the model's `fit` does besides training."""
    watch = Stopwatch()
    tell = CallbackList.tell
    CallbackList.tell = watch.around("tell", tell)  # type: ignore[method-assign]
    model.figures.results = watch.around("figures", model.figures.results)
    try:
        yield watch
    finally:
        CallbackList.tell = tell  # type: ignore[method-assign]
        del model.figures.results


def shares(images: np.ndarray, labels: np.ndarray, batch_size: int) -> dict[str, float]:
    """Return the fraction of an epoch that each of KINDS takes; the median of some rounds."""
    model = keras_script.compiled(tinynet)
    model.train_on_batch(images[:batch_size], labels[:batch_size])
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            for kind, shown in found.items():
                users = callbacks(Path(folder)) if kind == "all" else []
                with contextlib.redirect_stdout(Terminal()), watched(model) as watch:
                    verbose = 0 if kind == "nothing" else 1
                    start = time.perf_counter()
                    model.fit(images, labels, batch_size, callbacks=users, verbose=verbose)
                    whole = time.perf_counter() - start
                shown.append(sum(watch.seconds.values()) / whole)
    return {kind: statistics.median(shown) for kind, shown in found.items()}


def main() -> None:
    """Print the table and write it."""
    _, images, labels = training_images()
    tinynet.config.set_threads(1)  # with more, a step's time varies from second to second
    found = [shares(images, labels, size) for size in BATCH_SIZES]
    lines = [f"| share of an epoch | {' | '.join(f'batch {size}' for size in BATCH_SIZES)} |"]
    lines.append(f"|---|{'---:|' * len(BATCH_SIZES)}")
    for kind, what in KINDS.items():
        lines.append(f"| {what} | {' | '.join(f'{each[kind]:.2%}' for each in found)} |")
    print("\n".join(lines))
    text = "Written by `python -m benchmarks.overhead`; not edited. Medians, in one thread.\n\n"
    write_atomically(Path(__file__).parent / "overhead.md", text + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
