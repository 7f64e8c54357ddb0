"""An image rotated, shifted, sheared and zoomed at once: SciPy's numbers, without SciPy.

Each pixel of the result is fetched from a point of the image, ``matrix @ (row, column) + offset``.
What lies between pixels, and outside the image, is what scipy.ndimage.affine_transform makes of it:
computed in float64 and rounded once, with another mirror and another repetition than TensorFlow's,
which `tinynet.kernels.warping` follows.
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array

FILL_MODES = ("constant", "nearest", "reflect", "wrap")
TINY = 1e-15  # a point as close to the first pixel as this is on it


def matrix_and_offset(
    size: tuple[int, int], theta: float, tx: float, ty: float, shear: float, zx: float, zy: float
) -> tuple[Array, Array]:
    """Return the map from a row and column of the result to those of the image.

    Angles are in degrees. Rotation, shift, shear and zoom are multiplied in this order, as maps of
    (x, y), around the point (height/2 - 1/2, width/2 - 1/2); then the axes are exchanged. In an
    image that is not square this point is not the center. That is how Keras does it.
    """
    angle, slant = np.deg2rad(theta), np.deg2rad(shear)
    cos, sin = np.cos(angle), np.sin(angle)
    map_xy = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    for factor in (
        [[1, 0, tx], [0, 1, ty], [0, 0, 1]],
        [[1, -np.sin(slant), 0], [0, np.cos(slant), 0], [0, 0, 1]],
        [[zx, 0, 0], [0, zy, 0], [0, 0, 1]],
    ):
        map_xy = map_xy @ np.array(factor)
    x, y = size[0] / 2 - 0.5, size[1] / 2 - 0.5
    to_center = np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])
    back = np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
    exchanged = (to_center @ map_xy @ back)[np.ix_([1, 0], [1, 0, 2])]
    return exchanged[:, :2], exchanged[:, 2]


def fetched(
    image: Array, matrix: Array, offset: Array, order: int, fill_mode: str, cval: float
) -> Array:
    """Return an image in which each pixel is fetched from another place.

    Parameters
    ----------
    image : ndarray, shape (height, width, channels)
    matrix : ndarray, shape (2, 2)
    offset : ndarray, shape (2,)
    order : {0, 1}
        0 takes the nearest pixel, 1 blends the four around the point: at row i + s and column
        j + t, each with the weight 1 - s or s, times 1 - t or t.
    fill_mode : {"constant", "nearest", "reflect", "wrap"}
        What is outside the image: `cval`; the nearest pixel; the image mirrored at its edge,
        c b a | a b c; the image repeated with its last pixel on its first, b c | a b c | b c.
    cval : float

    Returns
    -------
    ndarray, shape and type of `image`

    Notes
    -----
    Follows NI_GeometricTransform in scipy/ndimage/src/ni_interpolation.c, term by term.
    """
    height, width = image.shape[:2]
    rows, columns = np.arange(height)[:, None], np.arange(width)
    inside: Array = np.ones(image.shape[:2], bool)
    taps = []  # along each axis: the pixels to fetch, with their weights
    for start, (down, across), n in zip(offset, matrix, image.shape[:2], strict=True):
        place = start + rows * down + columns * across
        inside = inside & (place >= 0) & (place <= n - 1)
        place = folded(place, n, fill_mode)
        first = np.floor(place if order else place + 0.5)
        near = 1 - (place - first) if order else np.ones_like(place)
        both = [(first, near), (first + 1, 1 - near)][: order + 1]
        taps.append(
            [(np.clip(i, 0, n - 1).astype(np.intp), weight[..., None]) for i, weight in both]
        )
    out = np.zeros(image.shape)
    for i, weight_down in taps[0]:
        for j, weight_across in taps[1]:
            out += image[i, j] * weight_down * weight_across
    if fill_mode == "constant":
        out = np.where(inside[..., None], out, cval)
    return out.astype(image.dtype)


def folded(place: Array, n: int, fill_mode: str) -> Array:
    """Return rows or columns, folded into an image that has n of them.

    Mirrored at the edge of a pixel, a point may stay up to one pixel before the first or behind
    the last.
    """
    if fill_mode in ("constant", "nearest"):
        return place  # there, the four pixels around it are moved to the edge instead
    if n == 1:
        return np.zeros_like(place)
    if fill_mode == "wrap":
        last = n - 1
        below = place + last * (np.trunc(-place / last) + 1)
        above = place - last * np.trunc(place / last)
    else:
        twice = 2 * n
        below = np.where(place < -twice, twice * np.trunc(-place / twice) + place, place)
        below = np.where(below < -n, below + twice, np.maximum(-below, TINY) - 1)
        above = place - twice * np.trunc(place / twice)
        above = np.where(above >= n, twice - above - 1, above)
    return np.where(place < 0, below, np.where(place > n - 1, above, place))
