"""Exchange of models with Keras, as far as it goes without Keras; the rest is in parity_tests/."""

import sys

import pytest

from tinynet import Input, Sequential, activations
from tinynet.interop import from_keras, to_keras
from tinynet.layers import Dense


@pytest.mark.parametrize("travel", [to_keras, from_keras])
def test_without_keras_the_extra_is_named(travel, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)  # as if it were not installed
    with pytest.raises(ImportError, match=r"Keras cannot be imported .*tinynet\[parity\]"):
        travel(Sequential([Input((4,)), Dense(3)]))


def test_keras_without_its_backend_says_what_is_missing(monkeypatch, tmp_path):
    (tmp_path / "keras.py").write_text("import a_backend_that_is_not_there")
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"No module named 'a_backend_that_is_not_there'"):
        to_keras(Sequential([Input((4,)), Dense(3)]))


# What a config has to say so that nothing is lost on the way.


def test_the_name_of_the_input_is_kept():
    model = Sequential([Input((4,), name="pixels"), Dense(3)])
    assert model.input_name == "pixels"
    assert Sequential.from_config(model.get_config()).input_name == "pixels"
    assert Sequential([Dense(3)]).input_name == "input_layer"


def test_options_that_are_the_defaults_are_no_part_of_an_activations_config():
    elu = activations.elu
    assert elu.with_options(alpha=1.0).get_config() == elu.get_config() == {"name": "elu"}
    assert elu.with_options(alpha=0.5).get_config() == {"name": "elu", "alpha": 0.5}
