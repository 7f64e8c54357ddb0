"""tinynet: a small neural network library that computes what Keras computes.

Written from scratch in NumPy and Numba, to be read. With ``import tinynet as keras``, ordinary
Keras scripts run as long as they use only what is here.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinynet import quiet_imports, scope

__version__ = "0.1.0"

__all__ = [
    "Initializer",
    "Input",
    "InputLayer",
    "KerasTensor",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "diagnose",
    "exercises",
    "files",
    "gradcheck",
    "initializers",
    "interop",
    "layers",
    "lessons",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "plots",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "standin",
    "trace",
    "tracing",
    "utils",
]

if TYPE_CHECKING:
    from tinynet import (
        activations,
        backend,
        callbacks,
        config,
        constraints,
        datasets,
        exercises,
        files,
        gradcheck,
        initializers,
        interop,
        layers,
        lessons,
        losses,
        metrics,
        models,
        optimizers,
        plots,
        preprocessing,
        random,
        regularizers,
        saving,
        tracing,
        utils,
    )
    from tinynet.diagnosis import diagnose
    from tinynet.initializers import Initializer
    from tinynet.layers import Input, InputLayer, Layer
    from tinynet.losses import Loss
    from tinynet.metrics import Metric
    from tinynet.models import Model, Sequential
    from tinynet.optimizers import Optimizer
    from tinynet.regularizers import Regularizer
    from tinynet.scripts import standin
    from tinynet.symbolic import KerasTensor
    from tinynet.tracing import trace

quiet_imports.wait()

# What can be reached from here as well as from their module.
_HOMES = {
    "diagnose": "diagnosis",
    "Initializer": "initializers",
    "Input": "layers",
    "InputLayer": "layers",
    "KerasTensor": "symbolic",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Sequential": "models",
    "standin": "scripts",
    "trace": "tracing",
}


def __getattr__(name: str) -> Any:
    """Import a part when it is used for the first time, so that ``import tinynet`` is quick."""
    if name not in __all__:
        scope.refuses("tinynet")(name)
    home = import_module(f"tinynet.{_HOMES.get(name, name)}")
    found = getattr(home, name) if name in _HOMES else home
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
