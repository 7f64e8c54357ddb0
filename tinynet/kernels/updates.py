"""One step of every optimizer for one parameter. All arrays are flat (n,).

`w` is the parameter (or all of a model's, one after the other), `g` its gradient (only read),
the others are the optimizer's slots; `w` and the slots are updated in place. Numbers that change
from step to step, such as the learning rate, are arrays without axes.

Moments that decay toward zero (the weights of a pixel that is always black have gradients of
zero) would end up subnormal, and processors are many times slower with subnormal numbers. They
are set to zero there, as in TensorFlow.
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


def _flush(x: Array) -> None:
    x[np.abs(x) < np.finfo(x.dtype).tiny] = 0


@kernel(factor="", w="+i")
def decay_weights(factor: Array, w: Array) -> None:
    """w -= w*factor."""
    w -= w * w.dtype.type(factor)


@decay_weights.loops
def decay_weights_loops(factor: Array, w: Array) -> None:
    f = w.dtype.type(factor[()])
    for i in range(w.size):
        w[i] -= w[i] * f


@kernel(g="i", learning_rate="", w="+i")
def sgd(g: Array, learning_rate: Array, w: Array) -> None:
    """w -= learning_rate*g."""
    w -= g * w.dtype.type(learning_rate)


@sgd.loops
def sgd_loops(g: Array, learning_rate: Array, w: Array) -> None:
    lr = w.dtype.type(learning_rate[()])
    for i in range(w.size):
        w[i] -= g[i] * lr


@kernel(g="i", learning_rate="", m="+i", w="+i")
def sgd_momentum(
    g: Array, learning_rate: Array, momentum: float, nesterov: bool, m: Array, w: Array
) -> None:
    """m = momentum*m - learning_rate*g; w += m (Nesterov: w += momentum*m - learning_rate*g)."""
    lr, mu = w.dtype.type(learning_rate), w.dtype.type(momentum)
    m *= mu
    m -= g * lr
    _flush(m)
    w += m * mu - g * lr if nesterov else m


@sgd_momentum.loops
def sgd_momentum_loops(
    g: Array, learning_rate: Array, momentum: float, nesterov: bool, m: Array, w: Array
) -> None:
    number = w.dtype.type
    tiny = np.finfo(w.dtype).tiny
    lr, mu = number(learning_rate[()]), number(momentum)
    for i in range(w.size):
        moment = m[i] * mu - g[i] * lr
        moment = number(0) if abs(moment) < tiny else moment
        m[i] = moment
        w[i] += moment * mu - g[i] * lr if nesterov else moment


@kernel(g="i", learning_rate="", v="+i", a="+i", m="+i", w="+i")
def rmsprop(
    g: Array,
    learning_rate: Array,
    rho: float,
    epsilon: float,
    momentum: float,
    centered: bool,
    v: Array,
    a: Array,
    m: Array,
    w: Array,
) -> None:
    """v = rho*v + (1 - rho)*g^2; m = momentum*m + learning_rate*g/sqrt(v + epsilon); w -= m.

    If centered, a = rho*a + (1 - rho)*g, and the root is that of v - a^2 + epsilon; otherwise
    `a` is not touched.
    """
    number = w.dtype.type
    r, one_minus_r = number(rho), number(1 - rho)
    v *= r
    v += one_minus_r * (g * g)
    _flush(v)
    variance = v
    if centered:
        a *= r
        a += one_minus_r * g
        _flush(a)
        variance = v - a * a
    if momentum == 0:
        m[...] = 0  # not 0 times what an infinite step may have left there
    m *= number(momentum)
    m += number(learning_rate) * g / np.sqrt(variance + number(epsilon))
    _flush(m)
    w -= m


@rmsprop.loops
def rmsprop_loops(
    g: Array,
    learning_rate: Array,
    rho: float,
    epsilon: float,
    momentum: float,
    centered: bool,
    v: Array,
    a: Array,
    m: Array,
    w: Array,
) -> None:
    number = w.dtype.type
    tiny = np.finfo(w.dtype).tiny
    lr, eps, mu = number(learning_rate[()]), number(epsilon), number(momentum)
    r, one_minus_r = number(rho), number(1 - rho)
    if momentum == 0:
        m[:] = 0
    for i in range(w.size):
        variance = r * v[i] + one_minus_r * (g[i] * g[i])
        variance = number(0) if variance < tiny else variance
        v[i] = variance
        if centered:
            mean = r * a[i] + one_minus_r * g[i]
            mean = number(0) if abs(mean) < tiny else mean
            a[i] = mean
            variance -= mean * mean
        moment = mu * m[i] + lr * g[i] / np.sqrt(variance + eps)
        moment = number(0) if abs(moment) < tiny else moment
        m[i] = moment
        w[i] -= moment


@kernel(g="i", alpha="", m="+i", v="+i", w="+i")
def adam(
    g: Array,
    alpha: Array,
    one_minus_beta_1: float,
    one_minus_beta_2: float,
    epsilon: float,
    m: Array,
    v: Array,
    w: Array,
) -> None:
    """m += (g - m)*(1 - beta_1); v += (g^2 - v)*(1 - beta_2); w -= alpha*m/(sqrt(v) + epsilon).

    alpha = learning_rate*sqrt(1 - beta_2^t)/(1 - beta_1^t) corrects for both moments' start at 0.
    """
    number = w.dtype.type
    m += (g - m) * number(one_minus_beta_1)
    v += (g * g - v) * number(one_minus_beta_2)
    _flush(m)
    _flush(v)
    w -= m * number(alpha) / (np.sqrt(v) + number(epsilon))


@adam.loops
def adam_loops(
    g: Array,
    alpha: Array,
    one_minus_beta_1: float,
    one_minus_beta_2: float,
    epsilon: float,
    m: Array,
    v: Array,
    w: Array,
) -> None:
    number = w.dtype.type
    tiny = np.finfo(w.dtype).tiny
    a, eps = number(alpha[()]), number(epsilon)
    c1, c2 = number(one_minus_beta_1), number(one_minus_beta_2)
    for i in range(w.size):
        first = m[i] + (g[i] - m[i]) * c1
        second = v[i] + (g[i] * g[i] - v[i]) * c2
        first = number(0) if abs(first) < tiny else first
        second = number(0) if abs(second) < tiny else second
        m[i] = first
        v[i] = second
        w[i] -= first * a / (np.sqrt(second) + eps)


@kernel(g="i", alpha="", m="+i", v="+i", v_hat="+i", w="+i")
def adam_amsgrad(
    g: Array,
    alpha: Array,
    one_minus_beta_1: float,
    one_minus_beta_2: float,
    epsilon: float,
    m: Array,
    v: Array,
    v_hat: Array,
    w: Array,
) -> None:
    """Like `adam`, but with v_hat = max(v_hat, v), the largest v so far, under the root."""
    number = w.dtype.type
    m += (g - m) * number(one_minus_beta_1)
    v += (g * g - v) * number(one_minus_beta_2)
    _flush(m)
    _flush(v)
    np.maximum(v_hat, v, out=v_hat)
    w -= m * number(alpha) / (np.sqrt(v_hat) + number(epsilon))


@adam_amsgrad.loops
def adam_amsgrad_loops(
    g: Array,
    alpha: Array,
    one_minus_beta_1: float,
    one_minus_beta_2: float,
    epsilon: float,
    m: Array,
    v: Array,
    v_hat: Array,
    w: Array,
) -> None:
    number = w.dtype.type
    tiny = np.finfo(w.dtype).tiny
    a, eps = number(alpha[()]), number(epsilon)
    c1, c2 = number(one_minus_beta_1), number(one_minus_beta_2)
    for i in range(w.size):
        first = m[i] + (g[i] - m[i]) * c1
        second = v[i] + (g[i] * g[i] - v[i]) * c2
        first = number(0) if abs(first) < tiny else first
        second = number(0) if abs(second) < tiny else second
        m[i] = first
        v[i] = second
        # written so that a NaN in either is kept, as by np.maximum
        largest = second if second > v_hat[i] or second != second else v_hat[i]
        v_hat[i] = largest
        w[i] -= first * a / (np.sqrt(largest) + eps)


@kernel(g="i", learning_rate="", v="+i", w="+i")
def adagrad(g: Array, learning_rate: Array, epsilon: float, v: Array, w: Array) -> None:
    """v += g^2; w -= learning_rate*g/sqrt(v + epsilon)."""
    number = w.dtype.type
    v += g * g
    w -= number(learning_rate) * g / np.sqrt(v + number(epsilon))


@adagrad.loops
def adagrad_loops(g: Array, learning_rate: Array, epsilon: float, v: Array, w: Array) -> None:
    number = w.dtype.type
    lr, eps = number(learning_rate[()]), number(epsilon)
    for i in range(w.size):
        v[i] += g[i] * g[i]
        w[i] -= lr * g[i] / np.sqrt(v[i] + eps)


@kernel(
    g="i",
    learning_rate="",
    moment_share="",
    gradient_share="",
    v_correction="",
    m="+i",
    v="+i",
    w="+i",
)
def nadam(
    g: Array,
    learning_rate: Array,
    one_minus_beta_1: float,
    one_minus_beta_2: float,
    moment_share: Array,
    gradient_share: Array,
    v_correction: Array,
    epsilon: float,
    m: Array,
    v: Array,
    w: Array,
) -> None:
    """Moments as in `adam`; w -= learning_rate*m_hat/(sqrt(v_hat) + epsilon).

    m_hat = moment_share*m + gradient_share*g looks one step ahead, v_hat = v/v_correction.
    """
    number = w.dtype.type
    m += (g - m) * number(one_minus_beta_1)
    v += (g * g - v) * number(one_minus_beta_2)
    _flush(m)
    _flush(v)
    m_hat = number(moment_share) * m + number(gradient_share) * g
    v_hat = v / number(v_correction)
    w -= m_hat * number(learning_rate) / (np.sqrt(v_hat) + number(epsilon))


@nadam.loops
def nadam_loops(
    g: Array,
    learning_rate: Array,
    one_minus_beta_1: float,
    one_minus_beta_2: float,
    moment_share: Array,
    gradient_share: Array,
    v_correction: Array,
    epsilon: float,
    m: Array,
    v: Array,
    w: Array,
) -> None:
    number = w.dtype.type
    tiny = np.finfo(w.dtype).tiny
    lr, eps = number(learning_rate[()]), number(epsilon)
    c1, c2 = number(one_minus_beta_1), number(one_minus_beta_2)
    m_share, g_share = number(moment_share[()]), number(gradient_share[()])
    correction = number(v_correction[()])
    for i in range(w.size):
        first = m[i] + (g[i] - m[i]) * c1
        second = v[i] + (g[i] * g[i] - v[i]) * c2
        first = number(0) if abs(first) < tiny else first
        second = number(0) if abs(second) < tiny else second
        m[i] = first
        v[i] = second
        m_hat = m_share * first + g_share * g[i]
        w[i] -= m_hat * lr / (np.sqrt(second / correction) + eps)
