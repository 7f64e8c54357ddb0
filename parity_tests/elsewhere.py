"""What Keras computes differently on JAX and PyTorch than on TensorFlow, which tinynet follows.

The tests leave out random numbers, kinks and a backend's own formulas, each with the reason. Here
are the constants. TensorFlow rounds many Python numbers through float32 when it converts them to a
tensor, in float64 too: in Adam(beta_1=0.9) for the powers of beta_1, but not for 1 - beta_1.
tinynet does the same; JAX and PyTorch keep all digits. There are two remedies: options that float32
represents exactly, for which there is nothing to round, and a tolerance for constants that no
option sets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.backend import BACKEND
from parity_tests.both import TOLERANCE

# Largest difference in float64 where a constant inside the formula is rounded.
ROUNDED_INSIDE = {
    "activations.gelu": 1e-7,  # the square root of 1/2, and 0.044715
    "activations.leaky_relu": 1e-7,  # its default slope, 0.2
    "optimizers.Nadam": 5e-7,  # 0.96
    # TensorFlow computes schedules in float32, the others in floatx.
    "optimizers.schedules.CosineDecay": 5e-7,
    "optimizers.schedules.CosineDecayRestarts": 5e-7,
    "optimizers.schedules.ExponentialDecay": 5e-7,
    "optimizers.schedules.InverseTimeDecay": 5e-7,
    "optimizers.schedules.PiecewiseConstantDecay": 5e-7,
    "optimizers.schedules.PolynomialDecay": 5e-7,
}


def tolerance(piece: str, floatx: str) -> float:
    """Return the largest difference to allow for a piece on this backend."""
    if BACKEND == "tensorflow" or floatx == "float32":
        return TOLERANCE[floatx]
    return ROUNDED_INSIDE.get(piece, TOLERANCE[floatx])


def float32_options(*made: Any) -> tuple[Any, ...]:
    """Make objects of both libraries again with options that float32 represents exactly.

    On TensorFlow they stay as they are.
    """
    if BACKEND == "tensorflow":
        return made
    return tuple(type(each).from_config(through_float32(each.get_config())) for each in made)


def through_float32(options: Any) -> Any:
    """Round every float in the options of an object or a function, and leave the rest."""
    if isinstance(options, float):
        return float(np.float32(options))
    if isinstance(options, dict):
        return {name: through_float32(value) for name, value in options.items()}
    if isinstance(options, (list, tuple)):
        return type(options)(through_float32(value) for value in options)
    return options
