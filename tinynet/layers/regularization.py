"""Layers that disturb the network in training, so that it does not rely on single units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet import random
from tinynet.activations import linear
from tinynet.arrays import Array
from tinynet.checks import entries, number
from tinynet.config import floatx
from tinynet.kernels.dropout import alpha_dropout, alpha_dropout_backward, dropout
from tinynet.kernels.rectifiers import SELU_SCALE_ALPHA
from tinynet.layers.activated import Activated
from tinynet.layers.base import Layer, Shape
from tinynet.layers.images import channels_last, image_shape
from tinynet.regularizers import L1L2

SELU_LOWEST = -SELU_SCALE_ALPHA


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
        sizes = None if noise_shape is None else entries(noise_shape)
        if noise_shape is not None and sizes is None:
            raise ValueError(f"noise_shape: expected a size for each axis, got {noise_shape!r}")
        super().__init__(**kwargs)
        self.rate = rate
        self.noise_shape = sizes
        self.seed = seed
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Drop in training, else return `x`."""
        self.active = active = training and self.rate > 0
        if not active:
            return x
        if self.rate == 1:
            return np.zeros_like(x)
        mask_shape = self._mask_shape(x.shape)
        u = random.uniform(mask_shape, dtype=self.type_of_draws(x), seed=self.seed_generator)
        if mask_shape != x.shape:
            u = np.ascontiguousarray(np.broadcast_to(u, x.shape))
        self.shape = x.shape
        self.u = u.reshape(-1)
        return self.drop(x)

    def backward(self, dout: Array) -> Array:
        """Drop the same entries of the gradient."""
        if not self.kept("active"):
            return dout
        if self.rate == 1:
            return np.zeros_like(dout)
        self.check_dout(dout, self.shape)
        return self.drop_backward(dout)

    def type_of_draws(self, x: Array) -> str:
        """Return the float type of u."""
        return "float32" if x.dtype == np.float32 else "float64"

    def drop(self, x: Array) -> Array:
        """Return x after the mask."""
        out = np.empty(x.shape, x.dtype)
        dropout(x.reshape(-1), self.u, self.rate, out.reshape(-1))
        return out

    def drop_backward(self, dout: Array) -> Array:
        """Return the gradient before the mask."""
        return self.drop(dout)

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


class AlphaDropout(Dropout):
    r"""Dropout for networks of `selu`: what is dropped becomes selu's lowest value, not 0.

    In training, with u uniform in [0, 1) and :math:`\alpha' = -1.7581`, which selu approaches far
    below 0: :math:`out = a x + b` where :math:`u \ge rate`, else :math:`a \alpha' + b`. With

    .. math:: a = \big((1 - rate)(1 + rate\,\alpha'^2)\big)^{-1/2}, \qquad b = -a\,\alpha'\,rate

    mean 0 and variance 1 stay as they are. :math:`dx = a\,dout` where :math:`u \ge rate`, else 0.

    Parameters
    ----------
    rate : float
        Fraction of the inputs to drop, from 0 to below 1.
    noise_shape : sequence of int or None, optional
    seed : int, optional
        By default drawn when the layer is created.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If `rate` is not a number from 0 to below 1; if `noise_shape` does not fit a batch.

    Notes
    -----
    Source: Klambauer et al. 2017, "Self-normalizing neural networks", section 3; follows
    keras/src/layers/regularization/alpha_dropout.py.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        rate = number("rate", rate, least=0, below=1)
        super().__init__(rate, noise_shape, seed, **kwargs)

    def type_of_draws(self, x: Array) -> str:
        """Return floatx, whatever the layer's own type."""
        return floatx()

    @property
    def scale(self) -> float:
        """a."""
        return float(((1 - self.rate) * (1 + self.rate * SELU_LOWEST**2)) ** -0.5)

    def drop(self, x: Array) -> Array:
        """Return x after the mask."""
        out, shift = np.empty(x.shape, x.dtype), -self.scale * SELU_LOWEST * self.rate
        constants = self.rate, SELU_LOWEST, self.scale, shift
        alpha_dropout(x.reshape(-1), self.u, *constants, out.reshape(-1))
        return out

    def drop_backward(self, dout: Array) -> Array:
        """Return the gradient before the mask."""
        dx = np.empty(dout.shape, dout.dtype)
        alpha_dropout_backward(dout.reshape(-1), self.u, self.rate, self.scale, dx.reshape(-1))
        return dx


class GaussianDropout(Layer):
    r"""In training, multiply by normal noise: :math:`out = x\,z`, :math:`dx = dout\,z`.

    z has mean 1 and the variance that dropout's mask would have,
    :math:`\sigma^2 = rate/(1 - rate)`.

    Parameters
    ----------
    rate : float
        From 0 to below 1.
    seed : int, optional
        By default drawn when the layer is created.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If `rate` is not a number from 0 to below 1.

    Notes
    -----
    Source: Srivastava et al. 2014, "Dropout", section 10; follows
    keras/src/layers/regularization/gaussian_dropout.py.

    Derived on the page :doc:`/backprop/dropout`.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        rate = number("rate", rate, least=0, below=1)
        seed = random.plain_seed(seed)
        super().__init__(**kwargs)
        self.rate = rate
        self.seed = seed
        if rate > 0:
            self.seed_generator = random.SeedGenerator(seed)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Multiply in training, else return `x`."""
        self.active = active = training and self.rate > 0
        if not active:
            return x
        stddev = math.sqrt(self.rate / (1 - self.rate))
        self.z = random.normal(x.shape, 1.0, stddev, str(x.dtype), self.seed_generator)
        return x * self.z

    def backward(self, dout: Array) -> Array:
        """Multiply by the same noise."""
        if not self.kept("active"):
            return dout
        self.check_dout(dout, self.z.shape)
        return dout * self.z


class ActivityRegularization(Activated):
    r"""Pass x on, and add :math:`(l_1\sum|x| + l_2\sum x^2)/n` to the loss, for n samples.

    Parameters
    ----------
    l1, l2 : float
        At least 0.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a factor is negative or not finite.

    Notes
    -----
    Follows keras/src/layers/regularization/activity_regularization.py.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        self.activity_regularizer = L1L2(l1, l2)
        self.l1, self.l2 = self.activity_regularizer.l1, self.activity_regularizer.l2
        self.activation = linear
        super().__init__(**kwargs)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Return `x`."""
        return self.activate(x)

    def backward(self, dout: Array, from_logits: bool = False) -> Array:
        """Add the gradient of the penalty."""
        return self.before_activation(dout, from_logits)


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

    Derived on the page :doc:`/backprop/dropout`.
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
