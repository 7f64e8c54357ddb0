"""Warping images x (images, height, width, channels): each pixel of out is fetched from a point.

`source_points` says from where: an affine map of the pixel's own position, folded back into the
image. `bilinear` and `nearest` fetch it. points is (images, height, width, 2), row and column;
points and matrices are float32 for images of any type, as in TensorFlow.

Follows ProjectiveGenerator and MapCoordinate in tensorflow/core/kernels/image/image_ops.h.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import called_by_loops, kernel

FILL_MODES = ("constant", "nearest", "reflect", "wrap")
CONSTANT, NEAREST, REFLECT, WRAP = range(4)
ONE = np.float32(1)


@kernel(matrices="nM", points=">nYZP")
def source_points(matrices: Array, fill_mode: int, points: Array) -> None:
    """points[n, y, z] = (a10*z + a11*y + a12, a00*z + a01*y + a02), then folded into the image.

    matrices (images, 6) holds a00, a01, a02, a10, a11, a12; fill_mode is an index into FILL_MODES:

    - constant: a point outside the image stays there;
    - nearest: it moves to the nearest pixel, a a | a b c d;
    - reflect: the image continues as in a mirror, b a | a b c d;
    - wrap: the image starts over, c d | a b c d.
    """
    height, width = points.shape[1:3]
    y = np.arange(height, dtype=np.float32)[:, None]
    z = np.arange(width, dtype=np.float32)
    a00, a01, a02, a10, a11, a12 = matrices.T[:, :, None, None]  # each (images, 1, 1)
    points[..., 0] = folded(a10 * z + a11 * y + a12, height, fill_mode)
    points[..., 1] = folded(a00 * z + a01 * y + a02, width, fill_mode)


def folded(p: Array, n: int, fill_mode: int) -> Array:
    """Return rows or columns p, folded into an image that has n of them."""
    if fill_mode == CONSTANT:
        return p
    last = np.float32(n - 1)
    below = above = p  # what becomes of points before the first pixel, and after the last
    if fill_mode == REFLECT:
        period = np.float32(2 * n)
        below = p + period * np.trunc(-p / period)  # in (-2n, 0]
        below = np.where(below < -n, below + period, -below - ONE)
        above = p - period * np.trunc(p / period)  # in [0, 2n)
        above = np.where(above >= n, period - above - ONE, above)
    elif fill_mode == WRAP and n > 1:
        below = p + np.float32(n) * (np.trunc(-p / last) + ONE)
        above = p - np.float32(n) * np.trunc(p / last)
    folded_in = np.where(p < 0, below, np.where(p > last, above, p))
    return np.clip(folded_in, np.float32(0), last)


@source_points.loops
def source_points_loops(matrices: Array, fill_mode: int, points: Array) -> None:
    images, height, width = points.shape[:3]
    for n in range(images):
        m = matrices[n]
        for y in range(height):
            down = np.float32(y)
            for z in range(width):
                across = np.float32(z)
                row = m[3] * across + m[4] * down + m[5]
                column = m[0] * across + m[1] * down + m[2]
                points[n, y, z, 0] = folded_number(row, height, fill_mode)
                points[n, y, z, 1] = folded_number(column, width, fill_mode)


@called_by_loops
def folded_number(p: Any, n: int, fill_mode: int) -> Any:
    """Return one row or column, folded into an image that has n of them."""
    last = np.float32(n - 1)
    if fill_mode != CONSTANT and (p < 0 or p > last):
        if fill_mode == REFLECT:
            period = np.float32(2 * n)
            if p < 0:
                p += period * np.trunc(-p / period)
                p = p + period if p < np.float32(-n) else -p - ONE
            else:
                p -= period * np.trunc(p / period)
                p = period - p - ONE if p >= np.float32(n) else p
        elif fill_mode == WRAP and n > 1:
            if p < 0:
                p += np.float32(n) * (np.trunc(-p / last) + ONE)
            else:
                p -= np.float32(n) * np.trunc(p / last)
        p = min(max(p, np.float32(0)), last)
    return p


def inside(rows: Array, columns: Array, size: tuple[int, ...]) -> Array:
    """Return which of these rows and columns (images, height, width) are pixels of an image."""
    there: Array = (rows >= 0) & (rows < size[0]) & (columns >= 0) & (columns < size[1])
    return there


def fetched(x: Array, rows: Array, columns: Array, fill: float) -> Array:
    """Return the pixels at rows and columns (images, height, width); `fill` outside the image."""
    there = inside(rows, columns, x.shape[1:3])
    i, j = (np.where(there, each, 0).astype(np.intp) for each in (rows, columns))
    pixels = x[np.arange(len(x))[:, None, None], i, j]
    return np.where(there[..., None], pixels, x.dtype.type(fill))


@kernel(x="nRSc", points="nYZP", out=">nYZc")
def bilinear(x: Array, points: Array, fill: float, out: Array) -> None:
    """out = the four pixels around a point, weighted by nearness; `fill` outside the image.

    At the point (i + s, j + t), with 0 <= s, t < 1, this is
    (1 - s)*((1 - t)*x[i, j] + t*x[i, j + 1]) + s*((1 - t)*x[i + 1, j] + t*x[i + 1, j + 1]),
    computed in float32 for images of any type.
    """
    p, q = points[..., 0], points[..., 1]
    i, j = np.floor(p), np.floor(q)
    up, down = (i + ONE - p)[..., None], (p - i)[..., None]
    left, right = (j + ONE - q)[..., None], (q - j)[..., None]

    def pixels(rows: Array, columns: Array) -> Array:
        return fetched(x, rows, columns, fill).astype(np.float32)

    above = left * pixels(i, j) + right * pixels(i, j + ONE)
    below = left * pixels(i + ONE, j) + right * pixels(i + ONE, j + ONE)
    out[...] = up * above + down * below


@bilinear.loops
def bilinear_loops(x: Array, points: Array, fill: float, out: Array) -> None:
    images, height, width, channels = out.shape
    beside = np.float32(fill)
    for n in range(images):
        for y in range(height):
            for z in range(width):
                p, q = points[n, y, z, 0], points[n, y, z, 1]
                row, column = np.floor(p), np.floor(q)
                up, down = row + ONE - p, p - row
                left, right = column + ONE - q, q - column
                i, j = int(row), int(column)
                first, second = 0 <= i < height, 0 <= i + 1 < height
                here, there = 0 <= j < width, 0 <= j + 1 < width
                for c in range(channels):
                    v00 = np.float32(x[n, i, j, c]) if first and here else beside
                    v01 = np.float32(x[n, i, j + 1, c]) if first and there else beside
                    v10 = np.float32(x[n, i + 1, j, c]) if second and here else beside
                    v11 = np.float32(x[n, i + 1, j + 1, c]) if second and there else beside
                    above = left * v00 + right * v01
                    below = left * v10 + right * v11
                    out[n, y, z, c] = up * above + down * below


@kernel(dout="nYZc", points="nYZP", dx=">nRSc")
def bilinear_backward(dout: Array, points: Array, dx: Array) -> None:
    """Give each of the four pixels around a point its share of dout."""
    p, q = points[..., 0], points[..., 1]
    i, j = np.floor(p), np.floor(q)
    dx[...] = 0
    for rows, by_row in ((i, i + ONE - p), (i + ONE, p - i)):
        for columns, by_column in ((j, j + ONE - q), (j + ONE, q - j)):
            add_pixels(dx, rows, columns, (by_row * by_column)[..., None] * dout)


def add_pixels(dx: Array, rows: Array, columns: Array, shares: Array) -> None:
    """Add shares (images, height, width, channels) to the pixels at rows and columns."""
    there = inside(rows, columns, dx.shape[1:3])
    i, j = (each[there].astype(np.intp) for each in (rows, columns))
    np.add.at(dx, (np.nonzero(there)[0], i, j), shares[there])


@bilinear_backward.loops
def bilinear_backward_loops(dout: Array, points: Array, dx: Array) -> None:
    images, height, width, channels = dout.shape
    dx[...] = 0
    for n in range(images):
        for y in range(height):
            for z in range(width):
                p, q = points[n, y, z, 0], points[n, y, z, 1]
                row, column = np.floor(p), np.floor(q)
                i, j = int(row), int(column)
                for k in range(i, i + 2):
                    by_row = row + ONE - p if k == i else p - row
                    for m in range(j, j + 2):
                        if 0 <= k < height and 0 <= m < width:
                            weight = by_row * (column + ONE - q if m == j else q - column)
                            for c in range(channels):
                                dx[n, k, m, c] += weight * dout[n, y, z, c]


@called_by_loops
def rounded(p: Any) -> Any:
    """Return the nearest integer; halves are rounded away from 0."""
    return np.copysign(np.floor(np.abs(np.float64(p)) + 0.5), p)


@kernel(x="nRSc", points="nYZP", out=">nYZc")
def nearest(x: Array, points: Array, fill: float, out: Array) -> None:
    """out = the pixel nearest to a point; `fill` outside the image."""
    out[...] = fetched(x, rounded(points[..., 0]), rounded(points[..., 1]), fill)


@nearest.loops
def nearest_loops(x: Array, points: Array, fill: float, out: Array) -> None:
    images, height, width, channels = out.shape
    beside = out.dtype.type(fill)
    for n in range(images):
        for y in range(height):
            for z in range(width):
                i, j = int(rounded(points[n, y, z, 0])), int(rounded(points[n, y, z, 1]))
                there = 0 <= i < height and 0 <= j < width
                for c in range(channels):
                    out[n, y, z, c] = x[n, i, j, c] if there else beside


@kernel(dout="nYZc", points="nYZP", dx=">nRSc")
def nearest_backward(dout: Array, points: Array, dx: Array) -> None:
    """Give dout to the pixel that was fetched."""
    dx[...] = 0
    add_pixels(dx, rounded(points[..., 0]), rounded(points[..., 1]), dout)


@nearest_backward.loops
def nearest_backward_loops(dout: Array, points: Array, dx: Array) -> None:
    images, height, width, channels = dout.shape
    dx[...] = 0
    for n in range(images):
        for y in range(height):
            for z in range(width):
                i, j = int(rounded(points[n, y, z, 0])), int(rounded(points[n, y, z, 1]))
                if 0 <= i < height and 0 <= j < width:
                    for c in range(channels):
                        dx[n, i, j, c] += dout[n, y, z, c]
