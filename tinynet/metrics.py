"""Metrics: what people look at beside the loss. They see all batches of an epoch as one.

A metric is fed with ``update_state`` batch by batch, and ``result`` is that of all samples
seen since ``reset_state``. Reports for people (precision and recall by class, say) come from
scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from tinynet.configurable import Configurable, by_name, resolve, to_snake_case
from tinynet.kernels.registry import Array


class Mean:
    """Weighted mean of the numbers seen so far; 0 before the first, as in Keras."""

    def __init__(self) -> None:
        self.total = 0.0
        self.count = 0.0

    def add(self, total: float, count: float) -> None:
        """Take in the (weighted) sum of some numbers and their count (or sum of weights)."""
        self.total += total
        self.count += count

    def result(self) -> float:
        """Return the mean."""
        return self.total / self.count if self.count else 0.0


class Metric(Configurable):
    """A figure over many batches.

    Parameters
    ----------
    name : str, optional
        Under which it stands in the logs; by default the class's name in snake case.

    Attributes
    ----------
    direction : {"up", "down"}
        Which way is better; callbacks in mode ``"auto"`` read it.
    """

    direction: ClassVar[str] = "up"

    def __init__(self, name: str | None = None) -> None:
        self.name = name or to_snake_case(type(self).__name__)
        self.reset_state()

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float | Array:
        """Feed a batch and return the result so far."""
        self.update_state(np.asarray(y_true), np.asarray(y_pred), sample_weight)
        return self.result()

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Any = None) -> None:
        """Take in a batch of targets and predictions, each (n, ...)."""
        raise NotImplementedError

    def result(self) -> float | Array:
        """Return the figure over everything since `reset_state`."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Forget everything."""
        raise NotImplementedError


class SampleMean(Metric):
    """Mean over the samples of a number that a subclass computes for each."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return one number a sample."""
        raise NotImplementedError

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Any = None) -> None:
        """Take in a batch."""
        values = self.values(y_true, y_pred)
        if sample_weight is None:
            self.mean.add(float(np.sum(values, dtype=np.float64)), values.size)
        else:
            weights = np.asarray(sample_weight, np.float64)
            weights = np.broadcast_to(
                weights.reshape(len(values), *[1] * (values.ndim - 1)), values.shape
            )
            self.mean.add(float(np.sum(values * weights)), float(np.sum(weights)))

    def result(self) -> float:
        """Return the mean; 0 before the first sample, as Keras does."""
        return self.mean.result()

    def reset_state(self) -> None:
        """Forget everything."""
        self.mean = Mean()


class Accuracy(SampleMean):
    """Share of predictions that equal their target."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether they are equal."""
        y_true, y_pred = _same_rank(y_true, y_pred)
        hits: Array = y_true == y_pred
        return hits


class BinaryAccuracy(SampleMean):
    """Share of outputs on the right side of a threshold.

    Parameters
    ----------
    name : str, optional
    threshold : float
        A prediction counts as 1 if it is greater, not if it is equal.
    """

    def __init__(self, name: str | None = None, threshold: float = 0.5) -> None:
        super().__init__(name)
        self.threshold = threshold

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether each output is on the right side."""
        y_true, y_pred = _same_rank(y_true, y_pred)
        hits: Array = y_true == (y_pred > self.threshold)
        return hits


class CategoricalAccuracy(SampleMean):
    """Share of samples whose largest output is where the one-hot target is; ties go low."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether the places agree."""
        hits: Array = np.argmax(y_true, axis=-1) == np.argmax(y_pred, axis=-1)
        return hits


class SparseCategoricalAccuracy(SampleMean):
    """Share of samples whose largest output has the index given as target; ties go low."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether the index agrees."""
        hits: Array = _labels(y_true, y_pred) == np.argmax(y_pred, axis=-1)
        return hits


class SparseTopKCategoricalAccuracy(SampleMean):
    """Share of samples whose target is among the k largest outputs.

    Outputs equal to the k-th largest all count as among them, as TensorFlow has it.

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
        super().__init__(name)
        if not isinstance(k, int) or k < 1:
            raise ValueError(f"k: expected a positive integer, got {k!r}")
        self.k = k

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether fewer than k outputs are larger than the target's."""
        labels = _labels(y_true, y_pred).astype(np.int64)
        own = np.take_along_axis(y_pred, labels[..., None], axis=-1)
        larger = np.sum(y_pred > own, axis=-1)
        hits: Array = (larger < self.k) & np.isfinite(own[..., 0])
        return hits


class TopKCategoricalAccuracy(SparseTopKCategoricalAccuracy):
    """As `SparseTopKCategoricalAccuracy`, for one-hot targets."""

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return whether fewer than k outputs are larger than the target's."""
        return super().values(np.argmax(y_true, axis=-1), y_pred)


