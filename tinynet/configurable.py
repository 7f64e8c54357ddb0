"""What layers, losses, optimizers and the like have in common: a name and a config.

A config is the dictionary of an object's constructor arguments. Every class keeps each
argument in an attribute of the same name, so one method here writes the configs of all.
"""

from __future__ import annotations

import functools
import inspect
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self, TypeVar

import numpy as np

from tinynet.checks import plain
from tinynet.custom_objects import (
    custom_object_scope,
    get_registered_name,
    get_registered_object,
    note,
)

ARRAY = "ndarray"  # the class_name of an array in a config
DEFINED_IN = "defined_in"  # the module of an object that is made before a constructor is called
OTHERS = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
PLAIN = (bool, float, int, str, type(None))  # what most arguments are

T = TypeVar("T")

# What Keras on TensorFlow accepts as a name.
LAYER_NAME = r"[A-Za-z0-9_.>-]+"
MODEL_NAME = r"[A-Za-z0-9.][A-Za-z0-9_.>-]*"
INPUT_NAME = r"[^/]+"

_names: Counter[str] = Counter()


@functools.cache
def arguments_of(kind: type) -> tuple[str, ...]:
    """Return the names of a constructor's arguments, kept because looking them up is slow."""
    parameters = inspect.signature(kind).parameters.values()
    return tuple(each.name for each in parameters if each.kind not in OTHERS)


@functools.cache
def handed_on(kind: type) -> tuple[str, ...]:
    """Return the names of what a constructor takes as ``**kwargs``: arguments of base classes."""
    found: dict[str, None] = {}
    for each in kind.__mro__:
        if "__init__" in vars(each):
            _, *parameters = inspect.signature(vars(each)["__init__"]).parameters.values()
            found |= dict.fromkeys(p.name for p in parameters if p.kind not in OTHERS)
            if not any(p.kind in OTHERS for p in parameters):
                break  # so nothing goes on to the classes below
    own = arguments_of(kind)
    return tuple(name for name in found if name not in own)


class UnknownObjectError(ValueError):
    """A config that names a class or a function that is not tinynet's and was not registered."""


