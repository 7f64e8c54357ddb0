"""The estimators: what scikit-learn asks of one, and what its tools do with them."""

import contextlib
import copy
import doctest
import functools
import multiprocessing
import pickle
import random as python_random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from dask.distributed import Client, LocalCluster
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss, recall_score
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from tinynet import Input, Sequential, config, layers, losses, optimizers
from tinynet import random as tinynet_random
from tinynet.callbacks import EarlyStopping, LambdaCallback
from tinynet.interop.sklearn import (
    EXPECTED_FAILED_CHECKS,
    NetClassifier,
    NetRegressor,
    classifier,
    regressor,
)
from tinynet.layers import Dense, Layer
from tinynet.utils import set_random_seed

KINDS = {"classifier": NetClassifier, "regressor": NetRegressor}
IRIS_X, IRIS_Y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(IRIS_X)
Y = IRIS_Y
SPECIES = np.array(["setosa", "versicolor", "virginica"], object)[IRIS_Y]


def net(**options: Any) -> NetClassifier:
    """Return a small classifier that learns the irises within a second."""
    defaults = {"learning_rate": 0.01, "epochs": 15, "random_state": 0}
    return NetClassifier((16,), **(defaults | options))


def weights(estimator: Any) -> np.ndarray:
    return np.concatenate([each.reshape(-1) for each in estimator.model_.get_weights()])


# What scikit-learn asks.


