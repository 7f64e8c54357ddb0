"""Dropout, whose forward and backward are one kernel because both apply the mask; and a variant."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(x="i", u="i", out=">i")
def dropout(x: Array, u: Array, rate: float, out: Array) -> None:
    """out = x/(1 - rate) where u >= rate, else 0: all (n,), u uniform in [0, 1).

    The backward pass is the same map: ``dropout(dout, u, rate, dx)``.
    """
    np.multiply(x, 1 / (1 - rate), out=out)
    out[u < out.dtype.type(rate)] = 0


@dropout.loops
def dropout_loops(x: Array, u: Array, rate: float, out: Array) -> None:
    number = x.dtype.type
    threshold = number(rate)
    scale = number(1 / (1 - rate))
    zero = number(0)
    for i in range(x.size):
        scaled = x[i] * scale
        out[i] = scaled if u[i] >= threshold else zero


@kernel(x="i", u="i", out=">i")
def alpha_dropout(
    x: Array, u: Array, rate: float, value: float, scale: float, shift: float, out: Array
) -> None:
    """out = scale*x + shift where u >= rate, else scale*value + shift."""
    number = out.dtype.type
    np.multiply(np.where(u >= u.dtype.type(rate), x, number(value)), number(scale), out=out)
    out += number(shift)


@alpha_dropout.loops
def alpha_dropout_loops(
    x: Array, u: Array, rate: float, value: float, scale: float, shift: float, out: Array
) -> None:
    number = x.dtype.type
    threshold = u.dtype.type(rate)
    a, b, dropped = number(scale), number(shift), number(value)
    for i in range(x.size):
        out[i] = a * (x[i] if u[i] >= threshold else dropped) + b


@kernel(dout="i", u="i", dx=">i")
def alpha_dropout_backward(dout: Array, u: Array, rate: float, scale: float, dx: Array) -> None:
    """dx = scale*dout where u >= rate, else 0."""
    np.multiply(dout, dout.dtype.type(scale), out=dx)
    dx[u < u.dtype.type(rate)] = 0


@alpha_dropout_backward.loops
def alpha_dropout_backward_loops(
    dout: Array, u: Array, rate: float, scale: float, dx: Array
) -> None:
    number = dout.dtype.type
    threshold = u.dtype.type(rate)
    a = number(scale)
    for i in range(dout.size):
        dx[i] = a * dout[i] if u[i] >= threshold else number(0)
