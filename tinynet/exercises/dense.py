"""A dense layer, z = x kernel + bias, for n samples, k inputs and m units."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinynet.arrays import Array
from tinynet.exercises.base import MEAN_FOR_SUM, Case, exercise
from tinynet.layers import Dense

PAGE = "backprop/dense"
SHAPES = (4, 3, 2), (1, 3, 2), (2, 4, 5), (3, 3, 3), (5, 1, 2)  # samples, inputs, units


def after(x: Array, kernel: Array, bias: Array) -> Dense:
    """Return a layer with these weights after its forward pass."""
    units = kernel.shape[1]
    # With zeros first, and a name, no seed is drawn and no name counted.
    layer = Dense(units, kernel_initializer="zeros", dtype="float64", name="dense")
    layer.build(x.shape[1:])
    layer.set_weights([kernel, bias])
    layer.forward(x)
    return layer


def x_kernel_bias(rng: np.random.Generator) -> Iterator[Case]:
    """Yield x (n, k), kernel (k, m) and bias (m,)."""
    for n, k, m in SHAPES:
        yield rng.normal(size=(n, k)), rng.normal(size=(k, m)), rng.normal(size=m)


def x_dz(rng: np.random.Generator) -> Iterator[Case]:
    """Yield x (n, k) and dz (n, m)."""
    for n, k, m in SHAPES:
        yield rng.normal(size=(n, k)), rng.normal(size=(n, m))


def only_dz(rng: np.random.Generator) -> Iterator[Case]:
    """Yield dz (n, m)."""
    for n, _, m in SHAPES:
        yield (rng.normal(size=(n, m)),)


def dz_kernel(rng: np.random.Generator) -> Iterator[Case]:
    """Yield dz (n, m) and kernel (k, m)."""
    for n, k, m in SHAPES:
        yield rng.normal(size=(n, m)), rng.normal(size=(k, m))


@exercise(
    "dense/forward",
    page=PAGE,
    returns="z",
    cases=x_kernel_bias,
    mistakes={
        "the bias is missing": lambda right, x, kernel, bias: x @ kernel,
        "the bias is subtracted": lambda right, x, kernel, bias: right - 2 * bias,
        "a ReLU was applied: z are the logits before it": (
            lambda right, x, kernel, bias: np.maximum(right, 0)
        ),
    },
)
def forward(x: Array, kernel: Array, bias: Array) -> Array:
    """Return the logits z (n, m) from x (n, k), kernel (k, m) and bias (m,)."""
    return after(x, kernel, bias).logits


@exercise(
    "dense/dkernel",
    page=PAGE,
    returns="dkernel",
    cases=x_dz,
    mistakes={
        **MEAN_FOR_SUM,
        "not summed over the samples: each has a gradient (k, m) of its own": (
            lambda right, x, dz: x[:, :, None] * dz[:, None, :]
        ),
        "the last sample only: a loop over the samples has to add, with +=": (
            lambda right, x, dz: np.outer(x[-1], dz[-1])
        ),
        "the transpose: dz.T @ x is dkernel.T": lambda right, x, dz: dz.T @ x,
    },
)
def dkernel(x: Array, dz: Array) -> Array:
    """Return the gradient of the kernel (k, m) from x (n, k) and dz (n, m)."""
    units = dz.shape[1]
    layer = after(x, np.zeros((x.shape[1], units)), np.zeros(units))
    layer.backward(dz, from_logits=True)
    return layer.grads["kernel"]


@exercise(
    "dense/dbias",
    page=PAGE,
    returns="dbias",
    cases=only_dz,
    mistakes={
        **MEAN_FOR_SUM,
        "not summed over the samples: this is dz": lambda right, dz: dz,
        "summed over the units, axis 1: the samples are axis 0": lambda right, dz: dz.sum(axis=1),
        "summed over everything: each unit has a bias of its own": lambda right, dz: dz.sum(),
        "an axis is left: sum without keepdims": lambda right, dz: right[None],
    },
)
def dbias(dz: Array) -> Array:
    """Return the gradient of the bias (m,) from dz (n, m)."""
    n, m = dz.shape
    layer = after(np.zeros((n, 1)), np.zeros((1, m)), np.zeros(m))
    layer.backward(dz, from_logits=True)
    return layer.grads["bias"]


@exercise(
    "dense/dx",
    page=PAGE,
    returns="dx",
    cases=dz_kernel,
    mistakes={
        "divided by n: dx is summed over the units, not over the samples": (
            lambda right, dz, kernel: right / len(dz)
        ),
        "summed over the samples: each sample has a dx of its own": (
            lambda right, dz, kernel: right.sum(axis=0)
        ),
        "the transpose: kernel @ dz.T is dx.T": lambda right, dz, kernel: kernel @ dz.T,
    },
)
def dx(dz: Array, kernel: Array) -> Array:
    """Return the gradient of the input (n, k) from dz (n, m) and kernel (k, m)."""
    layer = after(np.zeros((len(dz), len(kernel))), kernel, np.zeros(kernel.shape[1]))
    return layer.backward(dz, from_logits=True)
