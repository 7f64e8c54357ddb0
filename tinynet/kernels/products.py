"""Matrix products. Large ones are computed in two halves, by two threads where that is faster.

Where a product is cut depends on its shape alone. So its bits do not depend on who computes the
halves: NumPy, or one thread, or two (team.py).
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels import team

LARGE = 1 << 19  # multiplications: smaller products are done before another thread has noticed
# BLAS works on blocks of 16, and NumPy computes a single row or column by another function of it,
# with other bits.
HALF = 16


def product(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return the matrix product of a (rows, depth) and b (depth, columns).

    Parameters
    ----------
    a, b : ndarray of float32 or float64
    out : ndarray of shape (rows, columns), optional
        Where the result goes; a new array by default.

    Returns
    -------
    ndarray of shape (rows, columns)
    """
    if out is None:
        out = np.empty((len(a), b.shape[1]), np.result_type(a, b))
    if out.size * len(b) < LARGE or max(out.shape) < 2 * HALF or min(*out.shape, len(b)) < 2:
        np.matmul(a, b, out=out)
    else:
        axis, cut = where_cut(*out.shape)
        if not team.multiply(a, b, out, axis, cut):
            in_halves(a, b, out, axis, cut)
    return out


def where_cut(rows: int, columns: int) -> tuple[int, int]:
    """Return the longer axis and the multiple of 16 that is next to its middle."""
    axis, n = (1, columns) if columns >= rows else (0, rows)
    return axis, HALF * round(n / (2 * HALF))


def in_halves(a: Array, b: Array, out: Array, axis: int, cut: int) -> None:
    """Compute one half of the rows (axis 0) or columns (axis 1), then the other."""
    for half in (slice(cut), slice(cut, None)):
        if axis == 0:
            np.matmul(a[half], b, out=out[half])
        else:
            np.matmul(a, b[:, half], out=out[:, half])
