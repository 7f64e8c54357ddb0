"""
Three models: longer or larger?
===============================

A network with one small hidden layer is trained for ten epochs. Can we do better? We train the same
network for longer, and then a larger one, and compare the three: in a table, in one figure, and by
the mistakes they make.

From a terminal:

.. code-block:: sh

    python examples/three_models.py --seed 0 --out runs/three_models
"""

# %%
# Setup
# -----

import time

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import layers, lessons, plots
from tinynet.datasets import fashion_mnist

parser = lessons.options("Train three models and compare them.", "three_models")
args = lessons.begin(parser)

# %%
# The data
# --------
# Look at a few images before anything else.

data, (x_train, y_train), (x_test, y_test) = lessons.images(args)
names = fashion_mnist.CLASS_NAMES

plots.sample_images(x_train[:30], y_train[:30], names, columns=10)
lessons.keep_figure(args, "samples")

# %%
# Two steps of preparation happen here, before the network rather than in it. Gray values from 0 to
# 255 become numbers from 0 to 1. And each label becomes a row of ten numbers, nine of them 0 and
# one 1: what a perfect network would output. This is called one-hot encoding, and the loss that
# goes with it is ``categorical_crossentropy``. (The full Fashion-MNIST example does both
# differently: with a ``Rescaling`` layer, which nobody can forget when the model is used, and with
# the ``sparse_`` loss, which takes integer labels.)

x_train, x_test = (x.astype("float32") / 255 for x in (x_train, x_test))
targets = tn.utils.to_categorical(y_train, 10)
test_targets = tn.utils.to_categorical(y_test, 10)
print(f"label {y_train[0]} ({names[y_train[0]]}) became {targets[0].astype(int)}")

# The last tenth of the training images is for decisions; the test images are for the very end.
kept = len(x_train) // 10
validation = (x_train[-kept:], targets[-kept:])
x_train, targets = x_train[:-kept], targets[:-kept]

# %%
# The three models
# ----------------
# They differ in their hidden units and epochs, and in nothing else.

MODELS = {
    "Model 1": ((64,), 10),
    "Model 2": ((64,), 30),
    "Model 3": ((128, 64), 30),
}


def train(name, hidden, epochs):
    """Train a 784-hidden-10 network; return the model, its history and the seconds it took."""
    tn.utils.set_random_seed(args.seed)
    model = tn.Sequential(name=name.lower().replace(" ", "_"))
    model.add(tn.Input((28, 28)))
    model.add(layers.Flatten())
    for units in hidden:
        model.add(layers.Dense(units, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))

    # The learning rate starts at 0.001 and decays to 0 along half a cosine: large steps while there
    # is far to go, small ones to settle in.
    steps = epochs * -(-len(x_train) // 32)
    rate = tn.optimizers.schedules.CosineDecay(0.001, decay_steps=steps)
    model.compile(tn.optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy"])

    print(f"\n{name}: {'-'.join(map(str, (784, *hidden, 10)))}, {model.count_params():,} weights")
    start = time.perf_counter()
    history = model.fit(
        x_train,
        targets,
        batch_size=32,
        epochs=epochs,
        validation_data=validation,
        validation_batch_size=1000,
        shuffle="every_epoch",
        verbose=2,
    ).history
    return model, history, time.perf_counter() - start


trained = {
    name: train(name, hidden, min(epochs, args.epochs or epochs))
    for name, (hidden, epochs) in MODELS.items()
}
histories = {name: history for name, (_, history, _) in trained.items()}

# %%
# All three in one figure. Models 1 and 2 are the same network, and yet Model 1 is ahead at its
# tenth epoch: its learning rate has decayed by then, while that of Model 2 is still high. And look
# at the losses: Model 3 keeps fitting the training images better, while its loss on the validation
# images rises again after about ten epochs. It does not make more mistakes then, but it is more
# confident in those it makes.

_, axes = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
for ax, figure in zip(axes, ("val_accuracy", "val_loss", "loss"), strict=True):
    plots.compare_runs(histories, figure, ax=ax)
lessons.keep_figure(args, "three_models")

# %%
# Test each model once
# --------------------

results = {}
probabilities = {}
for name, (model, history, seconds) in trained.items():
    loss, accuracy = model.evaluate(x_test, test_targets, batch_size=1000, verbose=0)
    probabilities[name] = model.predict(x_test, batch_size=1000, verbose=0)
    results[name] = {
        "test_accuracy": accuracy,
        "test_loss": loss,
        "train_accuracy": history["accuracy"][-1],
        "validation_accuracy": history["val_accuracy"][-1],
        "epochs": len(history["loss"]),
        "parameters": model.count_params(),
        "seconds": round(seconds, 1),
    }

print(f"\n{'':8} {'weights':>8} {'epochs':>6} {'training':>9} {'validation':>10} {'test':>7}")
for name, row in results.items():
    print(
        f"{name:8} {row['parameters']:>8,} {row['epochs']:>6} {row['train_accuracy']:>9.2%} "
        f"{row['validation_accuracy']:>10.2%} {row['test_accuracy']:>7.2%}"
    )

# %%
# Which classes each model confuses. Shirts are the hardest for all three.

figure, axes = plt.subplots(1, 3, figsize=(18, 6.6), layout="constrained")
for ax, (name, p) in zip(axes, probabilities.items(), strict=True):
    counts = tn.metrics.confusion_matrix(y_test, np.argmax(p, axis=1), 10)
    plots.confusion_matrix(counts, names, ax=ax)
    ax.set_title(f"{name}: {results[name]['test_accuracy']:.2%} correct")
lessons.keep_figure(args, "confusion_matrices")

# %%
# What the best model on the validation images predicts for the first test images: in green where it
# is right, otherwise in red, with the true class below.

best = max(results, key=lambda name: results[name]["validation_accuracy"])
print(f"best on the validation images: {best}")
plots.prediction_gallery(x_test[:24], y_test[:24], probabilities[best][:24], names, columns=8)
lessons.keep_figure(args, "predictions")

# %%
# And its most confident mistakes.

worst = plots.most_confident_mistakes(y_test, probabilities[best], n=18)
plots.prediction_gallery(x_test[worst], y_test[worst], probabilities[best][worst], names)
lessons.keep_figure(args, "misclassified")

# %%
# Save the results
# ----------------

for model, _, _ in trained.values():
    model.save(args.out / f"{model.name}.safetensors")
lessons.keep_results(args, data, {"models": results, "best_on_validation": best})
