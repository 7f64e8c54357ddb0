"""
More images from the same data
==============================

A T-shirt is still a T-shirt if it is a little further to the left, a little larger, or seen in a
mirror. A network has to learn that from examples, and here it gets them: layers flip, shift, rotate
and zoom each image at random, differently in every epoch, and only in training. Which of them help?

From a terminal:

.. code-block:: sh

    python examples/augmentation.py --seed 0 --out runs/augmentation
"""

# %%
# The data
# --------
# Only the first tenth of the training images is used for training, so that there is something to
# gain. The last tenth shows which changes help.

import time

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import layers, lessons, plots
from tinynet.datasets import fashion_mnist

parser = lessons.options("Train with images that are changed at random.", "augmentation", epochs=20)
args = lessons.begin(parser)
data, (x, y), (x_test, y_test) = lessons.images(args)
few = len(x) // 10
x_train, y_train, x_val, y_val = x[:few], y[:few], x[-few:], y[-few:]
names = fashion_mnist.CLASS_NAMES

# %%
# What may change
# ---------------
# A change has to keep the class, and to produce an image that could really occur: an upside-down
# bag is still a bag, but no photograph shows one that way, while a mirrored garment is as likely as
# the original. That leaves flips from left to right, and small shifts, rotations and changes of
# scale.

CHANGES = {
    "none": list,
    "flip": lambda: [layers.RandomFlip("horizontal")],
    "flip and shift": lambda: [
        layers.RandomFlip("horizontal"),
        layers.RandomTranslation(0.08, 0.08, fill_mode="constant"),
    ],
    "flip, shift, rotate, zoom": lambda: [
        layers.RandomFlip("horizontal"),
        layers.RandomTranslation(0.08, 0.08, fill_mode="constant"),
        layers.RandomRotation(0.02, fill_mode="constant"),
        layers.RandomZoom(0.08, fill_mode="constant"),
    ],
}

# %%
# Four garments, each as the network might see it in eight epochs.

show = tn.Sequential([tn.Input((28, 28)), layers.Reshape((28, 28, 1))])
for layer in CHANGES["flip, shift, rotate, zoom"]():
    show.add(layer)
fig, axes = plt.subplots(4, 8, figsize=(8, 4.4), layout="constrained")
changed = [show.forward(x_train[:4].astype("float32"), training=True) for _ in range(8)]
for row, shown in zip(axes, np.swapaxes(changed, 0, 1), strict=True):
    for ax, image in zip(row, shown, strict=True):
        ax.imshow(image[..., 0], cmap="gray_r")
        ax.set(xticks=[], yticks=[])
lessons.keep_figure(args, "changed")

# %%
# Training
# --------
# The same small convolutional network is trained each time. The more its images are changed, the
# less often it sees the same one twice, so it learns more slowly and does worse *in training*. What
# counts is the accuracy on the validation images, which are not changed. With seed 0, none of the
# changes has gained anything after 20 epochs; try ``--epochs`` to see whether more epochs help.


def network(changes):
    """Return a convolutional network that begins with layers that change its images."""
    model = tn.Sequential([tn.Input((28, 28)), layers.Reshape((28, 28, 1))])
    for change in changes:
        model.add(change)
    model.add(layers.Rescaling(1 / 255))
    for filters in (32, 64):
        model.add(layers.Conv2D(filters, 3, use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dropout(0.4))
    model.add(layers.Dense(10, activation="softmax"))
    return model


models, histories = {}, {}
steps = args.epochs * -(-few // 64)
for name, make_changes in CHANGES.items():
    tn.utils.set_random_seed(args.seed)
    model = network(make_changes())
    falling = tn.optimizers.schedules.CosineDecay(0.002, steps, alpha=0.001)
    model.compile(
        tn.optimizers.Adam(falling), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    start = time.perf_counter()
    histories[name] = model.fit(
        x_train,
        y_train,
        batch_size=64,
        epochs=args.epochs,
        validation_data=(x_val, y_val),
        validation_batch_size=500,
        shuffle="every_epoch",
        verbose=0,
    ).history
    models[name] = model
    seconds = time.perf_counter() - start
    reached = histories[name]["val_accuracy"][-1]
    trained = histories[name]["accuracy"][-1]
    print(f"{name:25} training {trained:.2%}  validation {reached:.2%}  {seconds:.0f} s")

fig, axes = plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained")
for ax, figure in zip(axes, ("accuracy", "val_accuracy"), strict=True):
    plots.compare_runs(histories, figure, ax=ax)
lessons.keep_figure(args, "learning_curves")

# %%
# Test once
# ---------
# We test the network that was best on the validation images, and the one without changes: in the
# run shown here, they are the same.

best = max(histories, key=lambda name: histories[name]["val_accuracy"][-1])
rows = {name: {"validation_accuracy": h["val_accuracy"][-1]} for name, h in histories.items()}
for name in {"none": 0, best: 0}:
    _, accuracy = models[name].evaluate(x_test, y_test, batch_size=500, verbose=0)
    rows[name]["test_accuracy"] = accuracy
    print(f"{name:25} test {accuracy:.2%}")

# %%
# Save the results
# ----------------

models[best].save(args.out / "model.safetensors")
lessons.keep_results(args, data, {"best": best, "images": few, "changes": rows})
