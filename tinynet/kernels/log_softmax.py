"""The logarithm of softmax and its derivative, along the rows of (rows, classes)."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(x="iJ", out=">iJ")
def log_softmax(x: Array, out: Array) -> None:
    """out[i, j] = s - log(sum over k of exp(x[i, k] - m)), s = x[i, j] - m, m = max(x[i])."""
    np.subtract(x, np.max(x, axis=1, keepdims=True), out=out)
    out -= np.log(np.sum(np.exp(out), axis=1, keepdims=True))


@log_softmax.loops
def log_softmax_loops(x: Array, out: Array) -> None:
    rows, classes = x.shape
    for i in range(rows):
        largest = x[i, 0]
        for j in range(classes):  # a NaN skipped here shows up in the sum
            if x[i, j] > largest:
                largest = x[i, j]
        total = x.dtype.type(0)
        for j in range(classes):
            out[i, j] = x[i, j] - largest
            total += np.exp(out[i, j])
        for j in range(classes):
            out[i, j] -= np.log(total)


@kernel(dout="iJ", x="iJ", out="iJ", dx=">iJ")
def log_softmax_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = dout - exp(out)*sum over the row of dout."""
    np.subtract(dout, np.exp(out) * np.sum(dout, axis=1, keepdims=True), out=dx)


@log_softmax_backward.loops
def log_softmax_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    rows, classes = x.shape
    for i in range(rows):
        total = x.dtype.type(0)
        for j in range(classes):
            total += dout[i, j]
        for j in range(classes):
            dx[i, j] = dout[i, j] - np.exp(out[i, j]) * total
