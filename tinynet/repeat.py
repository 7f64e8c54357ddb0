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
import inspect
import itertools
import math
import operator
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinynet import config
from tinynet.arrays import Array
from tinynet.callbacks import LambdaCallback
from tinynet.data import Batch, Dataset, EpochOrders
from tinynet.kernels.counting import next_rows
from tinynet.kernels.pooling import max_pool_backward
from tinynet.kernels.registry import here
from tinynet.layers import Lambda
from tinynet.step.passes import arrays_in, relu_before_pooling, span, without_unread
from tinynet.step.tape import Computes, Step, several, write_down
from tinynet.step.telling import telling

ONCE = 0.01  # seconds of steps that are made at once, if nobody wants to know about each
# What a model of the user's may replace: it is not called in a step.
HARMLESS = {"__init__", "__init_subclass__", "__repr__", "call", "get_config", "from_config"}
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
        """Return which steps come next: of the epoch, and after it."""
        assert isinstance(self.orders, EpochOrders)
        return {"orders": self.orders.get_state(), "first": self.first, "steps": self.steps}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Restore what `get_state` has returned, for the same number of samples.

        Raises
        ------
        ValueError
            If there is no such place in the data: lines do not look where they read.
        """
        assert isinstance(self.orders, EpochOrders)
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
            or not all(map(is_our_network, networks_in(self.model)))
            or not all(map(is_ours, _parts(self.model)))
            or not all(map(is_ours, self._tellers))
        )
        found = None if self.eager else _written_for(self.model)
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
            return self.make(self.data.batch(self.order[first : first + size]))
        with one_at_a_time:
            self.written[size] = Written(
                self.model, self.data, self.make, self.order, self.place, size
            )
        self.belongs_to = _written_for(self.model)  # with the slots that the first step makes
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


class Written:
    """A step that is written down, while it is made.

    Parameters
    ----------
    model, data, make
        See `Repeat`.
    order : ndarray of int64, shape (n,)
        The numbers of the samples, in the order in which steps take them.
    place : ndarray of int64 without axes
        How many have been taken; every step moves it on.
    size : int
        How many a step takes.
    step : Step, optional
        Where to write it down; by default in a new one.

    Attributes
    ----------
    step : Step
    result : object
        What the step returns; arrays are overwritten by the next step.
    kept : list of (dict, dict)
        The attributes of a layer or a loss, and what the step has left in which of them.
    """

    def __init__(
        self,
        model: Any,
        data: Dataset,
        make: Callable[[Batch], Any],
        order: Array,
        place: Array,
        size: int,
        step: Step | None = None,
    ) -> None:
        parts: list[tuple[str, Computes]] = list(model.leaves.items())
        if model.optimizer is not None:
            parts += [*model.loss.parts.items(), ("optimizer", model.optimizer)]
            parts.append(("metrics", model.figures))
        computing = [part for part in _computing(model) if part is not model.optimizer]
        keeping = [part for part in computing if part.only_kernels]
        before = [dict(vars(part)) for part in keeping]
        self.seconds = math.inf  # that a step takes; not known yet
        rows = np.empty(size, np.int64)
        with write_down(step) as self.step, telling(parts):
            here.part = "batch"
            next_rows(order, place, rows)
            batch = data.batch(rows)
            self.result = make(batch)
        self.kept = [
            (vars(part), {k: v for k, v in vars(part).items() if k not in old or old[k] is not v})
            for part, old in zip(keeping, before, strict=True)
        ]
        # A graph keeps what its shared layers have left in each of their calls.
        graphs = [each for each in networks_in(model) if hasattr(each, "wires")]
        self.kept += [(graph.kept, graph.kept_by_kernels) for graph in graphs]
        lasting = _lasting(model)
        seen_later = [array for _, kept in self.kept for array in _arrays(kept).values()]
        seen_later += [each for each in several(self.result) if isinstance(each, np.ndarray)]
        read_later = [*lasting.values(), *seen_later]
        lines = without_unread(self.step.lines, read_later)
        if step is None:  # one that was given remembers what each of its lines has done
            lines = relu_before_pooling(lines, read_later)
        new = [line for line in lines if all(line is not each for each in self.step.lines)]
        used = {span(each) for line in lines for each in arrays_in(line)}
        known = {**data.known(batch), "order": order, "place": place, "rows": rows, **lasting}
        poolings = [line for line in new if line.function is max_pool_backward]
        known |= {f"{line.part}.dout": line.arguments[0] for line in poolings}
        if model.optimizer is not None:
            known |= {**model.optimizer.dials, **model.figures.arrays}
        self.step.lines = lines
        self.step.known = {
            name: each for name, each in self.step.known.items() if span(each) in used
        } | known
        self.step.kept = {name: _arrays(vars(part)) for name, part in parts}

    def run(self, most: int) -> int:
        """Make some steps, at most so many, that take about `ONCE` together; return how many."""
        number = max(1, min(most, int(ONCE / max(self.seconds, 1e-9))))
        start = time.perf_counter()
        self.step.run(number)
        self.seconds = (time.perf_counter() - start) / number
        return number


def warn_of_the_end() -> None:
    """Warn that an epoch ends early, because there are no more samples for it."""
    warnings.warn(
        "x: the data ended before the epoch did, which ends here. Of arrays and data sets, each "
        "epoch begins at the first batch if steps_per_epoch (steps) is left out; a generator has "
        "to yield steps_per_epoch batches for every epoch",
        stacklevel=5,
    )


def is_ours(part: object) -> bool:
    """Return whether something is of one of tinynet's classes, and none of its methods replaced."""
    home = part.__module__ if inspect.isfunction(part) else type(part).__module__
    if home.partition(".")[0] != "tinynet" or isinstance(part, LambdaCallback):
        return False
    if hasattr(part, "fn") or isinstance(part, Lambda):  # a function of the user's
        return False
    return not any(inspect.isfunction(getattr(type(part), name, None)) for name in vars(part))


