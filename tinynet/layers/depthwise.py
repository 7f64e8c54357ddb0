"""Convolutions that look at one channel at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet import constraints, initializers, old_names, regularizers
from tinynet.arrays import Array
from tinynet.checks import integer
from tinynet.kernels import depthwise
from tinynet.kernels.products import product
from tinynet.layers.base import Shape
from tinynet.layers.convolutional import Convolution


class DepthwiseConv2D(Convolution):
    r"""Convolution of each channel with its own kernels.

    Like `Conv2D`, but without the sum over the channels:

    .. math:: out_{y,x,(c,m)} = f\Big( & b_{(c,m)} \\
              & + \sum_{i,j} x_{y s + i d,\, x s + j d,\, c}\, W_{i,j,c,m}\Big)

    Parameters
    ----------
    kernel_size : int or (int, int)
    strides : int or (int, int)
    padding : {"valid", "same"}
    depth_multiplier : int
        Number of kernels for each channel; the output has that many times the channels.
    data_format : {"channels_last"}, optional
    dilation_rate : int or (int, int)
    activation : str or Activation, optional
    use_bias : bool
    depthwise_initializer, bias_initializer : str or Initializer
    depthwise_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
    depthwise_constraint, bias_constraint : str or Constraint, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        In the same cases as `Conv2D`.

    Notes
    -----
    Weights: ``kernel`` (height, width, channels, multiplier) and ``bias`` (channels*multiplier,).
    Source: Howard et al. 2017, "MobileNets", section 3.1; follows
    keras/src/layers/convolutional/base_depthwise_conv.py.

    Derived on the page :doc:`/backprop/convolution`.
    """

    depthwise_initializer: initializers.Initializer

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: object = None,
        use_bias: bool = True,
        depthwise_initializer: object = "glorot_uniform",
        bias_initializer: object = "zeros",
        depthwise_regularizer: object = None,
        bias_regularizer: object = None,
        activity_regularizer: object = None,
        depthwise_constraint: object = None,
        bias_constraint: object = None,
        **kwargs: Any,
    ) -> None:
        self.depth_multiplier = integer("depth_multiplier", depth_multiplier)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        rules = {"depthwise_initializer": depthwise_initializer}
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            {**rules, "bias_initializer": bias_initializer},
            bias_regularizer,
            activity_regularizer,
            bias_constraint,
            **kwargs,
        )

    def make_kernels(self, channels: int) -> None:
        """Create ``kernel`` (height, width, channels, multiplier)."""
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        rule, penalty = self.depthwise_initializer, self.depthwise_regularizer
        self.add_weight("kernel", shape, rule, penalty, self.depthwise_constraint)

    def filters_for(self, channels: int) -> int:
        """Return the number of kernels of all channels."""
        return channels * self.depth_multiplier

    def apply(self, x: Array, out: Array) -> None:
        """Write the convolution of images into out."""
        kernel, steps = self.params["kernel"], (self.strides, self.dilation_rate)
        depthwise.depthwise(x, kernel, *steps, _by_channel(out, kernel))

    def apply_backward(self, dout: Array, x: Array, dx: Array) -> None:
        """Fill dkernel and dx."""
        kernel, dkernel = self.params["kernel"], self.grads["kernel"]
        steps, dout = (self.strides, self.dilation_rate), _by_channel(dout, kernel)
        depthwise.depthwise_backward(dout, x, kernel, *steps, dkernel, dx)


class SeparableConv2D(Convolution):
    r"""Depthwise convolution, followed by a mixture of all its channels at every pixel.

    :math:`h_{y,x,(c,m)} = \sum_{i,j} x_{y s + i d,\, x s + j d,\, c}\, D_{i,j,c,m}` and
    :math:`out_{y,x,f} = g\big(b_f + \sum_k h_{y,x,k} P_{k,f}\big)`.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int or (int, int)
    strides : int or (int, int)
    padding : {"valid", "same"}
    data_format : {"channels_last"}, optional
    dilation_rate : int or (int, int)
    depth_multiplier : int
        Number of kernels for each channel of the input.
    activation : str or Activation, optional
        g; by default the identity.
    use_bias : bool
    depthwise_initializer, pointwise_initializer, bias_initializer : str or Initializer
    depthwise_regularizer, pointwise_regularizer : str or Regularizer, optional
    bias_regularizer, activity_regularizer : str or Regularizer, optional
    depthwise_constraint, pointwise_constraint, bias_constraint : str or Constraint, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        In the same cases as `Conv2D`.

    Notes
    -----
    Weights: ``depthwise_kernel`` (height, width, channels, multiplier), ``pointwise_kernel``
    (1, 1, channels*multiplier, filters) and ``bias`` (filters,). Source: Chollet 2017,
    "Xception", section 2; follows keras/src/layers/convolutional/base_separable_conv.py.

    Derived on the page :doc:`/backprop/convolution`.
    """

    depthwise_initializer: initializers.Initializer
    pointwise_initializer: initializers.Initializer

    @old_names.warns_of_rows_and_columns
    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        activation: object = None,
        use_bias: bool = True,
        depthwise_initializer: object = "glorot_uniform",
        pointwise_initializer: object = "glorot_uniform",
        bias_initializer: object = "zeros",
        depthwise_regularizer: object = None,
        pointwise_regularizer: object = None,
        bias_regularizer: object = None,
        activity_regularizer: object = None,
        depthwise_constraint: object = None,
        pointwise_constraint: object = None,
        bias_constraint: object = None,
        **kwargs: Any,
    ) -> None:
        self.filters = integer("filters", filters)
        self.depth_multiplier = integer("depth_multiplier", depth_multiplier)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.pointwise_constraint = constraints.get(pointwise_constraint)
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            {
                "depthwise_initializer": depthwise_initializer,
                "pointwise_initializer": pointwise_initializer,
                "bias_initializer": bias_initializer,
            },
            bias_regularizer,
            activity_regularizer,
            bias_constraint,
            **kwargs,
        )

    def make_kernels(self, channels: int) -> None:
        """Create ``depthwise_kernel`` and ``pointwise_kernel``."""
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        rule, penalty = self.depthwise_initializer, self.depthwise_regularizer
        self.add_weight("depthwise_kernel", shape, rule, penalty, self.depthwise_constraint)
        shape = (1, 1, channels * self.depth_multiplier, self.filters)
        rule, penalty = self.pointwise_initializer, self.pointwise_regularizer
        self.add_weight("pointwise_kernel", shape, rule, penalty, self.pointwise_constraint)

    def filters_for(self, channels: int) -> int:
        """Return `filters`."""
        return self.filters

    def apply(self, x: Array, out: Array) -> None:
        """Write the convolution of images into out."""
        between = self._between(x, out.shape)
        mixture = self.params["pointwise_kernel"][0, 0]
        product(between, mixture, out.reshape(-1, self.filters))
        self.between = between

    def apply_backward(self, dout: Array, x: Array, dx: Array) -> None:
        """Fill the gradients of both kernels, and dx."""
        kernel, mixture = self.params["depthwise_kernel"], self.params["pointwise_kernel"][0, 0]
        dz = dout.reshape(-1, self.filters)  # (places, filters)
        product(self.between.T, dz, self.grads["pointwise_kernel"][0, 0])
        dbetween = np.empty_like(self.between)
        product(dz, mixture.T, dbetween)
        dbetween = dbetween.reshape(*dout.shape[:3], *kernel.shape[2:])
        dkernel, steps = self.grads["depthwise_kernel"], (self.strides, self.dilation_rate)
        depthwise.depthwise_backward(dbetween, x, kernel, *steps, dkernel, dx)

    def _between(self, x: Array, out_shape: Shape) -> Array:
        """Return what comes between the two convolutions: (places, channels*multiplier)."""
        kernel = self.params["depthwise_kernel"]
        between = np.empty((*out_shape[:3], *kernel.shape[2:]), x.dtype)
        depthwise.depthwise(x, kernel, self.strides, self.dilation_rate, between)
        return between.reshape(-1, kernel[0, 0].size)


def _by_channel(out: Array, kernel: Array) -> Array:
    """Return (batch, height, width, channels*multiplier) with its last axis split in two."""
    return out.reshape(*out.shape[:3], *kernel.shape[2:])
