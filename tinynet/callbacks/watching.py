"""Where NaN comes from: steps are made once more, and each array is looked at when it is written.

When the loss is NaN, the step has put NaN everywhere, and its cause is gone. So a copy of the
numbers is kept from a few steps before (`LastSteps`). The steps since then are made again with a
copy of the model, kernel by kernel (`Watch`), until the first number that is not finite.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tinynet import random
from tinynet.arrays import Array
from tinynet.kernels.registry import Kernel, here
from tinynet.step.printing import Names, arrays_of, call_of
from tinynet.step.tape import Line, Step

GROWN = 100  # times larger than some steps ago: what training has blown up
LARGE = 1e6  # beyond it, numbers that come from outside are too large


class Explanation(NamedTuple):
    """The first number that is not finite.

    Attributes
    ----------
    batch : int
        In which batch of its epoch, from 0; -1 if a weight had it before the steps that are known.
    layer : str
        The layer, "loss" or "optimizer"; where the weight of a layer broke, that layer.
    array : str
        The name of the array, as in a list of a step: "dense/kernel", "dense.logits".
    line : str
        What wrote it: "adam(d dense/kernel, ...)".
    cause : str
        What it comes from most likely, and what to do.
    """

    batch: int
    layer: str
    array: str
    line: str
    cause: str

    def __str__(self) -> str:
        """Return it in words."""
        part = "the loss" if self.layer == "loss" else f"layer {self.layer}"
        if self.batch < 0:
            return f"NaN or infinity is in {self.array} of {part} from the start: {self.cause}"
        return (
            f"the first NaN or infinity is in batch {self.batch}, in {self.array} of {part}, "
            f"written by {self.line}. Likely cause: {self.cause}"
        )


class LastSteps:
    """The last steps of a training, to be made once more.

    Parameters
    ----------
    model : Trainer
    steps : Repeat or Feed
        What makes its steps.
    """

    def __init__(self, model: Any, steps: Any) -> None:
        self.model, self.steps = model, steps
        self.state: dict[str, Any] = {}
        self.first = self.made = 0  # the step before which `state` was copied, and how many since
        steps.begin_to_remember()

    def copy_before(self, step: int) -> None:
        """Copy what a step changes, before the step of this number in an epoch."""
        self.state, self.first, self.made = _state(self.model), step, 0

    def went_well(self) -> None:
        """Count a step; copy what it has changed, from time to time.

        It is due, too, if an epoch has not begun with its first step: a run went on where an
        earlier one was, with other weights.
        """
        self.made += 1
        step: int = self.steps.steps
        if self.first + self.made != step or self.made >= self.steps.remembers:
            self.copy_before(step)

    def explain(self) -> Explanation | None:
        """Make the steps again with a copy of the model; return where it broke, None if nowhere."""
        with random.untouched(), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            if self.first + self.made + 1 != self.steps.steps:
                return None
            model = copy.deepcopy(self.model)
            _restore(model, self.state)
            start = {name: _largest(each) for name, each in _lasting(model).items()}
            for name, each in _lasting(model).items():
                if not np.isfinite(each).all():
                    cause = "was it loaded or set like that, or set by a callback?"
                    return Explanation(-1, _layer_of(name), name, "", cause)
            taken = self.steps.last(self.steps.steps - self.first)
            for number, (data, rows) in enumerate(taken, self.first):
                seen = Watch(_lasting(model))
                model.figures.reset()
                with model.freezing.as_at_first("fit", model):
                    made = self.steps.once_more(model, data, rows, seen)
                lasting = _lasting(model).values()
                if np.isfinite(float(model.figures.loss.total)) and all(map(_finite, lasting)):
                    continue
                return seen.explanation(number, Names(made.step), start, model)
        return None


class Watch(Step):
    """A step, written down, in which the first number that is not finite is found.

    Parameters
    ----------
    lasting : dict of str to ndarray
        Weights and the like, which a line of Python may change without a trace.
    """

    def __init__(self, lasting: Mapping[str, Array]) -> None:
        super().__init__()
        self.lasting = lasting
        self.before = {name: _largest(each) for name, each in lasting.items()}
        self.line: Line | None = None
        self.array: Array | None = None
        self.given: dict[str, tuple[Array, float]] = {}  # what the line read: its largest numbers

    def add(self, kernel: Kernel, arguments: tuple[Any, ...]) -> None:
        """Append the call of a kernel, run it, and look at what it has written."""
        before = {}
        if self.line is None:
            planned = Line("", kernel, arguments)
            given = arrays_of(planned).items()
            before = {k: (a, _largest(a)) for k, a in given if planned.role(k) != "write"}
            broken = [a for a, _ in before.values() if not _finite(a)]
            self._look(Line(here.part, _no_kernel, ()), broken, {})
        super().add(kernel, arguments)
        if self.line is None:
            line = self.lines[-1]
            written = [a for name, a in arrays_of(line).items() if line.role(name) != "read"]
            self._look(line, written, before)

    def keep(self, function: Any, arguments: tuple[Any, ...], found: Any) -> Any:
        """Append the call of a Python function, which has run, and look at what it has changed."""
        result = super().keep(function, arguments, found)
        if self.line is None:
            line = self.lines[-1]
            given = [each for each in arguments if isinstance(each, np.ndarray)]
            before = {str(i): (a, _largest(a)) for i, a in enumerate(given) if _finite(a)}
            self._look(line, [*line.results, *given, *self.lasting.values()], before)
        return result

    def _look(self, line: Line, written: list[Array], given: dict[str, Any]) -> None:
        for array in written:
            if not _finite(array):
                self.line, self.array, self.given = line, array, given
                return

    def explanation(
        self, batch: int, names: Names, start: Mapping[str, float], model: Any
    ) -> Explanation:
        """Return what has been found, with the likely cause.

        Parameters
        ----------
        batch : int
        names : Names
            Of the arrays of the step.
        start : dict of str to float
            How large the weights were some steps ago.
        model : Trainer
        """
        if self.line is None or self.array is None:  # NumPy code between two lines
            return Explanation(batch, "loss", "loss", "no kernel", "code of your own in the model")
        line, array = self.line, self.array
        argument = next((k for k, a in arrays_of(line).items() if a is array), "given")
        name = next((k for k, a in self.lasting.items() if a is array), "")
        if not name:
            name = names.of(array) if names.has(array) else f"{line.part}.{argument}"
        known = all(names.has(a) for a, _ in self.given.values())
        called = call_of(line, names) if known and isinstance(line.function, Kernel) else line.title
        called = "code that is no kernel" if line.function is _no_kernel else called
        layer = _layer_of(name) if line.part == "optimizer" else line.part
        return Explanation(batch, layer, name, called, self._cause(line, name, start, model))

    def _cause(self, line: Line, name: str, start: Mapping[str, float], model: Any) -> str:
        rate = float(model.optimizer.learning_rate)
        smaller = f"make the learning rate ({rate:g}) ten times smaller, or clip the gradients"
        weights = {key: each for key, each in self.before.items() if key in start}
        grown = [k for k, each in weights.items() if each > GROWN * max(start[k], 1)]
        largest = max((each for _, each in self.given.values()), default=0.0)
        if line.function is _no_kernel:
            return "a function of your own, the loss or what a layer calls, does not stay finite"
        if line.part == "optimizer":
            return f"the step was too large, from numbers of up to {largest:.2g}: {smaller}"
        if grown:
            key = max(grown, key=lambda each: weights[each])
            said = f"{key} has grown from {start[key]:.2g} to {weights[key]:.2g}"
            return f"{said}, so the steps were too large: {smaller}"
        if largest > LARGE:
            return (
                f"it was made from numbers of up to {largest:.2g}: scale the data, or begin with "
                f"smaller weights"
            )
        return (
            f"it was made from finite numbers of up to {largest:.2g}: look for a logarithm or a "
            f"division whose argument can be 0, or a root of a negative number"
        )


def _no_kernel() -> None:
    """Stand for code that writes an array and is no line of the step."""


def _layer_of(name: str) -> str:
    """Return the layer to which "momentum dense/kernel" belongs."""
    return name.split()[-1].rpartition("/")[0]


def _finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _largest(array: Array) -> float:
    return float(np.max(np.abs(array))) if array.size and array.dtype.kind in "fiu" else 0.0


def _lasting(model: Any) -> dict[str, Array]:
    """Return what outlives a step: weights, states, and the memory of the optimizer."""
    found = dict(model.arrays)
    for name, slots in model.optimizer.slots.items():
        found |= {f"{slot} {name}": each for slot, each in slots.items()}
    return found


def _state(model: Any) -> dict[str, Any]:
    """Return copies of all numbers that a step changes."""
    return {
        "arrays": {name: each.copy() for name, each in model.arrays.items()},
        "optimizer": {name: np.copy(each) for name, each in model.optimizer.get_state().items()},
        "random": {
            path: layer.seed_generator.state.copy()
            for path, layer in model.leaves.items()
            if layer.seed_generator is not None
        },
    }


def _restore(model: Any, state: Mapping[str, Any]) -> None:
    for name, each in model.arrays.items():
        each[...] = state["arrays"][name]
    model.optimizer.set_state(state["optimizer"])
    for path, each in state["random"].items():
        model.leaves[path].seed_generator.state = each
