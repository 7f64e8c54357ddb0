"""Activations made of straight and exponential pieces, each with its derivative.

All arrays are flat (n,). A forward kernel is called as ``f(x, *constants, out)``, its
derivative as ``f_backward(dout, x, out, *constants, dx)``; where two pieces meet, the
derivative is the one that Keras chose.
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel

# Klambauer et al. 2017, equation 14: scale, and scale times alpha.
SELU_SCALE = 1.0507009873554804934193349852946
SELU_SCALE_ALPHA = 1.7580993408473768599402175208123


@kernel(x="i", out=">i")
def leaky_relu(x: Array, slope: float, out: Array) -> None:
    """out = x where x > 0, else slope*x."""
    np.multiply(x, np.where(x > 0, 1, x.dtype.type(slope)), out=out)


@leaky_relu.loops
def leaky_relu_loops(x: Array, slope: float, out: Array) -> None:
    number = x.dtype.type
    s = number(slope)
    for i in range(x.size):
        out[i] = x[i] if x[i] > number(0) else s * x[i]


@kernel(dout="i", x="i", out="i", dx=">i")
def leaky_relu_backward(dout: Array, x: Array, out: Array, slope: float, dx: Array) -> None:
    """dx = dout where x > 0, else slope*dout (also at 0)."""
    np.multiply(dout, np.where(x > 0, 1, x.dtype.type(slope)), out=dx)


@leaky_relu_backward.loops
def leaky_relu_backward_loops(dout: Array, x: Array, out: Array, slope: float, dx: Array) -> None:
    number = x.dtype.type
    s = number(slope)
    for i in range(x.size):
        dx[i] = dout[i] if x[i] > number(0) else s * dout[i]


@kernel(x="i", out=">i")
def clipped_relu(x: Array, slope: float, threshold: float, ceiling: float, out: Array) -> None:
    """out = min(x, ceiling) where x > threshold, else slope*(x - threshold)."""
    number = x.dtype.type
    below = np.zeros_like(x) if slope == 0 else number(slope) * (x - number(threshold))
    out[...] = np.where(x > number(threshold), np.minimum(x, number(ceiling)), below)
    out[np.isnan(x)] = np.nan


@clipped_relu.loops
def clipped_relu_loops(
    x: Array, slope: float, threshold: float, ceiling: float, out: Array
) -> None:
    number = x.dtype.type
    s, low, high = number(slope), number(threshold), number(ceiling)
    for i in range(x.size):
        if x[i] > low:
            out[i] = high if x[i] > high else x[i]
        elif s == number(0) and x[i] <= low:
            out[i] = number(0)
        else:
            out[i] = s * (x[i] - low)


@kernel(dout="i", x="i", out="i", dx=">i")
def clipped_relu_backward(
    dout: Array, x: Array, out: Array, slope: float, threshold: float, ceiling: float, dx: Array
) -> None:
    """dx = dout between threshold and ceiling, slope*dout below, 0 above.

    At the threshold it is 0. At the ceiling it is dout, like the gradient of a clip; only for
    the ceiling 6 and the threshold 0 does Keras use relu6, whose gradient there is 0.
    """
    number = x.dtype.type
    inside = (x > number(threshold)) & (x <= number(ceiling))
    if ceiling == 6 and threshold == 0:
        inside &= x != 6
    np.multiply(dout, inside + number(slope) * (x < number(threshold)), out=dx)


@clipped_relu_backward.loops
def clipped_relu_backward_loops(
    dout: Array, x: Array, out: Array, slope: float, threshold: float, ceiling: float, dx: Array
) -> None:
    number = x.dtype.type
    s, low, high = number(slope), number(threshold), number(ceiling)
    passes_at_ceiling = ceiling != 6 or threshold != 0
    for i in range(x.size):
        if x[i] < low:
            slope_here = s
        elif x[i] > low and (x[i] < high or (x[i] == high and passes_at_ceiling)):
            slope_here = number(1)
        else:
            slope_here = number(0)
        dx[i] = dout[i] * slope_here


@kernel(x="i", out=">i")
def elu(x: Array, alpha: float, out: Array) -> None:
    """out = x where x > 0, else alpha*(exp(x) - 1)."""
    below = x.dtype.type(alpha) * np.expm1(np.minimum(x, 0))
    out[...] = np.where(x > 0, x, below)


@elu.loops
def elu_loops(x: Array, alpha: float, out: Array) -> None:
    number = x.dtype.type
    a = number(alpha)
    for i in range(x.size):
        out[i] = x[i] if x[i] > number(0) else a * np.expm1(x[i])


@kernel(dout="i", x="i", out="i", dx=">i")
def elu_backward(dout: Array, x: Array, out: Array, alpha: float, dx: Array) -> None:
    """dx = dout where x > 0, else dout*alpha*exp(x), computed as dout*(out + alpha)."""
    np.multiply(dout, np.where(x > 0, 1, out + x.dtype.type(alpha)), out=dx)


@elu_backward.loops
def elu_backward_loops(dout: Array, x: Array, out: Array, alpha: float, dx: Array) -> None:
    number = x.dtype.type
    a = number(alpha)
    for i in range(x.size):
        dx[i] = dout[i] if x[i] > number(0) else dout[i] * (out[i] + a)


@kernel(x="i", out=">i")
def selu(x: Array, out: Array) -> None:
    """out = scale*x where x > 0, else scale*alpha*(exp(x) - 1)."""
    number = x.dtype.type
    below = number(SELU_SCALE_ALPHA) * np.expm1(np.minimum(x, 0))
    out[...] = np.where(x > 0, number(SELU_SCALE) * x, below)


@selu.loops
def selu_loops(x: Array, out: Array) -> None:
    number = x.dtype.type
    for i in range(x.size):
        if x[i] > number(0):
            out[i] = number(SELU_SCALE) * x[i]
        else:
            out[i] = number(SELU_SCALE_ALPHA) * np.expm1(x[i])


@kernel(dout="i", x="i", out="i", dx=">i")
def selu_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = scale*dout where out >= 0, else dout*(out + scale*alpha)."""
    number = x.dtype.type
    slope = np.where(out < 0, out + number(SELU_SCALE_ALPHA), number(SELU_SCALE))
    np.multiply(dout, slope, out=dx)


@selu_backward.loops
def selu_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    number = x.dtype.type
    for i in range(x.size):
        if out[i] < number(0):
            dx[i] = dout[i] * (out[i] + number(SELU_SCALE_ALPHA))
        else:
            dx[i] = dout[i] * number(SELU_SCALE)
