"""A step of RMSprop and other optimizers for one parameter; the arrays are as in adam.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.adam import flush
from tinynet.kernels.registry import called_by_loops, kernel


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
    flush(v)
    variance = v
    if centered:
        a *= r
        a += one_minus_r * g
        flush(a)
        variance = v - a * a
    if momentum == 0:
        m[...] = 0  # not 0 times what an infinite step may have left there
    m *= number(momentum)
    m += number(learning_rate) * g / np.sqrt(variance + number(epsilon))
    flush(m)
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


@kernel(g="i", learning_rate="", v="+i", d="+i", w="+i")
def adadelta(
    g: Array, learning_rate: Array, rho: float, epsilon: float, v: Array, d: Array, w: Array
) -> None:
    """v = rho*v + (1 - rho)*g^2; step = sqrt(d + epsilon)*g/sqrt(v + epsilon), then d likewise.

    d = rho*d + (1 - rho)*step^2; w -= learning_rate*step.
    """
    number = w.dtype.type
    r, one_minus_r, eps = number(rho), number(1 - rho), number(epsilon)
    v *= r
    v += one_minus_r * (g * g)
    flush(v)
    step = np.sqrt(d + eps) * g / np.sqrt(v + eps)
    d *= r
    d += one_minus_r * (step * step)
    flush(d)
    w -= number(learning_rate) * step


@adadelta.loops
def adadelta_loops(
    g: Array, learning_rate: Array, rho: float, epsilon: float, v: Array, d: Array, w: Array
) -> None:
    number = w.dtype.type
    tiny = np.finfo(w.dtype).tiny
    lr, eps = number(learning_rate[()]), number(epsilon)
    r, one_minus_r = number(rho), number(1 - rho)
    for i in range(w.size):
        squares = r * v[i] + one_minus_r * (g[i] * g[i])
        squares = number(0) if squares < tiny else squares
        v[i] = squares
        step = np.sqrt(d[i] + eps) * g[i] / np.sqrt(squares + eps)
        steps = r * d[i] + one_minus_r * (step * step)
        d[i] = number(0) if steps < tiny else steps
        w[i] -= lr * step


@called_by_loops
def power_of_beta(beta: float, iterations: Array, w: Array) -> Any:
    """Return beta^t in w's type, t from 1; beta goes through float32."""
    number = w.dtype.type
    return number(np.float64(np.float32(beta)) ** np.float64(iterations[()] + 1))


@kernel(g="i", learning_rate="", iterations="", m="+i", v="+i", w="+i")
def adamax(
    g: Array,
    learning_rate: Array,
    iterations: Array,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    m: Array,
    v: Array,
    w: Array,
) -> None:
    """m += (g - m)*(1 - beta_1); v = max(beta_2*v, |g|).

    w -= learning_rate*m/((1 - beta_1^t)*(v + epsilon)).
    """
    number = w.dtype.type
    correction = number(1) - power_of_beta(beta_1, iterations, w)
    m += (g - m) * number(1 - beta_1)
    v *= number(beta_2)
    flush(m, v)
    np.maximum(v, np.abs(g), out=v)
    w -= number(learning_rate) * m / (correction * (v + number(epsilon)))


@adamax.loops
def adamax_loops(
    g: Array,
    learning_rate: Array,
    iterations: Array,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    m: Array,
    v: Array,
    w: Array,
) -> None:
    number = w.dtype.type
    tiny = np.finfo(w.dtype).tiny
    lr, eps, b2 = number(learning_rate[()]), number(epsilon), number(beta_2)
    new = number(1 - beta_1)
    correction = number(1) - power_of_beta(beta_1, iterations, w)
    for i in range(w.size):
        moment = m[i] + (g[i] - m[i]) * new
        moment = number(0) if abs(moment) < tiny else moment
        m[i] = moment
        largest = b2 * v[i]
        largest = number(0) if abs(largest) < tiny else largest
        size = abs(g[i])
        v[i] = largest if largest > size or largest != largest else size
        w[i] -= lr * moment / (correction * (v[i] + eps))


