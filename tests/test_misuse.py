"""Models that run and learn nothing, or something else than was meant: they are warned of, once."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinynet import Input, Sequential, layers, losses
from tinynet.layers import Activation, Conv2D, Dense, Flatten, Softmax

X = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
IMAGES = X[:, :4].reshape(30, 2, 2, 1)
TWO, THREE = (X[:, 0] > 0).astype("float32"), np.arange(30) % 3
SINGLE = "a softmax over a single number, axis {axis} of an output of shape .*is always 1.* sigmoid"
COLUMN = "predictions with one column, shape .*, leave no choice .*binary_crossentropy"
LOGITS = "expected probabilities, got predictions from [-0-9.e]+ to [0-9.e-]+, .* from_logits=True"


def messages(do: Callable[[], object]) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        do()
    return [str(each.message) for each in caught]


@pytest.mark.parametrize(
    ("made", "shape", "axis"),
    [
        (lambda: [Dense(1, activation="softmax")], (4,), -1),
        (lambda: [Dense(1), Activation("softmax")], (4,), -1),
        (lambda: [Dense(1), Softmax()], (4,), -1),
        (lambda: [Softmax(axis=1)], (1, 4), 1),
        (lambda: [Softmax(axis=-3)], (1, 2, 4), -3),
        (lambda: [Conv2D(1, 1, activation="softmax")], (2, 2, 3), -1),
        (lambda: [layers.Reshape((4, 1)), Dense(1, activation="softmax")], (4,), -1),
    ],
)
def test_a_softmax_over_one_number(made: Any, shape: tuple[int, ...], axis: int) -> None:
    with pytest.warns(UserWarning, match=SINGLE.format(axis=axis)) as caught:
        model = Sequential([Input(shape), *made()])
    assert len(caught) == 1
    assert messages(lambda: model.predict(np.ones((2, *shape)), verbose=0)) == []


@pytest.mark.parametrize(
    ("made", "shape"),
    [
        (lambda: [Dense(2, activation="softmax")], (4,)),
        (lambda: [Dense(1, activation="sigmoid")], (4,)),
        (lambda: [Softmax(axis=1)], (2, 1)),
        (lambda: [Conv2D(3, 2, activation="softmax")], (2, 2, 1)),
    ],
)
def test_others_bring_no_warning(made: Any, shape: tuple[int, ...]) -> None:
    assert messages(lambda: Sequential([Input(shape), *made()])) == []


@pytest.mark.parametrize(
    ("made", "loss", "y"),
    [
        (lambda: [Dense(1, activation="sigmoid")], "categorical_crossentropy", TWO[:, None]),
        (lambda: [Dense(1)], losses.CategoricalCrossentropy(from_logits=True), TWO[:, None]),
        (lambda: [Dense(1)], losses.SparseCategoricalCrossentropy(from_logits=True), 0 * TWO),
        (lambda: [Dense(1, activation="sigmoid")], "sparse_categorical_crossentropy", 0 * TWO),
        (
            lambda: [Dense(1, activation="sigmoid"), layers.Reshape((1, 1))],
            "categorical_crossentropy",
            TWO[:, None, None],
        ),
    ],
)
def test_a_cross_entropy_over_one_column(made: Any, loss: Any, y: np.ndarray) -> None:
    model = Sequential([Input((4,)), *made()])
    model.compile("adam", loss)
    with pytest.warns(UserWarning, match=COLUMN):
        model.fit(X, y, verbose=0)
    assert messages(lambda: model.fit(X, y, epochs=2, verbose=0)) == []


@pytest.mark.parametrize(
    ("made", "loss", "y"),
    [
        (lambda: [Dense(3)], "sparse_categorical_crossentropy", THREE),
        (lambda: [Dense(3)], "categorical_crossentropy", np.eye(3)[THREE]),
        (lambda: [Dense(1)], "binary_crossentropy", TWO),
        (lambda: [Dense(3, activation="tanh")], "sparse_categorical_crossentropy", THREE),
        (
            lambda: [Dense(3, activation="relu", bias_initializer="ones")],
            "categorical_crossentropy",
            np.eye(3)[THREE],
        ),
        (lambda: [Dense(3), Flatten()], losses.SparseCategoricalCrossentropy, THREE),
    ],
)
@pytest.mark.parametrize("way", ["fit", "evaluate", "train_on_batch"])
def test_logits_in_the_place_of_probabilities(
    way: str, made: Any, loss: Any, y: np.ndarray
) -> None:
    model = Sequential([Input((4,)), *made()])
    model.compile("sgd", loss)
    options = {} if way == "train_on_batch" else {"verbose": 0}
    with pytest.warns(UserWarning, match=LOGITS):
        getattr(model, way)(X, y, **options)
    assert messages(lambda: getattr(model, way)(X, y, **options)) == []


@pytest.mark.parametrize(
    ("made", "loss", "y"),
    [
        (lambda: [Dense(3, activation="softmax")], "sparse_categorical_crossentropy", THREE),
        (lambda: [Dense(3, activation="sigmoid")], "binary_crossentropy", np.eye(3)[THREE]),
        (
            lambda: [Dense(3, activation="softmax"), Flatten()],
            "categorical_crossentropy",
            np.eye(3)[THREE],
        ),
        (lambda: [Dense(3)], losses.SparseCategoricalCrossentropy(from_logits=True), THREE),
        (lambda: [Dense(1)], losses.BinaryCrossentropy(from_logits=True), TWO),
        (lambda: [Dense(3)], "mse", np.eye(3)[THREE]),
    ],
)
def test_what_is_meant_brings_no_warning(made: Any, loss: Any, y: np.ndarray) -> None:
    model = Sequential([Input((4,)), *made()])
    model.compile("sgd", loss)
    assert messages(lambda: model.fit(X, y, validation_split=0.2, verbose=0)) == []


def test_a_loss_by_itself_warns_too() -> None:
    loss = losses.SparseCategoricalCrossentropy()
    with pytest.warns(UserWarning, match=LOGITS):
        loss([0, 1], [[3.0, -1.0], [0.5, 2.0]])
    assert messages(lambda: loss([0, 1], [[3.0, -1.0], [0.5, 2.0]])) == []
    assert messages(lambda: losses.BinaryCrossentropy()([0, 1], [1.0 + 1e-6, 0.0])) == []
