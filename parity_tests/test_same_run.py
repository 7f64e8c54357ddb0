"""The same script with the same integer seed is the same run, here and in Keras on TensorFlow.

Nothing is shared but the seed and the data: each library draws its own initial weights, its
own dropout masks, its own noise and its own order of the samples. Other backends draw other
numbers, so there tinynet passes its own to Keras, and the rest is the same run again.
"""

import subprocess
import sys

import keras
import numpy as np
import pytest

import tinynet
from parity_tests.backend import BACKEND
from parity_tests.both import expect_same
from parity_tests.masked import MaskedDropout, copy_weights, masks_of, own_weights
from parity_tests.terms import of_training
from tinynet.kernels import convolution

PIECE = "Sequential.fit (same run)"
CASES = {PIECE: ["script", "portable_network", "for_images"]}
rng = np.random.default_rng(2024)
X = rng.normal(size=(500, 20))
Y = np.argmax(X @ rng.normal(size=(20, 5)) + rng.normal(size=(500, 5)), axis=1)


def script(library, seed):
    """Train a small network for three epochs, written once for both libraries."""
    layers = library.layers
    library.utils.set_random_seed(seed)
    model = library.Sequential(
        [
            library.Input((20,)),
            layers.Dropout(0.1),
            layers.Dense(32, use_bias=False, kernel_regularizer=library.regularizers.L2(1e-4)),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            layers.Dropout(0.3),
            layers.Dense(16, activation="relu", kernel_initializer="he_normal"),
            layers.GaussianNoise(0.1),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        X,
        Y,
        epochs=3,
        batch_size=32,
        shuffle=True,
        validation_split=0.2,
        callbacks=[library.callbacks.ReduceLROnPlateau(patience=1, min_delta=0.1)],
        verbose=0,
    )
    return history.history, model


@pytest.fixture(params=["numba", "numpy"])
def kernels(request):
    """Run once with each form of the kernels."""
    before = tinynet.config.kernels()
    tinynet.config.use_kernels(request.param)
    yield request.param
    tinynet.config.use_kernels(before)


only_tensorflow = pytest.mark.skipif(
    BACKEND != "tensorflow",
    reason="from the seed alone: the random numbers are those of Keras on TensorFlow",
)


@only_tensorflow
@pytest.mark.parametrize("seed", [0, 7])
def test_three_epochs_from_the_integer_seed_alone(seed, kernels):
    logs, model = script(tinynet, seed)
    keras_logs, keras_model = script(keras, seed)

    expect_same_run(logs, keras_logs, model, keras_model.get_weights(), f"from seed {seed}")
    assert [layer.name for layer in model.layers] == [layer.name for layer in keras_model.layers]


def expect_same_run(logs, keras_logs, model, keras_weights, case):
    assert list(logs) == list(keras_logs)
    figures = {name: (logs[name], values) for name, values in keras_logs.items()}
    expect_same(PIECE, figures, tolerance=1e-12, case=case)
    pairs = zip(model.arrays.items(), keras_weights, strict=True)
    weights = {name: (own, theirs, of_training(model)) for (name, own), theirs in pairs}
    expect_same(PIECE, weights, tolerance=1e-11, case=case)


def portable_network(library, dropout):
    """Build a network that Keras computes in the same way on all of its backends.

    Its constants are exact in float32, through which only TensorFlow would round them, and its
    loss is given logits, because Keras looks back through a softmax on TensorFlow only.
    """
    layers = library.layers
    penalty = library.regularizers.L2(2**-13)
    model = library.Sequential(
        [
            library.Input((20,)),
            dropout(0.125),
            layers.Dense(32, use_bias=False, kernel_regularizer=penalty),
            layers.BatchNormalization(),
            layers.Activation("relu"),
            dropout(0.25),
            layers.Dense(5),
        ]
    )
    model.compile(
        library.optimizers.Adam(2**-8, beta_1=0.875, beta_2=0.9990234375),
        library.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def test_three_epochs_with_weights_masks_and_order_handed_over(kernels):
    # 420 samples and batches of 32: the last batch of an epoch has 4, the split leaves 80
    batch_size, epochs, n = 32, 3, 420
    options = {"batch_size": batch_size, "epochs": epochs, "verbose": 0}
    options["validation_data"] = (X[n:], Y[n:])
    tinynet.utils.set_random_seed(3)
    model = portable_network(tinynet, tinynet.layers.Dropout)
    masks = iter(masks_of(model, n, batch_size, epochs))
    keras_model = portable_network(keras, lambda rate: MaskedDropout(rate, next(masks)))
    copy_weights(model, keras_model)
    order = tinynet.random.epoch_order(n)
    cut = [lib.callbacks.ReduceLROnPlateau(patience=1, min_delta=0.1) for lib in (tinynet, keras)]
    logs = model.fit(X[:n], Y[:n], callbacks=cut[:1], **options).history
    keras_logs = keras_model.fit(
        X[order], Y[order], shuffle=False, callbacks=cut[1:], **options
    ).history
    expect_same_run(logs, keras_logs, model, own_weights(keras_model), "with masks handed over")


def for_images(library, seed):
    """Train a small network for images for two epochs, written once for both libraries."""
    layers = library.layers
    library.utils.set_random_seed(seed)
    model = library.Sequential(
        [
            library.Input((14, 14, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, strides=2, padding="same", activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    images = np.random.default_rng(7).normal(size=(100, 14, 14, 1))
    history = model.fit(images, Y[:100], epochs=2, batch_size=32, validation_split=0.2, verbose=0)
    return history.history, model


@only_tensorflow
@pytest.mark.parametrize("piece", [1 << 21, 1 << 16])
def test_two_epochs_with_images(piece, kernels, monkeypatch):
    """Its second convolution goes in tiles; some images at a time, or all."""
    monkeypatch.setattr(convolution, "PIECE", piece)
    logs, model = for_images(tinynet, 1)
    keras_logs, keras_model = for_images(keras, 1)
    assert model.layers[2].in_tiles((6, 6))
    expect_same_run(logs, keras_logs, model, keras_model.get_weights(), f"images, {piece} bytes")


def test_the_seed_matters():
    assert script(tinynet, 0)[0]["loss"] != script(tinynet, 1)[0]["loss"]


IN_A_FRESH_PROCESS = """
import random
{import_line}
keras.utils.set_random_seed(3)
first = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).get_weights()[0]
random.seed(5)
from sklearn.metrics import confusion_matrix
import matplotlib.pyplot, pandas, scipy.stats
second = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).get_weights()[0]
print(first.tolist(), second.tolist())
"""


def test_what_is_imported_between_two_models_draws_nothing():
    """scikit-learn imports rich, which draws from the generator that layers take seeds from."""
    printed = []
    for line in ("import tinynet as keras", "import keras"):
        script = IN_A_FRESH_PROCESS.format(import_line=line)
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        )
        printed.append(done.stdout)
    assert printed[0] == printed[1]
