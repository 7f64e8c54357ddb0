"""Cross-entropies from logits, the numbers before a final softmax or sigmoid; a row per sample.

A loss kernel writes one number per row into `losses`; its ``_backward`` writes the gradient of
sum(weights*losses) into its last argument.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import called_by_loops, kernel


@called_by_loops
def row_max(z: Array, i: int) -> Any:
    """Return the largest number of row i; a NaN that it skips shows up in sums over the row."""
    largest = z[i, 0]
    for j in range(z.shape[1]):
        if z[i, j] > largest:
            largest = z[i, j]
    return largest


@called_by_loops
def log_sum_exp(z: Array, i: int) -> tuple[Any, Any]:
    """Return m = max(z[i]) and log(sum over j of exp(z[i, j] - m)), in which nothing overflows."""
    largest = row_max(z, i)
    total = z.dtype.type(0)
    for j in range(z.shape[1]):
        total += np.exp(z[i, j] - largest)
    return largest, np.log(total)


@called_by_loops
def exponentials(z: Array, i: int, out: Array) -> Any:
    """Write exp(z[i] - max(z[i])) into out[i], and return the sum."""
    largest = row_max(z, i)
    total = z.dtype.type(0)
    for j in range(z.shape[1]):
        out[i, j] = np.exp(z[i, j] - largest)
        total += out[i, j]
    return total


@kernel(labels="i", logits="iJ", losses=">i")
def sparse_softmax_cross_entropy(labels: Array, logits: Array, losses: Array) -> None:
    """losses[i] = log(sum over j of exp(z[i, j])) - z[i, labels[i]], z the logits."""
    z = logits - np.max(logits, axis=1, keepdims=True)
    log_total = np.log(np.sum(np.exp(z), axis=1))
    np.subtract(log_total, z[np.arange(labels.size), labels], out=losses)


@sparse_softmax_cross_entropy.loops
def sparse_softmax_cross_entropy_loops(labels: Array, logits: Array, losses: Array) -> None:
    for i in range(labels.size):
        largest, log_total = log_sum_exp(logits, i)
        losses[i] = log_total - (logits[i, labels[i]] - largest)


@kernel(labels="i", logits="iJ", weights="i", dlogits=">iJ")
def sparse_softmax_cross_entropy_backward(
    labels: Array, logits: Array, weights: Array, dlogits: Array
) -> None:
    """dlogits[i] = weights[i]*(softmax(z[i]) - onehot(labels[i]))."""
    np.exp(logits - np.max(logits, axis=1, keepdims=True), out=dlogits)
    dlogits /= np.sum(dlogits, axis=1, keepdims=True)
    dlogits[np.arange(labels.size), labels] -= 1
    dlogits *= weights[:, None]


@sparse_softmax_cross_entropy_backward.loops
def sparse_softmax_cross_entropy_backward_loops(
    labels: Array, logits: Array, weights: Array, dlogits: Array
) -> None:
    rows, classes = logits.shape
    for i in range(rows):
        total = exponentials(logits, i, dlogits)
        for j in range(classes):
            dlogits[i, j] /= total
        dlogits[i, labels[i]] -= logits.dtype.type(1)
        for j in range(classes):
            dlogits[i, j] *= weights[i]


@kernel(targets="iJ", logits="iJ", losses=">i")
def softmax_cross_entropy(targets: Array, logits: Array, losses: Array) -> None:
    """losses[i] = sum over j of t[i, j]*(log(sum over k of exp(z[i, k])) - z[i, j])."""
    z = logits - np.max(logits, axis=1, keepdims=True)
    log_total = np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    np.sum(targets * (log_total - z), axis=1, out=losses)


@softmax_cross_entropy.loops
def softmax_cross_entropy_loops(targets: Array, logits: Array, losses: Array) -> None:
    rows, classes = logits.shape
    for i in range(rows):
        largest, log_total = log_sum_exp(logits, i)
        loss = logits.dtype.type(0)
        for j in range(classes):
            loss += targets[i, j] * (log_total - (logits[i, j] - largest))
        losses[i] = loss


@kernel(targets="iJ", logits="iJ", weights="i", dlogits=">iJ")
def softmax_cross_entropy_backward(
    targets: Array, logits: Array, weights: Array, dlogits: Array
) -> None:
    """dlogits[i] = weights[i]*(softmax(z[i]) - t[i]), assuming that rows of t sum to one."""
    np.exp(logits - np.max(logits, axis=1, keepdims=True), out=dlogits)
    dlogits /= np.sum(dlogits, axis=1, keepdims=True)
    dlogits -= targets
    dlogits *= weights[:, None]


@softmax_cross_entropy_backward.loops
def softmax_cross_entropy_backward_loops(
    targets: Array, logits: Array, weights: Array, dlogits: Array
) -> None:
    rows, classes = logits.shape
    for i in range(rows):
        total = exponentials(logits, i, dlogits)
        for j in range(classes):
            dlogits[i, j] = (dlogits[i, j] / total - targets[i, j]) * weights[i]


@kernel(targets="iJ", logits="iJ", losses=">i")
def sigmoid_cross_entropy(targets: Array, logits: Array, losses: Array) -> None:
    """losses[i] = mean over j of max(z, 0) - z*t + log(1 + exp(-|z|))."""
    each = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))
    np.mean(each, axis=1, out=losses)


@sigmoid_cross_entropy.loops
def sigmoid_cross_entropy_loops(targets: Array, logits: Array, losses: Array) -> None:
    rows, columns = logits.shape
    number = logits.dtype.type
    for i in range(rows):
        total = number(0)
        for j in range(columns):
            z = logits[i, j]
            positive = number(0) if z < number(0) else z
            total += positive - z * targets[i, j] + np.log1p(np.exp(-abs(z)))
        losses[i] = total / number(columns)


@kernel(targets="iJ", logits="iJ", weights="i", dlogits=">iJ")
def sigmoid_cross_entropy_backward(
    targets: Array, logits: Array, weights: Array, dlogits: Array
) -> None:
    """dlogits[i, j] = weights[i]*(sigmoid(z[i, j]) - t[i, j])/columns."""
    e = np.exp(-np.abs(logits))
    s = np.where(logits >= 0, 1, e) / (1 + e)
    np.multiply(s - targets, (weights / logits.shape[1])[:, None], out=dlogits)


@sigmoid_cross_entropy_backward.loops
def sigmoid_cross_entropy_backward_loops(
    targets: Array, logits: Array, weights: Array, dlogits: Array
) -> None:
    rows, columns = logits.shape
    one = logits.dtype.type(1)
    for i in range(rows):
        weight = weights[i] / logits.dtype.type(columns)
        for j in range(columns):
            e = np.exp(-abs(logits[i, j]))
            s = (one if logits[i, j] >= 0 else e) / (one + e)
            dlogits[i, j] = (s - targets[i, j]) * weight
