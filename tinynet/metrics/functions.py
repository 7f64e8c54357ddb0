"""Means and sums of any numbers, and of what a function of targets and predictions returns."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinynet import config
from tinynet.arrays import Array, read_only, same_rank
from tinynet.configurable import function_config, function_of
from tinynet.losses.looking import protected, warning_if
from tinynet.metrics.base import Metric, Shape


class Mean(Metric):
    """Weighted mean of any numbers, batch after batch; 0 before the first.

    A subclass of it is a metric for ``compile``: `update_state` of y_true, y_pred and sample_weight
    hands on the numbers.

    Parameters
    ----------
    name : str, optional
    **kwargs
        As for `Metric`.

    Notes
    -----
    Follows keras/src/metrics/reduction_metrics.py, but adds in float64.

    Examples
    --------
    >>> import numpy as np, tinynet as keras
    >>> class MeanPrediction(keras.metrics.Mean):
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         super().update_state(y_pred, sample_weight=sample_weight)
    ...
    >>> metric = MeanPrediction(name="mean_prediction")
    >>> metric([0, 1], np.array([[0.5], [0.75]]))
    0.625
    """

    def __init__(self, name: str | None = "mean", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)

    def begin(self, dtype: Any = None) -> None:
        """Make the variables, all 0."""
        self.total = self.add_weight(name="total", dtype="float64")
        self.count = self.add_weight(name="count", dtype="float64")

    def check_shapes(self, target_shape: Shape, output_shape: Shape) -> None:
        """Raise an error where the class itself was given to ``compile``, and no subclass.

        Raises
        ------
        TypeError
        """
        if type(self).update_state in (Mean.update_state, Sum.update_state):
            raise TypeError(
                f"metrics: expected metrics of targets and predictions, got "
                f"{type(self).__name__}, which takes numbers alone; write a subclass with "
                f"update_state(self, y_true, y_pred, sample_weight=None) that hands them on"
            )

    def update_state(  # type: ignore[override] # numbers instead of targets and predictions
        self, values: Any, sample_weight: Any = None
    ) -> None:
        """Take in a number, or one for each sample: of an array (n, ...), the means over the rest.

        Parameters
        ----------
        values : array_like of any shape
        sample_weight : array_like of shape (n,) or (n, steps), optional
        """
        found, weights = by_sample(values, sample_weight, np.mean)
        self.total += found.sum()
        self.count += found.size if weights is None else weights.sum()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in numbers and return the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def result(self) -> float:
        """Return the mean."""
        return float(self.total) / float(self.count) if self.count else 0.0


class Sum(Mean):
    """Weighted sum of any numbers, batch after batch.

    Parameters
    ----------
    name : str, optional
    **kwargs
        As for `Metric`.
    """

    def __init__(self, name: str | None = "sum", **kwargs: Any) -> None:
        super().__init__(name, **kwargs)

    def begin(self, dtype: Any = None) -> None:
        """Make the variable, 0."""
        self.total = self.add_weight(name="total", dtype="float64")

    def update_state(  # type: ignore[override] # numbers instead of targets and predictions
        self, values: Any, sample_weight: Any = None
    ) -> None:
        """Take in a number or an array of them; weights as in `Mean`."""
        self.total += by_sample(values, sample_weight, np.sum)[0].sum()

    def result(self) -> float:
        """Return the sum."""
        return float(self.total)


def by_sample(
    values: Any, sample_weight: Any, reduce: Callable[..., Any]
) -> tuple[Array, Array | None]:
    """Reduce numbers (n, ...) to one for each sample, times its weight.

    Returns
    -------
    values : ndarray of shape (n,) or ()
    weights : ndarray of shape (n,) or (), or None

    Notes
    -----
    Follows keras/src/metrics/reduction_metrics.py.
    """
    values = np.asarray(values).astype(np.float64)
    weights = None
    if sample_weight is not None:
        values, weights = same_rank(values, np.asarray(sample_weight, np.float64))
        axes = weights.ndim
        values = reduce(values, axis=tuple(range(axes, values.ndim)))
        weights = np.broadcast_to(weights, values.shape)
        values = values * weights
        weights = reduce(weights, axis=tuple(range(1, axes)))
    if values.ndim > 1:
        values = reduce(values, axis=tuple(range(1, values.ndim)))
    return values, weights


class MeanMetricWrapper(Mean):
    """The mean over all samples of what a function returns for them.

    Parameters
    ----------
    fn : callable
        ``fn(y_true, y_pred)`` takes arrays (n, ...) and returns one number per sample, (n,). If it
        returns more axes, they are averaged for each sample; a single number counts as one sample,
        so that the result is the mean over the batches.
    name : str, optional
        In ``compile``, that of the function, in snake case.
    **kwargs
        Passed on to the function.

    Notes
    -----
    Targets and predictions are passed in the shapes that they have, as in Keras: the difference of
    labels (n,) and predictions (n, 1) has the shape (n, n), which causes a warning. Follows
    keras/src/metrics/reduction_metrics.py.

    Examples
    --------
    >>> import numpy as np, tinynet as keras
    >>> def sureness(y_true, y_pred):
    ...     return y_pred.max(axis=-1)
    ...
    >>> metric = keras.metrics.MeanMetricWrapper(sureness)
    >>> metric([0, 1], np.array([[0.5, 0.5], [0.25, 0.75]]))
    0.625
    """

    def __init__(self, fn: Callable[..., Any], name: str | None = None, **kwargs: Any) -> None:
        if not callable(fn):
            raise TypeError(f"fn: expected a function of y_true and y_pred, got {fn!r}")
        self.fn = fn
        self.options = kwargs
        self._has_looked = False
        super().__init__(name)

    def update_state(  # type: ignore[override] # as every metric but `Mean`
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Take in a batch."""
        y_true, y_pred = np.asarray(y_true), np.asanyarray(y_pred)
        if y_true.dtype.kind == "f":
            y_true = y_true.astype(config.floatx(), copy=False)
        with warning_if(not self._has_looked):
            returned = np.asarray(self.fn(read_only(y_true), protected(y_pred), **self.options))
        self._has_looked = True
        n = len(y_pred)
        if n > 1 and returned.shape == (n, n) != y_pred.shape:
            warnings.warn(
                f"{self.name}: {n} samples, with targets of shape {y_true.shape} and predictions "
                f"of shape {y_pred.shape}, gave values of shape {returned.shape}: each target met "
                f"each prediction; give targets the shape of the predictions, y[:, None]",
                stacklevel=2,
            )
        super().update_state(returned, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, the function by its name."""
        return {"fn": function_config(self.fn), "name": self.name, **self.options}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> MeanMetricWrapper:
        """Find the function among the custom objects, and wrap it."""
        return cls(**{**config, "fn": function_of("metric", config["fn"])})
