"""How many Python frames a training step enters, and how often it changes from file to file.

    python -m benchmarks.frames

What a reader with a debugger steps through: `train_step` calls the layers, in the NumPy form of the
kernels and in one thread. Prints the tables and writes frames.md next to this file. Nothing is
timed: the same code gives the same numbers on every machine.

A frame is a call of a function of tinynet that has a name. Comprehensions, generator expressions
and lambdas are left out, because it depends on Python's version which of them have a frame. The
file changes where two frames that follow each other are in different files.
"""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import numpy as np

import tinynet
from tinynet.data import Batch
from tinynet.files import write_atomically

PACKAGE = Path(tinynet.__file__).parent
BAR = 1 / 3  # of what it was before
MOST = 5  # files in the second table
STEPS = ("first", "later")
# Frames and changes of file at the tag before-recorded-step, from this file, copied there and run:
#   git worktree add /tmp/before before-recorded-step
#   cp benchmarks/frames.py /tmp/before/benchmarks
#   cd /tmp/before && PYTHONPATH=. python -m benchmarks.frames
BEFORE = {
    ("dense", "first"): (146, 85),
    ("dense", "later"): (92, 67),
    ("convolutional", "first"): (510, 232),
    ("convolutional", "later"): (447, 214),
}
Call = tuple[str, str]  # file and function


def dense() -> tuple[tinynet.Sequential, Batch]:
    """Make the two dense layers of docs/evening.md, and a batch."""
    dense = tinynet.layers.Dense
    layers = [dense(5, activation="relu"), dense(3, activation="softmax")]
    model = tinynet.Sequential([tinynet.Input((8,)), *layers])
    return model, Batch(np.ones((6, 8), "float32"), np.arange(6) % 3, None)


def convolutional() -> tuple[tinynet.Sequential, Batch]:
    """Make the network for images whose step docs/_ext/drawn.py prints, and a batch."""
    layers = tinynet.layers
    model = tinynet.Sequential(
        [
            tinynet.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    return model, Batch(np.ones((64, 28, 28, 1), "float32"), np.arange(64) % 10, None)


NETWORKS = {"dense": dense, "convolutional": convolutional}


def calls(do: Callable[..., object], *arguments: object) -> list[Call]:
    """Return the functions of tinynet that a call enters, in their order."""
    found: list[Call] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        place = Path(code.co_filename)
        if event == "call" and place.is_relative_to(PACKAGE) and not code.co_name.startswith("<"):
            found.append((place.relative_to(PACKAGE).as_posix(), code.co_qualname))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        do(*arguments)
    finally:
        sys.setprofile(before)
    return found


def steps(network: str) -> list[list[Call]]:
    """Return the calls of each of STEPS of a new model, after another one has been trained.

    The first step of a model looks up the kernels and makes room for the optimizer's moments. What
    happens once in a program has happened with the other model.
    """
    found: list[list[Call]] = []
    for _ in range(2):
        tinynet.config.use_kernels("numpy")  # forgets which kernels have been looked up
        model, batch = NETWORKS[network]()
        model.compile("adam", "sparse_categorical_crossentropy")
        found = [calls(model.train_step, batch) for _ in STEPS]
    return found


def changes(found: list[Call]) -> int:
    """Return how often the file changes from one call to the next."""
    return sum(a != b for (a, _), (b, _) in itertools.pairwise(found))


def table(found: dict[str, list[list[Call]]]) -> list[str]:
    """Return the numbers beside those of the tag."""
    lines = [
        "| network | step | frames | at the tag | share | changes of file | at the tag | share |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for network, each in found.items():
        for step, seen in zip(STEPS, each, strict=True):
            cells = []
            for now, before in zip((len(seen), changes(seen)), BEFORE[network, step], strict=True):
                missed = "" if now <= BAR * before else ", not reached"
                cells.append(f"{now} | {before} | {now / before:.2f}{missed}")
            lines.append(f"| {network} | {step} | {' | '.join(cells)} |")
    return lines


def files(found: dict[str, list[list[Call]]]) -> list[str]:
    """Return the files with the most frames of a later step."""
    lines = ["| network | file | frames |", "|---|---|--:|"]
    for network, (_, later) in found.items():
        for file, frames in Counter(file for file, _ in later).most_common(MOST):
            lines.append(f"| {network} | `{file}` | {frames} |")
    return lines


def main() -> None:
    """Count, print the tables and write them."""
    tinynet.config.set_threads(1)  # with more, it depends on the moment who takes which images
    found = {network: steps(network) for network in NETWORKS}
    title = "The files with the most frames of a later step:"
    lines = [*table(found), "", title, "", *files(found)]
    print("\n".join(lines))
    text = (
        "Written by `python -m benchmarks.frames`; not edited. The first step of a model and a "
        "later one, beside the tag before-recorded-step; the bar is a third.\n\n"
    )
    write_atomically(Path(__file__).parent / "frames.md", text + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
