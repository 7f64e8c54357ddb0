"""Pooling of images x (images, height, width, channels): one number for each window and channel.

A window of `size` pixels slides from place to place, `strides` apart; the first place begins
`before` pixels above and to the left of the image. out is (images, out height, out width,
channels). What a window covers outside the image does not exist: it is never the largest, and
does not count in a mean.
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.convolution import NO_GAPS, Pair, met
from tinynet.kernels.registry import called_by_loops, kernel


def surrounded(x: Array, size: Pair, strides: Pair, before: Pair, places: Pair, by: float) -> Array:
    """Return x surrounded by as many pixels of the value `by` as the windows cover."""
    reach = [(n - 1) * stride + k for n, stride, k in zip(places, strides, size, strict=True)]
    room = [max(0, r - b - n) for r, b, n in zip(reach, before, x.shape[1:3], strict=True)]
    around = ((0, 0), (before[0], room[0]), (before[1], room[1]), (0, 0))
    return np.pad(x, around, constant_values=by)


@kernel(x="nRSc", out=">nYZc", which=">nYZc")
def max_pool(x: Array, size: Pair, strides: Pair, before: Pair, out: Array, which: Array) -> None:
    """out[n, y, z, c] = the largest number in the window; NaN passes through.

    which[n, y, z, c] is its pixel: the first in row-major order if several are the largest, the
    last if several are NaN. The pixels of a window are numbered in that order, including those
    outside the image.
    """
    places = out.shape[1:3]
    around = surrounded(x, size, strides, before, places, np.nan)
    there = surrounded(np.ones((1, *x.shape[1:3], 1), bool), size, strides, before, places, False)
    found = np.zeros((1, *places, 1), bool)
    out[...], which[...] = -np.inf, 0
    for number, (i, j) in enumerate(np.ndindex(*size)):
        pixels = met(around, i, j, strides, NO_GAPS, places)
        inside = met(there, i, j, strides, NO_GAPS, places)
        larger = inside & (~found | (pixels > out) | np.isnan(pixels))
        np.copyto(out, pixels, where=larger)
        which[larger] = number
        found |= inside


@called_by_loops
def are_twos(size: Pair, strides: Pair, before: Pair, x: Array, out: Array) -> bool:
    """Return whether windows of two by two pixels lie side by side, all within the image."""
    there = 2 * out.shape[1] <= x.shape[1] and 2 * out.shape[2] <= x.shape[2]
    return there and before == (0, 0) and size == (2, 2) and strides == (2, 2)


@called_by_loops
def max_of_four(x: Array, out: Array, which: Array) -> None:
    """Look at the four pixels of each window at once."""
    images, height, width, channels = out.shape
    for n in range(images):
        for y in range(height):
            for z in range(width):
                for c in range(channels):
                    largest, found = x[n, 2 * y, 2 * z, c], which.dtype.type(0)
                    for number in range(1, 4):
                        v = x[n, 2 * y + number // 2, 2 * z + number % 2, c]
                        larger = (v > largest) | (v != v)
                        largest = v if larger else largest
                        found = which.dtype.type(number) if larger else found
                    out[n, y, z, c], which[n, y, z, c] = largest, found


@max_pool.loops
def max_pool_loops(
    x: Array, size: Pair, strides: Pair, before: Pair, out: Array, which: Array
) -> None:
    if are_twos(size, strides, before, x, out):
        max_of_four(x, out, which)
        return
    images, height, width, channels = out.shape
    for n in range(images):
        for y in range(height):
            top = y * strides[0] - before[0]
            for z in range(width):
                left = z * strides[1] - before[1]
                up, first = max(top, 0), max(left, 0)
                out[n, y, z] = -np.inf
                which[n, y, z] = 0
                for i in range(up, min(top + size[0], x.shape[1])):
                    for j in range(first, min(left + size[1], x.shape[2])):
                        number = which.dtype.type((i - top) * size[1] + j - left)
                        new = (i == up) & (j == first)
                        for c in range(channels):
                            v = x[n, i, j, c]
                            # Once seen, a NaN stays.
                            larger = new | (v > out[n, y, z, c]) | (v != v)
                            out[n, y, z, c] = v if larger else out[n, y, z, c]
                            which[n, y, z, c] = number if larger else which[n, y, z, c]


@kernel(dout="nYZc", which="nYZc", dx=">nRSc")
def max_pool_backward(
    dout: Array, which: Array, size: Pair, strides: Pair, before: Pair, dx: Array
) -> None:
    """Pass dout to the pixel of each window that `which` names."""
    places = dout.shape[1:3]
    daround = surrounded(np.zeros_like(dx), size, strides, before, places, 0.0)
    for number, (i, j) in enumerate(np.ndindex(*size)):
        pixels = met(daround, i, j, strides, NO_GAPS, places)
        pixels += np.where(which == number, dout, 0)
    rows, columns = dx.shape[1:3]
    dx[...] = daround[:, before[0] : before[0] + rows, before[1] : before[1] + columns]


@called_by_loops
def give_to_four(dout: Array, which: Array, dx: Array) -> None:
    """Write the four pixels of each window; no other window has them."""
    images, height, width, channels = dout.shape
    zero = dx.dtype.type(0)
    for n in range(images):
        dx[n, 2 * height :] = 0
        dx[n, :, 2 * width :] = 0
        for y in range(height):
            for z in range(width):
                for i in range(2):
                    for j in range(2):
                        for c in range(channels):
                            here = which[n, y, z, c] == 2 * i + j
                            d = dout[n, y, z, c] if here else zero
                            dx[n, 2 * y + i, 2 * z + j, c] = zero + d  # as a sum, -0 is 0


@max_pool_backward.loops
def max_pool_backward_loops(
    dout: Array, which: Array, size: Pair, strides: Pair, before: Pair, dx: Array
) -> None:
    if are_twos(size, strides, before, dx, dout):
        give_to_four(dout, which, dx)
        return
    images, height, width, channels = dout.shape
    zero = dx.dtype.type(0)
    for n in range(images):
        dx[n] = 0
        for y in range(height):
            top = y * strides[0] - before[0]
            for z in range(width):
                left = z * strides[1] - before[1]
                for i in range(max(top, 0), min(top + size[0], dx.shape[1])):
                    for j in range(max(left, 0), min(left + size[1], dx.shape[2])):
                        number = which.dtype.type((i - top) * size[1] + j - left)
                        for c in range(channels):
                            here = which[n, y, z, c] == number
                            dx[n, i, j, c] += dout[n, y, z, c] if here else zero


@kernel(x="nRSc", out=">nc")
def global_max(x: Array, out: Array) -> None:
    """out[n, c] = the largest number of a channel of an image; NaN passes through."""
    np.max(x, axis=(1, 2), out=out)


@global_max.loops
def global_max_loops(x: Array, out: Array) -> None:
    images, height, width, channels = x.shape
    for n in range(images):
        out[n] = x[n, 0, 0]
        for i in range(height):
            for j in range(width):
                for c in range(channels):
                    v = x[n, i, j, c]
                    out[n, c] = v if (v > out[n, c]) | (v != v) else out[n, c]


@kernel(dout="nc", x="nRSc", out="nc", dx=">nRSc")
def global_max_backward(dout: Array, x: Array, out: Array, dx: Array) -> None:
    """Divide dout (images, channels) equally among the largest pixels.

    TensorFlow's reduce_max does the same, while its pooling gives everything to the first.
    """
    largest = x == out[:, None, None, :]
    np.multiply(largest, (dout / largest.sum(axis=(1, 2)))[:, None, None, :], out=dx)


@global_max_backward.loops
def global_max_backward_loops(dout: Array, x: Array, out: Array, dx: Array) -> None:
    images, height, width, channels = x.shape
    number = dx.dtype.type
    count = np.empty(channels, dx.dtype)
    for n in range(images):
        count[:] = 0
        for i in range(height):
            for j in range(width):
                for c in range(channels):
                    dx[n, i, j, c] = number(x[n, i, j, c] == out[n, c])
                    count[c] += dx[n, i, j, c]
        for i in range(height):
            for j in range(width):
                for c in range(channels):
                    dx[n, i, j, c] *= dout[n, c] / count[c]


@kernel(x="nRSc", out=">nYZc")
def average_pool(x: Array, size: Pair, strides: Pair, before: Pair, out: Array) -> None:
    """out[n, y, z, c] = the mean of the pixels in the window."""
    places = out.shape[1:3]
    around = surrounded(x, size, strides, before, places, 0.0)
    there = surrounded(np.ones((1, *x.shape[1:3], 1), x.dtype), size, strides, before, places, 0.0)
    out[...] = 0
    count = np.zeros((1, *places, 1), x.dtype)
    for i, j in np.ndindex(*size):
        out += met(around, i, j, strides, NO_GAPS, places)
        count += met(there, i, j, strides, NO_GAPS, places)
    out /= count


@average_pool.loops
def average_pool_loops(x: Array, size: Pair, strides: Pair, before: Pair, out: Array) -> None:
    images, height, width, channels = out.shape
    for n in range(images):
        for y in range(height):
            top, bottom = y * strides[0] - before[0], y * strides[0] - before[0] + size[0]
            top, bottom = max(top, 0), min(bottom, x.shape[1])
            for z in range(width):
                left, right = z * strides[1] - before[1], z * strides[1] - before[1] + size[1]
                left, right = max(left, 0), min(right, x.shape[2])
                count = out.dtype.type((bottom - top) * (right - left))
                out[n, y, z] = 0
                for i in range(top, bottom):
                    for j in range(left, right):
                        for c in range(channels):
                            out[n, y, z, c] += x[n, i, j, c]
                for c in range(channels):
                    out[n, y, z, c] /= count


@kernel(dout="nYZc", dx=">nRSc")
def average_pool_backward(dout: Array, size: Pair, strides: Pair, before: Pair, dx: Array) -> None:
    """Give each pixel of a window its share of dout, dout divided by the number of pixels."""
    places = dout.shape[1:3]
    there = surrounded(
        np.ones((1, *dx.shape[1:3], 1), dx.dtype), size, strides, before, places, 0.0
    )
    count = sum(met(there, i, j, strides, NO_GAPS, places) for i, j in np.ndindex(*size))
    daround = np.zeros((len(dx), *there.shape[1:3], dx.shape[3]), dx.dtype)
    for i, j in np.ndindex(*size):
        pixels = met(daround, i, j, strides, NO_GAPS, places)
        pixels += dout / count
    rows, columns = dx.shape[1:3]
    dx[...] = daround[:, before[0] : before[0] + rows, before[1] : before[1] + columns]


@average_pool_backward.loops
def average_pool_backward_loops(
    dout: Array, size: Pair, strides: Pair, before: Pair, dx: Array
) -> None:
    images, height, width, channels = dout.shape
    for n in range(images):
        dx[n] = 0
        for y in range(height):
            top, bottom = y * strides[0] - before[0], y * strides[0] - before[0] + size[0]
            top, bottom = max(top, 0), min(bottom, dx.shape[1])
            for z in range(width):
                left, right = z * strides[1] - before[1], z * strides[1] - before[1] + size[1]
                left, right = max(left, 0), min(right, dx.shape[2])
                count = dx.dtype.type((bottom - top) * (right - left))
                for i in range(top, bottom):
                    for j in range(left, right):
                        for c in range(channels):
                            dx[n, i, j, c] += dout[n, y, z, c] / count
