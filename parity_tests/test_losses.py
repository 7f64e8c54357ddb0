"""Every loss: value and gradient, from probabilities and from logits, weighted and reduced."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet
from parity_tests.backend import BACKEND
from parity_tests.both import TOLERANCE, expect_same, make_both, numpy, use_floatx
from parity_tests.drawn import (
    FLOAT_TYPES,
    SEEDS,
    call,
    examples,
    number,
    numbers,
    one_class_is_meant,
    one_of,
)
from parity_tests.gradients import of_function
from parity_tests.terms import of_loss, of_training

rng = np.random.default_rng(3)
N, K = 7, 4
LABELS = rng.integers(0, K, N)
PARTLY = np.where(np.arange(N) % 3, LABELS, 255)
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
COUNTS = rng.integers(0, 6, (N, K)).astype(float)

# Piece: (text, targets, predictions).
CASES = {
    "losses.SparseCategoricalCrossentropy": [
        ("keras.losses.SparseCategoricalCrossentropy()", LABELS, PROBABILITIES),
        ("keras.losses.SparseCategoricalCrossentropy()", LABELS[:, None], PROBABILITIES),
        ("keras.losses.SparseCategoricalCrossentropy(from_logits=True)", LABELS, LOGITS),
        ("keras.losses.SparseCategoricalCrossentropy(from_logits=True)", LABELS, 100 * LOGITS),
        (
            "keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=2)",
            LABELS,
            LOGITS,
        ),
        ("keras.losses.SparseCategoricalCrossentropy(ignore_class=255)", PARTLY, PROBABILITIES),
        ("keras.losses.SparseCategoricalCrossentropy(False, -1)", 0 * LABELS - 1, PROBABILITIES),
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
    ],
    "losses.Huber": [
        ("keras.losses.Huber()", NUMBERS, LOGITS),
        ("keras.losses.Huber(delta=0.3)", NUMBERS, NUMBERS + 0.3),
    ],
    "losses.MeanAbsolutePercentageError": [
        ("keras.losses.MeanAbsolutePercentageError()", NUMBERS, LOGITS),
        ("keras.losses.MeanAbsolutePercentageError()", BITS, LOGITS),
    ],
    "losses.MeanSquaredLogarithmicError": [
        ("keras.losses.MeanSquaredLogarithmicError()", NUMBERS, LOGITS),
        ("keras.losses.MeanSquaredLogarithmicError()", COUNTS, SHARES),
    ],
    "losses.LogCosh": [
        ("keras.losses.LogCosh()", NUMBERS, LOGITS),
        ("keras.losses.LogCosh()", NUMBERS, 100 * LOGITS),
    ],
    "losses.Poisson": [
        ("keras.losses.Poisson()", COUNTS, SHARES),
        ("keras.losses.Poisson()", COUNTS[:, 0], SHARES[:, :1]),
    ],
    "losses.CosineSimilarity": [
        ("keras.losses.CosineSimilarity()", NUMBERS, LOGITS),
        ("keras.losses.CosineSimilarity(axis=1)", NUMBERS, 1e-9 * LOGITS),
        ("keras.losses.CosineSimilarity()", 1e-9 * NUMBERS, LOGITS),
        ("keras.losses.CosineSimilarity()", NUMBERS, 0 * LOGITS),
    ],
    "losses.Hinge": [
        ("keras.losses.Hinge()", 2 * BITS - 1, LOGITS),
        ("keras.losses.Hinge()", BITS, LOGITS),
        ("keras.losses.Hinge()", BITS[:, 0], LOGITS[:, :1]),
        ("keras.losses.Hinge()", NUMBERS, LOGITS),
    ],
    "losses.SquaredHinge": [
        ("keras.losses.SquaredHinge()", 2 * BITS - 1, LOGITS),
        ("keras.losses.SquaredHinge()", BITS, LOGITS),
    ],
    "losses.CategoricalHinge": [
        ("keras.losses.CategoricalHinge()", ONE_HOT, LOGITS),
        ("keras.losses.CategoricalHinge()", SOFT, LOGITS),
        ("keras.losses.CategoricalHinge()", ONE_HOT, PROBABILITIES),
    ],
    "losses.KLDivergence": [
        ("keras.losses.KLDivergence()", SOFT, PROBABILITIES),
        ("keras.losses.KLDivergence()", ONE_HOT, EDGES),
        ("keras.losses.KLDivergence()", NUMBERS, LOGITS),
    ],
    "losses.BinaryFocalCrossentropy": [
        ("keras.losses.BinaryFocalCrossentropy()", BITS, SHARES),
        ("keras.losses.BinaryFocalCrossentropy()", SOFT, SHARES),
        ("keras.losses.BinaryFocalCrossentropy(True, 0.4, 1.5)", BITS, SHARES),
        ("keras.losses.BinaryFocalCrossentropy(from_logits=True)", BITS, LOGITS),
        (
            "keras.losses.BinaryFocalCrossentropy(from_logits=True, apply_class_balancing=True, "
            "gamma=3.5, label_smoothing=0.1)",
            BITS,
            LOGITS,
        ),
    ],
    "losses.CategoricalFocalCrossentropy": [
        ("keras.losses.CategoricalFocalCrossentropy()", ONE_HOT, PROBABILITIES),
        ("keras.losses.CategoricalFocalCrossentropy()", ONE_HOT, EDGES),
        ("keras.losses.CategoricalFocalCrossentropy(0.4, 1.5)", SOFT, SHARES),
        (
            "keras.losses.CategoricalFocalCrossentropy(alpha=[0.1, 0.2, 0.3, 0.4], "
            "label_smoothing=0.1)",
            ONE_HOT,
            PROBABILITIES,
        ),
        ("keras.losses.CategoricalFocalCrossentropy(from_logits=True)", ONE_HOT, LOGITS),
        (
            "keras.losses.CategoricalFocalCrossentropy(from_logits=True, gamma=3.5)",
            SOFT,
            LOGITS,
        ),
    ],
}
# Losses and gradients that are 0, or what is left where terms cancel.
SURE = 40 * ONE_HOT - 20  # logits of a model that is certain and right
ONE_CLASS = np.zeros((N, 1))
INSIDE = 0.05 + 0.9 * rng.random((N, K))
VANISHING = {
    "losses.SparseCategoricalCrossentropy": [
        ("keras.losses.SparseCategoricalCrossentropy(from_logits=True)", LABELS, SURE),
        ("keras.losses.SparseCategoricalCrossentropy(from_logits=True)", LABELS, 50 * SURE),
        ("keras.losses.SparseCategoricalCrossentropy(from_logits=True)", 0 * LABELS, ONE_CLASS),
        ("keras.losses.SparseCategoricalCrossentropy()", LABELS, 1e-6 + (1 - 4e-6) * ONE_HOT),
    ],
    "losses.CategoricalCrossentropy": [
        ("keras.losses.CategoricalCrossentropy(from_logits=True)", ONE_HOT, SURE),
        ("keras.losses.CategoricalCrossentropy(from_logits=True)", SOFT, np.log(SOFT)),
        ("keras.losses.CategoricalCrossentropy(from_logits=True)", 0 * SOFT + 1 / K, 0 * SOFT),
        ("keras.losses.CategoricalCrossentropy()", ONE_HOT, ONE_HOT),
        ("keras.losses.CategoricalCrossentropy()", ONE_HOT, 1e-6 + (1 - 4e-6) * ONE_HOT),
        ("keras.losses.CategoricalCrossentropy()", SOFT, SOFT),
        ("keras.losses.CategoricalCrossentropy()", 0 * ONE_HOT, PROBABILITIES),
        ("keras.losses.CategoricalCrossentropy()", ONE_CLASS + 1, ONE_CLASS + 0.5),
    ],
    "losses.BinaryCrossentropy": [
        ("keras.losses.BinaryCrossentropy(from_logits=True)", BITS, 40 * BITS - 20),
        ("keras.losses.BinaryCrossentropy(from_logits=True)", 1 / (1 + np.exp(-LOGITS)), LOGITS),
        ("keras.losses.BinaryCrossentropy(from_logits=True)", 0 * BITS + 0.5, 0 * BITS),
        ("keras.losses.BinaryCrossentropy()", BITS, BITS),
        ("keras.losses.BinaryCrossentropy()", BITS, 1e-6 + (1 - 2e-6) * BITS),
        ("keras.losses.BinaryCrossentropy()", INSIDE, INSIDE),
    ],
    "losses.MeanSquaredError": [
        ("keras.losses.MeanSquaredError()", NUMBERS, NUMBERS),
        ("keras.losses.MeanSquaredError()", NUMBERS, NUMBERS * (1 + 1e-6)),
        ("keras.losses.MeanSquaredError()", 0 * NUMBERS, 1e-3 * np.sign(NUMBERS)),
    ],
    "losses.MeanAbsoluteError": [
        ("keras.losses.MeanAbsoluteError()", 0 * NUMBERS, 1e-3 * np.sign(NUMBERS)),
    ],
    "losses.Huber": [
        ("keras.losses.Huber()", NUMBERS, NUMBERS),
        ("keras.losses.Huber()", NUMBERS, NUMBERS + np.sign(LOGITS)),
        ("keras.losses.Huber(delta=1e-3)", NUMBERS, NUMBERS * (1 + 1e-6)),
    ],
    "losses.MeanAbsolutePercentageError": [
        ("keras.losses.MeanAbsolutePercentageError()", NUMBERS, NUMBERS * (1 + 1e-6)),
    ],
    "losses.MeanSquaredLogarithmicError": [
        ("keras.losses.MeanSquaredLogarithmicError()", SHARES, SHARES * (1 + 1e-6)),
        ("keras.losses.MeanSquaredLogarithmicError()", 0 * SHARES, 0 * SHARES - 1),
    ],
    "losses.LogCosh": [
        ("keras.losses.LogCosh()", NUMBERS, NUMBERS),
        ("keras.losses.LogCosh()", NUMBERS, NUMBERS * (1 + 1e-6)),
    ],
    "losses.Poisson": [
        ("keras.losses.Poisson()", COUNTS, COUNTS),
        ("keras.losses.Poisson()", 0 * COUNTS, 0 * COUNTS),
    ],
    "losses.CosineSimilarity": [
        ("keras.losses.CosineSimilarity()", NUMBERS, NUMBERS),
        ("keras.losses.CosineSimilarity()", NUMBERS, -3 * NUMBERS),
    ],
    "losses.Hinge": [
        ("keras.losses.Hinge()", BITS, 2 * BITS - 1),
        ("keras.losses.Hinge()", BITS, 3 * BITS - 1.5),
    ],
    "losses.SquaredHinge": [
        ("keras.losses.SquaredHinge()", BITS, 2 * BITS - 1),
        ("keras.losses.SquaredHinge()", BITS, (2 * BITS - 1) * (1 - 1e-6)),
    ],
    "losses.CategoricalHinge": [
        ("keras.losses.CategoricalHinge()", ONE_HOT, ONE_HOT),
        ("keras.losses.CategoricalHinge()", ONE_HOT, 0 * ONE_HOT),
        ("keras.losses.CategoricalHinge()", ONE_HOT, 2 * ONE_HOT),
    ],
    "losses.KLDivergence": [
        ("keras.losses.KLDivergence()", SOFT, SOFT),
        ("keras.losses.KLDivergence()", ONE_HOT, ONE_HOT),
    ],
    "losses.BinaryFocalCrossentropy": [
        ("keras.losses.BinaryFocalCrossentropy()", BITS, BITS),
        ("keras.losses.BinaryFocalCrossentropy()", BITS, 1e-6 + (1 - 2e-6) * BITS),
        ("keras.losses.BinaryFocalCrossentropy(from_logits=True)", BITS, 40 * BITS - 20),
    ],
    "losses.CategoricalFocalCrossentropy": [
        ("keras.losses.CategoricalFocalCrossentropy()", ONE_HOT, ONE_HOT),
        ("keras.losses.CategoricalFocalCrossentropy()", ONE_HOT, 1e-6 + (1 - 4e-6) * ONE_HOT),
        ("keras.losses.CategoricalFocalCrossentropy(from_logits=True)", ONE_HOT, SURE),
    ],
}
# Here Keras's other backends differ. On TensorFlow, the probabilities of a sparse cross-entropy are
# first clipped to [1e-7, 1 - 1e-7] and then normalized, elsewhere the reverse; and the slope of |x|
# at 0 is 0 on TensorFlow, 1 on JAX.
TENSORFLOW_ONLY = {
    "losses.SparseCategoricalCrossentropy": [
        ("keras.losses.SparseCategoricalCrossentropy()", LABELS, EDGES),
        ("keras.losses.SparseCategoricalCrossentropy()", LABELS, SHARES),
        ("keras.losses.SparseCategoricalCrossentropy()", LABELS, ONE_HOT),
        ("keras.losses.SparseCategoricalCrossentropy()", 0 * LABELS, ONE_CLASS + 0.5),
    ],
    "losses.MeanAbsoluteError": [("keras.losses.MeanAbsoluteError()", NUMBERS, NUMBERS)],
}


def flat(*tables):
    """Return the cases of some tables for parametrize."""
    return [
        pytest.param(piece, *case, id=f"{i}-{case[0]}".replace("keras.losses.", ""))
        for piece in CASES
        for i, case in enumerate(case for table in tables for case in table.get(piece, ()))
    ]


FLAT = flat(CASES, TENSORFLOW_ONLY if BACKEND == "tensorflow" else {})


@one_class_is_meant
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text", "targets", "predictions"), FLAT)
def test_loss(piece, text, targets, predictions, floatx, weights):
    _expect_same_loss(piece, text, targets, predictions, floatx, weights)


@one_class_is_meant
@pytest.mark.parametrize("weights", [None, WEIGHTS, 0 * WEIGHTS], ids=["plain", "weighted", "0"])
@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text", "targets", "predictions"), flat(VANISHING))
def test_loss_that_vanishes(piece, text, targets, predictions, floatx, weights):
    _expect_same_loss(piece, text, targets, predictions, floatx, weights)


@pytest.mark.parametrize("reduction", ["sum", "mean", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("piece", CASES)
def test_no_sample_counts(piece, reduction):
    text, targets, predictions = CASES[piece][0]
    text = text.replace("()", f"(reduction='{reduction}')")
    _expect_same_loss(piece, text, targets, predictions, "float64", 0 * WEIGHTS)


@pytest.mark.parametrize("reduction", ["sum", "mean", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("piece", CASES)
def test_reduction(piece, reduction):
    text, targets, predictions = CASES[piece][0]
    text = text.replace("()", f"(reduction='{reduction}')")
    _expect_same_loss(piece, text, targets, predictions, "float64", WEIGHTS)


BOOLEANS = one_of("True", "False")
REDUCTION = one_of(
    "'sum_over_batch_size'", "'mean'", "'sum'", "'mean_with_sample_weight'", "'none'", "None"
)
DRAWN = {
    "losses.SparseCategoricalCrossentropy": {
        "from_logits": BOOLEANS,
        "ignore_class": one_of("0", "1", "None"),
    },
    "losses.CategoricalCrossentropy": {"from_logits": BOOLEANS, "label_smoothing": number(0, 1)},
    "losses.BinaryCrossentropy": {"from_logits": BOOLEANS, "label_smoothing": number(0, 1)},
    "losses.MeanSquaredError": {},
    "losses.MeanAbsoluteError": {},
    "losses.Huber": {"delta": number(0.01, 2)},
    "losses.MeanAbsolutePercentageError": {},
    "losses.MeanSquaredLogarithmicError": {},
    "losses.LogCosh": {},
    "losses.CosineSimilarity": {},
    "losses.Hinge": {},
    "losses.SquaredHinge": {},
    "losses.CategoricalHinge": {},
    "losses.KLDivergence": {},
    "losses.BinaryFocalCrossentropy": {
        "from_logits": BOOLEANS,
        "label_smoothing": number(0, 1),
        "apply_class_balancing": BOOLEANS,
        "alpha": number(0, 1),
        "gamma": number(1, 4),
    },
    "losses.CategoricalFocalCrossentropy": {
        "from_logits": BOOLEANS,
        "label_smoothing": number(0, 1),
        "alpha": number(0, 2),
        "gamma": number(1, 4),
    },
}


@one_class_is_meant
@pytest.mark.parametrize("piece", DRAWN)
@given(
    case=st.data(),
    rows=st.sampled_from([(1,), (2,), (6,), (4, 3)]),  # (samples,) or (samples, steps)
    outputs=st.sampled_from([1, 2, 5] if BACKEND == "tensorflow" else [2, 5]),
    weighted=st.sampled_from(["", "weighted", "weighted by a column"]),
    floatx=FLOAT_TYPES,
    seed=SEEDS,
)
@examples(40)
def test_drawn_loss(piece, case, rows, outputs, weighted, floatx, seed):
    options = call(f"keras.{piece}", reduction=REDUCTION, **DRAWN[piece])
    text = case.draw(options, label="loss")
    rng = np.random.default_rng(seed)
    if "Sparse" in piece and len(rows) > 1:
        outputs = max(outputs, 2)  # from a last axis of 1, Keras makes predictions without classes
    # One weight per row: with steps, Keras's losses have no rule for one weight per sample.
    weights = rng.choice([0.0, 0.5, 1.0, 1.7], rows) if weighted else None
    if "column" in weighted and len(rows) == 1 and not ("'none'" in text or "None" in text):
        weights = weights[:, None]  # where losses are not reduced, Keras returns a column too
    predictions = numbers(seed, (*rows, outputs), "float64")
    if "Crossentropy" not in piece:
        targets = numbers(seed + 1, predictions.shape, "float64")
    elif "Binary" in piece:
        targets = rng.integers(0, 2, predictions.shape)
        predictions = predictions if "from_logits=True" in text else 1 / (1 + np.exp(-predictions))
    else:
        targets = rng.integers(0, outputs, rows)
        targets = targets if "Sparse" in piece else np.eye(outputs)[targets]
        if "from_logits=True" not in text:
            predictions = np.exp(predictions) / np.exp(predictions).sum(axis=-1, keepdims=True)
    _expect_same_loss(piece, text, targets, predictions, floatx, weights)


@pytest.mark.parametrize("weight", [2.0, 0, np.float32(0.5)])
@pytest.mark.parametrize("reduction", ["sum", "mean", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("piece", CASES)
def test_one_weight_for_all(piece, reduction, weight):
    text, targets, predictions = CASES[piece][0]
    text = text.replace("()", f"(reduction='{reduction}')")
    _expect_same_loss(piece, text, targets, predictions, "float64", weight)


@pytest.mark.parametrize("of", ["losses", "metrics"])
@pytest.mark.parametrize(
    "identifier", ["mse", "MSE", "mean_squared_error", "MeanSquaredError", "kl_divergence", "BCE"]
)
def test_what_get_returns(identifier, of):
    """Of losses a function, with a number for each sample, if the name is that of one."""
    y, p = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.75, 0.25], [0.5, 0.5]])
    theirs, own = (getattr(each, of).get(identifier) for each in (keras, tinynet))
    np.testing.assert_allclose(own(y, p), numpy(theirs(y, p)), rtol=1e-6)
    for get, found in ((getattr(keras, of).get, theirs), (getattr(tinynet, of).get, own)):
        assert get(found) is found and get(max) is max and get(None) is None
    names = [getattr(each, "name", getattr(each, "__name__", "")) for each in (theirs, own)]
    assert names[0] == names[1]


def _expect_same_loss(piece, text, targets, predictions, floatx, weights):
    use_floatx(floatx)
    own, theirs = make_both(text)
    predictions = np.asarray(predictions, floatx)
    value = own(targets, predictions, weights)
    keras_value, keras_gradient = of_function(
        lambda p: theirs(targets, p, sample_weight=weights), predictions
    )
    terms = of_loss(own)
    expect_same(
        piece,
        {
            "value": (value, keras_value, terms["value"]),
            "gradient": (own.gradient(), keras_gradient, terms["gradient"]),
        },
        tolerance=TOLERANCE[floatx],
        case=f"{text} of {predictions.shape}{'' if weights is None else ', weighted'}",
    )


def _threefold(loss):
    """Return a loss of a class that extends the given one's, with three times its `call`."""
    base = type(loss)
    call = {"call": lambda self, y, p: 3 * base.call(self, y, p)}
    return type(base.__name__, (base,), call)(**loss.get_config())


