"""Matrix products. Large ones are computed in two halves, by two threads where that is faster.

Where a product is cut depends on its shape alone. So its bits do not depend on who computes the
halves: NumPy, or one thread, or two (team.py). No axis may be divided in another way: BLAS would
add up in another order.
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels import team
from tinynet.kernels.registry import kernel

LARGE = 1 << 19  # multiplications: smaller products are done before another thread has noticed
BLOCK = 16  # BLAS works on blocks of this size


def halves(a: Array, b: Array, out: Array) -> list[tuple[Array, Array, Array]]:
    """Return the arrays of a product, or those of its two halves if it is large.

    It is cut along its longer axis, at the multiple of 16 nearest to the middle. A single row or
    column is not cut: NumPy gives it to another function of BLAS (gemv), with other bits.
    """
    rows, depth, columns = len(a), *b.shape
    n = max(rows, columns)
    if rows * depth * columns < LARGE or n < 2 * BLOCK or min(rows, depth, columns) < 2:
        return [(a, b, out)]
    cut = BLOCK * round(n / (2 * BLOCK))
    both = slice(cut), slice(cut, None)
    if columns >= rows:
        return [(a, b[:, half], out[:, half]) for half in both]
    return [(a[half], b, out[half]) for half in both]


@kernel(a="IK", b="KJ", out=">IJ")
def product(a: Array, b: Array, out: Array) -> None:
    """out[i, j] = sum over k of a[i, k]*b[k, j]; if it is large, one half, then the other."""
    for part_of_a, part_of_b, part in halves(a, b, out):
        np.matmul(part_of_a, part_of_b, out=part)


@product.by_library
def product_in_team(a: Array, b: Array, out: Array) -> None:
    """Compute the halves in two threads, if there are halves and that is faster."""
    parts = halves(a, b, out)
    if len(parts) == 1:
        np.matmul(a, b, out=out)
    elif not team.multiply(a, b, out, parts):
        product.numpy_form(a, b, out)


@kernel(a="nIK", b="nKJ", out=">nIJ")
def batched_product(a: Array, b: Array, out: Array) -> None:
    """out[n] = a[n] @ b[n]: many small products, each as a whole."""
    np.matmul(a, b, out=out)


@batched_product.by_library
def batched_product_by_blas(a: Array, b: Array, out: Array) -> None:
    """Compute them one after the other."""
    np.matmul(a, b, out=out)
