"""Dropout in training, with the numbers u that it drew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinynet import kernels
from tinynet.arrays import Array
from tinynet.exercises.base import Case, exercise

PAGE = "backprop/dropout"

# Forward and backward do the same to x and to dout, so they have the same mistakes.
MISTAKES: dict[str, Callable[..., Any]] = {
    "the factor 1/(1 - rate) is missing": lambda right, x, u, rate: right * (1 - rate),
    "divided by the rate: what is kept is divided by 1 - rate": (
        lambda right, x, u, rate: right * (1 - rate) / rate
    ),
    "multiplied by 1 - rate: the kept values are divided by it": (
        lambda right, x, u, rate: right * (1 - rate) ** 2
    ),
    "the mask is the other way round: an entry is kept where u >= rate": (
        lambda right, x, u, rate: np.where(u < rate, x / (1 - rate), 0)
    ),
    "at u = rate an entry is dropped here: it is kept where u >= rate": (
        lambda right, x, u, rate: np.where(u > rate, x / (1 - rate), 0)
    ),
    "nothing is dropped, and everything divided by 1 - rate": (
        lambda right, x, u, rate: x / (1 - rate)
    ),
    "nothing is dropped: this is what happens at inference": lambda right, x, u, rate: x,
}


def x_u_rate(rng: np.random.Generator) -> Iterator[Case]:
    """Yield x and u of the same shape, and the rate; one u equals it."""
    for shape, rate in (((3, 4), 0.5), ((1, 5), 0.25), ((2, 3), 0.3), ((3, 3), 0.8)):
        x, u = rng.normal(size=shape), rng.random(shape)
        u.flat[:3] = rate, rate / 2, (1 + rate) / 2
        yield x, u, rate


def dropped(x: Array, u: Array, rate: float) -> Array:
    """Return x with the entries dropped whose u is below the rate."""
    out = np.empty_like(x)
    kernels.dropout.dropout(x.reshape(-1), u.reshape(-1), rate, out.reshape(-1))
    return out


@exercise("dropout/forward", page=PAGE, returns="out", cases=x_u_rate, mistakes=MISTAKES)
def forward(x: Array, u: Array, rate: float) -> Array:
    """Return out in training from x and u of the same shape; u is uniform in [0, 1)."""
    return dropped(x, u, rate)


@exercise("dropout/backward", page=PAGE, returns="dx", cases=x_u_rate, mistakes=MISTAKES)
def backward(dout: Array, u: Array, rate: float) -> Array:
    """Return dx from dout and the u of the forward pass, all of the same shape."""
    return dropped(dout, u, rate)
