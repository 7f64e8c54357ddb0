"""All arithmetic, every kernel in two forms."""

from tinynet.kernels import (
    batch_norm,
    convolution,
    cross_entropy,
    depthwise,
    dropout,
    layer_norm,
    linear,
    pooling,
    products,
    random_bits,
    rectifiers,
    regression,
    rows,
    smooth,
    updates,
    warping,
    winograd,
)
from tinynet.kernels.registry import KERNELS, Kernel

__all__ = [
    "KERNELS",
    "Kernel",
    "batch_norm",
    "convolution",
    "cross_entropy",
    "depthwise",
    "dropout",
    "layer_norm",
    "linear",
    "pooling",
    "products",
    "random_bits",
    "rectifiers",
    "regression",
    "rows",
    "smooth",
    "updates",
    "warping",
    "winograd",
]
