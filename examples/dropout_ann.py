"""
Dropout, and three optimizers side by side
==========================================

A network with two hidden layers, 784-128-64-10, has dropout between them. We train it with SGD with
momentum, with RMSprop and with Adam, choose one of them by its validation accuracy, and see what
dropout does by training once without it.

From a terminal:

.. code-block:: sh

    python examples/dropout_ann.py --epochs 40 --seed 0 --out runs/dropout_ann
"""

# %%
# Setup
# -----

import time

import matplotlib.pyplot as plt

import tinynet as tn
from tinynet import layers, lessons, plots

parser = lessons.options("Train a network with dropout.", "dropout_ann", epochs=40)
args = lessons.begin(parser)
data, (x_train, y_train), (x_test, y_test) = lessons.images(args)
BATCH_SIZE = 64

# %%
# The network
# -----------
# ``Flatten`` joins the rows of an image into one vector of 784 numbers. In training,
# ``Dropout(0.3)`` sets each output of the first hidden layer to 0 with probability 0.3 and
# multiplies the rest by 1/0.7, so that the sum stays the same on average. No unit can then rely on
# a single other unit. At inference, dropout does nothing.


def network(dropout):
    """Return the network, not yet compiled."""
    return tn.Sequential(
        [
            tn.Input((28, 28)),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="dropout_ann",
    )


network(0.3).summary()

# %%
# The optimizers
# --------------
# All three go downhill; they differ in their steps. SGD with momentum moves every weight at the
# same learning rate along a decaying sum of the past gradients. RMSprop divides each weight's
# gradient by its recent magnitude, and Adam combines the two ideas. That is why a learning rate
# that suits one does not suit another: those below were tuned on the validation images. Each decays
# to 0 along half a cosine.

steps = args.epochs * -(-len(x_train) * 9 // 10 // BATCH_SIZE)


def falling(rate):
    """Return a learning rate schedule that starts at this rate and ends at 0."""
    return tn.optimizers.schedules.CosineDecay(rate, decay_steps=steps)


OPTIMIZERS = {
    "SGD with momentum": lambda: tn.optimizers.SGD(falling(0.02), momentum=0.9),
    "RMSprop": lambda: tn.optimizers.RMSprop(falling(0.0005)),
    "Adam": lambda: tn.optimizers.Adam(falling(0.001)),
}

# %%
# Training
# --------
# Every run starts from the same seed: the same initial weights, the same order of the images, the
# same units dropped. A tenth of the training images is set aside for all decisions.


def train(name, dropout):
    """Train with the optimizer of this name; return the model, its history and the seconds."""
    tn.utils.set_random_seed(args.seed)
    model = network(dropout)
    model.compile(OPTIMIZERS[name](), "sparse_categorical_crossentropy", metrics=["accuracy"])
    print(f"\n{name}, dropout {dropout}")
    start = time.perf_counter()
    history = model.fit(
        x_train,
        y_train,
        batch_size=BATCH_SIZE,
        epochs=args.epochs,
        validation_split=0.1,
        validation_batch_size=1000,
        shuffle="every_epoch",
        verbose=2,
    ).history
    return model, history, time.perf_counter() - start


trained = {name: train(name, dropout=0.3) for name in OPTIMIZERS}
histories = {name: history for name, (_, history, _) in trained.items()}

# %%
# Side by side. RMSprop and Adam are faster at first; in the end, each with a learning rate that
# suits it, the three are close.

_, axes = plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained")
for ax, figure in zip(axes, ("val_accuracy", "val_loss"), strict=True):
    plots.compare_runs(histories, figure, ax=ax)
lessons.keep_figure(args, "optimizers")

# %%
# We continue with the optimizer whose network is the best on the validation images at the end of
# training. The test images have no say in it.

best = max(histories, key=lambda name: histories[name]["val_accuracy"][-1])
model, history, seconds = trained[best]
print(f"\nbest on the validation images: {best}")

plots.learning_curves(history, monitor="val_accuracy")
lessons.keep_figure(args, "learning_curves")

# %%
# What dropout does
# -----------------
# The same run again, without dropout. Now the network goes on to memorize the training images, and
# its validation loss rises: it becomes more confident in its mistakes. The number of mistakes
# hardly changes here. The larger the network and the fewer the images, the more dropout matters.

_, bare, _ = train(best, dropout=0.0)
pair = {"dropout 0.3": history, "no dropout": bare}
_, axes = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
for ax, figure in zip(axes, ("loss", "val_loss", "val_accuracy"), strict=True):
    plots.compare_runs(pair, figure, ax=ax)
lessons.keep_figure(args, "with_and_without_dropout")

# %%
# Test once
# ---------

probabilities = model.predict(x_test, batch_size=1000, verbose=0)
test_accuracy = lessons.report(args, x_test, y_test, probabilities)
print(f"test accuracy {test_accuracy:.2%}, trained with {best}")

# %%
# Save the results
# ----------------

model.save(args.out / "model.safetensors")
lessons.keep_results(
    args,
    data,
    {
        "optimizer": best,
        "test_accuracy": test_accuracy,
        "validation_accuracy": history["val_accuracy"][-1],
        "validation_accuracy_without_dropout": bare["val_accuracy"][-1],
        "epochs": args.epochs,
        "seconds": round(seconds, 1),
        "optimizers": {
            name: {"validation_accuracy": h["val_accuracy"][-1], "seconds": round(s, 1)}
            for name, (_, h, s) in trained.items()
        },
    },
)
