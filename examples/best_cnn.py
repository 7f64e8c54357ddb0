"""
As far as a convolutional network goes
======================================

Five convolutions, mirrored and shifted images, and a learning rate that falls: the most that this
library gets out of Fashion-MNIST in minutes on an ordinary processor.

From a terminal::

    python examples/best_cnn.py --seed 0 --out runs/best_cnn
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

parser = lesson.options("Train the best convolutional network.", "best_cnn", epochs=16)
args = lesson.begin(parser)
data, (x, y), (x_test, y_test) = lesson.images(args)
kept_aside = len(x) // 10
x_train, y_train = x[:-kept_aside], y[:-kept_aside]
x_val, y_val = x[-kept_aside:], y[-kept_aside:]

# %%
# The network
# -----------
# * *Changed images*: each is mirrored or not, and shifted by up to two pixels, anew in every epoch.
# * *Small windows, one behind the other*: two layers of 3 x 3 see 5 x 5 pixels with fewer weights
#   than one layer of 5 x 5, and bend twice (Simonyan and Zisserman 2015, section 2.3).
# * *More filters where the image is smaller*: what is looked for is more special, and costs less.
# * *The mean of each filter over the image* at the end, in place of a large dense layer: whether a
#   pattern is there counts, not where (Lin et al. 2014, section 3.2).

model = tn.Sequential(name="best_cnn")
model.add(tn.Input((28, 28)))
model.add(layers.Reshape((28, 28, 1)))
model.add(layers.RandomFlip("horizontal"))
model.add(layers.RandomTranslation(2 / 28, 2 / 28, fill_mode="constant"))
model.add(layers.Rescaling(1 / 255))
for stage in ((32, 64), (64, 128), (128,)):
    if stage != (32, 64):
        model.add(layers.MaxPooling2D())
        model.add(layers.Dropout(0.1))
    for filters in stage:
        model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
model.add(layers.GlobalAveragePooling2D())
model.add(layers.Dropout(0.3))
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
