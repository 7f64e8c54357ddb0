"""
As far as a dense network goes
==============================

No convolution, only dense layers, which do not know that pixels have neighbours. How much of
Fashion-MNIST can they learn? This puts together what the other examples tried one by one.

From a terminal::

    python examples/best_mlp.py --seed 0 --out runs/best_mlp
"""

# %%
# The data
# --------

import time

import lesson
import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import layers, plots

parser = lesson.options("Train the best dense network.", "best_mlp", epochs=60)
args = lesson.begin(parser)
data, (x, y), (x_test, y_test) = lesson.images(args)
kept_aside = len(x) // 10
x_train, y_train = x[:-kept_aside], y[:-kept_aside]
x_val, y_val = x[-kept_aside:], y[-kept_aside:]

# %%
# The network
# -----------
# * *Mirrored images*: ``RandomFlip`` turns half of the garments over, each time other ones. That
#   doubles the images, and costs nothing.
# * *Width*: 1024, 512 and 256 units, many more than the task needs.
# * *Dropout* against learning by heart, which so many weights would otherwise do: of the pixels as
#   well.
# * *Batch normalization* in front of each ReLU, so that a large learning rate does no harm.

model = tn.Sequential(name="best_mlp")
model.add(tn.Input((28, 28)))
model.add(layers.Reshape((28, 28, 1)))
model.add(layers.RandomFlip("horizontal"))
model.add(layers.Rescaling(1 / 255))
model.add(layers.Flatten())
model.add(layers.Dropout(0.1))
for units in (1024, 512, 256):
    model.add(layers.Dense(units, use_bias=False))
    model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.ReLU())
    model.add(layers.Dropout(0.4))
model.add(layers.Dense(10, activation="softmax"))

# %%
# Training
# --------
# The learning rate falls along half a cosine: large steps at first, so that the network finds a
# wide valley, and ever smaller ones to reach its bottom. So there is nothing to stop early: the end
# of the schedule is the end.

steps = args.epochs * -(-len(x_train) // 128)
falling = tn.optimizers.schedules.CosineDecay(0.002, steps, alpha=0.001)
model.compile(tn.optimizers.Adam(falling), "sparse_categorical_crossentropy", ["accuracy"])
model.summary()
start = time.perf_counter()
history = model.fit(
    x_train,
    y_train,
    batch_size=128,
    epochs=args.epochs,
    validation_data=(x_val, y_val),
    validation_batch_size=500,
    shuffle="every_epoch",
).history
seconds = time.perf_counter() - start
plots.learning_curves(history, monitor="val_accuracy")
plt.savefig(args.out / "learning_curves.png", dpi=150)

# %%
# Two looks at each image
# -----------------------
# What was true in training is true afterwards: a garment and its mirror image are of one class. So
# the network looks at both, and the mean of its two answers counts. The validation images say
# whether that helps.


def two_looks(images):
    """Return the mean of the probabilities for images and for their mirror images."""
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    looks = [model.predict(each, batch_size=500, verbose=0) for each in (images, mirrored)]
    return np.mean(looks, axis=0)


one = float(np.mean(model.predict(x_val, batch_size=500, verbose=0).argmax(1) == y_val))
two = float(np.mean(two_looks(x_val).argmax(1) == y_val))
print(f"validation: one look {one:.2%}, two looks {two:.2%}")

# %%
# The test, once
# --------------

test_accuracy = lesson.report(args, x_test, y_test, two_looks(x_test))
print(f"test accuracy {test_accuracy:.2%}")

# %%
# What is kept
# ------------

model.save(args.out / "model.safetensors")
lesson.keep_results(
    args,
    data,
    {
        "test_accuracy": test_accuracy,
        "validation_accuracy": two,
        "validation_accuracy_of_one_look": one,
        "epochs": len(history["loss"]),
        "seconds": round(seconds, 1),
    },
)
