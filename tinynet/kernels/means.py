"""Adding batches up to means: what the loss and the accuracy of an epoch are made of."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(mean="", total="+", count="+")
def add_mean(mean: Array, n: int, total: Array, count: Array) -> None:
    """Add the mean of n numbers: total += n*mean, count += n, in double precision."""
    total += np.float64(mean) * n
    count += n


@add_mean.loops
def add_mean_loops(mean: Array, n: int, total: Array, count: Array) -> None:
    total[()] += np.float64(mean[()]) * n
    count[()] += n


def first_largest(p: Array) -> Array:
    """Return the place of the largest number along the last axis; of several, the first one.

    As Keras on TensorFlow finds it: NaN counts as -infinity, and -0.0 is below 0.0.
    """
    p = np.where(np.isnan(p), -np.inf, p)
    largest = p == p.max(axis=-1, keepdims=True)
    positive = largest & ~np.signbit(p)
    places: Array = np.where(positive.any(-1), positive.argmax(-1), largest.argmax(-1))
    return places


@kernel(labels="I", p="IJ", total="+", count="+")
def add_hits(labels: Array, p: Array, total: Array, count: Array) -> None:
    """Count the rows of p whose largest number is at their label, as `first_largest` finds it."""
    total += np.count_nonzero(first_largest(p) == labels)
    count += len(labels)


@add_hits.loops
def add_hits_loops(labels: Array, p: Array, total: Array, count: Array) -> None:
    rows, columns = p.shape
    hits = 0
    for i in range(rows):
        largest, place = p.dtype.type(-np.inf), 0
        for j in range(columns):
            v = p[i, j]
            if v > largest or (v == largest and np.signbit(largest) and not np.signbit(v)):
                largest, place = v, j
        hits += place == labels[i]
    total[()] += hits
    count[()] += rows
