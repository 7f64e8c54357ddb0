"""One neuron with a sigmoid, p = 1/(1 + exp(-(w x + b))), and its cross-entropy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinynet.exercises.base import Case, exercise
from tinynet.exercises.dense import after
from tinynet.layers import Dense
from tinynet.losses import BinaryCrossentropy

PAGE = "backprop/one_neuron"


def cases(rng: np.random.Generator) -> Iterator[Case]:
    """Yield x, w and b, and a target y of 1 or 0."""
    yield 2.0, 0.5, -1.5, 1.0
    for y in (0.0, 1.0, 0.0):
        x, w, b = rng.normal(size=3).tolist()
        yield x, w, b, y


def backward(x: float, w: float, b: float, y: float) -> Dense:
    """Return the neuron after its backward pass."""
    layer, loss = after(np.array([[x]]), np.array([[w]]), np.array([b])), BinaryCrossentropy()
    loss.value(np.array([[y]]), layer.logits, from_logits=True)
    layer.backward(loss.gradient(), from_logits=True)
    return layer


def p(x: float, w: float, b: float) -> float:
    """Return the neuron's output."""
    return float(1 / (1 + np.exp(-(w * x + b))))


def slope(x: float, w: float, b: float) -> float:
    """Return the sigmoid's derivative."""
    return p(x, w, b) * (1 - p(x, w, b))


@exercise(
    "one_neuron/dw",
    page=PAGE,
    returns="dw",
    cases=cases,
    mistakes={
        "the factor x is missing: this is dz, and dw is dz times x": (
            lambda right, x, w, b, y: right / x
        ),
        "dz times w, which is dx; dw is dz times x": lambda right, x, w, b, y: right / x * w,
        "the sigmoid's derivative is missing: dz is dp times p(1 - p)": (
            lambda right, x, w, b, y: right / slope(x, w, b)
        ),
        "the sigmoid's derivative is there twice: p - y is dz already": (
            lambda right, x, w, b, y: right * slope(x, w, b)
        ),
        "y is not subtracted: dz is p - y": lambda right, x, w, b, y: p(x, w, b) * x,
    },
)
def dw(x: float, w: float, b: float, y: float) -> float:
    """Return dL/dw for z = w x + b, p = sigmoid(z), L = -y log p - (1 - y) log(1 - p)."""
    return float(backward(x, w, b, y).grads["kernel"][0, 0])


@exercise(
    "one_neuron/db",
    page=PAGE,
    returns="db",
    cases=cases,
    mistakes={
        "dz times x, which is dw; b is added, so its factor is 1": (
            lambda right, x, w, b, y: right * x
        ),
        "the sigmoid's derivative is missing: dz is dp times p(1 - p)": (
            lambda right, x, w, b, y: right / slope(x, w, b)
        ),
        "the sigmoid's derivative is there twice: p - y is dz already": (
            lambda right, x, w, b, y: right * slope(x, w, b)
        ),
        "y is not subtracted: dz is p - y": lambda right, x, w, b, y: p(x, w, b),
    },
)
def db(x: float, w: float, b: float, y: float) -> float:
    """Return dL/db for the same neuron and loss."""
    return float(backward(x, w, b, y).grads["bias"][0])
