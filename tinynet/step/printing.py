"""A step as a table, and as Python that can be executed."""

from __future__ import annotations

import keyword
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import Kernel

if TYPE_CHECKING:
    from tinynet.step.tape import Line, Step

SIGNS = {"write": "->", "update": "+>"}
WIDTH = 64  # of what is called, in a table


class Names:
    """Names of the arrays of a step.

    An array in `Step.known` has its name there. Others are named by the part of the model that
    keeps them, and the attribute in which it does, "dense.logits"; or else by the part that writes
    them and the argument of the kernel.

    Parameters
    ----------
    step : Step
    """

    def __init__(self, step: Step) -> None:
        self.arrays: dict[str, Array] = {}
        self.by_place: dict[tuple[int, int], str] = {}
        used = {_place(array) for line in step.lines for array in arrays_of(line).values()}
        for name, array in step.known.items():
            self._put(name, array)
        for part, kept in step.kept.items():
            for attribute, array in kept.items():
                if _place(array) in used - self.by_place.keys():
                    self._put(f"{part}.{attribute}", array)
        for line in step.lines:
            for argument, array in arrays_of(line).items():
                if _place(array) not in self.by_place:
                    self._put(f"{line.part}.{argument}", array)

    def _put(self, name: str, array: Array) -> None:
        number, free = 2, name
        while free in self.arrays:
            number, free = number + 1, f"{name}_{number}"
        self.arrays[free] = array
        self.by_place.setdefault(_place(array), free)

    def of(self, array: Array) -> str:
        """Return the name of the array whose numbers these are, in whatever shape."""
        return self.by_place[_place(array)]

    def has(self, array: Array) -> bool:
        """Return whether an array has a name."""
        return _place(array) in self.by_place


def arrays_of(line: Line) -> dict[str, Array]:
    """Return the arrays of a line by the names of the arguments, with those of a view."""
    found = dict(zip(line.parameters, line.arguments, strict=False))
    name = line.title.split(".")[-1].split()[-1].strip("_")
    for i, each in enumerate(line.results):
        found[f"{name}[{i}]" if len(line.results) > 1 else name] = each
    return {name: each for name, each in found.items() if isinstance(each, np.ndarray)}


def _place(array: Array) -> tuple[int, int]:
    """Return where the numbers of an array are; those that stand in it many times count once."""
    sizes = [n for n, stride in zip(array.shape, array.strides, strict=True) if stride]
    return array.ctypes.data, math.prod(sizes) * array.itemsize


def table(step: Step) -> str:
    """Return one row for each line: what is called, and what it writes."""
    names = Names(step)
    rows: list[tuple[str, str]] = []
    for number, line in enumerate(step.lines, 1):
        results = []
        for name, value in zip(line.parameters, line.arguments, strict=False):
            sign = SIGNS.get(line.role(name))
            if sign is not None:
                text = names.of(value)
                results.append(f"{sign} {text} {names.arrays[text].shape}")
        results += [f"-> {names.of(each)} {each.shape}" for each in line.results]
        first, *others = results or [""]
        rows.append((f"{number:3}  {call_of(line, names)}", first))
        rows += [("", other) for other in others]
    wide = min(WIDTH, max((len(left) for left, _ in rows), default=0))
    owners = {id(each): each for each in map(_owner, names.arrays.values())}
    memory = sum(each.nbytes for each in owners.values()) / 2**20
    text = f"{len(step.lines)} lines, {len(names.arrays)} arrays, {memory:.1f} MB"
    for left, right in rows:
        row = left + f"\n{'':{wide}}" if len(left) > wide else f"{left:{wide}}"
        text += f"\n{row}  {right}".rstrip()
    return text


def call_of(line: Line, names: Names) -> str:
    """Return what a line calls, with the names of what is only read."""
    given = []
    for name, value in zip(line.parameters, line.arguments, strict=False):
        if line.role(name) == "read":
            is_array = isinstance(value, np.ndarray)
            turned = ".T" if is_array and is_turned(value) else ""
            given.append((names.of(value) if is_array else brief(value)) + turned)
    return f"{line.title}({', '.join(given)})"


def is_turned(array: Array) -> bool:
    """Return whether an array is another one with its axes in the reverse order."""
    return array.flags.f_contiguous and not array.flags.c_contiguous


def _owner(array: Array) -> Array:
    """Return the array to which the memory of this one belongs."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def brief(value: Any) -> str:
    """Return a number in a few digits, and the kind of anything else."""
    if isinstance(value, (float, np.floating)):
        return f"{value:g}"
    if value is None or (
        isinstance(value, (bool, int, str, tuple)) and not hasattr(value, "_fields")
    ):
        return repr(value)
    return f"<{type(value).__name__}>"


def as_python(step: Step) -> tuple[str, dict[str, Any]]:
    """Return the step as the lines of a program, and what the names in it stand for."""
    names = Names(step)
    space: dict[str, Any] = {
        line.function.name: line.function
        for line in step.lines
        if isinstance(line.function, Kernel)
    }
    written: dict[str, str] = {}  # how a name is written in Python
    for name, array in names.arrays.items():
        text = identifier(name)
        while text in space:
            text += "_"
        written[name], space[text] = text, array
    lines: list[str] = []
    part = None
    for number, line in enumerate(step.lines, 1):
        if line.part != part:
            part = line.part
            lines.append(f"# {part}")
        given = []
        for parameter, value in zip(line.parameters, line.arguments, strict=False):
            if isinstance(value, np.ndarray):
                name = names.of(value)
                text = expression(written[name], names.arrays[name], value)
            else:
                plain = value is None or isinstance(value, (bool, int, float, str))
                text = repr(value) if plain else ""
            if not text:
                text = f"{parameter}_{number}"
                space[text] = value
            given.append(text)
        function = line.title
        if not isinstance(line.function, Kernel):
            function = f"line_{number}_{identifier(line.title.split('.')[-1])}"
            space[function] = line.function
        call = f"{function}({', '.join(given)})"
        if line.results:
            places = [f"{written[names.of(each)]}[...]" for each in line.results]
            call = f"{', '.join(places)} = {call}"
        lines.append(call)
    return "\n".join(lines) + "\n", space


def identifier(name: str) -> str:
    """Return a name as Python can use it."""
    text = re.sub(r"\W", "_", name)
    return f"_{text}" if text[:1].isdigit() or keyword.iskeyword(text) else text


def expression(name: str, named: Array, view: Array) -> str:
    """Return how to write an array by another with the same numbers; nothing if that is long."""
    if named.dtype != view.dtype or not named.flags.c_contiguous:
        return ""
    for turned, array in (("", view), (".T", view.T)):
        if array.flags.c_contiguous:
            shape = "-1" if array.ndim == 1 else ", ".join(map(str, array.shape)) or "()"
            return name + ("" if array.shape == named.shape else f".reshape({shape})") + turned
    return ""
