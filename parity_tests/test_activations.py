"""Every activation: values and derivative, also at kinks, for large inputs and for NaN."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet
from parity_tests.backend import BACKEND
from parity_tests.both import expect_same, make
from parity_tests.drawn import (
    FLOAT_TYPES,
    PATTERNS,
    SEEDS,
    examples,
    number,
    numbers,
    one_class_is_meant,
    one_of,
    shapes,
)
from parity_tests.elsewhere import through_float32, tolerance
from parity_tests.gradients import of_function
from parity_tests.terms import in_value, through

# Piece: the options of the function, as text.
CASES = {
    "activations.linear": [""],
    "activations.relu": [
        "",
        "negative_slope=0.2",
        "max_value=1.5",
        "max_value=6",
        "threshold=0.5",
        "negative_slope=0.3, max_value=2.5, threshold=1.0",
    ],
    "activations.relu6": [""],
    "activations.leaky_relu": ["negative_slope=0.01", "negative_slope=0.2", ""],
    "activations.elu": ["", "alpha=0.3"],
    "activations.selu": [""],
    "activations.gelu": ["", "approximate=True"],
    "activations.silu": [""],
    "activations.sigmoid": [""],
    "activations.tanh": [""],
    "activations.softplus": [""],
    "activations.softsign": [""],
    "activations.exponential": [""],
    "activations.softmax": ["", "axis=0"],
    "activations.hard_sigmoid": [""],
    "activations.sparse_sigmoid": [""],
    "activations.hard_silu": [""],
    "activations.hard_tanh": [""],
    "activations.hard_shrink": ["", "threshold=1.5"],
    "activations.soft_shrink": ["", "threshold=0.2"],
    "activations.tanh_shrink": [""],
    "activations.threshold": [
        "threshold=0.5, default_value=0.2",
        "threshold=-1.0, default_value=-3.0",
    ],
    "activations.sparse_plus": [""],
    "activations.squareplus": ["", "b=0.3"],
    "activations.celu": ["", "alpha=0.3"],
    "activations.mish": [""],
    "activations.log_sigmoid": [""],
    "activations.log_softmax": ["", "axis=0"],
}
FLAT = [
    pytest.param(piece, options, id=f"{piece.split('.')[1]}({options})")
    for piece, texts in CASES.items()
    for options in texts
]
KINKS = [-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.5, 3.0, 6.0, 7.0]


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "options"), FLAT)
def test_activation(piece, options, floatx):
    rng = np.random.default_rng(0)
    # At a kink every backend has its own derivative; tinynet follows TensorFlow's.
    kinks = np.array(KINKS) + (0 if BACKEND == "tensorflow" else 1e-3)
    x = np.concatenate([rng.normal(scale=3, size=47), kinks, [-30.0, 30.0]]).reshape(6, 10)
    _expect_same_function(piece, options, x.astype(floatx), seed=0)


@pytest.mark.parametrize("piece", [p for p in CASES if "softmax" not in p])
def test_far_out_and_not_a_number(piece):
    x = np.array([-1e3, -50.0, 50.0, 700.0, np.nan])
    options = CASES[piece][0]
    own, theirs = (_value(library, piece, options, x) for library in (tinynet, keras))
    expect_same(
        piece,
        {"value": (own, theirs)},
        tolerance=tolerance(piece, "float64"),
        case=f"({options}) far out",
    )


PLACES = {
    "as they are": lambda x: x,
    # Even closer, exp(x) - 1 would be 0 in float32, and selu on the other side of its kink.
    "close to 0": lambda x: 1e-6 * x,
    "far above 0": lambda x: 30 + x,  # where 1 - softmax and 1 - tanh cancel too
    "far below 0": lambda x: x - 30,
}


@one_class_is_meant
@pytest.mark.skipif(BACKEND != "tensorflow", reason="0 is a kink, where backends differ")
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "options"), FLAT)
def test_numbers_that_cancel(piece, options, floatx, place):
    for shape in ((4, 6), (4, 1)):
        for pattern in PATTERNS.values():
            x = PLACES[place](pattern(shape)).astype(floatx)
            for upstream in PATTERNS.values():
                _expect_same_gradient(piece, options, x, upstream(shape).astype(floatx))


# Options that are drawn in addition to shape and values.
DRAWN = {
    "activations.relu": {
        "negative_slope": number(0, 1),
        "max_value": number(0.01, 3),
        "threshold": number(0, 2),
    },
    "activations.leaky_relu": {"negative_slope": number(-1, 2)},
    "activations.elu": {"alpha": number(-1, 3)},
    "activations.gelu": {"approximate": one_of("True", "False")},
    "activations.softmax": {"axis": one_of("-1", "0", "1")},
    "activations.log_softmax": {"axis": one_of("-1", "0", "1")},
    "activations.hard_shrink": {"threshold": number(-1, 2)},
    "activations.soft_shrink": {"threshold": number(-1, 2)},
    "activations.squareplus": {"b": number(0.01, 5)},
    "activations.celu": {"alpha": number(0.01, 3)},
}
# Options without which Keras's function cannot be called.
REQUIRED = {"activations.threshold": {"threshold": number(-1, 1), "default_value": number(-1, 1)}}


@one_class_is_meant
@pytest.mark.parametrize("piece", CASES)
@given(
    case=st.data(),
    shape=shapes(2, 3),
    floatx=FLOAT_TYPES,
    seed=SEEDS,
    scale=st.sampled_from([1e-3, 0.1, 1.0, 20.0]),  # for large x, 1 - tanh(x)^2 cancels to 0
)
@examples(20)
def test_drawn_activation(piece, case, shape, floatx, seed, scale):
    given = st.fixed_dictionaries(REQUIRED.get(piece, {}), optional=DRAWN.get(piece, {}))
    texts = case.draw(given, label="options")
    options = ", ".join(f"{name}={text}" for name, text in texts.items())
    _expect_same_function(piece, options, numbers(seed, shape, floatx, scale), seed)


def _expect_same_function(piece, options, x, seed):
    _expect_same_gradient(piece, options, x, numbers(seed + 1, x.shape, x.dtype))


def _expect_same_gradient(piece, options, x, upstream):
    theirs, keras_dx = of_function(lambda x: _value(keras, piece, options, x), x, upstream)
    own = _value(tinynet, piece, options, x)
    function = tinynet.activations.get(piece.split(".")[1]).with_options(**_given(options))
    dx = function.backward(upstream, x, own)
    expect_same(
        piece,
        {
            "value": (own, theirs, in_value(function, x)),
            "gradient": (dx, keras_dx, through(function, upstream, x, own)),
        },
        tolerance=tolerance(piece, str(x.dtype)),
        case=f"({options}) on {x.shape}",
    )


def _value(library, piece, options, x):
    """Call an activation with the options that a text names."""
    return make(f"keras.{piece}(x, **options)", library, x=x, options=_given(options))


def _given(options):
    given = eval(f"dict({options})")
    return given if BACKEND == "tensorflow" else through_float32(given)
