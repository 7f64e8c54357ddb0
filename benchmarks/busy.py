"""An epoch on an idle machine, and on a busy one.

    python -m benchmarks.busy --rounds 5

Each network is trained as installed, in one thread, and with products in as many threads as there
are processors, in turn, each in a process of its own; first alone, then while as many other
programs run an endless loop. Prints two tables and writes busy.md next to this file.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.race import CNN, training_images, work
from benchmarks.report import spread
from tinynet.files import write_atomically

PROCESSORS = str(os.cpu_count() or 1)
SETTINGS = {
    "as installed": {},
    "one thread": {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    "products in all threads": {"OPENBLAS_NUM_THREADS": PROCESSORS},
}
# Network: epochs, and options of the worker.
JOBS = {
    "dense, batch 32": (10, "--batch-size", "32"),
    "dense, batch 128": (10, "--batch-size", "128"),
    "convolutional, batch 64": (4, "--network", "cnn", "--batch-size", str(CNN["batch"])),
}
IMAGES = CNN["images"]
STATES = ("alone", "beside others")


@contextlib.contextmanager
def others(number: int) -> Iterator[None]:
    """Keep some processors busy, each with a program that runs an endless loop."""
    count = [sys.executable, "-c", "while True: pass"]
    programs = [subprocess.Popen(count) for _ in range(number)]
    try:
        yield
    finally:
        for each in programs:
            each.kill()
            each.wait()


def epoch(setting: str, job: str, folder: str) -> float:
    """Return the seconds of an epoch: the median of all but the first."""
    epochs, *network = JOBS[job]
    options = ("--data", folder, "--epochs", str(epochs), "--images", str(IMAGES), *network)
    said = work("train", "tinynet, as installed", *options, **SETTINGS[setting])
    return statistics.median(said["seconds"][1:])


def in_short(found: dict[tuple[str, str, str], list[float]]) -> list[str]:
    """Return the medians as a table, one column for each setting."""
    settings = list(dict.fromkeys(setting for _, _, setting in found))
    lines = [f"| s an epoch | {' | '.join(settings)} |", f"|---|{'---:|' * len(settings)}"]
    for job, state in dict.fromkeys((job, state) for job, state, _ in found):
        cells = [f"{statistics.median(found[job, state, each]):.2f}" for each in settings]
        lines.append(f"| {job}, {state} | {' | '.join(cells)} |")
    return lines


def table(found: dict[tuple[str, str, str], list[float]]) -> list[str]:
    """Return the whole table: seconds, and the ratio to one thread round by round."""
    lines = [
        "| network | the machine | setting | s an epoch | / one thread |",
        "|---|---|---|---|---|",
    ]
    for (job, state, setting), seconds in found.items():
        single = found[job, state, "one thread"]
        ratios = [a / b for a, b in zip(seconds, single, strict=True)]
        lines.append(
            f"| {job} | {state} | {setting} | {spread(seconds)}, least {min(seconds):.2f} | "
            f"{spread(ratios)} |"
        )
    return lines


def main() -> None:
    """Measure, print the tables and write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="only networks named with this word")
    parser.add_argument("--dry", action="store_true", help="print the tables, write no file")
    args = parser.parse_args()
    _, images, labels = training_images()
    jobs = [job for job in JOBS if not args.only or args.only in job]
    found: dict[tuple[str, str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "images.npy", images)
        np.save(Path(folder) / "labels.npy", labels)
        epoch("as installed", jobs[-1], folder)  # for the cache of compiled kernels
        for job in jobs:
            for state in STATES:
                with others(0 if state == "alone" else int(PROCESSORS)):
                    for number in range(1, args.rounds + 1):
                        for setting in SETTINGS:
                            print(f"{job}, {state}, round {number}: {setting} ...", flush=True)
                            seconds = epoch(setting, job, folder)
                            found.setdefault((job, state, setting), []).append(seconds)
    lines = [*in_short(found), "", "## With the range over the rounds", "", *table(found)]
    print("\n".join(lines))
    if not args.dry:
        text = (
            f"Written by `python -m benchmarks.busy`; not edited. {PROCESSORS} processors, "
            f"{IMAGES:,} images an epoch; medians of {args.rounds} rounds, with the range over the "
            f"rounds.\n\n"
        )
        write_atomically(Path(__file__).parent / "busy.md", text + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
