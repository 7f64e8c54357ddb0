"""Passes: from a list of lines to another one that computes the same with less work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.pooling import max_pool, max_pool_backward
from tinynet.kernels.registry import Kernel
from tinynet.kernels.relu import relu, relu_backward
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


def relu_before_pooling(lines: Sequence[Line], kept: Iterable[Array]) -> list[Line]:
    """Take the derivative of a ReLU before the way back through max pooling, not behind it.

    Pooling hands a gradient to the pixel that was the largest of its window. What the ReLU had
    there is what came out of the pooling, so whether it was above 0 can be asked of that, which has
    a number for each window in the place of one for each pixel; all other pixels get 0 anyway.

    Not where windows overlap: a pixel gets a sum, which may be rounded, or overflow, before the
    ReLU or behind it.

    Parameters
    ----------
    lines : sequence of Line
    kept : iterable of ndarray
        What may be read after the step.

    Returns
    -------
    list of Line
        As before where somebody else reads what is between the two, or an array was overwritten.
    """
    found, always = list(lines), [span(array) for array in kept]
    for i in range(len(lines) - 1):
        first, second = lines[i : i + 2]
        pool = _pool_of_relu(lines[:i], first, second)
        if pool is None:
            continue
        dout, which, *windows, da = first.arguments
        out, dz = _given(pool, "out"), _given(second, "dx")
        others = [*lines[:i], *lines[i + 2 :]]
        read = [span(array) for line in others for array in arrays_in(line)]
        flat = dout.flags.c_contiguous and out.flags.c_contiguous  # else reshape makes a copy
        if meet([span(da)], always + read) or not flat:
            continue
        smaller = np.empty_like(dout)
        numbers = dout.reshape(-1), out.reshape(-1), out.reshape(-1), smaller.reshape(-1)
        pixels = smaller, which, *windows, dz.reshape(da.shape)
        found[i : i + 2] = second._replace(arguments=numbers), first._replace(arguments=pixels)
    return found


def _pool_of_relu(lines: Sequence[Line], first: Line, second: Line) -> Line | None:
    """Return the line in which a ReLU is pooled whose way back are two others; or None."""
    if first.function is not max_pool_backward or second.function is not relu_backward:
        return None
    (_, which, size, strides, _, da), (given, z, a, _) = first.arguments, second.arguments
    if any(side > apart for side, apart in zip(size, strides, strict=True)):
        return None
    relu_at, pool_at = _last_to_write(lines, a), _last_to_write(lines, which)
    if not -1 < relu_at < pool_at or _last_to_write(lines, z) > relu_at:
        return None
    of_relu, pool = lines[relu_at], lines[pool_at]
    if (
        span(da) == span(given)
        and of_relu.function is relu
        and [span(each) for each in of_relu.arguments] == [span(z), span(a)]
        and pool.function is max_pool
        and [span(_given(pool, "x")), span(_given(pool, "which"))] == [span(a), span(which)]
        and _last_to_write(lines, _given(pool, "out")) == pool_at
    ):
        return pool
    return None


def _given(line: Line, name: str) -> Any:
    """Return the argument of a line that a parameter of its kernel names."""
    return line.arguments[line.parameters.index(name)]


def _last_to_write(lines: Sequence[Line], array: Array) -> int:
    """Return the number of the last line that writes to an array, -1 if none does."""
    for number in range(len(lines) - 1, -1, -1):
        if meet([span(array)], map(span, arrays_in(lines[number], "update", "write"))):
            return number
    return -1


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
    """Yield the arrays in a value: itself, or those in a dict, list or tuple."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _arrays(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _arrays(each)
