"""Batches of images without end, each image changed at random."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Self

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import flag, integer
from tinynet.config import float_type, floatx
from tinynet.files import whole_or_not
from tinynet.layers.images import channels_last
from tinynet.preprocessing.changes import Changes, as_images
from tinynet.preprocessing.pictures import array_to_img, pillow
from tinynet.streams import PyDataset


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

    remembers = ("batch_index", "total_batches_seen", "index_array")

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
        image_data_generator: Changes,
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
        self.x = as_images(x, self.dtype)
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
        self.saving = Saving(save_to_dir, save_prefix, save_format, most=10**4)
        super().__init__(len(self.x), batch_size, shuffle, seed)

    def _take(self, subset: str, ignore_class_split: bool) -> None:
        """Keep one of the two parts."""
        split = int(len(self.x) * self.image_data_generator.validation_split)
        part = part_of(subset, slice(0, split), slice(split, None))
        if self.y is not None and not ignore_class_split:
            _require_same_labels(self.y[:split], self.y[split:])
        self.x = self.x[part]
        self.y = None if self.y is None else self.y[part]
        self.sample_weight = None if self.sample_weight is None else self.sample_weight[part]

    def _batch(self, places: Array) -> Any:
        x = changed(self.image_data_generator, (self.x[i] for i in places), self.dtype)
        self.saving.save(x, places)
        if self.y is None:
            return x
        if self.sample_weight is None:
            return x, self.y[places]
        return x, self.y[places], self.sample_weight[places]


class Saving:
    """Writes changed images into a folder, if there is one."""

    def __init__(self, folder: Any, prefix: str, ending: str, most: int) -> None:
        self.folder = None if folder is None else Path(folder)
        self.prefix, self.ending, self.most = prefix, ending, most

    def save(self, x: Array, places: Array) -> None:
        """Write a batch, each image under a name of its own."""
        if self.folder is None:
            return
        for image, place in zip(x, places, strict=True):
            number_of_this = np.random.randint(self.most)  # so that epochs rarely share a name
            name = f"{self.prefix}_{place}_{number_of_this}.{self.ending}"
            kind = pillow().registered_extensions().get(f".{self.ending.lower()}")
            with whole_or_not(self.folder / name) as file:
                array_to_img(image).save(file, format=kind)


def changed(generator: Changes, images: Any, dtype: str) -> Array:
    """Return images that are changed at random, one after the other."""
    return np.array(
        [generator.standardize(generator.random_transform(each)) for each in images], dtype
    )


def _require_same_labels(y: Array, rest: Array) -> None:
    if not np.array_equal(np.unique(y), np.unique(rest)):
        raise ValueError(
            f"subset: the first {len(y)} images and the rest have different labels; are they "
            f"sorted by label? Shuffle them first, or pass ignore_class_split=True"
        )


def part_of(subset: str, validation: slice, training: slice) -> slice:
    """Return the slice that a subset's name stands for."""
    if subset not in ("training", "validation"):
        raise ValueError(f"subset: expected 'training' or 'validation', got {subset!r}")
    return validation if subset == "validation" else training
