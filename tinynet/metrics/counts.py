"""Metrics that count right and wrong predictions. Follows keras/src/metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet import config
from tinynet.arrays import Array
from tinynet.checks import entries, integer, number, plain
from tinynet.metrics.base import Metric, Shape, check_same_shape, same_shape, spread


class ThresholdCounts(Metric):
    """Counts of true and false positives and negatives, at every one of some thresholds.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
    top_k : int, optional
    class_id : int, optional
    name : str, optional
        See `Precision`.
    """

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        # Each of the k largest outputs counts as positive, however small.
        default = 0.5 if top_k is None else -np.inf
        self.thresholds = entries(thresholds) or plain(thresholds)
        for each in () if thresholds is None else entries(thresholds) or [thresholds]:
            number("thresholds", each, least=0, most=1)
        self.top_k = None if top_k is None else integer("top_k", top_k)
        self.class_id = None if class_id is None else integer("class_id", class_id, least=None)
        self.count_at(np.atleast_1d(default if thresholds is None else self.thresholds))
        super().__init__(name)

    def count_at(self, limits: Array, evenly: bool = False) -> None:
        """Fix the thresholds; where there are three or more, see whether they are evenly spaced."""
        even = np.arange(len(limits), dtype=np.float32) / max(1, len(limits) - 1)
        self.limits = limits
        close = len(limits) > 2 and np.allclose(limits, even, atol=config.epsilon())
        self.evenly = evenly or close

    def reset_state(self) -> None:
        """Forget everything."""
        # (thresholds, labels): a column for each label where these are counted apart.
        self.true_positives = np.zeros((len(self.limits), 1))
        self.false_positives = np.zeros((len(self.limits), 1))
        self.true_negatives = np.zeros((len(self.limits), 1))
        self.false_negatives = np.zeros((len(self.limits), 1))

    def check_shapes(self, target_shape: Shape, output_shape: Shape) -> None:
        """Raise an error unless targets have the predictions' shape, and these the class."""
        check_same_shape(self.name, target_shape, output_shape)
        classes = output_shape[-1]
        if self.class_id is not None and not -classes <= self.class_id < classes:
            raise ValueError(
                f"class_id: expected one of the {classes} outputs, 0 to {classes - 1}, got "
                f"{self.class_id}"
            )

    def add(self, y_true: Array, y_pred: Array, sample_weight: Array | None) -> None:
        """Take in a batch; all outputs of all samples are pooled."""
        self.check_shapes(y_true.shape, y_pred.shape)
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        y_pred = y_pred.astype(config.floatx())
        weights = spread(
            np.ones(len(y_pred)) if sample_weight is None else sample_weight, y_pred.shape
        )
        if self.top_k is not None:
            kept = np.argsort(-y_pred, axis=-1, kind="stable")[..., : self.top_k]
            inside = np.zeros(y_pred.shape, bool)
            np.put_along_axis(inside, kept, True, axis=-1)
            y_pred = np.where(inside, y_pred, -np.inf)
        if self.class_id is not None:
            at = (..., self.class_id)
            y_true, y_pred, weights = y_true[at], y_pred[at], weights[at]
        self.count(y_true.reshape(-1, 1), y_pred.reshape(-1, 1), weights.reshape(-1, 1))

    def count(self, y_true: Array, y_pred: Array, weights: Array) -> None:
        """Count targets and predictions (rows, labels), each label apart."""
        level = self._levels(y_pred)
        positive = y_true.astype(bool)
        above, below = self._sums(level, weights * positive)
        self.true_positives = self.true_positives + above
        self.false_negatives = self.false_negatives + below
        above, below = self._sums(level, weights * ~positive)
        self.false_positives = self.false_positives + above
        self.true_negatives = self.true_negatives + below

    def _levels(self, y_pred: Array) -> Array:
        """Return the index of the last threshold, in their order, that a prediction is above.

        -1 where there is none. Where the thresholds are evenly spaced Keras computes it, and a
        prediction that is almost equal to a threshold is rounded; otherwise it compares.
        """
        if self.evenly:
            steps = y_pred.dtype.type(len(self.limits) - 1)
            level = np.ceil(np.clip(y_pred, 0, 1) * steps) - 1
            if self.limits[0] < 0:  # then every prediction is above the first
                level = np.maximum(level, 0)
        else:
            # In the predictions' own type: one that is equal to a threshold is not above it.
            limits = np.sort(self.limits.astype(y_pred.dtype))
            level = np.searchsorted(limits, y_pred) - 1
        return np.where(np.isnan(y_pred), -1, level).astype(np.int64)

    def _sums(self, level: Array, weights: Array) -> tuple[Array, Array]:
        """Return the sums of weights above each threshold and below it, (thresholds, labels)."""
        n, labels = len(self.limits), level.shape[1]
        place = level + 1 + np.arange(labels) * (n + 1)
        bins = np.bincount(place.reshape(-1), weights.reshape(-1), labels * (n + 1))
        bins = bins.reshape(labels, n + 1).T
        above = np.cumsum(bins[:0:-1], axis=0)[::-1]
        below = np.cumsum(bins[:-1], axis=0)
        rank = np.argsort(np.argsort(self.limits, kind="stable"), kind="stable")
        return above[rank], below[rank]

    def at_each(self, values: Array) -> float | Array:
        """Return the value at the only threshold, or those at all."""
        return float(values[0, 0]) if len(values) == 1 else values[:, 0]


def ratio(part: Array, rest: Array) -> Array:
    """Return part/(part + rest); 0 where both are."""
    total = part + rest
    found: Array = np.divide(part, total, out=np.zeros_like(total), where=total != 0)
    return found


