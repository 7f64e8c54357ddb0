"""Layers that change images at random in training, so that no two epochs show the same ones.

Flipping, contrast and cropping are here, the affine maps in `tinynet.layers.warping`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet import random
from tinynet.arrays import Array
from tinynet.checks import entries, integer, number, plain
from tinynet.layers.base import Layer, Shape
from tinynet.layers.images import channels_last, image_shape

# The steps in which a flip reads an image, down and across.
STEPS = {"horizontal": (1, -1), "vertical": (-1, 1), "horizontal_and_vertical": (-1, -1)}


class Augmentation(Layer):
    """What they all share: a seed generator, and that they change images in training only.

    A model trains with them in `fit` and leaves them out in `evaluate` and `predict`. A layer that
    is called on its own, ``layer(x)``, changes the images, as in Keras; ``layer(x,
    training=False)`` returns them as they are.
    """

    def __init__(self, seed: int | None, **kwargs: Any) -> None:
        seed = random.plain_seed(seed)
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed)

    def __call__(self, x: Any, training: bool = True) -> Any:
        """Build the layer if it is not built yet, and run it on images, in training by default."""
        return super().__call__(x, training)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Change the images in training, else return `x`."""
        self.check_input(x.shape[1:])
        self.active = training
        out = self.change(x) if training else x
        self.shape = out.shape
        return out

    def backward(self, dout: Array) -> Array:
        """Return the gradient at the images."""
        active = self.kept("active")
        self.check_dout(dout, self.shape)
        return self.change_backward(dout) if active else dout

    def change(self, x: Array) -> Array:
        """Draw random numbers, and return the changed images."""
        raise NotImplementedError

    def change_backward(self, dout: Array) -> Array:
        """Return the gradient of the last `change`."""
        raise NotImplementedError

    def check_input(self, input_shape: Shape) -> None:
        """Raise an error unless it is the shape of an image."""
        image_shape(self.name, input_shape)

    def draw(self, shape: Shape, low: float, high: float, dtype: str | None = None) -> Array:
        """Draw numbers from low to high; by default, as in Keras, of the type `floatx`."""
        return random.uniform(shape, low, high, dtype, self.seed_generator)


def limits(
    name: str, factor: float | Sequence[float], low: float, high: float
) -> tuple[float, float]:
    """Return a lower and an upper limit from two numbers, or from one that stands for -f and f.

    Raises
    ------
    ValueError
        If `factor` is anything else, or not between low and high.
    """
    given = entries(factor) or [plain(factor)]
    numbers = [n for n in given if isinstance(n, (int, float)) and low <= n <= high]
    if len(numbers) != len(given) or len(given) not in (1, 2):
        raise ValueError(
            f"{name}: expected a number from {low:g} to {high:g}, or two of them, the lower and "
            f"the upper limit, got {factor!r}"
        )
    if len(numbers) == 2:
        return min(numbers), max(numbers)
    return max(-abs(numbers[0]), low), abs(numbers[0])


