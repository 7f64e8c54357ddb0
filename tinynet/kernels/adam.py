"""A step of Adam for one parameter.

All arrays are flat (n,): `w` is the parameter (or all of a model's, one after the other), `g` its
gradient (only read), the others are the optimizer's slots; `w` and the slots are updated in place.
Numbers that change from step to step, such as the learning rate, are arrays without axes.

Moments that decay toward zero (the weights of a pixel that is always black have gradients of
zero) would end up subnormal, and processors are many times slower with subnormal numbers. They
are set to zero there, as in TensorFlow.
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


def flush(x: Array) -> None:
    """Set subnormal numbers to zero."""
    x[np.abs(x) < np.finfo(x.dtype).tiny] = 0


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
    flush(m)
    flush(v)
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
    flush(m)
    flush(v)
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
