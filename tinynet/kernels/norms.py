"""What constraints do to weights after a step, in place; and vectors of length 1.

Weights are seen as (outer, k, inner): a norm is that of the k numbers between two others. For a
kernel (inputs, units) and the axis 0 they are (1, inputs, units).
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(w="+i")
def no_negatives(w: Array) -> None:
    """w = max(w, 0)."""
    np.maximum(w, 0, out=w)


@no_negatives.loops
def no_negatives_loops(w: Array) -> None:
    number = w.dtype.type
    for i in range(w.size):
        w[i] = number(0) if w[i] <= number(0) else w[i]


@kernel(w="+oKi")
def unit_norms(epsilon: float, w: Array) -> None:
    """w /= epsilon + norm, with the norm of w over its middle axis."""
    norms = np.sqrt(np.sum(w * w, axis=1, keepdims=True))
    w /= w.dtype.type(epsilon) + norms


@unit_norms.loops
def unit_norms_loops(epsilon: float, w: Array) -> None:
    number = w.dtype.type
    outer, k, inner = w.shape
    norms = np.empty(inner, w.dtype)
    for o in range(outer):
        norms[:] = 0
        for j in range(k):
            for i in range(inner):
                norms[i] += w[o, j, i] * w[o, j, i]
        for i in range(inner):
            norms[i] = number(epsilon) + np.sqrt(norms[i])
        for j in range(k):
            for i in range(inner):
                w[o, j, i] /= norms[i]


@kernel(w="+oKi")
def limit_norms(low: float, high: float, rate: float, epsilon: float, w: Array) -> None:
    """w *= wanted/(epsilon + norm), with the norm of w over its middle axis.

    wanted = rate*min(max(norm, low), high) + (1 - rate)*norm.
    """
    number = w.dtype.type
    norms = np.sqrt(np.sum(w * w, axis=1, keepdims=True))
    wanted = number(rate) * np.clip(norms, number(low), number(high))
    if rate != 1:
        wanted += number(1 - rate) * norms
    w *= wanted / (number(epsilon) + norms)


@limit_norms.loops
def limit_norms_loops(low: float, high: float, rate: float, epsilon: float, w: Array) -> None:
    number = w.dtype.type
    outer, k, inner = w.shape
    least, most, strictness, rest = number(low), number(high), number(rate), number(1 - rate)
    factors = np.empty(inner, w.dtype)
    for o in range(outer):
        factors[:] = 0
        for j in range(k):
            for i in range(inner):
                factors[i] += w[o, j, i] * w[o, j, i]
        for i in range(inner):
            norm = np.sqrt(factors[i])
            wanted = least if norm < least else norm
            wanted = strictness * (most if wanted > most else wanted)
            if rate != 1:
                wanted += rest * norm
            factors[i] = wanted / (number(epsilon) + norm)
        for j in range(k):
            for i in range(inner):
                w[o, j, i] *= factors[i]


@kernel(x="iJ", inv_norms=">i", out=">iJ")
def unit_rows(x: Array, limit: float, inv_norms: Array, out: Array) -> None:
    """out = x*inv_norms with inv_norms = min(1/norm, limit) (rows,): rows of length 1."""
    with np.errstate(divide="ignore"):  # a row of zeros stays one
        np.divide(1, np.sqrt(np.sum(x * x, axis=1)), out=inv_norms)
    np.multiply(x, np.minimum(inv_norms, x.dtype.type(limit))[:, None], out=out)


@unit_rows.loops
def unit_rows_loops(x: Array, limit: float, inv_norms: Array, out: Array) -> None:
    number = x.dtype.type
    rows, columns = x.shape
    most = number(limit)
    for i in range(rows):
        squares = number(0)
        for j in range(columns):
            squares += x[i, j] * x[i, j]
        inv_norms[i] = number(1) / np.sqrt(squares)
        factor = most if inv_norms[i] > most else inv_norms[i]
        for j in range(columns):
            out[i, j] = x[i, j] * factor


@kernel(dout="iJ", x="iJ", inv_norms="i", dx=">iJ")
def unit_rows_backward(dout: Array, x: Array, inv_norms: Array, limit: float, dx: Array) -> None:
    """dx = inv_norms*(dout - x_hat*(dout . x_hat)) with x_hat = x*inv_norms.

    Where 1/norm was above the limit, dx = limit*dout.
    """
    number = x.dtype.type
    inv = np.minimum(inv_norms, number(limit))[:, None]
    along = np.sum(dout * x, axis=1, keepdims=True) * (inv * inv * inv)
    along[inv_norms > number(limit)] = 0
    dx[...] = dout * inv - x * along


@unit_rows_backward.loops
def unit_rows_backward_loops(
    dout: Array, x: Array, inv_norms: Array, limit: float, dx: Array
) -> None:
    number = x.dtype.type
    rows, columns = x.shape
    most = number(limit)
    for i in range(rows):
        inv = most if inv_norms[i] > most else inv_norms[i]
        along = number(0)
        for j in range(columns):
            along += dout[i, j] * x[i, j]
        along = number(0) if inv_norms[i] > most else along * (inv * inv * inv)
        for j in range(columns):
            dx[i, j] = dout[i, j] * inv - x[i, j] * along
