"""The lines of docs/outgrowing.md that take a trained model to Keras."""

import re
from pathlib import Path

import numpy as np

import tinynet
from parity_tests import r0
from parity_tests.backend import keras
from parity_tests.both import difference, expect_same

PAGE = Path(__file__).parents[1] / "docs" / "outgrowing.md"


def test_the_page_takes_a_model_to_keras(tmp_path, monkeypatch):
    x, y = tinynet.datasets.drawn_apparel(300, seed=0)
    model = r0.network(tinynet)
    (tmp_path / "runs" / "data_parallel").mkdir(parents=True)
    model.save(tmp_path / "runs" / "data_parallel" / "model.safetensors")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.M)
    (code,) = [each for each in blocks if not each.startswith(">>>")]
    moved, training = code.split("\n\nkeras_model.compile")
    names = {"x_train": x, "y_train": y}
    exec(moved, names)
    here, there = (each.predict(x, verbose=0) for each in (model, names["keras_model"]))
    expect_same("interop.to_keras", {"predictions": (here, there)}, case=PAGE.name)
    exec(f"keras_model.compile{training}", names)
    kept = keras.models.load_model(tmp_path / "runs" / "data_parallel" / "model.keras")
    trained = names["keras_model"].predict(x, verbose=0)
    assert difference(kept.predict(x, verbose=0), trained)[0] <= 1e-12
    assert not np.allclose(trained, here, atol=1e-3)  # it has learned
