"""Weights under Keras's names: ``layer.kernel.numpy()``, ``layer.bias.assign(...)``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.config import floatx


class Variable(np.ndarray[Any, np.dtype[Any]]):
    """A weight or a state of a layer, as an array that knows its name.

    It is a view: it shows what training makes of the weight, and what is written into it is what
    the layer computes with. What is computed from it is an array like any other.

    Attributes
    ----------
    name, path : str
        ``"kernel"`` and ``"dense/kernel"``.
    trainable : bool
        Whether training changes it by its gradient.

    Notes
    -----
    Follows keras/src/backend/common/variables.py.
    """

    name: str
    path: str
    trainable: bool

    def __array_finalize__(self, source: Any) -> None:
        """Leave out the name: what is computed from a weight is not that weight."""
        self.name, self.path, self.trainable = "", "", False

    @property
    def value(self) -> Array:
        """The numbers, as a plain array that shares them."""
        return self.view(np.ndarray)

    def numpy(self) -> Array:
        """Return a copy of the numbers, as a plain array."""
        return self.value.copy()

    def assign(self, value: Any) -> Variable:
        """Copy numbers of the same shape into the weight.

        Raises
        ------
        ValueError
            If the shape is another; nothing is changed then.
        """
        new = np.asarray(value, self.dtype)
        if new.shape != self.shape:
            raise ValueError(f"{self.path}: expected shape {self.shape}, got {new.shape}")
        self[...] = new
        return self

    def assign_add(self, value: Any) -> Variable:
        """Add numbers of the same shape, or one number."""
        return self.assign(self.value + value)

    def assign_sub(self, value: Any) -> Variable:
        """Subtract numbers of the same shape, or one number."""
        return self.assign(self.value - value)


def variable(array: Array, path: str, trainable: bool) -> Variable:
    """Return a weight under its name, the last part of its path."""
    found = array.view(Variable)
    found.name, found.path, found.trainable = path.rsplit("/", 1)[-1], path, trainable
    return found


class WeightLists:
    """The lists of weights that layers and models have."""

    @property
    def weights(self) -> list[Variable]:
        """All weights and states, in Keras's order."""
        raise NotImplementedError

    @property
    def variables(self) -> list[Variable]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return [each for each in self.weights if each.trainable]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """States, and the weights of frozen layers."""
        return [each for each in self.weights if not each.trainable]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights


class Rate(float):
    """A learning rate: a number that can also be read and set as Keras's variable.

    Parameters
    ----------
    value : float
    optimizer : Optimizer
        Whose rate it is.
    """

    optimizer: Any

    def __new__(cls, value: float, optimizer: Any) -> Rate:
        """Make the number."""
        rate = super().__new__(cls, value)
        rate.optimizer = optimizer
        return rate

    def numpy(self) -> np.floating[Any]:
        """Return it as Keras does, in `tinynet.config.floatx`."""
        found: np.floating[Any] = np.dtype(floatx()).type(self)
        return found

    def assign(self, value: float) -> None:
        """Set the optimizer's learning rate."""
        self.optimizer.learning_rate = value

    def __reduce__(self) -> Any:
        """Copy it as a plain number: a copy belongs to no optimizer."""
        return float, (float(self),)
