"""Convolution over images (batch, height, width, channels)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynet import activations, constraints, initializers, old_names, regularizers
from tinynet.arrays import Array
from tinynet.checks import flag, integer
from tinynet.kernels import convolution, linear, winograd
from tinynet.kernels.convolution import Pair
from tinynet.layers.activated import Activated
from tinynet.layers.base import Shape
from tinynet.layers.images import (
    channels_last,
    image_shape,
    output_size,
    padding_before_and_after,
    padding_name,
    pair,
)


class Convolution(Activated):
    """What the convolutions share: windows over padded images, a bias, an activation.

    A subclass creates the kernels and says how they are applied and differentiated. `rules` are the
    initializers under the names of their attributes, in the order in which they draw seeds.
    """

    bias_initializer: initializers.Initializer

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int],
        padding: str,
        data_format: str | None,
        dilation_rate: int | Sequence[int],
        activation: object,
        use_bias: bool,
        rules: Mapping[str, object],
        bias_regularizer: object,
        activity_regularizer: object,
        bias_constraint: object,
        **kwargs: Any,
    ) -> None:
        self.kernel_size = pair("kernel_size", kernel_size)
        self.strides = pair("strides", strides)
        self.padding = padding_name(padding)
        self.data_format = channels_last(data_format)
        self.dilation_rate = pair("dilation_rate", dilation_rate)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"strides {self.strides} and dilation_rate {self.dilation_rate}: only one of the "
                f"two can be above 1"
            )
        self.activation = activations.get(activation)
        self.use_bias = flag("use_bias", use_bias)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        for name, rule in rules.items():  # what can fail comes before what draws a seed
            setattr(self, name, initializers.get(rule))
        super().__init__(**kwargs)

    # What a subclass defines.

    def filters_for(self, channels: int) -> int:
        """Return the number of output channels."""
        raise NotImplementedError

    def make_kernels(self, channels: int) -> None:
        """Create the weights other than the bias."""
        raise NotImplementedError

    def apply(self, x: Array, out: Array) -> None:
        """Write the convolution of images (padded) into out."""
        raise NotImplementedError

    def apply_backward(self, dout: Array, x: Array, dx: Array) -> None:
        """Fill the gradients of the kernels, and dx (padded)."""
        raise NotImplementedError

    # What all share.

    def build(self, input_shape: Shape) -> None:
        """Create the kernels and ``bias`` (filters,)."""
        self.channels = input_shape[-1]
        self.make_kernels(self.channels)
        if self.use_bias:
            shape = (self.filters_for(self.channels),)
            rules = self.bias_initializer, self.bias_regularizer, self.bias_constraint
            self.add_weight("bias", shape, *rules)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Compute f(x * kernel + bias), where * is the convolution."""
        out_shape = self.compute_output_shape(x.shape[1:])
        padded, self.shape = self._padded(x), x.shape
        z = np.empty((len(x), *out_shape), x.dtype)  # (images, out height, out width, filters)
        self.apply(padded, z)
        self.x = padded
        if self.use_bias:
            linear.bias_add(self.params["bias"], z.reshape(-1, z.shape[-1]))
        return self.activate(z)

    def backward(self, dout: Array, from_logits: bool = False) -> Array:
        """Fill dkernel and dbias, return dx."""
        self.dz = dz = np.ascontiguousarray(self.before_activation(dout, from_logits))
        x = self.x
        if self.use_bias:
            linear.column_sum(dz.reshape(-1, dz.shape[-1]), self.grads["bias"])
        dx = np.empty_like(x)
        self.apply_backward(dz, x, dx)
        return self._unpadded(dx)

    def _padded(self, x: Array) -> Array:
        """Return images with zeros around them where the windows reach beyond the edge."""
        (top, bottom), (left, right) = self._around(x.shape)
        if not (top or bottom or left or right):
            return np.ascontiguousarray(x)
        images, height, width, channels = x.shape
        padded = np.empty((images, top + height + bottom, left + width + right, channels), x.dtype)
        convolution.put_around(x, (top, left), padded)
        return padded

    def _unpadded(self, padded: Array) -> Array:
        """Return what is not padding."""
        if padded.shape == self.shape:
            return padded
        (top, _), (left, _) = self._around(self.shape)
        dx = np.empty(self.shape, padded.dtype)
        convolution.cut_out(padded, (top, left), dx)
        return dx

    def _around(self, shape: Shape) -> tuple[Pair, Pair]:
        """Return how many rows and columns of zeros come before and after those of the images."""
        return padding_before_and_after(
            shape[1:3], self.kernel_size, self.strides, self.dilation_rate, self.padding
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return height, width and channels of an image after the layer."""
        size, channels = image_shape(self.name, input_shape)
        if self.built and channels != self.channels:
            raise ValueError(
                f"{self.name}: expected images with {self.channels} channels, got samples of shape "
                f"{input_shape}; channels come last"
            )
        places = output_size(
            self.name, size, self.kernel_size, self.strides, self.dilation_rate, self.padding
        )
        return (*places, self.filters_for(channels))


class Conv2D(Convolution):
    r"""Convolution: each output channel looks through a small window that slides over the image.

    With strides s and dilation d:

    .. math:: out_{y,x,f} = f\Big(b_f +
              \sum_{i,j,c} x_{y s + i d,\, x s + j d,\, c}\, W_{i,j,c,f}\Big)

    With the gradient dz before the activation,

    .. math:: dW_{i,j,c,f} = \sum_{n,y,x} x_{n,\,y s + i d,\,x s + j d,\,c}\, dz_{n,y,x,f} ,

    :math:`db_f` is the sum of dz, and each pixel of dx gets
    :math:`\sum_f dz_{n,y,x,f} W_{i,j,c,f}` from every place (y, x) whose window it was in.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int or (int, int)
        Height and width of the window.
    strides : int or (int, int)
        How far the window moves at a time.
    padding : {"valid", "same"}
        Whether the window stays within the image, or zeros are put around the image so that, with
        strides of 1, the output is as large as the input.
    data_format : {"channels_last"}, optional
        The only order that is supported: (batch, height, width, channels).
    dilation_rate : int or (int, int)
        How far apart the pixels of a window are.
    activation : str or Activation, optional
        f; by default the identity.
    use_bias : bool
        Whether to add b.
    kernel_initializer, bias_initializer : str or Initializer
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
    kernel_constraint, bias_constraint : str or Constraint, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a number is not positive, `padding` or `data_format` is not known, or strides and
        dilation are both above 1; if the number of channels of the images is not that of the
        kernel, or they are smaller than its window.

    Notes
    -----
    Weights: ``kernel`` (height, width, channels, filters) and ``bias`` (filters,). Source: LeCun
    et al. 1998, "Gradient-based learning applied to document recognition", section II; follows
    keras/src/layers/convolutional/base_conv.py. Windows are laid out as the rows of a matrix, a few
    images at a time, and BLAS does the rest (see tinynet/kernels/convolution.py). For windows of
    3 x 3 without strides or gaps, and at least 16 channels and filters, the same sums are computed
    from fewer products where the output is not too small (see tinynet/kernels/winograd.py). Their
    rounding errors are larger, about ten times in float32; and an infinite pixel, or NaN, can turn
    all 4 x 4 places of a tile into NaN.

    Derived on the page :doc:`/backprop/convolution`; how it is computed fast is on
    :doc:`/backprop/fast_convolution`.
    """

    kernel_initializer: initializers.Initializer

    @old_names.warns_of_rows_and_columns
    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: object = None,
        use_bias: bool = True,
        kernel_initializer: object = "glorot_uniform",
        bias_initializer: object = "zeros",
        kernel_regularizer: object = None,
        bias_regularizer: object = None,
        activity_regularizer: object = None,
        kernel_constraint: object = None,
        bias_constraint: object = None,
        **kwargs: Any,
    ) -> None:
        self.filters = integer("filters", filters)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            {"kernel_initializer": kernel_initializer, "bias_initializer": bias_initializer},
            bias_regularizer,
            activity_regularizer,
            bias_constraint,
            **kwargs,
        )

    def make_kernels(self, channels: int) -> None:
        """Create ``kernel`` (height, width, channels, filters)."""
        shape = (*self.kernel_size, channels, self.filters)
        rules = self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint
        self.add_weight("kernel", shape, *rules)

    def filters_for(self, channels: int) -> int:
        """Return `filters`."""
        return self.filters

    def in_tiles(self, places: Pair) -> bool:
        """Return whether an output of this size is computed in tiles (kernels/winograd.py)."""
        window = self.kernel_size, self.strides, self.dilation_rate
        pay = winograd.tiles_pay(places, self.channels, self.filters)
        return pay and window == ((3, 3), (1, 1), (1, 1))

    def _around(self, shape: Shape) -> tuple[Pair, Pair]:
        """Add rows and columns where the last tiles reach beyond the image."""
        (top, bottom), (left, right) = super()._around(shape)
        down, across, _ = self.compute_output_shape(shape[1:])
        if self.in_tiles((down, across)):
            bottom += -down % winograd.SIDE
            right += -across % winograd.SIDE
        return (top, bottom), (left, right)

    def apply(self, x: Array, out: Array) -> None:
        """Write the convolution of images into out."""
        kernel = self.params["kernel"]
        if self.in_tiles(out.shape[1:3]):
            winograd.convolve_in_tiles(x, kernel, out)
        else:
            convolution.convolve_in_patches(x, kernel, self.strides, self.dilation_rate, out)

    def apply_backward(self, dout: Array, x: Array, dx: Array) -> None:
        """Fill dkernel and dx."""
        kernel, dkernel = self.params["kernel"], self.grads["kernel"]
        if self.in_tiles(dout.shape[1:3]):
            winograd.convolve_in_tiles_backward(dout, x, kernel, dkernel, dx)
        else:
            gaps = self.strides, self.dilation_rate
            convolution.convolve_in_patches_backward(dout, x, kernel, *gaps, dkernel, dx)
