"""Every regularizer: penalty and gradient, alone and as part of a layer's training step."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parity_tests.backend import BACKEND
from parity_tests.both import TOLERANCE, expect_same, make_both, use_floatx
from parity_tests.gradients import of_function

rng = np.random.default_rng(5)
X = rng.normal(size=(7, 4))
TARGETS = rng.normal(size=(7, 3))
LABELS = rng.integers(0, 3, 7)

# Factors that float32 represents exactly; TensorFlow rounds others when making a tensor.
CASES = {
    "regularizers.L1": ["L1(0.25)", "l1(l1=0.5)"],
    "regularizers.L2": ["L2(0.25)", "l2(l2=2.0)"],
    "regularizers.L1L2": ["L1L2()", "L1L2(l1=0.25)", "L1L2(l2=0.5)", "l1_l2(l1=0.125, l2=0.25)"],
}
ROUNDED = {
    "regularizers.L1": ["L1()", "L1(0.3)", "get('l1')"],
    "regularizers.L2": ["L2()", "L2(1e-4)", "get('L2')"],
    "regularizers.L1L2": ["L1L2(0.1, 0.7)", "get({'class_name': 'L1L2', 'config': {'l1': 0.6}})"],
}
FLAT = [
    pytest.param(piece, f"keras.regularizers.{text}", id=text)
    for table in (CASES, ROUNDED if BACKEND == "tensorflow" else {})
    for piece, texts in table.items()
    for text in texts
]
few_and_repeatable = settings(max_examples=10, deadline=None, database=None, derandomize=True)
POWERS_OF_TWO = st.sampled_from([0.0, 2.0**-10, 0.25, 1.0])


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text"), FLAT)
def test_penalty_and_gradient(piece, text, floatx):
    use_floatx(floatx)
    x = rng.normal(size=(5, 3)).astype(floatx)
    if BACKEND != "jax":  # where the slope of |x| at zero is 1
        x[0] = [0, -0.0, -1]
    _expect_same_penalty(piece, text, x, floatx)


# Everything that a penalty adds is 0 or above, and the two parts of a slope have the same sign.
WEIGHTS = {
    "zeros": np.zeros((2, 3)),
    "zeros of both signs": np.array([0.0, -0.0]),
    "one of each sign": np.array([1.0, -1.0]),
    "hardly anything": np.array([1e-30, -1e-30]),  # its square is 0 in float32
}


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("piece", "text"), FLAT)
def test_penalty_on_nothing(piece, text, weights, floatx):
    if BACKEND == "jax" and "zero" in weights:
        pytest.skip("the slope of |x| at zero is 1 on JAX")
    use_floatx(floatx)
    _expect_same_penalty(piece, text, WEIGHTS[weights].astype(floatx), floatx)


@pytest.mark.parametrize("name", ["L1", "L2", "L1L2"])
@given(
    factors=st.tuples(POWERS_OF_TWO, POWERS_OF_TWO),
    shape=st.sampled_from([(1,), (6,), (3, 4), (2, 3, 2)]),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
    floatx=st.sampled_from(["float64", "float32"]),
)
@few_and_repeatable
def test_penalty_and_gradient_of_any_weight(name, factors, shape, scale, floatx):
    use_floatx(floatx)
    x = (scale * np.random.default_rng(0).normal(size=shape)).astype(floatx)
    arguments = factors if name == "L1L2" else factors[:1]
    text = f"keras.regularizers.{name}({', '.join(map(str, arguments))})"
    _expect_same_penalty(f"regularizers.{name}", text, x, floatx)


def _expect_same_penalty(piece, text, x, floatx):
    own, theirs = make_both(text)
    # The added sum gives x a gradient of zero where a factor of 0 leaves it out of the penalty.
    penalty, gradient = of_function(lambda x: theirs(x) + 0 * keras.ops.sum(x), x)
    expect_same(
        piece,
        {"penalty": (own(x), penalty), "gradient": (own.gradient(x), gradient)},
        tolerance=TOLERANCE[floatx],
        case=text,
    )


@pytest.mark.parametrize(("piece", "text"), FLAT)
def test_config(piece, text):
    own, theirs = (each.get_config() for each in make_both(text))
    assert list(own) == list(theirs)
    # Keras's L1 stores its factor as a float32 tensor.
    factors = {name: (np.float32(own[name]), np.float32(theirs[name])) for name in own}
    expect_same(piece, factors, tolerance=0, case=text)


# Stacks of layers whose penalties go into a training step.
STACKS = [
    ("L2", "Dense(3, kernel_regularizer=keras.regularizers.L2(0.25))"),
    ("L1", "Dense(3, bias_regularizer=keras.regularizers.L1(0.5), bias_initializer='ones')"),
    (
        "L1L2",
        "Dense(3, kernel_regularizer=keras.regularizers.L1L2(0.25, 0.5), "
        "bias_regularizer=keras.regularizers.L2(0.125), bias_initializer='ones')",
    ),
    ("L2", "Dense(3, activation='tanh', activity_regularizer=keras.regularizers.L2(0.25))"),
    ("L1", "Dense(3, activation='softmax', activity_regularizer=keras.regularizers.L1L2(0.5, 1))"),
    (  # a frozen layer has no penalty on its weights, only on its output
        "L1L2",
        "Dense(4, kernel_regularizer=keras.regularizers.L1L2(0.25, 0.5), trainable=False, "
        "activity_regularizer=keras.regularizers.L2(0.5)), keras.layers.Dense(3)",
    ),
    (
        "L1L2",
        "ActivityRegularization(0.25, 0.5), keras.layers.Dense(3), "
        "keras.layers.PReLU(alpha_regularizer=keras.regularizers.L2(0.5), "
        "alpha_initializer='ones')",
    ),
    (
        "L1L2",
        "BatchNormalization(gamma_regularizer=keras.regularizers.L1L2(0.25, 0.5), "
        "beta_regularizer=keras.regularizers.L1(0.5), beta_initializer='ones')",
    ),
]


@pytest.mark.parametrize(("name", "text"), STACKS, ids=[text for _, text in STACKS])
def test_penalty_in_a_training_step(name, text):
    model = f"keras.Sequential([keras.Input((4,)), keras.layers.{text}])"
    own, theirs = make_both(model)
    start = own.get_weights()
    theirs.set_weights(start)
    softmax = "softmax" in text  # the loss looks through it, the penalty does not
    loss = "sparse_categorical_crossentropy" if softmax else "mean_squared_error"
    y = LABELS if softmax else TARGETS if "Dense" in text else X[::-1]
    losses = []
    for each in (own, theirs):
        each.compile("sgd", loss)
        each.optimizer.learning_rate = 1.0  # the step is the gradient
        losses.append((each.train_on_batch(X, y), each.test_on_batch(X, y)))
    steps = {
        f"step of {key}": (before - after, before - theirs_after, before)
        for (key, after), before, theirs_after in zip(
            own.arrays.items(), start, theirs.get_weights(), strict=True
        )
    }
    expect_same(
        f"regularizers.{name}",
        {"loss before and after the step": tuple(losses), **steps},
        case=model,
    )
