"""Passes: from a list of lines to another one that computes the same with less work."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import Kernel
from tinynet.step.tape import Line

ROLES = ("read", "update", "write")
Span = tuple[int, int]  # addresses of the first byte and of the one after the last


def without_unread(lines: Sequence[Line], kept: Iterable[Array]) -> list[Line]:
    """Leave out the kernels whose results nobody reads.

    The lowest layer of a model that learns has nothing below it to pass a gradient to. With images,
    that gradient can be the largest part of the work.

    Parameters
    ----------
    lines : sequence of Line
    kept : iterable of ndarray
        What may be read after the step: weights, states, what layers keep in attributes. What is
        updated before any line has written it, such as a sum over all steps, is kept, too.

    Returns
    -------
    list of Line
        Lines of Python are all there: nobody knows what else they do.
    """
    always = {span(array) for array in kept} | _from_step_to_step(lines)
    wanted = set(always)  # what is read by the lines behind
    left = []
    for line in reversed(lines):
        written = [span(array) for array in arrays_in(line, "write", "update")]
        if isinstance(line.function, Kernel) and not meet(written, wanted):
            continue
        left.append(line)
        if isinstance(line.function, Kernel):
            wanted -= {span(array) for array in arrays_in(line, "write")} - always
        wanted |= {span(array) for array in arrays_in(line, "read", "update")}
    return left[::-1]


def without_repeats(lines: Sequence[Line], kept: Iterable[Array]) -> list[Line]:
    """Leave out the kernels whose result is there already; who read it reads the first one.

    A convolution lays out the pixels under its windows on the way up, and once more on the way
    down. Where all of them were in memory at once, they still are.

    Parameters
    ----------
    lines : sequence of Line
    kept : iterable of ndarray
        What may be read after the step.

    Returns
    -------
    list of Line
    """
    needed = [span(array) for array in kept]
    left = list(lines)
    number = 0
    while number < len(left):
        first = _with_the_result(left, number, needed)
        if first is None:
            number += 1
        else:
            old, new = _written(left.pop(number)), _written(left[first])
            left[number:] = [_reading(new, old, line) for line in left[number:]]
    return left


def _with_the_result(lines: Sequence[Line], number: int, needed: Sequence[Span]) -> int | None:
    """Return which earlier line has a result that can stand for that of line `number`."""
    line, before, after = lines[number], lines[:number], lines[number + 1 :]
    first = next((i for i, each in enumerate(before) if _is_the_same(each, line)), None)
    if first is None:
        return None
    own, other = span(_written(line)), span(_written(lines[first]))
    python = [each for each in after if not isinstance(each.function, Kernel)]
    changed = [*_spans(lines[first + 1 : number], "update", "write")]
    changed_later = [*_spans(after, "update", "write")]
    if (
        meet([own], [*_spans(before), *_spans(python), *changed_later, *needed])
        or meet([other], [*changed, *changed_later])
        or meet(_spans([line], "read"), changed)
    ):
        return None
    return first


def _is_the_same(one: Line, other: Line) -> bool:
    """Return whether two kernels make an array of the same form, from the same arguments."""
    kernel = one.function
    if kernel is not other.function or not isinstance(kernel, Kernel):
        return False
    roles = [each.role for each in kernel.arrays.values()]
    if "update" in roles or roles.count("write") != 1:
        return False
    for name, x, y in zip(kernel.parameters, one.arguments, other.arguments, strict=True):
        if one.role(name) == "write":
            same = x.flags.c_contiguous and _form(x) == _form(y)
        elif isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
            same = x.ctypes.data == y.ctypes.data and _form(x) == _form(y)
        else:
            same = type(x) is type(y) and x == y
        if not same:
            return False
    return True


def _form(array: Array) -> object:
    return array.shape, array.strides, array.dtype


def _written(line: Line) -> Array:
    return next(arrays_in(line, "write"))


def _reading(new: Array, old: Array, line: Line) -> Line:
    """Return a line that reads what it reads of one array from another one."""

    def moved(value: Any) -> Any:
        if not isinstance(value, np.ndarray) or not meet([span(value)], [span(old)]):
            return value
        numbers, place = new.reshape(-1).view(np.uint8), value.ctypes.data - old.ctypes.data
        return np.ndarray(value.shape, value.dtype, numbers, place, value.strides)

    arguments = tuple(map(moved, line.arguments))
    same = all(map(operator.is_, arguments, line.arguments))
    return line if same else line._replace(arguments=arguments)


def _spans(lines: Sequence[Line], *roles: str) -> Iterator[Span]:
    """Yield where the arrays of some lines lie."""
    return (span(array) for line in lines for array in arrays_in(line, *roles))


def _from_step_to_step(lines: Sequence[Line]) -> set[Span]:
    """Return what lines update that no line before them has written."""
    found: set[Span] = set()
    written: set[Span] = set()
    for line in lines:
        updated = {span(array) for array in arrays_in(line, "update")}
        found |= {each for each in updated if not meet([each], written)}
        written |= updated | {span(array) for array in arrays_in(line, "write")}
    return found


def arrays_in(line: Line, *roles: str) -> Iterator[Array]:
    """Yield the arrays of a line that it reads, updates or writes; by default all."""
    roles = roles or ROLES
    for name, value in zip(line.parameters, line.arguments, strict=False):
        if line.role(name) in roles:
            yield from _arrays(value)
    if "write" in roles:
        yield from line.results


def span(array: Array) -> Span:
    """Return where an array lies in memory."""
    first, end = np.lib.array_utils.byte_bounds(array)
    return int(first), int(end)


def meet(some: Iterable[Span], others: Iterable[Span]) -> bool:
    """Return whether any of some arrays has memory in common with any of others."""
    others = list(others)
    return any(a < d and c < b for a, b in some for c, d in others)


def _arrays(value: Any) -> Iterator[Array]:
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _arrays(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _arrays(each)
