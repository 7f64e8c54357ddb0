"""Layers: see `tinynet.layers.base.Layer` for what one is."""

from collections.abc import Mapping
from typing import Any

from tinynet import scope
from tinynet.configurable import resolve, writer_and_reader
from tinynet.layers import merging
from tinynet.layers.activation import ELU, LeakyReLU, ReLU, Softmax
from tinynet.layers.base import Layer
from tinynet.layers.convolutional import Conv2D
from tinynet.layers.core import (
    Activation,
    Flatten,
    Input,
    InputLayer,
    Permute,
    Rescaling,
    Reshape,
)
from tinynet.layers.dense import Dense
from tinynet.layers.depthwise import DepthwiseConv2D, SeparableConv2D
from tinynet.layers.function import Lambda
from tinynet.layers.merging import (
    Add,
    Average,
    Concatenate,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
from tinynet.layers.normalization import BatchNormalization, LayerNormalization
from tinynet.layers.pooling import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling2D,
    ZeroPadding2D,
)
from tinynet.layers.prelu import PReLU
from tinynet.layers.preprocessing import RandomContrast, RandomCrop, RandomFlip
from tinynet.layers.regularization import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout2D,
)
from tinynet.layers.resizing import Cropping2D, UpSampling2D
from tinynet.layers.unit_norm import UnitNormalization
from tinynet.layers.warping import RandomRotation, RandomTranslation, RandomZoom

__all__ = [
    "ELU",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AlphaDropout",
    "Average",
    "AveragePooling2D",
    "BatchNormalization",
    "Concatenate",
    "Conv2D",
    "Cropping2D",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling2D",
    "GlobalMaxPooling2D",
    "Input",
    "InputLayer",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "MaxPooling2D",
    "Maximum",
    "Minimum",
    "Multiply",
    "PReLU",
    "Permute",
    "RandomContrast",
    "RandomCrop",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "Rescaling",
    "Reshape",
    "SeparableConv2D",
    "Softmax",
    "SpatialDropout2D",
    "Subtract",
    "UnitNormalization",
    "UpSampling2D",
    "ZeroPadding2D",
]

# Other names that Keras has for them, besides those of `__all__`.
AvgPool2D, MaxPool2D = AveragePooling2D, MaxPooling2D
GlobalAvgPool2D, GlobalMaxPool2D = GlobalAveragePooling2D, GlobalMaxPooling2D
Convolution2D, SeparableConvolution2D = Conv2D, SeparableConv2D
add, average, concatenate = merging.add, merging.average, merging.concatenate
maximum, minimum, multiply, subtract = (
    merging.maximum,
    merging.minimum,
    merging.multiply,
    merging.subtract,
)
ALSO = ["AvgPool2D", "MaxPool2D", "GlobalAvgPool2D", "GlobalMaxPool2D", "Convolution2D"]
ALSO += ["SeparableConvolution2D", "add", "average", "concatenate", "maximum", "minimum"]
ALSO += ["multiply", "subtract"]

LAYERS: dict[str, type[Layer]] = {
    each.__name__: each
    for each in (
        Activation,
        ActivityRegularization,
        AlphaDropout,
        AveragePooling2D,
        BatchNormalization,
        Conv2D,
        Cropping2D,
        Dense,
        DepthwiseConv2D,
        Dropout,
        ELU,
        Flatten,
        GaussianDropout,
        GaussianNoise,
        GlobalAveragePooling2D,
        GlobalMaxPooling2D,
        Lambda,
        LayerNormalization,
        LeakyReLU,
        MaxPooling2D,
        Permute,
        PReLU,
        RandomContrast,
        RandomCrop,
        RandomFlip,
        RandomRotation,
        RandomTranslation,
        RandomZoom,
        ReLU,
        Rescaling,
        Reshape,
        SeparableConv2D,
        Softmax,
        SpatialDropout2D,
        UnitNormalization,
        UpSampling2D,
        ZeroPadding2D,
    )
}
# Those that only graphs have: they take several inputs, or none.
IN_GRAPHS: dict[str, type[Layer]] = {
    each.__name__: each
    for each in (Add, Average, Concatenate, InputLayer, Maximum, Minimum, Multiply, Subtract)
}


def _get(config: Mapping[str, Any]) -> Layer:
    return resolve("layer", config, LAYERS | IN_GRAPHS)


serialize, deserialize = writer_and_reader(_get)
__getattr__ = scope.refuses(__name__)
