"""The ground floor: all arithmetic except matrix products, every kernel in two forms."""

from tinynet.kernels import (
    cross_entropy,
    dropout,
    linear,
    normalization,
    random_bits,
    rectifiers,
    regression,
    rows,
    smooth,
    updates,
)
from tinynet.kernels.registry import KERNELS, Kernel

__all__ = [
    "KERNELS",
    "Kernel",
    "cross_entropy",
    "dropout",
    "linear",
    "normalization",
    "random_bits",
    "rectifiers",
    "regression",
    "rows",
    "smooth",
    "updates",
]
