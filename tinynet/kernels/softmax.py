"""Softmax and its derivative, along the rows of (rows, classes)."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(x="iJ", out=">iJ")
def softmax(x: Array, out: Array) -> None:
    """out[i, j] = exp(x[i, j])/sum over k of exp(x[i, k]), shifted by the row's maximum."""
    np.exp(x - np.max(x, axis=1, keepdims=True), out=out)
    out /= np.sum(out, axis=1, keepdims=True)


@softmax.loops
def softmax_loops(x: Array, out: Array) -> None:
    rows, classes = x.shape
    for i in range(rows):
        largest = x[i, 0]
        for j in range(classes):  # a NaN skipped here shows up in the sum
            if x[i, j] > largest:
                largest = x[i, j]
        total = x.dtype.type(0)
        for j in range(classes):
            out[i, j] = np.exp(x[i, j] - largest)
            total += out[i, j]
        for j in range(classes):
            out[i, j] /= total


@kernel(dout="iJ", x="iJ", out="iJ", dx=">iJ")
def softmax_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """dx = (dout - sum over the row of dout*out)*out."""
    inner = np.sum(dout * out, axis=1, keepdims=True)
    np.multiply(dout - inner, out, out=dx)


@softmax_backward.loops
def softmax_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    rows, classes = x.shape
    for i in range(rows):
        inner = x.dtype.type(0)
        for j in range(classes):
            inner += dout[i, j] * out[i, j]
        for j in range(classes):
            dx[i, j] = (dout[i, j] - inner) * out[i, j]
