"""Layers that rotate, scale and shift images at random in training: affine maps of their pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import entries, number, plain
from tinynet.config import through_float32
from tinynet.kernels import warping
from tinynet.kernels.convolution import Pair
from tinynet.layers.images import channels_last
from tinynet.layers.preprocessing import Augmentation, limits

INTERPOLATIONS = ("nearest", "bilinear")


class Warp(Augmentation):
    r"""What all three share: each pixel of the output is fetched from a point of the input.

    For the pixel in column z and row y of the output this is the point

    .. math:: \begin{pmatrix} column \\ row \end{pmatrix} =
              \begin{pmatrix} a_{00} & a_{01} \\ a_{10} & a_{11} \end{pmatrix}
              \begin{pmatrix} z \\ y \end{pmatrix} +
              \begin{pmatrix} a_{02} \\ a_{12} \end{pmatrix}

    with a matrix that is drawn for each image. In the backward pass, each entry of dout goes to the
    pixels that were fetched for it, with the same weights.
    """

    def __init__(
        self,
        fill_mode: str,
        interpolation: str,
        seed: int | None,
        fill_value: float,
        data_format: str | None,
        **kwargs: Any,
    ) -> None:
        for name, value, known in (
            ("fill_mode", fill_mode, warping.FILL_MODES),
            ("interpolation", interpolation, INTERPOLATIONS),
        ):
            if value not in known:
                raise ValueError(f"{name}: expected one of {list(known)}, got {value!r}")
        self.fill_mode = fill_mode
        self.interpolation = interpolation
        self.fill_value = number("fill_value", fill_value)
        self.data_format = channels_last(data_format)
        super().__init__(seed, **kwargs)

    def matrices(self, images: int, size: Pair) -> Array:
        """Draw a00, a01, a02, a10, a11, a12 for each image: (images, 6)."""
        raise NotImplementedError

    def change(self, x: Array) -> Array:
        """Draw a matrix for each image, and warp it."""
        images, height, width, _ = x.shape
        matrices = self.matrices(images, (height, width)).astype(np.float32)
        self.points = np.empty((images, height, width, 2), np.float32)
        warping.source_points(matrices, warping.FILL_MODES.index(self.fill_mode), self.points)
        fetch = warping.bilinear if self.interpolation == "bilinear" else warping.nearest
        out = np.empty(x.shape, x.dtype)
        fetch(x, self.points, through_float32(self.fill_value), out)
        return out

    def change_backward(self, dout: Array) -> Array:
        """Pass each gradient to the pixels that were fetched."""
        bilinear = self.interpolation == "bilinear"
        give = warping.bilinear_backward if bilinear else warping.nearest_backward
        dx = np.empty(dout.shape, dout.dtype)
        give(dout, self.points, dx)
        return dx


def columns(*entries: Array | float) -> Array:
    """Put numbers (images,), or one number for all images, side by side."""
    return np.stack(np.broadcast_arrays(*entries), axis=1)


class RandomRotation(Warp):
    r"""In training, rotate each image about its center.

    With an angle a for each image the matrix is :math:`\begin{pmatrix} \cos a & -\sin a \\ \sin a &
    \cos a \end{pmatrix}`, and the center, :math:`((W - 1)/2, (H - 1)/2)`, stays where it is. Rows
    are counted downward: positive angles rotate counterclockwise.

    Parameters
    ----------
    factor : float or (float, float)
        Limits of the angle as fractions of a full turn, from -1 to 1; one number f stands for
        (-f, f).
    fill_mode : {"reflect", "constant", "nearest", "wrap"}
        What is outside the image: its mirror image, `fill_value`, the nearest pixel, or the image
        once more.
    interpolation : {"bilinear", "nearest"}
        Whether a point between pixels is a mixture of the four around it, or the nearest one.
    seed : int, optional
        By default drawn when the layer is created.
    fill_value : float
        For the fill mode "constant".
    data_format : {"channels_last"}, optional
        The only order that is supported: (batch, height, width, channels).
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a factor is not between -1 and 1, or a mode is not known; if a sample is not an image.

    Notes
    -----
    The images equal TensorFlow's to the bit where the sine and cosine of the angle do: in float32
    these sometimes differ in the last place. Points, weights and the four products are float32
    in float64 too, so that out is accurate to 7 digits. The gradient is the true one;
    TensorFlow's is another warp with the inverse matrix, which only approximates it.

    Called on its own, ``layer(x)`` means ``training=True``, as in Keras. Follows
    keras/src/layers/preprocessing/image_preprocessing/random_rotation.py.
    """

    def __init__(
        self,
        factor: float | Sequence[float],
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.factor = limits("factor", factor, -1, 1)
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)

    def matrices(self, images: int, size: Pair) -> Array:
        """Draw an angle for each image."""
        low, high = self.factor
        angle = self.draw((images,), low * 360.0, high * 360.0) * (math.pi / 180)
        cos, sin = np.cos(angle), np.sin(angle)
        y, z = (size[0] - 1) / 2, (size[1] - 1) / 2
        return columns(cos, -sin, z - z * cos + y * sin, sin, cos, y - z * sin - y * cos)


class RandomZoom(Warp):
    r"""In training, scale each image about its center.

    With a height zoom v and a width zoom u for each image the matrix is :math:`\begin{pmatrix} u &
    0 \\ 0 & v \end{pmatrix}`, and the center, :math:`((W - 1)/2, (H - 1)/2)`, stays where it is.
    Zooms above 1 make the image smaller.

    Parameters
    ----------
    height_factor : float or (float, float)
        Limits of v - 1, above -1 and up to 1; one number f stands for (-f, f). Negative values
        make the image larger.
    width_factor : float or (float, float), optional
        Limits of u - 1. None keeps the image's proportions: u = v.
    fill_mode : {"reflect", "constant", "nearest", "wrap"}
        See `RandomRotation`, as for all that follows.
    interpolation : {"bilinear", "nearest"}
    seed : int, optional
    fill_value : float
    data_format : {"channels_last"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a factor is -1 or not between -1 and 1, or a mode is not known; if a sample is not an
        image.

    Notes
    -----
    What `RandomRotation` says about float64 and the gradient holds here. Called on its own,
    ``layer(x)`` means ``training=True``, as in Keras. Follows
    keras/src/layers/preprocessing/image_preprocessing/random_zoom.py.
    """

    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float] | None = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.height_factor = entries(height_factor) or plain(height_factor)
        self.width_factor = entries(width_factor) or plain(width_factor)
        self._limits = [zoom_limits("height_factor", height_factor)]
        if width_factor is not None:
            self._limits.append(zoom_limits("width_factor", width_factor))
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)

    def matrices(self, images: int, size: Pair) -> Array:
        """Draw one zoom for each image, or two."""
        zooms = [self.draw((images,), 1 + low, 1 + high) for low, high in self._limits]
        v, u = (zoom.astype(np.float32) for zoom in (zooms[0], zooms[-1]))
        y, z = (size[0] - 1) / 2, (size[1] - 1) / 2
        return columns(u, 0, z * (1 - u), 0, v, y * (1 - v))


def zoom_limits(name: str, factor: float | Sequence[float]) -> tuple[float, float]:
    """Return a lower and an upper limit of what is added to a zoom of 1."""
    if -1 in (entries(factor) or [plain(factor)]):
        raise ValueError(
            f"{name}: expected numbers above -1, which would make one pixel as large as the "
            f"image, got {factor!r}"
        )
    return limits(name, factor, -1, 1)


class RandomTranslation(Warp):
    r"""In training, shift each image up or down, and left or right.

    With shifts v and u for each image, as fractions of its height H and width W, the matrix is the
    identity, and :math:`a_{02} = -uW`, :math:`a_{12} = -vH`.

    Parameters
    ----------
    height_factor : float or (float, float)
        Limits of v, from -1 to 1; one number f stands for (-f, f). Positive values shift the
        image down.
    width_factor : float or (float, float)
        Limits of u. Positive values shift the image to the right.
    fill_mode : {"reflect", "constant", "nearest", "wrap"}
        See `RandomRotation`, as for all that follows.
    interpolation : {"bilinear", "nearest"}
    seed : int, optional
    fill_value : float
    data_format : {"channels_last"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a factor is not between -1 and 1, or a mode is not known; if a sample is not an image.

    Notes
    -----
    What `RandomRotation` says about float64 and the gradient holds here. Called on its own,
    ``layer(x)`` means ``training=True``, as in Keras. Follows
    keras/src/layers/preprocessing/image_preprocessing/random_translation.py.
    """

    def __init__(
        self,
        height_factor: float | Sequence[float],
        width_factor: float | Sequence[float],
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.height_factor = entries(height_factor) or plain(height_factor)
        self.width_factor = entries(width_factor) or plain(width_factor)
        self._limits = (
            limits("height_factor", height_factor, -1, 1),
            limits("width_factor", width_factor, -1, 1),
        )
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)

    def matrices(self, images: int, size: Pair) -> Array:
        """Draw a shift down and one to the right for each image."""
        down, right = (
            self.draw((images,), *between) * n
            for between, n in zip(self._limits, size, strict=True)
        )
        return columns(1, 0, -right, 0, 1, -down)
