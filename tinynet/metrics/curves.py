"""Counts at one threshold, and what is read off the curve over many. Follows keras/src/metrics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinynet import config
from tinynet.activations import sigmoid
from tinynet.arrays import Array
from tinynet.checks import flag, integer, number, numbers
from tinynet.metrics.base import Shape, same_shape, spread
from tinynet.metrics.counts import ThresholdCounts, ratio


class Count(ThresholdCounts):
    """The (weighted) number of outputs of one kind.

    Parameters
    ----------
    thresholds : float or sequence of float, optional
        A prediction above it is positive; by default 0.5. With several, the result is an array.
    name : str, optional

    Raises
    ------
    ValueError
        If a threshold is not between 0 and 1.
    """

    kind = "true_positives"

    def __init__(
        self, thresholds: float | Sequence[float] | None = None, name: str | None = None
    ) -> None:
        super().__init__(thresholds, name=name)

    def result(self) -> float | Array:
        """Return the number."""
        return self.at_each(getattr(self, self.kind))


class TruePositives(Count):
    """Number of positive predictions that are right; parameters as in `Precision`."""


class FalsePositives(Count):
    """Number of positive predictions that are wrong; parameters as in `Precision`."""

    kind = "false_positives"
    direction = "down"


class TrueNegatives(Count):
    """Number of negative predictions that are right; parameters as in `Precision`."""

    kind = "true_negatives"


class FalseNegatives(Count):
    """Number of negative predictions that are wrong; parameters as in `Precision`."""

    kind = "false_negatives"
    direction = "down"


class Curve(ThresholdCounts):
    """What the metrics of the form "the best of one where the other is good enough" share.

    Parameters
    ----------
    argument : str
        What the next argument is called, for errors.
    least : float
        What the other has to reach, from 0 to 1.
    num_thresholds : int
        How many thresholds are tried, evenly spaced from 0 to 1.
    class_id : int, optional
        Use only this output.
    name : str, optional
    """

    def __init__(
        self,
        argument: str,
        least: float,
        num_thresholds: int,
        class_id: int | None,
        name: str | None,
    ) -> None:
        self.least = number(argument, least, least=0, most=1)
        self.num_thresholds = integer("num_thresholds", num_thresholds)
        super().__init__(None, None, class_id, name)
        if self.num_thresholds > 1:
            self.count_at(evenly_spaced(self.num_thresholds), evenly=True)
            self.reset_state()

    def best(self, values: Array, where: Array) -> float:
        """Return the largest of some values where another is good enough, or 0."""
        return float(np.max(np.where(where >= self.least, values, 0), initial=0))

    @property
    def recalls(self) -> Array:
        """Recall, or sensitivity, TP/(TP + FN) at every threshold."""
        return ratio(self.true_positives, self.false_negatives)

    @property
    def specificities(self) -> Array:
        """Specificity, TN/(TN + FP), at every threshold."""
        return ratio(self.true_negatives, self.false_positives)

    @property
    def precisions(self) -> Array:
        """Precision, TP/(TP + FP), at every threshold."""
        return ratio(self.true_positives, self.false_positives)


MOST = 1_000_000  # thresholds


def evenly_spaced(n: int) -> Array:
    """Return n thresholds from 0 to 1."""
    if n > MOST:
        raise ValueError(f"num_thresholds: expected at most {MOST}, got {n}")
    return np.array([0.0, *((i + 1) / (n - 1) for i in range(n - 2)), 1.0])


class SensitivityAtSpecificity(Curve):
    """Largest sensitivity of all thresholds at which the specificity is enough; 0 if it never is.

    The sensitivity is TP/(TP + FN), the specificity TN/(TN + FP).

    Parameters
    ----------
    specificity : float
        What is enough, from 0 to 1.
    num_thresholds : int
        How many are tried, evenly spaced from 0 to 1.
    class_id : int, optional
        Use only this output.
    name : str, optional

    Raises
    ------
    ValueError
        If `specificity` is not between 0 and 1, or `num_thresholds` not positive.
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__("specificity", specificity, num_thresholds, class_id, name)
        self.specificity = self.least

    def result(self) -> float:
        """Return the sensitivity."""
        return self.best(self.recalls, self.specificities)


