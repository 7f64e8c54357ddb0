"""The absolute values of the terms that are added to compute the results of layers and losses.

Differences are relative to the largest of them; both.py says why. They come from the formulas in
tinynet's docstrings, with a plus in place of every minus.
"""

from __future__ import annotations

import copy

import numpy as np

from tinynet import Sequential, activations, config, layers, losses
from tinynet.activations import Activation
from tinynet.arrays import Array
from tinynet.kernels import focal
from tinynet.layers.base import Layer
from tinynet.layers.convolutional import Convolution
from tinynet.layers.warping import Warp

CROSS_ENTROPIES = (
    losses.SparseCategoricalCrossentropy,
    losses.CategoricalCrossentropy,
    losses.BinaryCrossentropy,
)
SUMS = (layers.Dense, Convolution, layers.AveragePooling2D, layers.GlobalAveragePooling2D)
# Weighted means of numbers, with weights of at most 1; noise; sums over windows that overlap.
BLENDS = (Warp, layers.RandomContrast, layers.GaussianNoise, layers.MaxPooling2D)


def of_layer(layer: Layer, x: Array, upstream: Array) -> dict[str, Array]:
    """Return the terms of a layer's results.

    Parameters
    ----------
    layer : Layer
        After forward and backward.
    x, upstream : ndarray
        What they were given.

    Returns
    -------
    dict of str to ndarray
        Under "output", "gradient of the input", "gradient of gamma", "moving_mean afterwards" and
        so on; where nothing can cancel, there is no entry.
    """
    if isinstance(layer, layers.Activation):
        dx = through(layer.activation, upstream, layer.logits, layer.out)
        return {"output": in_value(layer.activation, x), "gradient of the input": dx}
    if isinstance(layer, SUMS):
        return of_sums(layer, x, upstream)
    if isinstance(layer, (layers.BatchNormalization, layers.LayerNormalization)):
        return of_normalization(layer, upstream)
    if isinstance(layer, layers.Rescaling):
        return {"output": np.array(layer.offset)}  # where x*scale cancels it, they are equal
    if isinstance(layer, layers.PReLU):
        parts = np.abs(upstream * np.minimum(x, 0))
        return {"gradient of alpha": parts.sum(axis=0)}
    if isinstance(layer, layers.UnitNormalization):
        finite = layer.inv_norms[np.isfinite(layer.inv_norms)]  # zeros have an infinite one
        return {"gradient of the input": np.abs(upstream) * finite.max(initial=0)}
    if isinstance(layer, layers.AlphaDropout):
        return {"output": np.abs(x) + 2}  # one of the numbers that are added
    if isinstance(layer, layers.Lambda):
        return {"output": np.square(x) + np.abs(x), "gradient of the input": through_cases(x)}
    if isinstance(layer, BLENDS):
        return {"output": x, "gradient of the input": upstream}
    return {}  # every number is one of x, or 0, or one of x times a factor


def through_cases(x: Array) -> Array:
    """Return the terms of the derivatives of the functions in layer_cases.py."""
    return 10 * np.maximum(np.abs(x), 1)


def in_value(function: Activation, x: Array) -> Array:
    """Return the terms of an activation's value: 0 where it is not a difference.

    elu is alpha*(exp(x) - 1), and so are selu and celu; gelu is x/2*(1 + erf(x/sqrt(2))), or with
    tanh instead of erf; x - tanh(x) and (x + sqrt(x^2 + b))/2 have x, and log_softmax ends in the
    logarithm of what may be 1 with a rounding error.
    """
    if function.name in ("elu", "selu", "celu"):
        return np.array(function.options.get("alpha", 1.0))
    if function.name == "log_softmax":
        return np.ones(1)
    return x if function.name in ("gelu", "tanh_shrink", "squareplus") else np.zeros(1)


