"""Pooling: fewer pixels, each of which stands for several; and zeros around an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import flag
from tinynet.kernels import pooling
from tinynet.kernels.convolution import NO_GAPS, Pair, cut_out, put_around
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

Windows = tuple[Pair, Pair, Pair]  # size, strides, and how far outside the first one begins


class Pooling(Layer):
    """What both poolings share: windows without weights."""

    only_kernels = True

    def __init__(
        self,
        pool_size: int | Sequence[int],
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
        """Return height, width and channels of an image after the layer."""
        size, channels = image_shape(self.name, input_shape)
        window = self.pool_size, self.strides, NO_GAPS, self.padding
        return (*output_size(self.name, size, *window), channels)

    def begin(self, x: Array) -> tuple[Array, Windows]:
        """Make room for the output; find out how far outside the image the first window begins."""
        out = np.empty((len(x), *self.compute_output_shape(x.shape[1:])), x.dtype)
        (top, _), (left, _) = padding_before_and_after(
            x.shape[1:3], self.pool_size, self.strides, NO_GAPS, self.padding
        )
        self.windows = windows = self.pool_size, self.strides, (top, left)
        self.shape, self.out_shape = x.shape, out.shape
        return out, windows


class MaxPooling2D(Pooling):
    """Keep the largest number of each window, channel by channel.

    The gradient goes to the pixel that was the largest, the first in row-major order if several
    were.

    Parameters
    ----------
    pool_size : int or (int, int)
        Height and width of the window.
    strides : int or (int, int), optional
        How far it moves at a time; by default its own size, so that windows are side by side.
    padding : {"valid", "same"}
        Whether the window stays within the image, or may reach beyond its edge, where it covers
        nothing.
    data_format : {"channels_last"}, optional
        The only order that is supported: (batch, height, width, channels).
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a size is not positive, or an image is smaller than the window.

    Notes
    -----
    Follows keras/src/layers/pooling/base_pooling.py.

    Derived on the page :doc:`/backprop/pooling`.
    """

    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2),
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, **kwargs)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Take the largest numbers, and keep their places in their windows."""
        out, windows = self.begin(x)
        which = np.empty(out.shape, np.min_scalar_type(math.prod(self.pool_size) - 1))
        pooling.max_pool(x, *windows, out, which)
        self.which = which
        return out

    def backward(self, dout: Array) -> Array:
        """Give the gradient to the largest pixels."""
        which = self.kept("which")
        self.check_dout(dout, which.shape)
        dx = np.empty(self.shape, dout.dtype)
        pooling.max_pool_backward(dout, which, *self.windows, dx)
        return dx


class AveragePooling2D(Pooling):
    """Keep the mean of each window, channel by channel; each of its pixels gets an equal gradient.

    Parameters
    ----------
    pool_size : int or (int, int)
        Height and width of the window.
    strides : int or (int, int), optional
        How far it moves at a time; by default its own size.
    padding : {"valid", "same"}
        Whether the window stays within the image, or may reach beyond its edge. The mean is taken
        over the pixels inside the image.
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

    Derived on the page :doc:`/backprop/pooling`.
    """

    def forward(self, x: Array, training: bool = False) -> Array:
        """Take the means."""
        out, windows = self.begin(x)
        pooling.average_pool(x, *windows, out)
        return out

    def backward(self, dout: Array) -> Array:
        """Give every pixel its share."""
        self.check_dout(dout, self.kept("out_shape"))
        dx = np.empty(self.shape, dout.dtype)
        pooling.average_pool_backward(dout, *self.windows, dx)
        return dx