class SpecificityAtSensitivity(Curve):
    """Largest specificity of all thresholds at which the sensitivity is enough; 0 if it never is.

    The specificity is TN/(TN + FP), the sensitivity TP/(TP + FN).

    Parameters
    ----------
    sensitivity : float
        What is enough, from 0 to 1.
    num_thresholds : int
        How many are tried, evenly spaced from 0 to 1.
    class_id : int, optional
        Use only this output.
    name : str, optional

    Raises
    ------
    ValueError
        If `sensitivity` is not between 0 and 1, or `num_thresholds` not positive.
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__("sensitivity", sensitivity, num_thresholds, class_id, name)
        self.sensitivity = self.least

    def result(self) -> float:
        """Return the specificity."""
        return self.best(self.specificities, self.recalls)


class PrecisionAtRecall(Curve):
    """Largest precision of all thresholds at which the recall is enough; 0 if it never is.

    The precision is TP/(TP + FP), the recall TP/(TP + FN).

    Parameters
    ----------
    recall : float
        What is enough, from 0 to 1.
    num_thresholds : int
        How many are tried, evenly spaced from 0 to 1.
    class_id : int, optional
        Use only this output.
    name : str, optional

    Raises
    ------
    ValueError
        If `recall` is not between 0 and 1, or `num_thresholds` not positive.
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__("recall", recall, num_thresholds, class_id, name)
        self.recall = self.least

    def result(self) -> float:
        """Return the precision."""
        return self.best(self.precisions, self.recalls)


