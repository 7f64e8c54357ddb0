"""`ImageDataGenerator`: batches of images, each changed at random; and pictures as arrays.

Scripts from before Keras 3 change their images with it. What they draw comes from NumPy's global
generator, which `tinynet.utils.set_random_seed` seeds. The layers ``RandomFlip``,
``RandomRotation`` and so on, described on the page :doc:`/augmentation`, do the same inside a
model.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import entries, flag, integer, number, numbers
from tinynet.config import float_type, floatx
from tinynet.layers.images import channels_last
from tinynet.preprocessing import affine
from tinynet.preprocessing.pictures import (
    CHANNELS,
    FORMATS,
    INTERPOLATIONS,
    array_to_img,
    as_levels,
    height_and_width,
    img_to_array,
    load_img,
    save_img,
)
from tinynet.streams import PyDataset
from tinynet.terminal import say

__all__ = [
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "array_to_img",
    "img_to_array",
    "load_img",
    "save_img",
]

CLASS_MODES = ("categorical", "binary", "sparse", "input", None)
ALMOST_NOTHING = 1e-6  # is added to a standard deviation before it divides


class ImageDataGenerator:
    """Changes images at random, and hands them out in batches.

    Parameters
    ----------
    featurewise_center, featurewise_std_normalization : bool
        Whether to subtract the mean of every channel over all images given to `fit`, and to
        divide by its standard deviation.
    samplewise_center, samplewise_std_normalization : bool
        Whether to subtract the mean of the image itself, and to divide by its standard deviation.
    zca_whitening : bool
        Whether to make the pixels uncorrelated over all images given to `fit`.
    zca_epsilon : float
        Is added to the singular values that whitening divides by.
    rotation_range : float
        An angle is drawn from minus to plus this many degrees.
    width_shift_range, height_shift_range : float, int, or sequence of float
        A float draws a shift from minus to plus this many pixels, or, below 1, this part of the
        size. An int n draws one of 0, ..., n - 1 pixels, a sequence one of its entries, either way.
    brightness_range : (float, float), optional
        Limits of the factor by which an image gets brighter; it is rounded to 256 levels.
    shear_range : float
        An angle is drawn from minus to plus this many degrees.
    zoom_range : float or (float, float)
        Limits of the zoom of the height and the width, two draws; z stands for (1 - z, 1 + z).
    channel_shift_range : float
        A number from minus to plus this is added to all channels, between the least and the
        largest value of the image.
    fill_mode : {"nearest", "constant", "reflect", "wrap"}
        What is outside the image, see :doc:`/augmentation`; "wrap" puts its last pixel on its
        first.
    cval : float
        With "constant".
    horizontal_flip, vertical_flip : bool
        Whether to flip half of the images.
    rescale : float, optional
        Factor of all values, before anything is subtracted.
    preprocessing_function : callable, optional
        Called with every changed image, before `rescale`; returns one of the same shape.
    data_format : {"channels_last"}, optional
    validation_split : float
        Part of the images that ``subset="validation"`` hands out.
    interpolation_order : {1, 0}
        Whether four pixels are blended, or the nearest one is taken.
    dtype : {"float32", "float64"}, optional
        By default `tinynet.config.floatx`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Warns
    -----
    UserWarning
        If an argument implies another: a division by the deviation subtracts the mean, too.

    Notes
    -----
    For every image it draws from ``np.random``, in this order: the angle, the shift down, the shift
    to the right, the shear, the two zooms, two numbers for the flips (always), the shift of the
    channels, the brightness. The same seed gives Keras's numbers. Follows
    keras/src/legacy/preprocessing/image.py, with two surprises that are Keras's: the shift drawn
    for `height_shift_range` moves images to the side, and that for `width_shift_range` up or down;
    and an image that is not square turns around a point beside its center.

    Examples
    --------
    >>> import numpy as np
    >>> from tinynet.preprocessing.image import ImageDataGenerator
    >>> x, y = np.arange(24.0).reshape(4, 2, 3, 1), np.array([0, 1, 1, 0])
    >>> generator = ImageDataGenerator(horizontal_flip=True, rescale=0.5)
    >>> for images, labels in generator.flow(x, y, batch_size=2, seed=1):
    ...     break
    ...
    >>> images.shape, labels.tolist()
    ((2, 2, 3, 1), [0, 1])
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: float | Sequence[float] = 0.0,
        height_shift_range: float | Sequence[float] = 0.0,
        brightness_range: Sequence[float] | None = None,
        shear_range: float = 0.0,
        zoom_range: float | Sequence[float] = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[Array], Any] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: str | None = None,
    ) -> None:
        self.featurewise_center = flag("featurewise_center", featurewise_center)
        self.samplewise_center = flag("samplewise_center", samplewise_center)
        self.featurewise_std_normalization = flag(
            "featurewise_std_normalization", featurewise_std_normalization
        )
        self.samplewise_std_normalization = flag(
            "samplewise_std_normalization", samplewise_std_normalization
        )
        self.zca_whitening = flag("zca_whitening", zca_whitening)
        self.zca_epsilon = number("zca_epsilon", zca_epsilon, least=0)
        self.rotation_range = number("rotation_range", rotation_range)
        self.width_shift_range = _shift_range("width_shift_range", width_shift_range)
        self.height_shift_range = _shift_range("height_shift_range", height_shift_range)
        self.brightness_range = (
            None if brightness_range is None else _pair("brightness_range", brightness_range)
        )
        self.shear_range = number("shear_range", shear_range)
        if entries(zoom_range) is None:
            zoom = number("zoom_range", zoom_range)
            self.zoom_range = [1 - zoom, 1 + zoom]
        else:
            self.zoom_range = _pair("zoom_range", zoom_range)
        self.channel_shift_range = number("channel_shift_range", channel_shift_range)
        if fill_mode not in affine.FILL_MODES:
            raise ValueError(
                f"fill_mode: expected one of {', '.join(affine.FILL_MODES)}, got {fill_mode!r}"
            )
        self.fill_mode = fill_mode
        self.cval = number("cval", cval)
        self.horizontal_flip = flag("horizontal_flip", horizontal_flip)
        self.vertical_flip = flag("vertical_flip", vertical_flip)
        self.rescale = None if rescale is None else number("rescale", rescale)
        if preprocessing_function is not None and not callable(preprocessing_function):
            raise ValueError(
                f"preprocessing_function: expected a function of an image, got "
                f"{preprocessing_function!r}"
            )
        self.preprocessing_function = preprocessing_function
        self.data_format = channels_last(data_format)
        self.validation_split = number("validation_split", validation_split, least=0, below=1)
        if interpolation_order not in (0, 1):
            raise ValueError(
                f"interpolation_order: expected 1 (four pixels are blended) or 0 (the nearest one "
                f"is taken), got {interpolation_order!r}"
            )
        self.interpolation_order = int(interpolation_order)
        self.dtype = float_type(dtype or floatx())
        self._imply()
        self.mean: Array | None = None
        self.std: Array | None = None
        self.zca_whitening_matrix: Array | None = None

    def _imply(self) -> None:
        """Set what other arguments imply, with a warning."""
        for cause, implied, value in (
            ("zca_whitening", "featurewise_center", True),
            ("zca_whitening", "featurewise_std_normalization", False),
            ("featurewise_std_normalization", "featurewise_center", True),
            ("samplewise_std_normalization", "samplewise_center", True),
        ):
            if getattr(self, cause) and getattr(self, implied) != value:
                setattr(self, implied, value)
                warnings.warn(
                    f"ImageDataGenerator: {cause}=True implies {implied}={value}", stacklevel=3
                )

    # Batches.

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: str | os.PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
    ) -> NumpyArrayIterator:
        """Return batches of an array's images; see `NumpyArrayIterator`."""
        return NumpyArrayIterator(
            x,
            y,
            self,
            batch_size=batch_size,
            shuffle=shuffle,
            sample_weight=sample_weight,
            seed=seed,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            subset=subset,
            ignore_class_split=ignore_class_split,
            dtype=self.dtype,
        )

    def flow_from_directory(
        self,
        directory: str | os.PathLike[str],
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | os.PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:
        """Return batches of pictures in folders, one for each class; see `DirectoryIterator`."""
        return DirectoryIterator(
            directory,
            self,
            target_size=target_size,
            color_mode=color_mode,
            classes=classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
            follow_links=follow_links,
            subset=subset,
            interpolation=interpolation,
            keep_aspect_ratio=keep_aspect_ratio,
            dtype=self.dtype,
        )

    # One image.

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
        x = _as_images(x, self.dtype).copy()
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


def _pair(name: str, value: Any) -> list[float]:
    found = numbers(name, value)
    if len(found) != 2:
        raise ValueError(f"{name}: expected two numbers, got {value!r}")
    return found


def _shift_range(name: str, value: Any) -> Any:
    return number(name, value, least=0) if entries(value) is None else numbers(name, value)


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


def _as_images(x: Any, dtype: str) -> Array:
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


class Iterator(PyDataset):
    """Batches of images without end; an epoch has ``len(self)`` of them.

    Parameters
    ----------
    n : int
        Number of images.
    batch_size : int
    shuffle : bool
        Whether every epoch has another order.
    seed : int, optional
        Before each batch NumPy's global generator is seeded with this number plus that of the
        batches so far.

    Raises
    ------
    ValueError
        If there is no image; if `batch_size` is not positive.
    """

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None) -> None:
        super().__init__()
        if n == 0:
            raise ValueError("x: expected at least one image, got none")
        self.n = n
        self.batch_size = integer("batch_size", batch_size)
        self.shuffle = flag("shuffle", shuffle)
        self.seed = None if seed is None else integer("seed", seed, least=0)
        self.batch_index = 0
        self.total_batches_seen = 0
        self.index_array: Array | None = None
        self.lock = threading.Lock()

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, idx: int) -> Any:
        if not 0 <= idx < len(self):
            raise ValueError(f"batch {idx}: expected a number from 0 to {len(self) - 1}")
        return self._next(idx, anew=self.index_array is None)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        with self.lock:  # one seed for one batch, also where threads ask for some
            idx = self.batch_index
            self.batch_index = (idx + 1) % len(self)
            return self._next(idx, anew=idx == 0)

    def _next(self, idx: int, anew: bool) -> Any:
        if self.seed is not None:
            np.random.seed(self.seed + self.total_batches_seen)
        self.total_batches_seen += 1
        if anew:
            self.on_epoch_end()
        order = np.asarray(self.index_array)
        return self._batch(order[self.batch_size * idx : self.batch_size * (idx + 1)])

    def on_epoch_end(self) -> None:
        """Draw a new order."""
        self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def reset(self) -> None:
        """Begin an epoch."""
        self.batch_index = 0

    def _batch(self, places: Array) -> Any:
        """Return the batch of the images in some places."""
        raise NotImplementedError


