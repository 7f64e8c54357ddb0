"""The page of Keras's names is what the command writes."""

import inspect

import pytest

from parity_tests.backend import keras
from parity_tests.keras_names import (
    METHODS,
    MODULES,
    PAGE,
    VERSION,
    at,
    lacking,
    look_up,
    page,
    public,
)
from tinynet import layers, optimizers
from tinynet.scope import why_left_out


@pytest.mark.skipif(keras.__version__ != VERSION, reason=f"the page is about Keras {VERSION}")
def test_the_page_is_what_the_command_writes():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m parity_tests.keras_names"


def test_names_are_found_where_keras_has_them():
    assert look_up("keras.layers.Dense").there
    assert look_up("keras.layers.MaxPool2D").there  # not in __all__
    assert look_up("keras.optimizers.schedules.CosineDecay").there
    assert not look_up("keras.random.math").there  # a module that random.py imports


def test_a_name_is_refused_only_if_its_error_says_why():
    assert "sequences" in look_up("keras.layers.LSTM").why
    assert look_up("keras.layers.Lstm") == (False, "")
    assert look_up("keras.nowhere.LSTM") == (False, "")


@pytest.mark.parametrize("module", MODULES)
def test_nothing_that_is_there_is_called_left_out(module):
    paths = [f"{module}.{name}" for name in public(at(module, keras))]
    assert not [path for path in paths if look_up(path).there and why_left_out(path)]


def test_arguments_are_those_that_a_caller_can_give():
    assert lacking(keras.layers.Dense, layers.Dropout)[:3] == ["units", "activation", "use_bias"]
    assert "autocast" in lacking(keras.layers.ReLU, layers.ReLU)  # an argument of all layers
    assert "weight_decay" not in lacking(keras.optimizers.Adam, optimizers.Adam)
    assert "rank" not in lacking(keras.layers.Conv2D, layers.Conv2D)  # of a base class only


@pytest.mark.parametrize("method", METHODS)
def test_the_methods_are_looked_up_as_well(method):
    assert inspect.isfunction(at(f"keras.Model.{method}", keras))


def test_every_module_exists():
    for module in MODULES:
        assert inspect.ismodule(at(module, keras))