class Configurable:
    """An object that can be written as a dictionary and recreated from it."""

    takes_configs = False  # whether from_config of a class of the user's makes what is in a config
    _given: Any = ()  # the names of what the constructor of a class of the user's got

    def __init_subclass__(cls, **options: Any) -> None:
        """Have the constructor of a class of the user's note what it gets."""
        super().__init_subclass__(**options)
        kind: Any = cls
        if "__init__" in vars(kind) and not is_own(kind):
            kind.__init__ = _noting(kind.__init__)

    def _note_given(self, given: Mapping[str, Any]) -> None:
        """Note what the constructor gets: the names, because most objects keep the values.

        What it gets as ``*args`` it is taken to hand on, to a base class, which has names for it.
        """
        kind: Any = type(self)
        places = _places_in_bases(kind)[: len(given.get("*args", ()))]
        self._given = (*(name for name in given if name != "*args"), *places)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain Python values.

        Where a class of the user's takes ``**kwargs`` for its base classes, it is what was given,
        as far as it is kept: what the class decides itself, it would not take a second time. If the
        class has a `get_config` of its own, it is, as in Keras, every argument of the base classes,
        and those of its own that are not kept under their names are left to it.
        """
        kind: Any = type(self)
        by_user = not is_own(kind.get_config)
        names = list(arguments_of(kind))
        if by_user:
            names = [name for name in names if hasattr(self, name)]
        for name in names:
            if not (hasattr(kind, name) or hasattr(self, name)):
                raise AttributeError(
                    f"{kind.__name__} does not keep its argument {name!r}: write "
                    f"self.{name} = {name} in __init__, so that it can be saved"
                )
        if not is_own(kind) and _takes_others(kind):
            others = handed_on(kind) if by_user else self._given
            names += [name for name in others if name not in names and hasattr(self, name)]
        return {name: serialize(self.argument(name), not is_own(kind)) for name in names}

    def argument(self, name: str) -> Any:
        """Return what the constructor was given under a name."""
        return getattr(self, name)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make the object that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


def serialize(value: Any, for_user: bool = False) -> Any:
    """Write an object as JSON-ready values; plain values stay as they are.

    A class that is not tinynet's own is written with its module, so that it is never mistaken for
    a tinynet class of the same name. The module is for people to read; nothing is imported from it.

    Parameters
    ----------
    value : object
    for_user : bool
        Whether it is for the constructor of a class of the user's, which expects objects and not
        their configs. Those of tinynet's then say where they are defined, and are made before it is
        called.
    """
    if type(value) in PLAIN:
        return value
    if isinstance(value, Configurable):
        kind = type(value)
        name = get_registered_name(kind)
        written = {"class_name": name, "config": value.get_config()}
        if not is_own(kind):
            note(name, kind)
            return {**written, "module": kind.__module__}
        return {**written, DEFINED_IN: kind.__module__} if for_user else written
    if isinstance(value, np.ndarray) and value.ndim > 0:
        return {"class_name": ARRAY, "config": {"dtype": str(value.dtype), "value": value.tolist()}}
    if isinstance(value, (list, tuple)):
        return [serialize(each, for_user) for each in value]
    if isinstance(value, dict):
        return {key: serialize(each, for_user) for key, each in value.items()}
    return plain(value)


def writer_and_reader(get: Callable[[Any], T]) -> tuple[Callable[..., Any], Callable[..., T]]:
    """Return ``serialize`` and ``deserialize`` of a module whose `get` takes configs, too."""

    def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> T:
        """Make the object that ``serialize`` described.

        Parameters
        ----------
        config : dict
        custom_objects : dict of str to class or function, optional
            What is not tinynet's and was not registered.

        Raises
        ------
        TypeError, ValueError
            If it is no config, or names what is not known.
        """
        with custom_object_scope(custom_objects or {}):
            return get(config)

    return serialize, deserialize


def function_config(function: Any) -> dict[str, Any]:
    """Write a function as its name; files never hold its code."""
    named = hasattr(function, "__name__")
    name = get_registered_name(function) if named else type(function).__name__
    note(name, function)
    return {
        "class_name": "function",
        "config": name,
        "module": getattr(function, "__module__", type(function).__module__),
    }


def function_of(kind: str, config: Mapping[str, Any]) -> Any:
    """Return the function whose name `function_config` wrote, from among the custom objects."""
    found = get_registered_object(config["config"])
    if found is None:
        origin = f"a function of the module {config['module']}"
        raise UnknownObjectError(unknown_object(kind, config["config"], origin))
    return found


def name_of_function(function: Any) -> str:
    """Return the name of a function in snake case, or of the class of a callable object."""
    return to_snake_case(getattr(function, "__name__", type(function).__name__))


def is_own(thing: Any) -> bool:
    """Return whether a class or a function is part of tinynet."""
    module: str = getattr(thing, "__module__", None) or ""  # functions of eval, and ufuncs
    return module.partition(".")[0] == "tinynet"


@functools.cache
def _takes_others(kind: type) -> bool:
    """Return whether a constructor takes ``*args`` or ``**kwargs``."""
    parameters = inspect.signature(kind).parameters.values()
    return any(each.kind in OTHERS for each in parameters)


@functools.cache
def _places_in_bases(kind: type) -> tuple[str, ...]:
    """Return the names of what the nearest constructor without ``*args`` takes by place."""
    for each in kind.__mro__:
        if "__init__" in vars(each):
            _, *parameters = inspect.signature(vars(each)["__init__"]).parameters.values()
            if not any(p.kind is p.VAR_POSITIONAL for p in parameters):
                return tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
    return ()


def _noting(init: Callable[..., None]) -> Callable[..., None]:
    """Return a constructor that notes what it gets."""
    parameters = inspect.signature(init).parameters.values()
    names = [each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD][1:]

    @functools.wraps(init)
    def noting_init(self: Configurable, *args: Any, **kwargs: Any) -> None:
        # First, the constructor of the object's own class is called, then those of its bases.
        if "_given" not in vars(self):
            given = {**dict(zip(names, args, strict=False)), **kwargs}
            rest = args[len(names) :]
            self._note_given({**given, "*args": rest} if rest else given)
        init(self, *args, **kwargs)

    return noting_init


def require_saveable(role: str, *values: Any) -> None:
    """Raise an error if an object cannot be saved, before it is trained and then lost.

    Raises
    ------
    ValueError
        If its config cannot be made, or holds something that JSON cannot represent.
    """
    for value in values:
        try:
            json.dumps(serialize(value))
        except (AttributeError, NotImplementedError, TypeError, ValueError) as error:
            raise ValueError(
                f"{role}: expected something that can be saved with the model, got "
                f"{_brief(value)}: {error}. The arguments of your own class have to be kept in "
                f"attributes of the same name, and be numbers, strings, arrays, lists or tinynet "
                f"objects; or define get_config and from_config"
            ) from None


def _brief(value: Any) -> str:
    name = getattr(value, "name", "")
    return f"a {type(value).__name__}" + (f" named {name!r}" if isinstance(name, str) else "")


def resolve(kind: str, identifier: object, table: Mapping[str, Callable[..., T]]) -> T:
    """Make the object that a string or a config stands for.

    Parameters
    ----------
    kind : str
        What is looked up, for the error: ``"optimizer"``.
    identifier : str or dict
        A name in `table`, the name of a custom object, or what `serialize` returned.
    table : dict
        Classes by name.

    Returns
    -------
    object
        An instance of a class in `table` or of a custom class; another custom object as it is.

    Raises
    ------
    ValueError
        If there is no such name; the nearest one is suggested.
    UnknownObjectError
        If a config names a class that is not tinynet's and was not registered.
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
        as_it_is = is_own(found) or getattr(found, "takes_configs", False)
        remade = _as_array if as_it_is else restored
        config = {key: remade(value) for key, value in identifier.get("config", {}).items()}
        made: T = found.from_config(config)
        return made
    raise TypeError(
        f"{kind}: expected its name, its config or an object, "
        f"got {identifier!r} of type {type(identifier).__name__}"
    )


