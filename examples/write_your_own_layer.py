"""
Write your own layer
====================

A layer is two formulas: what it computes, and the derivative of that. Here we derive both for an
activation that learns its own shape, write them as a class, check them against finite differences
of the forward pass, break them on purpose to see what the check says, and train with them.

From a terminal:

.. code-block:: sh

    python examples/write_your_own_layer.py --epochs 15 --seed 0 --out runs/write_your_own_layer
"""

# %%
# Setup
# -----

import textwrap
import time

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import initializers, layers, lessons, plots
from tinynet.gradcheck import GradientError, gradcheck

parser = lessons.options("Write, check and train a layer.", "write_your_own_layer", epochs=15)
args = lessons.begin(parser)

# %%
# The formulas
# ------------
# Swish (Ramachandran, Zoph and Le 2017, `arXiv:1710.05941 <https://arxiv.org/abs/1710.05941>`_) is
# :math:`out = x\,\sigma(\beta x)` with the sigmoid :math:`\sigma(z) = 1/(1 + e^{-z})`. With a
# large :math:`\beta` it is nearly a ReLU; with :math:`\beta = 0` it is the line :math:`x/2`. We let
# every unit learn its own :math:`\beta`.
#
# A backward pass is given the upstream gradient :math:`dout = \partial L/\partial out`, how the
# loss L changes with the layer's output, and answers two questions: how does L change with the
# input, and how does it change with :math:`\beta`? Four steps lead there.
#
# *One: the sigmoid.* Its derivative is a product of two factors: the sigmoid itself, and 1 minus
# the sigmoid:
#
# .. math:: \sigma'(z) = \frac{e^{-z}}{(1 + e^{-z})^2}
#           = \frac{1}{1 + e^{-z}} \cdot \frac{e^{-z}}{1 + e^{-z}} = \sigma(z)\,(1 - \sigma(z))
#
# *Two: the inner function.* We write :math:`s = \sigma(\beta x)`. The chain rule multiplies by the
# derivative of :math:`\beta x`, which is :math:`\beta` with respect to x, and x with respect to
# :math:`\beta`:
#
# .. math:: \frac{\partial s}{\partial x} = \beta\,s(1 - s), \qquad
#           \frac{\partial s}{\partial \beta} = x\,s(1 - s)
#
# *Three: the product.* In :math:`out = x \cdot s` both factors change with x, so the product rule
# gives two terms. Only the second one changes with :math:`\beta`:
#
# .. math:: \frac{\partial out}{\partial x} = s + x\,\frac{\partial s}{\partial x}
#           = s + \beta x\,s(1 - s), \qquad
#           \frac{\partial out}{\partial \beta} = x\,\frac{\partial s}{\partial \beta}
#           = x^2\,s(1 - s)
#
# *Four: the loss.* An entry of x affects only one entry of out, so its gradient is one product. A
# :math:`\beta` affects the output of its unit for every sample i of the batch, so its gradient is
# the sum over the samples:
#
# .. math:: dx = dout \cdot \big(s + \beta x\,s(1 - s)\big), \qquad
#           d\beta = \sum_i dout_i \cdot x_i^2\,s_i(1 - s_i)

# %%
# The class
# ---------
# ``build`` is called once, when the shape of a sample is known; ``add_weight`` creates the weight
# and an array for its gradient. ``forward`` keeps what ``backward`` will need. ``backward``
# *writes* the gradients of the weights into ``grads``, under their names, and returns the gradient
# for the layer below. ``self.kept("x")`` is ``self.x``, with an error that says what is missing if
# no ``forward`` came before.


class Swish(tn.Layer):
    """Swish with a learned slope for each unit."""

    def build(self, input_shape):
        """Create ``beta`` (units,), all ones."""
        self.add_weight("beta", input_shape[-1:], initializers.Ones())

    def forward(self, x, training=False):
        """Compute x*sigmoid(beta*x), both of shape (batch, units)."""
        self.x = x
        self.s = tn.activations.sigmoid(self.params["beta"] * x)
        return x * self.s

    def backward(self, dout):
        """Fill dbeta (units,), return dx (batch, units)."""
        x, s = self.kept("x"), self.kept("s")
        ds = s * (1 - s)  # the sigmoid's derivative
        self.grads["beta"][...] = np.sum(dout * x**2 * ds, axis=0)
        return dout * (s + self.params["beta"] * x * ds)


# %%
# Is it right?
# ------------
# ``gradcheck`` changes every entry of the input and of the weights by a little, in both directions,
# measures how much the output changes, and compares that with what ``backward`` returns. In float64
# the two agree to many digits, or something is wrong.

x = np.random.default_rng(args.seed).normal(size=(5, 3))
for report in gradcheck(Swish(dtype="float64"), x):
    print(f"{report.name:>4}: {report.checked} entries, largest error {report.error:.0e}")

# %%
# And if it is wrong?
# -------------------
# Two mistakes that everybody makes once: to forget that x is in the formula twice, and to take the
# mean over the batch instead of the sum. (The loss has already divided by the number of samples.) A
# network with such a layer would still learn something, which is why such mistakes can survive for
# a long time.


