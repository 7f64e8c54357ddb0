"""
As far as a convolutional network goes
======================================

Four convolutions, mirrored images, a learning rate that falls, two looks at each image: everything
that helped on the validation images, put together.

From a terminal::

    python examples/best_cnn.py --seed 0 --out runs/best_cnn
"""

# %%
# The data
# --------
# Everything below was chosen with ``--validate``, which keeps some of the training images aside and
# reports on them. When all is chosen they have nothing left to say, so that by default all training
# images train, and the test images are looked at, once.

import time

import lesson
import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import layers, plots

parser = lesson.options("Train the best convolutional network.", "best_cnn", epochs=30)
parser.add_argument(
    "--validate",
    action="store_true",
    help="keep the last tenth of the training images aside, and leave the test images alone",
)
args = lesson.begin(parser)
data, (x_train, y_train), (x_test, y_test) = lesson.images(args)
if args.validate:
    kept = len(x_train) // 10
    x_test, y_test = x_train[-kept:], y_train[-kept:]
    x_train, y_train = x_train[:-kept], y_train[:-kept]

# %%
# The network
# -----------
# * *Mirrored images*: ``RandomFlip`` turns half of the garments over, each time other ones.
# * *Small windows, one behind the other*: two layers of 3 x 3 see 5 x 5 pixels with fewer weights
#   than one layer of 5 x 5, and bend twice (Simonyan and Zisserman 2015, section 2.3).
# * *More filters where the image is smaller*: what is looked for is more special, and costs less.
# * *Dropout* that grows from stage to stage, as in the networks before.

model = tn.Sequential(name="best_cnn")
model.add(tn.Input((28, 28)))
model.add(layers.Reshape((28, 28, 1)))
model.add(layers.RandomFlip("horizontal"))
model.add(layers.Rescaling(1 / 255))
for stage, dropped in (((32,), 0.1), ((64, 64), 0.2), ((128,), 0.3)):
    for filters in stage:
        model.add(layers.Conv2D(filters, 3, padding="same", use_bias=False))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.ReLU())
    model.add(layers.MaxPooling2D())
    model.add(layers.Dropout(dropped))
model.add(layers.Flatten())
model.add(layers.Dense(128, use_bias=False))
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

steps = args.epochs * -(-len(x_train) // 64)
falling = tn.optimizers.schedules.CosineDecay(0.002, steps, alpha=0.001)
model.compile(tn.optimizers.Adam(falling), "sparse_categorical_crossentropy", ["accuracy"])
model.summary()
start = time.perf_counter()
history = model.fit(
    x_train,
    y_train,
    batch_size=64,
    epochs=args.epochs,
    shuffle="every_epoch",
).history
seconds = time.perf_counter() - start
plots.learning_curves(history)
plt.savefig(args.out / "learning_curves.png", dpi=150)

# %%
# Two looks at each image
# -----------------------
# What was true in training is true afterwards: a garment and its mirror image are of one class. So
# the network looks at both, and the mean of its two answers counts.


def two_looks(images):
    """Return the mean of the probabilities for images and for their mirror images."""
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    looks = [model.predict(each, batch_size=500, verbose=0) for each in (images, mirrored)]
    return np.mean(looks, axis=0)


# %%
# The test, once
# --------------

one_look = model.predict(x_test, batch_size=500, verbose=0)
accuracy_of_one = float(np.mean(one_look.argmax(1) == y_test))
accuracy = lesson.report(args, x_test, y_test, two_looks(x_test))
which = "validation" if args.validate else "test"
print(f"{which} accuracy: one look {accuracy_of_one:.2%}, two looks {accuracy:.2%}")

# %%
# What is kept
# ------------

model.save(args.out / "model.safetensors")
lesson.keep_results(
    args,
    data,
    {
        f"{which}_accuracy": accuracy,
        f"{which}_accuracy_of_one_look": accuracy_of_one,
        "epochs": len(history["loss"]),
        "seconds": round(seconds, 1),
    },
)
