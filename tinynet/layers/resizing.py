"""Images made smaller or larger without any learning: edges cut off, pixels repeated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.convolution import cut_out, put_around
from tinynet.kernels.resizing import repeat_pixels, repeat_pixels_backward
from tinynet.layers.base import Layer, Shape
from tinynet.layers.images import around_pair, channels_last, image_shape, pair


class Cropping2D(Layer):
    """Cut rows and columns off each image; the gradient is put back amid zeros.

    Parameters
    ----------
    cropping : int, (int, int), or ((int, int), (int, int))
        One number for all sides; two, for above and below and for left and right; or all four,
        ((top, bottom), (left, right)).
    data_format : {"channels_last"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If `cropping` has another form, or a number is negative; if nothing is left of an image.

    Notes
    -----
    Follows keras/src/layers/reshaping/cropping2d.py.
    """

    only_kernels = True

    def __init__(
        self,
        cropping: int | Sequence[int] | Sequence[Sequence[int]] = ((0, 0), (0, 0)),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.cropping = around_pair("cropping", cropping)
        self.data_format = channels_last(data_format)
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return height, width and channels of what is left of an image."""
        (height, width), channels = image_shape(self.name, input_shape)
        left = height - sum(self.cropping[0]), width - sum(self.cropping[1])
        if min(left) < 1:
            raise ValueError(
                f"{self.name}: expected images from which something is left, got {height} x "
                f"{width} pixels and cropping={self.cropping}"
            )
        return (*left, channels)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Crop."""
        out = np.empty((len(x), *self.compute_output_shape(x.shape[1:])), x.dtype)
        self.shape, self.out_shape = x.shape, out.shape
        (top, _), (left, _) = self.cropping
        cut_out(x, (top, left), out)
        return out

    def backward(self, dout: Array) -> Array:
        """Put zeros around."""
        self.check_dout(dout, self.kept("out_shape"))
        (top, _), (left, _) = self.cropping
        dx = np.empty(self.shape, dout.dtype)
        put_around(dout, (top, left), dx)
        return dx


class UpSampling2D(Layer):
    """Repeat every pixel, down and across; its gradient is the sum of those of its copies.

    Parameters
    ----------
    size : int or (int, int)
        How often.
    data_format : {"channels_last"}, optional
    interpolation : {"nearest"}
        Keras's other ways to make images larger are not supported.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If `size` is not positive or `interpolation` is another one; if a sample is not an image.

    Notes
    -----
    Follows keras/src/layers/reshaping/up_sampling2d.py.

    Derived on the page :doc:`/backprop/pooling`.
    """

    only_kernels = True

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        self.size = pair("size", size)
        self.data_format = channels_last(data_format)
        if interpolation != "nearest":
            raise ValueError(
                f"interpolation: expected 'nearest', the only one that is supported, got "
                f"{interpolation!r}"
            )
        self.interpolation = interpolation
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return height, width and channels of the larger image."""
        (height, width), channels = image_shape(self.name, input_shape)
        return height * self.size[0], width * self.size[1], channels

    def forward(self, x: Array, training: bool = False) -> Array:
        """Repeat."""
        out = np.empty((len(x), *self.compute_output_shape(x.shape[1:])), x.dtype)
        self.shape, self.out_shape = x.shape, out.shape
        repeat_pixels(x, self.size, out)
        return out

    def backward(self, dout: Array) -> Array:
        """Add up."""
        self.check_dout(dout, self.kept("out_shape"))
        dx = np.empty(self.shape, dout.dtype)
        repeat_pixels_backward(dout, self.size, dx)
        return dx
