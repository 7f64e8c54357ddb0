"""The terms of sums that are too long for a page: of each number, the largest ones are found here.

A matrix product is a `Sum`: its terms are found by strides. What the kernels of a convolution do
is `gathered`: each number is made from a few of an array, each with a share.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels import winograd

if TYPE_CHECKING:
    from tinynet.tracing.traced import TracedArray, TracedLine

TERMS = 4  # of a long sum
GATHERED = 9  # of a gathered one: all entries of a 3 x 3 kernel
FEWER_DIGITS = 4  # of numbers that are only shown
CHUNK = 1 << 22  # numbers of sums that are computed at a time

# Winograd's matrices: what its functions make of the rows of the identity.
B_T = np.array(winograd.times_b_t(*np.eye(6)))
A_T = np.array(winograd.times_a_t(*np.eye(6)))


def plain(values: Array, digits: int = 6) -> list[Any]:
    """Return numbers for JSON, with some digits of each; what is not finite as text."""
    flat = values.reshape(-1)
    if flat.dtype.kind in "iub":
        return [int(v) for v in flat]
    return [float(f"{v:.{digits}g}") if math.isfinite(v) else _in_script(v) for v in flat.tolist()]


def _in_script(value: float) -> str:
    """Return how JavaScript spells a number that is not finite."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


class Sum(NamedTuple):
    """A kernel's output as sums over k of a*b, or of a alone, times a factor.

    With o the index of an output in `axes`, the terms are a[o @ a_out + k * a_k], and likewise
    of b, in the order of the memory.
    """

    axes: tuple[int, ...]
    length: int
    a: TracedArray
    a_out: tuple[int, ...]
    a_k: int
    b: TracedArray | None = None
    b_out: tuple[int, ...] = ()
    b_k: int = 0
    factor: float = 1.0


def sum_of(line: TracedLine) -> Sum | None:
    """Return what a line sums up, if it does."""
    given = {array.argument: array for array in line.reads}
    if line.title == "product":
        a, b = given["a"], given["b"]
        (i, k), (k_of_b, j) = a.strides, b.strides
        return Sum((a.axes[0], b.axes[1]), a.axes[1], a, (i, 0), k, b, (0, j), k_of_b)
    if line.title == "batched_product":
        a, b = given["a"], given["b"]
        (n, i, k), (n_of_b, k_of_b, j) = a.strides, b.strides
        axes = *a.axes[:2], b.axes[2]
        return Sum(axes, a.axes[2], a, (n, i, 0), k, b, (n_of_b, 0, j), k_of_b)
    if line.title == "column_sum":
        x = given["x"]
        return Sum(x.axes[1:], x.axes[0], x, x.strides[1:], x.strides[0])
    if line.title == "weighted_sum":
        x, weights = given["x"], given["weights"]
        factor = float(line.constants["factor"])
        return Sum((), x.axes[0], x, (), x.strides[0], weights, (), weights.strides[0], factor)
    return None


