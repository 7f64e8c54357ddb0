"""Losses as metrics, and what is made of errors: their root, and their share of the variance.

They are means over all samples, whatever else the model is trained with. In fit and evaluate, a
cross-entropy reads the logits before a final softmax or sigmoid, as the loss of that name does (see
`tinynet.losses.looking`). Called on predictions it has only these, and differs where a probability
was rounded or is clipped.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np

from tinynet import losses
from tinynet.arrays import Array
from tinynet.checks import integer
from tinynet.losses import Loss
from tinynet.metrics.base import (
    Metric,
    SampleMean,
    Shape,
    check_labels,
    check_same_shape,
    labels_of,
    same_shape,
    spread,
)


class LossMean(SampleMean):
    """Mean over the samples of a loss; a subclass says which one.

    Parameters
    ----------
    name : str, optional
    **kwargs
        Options of the loss.
    """

    direction = "down"
    kind: ClassVar[type[Loss]]

    def __init__(self, name: str | None = None, **kwargs: Any) -> None:
        self.loss = self.kind(reduction="none", **kwargs)
        vars(self).update({key: getattr(self.loss, key) for key in kwargs})
        super().__init__(name)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in a batch, of predictions that may know their logits."""
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        self.add(np.asarray(y_true), np.asanyarray(y_pred), weights)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the loss of each sample."""
        return np.asarray(self.loss(y_true, y_pred))


class MeanAbsolutePercentageError(LossMean):
    """Mean of the loss of the same name."""

    kind = losses.MeanAbsolutePercentageError


class MeanSquaredLogarithmicError(LossMean):
    """Mean of the loss of the same name."""

    kind = losses.MeanSquaredLogarithmicError


class LogCoshError(LossMean):
    """Mean of the loss `LogCosh`."""

    kind = losses.LogCosh

    def __init__(self, name: str | None = "logcosh") -> None:
        super().__init__(name)


class Poisson(LossMean):
    """Mean of the loss of the same name."""

    kind = losses.Poisson


class KLDivergence(LossMean):
    """Mean of the loss of the same name."""

    kind = losses.KLDivergence


class Hinge(LossMean):
    """Mean of the loss of the same name; whether targets are 0 and 1 is seen batch by batch."""

    kind = losses.Hinge


class SquaredHinge(LossMean):
    """Mean of the loss of the same name; whether targets are 0 and 1 is seen batch by batch."""

    kind = losses.SquaredHinge


class CategoricalHinge(LossMean):
    """Mean of the loss of the same name."""

    kind = losses.CategoricalHinge


class CosineSimilarity(LossMean):
    """Mean of the cosine itself: minus the loss of the same name, from -1 to 1 (same direction).

    Parameters
    ----------
    name : str, optional
    axis : int
        The last one.
    """

    direction = "up"
    kind = losses.CosineSimilarity

    def __init__(self, name: str | None = None, axis: int = -1) -> None:
        super().__init__(name, axis=axis)

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the cosine of each sample."""
        return -super().values(y_true, y_pred)


