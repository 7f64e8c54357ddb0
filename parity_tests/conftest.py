"""What every comparison with Keras starts from."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest

import tinynet

LIBRARIES = (keras, tinynet)


@pytest.fixture(autouse=True)
def _float64_and_back():
    """Compare in float64, and leave both libraries as they were found."""
    before = [library.config.floatx() for library in LIBRARIES]
    for library in LIBRARIES:
        library.config.set_floatx("float64")
        library.backend.clear_session()
    yield
    for library, floatx in zip(LIBRARIES, before, strict=True):
        library.config.set_floatx(floatx)
        library.backend.clear_session()