class GlobalPooling(Layer):
    """What both global poolings share: the whole image is the window."""

    only_kernels = True

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        self.data_format = channels_last(data_format)
        self.keepdims = flag("keepdims", keepdims)
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (channels,), or (1, 1, channels)."""
        _, channels = image_shape(self.name, input_shape)
        return (1, 1, channels) if self.keepdims else (channels,)

    def begin(self, x: Array) -> Array:
        """Make room for the output, (images, channels)."""
        out_shape = len(x), *self.compute_output_shape(x.shape[1:])
        self.shape, self.out_shape = x.shape, out_shape
        return np.empty((len(x), x.shape[3]), x.dtype)

    def as_output(self, out: Array) -> Array:
        """Return the output in its shape."""
        return out.reshape(len(out), 1, 1, -1) if self.keepdims else out


class GlobalAveragePooling2D(GlobalPooling):
    """Keep the mean of each channel over the whole image.

    Parameters
    ----------
    data_format : {"channels_last"}, optional
    keepdims : bool
        Whether the output is (batch, 1, 1, channels) instead of (batch, channels).
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a sample is not an image.

    Notes
    -----
    Source: Lin et al. 2014, "Network in network", section 3.2; follows
    keras/src/layers/pooling/global_average_pooling2d.py.

    Derived on the page :doc:`/backprop/pooling`.
    """

    def forward(self, x: Array, training: bool = False) -> Array:
        """Take the means."""
        out, size = self.begin(x), x.shape[1:3]
        pooling.average_pool(x, size, size, (0, 0), out.reshape(len(x), 1, 1, x.shape[3]))
        return self.as_output(out)

    def backward(self, dout: Array) -> Array:
        """Give every pixel its share."""
        self.check_dout(dout, self.kept("out_shape"))
        dx, size = np.empty(self.shape, dout.dtype), self.shape[1:3]
        of_each = dout.reshape(len(dout), 1, 1, dout.shape[-1])
        pooling.average_pool_backward(of_each, size, size, (0, 0), dx)
        return dx


class GlobalMaxPooling2D(GlobalPooling):
    """Keep the largest number of each channel over the whole image.

    Where several pixels are the largest, they share the gradient equally (as in TensorFlow, where
    the pixels of a `MaxPooling2D` window do not).

    Parameters
    ----------
    data_format : {"channels_last"}, optional
    keepdims : bool
        Whether the output is (batch, 1, 1, channels) instead of (batch, channels).
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a sample is not an image.

    Notes
    -----
    Follows keras/src/layers/pooling/global_max_pooling2d.py.

    Derived on the page :doc:`/backprop/pooling`.
    """

    def forward(self, x: Array, training: bool = False) -> Array:
        """Take the largest numbers."""
        out = self.begin(x)
        self.x, self.out = x, out
        pooling.global_max(x, out)
        return self.as_output(out)

    def backward(self, dout: Array) -> Array:
        """Give the gradient to the largest pixels."""
        x = self.kept("x")
        self.check_dout(dout, self.out_shape)
        dx = np.empty(x.shape, x.dtype)
        pooling.global_max_backward(dout.reshape(self.out.shape), x, self.out, dx)
        return dx


class ZeroPadding2D(Layer):
    """Put rows and columns of zeros around each image.

    Parameters
    ----------
    padding : int, (int, int), or ((int, int), (int, int))
        One number for all sides; two, for above and below and for left and right; or all four,
        ((top, bottom), (left, right)).
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

    only_kernels = True

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
        """Return the padded image's height, width and channels."""
        (height, width), channels = image_shape(self.name, input_shape)
        return height + sum(self.padding[0]), width + sum(self.padding[1]), channels

    def forward(self, x: Array, training: bool = False) -> Array:
        """Pad."""
        out = np.empty((len(x), *self.compute_output_shape(x.shape[1:])), x.dtype)
        self.shape, self.out_shape = x.shape, out.shape
        (top, _), (left, _) = self.padding
        put_around(x, (top, left), out)
        return out

    def backward(self, dout: Array) -> Array:
        """Cut the padding off."""
        self.check_dout(dout, self.kept("out_shape"))
        (top, _), (left, _) = self.padding
        dx = np.empty(self.shape, dout.dtype)
        cut_out(dout, (top, left), dx)
        return dx
