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


@kernel(x="i", out=">i")
def celu(x: Array, alpha: float, out: Array) -> None:
    """out = max(x, 0) + alpha*(exp(min(x, 0)/alpha) - 1)."""
    a = x.dtype.type(alpha)
    np.add(np.maximum(x, 0), a * np.expm1(np.minimum(x, 0) / a), out=out)


@celu.loops
def celu_loops(x: Array, alpha: float, out: Array) -> None:
    number = x.dtype.type
    a = number(alpha)
    for i in range(x.size):
        out[i] = x[i] if x[i] > number(0) else a * np.expm1(x[i] / a)


@kernel(dout="i", x="i", out="i", dx=">i")
def celu_backward(dout: Array, x: Array, out: Array, alpha: float, dx: Array) -> None:
    """dx = dout above 0, dout*exp(x/alpha) below; at 0, as in Keras, the sum of both, 2*dout."""
    a = x.dtype.type(alpha)
    slope = (x >= 0) + (x <= 0) * np.exp(np.minimum(x, 0) / a)
    np.multiply(dout, slope, out=dx)


@celu_backward.loops
def celu_backward_loops(dout: Array, x: Array, out: Array, alpha: float, dx: Array) -> None:
    number = x.dtype.type
    a = number(alpha)
    for i in range(x.size):
        slope = number(1) if x[i] >= number(0) else number(0)
        if not x[i] > number(0):
            slope += np.exp(x[i] / a)
        dx[i] = dout[i] * slope


@kernel(x="i", out=">i")
def hard_tanh(x: Array, out: Array) -> None:
    """out = min(max(x, -1), 1)."""
    np.clip(x, -1, 1, out=out)


@hard_tanh.loops
def hard_tanh_loops(x: Array, out: Array) -> None:
    number = x.dtype.type
    for i in range(x.size):
        out[i] = number(-1) if x[i] < number(-1) else number(1) if x[i] > number(1) else x[i]


@kernel(dout="i", x="i", out="i", dx=">i")
def hard_tanh_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout where -1 <= x <= 1, else 0."""
    np.multiply(dout, np.abs(x) <= 1, out=dx)


@hard_tanh_backward.loops
def hard_tanh_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    number = x.dtype.type
    for i in range(x.size):
        dx[i] = dout[i] * (number(1) if abs(x[i]) <= number(1) else number(0))


@kernel(x="i", out=">i")
def ramp(x: Array, shift: float, length: float, out: Array) -> None:
    """out = min(max(x + shift, 0), length)/length: from 0 to 1 over that length."""
    number = x.dtype.type
    np.divide(np.clip(x + number(shift), 0, number(length)), number(length), out=out)


@ramp.loops
def ramp_loops(x: Array, shift: float, length: float, out: Array) -> None:
    number = x.dtype.type
    zero, start, end = number(0), number(shift), number(length)
    for i in range(x.size):
        way = x[i] + start
        out[i] = (zero if way < zero else end if way > end else way) / end


@kernel(dout="i", x="i", out="i", dx=">i")
def ramp_backward(
    dout: Array, x: Array, out: Array, shift: float, length: float, dx: Array
) -> None:
    """dx = dout/length where 0 < x + shift < length, else 0 (also at both ends)."""
    number = x.dtype.type
    way = x + number(shift)
    np.multiply(dout / number(length), (way > 0) & (way < number(length)), out=dx)


@ramp_backward.loops
def ramp_backward_loops(
    dout: Array, x: Array, out: Array, shift: float, length: float, dx: Array
) -> None:
    number = x.dtype.type
    zero, start, end = number(0), number(shift), number(length)
    for i in range(x.size):
        way = x[i] + start
        dx[i] = dout[i] / end * (number(1) if zero < way and way < end else zero)


@kernel(x="i", out=">i")
def hard_silu(x: Array, out: Array) -> None:
    """out = x*min(max(x + 3, 0), 6)/6, x times a ramp."""
    number = x.dtype.type
    np.multiply(x, np.clip(x + number(3), 0, number(6)) / number(6), out=out)


@hard_silu.loops
def hard_silu_loops(x: Array, out: Array) -> None:
    number = x.dtype.type
    zero, six = number(0), number(6)
    for i in range(x.size):
        way = x[i] + number(3)
        out[i] = x[i] * ((zero if way < zero else six if way > six else way) / six)


@kernel(dout="i", x="i", out="i", dx=">i")
def hard_silu_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout*(r + x*r') with r the ramp; its slope r' is 1/6 where -3 < x < 3, else 0."""
    number = x.dtype.type
    way = x + number(3)
    inside = (way > 0) & (way < 6)
    slope = (np.clip(way, 0, number(6)) + np.where(inside, x, 0)) / number(6)
    np.multiply(dout, slope, out=dx)