@kernel(g="i", learning_rate="", m="+i", w="+i")
def lion(g: Array, learning_rate: Array, beta_1: float, beta_2: float, m: Array, w: Array) -> None:
    """w -= learning_rate*sign(beta_1*m + (1 - beta_1)*g); then m = beta_2*m + (1 - beta_2)*g."""
    number = w.dtype.type
    b1, b2, one = number(beta_1), number(beta_2), number(1)
    w -= number(learning_rate) * np.sign(m * b1 + g * (one - b1))
    m *= b2
    m += g * (one - b2)
    flush(m)


@lion.loops
def lion_loops(
    g: Array, learning_rate: Array, beta_1: float, beta_2: float, m: Array, w: Array
) -> None:
    number = w.dtype.type
    tiny = np.finfo(w.dtype).tiny
    lr, b1, b2, one = number(learning_rate[()]), number(beta_1), number(beta_2), number(1)
    for i in range(w.size):
        w[i] -= lr * np.sign(m[i] * b1 + g[i] * (one - b1))
        moment = m[i] * b2 + g[i] * (one - b2)
        m[i] = number(0) if abs(moment) < tiny else moment


@kernel(iterations="", u_product="+")
def multiply_u(iterations: Array, beta_1: float, u_product: Array) -> None:
    """U *= beta_1*(1 - 0.96^t/2), in double precision."""
    u_product *= beta_1 * (1 - 0.5 * 0.96 ** np.float64(iterations + 1))


@multiply_u.loops
def multiply_u_loops(iterations: Array, beta_1: float, u_product: Array) -> None:
    u_product[()] *= beta_1 * (1 - 0.5 * 0.96 ** np.float64(iterations[()] + 1))


@called_by_loops
def look_ahead(
    iterations: Array, u_product: Array, beta_1: float, beta_2: float, w: Array
) -> tuple[Any, Any, Any]:
    """Return the shares of m and g in the look-ahead and the correction of v, in w's type.

    The betas and 0.96 go through float32.
    """
    number = w.dtype.type
    t = np.float64(iterations[()] + 1)
    b1, b2 = np.float64(np.float32(beta_1)), np.float64(np.float32(beta_2))
    decay = np.float64(np.float32(0.96))
    u_now = b1 * (1 - 0.5 * decay**t)
    u_next = b1 * (1 - 0.5 * decay ** (t + 1))
    product = u_product[()]
    m_share = number(u_next / (1 - product * u_next))
    g_share = number((1 - u_now) / (1 - product))
    return m_share, g_share, number(1) - number(b2**t)


@kernel(g="i", learning_rate="", iterations="", u_product="", m="+i", v="+i", w="+i")
def nadam(
    g: Array,
    learning_rate: Array,
    iterations: Array,
    u_product: Array,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    m: Array,
    v: Array,
    w: Array,
) -> None:
    """Moments as in `adam`; w -= learning_rate*m_hat/(sqrt(v_hat) + epsilon).

    m_hat = m_share*m + g_share*g looks one step ahead, v_hat = v/correction; see `look_ahead`.
    """
    number = w.dtype.type
    m_share, g_share, correction = look_ahead(iterations, u_product, beta_1, beta_2, w)
    m += (g - m) * number(1 - np.float64(np.float32(beta_1)))
    v += (g * g - v) * number(1 - np.float64(np.float32(beta_2)))
    flush(m, v)
    m_hat = m_share * m + g_share * g
    w -= m_hat * number(learning_rate) / (np.sqrt(v / correction) + number(epsilon))


@nadam.loops
def nadam_loops(
    g: Array,
    learning_rate: Array,
    iterations: Array,
    u_product: Array,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    m: Array,
    v: Array,
    w: Array,
) -> None:
    number = w.dtype.type
    tiny = np.finfo(w.dtype).tiny
    lr, eps = number(learning_rate[()]), number(epsilon)
    m_share, g_share, correction = look_ahead(iterations, u_product, beta_1, beta_2, w)
    c1 = number(1 - np.float64(np.float32(beta_1)))
    c2 = number(1 - np.float64(np.float32(beta_2)))
    for i in range(w.size):
        first = m[i] + (g[i] - m[i]) * c1
        second = v[i] + (g[i] * g[i] - v[i]) * c2
        first = number(0) if abs(first) < tiny else first
        second = number(0) if abs(second) < tiny else second
        m[i] = first
        v[i] = second
        m_hat = m_share * first + g_share * g[i]
        w[i] -= m_hat * lr / (np.sqrt(second / correction) + eps)
