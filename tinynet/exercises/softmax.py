"""Softmax and its cross-entropy, for n samples and c classes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinynet import activations
from tinynet.arrays import Array
from tinynet.exercises.base import Case, exercise
from tinynet.losses import SparseCategoricalCrossentropy

PAGE = "backprop/softmax_cross_entropy"
OVERFLOW = "exp overflows: subtract each row's largest logit first"
OF_ALL = "the largest of all logits is subtracted: a row far below it becomes 0/0"
OVER_SAMPLES = "summed over the samples, axis 0: the classes are axis 1"


def z_y(rng: np.random.Generator) -> Iterator[Case]:
    """Yield logits z (n, c) and labels y (n,); the last logits are far from 0."""
    for n, c in ((3, 4), (1, 3), (2, 5), (4, 4)):
        yield rng.normal(size=(n, c)), rng.integers(c, size=n)
    yield np.array([[1001.0, 1000, 0], [-1000, -2000, -1001]]), np.array([0, 1])


def only_z(rng: np.random.Generator) -> Iterator[Case]:
    """Yield the logits alone."""
    for z, _ in z_y(rng):
        yield (z,)


def naive(z: Array) -> Array:
    """Return softmax as its formula says."""
    p: Array = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return p


def losses(p: Array, y: Array) -> Array:
    """Return the loss of each sample (n,), from probabilities."""
    return -np.log(p[np.arange(len(y)), y])


def less_whole_columns(p: Array, y: Array) -> Array:
    """Return p less 1 in the columns of all labels."""
    p[:, y] -= 1
    return p


def targets(z: Array, y: Array) -> Array:
    """Return the one-hot targets (n, c)."""
    return np.eye(z.shape[1])[y]


@exercise(
    "softmax/forward",
    page=PAGE,
    returns="p",
    cases=only_z,
    mistakes={
        OVERFLOW: lambda right, z: naive(z),
        OF_ALL: lambda right, z: naive(z - z.max()),
        "not divided by the sum": lambda right, z: np.exp(z - z.max(axis=1, keepdims=True)),
        OVER_SAMPLES: lambda right, z: activations.softmax(z, axis=0),
        "summed over everything: each row has a sum of its own": (
            lambda right, z: activations.softmax(z.reshape(1, -1)).reshape(z.shape)
        ),
    },
)
def forward(z: Array) -> Array:
    """Return the probabilities p (n, c) of logits z (n, c), which may be large."""
    return activations.softmax(z)


@exercise(
    "softmax/cross_entropy",
    page=PAGE,
    returns="L",
    cases=z_y,
    mistakes={
        OVERFLOW: lambda right, z, y: losses(naive(z), y).mean(),
        "the log of a probability that is rounded to 0: log(sum(exp(z))) - z[y] needs none": (
            lambda right, z, y: losses(activations.softmax(z), y).mean()
        ),
        "the sum over the samples, not the mean": lambda right, z, y: right * len(z),
        "divided by n c: the mean is over the n samples": lambda right, z, y: right / z.shape[1],
        "no mean: one loss for each sample": (
            lambda right, z, y: SparseCategoricalCrossentropy(True, reduction="none")(y, z)
        ),
    },
)
def cross_entropy(z: Array, y: Array) -> float:
    """Return the mean cross-entropy of logits z (n, c), which may be large, and labels y (n,)."""
    return float(SparseCategoricalCrossentropy(from_logits=True)(y, z))


@exercise(
    "softmax/dlogits",
    page=PAGE,
    returns="dz",
    cases=z_y,
    mistakes={
        OVERFLOW: lambda right, z, y: (naive(z) - targets(z, y)) / len(z),
        OF_ALL: lambda right, z, y: (naive(z - z.max()) - targets(z, y)) / len(z),
        OVER_SAMPLES: lambda right, z, y: (activations.softmax(z, axis=0) - targets(z, y)) / len(z),
        "p[:, y] is a whole column for each label: p[np.arange(n), y] is an entry of each row": (
            lambda right, z, y: less_whole_columns(activations.softmax(z), y) / len(z)
        ),
        "not divided by n: the loss is a mean over the samples": (
            lambda right, z, y: right * len(z)
        ),
        "divided by n twice": lambda right, z, y: right / len(z),
        "divided by n c: the mean is over the n samples": lambda right, z, y: right / z.shape[1],
        "the targets are not subtracted: this is p/n": (
            lambda right, z, y: right + targets(z, y) / len(z)
        ),
        "only the correct classes have a gradient here; all others have p/n": (
            lambda right, z, y: right * targets(z, y)
        ),
    },
)
def dlogits(z: Array, y: Array) -> Array:
    """Return dz (n, c) of the mean cross-entropy of logits z (n, c) and labels y (n,)."""
    loss = SparseCategoricalCrossentropy(from_logits=True)
    loss(y, z)
    return loss.gradient()
