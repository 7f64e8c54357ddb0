"""The learning rates of several steps, on the way down half a cosine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinynet.arrays import Array
from tinynet.exercises.base import Case, exercise


def steps_and_constants(rng: np.random.Generator) -> Iterator[Case]:
    """Yield steps, among them 0, the last one and some after it; a first rate, a length, alpha."""
    for n, rate, length, alpha in ((4, 0.1, 100, 0.0), (2, 0.5, 40, 0.125), (7, 0.02, 1000, 0.01)):
        inside = rng.uniform(1, length - 1, size=n).round()
        ends = 0, length, length + 1, 1.5 * length, 2 * length
        yield np.array(sorted((*inside, *ends)), dtype=np.float64), rate, length, alpha


def falling(angle: Array, rate: float, alpha: float) -> Array:
    """Return the rate that belongs to an angle of the cosine."""
    rates: Array = rate * ((1 - alpha) * (1 + np.cos(angle)) / 2 + alpha)
    return rates


@exercise(
    "schedules/cosine",
    page="backprop/schedules",
    returns="rates",
    cases=steps_and_constants,
    mistakes={
        "it rises again after decay_steps: from there on the rate stays at the lowest": (
            lambda right, step, rate, length, alpha: falling(np.pi * step / length, rate, alpha)
        ),
        "a whole cosine, there and back: half of one, up to pi, ends at the lowest rate": (
            lambda right, step, rate, length, alpha: falling(
                2 * np.pi * np.minimum(step / length, 1), rate, alpha
            )
        ),
        "a quarter of a cosine, up to pi/2: half of one, of which 1 + cos is taken, ends flat": (
            lambda right, step, rate, length, alpha: (
                rate * ((1 - alpha) * np.cos(np.pi / 2 * np.minimum(step / length, 1)) + alpha)
            )
        ),
        "alpha is missing: it is the share of the first rate that remains at the end": (
            lambda right, step, rate, length, alpha: falling(
                np.pi * np.minimum(step / length, 1), rate, 0.0
            )
        ),
        "alpha is taken as a rate: it is a share of the first rate": (
            lambda right, step, rate, length, alpha: (
                (rate - alpha) * (1 + np.cos(np.pi * np.minimum(step / length, 1))) / 2 + alpha
            )
        ),
        "alpha is added to the whole cosine: the first step then has more than the first rate": (
            lambda right, step, rate, length, alpha: (
                falling(np.pi * np.minimum(step / length, 1), rate, 0.0) + rate * alpha
            )
        ),
        "steps are counted from 1: the first one is step 0 and has the whole rate": (
            lambda right, step, rate, length, alpha: falling(
                np.pi * np.minimum((step + 1) / length, 1), rate, alpha
            )
        ),
        "a straight line, as PolynomialDecay of power 1 has it": (
            lambda right, step, rate, length, alpha: (
                rate * ((1 - alpha) * (1 - np.minimum(step / length, 1)) + alpha)
            )
        ),
    },
)
def cosine(step: Array, learning_rate: float, decay_steps: int, alpha: float) -> Array:
    """Return the rates of several steps, (n,), as CosineDecay; alpha is the share that remains.

    In double precision; the schedule itself computes in float32, as Keras does.
    """
    return falling(np.pi * np.minimum(step / decay_steps, 1), learning_rate, alpha)
