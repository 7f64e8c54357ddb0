"""
Several labels for one picture
==============================

Which garments are in this picture? There may be none, one or two of them. A softmax cannot answer
that: its probabilities always add up to 1. Ten sigmoids can: each says yes or no to its own class.
What changes is the last layer, the loss, and above all how the result is measured.

From a terminal:

.. code-block:: sh

    python examples/multi_label.py --epochs 15 --seed 0 --out runs/multi_label
"""

# %%
# Setup
# -----

import time

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter
from sklearn.metrics import accuracy_score, classification_report, precision_recall_fscore_support

import tinynet as tn
from tinynet import layers, lessons, plots
from tinynet.datasets import fashion_mnist
from tinynet.plots.panels import GREEN_LETTERS, VERMILION_LETTERS

parser = lessons.options("Name all garments in a picture.", "multi_label", epochs=15)
args = lessons.begin(parser)
data, (x_train, y_train), (x_test, y_test) = lessons.images(args)
names = fashion_mnist.CLASS_NAMES

# %%
# The pictures
# ------------
# Each picture is a shelf with two places, 28 by 56 pixels. A place is empty with probability 1/4;
# otherwise a random garment is in it. The targets are ten numbers, 1 for each class that is
# present. Two shirts are one label.
#
# The garments are split into training, validation and test sets before any pictures are made of
# them. The other way around, the same shirt could be on one shelf to train on and on another to
# test on.


def shelves(images, labels, n, rng):
    """Return n pictures, uint8 (n, 28, 56), and their targets, float32 (n, 10)."""
    garment = rng.integers(len(images), size=(n, 2))
    taken = rng.random((n, 2)) < 0.75
    places = images[garment] * taken[:, :, None, None]  # (n, 2, 28, 28)
    x = np.concatenate([places[:, 0], places[:, 1]], axis=2)
    y = np.zeros((n, 10), "float32")
    shelf, place = np.nonzero(taken)
    y[shelf, labels[garment[shelf, place]]] = 1
    return x, y


rng = np.random.default_rng(args.seed)
kept = len(x_train) // 10
x_val, y_val = shelves(x_train[-kept:], y_train[-kept:], kept, rng)
x_train, y_train = shelves(x_train[:-kept], y_train[:-kept], 2 * len(x_train), rng)
x_test, y_test = shelves(x_test, y_test, len(x_test), rng)
print(f"{len(x_train):,} pictures to train on, {y_train.sum(axis=1).mean():.2f} labels each")

# %%
# The network
# -----------
# The last layer has ten sigmoids, and each has the loss of a yes-or-no question:
# ``binary_crossentropy``.
#
# Be careful with the metrics. ``"accuracy"`` would count how often the *largest* output is at the
# position of the largest target. ``"binary_accuracy"`` counts every yes and no, and most of them
# are no: a network that says no to everything would get 86% of them right. F1 takes both kinds of
# mistakes into account, and would be 0.

