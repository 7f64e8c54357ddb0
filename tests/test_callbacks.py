"""Callbacks in their order, and those that write, schedule and pull the brake."""

import csv
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinynet
from tinynet import Sequential, layers
from tinynet.callbacks import (
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ReduceLROnPlateau,
    SwapEMAWeights,
    TensorBoard,
    TerminateOnNaN,
    tables,
)
from tinynet.metrics import F1Score
from tinynet.optimizers import SGD
from tinynet.optimizers.schedules import CosineDecay

X = np.random.default_rng(0).normal(size=(20, 3))
Y = (X.sum(axis=1) > 0).astype(int)


def small(learning_rate: object = 0.1, metrics: list[object] | None = None) -> Sequential:
    model = Sequential([tinynet.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile(SGD(learning_rate), "sparse_categorical_crossentropy", metrics=metrics)
    return model


class Diary(Callback):
    """Writes down what it is told, and with which names in the logs."""

    def __init__(self, lines: list[str] | None = None, name: str = "") -> None:
        self.lines: list[str] = [] if lines is None else lines
        self.name = name

    def __getattribute__(self, occasion: str) -> Any:
        if not occasion.startswith("on_") or occasion in ("on_batch_begin", "on_batch_end"):
            return super().__getattribute__(occasion)

        def note(*args: Any) -> None:
            *place, logs = args
            words = [self.name, occasion[3:], *map(str, place), *logs]
            self.lines.append(" ".join(filter(None, words)))

        return note


def test_what_fit_tells_and_when() -> None:
    diary = Diary()
    small(metrics=["accuracy"]).fit(
        X, Y, batch_size=8, epochs=1, validation_split=0.2, callbacks=diary, verbose=0
    )
    assert diary.lines == [
        "train_begin",
        "epoch_begin 0",
        "train_batch_begin 0",
        "train_batch_end 0 accuracy loss",
        "train_batch_begin 1",
        "train_batch_end 1 accuracy loss",
        "test_begin",
        "test_batch_begin 0",
        "test_batch_end 0 accuracy loss",
        "test_end accuracy loss",
        "epoch_end 0 accuracy loss val_accuracy val_loss",
        "train_end accuracy loss val_accuracy val_loss",
    ]


def test_what_evaluate_and_predict_tell() -> None:
    model, diary = small(), Diary()
    model.evaluate(X, Y, batch_size=20, callbacks=[diary], verbose=0)
    model.predict(X, batch_size=20, callbacks=[diary], verbose=0)
    assert diary.lines == [
        "test_begin",
        "test_batch_begin 0",
        "test_batch_end 0 loss",
        "test_end loss",
        "predict_begin",
        "predict_batch_begin 0",
        "predict_batch_end 0 outputs",
        "predict_end",
    ]


def test_callbacks_are_told_in_their_order_and_history_last() -> None:
    lines: list[str] = []
    learning_rate = ReduceLROnPlateau("loss")
    history = small().fit(
        X,
        Y,
        batch_size=20,
        callbacks=[Diary(lines, "a"), learning_rate, Diary(lines, "b")],
        verbose=0,
    )
    epoch_end = [line for line in lines if "epoch_end" in line]
    assert epoch_end == ["a epoch_end 0 loss", "b epoch_end 0 loss learning_rate"]
    assert list(history.history) == ["loss", "learning_rate"]  # what the callbacks added is there


def test_what_a_callback_knows() -> None:
    model, own = small(metrics=["accuracy"]), Callback()
    assert own.model is None and own.params == {}
    options = {"validation_data": (X, Y), "callbacks": [own], "verbose": 0}
    history = model.fit(X, Y, batch_size=8, epochs=2, **options)
    assert history.params == {"verbose": 0, "epochs": 2, "steps": 3}  # as Keras has them
    assert own.model is model
    assert own.params == {
        "verbose": 0,
        "epochs": 2,
        "steps": 3,
        "metrics": ["loss", "accuracy", "val_loss", "val_accuracy"],
    }


def test_logs_are_running_figures_in_batches_and_numbers_of_python() -> None:
    seen: list[dict[str, Any]] = []
    own = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(dict(logs)))
    model = small(0.0, ["accuracy"])
    model.fit(X, Y, batch_size=8, shuffle=False, callbacks=[own], verbose=0)
    for upto, logs in zip((8, 16, 20), seen, strict=True):
        loss, accuracy = model.evaluate(X[:upto], Y[:upto], verbose=0)
        assert logs == pytest.approx({"accuracy": accuracy, "loss": loss}, rel=1e-6)
        assert {type(value) for value in logs.values()} == {float}


def test_the_old_names_of_batches_are_called_too() -> None:
    seen = []

    class Old(Callback):
        def on_batch_begin(self, batch: int, logs: Any = None) -> None:
            seen.append(("begin", batch))

        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(("end", batch, *logs))

    small().fit(X, Y, batch_size=10, callbacks=[Old()], verbose=0)
    assert seen == [("begin", 0), ("end", 0, "loss"), ("begin", 1), ("end", 1, "loss")]


def test_figures_of_a_batch_are_worked_out_only_for_those_who_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, counted = small(), []
    results = model.figures.results
    monkeypatch.setattr(model.figures, "results", lambda: counted.append(1) or results())
    silent = [History(), EarlyStopping("loss"), LambdaCallback(on_epoch_end=lambda e, logs: None)]
    model.fit(X, Y, batch_size=10, callbacks=silent, verbose=0)
    assert len(counted) == 1  # of the epoch
    asking = LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    model.fit(X, Y, batch_size=10, callbacks=[*silent, asking], verbose=0)
    assert len(counted) == 1 + 3


def test_a_callback_may_stop_training_within_an_epoch() -> None:
    def stop(batch: int, logs: dict[str, Any]) -> None:
        model.stop_training = batch == 1

    model, diary = small(), Diary()
    callbacks = [LambdaCallback(on_train_batch_end=stop), diary]
    history = model.fit(
        X, Y, batch_size=4, epochs=5, validation_data=(X, Y), callbacks=callbacks, verbose=0
    )
    assert history.epoch == [0] and "val_loss" in history.history
    assert sum(line.startswith("train_batch_end") for line in diary.lines) == 2
    assert diary.lines[-1].startswith("train_end")
    assert len(model.fit(X, Y, epochs=2, verbose=0).epoch) == 2  # the next fit starts afresh


def test_a_callback_may_use_the_model() -> None:
    model, seen = small(), []

    def look(epoch: int, logs: dict[str, Any]) -> None:
        seen.append((model.predict(X, verbose=0).shape, model.evaluate(X, Y, verbose=0)))

    history = model.fit(X, Y, epochs=2, callbacks=[LambdaCallback(on_epoch_end=look)], verbose=0)
    assert [shape for shape, _ in seen] == [(20, 2)] * 2
    # One batch an epoch: the loss of the second is from before its step, after the first.
    assert seen[0][1] == pytest.approx(history.history["loss"][1], rel=1e-6)


# History.


def test_history() -> None:
    model = small(metrics=["accuracy"])
    history = model.fit(X, Y, epochs=3, validation_split=0.5, verbose=0)
    assert model.history is history
    assert history.epoch == [0, 1, 2]
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert {len(values) for values in history.history.values()} == {3}
    again = model.fit(X, Y, epochs=5, initial_epoch=4, verbose=0)
    assert again is not history and model.history is again
    assert again.epoch == [4] and len(again.history["loss"]) == 1


def test_a_history_of_ones_own_goes_on_growing() -> None:
    own, model = History(), small()
    assert model.fit(X, Y, epochs=2, callbacks=[own], verbose=0) is own
    model.fit(X, Y, epochs=1, callbacks=[own], verbose=0)
    assert len(own.history["loss"]) == 3 and own.epoch == [0]


def test_training_of_no_epoch() -> None:
    model, diary = small(), Diary()
    before = model.get_weights()
    history = model.fit(X, Y, epochs=3, initial_epoch=3, callbacks=[diary], verbose=0)
    assert history.history == {} and history.epoch == []
    assert diary.lines == ["train_begin", "train_end"]
    np.testing.assert_array_equal(before[0], model.get_weights()[0])


# LearningRateScheduler.


def test_the_scheduler_sets_the_rate_before_the_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[tuple[int, float]] = []

    def schedule(epoch: int, rate: float) -> float:
        seen.append((epoch, rate))
        return rate / 2 if epoch else rate

    model = small(0.4)
    used = []
    callbacks = [
        LearningRateScheduler(schedule, verbose=1),
        LambdaCallback(
            on_train_batch_end=lambda b, logs: used.append(model.optimizer.learning_rate)
        ),
    ]
    history = model.fit(X, Y, batch_size=20, epochs=3, callbacks=callbacks, verbose=0).history
    assert seen == [(0, 0.4), (1, 0.4), (2, 0.2)]
    assert used == history["learning_rate"] == [0.4, 0.2, 0.1]
    assert capsys.readouterr().out.splitlines() == [
        f"Epoch {n}: LearningRateScheduler setting learning rate to {rate}."
        for n, rate in ((1, 0.4), (2, 0.2), (3, 0.1))
    ]


def test_a_schedule_of_the_epoch_alone() -> None:
    callback = LearningRateScheduler(lambda epoch: np.float32(1 / (epoch + 1)))
    history = small().fit(X, Y, epochs=2, callbacks=[callback], verbose=0).history
    assert history["learning_rate"] == [1.0, 0.5]


def test_a_schedule_has_to_return_a_float() -> None:
    with pytest.raises(ValueError, match=r"schedule: expected it to return a float, got None"):
        small().fit(X, Y, callbacks=[LearningRateScheduler(lambda epoch, rate: None)], verbose=0)


def test_the_scheduler_wants_a_rate_that_can_be_set() -> None:
    model, diary = small(CosineDecay(0.1, 10)), Diary()
    callbacks = [diary, LearningRateScheduler(lambda epoch, rate: 0.1)]
    with pytest.raises(TypeError, match=r"learning_rate: .*made with a schedule"):
        model.fit(X, Y, callbacks=callbacks, verbose=0)
    assert diary.lines == []  # nothing had begun


# CSVLogger.


def rows(path: Path, separator: str = ",") -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file, delimiter=separator))


