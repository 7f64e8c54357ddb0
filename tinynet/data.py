"""Checking arrays before a model gets them, and handing them out in batches."""

from __future__ import annotations

import copy
import functools
import math
import numbers
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from tinynet import config, random
from tinynet.arrays import Array, is_loopable
from tinynet.kernels.rows import cast, gather_rows
from tinynet.step.tape import call

# How many numbers the search for NaN looks at in one go.
CHUNK = 1 << 22


class Batch(NamedTuple):
    """One batch; sample_weight is None if none was given, and y is None if only x is needed.

    Each is a list of arrays where the model has several inputs or outputs.
    """

    x: Any
    y: Any
    sample_weight: Any


class Dataset:
    """Arrays with one entry per sample, checked.

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
        For arrays of objects or strings, such as nested lists of unequal length give.
    ValueError
        For empty arrays, arrays of different lengths, NaN or infinity.
    """

    inputs: Sequence[str] = ("x",)  # what errors call the arrays of x

    def __init__(self, x: Any, y: Any, sample_weight: Any, dtype: str) -> None:
        self.x: Any = loopable(check_numbers("x", x), dtype)
        self.y: Any = None if y is None else check_numbers("y", y)
        self.sample_weight: Any = (
            None if sample_weight is None else check_numbers("sample_weight", sample_weight)
        )
        self.dtype = dtype
        self.check_lengths()

    def check_lengths(self) -> None:
        """Raise an error if the arrays have different lengths."""
        lengths = {name: len(each) for name, each in self.arrays.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(
                f"expected arrays of the same length, one entry per sample, got "
                f"{', '.join(f'{n} in {name}' for name, n in lengths.items())}; were they cut or "
                f"shuffled separately?"
            )

    def __len__(self) -> int:
        return len(self.x)

    def split(self, share: float) -> tuple[Dataset, Dataset]:
        """Separate the first ``floor(n*(1 - share))`` samples from the rest, as Keras does.

        Raises
        ------
        ValueError
            If `share` is not between 0 and 1, or leaves one of the two parts empty.
        """
        if not isinstance(share, (int, float, np.number)) or not 0 < share < 1:
            raise ValueError(
                f"validation_split: expected a fraction between 0 and 1, got {share!r}"
            )
        at = math.floor(len(self) * (1 - share))
        if at in (0, len(self)):
            raise ValueError(
                f"validation_split: {share} of {len(self)} samples leaves {at} for training and "
                f"{len(self) - at} for validation; use more samples or another fraction"
            )
        return self._with(lambda each: each[:at]), self._with(lambda each: each[at:])

    def weighted(self, class_weight: Mapping[int, float] | None) -> Dataset:
        """Return the samples with the weights of their classes, if there are such weights."""
        if class_weight is None:
            return self
        other = self._with(lambda each: each)
        other.sample_weight = class_weights_to_sample_weights(
            self.y, class_weight, self.sample_weight
        )
        return other

    def copy(self) -> Dataset:
        """Return the same samples in arrays of their own."""
        return self._with(lambda each: np.array(each, order="C"))

    def _with(self, changed: Callable[[Array], Array]) -> Dataset:
        other = copy.copy(self)
        other.__dict__.pop("flat", None)
        for field in ("x", "y", "sample_weight"):
            setattr(other, field, self._each(changed, getattr(self, field)))
        return other

    @staticmethod
    def _each(function: Callable[[Array], Array], field: Any) -> Any:
        return None if field is None else function(field)

    @property
    def sample_shape(self) -> Any:
        """Shape of one sample of x."""
        return self.x.shape[1:]

    def fit_ranks(self, sample_shape: Any) -> None:
        """Put a last axis of size 1 there, or take it away, where a model wants it."""
        self.x = of_rank(self.x, sample_shape)

    @property
    def first(self) -> Dataset:
        """The samples to begin with: all of them; see `tinynet.streams.Stream`."""
        return self

    @property
    def arrays(self) -> dict[str, Array]:
        """All arrays by their names."""
        found = {"x": self.x, "y": self.y, "sample_weight": self.sample_weight}
        return {name: each for name, each in found.items() if each is not None}

    def batch(self, rows: Array) -> Batch:
        """Return the samples with these numbers, (rows,), of int64."""
        x = np.empty((len(rows), *self.x.shape[1:]), self.dtype)
        gather_rows(self.flat, rows, x.reshape(len(rows), -1))
        y, weights = (
            None if each is None else taken(each, rows) for each in (self.y, self.sample_weight)
        )
        return Batch(x, y, weights)

    def whole(self) -> Batch:
        """Return all samples."""
        return self.batch(np.arange(len(self)))

    def known(self, batch: Batch) -> dict[str, Array]:
        """Return the arrays that a step reads, and those of its batch, by their names."""
        found = {"data.x": self.flat, "data.y": self.y, "x": batch.x, "y": batch.y}
        return {name: each for name, each in found.items() if each is not None}

    @functools.cached_property
    def flat(self) -> Array:
        """x as a matrix (n, ...); copied only where it is not laid out row by row."""
        flat: Array = self.x.reshape(len(self), -1)
        return flat


def of_rank(x: Array, sample_shape: tuple[int, ...] | None) -> Array:
    """Put a last axis of size 1 there, or take it away, where a model wants it: as Keras does."""
    if sample_shape is None:
        return x
    if x.ndim == len(sample_shape) and sample_shape[-1] == 1:
        return x[..., None]
    if x.ndim == len(sample_shape) + 2 and x.shape[-1] == 1:
        return x[..., 0]
    return x


def check_numbers(name: str, value: Any) -> Array:
    """Return `value` as an array of at least one finite number, without copying an array.

    Tables with columns of several types are accepted if all are numbers or booleans.
    """
    if not hasattr(value, "__array__") and not isinstance(value, (Sequence, numbers.Real)):
        raise TypeError(f"{name}: expected an array of all samples, got {_no_array(value)}")
    try:
        array = np.asarray(value)
    except ValueError as error:
        hint = "; x and y are two arguments, not one tuple" if isinstance(value, tuple) else ""
        raise ValueError(f"{name}: not an array of numbers: {error}{hint}") from None
    if np.ma.is_masked(value):
        count = np.sum(np.ma.getmaskarray(value))
        raise ValueError(
            f"{name}: {count} masked entries, whose values count for nothing; "
            f"replace them, {name}.filled(0), or leave those samples out"
        )
    if array.dtype == object:
        array = _numbers_of_objects(name, array, getattr(value, "columns", None))
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{name}: expected numbers, got dtype {array.dtype}; text and dates have to be "
            f"converted to numbers first"
        )
    if array.ndim == 0 or array.shape[0] == 0 or array.size == 0:
        raise ValueError(f"{name}: expected at least one sample, got shape {array.shape}")
    if array.dtype.kind == "f":
        _check_finite(name, array)
    return array


