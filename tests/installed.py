"""What is tried with a tinynet that is installed, in an environment where nothing else is.

    cd ELSEWHERE; .../bin/python -P tests/installed.py

`tests/dist.py` runs this with the wheel and with the archive of sources. It takes the package from
site-packages, as a learner has it: trains, saves, loads, shows a trace, checks an exercise, runs a
script written for Keras.
"""

import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import tinynet as keras

SCRIPT = "import keras\nprint(keras.layers.Dense(2)(keras.Input((3,))).shape)\n"


def main() -> None:
    """Try everything once; an error ends the process."""
    home = Path(keras.__file__).parent
    assert home.is_relative_to(sys.prefix) and "site-packages" in home.parts, home
    assert keras.__version__ == version("tinynet")
    assert find_spec("keras") is None and find_spec("tests") is None
    for name in keras.__all__:
        assert getattr(keras, name) is not None

    keras.utils.set_random_seed(1)
    x = np.random.default_rng(1).normal(size=(256, 4)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    losses = model.fit(x, y, epochs=30, verbose=0).history["loss"]
    assert losses[0] > 0.5 and losses[-1] < 0.1, losses
    keras.config.use_kernels("numpy")  # compiling more of them would take seconds

    for file in ("model.safetensors", "model.keras"):
        model.save(file)
        again = keras.models.load_model(file)
        assert np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0)), file

    keras.trace(model, x[:2], y[:2]).to_html("trace.html")
    page = Path("trace.html").read_text(encoding="utf-8")
    for part in home.glob("tracing/script/*.js"):
        assert part.read_text(encoding="utf-8").splitlines()[-1].strip() in page, part

    assert keras.exercises.check("dense/forward", lambda x, kernel, bias: x @ kernel + bias)
    assert not keras.exercises.check("dense/forward", lambda x, kernel, bias: x @ kernel - bias)

    Path("script.py").write_text(SCRIPT, encoding="utf-8")
    command = [sys.executable, "-m", "tinynet", "run", "script.py"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "(None, 2)\n", done
    print(
        f"  {home}\n  loss {losses[0]:.2f} to {losses[-1]:.2f}; two kinds of files, a trace of "
        f"{len(page) // 1000} kB, an exercise, a script written for Keras"
    )


if __name__ == "__main__":
    main()