def through(function: Activation, terms: Array, x: Array, out: Array) -> Array:
    """Take terms through the derivative of an activation, at x, where its value is out.

    Softmax has dx = (dout - sum(dout*p))*p, and its logarithm dout - p*sum(dout). The others
    multiply, most of them by 1 minus something, such as 1 - out^2; silu, mish and gelu have x times
    that too. Where the derivative itself is larger, it is used.
    """
    terms = np.abs(terms)
    if function.name == "log_softmax":
        axis = function.options.get("axis", -1)
        return terms + np.exp(out) * np.sum(terms, axis=axis, keepdims=True)
    if function.name == "softmax":
        axis = function.options.get("axis", -1)
        return (terms + np.sum(terms * out, axis=axis, keepdims=True)) * out
    factor = np.ones(1)
    if function.name in ("silu", "mish"):
        factor = 1 + np.abs(x)  # s + x*s*(1 - s)
    elif function.name == "gelu":
        factor = 1 + np.abs(x) * (0.8 + 0.11 * np.square(x))  # (1 + t + x*(1 - t^2)*inner')/2
    return np.maximum(terms * factor, np.abs(function.backward(terms, x, out)))


def of_sums(layer: Layer, x: Array, upstream: Array) -> dict[str, Array]:
    """Return what a layer that adds up products would compute if no number were negative."""
    kept = getattr(layer, "seen", layer)  # where convolutions and poolings keep their arrays
    function = getattr(layer, "activation", activations.linear)
    twin = copy.deepcopy(layer)
    twin.activation = activations.linear
    for weight in twin.params.values():
        np.abs(weight, out=weight)
    z = twin.forward(np.abs(x))
    if function is activations.linear:
        out, dz = z, np.abs(upstream)
    else:
        out, dz = (through(function, each, kept.logits, kept.out) for each in (z, upstream))
    dx = twin.backward(dz)
    gradients = {f"gradient of {name}": each for name, each in twin.grads.items()}
    return {"output": out, "gradient of the input": dx, **gradients}


def of_normalization(
    layer: layers.BatchNormalization | layers.LayerNormalization, upstream: Array
) -> dict[str, Array]:
    """Return the terms of a normalization, where x_hat = (x - mean)*inv_std is itself a difference.

    dx = inv_std*(g - mean(g) - x_hat*mean(g*x_hat)) with g = dout*gamma.
    """
    over = 0 if isinstance(layer, layers.BatchNormalization) else 1  # the axis of the means
    gamma = np.abs(layer.params.get("gamma", layer.ones)).reshape(-1)
    beta = np.abs(layer.params.get("beta", layer.zeros)).reshape(-1)
    mean, inv_std = (np.expand_dims(each, over) for each in (layer.mean, layer.inv_std))
    x, dout = layer.x, np.abs(layer._rows(upstream))
    x_hat = np.abs(x - mean) * inv_std
    parts = (np.abs(x) + np.abs(mean)) * inv_std  # of x_hat

    def means(values: Array) -> Array:
        return np.mean(values, axis=over, keepdims=True)

    g = dout * gamma
    dx = inv_std * (g + means(g) + parts * means(g * x_hat) + x_hat * means(g * parts))
    terms = {
        "output": parts * gamma + beta,
        "gradient of gamma": np.sum(dout * parts, axis=0),
        "gradient of beta": np.sum(dout, axis=0),
    }
    if isinstance(layer, layers.LayerNormalization):
        return {**terms, "gradient of the input": dx}
    if not layer.uses_batch:
        return terms
    new = 1 - layer.momentum
    return {
        **terms,
        "gradient of the input": dx,
        "moving_mean afterwards": new * means(np.abs(x)),
        "moving_variance afterwards": new * means(np.square(x)),
    }


