"""
The full Fashion-MNIST network
==============================

A network of dense layers, 784-256-128-64-10, learns to tell ten kinds of clothes apart: with
batch normalization, dropout, a learning rate that is halved when progress stalls, and early
stopping when there is no more. Read it from top to bottom; an editor that knows ``# %%`` runs it
cell by cell.

From a terminal:

.. code-block:: sh

    python examples/fashion_mnist_ann.py --epochs 120 --seed 0 --out runs/fashion_mnist_ann
"""

# %%
# What we need
# ------------
# Everything that learns comes from tinynet. Matplotlib draws, scikit-learn prints the report.

import time

import numpy as np
from sklearn.metrics import classification_report

import tinynet as tn
from tinynet import layers, lessons, plots
from tinynet.datasets import fashion_mnist

parser = lessons.options("Train the full Fashion-MNIST network.", "fashion_mnist_ann", epochs=120)
parser.add_argument("--batch-size", type=int, default=128)
args = lessons.begin(parser)

# %%
# The data
# --------
# 60,000 images to learn from and 10,000 to be tested on at the very end: 28 by 28 gray values
# from 0 to 255. They are searched for in a few places and downloaded otherwise. Where neither
# works, tinynet draws simple garments of its own, so that there is something to learn from.

data, (x_train, y_train), (x_test, y_test) = lessons.images(args)

# %%
# The network
# -----------
# The first two layers only prepare: gray values become numbers from 0 to 1, images become
# vectors. Then three times the same four steps.
#
# * ``Dense`` without a bias: the batch normalization that follows subtracts the mean, so a
#   bias would have no effect.
# * ``BatchNormalization`` *before* the ReLU, as Ioffe and Szegedy (2015) have it, so that every
#   unit is on for about half of the images.
# * ``ReLU``, the bend without which three layers would be no more than one.
# * ``Dropout``, which sets some values to zero in training, so that no unit can rely on one
#   other unit. A little of it on the input as well, and less from layer to layer: the fewer
#   units there are, the more each is needed.
#
# The last layer's softmax makes ten probabilities.

model = tn.Sequential(name="fashion_mnist_ann")
model.add(tn.Input((28, 28)))
model.add(layers.Rescaling(1 / 255))
model.add(layers.Flatten())
model.add(layers.Dropout(0.1))
for units, dropped in ((256, 0.3), (128, 0.2), (64, 0.1)):
    model.add(layers.Dense(units, use_bias=False))
    model.add(layers.BatchNormalization())
    model.add(layers.ReLU())
    model.add(layers.Dropout(dropped))
model.add(layers.Dense(10, activation="softmax"))

model.compile(
    optimizer=tn.optimizers.Adam(learning_rate=0.001),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.summary()

# %%
# Training
# --------
# The last fifth of the training images is kept aside. How well the network does on these decides
# everything that is decided: when the learning rate is halved, when training ends, and which
# epoch's weights are kept. The test images decide nothing.
#
# ``shuffle="every_epoch"`` mixes the images anew for each epoch. (Plain ``shuffle=True`` does
# what Keras on TensorFlow does after a seed has been set, and that is the same order in every
# epoch: the same images would then always share a batch and its mean.)

start = time.perf_counter()
history = model.fit(
    x_train,
    y_train,
    batch_size=args.batch_size,
    epochs=args.epochs,
    validation_split=0.2,
    shuffle="every_epoch",
    callbacks=[
        tn.callbacks.ReduceLROnPlateau("val_accuracy", factor=0.5, patience=5, verbose=1),
        tn.callbacks.EarlyStopping(
            "val_accuracy", patience=15, restore_best_weights=True, verbose=1
        ),
        tn.callbacks.CSVLogger(args.out / "history.csv"),
    ],
).history
seconds = time.perf_counter() - start
best = int(np.argmax(history["val_accuracy"]))
print(f"trained for {len(history['loss'])} epochs in {seconds:.0f} s; best epoch: {best + 1}")

# %%
# Loss and accuracy over the epochs. At first the network does *worse* in training, where dropout
# switches part of it off, than on the validation images, where all of it works. Later it knows
# the training images better than it can know any others. The run that is shown here went on to the
# last of its 120 epochs: cuts of the learning rate kept bringing a little more, and early stopping
# was left with putting back the best weights, those of epoch 116.

plots.learning_curves(history, monitor="val_accuracy")
lessons.keep_figure(args, "learning_curves")

# %%
# The test, once
# --------------
# Now, and only now, the test images.

test_loss, test_accuracy = model.evaluate(x_test, y_test, batch_size=1000, verbose=0)
probabilities = model.predict(x_test, batch_size=1000, verbose=0)
predicted = np.argmax(probabilities, axis=1)
names = fashion_mnist.CLASS_NAMES
print(classification_report(y_test, predicted, target_names=names, digits=3, zero_division=0))
print(f"test loss {test_loss:.4f}, test accuracy {test_accuracy:.2%}")

# %%
# Which classes are mistaken for which?

plots.confusion_matrix(tn.metrics.confusion_matrix(y_test, predicted, 10), names)
lessons.keep_figure(args, "confusion_matrix")

# %%
# The mistakes of which the network was most sure. Some of the labels are a matter of taste.

worst = plots.most_confident_mistakes(y_test, probabilities, n=18)
plots.prediction_gallery(x_test[worst], y_test[worst], probabilities[worst], names)
lessons.keep_figure(args, "misclassified")

# %%
# What is kept
# ------------
# The model in one file, from which ``tn.models.load_model`` brings it back, and the figures of
# the run. ``results.json`` is written last: where it is, the run was finished.

model.save(args.out / "model.safetensors")
lessons.keep_results(
    args,
    data,
    {
        "test_accuracy": test_accuracy,
        "test_loss": test_loss,
        "validation_accuracy": history["val_accuracy"][best],
        "validation_loss": history["val_loss"][best],
        "epochs": len(history["loss"]),
        "best_epoch": best + 1,
        "seconds": round(seconds, 1),
        "batch_size": args.batch_size,
    },
)
