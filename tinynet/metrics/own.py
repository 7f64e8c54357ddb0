"""What a metric of one's own may be made of: variables, as Keras's metrics have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet import config, initializers
from tinynet.configurable import auto_name, is_own, to_snake_case
from tinynet.variables import Variable, variable

# Objects of these have the same name, if they are given none. Those of other classes are counted,
# as in Keras: "auc" is followed by "auc_1", until clear_session.
ALWAYS_NAMED = {
    *("Accuracy", "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy"),
    *("TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy", "F1Score", "R2Score"),
    *("MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError", "Poisson", "KLDivergence"),
    *("MeanAbsolutePercentageError", "MeanSquaredLogarithmicError", "CosineSimilarity"),
    *("BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"),
    *("Hinge", "SquaredHinge", "CategoricalHinge"),
}


def default_name(kind: type) -> str:
    """Return the name of the next metric of a class, if it is given none."""
    for each in kind.__mro__:
        if each.__name__ in ALWAYS_NAMED and is_own(each):
            return to_snake_case(each.__name__)
    return auto_name(kind)


class OwnVariables:
    """A metric's variables, which `reset_state` sets to 0.

    Examples
    --------
    >>> import numpy as np, tinynet as keras
    >>> class Sureness(keras.metrics.Metric):
    ...     def __init__(self, name="sureness", **kwargs):
    ...         super().__init__(name=name, **kwargs)
    ...         self.total = self.add_weight(name="total", initializer="zeros")
    ...         self.count = self.add_weight(name="count", initializer="zeros")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.total.assign_add(y_pred.max(axis=-1).sum())
    ...         self.count.assign_add(len(y_pred))
    ...     def result(self):
    ...         return self.total / self.count
    ...
    >>> metric = Sureness()
    >>> metric.update_state(np.array([0, 1]), np.array([[0.5, 0.5], [0.25, 0.75]]))
    >>> float(metric.result())
    0.625
    """

    name: str

    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: object = "zeros",
        dtype: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Make a variable that batches are added to.

        Parameters
        ----------
        shape : sequence of int
            By default none: a single number.
        initializer : str or Initializer
        dtype : str, optional
            By default `tinynet.config.floatx`.
        name : str, optional

        Returns
        -------
        Variable
            With ``assign``, ``assign_add`` and ``numpy``.
        """
        first = initializers.get(initializer or "zeros")(tuple(shape), config.floatx())
        array = np.array(first, np.dtype(dtype or config.floatx()))
        found = variable(array, f"{self.name}/{name or 'variable'}", False)
        self.variables.append(found)
        return found

    def add_variable(
        self,
        shape: Sequence[int],
        initializer: object = "zeros",
        dtype: Any = None,
        aggregation: str | None = "sum",
        name: str | None = None,
    ) -> Variable:
        """Make a variable; see `add_weight`. There is nothing to be aggregated on one machine."""
        return self.add_weight(shape, initializer, dtype, name)

    @property
    def variables(self) -> list[Variable]:
        """What `add_weight` has made."""
        found: list[Variable] = vars(self).setdefault("_variables", [])
        return found

    def reset_state(self) -> None:
        """Forget everything: set all variables to 0."""
        for each in self.variables:
            each[...] = 0

    def begin(self, dtype: Any = None) -> None:
        """Forget everything, unless a class of the user's has its variables to make first."""
        kind = next(kind for kind in type(self).__mro__ if "reset_state" in vars(kind))
        if "__init__" not in vars(kind) or kind.__module__.partition(".")[0] == "tinynet":
            self.reset_state()

    def result(self) -> Any:
        """Return the value over everything since `reset_state`."""
        raise NotImplementedError

    def reported(self) -> Any:
        """Return the result for the logs: a number, or an array that stays as it is."""
        result = type(self).result
        found = getattr(result, "__wrapped__", result)(self)  # also if answered with tensors
        return float(found) if np.ndim(found) == 0 else np.array(found)