@one_class_is_meant
@pytest.mark.parametrize(("piece", "text", "targets", "predictions"), FLAT)
def test_the_losses_of_single_samples_and_a_class_that_extends_them(
    piece, text, targets, predictions
):
    use_floatx("float64")
    own, theirs = make_both(text)
    tensors = (keras.ops.convert_to_tensor(each, "float64") for each in (targets, predictions))
    pairs = [(own.call(targets, predictions), theirs.call(*tensors))]
    for weights in (None, WEIGHTS):
        arguments = targets, predictions, weights
        pairs.append((_threefold(own)(*arguments), _threefold(theirs)(*arguments)))
    for found, expected in pairs:
        expected = numpy(expected)
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("reduction", ["sum", "mean", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize("piece", CASES)
def test_the_gradient_of_a_class_that_extends_a_loss(piece, reduction):
    use_floatx("float64")
    text, targets, predictions = CASES[piece][0]
    if predictions is SHARES:  # a difference does not see the derivative where they are clipped
        predictions = np.clip(SHARES, 1e-3, 1 - 1e-3)
    own, theirs = make_both(text.replace("()", f"(reduction='{reduction}')"))
    _, expected = of_function(
        lambda p: _threefold(theirs)(targets, p, sample_weight=WEIGHTS), predictions
    )
    measured = tinynet.losses.loss_of(_threefold(own))
    measured.value(np.asarray(targets), predictions, WEIGHTS)
    np.testing.assert_allclose(measured.gradient(), expected, rtol=1e-6, atol=1e-9)


# Looking back: a model that ends in softmax (or sigmoid) is trained from its logits. Another layer
# after the softmax hides them, and the loss has only the clipped probabilities.
LOOK_BACK = [
    ("softmax", "sparse_categorical_crossentropy", LABELS, True),
    ("softmax", "categorical_crossentropy", ONE_HOT, True),
    ("sigmoid", "binary_crossentropy", BITS, True),
    ("sigmoid", "binary_focal_crossentropy", BITS, True),
    # Pairs that do not belong together: the loss uses the logits as if they did.
    ("softmax", "binary_crossentropy", BITS, True),
    ("sigmoid", "categorical_crossentropy", ONE_HOT, True),
    ("sigmoid", "sparse_categorical_crossentropy", LABELS, True),
    ("softmax", "sparse_categorical_crossentropy", LABELS, False),
    ("softmax", "categorical_crossentropy", ONE_HOT, False),
    ("sigmoid", "binary_crossentropy", BITS, False),
    # The logits are there, and Keras does not use them.
    ("softmax", "categorical_focal_crossentropy", ONE_HOT, True),
    ("softmax", "kl_divergence", ONE_HOT, True),
]


@pytest.mark.parametrize(("activation", "loss", "targets", "seen"), LOOK_BACK)
def test_look_back_through_the_last_activation(activation, loss, targets, seen):
    if BACKEND != "tensorflow" and seen:
        pytest.skip("only on TensorFlow does Keras look back at the logits")
    if BACKEND != "tensorflow" and loss.startswith("sparse"):
        pytest.skip("other backends normalize before they clip, see TENSORFLOW_ONLY")
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
        {"kernel": (own.get_weights()[0], numpy(theirs.weights[0]), of_training(own))},
        case=text,
    )


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("loss", ["MeanSquaredError", "CategoricalCrossentropy"])
def test_training_with_a_loss_that_does_not_reduce(loss, weights):
    use_floatx("float64")
    x = rng.normal(size=(N, 5))
    own, theirs = make_both(
        f"keras.Sequential([keras.Input((5,)), keras.layers.Dense({K}, activation='softmax')])"
    )
    theirs.set_weights(own.get_weights())
    told = []
    for library, model in ((tinynet, own), (keras, theirs)):
        model.compile(library.optimizers.SGD(0.1), getattr(library.losses, loss)(reduction="none"))
        options = {"batch_size": 3, "epochs": 2, "shuffle": False, "verbose": 0}
        options |= {"sample_weight": weights, "validation_data": (x, ONE_HOT)}
        fitted = model.fit(x, ONE_HOT, **options)
        batch = model.train_on_batch(x, ONE_HOT), model.test_on_batch(x, ONE_HOT)
        told.append([*fitted.history["loss"], *fitted.history["val_loss"], *batch])
    terms = of_training(own)
    expect_same(
        f"losses.{loss}",
        {
            "losses": (np.array(told[0], float), np.array(told[1], float)),
            "kernel": (own.get_weights()[0], numpy(theirs.weights[0]), terms),
        },
        case="reduction='none' in fit",
    )
