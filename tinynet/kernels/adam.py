"""A step of Adam for one parameter.

All arrays are flat (n,): `w` is the parameter, `g` its gradient (only read), the others are the
optimizer's slots; `w` and the slots are updated in place. Numbers that change from step to step are
arrays without axes: the learning rate, and how many steps there have been (`iterations`).

Moments that decay toward zero (the weights of a pixel that is always black have gradients of
zero) would end up subnormal, and some processors are much slower with subnormal numbers. They are
set to zero there, as in TensorFlow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import called_by_loops, kernel


def flush(*arrays: Array) -> None:
    """Set subnormal numbers to zero."""
    for x in arrays:
        x[np.abs(x) < np.finfo(x.dtype).tiny] = 0


@called_by_loops
def corrected_rate(
    learning_rate: Array, iterations: Array, beta_1: float, beta_2: float, w: Array
) -> Any:
    """Return alpha = learning_rate*sqrt(1 - beta_2^t)/(1 - beta_1^t) in w's type, t from 1.

    It makes up for both moments' start at 0. The betas of the powers go through float32.
    """
    number = w.dtype.type
    t = np.float64(iterations[()] + 1)
    power_1 = number(np.float64(np.float32(beta_1)) ** t)
    power_2 = number(np.float64(np.float32(beta_2)) ** t)
    one = number(1)
    return number(learning_rate[()]) * np.sqrt(one - power_2) / (one - power_1)


@kernel(g="i", learning_rate="", iterations="", m="+i", v="+i", w="+i")
def adam(
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
    """m += (g - m)*(1 - beta_1); v += (g^2 - v)*(1 - beta_2); w -= alpha*m/(sqrt(v) + epsilon).

    alpha is the `corrected_rate`.
    """
    number = w.dtype.type
    alpha = corrected_rate(learning_rate, iterations, beta_1, beta_2, w)
    m += (g - m) * number(1 - beta_1)
    v += (g * g - v) * number(1 - beta_2)
    flush(m, v)
    w -= m * alpha / (np.sqrt(v) + number(epsilon))


@adam.loops
def adam_loops(
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
    alpha = corrected_rate(learning_rate, iterations, beta_1, beta_2, w)
    c1, c2, eps = number(1 - beta_1), number(1 - beta_2), number(epsilon)
    for i in range(w.size):
        first = m[i] + (g[i] - m[i]) * c1
        second = v[i] + (g[i] * g[i] - v[i]) * c2
        first = number(0) if abs(first) < tiny else first
        second = number(0) if abs(second) < tiny else second
        m[i] = first
        v[i] = second
        w[i] -= first * alpha / (np.sqrt(second) + eps)


@kernel(g="i", learning_rate="", iterations="", m="+i", v="+i", v_hat="+i", w="+i")
def adam_amsgrad(
    g: Array,
    learning_rate: Array,
    iterations: Array,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    m: Array,
    v: Array,
    v_hat: Array,
    w: Array,
) -> None:
    """Like `adam`, but with v_hat = max(v_hat, v), the largest v so far, under the root."""
    number = w.dtype.type
    alpha = corrected_rate(learning_rate, iterations, beta_1, beta_2, w)
    m += (g - m) * number(1 - beta_1)
    v += (g * g - v) * number(1 - beta_2)
    flush(m, v)
    np.maximum(v_hat, v, out=v_hat)
    w -= m * alpha / (np.sqrt(v_hat) + number(epsilon))


@adam_amsgrad.loops
def adam_amsgrad_loops(
    g: Array,
    learning_rate: Array,
    iterations: Array,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    m: Array,
    v: Array,
    v_hat: Array,
    w: Array,
) -> None:
    number = w.dtype.type
    tiny = np.finfo(w.dtype).tiny
    alpha = corrected_rate(learning_rate, iterations, beta_1, beta_2, w)
    c1, c2, eps = number(1 - beta_1), number(1 - beta_2), number(epsilon)
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
        w[i] -= first * alpha / (np.sqrt(largest) + eps)