@hard_silu_backward.loops
def hard_silu_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    number = x.dtype.type
    zero, six = number(0), number(6)
    for i in range(x.size):
        way = x[i] + number(3)
        if way <= zero:
            slope = zero
        elif way >= six:
            slope = number(1)
        else:
            slope = (way + x[i]) / six
        dx[i] = dout[i] * slope


@kernel(x="i", out=">i")
def threshold(x: Array, limit: float, default: float, out: Array) -> None:
    """out = x where x > limit, else default; default where x is NaN, too."""
    number = x.dtype.type
    out[...] = np.where(x > number(limit), x, number(default))


@threshold.loops
def threshold_loops(x: Array, limit: float, default: float, out: Array) -> None:
    number = x.dtype.type
    low, rest = number(limit), number(default)
    for i in range(x.size):
        out[i] = x[i] if x[i] > low else rest


@kernel(dout="i", x="i", out="i", dx=">i")
def threshold_backward(
    dout: Array, x: Array, out: Array, limit: float, default: float, dx: Array
) -> None:
    """dx = dout where x > limit, else 0."""
    np.multiply(dout, x > x.dtype.type(limit), out=dx)


@threshold_backward.loops
def threshold_backward_loops(
    dout: Array, x: Array, out: Array, limit: float, default: float, dx: Array
) -> None:
    number = x.dtype.type
    low = number(limit)
    for i in range(x.size):
        dx[i] = dout[i] * (number(1) if x[i] > low else number(0))


@kernel(x="i", out=">i")
def hard_shrink(x: Array, limit: float, out: Array) -> None:
    """out = x where |x| > limit, else 0; 0 where x is NaN, too."""
    out[...] = np.where(np.abs(x) > x.dtype.type(limit), x, 0)


@hard_shrink.loops
def hard_shrink_loops(x: Array, limit: float, out: Array) -> None:
    number = x.dtype.type
    end = number(limit)
    for i in range(x.size):
        out[i] = x[i] if abs(x[i]) > end else number(0)


@kernel(x="i", out=">i")
def soft_shrink(x: Array, limit: float, out: Array) -> None:
    """out = x - limit above limit, x + limit below -limit, else 0; 0 where x is NaN, too."""
    end = x.dtype.type(limit)
    out[...] = np.where(x > end, x - end, np.where(x < -end, x + end, 0))


@soft_shrink.loops
def soft_shrink_loops(x: Array, limit: float, out: Array) -> None:
    number = x.dtype.type
    end = number(limit)
    for i in range(x.size):
        out[i] = x[i] - end if x[i] > end else x[i] + end if x[i] < -end else number(0)


@kernel(dout="i", x="i", out="i", dx=">i")
def shrink_backward(dout: Array, x: Array, out: Array, limit: float, dx: Array) -> None:
    """dx = dout where |x| > limit, else 0: for both, hard and soft."""
    np.multiply(dout, np.abs(x) > x.dtype.type(limit), out=dx)


@shrink_backward.loops
def shrink_backward_loops(dout: Array, x: Array, out: Array, limit: float, dx: Array) -> None:
    number = x.dtype.type
    end = number(limit)
    for i in range(x.size):
        dx[i] = dout[i] * (number(1) if abs(x[i]) > end else number(0))


@kernel(x="i", out=">i")
def sparse_plus(x: Array, out: Array) -> None:
    """out = 0 up to -1, (x + 1)^2/4 between -1 and 1, x from 1 on."""
    number = x.dtype.type
    bend = np.square(np.minimum(x, 1) + number(1)) / number(4)
    out[...] = np.where(x <= -1, 0, np.where(x < 1, bend, x))


@sparse_plus.loops
def sparse_plus_loops(x: Array, out: Array) -> None:
    number = x.dtype.type
    one = number(1)
    for i in range(x.size):
        root = x[i] + one
        if x[i] <= -one:
            out[i] = number(0)
        else:
            out[i] = root * root / number(4) if x[i] < one else x[i]


@kernel(dout="i", x="i", out="i", dx=">i")
def sparse_plus_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout*min(max(x + 1, 0), 2)/2, a ramp."""
    number = x.dtype.type
    np.multiply(dout, np.clip(x + number(1), 0, number(2)) / number(2), out=dx)


@sparse_plus_backward.loops
def sparse_plus_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    number = x.dtype.type
    zero, two = number(0), number(2)
    for i in range(x.size):
        way = x[i] + number(1)
        dx[i] = dout[i] * ((zero if way < zero else two if way > two else way) / two)
