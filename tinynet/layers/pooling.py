"""Pooling: fewer pixels, each of which stands for several; and zeros around an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet.kernels import pooling
from tinynet.kernels.convolution import Pair
from tinynet.kernels.pooling import NO_GAPS
from tinynet.kernels.registry import Array, Kernel
from tinynet.kernels.threads import shares, side_by_side
from tinynet.layers.base import Layer, Shape
from tinynet.layers.images import (
    around_pair,
    channels_last,
    image_shape,
    output_size,
    padding_before_and_after,
    padding_name,
    pair,
)

Windows = tuple[Pair, Pair, Pair]


def _in_shares(kernel: Kernel, inputs: list[Array], windows: Windows, outputs: list[Array]) -> None:
    """Run a kernel of pooling, on shares of the batch side by side."""

    def some_images(_: int, some: slice) -> None:
        kernel(*(x[some] for x in inputs), *windows, *(out[some] for out in outputs))

    side_by_side(some_images, shares(len(inputs[0]), max(inputs[0].nbytes, outputs[0].nbytes)))


class Pooling(Layer):
    """What both poolings share: windows without weights."""

    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2),
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.pool_size = pair("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else pair("strides", strides)
        self.padding = padding_name(padding)
        self.data_format = channels_last(data_format)
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return height, width and channels of an image behind the layer."""
        size, channels = image_shape(self.name, input_shape)
        window = self.pool_size, self.strides, NO_GAPS, self.padding
        return (*output_size(self.name, size, *window), channels)

    def _windows(self, shape: Shape) -> Windows:
        """Return size and strides of the windows, and how far outside the first begins."""
        (top, _), (left, _) = padding_before_and_after(
            shape[1:3], self.pool_size, self.strides, NO_GAPS, self.padding
        )
        return self.pool_size, self.strides, (top, left)


class MaxPooling2D(Pooling):
    """Keep the largest number of each window, channel by channel.

    The gradient goes to the pixel that was the largest, the first in row-major order if several
    were.

    Parameters
    ----------
    pool_size : int or (int, int)
        Height and width of the window.
    strides : int or (int, int), optional
        How far it moves; by default its own size, so that windows lie side by side.
    padding : {"valid", "same"}
        Whether the window stays within the image, or may reach over its edge, where it covers
        nothing.
    data_format : {"channels_last"}, optional
        The one order that is offered: (batch, height, width, channels).
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a size is not positive, or an image is smaller than the window.

    Notes
    -----
    Follows keras/src/layers/pooling/base_pooling.py.
    """

    def forward(self, x: Array, training: bool = False) -> Array:
        """Pool."""
        shape = self.compute_output_shape(x.shape[1:])
        self.shape = x.shape
        out = np.empty((len(x), *shape), x.dtype)
        self.which = np.empty(out.shape, np.min_scalar_type(math.prod(self.pool_size) - 1))
        _in_shares(pooling.max_pool, [x], self._windows(x.shape), [out, self.which])
        return out

    def backward(self, dout: Array) -> Array:
        """Return the gradient at the input."""
        which = self.kept("which")
        self.check_dout(dout, which.shape)
        dx = np.empty(self.shape, dout.dtype)
        _in_shares(pooling.max_pool_backward, [dout, which], self._windows(self.shape), [dx])
        return dx


class AveragePooling2D(Pooling):
    """Keep the mean of each window, channel by channel; each of its pixels gets an equal gradient.

    Parameters
    ----------
    pool_size : int or (int, int)
        Height and width of the window.
    strides : int or (int, int), optional
        How far it moves; by default its own size.
    padding : {"valid", "same"}
        Whether the window stays within the image, or may reach over its edge. The mean is taken
        over the pixels that are there.
    data_format : {"channels_last"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a size is not positive, or an image is smaller than the window.

    Notes
    -----
    Follows keras/src/layers/pooling/base_pooling.py.
    """

    def forward(self, x: Array, training: bool = False) -> Array:
        """Pool."""
        shape = self.compute_output_shape(x.shape[1:])
        self.shape = x.shape
        out = np.empty((len(x), *shape), x.dtype)
        _in_shares(pooling.average_pool, [x], self._windows(x.shape), [out])
        return out

    def backward(self, dout: Array) -> Array:
        """Return the gradient at the input."""
        images, *size = self.kept("shape")
        self.check_dout(dout, (images, *self.compute_output_shape(tuple(size))))
        dx = np.empty(self.shape, dout.dtype)
        _in_shares(pooling.average_pool_backward, [dout], self._windows(self.shape), [dx])
        return dx