def networks_in(model: Any) -> Iterator[Any]:
    """Yield a model and the models in it."""
    yield model
    for layer in model.layers:
        if hasattr(layer, "leaves"):
            yield from networks_in(layer)


def is_our_network(network: Any) -> bool:
    """Return whether a model takes its steps as tinynet's do: a class may bring layers of its own.

    What it is made of, and its config, may be the user's; whatever else it replaces may not.
    """
    kinds = type(network).__mro__
    ours = next(kind for kind in kinds if kind.__module__.partition(".")[0] == "tinynet")
    own = {name for kind in kinds[: kinds.index(ours)] for name in vars(kind)} | set(vars(network))
    replaced = {name for name in own if callable(getattr(ours, name, None))}
    return replaced <= HARMLESS


def _computing(model: Any) -> list[Any]:
    """Return the layers and, if the model is compiled, the losses and the optimizer."""
    if model.optimizer is None:
        return [*model.leaves.values()]
    return [*model.leaves.values(), *model.loss.parts.values(), model.optimizer]


def _parts(model: Any) -> Iterable[object]:
    """Return everything whose code runs in a step."""
    yield from (*_computing(model), *model.metrics)
    yield from parts_of_layers(model)


def parts_of_layers(model: Any) -> Iterator[object]:
    """Yield the layers, and whatever they hold whose code runs in a step."""
    for layer in model.leaves.values():
        yield layer
        yield from (*layer.regularizers.values(), *layer.constraints.values())
        for name in ("activation", "activity_regularizer"):
            rule = getattr(layer, name, None)
            if rule is not None:
                yield getattr(rule, "choose", rule)  # an activation: what chooses its kernels


def _lasting(model: Any) -> dict[str, Array]:
    """Return the arrays that outlive a step, by name."""
    found = {**model.arrays, **{f"d {name}": each for name, each in model.grads.items()}}
    if model.optimizer is not None:
        for name, slots in model.optimizer.slots.items():
            found |= {f"{slot} {name}": each for slot, each in slots.items()}
    return found


class WrittenFor(NamedTuple):
    """What the lines of a step were written for: objects, and options as plain values."""

    objects: list[object]
    options: list[object]

    def is_same(self, other: WrittenFor | None) -> bool:
        """Return whether the objects are the very same, and the options equal."""
        return (
            other is not None
            and len(self.objects) == len(other.objects)
            and all(map(operator.is_, self.objects, other.objects))
            and self.options == other.options
        )


def _written_for(model: Any) -> WrittenFor:
    """Return what the lines of a step with a model are written for."""
    parts, optimizer = _computing(model), model.optimizer
    objects: list[object] = [*parts, *model.metrics, getattr(model, "figures", None)]
    for layer in model.leaves.values():
        rules = *layer.regularizers.values(), *layer.constraints.values()
        objects += [layer.seed_generator, *rules]
    objects += [*model.arrays.values(), *model.grads.values()]
    options: list[Any] = [part.get_config() for part in parts]
    options.append(config.epsilon())
    if optimizer is not None:
        for slots in (*optimizer.slots.values(), optimizer.dials):
            objects += slots.values()
        if optimizer.schedule is None:  # a number, which every step reads again
            del options[parts.index(optimizer)]["learning_rate"]
        options.append(list(optimizer.excluded_from_decay))
    return WrittenFor(objects, options)


def _arrays(attributes: Mapping[str, object]) -> dict[str, Array]:
    return {name: each for name, each in attributes.items() if isinstance(each, np.ndarray)}
