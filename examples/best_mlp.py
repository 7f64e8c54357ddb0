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
# Everything below was chosen with ``--validate``, which keeps some of the training images aside and
# reports on them. When all is chosen they have nothing left to say, so that by default all training
# images train, and the test images are looked at, once.

import time

import lesson
import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import layers, plots

parser = lesson.options("Train the best dense network.", "best_mlp", epochs=60)
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