class RandomFlip(Augmentation):
    r"""In training, flip each image with probability 1/2.

    With one u, uniform in [0, 1), for each image: out is x flipped where :math:`u \le 1/2`, else x.
    dx is dout flipped where x was.

    Parameters
    ----------
    mode : {"horizontal_and_vertical", "horizontal", "vertical"}
        Left to right, top to bottom, or both. Both happen together or not at all: the images
        are rotated by 180 degrees.
    seed : int, optional
        By default drawn when the layer is created.
    data_format : {"channels_last"}, optional
        The only order that is supported: (batch, height, width, channels).
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If `mode` is not one of these; if a sample is not an image.

    Notes
    -----
    Called on its own, ``layer(x)`` means ``training=True``, as in Keras. Follows
    keras/src/layers/preprocessing/image_preprocessing/random_flip.py.
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(mode, str) or mode not in STEPS:
            raise ValueError(f"mode: expected one of {list(STEPS)}, got {mode!r}")
        self.mode = mode
        self.data_format = channels_last(data_format)
        super().__init__(seed, **kwargs)

    def change(self, x: Array) -> Array:
        """Draw which images are flipped, and flip them."""
        self.flips = self.draw((len(x),), 0, 1) <= 0.5
        return self._flipped(x)

    def change_backward(self, dout: Array) -> Array:
        """Flip the gradients of the same images."""
        return self._flipped(dout)

    def _flipped(self, x: Array) -> Array:
        down, across = STEPS[self.mode]
        out = x.copy()
        out[self.flips] = x[self.flips, ::down, ::across]
        return out


class RandomContrast(Augmentation):
    r"""In training, move the pixels of each image away from their mean, or toward it.

    With the mean m of each channel over the whole image, and one factor f for each image:
    :math:`z = f (x - m) + m`, and out is z clipped to `value_range`. With :math:`dz = dout` where
    z was not clipped, else 0, :math:`dx = f\,dz + (1 - f)\,\overline{dz}`, the mean taken like m.

    Parameters
    ----------
    factor : float or (float, float)
        Two numbers l and u from 0 to 1 make f uniform in [1 - l, 1 + u). A single number u
        stands for (0, u), as in Keras: then contrast is only ever increased.
    value_range : (float, float)
        The smallest and the largest value that a pixel can have. By default (0, 255): put the
        layer before `Rescaling`, or pass (0, 1).
    seed : int, optional
        By default drawn when the layer is created.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a factor is not between 0 and 1, or `value_range` is not two numbers in ascending
        order; if a sample is not an image.

    Notes
    -----
    Called on its own, ``layer(x)`` means ``training=True``, as in Keras. Follows
    keras/src/layers/preprocessing/image_preprocessing/random_contrast.py.
    """

    def __init__(
        self,
        factor: float | Sequence[float],
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.factor = limits("factor", factor, 0, 1)
        pair = [number("value_range", each) for each in entries(value_range) or []]
        if len(pair) != 2 or not pair[0] < pair[1]:
            raise ValueError(
                f"value_range: expected the smallest and the largest value of a pixel, got "
                f"{value_range!r}"
            )
        self.value_range = pair
        super().__init__(seed, **kwargs)

    def change(self, x: Array) -> Array:
        """Draw a factor for each image, and apply it."""
        less, more = self.factor
        self.factors = self.draw((len(x), 1, 1, 1), 1 - less, 1 + more, str(x.dtype))
        mean = image_means(x)
        z = (x - mean) * self.factors + mean
        low, high = self.value_range
        self.clipped = (z < low) | (z > high)
        out: Array = np.clip(z, low, high)
        return out

    def change_backward(self, dout: Array) -> Array:
        """Return the gradient through factor, mean and clipping."""
        dz = np.where(self.clipped, dout.dtype.type(0), dout)
        return dz * self.factors + image_means(dz * (1 - self.factors))


def image_means(x: Array) -> Array:
    """Return the mean of each channel of each image (images, 1, 1, channels)."""
    means: Array = x.mean(axis=1, keepdims=True).mean(axis=2, keepdims=True)
    return means


class RandomCrop(Augmentation):
    r"""In training, crop all images of a batch to a window, at the same place.

    With u and v uniform in [0, 1), the window begins in row :math:`\lfloor u (H - height + 1)
    \rfloor` and column :math:`\lfloor v (W - width + 1) \rfloor`. Unless the images are larger than
    the window in both directions, nothing is drawn and the window is in the middle. dx is dout
    surrounded by zeros.

    Parameters
    ----------
    height, width : int
        Size of the window.
    seed : int, optional
        By default drawn when the layer is created.
    data_format : {"channels_last"}, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a size is not positive; if a sample is not an image, or smaller than the window. (Keras
        then enlarges it, each axis by its own factor.)

    Notes
    -----
    Outside of training the images keep their size, as in Keras 3.15. The layers that follow have
    to accept both sizes, as convolutions followed by global pooling do; or crop the images before
    you predict.

    Without a `seed` two are drawn, as in Keras: one is written to the config, the other is used.
    In float64, Keras's fit rounds the window's pixels to float32; here they are not rounded.

    Called on its own, ``layer(x)`` means ``training=True``, as in Keras. Follows
    keras/src/layers/preprocessing/image_preprocessing/random_crop.py.
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.height, self.width = integer("height", height), integer("width", width)
        self.data_format = channels_last(data_format)
        written = random.make_default_seed() if seed is None else random.plain_seed(seed)
        super().__init__(seed, **kwargs)
        self.seed = written

    def check_input(self, input_shape: Shape) -> None:
        """Raise an error unless it is the shape of an image into which the window fits."""
        (height, width), _ = image_shape(self.name, input_shape)
        if height < self.height or width < self.width:
            raise ValueError(
                f"{self.name}: expected images of at least {self.height} x {self.width} pixels, "
                f"the size of the window, got {height} x {width}; use a smaller window, or "
                f"ZeroPadding2D before it"
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the window, which is that of the output in training."""
        self.check_input(input_shape)
        return self.height, self.width, input_shape[2]

    def change(self, x: Array) -> Array:
        """Draw a place, and crop."""
        _, height, width, _ = self.image_shape = x.shape
        if height > self.height and width > self.width:
            top = int(self.draw((), 0, height - self.height + 1))
            left = int(self.draw((), 0, width - self.width + 1))
        else:
            top, left = (height - self.height) // 2, (width - self.width) // 2
        self.window = np.s_[:, top : top + self.height, left : left + self.width]
        return np.ascontiguousarray(x[self.window])

    def change_backward(self, dout: Array) -> Array:
        """Put zeros around the gradient."""
        dx = np.zeros(self.image_shape, dout.dtype)
        dx[self.window] = dout
        return dx
