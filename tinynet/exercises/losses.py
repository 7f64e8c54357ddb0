"""The gradients of two losses, for n samples with m outputs each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinynet.arrays import Array
from tinynet.exercises.base import Case, exercise
from tinynet.losses import BinaryCrossentropy, Huber

PAGE = "backprop/losses"

NOT_DIVIDED = "not divided by n m: the loss is a mean over the samples and the outputs"
NO_SAMPLES = "divided by m alone: the loss is a mean over the samples, too"
NO_OUTPUTS = "divided by n alone: the loss is a mean over the outputs, too"


def p_t_delta(rng: np.random.Generator) -> Iterator[Case]:
    """Yield predictions and targets (n, m), and a delta that some residuals exceed."""
    for shape, delta in (((4, 3), 1.0), ((1, 4), 0.5), ((3, 3), 2.0), ((5, 2), 0.1)):
        p, t = rng.normal(scale=2, size=(2, *shape))
        p.flat[0] = t.flat[0] - 3 * delta
        yield p, t, delta


def z_t(rng: np.random.Generator) -> Iterator[Case]:
    """Yield logits (n, m) and targets 0 or 1; the last logits are far from 0."""
    for shape in ((4, 3), (1, 4), (3, 3), (5, 2)):
        yield rng.normal(size=shape), rng.integers(2, size=shape).astype(float)
    yield np.array([[800.0, -800], [-800, 3]]), np.array([[1.0, 0], [1, 0]])


def clipped(p: Array, t: Array, delta: float) -> Array:
    """Return the slope of Huber's loss of each output."""
    slope: Array = np.clip(p - t, -delta, delta)
    return slope


def sigmoid(z: Array) -> Array:
    """Return the sigmoid as its formula says."""
    p: Array = 1 / (1 + np.exp(-z))
    return p


@exercise(
    "losses/huber_dp",
    page=PAGE,
    returns="dp",
    cases=p_t_delta,
    mistakes={
        NOT_DIVIDED: lambda right, p, t, delta: right * p.size,
        NO_SAMPLES: lambda right, p, t, delta: right * len(p),
        NO_OUTPUTS: lambda right, p, t, delta: right * p.shape[1],
        "the residual is not clipped: this is half the slope of the squared error": (
            lambda right, p, t, delta: (p - t) / p.size
        ),
        "the sign everywhere: this is the slope of the absolute error": (
            lambda right, p, t, delta: np.sign(p - t) / p.size
        ),
        "the slope of the straight pieces is delta, not 1": (
            lambda right, p, t, delta: np.where(abs(p - t) <= delta, p - t, np.sign(p - t)) / p.size
        ),
        "only the residuals above delta are clipped: those below -delta are, too": (
            lambda right, p, t, delta: np.minimum(p - t, delta) / p.size
        ),
    },
)
def huber_dp(p: Array, t: Array, delta: float) -> Array:
    """Return dp (n, m) of the mean Huber loss of predictions p (n, m) and targets t (n, m)."""
    loss = Huber(delta)
    loss(t, p)
    return loss.gradient()


@exercise(
    "losses/binary_dlogits",
    page=PAGE,
    returns="dz",
    cases=z_t,
    mistakes={
        NOT_DIVIDED: lambda right, z, t: right * z.size,
        NO_SAMPLES: lambda right, z, t: right * len(z),
        NO_OUTPUTS: lambda right, z, t: right * z.shape[1],
        "z - t: the targets are subtracted from the probabilities, sigmoid(z)": (
            lambda right, z, t: (z - t) / z.size
        ),
        "the sigmoid's slope is there twice: p - t is dz already": (
            lambda right, z, t: right * sigmoid(z) * (1 - sigmoid(z))
        ),
        "by way of p, which is rounded to 0 or 1: the denominators cancel, and leave p - t": (
            lambda right, z, t: (
                ((1 - t) / (1 - sigmoid(z)) - t / sigmoid(z))
                * sigmoid(z)
                * (1 - sigmoid(z))
                / z.size
            )
        ),
        "this is dp: multiply it by the sigmoid's slope, p(1 - p)": (
            lambda right, z, t: ((1 - t) / (1 - sigmoid(z)) - t / sigmoid(z)) / z.size
        ),
    },
)
def binary_dlogits(z: Array, t: Array) -> Array:
    """Return dz (n, m) of the mean binary cross-entropy of logits z, which may be large, and t."""
    loss = BinaryCrossentropy(from_logits=True)
    loss(t, z)
    return loss.gradient()