def of_loss(loss: losses.Loss) -> dict[str, Array]:
    """Return the terms of a loss's value and gradient, after its last `value`.

    An error is squared, or its absolute value is taken, before anything is added, so nothing
    cancels. A cross-entropy ends in the logarithm of what may be 1 with a rounding error, and is
    off by as much; from logits z, a binary one has |z*t| in addition. The gradient is p - t at the
    logits, with p and t at most 1, and at the probabilities -t/p minus means of the same, or
    (1 - t)/(1 - p) - t/p.
    """
    if type(loss) not in CROSS_ENTROPIES:
        return _of_other_loss(loss)
    is_binary = isinstance(loss, losses.BinaryCrossentropy)
    rows, t = loss.rows, loss.targets
    if isinstance(loss, losses.SparseCategoricalCrossentropy):
        t = np.eye(rows.shape[1])[t]
    weights = loss.sample_weights * loss._scale(loss.sample_weights, loss.alike)  # of each row
    value, slopes = weights, np.ones_like(rows)
    if not loss.from_logits:
        low = config.epsilon()
        p = np.clip(rows, low, 1 - low)
        slopes = t / p + (1 - t) / (1 - p) if is_binary else t / p
        slopes[(rows < low) | (rows > 1 - low)] = 0
    elif is_binary:
        value = weights * np.mean(1 + np.abs(rows * t), axis=1)
    gradient = weights[:, None] * slopes / (rows.shape[1] if is_binary else 1)
    is_one_number = loss.reduction not in ("none", None)
    return {"value": np.sum(value) if is_one_number else value, "gradient": gradient}


def _of_other_loss(loss: losses.Loss) -> dict[str, Array]:
    """Return the terms of the losses that are no plain cross-entropies."""
    weights = loss.sample_weights * loss._scale(loss.sample_weights, loss.alike)
    t, p, low = loss.targets, loss.rows, config.epsilon()
    if isinstance(loss, losses.LogCosh):  # error + log(1 + exp(-2*error)) - log(2)
        value, slope = 1 + np.abs(p - t), np.ones_like(p)
    elif isinstance(loss, losses.MeanSquaredLogarithmicError):
        logs = np.log1p(np.maximum(p, low)) + np.log1p(np.maximum(t, low))
        value, slope = np.square(logs), 2 * logs
    elif isinstance(loss, losses.Poisson):  # p - t*log(p), and 1 - t/p
        q = np.abs(p) + low
        value, slope = q + np.abs(t * np.log(q)), 1 + np.abs(t) / q
    elif isinstance(loss, losses.CosineSimilarity):  # t*p and c*p - t, all of length 1
        length = np.maximum(np.sqrt(np.sum(np.square(p), axis=1, keepdims=True)), low)
        value, slope = np.ones_like(p), p.shape[1] * (1 + np.abs(p) / length) / length
    elif isinstance(loss, losses.Hinge):  # 1 - t*p
        missing = 1 + np.abs(t * p)
        value, slope = np.square(missing), np.abs(t) * missing
    elif isinstance(loss, losses.CategoricalHinge):
        value, slope = p.shape[1] * (1 + np.abs(p)), np.ones_like(p)
    elif isinstance(loss, losses.BinaryFocalCrossentropy):  # (1 - r)^gamma, where r may be almost 1
        q, entropy, slopes = focal._two_sided(t, p, low, loss.chosen.constants[-1])
        wrong, power = np.maximum(1 - (t * q + (1 - t) * (1 - q)), 1e-9), max(loss.gamma, 1)
        entropy, slopes = entropy + np.abs(t * p), 1 + np.abs(slopes)
        value = wrong ** (power - 1) * (power * entropy + wrong * slopes)
        slope = power * wrong ** (power - 1) * (slopes + power * entropy / wrong)
    elif isinstance(loss, losses.KLDivergence):  # t*log(t/p), a quotient with a rounding error
        value, slope = np.ones_like(p) * p.shape[1], np.zeros_like(p)
    else:
        return {"value": np.zeros(1), "gradient": np.zeros(1)}
    rows = weights * np.mean(value, axis=1)
    is_one_number = loss.reduction not in ("none", None)
    gradient = weights[:, None] * slope / p.shape[1]
    return {"value": np.sum(rows) if is_one_number else rows, "gradient": gradient}


def of_training(model: Sequential) -> float:
    """Return the sum of the lengths of all steps, a term of the weights.

    A step is taken to be as long as the learning rate: Adam's is, and that of other optimizers is
    if the gradient has size 1. Weights that do not start at 0 are large enough by themselves.
    """
    optimizer = model.optimizer
    return 0.0 if optimizer is None else optimizer.iterations * float(optimizer.learning_rate)
