"""Means over the samples: accuracies and errors. Follows keras/src/metrics."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array, is_loopable
from tinynet.checks import integer, number
from tinynet.kernels.means import add_hits, first_largest
from tinynet.metrics.base import (
    SampleMean,
    Shape,
    check_labels,
    check_same_shape,
    labels_of,
    same_shape,
)
from tinynet.step.tape import call


class Accuracy(SampleMean):
    """Fraction of predictions that equal their target."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether they are equal."""
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        hits: Array = y_true == y_pred
        return hits


class BinaryAccuracy(SampleMean):
    """Fraction of outputs on the right side of a threshold.

    Parameters
    ----------
    name : str, optional
    threshold : float
        A prediction counts as 1 if it is greater, not if it is equal.
    """

    def __init__(self, name: str | None = None, threshold: float = 0.5) -> None:
        super().__init__(name)
        self.threshold = number("threshold", threshold)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether each output is on the right side."""
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        hits: Array = y_true == (y_pred > self.threshold)
        return hits


class CategoricalAccuracy(SampleMean):
    """Fraction of samples whose largest output is at the 1 of the one-hot target.

    Of several equal ones the first counts; NaN counts as -infinity, and -0.0 is below 0.0.
    """

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether the positions agree."""
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        hits: Array = first_largest(y_true) == first_largest(y_pred)
        return hits


class SparseCategoricalAccuracy(SampleMean):
    """Fraction of samples whose largest output is the target's; see `CategoricalAccuracy`."""

    only_kernels = True

    def check_shapes(self, target_shape: Shape, output_shape: Shape) -> None:
        """Raise an error unless there is one label for each prediction."""
        check_labels(self.name, target_shape, output_shape)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether the index agrees."""
        hits: Array = labels_of(self.name, y_true, y_pred) == first_largest(y_pred)
        return hits

    def add(self, y_true: Array, y_pred: Array, sample_weight: Array | None) -> None:
        """Take in a batch; without weights, in one go."""
        loopable = is_loopable(y_true.dtype) and y_pred.dtype.kind == "f"
        if sample_weight is not None or not loopable:
            call(super().add, y_true, y_pred, sample_weight)
            return
        labels = labels_of(self.name, y_true, y_pred).reshape(-1)
        p = y_pred.reshape(len(labels), y_pred.shape[-1])
        add_hits(labels, p, self.mean.total, self.mean.count)


class SparseTopKCategoricalAccuracy(SampleMean):
    """Fraction of samples whose target is among the k largest outputs.

    Outputs equal to the k-th largest all count as among them, as in TensorFlow; where an
    output is NaN or infinite, none does.

    Parameters
    ----------
    k : int
    name : str, optional

    Raises
    ------
    ValueError
        If `k` is not a positive integer.
    """

    def __init__(self, k: int = 5, name: str | None = None) -> None:
        self.k = integer("k", k)
        super().__init__(name)

    def check_shapes(self, target_shape: Shape, output_shape: Shape) -> None:
        """Raise an error unless there is one label for each prediction."""
        check_labels(self.name, target_shape, output_shape)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether fewer than k outputs are larger than the target's."""
        return self._among_the_largest(labels_of(self.name, y_true, y_pred), y_pred)

    def _among_the_largest(self, labels: Array, y_pred: Array) -> Array:
        own = np.take_along_axis(y_pred, labels.astype(np.int64)[..., None], axis=-1)
        larger = np.sum(y_pred > own, axis=-1)
        hits: Array = (larger < self.k) & np.all(np.isfinite(y_pred), axis=-1)
        return hits


class TopKCategoricalAccuracy(SparseTopKCategoricalAccuracy):
    """Like `SparseTopKCategoricalAccuracy`, for one-hot targets."""

    def check_shapes(self, target_shape: Shape, output_shape: Shape) -> None:
        """Raise an error unless targets have the shape of the predictions."""
        check_same_shape(self.name, target_shape, output_shape)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether fewer than k outputs are larger than the target's."""
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        return self._among_the_largest(np.argmax(y_true, axis=-1), y_pred)


class MeanSquaredError(SampleMean):
    """Mean over the outputs, then over the samples, of the squared error."""

    direction = "down"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each sample's mean squared error."""
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        mean: Array = np.mean(np.square(y_pred - y_true), axis=-1)
        return mean


class MeanAbsoluteError(SampleMean):
    """Mean over the outputs, then over the samples, of the absolute error."""

    direction = "down"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each sample's mean absolute error."""
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        mean: Array = np.mean(np.abs(y_pred - y_true), axis=-1)
        return mean
