"""Losses: values against NumPy written out here, gradients, weights, and what is refused."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet import config, losses
from tinynet.gradcheck import gradcheck
from tinynet.losses import (
    LOSSES,
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from tinynet.losses.base import in_type
from tinynet.losses.functions import LossFunctionWrapper

EPSILON = 1e-7


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def clip(p: np.ndarray) -> np.ndarray:
    return np.clip(p, EPSILON, 1 - EPSILON)


def one_hot(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes)[labels]


def binary(t: np.ndarray, p: np.ndarray) -> np.ndarray:
    return -np.mean(t * np.log(p) + (1 - t) * np.log(1 - p), axis=-1)


# A loss, what draws targets and predictions of shape (n, k), and the losses of single samples.
Draw = Callable[[np.random.Generator, int, int], np.ndarray]


def labels(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    return rng.integers(k, size=n)


def classes(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    return one_hot(rng.integers(k, size=n), k)


def soft(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    return softmax(rng.normal(size=(n, k)))


def bits(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    return rng.integers(2, size=(n, k)).astype(float)


def numbers(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    return 3 * rng.normal(size=(n, k))


def shares(rng: np.random.Generator, n: int, k: int) -> np.ndarray:
    return rng.uniform(0.01, 0.99, (n, k))


def smooth(t: np.ndarray, s: float) -> np.ndarray:
    return t * (1 - s) + s / t.shape[1]


def huber(error: np.ndarray, delta: float) -> np.ndarray:
    size = np.abs(error)
    return np.where(size <= delta, size**2 / 2, delta * size - delta**2 / 2).mean(axis=1)


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt(np.sum(x**2, axis=1, keepdims=True))


def focal(t: np.ndarray, p: np.ndarray, gamma: float, yes: float, no: float) -> np.ndarray:
    right = np.where(t == 1, p, 1 - p)
    return np.mean(np.where(t == 1, yes, no) * (1 - right) ** gamma * -np.log(right), axis=1)


def categorical_focal(t: np.ndarray, p: np.ndarray, alpha: float, gamma: float) -> np.ndarray:
    return -np.sum(alpha * t * (1 - clip(p)) ** gamma * np.log(clip(p)), axis=1)


CASES: dict[str, tuple[Loss, Draw, Draw, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "sparse, logits": (
        SparseCategoricalCrossentropy(from_logits=True),
        labels,
        numbers,
        lambda t, z: -np.log(softmax(z)[np.arange(len(t)), t]),
    ),
    # of unnormalised rows too: the clipped numbers are normalised
    "sparse, probabilities": (
        SparseCategoricalCrossentropy(),
        labels,
        shares,
        lambda t, p: -np.log((clip(p) / clip(p).sum(axis=1, keepdims=True))[np.arange(len(t)), t]),
    ),
    "categorical, logits": (
        CategoricalCrossentropy(from_logits=True),
        classes,
        numbers,
        lambda t, z: -np.sum(t * np.log(softmax(z)), axis=1),
    ),
    "categorical, soft targets": (
        CategoricalCrossentropy(from_logits=True),
        soft,
        numbers,
        lambda t, z: -np.sum(t * np.log(softmax(z)), axis=1),
    ),
    "categorical, logits, smoothed": (
        CategoricalCrossentropy(from_logits=True, label_smoothing=0.2),
        classes,
        numbers,
        lambda t, z: -np.sum(smooth(t, 0.2) * np.log(softmax(z)), axis=1),
    ),
    "categorical, probabilities": (
        CategoricalCrossentropy(),
        classes,
        shares,
        lambda t, p: -np.sum(t * np.log(clip(p / p.sum(axis=1, keepdims=True))), axis=1),
    ),
    "categorical, probabilities, smoothed": (
        CategoricalCrossentropy(label_smoothing=0.2),
        classes,
        shares,
        lambda t, p: (
            -np.sum(smooth(t, 0.2) * np.log(clip(p / p.sum(axis=1, keepdims=True))), axis=1)
        ),
    ),
    "binary, logits": (
        BinaryCrossentropy(from_logits=True),
        bits,
        numbers,
        lambda t, z: binary(t, sigmoid(z)),
    ),
    "binary, logits, smoothed": (
        BinaryCrossentropy(from_logits=True, label_smoothing=0.2),
        bits,
        numbers,
        lambda t, z: binary(t * 0.8 + 0.1, sigmoid(z)),
    ),
    "binary, probabilities": (
        BinaryCrossentropy(),
        bits,
        shares,
        lambda t, p: binary(t, clip(p)),
    ),
    "binary, probabilities, smoothed": (
        BinaryCrossentropy(label_smoothing=0.2),
        bits,
        shares,
        lambda t, p: binary(t * 0.8 + 0.1, clip(p)),
    ),
    "squared": (
        MeanSquaredError(),
        numbers,
        numbers,
        lambda t, p: np.mean((p - t) ** 2, axis=1),
    ),
    "absolute": (
        MeanAbsoluteError(),
        numbers,
        numbers,
        lambda t, p: np.mean(np.abs(p - t), axis=1),
    ),
    "huber": (Huber(), numbers, numbers, lambda t, p: huber(p - t, 1.0)),
    "huber 2.5": (Huber(2.5), numbers, numbers, lambda t, p: huber(p - t, 2.5)),
    "sparse, ignoring class 9": (
        SparseCategoricalCrossentropy(from_logits=True, ignore_class=9),
        labels,
        numbers,
        lambda t, z: -np.log(softmax(z)[np.arange(len(t)), t]),
    ),
    "percentage": (
        losses.MeanAbsolutePercentageError(),
        numbers,
        numbers,
        lambda t, p: 100 * np.mean(np.abs((p - t) / t), axis=1),
    ),
    "logarithmic": (
        losses.MeanSquaredLogarithmicError(),
        shares,
        shares,
        lambda t, p: np.mean((np.log1p(p) - np.log1p(t)) ** 2, axis=1),
    ),
    "log cosh": (
        losses.LogCosh(),
        numbers,
        numbers,
        # Keras's logarithm of 2 is a float32
        lambda t, p: np.mean(np.log(np.cosh(p - t)) + (np.log(2) - np.log(np.float32(2))), axis=1),
    ),
    "poisson": (
        losses.Poisson(),
        numbers,
        shares,
        lambda t, p: np.mean(p - t * np.log(p + EPSILON), axis=1),
    ),
    "cosine": (
        losses.CosineSimilarity(),
        numbers,
        numbers,
        lambda t, p: -np.sum(unit(t) * unit(p), axis=1),
    ),
    "hinge": (
        losses.Hinge(),
        lambda rng, n, k: 2 * bits(rng, n, k) - 1,
        numbers,
        lambda t, p: np.maximum(1 - t * p, 0).mean(axis=1),
    ),
    "squared hinge": (
        losses.SquaredHinge(),
        lambda rng, n, k: 2 * bits(rng, n, k) - 1,
        numbers,
        lambda t, p: (np.maximum(1 - t * p, 0) ** 2).mean(axis=1),
    ),
    "categorical hinge": (
        losses.CategoricalHinge(),
        classes,
        numbers,
        lambda t, p: np.maximum(1 + ((1 - t) * p).max(axis=1) - (t * p).sum(axis=1), 0),
    ),
    "divergence": (
        losses.KLDivergence(),
        soft,
        shares,
        lambda t, p: np.sum(t * np.log(t / p), axis=1),
    ),
    "binary focal": (
        losses.BinaryFocalCrossentropy(),
        bits,
        shares,
        lambda t, p: focal(t, p, 2.0, 1.0, 1.0),
    ),
    "binary focal, balanced, logits": (
        losses.BinaryFocalCrossentropy(True, 0.3, 1.5, from_logits=True),
        bits,
        numbers,
        lambda t, z: focal(t, sigmoid(z), 1.5, 0.3, 0.7),
    ),
    "categorical focal": (
        losses.CategoricalFocalCrossentropy(gamma=1.5),
        classes,
        shares,
        lambda t, p: categorical_focal(t, p / p.sum(axis=1, keepdims=True), 0.25, 1.5),
    ),
    "categorical focal, logits": (
        losses.CategoricalFocalCrossentropy(0.5, from_logits=True),
        soft,
        numbers,
        lambda t, z: categorical_focal(t, softmax(z), 0.5, 2.0),
    ),
}
# At the margin, Keras takes the slope of the side that costs; of NaN, too.
WITHOUT_NAN = {"hinge", "categorical hinge"}
EVERY_CASE = pytest.mark.parametrize("case", CASES)
EVERY_REDUCTION = pytest.mark.parametrize("reduction", losses.base.REDUCTIONS)


def drawn(case: str, n: int = 5, k: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return targets and predictions."""
    _, targets, predictions, _ = CASES[case]
    rng = np.random.default_rng(seed)
    return targets(rng, n, k), predictions(rng, n, k)


