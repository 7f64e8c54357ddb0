"""Callbacks that watch a figure, fed by hand and compared with the documented rules."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet
from tinynet import Sequential, layers
from tinynet.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from tinynet.callbacks.monitors import MonitorCallback
from tinynet.optimizers import SGD
from tinynet.optimizers.schedules import CosineDecay

NAN = math.nan
# A few values that come back, some very near to each other, and NaN.
VALUES = st.lists(st.sampled_from([1.0, 0.9, 0.8, 0.79995, 0.5, 0.2, NAN]), min_size=1, max_size=15)
OPTIONS = {
    "mode": st.sampled_from(["min", "max"]),
    "patience": st.integers(0, 4),
    "min_delta": st.sampled_from([0.0, 1e-4, 0.15, -0.15]),
}


class Model:
    """As much of a model as these callbacks see; its weights are the number of the epoch."""

    directions: ClassVar = {"loss": "down"}

    def __init__(self, learning_rate: float = 1.0) -> None:
        self.optimizer = SGD(learning_rate)
        self.stop_training = False
        self.epoch = 0

    def get_weights(self) -> list[Any]:
        return [self.epoch]

    def set_weights(self, weights: list[Any]) -> None:
        (self.epoch,) = weights


def drive(callback: MonitorCallback, values: list[float], model: Model | None = None) -> Model:
    """Run a training whose epochs end with these values."""
    model = model or Model()
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.epoch = epoch
        callback.on_epoch_end(epoch, {callback.monitor: value})
        if model.stop_training:
            break
    callback.on_train_end()
    return model


def better(current: float, best: float | None, mode: str, min_delta: float) -> bool:
    """The test of improvement, once more."""
    if best is None:
        return True
    if mode == "min":
        return bool(np.float32(current + abs(min_delta)) < np.float32(best))
    return bool(np.float32(current - abs(min_delta)) > np.float32(best))


@given(
    values=VALUES,
    baseline=st.sampled_from([None, 0.85, 0.3]),
    start_from_epoch=st.integers(0, 3),
    **OPTIONS,
)
def test_early_stopping_follows_its_rules(
    values: list[float],
    mode: str,
    patience: int,
    min_delta: float,
    baseline: float | None,
    start_from_epoch: int,
) -> None:
    best, best_epoch, without, stopped = None, None, 0, None
    for epoch, value in enumerate(values):
        if epoch < start_from_epoch:
            continue
        without += 1
        if better(value, best, mode, min_delta):
            best, best_epoch = value, epoch
            if better(value, baseline, mode, min_delta):
                without = 0
        elif without >= patience and epoch > 0:
            stopped = epoch
            break
    last = len(values) - 1 if stopped is None else stopped

    callback = EarlyStopping("loss", min_delta, patience, 0, mode, baseline, True, start_from_epoch)
    model = drive(callback, values)
    assert model.stop_training == (stopped is not None)
    assert callback.stopped_epoch == (stopped or 0)
    # At the end the model is that of the best epoch, whether anything stopped it or not.
    assert model.epoch == (last if best_epoch is None else best_epoch)
    plain = EarlyStopping("loss", min_delta, patience, 0, mode, baseline, False, start_from_epoch)
    assert drive(plain, values).epoch == last


@given(
    values=VALUES,
    factor=st.sampled_from([0.5, 0.1]),
    cooldown=st.integers(0, 3),
    min_lr=st.sampled_from([0.0, 0.05, 0.25]),
    **OPTIONS,
)
def test_plateaus_follow_their_rules(
    values: list[float],
    mode: str,
    patience: int,
    min_delta: float,
    factor: float,
    cooldown: int,
    min_lr: float,
) -> None:
    rate, best, without, cooling = 1.0, None, 0, 0
    expected = []
    for value in values:
        expected.append(rate)
        if cooling:
            cooling -= 1
            without = 0
        if better(value, best, mode, min_delta):
            best, without = value, 0
        elif not cooling:
            without += 1
            if without >= patience and np.float32(rate) > np.float32(min_lr):
                rate, cooling, without = max(rate * factor, min_lr), cooldown, 0

    callback, model, seen = (
        ReduceLROnPlateau("loss", factor, patience, 0, mode, min_delta, cooldown, min_lr),
        Model(),
        [],
    )
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        logs = {"loss": value}
        callback.on_epoch_end(epoch, logs)
        seen.append(logs["learning_rate"])  # the rate that the epoch was trained with
    assert seen == expected
    assert model.optimizer.learning_rate == rate


def test_the_sequence_of_a_cooldown() -> None:
    model, rates = Model(), []
    callback = ReduceLROnPlateau("loss", factor=0.5, patience=2, cooldown=2)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch in range(8):
        callback.on_epoch_end(epoch, {"loss": 1.0})
        rates.append(model.optimizer.learning_rate)
    assert rates == [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]


def test_an_improvement_ends_a_plateau() -> None:
    callback = ReduceLROnPlateau("loss", factor=0.5, patience=2)
    assert drive(callback, [1.0, 1.1, 0.9, 1.0]).optimizer.learning_rate == 1
    assert drive(callback, [1.0, 1.1, 0.9, 1.0, 1.0]).optimizer.learning_rate == 0.5


def test_at_the_smallest_rate_nothing_is_cut_and_nothing_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    callback = ReduceLROnPlateau("loss", 0.1, 1, verbose=1, cooldown=5, min_lr=1e-4)
    model = drive(callback, [1.0] * 4, Model(1e-4))
    assert model.optimizer.learning_rate == 1e-4
    assert callback.cooldown_counter == 0 and callback.wait == 3
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("floatx", ["float32", "float64"])
def test_improvements_are_compared_in_float32(floatx: str) -> None:
    tinynet.config.set_floatx(floatx)
    callback = EarlyStopping("loss", patience=1)
    assert drive(callback, [1.0, 1.0 - 1e-9, 0.5]).stop_training
    assert callback.best_epoch == 0
    assert not drive(callback, [1.0, 1.0 - 1e-6, 1.0 - 2e-6]).stop_training


def test_a_nan_in_the_first_epoch_stays_the_best() -> None:
    callback = EarlyStopping("loss", patience=2, restore_best_weights=True)
    assert drive(callback, [NAN, 0.5, 0.4, 0.3]).epoch == 0
    assert callback.stopped_epoch == 2


def test_patience_runs_on_until_the_baseline_is_beaten() -> None:
    values = [1.0, 0.95, 0.95, 0.9]  # better and better, but not good enough
    assert not drive(EarlyStopping("loss", patience=2), values).stop_training
    above = EarlyStopping("loss", patience=2, baseline=0.8)
    assert drive(above, values).stop_training and above.stopped_epoch == 2
    assert not drive(EarlyStopping("loss", patience=2, baseline=0.97), values).stop_training


def test_the_best_weights_come_back_without_a_stop() -> None:
    callback = EarlyStopping("loss", patience=10, restore_best_weights=True)
    model = drive(callback, [3.0, 1.0, 2.0])
    assert not model.stop_training and model.epoch == 1
    # Nothing was looked at: nothing to go back to.
    callback = EarlyStopping("loss", restore_best_weights=True, start_from_epoch=9)
    assert drive(callback, [3.0, 1.0, 2.0]).epoch == 2


def test_a_callback_can_be_used_again() -> None:
    for callback in (
        EarlyStopping("loss", patience=1, restore_best_weights=True),
        ReduceLROnPlateau("loss", factor=0.5, patience=1),
    ):
        first = drive(callback, [0.1, 0.2, 0.3])
        again = drive(callback, [5.0, 4.0, 3.0])  # better than before the start, which is forgotten
        assert first.stop_training or first.optimizer.learning_rate == 0.25
        assert not again.stop_training and again.optimizer.learning_rate == 1


@pytest.mark.parametrize(
    "callback",
    [
        EarlyStopping("loss", patience=5, restore_best_weights=True),
        ReduceLROnPlateau("loss", patience=1, cooldown=9),
    ],
    ids=lambda callback: type(callback).__name__,
)
def test_nothing_of_the_last_training_is_left(callback: MonitorCallback) -> None:
    callback.set_model(Model())
    callback.on_train_begin()
    new = callback.get_state()
    drive(callback, [0.1, 0.2, 0.3, 0.4])
    assert callback.get_state() != new
    callback.on_train_begin()
    assert callback.get_state() == new


def test_what_verbose_says(capsys: pytest.CaptureFixture[str]) -> None:
    drive(EarlyStopping("loss", verbose=1, restore_best_weights=True), [1.0, 2.0, 3.0])
    drive(ReduceLROnPlateau("loss", 0.5, 1, verbose=1), [1.0, 1.0])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 2: early stopping",
        "Restoring model weights from the end of the best epoch: 1.",
        "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.5.",
    ]


@pytest.mark.parametrize("callback", [EarlyStopping(), ReduceLROnPlateau()])
def test_a_figure_that_is_missing_in_an_epoch_is_warned_of(callback: MonitorCallback) -> None:
    model = Model()
    callback.set_model(model)
    callback.on_train_begin()
    message = rf"{type(callback).__name__}: .* no 'val_loss', only accuracy, loss.*; nothing is"
    with pytest.warns(UserWarning, match=message):
        callback.on_epoch_end(5, {"accuracy": 0.5, "loss": 1.0})
    assert not model.stop_training and callback.best is None
    assert model.optimizer.learning_rate == 1


def test_a_figure_with_a_number_for_every_class_cannot_be_watched() -> None:
    callback = EarlyStopping("f1_score", mode="max")
    with pytest.raises(ValueError, match=r"one number under 'f1_score'.* got 3, .*average"):
        drive(callback, [np.ones(3)])


# In fit.

X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X.sum(axis=1) > 0).astype(int)


def small(metrics: list[object] | None = None, learning_rate: object = 0.1) -> Sequential:
    model = Sequential([tinynet.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile(SGD(learning_rate), "sparse_categorical_crossentropy", metrics=metrics)
    return model


@pytest.mark.parametrize(
    ("monitor", "less"),
    [("loss", True), ("val_loss", True), ("val_mae", True), ("accuracy", False)],
)
def test_auto_asks_the_metrics_which_way_is_better(monitor: str, less: bool) -> None:
    model = Sequential([tinynet.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["accuracy", "mae"])
    callback = EarlyStopping(monitor, patience=9)
    model.fit(X, Y, validation_split=0.5, callbacks=[callback], verbose=0)
    assert callback.monitor_op is (np.less if less else np.greater)


def test_a_subclass_may_override_what_keras_calls() -> None:
    """The value that is watched, and what an improvement is."""

    class Backwards(EarlyStopping):
        def get_monitor_value(self, logs: Any) -> Any:
            return -super().get_monitor_value(logs)

    class Strict(EarlyStopping):
        def _is_improvement(self, current: float, best: float | None) -> bool:
            return best is None or self.monitor_op(current - self.min_delta, best)

    found = {}
    for kind in (EarlyStopping, Backwards, Strict):
        for mode in ("min", "max"):
            callback = kind("loss", patience=2, min_delta=1e-9, mode=mode)
            history = small().fit(X, Y, epochs=5, callbacks=[callback], verbose=0)
            found[kind, mode] = len(history.history["loss"])
    assert [*found.values()] == [5, 3, 3, 5, 5, 3]


def test_the_learning_rate_may_be_watched_if_it_is_in_the_logs() -> None:
    callbacks = [ReduceLROnPlateau("loss"), EarlyStopping("learning_rate", mode="min")]
    history = small().fit(X, Y, epochs=3, callbacks=callbacks, verbose=0)
    assert history.history["learning_rate"] == [0.1, 0.1]  # equal is not better


def test_early_stopping_in_fit_restores_the_best_weights() -> None:
    model = small(learning_rate=50.0)
    seen = []
    keep = tinynet.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((logs["val_loss"], model.get_weights()))
    )
    stop = EarlyStopping(patience=2, restore_best_weights=True)
    history = model.fit(
        X, Y, epochs=30, validation_split=0.25, batch_size=4, callbacks=[keep, stop], verbose=0
    )
    assert len(history.epoch) < 30
    _, best = min(seen, key=lambda each: each[0])
    for own, expected in zip(model.get_weights(), best, strict=True):
        np.testing.assert_array_equal(own, expected)


class Untouched:
    """Sees that nothing about a model or on the disk changes inside a with block."""

    def __init__(self, model: Sequential, folder: Path) -> None:
        self.model, self.folder = model, folder

    def look(self) -> tuple[Any, ...]:
        state = self.model.optimizer.get_state()
        return (
            [w.tobytes() for w in self.model.get_weights()],
            {key: value.tobytes() for key, value in state.items()},
            self.model.history,
            {path.name: path.read_bytes() for path in self.folder.iterdir()},
        )

    def __enter__(self) -> None:
        self.before = self.look()

    def __exit__(self, *error: object) -> None:
        assert self.look() == self.before


@pytest.mark.parametrize(
    ("callback", "error", "message"),
    [
        (
            EarlyStopping("val_loss"),
            ValueError,
            r"EarlyStopping: monitor 'val_loss' will not be .* have \['loss', 'accuracy'\]; "
            r"give fit validation_split or validation_data",
        ),
        (
            ReduceLROnPlateau("acc"),
            ValueError,
            r"ReduceLROnPlateau: monitor 'acc' will not be .*; is it among the metrics",
        ),
        (
            ModelCheckpoint("m.safetensors", "val_accuracy", save_best_only=True),
            ValueError,
            r"ModelCheckpoint: monitor 'val_accuracy' will not be .*; give fit validation",
        ),
        (
            EarlyStopping("learning_rate", mode="min"),
            ValueError,
            r"monitor 'learning_rate' will not be in the logs",
        ),
    ],
)
def test_a_missing_figure_is_an_error_before_anything_begins(
    callback: MonitorCallback,
    error: type[Exception],
    message: str,
    tmp_path: Path,
) -> None:
    model = small(["accuracy"])
    model.fit(X, Y, verbose=0)
    log = tinynet.callbacks.CSVLogger(tmp_path / "log.csv")
    (tmp_path / "log.csv").write_text("from an earlier run")
    with Untouched(model, tmp_path), pytest.raises(error, match=message):
        model.fit(X, Y, callbacks=[log, callback], verbose=0)
    assert model.fit(X, Y, callbacks=[ModelCheckpoint(tmp_path / "m.safetensors")], verbose=0)


def test_a_direction_that_cannot_be_told_is_an_error_before_anything_begins(tmp_path: Path) -> None:
    model = small()
    model.fit(X, Y, verbose=0)
    callbacks = [ReduceLROnPlateau("loss"), EarlyStopping("learning_rate")]
    message = r"EarlyStopping: cannot tell whether a higher or a lower 'learning_rate'.*mode='max'"
    with Untouched(model, tmp_path), pytest.raises(ValueError, match=message):
        model.fit(X, Y, callbacks=callbacks, verbose=0)


def test_a_rate_that_a_schedule_sets_cannot_be_reduced(tmp_path: Path) -> None:
    model = small(learning_rate=CosineDecay(0.1, 10))
    with (
        Untouched(model, tmp_path),
        pytest.raises(TypeError, match=r"learning_rate: .*made with a schedule"),
    ):
        model.fit(X, Y, callbacks=[ReduceLROnPlateau("loss")], verbose=0)


def test_with_a_callback_of_ones_own_a_missing_figure_is_only_warned_of() -> None:
    own = tinynet.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(own=1.0))
    watch = EarlyStopping("own", mode="min", patience=5)
    history = small().fit(X, Y, epochs=2, callbacks=[own, watch], verbose=0)
    assert history.history["own"] == [1.0, 1.0] and watch.best == 1.0
    with pytest.warns(UserWarning, match=r"no 'val_loss'"):
        small().fit(X, Y, callbacks=[own, EarlyStopping()], verbose=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EarlyStopping(mode="down"), r"mode: expected 'auto', .* got 'down'"),
        (
            lambda: ReduceLROnPlateau(factor=1.0),
            r"factor: expected a number of 0 or more and below 1, got 1\.0",
        ),
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