class NumpyArrayIterator(Iterator):
    """Batches of an array's images, changed at random.

    Parameters
    ----------
    x : array_like, shape (n, height, width, channels)
    y : array_like, shape (n, ...), optional
    image_data_generator : ImageDataGenerator
    batch_size, shuffle, seed
        See `Iterator`.
    sample_weight : array_like, shape (n,), optional
    data_format : {"channels_last"}, optional
    save_to_dir : path, optional
        A folder that every changed image is written to.
    save_prefix, save_format : str
        Begin of the names, and kind, of these files.
    subset : {"training", "validation"}, optional
        Whether to hand out the images behind the generator's ``validation_split``, or those before
        it.
    ignore_class_split : bool
        Whether the two subsets may have different labels.
    dtype : {"float32", "float64"}, optional

    Raises
    ------
    ValueError
        If an argument has another shape or value; if the subsets have different labels.

    Notes
    -----
    A batch is x, or (x, y), or (x, y, sample_weight).
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        image_data_generator: ImageDataGenerator,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | os.PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: str | None = None,
    ) -> None:
        channels_last(data_format)
        self.dtype = float_type(dtype or floatx())
        self.x = _as_images(x, self.dtype)
        self.y = None if y is None else np.asarray(y)
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        for name, each in (("y", self.y), ("sample_weight", self.sample_weight)):
            if each is not None and each.shape[:1] != self.x.shape[:1]:
                raise ValueError(
                    f"{name}: expected one entry for each of {len(self.x)} images, got shape "
                    f"{each.shape}"
                )
        self.image_data_generator = image_data_generator
        if subset is not None:
            self._take(subset, ignore_class_split)
        self.saving = _Saving(save_to_dir, save_prefix, save_format, most=10**4)
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _take(self, subset: str, ignore_class_split: bool) -> None:
        """Keep one of the two parts."""
        split = int(len(self.x) * self.image_data_generator.validation_split)
        part = _subset(subset, slice(0, split), slice(split, None))
        if self.y is not None and not ignore_class_split:
            _require_same_labels(self.y[:split], self.y[split:])
        self.x = self.x[part]
        self.y = None if self.y is None else self.y[part]
        self.sample_weight = None if self.sample_weight is None else self.sample_weight[part]

    def _batch(self, places: Array) -> Any:
        x = _changed(self.image_data_generator, (self.x[i] for i in places), self.dtype)
        self.saving.save(x, places)
        if self.y is None:
            return x
        if self.sample_weight is None:
            return x, self.y[places]
        return x, self.y[places], self.sample_weight[places]


class DirectoryIterator(Iterator):
    """Batches of the pictures in a folder of folders, one for each class, changed at random.

    Parameters
    ----------
    directory : path
    image_data_generator : ImageDataGenerator
    target_size : (int, int)
        Height and width to which every picture is resized.
    color_mode : {"rgb", "rgba", "grayscale"}
    classes : sequence of str, optional
        Names of the folders, in the order of the labels; by default all, sorted.
    class_mode : {"categorical", "binary", "sparse", "input", None}
        Whether y is one-hot, (binary, sparse) the number of the class, the images themselves, or
        missing.
    batch_size, shuffle, seed
        See `Iterator`.
    data_format, save_to_dir, save_prefix, save_format, dtype
        See `NumpyArrayIterator`.
    follow_links : bool
        Whether to look into linked folders.
    subset : {"training", "validation"}, optional
        Of every class the pictures behind the generator's ``validation_split``, or those before it.
    interpolation, keep_aspect_ratio
        How a picture is resized, see `load_img`.

    Attributes
    ----------
    class_indices : dict of str to int
        The label of each folder.
    filenames, filepaths : list of str
        Below `directory`, and with it.
    classes, labels : ndarray of int32, shape (samples,)
        The label of each file.
    samples, num_classes : int
    image_shape : (height, width, channels)

    Raises
    ------
    ImportError
        If Pillow is not installed.
    OSError
        If there is no such folder.
    ValueError
        If there is no picture; if an argument has another value.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        image_data_generator: ImageDataGenerator,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = None,
        save_to_dir: str | os.PathLike[str] | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: str | None = None,
    ) -> None:
        channels_last(data_format)
        for name, value, known in (
            ("class_mode", class_mode, CLASS_MODES),
            ("color_mode", color_mode, tuple(CHANNELS)),
            ("interpolation", interpolation, INTERPOLATIONS),
        ):
            if value not in known:
                raise ValueError(
                    f"{name}: expected one of {', '.join(map(str, known))}, got {value!r}"
                )
        self.directory = os.fspath(directory)
        self.image_data_generator = image_data_generator
        self.target_size = height_and_width(target_size)
        self.color_mode, self.class_mode = color_mode, class_mode
        self.interpolation, self.keep_aspect_ratio = interpolation, keep_aspect_ratio
        self.image_shape = (*self.target_size, CHANNELS[color_mode])
        self.dtype = float_type(dtype or floatx())
        root = Path(directory)
        names = list(classes or sorted(each.name for each in root.iterdir() if each.is_dir()))
        self.num_classes = len(names)
        self.class_indices = {name: label for label, name in enumerate(names)}
        self.filenames: list[str] = []
        labels: list[int] = []
        for label, name in enumerate(names):
            found = [os.path.relpath(each, root) for each in _pictures(root / name, follow_links)]
            if subset is not None:
                split = int(len(found) * image_data_generator.validation_split)
                found = found[_subset(subset, slice(0, split), slice(split, None))]
            self.filenames += found
            labels += [label] * len(found)
        self.filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        self.classes = self.labels = np.array(labels, np.int32)
        self.samples = len(self.filenames)
        if not self.samples:
            raise ValueError(
                f"directory: expected a folder for each class with pictures "
                f"({', '.join(FORMATS)}) in it, got {self.directory!r} with the classes {names}"
            )
        say(f"Found {self.samples} images belonging to {self.num_classes} classes.")
        self.saving = _Saving(save_to_dir, save_prefix, save_format, most=10**7)
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _batch(self, places: Array) -> Any:
        x = _changed(self.image_data_generator, map(self._picture, places), self.dtype)
        self.saving.save(x, places)
        labels = self.classes[places]
        if self.class_mode is None:
            return x
        if self.class_mode == "input":
            return x, x.copy()
        if self.class_mode == "categorical":
            return x, np.eye(self.num_classes, dtype=self.dtype)[labels]
        return x, labels.astype(self.dtype)

    def _picture(self, place: int) -> Array:
        picture = load_img(
            self.filepaths[place],
            color_mode=self.color_mode,
            target_size=self.target_size,
            interpolation=self.interpolation,
            keep_aspect_ratio=self.keep_aspect_ratio,
        )
        return img_to_array(picture)


