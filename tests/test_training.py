"""The training loop: against one written out by hand, and in every way of feeding it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet
from tinynet import Input, Sequential
from tinynet.callbacks import LambdaCallback, LearningRateScheduler
from tinynet.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    Reshape,
    Softmax,
)
from tinynet.losses import CategoricalCrossentropy, SparseCategoricalCrossentropy
from tinynet.metrics import F1Score, Precision
from tinynet.optimizers import SGD
from tinynet.regularizers import L2

Array = np.ndarray
rng = np.random.default_rng(0)
X = rng.normal(size=(50, 4))
NUMBERS = X @ rng.normal(size=(4, 1)) + 0.1 * rng.normal(size=(50, 1))
LABELS = (NUMBERS[:, 0] > 0).astype(int)
LR, PENALTY = 0.05, float(np.float32(0.3))  # tinynet rounds the penalty as Keras does


def linear() -> Sequential:
    model = Sequential([Input((4,)), Dense(1, kernel_regularizer=L2(PENALTY))])
    model.compile(SGD(LR), "mse", metrics=["mae"], weighted_metrics=["mse"])
    return model


def classifier(*between: Any, dtype: str | None = None) -> Sequential:
    model = Sequential([Input((4,)), *between, Dense(2, activation="softmax", dtype=dtype)])
    model.compile(SGD(LR), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


class ByHand:
    """Linear regression with gradient descent and an L2 penalty, in plain NumPy."""

    def __init__(self, model: Sequential) -> None:
        self.w, self.b = (w.astype(float) for w in model.get_weights())

    def loss(self, x: Array, y: Array, weights: Array) -> float:
        squares = np.mean((x @ self.w + self.b - y) ** 2, axis=1)
        return float(np.mean(squares * weights) + PENALTY * np.sum(self.w**2))

    def epoch(self, x: Array, y: Array, weights: Array, batch_size: int) -> float:
        """Step through all batches; return the mean of the losses from before each step."""
        total = 0.0
        for start in range(0, len(x), batch_size):
            rows = slice(start, start + batch_size)
            total += self.loss(x[rows], y[rows], weights[rows]) * len(x[rows])
            error = 2 * (x[rows] @ self.w + self.b - y[rows]) * weights[rows, None] / len(x[rows])
            dw = x[rows].T @ error + 2 * PENALTY * self.w
            self.w, self.b = self.w - LR * dw, self.b - LR * error.sum(axis=0)
        return total / len(x)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_size", [1, 16, 32, 50, 99])
def test_fit_is_what_one_would_write_by_hand(
    batch_size: int, weighted: bool, kernel_form: str, float64: None
) -> None:
    model = linear()
    own, weights = ByHand(model), rng.random(50) * 2 if weighted else np.ones(50)
    history = model.fit(
        X,
        NUMBERS,
        batch_size=batch_size,
        epochs=3,
        shuffle=False,
        sample_weight=weights if weighted else None,
        validation_split=0.2,
        verbose=0,
    ).history
    # Validation is not weighted alone: its weights are the tail of those given.
    expected: dict[str, list[float]] = {"loss": [], "val_loss": []}
    for _ in range(3):
        expected["loss"].append(own.epoch(X[:40], NUMBERS[:40], weights[:40], batch_size))
        expected["val_loss"].append(own.loss(X[40:], NUMBERS[40:], weights[40:]))
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-12)
    np.testing.assert_allclose(model.params["dense/kernel"], own.w, rtol=1e-12)
    np.testing.assert_allclose(model.params["dense/bias"], own.b, rtol=1e-12)


@pytest.mark.parametrize(
    ("n", "share", "training"),
    [(10, 0.25, 7), (10, 0.99, 0), (11, 0.5, 5), (3, 0.3, 2), (5, 0.2, 4)],
)
def test_validation_takes_the_tail_and_training_the_rounded_down_rest(
    n: int, share: float, training: int
) -> None:
    x, y = np.arange(float(n))[:, None], np.zeros(n)
    model = Sequential([Input((1,)), Dense(1)])
    model.compile(SGD(0.0), "mse")
    if not training:
        with pytest.raises(ValueError, match=r"0\.99 of 10 samples leaves 0 for training and 10"):
            model.fit(x, y, validation_split=share, verbose=0)
        return
    split = model.fit(x, y, batch_size=1, validation_split=share, verbose=0)
    given = model.fit(
        x[:training], y[:training], validation_data=(x[training:], y[training:]), verbose=0
    )
    assert split.params["steps"] == training
    for name, values in given.history.items():
        assert split.history[name] == pytest.approx(values)


def test_given_validation_data_win_over_a_split() -> None:
    model = linear()
    history = model.fit(
        X,
        NUMBERS,
        batch_size=50,
        validation_data=(X[:5], NUMBERS[:5]),
        validation_split=0.5,
        verbose=0,
    )
    assert history.params["steps"] == 1
    assert history.history["val_loss"][0] == pytest.approx(
        model.evaluate(X[:5], NUMBERS[:5], verbose=0)[0]
    )


def test_epochs_is_the_number_of_the_last_one() -> None:
    model = linear()
    assert model.fit(X, NUMBERS, epochs=5, initial_epoch=3, verbose=0).epoch == [3, 4]


@pytest.mark.parametrize("options", [{"epochs": 0}, {"epochs": 2, "initial_epoch": 2}])
def test_no_epochs_change_nothing(options: dict[str, int]) -> None:
    model = linear()
    model.fit(X, NUMBERS, verbose=0)
    before = model.get_weights()
    history = model.fit(X, NUMBERS, validation_data=(X, NUMBERS), verbose=0, **options)
    assert (history.history, history.epoch) == ({}, [])
    assert history.params["epochs"] == options["epochs"]
    for now, then in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)
    with pytest.raises(ValueError, match="epochs: expected an integer of 0 or more, got -1"):
        model.fit(X, NUMBERS, epochs=-1)


def test_logs_are_sorted_and_evaluate_begins_with_the_loss() -> None:
    model = linear()
    weights = np.linspace(0, 2, 50)
    history = model.fit(X, NUMBERS, validation_split=0.5, sample_weight=weights, verbose=0).history
    assert list(history) == ["loss", "mae", "mse", "val_loss", "val_mae", "val_mse"]
    values = model.evaluate(X, NUMBERS, sample_weight=weights, verbose=0)
    named = model.evaluate(X, NUMBERS, sample_weight=weights, verbose=0, return_dict=True)
    assert list(named) == ["loss", "mae", "mse"]
    assert values == [named[name] for name in ("loss", "mae", "mse")]
    assert model.metrics_names == ["loss", "mae", "mse"]
    assert [metric.name for metric in model.metrics] == ["mae", "mse"]
    # metrics leave the weights aside, weighted_metrics divide by their sum
    error = (model.predict(X, verbose=0) - NUMBERS)[:, 0]
    assert named["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-6)
    assert named["mse"] == pytest.approx(np.average(error**2, weights=weights), rel=1e-6)


def test_the_loss_alone_is_a_number() -> None:
    model = Sequential([Input((4,)), Dense(1)])
    model.compile("sgd", "mse")
    value = model.evaluate(X, NUMBERS, verbose=0)
    assert type(value) is float
    assert model.evaluate(X, NUMBERS, verbose=0, return_dict=True) == {"loss": value}


def test_metrics_of_one_name_are_told_apart() -> None:
    model = Sequential([Input((4,)), Dense(2, activation="softmax")])
    model.compile(
        "sgd",
        "categorical_crossentropy",
        metrics=["accuracy", Precision(class_id=0), Precision(class_id=1)],
        weighted_metrics=["accuracy", F1Score("macro")],
    )
    y = np.eye(2)[LABELS]
    logs = model.evaluate(X, y, sample_weight=LABELS + 1, verbose=0, return_dict=True)
    first = ["loss", "accuracy", "precision", "precision_1", "accuracy", "f1_score"]
    assert model.metrics_names == [*first, "weighted_accuracy"]  # as evaluate lists
    values = model.evaluate(X, y, sample_weight=LABELS + 1, verbose=0)
    assert values == [logs[name] for name in model.metrics_names]
    assert list(logs) == sorted(set(model.metrics_names))
    predicted = np.argmax(model.predict(X, verbose=0), axis=1)
    hits = predicted == LABELS
    assert logs["precision"] == pytest.approx(np.mean(LABELS[predicted == 0] == 0))
    assert logs["precision_1"] == pytest.approx(np.mean(LABELS[predicted == 1] == 1))
    assert logs["weighted_accuracy"] == pytest.approx(np.average(hits, weights=LABELS + 1))
    history = model.fit(X, y, validation_split=0.5, verbose=0).history
    assert list(history) == sorted([*logs, *(f"val_{name}" for name in logs)])


@given(n=st.integers(1, 40), batch_size=st.integers(1, 50))
def test_evaluate_and_predict_do_not_depend_on_the_batches(n: int, batch_size: int) -> None:
    model = classifier(BatchNormalization(), Dropout(0.5))
    whole = model.evaluate(X[:n], LABELS[:n], batch_size=n, verbose=0)
    parts = model.evaluate(X[:n], LABELS[:n], batch_size=batch_size, verbose=0)
    np.testing.assert_allclose(parts, whole, rtol=1e-5)
    out = model.predict(X[:n], batch_size=batch_size, verbose=0)
    assert out.shape == (n, 2)
    np.testing.assert_allclose(out, model(X[:n]), rtol=1e-5)


@pytest.mark.parametrize("floatx", ["float32", "float64"])
def test_predictions_have_floatx_and_the_models_shape(floatx: str) -> None:
    tinynet.config.set_floatx(floatx)
    model = Sequential([Input((2, 2)), Flatten(), Dense(6), Reshape((3, 2))])
    for x in (np.ones((5, 2, 2), "uint8"), np.ones((5, 2, 2)), [[[1, 2], [3, 4]]]):
        out = model.predict(x, verbose=0)
        assert out.dtype == floatx and out.shape == (len(x), 3, 2)
    assert model.predict_on_batch(np.ones((1, 2, 2))).shape == (1, 3, 2)


# Steps by hand.


def test_a_step_on_a_batch_is_one_of_fit(float64: None) -> None:
    model = linear()
    own = ByHand(model)
    for rows in (slice(0, 7), slice(7, 20), slice(20, 50)):
        x, y = X[rows], NUMBERS[rows]
        ones = np.ones(len(x))
        expected = own.loss(x, y, ones)
        tested = model.test_on_batch(x, y, return_dict=True)
        trained = model.train_on_batch(x, y, return_dict=True)
        assert trained["loss"] == tested["loss"] == pytest.approx(expected, rel=1e-12)
        assert trained == tested  # the figures are those of this batch alone, from before the step
        own.epoch(x, y, ones, len(x))
        np.testing.assert_allclose(model.params["dense/kernel"], own.w, rtol=1e-12)
    assert model.optimizer.iterations == 3
    assert model.train_on_batch(X, NUMBERS) == [pytest.approx(v) for v in model_figures(own)]
    model.reset_metrics()
    assert model.figures.results()["loss"] == 0


def model_figures(own: ByHand) -> list[float]:
    error = (X @ own.w + own.b - NUMBERS)[:, 0]
    return [own.loss(X, NUMBERS, np.ones(50)), np.abs(error).mean(), (error**2).mean()]


@pytest.mark.parametrize("labels", [LABELS, LABELS[:, None], np.eye(2)[LABELS]])
def test_class_weights_are_sample_weights(labels: Array) -> None:
    loss: Any = (
        "sparse_categorical_crossentropy" if labels.shape[-1] != 2 else "categorical_crossentropy"
    )
    results = []
    for weights in (
        {"class_weight": {1: 3.0}},  # a class left out counts 1
        {"sample_weight": np.where(LABELS == 1, 3.0, 1.0)},
        {},
    ):
        tinynet.utils.set_random_seed(0)
        model = Sequential([Input((4,)), Dense(2, activation="softmax")])
        model.compile("sgd", loss, metrics=["accuracy"], weighted_metrics=["accuracy"])
        history = model.fit(X, labels, shuffle=False, verbose=0, **weights).history
        results.append((history, model.train_on_batch(X, labels, **weights)))
    assert results[0] == results[1]
    assert results[0][0]["loss"] != results[2][0]["loss"]
    assert results[0][0]["accuracy"] != results[0][0]["weighted_accuracy"]


def test_what_metrics_see_is_what_the_network_put_out_before_the_step(float64: None) -> None:
    tinynet.utils.set_random_seed(0)  # from some first weights, both epochs are equally right
    model = classifier()
    expected = np.mean(np.argmax(model(X), axis=1) == LABELS)
    model.optimizer.learning_rate = 100.0
    history = model.fit(X, LABELS, batch_size=50, epochs=2, verbose=0).history
    assert history["accuracy"][0] == expected != history["accuracy"][1]


# Looking back through a final softmax.


def identity(activation: str | None) -> Dense:
    """Return a layer whose logits are its input."""
    layer = Dense(3, activation, use_bias=False)
    layer.ensure_built((3,))
    layer.set_weights([np.eye(3)])
    return layer


UNSEEN = -np.log(1e-7)  # what is left of the loss where probabilities are clipped


@pytest.mark.filterwarnings("ignore:.* has no weights that learn")
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: [Activation("softmax")], 200.0),
        (lambda: [Softmax()], 200.0),
        (lambda: [identity("softmax")], 200.0),
        (lambda: [Activation("softmax"), Reshape((3,))], UNSEEN),
        (lambda: [Activation("softmax"), identity(None)], UNSEEN),
    ],
)
@pytest.mark.parametrize("sparse", [True, False])
def test_logits_are_seen_through_a_final_softmax_and_nothing_else(
    make: Callable[[], list[Any]], expected: float, sparse: bool, float64: None
) -> None:
    x, labels = np.array([[100.0, 0.0, -100.0]]), np.array([2])
    model = Sequential([Input((3,)), *make()])
    loss = SparseCategoricalCrossentropy() if sparse else CategoricalCrossentropy()
    model.compile("sgd", loss)
    target = labels if sparse else np.eye(3)[labels]
    assert model.evaluate(x, target, verbose=0) == pytest.approx(expected, rel=1e-6)
    # The probabilities alone do not have it any more.
    assert loss(target, model.predict(x, verbose=0)) == pytest.approx(UNSEEN, rel=1e-6)
    assert model.train_on_batch(x, target) == pytest.approx(expected, rel=1e-6)
    if model.params and expected == 200:  # the gradient at the logits is p - y
        dlogits = [[1.0, np.exp(-100), np.exp(-200) - 1]]
        np.testing.assert_allclose(*model.grads.values(), x.T @ dlogits, rtol=1e-12)


def test_binary_crossentropy_sees_through_a_final_sigmoid(float64: None) -> None:
    x = np.array([[-50.0]])
    for top, expected in (
        ([Activation("sigmoid")], 50.0),
        ([Activation("sigmoid"), Reshape((1,))], UNSEEN),
    ):
        model = Sequential([Input((1,)), *top])
        model.compile("sgd", "binary_crossentropy")
        assert model.evaluate(x, [1], verbose=0) == pytest.approx(expected, rel=1e-6)


def test_penalties_and_noise_belong_to_training(float64: None) -> None:
    model = classifier(GaussianNoise(1.0), Dense(3, activity_regularizer="l2"))
    assert model.evaluate(X, LABELS, verbose=0) == model.evaluate(X, LABELS, verbose=0)
    penalty = 0.01 * np.sum(model.layers[1](X) ** 2) / len(X)
    loss = model.loss(LABELS, model.predict(X, verbose=0))
    assert model.evaluate(X, LABELS, batch_size=50, verbose=0)[0] == pytest.approx(loss + penalty)


def test_only_training_moves_what_training_moves() -> None:
    norm, dropout = BatchNormalization(), Dropout(0.5)
    model = classifier(norm, dropout)
    moving, place = norm.state["moving_mean"].copy(), list(dropout.seed_generator.state)
    model.evaluate(X, LABELS, verbose=0)
    model.predict(X, verbose=0)
    model.test_on_batch(X, LABELS)
    np.testing.assert_array_equal(norm.state["moving_mean"], moving)
    assert dropout.seed_generator.state.tolist() == place
    model.fit(X, LABELS, validation_split=0.5, batch_size=10, verbose=0)
    assert not np.array_equal(norm.state["moving_mean"], moving)
    # once a batch of training
    assert dropout.seed_generator.state.tolist() == [place[0], place[1] + 3]


@pytest.mark.filterwarnings("ignore:.* has no weights that learn")
def test_a_frozen_layer_pays_no_penalty_on_its_weights() -> None:
    dense = Dense(3, kernel_regularizer=L2(0.1), activity_regularizer=L2(0.1))
    model = Sequential([Input((4,)), dense])
    model.compile("sgd", "mean_squared_error")
    x = np.ones((2, 4))
    before = dense(x), dense.penalty()
    dense.trainable = False
    assert 0 < dense.penalty() < before[1]  # what is left is the penalty on the output
    model.train_on_batch(x, np.zeros((2, 3)))
    np.testing.assert_array_equal(dense(x), before[0])


def test_weights_of_single_steps_weigh_the_metrics() -> None:
    x, y = np.zeros((1, 2, 3)), np.array([[0, 1]])
    model = Sequential([Input((2, 3)), Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    # All probabilities are equal, so that 0 is predicted: right in the first step only.
    for weights, expected in (([[1.0, 0.0]], 1.0), ([[1.0, 3.0]], 0.25)):
        found = model.evaluate(x, y, sample_weight=np.array(weights), verbose=0)
        assert found[1] == expected


def test_the_end_of_training_gets_the_figures_without_what_callbacks_added() -> None:
    ends: list[dict[str, float]] = []
    keep = LambdaCallback(on_train_end=lambda logs: ends.append(dict(logs)))
    model = Sequential([Input((4,)), Dense(3)])
    model.compile("sgd", "mean_squared_error")
    rate = LearningRateScheduler(lambda epoch, rate: rate)
    history = model.fit(np.ones((2, 4)), np.zeros((2, 3)), callbacks=[rate, keep], verbose=0)
    assert sorted(history.history) == ["learning_rate", "loss"]
    assert list(ends[0]) == ["loss"]
