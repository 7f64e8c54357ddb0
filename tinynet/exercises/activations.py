"""The backward passes of three activations, out = f(z)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinynet.activations import Activation, relu, sigmoid, tanh
from tinynet.arrays import Array
from tinynet.exercises.base import Case, exercise

PAGE = "backprop/activations"

NO_DERIVATIVE = "the derivative is missing: this is dout"
NO_DOUT = "dout is missing: this is the derivative alone"
VALUE = "multiplied by f(z): the factor is the derivative f'(z)"


def dout_z(rng: np.random.Generator) -> Iterator[Case]:
    """Yield dout and z of the same shape; one z is 0."""
    for shape in ((3, 4), (1, 3), (3, 3), (2, 2, 3)):
        dout, z = rng.normal(size=(2, *shape))
        z.flat[1] = 0
        yield dout, z


def backward(f: Activation, dout: Array, z: Array) -> Array:
    """Return dz of an activation."""
    return f.backward(dout, z, f.forward(z))


@exercise(
    "activations/relu_backward",
    page=PAGE,
    returns="dz",
    cases=dout_z,
    mistakes={
        "the mask is missing: where z is not above 0, dz is 0": lambda right, dout, z: dout,
        NO_DOUT: lambda right, dout, z: np.where(z > 0, 1.0, 0.0),
        VALUE: lambda right, dout, z: dout * relu(z),
        "the mask is taken from dout: ReLU passes the gradient where z is above 0": (
            lambda right, dout, z: np.maximum(dout, 0)
        ),
        "the mask is the other way round": lambda right, dout, z: np.where(z > 0, 0.0, dout),
        "the derivative at z = 0 is taken as 1 (z >= 0); tinynet and Keras take 0": (
            lambda right, dout, z: np.where(z >= 0, dout, 0.0)
        ),
    },
)
def relu_backward(dout: Array, z: Array) -> Array:
    """Return dz of out = max(z, 0), with a derivative of 0 at 0; dout has the shape of z."""
    return backward(relu, dout, z)


@exercise(
    "activations/sigmoid_backward",
    page=PAGE,
    returns="dz",
    cases=dout_z,
    mistakes={
        NO_DERIVATIVE: lambda right, dout, z: dout,
        NO_DOUT: lambda right, dout, z: sigmoid(z) * (1 - sigmoid(z)),
        VALUE: lambda right, dout, z: dout * sigmoid(z),
        "half of the derivative: it is out(1 - out), not 1 - out": (
            lambda right, dout, z: dout * (1 - sigmoid(z))
        ),
        "out(1 - out) with z for out: it wants the output, sigmoid(z)": (
            lambda right, dout, z: dout * z * (1 - z)
        ),
    },
)
def sigmoid_backward(dout: Array, z: Array) -> Array:
    """Return dz of out = 1/(1 + exp(-z)); dout has the shape of z."""
    return backward(sigmoid, dout, z)


@exercise(
    "activations/tanh_backward",
    page=PAGE,
    returns="dz",
    cases=dout_z,
    mistakes={
        NO_DERIVATIVE: lambda right, dout, z: dout,
        NO_DOUT: lambda right, dout, z: 1 - tanh(z) ** 2,
        VALUE: lambda right, dout, z: dout * tanh(z),
        "the square is missing: the derivative is 1 - out**2": (
            lambda right, dout, z: dout * (1 - tanh(z))
        ),
        "1 - out**2 with z for out: it wants the output, tanh(z)": (
            lambda right, dout, z: dout * (1 - z**2)
        ),
    },
)
def tanh_backward(dout: Array, z: Array) -> Array:
    """Return dz of out = tanh(z); dout has the shape of z."""
    return backward(tanh, dout, z)
