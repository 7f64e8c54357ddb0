"""The same script with the same integer seed is the same run, here and in Keras.

Nothing is shared but the seed and the data: each library draws its own initial weights, its
own dropout masks, its own noise and its own order of the samples.
"""

import keras
import numpy as np
import pytest

import tinynet

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


@pytest.mark.parametrize("seed", [0, 7])
def test_three_epochs_from_the_integer_seed_alone(seed, kernels):
    logs, model = script(tinynet, seed)
    keras_logs, keras_model = script(keras, seed)

    assert list(logs) == list(keras_logs)
    for name, values in keras_logs.items():
        np.testing.assert_allclose(logs[name], values, rtol=1e-12, err_msg=name)
    assert [layer.name for layer in model.layers] == [layer.name for layer in keras_model.layers]
    for (name, own), theirs in zip(model.arrays.items(), keras_model.get_weights(), strict=True):
        scale = np.abs(theirs).max()
        np.testing.assert_allclose(own, theirs, rtol=0, atol=1e-11 * scale, err_msg=name)


def test_the_seed_matters():
    assert script(tinynet, 0)[0]["loss"] != script(tinynet, 1)[0]["loss"]