def remade(case: str, **options: Any) -> Loss:
    """Return the loss of a case with other options."""
    loss = CASES[case][0]
    return type(loss)(**{**loss.get_config(), **options})


def reduced(each: np.ndarray, weights: np.ndarray | None, reduction: str | None) -> Any:
    weighted = each if weights is None else weights * each
    if reduction in ("sum_over_batch_size", "mean"):
        return weighted.sum() / weighted.size
    if reduction == "mean_with_sample_weight":
        return weighted.sum() / (weighted.size if weights is None else weights.sum())
    return weighted.sum() if reduction == "sum" else weighted


def test_every_loss_has_a_case_here() -> None:
    assert {type(loss) for loss, *_ in CASES.values()} == set(LOSSES.values())


@pytest.mark.filterwarnings("ignore:.*predictions with one column")
@EVERY_CASE
@given(n=st.integers(1, 9), k=st.integers(1, 9), seed=st.integers(0, 2**32 - 1))
def test_values(kernel_form: str, case: str, n: int, k: int, seed: int) -> None:
    loss, _, _, formula = CASES[case]
    y, x = drawn(case, n, k, seed)
    y_before, x_before = y.copy(), x.copy()
    assert loss(y, x) == pytest.approx(formula(y, x).mean(), rel=1e-12, abs=1e-14)
    np.testing.assert_array_equal(y, y_before)
    np.testing.assert_array_equal(x, x_before)


