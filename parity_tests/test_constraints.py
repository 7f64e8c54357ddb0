"""Every constraint: what it makes of weights, alone and after every step of a training."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet
from parity_tests.both import TOLERANCE, expect_same, make_both, numpy, use_floatx
from parity_tests.drawn import FLOAT_TYPES, SEEDS, call, examples, number, numbers, one_of
from parity_tests.terms import of_training

rng = np.random.default_rng(6)
CASES = {
    "constraints.NonNeg": ["NonNeg()", "non_neg()", "get('non_neg')", "get('NonNeg')"],
    "constraints.MaxNorm": [
        "MaxNorm()",
        "max_norm(0.7)",
        "MaxNorm(0.3, axis=-1)",
        "MaxNorm(1.0, axis=[0, 1])",
        "get('max_norm')",
    ],
    "constraints.UnitNorm": ["UnitNorm()", "unit_norm(axis=1)", "UnitNorm([0, -1])"],
    "constraints.MinMaxNorm": [
        "MinMaxNorm()",
        "MinMaxNorm(0.9, 1.1)",
        "min_max_norm(0.9, 3.0, rate=0.3)",
        "MinMaxNorm(0.2, 0.7, rate=0.9, axis=[0, 2])",
        "get({'class_name': 'MinMaxNorm', 'config': {'min_value': 2.5, 'max_value': 3.0}})",
    ],
}
FLAT = [
    pytest.param(piece, f"keras.constraints.{text}", id=text)
    for piece, texts in CASES.items()
    for text in texts
]


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text"), FLAT)
def test_weights(piece, text, floatx):
    for shape in [(4, 3, 2), (2, 3, 4, 5)]:
        for scale in (0.0, 1e-9, 0.1, 1.0, 1e4):
            _expect_same_weights(piece, text, scale * numbers(1, shape, floatx), floatx)


AXES = one_of("0", "1", "-1", "[0, 1]", "[0, 2]", "[2, 1, 0]")
DRAWN = {
    "constraints.NonNeg": call("keras.constraints.NonNeg"),
    "constraints.MaxNorm": call("keras.constraints.MaxNorm", number(0, 3), axis=AXES),
    "constraints.UnitNorm": call("keras.constraints.UnitNorm", axis=AXES),
    "constraints.MinMaxNorm": call(
        "keras.constraints.MinMaxNorm",
        min_value=number(0, 1),
        max_value=number(1, 3),
        rate=number(0, 1),
        axis=AXES,
    ),
}


@pytest.mark.parametrize("piece", DRAWN)
@given(
    case=st.data(),
    shape=st.tuples(*[st.integers(1, 5)] * 3),
    floatx=FLOAT_TYPES,
    seed=SEEDS,
)
@examples(20)
def test_drawn_constraint(piece, case, shape, floatx, seed):
    text = case.draw(DRAWN[piece], label="constraint")
    _expect_same_weights(piece, text, numbers(seed, shape, floatx), floatx)


def _expect_same_weights(piece, text, w, floatx):
    use_floatx(floatx)
    own, theirs = make_both(text)
    before = w.copy()
    found = own(w)
    np.testing.assert_array_equal(w, before)
    assert found.dtype == floatx
    expect_same(
        piece,
        {"weights": (found, numpy(theirs(keras.ops.convert_to_tensor(w))))},
        tolerance=TOLERANCE[floatx],
        case=f"{text} of {w.shape}",
    )


@pytest.mark.parametrize(("piece", "text"), FLAT)
def test_config(piece, text):
    own, theirs = (each.get_config() for each in make_both(text))
    assert own == theirs


# Layers between an Input of images and a Dense, each with the constraint whose record it adds to.
LAYERS = [
    ("MaxNorm", "Dense(4, kernel_constraint='max_norm', bias_constraint='non_neg')"),
    ("MaxNorm", "Dense(4, 'relu', kernel_constraint=keras.constraints.MaxNorm(0.5))"),
    (
        "UnitNorm",
        "Conv2D(3, 2, kernel_constraint=keras.constraints.UnitNorm(axis=[0, 1, 2]), "
        "bias_constraint='non_neg')",
    ),
    (
        "MinMaxNorm",
        "DepthwiseConv2D(2, bias_constraint='non_neg', "
        "depthwise_constraint=keras.constraints.MinMaxNorm(0.75, 1.0, 0.5, axis=[0, 1]))",
    ),
    (
        "NonNeg",
        "SeparableConv2D(3, 2, depthwise_constraint='non_neg', "
        "pointwise_constraint='unit_norm', bias_constraint='non_neg')",
    ),
    (
        "NonNeg",
        "BatchNormalization(beta_constraint='non_neg', "
        "gamma_constraint=keras.constraints.MinMaxNorm(0.5, 1.0))",
    ),
    ("UnitNorm", "LayerNormalization(gamma_constraint='unit_norm', beta_constraint='non_neg')"),
    # A frozen layer's weights stay as they were made.
    ("MaxNorm", "Dense(4, kernel_constraint=keras.constraints.MaxNorm(0.1), trainable=False)"),
]


@pytest.mark.parametrize(("name", "text"), LAYERS, ids=[text for _, text in LAYERS])
def test_training(name, text):
    use_floatx("float64")
    model = (
        f"keras.Sequential([keras.Input((4, 4, 2)), keras.layers.{text}, keras.layers.Flatten(), "
        "keras.layers.Dense(1)])"
    )
    x, y = rng.normal(size=(12, 4, 4, 2)), rng.normal(size=(12, 1))
    own, theirs = make_both(model)
    theirs.set_weights(own.get_weights())
    logs = []
    # An average of weights that takes their place is put back, too.
    sgd = make_both("keras.optimizers.SGD(0.1, 0.5, use_ema=True, ema_overwrite_frequency=2)")
    for each, optimizer in zip((own, theirs), sgd, strict=True):
        each.compile(optimizer, "mean_squared_error")
        told = each.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
        logs.append(told.history["loss"])
    weights = {
        key: (value, other, of_training(own))
        for (key, value), other in zip(own.arrays.items(), theirs.get_weights(), strict=True)
    }
    expect_same(f"constraints.{name}", {"losses": tuple(logs), **weights}, case=model)


def halves(shape, dtype=None):
    return np.full(shape, 0.5)


def smaller(w):
    return w * 0.75


def test_functions_as_initializer_and_constraint(tmp_path):
    known, found = {"halves": halves, "smaller": smaller}, []
    x, y = np.arange(12.0).reshape(3, 4) / 10, np.ones((3, 2))
    for library in (tinynet, keras):
        rules = {"kernel_initializer": halves, "kernel_constraint": smaller}
        model = library.Sequential([library.Input((4,)), library.layers.Dense(2, **rules)])
        model.compile("sgd", "mse")
        model.fit(x, y, epochs=3, verbose=0)
        found.append(model.get_weights()[0])
        model.save(tmp_path / f"{library.__name__}.keras")
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)
    for library, other in ((tinynet, "keras"), (keras, "tinynet")):
        again = library.models.load_model(tmp_path / f"{other}.keras", custom_objects=known)
        again.fit(x, y, verbose=0)
        found.append(again.get_weights()[0])
    np.testing.assert_allclose(found[2], found[3], rtol=1e-6)
