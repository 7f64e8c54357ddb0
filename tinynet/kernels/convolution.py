"""Convolution over images x (images, height, width, channels), which are already padded.

A kernel, with weights (kernel height, kernel width, channels, filters), slides from place to place,
`strides` pixels apart, and its own entries meet pixels that are `dilation` apart. Each place gives
one pixel of out (images, out height, out width, filters). Derivation: docs/backprop/convolution.md.

`convolve` and its gradients are the definition, as loops. `patches` lays out as a row what the
kernel meets at each place, so that BLAS can do the rest as one matrix product (im2col: Chellapilla
et al. 2006, "High performance convolutional neural networks for document processing", section 3);
`add_patches` is its backward pass. Layers use these, or winograd.py where that is less work, and
tests compare both with the definition.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel
from tinynet.kernels.threads import divided

Pair = tuple[int, int]
NO_GAPS = (1, 1)  # the dilation of a window without gaps
FEW = 8  # channels
# Bytes that are laid out at a time: they stay in the cache until the product has read them.
PIECE = 1 << 21
# Multiplications in a product up to which OpenBLAS for AVX-512 does not pack its operands first.
SMALL = 1_000_000


def met(x: Array, i: int, j: int, strides: Pair, dilation: Pair, places: Pair) -> Array:
    """Return the pixels that entry (i, j) of a kernel meets, one for each place: a view of x."""
    top, left = i * dilation[0], j * dilation[1]
    down = slice(top, top + (places[0] - 1) * strides[0] + 1, strides[0])
    right = slice(left, left + (places[1] - 1) * strides[1] + 1, strides[1])
    return x[:, down, right]


@kernel(x="nRSC", weights="KLCf", out=">nYZf")
def convolve(x: Array, weights: Array, strides: Pair, dilation: Pair, out: Array) -> None:
    """out[n, y, z] = sum over i, j of x[n, y*sy + i*dy, z*sx + j*dx] @ weights[i, j]."""
    out[...] = 0
    for i, j in np.ndindex(weights.shape[:2]):
        out += met(x, i, j, strides, dilation, out.shape[1:3]) @ weights[i, j]


@convolve.loops
def convolve_loops(x: Array, weights: Array, strides: Pair, dilation: Pair, out: Array) -> None:
    images, height, width, filters = out.shape
    rows, columns, channels = weights.shape[:3]
    for n in range(images):
        for y in range(height):
            for z in range(width):
                for f in range(filters):
                    out[n, y, z, f] = 0
                for i in range(rows):
                    down = y * strides[0] + i * dilation[0]
                    for j in range(columns):
                        right = z * strides[1] + j * dilation[1]
                        for c in range(channels):
                            pixel = x[n, down, right, c]
                            for f in range(filters):
                                out[n, y, z, f] += pixel * weights[i, j, c, f]


@kernel(x="NRSc", dout="NYZf", dweights=">KLcf")
def convolve_kernel_gradient(
    x: Array, dout: Array, strides: Pair, dilation: Pair, dweights: Array
) -> None:
    """dweights[i, j] = sum over all places of the pixel met there, transposed, @ dout."""
    for i, j in np.ndindex(dweights.shape[:2]):
        pixels = met(x, i, j, strides, dilation, dout.shape[1:3])
        dweights[i, j] = np.tensordot(pixels, dout, ([0, 1, 2], [0, 1, 2]))


@convolve_kernel_gradient.loops
def convolve_kernel_gradient_loops(
    x: Array, dout: Array, strides: Pair, dilation: Pair, dweights: Array
) -> None:
    images, height, width, filters = dout.shape
    rows, columns, channels = dweights.shape[:3]
    dweights[...] = 0
    for n in range(images):
        for y in range(height):
            for z in range(width):
                for i in range(rows):
                    down = y * strides[0] + i * dilation[0]
                    for j in range(columns):
                        right = z * strides[1] + j * dilation[1]
                        for c in range(channels):
                            pixel = x[n, down, right, c]
                            for f in range(filters):
                                dweights[i, j, c, f] += pixel * dout[n, y, z, f]


@kernel(dout="nYZF", weights="KLcF", dx=">nRSc")
def convolve_input_gradient(
    dout: Array, weights: Array, strides: Pair, dilation: Pair, dx: Array
) -> None:
    """Give each pixel of dx the sum of dout @ weights[i, j].T over all places that met it."""
    dx[...] = 0
    for i, j in np.ndindex(weights.shape[:2]):
        pixels = met(dx, i, j, strides, dilation, dout.shape[1:3])
        pixels += dout @ weights[i, j].T


@convolve_input_gradient.loops
def convolve_input_gradient_loops(
    dout: Array, weights: Array, strides: Pair, dilation: Pair, dx: Array
) -> None:
    images, height, width, filters = dout.shape
    rows, columns, channels = weights.shape[:3]
    dx[...] = 0
    for n in range(images):
        for y in range(height):
            for z in range(width):
                for i in range(rows):
                    down = y * strides[0] + i * dilation[0]
                    for j in range(columns):
                        right = z * strides[1] + j * dilation[1]
                        for c in range(channels):
                            total = dx.dtype.type(0)
                            for f in range(filters):
                                total += dout[n, y, z, f] * weights[i, j, c, f]
                            dx[n, down, right, c] += total


@kernel(x="nRSc", out=">nYZKLc")
def patches(x: Array, strides: Pair, dilation: Pair, out: Array) -> None:
    """Copy what the kernel meets: out (images, out height, out width, rows, columns, channels)."""
    for i, j in np.ndindex(out.shape[3:5]):
        out[:, :, :, i, j] = met(x, i, j, strides, dilation, out.shape[1:3])


@patches.loops
def patches_loops(x: Array, strides: Pair, dilation: Pair, out: Array) -> None:
    images, height, width, rows, columns, channels = out.shape
    for n in range(images):
        for y in range(height):
            for i in range(rows):
                down = y * strides[0] + i * dilation[0]
                for j in range(columns):
                    right = j * dilation[1]
                    if channels < FEW:  # the innermost loop should be a long one
                        for c in range(channels):
                            for z in range(width):
                                out[n, y, z, i, j, c] = x[n, down, z * strides[1] + right, c]
                    else:
                        for z in range(width):
                            for c in range(channels):
                                out[n, y, z, i, j, c] = x[n, down, z * strides[1] + right, c]


@kernel(dpatches="nYZKLc", dx=">nRSc")
def add_patches(dpatches: Array, strides: Pair, dilation: Pair, dx: Array) -> None:
    """Give each pixel of dx the sum of the entries of dpatches into which `patches` copied it."""
    dx[...] = 0
    for i, j in np.ndindex(dpatches.shape[3:5]):
        pixels = met(dx, i, j, strides, dilation, dpatches.shape[1:3])
        pixels += dpatches[:, :, :, i, j]


@add_patches.loops
def add_patches_loops(dpatches: Array, strides: Pair, dilation: Pair, dx: Array) -> None:
    images, height, width, rows, columns, channels = dpatches.shape
    for n in range(images):
        dx[n] = 0
        for y in range(height):
            for z in range(width):
                for i in range(rows):
                    down = y * strides[0] + i * dilation[0]
                    for j in range(columns):
                        right = z * strides[1] + j * dilation[1]
                        for c in range(channels):
                            dx[n, down, right, c] += dpatches[n, y, z, i, j, c]


def convolve_in_patches(
    x: Array, weights: Array, strides: Pair, dilation: Pair, out: Array
) -> None:
    """Write the convolution of x with weights into out, as matrix products."""
    matrix = weights.reshape(-1, weights.shape[3])  # (numbers in a window, filters)
    for some, pieces in _pieces(x, weights, strides, dilation, out):
        rows, z = _stacks(pieces, out[some], matrix)
        np.matmul(rows, matrix, out=z)


def convolve_in_patches_backward(
    dout: Array,
    x: Array,
    weights: Array,
    strides: Pair,
    dilation: Pair,
    dweights: Array,
    dx: Array | None,
) -> None:
    """Fill dweights, and dx unless it is None."""
    filters = weights.shape[3]
    matrix, dmatrix = weights.reshape(-1, filters), dweights.reshape(-1, filters)
    dmatrix[...] = 0
    for some, pieces in _pieces(x, weights, strides, dilation, dout):
        rows, dz = _stacks(pieces, dout[some], matrix)
        dmatrix += (rows.swapaxes(1, 2) @ dz).sum(axis=0)
        if dx is not None:  # what the windows met is no longer needed
            np.matmul(dz, matrix.T, out=rows)
            add_patches(pieces, strides, dilation, dx[some])


def _stacks(pieces: Array, out: Array, matrix: Array) -> tuple[Array, Array]:
    """Return what windows meet, and out, as stacks of matrices: one per image, or one for all.

    (stacks, windows, numbers in a window) and (stacks, windows, filters). Products of tall, small
    matrices take less time one by one.
    """
    images, windows = len(pieces), out.shape[1] * out.shape[2]
    one_by_one = windows > max(matrix.shape) and windows * matrix.size <= SMALL
    stacks = max(images, 1) if one_by_one else 1
    return pieces.reshape(stacks, -1, len(matrix)), out.reshape(stacks, -1, matrix.shape[1])


def _pieces(
    x: Array, weights: Array, strides: Pair, dilation: Pair, out: Array
) -> Iterator[tuple[slice, Array]]:
    """Yield some images at a time, and what is met at each of their places."""
    place = *out.shape[1:3], *weights.shape[:3]
    nbytes = x.itemsize * len(x) * math.prod(place)
    for some in divided(len(x), -(-nbytes // PIECE)):
        met_here = np.empty((some.stop - some.start, *place), x.dtype)
        patches(x[some], strides, dilation, met_here)
        yield some, met_here
