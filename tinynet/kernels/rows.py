"""Picking a batch out of the data, and scaling pixels."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(source="Nj", rows="i", out=">ij")
def gather_rows(source: Array, rows: Array, out: Array) -> None:
    """out[i] = source[rows[i]], cast to out's dtype: source (n, columns), out (rows, columns).

    The cast happens here, one batch at a time, so that a data set of uint8 pixels (or of
    float64 numbers for a float32 model) is never copied as a whole.
    """
    out[...] = source[rows]


@gather_rows.loops
def gather_rows_loops(source: Array, rows: Array, out: Array) -> None:
    columns = source.shape[1]
    for i in range(rows.size):
        row = rows[i]
        for j in range(columns):
            out[i, j] = source[row, j]


@kernel(x="i", out=">i")
def cast(x: Array, out: Array) -> None:
    """out = x in the type of out, all (n,): labels that are bytes as integers, for instance."""
    out[...] = x


@cast.loops
def cast_loops(x: Array, out: Array) -> None:
    for i in range(x.size):
        out[i] = x[i]


@kernel(x="i", out=">i")
def rescale(x: Array, scale: float, offset: float, out: Array) -> None:
    """out = x*scale + offset, all (n,); x may hold integers, the arithmetic is in out's dtype."""
    number = out.dtype.type
    np.multiply(x.astype(out.dtype), number(scale), out=out)
    out += number(offset)


@rescale.loops
def rescale_loops(x: Array, scale: float, offset: float, out: Array) -> None:
    number = out.dtype.type
    factor = number(scale)
    shift = number(offset)
    for i in range(x.size):
        out[i] = number(x[i]) * factor + shift


@kernel(x="ij", scale="j", offset="j", out=">ij")
def rescale_columns(x: Array, scale: Array, offset: Array, out: Array) -> None:
    """out = x*scale + offset: x, out (rows, columns), scale, offset (columns,) of out's dtype."""
    np.multiply(x.astype(out.dtype), scale, out=out)
    out += offset


@rescale_columns.loops
def rescale_columns_loops(x: Array, scale: Array, offset: Array, out: Array) -> None:
    number = out.dtype.type
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[i, j] = number(x[i, j]) * scale[j] + offset[j]
