"""Batch normalization in training, for n samples and k features."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinynet.arrays import Array
from tinynet.exercises.base import MEAN_FOR_SUM, Case, exercise
from tinynet.layers import BatchNormalization

PAGE = "backprop/batch_norm"
NOT_SUMMED = "not summed over the samples, axis 0"


def draws(rng: np.random.Generator) -> Iterator[tuple[Array, Array, Array, Array, float]]:
    """Yield dout and x (n, k), gamma and beta (k,), and epsilon."""
    for n, k, epsilon in ((5, 3, 1e-3), (1, 2, 1e-3), (2, 4, 0.1), (4, 4, 1e-3)):
        gamma, beta = rng.normal(1, 0.5, size=(2, k))
        yield rng.normal(size=(n, k)), rng.normal(3, 2, size=(n, k)), gamma, beta, epsilon


def x_gamma_beta(rng: np.random.Generator) -> Iterator[Case]:
    """Yield the arguments of the forward pass."""
    for _, x, gamma, beta, epsilon in draws(rng):
        yield x, gamma, beta, epsilon


def dout_x(rng: np.random.Generator) -> Iterator[Case]:
    """Yield the arguments of dgamma."""
    for dout, x, _, _, epsilon in draws(rng):
        yield dout, x, epsilon


def only_dout(rng: np.random.Generator) -> Iterator[Case]:
    """Yield the argument of dbeta."""
    for dout, *_ in draws(rng):
        yield (dout,)


def dout_x_gamma(rng: np.random.Generator) -> Iterator[Case]:
    """Yield the arguments of dx."""
    for dout, x, gamma, _, epsilon in draws(rng):
        yield dout, x, gamma, epsilon


def after(x: Array, gamma: Array, beta: Array, epsilon: float) -> tuple[BatchNormalization, Array]:
    """Return a layer after its forward pass in training, and its output."""
    layer = BatchNormalization(epsilon=epsilon, dtype="float64", name="batch_normalization")
    layer.build(x.shape[1:])
    layer.set_weights([gamma, beta, np.zeros_like(beta), np.ones_like(beta)])
    return layer, layer.forward(x, training=True)


def backward(dout: Array, x: Array, gamma: Array, epsilon: float) -> tuple[Array, Array, Array]:
    """Return dx, dgamma and dbeta."""
    layer, _ = after(x, gamma, np.zeros_like(gamma), epsilon)
    dx = layer.backward(dout)
    return dx, layer.grads["gamma"], layer.grads["beta"]


def normalized(x: Array, epsilon: float, axis: int | None = 0, ddof: int = 0) -> Array:
    """Return x_hat (n, k), with the mean and the variance over an axis."""
    variance = x.var(axis=axis, ddof=ddof, keepdims=True)
    found: Array = (x - x.mean(axis=axis, keepdims=True)) / np.sqrt(variance + epsilon)
    return found


def scale(x: Array, epsilon: float) -> Array:
    """Return 1/sqrt(variance + epsilon), (k,)."""
    found: Array = 1 / np.sqrt(x.var(axis=0) + epsilon)
    return found


@exercise(
    "batch_norm/forward",
    page=PAGE,
    returns="out",
    cases=x_gamma_beta,
    mistakes={
        "the variance is divided by n - 1: batch norm divides by n": (
            lambda right, x, gamma, beta, epsilon: gamma * normalized(x, epsilon, ddof=1) + beta
        ),
        "epsilon is missing": (
            lambda right, x, gamma, beta, epsilon: gamma * normalized(x, 0) + beta
        ),
        "epsilon is added to the root: it belongs to the variance, under the root": (
            lambda right, x, gamma, beta, epsilon: (
                gamma * (x - x.mean(axis=0)) / (x.std(axis=0) + epsilon) + beta
            )
        ),
        "divided by the variance, without the root": (
            lambda right, x, gamma, beta, epsilon: (
                gamma * (x - x.mean(axis=0)) * scale(x, epsilon) ** 2 + beta
            )
        ),
        "mean and variance of each sample, axis 1: that is layer normalization": (
            lambda right, x, gamma, beta, epsilon: gamma * normalized(x, epsilon, axis=1) + beta
        ),
        "mean and variance of everything: each feature has its own": (
            lambda right, x, gamma, beta, epsilon: gamma * normalized(x, epsilon, axis=None) + beta
        ),
        "gamma and beta are missing: this is x_hat": (
            lambda right, x, gamma, beta, epsilon: normalized(x, epsilon)
        ),
        "the mean is not subtracted": (
            lambda right, x, gamma, beta, epsilon: gamma * x * scale(x, epsilon) + beta
        ),
    },
)
def forward(x: Array, gamma: Array, beta: Array, epsilon: float) -> Array:
    """Return out (n, k) in training from x (n, k), gamma (k,) and beta (k,)."""
    return after(x, gamma, beta, epsilon)[1]


@exercise(
    "batch_norm/dgamma",
    page=PAGE,
    returns="dgamma",
    cases=dout_x,
    mistakes={
        **MEAN_FOR_SUM,
        NOT_SUMMED: lambda right, dout, x, epsilon: dout * normalized(x, epsilon),
        "dout times x: gamma is multiplied by x_hat": (
            lambda right, dout, x, epsilon: (dout * x).sum(axis=0)
        ),
        "x is centered, but not divided by its standard deviation": (
            lambda right, dout, x, epsilon: right / scale(x, epsilon)
        ),
        "the variance is divided by n - 1: batch norm divides by n": (
            lambda right, dout, x, epsilon: (dout * normalized(x, epsilon, ddof=1)).sum(axis=0)
        ),
    },
)
def dgamma(dout: Array, x: Array, epsilon: float) -> Array:
    """Return the gradient of gamma (k,) from dout (n, k) and x (n, k)."""
    return backward(dout, x, np.ones(x.shape[1]), epsilon)[1]


@exercise(
    "batch_norm/dbeta",
    page=PAGE,
    returns="dbeta",
    cases=only_dout,
    mistakes={
        **MEAN_FOR_SUM,
        NOT_SUMMED: lambda right, dout: dout,
        "summed over the features, axis 1: the samples are axis 0": (
            lambda right, dout: dout.sum(axis=1)
        ),
        "an axis is left: sum without keepdims": lambda right, dout: right[None],
    },
)
def dbeta(dout: Array) -> Array:
    """Return the gradient of beta (k,) from dout (n, k)."""
    return backward(dout, dout, np.ones(dout.shape[1]), 1.0)[2]


@exercise(
    "batch_norm/dx",
    page=PAGE,
    returns="dx",
    cases=dout_x_gamma,
    mistakes={
        "mean and variance are taken for constants, as at inference": (
            lambda right, dout, x, gamma, epsilon: dout * gamma * scale(x, epsilon)
        ),
        "the derivative of the variance is missing: the term with dgamma": (
            lambda right, dout, x, gamma, epsilon: (
                gamma * scale(x, epsilon) * (dout - dout.mean(axis=0))
            )
        ),
        "the derivative of the mean is missing: the term with dbeta": (
            lambda right, dout, x, gamma, epsilon: (
                right + gamma * scale(x, epsilon) * dout.mean(axis=0)
            )
        ),
        "dbeta and dgamma are not divided by the number of samples": (
            lambda right, dout, x, gamma, epsilon: (
                gamma * scale(x, epsilon) * dout * (1 - len(x)) + right * len(x)
            )
        ),
        "gamma is missing": lambda right, dout, x, gamma, epsilon: right / gamma,
        "the factor 1/sqrt(variance + epsilon) in front is missing": (
            lambda right, dout, x, gamma, epsilon: right / scale(x, epsilon)
        ),
    },
)
def dx(dout: Array, x: Array, gamma: Array, epsilon: float) -> Array:
    """Return the gradient of the input (n, k) from dout (n, k), x (n, k) and gamma (k,)."""
    return backward(dout, x, gamma, epsilon)[0]