class _Saving:
    """Writes changed images into a folder, if there is one."""

    def __init__(self, folder: Any, prefix: str, ending: str, most: int) -> None:
        self.folder = None if folder is None else Path(folder)
        self.prefix, self.ending, self.most = prefix, ending, most

    def save(self, x: Array, places: Array) -> None:
        if self.folder is None:
            return
        for image, place in zip(x, places, strict=True):
            number_of_this = np.random.randint(self.most)  # so that epochs rarely share a name
            name = f"{self.prefix}_{place}_{number_of_this}.{self.ending}"
            array_to_img(image).save(self.folder / name)


def _changed(generator: ImageDataGenerator, images: Any, dtype: str) -> Array:
    """Return images that are changed at random, one after the other."""
    return np.array(
        [generator.standardize(generator.random_transform(each)) for each in images], dtype
    )


def _pictures(folder: Path, follow_links: bool) -> list[str]:
    """Return the pictures in a folder and those below it, folders and names in order."""
    if not folder.is_dir():
        raise ValueError(f"classes: there is no folder {os.fspath(folder)!r}")
    found = []
    for root, _, files in sorted(os.walk(folder, followlinks=follow_links)):
        found += [os.path.join(root, name) for name in sorted(files)]
    return [each for each in found if each.lower().endswith(FORMATS)]


def _require_same_labels(y: Array, rest: Array) -> None:
    if not np.array_equal(np.unique(y), np.unique(rest)):
        raise ValueError(
            f"subset: the first {len(y)} images and the rest have different labels; are they "
            f"sorted by label? Shuffle them first, or pass ignore_class_split=True"
        )


def _subset(subset: str, validation: slice, training: slice) -> slice:
    if subset not in ("training", "validation"):
        raise ValueError(f"subset: expected 'training' or 'validation', got {subset!r}")
    return validation if subset == "validation" else training
