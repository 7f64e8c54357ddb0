"""Checks of the data alone: features, labels, their order, and what validation shares with them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.data import Dataset, warn_of_gray_values
from tinynet.diagnosis.findings import Finding, verdict
from tinynet.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Loss,
    SparseCategoricalCrossentropy,
)

MOST_ROWS = 1000  # that columns are compared in
TABLE = 64  # columns; with more, samples are taken for images, whose corners may be empty
UNEVEN = 0.9  # share of one class


def class_labels(y: Array, loss: Loss) -> Array | None:
    """Return the class of each sample, (n,); None if a sample has several, or numbers."""
    if isinstance(loss, CategoricalCrossentropy) and y.ndim == 2:
        found: Array = np.argmax(y, axis=1)
        return found
    if y.size != len(y):
        return None
    if isinstance(loss, SparseCategoricalCrossentropy):
        return y.reshape(-1).astype(np.int64)
    if isinstance(loss, BinaryCrossentropy):
        return (y.reshape(-1) > 0.5).astype(np.int64)
    return None


def scale_of_input(x: Array, data: Dataset, scaled_by_the_model: bool) -> Finding:
    """Look at the mean and the standard deviation of what the first layer with weights sees.

    Parameters
    ----------
    x : ndarray of shape (samples, ...)
        Some samples, as that layer gets them.
    data : Dataset
        All samples, as they were passed.
    scaled_by_the_model : bool
        Whether a layer scales them.
    """
    mean, deviation = float(np.mean(x, dtype=np.float64)), float(np.std(x, dtype=np.float64))
    size = math.hypot(mean, deviation)
    measured = f"mean {mean:.3g}, standard deviation {deviation:.3g}"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if not scaled_by_the_model:
            warn_of_gray_values(data)
    if caught:
        return Finding("input", "wrong", size, measured, str(caught[0].message))
    advice = "a mean near 0 and a standard deviation near 1 are good, pixels from 0 to 1 as well"
    too_small, too_large = deviation < 0.05, size > 10
    if too_small:
        advice = "these numbers hardly differ; were they scaled twice, or by too large a number?"
    if too_large:
        advice = "scale the features: subtract the mean of each, divide by its standard deviation"
    found = verdict(too_small or too_large, deviation < 0.005 or size > 100)
    return Finding("input", found, size, measured, advice)


def features(x: Array) -> Finding:
    """Count the columns that are constant or a copy of another, and compare their scales."""
    columns = x.reshape(len(x), -1)
    spread = columns.max(axis=0).astype(np.float64) - columns.min(axis=0)
    constant = int(np.sum(spread == 0))
    n = columns.shape[1]
    few_columns = x.ndim == 2 and n < TABLE
    copies, scales = 0, 1.0
    if few_columns:
        some = columns[:: -(-len(columns) // MOST_ROWS), spread > 0]
        copies = some.shape[1] - len({column.tobytes() for column in some.T})
        alive = spread[spread > 0]
        scales = float(alive.max() / alive.min()) if alive.size else 1.0
    measured = f"{n} in all, {constant} constant, {copies} copies of another"
    if scales > 100:
        measured += f", ranges from {alive.min():.3g} to {alive.max():.3g}"
    share = (constant + copies) / n
    found = verdict(share > 0.5 or (few_columns and (share > 0 or scales > 100)), constant == n)
    advice = "constant columns teach nothing, and a copy counts twice"
    if share and found != "ok":
        advice = "leave constant columns and copies out; was one filled in by mistake?"
    elif scales > 100:
        advice = "give the columns one scale: divide each by its own standard deviation"
    return Finding("features", found, share, measured, advice)


def labels(y: Array, loss: Loss, outputs: int) -> Iterator[Finding]:
    """Look at the values of the targets, at how many classes there are, and at their order."""
    classes = class_labels(y, loss)
    if classes is None:
        yield _numbers(y)
        return
    if isinstance(loss, CategoricalCrossentropy):
        sums = y.sum(axis=1)
        worst = float(sums[np.argmax(np.abs(sums - 1))])
        if abs(worst - 1) > 1e-3:
            advice = "a row of one-hot targets has a single 1; are these several labels per sample?"
            measured = f"rows of y sum to {worst:.3g}, not 1"
            yield Finding("labels", "wrong", worst, measured, advice)
            return
    counts = np.bincount(classes)
    used = counts[counts > 0]
    largest = float(used.max() / len(classes))
    expected = max(outputs, 2)
    measured = f"{len(used)} of {expected} classes, the largest with {largest:.0%} of the samples"
    advice = "about as many samples of each class are easiest to learn from"
    if len(used) == 1:
        advice = "all samples have the same label; was the array cut before it was shuffled?"
    elif len(used) < expected:
        advice = "some classes have no sample; does the last layer have too many units?"
    elif largest > UNEVEN:
        advice = "guessing the largest class is right most of the time; look at class_weight and F1"
    found = verdict(len(used) < expected or largest > UNEVEN, len(used) == 1)
    yield Finding("labels", found, largest, measured, advice)
    if len(used) > 1 and len(classes) >= 20:
        yield _order(classes, used / len(classes))


def _numbers(y: Array) -> Finding:
    """Look at targets that are no classes."""
    low, high = float(y.min()), float(y.max())
    mean, deviation = float(np.mean(y)), float(np.std(y))
    measured = f"from {low:.3g} to {high:.3g}, mean {mean:.3g}, standard deviation {deviation:.3g}"
    size = math.hypot(mean, deviation)
    advice = "targets of about 1 in size are easiest to learn"
    if size > 100:
        advice = "such targets make large gradients: standardize them, and scale the predictions"
    if deviation == 0:
        advice = "all targets are the same number"
    found = verdict(size > 100, deviation == 0)
    return Finding("labels", found, size, measured, advice)


def _order(classes: Array, shares: Array) -> Finding:
    """Look at how often a sample has the label of the one before it."""
    same = float(np.mean(classes[1:] == classes[:-1]))
    by_chance = float(np.sum(shares**2))
    found = verdict(same > (1 + by_chance) / 2, False)
    advice = "the order looks random"
    if found != "ok":
        advice = (
            "the samples are sorted by class: shuffle them before validation_split, which takes "
            "the last ones, and never train them with shuffle=False"
        )
    measured = f"{same:.0%} have the label of the sample before; {by_chance:.0%} by chance"
    return Finding("order", found, same, measured, advice)


def validation(data: Dataset, other: Dataset) -> Finding:
    """Count validation samples that are training samples, too, and compare the scales."""
    known = _rows(data)
    distinct = set(known)
    shared = sum(row in distinct for row in _rows(other)) / len(other)
    twice = 1 - len(distinct) / len(known)  # where samples repeat, some are shared by chance
    measured = f"{shared:.2%} of its samples are training samples, too"
    scales = [(float(np.mean(each)), float(np.std(each))) for each in (data.x, other.x)]
    (mean, deviation), (other_mean, other_deviation) = scales
    tiny = 1e-12
    ratio = (other_deviation + tiny) / (deviation + tiny)
    apart = abs(other_mean - mean) > 2 * (deviation + tiny) or not 1 / 3 < ratio < 3
    if apart:
        measured += f"; standard deviation {other_deviation:.3g}, not {deviation:.3g}"
    found = verdict(shared > 0 or apart, shared > max(0.01, 2 * twice))
    advice = "no sample should be in both, and both should be prepared alike"
    if shared:
        advice = "validation has to be new to the model: split first, then repeat or augment"
    elif apart:
        advice = "prepare validation as training: the same scaling, with the training's numbers"
    return Finding("validation", found, shared, measured, advice)


def _rows(data: Dataset) -> list[int]:
    """Return a number for each sample that is the same for equal samples."""
    found: list[int] = []
    numbers = np.arange(len(data))
    for first in range(0, len(data), 1024):
        rows = numbers[first : first + 1024]
        x: Any = data.batch(rows).x.reshape(len(rows), -1) + 0.0  # -0 becomes 0
        found += [hash(row.tobytes()) for row in x]
    return found
