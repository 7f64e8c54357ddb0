"""
Write a layer of your own
=========================

A layer is two formulas: what it computes, and the derivative of that. Here both are derived for an
activation that learns its own shape, written as a class, held against differences of the forward
pass, made wrong on purpose to see what the check says, and trained.

From a terminal:

.. code-block:: sh

    python examples/write_your_own_layer.py --epochs 15 --seed 0 --out runs/write_your_own_layer
"""

# %%
# What we need
# ------------

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
# large :math:`\beta` it is nearly a ReLU, with :math:`\beta = 0` it is the line :math:`x/2`. We let
# every unit learn a :math:`\beta` of its own.
#
# A backward pass is given :math:`dout = \partial L/\partial out`, how the loss L changes with the
# layer's output, and answers two questions: how does L change with the input, and how with
# :math:`\beta`? Four steps lead there.
#
# *One: the sigmoid.* Its derivative is a fraction of which one factor is the sigmoid again, and the
# other is what the sigmoid lacks to 1:
#
# .. math:: \sigma'(z) = \frac{e^{-z}}{(1 + e^{-z})^2}
#           = \frac{1}{1 + e^{-z}} \cdot \frac{e^{-z}}{1 + e^{-z}} = \sigma(z)\,(1 - \sigma(z))
#
# *Two: what is inside.* We write :math:`s = \sigma(\beta x)`. The chain rule multiplies by the
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
# *Four: the loss.* An entry of x takes part in one entry of out alone, so its gradient is one
# product. A :math:`\beta` takes part in the output of its unit for every sample i of the batch, so
# its gradient is the sum over them:
#
# .. math:: dx = dout \cdot \big(s + \beta x\,s(1 - s)\big), \qquad
#           d\beta = \sum_i dout_i \cdot x_i^2\,s_i(1 - s_i)

# %%
# The class
# ---------
# ``build`` is called once, when the shape of a sample is known; ``add_weight`` makes the weight and
# room for its gradient. ``forward`` keeps what ``backward`` will read. ``backward`` *writes* its
# gradients into ``grads``, under the names of the weights, and returns the gradient for the layer
# below.


class Swish(tn.Layer):
    """Swish with a slope per unit that is learned."""

    def build(self, input_shape):
        """Make ``beta`` (units,), all 1."""
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
# ``gradcheck`` moves every entry of the input and of the weights by a little, in both directions,
# looks at how much the output changes, and compares that with what ``backward`` says. In float64
# the two agree to many digits, or something is wrong.

x = np.random.default_rng(args.seed).normal(size=(5, 3))
for report in gradcheck(Swish(dtype="float64"), x):
    print(f"{report.name:>4}: {report.checked} entries, largest error {report.error:.0e}")

# %%
# And if it is wrong?
# -------------------
# Two mistakes that everybody makes once: to forget that x stands in the formula twice, and to
# take the mean over the batch where the sum is due. (The loss has divided by the number of samples
# already.) A network with such a layer would still learn something, which is why such mistakes live
# long.


class ForgetsTheProductRule(Swish):
    """Swish, with half of the product rule."""

    def backward(self, dout):
        """Fill dbeta, return a wrong dx."""
        super().backward(dout)
        return dout * self.s


class TakesTheMean(Swish):
    """Swish, with a mean where a sum is due."""

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
# the second mistake would make the slopes learn too slowly, by as many times as there are samples
# in a batch; Adam, which divides by the gradient's own size, would hide it altogether.
#
# Use it
# ------
# In a model the layer stands like any other. We train the same network twice, with ReLU and with
# our layer, from the same seed.

data, (x_train, y_train), (x_test, y_test) = lessons.images(args)


def train(activation):
    """Train 784-128-64-10 with a new activation layer behind each hidden one."""
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
# Both learn alike here; what Swish promised was a little more in far deeper networks. On the right:
# what the slopes, all 1 at the start, have become.

_, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
plots.compare_runs(runs, "val_accuracy", ax=left)
slopes = [layer.params["beta"] for layer in model.layers if isinstance(layer, Swish)]
labels = [f"behind {len(beta)} units" for beta in slopes]
right.hist(slopes, bins=20, color=[plots.BLUE, plots.VERMILION], stacked=True, label=labels)
right.axvline(1, color=plots.GREY, linestyle=":", label="at the start")
right.set(xlabel="learned slope β", ylabel="units")
right.spines[["top", "right"]].set_visible(False)
right.legend(frameon=False)
lessons.keep_figure(args, "swish")

# %%
# What the activations of the first hidden layer have become: three of the learned curves.

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
# The test, once
# --------------

test_loss, test_accuracy = model.evaluate(x_test, y_test, batch_size=1000, verbose=0)
print(f"test loss {test_loss:.4f}, test accuracy {test_accuracy:.2%}, with our layer")

# %%
# What is kept
# ------------
# A file holds names and numbers, never code. It says that there is a ``Swish``; what that is, the
# one who loads the model has to say.

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