def _no_array(value: Any) -> str:
    """Return what came in place of an array, and what to do about it."""
    if value is None:
        return "None"
    if isinstance(value, Mapping):
        return "a dict; its keys have to be the names of the model's inputs or outputs"
    kind = type(value).__name__
    if hasattr(value, "toarray"):
        return f"a {kind}, which leaves zeros out; call its toarray() first"
    if hasattr(value, "__iter__") or hasattr(value, "__getitem__"):
        return (
            f"a {kind}, which hands out batches; fit, evaluate and predict take generators and "
            f"iterables of (x, y) as x, alone, and batches by number from a keras.utils.PyDataset"
        )
    return f"{value!r} of type {kind}"


def _numbers_of_objects(name: str, array: Array, columns: Any) -> Array:
    """Convert an array of objects to one of numbers, which all of them have to be."""
    for index, entry in np.ndenumerate(array):
        if not isinstance(entry, (int, float, np.bool_, np.integer, np.floating)):
            where = f"index {index}" if array.ndim else "its only entry"
            if columns is not None and array.ndim == 2:
                where = f"index {index}, column {columns[index[1]]!r}"
            raise TypeError(
                f"{name}: expected numbers, got {_brief_entry(entry)} first at {where}; rows of "
                f"unequal length, missing values or text give such arrays"
            )
    return np.array(array.tolist())


def _brief_entry(entry: Any) -> str:
    text = repr(entry)
    return f"{text if len(text) < 40 else text[:37] + '...'} of type {type(entry).__name__}"


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


def loopable(array: Array, dtype: str) -> Array:
    """Convert what compiled loops cannot read."""
    return array if is_loopable(array.dtype) else array.astype(dtype)


def gathered(array: Array, rows: Array, dtype: str) -> Array:
    """Return the samples with these numbers, in another type."""
    out = np.empty((len(rows), *array.shape[1:]), dtype)
    if array.flags.c_contiguous:
        gather_rows(array.reshape(len(array), -1), rows, out.reshape(len(rows), -1))
    else:  # laid out anew, it would not change when the user's array does
        cast(taken(array, rows).reshape(-1), out.reshape(-1))
    return out


