"""A function of the user's as an activation."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinynet.activations.base import ACTIVATIONS, Activation
from tinynet.arrays import Array, read_only
from tinynet.custom_objects import get_registered_name, note
from tinynet.measured import measured


class MeasuredActivation(Activation):
    """A function ``fn(x)`` with its derivative, which is measured as in `layers.Lambda`.

    It takes a few calls of the function in every step, and many if what it returns at one place
    depends on others. At a kink, such as 0 in ``np.maximum(x, 0)``, it is the mean of the slopes
    on both sides. Cross-entropies do not look through it.

    Parameters
    ----------
    fn : callable
        Takes an array that it must not change, and returns one of the same shape.

    Raises
    ------
    ValueError
        From `forward`, if the function returns anything else.
    """

    only_kernels = False

    def __init__(self, fn: Callable[[Array], Any]) -> None:
        functools.update_wrapper(self, fn)
        known = hasattr(fn, "__name__")
        self.__name__ = get_registered_name(fn) if known else type(fn).__name__
        # Losses look through tinynet's own softmax and sigmoid by their names.
        self.name = f"own {self.__name__}" if self.__name__ in ACTIVATIONS else self.__name__
        self.fn: Callable[[Array], Any] = fn
        self.choose: Any = fn
        self.options: dict[str, Any] = {}

    def forward(self, x: Array) -> Array:
        """Call the function."""
        returned = self.fn(read_only(x))
        try:
            out = np.array(returned, x.dtype, order="C")
        except (TypeError, ValueError):
            out = np.zeros(())
        if returned is None or out.shape != x.shape:
            got = f"shape {out.shape}" if out.ndim else repr(returned)
            raise ValueError(
                f"activation {self.name}: expected an array of the shape that the function was "
                f"given, {x.shape}, got {got}; another shape needs layers.Lambda"
            )
        return out

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        """Return the gradient at the input, measured."""
        return measured(self.forward, dout, x)

    def with_options(self, **options: Any) -> MeasuredActivation:
        """Return the function itself; it has no options."""
        return self

    def get_config(self) -> dict[str, Any]:
        """Return the function's name, by which it is found among the custom objects."""
        note(self.__name__, self.fn)
        return {"name": self.__name__, "module": getattr(self.fn, "__module__", "__main__")}
