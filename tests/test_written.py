"""What lines of a step or a pass were written for: whatever changes, they do what the layers do."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinynet import (
    Input,
    Sequential,
    activations,
    callbacks,
    initializers,
    layers,
    losses,
    optimizers,
    utils,
)
from tinynet.constraints import MaxNorm
from tinynet.kernels.linear import column_sum
from tinynet.metrics.base import RunningMean
from tinynet.optimizers import schedules
from tinynet.step.tape import write_down

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 4)).astype("float32")
Y = RNG.normal(size=(20, 2)).astype("float32")
Change = Callable[[Any], object]
Layers = Callable[[], list[layers.Layer]]


class AfterEpoch(callbacks.Callback):
    def __init__(self, change: Change) -> None:
        super().__init__()
        self.change = change

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.change(self.model)


def model_of(make: Layers) -> Any:
    utils.clear_session()
    utils.set_random_seed(0)
    return Sequential([Input((4,)), *make()])


def trained(
    make: Layers, change: Change, eager: bool, loss: Any = "mse", y: Any = Y, **fit: Any
) -> list[Any]:
    """Return the weights and the losses after some epochs, each of which ends in a change."""
    model = model_of(make)
    loss = loss() if callable(loss) else loss
    model.compile("sgd", loss, run_eagerly=eager)
    fit = {"batch_size": 5, "epochs": 3, "verbose": 0, **fit}
    history = model.fit(X, y, callbacks=[AfterEpoch(change)], **fit)
    return [*model.get_weights(), history.history["loss"]]


def assert_same_fit(make: Layers, change: Change, **how: Any) -> list[Any]:
    """The change counts for lines as it does for layers."""
    expected, found = (trained(make, change, eager, **how) for eager in (True, False))
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(other, one)
    return found


def assert_fit_sees(make: Layers, change: Change, **how: Any) -> None:
    """So it does, and it makes a difference."""
    found = assert_same_fit(make, change, **how)
    assert trained(make, bool, False, **how)[-1] != found[-1]


def assert_pass_sees(make: Layers, change: Change) -> None:
    model = model_of(make)
    for _ in range(3):
        before = model.predict_on_batch(X[:2])
    change(model)
    expected = model.forward(X[:2])
    assert not np.array_equal(expected, before)
    for _ in range(2):
        np.testing.assert_array_equal(model.predict_on_batch(X[:2]), expected)


def small() -> list[layers.Layer]:
    return [layers.Dense(5), layers.ReLU(), layers.Dense(2)]


def between(make: Callable[[], layers.Layer]) -> Layers:
    return lambda: [layers.Dense(5), make(), layers.Dense(2)]


def other_ones(model: Any) -> None:
    model.layers[1].ones = 2 * model.layers[1].ones


def other_activation(model: Any) -> None:
    model.layers[1].activation = activations.get("tanh")


SETTINGS: dict[str, tuple[Callable[[], layers.Layer], Change]] = {
    "ReLU": (layers.ReLU, other_activation),
    "LeakyReLU": (layers.LeakyReLU, other_activation),
    "ELU": (layers.ELU, other_activation),
    "Softmax": (layers.Softmax, other_activation),
    "ones": (lambda: layers.BatchNormalization(scale=False), other_ones),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_what_is_no_argument_of_the_constructor(name: str) -> None:
    make, change = SETTINGS[name]
    assert_fit_sees(between(make), change)
    assert_pass_sees(between(make), change)


def tighter(model: Any) -> None:
    model.layers[0].constraints["kernel"].max_value = 0.3


def test_a_number_in_a_constraint() -> None:
    def bounded() -> list[layers.Layer]:
        first, *others = small()
        first.constraints["kernel"] = MaxNorm(1.0)  # only there, not in an attribute
        return [first, *others]

    assert_fit_sees(bounded, tighter)


class Notes(schedules.LearningRateSchedule):
    """A schedule that changes a layer, and has no config."""

    def __init__(self, layer: layers.Dropout) -> None:
        self.layer = layer

    def __call__(self, step: Any) -> float:
        self.layer.rate = 0.1 + 0.05 * (int(step) % 5)
        return 0.1


class NoConfig(initializers.Initializer):
    """An initializer that does not keep its argument."""

    def __init__(self, value: float) -> None:
        self._value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        return np.full(shape, self._value, dtype)


def test_what_a_schedule_of_the_users_changes_in_an_epoch() -> None:
    found = []
    for eager in (True, False):
        model = model_of(lambda: [layers.Dense(5), layers.Dropout(0.1, seed=1), layers.Dense(2)])
        model.compile(optimizers.SGD(Notes(model.layers[1])), "mse", run_eagerly=eager)
        model.fit(X, Y, batch_size=5, epochs=2, verbose=0)
        found.append(model.get_weights())
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(other, one)


def test_an_initializer_needs_no_config() -> None:
    def make() -> list[layers.Layer]:
        return [layers.Dense(5, kernel_initializer=NoConfig(0.1)), layers.Dense(2)]

    assert_same_fit(make, bool)


def test_a_loss_that_is_called_by_hand() -> None:
    def by_hand(model: Any) -> None:
        model.loss(Y, Y + 1, sample_weight=2.0)

    def make() -> losses.Loss:
        return losses.MeanSquaredError(reduction="mean_with_sample_weight")

    assert_same_fit(small, by_hand, loss=make, sample_weight=np.linspace(0.1, 1, 20))


def doubled(x: Any) -> Any:
    return np.maximum(x, 0) * np.float32(2)


def test_an_activation_whose_functions_are_replaced() -> None:
    def make() -> list[layers.Layer]:
        relu: Any = activations.relu.with_options()
        relu.forward, relu.backward = doubled, lambda dout, x, out: 2 * dout * (x > 0)
        return [layers.Dense(5, activation=relu), layers.Dense(2)]

    expected = assert_same_fit(make, bool)
    plain = trained(lambda: [layers.Dense(5, activation="relu"), layers.Dense(2)], bool, False)
    assert expected[-1] != plain[-1]


def test_a_class_whose_methods_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def forward(self: Any, x: Any, training: bool = False) -> Any:
        calls.append(training)
        return self.activate(x)

    monkeypatch.setattr(layers.ReLU, "forward", forward, raising=False)
    assert_same_fit(small, bool)
    assert len(calls) == 2 * 3 * 4


@pytest.mark.parametrize("use", ["predict", "predict_on_batch", "evaluate"])
def test_a_model_that_is_used_while_a_step_is_written_down(
    use: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss warns in its first step; who shows the warning uses another model."""
    other = Sequential([Input((4,)), layers.Dense(2, activation="tanh")])
    other.compile("sgd", "mse")
    how = {"predict": (X, 4, 0), "predict_on_batch": (X[:3],), "evaluate": (X, Y, 4, 0)}
    shown = []

    def show(*args: Any, **kwargs: Any) -> None:
        shown.append(getattr(other, use)(*how[use]))

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "showwarning", show)
        expected, found = (
            trained(small, bool, eager, "binary_crossentropy", Y > 0) for eager in (True, False)
        )
    assert len(shown) == 2
    for one, same in zip(expected, found, strict=True):
        np.testing.assert_array_equal(same, one)


