"""Batches that come one after the other: from a generator, a PyDataset, or another iterable."""

from __future__ import annotations

import copy
import itertools
import random as python_random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, ClassVar

import numpy as np

from tinynet import random
from tinynet.checks import flag, integer
from tinynet.data import Dataset, errors_from
from tinynet.overriding import missing
from tinynet.random import untouched

AHEAD = 2  # batches that Keras looks at before the first epoch


class PyDataset:
    """Batches by their numbers. A subclass defines ``__len__`` and ``__getitem__``.

    Parameters
    ----------
    workers, use_multiprocessing, max_queue_size
        As in Keras; they have no effect, since batches are made one after the other.

    Notes
    -----
    ``__getitem__(number)`` returns a batch: (x, y), or (x, y, sample_weight). `fit` goes through
    the numbers in an order that Python's `random` shuffles, unless ``shuffle=False``. As in Keras,
    it looks at the batches 0 and 1 before the first epoch (of those that validate, before the first
    validation), and calls ``on_epoch_end`` once before it, too. Follows
    keras/src/trainers/data_adapters/py_dataset_adapter.py.

    Examples
    --------
    >>> import numpy as np, tinynet as keras
    >>> class Halves(keras.utils.PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, number):
    ...         return np.full((4, 3), number), np.full(4, number)
    ...
    >>> [x.shape for x, y in Halves()]
    [(4, 3), (4, 3)]
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = integer("workers", workers, least=0)
        self.use_multiprocessing = flag("use_multiprocessing", use_multiprocessing)
        self.max_queue_size = integer("max_queue_size", max_queue_size)

    # Attributes that change from batch to batch; `BackupAndRestore` saves them.
    remembers: ClassVar[tuple[str, ...]] = ()

    def get_state(self) -> dict[str, Any]:
        """Return what it remembers."""
        return {name: getattr(self, name) for name in self.remembers}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` has returned."""
        vars(self).update(state)

    def __getitem__(self, index: int) -> Any:
        """Return the batch with this number."""
        raise missing(self, "__getitem__(index), which returns the batch with this number")

    @property
    def num_batches(self) -> int | None:
        """How many batches there are; None if they never end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise missing(self, "__len__(), which returns the number of batches")

    def __iter__(self) -> Iterator[Any]:
        number = self.num_batches
        for index in itertools.count() if number is None else range(number):
            yield self[index]

    def on_epoch_begin(self) -> None:
        """At the begin of every epoch."""

    def on_epoch_end(self) -> None:
        """At the end of every epoch, and once before the first one."""


class Stream:
    """What hands out batches, with the first of them checked.

    Parameters
    ----------
    source : iterator, PyDataset or iterable
        Of batches (x,), (x, y) or (x, y, sample_weight).
    dataset : callable
        Makes a `Dataset` from x, y and sample_weight, and checks that the model can take it.
    class_weight : dict of int to float, optional
    shuffle : bool
        Whether the batches of a PyDataset come in another order in every epoch.
    later : bool
        Whether a PyDataset is not used before its first `tell`. Keras looks at its first batches
        then; here they are checked now, on a copy, and the draws are taken back.

    Attributes
    ----------
    first : Dataset
        The first batch.

    Raises
    ------
    TypeError, ValueError
        If there is no batch, or the model cannot take the first one.
    """

    def __init__(
        self,
        source: Any,
        dataset: Callable[[Any, Any, Any], Dataset],
        class_weight: Mapping[int, float] | None = None,
        shuffle: object = False,
        later: bool = False,
    ) -> None:
        self.source, self.dataset, self.later = source, dataset, later
        self.class_weight, self.shuffle = class_weight, shuffle
        if class_weight is not None and isinstance(source, Iterator):
            raise ValueError(
                "class_weight: a generator hands out its own weights: let it yield "
                "(x, y, sample_weight)"
            )
        self.begun: Iterator[Any] | None = None
        self.numbers: Iterable[int] = itertools.count()  # of batches, in the order of this pass
        if isinstance(source, PyDataset):
            if later:
                with untouched():
                    self.early = _first_of(copy.copy(source))
            else:
                self.early = _first_of(source)
        elif isinstance(source, Iterator):
            self.early = list(itertools.islice(source, AHEAD))
        else:
            begun = iter(source)
            self.early = list(itertools.islice(begun, 1))
            self.begun = itertools.chain(self.early, begun)
        if not self.early:
            raise ValueError(
                f"x: expected at least one batch, got none from this {type(source).__name__}; has "
                f"it been gone through before?"
            )
        self.first = self.read(self.early[0], 0)

    @property
    def number(self) -> int | None:
        """How many batches there are; None if that is not known."""
        if isinstance(self.source, PyDataset):
            return self.source.num_batches
        try:
            return len(self.source)
        except TypeError:
            return None

    def begin(self) -> Iterator[Any]:
        """Return the batches from the first one on; a generator has only the early ones again."""
        if isinstance(self.source, PyDataset):
            return self._by_number(self.source)
        if isinstance(self.source, Iterator):
            return itertools.chain(self.early, self.source)
        begun, self.begun = self.begun, None
        return iter(self.source) if begun is None else begun

    def _by_number(self, source: PyDataset) -> Iterator[Any]:
        if source.num_batches is None:
            self.numbers = itertools.count()
        else:
            self.numbers = list(range(source.num_batches))
            if self.shuffle:  # drawn with the first batch, as in Keras
                python_random.shuffle(self.numbers)
        for number in self.numbers:
            yield source[number]

    def get_state(self) -> dict[str, Any]:
        """Return the order of a PyDataset's batches in this pass, and what it remembers."""
        if not isinstance(self.source, PyDataset):
            return {}
        numbers = self.numbers if isinstance(self.numbers, list) else None
        return {"numbers": numbers, "own": self.source.get_state(), "later": self.later}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `get_state` has returned, but for the order, which belongs to a place."""
        if isinstance(self.source, PyDataset):
            self.source.set_state(state["own"])
            self.later = state["later"]

    def at(
        self, passes: Sequence[int], began: Sequence[dict[str, Any]], state: Mapping[str, Any]
    ) -> Iterator[Any]:
        """Return the batches that are left in the last of some passes.

        Parameters
        ----------
        passes : sequence of int
            How many batches each pass has had.
        began : sequence of dict
            The global random state when the last one began and, if there was one, before its first
            batch: some iterables draw an order here, some there.
        state : dict
            What `get_state` has returned.
        """
        source, found = self.source, iter(())
        if isinstance(source, PyDataset):
            if passes[-1] == 0:
                return self.begin()  # the order is drawn with the first batch
            self.numbers = itertools.count() if state["numbers"] is None else state["numbers"]
            return (source[number] for number in itertools.islice(self.numbers, passes[-1], None))
        for number, left in zip(passes, reversed(range(len(passes))), strict=True):
            if left == 0:
                random.set_global_state(began[0])
            found = self.begin()
            if left == 0:
                random.set_global_state(began[-1])
            for _ in itertools.islice(found, number):
                pass
        return found

    def tell(self, occasion: str) -> None:
        """Tell a PyDataset that an epoch begins or ends."""
        if isinstance(self.source, PyDataset):
            if self.later:
                self.later = False
                _first_of(self.source)
            getattr(self.source, f"on_epoch_{occasion}")()

    def read(self, batch: Any, place: int) -> Dataset:
        """Return a batch as a data set of its own."""
        parts = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
        if not 1 <= len(parts) <= 3:
            raise ValueError(
                f"x: expected batches (x, y) or (x, y, sample_weight), got {len(parts)} entries in "
                f"batch {place}"
            )
        x, y, sample_weight = (*parts, None, None)[:3]
        with errors_from(f"batch {place}"):
            return self.dataset(x, y, sample_weight).weighted(self.class_weight)


def _first_of(source: PyDataset) -> list[Any]:
    """Return the first batches, which are looked at before the others."""
    number = AHEAD if source.num_batches is None else min(AHEAD, source.num_batches)
    return [source[i] for i in range(number)]


def is_stream(x: Any) -> bool:
    """Return whether something hands out batches, rather than being all samples.

    An array does not, and neither does a list, a dict, a set or a sparse matrix.
    """
    if isinstance(x, PyDataset):
        return True
    whole = (Sequence, Mapping, Set, np.ndarray, type)
    return (
        hasattr(x, "__iter__")
        and not isinstance(x, whole)
        and not any(hasattr(x, name) for name in ("__array__", "toarray"))
    )
