"""Losses and metrics that are given as functions of targets and predictions."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import tinynet as keras
from tinynet import Input, Sequential, losses, metrics
from tinynet.layers import Dense
from tinynet.losses.functions import LossFunctionWrapper
from tinynet.metrics import MeanMetricWrapper
from tinynet.models import load_model
from tinynet.utils import set_random_seed

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 4))
Y = rng.uniform(0.1, 0.9, size=(20, 3))


def mse(y: Any, p: Any) -> Any:
    return np.mean((y - p) ** 2, axis=-1)


def unreduced(y: Any, p: Any) -> Any:
    return (y - p) ** 2


def whole(y: Any, p: Any) -> Any:
    return np.mean((y - p) ** 2)


def mae(y: Any, p: Any) -> Any:
    return np.abs(y - p).mean(axis=-1)


def cross_entropy(y: Any, p: Any) -> Any:
    return -np.sum(y * np.log(p), axis=-1)


def neighbors(y: Any, p: Any) -> Any:
    """A loss of each sample that looks at the sample before it."""
    return np.sum((p - np.roll(p, 1, axis=0)) ** 2 * y, axis=-1)


FUNCTIONS = [mse, unreduced, whole, mae, cross_entropy, neighbors]


def expected_gradient(f: Callable[..., Any], y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The gradient of the sum of f over all samples (of its mean, where it is the mean itself)."""
    gap = p - y
    if f is mse:
        return 2 * gap / p.shape[-1]
    if f is unreduced:
        return 2 * gap
    if f is whole:
        return 2 * gap / p.size
    if f is mae:
        return np.sign(gap) / p.shape[-1]
    if f is cross_entropy:
        return -y / p
    before, after = np.roll(p, 1, axis=0), np.roll(p, -1, axis=0)
    return 2 * (p - before) * y - 2 * (after - p) * np.roll(y, -1, axis=0)


@pytest.mark.parametrize("f", FUNCTIONS)
@given(st.integers(1, 7), st.integers(1, 4), st.integers(0, 1000))
def test_the_measured_gradient(f: Callable[..., Any], n: int, k: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    y, p = draw.uniform(0.1, 0.9, (2, n, k))
    assume(np.abs(y - p).min() > 1e-3)  # an absolute value has no derivative at 0
    loss = LossFunctionWrapper(f, reduction="sum")
    assert loss(y, p) == pytest.approx(np.sum(f(y, p)), rel=1e-14)
    expected = expected_gradient(f, y, p)
    scale = np.abs(2 * np.abs(y) + np.abs(expected)).max()
    np.testing.assert_allclose(loss.gradient(), expected, atol=1e-9 * scale)


@pytest.mark.parametrize("small", [0.0, 1e-3, 1e-6, 1e-9])
def test_predictions_near_the_edge_of_the_domain(small: float) -> None:
    y, p = np.array([[1.0, 0.5]]), np.array([[small, 0.5]])
    loss = LossFunctionWrapper(lambda y, p: -np.sum(y * np.log(p + 1e-7), axis=-1))
    loss(y, p)
    np.testing.assert_allclose(loss.gradient(), -y / (p + 1e-7), rtol=1e-3)
    loss = LossFunctionWrapper(lambda y, p: -np.sum(y * np.log(p), axis=-1))
    loss(y, p)
    if small:
        np.testing.assert_allclose(loss.gradient(), -y / p, rtol=1e-3)


def test_a_prediction_nearer_to_the_edge_than_the_second_step() -> None:
    y, p = np.array([[1.0]]), np.array([[5e-12]])
    loss = LossFunctionWrapper(lambda y, p: -np.sum(y * np.log(p), axis=-1))
    loss(y, p)
    np.testing.assert_allclose(loss.gradient(), -y / p, rtol=1e-3)


@pytest.mark.parametrize("reduction", losses.base.REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(6, 3), (6, 1), (4, 2, 3)])
def test_it_is_weighted_and_reduced_as_the_built_in_loss(
    shape: tuple[int, ...], weighted: bool, reduction: str | None
) -> None:
    y, p = np.random.default_rng(1).uniform(0.1, 0.9, (2, *shape))
    weights = np.arange(1.0, len(y) + 1) if weighted else None
    own, built_in = LossFunctionWrapper(mse, reduction), losses.MeanSquaredError(reduction)
    values = own(y, p, weights), built_in(y, p, weights)
    if reduction in ("none", None):
        np.testing.assert_allclose(own(y, p), built_in(y, p), rtol=1e-14)
    else:
        assert values[0] == pytest.approx(values[1], rel=1e-13)
    np.testing.assert_allclose(own.gradient(), built_in.gradient(), atol=1e-9)


