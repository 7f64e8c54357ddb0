"""R0, the full Fashion-MNIST network, written once and trained in either library.

    python -m parity_tests.r0 --library keras --seed 0 --epochs 2 --out run/keras

Each run has its own process, so it shares nothing with the other library but the integer seed and
the data.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

import tinynet

BATCH = 128


@functools.cache
def data() -> tuple[str, Any, Any]:
    """Return the name of the data, the training images with labels and the test images."""
    try:
        return "fashion_mnist", *tinynet.datasets.fashion_mnist.load_data()
    except tinynet.datasets.DatasetError:
        if os.environ.get("TINYNET_DATA"):
            raise  # a folder was given: do not compare with other data
    images, labels = tinynet.datasets.drawn_apparel(14_000, seed=0)
    return (
        "drawn_apparel",
        (images[:12_000], labels[:12_000]),
        (images[12_000:], labels[12_000:]),
    )


def network(library: Any, dropout: Any = None, portable: bool = False) -> Any:
    """Build and compile the network of examples/fashion_mnist_ann.py.

    Parameters
    ----------
    library : module
    dropout : callable, optional
        Makes a dropout layer from its rate; by default it is the library's own.
    portable : bool
        Leave out what Keras, and so tinynet, does on TensorFlow only: constants are rounded
        through float32 from the start, and the loss is given logits, because Keras looks back
        through a final softmax on TensorFlow only.
    """
    layers = library.layers
    constant = tinynet.config.through_float32 if portable else float
    dropout = dropout or layers.Dropout
    model = library.Sequential(
        [
            library.Input((28, 28)),
            layers.Rescaling(constant(1 / 255)),
            layers.Flatten(),
            dropout(0.1),
        ]
    )
    for units, rate in ((256, 0.3), (128, 0.2), (64, 0.1)):
        model.add(layers.Dense(units, use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(dropout(rate))
    model.add(layers.Dense(10, activation=None if portable else "softmax"))
    model.compile(
        optimizer=library.optimizers.Adam(0.001, beta_1=constant(0.9), beta_2=constant(0.999)),
        loss=library.losses.SparseCategoricalCrossentropy(from_logits=portable),
        metrics=["accuracy"],
    )
    if hasattr(model, "jit_compile"):
        model.jit_compile = False  # XLA, which Keras uses on a GPU, draws other random numbers
    return model


def train(library: Any, seed: int, floatx: str, epochs: int, out: Path, weights: bool) -> None:
    """Train from an integer seed; write log.json and, if requested, the weights of every epoch."""
    name, (x, y), (x_test, y_test) = data()
    library.config.set_floatx(floatx)
    library.utils.set_random_seed(seed)
    model = network(library)
    steps: list[float] = []
    callbacks = [
        library.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: steps.append(float(logs["loss"]))
        ),
        library.callbacks.ReduceLROnPlateau("val_accuracy", factor=0.5, patience=5),
        library.callbacks.EarlyStopping("val_accuracy", patience=15, restore_best_weights=True),
    ]
    out.mkdir(parents=True, exist_ok=True)
    if weights:
        callbacks.append(
            library.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: np.savez(
                    out / f"weights_{epoch + 1}.npz", *model.get_weights()
                )
            )
        )
    history = model.fit(
        x,
        y,
        batch_size=BATCH,
        epochs=epochs,
        validation_split=0.2,
        callbacks=callbacks,
        verbose=0,
    ).history
    test_loss, test_accuracy = model.evaluate(x_test, y_test, batch_size=1000, verbose=0)
    log = {
        "data": name,
        "history": {key: [float(value) for value in values] for key, values in history.items()},
        "running loss": steps,
        "test_loss": float(test_loss),
        "test_accuracy": float(test_accuracy),
    }
    tinynet.files.write_atomically(out / "log.json", json.dumps(log) + "\n")


def main() -> None:
    """Train once, with the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", choices=["tinynet", "keras"], required=True, dest="name")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--floatx", choices=["float64", "float32"], default="float32")
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--weights", action="store_true", help="save those of every epoch")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.name == "keras":
        from parity_tests.backend import keras as library
    else:
        library = tinynet
    train(library, args.seed, args.floatx, args.epochs, args.out, args.weights)


if __name__ == "__main__":
    main()
