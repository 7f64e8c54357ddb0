"""
Another dataset: handwritten digits
===================================

Nothing in tinynet is specific to clothes. Here it learns to read handwritten digits: 1,797 images
of 8 by 8 pixels, which come with scikit-learn. What changes when the images are few and small? The
network is small, a single split is a matter of luck, and an accuracy without its uncertainty says
little.

From a terminal:

.. code-block:: sh

    python examples/another_dataset.py --epochs 150 --seed 0 --out runs/another_dataset
"""

# %%
# Setup
# -----

import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split

import tinynet as tn
from tinynet import layers, lessons, plots

parser = lessons.options("Learn to read handwritten digits.", "another_dataset", epochs=150)
args = lessons.begin(parser)

# %%
# Look at the data first
# ----------------------
# Before training anything: what shape, what range of values, how many of each class? The gray
# values run from 0 to 16 here. Divided by 255 out of habit, they would all be close to 0.

images, labels = load_digits(return_X_y=True)
images = images.reshape(-1, 8, 8)
names = [str(digit) for digit in range(10)]
print(f"images: {images.shape}, {images.dtype} from {images.min():g} to {images.max():g}")
print(f"images of each digit: {np.bincount(labels).tolist()}")

plots.sample_images(images[:40], labels[:40], names, columns=10)
lessons.keep_figure(args, "samples")

# %%
# Three parts
# -----------
# One part to learn from, one to base decisions on, one for the test at the very end. ``stratify``
# keeps the proportion of each digit the same in all three, which matters when data is scarce.

x_train, x_test, y_train, y_test = train_test_split(
    images, labels, test_size=360, stratify=labels, random_state=args.seed
)
x_train, x_val, y_train, y_val = train_test_split(
    x_train, y_train, test_size=360, stratify=y_train, random_state=args.seed
)
print(f"{len(x_train)} images to train on, {len(x_val)} to validate, {len(x_test)} to test on")

# %%
# A small network
# ---------------
# 64-32-10: about 2,400 weights for about 1,100 images. Dropout and early stopping keep it from
# memorizing the images.

model = tn.Sequential(
    [
        tn.Input((8, 8)),
        layers.Rescaling(1 / 16),
        layers.Flatten(),
        layers.Dense(32, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(
    optimizer=tn.optimizers.Adam(learning_rate=0.002),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.summary()

start = time.perf_counter()
history = model.fit(
    x_train,
    y_train,
    batch_size=32,
    epochs=args.epochs,
    validation_data=(x_val, y_val),
    shuffle="every_epoch",
    verbose=0,
    callbacks=[
        tn.callbacks.EarlyStopping("val_loss", patience=20, restore_best_weights=True, verbose=1)
    ],
).history
seconds = time.perf_counter() - start
best = int(np.argmin(history["val_loss"]))
print(f"trained for {len(history['loss'])} epochs in {seconds:.1f} s; best epoch: {best + 1}")

plots.learning_curves(history)
lessons.keep_figure(args, "learning_curves")

# %%
# Test once, and say how certain the result is
# --------------------------------------------
# With 360 test images, one image more or less is 0.3%. If the network gets a fraction p of all such
# images right, then the fraction it gets right in a sample of n varies with a standard deviation of
# :math:`\sqrt{p (1 - p) / n}`, the standard error. Two networks that differ by less cannot be told
# apart by this test.

test_loss, test_accuracy = model.evaluate(x_test, y_test, verbose=0)
probabilities = model.predict(x_test, verbose=0)
predicted = np.argmax(probabilities, axis=1)
error = np.sqrt(test_accuracy * (1 - test_accuracy) / len(y_test))
print(classification_report(y_test, predicted, target_names=names, digits=3, zero_division=0))
print(f"test accuracy {test_accuracy:.1%}, with a standard error of {error:.1%}")

plots.confusion_matrix(tn.metrics.confusion_matrix(y_test, predicted, 10), names)
lessons.keep_figure(args, "confusion_matrix")

# %%
# The mistakes, at most 18 of them, most confident first.

worst = plots.most_confident_mistakes(y_test, probabilities, n=18)
if len(worst):
    plots.prediction_gallery(x_test[worst], y_test[worst], probabilities[worst], names)
    lessons.keep_figure(args, "misclassified")

# %%
# What the first layer looks at
# -----------------------------
# Red is where ink raises a unit's activation, blue where it lowers it. Some units have hardly any
# color: they are dead. Once a ReLU outputs 0 for every image, its gradient is 0 too, and the unit
# stays as it is for good.

first = tn.Sequential(model.layers[:3])  # up to and including the first dense layer
dead = int(np.sum(np.all(first.predict(x_train, verbose=0) == 0, axis=0)))
print(f"{dead} of 32 hidden units are 0 for every training image")

plots.first_layer_weights(model, n=32, columns=8)
lessons.keep_figure(args, "first_layer")

# %%
# Save the results
# ----------------

lessons.keep_results(
    args,
    "digits",
    {
        "test_accuracy": test_accuracy,
        "test_loss": test_loss,
        "standard_error": float(error),
        "validation_accuracy": history["val_accuracy"][best],
        "epochs": len(history["loss"]),
        "best_epoch": best + 1,
        "dead_units": dead,
        "seconds": round(seconds, 1),
    },
)
