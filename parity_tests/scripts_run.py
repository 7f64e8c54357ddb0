"""Runs the scripts of tests/scripts/ with one of the libraries, and prints what they printed.

    python -m parity_tests.scripts_run tinynet lenet5.py saved_h5.py

Both libraries get the same things that the scripts themselves leave open: float64, a seed, and
small drawn images in place of the data sets. Keras also gets the names that it has dropped since
the scripts were written: ``keras.utils.np_utils`` and the modules of ``keras.layers``.
"""

import contextlib
import importlib
import io
import json
import os
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

import numpy as np

from tinynet.scripts import running, standin

SCRIPTS = Path(__file__).parents[1] / "tests" / "scripts"
# Modules of Keras 2 and where Keras 3 has their names.
DROPPED = {
    "keras.utils.np_utils": "keras.utils",
    **{
        f"keras.layers.{name}": "keras.layers"
        for name in ("core", "convolutional", "normalization", "advanced_activations", "pooling")
    },
}


def drawn(n, shape, rng):
    """Return n images of a class each: a bright bar whose place is the class, and noise."""
    labels = rng.integers(0, 10, n).astype(np.uint8)
    labels[:10] = np.arange(10)
    images = rng.integers(0, 120, (n, *shape))
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 8] += 100
    return images.astype(np.uint8), labels


def data_sets():
    """Return the functions that stand for ``load_data`` of each data set."""
    rng = np.random.default_rng(17)
    gray = drawn(200, (28, 28), rng), drawn(60, (28, 28), rng)
    color = [
        (x, y[:, None]) for x, y in (drawn(120, (32, 32, 3), rng), drawn(40, (32, 32, 3), rng))
    ]
    return {"fashion_mnist": gray, "mnist": gray, "cifar10": tuple(color)}


def replace_data(library):
    """Put the drawn images in the place of a library's data sets, as far as it has them."""
    for name, parts in data_sets().items():
        with contextlib.suppress(ImportError):
            module = importlib.import_module(f"{library}.datasets.{name}")
            module.load_data = lambda parts=parts: tuple((x.copy(), y.copy()) for x, y in parts)


def prepare(library):
    """Make ``import keras`` and ``import tensorflow`` mean a library."""
    if library == "tinynet":
        standin()
        replace_data("keras")
        return
    import keras
    import tensorflow.keras  # noqa: F401 (a module of its own, with Keras's older names too)

    for name, now in DROPPED.items():
        sys.modules[name] = importlib.import_module(now)
    sys.modules["keras.utils"].np_utils = keras.utils
    replace_data("keras")
    replace_data("tensorflow.keras")


def run(name):
    """Run a script in a folder of its own; return what it has printed, and its traceback if any."""
    import keras

    keras.backend.clear_session()
    keras.backend.set_floatx("float64")
    if hasattr(keras.config, "set_dtype_policy"):
        keras.config.set_dtype_policy("float64")
    keras.utils.set_random_seed(99)
    printed, errors, here = io.StringIO(), io.StringIO(), os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
                status = running.run_file(str(SCRIPTS / name))
        finally:
            os.chdir(here)
    return {"printed": printed.getvalue(), "error": errors.getvalue() if status else ""}


def main(library, *names):
    """Run some scripts, and print a dict of their outputs as the last line."""
    os.environ["MPLBACKEND"] = "agg"
    warnings.simplefilter("ignore")
    prepare(library)
    found = {}
    for name in names:
        try:
            found[name] = run(name)
        except Exception:
            found[name] = {"printed": "", "error": traceback.format_exc()}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