def largest_terms(found: Sum, places: Array) -> dict[str, Any]:
    """Return the largest terms of some sums: their numbers in a and in b."""
    a = np.asarray(found.a.values, np.float64).reshape(-1)
    b = None if found.b is None else np.asarray(found.b.values, np.float64).reshape(-1)
    n = min(TERMS, found.length)
    k = np.arange(found.length)
    kept: list[list[Array]] = []
    step = max(1, CHUNK // found.length)
    for start in range(0, places.size, step):
        flat = places.reshape(-1)[start : start + step]
        index = np.array(np.unravel_index(flat, found.axes or (1,)))[: len(found.axes)]
        at_a = (np.array(found.a_out, int) @ index)[:, None] + k * found.a_k
        terms = np.abs(a[at_a])
        if b is not None:
            at_b = (np.array(found.b_out, int) @ index)[:, None] + k * found.b_k
            terms = terms * np.abs(b[at_b])
        # Those that are not numbers come first: they are what somebody looks for.
        largest = np.argsort(-np.nan_to_num(terms, nan=np.inf), axis=1, kind="stable")[:, :n]
        kept.append([a[np.take_along_axis(at_a, largest, 1)]])
        if b is not None:
            kept[-1].append(b[np.take_along_axis(at_b, largest, 1)])
    columns = [plain(np.concatenate(parts), FEWER_DIGITS) for parts in zip(*kept, strict=True)]
    return {"n": n, **dict(zip("ab", columns, strict=False))}


class Term(NamedTuple):
    """A term of each of some numbers: its share, and where in the array it is; 0 where none is."""

    share: Array
    place: tuple[Array, ...]


def _patches(line: TracedLine, at: tuple[Array, ...], axes: tuple[int, ...]) -> Iterator[Term]:
    n, y, z, i, j, c = at
    strides, dilation = line.constants["strides"], line.constants["dilation"]
    row, column = y * strides[0] + i * dilation[0], z * strides[1] + j * dilation[1]
    yield Term(np.ones(len(n)), (n, row, column, c))


def _put_around(line: TracedLine, at: tuple[Array, ...], axes: tuple[int, ...]) -> Iterator[Term]:
    n, row, column, c = at
    y, z = row - line.constants["before"][0], column - line.constants["before"][1]
    there = (y >= 0) & (z >= 0) & (y < axes[1]) & (z < axes[2])
    yield Term(there * 1.0, (n, y, z, c))


def _cut_out(line: TracedLine, at: tuple[Array, ...], axes: tuple[int, ...]) -> Iterator[Term]:
    n, y, z, c = at
    row, column = y + line.constants["before"][0], z + line.constants["before"][1]
    yield Term(np.ones(len(n)), (n, row, column, c))


def _add_patches(line: TracedLine, at: tuple[Array, ...], axes: tuple[int, ...]) -> Iterator[Term]:
    n, row, column, c = at
    (down, across), (i_apart, j_apart) = line.constants["strides"], line.constants["dilation"]
    for i, j in np.ndindex(axes[3:5]):
        y, y_off = np.divmod(row - i * i_apart, down)
        z, z_off = np.divmod(column - j * j_apart, across)
        met = (y_off == 0) & (z_off == 0) & (y >= 0) & (z >= 0) & (y < axes[1]) & (z < axes[2])
        yield Term(met * 1.0, (n, y, z, i + 0 * n, j + 0 * n, c))


def _turn(line: TracedLine, at: tuple[Array, ...], axes: tuple[int, ...]) -> Iterator[Term]:
    i, j, f, c = at
    yield Term(np.ones(len(i)), (i, j, c, f))


def _transform(line: TracedLine, at: tuple[Array, ...], axes: tuple[int, ...]) -> Iterator[Term]:
    o, p, c, f = at
    matrix = line.reads[0].values
    for i, j in np.ndindex(axes[:2]):
        yield Term(matrix[o, i] * matrix[p, j], (i + 0 * o, j + 0 * o, c, f))


def _tile_inputs(line: TracedLine, at: tuple[Array, ...], axes: tuple[int, ...]) -> Iterator[Term]:
    a, b, n, y, z, c = at
    for i, j in np.ndindex(6, 6):
        yield Term(B_T[a, i] * B_T[b, j], (n, 4 * y + i, 4 * z + j, c))


def _tile_outputs(line: TracedLine, at: tuple[Array, ...], axes: tuple[int, ...]) -> Iterator[Term]:
    n, row, column, f = at
    for a, b in np.ndindex(6, 6):
        share = A_T[row % 4, a] * A_T[column % 4, b]
        yield Term(share, (a + 0 * n, b + 0 * n, n, row // 4, column // 4, f))


def _tile_output_gradients(
    line: TracedLine, at: tuple[Array, ...], axes: tuple[int, ...]
) -> Iterator[Term]:
    a, b, n, y, z, f = at
    for i, j in np.ndindex(4, 4):
        row, column = 4 * y + i, 4 * z + j
        there = (row < axes[1]) & (column < axes[2])
        yield Term(A_T[i, a] * A_T[j, b] * there, (n, row, column, f))


def _add_tiles(line: TracedLine, at: tuple[Array, ...], axes: tuple[int, ...]) -> Iterator[Term]:
    n, row, column, c = at
    for up, left in itertools.product((0, 1), repeat=2):  # tiles overlap
        y, z = row // 4 - up, column // 4 - left
        i, j = row - 4 * y, column - 4 * z
        there = (y >= 0) & (z >= 0) & (y < axes[3]) & (z < axes[4]) & (i < 6) & (j < 6)
        for a, b in np.ndindex(6, 6):
            share = B_T[a, np.minimum(i, 5)] * B_T[b, np.minimum(j, 5)] * there
            yield Term(share, (a + 0 * n, b + 0 * n, n, y, z, c))


# For each kernel the argument that it gathers from, and the terms.
GATHERS = {
    "put_around": ("x", _put_around),
    "cut_out": ("dout", _cut_out),
    "patches": ("x", _patches),
    "add_patches": ("dpatches", _add_patches),
    "turn": ("weights", _turn),
    "transform": ("block", _transform),
    "tile_inputs": ("x", _tile_inputs),
    "tile_outputs": ("products", _tile_outputs),
    "tile_output_gradients": ("dout", _tile_output_gradients),
    "add_tiles": ("dtiles", _add_tiles),
}


def gathered(line: TracedLine, places: Array) -> dict[str, Any]:
    """Return of which numbers those at some places are made: the largest terms of each.

    `count` says how many there are; a share is 0 where there are fewer than n.
    """
    argument, terms_of = GATHERS[line.title]
    (source,) = (array for array in line.reads if array.argument == argument)
    (out,) = line.writes
    flat = np.asarray(source.values, np.float64).reshape(-1)
    shares, found = [], []
    for share, place in terms_of(line, np.unravel_index(places.reshape(-1), out.axes), source.axes):
        shares.append(share)
        found.append(np.ravel_multi_index(place, source.axes, mode="clip"))
    all_shares, all_places = np.stack(shares, axis=1), np.stack(found, axis=1)
    numbers = flat[all_places]
    size = np.abs(all_shares * np.nan_to_num(numbers, nan=np.inf))
    n = min(GATHERED, all_shares.shape[1])
    largest = np.argsort(-np.where(all_shares == 0, -1, size), axis=1, kind="stable")[:, :n]
    kept = [np.take_along_axis(each, largest, axis=1) for each in (all_shares, numbers, all_places)]
    return {
        "argument": argument,
        "n": n,
        "count": plain(np.count_nonzero(all_shares, axis=1)),
        **dict(zip(("shares", "numbers", "places"), map(plain, kept), strict=True)),
    }
