"""Losses for numbers, one row per sample: for most, a mean over the columns.

As in cross_entropy.py, `losses` holds one number per row, and a ``_backward`` writes the
gradient of sum(weights*losses) with respect to the predictions. All matrices are
(rows, columns), error = predictions - targets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import called_by_loops, kernel

LOG_2 = float(np.float32(0.6931471805599453))  # Keras computes it in float32, for float64 too


@kernel(targets="iJ", predictions="iJ", losses=">i")
def squared_error(targets: Array, predictions: Array, losses: Array) -> None:
    """losses[i] = mean over j of error^2."""
    np.mean(np.square(predictions - targets), axis=1, out=losses)


@squared_error.loops
def squared_error_loops(targets: Array, predictions: Array, losses: Array) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    for i in range(rows):
        total = number(0)
        for j in range(columns):
            error = predictions[i, j] - targets[i, j]
            total += error * error
        losses[i] = total / number(columns)


@kernel(targets="iJ", predictions="iJ", weights="i", dpredictions=">iJ")
def squared_error_backward(
    targets: Array, predictions: Array, weights: Array, dpredictions: Array
) -> None:
    """dpredictions[i, j] = weights[i]*2*error/columns."""
    scale = 2 * weights / predictions.shape[1]
    np.multiply(predictions - targets, scale[:, None], out=dpredictions)


@squared_error_backward.loops
def squared_error_backward_loops(
    targets: Array, predictions: Array, weights: Array, dpredictions: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    for i in range(rows):
        scale = number(2) * weights[i] / number(columns)
        for j in range(columns):
            dpredictions[i, j] = (predictions[i, j] - targets[i, j]) * scale


@kernel(targets="iJ", predictions="iJ", losses=">i")
def absolute_error(targets: Array, predictions: Array, losses: Array) -> None:
    """losses[i] = mean over j of |error|."""
    np.mean(np.abs(predictions - targets), axis=1, out=losses)


@absolute_error.loops
def absolute_error_loops(targets: Array, predictions: Array, losses: Array) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    for i in range(rows):
        total = number(0)
        for j in range(columns):
            total += abs(predictions[i, j] - targets[i, j])
        losses[i] = total / number(columns)


@kernel(targets="iJ", predictions="iJ", weights="i", dpredictions=">iJ")
def absolute_error_backward(
    targets: Array, predictions: Array, weights: Array, dpredictions: Array
) -> None:
    """dpredictions[i, j] = weights[i]*sign(error)/columns, 0 where the error is 0."""
    scale = weights / predictions.shape[1]
    np.multiply(np.sign(predictions - targets), scale[:, None], out=dpredictions)


@absolute_error_backward.loops
def absolute_error_backward_loops(
    targets: Array, predictions: Array, weights: Array, dpredictions: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    for i in range(rows):
        scale = weights[i] / number(columns)
        for j in range(columns):
            dpredictions[i, j] = np.sign(predictions[i, j] - targets[i, j]) * scale


@kernel(targets="iJ", predictions="iJ", losses=">i")
def huber(targets: Array, predictions: Array, delta: float, losses: Array) -> None:
    """losses[i] = mean of error^2/2 where |error| <= delta, else delta*|error| - delta^2/2."""
    d = predictions.dtype.type(delta)
    size = np.abs(predictions - targets)
    each = np.where(size <= d, size * size / 2, d * size - d * d / 2)
    np.mean(each, axis=1, out=losses)


@huber.loops
def huber_loops(targets: Array, predictions: Array, delta: float, losses: Array) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    d, half = number(delta), number(0.5)
    for i in range(rows):
        total = number(0)
        for j in range(columns):
            size = abs(predictions[i, j] - targets[i, j])
            total += half * size * size if size <= d else d * size - half * d * d
        losses[i] = total / number(columns)


@kernel(targets="iJ", predictions="iJ", weights="i", dpredictions=">iJ")
def huber_backward(
    targets: Array, predictions: Array, delta: float, weights: Array, dpredictions: Array
) -> None:
    """dpredictions[i, j] = weights[i]*clip(error, -delta, delta)/columns."""
    d = predictions.dtype.type(delta)
    scale = weights / predictions.shape[1]
    np.multiply(np.clip(predictions - targets, -d, d), scale[:, None], out=dpredictions)


@huber_backward.loops
def huber_backward_loops(
    targets: Array, predictions: Array, delta: float, weights: Array, dpredictions: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    d = number(delta)
    for i in range(rows):
        scale = weights[i] / number(columns)
        for j in range(columns):
            error = predictions[i, j] - targets[i, j]
            clipped = -d if error < -d else d if error > d else error
            dpredictions[i, j] = clipped * scale


@kernel(targets="iJ", predictions="iJ", losses=">i")
def percentage_error(targets: Array, predictions: Array, epsilon: float, losses: Array) -> None:
    """losses[i] = 100 times the mean over j of |error|/max(|t|, epsilon)."""
    size = np.maximum(np.abs(targets), predictions.dtype.type(epsilon))
    np.multiply(100, np.mean(np.abs((predictions - targets) / size), axis=1), out=losses)


@percentage_error.loops
def percentage_error_loops(
    targets: Array, predictions: Array, epsilon: float, losses: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    least = number(epsilon)
    for i in range(rows):
        total = number(0)
        for j in range(columns):
            size = abs(targets[i, j])
            size = least if size < least else size
            total += abs((predictions[i, j] - targets[i, j]) / size)
        losses[i] = number(100) * (total / number(columns))


@kernel(targets="iJ", predictions="iJ", weights="i", dpredictions=">iJ")
def percentage_error_backward(
    targets: Array, predictions: Array, epsilon: float, weights: Array, dpredictions: Array
) -> None:
    """dpredictions[i, j] = weights[i]*100*sign(error)/max(|t|, epsilon)/columns."""
    size = np.maximum(np.abs(targets), predictions.dtype.type(epsilon))
    scale = 100 * weights / predictions.shape[1]
    np.multiply(np.sign(predictions - targets) / size, scale[:, None], out=dpredictions)


@percentage_error_backward.loops
def percentage_error_backward_loops(
    targets: Array, predictions: Array, epsilon: float, weights: Array, dpredictions: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    least = number(epsilon)
    for i in range(rows):
        scale = number(100) * weights[i] / number(columns)
        for j in range(columns):
            size = abs(targets[i, j])
            size = least if size < least else size
            dpredictions[i, j] = np.sign(predictions[i, j] - targets[i, j]) / size * scale


@kernel(targets="iJ", predictions="iJ", losses=">i")
def logarithmic_error(targets: Array, predictions: Array, epsilon: float, losses: Array) -> None:
    """losses[i] = mean over j of (log(1 + max(p, epsilon)) - log(1 + max(t, epsilon)))^2."""
    least = predictions.dtype.type(epsilon)
    gap = np.log(np.maximum(predictions, least) + 1) - np.log(np.maximum(targets, least) + 1)
    np.mean(np.square(gap), axis=1, out=losses)


@called_by_loops
def log_from(x: Any, least: Any, one: Any) -> Any:
    """Return log(1 + max(x, least)); NaN stays."""
    return np.log((least if x < least else x) + one)


@logarithmic_error.loops
def logarithmic_error_loops(
    targets: Array, predictions: Array, epsilon: float, losses: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    least, one = number(epsilon), number(1)
    for i in range(rows):
        total = number(0)
        for j in range(columns):
            gap = log_from(predictions[i, j], least, one) - log_from(targets[i, j], least, one)
            total += gap * gap
        losses[i] = total / number(columns)


@kernel(targets="iJ", predictions="iJ", weights="i", dpredictions=">iJ")
def logarithmic_error_backward(
    targets: Array, predictions: Array, epsilon: float, weights: Array, dpredictions: Array
) -> None:
    """dpredictions = 2*weights/columns*gap/(1 + p), gap as above; 0 where p < epsilon."""
    least = predictions.dtype.type(epsilon)
    above = np.maximum(predictions, least) + 1
    gap = np.log(above) - np.log(np.maximum(targets, least) + 1)
    scale = 2 * weights / predictions.shape[1]
    np.multiply(gap / above, scale[:, None], out=dpredictions)
    dpredictions[predictions < least] = 0


@logarithmic_error_backward.loops
def logarithmic_error_backward_loops(
    targets: Array, predictions: Array, epsilon: float, weights: Array, dpredictions: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    least, one = number(epsilon), number(1)
    for i in range(rows):
        scale = number(2) * weights[i] / number(columns)
        for j in range(columns):
            p = predictions[i, j]
            gap = log_from(p, least, one) - log_from(targets[i, j], least, one)
            dpredictions[i, j] = number(0) if p < least else gap / (p + one) * scale


@kernel(targets="iJ", predictions="iJ", losses=">i")
def log_cosh(targets: Array, predictions: Array, losses: Array) -> None:
    """losses[i] = mean over j of log(cosh(error)) = error + log(1 + exp(-2*error)) - log(2)."""
    error = predictions - targets
    bent = np.maximum(-2 * error, 0) + np.log1p(np.exp(-2 * np.abs(error)))
    np.mean(error + bent - predictions.dtype.type(LOG_2), axis=1, out=losses)


@log_cosh.loops
def log_cosh_loops(targets: Array, predictions: Array, losses: Array) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    zero, two, log_2 = number(0), number(2), number(LOG_2)
    for i in range(rows):
        total = zero
        for j in range(columns):
            error = predictions[i, j] - targets[i, j]
            bent = zero if error > zero else -two * error
            total += error + (bent + np.log1p(np.exp(-two * abs(error)))) - log_2
        losses[i] = total / number(columns)


@kernel(targets="iJ", predictions="iJ", weights="i", dpredictions=">iJ")
def log_cosh_backward(
    targets: Array, predictions: Array, weights: Array, dpredictions: Array
) -> None:
    """dpredictions[i, j] = weights[i]*tanh(error)/columns."""
    scale = weights / predictions.shape[1]
    np.multiply(np.tanh(predictions - targets), scale[:, None], out=dpredictions)


@log_cosh_backward.loops
def log_cosh_backward_loops(
    targets: Array, predictions: Array, weights: Array, dpredictions: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    for i in range(rows):
        scale = weights[i] / number(columns)
        for j in range(columns):
            dpredictions[i, j] = np.tanh(predictions[i, j] - targets[i, j]) * scale


@kernel(targets="iJ", predictions="iJ", losses=">i")
def poisson(targets: Array, predictions: Array, epsilon: float, losses: Array) -> None:
    """losses[i] = mean over j of p - t*log(p + epsilon), p the predictions."""
    with np.errstate(invalid="ignore"):  # a negative rate has no logarithm
        logs = np.log(predictions + predictions.dtype.type(epsilon))
    np.mean(predictions - targets * logs, axis=1, out=losses)


@poisson.loops
def poisson_loops(targets: Array, predictions: Array, epsilon: float, losses: Array) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    more = number(epsilon)
    for i in range(rows):
        total = number(0)
        for j in range(columns):
            total += predictions[i, j] - targets[i, j] * np.log(predictions[i, j] + more)
        losses[i] = total / number(columns)


@kernel(targets="iJ", predictions="iJ", weights="i", dpredictions=">iJ")
def poisson_backward(
    targets: Array, predictions: Array, epsilon: float, weights: Array, dpredictions: Array
) -> None:
    """dpredictions[i, j] = weights[i]*(1 - t/(p + epsilon))/columns."""
    scale = weights / predictions.shape[1]
    slope = 1 - targets / (predictions + predictions.dtype.type(epsilon))
    np.multiply(slope, scale[:, None], out=dpredictions)


@poisson_backward.loops
def poisson_backward_loops(
    targets: Array, predictions: Array, epsilon: float, weights: Array, dpredictions: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    more = number(epsilon)
    for i in range(rows):
        scale = weights[i] / number(columns)
        for j in range(columns):
            slope = number(1) - targets[i, j] / (predictions[i, j] + more)
            dpredictions[i, j] = slope * scale


@kernel(targets="iJ", predictions="iJ", losses=">i")
def cosine_similarity(targets: Array, predictions: Array, epsilon: float, losses: Array) -> None:
    """losses[i] = -sum over j of t*u(t)*p*u(p): minus the cosine of the angle between two rows.

    u = min(1/sqrt(sum of squares), 1/epsilon) makes a row as long as 1, unless it is too short.
    """
    products = [
        each * np.minimum(_inverse_lengths(each), each.dtype.type(1 / epsilon))
        for each in (targets, predictions)
    ]
    np.negative(np.sum(products[0] * products[1], axis=1), out=losses)


def _inverse_lengths(x: Array) -> Array:
    with np.errstate(divide="ignore"):
        inverse: Array = 1 / np.sqrt(np.sum(np.square(x), axis=1, keepdims=True))
    return inverse


@called_by_loops
def inverse_length(x: Array, i: int) -> Any:
    """Return 1/sqrt(sum over j of x[i, j]^2)."""
    total = x.dtype.type(0)
    for j in range(x.shape[1]):
        total += x[i, j] * x[i, j]
    return x.dtype.type(1) / np.sqrt(total)


@cosine_similarity.loops
def cosine_similarity_loops(
    targets: Array, predictions: Array, epsilon: float, losses: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    most = number(1 / epsilon)
    for i in range(rows):
        ut, up = inverse_length(targets, i), inverse_length(predictions, i)
        ut, up = most if ut > most else ut, most if up > most else up
        total = number(0)
        for j in range(columns):
            total += targets[i, j] * ut * (predictions[i, j] * up)
        losses[i] = -total


@kernel(targets="iJ", predictions="iJ", weights="i", dpredictions=">iJ")
def cosine_similarity_backward(
    targets: Array, predictions: Array, epsilon: float, weights: Array, dpredictions: Array
) -> None:
    """dpredictions = weights*u(p)*(c*p*u(p) - t*u(t)), c the cosine; c = 0 where u(p) is cut."""
    most = predictions.dtype.type(1 / epsilon)
    t = targets * np.minimum(_inverse_lengths(targets), most)
    u = _inverse_lengths(predictions)
    cut = u > most
    u = np.minimum(u, most)
    p = predictions * u
    cosine = np.where(cut, 0, np.sum(t * p, axis=1, keepdims=True))
    np.multiply(weights[:, None] * u, cosine * p - t, out=dpredictions)


@cosine_similarity_backward.loops
def cosine_similarity_backward_loops(
    targets: Array, predictions: Array, epsilon: float, weights: Array, dpredictions: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    most = number(1 / epsilon)
    for i in range(rows):
        ut, up = inverse_length(targets, i), inverse_length(predictions, i)
        ut = most if ut > most else ut
        cosine = number(0)
        if not up > most:
            for j in range(columns):
                cosine += targets[i, j] * ut * (predictions[i, j] * up)
        up = most if up > most else up
        for j in range(columns):
            slope = cosine * (predictions[i, j] * up) - targets[i, j] * ut
            dpredictions[i, j] = weights[i] * up * slope
