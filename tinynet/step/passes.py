"""Passes: from a list of lines to another one that computes the same with less work."""

from __future__ import annotations

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
