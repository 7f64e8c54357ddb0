"""
The full Fashion-MNIST network
==============================

A network of dense layers, 784-256-128-64-10, learns to tell ten kinds of clothes apart: with
batch normalization, dropout, a learning rate that is halved when progress stalls, and early
stopping when progress ends. Read it from top to bottom; an editor that understands ``# %%`` runs it
cell by cell.

From a terminal:

.. code-block:: sh

    python examples/fashion_mnist_ann.py --epochs 120 --seed 0 --out runs/fashion_mnist_ann
"""

# %%
# Setup
# -----
# Everything that learns comes from tinynet. Matplotlib draws the figures, and scikit-learn prints
# the report.

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
# 60,000 images to learn from and 10,000 for the test at the very end: 28 by 28 gray values from 0
# to 255. tinynet looks for them in a few folders, and downloads them if they are not there. If
# neither works, it draws simple garments of its own, so that there is something to learn from.

data, (x_train, y_train), (x_test, y_test) = lessons.images(args)

# %%
# The network
# -----------
# The first two layers only prepare the images: gray values become numbers from 0 to 1, and images
# become vectors. Then come the same four layers three times.
#
# * ``Dense`` without a bias: the batch normalization that follows subtracts the mean, so a
#   bias would have no effect.
# * ``BatchNormalization`` *before* the ReLU, as Ioffe and Szegedy (2015) have it, so that every
#   unit is active for about half of the images.
# * ``ReLU``, the nonlinearity without which three layers could compute no more than one.
# * ``Dropout``, which sets some values to zero in training, so that no unit can rely on a single
#   other unit. There is a little of it on the input as well, and less from layer to layer: the
#   fewer units there are, the more each is needed.
#
# The softmax of the last layer gives ten probabilities.

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
# The last fifth of the training images is set aside for validation. How well the network does on
# these makes all decisions: when the learning rate is halved, when training ends, and which epoch's
# weights are kept. The test images decide nothing.
#
# ``shuffle="every_epoch"`` shuffles the images again for each epoch. (Plain ``shuffle=True`` does
# what Keras on TensorFlow does once a seed has been set, and that is the same order in every epoch:
# the same images would always share a batch and its statistics.)

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
# the training images better than it can know any others. The run shown here went through all of its
# 120 epochs: cuts of the learning rate kept bringing small gains, and all that was left for
# early stopping to do was to restore the best weights, those of epoch 116.

plots.learning_curves(history, monitor="val_accuracy")
lessons.keep_figure(args, "learning_curves")

# %%
# Test once
# ---------
# Now, and only now, we use the test images.

test_loss, test_accuracy = model.evaluate(x_test, y_test, batch_size=1000, verbose=0)
probabilities = model.predict(x_test, batch_size=1000, verbose=0)
predicted = np.argmax(probabilities, axis=1)
names = fashion_mnist.CLASS_NAMES
print(classification_report(y_test, predicted, target_names=names, digits=3, zero_division=0))
print(f"test loss {test_loss:.4f}, test accuracy {test_accuracy:.2%}")

# %%
# Which classes are confused with which?

plots.confusion_matrix(tn.metrics.confusion_matrix(y_test, predicted, 10), names)
lessons.keep_figure(args, "confusion_matrix")

# %%
# The network's most confident mistakes. Some of the labels are a matter of taste.

worst = plots.most_confident_mistakes(y_test, probabilities, n=18)
plots.prediction_gallery(x_test[worst], y_test[worst], probabilities[worst], names)
lessons.keep_figure(args, "misclassified")

# %%
# Save the results
# ----------------
# The model goes into one file, from which ``tn.models.load_model`` restores it, and the metrics of
# the run into another. That file, ``results.json``, is written last: if it is there, the run has
# finished.

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
