"""The bugs of the museum (docs/museum.md): each is a piece of a network, and almost right.

benchmarks/museum.py trains with them, and tests/test_museum.py looks who catches them.
"""
# ruff: noqa: D101, D102, D103 (what is wrong with each is the question that the page asks)

import numpy as np

from tinynet.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    MaxPooling2D,
)
from tinynet.losses import SparseCategoricalCrossentropy
from tinynet.optimizers import SGD, Adam

# The first room: gradients.


class BiasTurned(Dense):
    def backward(self, dout, from_logits=False):
        dx = super().backward(dout, from_logits)
        self.grads["bias"] *= -1
        return dx


class BiasMean(Dense):
    def backward(self, dout, from_logits=False):
        dx = super().backward(dout, from_logits)
        self.grads["bias"] = self.dz.mean(axis=0)
        return dx


class BiasOfOne(Dense):
    def backward(self, dout, from_logits=False):
        dx = super().backward(dout, from_logits)
        self.grads["bias"] = self.dz[0].copy()
        return dx


class MaskForgotten(Dense):
    def backward(self, dout, from_logits=False):
        return super().backward(dout, from_logits=True)


class Accumulating(Dense):
    def backward(self, dout, from_logits=False):
        dz = self.before_activation(dout, from_logits)
        self.grads["kernel"] += self.x.T @ dz
        self.grads["bias"] += dz.sum(axis=0)
        return dz @ self.params["kernel"].T


class SumForMean(SparseCategoricalCrossentropy):
    def gradient(self):
        return super().gradient() * len(self.rows)


class MeanTwice(SparseCategoricalCrossentropy):
    def gradient(self):
        return super().gradient() / len(self.rows)


# The second room: layers that behave in one way in training, and in another afterwards.


class ConstantStatistics(BatchNormalization):
    def backward(self, dout):
        super().backward(dout)  # fills grads
        return dout * self.params["gamma"] * self.inv_std


class StatisticsOfTheTest(BatchNormalization):
    def forward(self, x, training=False):
        return super().forward(x, training=True)


class MomentumTurned(BatchNormalization):
    def __init__(self, momentum=0.99):
        super().__init__(momentum=1 - momentum)


class AnotherMask(Dropout):
    def backward(self, dout):
        return super().forward(dout, training=True)


class NotScaledUp(Dropout):
    def forward(self, x, training=False):
        out = super().forward(x, training)
        return out * (1 - self.rate) if training else out

    def backward(self, dout):
        return super().backward(dout) * (1 - self.rate)


class AlwaysDropping(Dropout):
    def forward(self, x, training=False):
        return super().forward(x, training=True)


# The third room: large numbers, small numbers, and steps.


class LargestNotSubtracted(SparseCategoricalCrossentropy):
    def value(self, y_true, z, sample_weight=None, from_logits=True):
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        return super().value(y_true, np.log(p), sample_weight, True)


class AllZeros(Dense):
    def __init__(self, units, activation=None):
        super().__init__(units, activation, kernel_initializer="zeros")


class NotCorrected(Adam):
    def update(self, w, g, slots, learning_rate):
        slots["momentum"] += (g - slots["momentum"]) * (1 - self.beta_1)
        slots["velocity"] += (g**2 - slots["velocity"]) * (1 - self.beta_2)
        w -= learning_rate * slots["momentum"] / (np.sqrt(slots["velocity"]) + self.epsilon)


class EpsilonInside(Adam):
    def update(self, w, g, slots, learning_rate):
        t = self.iterations + 1
        slots["momentum"] += (g - slots["momentum"]) * (1 - self.beta_1)
        slots["velocity"] += (g**2 - slots["velocity"]) * (1 - self.beta_2)
        alpha = learning_rate * np.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        w -= alpha * slots["momentum"] / np.sqrt(slots["velocity"] + self.epsilon)


class MomentumDamped(SGD):
    def update(self, w, g, slots, learning_rate):
        slots["momentum"] *= self.momentum
        slots["momentum"] += (1 - self.momentum) * g
        w -= learning_rate * slots["momentum"]


# The fourth room: data. A patch takes and returns training and test images with their labels.


def sorted_by_class(x, y, x_test, y_test):
    order = np.argsort(y, kind="stable")
    return x[order], y[order], x_test, y_test


def labels_of_the_neighbors(x, y, x_test, y_test):
    return x, np.roll(y, 1), x_test, y_test


def divided_by_255(x, y, x_test, y_test):
    return x * (16 / 255), y, x_test * (16 / 255), y_test


def tested_on_training(x, y, x_test, y_test):
    return x, y, x[: len(x_test)], y[: len(x_test)]


def repeated_then_split(x, y, x_test, y_test):
    every = np.concatenate([x, x_test]), np.concatenate([y, y_test])
    order = np.random.default_rng(0).permutation(2 * len(every[0])) % len(every[0])
    (x, y), n = (each[order] for each in every), len(x_test)
    return x[n:], y[n:], x[:n], y[:n]


# The fifth room: images.


class KernelNotTurned(Conv2D):
    def apply_backward(self, dout, x, dx):
        kernel = self.params["kernel"]
        self.params["kernel"] = kernel[::-1, ::-1].copy()
        super().apply_backward(dout, x, dx)
        self.params["kernel"] = kernel


class ToAllTheLargest(MaxPooling2D):
    def forward(self, x, training=False):
        self.x, self.largest = x, super().forward(x, training)
        return self.largest

    def backward(self, dout):
        largest, dlargest = (a.repeat(2, axis=1).repeat(2, axis=2) for a in (self.largest, dout))
        return dlargest * (self.x == largest)


class ToAllInTheWindow(MaxPooling2D):
    def backward(self, dout):
        return dout.repeat(2, axis=1).repeat(2, axis=2) / 4
