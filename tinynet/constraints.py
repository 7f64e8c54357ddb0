"""Constraints: what weights are put back to after every step.

A layer's constraints act after the optimizer's update, and on nothing else: first weights stay as
their initializer made them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet.arrays import Array, read_only
from tinynet.checks import entries, integer, number
from tinynet.config import epsilon
from tinynet.configurable import Configurable, by_name, resolve, writer_and_reader
from tinynet.kernels import norms
from tinynet.overriding import missing
from tinynet.step.tape import call
from tinynet.user_functions import OfFunction


class Constraint(Configurable):
    """A rule that returns the weights that are allowed and nearest to some others, in some sense.

    A subclass defines ``__call__(w)``.
    """

    def __call__(self, w: Array) -> Array:
        """Return weights of the same shape; `w` is not changed."""
        raise missing(self, "__call__(w), which returns the weights that are allowed")

    def apply(self, w: Array) -> None:
        """Put the weights that are allowed into `w`."""
        call(self._replace, w)

    def _replace(self, w: Array) -> None:
        w[...] = self(w)


class _InPlace(Constraint):
    """A constraint that is a kernel. A subclass defines `change`."""

    def change(self, w: Array) -> None:
        """Put the weights that are allowed into `w`, by kernels."""
        raise NotImplementedError

    def __call__(self, w: Array) -> Array:
        """Return weights of the same shape; `w` is not changed."""
        allowed = np.array(w, order="C")
        self.change(allowed)
        return allowed

    def apply(self, w: Array) -> None:
        """Put the weights that are allowed into `w`: those of a subclass's ``__call__``, if any."""
        if type(self).__call__ is _InPlace.__call__:
            self.change(w)
        else:
            super().apply(w)


class NonNeg(_InPlace):
    """No weight below 0: each that is becomes 0.

    Notes
    -----
    Follows keras/src/constraints/constraints.py.
    """

    def change(self, w: Array) -> None:
        """Put the weights that are allowed into `w`."""
        norms.no_negatives(w.reshape(-1))


class _OfNorms(_InPlace):
    """What the constraints on norms share: the axes over which a norm is taken.

    Parameters
    ----------
    axis : int or sequence of int
        Of a kernel (inputs, units), 0 takes the norm of each unit's weights; of a convolution's
        (height, width, channels, filters), [0, 1, 2] that of each filter's.
    """

    def __init__(self, axis: int | Sequence[int] = 0) -> None:
        axes = [integer("axis", each, least=None) for each in entries(axis) or [axis]]
        self.axis: int | list[int] = axes[0] if entries(axis) is None else axes

    def rescale(self, w: Array) -> None:
        """Rescale weights (outer, k, inner) in place, by their norms over the middle axis."""
        raise NotImplementedError

    def change(self, w: Array) -> None:
        """Put the weights that are allowed into `w`."""
        given = self.axis if isinstance(self.axis, list) else [self.axis]
        axes = sorted({axis % w.ndim for axis in given if -w.ndim <= axis < w.ndim})
        if len(axes) < len(given):
            raise ValueError(f"axis: weights of shape {w.shape} have no axes {self.axis}")
        first, end = axes[0], axes[-1] + 1
        if len(axes) == end - first:  # one after the other, so that this is a view
            outer, inner = int(np.prod(w.shape[:first])), int(np.prod(w.shape[end:]))
            self.rescale(w.reshape(outer, -1, inner))
        else:
            call(self._rescale_apart, w, axes)

    def _rescale_apart(self, w: Array, axes: list[int]) -> None:
        """Rescale by norms over axes with others in between."""
        moved = np.moveaxis(w, axes, range(len(axes)))
        rows = np.array(moved, order="C")
        self.rescale(rows.reshape(1, int(np.prod(rows.shape[: len(axes)])), -1))
        moved[...] = rows


class MaxNorm(_OfNorms):
    """Norms of at most `max_value`: longer vectors of weights are shortened.

    Each is multiplied by ``min(norm, max_value)/(epsilon + norm)``, with Keras's epsilon of 1e-7.

    Parameters
    ----------
    max_value : float
    axis : int or sequence of int
        Of a kernel (inputs, units), 0 takes the norm of each unit's weights; of a convolution's
        (height, width, channels, filters), [0, 1, 2] that of each filter's.

    Notes
    -----
    Source: Srivastava et al. 2014, "Dropout", section 5.1; follows
    keras/src/constraints/constraints.py.
    """

    def __init__(self, max_value: float = 2, axis: int | Sequence[int] = 0) -> None:
        self.max_value = number("max_value", max_value, least=0)
        super().__init__(axis)

    def rescale(self, w: Array) -> None:
        """Rescale weights (outer, k, inner) in place, by their norms over the middle axis."""
        norms.limit_norms(0.0, float(self.max_value), 1.0, epsilon(), w)


class UnitNorm(_OfNorms):
    """Norms of 1: each vector of weights is divided by ``epsilon + norm``.

    Parameters
    ----------
    axis : int or sequence of int
        As for `MaxNorm`.

    Notes
    -----
    Follows keras/src/constraints/constraints.py.
    """

    def rescale(self, w: Array) -> None:
        """Rescale weights (outer, k, inner) in place, by their norms over the middle axis."""
        norms.unit_norms(epsilon(), w)


class MinMaxNorm(_OfNorms):
    """Norms between two limits, or on the way there.

    Each vector of weights is multiplied by ``wanted/(epsilon + norm)``, where ``wanted =
    rate*min(max(norm, min_value), max_value) + (1 - rate)*norm``.

    Parameters
    ----------
    min_value, max_value : float
    rate : float
        From 0 to 1: which part of the way to the limits one step goes.
    axis : int or sequence of int
        As for `MaxNorm`.

    Raises
    ------
    ValueError
        If a limit is negative, or the lower one is above the other; if `rate` is not between 0
        and 1.

    Notes
    -----
    Follows keras/src/constraints/constraints.py.
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: int | Sequence[int] = 0,
    ) -> None:
        self.min_value = number("min_value", min_value, least=0)
        self.max_value = number("max_value", max_value, least=self.min_value)
        self.rate = number("rate", rate, least=0, most=1)
        super().__init__(axis)

    def rescale(self, w: Array) -> None:
        """Rescale weights (outer, k, inner) in place, by their norms over the middle axis."""
        limits = float(self.min_value), float(self.max_value)
        norms.limit_norms(*limits, float(self.rate), epsilon(), w)


class ConstraintFunction(OfFunction, Constraint):
    """A function ``fn(w)`` that returns the weights that are allowed.

    Parameters
    ----------
    fn : callable
        It gets an array that cannot be written to.
    """

    role = "constraint"

    def __call__(self, w: Array) -> Array:
        """Return what the function returns."""
        return self.returned(self.fn(read_only(w)), w.shape, w.dtype)


max_norm = MaxNorm
non_neg = NonNeg
unit_norm = UnitNorm
min_max_norm = MinMaxNorm
CONSTRAINTS: dict[str, type[Constraint]] = by_name(MaxNorm, NonNeg, UnitNorm, MinMaxNorm)


def get(identifier: Any) -> Constraint | None:
    """Return the constraint of a name, a config, a class or a function; None stays None."""
    if isinstance(identifier, type) and issubclass(identifier, Constraint):
        return identifier()
    if identifier is None or isinstance(identifier, Constraint):
        return identifier
    found = ConstraintFunction.of(identifier)
    if not isinstance(found, Constraint):
        found = ConstraintFunction.of(resolve("constraint", identifier, CONSTRAINTS))
    constraint: Constraint = found
    return constraint


serialize, deserialize = writer_and_reader(get)
