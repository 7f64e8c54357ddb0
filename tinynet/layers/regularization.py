"""Layers that disturb the network in training, so that it does not rely on single units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet import random
from tinynet.arrays import Array
from tinynet.checks import entries, number
from tinynet.kernels.dropout import dropout
from tinynet.layers.base import Layer, Shape
from tinynet.layers.images import channels_last, image_shape


class Dropout(Layer):
    r"""In training, set a fraction of the inputs to zero and scale up the rest to keep the mean.

    With u uniform in [0, 1), :math:`out = x/(1 - rate)` where :math:`u \ge rate`, else 0; the
    same goes for the gradient: :math:`dx = dout/(1 - rate)` where :math:`u \ge rate`, else 0.
    Outside of training the layer returns its input.

    Parameters
    ----------
    rate : float
        Fraction of the inputs to drop, from 0 to 1. With a rate of 0 there is no seed generator.
    noise_shape : sequence of int or None, optional
        Shape of the mask, including the batch axis; along axes of size 1 the mask is shared, and
        None stands for the input's own size.
    seed : int, optional
        By default drawn when the layer is created.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If `rate` is not between 0 and 1; if `noise_shape` does not fit a batch.

    Notes
    -----
    Source: Srivastava et al. 2014, section 10 for the scaling in training ("inverted dropout");
    the masks are those of keras/src/layers/regularization/dropout.py.

    Derived on the page :doc:`/backprop/dropout`.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        rate = number("rate", rate, least=0, most=1)
        seed = random.plain_seed(seed)
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = None if noise_shape is None else entries(noise_shape)
        self.seed = seed
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Drop in training, else return `x`."""
        self.active = training and self.rate > 0
        if not self.active:
            return x
        if self.rate == 1:
            return np.zeros_like(x)
        mask_shape = self._mask_shape(x.shape)
        dtype = "float32" if x.dtype == np.float32 else "float64"
        u = random.uniform(mask_shape, dtype=dtype, seed=self.seed_generator)
        if mask_shape != x.shape:
            u = np.ascontiguousarray(np.broadcast_to(u, x.shape))
        self.shape = x.shape
        self.u = u.reshape(-1)
        return self._drop(x)

    def backward(self, dout: Array) -> Array:
        """Drop the same entries of the gradient."""
        if not self.kept("active"):
            return dout
        if self.rate == 1:
            return np.zeros_like(dout)
        self.check_dout(dout, self.shape)
        return self._drop(dout)

    @property
    def only_kernels(self) -> bool:
        """Whether a step of the layer can be written down line by line; see `Computes`."""
        return self.noise_shape is None and self.rate < 1

    def _mask_shape(self, shape: Shape) -> Shape:
        given = self.noise_shape
        if given is None:
            return shape
        if len(given) == len(shape):
            mask = tuple(own if n is None else n for n, own in zip(given, shape, strict=True))
            if all(n in (1, own) for n, own in zip(mask, shape, strict=True)):
                return mask
        raise ValueError(
            f"{self.name}: expected a noise_shape with 1 or the input's size in each of its "
            f"{len(shape)} axes, the batch axis included, got {given} for shape {shape}"
        )

    def _drop(self, x: Array) -> Array:
        out = np.empty(x.shape, x.dtype)
        dropout(x.reshape(-1), self.u, self.rate, out.reshape(-1))
        return out


class SpatialDropout2D(Dropout):
    """Drop whole channels of an image: neighboring pixels are too alike for one to be missed.

    Parameters
    ----------
    rate : float
        Fraction of the channels to drop.
    data_format : {"channels_last"}, optional
    seed : int, optional
        By default drawn when the layer is created.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If `rate` is not between 0 and 1; if a sample is not an image.

    Notes
    -----
    Source: Tompson et al. 2015, "Efficient object localization using convolutional networks",
    section 3.2; follows keras/src/layers/regularization/spatial_dropout.py.
    """

    def __init__(
        self, rate: float, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        self.data_format = channels_last(data_format)
        super().__init__(rate, noise_shape=(None, 1, 1, None), seed=seed, **kwargs)

    def check_input(self, input_shape: Shape) -> None:
        """Raise an error unless it is the shape of an image."""
        image_shape(self.name, input_shape)


class GaussianNoise(Layer):
    """In training, add normal noise; the gradient passes unchanged.

    Parameters
    ----------
    stddev : float
        Standard deviation of the noise, at least 0.
    seed : int, optional
        By default drawn when the layer is created.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If `stddev` is negative.

    Notes
    -----
    Follows keras/src/layers/regularization/gaussian_noise.py.
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        stddev = number("stddev", stddev, least=0)
        seed = random.plain_seed(seed)
        super().__init__(**kwargs)
        self.stddev = stddev
        self.seed = seed
        if stddev > 0:
            self.seed_generator = random.SeedGenerator(seed)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Add noise in training, else return `x`."""
        if not training or self.stddev == 0:
            return x
        noise = random.normal(
            x.shape, stddev=self.stddev, dtype=str(x.dtype), seed=self.seed_generator
        )
        return x + noise

    def backward(self, dout: Array) -> Array:
        """Return `dout`."""
        return dout
