"""Every loss: value and gradient, from probabilities and from logits, weighted and reduced."""

import keras
import numpy as np
import pytest

import tinynet
from parity_tests.both import TOLERANCE, expect_same, make_both, numpy
from parity_tests.gradients import of_function

rng = np.random.default_rng(3)
N, K = 7, 4
LABELS = rng.integers(0, K, N)
ONE_HOT = np.eye(K)[LABELS]
SOFT = rng.dirichlet(np.ones(K), N)
BITS = rng.integers(0, 2, (N, K)).astype(float)
NUMBERS = rng.normal(size=(N, K))
LOGITS = rng.normal(scale=4, size=(N, K))
PROBABILITIES = rng.dirichlet(np.ones(K), N)
EDGES = PROBABILITIES.copy()
EDGES[0], EDGES[1], EDGES[2] = [1, 0, 0, 0], [0, 0, 0, 1], [0.25, 0.25, 0.25, 0.25]
SHARES = rng.random((N, K))
SHARES[0, :2] = [0.0, 1.0]
WEIGHTS = rng.random(N) * 2

# Piece: (text, targets, predictions).
CASES = {
    "losses.SparseCategoricalCrossentropy": [
        ("keras.losses.SparseCategoricalCrossentropy()", LABELS, PROBABILITIES),
        ("keras.losses.SparseCategoricalCrossentropy()", LABELS, EDGES),
        ("keras.losses.SparseCategoricalCrossentropy()", LABELS[:, None], SHARES),
        ("keras.losses.SparseCategoricalCrossentropy(from_logits=True)", LABELS, LOGITS),
        ("keras.losses.SparseCategoricalCrossentropy(from_logits=True)", LABELS, 100 * LOGITS),
    ],
    "losses.CategoricalCrossentropy": [
        ("keras.losses.CategoricalCrossentropy()", ONE_HOT, PROBABILITIES),
        ("keras.losses.CategoricalCrossentropy()", ONE_HOT, EDGES),
        ("keras.losses.CategoricalCrossentropy()", SOFT, SHARES),
        ("keras.losses.CategoricalCrossentropy(label_smoothing=0.1)", ONE_HOT, PROBABILITIES),
        ("keras.losses.CategoricalCrossentropy(from_logits=True)", ONE_HOT, LOGITS),
        ("keras.losses.CategoricalCrossentropy(from_logits=True)", SOFT, 100 * LOGITS),
        (
            "keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)",
            ONE_HOT,
            LOGITS,
        ),
    ],
    "losses.BinaryCrossentropy": [
        ("keras.losses.BinaryCrossentropy()", BITS, SHARES),
        ("keras.losses.BinaryCrossentropy()", BITS[:, 0], SHARES[:, :1]),
        ("keras.losses.BinaryCrossentropy(label_smoothing=0.3)", BITS, SHARES),
        ("keras.losses.BinaryCrossentropy(from_logits=True)", BITS, LOGITS),
        ("keras.losses.BinaryCrossentropy(from_logits=True)", SOFT, 50 * LOGITS),
    ],
    "losses.MeanSquaredError": [
        ("keras.losses.MeanSquaredError()", NUMBERS, LOGITS),
        ("keras.losses.MeanSquaredError()", NUMBERS[:, 0], LOGITS[:, :1]),
    ],
    "losses.MeanAbsoluteError": [
        ("keras.losses.MeanAbsoluteError()", NUMBERS, LOGITS),
        ("keras.losses.MeanAbsoluteError()", NUMBERS, NUMBERS),
    ],
    "losses.Huber": [
        ("keras.losses.Huber()", NUMBERS, LOGITS),
        ("keras.losses.Huber(delta=0.3)", NUMBERS, NUMBERS + 0.3),
    ],
}
FLAT = [
    pytest.param(piece, *case, id=f"{i}-{case[0]}".replace("keras.losses.", ""))
    for piece, cases in CASES.items()
    for i, case in enumerate(cases)
]


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text", "targets", "predictions"), FLAT)
def test_loss(piece, text, targets, predictions, floatx, weights):
    _expect_same_loss(piece, text, targets, predictions, floatx, weights)


@pytest.mark.parametrize("reduction", ["sum", "mean", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("piece", CASES)
def test_reduction(piece, reduction):
    text, targets, predictions = CASES[piece][0]
    text = text.replace("()", f"(reduction='{reduction}')")
    _expect_same_loss(piece, text, targets, predictions, "float64", WEIGHTS)


def _expect_same_loss(piece, text, targets, predictions, floatx, weights):
    for library in (tinynet, keras):
        library.config.set_floatx(floatx)
    own, theirs = make_both(text)
    predictions = np.asarray(predictions, floatx)
    value = own(targets, predictions, weights)
    keras_value, keras_gradient = of_function(
        lambda p: theirs(targets, p, sample_weight=weights), predictions
    )
    expect_same(
        piece,
        {
            "value": (value, keras_value),
            "gradient": (own.gradient(), keras_gradient),
        },
        tolerance=TOLERANCE[floatx],
        case=text,
    )


# The look-back: a model that ends in softmax (or sigmoid) is trained from its logits. Another
# layer behind the softmax hides them, and the clipped probabilities are all that is left.
LOOK_BACK = [
    ("softmax", "sparse_categorical_crossentropy", LABELS, True),
    ("softmax", "categorical_crossentropy", ONE_HOT, True),
    ("sigmoid", "binary_crossentropy", BITS, True),
    ("softmax", "sparse_categorical_crossentropy", LABELS, False),
    ("softmax", "categorical_crossentropy", ONE_HOT, False),
    ("sigmoid", "binary_crossentropy", BITS, False),
]


@pytest.mark.parametrize(("activation", "loss", "targets", "seen"), LOOK_BACK)
def test_look_back_through_the_last_activation(activation, loss, targets, seen):
    x = 40 * rng.normal(size=(N, 5))
    hidden = "" if seen else ", keras.layers.Reshape((2, 2)), keras.layers.Reshape((4,))"
    text = (
        f"keras.Sequential([keras.Input((5,)), "
        f"keras.layers.Dense({K}, activation='{activation}'){hidden}])"
    )
    own, theirs = make_both(text)
    theirs.set_weights(own.get_weights())
    for model in (own, theirs):
        model.compile("sgd", loss)
    ours = own.evaluate(x, targets, verbose=0)
    expect_same("losses (look-back)", {"loss": (ours, theirs.evaluate(x, targets, verbose=0))})
    for model in (own, theirs):
        model.train_on_batch(x, targets)
    expect_same(
        "losses (look-back)",
        {"kernel": (own.get_weights()[0], numpy(theirs.weights[0]))},
        tolerance=1e-11,
        case=text,
    )
