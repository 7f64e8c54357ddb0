"""`ImageDataGenerator`: batches of images, each changed at random; and pictures as arrays.

Scripts from before Keras 3 change their images with it. What they draw comes from NumPy's global
generator, which `tinynet.utils.set_random_seed` seeds. The layers ``RandomFlip``,
``RandomRotation`` and so on, described on the page :doc:`/augmentation`, do the same inside a
model.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from tinynet.arrays import Array
from tinynet.checks import entries, flag, number, numbers
from tinynet.config import float_type, floatx
from tinynet.layers.images import channels_last
from tinynet.preprocessing.affine import FILL_MODES
from tinynet.preprocessing.changes import Changes
from tinynet.preprocessing.directory import DirectoryIterator
from tinynet.preprocessing.iterators import Iterator, NumpyArrayIterator
from tinynet.preprocessing.pictures import array_to_img, img_to_array, load_img, save_img

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


class ImageDataGenerator(Changes):
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
        if fill_mode not in FILL_MODES:
            raise ValueError(
                f"fill_mode: expected one of {', '.join(FILL_MODES)}, got {fill_mode!r}"
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


def _pair(name: str, value: Any) -> list[float]:
    found = numbers(name, value)
    if len(found) != 2:
        raise ValueError(f"{name}: expected two numbers, got {value!r}")
    return found


def _shift_range(name: str, value: Any) -> Any:
    return number(name, value, least=0) if entries(value) is None else numbers(name, value)
