"""`tf.data.Dataset`: samples that go through a chain of small steps, as `fit` reads them.

Every step makes a new iterator from the one before it, so a chain can be gone through again and
again; nothing is computed before. Making one is enough for a shuffle to draw the seeds of a pass,
as in TensorFlow.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any

import numpy as np

from tinynet import random
from tinynet.checks import integer
from tinynet.scripts.tensors import Tensor, tensor

AUTOTUNE = -1
INFINITE_CARDINALITY = -1


class Dataset:
    """Elements in a row: samples, or batches of them; `from_tensor_slices` makes one.

    An element is an array or a tuple or dict of arrays: ``(x, y)`` for `fit`. Iterating gives
    them, from the first one, as tensors (arrays with a method ``numpy``).

    Parameters
    ----------
    begin : callable
        Returns a new iterator over the elements.
    count : int
        How many there are; -1 if they never end.
    """

    def __init__(self, begin: Callable[[], Iterator[Any]], count: int) -> None:
        self._begin = begin
        self._count = count

    @classmethod
    def from_tensor_slices(cls, tensors: Any) -> Dataset:
        """Return a data set whose elements are the samples of an array, or of several together.

        Parameters
        ----------
        tensors : array_like of shape (n, ...), or a tuple or dict of them

        Raises
        ------
        ValueError
            If the lengths differ.
        """
        arrays = _each(np.asarray, tensors)
        lengths = {len(array) for array in _leaves(arrays)}
        if len(lengths) != 1:
            raise ValueError(
                f"from_tensor_slices: expected arrays of one length, got {sorted(lengths)}; were "
                f"they cut or shuffled separately?"
            )
        (n,) = lengths
        return cls(lambda: (_each(itemgetter(i), arrays) for i in range(n)), n)

    def __iter__(self) -> Iterator[Any]:
        return (_each(tensor, element) for element in self._begin())

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Return an iterator over the elements as plain arrays."""
        return (_each(lambda a: np.asarray(a)[()], element) for element in self._begin())

    def __len__(self) -> int:
        if self._count < 0:
            raise TypeError("the data set never ends: it repeats; take(n) cuts it")
        return self._count

    def cardinality(self) -> Tensor:
        """Return how many elements there are; -1 if they never end."""
        return tensor(np.int64(self._count))

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = None,
    ) -> Dataset:
        """Return the elements in another order: TensorFlow's, from the same seeds.

        The next element is drawn from a buffer, which the following ones fill up again.

        Parameters
        ----------
        buffer_size : int
            As large as the data set for a uniform order.
        seed : int, optional
            Without it, and without ``tf.random.set_seed`` or ``set_random_seed``, the order is
            another one in every run.
        reshuffle_each_iteration : bool, optional
            Whether each pass has a new order, as by default.

        Notes
        -----
        Follows tensorflow/core/kernels/data/shuffle_dataset_op.cc. The pair of seeds keys a stream
        of numbers, of which each pass takes two: the seeds of its own stream.
        """
        size = integer("buffer_size", buffer_size)
        seeds = random.shuffle_seeds(seed)
        stream = random.words(*seeds)

        def begin() -> Iterator[Any]:
            fixed = reshuffle_each_iteration is False
            pair = seeds if fixed else (next(stream), next(stream))
            return _shuffled(self._begin(), size, random.words(*pair))

        return Dataset(begin, self._count)

    def batch(
        self, batch_size: int, drop_remainder: bool = False, num_parallel_calls: Any = None
    ) -> Dataset:
        """Return batches of `batch_size` elements; a smaller last one may be left out."""
        size = integer("batch_size", batch_size)
        whole, rest = divmod(self._count, size)
        count = whole + bool(rest and not drop_remainder)
        return Dataset(
            lambda: _batches(self._begin(), size, drop_remainder),
            self._count if self._count < 0 else count,
        )

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: Any = None,
        deterministic: Any = None,
    ) -> Dataset:
        """Return what a function makes of each element; of a tuple it gets the parts.

        The function gets tensors and may call NumPy, `tf.cast` and the like.
        """

        def applied(element: Any) -> Any:
            return map_func(*element) if isinstance(element, tuple) else map_func(element)

        return Dataset(lambda: map(applied, self), self._count)

    def repeat(self, count: int | None = None) -> Dataset:
        """Return the elements several times, by default without end."""
        if self._count == 0:
            return self
        endless = count is None or count < 0
        more = itertools.count() if endless else range(1, count or 0)

        def begin() -> Iterator[Any]:
            first = self._begin() if count != 0 else iter(())
            return itertools.chain(first, (each for _ in more for each in self._begin()))

        number = INFINITE_CARDINALITY if endless else self._count * (count or 0)
        return Dataset(begin, number if self._count > 0 else self._count)

    def cache(self, filename: str = "") -> Dataset:
        """Return the same elements, computed once and kept in memory."""
        kept: list[Any] = []

        def begin() -> Iterator[Any]:
            if not kept:
                kept.extend(self._begin())
            return iter(kept)

        return Dataset(begin, self._count)

    def take(self, count: int) -> Dataset:
        """Return the first elements only."""
        n = integer("count", count, least=0)
        return Dataset(
            lambda: itertools.islice(self._begin(), n),
            n if self._count < 0 else min(n, self._count),
        )

    def skip(self, count: int) -> Dataset:
        """Return the elements after the first ones."""
        n = integer("count", count, least=0)
        return Dataset(
            lambda: itertools.islice(self._begin(), n, None),
            self._count if self._count < 0 else max(0, self._count - n),
        )

    def prefetch(self, buffer_size: int) -> Dataset:
        """Return the data set as it is: the next batch is made when it is asked for."""
        return self


def cardinality(dataset: Dataset) -> Tensor:
    """Return how many elements a data set has; -1 if they never end."""
    return dataset.cardinality()


def _shuffled(elements: Iterator[Any], size: int, draws: Iterator[int]) -> Iterator[Any]:
    """Draw from a buffer of the next `size` elements until there are none."""
    buffer: list[Any] = [None] * size
    first = end = 0  # of the elements in the buffer, counted from the beginning
    while True:
        for element in itertools.islice(elements, size - (end - first)):
            buffer[end % size] = element
            end += 1
        if first == end:
            return
        at = (first + next(draws) % (end - first)) % size
        yield buffer[at]
        buffer[at] = buffer[first % size]
        first += 1


def _batches(elements: Iterator[Any], size: int, drop_remainder: bool) -> Iterator[Any]:
    while group := list(itertools.islice(elements, size)):
        if len(group) == size or not drop_remainder:
            yield _stacked(group)


def _each(do: Callable[[Any], Any], element: Any) -> Any:
    """Return an element with a function applied to each of its arrays."""
    if isinstance(element, tuple):
        return tuple(_each(do, part) for part in element)
    if isinstance(element, dict):
        return {name: _each(do, part) for name, part in element.items()}
    return do(element)


def _leaves(element: Any) -> list[Any]:
    if isinstance(element, (tuple, dict)):
        parts = element.values() if isinstance(element, dict) else element
        return [leaf for part in parts for leaf in _leaves(part)]
    return [element]


def _stacked(group: list[Any]) -> Any:
    """Return elements of one form as one whose arrays have an axis more, of their number."""
    first = group[0]
    if isinstance(first, tuple):
        return tuple(_stacked([each[i] for each in group]) for i in range(len(first)))
    if isinstance(first, dict):
        return {name: _stacked([each[name] for each in group]) for name in first}
    return np.stack([np.asarray(each) for each in group])
