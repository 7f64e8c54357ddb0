"""What a layer, a loss or a rule was told to be: its attributes, but for those that a step sets."""

from __future__ import annotations

import dis
import functools
import inspect
from typing import Any

import numpy as np

from tinynet.configurable import arguments_of, is_own

OF_ALL_LAYERS = {"params", "grads", "state", "regularizers", "constraints", "seed_generator"}
SETS_ATTRIBUTE = dis.opmap["STORE_ATTR"]


def settings(part: Any) -> dict[str, Any]:
    """Return what only the constructor, `build` and somebody from outside set, by name."""
    kind: Any = type(part)
    others = set_in_use(kind)
    return {name: value for name, value in vars(part).items() if name not in others}


@functools.cache
def set_in_use(kind: Any) -> frozenset[str]:
    """Return the names of the attributes that the methods of a class set in a step."""
    codes = [
        inspect.unwrap(method).__code__
        for each in kind.__mro__
        for name, method in vars(each).items()
        if inspect.isfunction(method) and name not in ("__init__", "build")
    ]
    # In a method's bytecode, the number of a name follows what is done with it.
    found = {
        code.co_names[number]
        for code in codes
        for done, number in zip(code.co_code[::2], code.co_code[1::2], strict=True)
        if done == SETS_ATTRIBUTE
    }
    return frozenset(found.difference(arguments_of(kind)))  # some are set for a moment only


def for_all_calls(layer: Any) -> set[str]:
    """Return the names of what stays from call to call, as far as that is certain.

    A layer of the user's may set attributes in ways of its own.
    """
    if is_own(type(layer)):
        return {*settings(layer)}
    kinds = [each for each in type(layer).__mro__ if is_own(each) or each is type(layer)]
    return {*OF_ALL_LAYERS, *(name for kind in kinds for name in arguments_of(kind))}


def changeable(part: Any) -> dict[str, Any]:
    """Return the constructor's arguments that may be changed in place: arrays, lists and dicts."""
    own = vars(part)
    kind: Any = type(part)
    found = {name: own[name] for name in arguments_of(kind) if name in own}
    return {k: each for k, each in found.items() if isinstance(each, (np.ndarray, list, dict))}


def as_it_is(value: Any) -> Any:
    """Return something to compare with what will be there: a copy that nobody changes."""
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype, value.tobytes()
    if isinstance(value, dict):
        return tuple(value), as_it_is(list(value.values()))
    return [*map(as_it_is, value)] if isinstance(value, list) else value
