"""A metric that is defined by a function of targets and predictions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinynet import config
from tinynet.arrays import Array, read_only, same_rank
from tinynet.configurable import function_config, function_of, name_of_function
from tinynet.metrics.base import Mean, Metric


class MeanMetricWrapper(Metric):
    """The mean over all samples of what a function returns for them.

    Parameters
    ----------
    fn : callable
        ``fn(y_true, y_pred)`` takes arrays (n, ...) and returns one number per sample, (n,). If it
        returns more axes, they are averaged for each sample; a single number counts as one sample,
        so that the result is the mean over the batches.
    name : str, optional
        By default that of the function, in snake case.
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
        super().__init__(name or name_of_function(fn))

    def add(self, y_true: Array, y_pred: Array, sample_weight: Array | None) -> None:
        """Take in a batch."""
        if y_true.dtype.kind == "f":
            y_true = y_true.astype(config.floatx(), copy=False)
        given = read_only(y_true), read_only(y_pred)
        returned = np.asarray(self.fn(*given, **self.options))
        values = returned.astype(np.float64)
        count: float = len(values) if values.ndim else 1
        n = len(y_pred)
        if n > 1 and values.shape == (n, n) != y_pred.shape:
            warnings.warn(
                f"{self.name}: {n} samples, with targets of shape {y_true.shape} and predictions "
                f"of shape {y_pred.shape}, gave values of shape {values.shape}: each target met "
                f"each prediction; give targets the shape of the predictions, y[:, None]",
                stacklevel=2,
            )
        if sample_weight is not None:
            values, weights = same_rank(values, sample_weight)
            axes = weights.ndim
            values = values.mean(axis=tuple(range(axes, values.ndim)))
            weights = np.broadcast_to(weights, values.shape)
            values = values * weights
            count = float(weights.mean(axis=tuple(range(1, axes))).sum())
        if values.ndim > 1:
            values = values.mean(axis=tuple(range(1, values.ndim)))
        self.mean.add(float(values.sum()), count)

    def result(self) -> float:
        """Return the mean; 0 before the first sample."""
        return self.mean.result()

    def reset_state(self) -> None:
        """Forget everything."""
        self.mean = Mean()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, the function by its name."""
        return {"fn": function_config(self.fn), "name": self.name, **self.options}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> MeanMetricWrapper:
        """Find the function among the custom objects, and wrap it."""
        return cls(**{**config, "fn": function_of("metric", config["fn"])})
