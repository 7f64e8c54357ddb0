"""
A dense network against a convolutional one
===========================================

A dense layer connects every pixel to every unit: it does not know which pixels are neighbors,
and would learn equally well from images whose pixels were shuffled. A convolution looks through a
small window and uses the same weights everywhere. Here we train both on the same images: which is
right more often, what does each cost, and what does each get wrong?

From a terminal:

.. code-block:: sh

    python examples/ann_vs_cnn.py --seed 0 --out runs/ann_vs_cnn
"""

# %%
# The data
# --------
# 54,000 images to learn from, 6,000 for all decisions, 10,000 for the test at the end.

import time
import tracemalloc

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import classification_report

import tinynet as tn
from tinynet import layers, lessons, plots
from tinynet.datasets import fashion_mnist

parser = lessons.options(
    "Train a dense and a convolutional network on the same images.", "ann_vs_cnn"
)
args = lessons.begin(parser)
data, (x, y), (x_test, y_test) = lessons.images(args)
kept_aside = len(x) // 10
x_train, y_train = x[:-kept_aside], y[:-kept_aside]
x_val, y_val = x[-kept_aside:], y[-kept_aside:]
names = fashion_mnist.CLASS_NAMES

# %%
# The layers they share
# ---------------------
# A garment in a mirror is still a garment of the same class. ``RandomFlip`` mirrors half of the
# training images on average, a different half each time, and leaves the others as they are.


def beginning(name):
    """Return a model that takes images and so far only prepares them."""
    model = tn.Sequential(name=name)
    model.add(tn.Input((28, 28)))
    model.add(layers.Reshape((28, 28, 1)))  # one channel: gray
    model.add(layers.RandomFlip("horizontal"))
    model.add(layers.Rescaling(1 / 255))
    return model


# %%
# The dense network
# -----------------
# It has two hidden layers with dropout.


def dense_network():
    """Return a 784-256-128-10 network."""
    model = beginning("dense")
    model.add(layers.Flatten())
    for units in (256, 128):
        model.add(layers.Dense(units, activation="relu"))
        model.add(layers.Dropout(0.3))
    model.add(layers.Dense(10, activation="softmax"))
    return model


# %%
# The convolutional network
# -------------------------
# * A *convolution* with 32 filters of 3 x 3 pixels finds edges and textures; ``padding="same"``
#   keeps the size of the image.
# * *Batch normalization* between the convolution and its ReLU allows a large learning rate.
# * *Max pooling* keeps the strongest response among 2 x 2 neighbors: a quarter of the values
#   remains, and a garment that is shifted one pixel to the left looks almost the same.
# * Two convolutions with 64 filters each follow. The first sees the pooled responses, the second
#   sees the output of the first: each of its values depends on 12 x 12 pixels of the image.
# * Two dense layers make the decision.
#
# What was difficult: without dropout, the network memorizes its training images and gets no better
# on others. A little dropout after each pooling, where neighbors can fill in for what is missing,
# and more before the last layer prevent that. And with a constant learning rate, the accuracy keeps
# jumping up and down; with one that decays along a cosine to almost nothing, it settles.


def convolutional_network():
    """Return a network of three convolutions and two poolings, then dense layers 128-10."""
    model = beginning("cnn")
    for stage in ((32,), (64, 64)):
        for filters in stage:
            model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
            model.add(layers.BatchNormalization(momentum=0.9))
            model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
        model.add(layers.Dropout(0.2))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, use_bias=False))
    model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.ReLU())
    model.add(layers.Dropout(0.4))
    model.add(layers.Dense(10, activation="softmax"))
    return model


# %%
# What a network costs
# --------------------
# For one image: the number of products that are computed and added up (*multiply-adds*), which is
# nearly all the arithmetic of a forward pass. For a batch: the peak memory that a training step
# allocates. A convolution has few weights, but uses each of them at every position, and keeps what
# it saw there for the backward pass.


def multiply_adds(model):
    """Return the multiply-adds of one image's forward pass through the layers with kernels."""
    total = 0
    shapes = model.shapes_behind(model.input_shape)
    for layer, shape in zip(model.layers, shapes, strict=True):
        if "kernel" in layer.params:
            places = int(np.prod(shape[:-1]))  # of a convolution's window; 1 for a dense layer
            total += places * layer.params["kernel"].size
    return total


def megabytes_of_a_step(model):
    """Return the peak memory that one training step allocates, in MB."""
    tracemalloc.start()
    model.train_on_batch(x_train[:64], y_train[:64])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