class ForgetsTheProductRule(Swish):
    """Swish with half of the product rule."""

    def backward(self, dout):
        """Fill dbeta, return a wrong dx."""
        super().backward(dout)
        return dout * self.s


class TakesTheMean(Swish):
    """Swish with a mean in place of the sum."""

    def backward(self, dout):
        """Fill a wrong dbeta, return dx."""
        dx = super().backward(dout)
        self.grads["beta"] /= len(dout)
        return dx


for wrong in (ForgetsTheProductRule, TakesTheMean):
    try:
        gradcheck(wrong(dtype="float64"), x)
    except GradientError as error:
        print(textwrap.fill(str(error), width=96))
    else:
        raise AssertionError(f"{wrong.__name__} went unnoticed")

# %%
# The message names the array ("x" is the input) and the entry, with both numbers. With plain SGD
# the second mistake would make the slopes learn too slowly, by a factor equal to the batch size;
# Adam, which divides by the gradient's own magnitude, would hide it almost entirely.
#
# Use it
# ------
# In a model, the layer is used like any other. We train the same network twice, with ReLU and with
# our layer, from the same seed.

data, (x_train, y_train), (x_test, y_test) = lessons.images(args)


def train(activation):
    """Train a 784-128-64-10 network with a new activation layer after each hidden layer."""
    tn.utils.set_random_seed(args.seed)
    model = tn.Sequential([tn.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten()])
    for units in (128, 64):
        model.add(layers.Dense(units))
        model.add(activation())
    model.add(layers.Dense(10, activation="softmax"))
    steps = args.epochs * -(-len(x_train) * 9 // 10 // 64)
    model.compile(
        optimizer=tn.optimizers.Adam(tn.optimizers.schedules.CosineDecay(0.001, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    history = model.fit(
        x_train,
        y_train,
        batch_size=64,
        epochs=args.epochs,
        validation_split=0.1,
        shuffle="every_epoch",
        verbose=2,
    ).history
    return model, history


runs = {}
start = time.perf_counter()
for name, activation in (("ReLU", layers.ReLU), ("our Swish", Swish)):
    print(f"\n{name}")
    model, runs[name] = train(activation)
seconds = time.perf_counter() - start
model.summary()

# %%
# Both learn equally well here; what Swish promised was a small gain in far deeper networks. On the
# right: the learned slopes, which were all 1 at the start.

_, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
plots.compare_runs(runs, "val_accuracy", ax=left)
slopes = [layer.params["beta"] for layer in model.layers if isinstance(layer, Swish)]
labels = [f"after {len(beta)} units" for beta in slopes]
right.hist(slopes, bins=20, color=[plots.BLUE, plots.VERMILION], stacked=True, label=labels)
right.axvline(1, color=plots.GREY, linestyle=":", label="at the start")
right.set(xlabel="learned slope β", ylabel="units")
right.spines[["top", "right"]].set_visible(False)
right.legend(frameon=False)
lessons.keep_figure(args, "swish")

# %%
# The activations that the first hidden layer has learned: three of their curves.

grid = np.linspace(-5, 5, 201)
_, ax = plt.subplots(figsize=(5.5, 3.8), layout="constrained")
looks = (("smallest", plots.BLUE), ("median", plots.GREEN), ("largest", plots.VERMILION))
for beta, (which, color) in zip(np.quantile(slopes[0], [0, 0.5, 1]), looks, strict=True):
    out = grid * tn.activations.sigmoid(beta * grid)
    ax.plot(grid, out, color=color, label=f"β = {beta:.2f}, the {which}")
ax.plot(grid, np.maximum(grid, 0), color=plots.GREY, linestyle=":", label="ReLU")
ax.set(xlabel="x", ylabel="x σ(βx)")
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)
lessons.keep_figure(args, "curves")

# %%
# Test once
# ---------

test_loss, test_accuracy = model.evaluate(x_test, y_test, batch_size=1000, verbose=0)
print(f"test loss {test_loss:.4f}, test accuracy {test_accuracy:.2%}, with our layer")

# %%
# Save the results
# ----------------
# A file holds names and numbers, never code. It says that there is a layer of class ``Swish``;
# whoever loads the model has to supply that class.

path = args.out / "model.safetensors"
model.save(path)
loaded = tn.models.load_model(path, custom_objects={"Swish": Swish})
same = np.array_equal(loaded.predict(x_test, verbose=0), model.predict(x_test, verbose=0))
print(f"the loaded model predicts the same: {same}")

lessons.keep_results(
    args,
    data,
    {
        "test_accuracy": test_accuracy,
        "test_loss": test_loss,
        "validation_accuracy": runs["our Swish"]["val_accuracy"][-1],
        "validation_accuracy_relu": runs["ReLU"]["val_accuracy"][-1],
        "epochs": args.epochs,
        "seconds": round(seconds, 1),
    },
)