class MeanSquaredError(SampleMean):
    """Mean over the outputs, then over the samples, of the squared error."""

    direction = "down"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each sample's mean squared error."""
        y_true, y_pred = _same_rank(y_true, y_pred)
        mean: Array = np.mean(np.square(y_pred - y_true), axis=-1)
        return mean


class MeanAbsoluteError(SampleMean):
    """Mean over the outputs, then over the samples, of the absolute error."""

    direction = "down"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return each sample's mean absolute error."""
        y_true, y_pred = _same_rank(y_true, y_pred)
        mean: Array = np.mean(np.abs(y_pred - y_true), axis=-1)
        return mean


class _Counts(Metric):
    """Counts of true and false positives and negatives at thresholds."""

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        self.thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        # Among the k largest outputs every one counts, however small.
        default = 0.5 if top_k is None else -np.inf
        given = default if thresholds is None else thresholds
        self.limits = np.atleast_1d(np.asarray(given, np.float64))
        if thresholds is not None and not np.all((self.limits >= 0) & (self.limits <= 1)):
            raise ValueError(f"thresholds: expected numbers from 0 to 1, got {thresholds!r}")
        super().__init__(name)

    def reset_state(self) -> None:
        """Forget everything."""
        self.true_positives = np.zeros(len(self.limits))
        self.false_positives = np.zeros(len(self.limits))
        self.false_negatives = np.zeros(len(self.limits))

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Any = None) -> None:
        """Take in a batch; all outputs of all samples are pooled."""
        y_true, y_pred = _same_rank(y_true, y_pred)
        weights = np.ones(len(y_pred)) if sample_weight is None else np.asarray(sample_weight)
        weights = np.broadcast_to(
            weights.reshape(len(y_pred), *[1] * (y_pred.ndim - 1)), y_pred.shape
        )
        if self.top_k is not None:
            kept = np.argsort(-y_pred, axis=-1, kind="stable")[..., : self.top_k]
            inside = np.zeros(y_pred.shape, bool)
            np.put_along_axis(inside, kept, True, axis=-1)
            y_pred = np.where(inside, y_pred, -np.inf)
        if self.class_id is not None:
            at = (..., self.class_id)
            y_true, y_pred, weights = y_true[at], y_pred[at], weights[at]
        positive = y_true.astype(bool)
        for i, limit in enumerate(self.limits):
            predicted = y_pred > limit
            self.true_positives[i] += np.sum(weights[predicted & positive])
            self.false_positives[i] += np.sum(weights[predicted & ~positive])
            self.false_negatives[i] += np.sum(weights[~predicted & positive])

    def _ratio(self, wrong: Array) -> float | Array:
        total = self.true_positives + wrong
        ratio = np.divide(self.true_positives, total, out=np.zeros_like(total), where=total > 0)
        return float(ratio[0]) if len(ratio) == 1 else ratio


class Precision(_Counts):
    """Share of the positive predictions that are right: TP/(TP + FP); 0 if there are none.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        A prediction above is positive; 0.5 by default. With several, the result is an array.
    top_k : int, optional
        Only the k largest outputs of a sample can be positive.
    class_id : int, optional
        Look at one output only.
    name : str, optional

    Raises
    ------
    ValueError
        If a threshold is not between 0 and 1.

    Notes
    -----
    Follows keras/src/metrics/confusion_metrics.py.
    """

    def result(self) -> float | Array:
        """Return TP/(TP + FP)."""
        return self._ratio(self.false_positives)


class Recall(_Counts):
    """Share of the positives that are found: TP/(TP + FN); 0 if there are none.

    Parameters as for `Precision`.
    """

    def result(self) -> float | Array:
        """Return TP/(TP + FN)."""
        return self._ratio(self.false_negatives)