@pytest.mark.parametrize("floatx", ["float32", "float64"])
def test_a_model_trains_with_it_as_with_the_built_in_loss(floatx: str) -> None:
    keras.config.set_floatx(floatx)
    runs = []
    for loss in (mse, "mse", whole, unreduced):
        set_random_seed(0)
        model = Sequential([Dense(5, activation="tanh"), Dense(3)])
        model.compile("sgd", loss)
        history = model.fit(
            X, Y, epochs=3, batch_size=7, verbose=0, sample_weight=np.linspace(0, 2, 20)
        )
        runs.append(history.history["loss"] + [each.sum() for each in model.get_weights()])
    tolerance = {"float32": 1e-6, "float64": 1e-9}[floatx]
    np.testing.assert_allclose(runs[0], runs[1], rtol=tolerance)
    np.testing.assert_allclose(runs[3], runs[1], rtol=tolerance)


def test_a_loss_that_returns_a_view_of_the_predictions() -> None:
    loss = LossFunctionWrapper(lambda y, p: p[:, 0], "sum")
    loss(Y, Y)
    np.testing.assert_allclose(loss.gradient(), np.eye(3)[[0] * 20], atol=1e-9)


def bce(y: Any, p: Any) -> Any:
    return losses.binary_crossentropy(y, p)  # type: ignore[attr-defined]


def fitted(loss: Any, x: Any, activation: str = "sigmoid", **options: Any) -> list[Any]:
    set_random_seed(0)
    model = Sequential([Input((4,)), Dense(3, activation)])
    model.compile("sgd", loss, metrics=[bce], **options)
    history = model.fit(x, np.round(Y), epochs=2, batch_size=7, verbose=0).history
    return [history["loss"], history["bce"], *model.get_weights()]