def test_lines_that_are_written_down_inside_of_others() -> None:
    out = np.zeros(2)
    with write_down() as outer:
        with write_down() as inner:
            column_sum(np.ones((3, 2)), out)
        column_sum(np.ones((3, 2)), out)
    assert len(inner.lines) == len(outer.lines) == 1


def new_mean(model: Any) -> None:
    model.metrics[0].mean = RunningMean()


def begin_anew(model: Any) -> None:
    model.metrics[0].__init__()


@pytest.mark.parametrize("change", [new_mean, begin_anew])
def test_new_arrays_in_a_metric(change: Change) -> None:
    found = []
    for eager in (True, False):
        model = model_of(lambda: [layers.Dense(3, activation="softmax")])
        model.compile(
            "sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=eager
        )
        told = [AfterEpoch(change)]
        history = model.fit(X, np.arange(20) % 3, 5, epochs=3, verbose=0, callbacks=told).history
        found.append(history["accuracy"])
    assert found[0] == found[1]


@pytest.mark.parametrize("kept", ["params", "state"])
def test_weights_that_must_not_be_written(kept: str, kernel_form: str) -> None:
    def lock(model: Any) -> None:
        for each in getattr(model.layers[0], kept).values():
            each.flags.writeable = False

    def make() -> list[layers.Layer]:
        return [layers.BatchNormalization(), layers.Dense(2)]

    for eager in (True, False):
        with pytest.raises(Exception, match=r"read-?only"):  # of Numba its own
            trained(make, lock, eager)


def swapped(model: Any) -> None:
    """Put big-endian copies in the place of all arrays, as from a file of another machine."""
    for layer in model.layers:
        for arrays in (layer.params, layer.state):
            arrays |= {key: each.astype(">f4") for key, each in arrays.items()}


@pytest.mark.parametrize("trainable", [True, False])
def test_weights_of_a_foreign_byte_order(trainable: bool, kernel_form: str) -> None:
    def make() -> list[layers.Layer]:
        convolution = [layers.Reshape((2, 2, 1)), layers.Conv2D(2, 2, activation="relu")]
        return [*convolution, layers.BatchNormalization(), layers.Flatten()]

    def used(before: Change, after_epoch: Change) -> list[Any]:
        model = model_of(make)
        model.layers[1].trainable = trainable
        model.compile("sgd", "mse")
        found = []
        for use, args in (("predict_on_batch", (X[:2],)), ("predict", (X, 4, 0))):
            before(model)
            found.append(getattr(model, use)(*args))
        for use, args in (("evaluate", (X, Y, 4, 0)), ("train_on_batch", (X, Y))):
            before(model)
            found.append(getattr(model, use)(*args))
        before(model)
        told = [AfterEpoch(after_epoch)]
        history = model.fit(X, Y, 5, epochs=2, verbose=0, callbacks=told).history
        return [*found, history["loss"], *model.get_weights()]

    expected = used(bool, bool)
    for found in (used(swapped, bool), used(bool, swapped)):
        for one, other in zip(expected, found, strict=True):
            np.testing.assert_array_equal(other, one)