@EVERY_REDUCTION
@pytest.mark.parametrize("weighted", [False, True])
@EVERY_CASE
def test_reductions_and_sample_weights(case: str, weighted: bool, reduction: str | None) -> None:
    loss = remade(case, reduction=reduction)
    y, x = drawn(case)
    weights = np.array([0.0, 1.0, 2.5, 0.3, 1.0]) if weighted else None
    expected = reduced(CASES[case][3](y, x), weights, reduction)
    value = loss(y, x, sample_weight=weights)
    assert np.shape(value) == np.shape(expected)
    np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-14)


@EVERY_REDUCTION
@pytest.mark.parametrize("weighted", [False, True])
@EVERY_CASE
def test_gradients(kernel_form: str, case: str, weighted: bool, reduction: str | None) -> None:
    y, x = drawn(case)
    weights = np.array([0.0, 1.0, 2.5, 0.3, 1.0]) if weighted else None
    loss = remade(case, reduction=reduction)
    (report,) = gradcheck(loss, x, y, sample_weight=weights, tolerance=1e-7)
    assert report.checked == x.size


@EVERY_REDUCTION
@EVERY_CASE
def test_one_weight_for_all(case: str, reduction: str | None) -> None:
    if "ignoring" in case:
        pytest.skip("a class that is ignored makes a weight for each sample of it")
    loss, plain = remade(case, reduction=reduction), remade(case, reduction="none")
    y, x = drawn(case)
    singles = np.asarray(plain(y, x))
    expected = reduced(singles, np.full(len(singles), 2.0), reduction)
    if reduction == "mean_with_sample_weight":
        expected = singles.sum()  # Keras divides by the weight, not by how often it counts
    for weight in (2, np.float32(2), np.array(2.0)):
        np.testing.assert_allclose(loss(y, x, sample_weight=weight), expected, rtol=1e-12)
        function = LossFunctionWrapper(lambda y_true, p: plain(y_true, p), reduction)
        np.testing.assert_allclose(function(y, x, sample_weight=weight), expected, rtol=1e-12)
    (report,) = gradcheck(loss, x, y, sample_weight=2.0, tolerance=1e-7)
    assert report.checked == x.size