@pytest.mark.parametrize("eagerly", [False, True])
def test_a_function_of_a_cross_entropy_trains_as_the_cross_entropy_does(eagerly: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # no prediction looks like a logit
        own, built_in = (fitted(each, 300 * X, run_eagerly=eagerly) for each in (bce, "bce"))
    for one, other in zip(own, built_in, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5)


def test_a_loss_that_does_not_ask_for_logits_is_measured_at_the_predictions() -> None:
    sigmoid = keras.activations.get("sigmoid")
    z, y = rng.normal(size=(6, 3)).astype("float32"), Y[:6].astype("float32")
    loss, direct = LossFunctionWrapper(mse), LossFunctionWrapper(mse)
    p = sigmoid(z)
    assert loss.value(y, z, None, loss.sees_through(sigmoid)) == direct(y, p)
    np.testing.assert_array_equal(loss.gradient(), sigmoid.backward(direct.gradient(), z, p))


def test_a_function_that_calls_a_cross_entropy_on_logits_is_warned_once() -> None:
    with pytest.warns(UserWarning, match="which look like logits") as told:
        fitted(bce, X, "linear")
    assert len(told) == 2  # the loss and the metric
    with pytest.warns(UserWarning, match="from a sigmoid, which makes probabilities") as told:
        fitted(lambda y, p: losses.BinaryCrossentropy(from_logits=True)(y, p), X)
    assert len(told) == 1


def test_what_is_computed_from_predictions_has_no_logits() -> None:
    seen = []

    def look(y: Any, p: Any) -> Any:
        seen.extend([p, p[:], p * 1, p.max(), p.sum(axis=-1), p.reshape(-1), p.T, np.exp(p)])
        return mse(y, p)

    model = Sequential([Input((4,)), Dense(3, "softmax")])
    model.compile("sgd", "mse", metrics=[look])
    model.evaluate(X, Y, batch_size=20, verbose=0)
    assert [getattr(each, "logits", None) is not None for each in seen] == [True] + 7 * [False]
    assert [type(each) is np.ndarray for each in seen[1:3]] == [True, True]


def test_targets_are_floats_of_the_rank_of_the_predictions() -> None:
    seen = []

    def look(y: Any, p: Any) -> Any:
        seen.append((y.shape, str(y.dtype), p.shape))
        return mse(y, p)

    model = Sequential([Dense(1)])
    model.compile("sgd", look)
    model.evaluate(X, np.arange(20) % 2, batch_size=20, verbose=0)
    assert seen == [((20, 1), "float32", (20, 1))]
    assert model.loss is not None and model.loss.name == "look"


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (lambda y, p: "much", "expected numbers, one for each sample, got 'much'"),
        (lambda y, p: None, "expected numbers"),
        (lambda y, p: np.zeros(3), r"expected one loss for each of 20 samples .* shape \(3,\)"),
        (lambda y, p: mse(y, p)[:-1], r"expected one loss for each of 20 samples .* \(19,\)"),
        (lambda y, p: np.mean((y - p) ** 2, axis=0), r"got shape \(3,\); take the mean over the"),
    ],
)
def test_functions_that_return_something_else(returned: Any, message: str) -> None:
    model = Sequential([Dense(3)])
    model.compile("sgd", returned)
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(X, Y, verbose=0, batch_size=20)


def test_gradient_before_value() -> None:
    with pytest.raises(RuntimeError, match="mse: gradient came before value"):
        LossFunctionWrapper(mse).gradient()


# Metrics.


def gaps(y: Any, p: Any) -> Any:
    return np.abs(y - p)


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (mse, np.mean((Y - 0.5) ** 2)),
        (gaps, np.mean(np.abs(Y - 0.5))),
        (lambda y, p: p.argmax(axis=-1) == y.argmax(axis=-1), np.mean(Y.argmax(axis=-1) == 0)),
        (lambda y, p: 3, 3.0),
        (lambda y, p: y.max(), (Y[:12].max() + Y[12:].max()) / 2),  # by batch
        (lambda y, p: list(y[:, 0]), Y[:, 0].mean()),
    ],
)
def test_the_mean_over_all_samples(f: Callable[..., Any], expected: float) -> None:
    metric = MeanMetricWrapper(f)
    for part in (slice(0, 12), slice(12, None)):
        metric.update_state(Y[part], np.full_like(Y[part], 0.5))
    assert metric.result() == pytest.approx(expected, rel=1e-6)
    metric.reset_state()
    assert metric.result() == 0


def test_the_weighted_mean() -> None:
    weights = np.arange(20.0)
    metric = MeanMetricWrapper(gaps)
    metric.update_state(Y, np.full_like(Y, 0.5), weights)
    expected = np.average(np.abs(Y - 0.5).mean(axis=-1), weights=weights)
    assert metric.result() == pytest.approx(expected, rel=1e-6)


