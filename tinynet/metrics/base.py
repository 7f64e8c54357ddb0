"""What every metric does: take in batch after batch, and give one value for all of them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import text
from tinynet.configurable import Configurable
from tinynet.metrics.own import OwnVariables, default_name
from tinynet.overriding import missing
from tinynet.step.tape import Computes

Shape = tuple[int, ...]


class RunningMean:
    """Weighted mean of the numbers seen so far; 0 before the first, as in Keras."""

    def __init__(self) -> None:
        # Arrays without axes, so that kernels can add to them.
        self.total, self.count = np.zeros(()), np.zeros(())

    def add(self, total: float, count: float) -> None:
        """Take in the (weighted) sum of some numbers and their count (or sum of weights)."""
        self.total += total
        self.count += count

    def result(self) -> float:
        """Return the mean."""
        return float(self.total) / float(self.count) if self.count else 0.0

    def reset_state(self) -> None:
        """Forget all numbers."""
        self.total[...] = self.count[...] = 0


class Metric(OwnVariables, Computes, Configurable):
    """A value over many batches. A subclass defines `add`, `result` and `reset_state`.

    Parameters
    ----------
    name : str, optional
        The name in the logs; by default the class's in snake case, counted where Keras counts.
    **kwargs
        `dtype`, which a class of your own may pass on; it has no effect.

    Attributes
    ----------
    direction : {"up", "down"}
        Which way is better; callbacks in mode ``"auto"`` read it.
    """

    direction: ClassVar[str] = "up"
    computing = ("update_state", "add", "values")

    def __init__(self, name: str | None = None, **kwargs: Any) -> None:
        self.name = text("name", name) or default_name(type(self))
        self.begin(**kwargs)

    # What a subclass defines.

    def check_shapes(self, target_shape: Shape, output_shape: Shape) -> None:
        """Raise an error if the metric cannot use such shapes, both with the batch axis.

        `fit` calls this before it begins. A metric that cannot tell may leave it out.
        """

    def add(self, y_true: Array, y_pred: Array, sample_weight: Array | None) -> None:
        """Take in a batch."""
        raise missing(self, "update_state(y_true, y_pred, sample_weight=None), to take in a batch")

    def result(self) -> float | Array:
        """Return the value over everything since `reset_state`."""
        raise missing(self, "result(), which returns the value over all batches")

    # What all metrics share.

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch.

        Parameters
        ----------
        y_true, y_pred : array_like of shape (n, ...)
        sample_weight : array_like of shape (n,) or (n, steps), optional

        Raises
        ------
        ValueError
            If the targets do not have the form that the metric requires.
        """
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        self.add(np.asarray(y_true), np.asarray(y_pred), weights)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float | Array:
        """Take in a batch and return the result so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()


class SampleMean(Metric):
    """Mean over the samples of a number that a subclass computes for each."""

    def __init__(self, name: str | None = None) -> None:
        self.mean = RunningMean()
        super().__init__(name)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return one number per sample."""
        raise NotImplementedError

    def check_shapes(self, target_shape: Shape, output_shape: Shape) -> None:
        """Raise an error unless targets have the shape of the predictions."""
        check_same_shape(self.name, target_shape, output_shape)

    def add(self, y_true: Array, y_pred: Array, sample_weight: Array | None) -> None:
        """Take in a batch."""
        values = self.values(y_true, y_pred)
        if sample_weight is None:
            self.mean.add(_total(values), values.size)
        else:
            weights = spread(sample_weight, values.shape)
            self.mean.add(float(np.sum(values * weights)), float(np.sum(weights)))

    def result(self) -> float:
        """Return the mean; 0 before the first sample, as Keras does."""
        return self.mean.result()

    def reset_state(self) -> None:
        """Forget everything."""
        self.mean.reset_state()


def _total(values: Array) -> float:
    return float(np.count_nonzero(values) if values.dtype == bool else values.sum(dtype=np.float64))


def spread(sample_weight: Array, shape: tuple[int, ...]) -> Array:
    """Give every entry of an array (n, ...) the weight of its sample, or of its step (n, t)."""
    known = min(sample_weight.ndim, len(shape))  # a last axis of 1 may be one too many
    rows = (*sample_weight.shape[:known], *[1] * (len(shape) - known))
    return np.broadcast_to(sample_weight.reshape(rows), shape)


def check_same_shape(name: str, target_shape: Shape, output_shape: Shape) -> None:
    """Raise an error unless the two shapes are the same, except for a last axis of 1.

    Raises
    ------
    ValueError
    """
    alike = (output_shape, (*output_shape, 1), output_shape[:-1])
    if target_shape in alike[:2] or (target_shape == alike[2] and output_shape[-1] == 1):
        return
    hint = ""
    if len(target_shape) < len(output_shape) or target_shape[-1] == 1:
        hint = "; integer labels have to be made one-hot first, with to_categorical"
    raise ValueError(
        f"{name}: expected targets in the shape of the predictions, {output_shape}, got "
        f"{target_shape}{hint}"
    )


def same_shape(name: str, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Return targets and predictions with the same shape; (n,) and (n, 1) become (n, 1)."""
    check_same_shape(name, y_true.shape, y_pred.shape)
    if y_true.ndim > y_pred.ndim:
        return y_true, y_pred[..., None]
    return (y_true if y_true.ndim == y_pred.ndim else y_true[..., None]), y_pred


def check_labels(name: str, target_shape: Shape, output_shape: Shape) -> None:
    """Raise an error unless targets (n, ...) are labels for predictions (n, ..., classes).

    Raises
    ------
    ValueError
    """
    if target_shape in (output_shape[:-1], (*output_shape[:-1], 1)):
        return
    hint = ""
    if target_shape == output_shape:
        hint = "; targets look one-hot: the metric without 'sparse' in its name reads those"
    raise ValueError(
        f"{name}: expected one integer label per sample, shape {output_shape[:-1]}, got "
        f"{target_shape}{hint}"
    )


def labels_of(name: str, y_true: Array, y_pred: Array) -> Array:
    """Return integer targets (n, ...) for predictions (n, ..., classes), without a last 1."""
    check_labels(name, y_true.shape, y_pred.shape)
    return y_true if y_true.ndim < y_pred.ndim else y_true[..., 0]
