"""What it costs to lose nothing: saving, loading and backups of the full network, and Keras's.

    python -m benchmarks.trust

Prints a table and writes trust.md next to this file. Each piece is timed beside what it cannot do
without, in turns. A model is saved next to writing as many bytes to a new file in the same folder,
in one piece: the file is synced, moved to the place of the last one, and the folder is synced, as
directly as Python can. It is loaded next to reading the bytes, once from the disk, after the system
has been told to forget them, and once from the system's memory. There, next to what the processor
does, reading is almost nothing, so the table also says how long the same model takes to make and to
compile without a file. Of a training, it times what the callback does in the thread that trains.
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

ROUNDS = 25
FREQUENCIES = {"epoch": "every epoch", 100: "every 100 steps"}
OCCASIONS = ("on_train_batch_end", "on_epoch_end")
ROWS = (
    ("saving as {}, in times of writing the bytes", "saving", "writing"),
    ("loading {} from the disk, in times of reading the bytes", "loading, disk", "reading, disk"),
    ("loading {} from memory, in times of reading the bytes", "loading, memory", "reading, memory"),
)


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def write(path: Path, content: bytes) -> None:
    """Write and sync a new file, and move it to its place."""
    beside = path.with_suffix(".new")
    with beside.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def forget(path: Path) -> None:
    """Let the system forget what is in a file, so that it has to be read from the disk again."""
    with path.open("rb") as file:
        os.fsync(file.fileno())  # Keras does not: what is not on the disk yet cannot be forgotten
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def of_files(library: ModuleType, model: Any, ending: str, folder: Path) -> dict[str, list[float]]:
    """Return the seconds of writing, saving, reading, loading and making, of all rounds."""
    path, other = folder / f"model{ending}", folder / "bytes"
    model.save(path)
    content = path.read_bytes()
    write(other, content)
    found: dict[str, list[float]] = {}

    def time_of(name: str, work: Callable[[], object]) -> None:
        found.setdefault(name, []).append(seconds(work))

    for _ in range(ROUNDS):
        time_of("writing", lambda: write(other, content))
        time_of("saving", lambda: model.save(path))
        forget(path)
        time_of("reading, disk", path.read_bytes)
        forget(path)
        time_of("loading, disk", lambda: library.models.load_model(path))
        time_of("reading, memory", path.read_bytes)
        time_of("loading, memory", lambda: library.models.load_model(path))
        time_of("making", lambda: keras_script.compiled(library))
    return found


def in_times_of(found: dict[str, list[float]], what: str, floor: str) -> float:
    """Return the median of how many times as long one thing takes as another in its round."""
    return statistics.median(a / b for a, b in zip(found[what], found[floor], strict=True))


def in_words(name: str, found: dict[str, list[float]]) -> str:
    """Say how long it takes what a file is compared with."""
    ms = {what: f"{1e3 * statistics.median(each):.2f} ms" for what, each in found.items()}
    return (
        f"{name}: the bytes were written in {ms['writing']}, read from the disk in "
        f"{ms['reading, disk']} and from memory in {ms['reading, memory']}; the same model was "
        f"made and compiled without a file in {ms['making']}."
    )


def of_backups(
    library: ModuleType, model: Any, freq: Any, images: np.ndarray, labels: np.ndarray, folder: Path
) -> float:
    """Return the fraction of an epoch at batch 32 that the callback takes."""
    shares = []
    for _ in range(5):
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
    said = []
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
                found = of_files(library, model, ending, folder)
                for row, what, floor in ROWS:
                    add(row.format(f"`{ending}`"), f"{in_times_of(found, what, floor):.2f}")
                said.append(in_words(f"{library.__name__}'s `{ending}`", found))
            for freq, when in FREQUENCIES.items():
                share = of_backups(library, model, freq, images, labels, folder)
                add(f"BackupAndRestore {when}, of an epoch at batch 32", f"{share:.2%}")
    lines = ["| | tinynet | Keras |", "|---|---:|---:|"]
    lines += [f"| {what} | {' | '.join(figures)} |" for what, figures in rows.items()]
    print("\n".join(lines))
    parts = [
        "Written by `python -m benchmarks.trust`; not edited. Medians, in one thread.",
        "\n".join(lines),
        *said,
    ]
    write_atomically(Path(__file__).parent / "trust.md", "\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
