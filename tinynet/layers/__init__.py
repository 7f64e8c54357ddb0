"""Layers: see `tinynet.layers.base.Layer` for what one is."""

from collections.abc import Mapping
from typing import Any

from tinynet.configurable import resolve
from tinynet.layers.activation import ELU, LeakyReLU, ReLU, Softmax
from tinynet.layers.base import Layer
from tinynet.layers.core import Activation, Dense, Flatten, Input, Rescaling, Reshape
from tinynet.layers.normalization import BatchNormalization
from tinynet.layers.regularization import Dropout, GaussianNoise

__all__ = [
    "ELU",
    "Activation",
    "BatchNormalization",
    "Dense",
    "Dropout",
    "Flatten",
    "GaussianNoise",
    "Input",
    "Layer",
    "LeakyReLU",
    "ReLU",
    "Rescaling",
    "Reshape",
    "Softmax",
]

LAYERS: dict[str, type[Layer]] = {
    each.__name__: each
    for each in (
        Activation,
        BatchNormalization,
        Dense,
        Dropout,
        ELU,
        Flatten,
        GaussianNoise,
        LeakyReLU,
        ReLU,
        Rescaling,
        Reshape,
        Softmax,
    )
}


def deserialize(config: Mapping[str, Any]) -> Layer:
    """Make the layer that ``serialize(layer)`` described."""
    return resolve("layer", config, LAYERS)