def test_a_table_of_all_epochs(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("an old table")
    history = (
        small(metrics=["accuracy"])
        .fit(X, Y, epochs=2, validation_split=0.5, callbacks=[CSVLogger(path)], verbose=0)
        .history
    )
    header, *lines = rows(path)
    assert header == ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]
    assert [line[0] for line in lines] == ["0", "1"]
    for i, name in enumerate(header[1:], start=1):
        assert [float(line[i]) for line in lines] == history[name]  # every digit is there


def test_a_line_is_on_the_disk_when_its_epoch_ends(tmp_path: Path) -> None:
    path, counts = tmp_path / "log.csv", []
    count = LambdaCallback(on_epoch_end=lambda epoch, logs: counts.append(len(rows(path))))
    small().fit(X, Y, epochs=3, callbacks=[CSVLogger(path), count], verbose=0)
    assert counts == [2, 3, 4]


def test_columns_are_those_of_the_first_epoch(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    logger = CSVLogger(path, separator=";")
    logger.on_train_begin()
    logger.on_epoch_end(0, {"loss": 1.0, "accuracy": 0.5})
    logger.on_epoch_end(1, {"loss": 0.5, "val_loss": 0.7, "extra": 1})
    logger.on_epoch_end(2, None)
    logger.on_train_end()
    assert rows(path, ";") == [
        ["epoch", "accuracy", "loss", "val_accuracy", "val_loss"],
        ["0", "0.5", "1.0", "NA", "NA"],
        ["1", "NA", "0.5", "NA", "0.7"],
        ["2", "NA", "NA", "NA", "NA"],
    ]


def test_going_on_with_a_table(tmp_path: Path) -> None:
    path, model = tmp_path / "log.csv", small()
    fresh = tmp_path / "fresh.csv"
    fresh.touch()
    for first, last in ((0, 2), (2, 3)):
        callbacks = [CSVLogger(path, append=True), CSVLogger(fresh, append=True)]
        model.fit(X, Y, epochs=last, initial_epoch=first, callbacks=callbacks, verbose=0)
    assert [line[0] for line in rows(path)] == ["epoch", "0", "1", "2"]
    assert rows(fresh) == rows(path)


def test_a_figure_with_a_number_for_every_class_takes_one_cell(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    model = Sequential([tinynet.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=[F1Score()])
    history = model.fit(X, np.eye(2)[Y], callbacks=[CSVLogger(path)], verbose=0).history
    header, line = rows(path)
    numbers = line[header.index("f1_score")]
    assert numbers == f'"[{", ".join(map(str, history["f1_score"][0]))}]"'


def test_a_table_wants_a_beginning() -> None:
    with pytest.raises(RuntimeError, match=r"CSVLogger: on_epoch_end came before on_train_begin"):
        CSVLogger("log.csv").on_epoch_end(0, {"loss": 1.0})


def test_a_table_with_other_columns_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    small().fit(X, Y, callbacks=[CSVLogger(path)], verbose=0)
    before = path.read_bytes()
    model = Sequential([layers.Dense(2)])
    for metrics, separator in ((["mae"], ","), (["accuracy", "mae"], ","), (["mse"], ";")):
        model.compile("sgd", "mse", metrics=metrics)
        weights = model.get_weights()
        log = CSVLogger(path, separator, append=True)
        with pytest.raises(ValueError, match=r"log.csv has the columns epoch.* append=False"):
            model.fit(X, np.eye(2)[Y], callbacks=[log], verbose=0)
        assert path.read_bytes() == before
        for own, old in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(own, old)  # not a step was made
    # Where another callback may add names, it is seen at the first line.
    log, other = CSVLogger(path, append=True), LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    with pytest.raises(ValueError, match=r"log.csv has the columns"):
        model.fit(X, np.eye(2)[Y], callbacks=[other, log], verbose=0)
    assert path.read_bytes() == before
    CSVLogger(path).set_params({"metrics": ["mae"]})  # without append there is nothing to fit


@pytest.mark.parametrize("place", [0, 1])
def test_a_rate_is_a_column_where_its_callback_comes_first(place: int, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    for _ in range(2):
        users = [CSVLogger(path, append=True)]
        users.insert(place, ReduceLROnPlateau("loss", patience=9))
        small().fit(X, Y, callbacks=users, verbose=0)
    lines = path.read_text().splitlines()
    assert len(lines) == 3
    assert ("learning_rate" in lines[0]) == (place == 0)
    assert len({line.count(",") for line in lines}) == 1


@pytest.mark.parametrize("left", [1, 3, 10, 22, -1])
def test_half_a_line_is_taken_away(left: int, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    model = small()
    model.fit(X, Y, epochs=3, callbacks=[CSVLogger(path)], verbose=0)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:left])  # killed while it wrote
    with pytest.warns(UserWarning, match=r"the last line of .*log.csv was cut off, .* removed: '2"):
        model.fit(
            X, Y, initial_epoch=2, epochs=4, callbacks=[CSVLogger(path, append=True)], verbose=0
        )
    again = path.read_bytes().splitlines(keepends=True)
    assert again[:3] == lines[:3]
    assert [line.split(b",")[0] for line in again[3:]] == [b"2", b"3"]
    assert {line.count(b",") for line in again} == {lines[0].count(b",")}


def test_a_header_that_was_cut_off_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epo")
    with pytest.warns(UserWarning, match="removed: 'epo'"):
        small().fit(X, Y, callbacks=[CSVLogger(path, append=True)], verbose=0)
    lines = path.read_text().splitlines()
    assert lines[0].startswith("epoch,") and len(lines) == 2


# TerminateOnNaN.


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_training_ends_when_the_loss_is_lost(
    bad: float, capsys: pytest.CaptureFixture[str]
) -> None:
    model = small()

    def lose(batch: int, logs: dict[str, Any]) -> None:
        if batch == 2:
            logs["loss"] = bad

    callbacks = [LambdaCallback(on_train_batch_end=lose), TerminateOnNaN()]
    history = model.fit(X, Y, batch_size=4, epochs=4, callbacks=callbacks, verbose=0)
    assert history.epoch == [0] and model.optimizer.iterations == 3
    assert capsys.readouterr().out == "Batch 2: Invalid loss, terminating training\n"
    with pytest.raises(RuntimeError, match=rf"batch 2: the loss is {bad}"):
        model.fit(X, Y, batch_size=4, callbacks=[callbacks[0], TerminateOnNaN(True)], verbose=0)


def test_a_rate_that_is_far_too_large_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    model = Sequential([tinynet.Input((3,)), layers.Dense(1)])
    model.compile(SGD(1e30), "mse")
    with np.errstate(over="ignore", invalid="ignore"):
        history = model.fit(X, Y, batch_size=4, epochs=9, callbacks=[TerminateOnNaN()], verbose=0)
    assert len(history.epoch) == 1 and "Invalid loss" in capsys.readouterr().out


# LambdaCallback and lists of callbacks.


def test_functions_by_the_name_of_their_occasion() -> None:
    seen: list[str] = []
    callback = LambdaCallback(
        on_train_begin=lambda logs: seen.append("begin"),
        on_epoch_end=lambda epoch, logs: seen.append(f"{epoch} {list(logs)}"),
        on_test_end=lambda logs: seen.append("tested"),
        on_train_end=None,
    )
    small().fit(X, Y, validation_data=(X, Y), callbacks=[callback], verbose=0)
    assert seen == ["begin", "tested", "0 ['loss', 'val_loss']"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LambdaCallback(on_epoch=print), r"there is no occasion 'on_epoch'"),
        (lambda: LambdaCallback(set_model=print), r"there is no occasion 'set_model'"),
        (lambda: CallbackList([print], None, {}), r"callbacks: .*objects, got <built-in"),
        (
            lambda: CallbackList([EarlyStopping], None, {}),
            r"callbacks: .*EarlyStopping.*; call the class: add \(\)",
        ),
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


def test_what_a_plateau_ignores() -> None:
    with pytest.warns(UserWarning, match="epsilon has no effect, as in Keras 3; what was called"):
        ReduceLROnPlateau(epsilon=0.1)


def test_figures_as_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"histogram_freq": 1, "write_images": True, "profile_batch": (2, 5)}
    board = TensorBoard(tmp_path / "logs", write_steps_per_second=True, **options)
    for _ in range(2):
        small().fit(X, Y, epochs=2, verbose=0, callbacks=[board])
    with (tmp_path / "logs" / "train" / "scalars.csv").open(newline="") as file:
        header, *lines = csv.reader(file)
    assert header == ["tag", "step", "value"]
    tags = ["epoch_loss", "epoch_learning_rate", "epoch_steps_per_second"]
    assert [line[:2] for line in lines] == [[tag, str(e)] for e in (0, 1, 0, 1) for tag in tags]
    assert all(float(line[2]) > 0 for line in lines)
    assert not (tmp_path / "logs" / "validation").exists()
    assert capsys.readouterr().out.count("graphs, histograms and profiles are not written") == 1
    with pytest.raises(ValueError, match="update_freq: expected a positive integer, got 'never'"):
        TensorBoard(update_freq="never")


def test_tables_have_figures_of_batches_and_of_evaluations(tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, update_freq=3)
    small().fit(X, Y, 5, epochs=2, validation_data=(X, Y), callbacks=[board], verbose=0)
    found = {}
    for part in ("train", "validation"):
        lines = (tmp_path / part / "scalars.csv").read_text().splitlines()[1:]
        found[part] = [tuple(line.split(",")[:2]) for line in lines]
    rate = "epoch_learning_rate"
    assert found["train"] == [  # of eight batches, four in an epoch
        ("batch_loss", "3"), ("epoch_loss", "0"), (rate, "0"),
        ("batch_loss", "6"), ("epoch_loss", "1"), (rate, "1"),
    ]  # fmt: skip
    evaluation = "evaluation_loss_vs_iterations"
    assert found["validation"] == [
        (evaluation, "4"), ("epoch_loss", "0"), (evaluation, "8"), ("epoch_loss", "1"),
    ]  # fmt: skip


def test_the_table_has_steps_per_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board, clock = TensorBoard(tmp_path, write_steps_per_second=True), iter((100.0, 108.0))
    monkeypatch.setattr(tables, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    small().fit(X, Y, batch_size=5, verbose=0, callbacks=[board])
    lines = (tmp_path / "train" / "scalars.csv").read_text().splitlines()
    assert "epoch_steps_per_second,0,0.5" in lines  # 4 steps in 8 seconds


def test_averages_change_places_and_back() -> None:
    model = small()
    model.compile(SGD(0.5, use_ema=True, ema_momentum=0.9), "sparse_categorical_crossentropy")
    model.fit(X, Y, batch_size=5, epochs=2, verbose=0, shuffle=False)
    model.train_on_batch(X, Y)
    swap, kept = SwapEMAWeights(), model.get_weights()
    with_weights = model.predict(X, verbose=0)
    with_averages = model.predict(X, verbose=0, callbacks=[swap])
    assert np.abs(with_averages - with_weights).max() > 1e-4
    np.testing.assert_array_equal(
        np.concatenate(kept, None), np.concatenate(model.get_weights(), None)
    )
    model.optimizer.finalize_variable_values(model.params)
    np.testing.assert_array_equal(model.predict(X, verbose=0), with_averages)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0)])