steps = args.epochs * -(-len(x_train) // 128)
model = tn.Sequential(
    [
        tn.Input((28, 56)),
        layers.Rescaling(1 / 255),
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
        layers.Dropout(0.3),
        layers.Dense(128, activation="relu"),
        layers.Dense(10, activation="sigmoid"),
    ],
    name="multi_label",
)
model.compile(
    optimizer=tn.optimizers.Adam(tn.optimizers.schedules.CosineDecay(0.001, steps)),
    loss="binary_crossentropy",
    metrics=["binary_accuracy", tn.metrics.F1Score("macro", threshold=0.5, name="f1")],
)
model.summary()

start = time.perf_counter()
history = model.fit(
    x_train,
    y_train,
    batch_size=128,
    epochs=args.epochs,
    validation_data=(x_val, y_val),
    validation_batch_size=1000,
    shuffle="every_epoch",
    verbose=2,
).history
seconds = time.perf_counter() - start

_, (left, right) = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
plots.learning_curves(history, axes=[left])
kinds = {"binary accuracy": "val_binary_accuracy", "F1": "val_f1"}
curves = {kind: {"share": history[figure]} for kind, figure in kinds.items()}
plots.compare_runs(curves, "share", ax=right)
right.set(ylabel="fraction, on the validation pictures", title="Two measures of the same answers")
lessons.keep_figure(args, "learning_curves")

# %%
# Where does yes begin?
# ---------------------
# At a probability of 0.5, one would think. But that is a choice: with a higher threshold, fewer
# labels are predicted and a larger fraction of them is right (precision); with a lower one, more of
# the true labels are found (recall). We take the threshold that gets every label right on the most
# validation pictures.

thresholds = np.linspace(0.05, 0.95, 19)
p_val = model.predict(x_val, batch_size=1000, verbose=0)
figures = {
    "precision": tn.metrics.Precision(thresholds)(y_val, p_val),
    "recall": tn.metrics.Recall(thresholds)(y_val, p_val),
    "all labels right": np.array([accuracy_score(y_val, p_val > t) for t in thresholds]),
}
at = int(np.argmax(figures["all labels right"]))
threshold = float(thresholds[at])
print(f"threshold chosen on the validation pictures: {threshold:.2f}")

_, ax = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
colors = (plots.BLUE, plots.GREEN, plots.VERMILION)
for (name, values), color in zip(figures.items(), colors, strict=True):
    ax.plot(thresholds, values, color=color, label=name)
ax.axvline(threshold, color=plots.GREY, linestyle=":", label="chosen")
ax.set(xlabel="threshold", ylabel="fraction, on the validation pictures")
ax.yaxis.set_major_formatter(PercentFormatter(1))
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
lessons.keep_figure(args, "threshold")

# %%
# Test once
# ---------
# Exact match is the fraction of pictures with all labels right and none too many. It is a strict
# measure: with two garments, both have to be recognized. A network that is right about each garment
# with probability p and never mistakes an empty place would have
# :math:`\frac{1}{16} + \frac{6}{16} p + \frac{9}{16} p^2`, which is 86% for p = 0.9. This network
# stays below that. Its dense layers have to learn what a shirt looks like twice, once for each
# place; and where a softmax has to decide between shirt and coat, sigmoids may say no to both.

p_test = model.predict(x_test, batch_size=1000, verbose=0)
predicted = p_test > threshold
exact = accuracy_score(y_test, predicted)
nothing = accuracy_score(y_test, np.zeros_like(predicted))
print(classification_report(y_test, predicted, target_names=names, digits=3, zero_division=0))
print(f"all labels right: {exact:.2%} of the pictures; naming nothing at all: {nothing:.2%}")

# %%
# Which labels are hard? Low precision: the label is predicted where it is not. Low recall: it is
# missed.

scores = precision_recall_fscore_support(y_test, predicted, zero_division=0)[:3]
_, ax = plt.subplots(figsize=(10, 4), layout="constrained")
where = np.arange(10)
for i, kind in enumerate(("precision", "recall", "F1")):
    ax.bar(where + 0.27 * (i - 1), scores[i], width=0.25, color=colors[i], label=kind)
ax.set_xticks(where, names, rotation=30, ha="right", rotation_mode="anchor")
ax.set(ylim=(0, 1), ylabel="on the test pictures")
ax.yaxis.set_major_formatter(PercentFormatter(1))
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1))
lessons.keep_figure(args, "by_label")

# %%
# The first pictures with the predicted labels: in green where all of them are right, otherwise in
# red, with the true labels below.


def listed(row):
    """Return the names of the labels that are 1."""
    return " + ".join(names[i] for i in np.flatnonzero(row)) or "nothing"


axes = plots.sample_images(x_test[:24], columns=4).reshape(-1)
axes[0].figure.set_size_inches(11, 9)
for ax, said, true in zip(axes, predicted, y_test, strict=False):
    is_right = np.array_equal(said, true)
    title = f"✓ predicted: {listed(said)}"
    if not is_right:
        title = f"✗ predicted: {listed(said)}\ntrue labels: {listed(true)}"
    ax.set_title(title, fontsize=8, color=GREEN_LETTERS if is_right else VERMILION_LETTERS)
    ax.set_axis_on()  # a frame, so that an empty shelf can be seen
    ax.set(xticks=[], yticks=[])
lessons.keep_figure(args, "predictions")

# %%
# Save the results
# ----------------

model.save(args.out / "model.safetensors")
lessons.keep_results(
    args,
    data,
    {
        "test_accuracy": exact,  # all labels right
        "test_macro_f1": float(scores[2].mean()),
        "validation_accuracy": float(figures["all labels right"][at]),
        "threshold": threshold,
        "epochs": args.epochs,
        "seconds": round(seconds, 1),
    },
)
