"""Parity of what `compile` takes, and of what is reported for several outputs and equal names."""

import inspect

import tinynet
from parity_tests.backend import keras


def test_compile_takes_its_arguments_in_the_same_order():
    own, theirs = (
        {name: each.default for name, each in inspect.signature(kind.compile).parameters.items()}
        for kind in (tinynet.Model, keras.Model)
    )
    assert list(own.items()) == list(theirs.items())
