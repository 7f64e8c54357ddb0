"""Looking at arrays before a model gets them, and handing them out in batches."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinynet import config
from tinynet.kernels.registry import Array
from tinynet.kernels.rows import gather_rows

# How many numbers are looked at in one go when a search for NaN walks through an array.
CHUNK = 1 << 22


class Batch(NamedTuple):
    """One batch; sample_weight is None where none was given, and y where only x is needed."""

    x: Array
    y: Any
    sample_weight: Array | None


class Dataset:
    """Arrays with one entry a sample, after a check.

    Parameters
    ----------
    x : array_like of shape (n, ...)
    y : array_like of shape (n, ...), optional
    sample_weight : array_like of shape (n,), optional
    dtype : str
        Float type of the batches of x.

    Raises
    ------
    TypeError
        For arrays of objects or strings, as nested lists of unequal length give.
    ValueError
        For empty arrays, arrays of different length, NaN or infinity.
    """

    def __init__(self, x: Any, y: Any, sample_weight: Any, dtype: str) -> None:
        self.x = check_numbers("x", x)
        self.y = None if y is None else check_numbers("y", y)
        self.sample_weight = (
            None if sample_weight is None else check_numbers("sample_weight", sample_weight)
        )
        self.dtype = dtype
        lengths = {
            name: len(each)
            for name, each in (("x", self.x), ("y", self.y), ("sample_weight", self.sample_weight))
            if each is not None
        }
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"expected arrays of one length, a sample an entry, got "
                f"{', '.join(f'{n} in {name}' for name, n in lengths.items())}; were they cut or "
                f"shuffled separately?"
            )

    def __len__(self) -> int:
        return len(self.x)

    def split(self, share: float) -> tuple[Dataset, Dataset]:
        """Keep the first ``floor(n*(1 - share))`` samples apart from the rest, as Keras does.

        Raises
        ------
        ValueError
            If `share` is not between 0 and 1, or leaves one of the two parts empty.
        """
        if not 0 < share < 1:
            raise ValueError(f"validation_split: expected a share between 0 and 1, got {share!r}")
        at = math.floor(len(self) * (1 - share))
        if at in (0, len(self)):
            raise ValueError(
                f"validation_split: {share} of {len(self)} samples leaves {at} for training and "
                f"{len(self) - at} for validation; use more samples or another share"
            )
        return self._part(slice(0, at)), self._part(slice(at, None))

    def _part(self, rows: slice) -> Dataset:
        part = object.__new__(Dataset)
        part.x = self.x[rows]
        part.y = None if self.y is None else self.y[rows]
        part.sample_weight = None if self.sample_weight is None else self.sample_weight[rows]
        part.dtype = self.dtype
        return part

    def batches(self, size: int, order: Array | None = None) -> Iterator[Batch]:
        """Hand out batches of `size` samples, the last one smaller, in `order` if given."""
        for start in range(0, len(self), size):
            if order is None:
                rows: Any = slice(start, start + size)
                x = np.asarray(self.x[rows], self.dtype)
            else:
                rows = order[start : start + size]
                x = np.empty((len(rows), *self.x.shape[1:]), self.dtype)
                gather_rows(self.x.reshape(len(self), -1), rows, x.reshape(len(rows), -1))
            yield Batch(
                x,
                None if self.y is None else self.y[rows],
                None if self.sample_weight is None else self.sample_weight[rows],
            )


def check_numbers(name: str, value: Any) -> Array:
    """Return `value` as an array of at least one finite number, without copying an array."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: not an array of numbers: {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{name}: expected numbers, got dtype {array.dtype}; rows of unequal length, missing "
            f"values or text give such arrays"
        )
    if array.ndim == 0 or array.shape[0] == 0 or array.size == 0:
        raise ValueError(f"{name}: expected at least one sample, got shape {array.shape}")
    if array.dtype.kind == "f":
        _check_finite(name, array)
    return array


def _check_finite(name: str, array: Array) -> None:
    rows = max(1, CHUNK // max(1, array[0].size))
    for start in range(0, len(array), rows):
        part = array[start : start + rows]
        finite = np.isfinite(part)
        if not finite.all():
            first = tuple(int(i) for i in np.argwhere(~finite)[0])
            index = (start + first[0], *first[1:])
            raise ValueError(
                f"{name}: expected finite numbers, got {array[index]} first at index {index}; "
                f"clean the data with np.isfinite or np.nan_to_num"
            )


def warn_of_grey_values(x: Array) -> None:
    """Warn if x looks like images of 0..255 that nobody has scaled."""
    if x.ndim < 2 or x.shape[1:] == (1,):
        return
    smallest, largest = x.min(), x.max()
    if smallest >= 0 and 100 < largest <= 255 and np.array_equal(x[:16], np.round(x[:16])):
        warnings.warn(
            f"x: values from {smallest} to {largest} look like grey values that were not scaled; "
            f"training goes better from 0 to 1: divide by 255, or begin the model with "
            f"Rescaling(1/255)",
            stacklevel=3,
        )


def class_weights_to_sample_weights(
    y: Array | None, class_weight: Mapping[int, float], sample_weight: Any
) -> Array:
    """Return the weight of each sample's class; a class left out counts 1."""
    if sample_weight is not None:
        raise ValueError(
            "class_weight and sample_weight cannot both be given; multiply them into one "
            "sample_weight"
        )
    if y is None:
        raise ValueError("class_weight: expected targets y to look the classes up in, got None")
    if y.ndim > 2:
        raise ValueError(f"class_weight: expected one class a sample, got y of shape {y.shape}")
    labels = y
    if y.ndim == 2:
        labels = y[:, 0] if y.shape[1] == 1 else np.argmax(y, axis=1)
    weights = [class_weight.get(int(label), 1.0) for label in np.round(labels)]
    return np.array(weights, config.floatx())
