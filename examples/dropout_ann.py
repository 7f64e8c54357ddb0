"""
Dropout, and three optimizers side by side
==========================================

A network with two hidden layers, 784-128-64-10, and dropout between them. We train it with SGD with
momentum, with RMSprop and with Adam, choose one on validation data, and look at what dropout has
done by leaving it out.

From a terminal:

.. code-block:: sh

    python examples/dropout_ann.py --epochs 40 --seed 0 --out runs/dropout_ann
"""

# %%
# What we need
# ------------

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
# ``Flatten`` lays the rows of an image out as one vector of 784 numbers. In training,
# ``Dropout(0.3)`` sets each output of the first hidden layer to 0 with probability 0.3 and makes
# the rest larger by 1/0.7, so that the sum stays what it was on average. No unit can rely on one
# other unit then. When the network is used, dropout does nothing.


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
# All three go downhill; they differ in the length of their steps. SGD with momentum moves every
# weight at the same rate along a running mean of the gradients. RMSprop divides each weight's
# gradient by its own recent size, and Adam does both. That is why a learning rate that suits one
# does not suit another: those below were found on the validation images. Each comes down to 0 along
# half a cosine.

steps = args.epochs * -(-len(x_train) * 9 // 10 // BATCH_SIZE)


def falling(rate):
    """Return a learning rate that starts there and ends at 0."""
    return tn.optimizers.schedules.CosineDecay(rate, decay_steps=steps)


OPTIMIZERS = {
    "SGD with momentum": lambda: tn.optimizers.SGD(falling(0.02), momentum=0.9),
    "RMSprop": lambda: tn.optimizers.RMSprop(falling(0.0005)),
    "Adam": lambda: tn.optimizers.Adam(falling(0.001)),
}

# %%
# Training
# --------
# From the same seed every time: the same first weights, the same order of the images, the same
# units dropped. A tenth of the training images is kept aside for all decisions.


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
# Side by side. RMSprop and Adam are quick at first; in the end, with rates that suit them, the
# three are close.

_, axes = plt.subplots(1, 2, figsize=(12, 4.2), layout="constrained")
for ax, figure in zip(axes, ("val_accuracy", "val_loss"), strict=True):
    plots.compare_runs(histories, figure, ax=ax)
lessons.keep_figure(args, "optimizers")

# %%
# The one that we go on with is the best on the validation images at the end of training. The test
# images have no say in it.

best = max(histories, key=lambda name: histories[name]["val_accuracy"][-1])
model, history, seconds = trained[best]
print(f"\nbest on the validation images: {best}")

plots.learning_curves(history, monitor="val_accuracy")
lessons.keep_figure(args, "learning_curves")

# %%
# What dropout does
# -----------------
# The same once more without it. Now the network goes on learning the training images by heart, and
# its validation loss rises: it grows surer of its mistakes. How many it makes is hardly changed
# here. Dropout matters more the larger a network is, and the fewer images there are.

_, bare, _ = train(best, dropout=0.0)
pair = {"dropout 0.3": history, "no dropout": bare}
_, axes = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
for ax, figure in zip(axes, ("loss", "val_loss", "val_accuracy"), strict=True):
    plots.compare_runs(pair, figure, ax=ax)
lessons.keep_figure(args, "with_and_without_dropout")

# %%
# The test, once
# --------------

probabilities = model.predict(x_test, batch_size=1000, verbose=0)
test_accuracy = lessons.report(args, x_test, y_test, probabilities)
print(f"test accuracy {test_accuracy:.2%}, trained with {best}")

# %%
# What is kept
# ------------

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
