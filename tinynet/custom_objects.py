"""The user's own classes and functions, by the names under which files refer to them.

A file holds names and numbers, never code, and tinynet imports nothing because a file says so. What
is not tinynet's own is found here: among the objects that a ``with`` block or `load_model` lends
for a while, and among those that were registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Object = TypeVar("Object", bound=Callable[..., Any])

_registered: dict[str, Any] = {}
_names: dict[Any, str] = {}
_lent: ContextVar[Mapping[str, Any]] = ContextVar("lent", default={})  # noqa: B039 (only read)
_noted: ContextVar[dict[str, Any] | None] = ContextVar("noted", default=None)


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Object], Object]:
    """Register a class or a function, so that a file that names it can be read.

    Parameters
    ----------
    package : str
        Tells classes of the same name apart: the file says ``"package>name"``.
    name : str, optional
        By default the object's own name.

    Returns
    -------
    callable
        A decorator that returns the object unchanged.

    Raises
    ------
    ValueError
        If a class has no ``get_config``.

    Notes
    -----
    Follows keras/src/saving/object_registration.py.

    Examples
    --------
    >>> import tinynet as keras
    >>> @keras.saving.register_keras_serializable(package="lesson")
    ... class Scaled(keras.layers.Layer):
    ...     def __init__(self, factor, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.factor = factor
    ...
    >>> keras.saving.get_registered_name(Scaled)
    'lesson>Scaled'
    """

    def register(value: Object) -> Object:
        if isinstance(value, type) and not hasattr(value, "get_config"):
            raise ValueError(
                f"register_keras_serializable: expected a class with get_config, got {value!r}; "
                f"derive it from a tinynet class"
            )
        full = f"{package}>{name or value.__name__}"
        _registered[full], _names[value] = value, full
        return value

    return register


@contextmanager
def custom_object_scope(custom_objects: Mapping[str, Any]) -> Iterator[None]:
    """Lend classes and functions, by name, to whatever the ``with`` block reads or looks up.

    Parameters
    ----------
    custom_objects : dict of str to class or function
    """
    if not isinstance(custom_objects, Mapping):
        raise TypeError(
            f"custom_objects: expected a dict of classes and functions by name, "
            f"{{'Scaled': Scaled}}, got {custom_objects!r}"
        )
    before = _lent.set({**_lent.get(), **custom_objects})
    try:
        yield
    finally:
        _lent.reset(before)


@contextmanager
def noting() -> Iterator[dict[str, Any]]:
    """Note under their names what the ``with`` block writes that is the user's."""
    found: dict[str, Any] = {}
    before = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(before)


def note(name: str, value: Any) -> None:
    """Say that a class or a function of the user's has been written under a name."""
    found = _noted.get()
    if found is not None:
        found[name] = value


def get_custom_objects() -> dict[str, Any]:
    """Return the dictionary of everything registered; what is put into it is registered too."""
    return _registered


def get_registered_name(obj: Any) -> str:
    """Return the name under which a class or a function was registered, or its own."""
    name: str = _names.get(obj, obj.__name__)
    return name


def get_registered_object(name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return what is lent or registered under a name, or is in `custom_objects`; else None.

    Asking for ``"lesson>Scaled"`` also finds what was lent as ``"Scaled"``, and asking for
    ``"Scaled"`` also finds what was registered as ``"lesson>Scaled"``.
    """
    short = name.rpartition(">")[2]
    for known in (_lent.get(), custom_objects or {}):
        if name in known or short in known:
            return known[name if name in known else short]
    if name in _registered:
        return _registered[name]
    return next((each for full, each in _registered.items() if full.endswith(f">{name}")), None)