class Precision(ThresholdCounts):
    """Fraction of the positive predictions that are right: TP/(TP + FP); 0 if there are none.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        A prediction above it is positive. By default 0.5; with `top_k`, all of the k are
        positive. With several thresholds, the result is an array.
    top_k : int, optional
        Only the k largest outputs of a sample can be positive.
    class_id : int, optional
        Use only this output.
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
        return self.at_each(ratio(self.true_positives, self.false_positives))


class Recall(ThresholdCounts):
    """Fraction of the positives that are found: TP/(TP + FN); 0 if there are none.

    Parameters as for `Precision`.
    """

    def result(self) -> float | Array:
        """Return TP/(TP + FN)."""
        return self.at_each(ratio(self.true_positives, self.false_negatives))


class FBetaScore(Metric):
    r"""Weighted harmonic mean of precision P and recall R, by class.

    It is :math:`(1 + \beta^2)\,PR/(\beta^2 P + R)`: recall counts :math:`\beta` times as much.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
        None gives one score per class; "micro" pools the classes, "macro" is the plain mean,
        "weighted" weighs each class by its number of targets.
    beta : float
        Above 0.
    threshold : float, optional
        A prediction above it is positive; by default the largest output of a sample is, and
        all that are equal to it.
    name : str, optional

    Raises
    ------
    ValueError
        If `average` is unknown or `beta` not above 0; if targets are not one-hot.

    Notes
    -----
    Follows keras/src/metrics/f_score_metrics.py, which adds 1e-7 to each denominator.
    """

    AVERAGES = (None, "micro", "macro", "weighted")
    EPSILON = 1e-7

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
    ) -> None:
        if average not in self.AVERAGES:
            raise ValueError(f"average: expected one of {self.AVERAGES}, got {average!r}")
        self.average = average
        self.beta = number("beta", beta, above=0)
        self.threshold = (
            None if threshold is None else number("threshold", threshold, above=0, most=1)
        )
        super().__init__(name)

    def reset_state(self) -> None:
        """Forget everything."""
        self.true_positives: Array | float = 0.0
        self.false_positives: Array | float = 0.0
        self.false_negatives: Array | float = 0.0
        self.weight: Array | float = 0.0

    def check_shapes(self, target_shape: Shape, output_shape: Shape) -> None:
        """Raise an error unless targets and predictions are both (n, classes)."""
        if len(output_shape) == 2 and target_shape == output_shape:
            return
        hint = "to_categorical makes labels one-hot"
        if output_shape == (*target_shape, 1):
            hint = "for a single output, reshape y to (n, 1): y[:, None]"
        raise ValueError(
            f"{self.name}: expected one-hot targets and predictions of one shape (n, classes), got "
            f"{target_shape} and {output_shape}; {hint}"
        )

    def add(self, y_true: Array, y_pred: Array, sample_weight: Array | None) -> None:
        """Take in a batch of one-hot targets and predictions, both (n, classes)."""
        self.check_shapes(y_true.shape, y_pred.shape)
        if self.threshold is None:
            largest = np.max(y_pred, axis=-1, keepdims=True)
            predicted = (y_pred >= largest) & (np.abs(y_pred) > 1e-9)
        else:
            predicted = y_pred > self.threshold
        positive = y_true.astype(np.float64)
        weights = (
            np.ones((len(y_true), 1)) if sample_weight is None else sample_weight.reshape(-1, 1)
        )
        axis = None if self.average == "micro" else 0
        self.true_positives += np.sum(predicted * positive * weights, axis=axis)
        self.false_positives += np.sum(predicted * (1 - positive) * weights, axis=axis)
        self.false_negatives += np.sum(~predicted * positive * weights, axis=axis)
        self.weight += np.sum(positive * weights, axis=axis)

    def result(self) -> float | Array:
        """Return the score, averaged as `average` says."""
        tp, eps = self.true_positives, self.EPSILON
        precision = tp / (tp + self.false_positives + eps)
        recall = tp / (tp + self.false_negatives + eps)
        square = self.beta**2
        score: Any = (1 + square) * precision * recall / (square * precision + recall + eps)
        if self.average == "weighted":
            return float(np.sum(score * self.weight / (np.sum(self.weight) + eps)))
        if self.average == "macro":
            return float(np.mean(score))
        return float(score) if np.ndim(score) == 0 else np.asarray(score)


class F1Score(FBetaScore):
    """Harmonic mean of precision and recall, 2PR/(P + R), by class: `FBetaScore` with beta 1.

    Parameters
    ----------
    average : {None, "micro", "macro", "weighted"}
    threshold : float, optional
    name : str, optional
        See `FBetaScore`.
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name)


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
    given = np.asarray(y_true), np.asarray(y_pred)
    true, predicted = (each.astype(np.int64) for each in given)
    if true.shape != predicted.shape or true.ndim != 1:
        raise ValueError(
            f"confusion_matrix: expected two vectors of labels of equal length, got shapes "
            f"{true.shape} and {predicted.shape}; take argmax of probabilities first"
        )
    if not (np.array_equal(true, given[0]) and np.array_equal(predicted, given[1])):
        raise ValueError(
            "confusion_matrix: expected integer labels, got fractions; take argmax of "
            "probabilities first"
        )
    largest = int(max(true.max(initial=-1), predicted.max(initial=-1)))
    classes = largest + 1 if num_classes is None else num_classes
    if largest >= classes or min(true.min(initial=0), predicted.min(initial=0)) < 0:
        raise ValueError(f"confusion_matrix: expected labels from 0 to {classes - 1}")
    counts = np.bincount(true * classes + predicted, minlength=classes**2)
    return counts.reshape(classes, classes)
