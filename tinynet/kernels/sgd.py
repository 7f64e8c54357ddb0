"""A step of gradient descent for one parameter, and what comes before and after any step.

The arrays are as in adam.py.
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.adam import flush
from tinynet.kernels.registry import kernel


@kernel(learning_rate="", w="+i")
def decay_weights(learning_rate: Array, weight_decay: float, w: Array) -> None:
    """w -= w*weight_decay*learning_rate; the product of the two is rounded once, to w's type."""
    w -= w * w.dtype.type(weight_decay * learning_rate)


@decay_weights.loops
def decay_weights_loops(learning_rate: Array, weight_decay: float, w: Array) -> None:
    f = w.dtype.type(weight_decay * learning_rate[()])
    for i in range(w.size):
        w[i] -= w[i] * f


@kernel(w="i", iterations="", average="+i")
def average_weights(w: Array, iterations: Array, momentum: float, average: Array) -> None:
    """average = momentum*average + (1 - momentum)*w; at iteration 0, average = w."""
    number = w.dtype.type
    kept = number(momentum if iterations > 0 else 0)
    average *= kept
    average += (number(1) - kept) * w


@average_weights.loops
def average_weights_loops(w: Array, iterations: Array, momentum: float, average: Array) -> None:
    number = w.dtype.type
    kept = number(momentum if iterations[()] > 0 else 0.0)
    new = number(1) - kept
    for i in range(w.size):
        average[i] = kept * average[i] + new * w[i]


@kernel(average="i", iterations="", w="+i")
def take_average(average: Array, iterations: Array, frequency: int, w: Array) -> None:
    """w = average where iterations + 1 is a multiple of frequency; otherwise w stays."""
    if (iterations + 1) % frequency == 0:
        w[...] = average


@take_average.loops
def take_average_loops(average: Array, iterations: Array, frequency: int, w: Array) -> None:
    if (iterations[()] + 1) % frequency == 0:
        for i in range(w.size):
            w[i] = average[i]


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
    flush(m)
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
