"""Losses: names and configs, the shapes they take, and errors that say what to do."""

import json
from typing import Any

import numpy as np
import pytest

from tinynet import losses
from tinynet.configurable import serialize
from tinynet.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)

SPARSE, CATEGORICAL = SparseCategoricalCrossentropy(), CategoricalCrossentropy()
BINARY, SQUARED = BinaryCrossentropy(), MeanSquaredError()
P = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
Z = np.array([[[0.1, 2.0, -1.0], [1.0, 0.0, 0.5]], [[0.3, 0.2, 0.1], [2.0, 1.0, 0.0]]])


# Names and configs.


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("sparse_categorical_crossentropy", SparseCategoricalCrossentropy),
        ("SparseCategoricalCrossentropy", SparseCategoricalCrossentropy),
        ("categorical_crossentropy", CategoricalCrossentropy),
        ("binary_crossentropy", BinaryCrossentropy),
        ("bce", BinaryCrossentropy),
        ("mean_squared_error", MeanSquaredError),
        ("mse", MeanSquaredError),
        ("MSE", MeanSquaredError),
        ("mae", MeanAbsoluteError),
        ("huber", Huber),
        ("kld", losses.KLDivergence),
        ("MAPE", losses.MeanAbsolutePercentageError),
        ("msle", losses.MeanSquaredLogarithmicError),
        ("log_cosh", losses.LogCosh),
        ("cosine_similarity", losses.CosineSimilarity),
        ("binary_focal_crossentropy", losses.BinaryFocalCrossentropy),
        ("poisson", losses.Poisson),
        ("squared_hinge", losses.SquaredHinge),
        (Huber, Huber),
    ],
)
def test_get(name: object, cls: type[Loss]) -> None:
    assert type(losses.loss_of(name)) is cls


def test_get_of_other_things() -> None:
    loss = Huber(2.0)
    assert losses.get(loss) is loss
    with pytest.raises(ValueError, match=r"unknown loss 'catgorical_crossentropy'; did you mean"):
        losses.get("catgorical_crossentropy")
    with pytest.raises(TypeError, match="loss: expected its name, its config or an object"):
        losses.get(3)
    assert losses.loss_of(np.subtract).name == "subtract"


@pytest.mark.parametrize(
    "loss",
    [
        SparseCategoricalCrossentropy(from_logits=True, name="mine"),
        CategoricalCrossentropy(label_smoothing=0.1, reduction="sum"),
        BinaryCrossentropy(label_smoothing=0.3),
        Huber(2.0, reduction=None),
        MeanSquaredError(),
    ],
)
def test_a_config_makes_the_same_loss(loss: Loss) -> None:
    clone = losses.get(json.loads(json.dumps(serialize(loss))))
    assert type(clone) is type(loss)
    assert clone.get_config() == loss.get_config()


def test_default_names() -> None:
    assert SPARSE.name == "sparse_categorical_crossentropy"
    assert Huber().name == "huber_loss"


def test_which_activation_a_loss_can_see_through() -> None:
    for loss in (SPARSE, CATEGORICAL, BINARY):
        assert loss.looks_through == ("softmax", "sigmoid")
    assert SQUARED.looks_through == ()


# Shapes.


def test_labels_may_stand_in_a_column_and_be_of_any_number_type() -> None:
    expected = SPARSE([0, 2], P)
    for labels in ([[0], [2]], np.array([0, 2], "uint8"), np.array([0.0, 2.0])):
        assert SPARSE(labels, P) == expected
    assert SparseCategoricalCrossentropy()(np.array([False, True]), P) == SPARSE([0, 1], P)


def test_targets_may_leave_out_or_add_an_axis_of_1() -> None:
    for loss in (SQUARED, BINARY):
        expected = loss([[1.0], [0.0]], [[0.7], [0.4]])
        assert loss([1.0, 0.0], [[0.7], [0.4]]) == expected
    assert SQUARED([[1.0], [0.0]], [0.7, 0.4]) == SQUARED([1.0, 0.0], [0.7, 0.4])


