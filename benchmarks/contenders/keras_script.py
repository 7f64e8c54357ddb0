"""An ordinary Keras script, which tinynet runs too: `import tinynet as keras`."""

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np


def compiled(keras: ModuleType, network: str = "ann", **options: object) -> Any:
    """Make and compile a network."""
    keras.utils.set_random_seed(0)
    model = {"ann": ann, "cnn": cnn}[network](keras)
    model.compile(
        keras.optimizers.Adam(0.001),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        **options,
    )
    return model


def ann(keras: ModuleType) -> Any:
    """Make the network of examples/fashion_mnist_ann.py."""
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dropout(0.1)]
    )
    for units, rate in ((256, 0.3), (128, 0.2), (64, 0.1)):
        model.add(layers.Dense(units, use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.Dropout(rate))
    model.add(layers.Dense(10, activation="softmax"))
    return model


def cnn(keras: ModuleType) -> Any:
    """Make a network with two convolutions."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Reshape((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def train(
    keras: ModuleType,
    images: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    epochs: int,
    network: str = "ann",
    **options: object,
) -> list[float]:
    """Train and return the seconds of each epoch."""
    model = compiled(keras, network, **options)
    ends: list[float] = []
    watch = keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: ends.append(time.perf_counter()),
        on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()),
    )
    model.fit(images, labels, batch_size, epochs, verbose=0, callbacks=[watch])
    return list(np.diff(ends))


def used(keras: ModuleType, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return the seconds that predicting and evaluating takes, without the first time."""
    model = compiled(keras)
    jobs: dict[str, Callable[[], object]] = {
        "predict": lambda: model.predict(images, verbose=0),
        "evaluate": lambda: model.evaluate(images, labels, verbose=0),
    }
    found = {}
    for name, job in jobs.items():
        job()
        start = time.perf_counter()
        job()
        found[name] = time.perf_counter() - start
    return found


def predictor(keras: ModuleType) -> Callable[[np.ndarray], np.ndarray]:
    """Return the fastest way from a batch of images to its probabilities."""
    return compiled(keras).predict_on_batch
