"""Smooth activations, each with its derivative.

All arrays are flat (n,). A forward kernel is called as ``f(x, *constants, out)``, its
derivative as ``f_backward(dout, x, out, *constants, dx)``.
"""

from __future__ import annotations

import math

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel

# TensorFlow rounds these two through float32 before it uses them, in float64 as well.
GELU_INV_SQRT_2 = float(np.float32(0.7071067811865476))
GELU_CUBIC = float(np.float32(0.044715))
GELU_SQRT_2_OVER_PI = 0.7978845608028654
TWO_OVER_SQRT_PI = 1.1283791670955126

_erfc = np.vectorize(math.erfc, otypes=[np.float64])  # NumPy has none


@kernel(x="i", out=">i")
def sigmoid(x: Array, out: Array) -> None:
    """out = 1/(1 + exp(-x)), written with exp(-|x|), which cannot overflow."""
    e = np.exp(-np.abs(x))
    np.divide(np.where(x >= 0, 1, e), 1 + e, out=out)


@sigmoid.loops
def sigmoid_loops(x: Array, out: Array) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        e = np.exp(-abs(x[i]))
        out[i] = (one if x[i] >= 0 else e) / (one + e)


@kernel(dout="i", x="i", out="i", dx=">i")
def sigmoid_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout*out*(1 - out)."""
    np.multiply(dout, out * (1 - out), out=dx)


@sigmoid_backward.loops
def sigmoid_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        dx[i] = dout[i] * (out[i] * (one - out[i]))


@kernel(x="i", out=">i")
def tanh(x: Array, out: Array) -> None:
    """out = tanh(x)."""
    np.tanh(x, out=out)


@tanh.loops
def tanh_loops(x: Array, out: Array) -> None:
    for i in range(x.size):
        out[i] = np.tanh(x[i])


@kernel(dout="i", x="i", out="i", dx=">i")
def tanh_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout*(1 - out^2)."""
    np.multiply(dout, 1 - out * out, out=dx)


@tanh_backward.loops
def tanh_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        dx[i] = dout[i] * (one - out[i] * out[i])


@kernel(x="i", out=">i")
def softplus(x: Array, out: Array) -> None:
    """out = log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))."""
    np.add(np.maximum(x, 0), np.log1p(np.exp(-np.abs(x))), out=out)


@softplus.loops
def softplus_loops(x: Array, out: Array) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        out[i] = (zero if x[i] < zero else x[i]) + np.log1p(np.exp(-abs(x[i])))


@kernel(dout="i", x="i", out="i", dx=">i")
def softplus_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout*sigmoid(x)."""
    e = np.exp(-np.abs(x))
    np.multiply(dout, np.where(x >= 0, 1, e) / (1 + e), out=dx)


@softplus_backward.loops
def softplus_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        e = np.exp(-abs(x[i]))
        dx[i] = dout[i] * ((one if x[i] >= 0 else e) / (one + e))


@kernel(x="i", out=">i")
def softsign(x: Array, out: Array) -> None:
    """out = x/(1 + |x|)."""
    np.divide(x, 1 + np.abs(x), out=out)


@softsign.loops
def softsign_loops(x: Array, out: Array) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        out[i] = x[i] / (one + abs(x[i]))


@kernel(dout="i", x="i", out="i", dx=">i")
def softsign_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout/(1 + |x|)^2."""
    np.divide(dout, np.square(1 + np.abs(x)), out=dx)


@softsign_backward.loops
def softsign_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        root = one + abs(x[i])
        dx[i] = dout[i] / (root * root)


@kernel(x="i", out=">i")
def exponential(x: Array, out: Array) -> None:
    """out = exp(x)."""
    np.exp(x, out=out)


@exponential.loops
def exponential_loops(x: Array, out: Array) -> None:
    for i in range(x.size):
        out[i] = np.exp(x[i])