class GlobalPooling(Layer):
    """What both global poolings share: the whole image is the window."""

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        self.data_format = channels_last(data_format)
        self.keepdims = keepdims
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (channels,), or (1, 1, channels)."""
        _, channels = image_shape(self.name, input_shape)
        return (1, 1, channels) if self.keepdims else (channels,)

    def _dout(self, dout: Array) -> Array:
        """Return the gradient at the output as (batch, 1, 1, channels)."""
        images, *size = self.kept("shape")
        self.check_dout(dout, (images, *self.compute_output_shape(tuple(size))))
        return dout.reshape(images, 1, 1, size[-1])


class GlobalAveragePooling2D(GlobalPooling):
    """Keep the mean of each channel over the whole image.

    Parameters
    ----------
    data_format : {"channels_last"}, optional
    keepdims : bool
        Whether the output is (batch, 1, 1, channels), not (batch, channels).
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a sample is no image.

    Notes
    -----
    Source: Lin et al. 2014, "Network in network", section 3.2; follows
    keras/src/layers/pooling/global_average_pooling2d.py.
    """

    def forward(self, x: Array, training: bool = False) -> Array:
        """Take the means."""
        shape = self.compute_output_shape(x.shape[1:])
        self.shape = x.shape
        out = np.empty((len(x), 1, 1, x.shape[-1]), x.dtype)
        _in_shares(pooling.average_pool, [x], self._window(), [out])
        return out.reshape(len(x), *shape)

    def backward(self, dout: Array) -> Array:
        """Give every pixel its share."""
        dout = self._dout(dout)
        dx = np.empty(self.shape, dout.dtype)
        _in_shares(pooling.average_pool_backward, [dout], self._window(), [dx])
        return dx

    def _window(self) -> Windows:
        size = self.shape[1], self.shape[2]
        return size, size, (0, 0)


class GlobalMaxPooling2D(GlobalPooling):
    """Keep the largest number of each channel over the whole image.

    Where several pixels are the largest, they share the gradient equally (as in TensorFlow, whose
    windows do not share).

    Parameters
    ----------
    data_format : {"channels_last"}, optional
    keepdims : bool
        Whether the output is (batch, 1, 1, channels), not (batch, channels).
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a sample is no image.

    Notes
    -----
    Follows keras/src/layers/pooling/global_max_pooling2d.py.
    """

    def forward(self, x: Array, training: bool = False) -> Array:
        """Take the largest numbers."""
        shape = self.compute_output_shape(x.shape[1:])
        self.x, self.shape = x, x.shape
        self.out = np.max(x, axis=(1, 2), keepdims=True)  # (batch, 1, 1, channels)
        out: Array = self.out.reshape(len(x), *shape)
        return out

    def backward(self, dout: Array) -> Array:
        """Give the gradient to the largest pixels."""
        dout = self._dout(dout)
        dx = np.empty(self.shape, dout.dtype)
        pooling.global_max_backward(dout[:, 0, 0], self.x, self.out[:, 0, 0], dx)
        return dx


class ZeroPadding2D(Layer):
    """Put rows and columns of zeros around each image.

    Parameters
    ----------
    padding : int, (int, int), or ((int, int), (int, int))
        On every side; above and below, left and right; or ((top, bottom), (left, right)).
    data_format : {"channels_last"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If `padding` has another form, or a number is negative.

    Notes
    -----
    Follows keras/src/layers/reshaping/zero_padding2d.py.
    """

    def __init__(
        self,
        padding: int | Sequence[int] | Sequence[Sequence[int]] = (1, 1),
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.padding = around_pair("padding", padding)
        self.data_format = channels_last(data_format)
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the larger image's height, width and channels."""
        (height, width), channels = image_shape(self.name, input_shape)
        return height + sum(self.padding[0]), width + sum(self.padding[1]), channels

    def forward(self, x: Array, training: bool = False) -> Array:
        """Pad."""
        self.shape = (len(x), *self.compute_output_shape(x.shape[1:]))
        return np.pad(x, ((0, 0), *self.padding, (0, 0)))

    def backward(self, dout: Array) -> Array:
        """Cut the edge off."""
        self.check_dout(dout, self.kept("shape"))
        (top, bottom), (left, right) = self.padding
        inside: Array = dout[:, top : dout.shape[1] - bottom, left : dout.shape[2] - right]
        return inside
