"""A step is written down while it runs: every kernel that is called appends a line.

    with write_down() as step:
        model.train_step(batch)
    step.run()          # the same kernels on the same arrays, and no layers in between

So the layers, the losses and the optimizers are written once, in the way that reads like the
formula. What they compute with NumPy, a step would not see; so they only call kernels, or functions
through `call`, which become lines, too. What does more becomes a line as a whole (telling.py).

To read a layer, take ``call(f, *a)`` for ``f(*a)``, and skip the rest of this file at first. The
tape records calls; it does not differentiate them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import Kernel, active_form, here
from tinynet.step import printing


class Line(NamedTuple):
    """A function, and the arguments that it is called with in every step.

    Attributes
    ----------
    part : str
        What wrote the line, where `telling` watches: a layer's name, "loss", "optimizer", ...
    function : callable
        A kernel or, in a line of Python, any function.
    arguments : tuple
    results : tuple of ndarray
        In a line of Python: where the array that the function returns is copied to, or several are.
    """

    part: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    results: tuple[Array, ...] = ()

    def run(self) -> None:
        """Call the function."""
        found = self.function(*self.arguments)
        for place, each in zip(self.results, several(found), strict=False):
            place[...] = each

    @property
    def title(self) -> str:
        """The function's name; with "python" in front unless it is a kernel."""
        if isinstance(self.function, Kernel):
            return self.function.name
        return f"python {getattr(self.function, '__qualname__', type(self.function).__name__)}"

    @property
    def parameters(self) -> list[str]:
        """Names for the arguments."""
        if isinstance(self.function, Kernel):
            return self.function.parameters
        return [f"argument_{i}" for i in range(1, len(self.arguments) + 1)]

    def role(self, parameter: str) -> str:
        """Return what happens to an argument: "read", "update" or "write".

        Of a line of Python only the arguments are known, not what it does with them.
        """
        if isinstance(self.function, Kernel) and parameter in self.function.arrays:
            return self.function.arrays[parameter].role
        return "read"


class Step:
    """The lines of a step, in their order; `print` shows them as a table.

    Attributes
    ----------
    lines : list of Line
    known : dict of str to ndarray
        Arrays that have a name, such as "dense/kernel".
    kept : dict of str to dict of str to ndarray
        What each part of the model keeps, by the names of its attributes.
    """

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.known: dict[str, Array] = {}
        self.kept: dict[str, dict[str, Array]] = {}
        self._compiled: Any = None  # a tinynet.step.compiled.Loop

    def add(self, kernel: Kernel, arguments: tuple[Any, ...]) -> None:
        """Append the call of a kernel, and run it."""
        line = Line(here.part, kernel, arguments)
        self.lines.append(line)
        form = active_form()
        if form == "numba" and self._loop().add(line):
            return
        kernel.form(form)(*arguments)

    def keep(self, function: Callable[..., Any], arguments: tuple[Any, ...], found: Any) -> Any:
        """Append the call of a Python function, and return a copy of what it has returned."""
        results = tuple(np.array(each, order="C") for each in several(found))
        self.lines.append(Line(here.part, function, arguments, results))
        return list(results) if isinstance(found, list) else next(iter(results), None)

    def run(self, times: int = 1) -> None:
        """Run all lines, `times` times: compiled ones that follow each other in one call."""
        if active_form() == "numba":
            self._loop().run(self.lines, times)
        else:
            for line in self.lines * times:
                line.run()

    def alone(self, line: Line) -> Callable[[], object]:
        """Return a function that runs one of the lines as `run` does, but in one thread."""
        return self._loop().alone(line) if active_form() == "numba" else line.run

    def _loop(self) -> Any:
        if self._compiled is None:
            from tinynet.step.compiled import Loop  # imports Numba

            self._compiled = Loop()
        return self._compiled

    def __str__(self) -> str:
        """Return a row for each line: -> is written, +> is updated."""
        return printing.table(self)

    def as_python(self) -> tuple[str, dict[str, Any]]:
        """Return the step as a program in Python, and what the names in it stand for.

        ``exec(*step.as_python())`` does the same as ``step.run()``.
        """
        return printing.as_python(self)


@contextmanager
def write_down(step: Step | None = None) -> Iterator[Step]:
    """Write down what this thread computes inside a ``with`` block; by default in a new step."""
    step = Step() if step is None else step
    before, here.tape = (here.tape, here.part), step
    try:
        yield step
    finally:
        here.tape, here.part = before


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function; while a step is written down, as a line of it.

    Parameters
    ----------
    function : callable
        A kernel, or a function that returns an array, a list of them, a number or None. What it
        calls is not written down.
    *arguments
        In every step the same objects.

    Returns
    -------
    object
        What the function returns. While a step is written down, it is an array of the step's own,
        into which the result is copied in every step.
    """
    step = here.tape
    if step is None or isinstance(function, Kernel):
        return function(*arguments)
    return step.keep(function, arguments, _unseen(function, arguments))


def view_or_call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that depends on nothing but its arguments, and may return a view of one.

    As `call`, but a view needs no line: it stays the same.
    """
    step = here.tape
    if step is None:
        return function(*arguments)
    found = _unseen(function, arguments)
    arrays = [each for each in arguments if isinstance(each, np.ndarray)]
    if any(np.may_share_memory(found, each) for each in arrays):
        return found
    return step.keep(function, arguments, found)


def _unseen(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call a function; the kernels that it calls are not written down."""
    step, here.tape = here.tape, None
    try:
        return function(*arguments)
    finally:
        here.tape = step


class Computes:
    """What computes in a step: a layer, a loss, an optimizer or the metrics.

    Attributes
    ----------
    only_kernels : bool
        Whether its methods compute by nothing but kernels, and functions through `call`, and can
        be written down line by line; otherwise they are lines themselves. For a class outside of
        tinynet that replaces one of them this is False, unless it says so itself.
    computing : tuple of str
        The names of these methods.
    """

    only_kernels: Any = False
    computing: tuple[str, ...] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        """Take nothing for granted about methods that somebody replaces."""
        super().__init_subclass__(**options)
        own, home = vars(cls), cls.__module__.partition(".")[0]
        replaces = any(name in own for name in cls.computing)
        if home != "tinynet" and replaces and "only_kernels" not in own:
            cls.only_kernels = False


def several(found: Any) -> list[Any]:
    """Return what a function has returned as a list; an empty one for None."""
    if isinstance(found, list):
        return found
    return [] if found is None else [found]


def in_order(x: Array) -> Array:
    """Return an array that is stored row by row: itself if it is."""
    found: Array = view_or_call(np.ascontiguousarray, x)
    return found


def as_number(array: Array) -> Any:
    """Return an array without axes as a float; as it is while a step is written down."""
    return float(array) if here.tape is None else array
