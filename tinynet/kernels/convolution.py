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

import itertools
import math

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.linear import column_sum
from tinynet.kernels.products import batched_product, product
from tinynet.kernels.registry import kernel

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
    """out[n, y, z] = sum over i, j of x[n, u, v] @ weights[i, j], summed over channels.

    (u, v) is the pixel that entry (i, j) meets at place (y, z): y*strides[0] + i*dilation[0] and
    z*strides[1] + j*dilation[1].
    """
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


@kernel(x="nRSc", windows=">nYZKLc")
def patches(x: Array, strides: Pair, dilation: Pair, windows: Array) -> None:
    """Copy what the kernel meets: (images, out height, out width, rows, columns, channels)."""
    for i, j in np.ndindex(windows.shape[3:5]):
        windows[:, :, :, i, j] = met(x, i, j, strides, dilation, windows.shape[1:3])


@patches.loops
def patches_loops(x: Array, strides: Pair, dilation: Pair, windows: Array) -> None:
    images, height, width, rows, columns, channels = windows.shape
    for n in range(images):
        for y in range(height):
            for i in range(rows):
                down = y * strides[0] + i * dilation[0]
                for j in range(columns):
                    right = j * dilation[1]
                    if channels < FEW:  # the innermost loop should be a long one
                        for c in range(channels):
                            for z in range(width):
                                windows[n, y, z, i, j, c] = x[n, down, z * strides[1] + right, c]
                    else:
                        for z in range(width):
                            for c in range(channels):
                                windows[n, y, z, i, j, c] = x[n, down, z * strides[1] + right, c]


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


@kernel(x="nRSc", out=">nYZc")
def put_around(x: Array, before: Pair, out: Array) -> None:
    """Put x into the middle of zeros, `before` rows from the top and columns from the left."""
    out[...] = 0
    inside(out, before, x.shape)[...] = x


@put_around.loops
def put_around_loops(x: Array, before: Pair, out: Array) -> None:
    images, height, width, channels = x.shape
    for n in range(images):
        out[n] = 0
        for y in range(height):
            for z in range(width):
                for c in range(channels):
                    out[n, before[0] + y, before[1] + z, c] = x[n, y, z, c]


@kernel(dout="nYZc", dx=">nRSc")
def cut_out(dout: Array, before: Pair, dx: Array) -> None:
    """Take the middle out of dout, what `put_around` has put there."""
    dx[...] = inside(dout, before, dx.shape)


@cut_out.loops
def cut_out_loops(dout: Array, before: Pair, dx: Array) -> None:
    images, height, width, channels = dx.shape
    for n in range(images):
        for y in range(height):
            for z in range(width):
                for c in range(channels):
                    dx[n, y, z, c] = dout[n, before[0] + y, before[1] + z, c]


def inside(around: Array, before: Pair, shape: tuple[int, ...]) -> Array:
    """Return the part of some images in which smaller ones are: a view."""
    (top, left), (height, width) = before, shape[1:3]
    return around[:, top : top + height, left : left + width]


def convolve_in_patches(
    x: Array, weights: Array, strides: Pair, dilation: Pair, out: Array
) -> None:
    """Write the convolution of x with weights into out, as matrix products."""
    matrix = weights.reshape(-1, weights.shape[3])  # (numbers in a window, filters)
    room, pieces = _pieces(x, weights, out)
    for some in pieces:
        windows = room[: some.stop - some.start]
        patches(x[some], strides, dilation, windows)
        if one_by_one(out, matrix):
            batched_product(*by_image(windows, matrix, out[some]))
        else:
            product(*all_at_once(windows, matrix, out[some]))


def convolve_in_patches_backward(
    dout: Array,
    x: Array,
    weights: Array,
    strides: Pair,
    dilation: Pair,
    dweights: Array,
    dx: Array,
) -> None:
    """Fill dweights and dx."""
    matrix = weights.reshape(-1, weights.shape[3])
    room, pieces = _pieces(x, weights, dout)
    single = one_by_one(dout, matrix)
    # The sums over each image, or over some, which are added up at the end.
    sums = np.empty((len(x) if single else len(pieces), *matrix.shape), matrix.dtype)
    for number, some in enumerate(pieces):
        windows = room[: some.stop - some.start]
        patches(x[some], strides, dilation, windows)
        if single:
            rows, turned, dz = by_image(windows, matrix.T, dout[some])
            batched_product(rows.swapaxes(1, 2), dz, sums[some])
            batched_product(dz, turned, rows)  # what the windows met is no longer needed
        else:
            rows, turned, dz = all_at_once(windows, matrix.T, dout[some])
            product(rows.T, dz, sums[number])
            product(dz, turned, rows)
        add_patches(windows, strides, dilation, dx[some])
    column_sum(sums.reshape(len(sums), matrix.size), dweights.reshape(-1))


def one_by_one(out: Array, matrix: Array) -> bool:
    """Return whether images are multiplied one by one: if their matrices are tall and small."""
    windows = out.shape[1] * out.shape[2]
    return bool(windows > max(matrix.shape) and windows * matrix.size <= SMALL)


def by_image(windows: Array, matrix: Array, out: Array) -> tuple[Array, Array, Array]:
    """Return what the windows meet, a matrix and out, with an axis for the images.

    (images, places, numbers in a window), (images, ...) and (images, places, filters).
    """
    images, filters = out.shape[0], out.shape[3]
    rows = windows.reshape(images, out.shape[1] * out.shape[2], math.prod(windows.shape[3:]))
    many = np.broadcast_to(matrix, (images, *matrix.shape))
    return rows, many, out.reshape(*rows.shape[:2], filters)


def all_at_once(windows: Array, matrix: Array, out: Array) -> tuple[Array, Array, Array]:
    """Return the same for a single product: (places of all images, ...)."""
    places, filters = math.prod(out.shape[:3]), out.shape[3]
    numbers = math.prod(windows.shape[3:])
    return windows.reshape(places, numbers), matrix, out.reshape(places, filters)


def _pieces(x: Array, weights: Array, out: Array) -> tuple[Array, list[slice]]:
    """Return room for what is met in some images, and which images come together."""
    place = *out.shape[1:3], *weights.shape[:3]
    pieces = divided(len(x), x.itemsize * math.prod(place))
    return np.empty((longest(pieces), *place), x.dtype), pieces


def divided(n: int, nbytes: int) -> list[slice]:
    """Divide n images, each with so many bytes, into pieces of about `PIECE` bytes."""
    number = max(1, min(n, -(-n * nbytes // PIECE)))
    ends = [n * i // number for i in range(number + 1)]
    return [slice(*pair) for pair in itertools.pairwise(ends)]


def longest(pieces: list[slice]) -> int:
    """Return the number of images in the longest piece."""
    return max(int(some.stop - some.start) for some in pieces)
