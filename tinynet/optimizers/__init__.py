"""Optimizers: how parameters are updated when their gradients are known.

Where a docstring says "through float32", Keras on TensorFlow rounds that constant through
float32, in float64 as well; the others keep their double precision.
"""

from tinynet import scope
from tinynet.configurable import by_name, resolve, writer_and_reader
from tinynet.optimizers import schedules
from tinynet.optimizers.adam import Adam, AdamW
from tinynet.optimizers.adaptive import Adadelta, Adagrad, Adamax, Lion, Nadam, RMSprop
from tinynet.optimizers.base import Optimizer
from tinynet.optimizers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "schedules",
]

OPTIMIZERS: dict[str, type[Optimizer]] = by_name(
    SGD, RMSprop, Adam, AdamW, Adamax, Nadam, Adagrad, Adadelta, Lion
)


def get(identifier: object) -> Optimizer:
    """Return the optimizer that a name or a config stands for."""
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, type):
        raise TypeError(
            f"optimizer: expected an object, got the class {identifier.__name__}; call the class: "
            f"{identifier.__name__}()"
        )
    return resolve("optimizer", identifier, OPTIMIZERS)


serialize, deserialize = writer_and_reader(get)
__getattr__ = scope.refuses(__name__)
