"""A rectifier whose slope below 0 is learned, one for each column of x (rows, columns)."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(x="ij", alpha="j", out=">ij")
def prelu(x: Array, alpha: Array, out: Array) -> None:
    """out[i, j] = x[i, j] where x > 0, else alpha[j]*x[i, j]."""
    np.multiply(x, np.where(x > 0, 1, alpha), out=out)


@prelu.loops
def prelu_loops(x: Array, alpha: Array, out: Array) -> None:
    number = x.dtype.type
    rows, columns = x.shape
    for i in range(rows):
        for j in range(columns):
            out[i, j] = x[i, j] if x[i, j] > number(0) else alpha[j] * x[i, j]


@kernel(dout="Ij", x="Ij", alpha="j", dalpha=">j", dx=">Ij")
def prelu_backward(dout: Array, x: Array, alpha: Array, dalpha: Array, dx: Array) -> None:
    """dx = dout where x > 0, alpha*dout where x < 0, 0 at 0; dalpha = sums of dout*min(x, 0)."""
    np.multiply(dout, np.where(x > 0, 1, np.where(x < 0, alpha, 0)), out=dx)
    np.sum(dout * np.minimum(x, 0), axis=0, out=dalpha)


@prelu_backward.loops
def prelu_backward_loops(dout: Array, x: Array, alpha: Array, dalpha: Array, dx: Array) -> None:
    number = x.dtype.type
    rows, columns = x.shape
    dalpha[:] = 0
    for i in range(rows):
        for j in range(columns):
            below = alpha[j] if x[i, j] < number(0) else number(0)
            dx[i, j] = dout[i, j] * (number(1) if x[i, j] > number(0) else below)
            dalpha[j] += dout[i, j] * (number(0) if x[i, j] >= number(0) else x[i, j])
