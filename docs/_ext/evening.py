"""The files that one training step of a dense network runs through, in the order to read them.

    python docs/_ext/evening.py

prints the table of docs/evening.md. A test watches a step and checks that `ORDER` has exactly the
files that it runs through.
"""

import inspect
import sys
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import numpy as np

import tinynet as tn
from tinynet.data import Batch

PACKAGE = Path(tn.__file__).parent
LINES_A_MINUTE = 40  # of code with its docstrings: assumed, not measured
# File, and what there is to read in it for a dense network.
ORDER = {
    "training.py": "`train_step`: the seven lines that all others serve; `fit` can wait",
    "stack.py": "`forward` and `backward`: up the layers, and down again",
    "layers/base.py": "what a layer is: `params`, `grads`, `forward`, `backward`",
    "layers/activated.py": "the activation at the end of a layer, and its derivative",
    "layers/dense.py": "`Dense`",
    "kernels/registry.py": "why each piece of arithmetic exists twice, and which of the two runs",
    "kernels/products.py": "`product`: the matrix products of a dense layer",
    "kernels/linear.py": "the bias and its gradient; the mean of the losses",
    "activations/base.py": "`Activation`, `RowActivation`: a function and its derivative",
    "kernels/relu.py": "`relu` and `relu_backward`",
    "kernels/softmax.py": "`softmax`",
    "arrays.py": "`is_loopable`: which types of numbers the loops can read",
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
    """A function of tinynet's that was called: its lines, and the functions that were open above.

    The lowest of these, which has called it, comes last; lambdas and generators are left out.
    """

    file: str
    function: str
    first: int
    end: int
    above: tuple[str, ...]


def watched(do: Callable[[], object]) -> list[Ran]:
    """Return the functions of tinynet that a call runs through, in the order of their first calls.

    Lambdas and generators count, and belong to the function that they stand in.
    """
    seen: dict[tuple[str, int], Ran] = {}
    opened: list[str] = []

    def note(frame, event, _):
        code = frame.f_code
        place = Path(code.co_filename)
        if not place.is_relative_to(PACKAGE):
            return
        if event == "return":
            opened.pop()
        elif event == "call":
            lines, first = inspect.getsourcelines(code)
            name = place.relative_to(PACKAGE).as_posix()
            above = tuple(each for each in opened if "<" not in each)
            ran = Ran(name, code.co_qualname, first, first + len(lines), above)
            seen.setdefault((name, first), ran)
            opened.append(code.co_qualname)

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
    """Return a line for each function, where it is first called: below the one that calls it.

    Where that one has been named before, further up, it is named again, in parentheses.
    """
    printed: list[tuple[str, str]] = []  # a function, and its file
    last: tuple[str, ...] = ()  # what is open on the last line, and its function
    for ran in dense_step():
        if "<" in ran.function:
            continue
        both = zip(last, ran.above, strict=False)
        same = len(list(takewhile(lambda pair: pair[0] == pair[1], both)))
        for depth, name in enumerate(ran.above[same:], same):
            printed.append(("  " * depth + f"({name})", ""))
        printed.append(("  " * len(ran.above) + ran.function, ran.file))
        last = (*ran.above, ran.function)
    width = max(len(title) for title, _ in printed) + 2
    return ["```text", *(f"{title:{width}}{file}".rstrip() for title, file in printed), "```"]


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