def test_predictions_without_a_second_axis_are_one_row() -> None:
    assert SQUARED([1.0, 2.0, 3.0], [1.0, 1.0, 1.0]) == pytest.approx(5 / 3)


def test_losses_over_more_axes() -> None:
    loss = SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    labels = np.array([[0, 1], [2, 2]])
    each = loss(labels, Z)
    expected = np.log(np.exp(Z).sum(axis=-1)) - np.take_along_axis(Z, labels[..., None], -1)[..., 0]
    np.testing.assert_allclose(each, expected, rtol=1e-12)
    assert loss.gradient().shape == Z.shape
    mean = SparseCategoricalCrossentropy(from_logits=True)
    assert mean(labels, Z) == pytest.approx(expected.mean())
    assert mean(labels[..., None], Z) == pytest.approx(expected.mean())


def test_weights_of_samples_and_of_single_losses() -> None:
    loss, labels = SparseCategoricalCrossentropy(from_logits=True), np.array([[0, 1], [2, 2]])
    each = SparseCategoricalCrossentropy(from_logits=True, reduction="none")(labels, Z)
    by_sample = np.array([0.5, 2.0])
    expected = (each * by_sample[:, None]).mean()
    assert loss(labels, Z, sample_weight=by_sample) == pytest.approx(expected)
    assert loss(labels, Z, sample_weight=by_sample[:, None]) == pytest.approx(expected)
    by_loss = np.array([[0.0, 1.0], [2.0, 0.5]])
    expected = (each * by_loss).mean()
    assert loss(labels, Z, sample_weight=by_loss) == pytest.approx(expected)
    assert loss(labels, Z, sample_weight=by_loss[..., None]) == pytest.approx(expected)


def test_predictions_become_floats() -> None:
    assert SQUARED([1, 2], np.array([[1], [4]])) == 2
    assert SQUARED([1.0], np.array([[3.0]], "float16")) == 4


# Errors.


@pytest.mark.parametrize(
    ("loss", "y", "message"),
    [
        (SPARSE, np.eye(3)[[0, 2]], "labels look one-hot; use categorical_crossentropy"),
        (SPARSE, [[0, 1], [1, 0]], r"expected one integer per sample, .* got \(2, 2\)$"),
        (SPARSE, [0, 3], r"expected labels from 0 to 2 .*got labels from 0 to 3.*y - 1"),
        (SPARSE, [-1, 2], "got labels from -1 to 2"),
        (SPARSE, [0.5, 1.0], "expected integer labels, got float64 with fractions"),
        (SPARSE, [np.nan, 1.0], "expected integer labels, got float64 with fractions"),
        (SPARSE, [np.inf, 1.0], "expected integer labels, got float64 with fractions"),
        (SPARSE, [0, 1, 2], r"targets of shape \(3,\) and predictions of shape \(2, 3\)"),
        (SPARSE, 1, r"targets of shape \(\) and predictions of shape \(2, 3\)"),
        (CATEGORICAL, [0, 2], r"labels look like integers; use sparse_categorical_crossent"),
        (CATEGORICAL, [[0], [2]], r"labels look like integers; use sparse_categorical_cross"),
        (CATEGORICAL, np.eye(4)[[0, 2]], r"one-hot rows, shape \(n, 3\), got \(2, 4\)$"),
        (CATEGORICAL, np.eye(3), r"targets of shape \(3, 3\) and predictions of shape \(2, 3\)"),
        (BINARY, np.full((2, 3), 2), "between 0 and 1, got 2 to 2; use sparse_categorical"),
        (BINARY, np.full((2, 3), -0.1), r"between 0 and 1, got -0.1 to -0.1"),
        (BINARY, np.full((2, 3), np.nan), r"between 0 and 1, got nan to nan"),
        (BINARY, [0, 1], r"y: expected shape \(n, 3\) like the model's output, got \(2,\)"),
        (SQUARED, np.ones((2, 4)), r"y: expected shape \(n, 3\) like the model's output, got \(2"),
        (SQUARED, np.ones((3, 3)), r"targets of shape \(3, 3\) and predictions of shape \(2, 3\)"),
    ],
)
def test_targets_that_do_not_fit(loss: Loss, y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loss(y, P)


def test_predictions_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match=r"one column per class, shape \(n, classes\), got"):
        SPARSE([0, 1], [0.2, 0.8])
    with pytest.raises(ValueError, match=r"one target for each of the predictions"):
        SQUARED(1.0, 2.0)