class RecallAtPrecision(Curve):
    """Largest recall of all thresholds at which the precision is enough; 0 if it never is.

    The recall is TP/(TP + FN), the precision TP/(TP + FP).

    Parameters
    ----------
    precision : float
        What is enough, from 0 to 1.
    num_thresholds : int
        How many are tried, evenly spaced from 0 to 1.
    class_id : int, optional
        Use only this output.
    name : str, optional

    Raises
    ------
    ValueError
        If `precision` is not between 0 and 1, or `num_thresholds` not positive.
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__("precision", precision, num_thresholds, class_id, name)
        self.precision = self.least

    def result(self) -> float:
        """Return the recall."""
        return self.best(self.recalls, self.precisions)


class AUC(ThresholdCounts):
    r"""Area under a curve that all thresholds together draw, as a Riemann sum.

    The ROC curve is recall, TP/(TP + FN), over FP/(FP + TN); the PR curve is precision over recall;
    PRGAIN is precision gain over recall gain, 1 - FP/TP and 1 - FN/TP with the factor
    positives/negatives before the fractions (Flach and Kull 2015). Of the ROC curve the area is the
    probability that a positive output is above a negative one.

    Parameters
    ----------
    num_thresholds : int
        How many, evenly spaced from 0 to 1; at least 2.
    curve : {"ROC", "PR", "PRGAIN"}
    summation_method : {"interpolation", "minoring", "majoring"}
        The height of each step: the mean of its two ends, the lower or the higher. Between two
        points of the PR curve, interpolation follows Davis and Goadrich 2006.
    name : str, optional
    thresholds : sequence of float, optional
        In place of `num_thresholds`, between 0 and 1; the ends are added.
    multi_label : bool
        Whether each column of outputs has its own curve; the result is the mean of the areas.
    num_labels : int, optional
        The number of columns, with `multi_label` only.
    label_weights : sequence of float, optional
        A weight for each column, in that mean or else in the counts.
    from_logits : bool
        Whether predictions are logits, which go through a sigmoid.

    Raises
    ------
    ValueError
        If an option is none of these; if there is not one weight for each column.

    Notes
    -----
    Follows keras/src/metrics/confusion_metrics.py.
    """

    CURVES = ("ROC", "PR", "PRGAIN")
    METHODS = ("interpolation", "minoring", "majoring")

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        self.curve = _one_of("curve", curve, self.CURVES)
        self.summation_method = _one_of("summation_method", summation_method, self.METHODS)
        self.multi_label = flag("multi_label", multi_label)
        self.from_logits = flag("from_logits", from_logits)
        self.num_labels = None if num_labels is None else integer("num_labels", num_labels)
        if self.num_labels and not self.multi_label:
            raise ValueError("num_labels: expected None without multi_label=True")
        given = None if label_weights is None else numbers("label_weights", label_weights)
        self.label_weights = given
        chosen = None if thresholds is None else numbers("thresholds", thresholds)
        self.num_thresholds = integer("num_thresholds", num_thresholds, least=2)
        super().__init__(chosen, name=name)
        if self.thresholds is None:
            limits, evenly = evenly_spaced(self.num_thresholds), True
        else:
            self.num_thresholds = len(self.thresholds) + 2
            limits, evenly = np.array([0.0, *sorted(self.thresholds), 1.0]), False
        self.count_at(limits, evenly)
        # No prediction is at the ends.
        self.limits[[0, -1]] += -config.epsilon(), config.epsilon()
        self.reset_state()

    def check_shapes(self, target_shape: Shape, output_shape: Shape) -> None:
        """Raise an error unless targets have the predictions' shape, and these the labels."""
        super().check_shapes(target_shape, output_shape)
        if self.multi_label and len(output_shape) != 2:
            raise ValueError(
                f"{self.name}: multi_label expected predictions of shape (n, labels), got "
                f"{output_shape}"
            )
        for name, labels in (
            ("num_labels", self.num_labels),
            ("label_weights", len(self.label_weights) if self.label_weights else None),
        ):
            if labels and labels != output_shape[-1]:
                raise ValueError(
                    f"{name}: expected one for each of {output_shape[-1]} outputs, got {labels}"
                )

    def add(self, y_true: Array, y_pred: Array, sample_weight: Array | None) -> None:
        """Take in a batch; without `multi_label`, all outputs of all samples are pooled."""
        self.check_shapes(y_true.shape, y_pred.shape)
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        y_pred = y_pred.astype(config.floatx())
        if self.from_logits:
            y_pred = sigmoid(y_pred)
        weights = spread(np.ones(1) if sample_weight is None else sample_weight, y_pred.shape)
        if self.label_weights and not self.multi_label:
            weights = weights * np.array(self.label_weights)
        columns = y_pred.shape[-1] if self.multi_label else 1
        self.count(*(each.reshape(-1, columns) for each in (y_true, y_pred, weights)))

    def result(self) -> float:
        """Return the area, or the mean of all labels' areas."""
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = self._interpolated().sum(axis=0)
        else:
            x, y = self._points()
            ends = y[:-1], y[1:]
            heights = {
                "interpolation": (ends[0] + ends[1]) / 2,
                "minoring": np.minimum(*ends),
                "majoring": np.maximum(*ends),
            }
            areas = np.sum((x[:-1] - x[1:]) * heights[self.summation_method], axis=0)
        if not (self.multi_label and self.label_weights):
            return float(np.mean(areas))
        return float(_quotient(np.sum(areas * self.label_weights), np.sum(self.label_weights)))

    def _points(self) -> tuple[Array, Array]:
        """Return x and y of the curve at every threshold."""
        tp, fp, fn = self.true_positives, self.false_positives, self.false_negatives
        recall = ratio(tp, fn)
        if self.curve == "ROC":
            return ratio(fp, self.true_negatives), recall
        if self.curve == "PR":
            return recall, ratio(tp, fp)
        factor = _quotient(tp + fn, self.true_negatives + fp)
        recall_gain = np.where(tp == 0, 0, 1 - factor * _quotient(fn, tp))
        return np.maximum(recall_gain, 0), np.where(tp == 0, 1, 1 - factor * _quotient(fp, tp))

    def _interpolated(self) -> Array:
        """Return the areas between neighboring points of the PR curve."""
        tp, p = self.true_positives, self.true_positives + self.false_positives
        found, more = tp[:-1] - tp[1:], p[:-1] - p[1:]
        slope = _quotient(found, np.maximum(more, 0))
        start = tp[1:] - slope * p[1:]
        both = (p[:-1] > 0) & (p[1:] > 0)
        logs = np.log(np.where(both, _quotient(p[:-1], p[1:]), 1))
        positives = np.maximum(tp[1:] + self.false_negatives[1:], 0)
        return _quotient(slope * (found + start * logs), positives)


def _quotient(a: Array, b: Array) -> Array:
    """Return a/b, and 0 where b is 0."""
    shape = np.broadcast_shapes(np.shape(a), np.shape(b))
    found: Array = np.divide(a, b, out=np.zeros(shape), where=b != 0)
    return found


def _one_of(argument: str, given: str, known: Sequence[str]) -> str:
    """Return the spelling of an option, which may be in other letters."""
    for each in known:
        if isinstance(given, str) and given.lower() == each.lower():
            return each
    raise ValueError(f"{argument}: expected one of {tuple(known)}, got {given!r}")
