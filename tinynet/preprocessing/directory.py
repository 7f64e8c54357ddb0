"""Batches of the pictures in folders, each picture changed at random."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.config import float_type, floatx
from tinynet.layers.images import channels_last
from tinynet.preprocessing.changes import Changes
from tinynet.preprocessing.iterators import Iterator, Saving, changed, part_of
from tinynet.preprocessing.pictures import (
    CHANNELS,
    FORMATS,
    INTERPOLATIONS,
    height_and_width,
    img_to_array,
    load_img,
)
from tinynet.terminal import say

CLASS_MODES = ("categorical", "binary", "sparse", "input", None)


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
        image_data_generator: Changes,
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
                found = found[part_of(subset, slice(0, split), slice(split, None))]
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
        self.saving = Saving(save_to_dir, save_prefix, save_format, most=10**7)
        super().__init__(self.samples, batch_size, shuffle, seed)

    def _batch(self, places: Array) -> Any:
        x = changed(self.image_data_generator, map(self._picture, places), self.dtype)
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


def _pictures(folder: Path, follow_links: bool) -> list[str]:
    """Return the pictures in a folder and those below it, folders and names in order."""
    if not folder.is_dir():
        raise ValueError(f"classes: there is no folder {os.fspath(folder)!r}")
    found = []
    for root, _, files in sorted(os.walk(folder, followlinks=follow_links)):
        found += [os.path.join(root, name) for name in sorted(files)]
    return [each for each in found if each.lower().endswith(FORMATS)]
