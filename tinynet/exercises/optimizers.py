"""One step of an optimizer for a parameter w with the gradient g, both of any shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.exercises.base import Case, exercise
from tinynet.optimizers import SGD, Adam, Optimizer

SHAPES = (3,), (1,), (2, 4), (3, 3)

UPHILL = "the sign: this goes uphill, along the gradient"


def w_g_rate(rng: np.random.Generator) -> Iterator[Case]:
    """Yield w, g and the learning rate."""
    for shape, rate in zip(SHAPES, (0.1, 0.5, 0.01, 0.2), strict=True):
        yield rng.normal(size=shape), rng.normal(size=shape), rate


def w_g_m_rates(rng: np.random.Generator) -> Iterator[Case]:
    """Yield w, g, m, the learning rate and the momentum."""
    # Keras rounds the momentum to float32, which changes none of these.
    for (w, g, rate), momentum in zip(w_g_rate(rng), (0.875, 0.5, 0.75, 0.9375), strict=True):
        yield w, g, rng.normal(size=w.shape), rate, momentum


def w_g_moments(rng: np.random.Generator) -> Iterator[Case]:
    """Yield w, g, m, v, the number t of the step, and the constants; t = 1 has moments of 0."""
    for (w, g, rate), t in zip(w_g_rate(rng), (2, 1, 10, 500), strict=True):
        m, v = rng.normal(size=w.shape) * (t > 1), rng.random(w.shape) * (t > 1)
        # Keras rounds the betas to float32, which changes neither of these.
        yield w, g, m, v, t, rate, 0.875, 0.9921875, 1e-3


def after(optimizer: Optimizer, w: Array, g: Array, **slots: Array) -> tuple[Array, ...]:
    """Return w and the slots after a step."""
    w = w.copy()
    flat = {name: slot.reshape(-1).copy() for name, slot in slots.items()}
    optimizer.slots = {"w": flat}
    optimizer.step({"w": w}, {"w": g})
    return w, *(slot.reshape(w.shape) for slot in flat.values())


@exercise(
    "optimizers/sgd",
    page="backprop/optimizers",
    returns="w",
    cases=w_g_rate,
    mistakes={
        UPHILL: lambda right, w, g, rate: w + rate * g,
        "the learning rate is missing": lambda right, w, g, rate: w - g,
        "this is the step, not the new w": lambda right, w, g, rate: -rate * g,
    },
)
def sgd(w: Array, g: Array, learning_rate: float) -> Array:
    """Return the new w after a step of gradient descent with the gradient g."""
    return after(SGD(learning_rate, name="sgd"), w, g)[0]


@exercise(
    "optimizers/momentum",
    page="backprop/optimizers",
    returns="w, m",
    cases=w_g_m_rates,
    mistakes={
        UPHILL: lambda right, w, g, m, rate, momentum: (w - right[1], right[1]),
        "m without the learning rate, as in PyTorch: m = momentum m + g": (
            lambda right, w, g, m, rate, momentum: (
                w - rate * (momentum * m + g),
                momentum * m + g,
            )
        ),
        "the gradient is multiplied by 1 - momentum: this m is a sum, no average": (
            lambda right, w, g, m, rate, momentum: (
                w + momentum * m - (1 - momentum) * rate * g,
                momentum * m - (1 - momentum) * rate * g,
            )
        ),
        "w moves by the old m: compute the new one first": (
            lambda right, w, g, m, rate, momentum: (w + m, right[1])
        ),
        "Nesterov's step, w + momentum m - learning_rate g": (
            lambda right, w, g, m, rate, momentum: (w + momentum * right[1] - rate * g, right[1])
        ),
        "the old m is not multiplied by the momentum": (
            lambda right, w, g, m, rate, momentum: (w + m - rate * g, m - rate * g)
        ),
    },
)
def momentum(
    w: Array, g: Array, m: Array, learning_rate: float, momentum: float
) -> tuple[Array, ...]:
    """Return the new w and m: m = momentum m - learning_rate g, then w = w + m."""
    return after(SGD(learning_rate, momentum, name="sgd"), w, g, momentum=m)


def adam_step(
    m: Array, v: Array, t: int, rate: float, beta_1: float, beta_2: float, epsilon: float
) -> Array:
    """Return what Adam subtracts from w."""
    alpha = rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
    step: Array = alpha * m / (np.sqrt(v) + epsilon)
    return step


def wrong_step(step: Callable[..., Array]) -> Callable[..., Any]:
    """Return a mistake in the step of w only: the moments m and v are right."""
    return lambda right, w, g, m, v, *constants: (w - step(*right[1:], *constants), *right[1:])


def wrong_moments(moments: Callable[..., tuple[Array, Array]]) -> Callable[..., Any]:
    """Return a mistake in the moments, and a step with them."""

    def wrong(
        right: Any, w: Array, g: Array, m: Array, v: Array, t: int, rate: float, *others: float
    ) -> tuple[Array, Array, Array]:
        m, v = moments(g, m, v, *others[:2])
        return w - adam_step(m, v, t, rate, *others), m, v

    return wrong


@exercise(
    "optimizers/adam",
    page="backprop/adam",
    returns="w, m, v",
    cases=w_g_moments,
    mistakes={
        UPHILL: wrong_step(lambda *given: -adam_step(*given)),
        "m and v are not corrected for their start at 0": wrong_step(
            lambda m, v, t, rate, beta_1, beta_2, epsilon: rate * m / (np.sqrt(v) + epsilon)
        ),
        "corrected with 1 - beta for 1 - beta**t: right in the first step only": wrong_step(
            lambda m, v, t, *constants: adam_step(m, v, 1, *constants)
        ),
        "corrected with t + 1: t is the number of this step, from 1": wrong_step(
            lambda m, v, t, *constants: adam_step(m, v, t + 1, *constants)
        ),
        "epsilon is added to the corrected root, as in the paper; here to sqrt(v)": wrong_step(
            lambda m, v, t, rate, beta_1, beta_2, epsilon: (
                rate * m / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)
            )
        ),
        "epsilon is under the root": wrong_step(
            lambda m, v, t, rate, beta_1, beta_2, epsilon: adam_step(
                m, v + epsilon, t, rate, beta_1, beta_2, 0.0
            )
        ),
        "the root of v is missing": wrong_step(
            lambda m, v, *constants: adam_step(m, v**2, *constants)
        ),
        "g is not squared in v": wrong_moments(
            lambda g, m, v, beta_1, beta_2: (
                beta_1 * m + (1 - beta_1) * g,
                beta_2 * v + (1 - beta_2) * g,
            )
        ),
        "beta and 1 - beta are exchanged: the old moment is multiplied by beta": wrong_moments(
            lambda g, m, v, beta_1, beta_2: (
                (1 - beta_1) * m + beta_1 * g,
                (1 - beta_2) * v + beta_2 * g**2,
            )
        ),
    },
)
def adam(
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    t: int,
    learning_rate: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> tuple[Array, ...]:
    """Return the new w, m and v after step t, counted from 1, with epsilon next to sqrt(v)."""
    optimizer = Adam(learning_rate, beta_1, beta_2, epsilon, name="adam")
    optimizer.iterations = t - 1
    return after(optimizer, w, g, momentum=m, velocity=v)
