"""Where branches meet: sums, products and maxima of two arrays, and arrays side by side."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(a="i", b="i", out=">i")
def add(a: Array, b: Array, out: Array) -> None:
    """out = a + b, all (n,)."""
    np.add(a, b, out=out)


@add.loops
def add_loops(a: Array, b: Array, out: Array) -> None:
    for i in range(a.size):
        out[i] = a[i] + b[i]


@kernel(x="i", total="+i")
def add_to(x: Array, total: Array) -> None:
    """total += x, both (n,)."""
    total += x


@add_to.loops
def add_to_loops(x: Array, total: Array) -> None:
    for i in range(x.size):
        total[i] += x[i]


@kernel(a="i", b="i", out=">i")
def subtract(a: Array, b: Array, out: Array) -> None:
    """out = a - b, all (n,)."""
    np.subtract(a, b, out=out)


@subtract.loops
def subtract_loops(a: Array, b: Array, out: Array) -> None:
    for i in range(a.size):
        out[i] = a[i] - b[i]


@kernel(a="i", b="i", out=">i")
def multiply(a: Array, b: Array, out: Array) -> None:
    """out = a * b, all (n,)."""
    np.multiply(a, b, out=out)


@multiply.loops
def multiply_loops(a: Array, b: Array, out: Array) -> None:
    for i in range(a.size):
        out[i] = a[i] * b[i]


@kernel(x="i", out=">i")
def scale_by(x: Array, factor: float, out: Array) -> None:
    """out = x * factor, in the type of x, both (n,)."""
    np.multiply(x, x.dtype.type(factor), out=out)


@scale_by.loops
def scale_by_loops(x: Array, factor: float, out: Array) -> None:
    number = x.dtype.type
    by = number(factor)
    for i in range(x.size):
        out[i] = x[i] * by


@kernel(a="i", b="i", out=">i")
def maximum(a: Array, b: Array, out: Array) -> None:
    """out = max(a, b), all (n,); NaN where one of them is."""
    np.maximum(a, b, out=out)


@maximum.loops
def maximum_loops(a: Array, b: Array, out: Array) -> None:
    for i in range(a.size):
        out[i] = a[i] if a[i] >= b[i] or np.isnan(a[i]) else b[i]


@kernel(a="i", b="i", dout="i", da=">i", db=">i")
def maximum_backward(a: Array, b: Array, dout: Array, da: Array, db: Array) -> None:
    """da = dout where a >= b, db = dout elsewhere, 0 otherwise; all (n,)."""
    first = a >= b
    da[...] = np.where(first, dout, 0)
    db[...] = np.where(first, 0, dout)


@maximum_backward.loops
def maximum_backward_loops(a: Array, b: Array, dout: Array, da: Array, db: Array) -> None:
    for i in range(a.size):
        first = a[i] >= b[i]
        da[i] = dout[i] if first else 0
        db[i] = 0 if first else dout[i]


@kernel(a="i", b="i", out=">i")
def minimum(a: Array, b: Array, out: Array) -> None:
    """out = min(a, b), all (n,); NaN where one of them is."""
    np.minimum(a, b, out=out)


@minimum.loops
def minimum_loops(a: Array, b: Array, out: Array) -> None:
    for i in range(a.size):
        out[i] = a[i] if a[i] <= b[i] or np.isnan(a[i]) else b[i]


@kernel(a="i", b="i", dout="i", da=">i", db=">i")
def minimum_backward(a: Array, b: Array, dout: Array, da: Array, db: Array) -> None:
    """da = dout where a <= b, db = dout elsewhere, 0 otherwise; all (n,)."""
    first = a <= b
    da[...] = np.where(first, dout, 0)
    db[...] = np.where(first, 0, dout)


@minimum_backward.loops
def minimum_backward_loops(a: Array, b: Array, dout: Array, da: Array, db: Array) -> None:
    for i in range(a.size):
        first = a[i] <= b[i]
        da[i] = dout[i] if first else 0
        db[i] = 0 if first else dout[i]


@kernel(x="iJ", out="+iK")
def put_columns(x: Array, first: int, out: Array) -> None:
    """out[i, first + j] = x[i, j]: x (rows, width), out (rows, columns)."""
    out[:, first : first + x.shape[1]] = x


@put_columns.loops
def put_columns_loops(x: Array, first: int, out: Array) -> None:
    rows, width = x.shape
    for i in range(rows):
        for j in range(width):
            out[i, first + j] = x[i, j]


@kernel(x="iJ", out=">iK")
def take_columns(x: Array, first: int, out: Array) -> None:
    """out[i, j] = x[i, first + j]: x (rows, columns), out (rows, width)."""
    out[...] = x[:, first : first + out.shape[1]]


@take_columns.loops
def take_columns_loops(x: Array, first: int, out: Array) -> None:
    rows, width = out.shape
    for i in range(rows):
        for j in range(width):
            out[i, j] = x[i, first + j]
