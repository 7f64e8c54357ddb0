"""The files that one training step of a dense network runs through, in the order to read them.

    python docs/_ext/evening.py

prints the table of docs/evening.md. A test watches a step and checks that `ORDER` has exactly the
files that it runs through.
"""

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import tinynet as tn
from tinynet.data import Batch

PACKAGE = Path(tn.__file__).parent
LINES_A_MINUTE = 40  # of code with its docstrings: assumed, not measured
# File, and what there is to read in it for a dense network.
ORDER = {
    "training.py": "`train_step`: the six lines that all the others serve; then `fit`",
    "stack.py": "`forward` and `backward`: up the layers, and down again",
    "arrays.py": "`is_loopable`: which types of numbers the loops can read",
    "layers/base.py": "what a layer is: `params`, `grads`, `forward`, `backward`",
    "layers/activated.py": "the activation at the end of a layer, and its derivative",
    "layers/dense.py": "`Dense`",
    "kernels/registry.py": "why each piece of arithmetic exists twice, and which of the two runs",
    "kernels/products.py": "`product`: the matrix products of a dense layer",
    "kernels/linear.py": "the bias and its gradient; the mean of the losses",
    "activations/base.py": "`Activation`, `RowActivation`: a function and its derivative",
    "kernels/relu.py": "`relu` and `relu_backward`",
    "kernels/softmax.py": "`softmax`",
    "losses/base.py": "`value` and `gradient`: from a batch to a number, and back",
    "losses/cross_entropy.py": "`SparseCategoricalCrossentropy`",
    "kernels/cross_entropy.py": "`sparse_softmax_cross_entropy` and its gradient: p - y",
    "optimizers/base.py": "`step`: what every optimizer does",
    "optimizers/adam.py": "`Adam`",
    "kernels/adam.py": "`adam`",
    "kernels/counting.py": "`count_up`, and which samples come next",
    "figures.py": "the loss and the metrics of an epoch",
    "metrics/base.py": "a mean over batches",
    "metrics/means.py": "`SparseCategoricalAccuracy`",
    "kernels/means.py": "`add_mean` and `add_hits`: how a batch is added to them",
    "step/tape.py": "how a step is written down while it runs",
}


class Ran(NamedTuple):
    """A function of tinynet's that was called: its lines, and how many of them were open above."""

    file: str
    function: str
    first: int
    end: int
    depth: int


def watched(do: Callable[[], object]) -> list[Ran]:
    """Return the functions of tinynet that a call runs through, in the order of their first calls.

    Lambdas and generators count, and belong to the function that they stand in.
    """
    seen: dict[tuple[str, int], Ran] = {}
    depth = 0

    def note(frame, event, _):
        nonlocal depth
        code = frame.f_code
        place = Path(code.co_filename)
        if not place.is_relative_to(PACKAGE):
            return
        if event == "call":
            lines, first = inspect.getsourcelines(code)
            name = place.relative_to(PACKAGE).as_posix()
            ran = Ran(name, code.co_qualname, first, first + len(lines), depth)
            seen.setdefault((name, first), ran)
        depth += {"call": 1, "return": -1}.get(event, 0)

    sys.setprofile(note)
    try:
        do()
    finally:
        sys.setprofile(None)
    return list(seen.values())


def dense_step() -> list[Ran]:
    """Watch a step of two dense layers, with Adam and accuracy, in the NumPy form."""
    before = tn.config.kernels()
    tn.config.use_kernels("numpy")
    layers = [tn.layers.Dense(5, activation="relu"), tn.layers.Dense(3, activation="softmax")]
    model = tn.Sequential([tn.Input((8,)), *layers])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    batch = Batch(np.ones((6, 8), "float32"), np.arange(6) % 3, None)
    model.train_on_batch(batch.x, batch.y)  # what happens only once happens here
    seen = watched(lambda: model.train_step(batch))
    tn.config.use_kernels(before)
    return seen


def rows() -> list[tuple[str, str, int, int]]:
    """Return each file, what to read in it, its number of lines, and how many of them run."""
    seen = dense_step()
    found = []
    for name, what in ORDER.items():
        whole = len((PACKAGE / name).read_text(encoding="utf-8").splitlines())
        ours = [ran for ran in seen if ran.file == name]
        run = len({line for ran in ours for line in range(ran.first, ran.end)})
        found.append((name, what, whole, run))
    return found


def calls() -> list[str]:
    """Return a line for each function, where it is first called: below the one that calls it."""
    named = [ran for ran in dense_step() if "<" not in ran.function]
    titles = ["  " * ran.depth + ran.function for ran in named]
    width = max(map(len, titles)) + 2
    lines = [f"{title:{width}}{ran.file}" for title, ran in zip(titles, named, strict=True)]
    return ["```text", *lines, "```"]


def minutes(lines: int) -> int:
    """Return how many minutes it takes to read some lines."""
    return max(1, round(lines / LINES_A_MINUTE))


def table() -> list[str]:
    """Return the table of the files, with their sums."""
    found = rows()
    lines = ["| file | what is in it | lines | of these run | minutes |", "|---|---|--:|--:|--:|"]
    for name, what, whole, run in found:
        lines.append(f"| `tinynet/{name}` | {what} | {whole} | {run} | {minutes(whole)} |")
    whole, run = sum(row[2] for row in found), sum(row[3] for row in found)
    lines.append(f"| **{len(found)} files** | | **{whole:,}** | **{run}** | **{minutes(whole)}** |")
    return lines


if __name__ == "__main__":
    print("\n".join(table()))
