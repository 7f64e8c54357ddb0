"""What layers, losses, optimizers and their like have in common: a name and a config.

A config is the dictionary of an object's constructor arguments. Every class keeps each
argument in an attribute of the same name, so one method here writes the config of all.
"""

from __future__ import annotations

import functools
import inspect
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import numpy as np

from tinynet.checks import plain
from tinynet.custom_objects import get_registered_name, get_registered_object

ARRAY = "ndarray"  # the class_name of an array in a config

T = TypeVar("T")

# What Keras on TensorFlow takes for a name.
LAYER_NAME = r"[A-Za-z0-9_.>-]+"
MODEL_NAME = r"[A-Za-z0-9.][A-Za-z0-9_.>-]*"
INPUT_NAME = r"[^/]+"

_names: Counter[str] = Counter()


@functools.cache
def _arguments(kind: type) -> tuple[str, ...]:
    """Return the names of a constructor's arguments; Python takes its time to find them."""
    return tuple(name for name in inspect.signature(kind).parameters if name != "kwargs")


class UnknownObjectError(ValueError):
    """A config that speaks of a class or a function that nobody has made known."""


class Configurable:
    """An object that can be written as a dictionary and made again from it."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain Python values."""
        arguments = _arguments(type(self))  # type: ignore[arg-type] # a class can be hashed
        for name in arguments:
            if not hasattr(self, name):
                raise AttributeError(
                    f"{type(self).__name__} does not keep its argument {name!r}: write "
                    f"self.{name} = {name} in __init__, so that it can be saved"
                )
        return {name: serialize(getattr(self, name)) for name in arguments}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make the object that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def serialize(value: Any) -> Any:
    """Write an object as JSON-ready values; plain values stay as they are.

    A class that is not tinynet's own is written with its module, so that it is never mistaken for
    one of the same name that is. The module is for people to read; nothing is imported by it.
    """
    if isinstance(value, Configurable):
        kind = type(value)
        written = {"class_name": get_registered_name(kind), "config": value.get_config()}
        return written if is_own(kind) else {**written, "module": kind.__module__}
    if isinstance(value, np.ndarray) and value.ndim > 0:
        return {"class_name": ARRAY, "config": {"dtype": str(value.dtype), "value": value.tolist()}}
    if isinstance(value, (list, tuple)):
        return [serialize(each) for each in value]
    if isinstance(value, dict):
        return {key: serialize(each) for key, each in value.items()}
    return plain(value)


def function_config(function: Any) -> dict[str, Any]:
    """Write a function as its name; what it does is not in a file."""
    name = get_registered_name(function) if hasattr(function, "__name__") else None
    return {
        "class_name": "function",
        "config": name or type(function).__name__,
        "module": getattr(function, "__module__", type(function).__module__),
    }


def function_of(kind: str, config: Mapping[str, Any]) -> Any:
    """Return the function that `function_config` wrote, from among the custom objects."""
    found = get_registered_object(config["config"])
    if found is None:
        origin = f"a function of the module {config['module']}"
        raise UnknownObjectError(unknown_object(kind, config["config"], origin))
    return found


def name_of_function(function: Any) -> str:
    """Return the name of a function in snake case, or of the class of a callable object."""
    return to_snake_case(getattr(function, "__name__", type(function).__name__))


def is_own(kind: type) -> bool:
    """Return whether a class is part of tinynet."""
    return kind.__module__.partition(".")[0] == "tinynet"


def require_saveable(role: str, *values: Any) -> None:
    """Say so if an object cannot be written to a file, before it is trained and then lost.

    Raises
    ------
    ValueError
        If its config cannot be made, or holds something that JSON does not know.
    """
    for value in values:
        try:
            json.dumps(serialize(value))
        except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
            raise ValueError(
                f"{role}: expected something that can be saved with the model, got "
                f"{_brief(value)}: {error}. Arguments of a class of your own have to be kept in "
                f"attributes of the same name, and to be numbers, texts, arrays, lists or objects "
                f"of tinynet; or define get_config and from_config"
            ) from None


def _brief(value: Any) -> str:
    name = getattr(value, "name", "")
    return f"a {type(value).__name__}" + (f" named {name!r}" if isinstance(name, str) else "")


