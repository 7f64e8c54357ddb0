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


@kernel(labels="I", p="IJ", total="+", count="+")
def add_hits(labels: Array, p: Array, total: Array, count: Array) -> None:
    """Count the rows of p whose largest number is at their label; of several, the first one.

    As in NumPy, NaN is larger than any number.
    """
    total += np.count_nonzero(p.argmax(axis=1) == labels)
    count += len(labels)


@add_hits.loops
def add_hits_loops(labels: Array, p: Array, total: Array, count: Array) -> None:
    rows, columns = p.shape
    hits = 0
    for i in range(rows):
        largest, place = p[i, 0], 0
        for j in range(1, columns):
            v = p[i, j]
            if v > largest or (v != v and largest == largest):
                largest, place = v, j
        hits += place == labels[i]
    total[()] += hits
    count[()] += rows
