"""What may be done to an image at random: the draws, the change itself, and the statistics."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import integer
from tinynet.config import floatx
from tinynet.preprocessing import affine
from tinynet.preprocessing.pictures import as_levels, img_to_array

ALMOST_NOTHING = 1e-6  # is added to a standard deviation before it divides


class Changes:
    """Changes images at random; `tinynet.preprocessing.image.ImageDataGenerator` sets how."""

    featurewise_center: bool
    samplewise_center: bool
    featurewise_std_normalization: bool
    samplewise_std_normalization: bool
    zca_whitening: bool
    zca_epsilon: float
    rotation_range: float
    width_shift_range: Any
    height_shift_range: Any
    brightness_range: list[float] | None
    shear_range: float
    zoom_range: list[float]
    channel_shift_range: float
    fill_mode: str
    cval: float
    horizontal_flip: bool
    vertical_flip: bool
    rescale: float | None
    preprocessing_function: Callable[[Array], Any] | None
    validation_split: float
    interpolation_order: int
    dtype: str
    mean: Array | None = None
    std: Array | None = None
    zca_whitening_matrix: Array | None = None

    def get_random_transform(
        self, img_shape: Sequence[int], seed: int | None = None
    ) -> dict[str, Any]:
        """Draw what is done to an image.

        Parameters
        ----------
        img_shape : (height, width, channels)
        seed : int, optional
            Seeds NumPy's global generator first.

        Returns
        -------
        dict
            ``theta`` and ``shear`` in degrees, ``tx`` and ``ty`` in pixels, ``zx`` and ``zy``,
            ``flip_horizontal``, ``flip_vertical``, ``channel_shift_intensity`` and ``brightness``
            (None if there is none).
        """
        if seed is not None:
            np.random.seed(seed)
        theta = _up_to(self.rotation_range)
        tx = _shift(self.height_shift_range, img_shape[0])
        ty = _shift(self.width_shift_range, img_shape[1])
        shear = _up_to(self.shear_range)
        low, high = self.zoom_range
        zx, zy = (1, 1) if low == high == 1 else np.random.uniform(low, high, 2)
        across, upside_down = np.random.random() < 0.5, np.random.random() < 0.5
        shift = _up_to(self.channel_shift_range) if self.channel_shift_range else None
        brightness = None if self.brightness_range is None else _between(*self.brightness_range)
        return {
            "theta": theta,
            "tx": tx,
            "ty": ty,
            "shear": shear,
            "zx": zx,
            "zy": zy,
            "flip_horizontal": across and self.horizontal_flip,
            "flip_vertical": upside_down and self.vertical_flip,
            "channel_shift_intensity": shift,
            "brightness": brightness,
        }

    def apply_transform(self, x: Any, transform_parameters: Mapping[str, Any]) -> Array:
        """Return an image changed as `get_random_transform` has drawn.

        Parameters
        ----------
        x : ndarray, shape (height, width, channels)
        transform_parameters : dict
            What is missing in it is not done.

        Returns
        -------
        ndarray, shape and type of `x`

        Raises
        ------
        ValueError
            If `x` has another number of axes; with a brightness, if it has another number of
            channels than 1, 3 or 4.
        """
        x = np.asarray(x)
        if x.ndim != 3:
            raise ValueError(f"x: expected one image (height, width, channels), got {x.shape}")
        still = {"theta": 0, "tx": 0, "ty": 0, "shear": 0, "zx": 1, "zy": 1}
        moves = {key: transform_parameters.get(key, value) for key, value in still.items()}
        if moves != still:
            matrix, offset = affine.matrix_and_offset(x.shape[:2], **moves)
            x = affine.fetched(
                x, matrix, offset, self.interpolation_order, self.fill_mode, self.cval
            )
        shift = transform_parameters.get("channel_shift_intensity")
        if shift is not None:
            x = np.clip(x + shift, x.min(), x.max())
        if transform_parameters.get("flip_horizontal"):
            x = x[:, ::-1]
        if transform_parameters.get("flip_vertical"):
            x = x[::-1]
        brightness = transform_parameters.get("brightness")
        return x if brightness is None else _brighter(x, brightness)

    def random_transform(self, x: Any, seed: int | None = None) -> Array:
        """Return an image changed at random; see `get_random_transform`."""
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))

    def standardize(self, x: Any) -> Array:
        """Return an image with the chosen function, factor, means and deviations applied.

        Keras writes into `x`; here it stays as it is.

        Parameters
        ----------
        x : array_like, shape (height, width, channels)

        Returns
        -------
        ndarray, shape of `x`

        Warns
        -----
        UserWarning
            If `fit` has not been called, and what it computes is needed.
        """
        out = self._as_floats(x)
        if self.preprocessing_function is not None:
            out = self._as_floats(self.preprocessing_function(out))
        if self.rescale:
            out *= self.rescale
        if self.samplewise_center:
            out -= np.mean(out, keepdims=True)
        if self.samplewise_std_normalization:
            out /= np.std(out, keepdims=True) + ALMOST_NOTHING
        for argument, statistics in (
            ("featurewise_center", self.mean),
            ("featurewise_std_normalization", self.std),
            ("zca_whitening", self.zca_whitening_matrix),
        ):
            if getattr(self, argument) and statistics is None:
                warnings.warn(
                    f"ImageDataGenerator: {argument} has no effect before fit(x) has computed it "
                    f"over some images",
                    stacklevel=2,
                )
        if self.featurewise_center and self.mean is not None:
            out -= self.mean
        if self.featurewise_std_normalization and self.std is not None:
            out /= self.std + ALMOST_NOTHING
        if self.zca_whitening and self.zca_whitening_matrix is not None:
            whitened: Array = out.reshape(1, -1) @ self.zca_whitening_matrix
            return whitened.reshape(out.shape)
        return out

    def _as_floats(self, x: Any) -> Array:
        """Return a copy, of floats."""
        given = np.asarray(x)
        floats: Array = given.astype(given.dtype if given.dtype.kind == "f" else self.dtype)
        return floats

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> Self:
        """Compute means, deviations and the whitening matrix over some images.

        Parameters
        ----------
        x : array_like, shape (n, height, width, channels)
        augment : bool
            Whether over images that are changed at random.
        rounds : int
            How often each of these is changed.
        seed : int, optional
            Seeds NumPy's global generator first.

        Returns
        -------
        ImageDataGenerator
            Itself.

        Raises
        ------
        ValueError
            If `x` has another number of axes.
        """
        x = as_images(x, self.dtype).copy()
        rounds = integer("rounds", rounds)
        if seed is not None:
            np.random.seed(seed)
        if self.rescale:
            x *= self.rescale
        if augment:
            x = np.stack([self.random_transform(each) for _ in range(rounds) for each in x])
        if self.featurewise_center:
            self.mean = np.mean(x, axis=(0, 1, 2)).reshape(1, 1, -1)
            x -= self.mean
        if self.featurewise_std_normalization:
            self.std = np.std(x, axis=(0, 1, 2)).reshape(1, 1, -1)
            x /= self.std + ALMOST_NOTHING
        if self.zca_whitening:
            u, s, _ = np.linalg.svd(x.reshape(len(x), -1).T, full_matrices=False)
            self.zca_whitening_matrix = (u * (np.sqrt(len(x)) / (s + self.zca_epsilon))) @ u.T
        return self


def _between(low: float, high: float) -> float:
    return np.random.uniform(low, high)


def _up_to(limit: float) -> float:
    """Draw from minus to plus a limit; nothing is drawn if it is 0."""
    return _between(-limit, limit) if limit else 0


def _shift(limits: Any, size: int) -> Any:
    """Draw a shift in pixels."""
    if not limits:
        return 0
    if isinstance(limits, float):
        drawn = _between(-limits, limits)
    else:
        drawn = np.random.choice(limits) * np.random.choice([-1, 1])
    return drawn * size if np.max(limits) < 1 else drawn


def _brighter(x: Array, factor: float) -> Array:
    """Return an image of 256 levels with each multiplied by a factor, as Pillow computes it."""
    if x.shape[-1] not in (1, 3, 4):
        raise ValueError(f"brightness_range: expected 1, 3 or 4 channels, got {x.shape[-1]}")
    least, most = np.min(x), np.max(x)
    between = least >= 0 and most <= 255
    levels = x.astype(floatx())
    levels = (levels if between else as_levels(levels)).astype(np.uint8)
    out = np.clip(np.float32(factor) * levels.astype(np.float32), 0, 255).astype(np.uint8)
    out[..., 3:] = levels[..., 3:]  # opacity stays
    brighter = img_to_array(out)
    return brighter if between else brighter / 255 * (most - least) + least


def as_images(x: Any, dtype: str) -> Array:
    """Return images as an array of floats, after checking that it has the right axes."""
    if isinstance(x, tuple):
        raise ValueError("x: expected one array of images, got a tuple; was it meant as x, y?")
    images: Array = np.asarray(x, dtype=dtype)
    if images.ndim != 4:
        hint = ""
        if images.ndim == 3:
            hint = "; gray images need an axis for their one channel: x[..., None]"
        raise ValueError(
            f"x: expected images of shape (n, height, width, channels), got {images.shape}{hint}"
        )
    if images.shape[-1] not in (1, 3, 4):
        warnings.warn(
            f"x: expected images of 1, 3 or 4 channels on the last axis, got {images.shape[-1]}",
            stacklevel=3,
        )
    return images