def resolve(kind: str, identifier: object, table: Mapping[str, Callable[..., T]]) -> T:
    """Make the object that a string or a config stands for.

    Parameters
    ----------
    kind : str
        What is looked for, for the error: ``"optimizer"``.
    identifier : str or dict
        A name in `table`, that of a custom object, or what `serialize` gave.
    table : dict
        Class by name.

    Returns
    -------
    object
        Of a class in `table`, or a custom object: made of it if it is a class, else itself.

    Raises
    ------
    ValueError
        If there is no such name; the nearest one is suggested.
    UnknownObjectError
        If a config speaks of a class that is not tinynet's, and nobody has made it known.
    TypeError
        If `identifier` is neither a string nor a config.
    """
    if isinstance(identifier, str):
        found: Any = get_registered_object(identifier)
        if found is None:
            found = table[known_name(kind, identifier, table)]
        named: T = found() if isinstance(found, type) else found
        return named
    if isinstance(identifier, Mapping) and "class_name" in identifier:
        found = _class_of(kind, identifier, table)
        config = {key: _restored(value) for key, value in identifier.get("config", {}).items()}
        made: T = found.from_config(config)
        return made
    raise TypeError(
        f"{kind}: expected its name, its config or an object, "
        f"got {identifier!r} of type {type(identifier).__name__}"
    )


def _class_of(kind: str, config: Mapping[str, Any], table: Mapping[str, Any]) -> Any:
    """Return the class that a config speaks of, from tinynet or among the custom objects."""
    name, module = config["class_name"], config.get("module")
    if name in table and module in (None, table[name].__module__):
        return table[name]
    found = get_registered_object(name)
    if found is None and module is None:
        known_name(kind, name, table)  # says which one comes nearest
    if found is None:
        raise UnknownObjectError(unknown_object(kind, name, f"of the module {module}"))
    return found


def unknown_object(kind: str, name: str, origin: str) -> str:
    """Return what to say of a class or a function that nobody has made known."""
    short = name.rpartition(">")[2]
    rest = "" if kind == "layer" else "; compile=False reads the model without it"
    return (
        f"the {kind} {name!r} ({origin}) is not part of tinynet: pass custom_objects="
        f"{{{short!r}: {short}}}, or define it with "
        f"@tinynet.saving.register_keras_serializable() first{rest}"
    )


def _restored(value: Any) -> Any:
    """Make the arrays that `serialize` wrote."""
    if isinstance(value, Mapping) and value.get("class_name") == ARRAY:
        return np.array(value["config"]["value"], value["config"]["dtype"])
    return value


def known_name(kind: str, name: str, table: Mapping[str, object]) -> str:
    """Return `name` if `table` has it, and otherwise say which name comes nearest."""
    if name in table:
        return name
    import difflib

    nearest = difflib.get_close_matches(name, table, n=1, cutoff=0.4)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"known are {sorted(table)}"
    raise ValueError(f"unknown {kind} {name!r}; {hint}")


def by_name(*classes: type) -> dict[str, Any]:
    """Make a table of classes under both of Keras's spellings: ``Adam`` and ``adam``."""
    table = {}
    for each in classes:
        for name in (each.__name__, to_snake_case(each.__name__), each.__name__.lower()):
            table[name] = each
    return table


def to_snake_case(name: str) -> str:
    """Return ``"re_lu"`` for ``"ReLU"``, as Keras spells it."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def checked_name(name: str, pattern: str) -> str:
    """Return the name of a layer or a model, if Keras takes it too.

    Raises
    ------
    ValueError
        If it is not made as `pattern` says.
    """
    if not isinstance(name, str) or not re.fullmatch(pattern, name):
        raise ValueError(
            f"name: expected one that Keras takes too, of the pattern {pattern}, got {name!r}; "
            f"write _ for spaces and the like"
        )
    return name


def auto_name(cls: type) -> str:
    """Return ``"dense"``, ``"dense_1"``, ... in the order of making."""
    prefix = to_snake_case(cls.__name__)
    count = _names[prefix]
    _names[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


def forget_names() -> None:
    """Start all automatic names anew; part of ``clear_session``."""
    _names.clear()
