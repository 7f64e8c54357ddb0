"""A step that is written down while it is made: what is in it, whose code, and what it is for."""

from __future__ import annotations

import inspect
import math
import operator
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from tinynet import config
from tinynet.arrays import Array
from tinynet.callbacks import LambdaCallback
from tinynet.configurable import is_own
from tinynet.data import Batch, Dataset
from tinynet.kernels.counting import next_rows
from tinynet.kernels.pooling import max_pool_backward
from tinynet.kernels.registry import here
from tinynet.layers import Lambda
from tinynet.settings import as_it_is, changeable, settings
from tinynet.step.passes import arrays_in, relu_before_pooling, span, without_unread
from tinynet.step.tape import Computes, Step, several, write_down
from tinynet.step.telling import telling

ONCE = 0.01  # seconds of steps that are made at once, if nobody wants to know about each
CALLED = ("__call__", "forward", "backward", "gradient", "apply")  # where a class names none
# What a model of the user's may replace: it is not called in a step.
HARMLESS = {"__init__", "__init_subclass__", "__repr__", "call", "get_config", "from_config"}


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
        The attributes of a layer or a loss (`vars`), and those that the step has set.
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
        keeping = [
            part for part in computing(model) if part is not model.optimizer and part.only_kernels
        ]
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
        graphs = [each for each in model.networks if hasattr(each, "wires")]
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


class WrittenFor(NamedTuple):
    """What the lines of a step were written for: objects, and what is in them as plain values."""

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


def written_for(model: Any) -> WrittenFor:
    """Return what the lines of a step with a model are written for."""
    optimizer = model.optimizer
    rules = [rule for layer in model.leaves.values() for rule in _rules_of(layer)]
    objects: list[object] = [*model.metrics, getattr(model, "figures", None)]
    options: list[Any] = [config.epsilon(), config.floatx()]
    for part in (*computing(model), *rules):
        objects.append(part)
        if part is not optimizer:
            told = settings(part)
            objects += told.values()
            options += [*told, *map(as_it_is, changeable(part).values())]
    arrays = [*model.arrays.values(), *model.grads.values()]
    if optimizer is not None:
        for named in (*optimizer.slots.values(), optimizer.dials, model.figures.arrays):
            arrays += named.values()
        options += [optimizer.get_config(), list(optimizer.excluded_from_decay)]
        if optimizer.schedule is None:  # a number, which every step reads again
            del options[-2]["learning_rate"]
    options += [each.flags.writeable for each in arrays]
    return WrittenFor([*objects, *arrays], options)


def _rules_of(layer: Any) -> list[Any]:
    """Return a layer's penalties and constraints on its weights."""
    return [*layer.regularizers.values(), *layer.constraints.values()]


def _lasting(model: Any) -> dict[str, Array]:
    """Return the arrays that outlive a step, by name."""
    found = {**model.arrays, **{f"d {name}": each for name, each in model.grads.items()}}
    if model.optimizer is not None:
        for name, slots in model.optimizer.slots.items():
            found |= {f"{slot} {name}": each for slot, each in slots.items()}
    return found


def _arrays(attributes: Mapping[str, object]) -> dict[str, Array]:
    return {name: each for name, each in attributes.items() if isinstance(each, np.ndarray)}


# Whose code a step is: tinynet's own, or the user's.


def is_ours(part: object) -> bool:
    """Return whether something is of one of tinynet's classes, and none of its methods replaced."""
    home = part.__module__ if inspect.isfunction(part) else type(part).__module__
    if str(home).partition(".")[0] != "tinynet" or isinstance(part, LambdaCallback):
        return False
    if hasattr(part, "fn") or isinstance(part, Lambda):  # a function of the user's
        return False
    if any(inspect.isfunction(getattr(type(part), name, None)) for name in vars(part)):
        return False
    # Somebody may have put other functions into the class.
    methods = [getattr(type(part), name, None) for name in getattr(part, "computing", CALLED)]
    return all(is_own(each) for each in methods if inspect.isfunction(each))


def is_our_network(network: Any) -> bool:
    """Return whether a model takes its steps as tinynet's do: a class may bring layers of its own.

    What it is made of, and its config, may be the user's; whatever else it replaces may not.
    """
    kinds = type(network).__mro__
    ours = next(kind for kind in kinds if kind.__module__.partition(".")[0] == "tinynet")
    own = {name for kind in kinds[: kinds.index(ours)] for name in vars(kind)}
    replaced = {name for name in own if isinstance(getattr(ours, name, None), property)}
    replaced |= {name for name in own | set(vars(network)) if callable(getattr(ours, name, None))}
    return replaced <= HARMLESS


def computing(model: Any) -> list[Any]:
    """Return the layers and, if the model is compiled, the losses and the optimizer."""
    if model.optimizer is None:
        return [*model.leaves.values()]
    return [*model.leaves.values(), *model.loss.parts.values(), model.optimizer]


def all_parts(model: Any) -> Iterable[object]:
    """Return everything whose code runs in a step."""
    yield from (*computing(model), *model.metrics)
    if model.optimizer is not None and model.optimizer.schedule is not None:
        yield model.optimizer.schedule
    yield from parts_of_layers(model)


def parts_of_layers(model: Any) -> Iterator[object]:
    """Yield the layers, and whatever they hold whose code runs in a step."""
    for layer in model.leaves.values():
        yield layer
        yield from _rules_of(layer)
        for name in ("activation", "activity_regularizer"):
            rule: Any = getattr(layer, name, None)
            if rule is not None:
                yield rule
            if hasattr(rule, "choose"):  # an activation: what chooses its kernels
                yield rule.choose
