"""Losses for numbers, one row per sample: a function of the error, averaged over the columns.

As in cross_entropy.py, `losses` holds one number per row, and a ``_backward`` writes the
gradient of sum(weights*losses) with respect to the predictions. All matrices are
(rows, columns), error = predictions - targets.
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


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
