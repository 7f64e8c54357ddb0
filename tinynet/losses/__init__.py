r"""Losses: one number for how wrong a batch of predictions is, and its gradient.

``value(y_true, y_pred)`` computes the number and keeps what ``gradient()`` then reads.
Samples are weighted and reduced as in Keras: the sum of weight times loss over the number of
samples (not over the sum of the weights).

Looking back. A softmax followed by a cross-entropy loses digits: probabilities near 0 and 1 have
lost what the logits before them still hold. Keras on TensorFlow therefore looks back through a
model's final softmax or sigmoid and computes from the logits; the gradient is then p - y. A loss
says in ``looks_through`` which activations it can see through, and the model passes it the logits
where its last layer ends in one of them. (It also does so where the two do not belong together, a
softmax with `BinaryCrossentropy`: the loss then treats the logits as its own.)
"""

from collections.abc import Mapping
from typing import Any

from tinynet import scope
from tinynet.by_function import ByFunction
from tinynet.configurable import by_name, resolve, to_snake_case, writer_and_reader
from tinynet.losses.base import Loss
from tinynet.losses.cross_entropy import SparseCategoricalCrossentropy
from tinynet.losses.focal import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from tinynet.losses.functions import LossFunctionWrapper, by_call
from tinynet.losses.hinges import CategoricalHinge, Hinge, SquaredHinge
from tinynet.losses.outputs import OutputLosses
from tinynet.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
)
from tinynet.losses.smoothed import BinaryCrossentropy, CategoricalCrossentropy, KLDivergence
from tinynet.overriding import OF_LOSSES, require_called

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
]

LOSSES: dict[str, type[Loss]] = {
    **by_name(
        SparseCategoricalCrossentropy,
        CategoricalCrossentropy,
        BinaryCrossentropy,
        CategoricalFocalCrossentropy,
        BinaryFocalCrossentropy,
        KLDivergence,
        MeanSquaredError,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredLogarithmicError,
        Huber,
        LogCosh,
        Poisson,
        CosineSimilarity,
        Hinge,
        SquaredHinge,
        CategoricalHinge,
    ),
    **dict.fromkeys(["bce", "BCE"], BinaryCrossentropy),
    **dict.fromkeys(["kld", "KLD"], KLDivergence),
    **dict.fromkeys(["mse", "MSE"], MeanSquaredError),
    **dict.fromkeys(["mae", "MAE"], MeanAbsoluteError),
    **dict.fromkeys(["mape", "MAPE"], MeanAbsolutePercentageError),
    **dict.fromkeys(["msle", "MSLE"], MeanSquaredLogarithmicError),
}


def _of_samples(kind: type[Loss], y_true: Any, y_pred: Any, **options: Any) -> Any:
    return kind(reduction="none", **options)(y_true, y_pred)


# Each loss under the names that it has as a function: losses.mean_squared_error, losses.mse, ...
FUNCTIONS = {
    name: ByFunction(to_snake_case(kind.__name__), kind, _of_samples)
    for name, kind in LOSSES.items()
    if name.islower()
}
globals().update(FUNCTIONS)
ALSO = list(FUNCTIONS)


def get(identifier: object) -> Any:
    """Return what a name or a config stands for: a loss or, for ``"mse"`` and the like, a function.

    Functions give a number for each sample. They, losses and None are returned as they are.
    Follows keras/src/losses/__init__.py.
    """
    if isinstance(identifier, str):
        name = identifier.lower() if identifier.isupper() else identifier  # "MSE" is "mse"
        if name in FUNCTIONS:
            return FUNCTIONS[name]
    if identifier is None or (callable(identifier) and not isinstance(identifier, type)):
        return identifier
    found = loss_of(identifier)
    return found.fn if isinstance(identifier, str) and hasattr(found, "fn") else found


def loss_of(identifier: object) -> Any:
    """Return the loss that a name, a config, a class or a function stands for; None stays None."""
    if identifier is None:
        return None
    if isinstance(identifier, ByFunction):
        identifier = identifier.kind
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        identifier = identifier()
    found: Any = identifier
    if not callable(identifier):
        if isinstance(identifier, Mapping) and identifier.get("class_name") == "LossByCall":
            return loss_of(identifier["config"]["loss"])
        in_files = {"LossFunctionWrapper": LossFunctionWrapper, "OutputLosses": OutputLosses}
        found = resolve("loss", identifier, {**LOSSES, **in_files})
    if not isinstance(found, Loss):
        return LossFunctionWrapper(found)
    require_called(found, OF_LOSSES)
    return by_call(found)


serialize, deserialize = writer_and_reader(get)
__getattr__ = scope.refuses(__name__)