@pytest.mark.parametrize("weights", [np.ones(3), np.ones((2, 3))])
def test_weights_that_do_not_fit(weights: Any) -> None:
    with pytest.raises(
        ValueError, match=r"sample_weight: expected one number per sample, shape \(2"
    ):
        SPARSE([0, 1], P, sample_weight=weights)


def test_an_error_leaves_the_last_value_in_place() -> None:
    loss = SparseCategoricalCrossentropy()
    loss([0, 1], P)
    gradient = loss.gradient()
    for bad in (
        lambda: loss([0, 7, 1], np.full((3, 3), 1 / 3)),
        lambda: loss([0, 2, 1], np.full((3, 3), 1 / 3), sample_weight=[1.0]),
    ):
        with pytest.raises(ValueError, match="expected"):
            bad()
        np.testing.assert_array_equal(loss.gradient(), gradient)


def test_gradient_before_value() -> None:
    with pytest.raises(RuntimeError, match="huber_loss: gradient came before value"):
        Huber().gradient()


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (Huber, {"delta": 0.0}, r"delta: expected a number above 0, got 0\.0"),
        (Huber, {"delta": float("nan")}, "delta: expected a number above 0, got nan"),
        (CategoricalCrossentropy, {"label_smoothing": 1.1}, "label_smoothing: expected a number"),
        (BinaryCrossentropy, {"label_smoothing": -0.1}, "label_smoothing: expected a number"),
        (BinaryCrossentropy, {"label_smoothing": float("nan")}, "label_smoothing: expected a nu"),
        (MeanSquaredError, {"reduction": "median"}, "reduction: expected one of .* got 'median'"),
    ],
)
def test_bad_options(cls: type[Loss], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cls(**options)


def test_a_subclass_has_to_say_which_kernels() -> None:
    with pytest.raises(NotImplementedError):
        Loss()([1.0], [[1.0]])


@pytest.mark.parametrize("name", ["BinaryCrossentropy", "CategoricalCrossentropy"])
def test_value_takes_for_logits_what_the_loss_does(name: str) -> None:
    y, z = np.array([[0.0, 1.0]]), np.array([[3.0, -2.0]])
    loss = getattr(losses, name)(from_logits=True)
    assert loss.value(y, z) == loss(y, z) == loss.value(y, z, from_logits=True)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: losses.BinaryFocalCrossentropy(gamma=-1), "gamma: expected a number of 0 or more"),
        (lambda: losses.BinaryFocalCrossentropy(alpha=2), "alpha: expected a number between 0"),
        (lambda: losses.CategoricalFocalCrossentropy(alpha="much"), "alpha: expected a number"),
        (lambda: losses.CosineSimilarity(axis=None), "axis: expected an integer, got None"),
        (lambda: SparseCategoricalCrossentropy(ignore_class=0.5), "ignore_class: expected an int"),
    ],
)
def test_options_that_are_refused(make: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        make()


def test_the_axis_is_the_last_one() -> None:
    y, p = np.eye(3)[[0, 1]], np.full((2, 3), 1 / 3)
    for cls in (CategoricalCrossentropy, BinaryCrossentropy, losses.CosineSimilarity):
        assert cls(axis=1)(y, p) == cls()(y, p)
        with pytest.raises(ValueError, match=r"axis: expected the last axis .* -1, got 0 for pred"):
            cls(axis=0)(y, p)
    with pytest.raises(ValueError, match="axis: expected the last axis"):
        SparseCategoricalCrossentropy(axis=1)([[0], [1]], np.full((2, 1, 3), 1 / 3))


def test_one_alpha_for_each_class() -> None:
    loss = losses.CategoricalFocalCrossentropy(alpha=[0.1, 0.9])
    with pytest.raises(ValueError, match="alpha: expected one weight or one for each of 3 classes"):
        loss(np.eye(3), np.full((3, 3), 1 / 3))
