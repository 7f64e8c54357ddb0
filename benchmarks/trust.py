"""What it costs to lose nothing: saving, loading and backups of the full network, and Keras's.

    python -m benchmarks.trust

Prints a table and writes trust.md next to this file. Each piece is timed beside what it cannot do
without, in turns: a model is saved next to writing and syncing as many bytes, and loaded next to
reading them. Of a training, it times what the callback does in the thread that trains.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import tinynet
from benchmarks.contenders import keras_script
from benchmarks.race import training_images
from benchmarks.stopwatch import Stopwatch
from tinynet.files import write_atomically

ROUNDS = 15
FREQUENCIES = {"epoch": "every epoch", 100: "every 100 steps"}
OCCASIONS = ("on_train_batch_end", "on_epoch_end")


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def write(path: Path, content: bytes) -> None:
    """Write and sync a file, as directly as Python can."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def of_files(library: ModuleType, model: Any, ending: str, folder: Path) -> tuple[float, float]:
    """Return the times of saving and of loading in those of writing and reading the bytes."""
    path, other = folder / f"model{ending}", folder / "bytes"
    model.save(path)
    content = path.read_bytes()
    saving, loading = [], []
    for _ in range(ROUNDS):
        floor = seconds(lambda: write(other, content))
        saving.append(seconds(lambda: model.save(path)) / floor)
        floor = seconds(path.read_bytes)
        loading.append(seconds(lambda: library.models.load_model(path)) / floor)
    return statistics.median(saving), statistics.median(loading)


def of_backups(
    library: ModuleType, model: Any, freq: Any, images: np.ndarray, labels: np.ndarray, folder: Path
) -> float:
    """Return the fraction of an epoch at batch 32 that the callback takes."""
    shares = []
    for _ in range(3):
        callback = library.callbacks.BackupAndRestore(str(folder / "backup"), save_freq=freq)
        watch, kind = Stopwatch(), type(callback)
        plain = {name: getattr(kind, name) for name in OCCASIONS}
        for name, method in plain.items():
            setattr(kind, name, watch.around(name, method))
        try:
            whole = seconds(
                lambda callback=callback: model.fit(  # type: ignore[misc]
                    images, labels, batch_size=32, callbacks=[callback], verbose=0
                )
            )
        finally:
            for name, method in plain.items():
                setattr(kind, name, method)
        shares.append(sum(watch.seconds.values()) / whole)
    return statistics.median(shares)


def main() -> None:
    """Print the table and write it."""
    import keras

    _, images, labels = training_images()
    images, labels = images[:16000], labels[:16000]
    tinynet.config.set_threads(1)
    rows: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        for number, (library, endings) in enumerate(
            ((tinynet, (".safetensors", ".keras")), (keras, (".keras",)))
        ):
            model = keras_script.compiled(library)
            model.train_on_batch(images[:32], labels[:32])

            def add(what: str, figure: str, number: int = number) -> None:
                rows.setdefault(what, ["", ""])[number] = figure

            for ending in endings:
                saving, loading = of_files(library, model, ending, folder)
                add(f"saving as {ending}, in times of writing the bytes", f"{saving:.2f}")
                add(f"loading {ending}, in times of reading the bytes", f"{loading:.1f}")
            for freq, when in FREQUENCIES.items():
                share = of_backups(library, model, freq, images, labels, folder)
                add(f"BackupAndRestore {when}, of an epoch at batch 32", f"{share:.2%}")
    lines = ["| | tinynet | Keras |", "|---|---:|---:|"]
    lines += [f"| {what} | {' | '.join(figures)} |" for what, figures in rows.items()]
    print("\n".join(lines))
    text = "Written by `python -m benchmarks.trust`; not edited. Medians, in one thread.\n\n"
    write_atomically(Path(__file__).parent / "trust.md", text + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