def test_names_and_arguments() -> None:
    def SomeMetric(y: Any, p: Any, power: int = 1) -> Any:  # noqa: N802 (the name is the point)
        return np.abs(y - p) ** power

    assert metrics.metric_of(SomeMetric).name == "some_metric"
    assert MeanMetricWrapper(SomeMetric).name == "mean_metric_wrapper"  # as in Keras
    assert MeanMetricWrapper(SomeMetric, "mine").name == "mine"
    assert metrics.metric_of(lambda y, p: p).name == "lambda"
    assert MeanMetricWrapper(SomeMetric, power=2)([1.0], [4.0]) == 9
    with pytest.raises(TypeError, match="fn: expected a function of y_true and y_pred, got 3"):
        MeanMetricWrapper(3)  # type: ignore[arg-type]
    model = Sequential([Dense(3)])
    model.compile(
        "sgd", "mse", metrics=[SomeMetric, "mae", SomeMetric], weighted_metrics=[SomeMetric]
    )
    found = model.evaluate(X, Y, verbose=0, return_dict=True)
    assert list(found) == ["loss", "mae", "some_metric", "some_metric_1", "weighted_some_metric"]


def test_labels_beside_one_output_are_warned_of() -> None:
    labels, p = np.arange(6) % 2, np.full((6, 1), 0.25)
    metric = MeanMetricWrapper(gaps, "gaps")
    with pytest.warns(UserWarning, match=r"gaps: 6 samples, .* \(6,\) .* gave .* \(6, 6\)"):
        metric.update_state(labels, p)
    assert metric.result() == 0.5  # as in Keras
    metric.reset_state()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        metric.update_state(labels[:, None], p)
        metric.update_state(labels[:1], p[:1])
        MeanMetricWrapper(gaps).update_state(np.eye(6), np.full((6, 6), 0.5))


def test_a_function_is_not_called_before_there_are_data() -> None:
    calls = []

    def count(y: Any, p: Any) -> Any:
        calls.append(len(y))
        return mse(y, p)

    model = Sequential([Dense(3)])
    model.compile("sgd", "mse", metrics=[count])
    model.fit(X, Y, batch_size=8, verbose=0)
    assert calls == [8, 8, 4]


def test_the_function_cannot_write_into_the_model_s_arrays() -> None:
    def careless(y: Any, p: Any) -> Any:
        p -= y
        return p**2

    for compiled in ({"loss": careless}, {"loss": "mse", "metrics": [careless]}):
        model = Sequential([Dense(3)])
        model.compile("sgd", **compiled)
        with pytest.raises(ValueError, match="read-only"):
            model.evaluate(X, Y, verbose=0)


def test_one_prediction_at_the_edge_leaves_the_others_as_they_are() -> None:
    y, p = np.array([[1.0], [1.0]]), np.array([[1e-9], [0.5]])
    loss = LossFunctionWrapper(lambda y, p: -np.log(p)[:, 0], "sum")
    loss(y, p)
    np.testing.assert_allclose(loss.gradient()[1], -2, rtol=1e-10)


class Squares(losses.Loss):
    """A loss with Keras's ``call``."""

    def __init__(self, factor: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return one number for each sample."""
        return self.factor * np.mean((y_true - y_pred) ** 2, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the factor, too."""
        return {**super().get_config(), "factor": self.factor}


@pytest.mark.parametrize("ending", ["safetensors", "keras"])
def test_a_loss_with_call_trains_as_its_formula_does(ending: str, tmp_path: Any) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    found = []
    for loss in (Squares(1.0, name="own"), "mse"):
        set_random_seed(1)
        model = Sequential([Input((3,)), Dense(2)])
        model.compile("sgd", loss)
        found.append(model.fit(x, y, epochs=3, verbose=0).history["loss"])
        path = tmp_path / f"model.{ending}"
        model.save(path)
        again = load_model(path, custom_objects={"Squares": Squares})
        assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


def test_a_loss_with_call_gets_targets_as_they_are() -> None:
    model = Sequential([Input((3,)), Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile("sgd", Squares())
    with pytest.warns(UserWarning, match="squares: targets of shape .* each target meets each"):
        value = model.evaluate(np.ones((2, 3)), np.array([1.0, 3.0]), verbose=0)
    assert value == 5  # as in Keras: (1 + 9)/2 for each of the two predictions
