"""Leaving out the samples of one class: `SparseCategoricalCrossentropy(ignore_class=...)`."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.losses.base import row_weights


def left_out(
    ignore_class: int, y_true: Array, y_pred: Array, sample_weight: Any, averaged: bool
) -> tuple[Array, Array]:
    """Return predictions and weights that are 0 where the label is the ignored one.

    Parameters
    ----------
    ignore_class : int
    y_true : ndarray of shape (n, ...) or (n, ..., 1)
    y_pred : ndarray of shape (n, ..., classes)
    sample_weight : array_like of shape (n,) or (n, ...), or None
    averaged : bool
        Whether the loss is a mean over all samples; the other weights are then so much larger that
        it becomes one over the others.
    """
    labels = y_true if y_true.ndim < y_pred.ndim else y_true[..., 0]
    counts = labels != ignore_class
    weights = counts.astype(y_pred.dtype)
    if averaged:
        weights *= weights.size / max(1, weights.sum())
    if sample_weight is not None:
        given = row_weights(sample_weight, counts.shape, y_pred.dtype)
        weights *= given.reshape(counts.shape)
    return np.where(counts[..., None], y_pred, y_pred.dtype.type(0)), weights
