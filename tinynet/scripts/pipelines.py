"""`tf.data.Dataset`: samples that go through a chain of small steps, as `fit` reads them.

Every step makes a new iterator from the one before it, so a chain can be gone through again and
again; nothing is computed before.
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

_shuffles = itertools.count()


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
        """Return the elements in another order, which is not that of TensorFlow.

        As there, the next element is drawn from a buffer of `buffer_size`, which the following ones
        fill up again. The draws are NumPy's: the same seeds repeat a run here, but give another
        order than TensorFlow's.

        Parameters
        ----------
        buffer_size : int
            As large as the data set for a uniform order.
        seed : int, optional
            Without it, and without ``tf.random.set_seed`` or ``set_random_seed``, the order is
            another one in every run.
        reshuffle_each_iteration : bool, optional
            Whether each pass has a new order, as by default.
        """
        size = integer("buffer_size", buffer_size)
        known = random.get_random_seed(), seed
        if known == (None, None):
            entropy = [int(each) for each in np.random.SeedSequence().generate_state(4)]
        else:
            this = next(_shuffles) if seed is None else 0
            entropy = [*(0 if each is None else each % 2**64 for each in known), this]
        passes = itertools.count()

        def begin() -> Iterator[Any]:
            number = 0 if reshuffle_each_iteration is False else next(passes)
            draws = np.random.default_rng([*entropy, number])
            buffer: list[Any] = []
            for element in self._begin():
                if len(buffer) < size:
                    buffer.append(element)
                    continue
                at = draws.integers(size)
                chosen, buffer[at] = buffer[at], element
                yield chosen
            for at in draws.permutation(len(buffer)):
                yield buffer[at]

        return Dataset(begin, self._count)

    def batch(
        self, batch_size: int, drop_remainder: bool = False, num_parallel_calls: Any = None
    ) -> Dataset:
        """Return batches of `batch_size` elements; a smaller last one may be left out."""
        size = integer("batch_size", batch_size)

        def begin() -> Iterator[Any]:
            elements = self._begin()
            while group := list(itertools.islice(elements, size)):
                if len(group) == size or not drop_remainder:
                    yield _stacked(group)

        whole, rest = divmod(self._count, size)
        count = whole + bool(rest and not drop_remainder)
        return Dataset(begin, self._count if self._count < 0 else count)

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: Any = None,
        deterministic: Any = None,
    ) -> Dataset:
        """Return what a function makes of each element; of a tuple it gets the parts.

        The function gets tensors and may call NumPy, `tf.cast` and the like.
        """

        def begin() -> Iterator[Any]:
            for element in self:
                yield map_func(*element) if isinstance(element, tuple) else map_func(element)

        return Dataset(begin, self._count)

    def repeat(self, count: int | None = None) -> Dataset:
        """Return the elements several times, by default without end."""
        if count is None or count < 0:
            return Dataset(lambda: _without_end(self._begin), INFINITE_CARDINALITY)
        times = range(count)
        return Dataset(
            lambda: itertools.chain.from_iterable(self._begin() for _ in times),
            self._count if self._count < 0 else self._count * count,
        )

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


def _without_end(begin: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    while True:
        empty = True
        for element in begin():
            empty = False
            yield element
        if empty:
            return


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