@pytest.mark.filterwarnings("ignore:.*a softmax over a single number")  # one check has one class
@pytest.mark.filterwarnings("ignore:.*predictions with one column")
@pytest.mark.parametrize("floatx", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_checks_of_scikit_learn(kind: type, floatx: str) -> None:
    config.set_floatx(floatx)
    estimator = kind((20,), learning_rate=0.01, epochs=20)
    results = check_estimator(estimator, on_fail=None, on_skip=None)
    failed = {
        each["check_name"]: each["exception"] for each in results if each["status"] == "failed"
    }
    expected = set(EXPECTED_FAILED_CHECKS) if floatx == "float32" else set()
    assert failed.keys() == expected, failed
    skipped = {each["check_name"] for each in results if each["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}  # only for those that say they can
    assert len(results) > 50


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_parameters_are_kept_as_they_were_given(kind: type) -> None:
    estimator = kind()
    given = {
        "hidden_layer_sizes": [7],
        "optimizer": optimizers.SGD(0.1),
        "callbacks": [EarlyStopping("loss")],
        "network": functools.partial(Sequential),
        "epochs": 3,
    }
    estimator.set_params(**given)
    parameters = estimator.get_params()
    assert all(parameters[name] is value for name, value in given.items())
    twin = clone(estimator)
    assert twin.get_params()["hidden_layer_sizes"] == [7]
    assert repr(twin.optimizer) == repr(estimator.optimizer)
    assert f"{kind.__name__}(" in repr(estimator)


def test_the_examples_in_the_docstrings() -> None:
    for module in (classifier, regressor):
        found = doctest.testmod(module)
        assert found.failed == 0 and found.attempted >= 3


# What its tools do with them.


def test_pipeline_and_cross_validation() -> None:
    pipeline = make_pipeline(StandardScaler(), net(epochs=40))
    scores = cross_val_score(pipeline, IRIS_X, SPECIES, cv=3)
    assert scores.min() > 0.9


def test_grid_search_through_a_pipeline_finds_the_rate_that_learns() -> None:
    x, y = load_digits(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, train_size=600, random_state=0)
    pipeline = make_pipeline(StandardScaler(), NetClassifier((32,), epochs=8, random_state=0))
    rates = {"netclassifier__learning_rate": [1e-6, 1e-2]}
    search = GridSearchCV(pipeline, rates, cv=2).fit(x_train, y_train)
    assert search.best_params_ == {"netclassifier__learning_rate": 1e-2}
    assert search.score(x_test, y_test) > 0.9  # 0.1 is what guessing gets


def convolutional(input_shape: tuple[int, ...], n_outputs: int, filters: int = 8) -> Sequential:
    return Sequential(
        [
            Input(input_shape),
            layers.Reshape((8, 8, 1)),
            layers.Rescaling(1 / 16),
            layers.Conv2D(filters, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            Dense(n_outputs, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("shape", [(64,), (8, 8)])
def test_any_network_from_a_table_or_from_images(shape: tuple[int, ...]) -> None:
    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, *shape)
    x_train, x_test, y_train, y_test = train_test_split(x, y, train_size=800, random_state=0)
    estimator = NetClassifier(
        network=functools.partial(convolutional, filters=12),
        learning_rate=0.01,
        epochs=8,
        random_state=0,
    )
    estimator.fit(x_train, y_train)
    assert estimator.score(x_test, y_test) > 0.93
    assert estimator.model_.layers[2].params["kernel"].shape == (3, 3, 1, 12)
    with pytest.raises(ValueError, match=r"expected samples of shape|features"):
        estimator.predict(x_test.reshape(len(x_test), 4, -1))


def test_the_default_network_takes_images_too() -> None:
    images = X.reshape(-1, 2, 2)
    assert net().fit(images, Y).score(images, Y) > 0.9


def test_regression_of_one_and_of_several_numbers() -> None:
    x, y = load_diabetes(return_X_y=True)
    make = functools.partial(NetRegressor, hidden_layer_sizes=(16,), epochs=40, random_state=0)
    one = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), make()), transformer=StandardScaler()
    )
    assert cross_val_score(one, x, y, cv=3).min() > 0.3  # the mean of y gets 0, R2 of ridge is 0.5
    both = np.column_stack([X[:, 0] * X[:, 1], -X[:, 2]])
    several = make(learning_rate=0.01).fit(X, both)
    assert several.predict(X).shape == (150, 2)
    assert several.score(X, both) > 0.9
    assert make().fit(X, both[:, 0]).predict(X).shape == (150,)


def test_a_regressor_lowers_the_loss_that_it_is_given() -> None:
    x = np.zeros((100, 1))
    y = np.r_[np.zeros(60), np.full(40, 10.0)]  # the mean is 4, the median 0
    options = {"hidden_layer_sizes": (), "learning_rate": 0.05, "epochs": 100, "random_state": 0}
    assert NetRegressor(**options).fit(x, y).predict(x[:1]) == pytest.approx(4, abs=0.5)
    absolute = NetRegressor(loss="mean_absolute_error", **options).fit(x, y)
    assert absolute.predict(x[:1]) == pytest.approx(0, abs=0.5)
    huber = NetRegressor(loss=losses.Huber(delta=0.5), **options).fit(x, y)
    assert huber.predict(x[:1]) == pytest.approx(0.5 * 40 / 60, abs=0.3)


# Several processes, several machines.


def searched(estimator: Any, **options: Any) -> GridSearchCV:
    grid = {"dropout": [0.0, 0.3], "batch_normalization": [False, True]}
    return GridSearchCV(estimator, grid, cv=2, **options).fit(X, Y)


def assert_same_search(one: GridSearchCV, other: GridSearchCV) -> None:
    np.testing.assert_array_equal(
        one.cv_results_["mean_test_score"], other.cv_results_["mean_test_score"]
    )
    assert one.best_params_ == other.best_params_
    np.testing.assert_array_equal(weights(one.best_estimator_), weights(other.best_estimator_))


@pytest.fixture
def no_processes_left() -> Iterator[None]:
    """Close those that joblib would keep for the next call."""
    yield
    get_reusable_executor().shutdown(wait=True)


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_a_search_in_processes_or_threads_is_the_serial_one(
    backend: str, no_processes_left: None
) -> None:
    estimator = net(epochs=3, learning_rate=0.003)
    with joblib.parallel_config(backend=backend, n_jobs=2):
        parallel = searched(estimator)
    serial = searched(estimator)
    assert len(set(serial.cv_results_["mean_test_score"])) > 2  # so that a mix-up would be seen
    assert_same_search(parallel, serial)


def test_a_search_on_a_dask_cluster_is_the_serial_one(tmp_path: Path) -> None:
    def network(input_shape: tuple[int, ...], n_outputs: int) -> Sequential:
        hidden = [Dense(8, activation="tanh"), layers.Dropout(0.2)]
        return Sequential([Input(input_shape), *hidden, Dense(n_outputs, activation="softmax")])

    estimator = net(network=network, epochs=5)
    grid = {"learning_rate": [0.001, 0.003, 0.01]}
    serial = GridSearchCV(estimator, grid, cv=2).fit(X, Y)
    others = set(multiprocessing.active_children())
    cluster = LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        local_directory=str(tmp_path),
    )
    with cluster, Client(cluster), joblib.parallel_config(backend="dask"):
        parallel = GridSearchCV(estimator, grid, cv=2).fit(X, Y)
    assert_same_search(parallel, serial)
    assert set(multiprocessing.active_children()) == others


# The same random_state, the same run; and nobody's random numbers but its own.


def everybodys_random_numbers() -> tuple[Any, ...]:
    return (
        python_random.getstate(),
        np.random.get_state()[1].tobytes(),
        tinynet_random.get_random_seed(),
        copy.deepcopy(vars(tinynet_random)["_global_generator"]),
    )


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_same_random_state_gives_the_same_network(kind: type) -> None:
    options = {
        "hidden_layer_sizes": (8,),
        "dropout": 0.2,
        "batch_normalization": True,
        "validation_fraction": 0.2,
        "epochs": 3,
    }
    set_random_seed(5)
    before = everybodys_random_numbers()
    one, again, other = (kind(random_state=n, **options).fit(X, Y) for n in (1, 1, 2))
    assert everybodys_random_numbers() == before
    np.testing.assert_array_equal(one.predict(X), again.predict(X))
    assert one.history_ == again.history_
    assert np.abs(weights(one) - weights(other)).max() > 0.01


def test_a_random_state_that_is_a_generator_goes_on() -> None:
    source = np.random.RandomState(3)
    one, other = (net(random_state=source, epochs=1).fit(X, Y) for _ in range(2))
    assert np.abs(weights(one) - weights(other)).max() > 0.01
    again = net(random_state=np.random.RandomState(3), epochs=1).fit(X, Y)
    np.testing.assert_array_equal(weights(one), weights(again))


def test_without_a_random_state_numpys_seed_decides() -> None:
    runs = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        runs.append(weights(net(random_state=None, epochs=1).fit(X, Y)))
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.abs(runs[0] - runs[2]).max() > 0.01


# Training.


def test_epochs_of_partial_fit_are_those_of_fit() -> None:
    options = {"dropout": 0.3, "batch_normalization": True, "epochs": 3}
    whole = net(**options).fit(X, SPECIES)
    parts = net(**options)
    for _ in range(3):
        parts.partial_fit(X, SPECIES, classes=np.unique(SPECIES))
    np.testing.assert_array_equal(weights(parts), weights(whole))
    assert parts.history_ == whole.history_
    assert parts.n_iter_ == whole.n_iter_ == 3

    targets = X[:, :2]
    whole = NetRegressor(epochs=2, random_state=0).fit(X, targets)
    parts = NetRegressor(random_state=0).partial_fit(X, targets).partial_fit(X, targets)
    np.testing.assert_array_equal(weights(parts), weights(whole))


def test_partial_fit_learns_from_parts_that_lack_classes() -> None:
    estimator = net()
    for _ in range(30):
        for part in (slice(0, 70), slice(70, 150)):
            estimator.partial_fit(X[part], SPECIES[part], classes=np.unique(SPECIES))
    assert estimator.score(X, SPECIES) > 0.9


def test_early_stopping_on_a_stratified_share() -> None:
    stop = EarlyStopping(patience=2, restore_best_weights=True)
    estimator = net(epochs=300, validation_fraction=0.2, callbacks=stop).fit(X, Y)
    assert 5 < estimator.n_iter_ < 300
    losses_seen = estimator.history_["val_loss"]
    assert len(losses_seen) == estimator.n_iter_
    assert np.argmin(np.float32(losses_seen)) == estimator.n_iter_ - 1 - stop.patience
    assert estimator.score(X, Y) > 0.93
    assert stop.best is None and stop.best_weights is None  # fit used a copy


def test_validation_takes_a_share_of_every_class_of_sorted_data() -> None:
    rows = np.r_[0:50, 50:60]  # were the last fifth taken, one class would be lost to training
    estimator = net(epochs=30, validation_fraction=0.2).fit(X[rows], Y[rows])
    assert estimator.score(X[rows], Y[rows]) > 0.95
    with pytest.raises(ValueError, match="least populated class"):
        estimator.fit(X[:51], Y[:51])


def test_callbacks_hear_of_every_epoch() -> None:
    heard = []
    listener = LambdaCallback(on_epoch_end=lambda epoch, logs: heard.append((epoch, sorted(logs))))
    net(epochs=2, callbacks=[listener]).fit(X, Y)
    assert heard == [(0, ["accuracy", "loss"]), (1, ["accuracy", "loss"])]


def test_the_optimizer_that_is_given_is_not_used_up() -> None:
    mine = optimizers.SGD(0.1, momentum=0.9)
    estimator = net(optimizer=mine, learning_rate=None, epochs=2).fit(X, Y)
    assert mine.iterations == 0 and not mine.slots
    assert estimator.model_.optimizer.iterations == 10
    assert estimator.model_.optimizer.learning_rate == 0.1
    assert net(optimizer=mine, learning_rate=0.2).fit(X, Y).model_.optimizer.learning_rate == 0.2


def test_weights_of_samples_and_of_classes() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    y = (x[:, 0] + rng.normal(size=400) > 1.6).astype(int)  # about one in eight
    plain, balanced = (net(class_weight=each, epochs=20).fit(x, y) for each in (None, "balanced"))
    assert recall_score(y, balanced.predict(x)) > recall_score(y, plain.predict(x)) + 0.2
    share = y.mean()
    by_dict = net(class_weight={0: 0.5 / (1 - share), 1: 0.5 / share}, epochs=20).fit(x, y)
    np.testing.assert_allclose(by_dict.predict_proba(x), balanced.predict_proba(x), atol=1e-3)
    by_sample = net(epochs=20).fit(x, y, sample_weight=np.where(y, 50 / share, 50 / (1 - share)))
    np.testing.assert_allclose(by_sample.predict_proba(x), balanced.predict_proba(x), atol=1e-3)


# Answers.


def test_labels_and_probabilities() -> None:
    estimator = net().fit(X, SPECIES)
    assert estimator.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    probabilities = estimator.predict_proba(X)
    assert probabilities.shape == (150, 3) and probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-14)
    assert log_loss(SPECIES, probabilities) < 0.3
    np.testing.assert_array_equal(
        estimator.predict(X), estimator.classes_[probabilities.argmax(axis=1)]
    )


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_fitted_estimator_can_be_pickled(kind: type) -> None:
    estimator = kind(hidden_layer_sizes=(8,), dropout=0.2, epochs=2, random_state=0).fit(X, Y)
    twin = pickle.loads(pickle.dumps(estimator))
    np.testing.assert_array_equal(twin.predict(X), estimator.predict(X))
    estimator.partial_fit(X, Y)
    np.testing.assert_array_equal(weights(twin.partial_fit(X, Y)), weights(estimator))


class Meeting(Layer):
    """Keeps its input, as all layers do, and lets two threads meet there if they can."""

    place = threading.Barrier(1)

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self.x = x
        with contextlib.suppress(threading.BrokenBarrierError):
            self.place.wait(timeout=0.1)
        return self.x

    def backward(self, dout: np.ndarray) -> np.ndarray:
        return dout


def test_threads_that_ask_one_network_get_their_own_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    estimator = net(network=returning(Meeting, lambda: Dense(3, activation="softmax")), epochs=1)
    halves = [X[:75], X[75:]]
    expected = [estimator.fit(X, Y).predict_proba(half) for half in halves]
    monkeypatch.setattr(Meeting, "place", threading.Barrier(2))
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(estimator.set_params(batch_size=75).predict_proba, halves))
    np.testing.assert_allclose(found, expected, atol=1e-6)


