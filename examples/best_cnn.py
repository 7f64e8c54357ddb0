"""
How far a convolutional network can go
======================================

Four convolutions, mirrored images, patches of other images, a decaying learning rate, two looks at
each image: everything that helped on the validation images, put together.

From a terminal:

.. code-block:: sh

    python examples/best_cnn.py --seed 0 --out runs/best_cnn
"""

# %%
# The data
# --------
# Everything below was chosen with ``--validate``, which sets the last tenth of the training images
# aside and reports on them. Once everything is chosen, they have nothing left to say. So by default
# the network trains on all training images, and the test images are used only once.

import time

import numpy as np

import tinynet as tn
from tinynet import layers, lessons, plots

parser = lessons.options("Train the best convolutional network.", "best_cnn", epochs=30)
parser.add_argument("--validate", action="store_true", help="report on images kept aside")
args = lessons.begin(parser)
data, (x_train, y_train), (x_test, y_test) = lessons.images(args)
if args.validate:
    kept = len(x_train) // 10
    x_test, y_test = x_train[-kept:], y_train[-kept:]
    x_train, y_train = x_train[:-kept], y_train[:-kept]

# %%
# Patches of other images
# -----------------------
# CutMix, as in the best dense network: in about half of the batches, a square of each image is
# replaced by that of another image of the batch, and the labels are mixed in proportion to the
# areas (Yun et al. 2019, `arXiv:1905.04899 <https://arxiv.org/abs/1905.04899>`_, section 3).


def cut_mix(x, y, rng):
    """Paste a square of one image into another, and mix their one-hot labels to match."""
    images, height, width = x.shape
    side = int(np.sqrt(rng.random()) * min(height, width))  # so its area is uniform
    top = rng.integers(height - side + 1)
    left = rng.integers(width - side + 1)
    square = np.s_[:, top : top + side, left : left + side]
    other = rng.permutation(images)
    mixed = x.copy()
    mixed[square] = x[square][other]
    share = side**2 / (height * width)
    return mixed, (1 - share) * y + share * y[other]


class CutMix(tn.Sequential):
    """A model that is trained on images with patches of other images pasted in."""

    rng = np.random.default_rng(args.seed)

    def train_step(self, batch):
        """Take a training step with the batch, or with the batch mixed by `cut_mix`."""
        if self.rng.random() < 0.5:
            x, y = cut_mix(batch.x, batch.y, self.rng)
            batch = batch._replace(x=x, y=y)
        super().train_step(batch)


# %%
# The network
# -----------
# * *Small stacked filters*: two layers of 3 x 3 see 5 x 5 pixels with fewer weights than one layer
#   of 5 x 5, and with two nonlinearities instead of one (Simonyan and Zisserman 2015, section 2.3).
# * *More filters where the image is smaller*: the features there are more specialized, and each
#   filter costs less.
# * *Mirrored images* and *patches of other images*, as in the best dense network. They leave less
#   for dropout to do.

model = CutMix(name="best_cnn")
model.add(tn.Input((28, 28)))
model.add(layers.Reshape((28, 28, 1)))
model.add(layers.RandomFlip("horizontal"))
model.add(layers.Rescaling(1 / 255))
for stage, dropped in (((32,), 0.0), ((64, 64), 0.1), ((128,), 0.2)):
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
model.add(layers.Dropout(0.3))
model.add(layers.Dense(10, activation="softmax"))

# %%
# Training
# --------
# The learning rate decays along half a cosine, to almost nothing at the last step.

batch_size = 64
steps = args.epochs * -(-len(x_train) // batch_size)
falling = tn.optimizers.schedules.CosineDecay(0.002, steps, alpha=0.001)
model.compile(tn.optimizers.Adam(falling), "categorical_crossentropy", metrics=["accuracy"])
model.summary()
start = time.perf_counter()
history = model.fit(
    x_train,
    tn.utils.to_categorical(y_train, 10),
    batch_size=batch_size,
    epochs=args.epochs,
    shuffle="every_epoch",
).history
seconds = time.perf_counter() - start

# %%
# The training accuracy includes the mixed images, where a network can often only guess which of the
# two garments has the larger share. That can keep it below the test accuracy, which is measured on
# whole images.

plots.learning_curves(history)
lessons.keep_figure(args, "learning_curves")

# %%
# Test once
# ---------
# The network sees each image and its mirror image, and we average its two predictions.

one, mirrored = (
    model.predict(np.ascontiguousarray(x), batch_size=500, verbose=0)
    for x in (x_test, x_test[:, :, ::-1])
)
accuracy_of_one = float(np.mean(one.argmax(1) == y_test))
accuracy = lessons.report(args, x_test, y_test, (one + mirrored) / 2)
which = "validation" if args.validate else "test"
print(f"{which} accuracy: one look {accuracy_of_one:.2%}, two looks {accuracy:.2%}")

# %%
# Save the results
# ----------------

model.save(args.out / "model.safetensors")
lessons.keep_results(
    args,
    data,
    {
        f"{which}_accuracy": accuracy,
        f"{which}_accuracy_of_one_look": accuracy_of_one,
        "epochs": args.epochs,
        "seconds": round(seconds, 1),
    },
)
