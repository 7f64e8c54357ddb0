"""How large the initial weights are."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tinynet.exercises.base import Case, exercise
from tinynet.initializers import GlorotUniform, compute_fans


def shapes(rng: np.random.Generator) -> Iterator[Case]:
    """Yield shapes of kernels, of dense layers and of a convolution."""
    yield ((784, 10),)
    for _ in range(3):
        yield (tuple(rng.integers(1, 300, size=2).tolist()),)
    yield ((3, 5, 8, 16),)


@exercise(
    "initialization/glorot_limit",
    page="backprop/initialization",
    returns="limit",
    cases=shapes,
    mistakes={
        "the standard deviation, sqrt(2/(fan_in + fan_out)): the limit is sqrt(3) times it": (
            lambda right, shape: right / math.sqrt(3)
        ),
        "the root is missing": lambda right, shape: right**2,
        "sqrt(6/fan_in) is He's limit: Glorot's takes both fans": (
            lambda right, shape: math.sqrt(6 / compute_fans(shape)[0])
        ),
        "in a convolution, every pixel of the window counts: shape (r, s, inputs, outputs)": (
            lambda right, shape: math.sqrt(6 / (shape[-2] + shape[-1]))
        ),
        "the product of the fans, not their sum": (
            lambda right, shape: math.sqrt(6 / math.prod(compute_fans(shape)))
        ),
    },
)
def glorot_limit(shape: tuple[int, ...]) -> float:
    """Return the limit of Glorot's uniform draws for a kernel (inputs, outputs) or (r, s, ...)."""
    rule = GlorotUniform(seed=0)
    variance = rule.scale / (sum(compute_fans(shape)) / 2)
    return math.sqrt(3 * variance)  # of a uniform draw, the variance is limit**2/3
