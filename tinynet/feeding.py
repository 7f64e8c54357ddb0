"""The steps of one call of `fit`, `evaluate` or `predict`, whose batches come one after the other.

`tinynet.repeat` takes its batches out of arrays of all samples. Here a batch is there when its turn
comes. If it has the shape of an earlier one, it is copied to where that one was, so that the lines
of the earlier step can be run again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tinynet import random
from tinynet.arrays import Array
from tinynet.data import Batch, Dataset
from tinynet.repeat import Repeat, warn_of_the_end
from tinynet.streams import Stream

KINDS = 4  # of batches, for which a step is written down; each takes the memory of a step


class Feed:
    """Makes steps, epoch after epoch, with the batches of a stream; its methods are `Repeat`'s.

    Parameters
    ----------
    model : Trainer
    stream : Stream
    make, singly
        See `Repeat`.
    per_epoch : int, optional
        How many steps an epoch has; by default as many as the stream has batches.

    Notes
    -----
    Follows keras/src/trainers/epoch_iterator.py. With `per_epoch`, an epoch begins where the last
    one ended; without it, at the first batch. A generator cannot do that: only the two batches that
    were looked at before the first epoch come again.
    """

    remembers = 8  # few, because their batches are kept

    def __init__(
        self,
        model: Any,
        stream: Stream,
        make: Callable[[Batch], Any],
        per_epoch: int | None = None,
        singly: bool = False,
    ) -> None:
        self.model, self.stream, self.make = model, stream, make
        self.per_epoch, self.singly = per_epoch, singly
        self.between: Sequence[Callable[..., None]] = ()
        self.repeats: dict[object, Repeat] = {}
        self.met: set[object] = set()
        self.iterator: Iterator[Any] | None = None
        self.coming: Dataset | None = None
        self.taken: deque[Dataset] = deque(maxlen=0)  # unless somebody wants to make them again
        self.number, self.seen, self.steps, self.over = stream.number, 0, 0, False
        self.passes: list[int] = []  # how often each has been asked for a batch
        self.began: list[dict[str, Any]] = []  # the random states when the last one began
        self.resume: Callable[[], None] | None = None  # see `Repeat`

    @property
    def total(self) -> int | None:
        """How many steps an epoch has; None if it is not known yet."""
        return self.per_epoch or self.number

    def reset(self) -> None:
        """Begin the next epoch with the first batch."""
        self.iterator, self.number, self.seen = None, self.stream.number, 0
        self.stream.tell("end")

    def begin_epoch(self) -> None:
        """Begin an epoch."""
        self.stream.tell("begin")
        if self.resume is not None:
            self.resume()
            self.resume = None
            return
        if self.iterator is None or self.per_epoch is None:
            self._begin_again()
        self.coming, self.steps, self.over = None, 0, False

    def _begin_again(self) -> None:
        self.began = [random.global_state()]
        self.iterator, self.seen = self.stream.begin(), 0
        self.passes.append(0)

    def get_state(self) -> dict[str, Any]:
        """Return which batch comes next."""
        names = ("number", "seen", "steps", "over", "passes", "began")
        is_open, source = self.iterator is not None, self.stream.get_state()
        return {"open": is_open, "source": source, **{name: getattr(self, name) for name in names}}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `get_state` has returned.

        A PyDataset begins at the number of the batch; anything else is gone through up to there.
        """
        self.stream.set_state(state["source"])
        if self.passes != state["passes"]:
            self.iterator = self.stream.at(state["passes"], state["began"], state["source"])
        if not state["open"]:
            self.iterator = None
        self.number, self.seen, self.steps = state["number"], state["seen"], state["steps"]
        self.over, self.passes, self.began = state["over"], state["passes"], state["began"]

    @property
    def settings(self) -> dict[str, Any]:
        """What has to be the same where a state is restored."""
        shuffle = bool(self.stream.shuffle)
        return {
            "the kind of x": type(self.stream.source).__name__,
            "steps_per_epoch": self.per_epoch,
            "shuffle": shuffle,
        }

    @property
    def goes_on(self) -> bool:
        """Whether there is one more batch in the epoch, which is fetched."""
        if self.coming is None and not self.over:
            self._fetch()
        return self.coming is not None

    def _fetch(self) -> None:
        """Get the next batch, or end the epoch."""
        enough = self.total is not None and self.steps >= self.total
        all_seen = self.number is not None and self.seen >= self.number
        if not (enough or all_seen):
            assert self.iterator is not None
            if self.seen == 0:
                self.began.append(random.global_state())
            self.seen += 1
            self.passes[-1] = self.seen
            for batch in self.iterator:
                self.coming = self.stream.read(batch, self.steps)
                return
            self.number = self.seen if self.number is None else self.number
            self.iterator = None
        elif all_seen:
            self._begin_again()
        if not enough:
            warn_of_the_end()
        self.over = True
        self.stream.tell("end")

    def take(self) -> Any:
        """Make the step of the batch that was fetched, and return its result."""
        assert self.coming is not None
        data, self.coming = self.coming, None
        self.taken.append(data)
        self.steps += 1
        kind = tuple((name, each.shape, each.dtype) for name, each in data.arrays.items())
        if kind not in self.repeats:
            if kind not in self.met or len(self.repeats) == KINDS:
                self.met.add(kind)
                return self.make(data.batch(np.arange(len(data))))
            again = Repeat(self.model, data.copy(), self.make, len(data), 2, self.singly)
            again.between = self.between
            self.repeats[kind] = again
        repeat = self.repeats[kind]
        for name, place in repeat.data.arrays.items():
            place[...] = data.arrays[name]
        repeat.begin_epoch()
        found = repeat.take()
        repeat.end_epoch()
        return found

    def begin_to_remember(self) -> None:
        """Keep the batches of the last steps from now on."""
        self.taken = deque(maxlen=self.remembers)

    def last(self, number: int) -> list[tuple[Dataset, Array]]:
        """Return the batches of the last steps, and the numbers of their samples."""
        return [(data, np.arange(len(data))) for data in list(self.taken)[-number:]]

    once_more = staticmethod(Repeat.once_more)

    def end_epoch(self) -> None:
        """Nothing: every step leaves in the layers what is to be there."""


def steps_with(
    model: Any,
    data: Dataset | Stream,
    make: Callable[[Batch], Any],
    batch_size: int | None,
    per_epoch: int | None = None,
    epochs: int = 1,
    orders: Iterator[Array] | None = None,
    singly: bool = False,
) -> Repeat | Feed:
    """Return what makes steps with arrays, or with a stream of batches."""
    if isinstance(data, Stream):
        return Feed(model, data, make, per_epoch, singly)
    if batch_size is None:
        batch_size = 32 if per_epoch is None else -(-len(data) // per_epoch)
    return Repeat(model, data, make, batch_size, epochs, singly, orders, per_epoch)