def test_averages_after_an_early_end(order: tuple[int, ...]) -> None:
    """Whichever callback comes first: the one that stops, or the one that swaps."""
    model = small()
    model.compile(SGD(0.5, use_ema=True, ema_momentum=0.9), "sparse_categorical_crossentropy")
    seen: list[np.ndarray] = []

    def stop(epoch: int, logs: object) -> None:
        model.stop_training = True

    def look(epoch: int, logs: object) -> None:
        seen.append(model.get_weights()[0])

    callbacks = [
        LambdaCallback(on_epoch_end=stop),
        SwapEMAWeights(True),
        LambdaCallback(on_epoch_end=look),
    ]
    model.fit(X, Y, 5, epochs=9, verbose=0, callbacks=[callbacks[i] for i in order])
    assert len(seen) == 1
    np.testing.assert_array_equal(model.get_weights()[0], seen[0])
    first, *_ = model.optimizer.slots.values()
    np.testing.assert_array_equal(first["average"], seen[0].reshape(-1))
    assert not model.optimizer.swapped


def test_no_averages() -> None:
    with pytest.raises(ValueError, match="SwapEMAWeights: the optimizer keeps no averages; give"):
        small().fit(X, Y, verbose=0, callbacks=[SwapEMAWeights()])


def test_a_model_keeps_the_history_of_its_last_training() -> None:
    model = small()
    first = model.fit(X, Y, verbose=0)
    assert model.history is first
    assert model.fit(X, Y, verbose=0) is model.history is not first
