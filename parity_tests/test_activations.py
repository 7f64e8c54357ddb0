"""Every activation: values and derivative, also at kinks, far out and for NaN."""

import keras
import numpy as np
import pytest

import tinynet
from parity_tests.both import TOLERANCE, expect_same, make
from parity_tests.gradients import of_function

CASES = {
    "activations.linear": ["keras.activations.linear"],
    "activations.relu": [
        "keras.activations.relu",
        "lambda x: keras.activations.relu(x, negative_slope=0.2)",
        "lambda x: keras.activations.relu(x, max_value=1.5)",
        "lambda x: keras.activations.relu(x, max_value=6)",
        "lambda x: keras.activations.relu(x, threshold=0.5)",
        "lambda x: keras.activations.relu(x, negative_slope=0.3, max_value=2.5, threshold=1.0)",
    ],
    "activations.relu6": ["keras.activations.relu6"],
    "activations.leaky_relu": [
        "keras.activations.leaky_relu",
        "lambda x: keras.activations.leaky_relu(x, negative_slope=0.01)",
    ],
    "activations.elu": [
        "keras.activations.elu",
        "lambda x: keras.activations.elu(x, alpha=0.3)",
    ],
    "activations.selu": ["keras.activations.selu"],
    "activations.gelu": [
        "keras.activations.gelu",
        "lambda x: keras.activations.gelu(x, approximate=True)",
    ],
    "activations.silu": ["keras.activations.silu"],
    "activations.sigmoid": ["keras.activations.sigmoid"],
    "activations.tanh": ["keras.activations.tanh"],
    "activations.softplus": ["keras.activations.softplus"],
    "activations.softsign": ["keras.activations.softsign"],
    "activations.exponential": ["keras.activations.exponential"],
    "activations.softmax": [
        "keras.activations.softmax",
        "lambda x: keras.activations.softmax(x, axis=0)",
    ],
}
FLAT = [pytest.param(piece, text, id=text) for piece, texts in CASES.items() for text in texts]


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text"), FLAT)
def test_activation(piece, text, floatx):
    rng = np.random.default_rng(0)
    kinks = [-1.0, 0.0, 0.5, 1.0, 1.5, 2.5, 5.999, 6.0, 7.0, -30.0, 30.0]
    x = np.concatenate([rng.normal(scale=3, size=49), kinks]).reshape(6, 10).astype(floatx)
    upstream = rng.normal(size=x.shape).astype(floatx)
    theirs, keras_dx = of_function(make(text, keras), x, upstream)
    own = make(text, tinynet)(x)
    dx = _with_its_options(text).backward(upstream, x, own)
    tensors = {"value": (own, theirs), "gradient": (dx, keras_dx)}
    expect_same(piece, tensors, tolerance=TOLERANCE[floatx], case=text)


@pytest.mark.parametrize("piece", [p for p in CASES if p != "activations.softmax"])
def test_far_out_and_not_a_number(piece):
    x = np.array([-1e3, -50.0, 50.0, 700.0, np.nan])
    text = CASES[piece][0]
    theirs = of_function(make(text, keras), x)[0]
    expect_same(piece, {"value": (make(text, tinynet)(x), theirs)}, case=text)


def _with_its_options(text):
    """Return tinynet's activation with the options that the text fixes."""
    name = text.split("keras.activations.")[1].split("(")[0]
    function = tinynet.activations.get(name)
    if "(" in text:  # lambda x: keras.activations.name(x, option=value)
        call = text.split(": ", 1)[1]
        function = function.with_options(
            **eval(call.replace(f"keras.activations.{name}(x, ", "dict("))
        )
    return function
