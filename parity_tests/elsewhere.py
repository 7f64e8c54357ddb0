"""What Keras computes otherwise on JAX and PyTorch than on TensorFlow, which tinynet follows.

Random numbers, kinks and formulas of its own are left out by the tests, each with its reason.
Here are the constants. TensorFlow rounds many of Python's numbers through float32 on their way
into a tensor, in float64 as well: of Adam(beta_1=0.9) the powers of beta_1, but not 1 - beta_1.
tinynet does the same; JAX and PyTorch keep all digits. Two cures: options that float32 holds
exactly, for which there is nothing to round, and a tolerance for constants that no option sets.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.backend import BACKEND
from parity_tests.both import TOLERANCE

# Largest difference in float64 where a constant inside the formula is rounded.
ROUNDED_INSIDE = {
    "activations.gelu": 1e-7,  # the root of 1/2, and 0.044715
    "activations.leaky_relu": 1e-7,  # its slope where none is given, 0.2
    "optimizers.Nadam": 5e-7,  # 0.96
    # TensorFlow computes schedules in float32, the others in floatx.
    "optimizers.schedules.CosineDecay": 5e-7,
    "optimizers.schedules.ExponentialDecay": 5e-7,
    "optimizers.schedules.PiecewiseConstantDecay": 5e-7,
    "optimizers.schedules.PolynomialDecay": 5e-7,
}


def tolerance(piece: str, floatx: str) -> float:
    """Return the largest difference that is honest for a piece on this backend."""
    if BACKEND == "tensorflow" or floatx == "float32":
        return TOLERANCE[floatx]
    return ROUNDED_INSIDE.get(piece, TOLERANCE[floatx])


def float32_options(*made: Any) -> tuple[Any, ...]:
    """Remake objects of both libraries with options that float32 holds exactly.

    On TensorFlow they stay as they are.
    """
    if BACKEND == "tensorflow":
        return made
    return tuple(type(each).from_config(through_float32(each.get_config())) for each in made)


def through_float32(options: Any) -> Any:
    """Round every float in the options of an object, or a function, and leave the rest."""
    if isinstance(options, float):
        return float(np.float32(options))
    if isinstance(options, dict):
        return {name: through_float32(value) for name, value in options.items()}
    if isinstance(options, (list, tuple)):
        return type(options)(through_float32(value) for value in options)
    return options
