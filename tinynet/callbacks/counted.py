"""What objects count in their attributes, as trees that a backup can hold, and put back."""

from __future__ import annotations

import copy
import itertools
from collections import deque
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from tinynet.array_files import NAMES

CONTAINERS: dict[str, Any] = {"set": set, "frozenset": frozenset, "deque": deque}


class CannotError(Exception):
    """A value is none of those that a backup can hold."""


# Layers, models, optimizers: single numbers. Their arrays are known by other ways, or follow.


def numbers_of(thing: Any) -> dict[str, Any]:
    """Return the single numbers among an object's attributes, and None where one may be put."""
    return {name: value for name, value in vars(thing).items() if _is_number(value)}


def put_numbers(thing: Any, held: dict[str, Any]) -> None:
    """Restore what `numbers_of` has returned, except where something larger is by now."""
    for name, value in held.items():
        if _is_number(vars(thing).get(name)):
            vars(thing)[name] = value


def _is_number(value: Any) -> bool:
    if isinstance(value, np.generic):
        return value.dtype.str[1:] in NAMES
    return value is None or type(value) in (bool, int, float)


# Metrics: all that a tree can hold.


def state_of(metric: Any) -> dict[str, Any]:
    """Return what a metric consists of, and the metrics and means in it, as trees by their names.

    What a tree cannot hold is left out: functions, for instance.
    """
    return {
        name: _tree(value)
        for name, value in vars(metric).items()
        if name != "name" and _can_be_held(value)  # one that is counted, "auc_1", is its own
    }


def put_state(metric: Any, held: dict[str, Any]) -> None:
    """Restore what `state_of` has returned."""
    for name, tree in held.items():
        vars(metric)[name] = _value(tree, vars(metric).get(name))


def lost_in(metric: Any) -> Iterator[tuple[str, Any]]:
    """Yield names and values of a metric's attributes that certainly change, and cannot be held.

    These are what its `reset_state`, which is called, makes anew.
    """
    before = {name: value for name, value in vars(metric).items() if _is_lost(value)}
    if before:
        metric.reset_state()
    for name, value in before.items():
        if vars(metric).get(name) is not value:
            yield name, value
    for value in vars(metric).values():
        if _is_metric(value):
            yield from lost_in(value)


def _is_lost(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_is_lost, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_is_lost, value))
    # Of functions and classes there is nothing to lose.
    return not (callable(value) or isinstance(value, ModuleType) or _can_be_held(value))


def _is_metric(value: Any) -> bool:
    return hasattr(value, "reset_state") and not isinstance(value, type)


def _can_be_held(value: Any) -> bool:
    try:
        _tree(value)
    except CannotError:
        return False
    return True


def _tree(value: Any) -> Any:
    """Return a value as numbers, text, arrays, lists and tuples; a dict says what it stands for."""
    if _is_metric(value):
        return {"metric": state_of(value)}
    if isinstance(value, dict):
        pairs = [pair for pair in value.items() if all(map(_can_be_held, pair))]
        return {"dict": [[_tree(key), _tree(each)] for key, each in pairs]}
    for name, kind in CONTAINERS.items():
        if isinstance(value, kind):
            return {name: [_tree(each) for each in value]}
    if isinstance(value, (list, tuple)):
        trees = [_tree(each) for each in value]
        return trees if isinstance(value, list) else tuple(trees)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return value
    if _is_number(value) or isinstance(value, (str, int, float)):
        return value
    raise CannotError


def _value(tree: Any, now: Any) -> Any:
    """Return a tree's value; what is there now keeps its place, which others may know."""
    if isinstance(tree, dict):
        ((kind, held),) = tree.items()
        if kind == "metric":
            put_state(now, held)
            return now
        if kind == "dict":
            return _dict(held, now)
        values = [_value(each, None) for each in held]
        return (
            deque(values, getattr(now, "maxlen", None))
            if kind == "deque"
            else (CONTAINERS[kind](values))
        )
    if isinstance(tree, (list, tuple)):
        old = now if isinstance(now, (list, tuple)) else ()
        values = [_value(*pair) for pair in itertools.zip_longest(tree, old[: len(tree)])]
        return values if isinstance(tree, list) else tuple(values)
    if isinstance(tree, np.ndarray) and isinstance(now, np.ndarray):
        alike = now.shape == tree.shape and now.dtype == tree.dtype
        if alike and now.flags.writeable:  # kernels read it, or the metric has it twice
            now[...] = tree
            return now
    return tree


def _dict(held: list[list[Any]], now: Any) -> dict[Any, Any]:
    """Return a dict of the kind that there is now, with what it has that cannot be held."""
    found = copy.copy(now) if isinstance(now, dict) else {}
    rest = {key: each for key, each in found.items() if not _can_be_held(each)}
    pairs = [(_value(key, None), each) for key, each in held]
    values = {key: _value(each, found.get(key)) for key, each in pairs}
    found.clear()
    found.update({**values, **rest})
    return found