class BinaryCrossentropy(LossMean):
    """Mean of the loss of the same name.

    Parameters
    ----------
    name : str, optional
    from_logits : bool
    label_smoothing : float
        See `tinynet.losses.BinaryCrossentropy`.
    """

    kind = losses.BinaryCrossentropy

    def __init__(
        self, name: str | None = None, from_logits: bool = False, label_smoothing: float = 0.0
    ) -> None:
        super().__init__(name, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(LossMean):
    """Mean of the loss of the same name.

    Parameters
    ----------
    name : str, optional
    from_logits : bool
    label_smoothing : float
    axis : int
        See `tinynet.losses.CategoricalCrossentropy`.
    """

    kind = losses.CategoricalCrossentropy

    def __init__(
        self,
        name: str | None = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        super().__init__(name, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)


class SparseCategoricalCrossentropy(LossMean):
    """Mean of the loss of the same name.

    As in Keras, a sample of the `ignore_class` counts 0, and counts: the sum is divided by the
    number of all samples. With weights, its weight is 0.

    Parameters
    ----------
    name : str, optional
    from_logits : bool
    ignore_class : int, optional
    axis : int
        See `tinynet.losses.SparseCategoricalCrossentropy`.
    """

    kind = losses.SparseCategoricalCrossentropy
    ignore_class: int | None

    def __init__(
        self,
        name: str | None = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(name, from_logits=from_logits, ignore_class=ignore_class, axis=axis)

    def check_shapes(self, target_shape: Shape, output_shape: Shape) -> None:
        """Raise an error unless there is one label for each prediction."""
        check_labels(self.name, target_shape, output_shape)

    def add(self, y_true: Array, y_pred: Array, sample_weight: Array | None) -> None:
        """Take in a batch."""
        if sample_weight is not None and self.ignore_class is not None:
            labels = labels_of(self.name, y_true, y_pred)
            sample_weight = spread(sample_weight, labels.shape) * (labels != self.ignore_class)
        super().add(y_true, y_pred, sample_weight)


class RootMeanSquaredError(SampleMean):
    """Root of the mean, over outputs and samples, of the squared error."""

    direction = "down"

    def values(self, y_true: Array, y_pred: Array) -> Array:
        """Return the squared errors: of numbers (n,), too, one for each sample."""
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        squares: Array = np.square(y_pred - y_true)
        return squares

    def result(self) -> float:
        """Return the root."""
        return float(np.sqrt(self.mean.result()))


class R2Score(Metric):
    r"""Share of the targets' variance that the predictions explain, for each output.

    With the mean :math:`\bar t` of all targets seen, it is
    :math:`1 - \sum (t - p)^2 / \sum (t - \bar t)^2`: 1 at best, 0 for the mean itself, and below it
    for what is worse. Where the targets are all the same it is 0, and NaN if they are met exactly.

    Parameters
    ----------
    class_aggregation : {"uniform_average", "variance_weighted_average", None}
        The mean over the outputs, plain or by the variance of their targets; None gives all.
    num_regressors : int
        If above 0, the number q of inputs for which the score is adjusted:
        ``1 - (1 - score)*(n - 1)/(n - q - 1)``. As in Keras, n counts targets, not samples.
    name : str, optional

    Raises
    ------
    ValueError
        If an option is none of these; if targets and predictions are not both (n, outputs).

    Notes
    -----
    Follows keras/src/metrics/regression_metrics.py.
    """

    AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = None,
    ) -> None:
        if class_aggregation not in self.AGGREGATIONS:
            raise ValueError(
                f"class_aggregation: expected one of {self.AGGREGATIONS}, got {class_aggregation!r}"
            )
        self.class_aggregation = class_aggregation
        self.num_regressors = integer("num_regressors", num_regressors, least=0)
        super().__init__(name)

    def reset_state(self) -> None:
        """Forget everything."""
        self.number = 0
        # Of each output: sums of weights, targets, their squares, and squared errors. Targets are
        # counted from the first: the squares of numbers far from 0 lose their digits.
        self.sums = np.zeros((4, 1))
        self.start: Array | None = None

    def check_shapes(self, target_shape: Shape, output_shape: Shape) -> None:
        """Raise an error unless targets and predictions are (n, outputs)."""
        check_same_shape(self.name, target_shape, output_shape)
        if len(output_shape) != 2:
            raise ValueError(
                f"{self.name}: expected predictions of shape (n, outputs), got {output_shape}"
            )

    def add(self, y_true: Array, y_pred: Array, sample_weight: Array | None) -> None:
        """Take in a batch."""
        self.check_shapes(y_true.shape, y_pred.shape)
        t, p = (each.astype(np.float64) for each in same_shape(self.name, y_true, y_pred))
        w = np.ones_like(t) if sample_weight is None else spread(sample_weight, t.shape)
        if self.start is None and len(t):
            self.start = t[:1]
        u = t if self.start is None else t - self.start
        self.sums = self.sums + np.sum([w, w * u, w * u * u, w * (t - p) ** 2], axis=1)
        self.number += t.size

    def result(self) -> float | Array:
        """Return the score, or all scores."""
        count, total, squares, errors = self.sums
        with np.errstate(divide="ignore", invalid="ignore"):
            spread_out = squares - total * (total / count)
            scores: Array = 1 - errors / spread_out
            scores = np.where(np.isinf(scores), 0, scores)
            if self.class_aggregation == "uniform_average":
                scores = np.asarray(np.mean(scores))
            elif self.class_aggregation == "variance_weighted_average":
                scores = np.asarray(np.sum(spread_out * scores) / np.sum(spread_out))
        left = self.number - self.num_regressors - 1
        if self.num_regressors and left <= 0:
            warnings.warn(
                f"{self.name}: {self.number} targets are too few to adjust for "
                f"{self.num_regressors} regressors; the score is not adjusted",
                stacklevel=2,
            )
        elif self.num_regressors:
            scores = 1 - (1 - scores) * (self.number - 1) / left
        return float(scores) if np.ndim(scores) == 0 else scores