def test_none_is_no_loss() -> None:
    assert losses.get(None) is None


@EVERY_CASE
def test_gradients_without_any_weight_are_zero(case: str) -> None:
    loss = remade(case, reduction="mean_with_sample_weight")
    y, x = drawn(case)
    assert loss(y, x, sample_weight=np.zeros(5)) == 0
    np.testing.assert_array_equal(loss.gradient(), 0)


def test_the_gradient_from_logits_is_p_minus_y() -> None:
    y, z = drawn("sparse, logits")
    loss = SparseCategoricalCrossentropy(from_logits=True)
    loss(y, z)
    np.testing.assert_allclose(loss.gradient(), (softmax(z) - one_hot(y, 4)) / 5, atol=1e-15)


def test_logits_keep_what_probabilities_have_lost(kernel_form: str) -> None:
    z = np.array([[100.0, 0.0, -100.0]])
    from_logits = SparseCategoricalCrossentropy(from_logits=True)
    assert from_logits([2], z) == 200
    np.testing.assert_allclose(from_logits.gradient(), [[1, 0, -1]], atol=1e-40)
    # -log(1e-7/(1 - 1e-7 + 2e-7)), as Keras
    assert SparseCategoricalCrossentropy()([2], softmax(z)) == pytest.approx(16.118095750958314)
    assert CategoricalCrossentropy()([[0, 0, 1]], softmax(z)) == pytest.approx(16.11809565095832)
    assert BinaryCrossentropy(from_logits=True)([[1.0]], [[-800.0]]) == 800
    assert BinaryCrossentropy()([[1.0]], [[0.0]]) == pytest.approx(16.11809565095832)


@pytest.mark.parametrize(
    "loss", [SparseCategoricalCrossentropy(), CategoricalCrossentropy(), BinaryCrossentropy()]
)
def test_where_probabilities_are_clipped_the_gradient_is_zero(kernel_form: str, loss: Loss) -> None:
    p = np.array([[0.0, 1.0, 0.0], [1e-9, 1 - 2e-9, 1e-9], [0.3, 0.3, 0.4]])
    y = np.array([2, 2, 2])
    value = loss(y if isinstance(loss, SparseCategoricalCrossentropy) else one_hot(y, 3), p)
    gradient = loss.gradient()
    assert np.isfinite(value) and np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[:2], 0)
    assert (gradient[2] != 0).all()


def test_epsilon_is_the_one_in_config() -> None:
    config.set_epsilon(1e-3)
    assert BinaryCrossentropy()([[1.0]], [[0.0]]) == pytest.approx(-np.log(1e-3))


