"""Metrics: what people look at besides the loss. They treat all batches of an epoch as one.

A metric takes in batch after batch with ``update_state``, and ``result`` covers all samples
seen since ``reset_state``. Reports for people (precision and recall by class, say) come from
scikit-learn.
"""

from collections.abc import Sequence
from typing import Any

from tinynet import scope
from tinynet.configurable import by_name, resolve
from tinynet.metrics.base import Mean, Metric
from tinynet.metrics.counts import F1Score, Precision, Recall, confusion_matrix
from tinynet.metrics.functions import MeanMetricWrapper
from tinynet.metrics.means import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "F1Score",
    "Mean",
    "MeanAbsoluteError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "Metric",
    "Precision",
    "Recall",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "confusion_matrix",
    "get",
]

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
        MeanMetricWrapper,
    ),
    "mse": MeanSquaredError,
    "MSE": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "MAE": MeanAbsoluteError,
    "acc": Accuracy,
}


def get(identifier: object) -> Metric:
    """Return the metric that a name, a config, a class or a function stands for.

    A metric given by name appears under exactly that name in the logs.
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if callable(identifier):
        return MeanMetricWrapper(identifier)
    metric: Any = resolve("metric", identifier, METRICS)
    if not isinstance(metric, Metric):
        metric = MeanMetricWrapper(metric)
    if isinstance(identifier, str):
        metric.name = identifier
    found: Metric = metric
    return found


def for_shapes(
    identifier: object, target_shape: Sequence[int], output_shape: Sequence[int]
) -> Metric:
    """Return the metric; ``"accuracy"`` means one of three, depending on the shapes.

    Parameters
    ----------
    identifier : str, dict, type or Metric
    target_shape, output_shape : sequence of int
        Both with the batch axis.
    """
    if not isinstance(identifier, str) or identifier.lower() not in ("accuracy", "acc"):
        return get(identifier)
    name = identifier
    if output_shape[-1] == 1:
        return BinaryAccuracy(name)
    if len(target_shape) < len(output_shape) or target_shape[-1] == 1:
        return SparseCategoricalAccuracy(name)
    return CategoricalAccuracy(name)


__getattr__ = scope.refuses(__name__)