# %%
# Training
# --------
# The dense network gets 30 epochs, the convolutional one 12, with batches of 64 and a learning rate
# that decays along half a cosine. Could the dense network do better? Try a dropout of 0.1, and look
# at the validation accuracy.

CANDIDATES = {
    "dense": (dense_network, 30, 0.001),
    "CNN": (convolutional_network, 12, 0.002),
}
models, histories, rows = {}, {}, {}
for name, (make, epochs, rate) in CANDIDATES.items():
    epochs = epochs if args.epochs is None else min(epochs, args.epochs)
    tn.utils.set_random_seed(args.seed)
    model = make()
    steps = epochs * -(-len(x_train) // 64)
    falling = tn.optimizers.schedules.CosineDecay(rate, steps, alpha=0.001)
    model.compile(
        tn.optimizers.Adam(falling), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    model.summary()
    start = time.perf_counter()
    histories[name] = model.fit(
        x_train,
        y_train,
        batch_size=64,
        epochs=epochs,
        validation_data=(x_val, y_val),
        validation_batch_size=500,
        shuffle="every_epoch",
    ).history
    models[name] = model
    rows[name] = {
        "validation_accuracy": histories[name]["val_accuracy"][-1],
        "seconds": round(time.perf_counter() - start, 1),
        "epochs": epochs,
        "parameters": model.count_params(),
        "multiply_adds": multiply_adds(model),
    }

# %%
# Both networks over the epochs.

fig, axes = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
for ax, figure in zip(axes, ("val_loss", "val_accuracy"), strict=True):
    plots.compare_runs(histories, figure, ax=ax)
lessons.keep_figure(args, "learning_curves")

# %%
# Test once
# ---------

probabilities = {}
for name, model in models.items():
    probabilities[name] = model.predict(x_test, batch_size=500, verbose=0)
    predicted = probabilities[name].argmax(1)
    rows[name]["test_accuracy"] = float(np.mean(predicted == y_test))
    print(f"\n{name}")
    print(
        classification_report(
            y_test, predicted, labels=range(10), target_names=names, digits=3, zero_division=0
        )
    )
for name, model in models.items():  # last, because a step changes the weights
    rows[name]["megabytes"] = round(megabytes_of_a_step(model), 1)

print(f"{'':22}" + "".join(f"{name:>16}" for name in rows))
for what, form in (
    ("test_accuracy", ".2%"),
    ("validation_accuracy", ".2%"),
    ("seconds", ",.0f"),
    ("epochs", ","),
    ("parameters", ","),
    ("multiply_adds", ","),
    ("megabytes", ",.1f"),
):
    cells = "".join(f"{row[what]:>16{form}}" for row in rows.values())
    print(f"{what.replace('_', ' '):22}" + cells)

# %%
# What each gets wrong
# --------------------
# Shirts, pullovers, coats and T-shirts are hard for both. In the run shown here, the convolutional
# network gains most on coats, shirts and pullovers, whose outlines are alike; on ankle boots, it
# gains nothing.

fig, axes = plt.subplots(1, 2, figsize=(15, 7.8), layout="constrained")
for ax, name in zip(axes, models, strict=True):
    counts = tn.metrics.confusion_matrix(y_test, probabilities[name].argmax(1), 10)
    plots.confusion_matrix(counts, names, ax=ax)
    ax.set_title(f"{name}: {rows[name]['test_accuracy']:.2%} correct")
lessons.keep_figure(args, "confusion_matrices")

# %%
# Images that only one of the two networks classifies correctly, each with the prediction of the
# network that is wrong.

right = {name: p.argmax(1) == y_test for name, p in probabilities.items()}
for loser, winner in (("dense", "CNN"), ("CNN", "dense")):
    only = np.flatnonzero(right[winner] & ~right[loser])
    print(f"only the {winner} network is right: {len(only)} of {len(y_test):,} images")
    some = only[:12]
    if len(some) > 0:
        plots.prediction_gallery(x_test[some], y_test[some], probabilities[loser][some], names)
        plt.suptitle(f"Wrong for the {loser} network, right for the {winner} network", fontsize=11)
        lessons.keep_figure(args, f"only_{winner}_right")

# %%
# Save the results
# ----------------

for name, model in models.items():
    model.save(args.out / f"{name}.safetensors")
lessons.keep_results(args, data, {"models": rows})