@kernel(dout="i", x="i", out="i", dx=">i")
def exponential_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout*out."""
    np.multiply(dout, out, out=dx)


@exponential_backward.loops
def exponential_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    for i in range(x.size):
        dx[i] = dout[i] * out[i]


@kernel(x="i", out=">i")
def silu(x: Array, out: Array) -> None:
    """out = x*sigmoid(x)."""
    e = np.exp(-np.abs(x))
    np.multiply(x, np.where(x >= 0, 1, e) / (1 + e), out=out)


@silu.loops
def silu_loops(x: Array, out: Array) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        e = np.exp(-abs(x[i]))
        out[i] = x[i] * ((one if x[i] >= 0 else e) / (one + e))


@kernel(dout="i", x="i", out="i", dx=">i")
def silu_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout*s*(1 + x*(1 - s)) with s = sigmoid(x)."""
    e = np.exp(-np.abs(x))
    s = np.where(x >= 0, 1, e) / (1 + e)
    np.multiply(dout, s * (1 + x * (1 - s)), out=dx)


@silu_backward.loops
def silu_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        e = np.exp(-abs(x[i]))
        s = (one if x[i] >= 0 else e) / (one + e)
        dx[i] = dout[i] * (s * (one + x[i] * (one - s)))


@kernel(x="i", out=">i")
def gelu(x: Array, out: Array) -> None:
    """out = x*Phi(x) = x/2 * erfc(-x/sqrt(2)), Phi the standard normal distribution function."""
    out[...] = x * 0.5 * _erfc(-x.astype(np.float64) * GELU_INV_SQRT_2)


@gelu.loops
def gelu_loops(x: Array, out: Array) -> None:
    number = x.dtype.type
    for i in range(x.size):
        out[i] = number(x[i] * 0.5 * math.erfc(-float(x[i]) * GELU_INV_SQRT_2))


@kernel(dout="i", x="i", out="i", dx=">i")
def gelu_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout*(Phi(x) + x*phi(x)), phi the standard normal density."""
    z = x.astype(np.float64) * GELU_INV_SQRT_2
    density = 0.5 * TWO_OVER_SQRT_PI * GELU_INV_SQRT_2 * np.exp(-z * z)
    dx[...] = dout * (0.5 * _erfc(-z) + x * density)


@gelu_backward.loops
def gelu_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    number = x.dtype.type
    for i in range(x.size):
        z = float(x[i]) * GELU_INV_SQRT_2
        density = 0.5 * TWO_OVER_SQRT_PI * GELU_INV_SQRT_2 * math.exp(-z * z)
        dx[i] = number(dout[i] * (0.5 * math.erfc(-z) + x[i] * density))


@kernel(x="i", out=">i")
def gelu_tanh(x: Array, out: Array) -> None:
    """out = x/2 * (1 + tanh(sqrt(2/pi)*(x + 0.044715*x^3))), gelu's approximation."""
    number = x.dtype.type
    inner = number(GELU_SQRT_2_OVER_PI) * (x + number(GELU_CUBIC) * (x * x * x))
    np.multiply(number(0.5) * x, 1 + np.tanh(inner), out=out)


@gelu_tanh.loops
def gelu_tanh_loops(x: Array, out: Array) -> None:
    number = x.dtype.type
    one, half, cubic = number(1), number(0.5), number(GELU_CUBIC)
    for i in range(x.size):
        inner = number(GELU_SQRT_2_OVER_PI) * (x[i] + cubic * (x[i] * x[i] * x[i]))
        out[i] = half * x[i] * (one + np.tanh(inner))


@kernel(dout="i", x="i", out="i", dx=">i")
def gelu_tanh_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout/2 * (1 + t + x*(1 - t^2)*inner'), t = tanh(inner) as in `gelu_tanh`."""
    number = x.dtype.type
    root, cubic = number(GELU_SQRT_2_OVER_PI), number(GELU_CUBIC)
    t = np.tanh(root * (x + cubic * (x * x * x)))
    slope = root * (1 + number(3) * cubic * (x * x))
    np.multiply(dout, number(0.5) * (1 + t + x * (1 - t * t) * slope), out=dx)


@gelu_tanh_backward.loops
def gelu_tanh_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    number = x.dtype.type
    root, cubic = number(GELU_SQRT_2_OVER_PI), number(GELU_CUBIC)
    one, half = number(1), number(0.5)
    for i in range(x.size):
        t = np.tanh(root * (x[i] + cubic * (x[i] * x[i] * x[i])))
        slope = root * (one + number(3) * cubic * (x[i] * x[i]))
        dx[i] = dout[i] * (half * (one + t + x[i] * (one - t * t) * slope))


@kernel(x="i", out=">i")
def mish(x: Array, out: Array) -> None:
    """out = x*tanh(softplus(x))."""
    np.multiply(x, np.tanh(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))), out=out)


