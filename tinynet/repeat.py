"""The steps of one call of `fit`, `evaluate` or `predict`: what comes again is repeated.

The first batch of a size goes through the layers, and is written down if another one is to come;
from then on, these lines are run. Code of the user's may keep the arrays that it is given, put new
ones into a layer, or look at what a layer has kept. It could not do so between lines that know only
arrays. So steps are repeated only where tinynet's own code runs, and nobody else between two steps;
otherwise each one calls the layers. What a callback changes between two epochs is seen: then the
step is written down again.
"""

from __future__ import annotations

import copy
import itertools
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.data import Batch, Dataset, EpochOrders
from tinynet.step.tape import Step
from tinynet.written import (
    Written,
    WrittenFor,
    all_parts,
    is_our_network,
    is_ours,
    written_for,
)

# Two threads of the user's may use one model; only one at a time can have it told what it writes.
one_at_a_time = threading.RLock()


def _begin_in_child() -> None:
    """Replace a lock that a thread may hold that was not copied by a fork."""
    global one_at_a_time
    one_at_a_time = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_child)


class Repeat:
    """Makes steps, epoch after epoch, by the lines of an earlier one where there is one.

    Parameters
    ----------
    model : Trainer
    data : Dataset
    make : callable
        Makes a step with a batch: ``model.train_step``, for instance.
    batch_size, epochs : int
        From which it follows what comes again.
    singly : bool
        Whether the result of every step is wanted.
    orders : iterator of ndarray, optional
        The order of the samples' numbers, (n,), pass after pass; by default as they lie there.
    per_epoch : int, optional
        How many steps an epoch has. The next one then begins where it ended.

    Attributes
    ----------
    steps : int
        How many steps of the epoch have been made.
    between : sequence of callable
        Methods of callbacks that are called between two steps.
    resume : callable, optional
        Called once in place of beginning an epoch: it goes on where another run was, `set_state`.
    remembers : int
        How many steps may be kept, to be made once more (`tinynet.callbacks.watching`).
    """

    resume: Callable[[], None] | None = None
    remembers = 500

    def __init__(
        self,
        model: Any,
        data: Dataset,
        make: Callable[[Batch], Any],
        batch_size: int,
        epochs: int = 1,
        singly: bool = False,
        orders: Iterator[Array] | None = None,
        per_epoch: int | None = None,
    ) -> None:
        self.model, self.data, self.make = model, data, make
        self.batch_size, self.per_epoch = batch_size, per_epoch
        whole, rest = divmod(len(data), batch_size)
        times = {batch_size: whole * epochs, rest: epochs}
        self.again = {size for size, number in times.items() if number > 1}
        self.order, self.place = np.arange(len(data)), np.zeros((), np.int64)
        self.orders = itertools.repeat(self.order.copy()) if orders is None else orders
        self.steps = self.first = 0
        self.written: dict[int, Written] = {}
        self.ran: Written | None = None
        self.belongs_to: WrittenFor | None = None
        self.between: Sequence[Callable[..., None]] = ()
        self.singly = singly
        self.eager = True

    @property
    def total(self) -> int:
        """How many steps an epoch has."""
        return self.per_epoch or -(-len(self.data) // self.batch_size)

    def reset(self) -> None:
        """Begin the next epoch with the first sample."""
        self.steps = self.first = 0

    def begin_epoch(self) -> None:
        """Go through the samples once more, or go on with those that were left."""
        if self.resume is not None:
            self.resume()
            self.resume = None
            self._look_around()
            return
        self.first += self.steps
        self.steps = 0
        if self.per_epoch is None or self.first == 0 or self._left <= 0:
            self.order[...], self.place[...], self.first = next(self.orders), 0, 0

    def get_state(self) -> dict[str, Any]:
        """Return which steps come next: of the epoch, and after it; a validation begins anew."""
        if not isinstance(self.orders, EpochOrders):
            return {}
        return {"orders": self.orders.get_state(), "first": self.first, "steps": self.steps}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `get_state` has returned, for the same number of samples.

        Raises
        ------
        ValueError
            If there is no such place in the data: lines do not look where they read.
        """
        if not isinstance(self.orders, EpochOrders):
            return
        first, steps = state["first"], state["steps"]
        taken = (first + steps - 1) * self.batch_size
        if not (first >= 0 and 0 <= steps <= self.total and taken < len(self.data)):
            raise ValueError(f"expected a place in {len(self.data)} samples, got {first}, {steps}")
        self.orders.set_state(state["orders"])
        self.order[...] = self.orders.last()
        self.first, self.steps = first, steps
        self.place[...] = len(self.data) - max(0, self._left)

    @property
    def settings(self) -> dict[str, Any]:
        """What has to be the same where a state is restored."""
        assert isinstance(self.orders, EpochOrders)
        return {
            "samples": len(self.data),
            "batch_size": self.batch_size,
            "steps": self.total,
            "shuffle": self.orders.shuffle,
        }

    @property
    def _left(self) -> int:
        """How many samples are left in this order."""
        return len(self.data) - (self.first + self.steps) * self.batch_size

    def _look_around(self) -> None:
        """See who takes part; forget the lines if somebody has changed what they were written for.

        Raises
        ------
        ValueError
            If the targets have been changed to what the loss cannot take.
        """
        self.eager = (
            self.model.run_eagerly
            or not all(map(is_our_network, self.model.networks))
            or not all(map(is_ours, all_parts(self.model)))
            or not all(map(is_ours, self._tellers))
        )
        found = None if self.eager else written_for(self.model)
        if found is None or not found.is_same(self.belongs_to):
            self.belongs_to = found
            self.written.clear()
        if self.written and self.data.y is not None:  # lines do not look at their arrays
            self.model.check(self.data, needs_targets=True)

    @property
    def _tellers(self) -> list[Any]:
        return [getattr(each, "__self__", None) for each in self.between]

    @property
    def goes_on(self) -> bool:
        """Whether there are steps left in the epoch."""
        return self.steps < self.total and self._left > 0

    def take(self) -> Any:
        """Make the next step, or some if nobody has to be told about each; return its result."""
        if self.steps == 0:
            with one_at_a_time:
                self._look_around()
        size = min(self.batch_size, self._left)
        if size in self.written:
            self.ran = self.written[size]
            self.steps += self.ran.run(self._most(self._left))
            return copy.deepcopy(self.ran.result)
        first = len(self.data) - self._left
        self.ran = None
        self.steps += 1
        if self.eager or size not in self.again:
            self.place[...] = first + size  # for lines that may be written later in this pass
            return self.make(self.data.batch(self.order[first : first + size]))
        with one_at_a_time:
            self.written[size] = Written(
                self.model, self.data, self.make, self.order, self.place, size
            )
        self.belongs_to = written_for(self.model)  # with the slots that the first step makes
        return copy.deepcopy(self.written[size].result)

    def begin_to_remember(self) -> None:
        """Nothing: where an epoch is, and the order of its samples, is known anyway."""

    def last(self, number: int) -> list[tuple[Dataset, Array]]:
        """Return the samples of the last steps of the epoch, and the numbers of those in each."""
        end, size = self.first + self.steps, self.batch_size
        starts = range((end - number) * size, end * size, size)
        return [(self.data, self.order[at : at + size].copy()) for at in starts]

    @staticmethod
    def once_more(model: Any, data: Dataset, rows: Array, step: Step) -> Written:
        """Make a step with another model and some samples, and write it down."""
        place = np.zeros((), np.int64)
        return Written(model, data, model.train_step, rows, place, len(rows), step)

    def _most(self, left: int) -> int:
        """Return how many steps may be made at once, with so many samples left."""
        told = self.singly or any(each.every_batch for each in self._tellers)
        if told or self.model.stop_training:
            return 1
        most = min([left // self.batch_size, *(each.batches_left for each in self._tellers)])
        return max(1, min(int(most), self.total - self.steps))

    def end_epoch(self) -> None:
        """Leave in the layers what a step leaves there that calls them."""
        if self.steps < self.total and not (self._left > 0 or self.model.stop_training):
            warn_of_the_end()
        if self.ran is not None:
            for attributes, kept in self.ran.kept:
                attributes.update(kept)


def warn_of_the_end() -> None:
    """Warn that an epoch ends early, because there are no more samples for it."""
    warnings.warn(
        "x: the data ended before the epoch did, which ends here. Of arrays and data sets, each "
        "epoch begins at the first batch if steps_per_epoch (steps) is left out; a generator has "
        "to yield steps_per_epoch batches for every epoch",
        stacklevel=5,
    )
