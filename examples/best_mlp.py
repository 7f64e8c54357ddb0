"""
How far a dense network can go
==============================

No convolution, only dense layers, which do not know that pixels have neighbors. How much of
Fashion-MNIST can they learn? This example puts together what the others tried one by one, and adds
one thing that they did not: images with a patch of another image in them.

From a terminal:

.. code-block:: sh

    python examples/best_mlp.py --seed 0 --out runs/best_mlp
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
from tinynet.datasets import fashion_mnist

parser = lessons.options("Train the best dense network.", "best_mlp", epochs=120)
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
# CutMix (Yun et al. 2019, `arXiv:1905.04899 <https://arxiv.org/abs/1905.04899>`_, section 3) pastes
# a square of one image into another, and mixes their labels in proportion to the areas: "67%
# pullover, 33% sneaker". A network that has to predict this cannot rely on one detail, and can
# hardly memorize its images: there are as many mixed images as there are pairs of images and
# squares. (In the paper, the squares may extend beyond the edge of the image and are cut off there.
# Here they are always inside.)


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


# %%
# Ten images as the network might see them, with the two labels that it has to predict.

names = fashion_mnist.CLASS_NAMES
targets = tn.utils.to_categorical(y_train, 10)
mixed, both = cut_mix(x_train[:10], targets[:10], np.random.default_rng(8))
axes = plots.sample_images(mixed, columns=5)
axes[0, 0].figure.set_size_inches(8, 4)
for ax, label in zip(axes.flat, both, strict=True):
    two = [f"{label[i]:.0%} {names[i]}" for i in np.argsort(-label)[:2] if label[i] > 0]
    ax.set_title("\n".join(two), fontsize=8)
lessons.keep_figure(args, "mixed")

# %%
# In training, about half of the batches are mixed. The others are left as they are.


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
# * *Width*: 1024, 512 and 256 units, many more than the task needs.
# * *Mirrored images*: ``RandomFlip`` mirrors half of the garments on average, a different half each
#   time. That doubles the number of images, and costs little.
# * *Patches of other images*: this many weights would otherwise memorize the images. The mixed
#   images take over from dropout, of which only a little is left.
# * *Time*: the same mixed image never comes twice, so the network keeps learning for many more
#   epochs.
# * *Batch normalization* before each ReLU, so that a large learning rate does no harm.

model = CutMix(name="best_mlp")
model.add(tn.Input((28, 28)))
model.add(layers.Reshape((28, 28, 1)))
model.add(layers.RandomFlip("horizontal"))
model.add(layers.Rescaling(1 / 255))
model.add(layers.Flatten())
model.add(layers.Dropout(0.05))
for units in (1024, 512, 256):
    model.add(layers.Dense(units, use_bias=False))
    model.add(layers.BatchNormalization(momentum=0.9))
    model.add(layers.ReLU())
    model.add(layers.Dropout(0.1))
model.add(layers.Dense(10, activation="softmax"))

# %%
# Training
# --------
# The learning rate decays along half a cosine: large steps at first, so that the network finds a
# wide valley, and ever smaller ones to reach its bottom. So there is no early stopping: training
# ends when the schedule ends.

batch_size = 128
steps = args.epochs * -(-len(x_train) // batch_size)
falling = tn.optimizers.schedules.CosineDecay(0.002, steps, alpha=0.001)
model.compile(tn.optimizers.Adam(falling), "categorical_crossentropy", metrics=["accuracy"])
model.summary()
start = time.perf_counter()
history = model.fit(
    x_train,
    targets,
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
# The network sees each image and its mirror image, and we average its two predictions. What was
# true in training is true afterwards: a garment and its mirror image belong to the same class.

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
