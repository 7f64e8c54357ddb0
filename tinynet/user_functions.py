"""Functions of the user's where a layer takes an initializer or a constraint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from tinynet.arrays import Array
from tinynet.configurable import Configurable, function_config, function_of, name_of_function


class OfFunction(Configurable):
    """What a function becomes: an object like tinynet's own, which files name by the function.

    Parameters
    ----------
    fn : callable

    Raises
    ------
    TypeError
        If `fn` cannot be called.
    """

    role: ClassVar[str] = "object"  # for errors: "initializer"

    def __init__(self, fn: Callable[..., Any]) -> None:
        if not callable(fn):
            raise TypeError(f"fn: expected a function in the place of the {self.role}, got {fn!r}")
        self.fn = fn

    @classmethod
    def of(cls, identifier: Any) -> Any:
        """Wrap a function, or what Keras's files have in its place; return anything else as it is.

        Raises
        ------
        UnknownObjectError
            If a file names a function that is neither registered nor among the custom objects.
        """
        if isinstance(identifier, Mapping) and identifier.get("class_name") == "function":
            return cls(function_of(cls.role, identifier))
        if isinstance(identifier, Mapping) and identifier.get("class_name") == cls.__name__:
            return cls.from_config(identifier["config"])
        is_object = isinstance(identifier, type) or hasattr(identifier, "get_config")
        return cls(identifier) if callable(identifier) and not is_object else identifier

    def returned(self, value: Any, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return what the function has returned as an array.

        Raises
        ------
        ValueError
            If it does not have the shape of the weight.
        """
        array = np.asarray(value, dtype)
        if array.shape != shape:
            raise ValueError(
                f"{self.role}: expected an array of the weight's shape {shape} from "
                f"{name_of_function(self.fn)}, got shape {array.shape}"
            )
        return array

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's argument, the function by its name."""
        return {"fn": function_config(self.fn)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Find the function among the custom objects, and wrap it."""
        return cls(function_of(cls.role, config["fn"]))
