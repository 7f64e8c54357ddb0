"""The rectifier and its derivative; all arrays are flat (n,)."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(x="i", out=">i")
def relu(x: Array, out: Array) -> None:
    """out = max(x, 0); NaN passes through."""
    np.maximum(x, 0, out=out)


@relu.loops
def relu_loops(x: Array, out: Array) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        out[i] = zero if x[i] < zero else x[i]


@kernel(dout="i", x="i", out="i", dx=">i")
def relu_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout*(x > 0): 0 at 0, too; a NaN in dout stays."""
    np.multiply(dout, x > 0, out=dx)


@relu_backward.loops
def relu_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    number = x.dtype.type
    for i in range(x.size):  # multiplied, not selected: a NaN in dout must stay visible
        dx[i] = dout[i] * number(x[i] > number(0))
