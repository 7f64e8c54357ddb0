"""Layer normalization, for n samples and k features."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.exercises.base import MEAN_FOR_SUM, exercise
from tinynet.exercises.batch_norm import dout_x, dout_x_gamma, normalized, x_gamma_beta
from tinynet.layers import LayerNormalization

PAGE = "backprop/layer_norm"


def after(x: Array, gamma: Array, beta: Array, epsilon: float) -> tuple[LayerNormalization, Array]:
    """Return a layer after its forward pass, and its output."""
    layer = LayerNormalization(epsilon=epsilon, dtype="float64", name="layer_normalization")
    layer.build(x.shape[1:])
    layer.set_weights([gamma, beta])
    return layer, layer.forward(x)


def backward(dout: Array, x: Array, gamma: Array, epsilon: float) -> tuple[Array, Array]:
    """Return dx and dgamma."""
    layer, _ = after(x, gamma, np.zeros_like(gamma), epsilon)
    dx = layer.backward(dout)
    return dx, layer.grads["gamma"]


def scale(x: Array, epsilon: float) -> Array:
    """Return 1/sqrt(variance + epsilon), (n, 1)."""
    found: Array = 1 / np.sqrt(x.var(axis=1, keepdims=True) + epsilon)
    return found


def passed_on(g: Array, x: Array, epsilon: float, axis: int = 1) -> Array:
    """Return the gradient of x, with the two means along an axis."""
    x_hat = normalized(x, epsilon, axis=1)
    along = (g * x_hat).mean(axis=axis, keepdims=True)
    found: Array = scale(x, epsilon) * (g - g.mean(axis=axis, keepdims=True) - x_hat * along)
    return found


@exercise(
    "layer_norm/forward",
    page=PAGE,
    returns="out",
    cases=x_gamma_beta,
    mistakes={
        "mean and variance over the samples, axis 0: that is batch normalization": (
            lambda right, x, gamma, beta, epsilon: gamma * normalized(x, epsilon) + beta
        ),
        "mean and variance of everything: each sample has its own": (
            lambda right, x, gamma, beta, epsilon: gamma * normalized(x, epsilon, axis=None) + beta
        ),
        "the variance is divided by k - 1: layer norm divides by k": (
            lambda right, x, gamma, beta, epsilon: (
                gamma * normalized(x, epsilon, axis=1, ddof=1) + beta
            )
        ),
        "epsilon is missing": (
            lambda right, x, gamma, beta, epsilon: gamma * normalized(x, 0, axis=1) + beta
        ),
        "gamma and beta are missing: this is x_hat": (
            lambda right, x, gamma, beta, epsilon: normalized(x, epsilon, axis=1)
        ),
    },
)
def forward(x: Array, gamma: Array, beta: Array, epsilon: float) -> Array:
    """Return out (n, k) from x (n, k), gamma (k,) and beta (k,)."""
    return after(x, gamma, beta, epsilon)[1]


@exercise(
    "layer_norm/dgamma",
    page=PAGE,
    returns="dgamma",
    cases=dout_x,
    mistakes={
        **MEAN_FOR_SUM,
        "summed over the features: gamma belongs to a feature, so the sum is over the samples": (
            lambda right, dout, x, epsilon: (dout * normalized(x, epsilon, axis=1)).sum(axis=1)
        ),
        "dout times x: gamma is multiplied by x_hat": (
            lambda right, dout, x, epsilon: (dout * x).sum(axis=0)
        ),
        "x is normalized over the samples, axis 0: that is batch normalization": (
            lambda right, dout, x, epsilon: (dout * normalized(x, epsilon)).sum(axis=0)
        ),
    },
)
def dgamma(dout: Array, x: Array, epsilon: float) -> Array:
    """Return the gradient of gamma (k,) from dout (n, k) and x (n, k)."""
    return backward(dout, x, np.ones(x.shape[1]), epsilon)[1]


@exercise(
    "layer_norm/dx",
    page=PAGE,
    returns="dx",
    cases=dout_x_gamma,
    mistakes={
        "gamma is missing: dout times gamma is what comes to x_hat": (
            lambda right, dout, x, gamma, epsilon: passed_on(dout, x, epsilon)
        ),
        "gamma stands in front, as in batch normalization: here it belongs inside the means": (
            lambda right, dout, x, gamma, epsilon: gamma * passed_on(dout, x, epsilon)
        ),
        "the two means are over the samples: here they are over the features": (
            lambda right, dout, x, gamma, epsilon: passed_on(dout * gamma, x, epsilon, axis=0)
        ),
        "the derivative of the variance is missing: the mean of g x_hat": (
            lambda right, dout, x, gamma, epsilon: (
                scale(x, epsilon) * (dout * gamma - (dout * gamma).mean(axis=1, keepdims=True))
            )
        ),
        "mean and variance are taken for constants": (
            lambda right, dout, x, gamma, epsilon: scale(x, epsilon) * dout * gamma
        ),
        "not divided by the standard deviation": (
            lambda right, dout, x, gamma, epsilon: right / scale(x, epsilon)
        ),
    },
)
def dx(dout: Array, x: Array, gamma: Array, epsilon: float) -> Array:
    """Return dx (n, k) from dout (n, k), x (n, k) and gamma (k,)."""
    return backward(dout, x, gamma, epsilon)[0]