@mish.loops
def mish_loops(x: Array, out: Array) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        plus = (zero if x[i] < zero else x[i]) + np.log1p(np.exp(-abs(x[i])))
        out[i] = x[i] * np.tanh(plus)


@kernel(dout="i", x="i", out="i", dx=">i")
def mish_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout*(h + x*(1 - h^2)*sigmoid(x)) with h = tanh(softplus(x))."""
    e = np.exp(-np.abs(x))
    h = np.tanh(np.maximum(x, 0) + np.log1p(e))
    s = np.where(x >= 0, 1, e) / (1 + e)
    np.multiply(dout, h + x * (1 - h * h) * s, out=dx)


@mish_backward.loops
def mish_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    number = x.dtype.type
    zero, one = number(0), number(1)
    for i in range(x.size):
        e = np.exp(-abs(x[i]))
        h = np.tanh((zero if x[i] < zero else x[i]) + np.log1p(e))
        s = (one if x[i] >= 0 else e) / (one + e)
        dx[i] = dout[i] * (h + x[i] * (one - h * h) * s)


@kernel(x="i", out=">i")
def log_sigmoid(x: Array, out: Array) -> None:
    """out = log(sigmoid(x)) = min(x, 0) - log1p(exp(-|x|))."""
    np.subtract(np.minimum(x, 0), np.log1p(np.exp(-np.abs(x))), out=out)


@log_sigmoid.loops
def log_sigmoid_loops(x: Array, out: Array) -> None:
    zero = x.dtype.type(0)
    for i in range(x.size):
        out[i] = (zero if x[i] > zero else x[i]) - np.log1p(np.exp(-abs(x[i])))


@kernel(dout="i", x="i", out="i", dx=">i")
def log_sigmoid_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout*sigmoid(-x), which is dout*(1 - sigmoid(x))."""
    e = np.exp(-np.abs(x))
    np.multiply(dout, np.where(x >= 0, e, 1) / (1 + e), out=dx)


@log_sigmoid_backward.loops
def log_sigmoid_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    one = x.dtype.type(1)
    for i in range(x.size):
        e = np.exp(-abs(x[i]))
        dx[i] = dout[i] * ((e if x[i] >= 0 else one) / (one + e))


@kernel(x="i", out=">i")
def tanh_shrink(x: Array, out: Array) -> None:
    """out = x - tanh(x)."""
    np.subtract(x, np.tanh(x), out=out)


@tanh_shrink.loops
def tanh_shrink_loops(x: Array, out: Array) -> None:
    for i in range(x.size):
        out[i] = x[i] - np.tanh(x[i])


@kernel(dout="i", x="i", out="i", dx=">i")
def tanh_shrink_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout*tanh(x)^2."""
    np.multiply(dout, np.square(np.tanh(x)), out=dx)


@tanh_shrink_backward.loops
def tanh_shrink_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    for i in range(x.size):
        t = np.tanh(x[i])
        dx[i] = dout[i] * (t * t)


@kernel(x="i", out=">i")
def squareplus(x: Array, b: float, out: Array) -> None:
    """out = (x + sqrt(x^2 + b))/2."""
    number = x.dtype.type
    np.divide(x + np.sqrt(np.square(x) + number(b)), number(2), out=out)


@squareplus.loops
def squareplus_loops(x: Array, b: float, out: Array) -> None:
    number = x.dtype.type
    for i in range(x.size):
        out[i] = (x[i] + np.sqrt(x[i] * x[i] + number(b))) / number(2)


@kernel(dout="i", x="i", out="i", dx=">i")
def squareplus_backward(dout: Array, x: Array, out: Array, b: float, dx: Array) -> None:
    """dx = dout*(1 + x/sqrt(x^2 + b))/2."""
    number = x.dtype.type
    slope = (1 + x / np.sqrt(np.square(x) + number(b))) / number(2)
    np.multiply(dout, slope, out=dx)


@squareplus_backward.loops
def squareplus_backward_loops(dout: Array, x: Array, out: Array, b: float, dx: Array) -> None:
    number = x.dtype.type
    one = number(1)
    for i in range(x.size):
        dx[i] = dout[i] * ((one + x[i] / np.sqrt(x[i] * x[i] + number(b))) / number(2))