# Bad input.


def returning(*stack: Any) -> Callable[[Any, Any], Sequential]:
    return lambda input_shape, n_outputs: Sequential([Input(input_shape), *(f() for f in stack)])


def compiled(input_shape: tuple[int, ...], n_outputs: int) -> Sequential:
    model = Sequential([Input(input_shape), Dense(n_outputs, activation="softmax")])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"activation": "rleu"}, ValueError, "unknown activation 'rleu'; did you mean 'relu'"),
        ({"optimizer": "adan"}, ValueError, "unknown optimizer 'adan'; did you mean 'adam'"),
        ({"optimizer": optimizers.Adam}, TypeError, "got the class Adam; call the class"),
        (
            {"learning_rate": -0.1},
            ValueError,
            "learning_rate: expected a number of 0 or more, got -0.1",
        ),
        ({"epochs": -1}, ValueError, "epochs: expected an integer of 0 or more, got -1"),
        ({"batch_size": 0}, ValueError, "batch_size: expected a positive integer, got 0"),
        ({"dropout": 1.5}, ValueError, "rate: expected .* got 1.5"),
        ({"hidden_layer_sizes": (8, 0)}, ValueError, "hidden_layer_sizes: expected a positive int"),
        ({"hidden_layer_sizes": 2.5}, ValueError, "hidden_layer_sizes: expected .* got 2.5"),
        ({"validation_fraction": 1.0}, ValueError, "validation_fraction: expected a number from 0"),
        ({"callbacks": EarlyStopping()}, ValueError, "'val_loss' will not be in the logs"),
        ({"callbacks": [EarlyStopping]}, TypeError, "callbacks: expected Callback objects"),
        ({"random_state": "one"}, ValueError, "'one' cannot be used to seed"),
        ({"learning_rate": 1e30, "optimizer": "sgd"}, ValueError, "loss of epoch .* is (nan|inf)"),
        ({"class_weight": "even"}, ValueError, "class_weight"),
        (
            {"network": returning(lambda: Dense(4, activation="softmax"))},
            ValueError,
            r"network: .* output shape \(None, 3\), got \(None, 4\); end it in Dense\(n_outputs\)",
        ),
        (
            {"network": returning(lambda: Dense(3))},
            ValueError,
            "network: expected a model that ends in softmax, .* got linear",
        ),
        ({"network": compiled}, ValueError, "network: expected a new model that is not compiled"),
        ({"network": lambda *_: "a net"}, TypeError, "network: .* return a Sequential, got 'a ne"),
    ],
)
@pytest.mark.filterwarnings("ignore:.* encountered in:RuntimeWarning")  # where the loss overflows
def test_bad_options_are_named(options: dict[str, Any], error: type, says: str) -> None:
    estimator = net().fit(X, Y)
    before = weights(estimator)
    set_random_seed(7)
    numbers = everybodys_random_numbers()
    with pytest.raises(error, match=says):
        estimator.set_params(**options).fit(X, Y)
    np.testing.assert_array_equal(weights(estimator), before)  # the fitted network is still there
    assert everybodys_random_numbers() == numbers


def test_bad_data_are_named() -> None:
    with pytest.raises(NotFittedError):
        net().predict(X)
    with pytest.raises(ValueError, match="sample_weight: expected finite numbers, 0 or above"):
        net().fit(X, Y, sample_weight=-np.ones(150))
    with pytest.raises(ValueError, match=r"same length.*140 in sample_weight"):
        net().fit(X, Y, sample_weight=np.ones(140))
    with pytest.raises(ValueError, match="Unknown label type"):
        net().fit(X, X[:, 0])
    with pytest.raises(ValueError, match="classes: expected all labels that will ever occur"):
        net().partial_fit(X, Y)
    begun = net().partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"y: expected labels among \[0 1 2\], got \[5\]"):
        begun.partial_fit(X, np.where(Y, Y, 5))
    with pytest.raises(ValueError, match="classes: expected those of the first call"):
        begun.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="class_weight: 'balanced' needs all samples at once"):
        net(class_weight="balanced").partial_fit(X, Y, classes=[0, 1, 2])
