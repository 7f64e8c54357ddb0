"""What layers, losses, optimizers and their like have in common: a name and a config.

A config is the dictionary of an object's constructor arguments. Every class keeps each
argument in an attribute of the same name, so one method here writes the config of all.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

T = TypeVar("T")

_names: Counter[str] = Counter()


@functools.cache
def _arguments(kind: type) -> tuple[str, ...]:
    """Return the names of a constructor's arguments; Python takes its time to find them."""
    return tuple(name for name in inspect.signature(kind).parameters if name != "kwargs")


class Configurable:
    """An object that can be written as a dictionary and made again from it."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain Python values."""
        arguments = _arguments(type(self))  # type: ignore[arg-type] # a class can be hashed
        return {name: serialize(getattr(self, name)) for name in arguments}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make the object that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def serialize(value: Any) -> Any:
    """Write an object as JSON-ready values; plain values stay as they are."""
    if isinstance(value, Configurable):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if isinstance(value, (list, tuple)):
        return [serialize(each) for each in value]
    return value


def resolve(kind: str, identifier: object, table: Mapping[str, Callable[..., T]]) -> T:
    """Make the object that a string or a config stands for.

    Parameters
    ----------
    kind : str
        What is looked for, for the error: ``"optimizer"``.
    identifier : str or dict
        A name in `table`, or what `serialize` gave.
    table : dict
        Class by name.

    Raises
    ------
    ValueError
        If there is no such name; the nearest one is suggested.
    TypeError
        If `identifier` is neither a string nor a config.
    """
    if isinstance(identifier, str):
        return table[known_name(kind, identifier, table)]()
    if isinstance(identifier, Mapping) and "class_name" in identifier:
        maker: Any = table[known_name(kind, identifier["class_name"], table)]
        made: T = maker.from_config(identifier.get("config", {}))
        return made
    raise TypeError(
        f"{kind}: expected its name, its config or an object, "
        f"got {identifier!r} of type {type(identifier).__name__}"
    )


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


def auto_name(cls: type) -> str:
    """Return ``"dense"``, ``"dense_1"``, ... in the order of making."""
    prefix = to_snake_case(cls.__name__)
    count = _names[prefix]
    _names[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


def forget_names() -> None:
    """Start all automatic names anew; part of ``clear_session``."""
    _names.clear()
