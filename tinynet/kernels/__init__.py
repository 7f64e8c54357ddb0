"""All arithmetic except matrix products, every kernel in two forms."""

from tinynet.kernels import (
    convolution,
    cross_entropy,
    depthwise,
    dropout,
    linear,
    normalization,
    pooling,
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
    "convolution",
    "cross_entropy",
    "depthwise",
    "dropout",
    "linear",
    "normalization",
    "pooling",
    "random_bits",
    "rectifiers",
    "regression",
    "rows",
    "smooth",
    "updates",
    "warping",
    "winograd",
]
