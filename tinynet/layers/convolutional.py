"""Convolution over images (batch, height, width, channels)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinynet import activations, initializers, regularizers
from tinynet.kernels import convolution, linear
from tinynet.kernels.convolution import Pair
from tinynet.kernels.registry import Array
from tinynet.layers.base import Layer, Shape, positive
from tinynet.layers.images import (
    channels_last,
    image_shape,
    output_size,
    padding_before_and_after,
    padding_name,
    pair,
)

# Windows of no more numbers than this are not laid out as the rows of a matrix.
FEW = 8
# Bytes of patches that are made at a time: they stay in the cache until the product has read them.
PIECE = 1 << 19


class Convolution(Layer):
    """What the convolutions share: windows over padded images, a bias, an activation.

    A subclass makes the kernels and says how they are applied and differentiated. `rules` are the
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
        self.use_bias = use_bias
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        for name, rule in rules.items():  # what can fail comes before what draws a seed
            setattr(self, name, initializers.get(rule))
        super().__init__(**kwargs)

    # What a subclass defines.

    def filters_for(self, channels: int) -> int:
        """Return the number of channels that come out."""
        raise NotImplementedError

    def make_kernels(self, channels: int) -> None:
        """Make the weights that are not the bias."""
        raise NotImplementedError

    def apply(self, out: Array) -> None:
        """Write the convolution of ``self.x`` into out."""
        raise NotImplementedError

    def apply_backward(self, dout: Array, dx: Array | None) -> None:
        """Fill dkernel, and dx where it is asked for (padded, as ``self.x``)."""
        raise NotImplementedError

    # What all share.

    def build(self, input_shape: Shape) -> None:
        """Make the kernels and ``bias`` (filters,)."""
        self.channels = input_shape[-1]
        self.make_kernels(self.channels)
        if self.use_bias:
            shape = (self.filters_for(self.channels),)
            self.add_weight("bias", shape, self.bias_initializer, self.bias_regularizer)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Compute f(x * kernel + bias), where * is the convolution."""
        *places, filters = self.compute_output_shape(x.shape[1:])
        self.shape = x.shape
        self.x = np.ascontiguousarray(self._padded(x))  # (batch, padded height, padded width, c)
        z = np.empty((len(x), *places, filters), x.dtype)
        self.apply(z)
        if self.use_bias:
            linear.bias_add(self.params["bias"], z.reshape(-1, filters))
        self.logits = z
        self.out = self.activation(z)
        return self.out

    def backward(self, dout: Array) -> Array:
        """Fill dkernel and dbias, return dx."""
        logits = self.kept("logits")
        self.check_dout(dout, logits.shape)
        return self.backward_logits(self.activation.backward(dout, logits, self.out))

    def backward_logits(self, dlogits: Array) -> Array:
        """As `backward`, from the gradient in front of the activation."""
        dx = np.empty_like(self.kept("x"))
        self._learn_from(dlogits, dx)
        (top, _), (left, _) = self._around(self.shape)
        inside: Array = dx[:, top : top + self.shape[1], left : left + self.shape[2]]
        return inside

    def learn(self, dout: Array) -> None:
        """Fill dkernel and dbias alone."""
        logits = self.kept("logits")
        self.check_dout(dout, logits.shape)
        self._learn_from(self.activation.backward(dout, logits, self.out), None)

    def _learn_from(self, dlogits: Array, dx: Array | None) -> None:
        if self.activity_regularizer is not None:
            dpenalty = self.activity_regularizer.gradient(self.out) / len(self.out)
            dlogits = dlogits + self.activation.backward(dpenalty, self.logits, self.out)
        dlogits = np.ascontiguousarray(dlogits)
        self.apply_backward(dlogits, dx)
        if self.use_bias:
            linear.column_sum(dlogits.reshape(-1, dlogits.shape[-1]), self.grads["bias"])

    def _around(self, shape: Shape) -> tuple[Pair, Pair]:
        """Return how many rows and columns of zeros stand before and behind a batch of images."""
        return padding_before_and_after(
            shape[1:3], self.kernel_size, self.strides, self.dilation_rate, self.padding
        )

    def _padded(self, x: Array) -> Array:
        around = self._around(x.shape)
        if around == ((0, 0), (0, 0)):
            return x
        return np.pad(x, ((0, 0), *around, (0, 0)))

    def penalty(self) -> float:
        """Return the penalties on the weights and on the last output."""
        total = super().penalty()
        if self.activity_regularizer is not None:
            total += self.activity_regularizer(self.out) / len(self.out)
        return total

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return height, width and channels of an image behind the layer."""
        size, channels = image_shape(self.name, input_shape)
        if self.built and channels != self.channels:
            raise ValueError(
                f"{self.name}: expected images of {self.channels} channels, got samples of shape "
                f"{input_shape}; channels come last"
            )
        places = output_size(
            self.name, size, self.kernel_size, self.strides, self.dilation_rate, self.padding
        )
        return (*places, self.filters_for(channels))

    @property
    def final_activation(self) -> activations.Activation:
        """Return f."""
        return self.activation