def test_derivatives_at_the_kinks(kernel_form: str) -> None:
    loss = MeanAbsoluteError(reduction="sum")
    loss([[1.0, 1.0]], [[1.0, 2.0]])
    np.testing.assert_array_equal(loss.gradient(), [[0, 0.5]])
    loss = losses.Hinge(reduction="sum")
    loss([[1.0, -1.0]], [[1.0, -1.5]])
    np.testing.assert_array_equal(loss.gradient(), [[-0.5, 0]])
    loss = losses.CategoricalHinge(reduction="sum")
    loss([[1.0, 0.0, 0.0]], [[2.0, 1.0, 1.0]])
    np.testing.assert_array_equal(loss.gradient(), [[-1, 0.5, 0.5]])
    loss = Huber(delta=1.0, reduction="sum")
    loss([[0.0, 0.0]], [[1.0, -3.0]])
    np.testing.assert_array_equal(loss.gradient(), [[0.5, -0.5]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@EVERY_CASE
def test_nan_and_types(kernel_form: str, case: str, dtype: str) -> None:
    y, x = drawn(case)
    x = x.astype(dtype)
    loss = remade(case, reduction="none")
    assert loss(y, x).dtype == loss.gradient().dtype == dtype
    x[1, 2] = np.nan
    assert np.isnan(loss(y, x)).tolist() == [False, True, False, False, False]
    assert np.isnan(loss.gradient()[1]).any() != (case in WITHOUT_NAN)
    assert np.isfinite(loss.gradient()[[0, 2, 3, 4]]).all()
    assert isinstance(remade(case)(y, x), float)


def test_a_hinge_takes_0_for_minus_1_if_a_batch_has_nothing_else_than_0_and_1() -> None:
    p = np.array([[0.3, -0.4], [2.0, 0.1]])
    for loss in (losses.Hinge(), losses.SquaredHinge()):
        assert loss([[0, 1], [1, 0]], p) == loss([[-1, 1], [1, -1]], p)
        assert loss([[0, 2], [1, 0]], p) == pytest.approx(
            {"hinge": np.mean([1, 1.8, 0, 1]), "squared_hinge": np.mean([1, 1.8**2, 0, 1])}[
                loss.name
            ]
        )


def test_the_only_label_that_counts() -> None:
    p, y = np.full((3, 2), 0.5), np.array([1, 7, 7])
    loss = SparseCategoricalCrossentropy(ignore_class=7)
    assert loss(y, p) == pytest.approx(np.log(2))


@pytest.mark.parametrize("from_logits", [False, True])
def test_an_ignored_class_does_not_count(kernel_form: str, from_logits: bool) -> None:
    rng = np.random.default_rng(0)
    p = softmax(rng.normal(size=(6, 3)))
    y = np.array([0, 255, 2, 1, 255, 0])
    counts = y != 255
    p[1] = np.nan  # what stands there is not read
    weights = np.array([1.0, 5.0, 0.5, 2.0, 5.0, 0.0])
    for reduction in losses.base.REDUCTIONS:
        loss, usual = (
            SparseCategoricalCrossentropy(from_logits, ignored, reduction)
            for ignored in (255, None)
        )
        for w in (None, weights):
            kept = None if w is None else w[counts]
            value, expected = loss(y, p, w), usual(y[counts], p[counts], kept)
            single = reduction in ("none", None)
            np.testing.assert_allclose(value[counts] if single else value, expected, rtol=1e-14)
            gradient = loss.gradient()
            np.testing.assert_allclose(gradient[counts], usual.gradient(), rtol=1e-14, atol=1e-17)
            np.testing.assert_array_equal(gradient[~counts], 0)
    assert loss(np.full(6, 255), p).tolist() == [0] * 6
    assert SparseCategoricalCrossentropy(ignore_class=255)(np.full(6, 255), p) == 0


def test_a_cosine_of_nothing_is_0(kernel_form: str) -> None:
    loss = losses.CosineSimilarity(reduction="sum")
    assert loss([[3.0, 4.0]], [[0.0, 0.0]]) == 0
    np.testing.assert_allclose(loss.gradient(), [[-0.6e7, -0.8e7]])
    assert loss([[0.0, 0.0]], [[3.0, 4.0]]) == 0
    np.testing.assert_array_equal(loss.gradient(), [[0, 0]])


def test_weights_of_classes() -> None:
    p, y = softmax(np.random.default_rng(0).normal(size=(3, 3))), np.eye(3)
    each = losses.CategoricalFocalCrossentropy([0.5, 0.25, 0.125], reduction="none")(y, p)
    plain = losses.CategoricalFocalCrossentropy(1.0, reduction="none")(y, p)
    np.testing.assert_allclose(each, plain * [0.5, 0.25, 0.125])


def test_an_array_in_a_type_and_row_by_row() -> None:
    x = np.arange(6.0).reshape(2, 3)
    assert in_type(x, np.dtype("float64")) is x
    for each in (x, x.astype("int64"), x.T, x.astype("float32").T):
        found = in_type(each, np.dtype("float32"))
        assert found.dtype == np.float32 and found.flags.c_contiguous
        np.testing.assert_array_equal(found, each)