def _class_of(kind: str, config: Mapping[str, Any], table: Mapping[str, Any]) -> Any:
    """Return the class that a config names, from tinynet or from among the custom objects."""
    name, module = config["class_name"], config.get("module")
    if name in table and module in (None, table[name].__module__):
        return table[name]
    found = get_registered_object(name)
    if found is None and module is None:
        known_name(kind, name, table)  # raises an error that suggests the closest one
    if found is None:
        raise UnknownObjectError(unknown_object(kind, name, f"of the module {module}"))
    return found


def unknown_object(kind: str, name: str, origin: str) -> str:
    """Return the error message for a class or a function that was not registered."""
    short = name.rpartition(">")[2]
    rest = "" if kind in ("layer", "model") else "; compile=False reads the model without it"
    return (
        f"the {kind} {name!r} ({origin}) is not part of tinynet: pass custom_objects="
        f"{{{short!r}: {short}}}, or define it with "
        f"@tinynet.saving.register_keras_serializable() first{rest}"
    )


def _as_array(value: Any) -> Any:
    """Recreate an array that `serialize` wrote."""
    if not isinstance(value, Mapping) or value.get("class_name") != ARRAY:
        return value
    found = np.array(value["config"]["value"])
    kind = np.dtype(value["config"]["dtype"])
    # One of texts is as long as its texts, whatever its type says.
    return found.astype(kind) if kind.kind in "fiubc" else found


def restored(value: Any) -> Any:
    """Recreate the arrays and objects that `serialize` wrote for a class of the user's."""
    if isinstance(value, list):
        return [restored(each) for each in value]
    if not isinstance(value, Mapping) or value.get("class_name") == ARRAY:
        return _as_array(value)
    kind = _kind_of(value)
    if kind is not None:
        return resolve(kind.__name__, value, {value["class_name"]: kind})
    return {key: restored(each) for key, each in value.items()}


def _kind_of(config: Mapping[str, Any]) -> Any:
    """Return the class that a config names, if objects of it can be made; nothing is imported."""
    name = config.get("class_name")
    if not isinstance(name, str) or not isinstance(config.get("config"), Mapping):
        return None
    found = get_registered_object(name) if "module" in config else None
    if DEFINED_IN in config:
        found = getattr(sys.modules.get(str(config[DEFINED_IN])), name, None)
    is_one = isinstance(found, type) and issubclass(found, Configurable)
    return found if is_one and (DEFINED_IN not in config or is_own(found)) else None


def known_name(kind: str, name: str, table: Mapping[str, object]) -> str:
    """Return `name` if `table` has it; otherwise raise an error that suggests the closest name."""
    if name in table:
        return name
    import difflib

    nearest = difflib.get_close_matches(name, table, n=3, cutoff=0.4)
    nearest.sort(key=lambda each: sorted(each) != sorted(name))  # "adma": adam, not adamax
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"known are {sorted(table)}"
    raise ValueError(f"unknown {kind} {name!r}; {hint}")


def by_name(*classes: type) -> dict[str, Any]:
    """Make a table of classes under Keras's spellings: ``ReLU``, ``re_lu`` and ``relu``."""
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
    """Return the name of a layer or a model, if Keras accepts it too.

    Raises
    ------
    ValueError
        If it does not match `pattern`.
    """
    if not isinstance(name, str) or not re.fullmatch(pattern, name):
        raise ValueError(
            f"name: expected one that Keras accepts too, of the pattern {pattern}, got {name!r}; "
            f"write _ for spaces and the like"
        )
    return name


def auto_name(kind: type | str) -> str:
    """Return ``"dense"``, ``"dense_1"``, ... in the order of creation, for a class or its name."""
    prefix = to_snake_case(kind if isinstance(kind, str) else kind.__name__)
    count = _names[prefix]
    _names[prefix] += 1
    return f"{prefix}_{count}" if count else prefix


@contextmanager
def not_counting() -> Iterator[None]:
    """Let what is made in a ``with`` block use up no automatic names."""
    before = _names.copy()
    try:
        yield
    finally:
        _names.clear()
        _names.update(before)


def forget_names() -> None:
    """Start all automatic names over; part of ``clear_session``."""
    _names.clear()