class Conv2D(Convolution):
    r"""Convolution: each output channel looks through a small window that slides over the image.

    :math:`out_{y,x,f} = f\big(b_f + \sum_{i,j,c}
    x_{y s + i d,\, x s + j d,\, c}\, W_{i,j,c,f}\big)` with strides s and dilation d. With the
    gradient dz before the activation,
    :math:`dW_{i,j,c,f} = \sum_{n,y,x} x_{n,\,ys+id,\,xs+jd,\,c}\, dz_{n,y,x,f}`, :math:`db_f` is
    the sum of dz, and each pixel of dx gets :math:`\sum_f dz_{n,y,x,f} W_{i,j,c,f}` from every
    place (y, x) whose window it was in.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int or (int, int)
        Height and width of the window.
    strides : int or (int, int)
        How far the window moves.
    padding : {"valid", "same"}
        Whether the window stays within the image, or zeros are put around it so that, with
        strides of 1, the output is as large as the input.
    data_format : {"channels_last"}, optional
        The one order that is offered: (batch, height, width, channels).
    dilation_rate : int or (int, int)
        How far apart the pixels of a window lie.
    activation : str or Activation, optional
        f; by default the identity.
    use_bias : bool
        Whether to add b.
    kernel_initializer, bias_initializer : str or Initializer
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a number is not positive, `padding` or `data_format` is not known, or strides and
        dilation are both above 1; if images have another number of channels than the kernel, or
        are smaller than its window.

    Notes
    -----
    Weights: ``kernel`` (height, width, channels, filters) and ``bias`` (filters,). Source: LeCun
    et al. 1998, "Gradient-based learning applied to document recognition", section II; follows
    keras/src/layers/convolutional/base_conv.py. Where the window holds few numbers, loops go
    over the images directly; else windows are laid out as the rows of a matrix, some images at a
    time, and BLAS does the rest (see tinynet/kernels/convolution.py).
    """

    kernel_initializer: initializers.Initializer

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
        **kwargs: Any,
    ) -> None:
        self.filters = positive("filters", filters)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
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
            **kwargs,
        )

    def make_kernels(self, channels: int) -> None:
        """Make ``kernel`` (height, width, channels, filters)."""
        shape = (*self.kernel_size, channels, self.filters)
        self.add_weight("kernel", shape, self.kernel_initializer, self.kernel_regularizer)

    def filters_for(self, channels: int) -> int:
        """Return `filters`."""
        return self.filters

    def apply(self, out: Array) -> None:
        """Write the convolution of ``self.x`` into out."""
        kernel, steps = self.params["kernel"], (self.strides, self.dilation_rate)
        if kernel[..., 0].size <= FEW:
            convolution.convolve(self.x, kernel, *steps, out)
            return
        matrix = kernel.reshape(-1, self.filters)  # (numbers in a window, filters)
        for some, rows in self._pieces(out.shape):
            np.matmul(rows, matrix, out=out[some].reshape(-1, self.filters))

    def apply_backward(self, dout: Array, dx: Array | None) -> None:
        """Fill dkernel, and dx where it is asked for."""
        kernel, dkernel = self.params["kernel"], self.grads["kernel"]
        steps = self.strides, self.dilation_rate
        if kernel[..., 0].size <= FEW:
            convolution.convolve_kernel_gradient(self.x, dout, *steps, dkernel)
            if dx is not None:
                convolution.convolve_input_gradient(dout, kernel, *steps, dx)
            return
        matrix, dmatrix = (each.reshape(-1, self.filters) for each in (kernel, dkernel))
        dmatrix[...] = 0
        for some, rows in self._pieces(dout.shape):
            dz = dout[some].reshape(-1, self.filters)  # (windows, filters)
            dmatrix += rows.T @ dz
            if dx is not None:
                np.matmul(dz, matrix.T, out=rows)  # what x was is not needed any more
                dpatches = rows.reshape(*dout[some].shape[:3], *kernel.shape[:3])
                convolution.add_patches(dpatches, *steps, dx[some])

    def _pieces(self, out_shape: Shape) -> Iterator[tuple[slice, Array]]:
        """Yield some images at a time, and what is met at each place of them as a row."""
        x, places, window = self.x, out_shape[1:3], self.params["kernel"].shape[:3]
        of_one = x.itemsize * int(np.prod((*places, *window)))
        at_once = max(1, PIECE // of_one)
        for first in range(0, len(x), at_once):
            some = slice(first, first + at_once)
            rows = np.empty((len(x[some]), *places, *window), x.dtype)
            convolution.patches(x[some], self.strides, self.dilation_rate, rows)
            yield some, rows.reshape(-1, int(np.prod(window)))