def taken(array: Array, rows: Array) -> Array:
    """Return the samples with these numbers, in the array's own type."""
    if not (is_loopable(array.dtype) and array.flags.c_contiguous):
        found: Array = call(np.take, array, rows, 0)
        return found
    out = np.empty((len(rows), *array.shape[1:]), array.dtype)
    gather_rows(array.reshape(len(array), -1), rows, out.reshape(len(rows), -1))
    return out


@contextmanager
def errors_from(argument: str) -> Iterator[None]:
    """Prefix errors about x, y and weights with the argument that these came from."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise type(error)(f"{argument}: {error}") from None


def brief(value: Any) -> str:
    """Describe something that may be too large to print."""
    if isinstance(value, (tuple, list)):
        return f"{len(value)} entries"
    return f"{type(value).__name__}"


class EpochOrders:
    """An iterator over the order of the samples, pass after pass.

    With ``"every_epoch"`` the order depends on the number of the epoch, so that training in
    two parts, from the same seed, goes through the data just like training in one.

    Parameters
    ----------
    shuffle : bool or "every_epoch"
    n : int
        The number of samples.
    first_epoch : int
    """

    def __init__(self, shuffle: bool | str, n: int, first_epoch: int = 0) -> None:
        self.shuffle, self.n, self.first_epoch = shuffle, n, first_epoch
        self.seed: random.SeedGenerator | None = None  # drawn with the first order
        self.pair: random.SeedPair | None = None  # what the last order followed from

    def __iter__(self) -> EpochOrders:
        return self

    def __next__(self) -> Array:
        if self.shuffle == "every_epoch":
            if self.seed is None:
                self.seed = random.SeedGenerator()
                self.seed.state[1] = self.first_epoch
            self.pair = self.seed.next()
        elif self.shuffle:
            self.pair = random.epoch_pair()
        return self.last()

    def last(self) -> Array:
        """Return the last order again."""
        return np.arange(self.n) if self.pair is None else random.order_of(self.n, self.pair)

    def get_state(self) -> dict[str, Any]:
        """Return what the next orders, and the last one, follow from."""
        seed = None if self.seed is None else self.seed.state.tolist()
        return {"seed": seed, "pair": self.pair}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `get_state` has returned."""
        self.pair = state["pair"]
        if state["seed"] is not None:
            self.seed = random.SeedGenerator(0)
            self.seed.state = state["seed"]


def warn_of_gray_values(data: Dataset) -> None:
    """Warn if x looks like images with values from 0 to 255 that were not scaled.

    Images have rank 3 or more, or at least 64 columns; many of their pixels are bright, which
    tells them apart from tables of small counts.
    """
    x = data.x
    if isinstance(x, list) or (x.ndim < 3 and math.prod(x.shape[1:]) < 64):
        return
    some = x[:16]
    if not np.array_equal(some, np.round(some)) or np.mean(some > 127) < 0.01:
        return
    smallest, largest = x.min(), x.max()
    if smallest >= 0 and largest <= 255:
        warnings.warn(
            f"x: values from {smallest} to {largest} look like pixels that were not scaled; "
            f"training works better with values from 0 to 1: divide by 255, or begin the model "
            f"with Rescaling(1/255)",
            stacklevel=4,  # the line that calls fit: past its decorator, too
        )


def class_weights_to_sample_weights(
    y: Array | None, class_weight: Mapping[int, float], sample_weight: Any
) -> Array:
    """Return the weight of each sample's class; a class left out has weight 1."""
    if not isinstance(class_weight, Mapping):
        raise TypeError(
            f"class_weight: expected a dict of weights by class, {{0: 1.0, 1: 5.0}}, got "
            f"{brief(class_weight)}"
        )
    if sample_weight is not None:
        raise ValueError(
            "class_weight and sample_weight cannot both be given; multiply them into one "
            "sample_weight"
        )
    if y is None:
        raise ValueError("class_weight: expected targets y to look the classes up in, got None")
    if y.ndim > 2:
        raise ValueError(f"class_weight: expected one class per sample, got y of shape {y.shape}")
    for label, weight in class_weight.items():
        number = isinstance(weight, (int, float, np.number)) and math.isfinite(weight)
        if not isinstance(label, (int, np.integer)) or not number:
            raise ValueError(
                f"class_weight: expected a finite number for every class, {{0: 1.0, 1: 5.0}}, got "
                f"{label!r}: {weight!r}"
            )
    labels = y
    if y.ndim == 2:
        labels = y[:, 0] if y.shape[1] == 1 else np.argmax(y, axis=1)
    weights = [class_weight.get(int(label), 1.0) for label in np.round(labels)]
    return np.array(weights, config.floatx())
