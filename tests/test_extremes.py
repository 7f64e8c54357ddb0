"""Numbers that break: finite where mathematics is finite, and close to double precision."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parity_tests.layer_cases import CASES
from tests import test_step
from tinynet import Input, Sequential, activations, losses, metrics, optimizers, utils
from tinynet.layers import BatchNormalization, Dense, LayerNormalization

import tinynet  # isort: skip

rng = np.random.default_rng(0)
both_forms = pytest.mark.usefixtures("kernel_form")


def close(found: Any, exact: Any, tolerance: float = 1e-5) -> None:
    """Assert that numbers in float32 are those of float64, as a share of the largest."""
    found, exact = np.asarray(found, np.float64), np.asarray(exact)
    assert np.isfinite(exact).all() and np.isfinite(found).all()
    assert np.max(np.abs(found - exact), initial=0) <= tolerance * max(1e-30, np.max(np.abs(exact)))


# Logits of 1e4.

FAR = np.concatenate([rng.normal(size=(4, 5)), rng.choice([-1e4, 0.0, 1e4], size=(12, 5))])
DOUT = rng.normal(size=FAR.shape)
ONE_HOT = np.eye(5)[np.arange(16) % 5]
FROM_LOGITS: dict[str, Callable[[], losses.Loss]] = {
    "sparse": lambda: losses.SparseCategoricalCrossentropy(from_logits=True),
    "one-hot": lambda: losses.CategoricalCrossentropy(from_logits=True),
    "smoothed": lambda: losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
    "binary": lambda: losses.BinaryCrossentropy(from_logits=True),
    "focal": lambda: losses.CategoricalFocalCrossentropy(from_logits=True),
    "binary, focal": lambda: losses.BinaryFocalCrossentropy(from_logits=True),
}


@both_forms
@pytest.mark.parametrize("name", FROM_LOGITS)
def test_losses_of_logits_of_ten_thousand(name: str) -> None:
    y = np.arange(16) % 5 if name == "sparse" else ONE_HOT
    values, gradients = [], []
    for dtype in ("float32", "float64"):
        loss = FROM_LOGITS[name]()
        values.append(loss.value(y, FAR.astype(dtype)))
        gradients.append(loss.gradient())
    close(*values)
    close(*gradients)


@both_forms
@pytest.mark.parametrize("name", sorted(set(activations.ACTIVATIONS) - {"exponential"}))
def test_activations_of_ten_thousand(name: str) -> None:
    """`exponential` is left out: e to the 10,000 is beyond every type."""
    found = []
    for dtype in ("float32", "float64"):
        activation, x = activations.get(name), FAR.astype(dtype)
        out = activation(x)
        found.append((out, activation.backward(DOUT.astype(dtype), x, out)))
    for single, double in zip(*found, strict=True):
        close(single, double)


def test_a_model_that_is_sure_and_wrong_learns() -> None:
    """Softmax of logits of 1e4, looked through by the loss: the gradient is p - y, not 0."""
    model = Sequential([Input((5,)), Dense(5, activation="softmax")])
    model.layers[0].set_weights([np.eye(5) * 1e4, np.zeros(5)])
    model.compile(optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    value = model.train_on_batch(np.eye(5)[[0]], np.array([1]))
    assert value == pytest.approx(1e4)
    assert model.layers[0].params["bias"].tolist() == [-1.0, 1.0, 0.0, 0.0, 0.0]


# Features that are constant, a batch of one row, data far from 0.


@both_forms
@pytest.mark.parametrize("layer", [BatchNormalization, LayerNormalization])
@pytest.mark.parametrize("value", [0.0, 1.0, 1e6, 1e-40])
def test_constant_features(layer: type, value: float) -> None:
    """The same number everywhere: x_hat is 0, or as small as the mean allows; so is dx."""
    norm = layer()
    x = np.full((32, 4), value, "float32")
    out = norm(x, training=True)
    assert np.all(np.abs(out) <= 1e-4 * max(1.0, value / 1e3))
    dx = norm.backward(np.ones_like(x))
    assert np.all(np.isfinite(dx)) and np.all(np.abs(dx) < 1e-3 * 32)


@both_forms
def test_a_single_row_under_batch_norm() -> None:
    norm = BatchNormalization(beta_initializer=tinynet.initializers.Constant(0.5))
    x = rng.normal(size=(1, 4)).astype("float32") * 100
    assert np.allclose(norm(x, training=True), 0.5, atol=1e-3)
    assert not norm.backward(np.ones((1, 4), "float32")).any()
    model = Sequential([Input((4,)), Dense(8), BatchNormalization(), Dense(1)])
    model.compile("adam", "mse")
    model.fit(x, [1.0], batch_size=1, epochs=20, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())


@both_forms
@pytest.mark.parametrize("layer", [BatchNormalization, LayerNormalization])
def test_a_batch_near_a_million(layer: type) -> None:
    """Float32 has steps of 1/16 there, and not much more than that is lost."""
    x, dout = np.random.default_rng(1).normal(size=(2, 64, 64))
    x = (1e6 + x).astype("float32")
    found = []
    for dtype in ("float32", "float64"):
        norm = layer(dtype=dtype)
        out = norm(x.astype(dtype), training=True)
        found.append((out, norm.backward(dout.astype(dtype))))
    for single, double in zip(*found, strict=True):
        assert np.max(np.abs(single - double)) < 0.3 < np.std(double)


@pytest.mark.parametrize("name", ["mse", "mae", "huber", "r2_score", "rmse"])
def test_metrics_near_a_million(name: str) -> None:
    """Batch after batch in float32 as all at once, exactly, from numbers around 0."""
    t = rng.integers(-8, 8, size=(4000, 2)) / 16  # on float32's grid at a million
    p = rng.integers(-8, 8, size=(4000, 2)) / 16
    kinds: dict[str, Any] = {
        "mse": metrics.MeanSquaredError,
        "mae": metrics.MeanAbsoluteError,
        "huber": lambda: metrics.MeanMetricWrapper(losses.Huber(reduction=None).value),
        "r2_score": metrics.R2Score,
        "rmse": metrics.RootMeanSquaredError,
    }
    near, far = kinds[name](), kinds[name]()
    near.update_state(t, p)
    for part in range(0, 4000, 100):
        rows = slice(part, part + 100)
        far.update_state(*((1e6 + each[rows]).astype("float32") for each in (t, p)))
    assert far.result() == pytest.approx(near.result(), rel=1e-12)


# Numbers so small that they have lost digits already.


@both_forms
@pytest.mark.parametrize("name", CASES)
def test_layers_of_subnormal_numbers(name: str) -> None:
    text, shape = CASES[name][0]
    if "Input" in text:
        return
    x = (rng.normal(size=shape) * 1e-40).astype("float32")
    layer = eval(text, {"keras": tinynet, "np": np})
    out = layer(x, training=True)
    dx = layer.backward(np.ones_like(out))
    assert np.isfinite(out).all() and np.isfinite(dx).all()


@both_forms
@pytest.mark.parametrize("name", sorted({*optimizers.__all__} - {"Optimizer", "schedules"}))
@pytest.mark.parametrize("size", [0.0, 1e-45, 1e-40, 1e-20, 1e10])
def test_optimizers_with_small_and_large_gradients(name: str, size: float) -> None:
    """No division by 0, and no step that is longer than a few times that of a gradient of 1."""
    moved = []
    for factor in (1.0, size):
        optimizer = getattr(optimizers, name)(0.001)
        w, g = {"w": np.ones(4, "float32")}, {"w": np.full(4, factor, "float32")}
        for _ in range(5):
            optimizer.step(w, g)
        moved.append(float(np.max(np.abs(w["w"] - 1))))
    assert np.isfinite(moved[1])
    assert moved[1] <= 1.1 * moved[0] + 1e-7 or name == "SGD"


# One class only.

OF_BINARY = [
    *("AUC", "BinaryAccuracy", "BinaryCrossentropy", "FalseNegatives", "FalsePositives"),
    *("Precision", "Recall", "TrueNegatives", "TruePositives"),
]
OF_CLASSES = [
    *("CategoricalAccuracy", "CategoricalCrossentropy", "CategoricalHinge", "F1Score"),
    *("FBetaScore", "KLDivergence", "Precision", "Recall", "TopKCategoricalAccuracy"),
]


@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize("name", OF_BINARY)
def test_metrics_of_one_class(name: str, label: float) -> None:
    for p in (np.full((9, 1), label), 1 - np.full((9, 1), label), rng.random((9, 1))):
        assert np.isfinite(getattr(metrics, name)()(np.full((9, 1), label), p))


@pytest.mark.parametrize("name", OF_CLASSES)
def test_metrics_of_one_class_of_several(name: str) -> None:
    y = np.eye(3)[[1] * 9]
    for p in (y, 1 - y, rng.dirichlet(np.ones(3), 9)):
        assert np.isfinite(getattr(metrics, name)()(y, p)).all()


@both_forms
@pytest.mark.parametrize("label", [0, 1])
def test_a_run_with_one_class(label: int) -> None:
    model = Sequential([Input((4,)), Dense(8, "relu"), BatchNormalization(), Dense(2, "softmax")])
    rate = optimizers.Adam(0.05)
    model.compile(rate, "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(rng.normal(size=(40, 4)), np.full(40, label), epochs=30, verbose=0).history
    assert np.isfinite(history["loss"]).all() and history["accuracy"][-1] == 1


# Input of other types.

INTEGERS = rng.integers(0, 100, size=(20, 5))


@both_forms
@pytest.mark.parametrize(
    "dtype",
    ["bool", *("int8", "int16", "int32", "int64"), *("uint8", "uint16", "uint32", "uint64")],
)
def test_integers_are_their_floats(dtype: str) -> None:
    x = INTEGERS.astype(dtype)
    assert_same(lambda: x, lambda: x.astype("float32"))


@both_forms
def test_half_precision_is_its_floats() -> None:
    x = rng.normal(size=(20, 5)).astype("float16")
    x[0, 0], x[1, 1] = np.finfo("float16").max, np.finfo("float16").smallest_subnormal
    assert_same(lambda: x, lambda: x.astype("float32"))


def assert_same(*makers: Callable[[], np.ndarray]) -> None:
    """Training, testing and predicting with each gives the same bits."""
    found = []
    for make in makers:
        utils.set_random_seed(0)
        model = Sequential([Input((5,)), Dense(4, "tanh"), BatchNormalization(), Dense(1)])
        model.compile("sgd", "mse", metrics=["mae"])
        x, y = make(), np.arange(20) % 3
        history = model.fit(x, y, batch_size=8, epochs=2, verbose=0).history
        scores = model.evaluate(x, y, verbose=0)
        found.append((history, scores, model.predict(x, verbose=0).tobytes()))
    for each in found[1:]:
        assert each == found[0]


# Long sums.

MANY = 10_000_000


@both_forms
def test_the_loss_of_ten_million_samples() -> None:
    """0.1 in float32 is a little more than a tenth, and so is its mean, to the last digit."""
    mean = metrics.Mean()
    figures = Sequential([Input((1,)), Dense(1)])
    figures.compile("sgd", "mae")
    figures = figures.figures
    for _ in range(MANY // 100_000):
        mean.update_state(TENTH)
        figures.update(tinynet.data.Batch(None, TENTH, None), TENTH, float(np.float32(0.1)))
    assert mean.result() == pytest.approx(float(np.float32(0.1)), rel=1e-13)
    assert figures.results()["loss"] == pytest.approx(float(np.float32(0.1)), rel=1e-13)


TENTH = np.full(100_000, 0.1, "float32")


@both_forms
@pytest.mark.parametrize("name", ["squares", "absolute", "binary", "sparse"])
def test_the_loss_of_a_batch_of_a_million(name: str) -> None:
    """A batch's loss in float32 is summed in double precision: from equal rows comes their loss."""
    n = 1_000_000
    p = np.full((n, 2), 0.3, "float32")
    y = np.zeros(n, "int64") if name == "sparse" else np.zeros((n, 2), "float32")
    loss = test_step.LOSSES[name]
    assert loss()(y, p) == pytest.approx(loss()(y[:1], p[:1]), rel=1e-10)


@pytest.mark.parametrize(
    "name",
    ["MeanSquaredError", "MeanAbsoluteError", "CategoricalAccuracy", "F1Score", "Precision", "AUC"],
)
def test_metrics_of_many_batches_are_those_of_all_at_once(name: str) -> None:
    y = np.eye(4, dtype="float32")[rng.integers(0, 4, 200_000)]
    p = rng.dirichlet(np.ones(4), 200_000).astype("float32")
    whole, parts = (getattr(metrics, name)() for _ in range(2))
    whole.update_state(y.astype("float64"), p.astype("float64"))
    for i in range(0, 200_000, 2_000):
        parts.update_state(y[i : i + 2_000], p[i : i + 2_000])
    assert np.allclose(parts.result(), whole.result(), rtol=1e-7, atol=0)
