"""What an activation is: a pair of kernels, with their constants."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import plain
from tinynet.config import as_float
from tinynet.configurable import Configurable
from tinynet.custom_objects import note
from tinynet.kernels.registry import Differentiable, Kernel

ACTIVATIONS: dict[str, Activation] = {}


class Activation(Configurable):
    """A function with its derivative; elementwise, but for a `RowActivation`.

    Layers call ``forward(x)`` and ``backward(dout, x, out)``; a subclass may replace them.

    Parameters
    ----------
    choose : callable
        Takes the function's options and returns a `Differentiable`: the forward kernel, the
        backward kernel and the constants for both. Its name and docstring become the
        activation's.
    options : dict
        Options that are fixed for this object.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse a subclass whose own function no layer would call."""
        super().__init_subclass__(**options)
        if "__call__" in vars(cls) and "forward" not in vars(cls):
            raise TypeError(
                f"{cls.__name__}: __call__ is not what layers call; define forward(x) in its place"
            )

    def __init__(self, choose: Callable[..., Differentiable], **options: Any) -> None:
        functools.update_wrapper(self, choose)
        self.name = choose.__name__
        self.choose = choose
        self.options = {key: plain(value) for key, value in options.items()}
        self._chosen = choose(**self.options)

    def __call__(self, x: Any, *args: Any, **options: Any) -> Array:
        """Return the function's value at `x`, with other options if some are given."""
        if args or options:
            options = inspect.signature(self.choose).bind_partial(*args, **options).arguments
            return self.with_options(**options)(x)
        return self.forward(as_float(x))

    @property
    def only_kernels(self) -> bool:
        """Whether its functions are kernels; see `tinynet.step.tape.Computes`."""
        pair = self._chosen.forward, self._chosen.backward
        return (
            type(self) is Activation and isinstance(pair[0], Kernel) and isinstance(pair[1], Kernel)
        )

    def forward(self, x: Array) -> Array:
        """Return the function's value at every element of `x`, whatever its shape."""
        out = np.empty(x.shape, x.dtype)
        # Flat views: the kernel writes into out.
        self._chosen.forward(x.reshape(-1), *self._chosen.constants, out.reshape(-1))
        return out

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        """Return the gradient at the input: dout times the derivative at `x`.

        Parameters
        ----------
        dout, x, out : ndarray of the same shape and dtype
            The gradient at the output, the input and the output of the forward pass.
        """
        dx = np.empty(x.shape, x.dtype)
        arrays = dout.reshape(-1), x.reshape(-1), out.reshape(-1)
        self._chosen.backward(*arrays, *self._chosen.constants, dx.reshape(-1))
        return dx

    def with_options(self, **options: Any) -> Self:
        """Return the same function with some options fixed."""
        return type(self)(self.choose, **{**self.options, **options})

    def get_config(self) -> dict[str, Any]:
        """Return the function's name and the options that differ from its own defaults."""
        changed = dict(self.options)
        if changed:  # to look up the defaults takes longer than all the rest
            known = inspect.signature(self.choose).parameters
            changed = {k: v for k, v in changed.items() if k not in known or v != known[k].default}
        own = ACTIVATIONS.get(self.name)
        if own is None or own.choose is not self.choose:  # not one of tinynet's
            changed["module"] = self.choose.__module__
            note(self.name, self)
        return {"name": self.name, **changed}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Return the function that `get_config` described."""
        from tinynet.activations import get  # which knows all of them

        return get({"config": config})

    def __repr__(self) -> str:
        options = "".join(f", {k}={v!r}" for k, v in self.options.items())
        return f"<activation {self.name}{options}>"


class RowActivation(Activation):
    """An activation of the vectors along one axis, by which they are laid out as rows."""

    @property
    def only_kernels(self) -> bool:
        """Whether nothing has to be laid out in another way first."""
        return type(self) is RowActivation and self._chosen.constants == (-1,)

    def forward(self, x: Array) -> Array:
        """Return the function's value for every vector in `x`."""
        (axis,) = self._chosen.constants
        rows = _rows_along(x, axis)
        out = np.empty_like(rows)
        self._chosen.forward(rows, out)
        return _folded(out, x.shape, axis)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        """Return the gradient at the input; see `Activation.backward`."""
        (axis,) = self._chosen.constants
        rows = [_rows_along(each, axis) for each in (dout, x, out)]
        dx = np.empty_like(rows[0])
        self._chosen.backward(*rows, dx)
        return _folded(dx, x.shape, axis)


class Linear(Activation):
    """The identity, which changes nothing and therefore copies nothing."""

    only_kernels = True

    def forward(self, x: Array) -> Array:
        """Return `x`."""
        return x

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        """Return `dout`."""
        return dout


def registered(kind: type[Activation]) -> Callable[[Callable[..., Differentiable]], Activation]:
    """Turn the decorated choice of kernels into an activation of this kind, under its own name."""

    def register(choose: Callable[..., Differentiable]) -> Activation:
        ACTIVATIONS[choose.__name__] = kind(choose)
        # The function's own name now belongs to the activation; pickle finds it one level down.
        choose.__qualname__ = f"{choose.__qualname__}.choose"
        return ACTIVATIONS[choose.__name__]

    return register


def _rows_along(x: Array, axis: int) -> Array:
    """Lay out the vectors along `axis` as the rows of a matrix."""
    moved = x if axis == -1 else np.moveaxis(x, axis, -1)
    return np.ascontiguousarray(moved).reshape(-1, moved.shape[-1])


def _folded(rows: Array, shape: tuple[int, ...], axis: int) -> Array:
    """Undo `_rows_along`."""
    if axis == -1:
        return rows.reshape(shape)
    others = np.delete(shape, axis)
    return np.ascontiguousarray(np.moveaxis(rows.reshape(*others, -1), -1, axis))