class F1Score(Metric):
    """Harmonic mean of precision and recall, 2PR/(P + R), by class.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        None gives one figure a class; "micro" pools the classes, "macro" is the plain mean,
        "weighted" weighs each class by its number of targets.
    threshold : float, optional
        A prediction above is positive; by default the largest output of a sample is, and
        all that are equal to it.
    name : str, optional

    Raises
    ------
    ValueError
        If `average` is unknown; if targets are not one-hot.

    Notes
    -----
    Follows keras/src/metrics/f_score_metrics.py, which adds 1e-7 to each denominator.
    """

    AVERAGES = (None, "micro", "macro", "weighted")
    EPSILON = 1e-7

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = None,
    ) -> None:
        if average not in self.AVERAGES:
            raise ValueError(f"average: expected one of {self.AVERAGES}, got {average!r}")
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(f"threshold: expected above 0 and up to 1, got {threshold!r}")
        self.average = average
        self.threshold = threshold
        super().__init__(name)

    def reset_state(self) -> None:
        """Forget everything."""
        self.true_positives: Array | float = 0.0
        self.false_positives: Array | float = 0.0
        self.false_negatives: Array | float = 0.0
        self.weight: Array | float = 0.0

    def update_state(self, y_true: Array, y_pred: Array, sample_weight: Any = None) -> None:
        """Take in a batch of one-hot targets and predictions, both (n, classes)."""
        if y_true.ndim != 2 or y_true.shape != y_pred.shape:
            raise ValueError(
                f"f1_score: expected one-hot targets and predictions of one shape (n, classes), "
                f"got {y_true.shape} and {y_pred.shape}; to_categorical makes labels one-hot"
            )
        if self.threshold is None:
            largest = np.max(y_pred, axis=-1, keepdims=True)
            predicted = (y_pred >= largest) & (np.abs(y_pred) > 1e-9)
        else:
            predicted = y_pred > self.threshold
        positive = y_true.astype(np.float64)
        weights = np.ones(len(y_true)) if sample_weight is None else np.asarray(sample_weight)
        weights = weights.reshape(-1, 1)
        axis = None if self.average == "micro" else 0
        self.true_positives += np.sum(predicted * positive * weights, axis=axis)
        self.false_positives += np.sum(predicted * (1 - positive) * weights, axis=axis)
        self.false_negatives += np.sum(~predicted * positive * weights, axis=axis)
        self.weight += np.sum(positive * weights, axis=axis)

    def result(self) -> float | Array:
        """Return the score, averaged as asked."""
        tp, eps = self.true_positives, self.EPSILON
        precision = tp / (tp + self.false_positives + eps)
        recall = tp / (tp + self.false_negatives + eps)
        score: Any = 2 * precision * recall / (precision + recall + eps)
        if self.average == "weighted":
            return float(np.sum(score * self.weight / (np.sum(self.weight) + eps)))
        if self.average == "macro":
            return float(np.mean(score))
        return float(score) if np.ndim(score) == 0 else np.asarray(score)


def confusion_matrix(y_true: Any, y_pred: Any, num_classes: int | None = None) -> Array:
    """Count how often class i was predicted as class j.

    Parameters
    ----------
    y_true, y_pred : array_like of int, shape (n,)
        Labels from 0 to ``num_classes - 1``.
    num_classes : int, optional
        By default one more than the largest label.

    Returns
    -------
    ndarray of int64, shape (num_classes, num_classes)
        Rows are true classes, columns predicted ones.

    Raises
    ------
    ValueError
        If the shapes differ or a label is out of range.
    """
    true, predicted = np.asarray(y_true, np.int64), np.asarray(y_pred, np.int64)
    if true.shape != predicted.shape or true.ndim != 1:
        raise ValueError(
            f"confusion_matrix: expected two vectors of labels of one length, got shapes "
            f"{true.shape} and {predicted.shape}; take argmax of probabilities first"
        )
    largest = int(max(true.max(initial=-1), predicted.max(initial=-1)))
    classes = largest + 1 if num_classes is None else num_classes
    if largest >= classes or min(true.min(initial=0), predicted.min(initial=0)) < 0:
        raise ValueError(f"confusion_matrix: expected labels from 0 to {classes - 1}")
    counts = np.bincount(true * classes + predicted, minlength=classes**2)
    return counts.reshape(classes, classes)


METRICS: dict[str, type[Metric]] = {
    **by_name(
        Accuracy,
        BinaryAccuracy,
        CategoricalAccuracy,
        SparseCategoricalAccuracy,
        TopKCategoricalAccuracy,
        SparseTopKCategoricalAccuracy,
        Precision,
        Recall,
        F1Score,
        MeanSquaredError,
        MeanAbsoluteError,
    ),
    "mse": MeanSquaredError,
    "MSE": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "MAE": MeanAbsoluteError,
    "acc": Accuracy,
}


def get(identifier: object) -> Metric:
    """Return the metric that a name, a config or a class stands for.

    A metric asked for by name stands under that very name in the logs.
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    metric: Metric = resolve("metric", identifier, METRICS)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric


def for_shapes(
    identifier: object, target_shape: Sequence[int], output_shape: Sequence[int]
) -> Metric:
    """Return the metric; ``"accuracy"`` means one of three, which the shapes decide.

    Parameters
    ----------
    identifier : str, dict, type or Metric
    target_shape, output_shape : sequence of int
        Both with the batch axis.
    """
    if not isinstance(identifier, str) or identifier not in ("accuracy", "acc"):
        return get(identifier)
    name = identifier
    if output_shape[-1] == 1:
        return BinaryAccuracy(name)
    if len(target_shape) < len(output_shape) or target_shape[-1] == 1:
        return SparseCategoricalAccuracy(name)
    return CategoricalAccuracy(name)


def _labels(y_true: Array, y_pred: Array) -> Array:
    """Drop a last axis of 1 from integer targets."""
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        return y_true[..., 0]
    return y_true


def _same_rank(y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Give (n,) and (n, 1) the same rank, the higher one."""
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        return y_true[..., None], y_pred
    if y_pred.ndim == y_true.ndim - 1 and y_true.shape[-1] == 1:
        return y_true, y_pred[..., None]
    return y_true, y_pred
