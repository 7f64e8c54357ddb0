"""Penalties on weights (or on a layer's output) that are added to the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import number
from tinynet.config import through_float32
from tinynet.configurable import Configurable, by_name, resolve, writer_and_reader
from tinynet.overriding import missing, overrides


class Regularizer(Configurable):
    """A penalty and its gradient. Subclasses define both.

    Calling it with an array returns the penalty as a number. That is too little to measure a
    gradient by: it would take some calls for every weight, and there are hundreds of thousands.

    Raises
    ------
    TypeError
        If a subclass defines ``__call__`` and not the `gradient` that goes with it.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """Refuse a penalty with the gradient of another one, or with none."""
        super().__init_subclass__(**options)
        if overrides(cls, "__call__", "gradient"):
            raise TypeError(
                f"{cls.__name__}: define gradient(x), too, the derivative of its __call__ in the "
                f"shape of x; nothing is differentiated for you here, and a gradient that it "
                f"inherits is that of another penalty"
            )

    def __call__(self, x: Array) -> float:
        """Return the penalty on `x`."""
        raise missing(self, "__call__(x), which returns the penalty as a number")

    def gradient(self, x: Array) -> Array:
        """Return the penalty's derivative, in the shape of `x`."""
        raise missing(self, "gradient(x), which returns the derivative of the penalty")


class L1L2(Regularizer):
    r"""The L1 and L2 penalties together, :math:`l_1\sum|x| + l_2\sum x^2`.

    The gradient is :math:`l_1\,\mathrm{sign}(x) + 2\,l_2 x`.

    Parameters
    ----------
    l1, l2 : float
        At least 0.

    Raises
    ------
    ValueError
        If a factor is negative or not finite.

    Notes
    -----
    Follows keras/src/regularizers/regularizers.py. TensorFlow rounds both factors through
    float32.

    Derived on the page :doc:`/backprop/regularization`.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = number("l1", l1, least=0)
        self.l2 = number("l2", l2, least=0)

    def __call__(self, x: Array) -> float:
        """Return the penalty on `x`."""
        penalty = 0.0
        if self.l1:
            penalty += through_float32(self.l1) * float(np.sum(np.abs(x)))
        if self.l2:
            penalty += through_float32(self.l2) * float(np.sum(np.square(x)))
        return penalty

    def gradient(self, x: Array) -> Array:
        """Return the penalty's derivative, in the shape of `x`."""
        slope = np.zeros_like(x)
        if self.l1:
            slope += through_float32(self.l1) * np.sign(x)
        if self.l2:
            slope += 2 * through_float32(self.l2) * x
        return slope


class L1(L1L2):
    r"""Penalty :math:`l_1\sum|x|`, which drives weights close to zero."""

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)


class L2(L1L2):
    r"""Penalty :math:`l_2\sum x^2`, which keeps weights small."""

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)


l1 = L1
l2 = L2
l1_l2 = L1L2
REGULARIZERS: dict[str, type[Regularizer]] = by_name(L1, L2, L1L2)


def get(identifier: object) -> Regularizer | None:
    """Return the regularizer that a name, a config or a class stands for; None stays None."""
    if identifier is None or isinstance(identifier, Regularizer):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Regularizer):
        return identifier()
    is_function = isinstance(identifier, Mapping) and identifier.get("class_name") == "function"
    if callable(identifier) or is_function:
        raise TypeError(
            f"regularizer: expected its name, its config or an object, got {identifier!r}; a "
            f"function has no derivative here, so write a class: derive it from "
            f"keras.regularizers.Regularizer, with __call__(self, x) for the penalty and "
            f"gradient(self, x) for its derivative"
        )
    return resolve("regularizer", identifier, REGULARIZERS)


serialize, deserialize = writer_and_reader(get)
