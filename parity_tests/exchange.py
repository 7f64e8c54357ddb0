"""Files that one library writes and the other opens, each in an environment of its own.

    python -m parity_tests.exchange .venv-files/bin/python

runs Keras here and tinynet under the other Python, which must have h5py and must not have Keras.
``make files`` makes that environment and starts this.

Each library trains a stack and a graph, saves them in every format, trains on and notes the weights
after each step. Then the other opens the files, trains on, and has to get the same weights. No test
of the others can show this: there, both libraries are in one environment.
"""

import logging
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

OF_KERAS = ("keras", "tensorflow", "jax", "torch")
STEPS = 3  # before the files are written, and after
TOLERANCE = 1e-12  # of the largest weight of an array
FORMATS = ("keras", "weights.h5", "h5")

numbers = np.random.default_rng(5)
X, Y = numbers.normal(size=(24, 6)), numbers.integers(0, 3, 24)


def stack(library):
    """Return a stack of layers with states that are no weights."""
    layers = library.layers
    return library.Sequential(
        [
            library.Input((6,)),
            layers.Dense(8, activation="gelu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax"),
        ],
        name="stack",
    )


def graph(library):
    """Return a graph with branches that meet, and a layer that is called twice."""
    layers = library.layers
    start = library.Input((6,), name="numbers")
    shared = layers.Dense(6, activation="tanh", name="shared")
    once = shared(start)
    met = layers.Concatenate()([layers.Add()([start, once]), shared(once)])
    return library.Model(start, layers.Dense(3, activation="softmax")(met), name="graph")


def optimizer(library, name):
    """Return the optimizer of a model."""
    if name == "stack":
        return library.optimizers.Adam(0.01, clipnorm=1.0)
    return library.optimizers.SGD(0.05, momentum=0.9, nesterov=True)


MODELS = {"stack": stack, "graph": graph}


def made(library, name):
    """Return a new compiled model."""
    model = MODELS[name](library)
    model.compile(optimizer(library, name), "sparse_categorical_crossentropy")
    model.run_eagerly = True  # the few steps take less time than Keras's graph
    return model


def trained(model, steps=STEPS):
    """Train a model, and return all weights after each step in a row, as one array."""
    weights = []
    for _ in range(steps):
        model.train_on_batch(X, Y)
        weights.append(np.concatenate([each.ravel() for each in model.get_weights()]))
    return np.array(weights)


def write(library, folder):
    """Write models in every format, and what they are like after further steps."""
    library.utils.set_random_seed(7)
    for name in MODELS:
        model = made(library, name)
        trained(model)
        model.save(folder / f"{name}.keras")
        model.save_weights(folder / f"{name}.weights.h5")
        model.save(folder / f"{name}.h5")  # the last, because Keras forgets the optimizer then
        np.savez(
            folder / f"{name}.npz",
            predictions=model.predict(X, verbose=0),
            further=trained(model),
            anew=anew(library, library.models.load_model(folder / f"{name}.h5"), name),
        )


def anew(library, model, name):
    """Train a model on with a new optimizer, because Keras takes none over from ``.h5``."""
    model.compile(optimizer(library, name), "sparse_categorical_crossentropy")
    model.run_eagerly = True
    return trained(model)


def opened(library, folder, name, ending):
    """Return a model that has what a file holds."""
    path = folder / f"{name}.{ending}"
    if ending != "weights.h5":
        model = library.models.load_model(path)
        model.run_eagerly = True
        return model
    library.utils.set_random_seed(8)
    model = made(library, name)
    trained(model, steps=1)  # other weights, and an optimizer that has begun
    model.load_weights(path)
    return model


def read(library, folder):
    """Open what the other library has written, train on, and compare."""
    for name in MODELS:
        expected = np.load(folder / f"{name}.npz")
        for ending in FORMATS:
            model = opened(library, folder, name, ending)
            found = {"predictions": model.predict(X, verbose=0)}
            if ending == "h5":
                found["anew"] = anew(library, model, name)
            if ending != "h5" or library.__name__ == "tinynet":
                model = opened(library, folder, name, ending)
                found["further"] = trained(model)
            for what, array in found.items():
                gap = np.abs(array - expected[what]).max() / np.abs(expected[what]).max()
                print(f"{library.__name__:8} {name}.{ending:10}  {what:11}  {gap:.0e}", flush=True)
                if not gap <= TOLERANCE:
                    sys.exit(f"{library.__name__}: {name}.{ending}: {what}: {gap} is too much")


def beside_keras(python):
    """Let Keras write, tinynet read and write under another Python, and Keras read."""
    logging.getLogger("absl").setLevel(logging.ERROR)  # Keras calls .h5 legacy each time
    keras = import_module("keras")
    keras.config.set_floatx("float64")
    with TemporaryDirectory() as name:
        theirs, own = Path(name) / "theirs", Path(name) / "own"
        theirs.mkdir()
        own.mkdir()
        write(keras, theirs)
        # -E, -s: nothing from this environment's variables or from the user's folder.
        subprocess.run([python, "-Es", "-m", "parity_tests.exchange", theirs, own], check=True)
        read(keras, own)
    assert "tinynet" not in sys.modules


def without_keras(theirs, own):
    """Read Keras's files, and write others, where none of its libraries can be imported."""
    found = [name for name in OF_KERAS if find_spec(name) is not None]
    if found:
        sys.exit(f"{sys.executable}: expected an environment without Keras, found {found}")
    tinynet = import_module("tinynet")
    tinynet.config.set_floatx("float64")
    read(tinynet, theirs)
    write(tinynet, own)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        beside_keras(sys.argv[1])
    else:
        without_keras(*map(Path, sys.argv[1:]))
