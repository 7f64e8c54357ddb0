"""Hinge losses, one row per sample: 0 where the prediction is right by a margin of 1.

As in cross_entropy.py, `losses` holds one number per row, and a ``_backward`` writes the
gradient of sum(weights*losses) with respect to the predictions. All matrices are
(rows, columns). Where the margin is met exactly, the slope is that below it, as in Keras.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import called_by_loops, kernel


@kernel(targets="iJ", predictions="iJ", losses=">i")
def hinge(targets: Array, predictions: Array, losses: Array) -> None:
    """losses[i] = mean over j of max(1 - t*p, 0), targets t of -1 and 1."""
    np.mean(np.maximum(1 - targets * predictions, 0), axis=1, out=losses)


@hinge.loops
def hinge_loops(targets: Array, predictions: Array, losses: Array) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    for i in range(rows):
        total = number(0)
        for j in range(columns):
            lacking = number(1) - targets[i, j] * predictions[i, j]
            total += number(0) if lacking < number(0) else lacking
        losses[i] = total / number(columns)


@kernel(targets="iJ", predictions="iJ", weights="i", dpredictions=">iJ")
def hinge_backward(targets: Array, predictions: Array, weights: Array, dpredictions: Array) -> None:
    """dpredictions[i, j] = -weights[i]*t/columns where t*p <= 1, else 0."""
    slope = np.where(1 - targets * predictions >= 0, -targets, 0)
    np.multiply(slope, (weights / predictions.shape[1])[:, None], out=dpredictions)


@hinge_backward.loops
def hinge_backward_loops(
    targets: Array, predictions: Array, weights: Array, dpredictions: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    for i in range(rows):
        scale = weights[i] / number(columns)
        for j in range(columns):
            lacking = number(1) - targets[i, j] * predictions[i, j]
            slope = -targets[i, j] if lacking >= number(0) else number(0)
            dpredictions[i, j] = slope * scale


@kernel(targets="iJ", predictions="iJ", losses=">i")
def squared_hinge(targets: Array, predictions: Array, losses: Array) -> None:
    """losses[i] = mean over j of max(1 - t*p, 0)^2, targets t of -1 and 1."""
    np.mean(np.square(np.maximum(1 - targets * predictions, 0)), axis=1, out=losses)


@squared_hinge.loops
def squared_hinge_loops(targets: Array, predictions: Array, losses: Array) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    for i in range(rows):
        total = number(0)
        for j in range(columns):
            lacking = number(1) - targets[i, j] * predictions[i, j]
            total += number(0) if lacking < number(0) else lacking * lacking
        losses[i] = total / number(columns)


@kernel(targets="iJ", predictions="iJ", weights="i", dpredictions=">iJ")
def squared_hinge_backward(
    targets: Array, predictions: Array, weights: Array, dpredictions: Array
) -> None:
    """dpredictions[i, j] = -2*weights[i]*t*max(1 - t*p, 0)/columns."""
    slope = -targets * np.maximum(1 - targets * predictions, 0)
    np.multiply(slope, (2 * weights / predictions.shape[1])[:, None], out=dpredictions)


@squared_hinge_backward.loops
def squared_hinge_backward_loops(
    targets: Array, predictions: Array, weights: Array, dpredictions: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    for i in range(rows):
        scale = number(2) * weights[i] / number(columns)
        for j in range(columns):
            lacking = number(1) - targets[i, j] * predictions[i, j]
            lacking = number(0) if lacking < number(0) else lacking
            dpredictions[i, j] = -targets[i, j] * lacking * scale


@kernel(targets="iJ", predictions="iJ", losses=">i")
def categorical_hinge(targets: Array, predictions: Array, losses: Array) -> None:
    """losses[i] = max(1 + max over j of (1 - t)*p - sum over j of t*p, 0), targets t one-hot."""
    own = np.sum(targets * predictions, axis=1)
    rival = np.max((1 - targets) * predictions, axis=1)
    np.maximum(rival - own + 1, 0, out=losses)


@called_by_loops
def own_and_rival(targets: Array, predictions: Array, i: int) -> tuple[Any, Any]:
    """Return row i's sum of t*p, and its largest (1 - t)*p; a NaN shows up in the sum."""
    one = predictions.dtype.type(1)
    own = targets[i, 0] * predictions[i, 0]
    rival = (one - targets[i, 0]) * predictions[i, 0]
    for j in range(1, predictions.shape[1]):
        own += targets[i, j] * predictions[i, j]
        other = (one - targets[i, j]) * predictions[i, j]
        rival = other if other > rival else rival
    return own, rival


@categorical_hinge.loops
def categorical_hinge_loops(targets: Array, predictions: Array, losses: Array) -> None:
    number = predictions.dtype.type
    for i in range(len(losses)):
        own, rival = own_and_rival(targets, predictions, i)
        lacking = rival - own + number(1)
        losses[i] = number(0) if lacking < number(0) else lacking


@kernel(targets="iJ", predictions="iJ", weights="i", dpredictions=">iJ")
def categorical_hinge_backward(
    targets: Array, predictions: Array, weights: Array, dpredictions: Array
) -> None:
    """dpredictions = weights*(r*(1 - t) - t), or 0 where the loss is; r shares 1 among the rivals.

    Rivals are the entries whose (1 - t)*p is the largest, as a rule one.
    """
    others = (1 - targets) * predictions
    rival = np.max(others, axis=1, keepdims=True)
    own = np.sum(targets * predictions, axis=1, keepdims=True)
    rivals = (others == rival).astype(predictions.dtype)
    shares = rivals / np.maximum(np.sum(rivals, axis=1, keepdims=True), 1)
    slope = np.where(rival - own + 1 >= 0, shares * (1 - targets) - targets, 0)
    np.multiply(slope, weights[:, None], out=dpredictions)


@categorical_hinge_backward.loops
def categorical_hinge_backward_loops(
    targets: Array, predictions: Array, weights: Array, dpredictions: Array
) -> None:
    rows, columns = predictions.shape
    number = predictions.dtype.type
    zero, one = number(0), number(1)
    for i in range(rows):
        own, rival = own_and_rival(targets, predictions, i)
        rivals = zero
        for j in range(columns):
            rivals += one if (one - targets[i, j]) * predictions[i, j] == rival else zero
        for j in range(columns):
            t = targets[i, j]
            share = one / rivals if (one - t) * predictions[i, j] == rival else zero
            slope = share * (one - t) - t if rival - own + one >= zero else zero
            dpredictions[i, j] = slope * weights[i]
