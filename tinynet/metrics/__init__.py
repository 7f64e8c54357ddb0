"""Metrics: what people look at besides the loss. They treat all batches of an epoch as one.

A metric takes in batch after batch with ``update_state``, and ``result`` covers all samples
seen since ``reset_state``. Reports for people (precision and recall by class, say) come from
scikit-learn.
"""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from tinynet import config, losses, scope
from tinynet.by_function import ByFunction
from tinynet.configurable import (
    by_name,
    name_of_function,
    not_counting,
    resolve,
    to_snake_case,
    writer_and_reader,
)
from tinynet.metrics.base import Metric, SampleMean
from tinynet.metrics.counts import (
    F1Score,
    FBetaScore,
    Precision,
    Recall,
    confusion_matrix,
)
from tinynet.metrics.curves import (
    AUC,
    FalseNegatives,
    FalsePositives,
    PrecisionAtRecall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)
from tinynet.metrics.errors import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    Poisson,
    R2Score,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from tinynet.metrics.functions import (
    Mean,
    MeanMetricWrapper,
    Sum,
)
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
from tinynet.metrics.own import default_name

__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "confusion_matrix",
    "get",
]

METRICS: dict[str, type[Metric]] = {
    **by_name(
        F1Score,
        FBetaScore,
        Precision,
        Recall,
        AUC,
        FalseNegatives,
        FalsePositives,
        PrecisionAtRecall,
        RecallAtPrecision,
        SensitivityAtSpecificity,
        SpecificityAtSensitivity,
        TrueNegatives,
        TruePositives,
        Mean,
        MeanMetricWrapper,
        Sum,
        Accuracy,
        BinaryAccuracy,
        CategoricalAccuracy,
        MeanAbsoluteError,
        MeanSquaredError,
        R2Score,
        RootMeanSquaredError,
        SparseCategoricalAccuracy,
        SparseTopKCategoricalAccuracy,
        TopKCategoricalAccuracy,
        BinaryCrossentropy,
        CategoricalCrossentropy,
        CategoricalHinge,
        CosineSimilarity,
        Hinge,
        KLDivergence,
        LogCoshError,
        MeanAbsolutePercentageError,
        MeanSquaredLogarithmicError,
        Poisson,
        SparseCategoricalCrossentropy,
        SquaredHinge,
    ),
    **dict.fromkeys(["bce", "BCE"], BinaryCrossentropy),
    **dict.fromkeys(["mse", "MSE"], MeanSquaredError),
    **dict.fromkeys(["mae", "MAE"], MeanAbsoluteError),
    **dict.fromkeys(["mape", "MAPE"], MeanAbsolutePercentageError),
    **dict.fromkeys(["msle", "MSLE"], MeanSquaredLogarithmicError),
    "acc": Accuracy,
}


def _of_samples(kind: type[SampleMean], y_true: Any, y_pred: Any, **options: Any) -> Any:
    return kind(**options).values(np.asarray(y_true), np.asarray(y_pred)).astype(config.floatx())


# Those that are a mean over samples, as functions: metrics.categorical_accuracy, and the losses.
FUNCTIONS = losses.FUNCTIONS | {
    name: ByFunction(to_snake_case(kind.__name__), kind, _of_samples)
    for name, kind in METRICS.items()
    if name.endswith("accuracy") and name.islower() and issubclass(kind, SampleMean)
}
globals().update(FUNCTIONS)
ALSO = list(FUNCTIONS)


def get(identifier: object) -> Any:
    """Return the metric that a name, a config or a class stands for.

    Functions, metrics and None are returned as they are. Follows keras/src/metrics/__init__.py.
    """
    if identifier is None or (callable(identifier) and not isinstance(identifier, type)):
        return identifier
    if not isinstance(identifier, str):
        return metric_of(identifier)
    return resolve("metric", identifier, METRICS)


def metric_of(identifier: object) -> Metric:
    """Return the metric that a name, a config, a class or a function stands for.

    A metric given by name appears under exactly that name in the logs.
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if isinstance(identifier, ByFunction) and identifier.__name__ in METRICS:
        identifier = identifier.__name__
    if callable(identifier):
        name = getattr(identifier, "name", None)  # that of a loss
        return MeanMetricWrapper(identifier, name or name_of_function(identifier))
    with not_counting() if isinstance(identifier, str) else nullcontext():
        metric: Any = resolve("metric", identifier, METRICS)
    if not isinstance(metric, Metric):
        metric = MeanMetricWrapper(metric, name_of_function(metric))
    if isinstance(identifier, str):
        metric.name = identifier
    found: Metric = metric
    return found


serialize, deserialize = writer_and_reader(get)


def count(choices: Iterable[object]) -> None:
    """Count metrics that were given by name among those of their class, as Keras makes them."""
    for each in choices:
        if isinstance(each, str):
            default_name(type(metric_of(each)))


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
        return metric_of(identifier)
    name = identifier
    if output_shape[-1] == 1:
        return BinaryAccuracy(name)
    if len(target_shape) < len(output_shape) or target_shape[-1] == 1:
        return SparseCategoricalAccuracy(name)
    return CategoricalAccuracy(name)


__getattr__ = scope.refuses(__name__)
