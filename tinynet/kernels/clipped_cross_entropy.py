"""Cross-entropies from probabilities, which are clipped to [epsilon, 1 - epsilon] as in Keras.

As in cross_entropy.py, `losses` holds one number per row, and a ``_backward`` writes the gradient
of sum(weights*losses) into its last argument. Where a probability was clipped, the gradient is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import called_by_loops, kernel


@called_by_loops
def clipped(q: Any, low: Any, high: Any) -> Any:
    """Return q, moved to the nearest limit if it is below low or above high; NaN stays."""
    return low if q < low else high if q > high else q


@kernel(labels="i", p="iJ", losses=">i")
def sparse_cross_entropy(labels: Array, p: Array, epsilon: float, losses: Array) -> None:
    """losses[i] = log(sum over j of c[i, j]) - log(c[i, labels[i]]), c = clip(p).

    Keras clips the probabilities and feeds their logarithms to the form for logits, so rows
    that do not sum to one are normalized along the way.
    """
    low = p.dtype.type(epsilon)
    c = np.clip(p, low, 1 - low)
    picked = c[np.arange(labels.size), labels]
    np.subtract(np.log(np.sum(c, axis=1)), np.log(picked), out=losses)


@sparse_cross_entropy.loops
def sparse_cross_entropy_loops(labels: Array, p: Array, epsilon: float, losses: Array) -> None:
    rows, classes = p.shape
    low = p.dtype.type(epsilon)
    high = p.dtype.type(1) - low
    for i in range(rows):
        total = p.dtype.type(0)
        picked = p.dtype.type(0)
        for j in range(classes):
            c = clipped(p[i, j], low, high)
            total += c
            if j == labels[i]:
                picked = c
        losses[i] = np.log(total) - np.log(picked)


@kernel(labels="i", p="iJ", weights="i", dp=">iJ")
def sparse_cross_entropy_backward(
    labels: Array, p: Array, epsilon: float, weights: Array, dp: Array
) -> None:
    """dp[i] = weights[i]*(1/sum(c[i]) - onehot(labels[i])/c[i]), 0 where p was clipped."""
    low = p.dtype.type(epsilon)
    c = np.clip(p, low, 1 - low)
    dp[...] = 1 / np.sum(c, axis=1, keepdims=True)
    row = np.arange(labels.size)
    dp[row, labels] -= 1 / c[row, labels]
    dp *= weights[:, None]
    dp[(p < low) | (p > 1 - low)] = 0  # not where p is NaN: that must stay visible


@sparse_cross_entropy_backward.loops
def sparse_cross_entropy_backward_loops(
    labels: Array, p: Array, epsilon: float, weights: Array, dp: Array
) -> None:
    rows, classes = p.shape
    number = p.dtype.type
    low = number(epsilon)
    high = number(1) - low
    for i in range(rows):
        total = number(0)
        for j in range(classes):
            total += clipped(p[i, j], low, high)
        for j in range(classes):
            q = p[i, j]
            slope = number(1) / total
            if j == labels[i]:
                slope -= number(1) / clipped(q, low, high)
            dp[i, j] = number(0) if q < low or q > high else slope * weights[i]


@kernel(targets="iJ", p="iJ", losses=">i")
def cross_entropy(targets: Array, p: Array, epsilon: float, losses: Array) -> None:
    """losses[i] = -sum over j of t*log(clip(p/sum(p))): the rows of p are normalized first."""
    low = p.dtype.type(epsilon)
    c = np.clip(p / np.sum(p, axis=1, keepdims=True), low, 1 - low)
    np.negative(np.sum(targets * np.log(c), axis=1), out=losses)


@cross_entropy.loops
def cross_entropy_loops(targets: Array, p: Array, epsilon: float, losses: Array) -> None:
    rows, classes = p.shape
    low = p.dtype.type(epsilon)
    high = p.dtype.type(1) - low
    for i in range(rows):
        total = p.dtype.type(0)
        for j in range(classes):
            total += p[i, j]
        loss = p.dtype.type(0)
        for j in range(classes):
            loss -= targets[i, j] * np.log(clipped(p[i, j] / total, low, high))
        losses[i] = loss


@kernel(targets="iJ", p="iJ", weights="i", dp=">iJ")
def cross_entropy_backward(
    targets: Array, p: Array, epsilon: float, weights: Array, dp: Array
) -> None:
    """dp = (dq - sum over the row of dq*q)/sum(p), q = p/sum(p), dq = -weights*t/clip(q)."""
    low = p.dtype.type(epsilon)
    total = np.sum(p, axis=1, keepdims=True)
    q = p / total
    c = np.clip(q, low, 1 - low)
    dq = np.where((q < low) | (q > 1 - low), 0, -weights[:, None] * targets / c)
    np.divide(dq - np.sum(dq * q, axis=1, keepdims=True), total, out=dp)


@cross_entropy_backward.loops
def cross_entropy_backward_loops(
    targets: Array, p: Array, epsilon: float, weights: Array, dp: Array
) -> None:
    rows, classes = p.shape
    number = p.dtype.type
    low = number(epsilon)
    high = number(1) - low
    for i in range(rows):
        total = number(0)
        for j in range(classes):
            total += p[i, j]
        inner = number(0)
        for j in range(classes):
            q = p[i, j] / total
            c = clipped(q, low, high)
            beyond = q < low or q > high
            dp[i, j] = number(0) if beyond else -weights[i] * targets[i, j] / c  # dq so far
            inner += dp[i, j] * q
        for j in range(classes):
            dp[i, j] = (dp[i, j] - inner) / total


@kernel(targets="iJ", p="iJ", losses=">i")
def binary_cross_entropy(targets: Array, p: Array, epsilon: float, losses: Array) -> None:
    """losses[i] = -mean over j of t*log(c) + (1 - t)*log(1 - c), c = clip(p)."""
    low = p.dtype.type(epsilon)
    c = np.clip(p, low, 1 - low)
    each = targets * np.log(c) + (1 - targets) * np.log(1 - c)
    np.negative(np.mean(each, axis=1), out=losses)


@binary_cross_entropy.loops
def binary_cross_entropy_loops(targets: Array, p: Array, epsilon: float, losses: Array) -> None:
    rows, columns = p.shape
    number = p.dtype.type
    one = number(1)
    low = number(epsilon)
    high = one - low
    for i in range(rows):
        total = number(0)
        for j in range(columns):
            c = clipped(p[i, j], low, high)
            t = targets[i, j]
            total += t * np.log(c) + (one - t) * np.log(one - c)
        losses[i] = -total / number(columns)


@kernel(targets="iJ", p="iJ", weights="i", dp=">iJ")
def binary_cross_entropy_backward(
    targets: Array, p: Array, epsilon: float, weights: Array, dp: Array
) -> None:
    """dp = weights/columns*((1 - t)/(1 - c) - t/c), 0 where p was clipped."""
    low = p.dtype.type(epsilon)
    c = np.clip(p, low, 1 - low)
    slope = (1 - targets) / (1 - c) - targets / c
    np.multiply(slope, (weights / p.shape[1])[:, None], out=dp)
    dp[(p < low) | (p > 1 - low)] = 0  # not where p is NaN: that must stay visible


@binary_cross_entropy_backward.loops
def binary_cross_entropy_backward_loops(
    targets: Array, p: Array, epsilon: float, weights: Array, dp: Array
) -> None:
    rows, columns = p.shape
    number = p.dtype.type
    one = number(1)
    low = number(epsilon)
    high = one - low
    for i in range(rows):
        weight = weights[i] / number(columns)
        for j in range(columns):
            q = p[i, j]
            c = clipped(q, low, high)
            t = targets[i, j]
            slope = (one - t) / (one - c) - t / c
            dp[i, j] = number(0) if q < low or q > high else slope * weight


@kernel(targets="iJ", p="iJ", losses=">i")
def kl_divergence(targets: Array, p: Array, epsilon: float, losses: Array) -> None:
    """losses[i] = sum over j of t*log(t/c), both clipped to [epsilon, 1]."""
    low, high = p.dtype.type(epsilon), p.dtype.type(1)
    t = np.clip(targets, low, high)
    np.sum(t * np.log(t / np.clip(p, low, high)), axis=1, out=losses)


@kl_divergence.loops
def kl_divergence_loops(targets: Array, p: Array, epsilon: float, losses: Array) -> None:
    rows, columns = p.shape
    low, high = p.dtype.type(epsilon), p.dtype.type(1)
    for i in range(rows):
        total = p.dtype.type(0)
        for j in range(columns):
            t = clipped(targets[i, j], low, high)
            total += t * np.log(t / clipped(p[i, j], low, high))
        losses[i] = total


@kernel(targets="iJ", p="iJ", weights="i", dp=">iJ")
def kl_divergence_backward(
    targets: Array, p: Array, epsilon: float, weights: Array, dp: Array
) -> None:
    """dp = -weights*t/p, t clipped to [epsilon, 1], 0 where p was clipped."""
    low, high = p.dtype.type(epsilon), p.dtype.type(1)
    slope = -np.clip(targets, low, high) / np.clip(p, low, high)
    np.multiply(slope, weights[:, None], out=dp)
    dp[(p < low) | (p > high)] = 0


@kl_divergence_backward.loops
def kl_divergence_backward_loops(
    targets: Array, p: Array, epsilon: float, weights: Array, dp: Array
) -> None:
    rows, columns = p.shape
    low, high = p.dtype.type(epsilon), p.dtype.type(1)
    for i in range(rows):
        for j in range(columns):
            q = p[i, j]
            slope = -clipped(targets[i, j], low, high) / clipped(q, low, high)
            dp[i, j] = p.dtype.type(0) if q < low or q > high else slope * weights[i]
