"""Pooling: fewer pixels, each of which stands for several; and zeros around an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import flag
from tinynet.kernels import pooling
from tinynet.kernels.convolution import NO_GAPS
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
from tinynet.layers.shares import InShares


class Pooling(InShares):
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
        """Return height, width and channels of an image after the layer."""
        size, channels = image_shape(self.name, input_shape)
        window = self.pool_size, self.strides, NO_GAPS, self.padding
        return (*output_size(self.name, size, *window), channels)

    def begin(self, shape: Shape, dtype: np.dtype) -> SimpleNamespace:
        """Make room for the output; find out how far outside the image the first window begins."""
        out = np.empty((shape[0], *self.compute_output_shape(shape[1:])), dtype)
        (top, _), (left, _) = padding_before_and_after(
            shape[1:3], self.pool_size, self.strides, NO_GAPS, self.padding
        )
        return SimpleNamespace(windows=(self.pool_size, self.strides, (top, left)), out=out)


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
    """

    def begin(self, shape: Shape, dtype: np.dtype) -> SimpleNamespace:
        """Make room for the output, and for the place of each largest number in its window."""
        seen = super().begin(shape, dtype)
        seen.which = np.empty(seen.out.shape, np.min_scalar_type(math.prod(self.pool_size) - 1))
        return seen

    def forward_share(self, seen: SimpleNamespace, some: slice, x: Array) -> None:
        """Pool some images."""
        pooling.max_pool(x, *seen.windows, seen.out[some], seen.which[some])

    def backward_share(
        self,
        seen: SimpleNamespace,
        some: slice,
        dout: Array,
        grads: dict[str, Array],
        dx: Array | None,
    ) -> None:
        """Fill dx."""
        if dx is not None:
            pooling.max_pool_backward(dout, seen.which[some], *seen.windows, dx)


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
    """

    def forward_share(self, seen: SimpleNamespace, some: slice, x: Array) -> None:
        """Pool some images."""
        pooling.average_pool(x, *seen.windows, seen.out[some])

    def backward_share(
        self,
        seen: SimpleNamespace,
        some: slice,
        dout: Array,
        grads: dict[str, Array],
        dx: Array | None,
    ) -> None:
        """Fill dx."""
        if dx is not None:
            pooling.average_pool_backward(dout, *seen.windows, dx)


class GlobalPooling(InShares):
    """What both global poolings share: the whole image is the window."""

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

    def begin(self, shape: Shape, dtype: np.dtype) -> SimpleNamespace:
        """Make room for the output."""
        out = np.empty((shape[0], *self.compute_output_shape(shape[1:])), dtype)
        return SimpleNamespace(out=out)


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
    """

    def forward_share(self, seen: SimpleNamespace, some: slice, x: Array) -> None:
        """Take the means of some images."""
        size = x.shape[1:3]
        pooling.average_pool(x, size, size, (0, 0), _as_images(seen.out[some]))

    def backward_share(
        self,
        seen: SimpleNamespace,
        some: slice,
        dout: Array,
        grads: dict[str, Array],
        dx: Array | None,
    ) -> None:
        """Give every pixel its share."""
        if dx is not None:
            size = dx.shape[1:3]
            pooling.average_pool_backward(_as_images(dout), size, size, (0, 0), dx)


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
    """

    def begin(self, shape: Shape, dtype: np.dtype) -> SimpleNamespace:
        """Make room for the output, and for the images, which the backward pass reads again."""
        seen = super().begin(shape, dtype)
        seen.x = np.empty(shape, dtype)
        return seen

    def forward_share(self, seen: SimpleNamespace, some: slice, x: Array) -> None:
        """Take the largest numbers of some images."""
        seen.x[some] = x
        np.max(x, axis=(1, 2), keepdims=True, out=_as_images(seen.out[some]))

    def backward_share(
        self,
        seen: SimpleNamespace,
        some: slice,
        dout: Array,
        grads: dict[str, Array],
        dx: Array | None,
    ) -> None:
        """Give the gradient to the largest pixels."""
        if dx is not None:
            of_each, out = _as_images(dout)[:, 0, 0], _as_images(seen.out[some])[:, 0, 0]
            pooling.global_max_backward(of_each, seen.x[some], out, dx)


def _as_images(numbers: Array) -> Array:
    """Return (images, 1, 1, channels), whether or not the two axes of size 1 are there."""
    return numbers.reshape(len(numbers), 1, 1, numbers.shape[-1])


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
        self.shape = (len(x), *self.compute_output_shape(x.shape[1:]))
        return np.pad(x, ((0, 0), *self.padding, (0, 0)))

    def backward(self, dout: Array) -> Array:
        """Cut the padding off."""
        self.check_dout(dout, self.kept("shape"))
        (top, bottom), (left, right) = self.padding
        inside: Array = dout[:, top : dout.shape[1] - bottom, left : dout.shape[2] - right]
        return inside
