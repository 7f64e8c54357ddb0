"""tinynet: a small neural network library that computes what Keras computes.

Written from scratch in NumPy and Numba, to be read. ``import tinynet as keras`` runs ordinary
Keras scripts that stay within what is here.
"""

__version__ = "0.1.0"

from tinynet import (
    activations,
    backend,
    callbacks,
    config,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    random,
    regularizers,
    utils,
)
from tinynet.gradcheck import gradcheck
from tinynet.layers import Input, Layer
from tinynet.models import Sequential

__all__ = [
    "Input",
    "Layer",
    "Sequential",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "config",
    "datasets",
    "gradcheck",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "random",
    "regularizers",
    "utils",
]
