"""A training that was interrupted, and begun again, ends as if nothing had happened."""

import contextlib
import errno
import itertools
import json
import os
import random as python_random
import re
import signal
import subprocess
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import tinynet as tn
from tinynet import Sequential, layers, optimizers, random
from tinynet.array_files import Apart, read_state, write_state
from tinynet.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    ModelCheckpoint,
    ReduceLROnPlateau,
    SwapEMAWeights,
    TensorBoard,
    backup,
)
from tinynet.callbacks.backup import KIND
from tinynet.callbacks.counted import lost_in
from tinynet.metrics import AUC, F1Score, R2Score
from tinynet.preprocessing.image import ImageDataGenerator
from tinynet.scripts.modules import find
from tinynet.utils import PyDataset, set_random_seed

tf = find("tensorflow")
ROOT = Path(tn.__file__).parents[1]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(22, 3)).astype("f4")
Y = (X.sum(axis=1) > 0).astype(int)
IMAGES = RNG.normal(size=(10, 6, 6, 1)).astype("f4")


class PowerError(Exception):
    """The power has failed."""


class StopsAfter(Callback):
    """Interrupts a training after so many steps."""

    def __init__(self, steps: int | None) -> None:
        super().__init__()
        self.left = steps

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise PowerError


def dense(*more: Any, units: int = 2) -> Sequential:
    return Sequential(
        [
            tn.Input((3,)),
            layers.Dense(6, activation="relu"),
            *more,
            layers.Dense(units, activation="softmax" if units > 1 else None),
        ]
    )


class Case:
    """A training: what is to be trained, and how."""

    def __init__(
        self,
        make: Callable[[], Sequential] = lambda: dense(layers.Dropout(0.3)),
        optimizer: Callable[[], Any] = lambda: optimizers.Adam(0.05),
        loss: Any = "sparse_categorical_crossentropy",
        metrics: Any = ("accuracy",),
        data: Callable[[], tuple[Any, ...]] = lambda: (X, Y),
        callbacks: Callable[[Path], list[Callback]] = lambda folder: [],
        validation: Callable[[], Any] | None = None,
        **fit: Any,
    ) -> None:
        self.make, self.optimizer, self.loss, self.metrics = make, optimizer, loss, metrics
        self.data, self.callbacks, self.validation = data, callbacks, validation
        self.fit = {"epochs": 4, **fit}
        if "steps_per_epoch" not in fit and data() and isinstance(data()[0], np.ndarray):
            self.fit.setdefault("batch_size", 5)

    def __call__(self, folder: Path, freq: Any, stop_after: int | None = None) -> dict[str, Any]:
        """Train; return everything that is to be the same."""
        folder.mkdir(exist_ok=True)
        tn.backend.clear_session()  # the names of layers are in files, and count up
        set_random_seed(3)
        model = self.make()
        metrics = self.metrics() if callable(self.metrics) else self.metrics
        model.compile(self.optimizer(), self.loss, metrics=list(metrics))
        own = self.callbacks(folder)
        backup = BackupAndRestore(folder / "backup", freq)
        # Told of every batch, whoever is in the list; the backup comes first, and is told last.
        told = [backup, *own] if stop_after is None else [StopsAfter(stop_after), backup, *own]
        data, fit = self.data(), self.fit
        if self.validation is not None:
            fit = {**fit, "validation_data": self.validation()}
        history = model.fit(*data, callbacks=told, verbose=0, **fit)
        assert not (folder / "backup").exists()
        return {
            "history": (history.history, history.epoch),
            "weights": list(model.arrays.values()),
            "memory": list(model.optimizer.get_state().values()),
            "rate": float(model.optimizer.learning_rate),
            "positions": [
                each.seed_generator.state
                for each in model.leaves.values()
                if each.seed_generator is not None
            ],
            "random": random.global_state(),
            "trainable": [each.trainable for each in (model, *model.leaves.values())],
            "callbacks": [each.get_state() for each in own],
            "files": {
                each.relative_to(folder).as_posix(): each.read_bytes()
                for each in sorted(folder.rglob("*"))
                if each.is_file() and each.suffix != ".keras"  # which has the time in it
            },
        }


class Numbered(PyDataset):
    """Batches that are changed at random, and that count how often they were asked for."""

    remembers = ("asked",)

    def __init__(self, number: int = 5) -> None:
        super().__init__()
        self.asked, self.number = 0, number

    def __len__(self) -> int:
        return self.number

    def __getitem__(self, number: int) -> Any:
        self.asked += 1
        return X[4 * number :][:4] + python_random.random() + self.asked / 9, Y[4 * number :][:4]


class Pairs:
    """An iterable of batches, whose order is drawn when it begins."""

    def __len__(self) -> int:
        return 5

    def __iter__(self) -> Iterator[Any]:
        for number in np.random.permutation(5):
            yield X[4 * number :][:4] + np.random.rand(), Y[4 * number :][:4]


class Drifting(PyDataset):
    """Batches that depend on how many epochs have begun and ended, and on an order of its own."""

    remembers = ("begun", "order")

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.order = 0, np.arange(5)

    def __len__(self) -> int:
        return 5

    def __getitem__(self, number: int) -> Any:
        place = 4 * self.order[number]
        return X[place:][:4] + self.begun / 3, Y[place:][:4]

    def on_epoch_begin(self) -> None:
        self.begun += 1
        np.random.shuffle(self.order)


class Endless(PyDataset):
    """Batches without end."""

    num_batches = None

    def __getitem__(self, number: int) -> Any:
        return X[number % 18 :][:4], Y[number % 18 :][:4]


class EagerPairs(Pairs):
    """An iterable that draws its order as soon as it is asked for an iterator."""

    def __iter__(self) -> Iterator[Any]:
        order = np.random.permutation(5)
        return ((X[4 * number :][:4] + np.random.rand(), Y[4 * number :][:4]) for number in order)


def shuffled() -> Any:
    data = tf.data.Dataset.from_tensor_slices((X, Y))
    return data.shuffle(22).batch(5)


def endless() -> Iterator[Any]:
    for number in itertools.count():
        yield X[number % 18 :][:4], Y[number % 18 :][:4]


def flow(seed: int | None) -> Any:
    generator = ImageDataGenerator(rotation_range=40, horizontal_flip=True)
    return generator.flow(IMAGES, np.arange(10.0), batch_size=3, seed=seed)


def plain_flow() -> Any:
    return ImageDataGenerator().flow(IMAGES, np.arange(10.0), batch_size=5, shuffle=False)


def pictures() -> Sequential:
    return Sequential([tn.Input((6, 6, 1)), layers.Flatten(), layers.Dense(1)])


def with_all_layers() -> Sequential:
    changed = [layers.RandomFlip(), layers.RandomZoom(0.2), layers.RandomTranslation(0.2, 0.2)]
    last = [layers.SpatialDropout2D(0.3), layers.Flatten(), layers.GaussianDropout(0.2)]
    body = [layers.Conv2D(2, 3), layers.BatchNormalization(), layers.GaussianNoise(0.1)]
    return Sequential([tn.Input((6, 6, 1)), *changed, *body, *last, layers.Dense(1)])


def two_outputs() -> Any:
    x = tn.Input((3,))
    hidden = layers.Dense(4, activation="tanh")(x)
    return tn.Model(x, [layers.Dense(1, name="a")(hidden), layers.Dense(1, name="b")(hidden)])


class Largest(tn.metrics.Metric):
    """The largest of what was predicted, which is kept in a list."""

    def add(self, y_true: Any, y_pred: Any, sample_weight: Any) -> None:
        self.seen.append(float(y_pred.max()))

    def result(self) -> float:
        return max(self.seen, default=0.0)

    def reset_state(self) -> None:
        self.seen: list[float] = []


class MeanPrediction(tn.metrics.Mean):
    """What was predicted, on average."""

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override] # as in scripts for Keras
        super().update_state(y_pred, sample_weight)


class Counts(tn.metrics.Metric):
    """What was seen, in containers of many kinds."""

    def add(self, y_true: Any, y_pred: Any, sample_weight: Any) -> None:
        self.by_name["batches"] += 1
        self.by_name["last"] = [float(y_pred.max())]
        for label in y_true.reshape(-1).tolist():
            self.by_label[label] += 1
        self.seen.add(float(np.round(y_pred.max(), 2)))
        self.latest.append(float(y_pred.min()))
        self.best = max(self.best or 0.0, float(y_pred.max()))
        self.phase = "odd" if self.phase == "even" else "even"
        self.sizes = getattr(self, "sizes", 0) + len(y_true)

    def result(self) -> float:
        numbers = (*self.by_name["last"], *self.by_label.values(), *self.latest, *self.seen)
        total = sum(sorted(numbers)) + self.by_name["batches"] * 100 + (self.best or 0.0)
        return total + self.sizes * (self.phase == "odd")

    def reset_state(self) -> None:
        self.by_name: dict[str, Any] = {"batches": 0, "last": [], "rule": max}
        self.by_label: Counter[int] = Counter()
        self.seen: set[float] = set()
        self.latest: deque[float] = deque(maxlen=2)
        self.best: float | None = None
        self.phase = "even"


class Freezes(Callback):
    """Freezes a layer for a while, and the last one for good."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.model.layers[0].trainable = epoch < 2
        if epoch == 1:
            self.model.layers[-1].trainable = False


class Turns(Callback):
    """Turns numbers of a layer, of the optimizer and of the model, and keeps a list of it."""

    remembers = ("turned",)

    def __init__(self) -> None:
        super().__init__()
        self.turned: list[int] = []

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.turned.append(epoch)
        if epoch == 1:
            self.model.layers[1].rate = 0.6
            self.model.optimizer.clipnorm = 0.1
            self.model.optimizer.weight_decay = 0.05


class CountedSGD(optimizers.SGD):
    """Takes smaller steps, by a count of its own."""

    def __init__(self) -> None:
        super().__init__(0.1)
        self.taken = 0

    def update(self, w: Any, g: Any, slots: Any, learning_rate: Any) -> None:
        self.taken += 1
        w -= float(learning_rate) / (1 + self.taken) * g


class Fading(layers.Layer):
    """Adds less and less, by a count of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Any, training: bool = False) -> Any:
        self.calls += training
        return x + x.dtype.type(1 / (1 + self.calls))

    def backward(self, dout: Any) -> Any:
        return dout


def falling(epoch: int, rate: float) -> float:
    return 0.9 * rate


CASES = {
    "plain": Case(),
    "a new order in every epoch": Case(shuffle="every_epoch"),
    "no order": Case(shuffle=False, sample_weight=np.linspace(0, 1, 22)),
    "epochs that go on in an order": Case(steps_per_epoch=3, batch_size=4, epochs=6),
    "batch norm, ema": Case(
        lambda: dense(layers.BatchNormalization()),
        lambda: optimizers.SGD(0.1, momentum=0.9, nesterov=True, use_ema=True),
        callbacks=lambda folder: [SwapEMAWeights(swap_on_epoch=True)],
    ),
    "nadam, accumulated": Case(
        optimizer=lambda: optimizers.Nadam(0.05, gradient_accumulation_steps=3)
    ),
    "a schedule": Case(
        optimizer=lambda: optimizers.RMSprop(optimizers.schedules.CosineDecay(0.1, 15))
    ),
    "a rate by epochs": Case(
        callbacks=lambda folder: [tn.callbacks.LearningRateScheduler(falling)]
    ),
    "layers that draw": Case(
        with_all_layers, loss="mse", metrics=(), data=lambda: (IMAGES, Y[:10]), batch_size=3
    ),
    "metrics": Case(
        metrics=(AUC(), F1Score(average="macro"), R2Score(), "mse"),
        loss="categorical_crossentropy",
        data=lambda: (X, np.eye(2, dtype="f4")[Y]),
    ),
    "a metric of one's own": Case(metrics=(Largest(),), shuffle=False),
    "a mean of one's own": Case(metrics=(MeanPrediction(),)),
    "two outputs": Case(
        two_outputs, loss="mse", metrics=(["mae"], ["mse"]), data=lambda: (X, [Y, 1 - Y])
    ),
    "callbacks that decide": Case(
        callbacks=lambda folder: [
            EarlyStopping("val_loss", patience=2, restore_best_weights=True),
            ReduceLROnPlateau("loss", patience=1, min_delta=0.3, cooldown=1),
            ModelCheckpoint(folder / "best.safetensors", "loss", save_best_only=True),
            ModelCheckpoint(folder / "every.keras", save_freq=3),
        ],
        validation_data=(X, Y),
        epochs=8,
    ),
    "tables": Case(
        callbacks=lambda folder: [
            CSVLogger(folder / "log.csv"),
            CSVLogger(folder / "more.csv", append=True),
            TensorBoard(folder, update_freq=2),
        ],
        validation_split=0.3,
    ),
    "counts": Case(metrics=lambda: (Counts(),)),
    "layers that are frozen on the way": Case(
        lambda: dense(layers.Dense(4, kernel_regularizer="l2"), layers.BatchNormalization()),
        callbacks=lambda folder: [Freezes()],
        validation_data=(X, Y),
        validation_freq=2,
    ),
    "numbers that are changed on the way": Case(callbacks=lambda folder: [Turns()]),
    "counts of one's own": Case(lambda: dense(Fading()), CountedSGD),
    "a generator": Case(data=lambda: (endless(),), steps_per_epoch=5),
    "a PyDataset": Case(data=lambda: (Numbered(),)),
    "a PyDataset by steps": Case(data=lambda: (Numbered(),), steps_per_epoch=5),
    "a PyDataset by fewer steps": Case(data=lambda: (Numbered(6),), steps_per_epoch=3, epochs=6),
    "a PyDataset that changes": Case(
        data=lambda: (Drifting(),), validation=Drifting, validation_freq=2
    ),
    "an iterable": Case(data=lambda: (Pairs(),)),
    "an iterable by steps": Case(data=lambda: (Pairs(),), steps_per_epoch=5, validation=Pairs),
    "an iterable that draws at once": Case(data=lambda: (EagerPairs(),)),
    "an iterable that draws at once, by steps": Case(
        data=lambda: (EagerPairs(),), steps_per_epoch=5, validation=EagerPairs
    ),
    "pipelines": Case(data=lambda: (shuffled(),), validation=shuffled, validation_steps=2),
    "validated with a PyDataset": Case(validation=Numbered),
    "validated with one without end": Case(validation=Endless, validation_steps=3),
    "validated with an iterable": Case(validation=Pairs, validation_steps=2),
    "validated with a generator": Case(validation=endless, validation_steps=3),
    "pictures": Case(pictures, loss="mse", metrics=(), data=lambda: (flow(None),)),
    "pictures by steps": Case(
        pictures, loss="mse", metrics=(), data=lambda: (flow(None),), steps_per_epoch=4
    ),
    "pictures, and others to validate": Case(
        pictures, loss="mse", metrics=(), data=lambda: (flow(None),), validation=plain_flow
    ),
    "validated with pictures": Case(
        pictures,
        loss="mse",
        metrics=(),
        data=lambda: (IMAGES, Y[:10]),
        batch_size=3,
        validation=lambda: flow(5),
    ),
    "pictures with a seed": Case(pictures, loss="mse", metrics=(), data=lambda: (flow(5),)),
}


def expect_equal(own: Any, other: Any, place: str = "") -> None:
    """Compare to the last bit, with the place in the error."""
    if isinstance(own, float) and isinstance(other, float):
        assert own.hex() == other.hex(), place  # a learning rate knows its optimizer, too
        return
    assert type(own) is type(other), place
    if isinstance(own, dict):
        assert own.keys() == other.keys(), place
        for key in own:
            expect_equal(own[key], other[key], f"{place}/{key}")
    elif isinstance(own, (list, tuple)):
        assert len(own) == len(other), place
        for i, pair in enumerate(zip(own, other, strict=True)):
            expect_equal(*pair, f"{place}/{i}")
    elif isinstance(own, np.ndarray):
        assert own.dtype == other.dtype and own.tobytes() == other.tobytes(), place
    else:
        assert repr(own) == repr(other), place


@pytest.mark.parametrize("freq", ["epoch", 3])
@pytest.mark.parametrize("name", CASES)
def test_an_interruption_after_any_step_changes_nothing(
    name: str, freq: Any, tmp_path: Path
) -> None:
    train, folders = CASES[name], (tmp_path / str(i) for i in itertools.count())
    whole = train(next(folders), freq)
    steps = 0
    for steps in itertools.count(4, 5):
        folder = next(folders)
        try:
            train(folder, freq, steps)
            break  # there are not so many steps
        except PowerError:
            expect_equal(train(folder, freq), whole, f"stopped after {steps} steps")
    assert steps > 13


def simple(folder: Path, freq: Any = "epoch", epochs: int = 3, **options: Any) -> Sequential:
    """Train a small network with a backup."""
    tn.backend.clear_session()
    set_random_seed(1)
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy")
    backup = BackupAndRestore(folder, freq, **options)
    model.fit(X, Y, batch_size=4, epochs=epochs, callbacks=[backup], verbose=0)
    return model


def stop_in_save(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the save of a number fail, after it has been made."""
    save, seen = BackupAndRestore._save, itertools.count(1)

    def save_and_stop(self: BackupAndRestore, state: dict[str, Any]) -> None:
        save(self, state)
        self._wait()  # until it is on the disk
        if next(seen) == number:
            raise PowerError

    monkeypatch.setattr(BackupAndRestore, "_save", save_and_stop)


def interrupted(folder: Path, number: int = 2, **options: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        stop_in_save(number, patch)
        with pytest.raises(PowerError):
            simple(folder, **options)


@pytest.mark.parametrize("number", [1, 4, 6, 9])
def test_steps_that_are_made_at_once_are_resumed_too(number: int, tmp_path: Path) -> None:
    # No callback of the user's is told of steps, so that they are repeated from their lines.
    whole = simple(tmp_path / "whole", 2)
    interrupted(tmp_path / "a", number, freq=2)
    again = simple(tmp_path / "a", 2)
    expect_equal(list(again.arrays.values()), list(whole.arrays.values()))
    expect_equal(again.history.history, whole.history.history)


@pytest.mark.parametrize(
    ("freq", "places"), [(4, [4, 8, 12, 16]), (7, [7, 14]), ("epoch", [6, 12, 18])]
)
def test_it_saves_after_as_many_batches_as_it_was_told_to(
    freq: Any, places: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def save(self: BackupAndRestore, _: object) -> None:
        self.since_saving = 0
        seen.append(self.model.optimizer.iterations)

    monkeypatch.setattr(BackupAndRestore, "_save", save)
    simple(tmp_path, freq)
    assert seen == places


def test_several_interruptions_in_one_training(tmp_path: Path) -> None:
    whole = simple(tmp_path / "whole", 1)
    for number in (3, 1, 5, 2, 6):
        interrupted(tmp_path / "a", number, freq=1)
    again = simple(tmp_path / "a", 1)
    assert again.history.epoch == [0, 1, 2]
    expect_equal(list(again.arrays.values()), list(whole.arrays.values()))


def test_a_training_that_goes_on_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    interrupted(tmp_path, 2, freq=4)  # after 8 steps, 2 of them in the second epoch
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, batch_size=4, epochs=3, callbacks=[BackupAndRestore(tmp_path)], verbose=2)
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == "BackupAndRestore: going on with epoch 2 after 2 steps"
    assert second.startswith("Epoch 2/3") and third.startswith("Epoch 3/3")


def test_a_training_that_has_stopped_is_not_continued(tmp_path: Path) -> None:
    def train() -> Any:
        set_random_seed(1)
        model = dense()
        model.compile(optimizers.SGD(0.0), "sparse_categorical_crossentropy")
        early = EarlyStopping("loss", patience=2, restore_best_weights=True)
        callbacks = [early, BackupAndRestore(tmp_path)]
        history = model.fit(X, Y, epochs=9, callbacks=callbacks, verbose=0)
        assert model.stop_training
        return history, early.get_state()

    with pytest.MonkeyPatch.context() as patch:
        stop_in_save(3, patch)
        with pytest.raises(PowerError):
            train()
    again, state = train()
    assert again.epoch == [0, 1, 2] and state["stopped_epoch"] == 2


class StopsTraining(Callback):
    """Stops a training in the middle of its second epoch."""

    remembers = ("seen",)

    def __init__(self, fails: bool) -> None:
        super().__init__()
        self.seen, self.fails = 0, fails

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.seen += 1
        self.model.stop_training = self.seen == 8

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.fails and self.seen == 8:
            raise PowerError


def test_an_epoch_that_stops_in_its_middle_ends_as_it_would_have(tmp_path: Path) -> None:
    def train(folder: Path, fails: bool = False) -> Any:
        set_random_seed(1)
        model = dense()
        model.compile("adam", "sparse_categorical_crossentropy")
        callbacks = [StopsTraining(fails), BackupAndRestore(folder, 1)]
        history = model.fit(X, Y, batch_size=4, epochs=3, callbacks=callbacks, verbose=0)
        return history.history, history.epoch, model.get_weights()

    whole = train(tmp_path / "whole")
    with pytest.raises(PowerError):
        train(tmp_path / "a", fails=True)
    expect_equal(train(tmp_path / "a"), whole)
    assert whole[1] == [0, 1]


def test_a_backup_that_is_kept_is_gone_on_with_for_more_epochs(tmp_path: Path) -> None:
    whole = simple(tmp_path / "whole", epochs=5)
    simple(tmp_path / "kept", epochs=3, delete_checkpoint=False)
    assert [each.name for each in (tmp_path / "kept").iterdir()] == ["backup.safetensors"]
    more = simple(tmp_path / "kept", epochs=5)
    expect_equal(list(more.arrays.values()), list(whole.arrays.values()))
    assert not (tmp_path / "kept").exists()


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    (tmp_path / ".backup.safetensors.12345678").touch()  # left by a kill
    simple(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["mine.txt"]


def test_a_model_that_is_made_again_in_the_same_process(tmp_path: Path) -> None:
    whole = simple(tmp_path / "whole")
    interrupted(tmp_path / "a")
    set_random_seed(1)
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy")
    assert list(model.arrays) != list(whole.arrays)  # its layers have counted on
    callbacks = [BackupAndRestore(tmp_path / "a")]
    model.fit(X, Y, batch_size=4, epochs=3, callbacks=callbacks, verbose=0)
    expect_equal(list(model.arrays.values()), list(whole.arrays.values()))


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "cut off":
        del content[-9:]
    elif how == "one bit":
        content[-9] ^= 4
    else:
        content[:] = b""
    path.write_bytes(content)


@pytest.mark.parametrize("how", ["cut off", "one bit", "empty"])
def test_a_damaged_backup_is_refused_or_the_one_before_it_is_used(how: str, tmp_path: Path) -> None:
    whole = simple(tmp_path / "whole")
    interrupted(tmp_path / "one")
    damage(tmp_path / "one" / "backup.safetensors", how)
    with pytest.raises(ValueError, match=r"backup\.safetensors: .*damaged"):
        simple(tmp_path / "one")
    interrupted(tmp_path / "two", double_checkpoint=True)
    damage(tmp_path / "two" / "backup.safetensors", how)
    with pytest.warns(UserWarning, match=r"backup\.safetensors: .*; the one before is used"):
        again = simple(tmp_path / "two", double_checkpoint=True)
    expect_equal(list(again.arrays.values()), list(whole.arrays.values()))
    assert not (tmp_path / "two").exists()


def fit(folder: Path, model: Sequential, **options: Any) -> None:
    options = {"batch_size": 4, "callbacks": [], **options}
    options["callbacks"] = [*options["callbacks"], BackupAndRestore(folder)]
    model.fit(X, Y, verbose=0, **options)


def test_the_backup_of_another_training_is_refused_before_anything_is_changed(
    tmp_path: Path,
) -> None:
    interrupted(tmp_path)
    val = {"validation_data": (X, Y)}
    others: list[tuple[str, Sequential, Any, dict[str, Any]]] = [
        ("the shapes of weights is .* there, .* here", dense(layers.Dense(3)), "adam", {}),
        ("the optimizer is 'Adam' there, 'SGD' here", dense(), "sgd", {}),
        ("batch_size is 4 there, 5 here", dense(), "adam", {"batch_size": 5}),
        ("the callbacks is", dense(), "adam", {"callbacks": [EarlyStopping("loss")]}),
        ("shuffle is True there, False here", dense(), "adam", {"shuffle": False}),
        ("samples is 22 there, 11 here", dense(), "adam", {"validation_split": 0.5}),
        ("steps is 6 there, 2 here", dense(), "adam", {"steps_per_epoch": 2}),
        ("the kind of validation_data is 'nothing' there, 'arrays' here", dense(), "adam", val),
    ]
    for message, model, optimizer, options in others:
        model.compile(optimizer, "sparse_categorical_crossentropy")
        before = model.get_weights()
        with pytest.raises(ValueError, match=f"backup of another training: {message}"):
            fit(tmp_path, model, **options)
        expect_equal(model.get_weights(), before)
        assert (tmp_path / "backup.safetensors").exists()


def test_a_file_that_is_no_backup_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "backup.safetensors"
    simple(tmp_path / "other").save(path)
    with pytest.raises(ValueError, match="expected a file of the form 'tinynet backup 2', got 't"):
        simple(tmp_path)
    interrupted(tmp_path / "a")
    state = read_state(tmp_path / "a" / "backup.safetensors", KIND)
    for key in state:
        for value in (None, [], {}, "text", 7, np.zeros(3), [[0, 1, 2]], {"x": 1}):
            with path.open("wb") as file:
                write_state(file, KIND, Apart({**state, key: value}))
            with contextlib.suppress(ValueError):  # some values are harmless
                simple(tmp_path)
    for place in ({"first": 0, "steps": -1}, {"first": 9, "steps": 1}, {"first": -1, "steps": 2}):
        with path.open("wb") as file:
            write_state(file, KIND, Apart({**state, "place": {**state["place"], **place}}))
        with pytest.raises(ValueError, match=r"the backup cannot be used .*expected a place in 22"):
            simple(tmp_path)


class Tree:
    """What no file can hold."""

    size = 0


class Keeps(tn.metrics.Metric):
    """Keeps something that it makes anew in every epoch, and something that it does not."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make, self.rule, self.parts = make, Tree(), {"rule": Tree(), "sum": sum}
        super().__init__("keeps")

    def add(self, y_true: Any, y_pred: Any, sample_weight: Any) -> None:
        pass

    def result(self) -> float:
        return 1.0

    def reset_state(self) -> None:
        self.kept = self.make()


class Wraps(Keeps):
    """Has a metric of its own."""

    def __init__(self, inner: Keeps) -> None:
        self.inner = inner
        super().__init__(float)

    def reset_state(self) -> None:
        super().reset_state()
        self.inner.reset_state()


def numbers_and_functions() -> Any:
    return {"n": [1, {2: (3,)}], "of": [np.mean, None, np, Tree], "kinds": {"a", 1.5}}


def test_metrics_whose_state_would_be_lost_are_refused_before_the_first_step(
    tmp_path: Path,
) -> None:
    def train(metric: Any, freq: Any) -> None:
        model = dense()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=[metric])
        model.fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path, freq)])

    lost: list[Callable[[], Any]] = [
        Tree,
        lambda: [1, Tree()],
        lambda: {"a": {"b": Tree()}},
        lambda: (np.zeros(2), np.random.default_rng(1)),
    ]
    for make in lost:
        for metric in (Keeps(make), Wraps(Keeps(make))):
            with pytest.raises(TypeError, match="keeps: expected its kept, which reset_state mak"):
                train(metric, 2)
            train(metric, "epoch")
    for make in (numbers_and_functions, lambda: max, lambda: Tree):
        train(Keeps(make), 2)


def test_no_metric_of_tinynet_is_refused() -> None:
    kinds = {each for each in tn.metrics.METRICS.values() if isinstance(each, type)}
    assert len(kinds) > 30
    for kind in kinds:
        needs = re.search("(Recall|Precision|Specificity|Sensitivity)At", kind.__name__)
        given = [0.5] if needs else [max] if kind.__name__ == "MeanMetricWrapper" else []
        assert list(lost_in(kind(*given))) == []


def test_what_cannot_be_saved_is_said_before_the_first_step(tmp_path: Path) -> None:
    class Keeps(Callback):
        remembers = ("kept",)
        kept: ClassVar = {"a": [1, object()]}

    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    with pytest.raises(TypeError, match=r"/callbacks/0/kept/a/1: expected numbers, text, arrays"):
        fit(tmp_path, model, callbacks=[Keeps()])
    expect_equal(model.get_weights(), before)


@pytest.mark.parametrize("freq", ["epoch", 2])
def test_a_backup_that_cannot_be_written_is_told_and_the_one_before_stays(
    freq: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, seen = backup.write_state, []

    def full(*args: Any) -> None:
        seen.append(threading.current_thread())
        if len(seen) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*args)

    whole = simple(tmp_path / "whole", freq)
    monkeypatch.setattr(backup, "write_state", full)
    with pytest.raises(OSError, match=r"No space left .*a.backup\.safetensors"):
        simple(tmp_path / "a", freq)
    assert [each.name for each in (tmp_path / "a").iterdir()] == ["backup.safetensors"]
    assert len(seen) == 3 and threading.main_thread() not in seen
    monkeypatch.undo()
    again = simple(tmp_path / "a", freq)
    expect_equal(list(again.arrays.values()), list(whole.arrays.values()))


def test_what_is_written_is_what_there_was(tmp_path: Path) -> None:
    state = {"list": [1], "array": np.zeros(3), "more": np.zeros(2)}
    apart = Apart(state)
    state["list"].append(2)
    state["array"] += 1
    assert apart.arrays["0"].tolist() == [0, 0, 0] and apart.plain["dict"]["list"] == [1]
    state["more"] = np.ones((2, 2))
    second = Apart(state, apart)
    assert second.arrays["0"] is apart.arrays["0"] and second.arrays["0"].tolist() == [1, 1, 1]
    assert second.arrays["1"].shape == (2, 2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are forks on POSIX only")
def test_a_forked_process_does_not_wait_for_a_thread_that_it_has_not() -> None:
    program = (
        "import os, tinynet\n"
        "from tinynet.callbacks import backup\n"
        "backup.WRITING.acquire()\n"
        "number = os.fork()\n"
        "if number == 0: os._exit(not backup.WRITING.acquire(blocking=False))\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"


def test_arguments() -> None:
    for freq in (0, -1, 2.5, "batch", None, False):
        with pytest.raises(ValueError, match="save_freq: expected a positive integer"):
            BackupAndRestore("folder", freq)
    with pytest.raises(ValueError, match="backup_dir: expected the name of a folder, got ''"):
        BackupAndRestore("")
    with pytest.raises(ValueError, match="double_checkpoint"):
        BackupAndRestore("folder", double_checkpoint="yes")


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    state = {
        "numbers": [1, -2.5, float("inf"), True, None, 10**30],
        "texts": ["", "ä", {"array": "not one"}],
        "arrays": (np.arange(6).reshape(2, 3), np.zeros((0, 2), "f4"), np.array(3.5)),
        "of numpy": [np.float32(0.1), np.int64(7), np.bool_(True)],
        "": {"": {}},
    }
    with (tmp_path / "a").open("wb") as file:
        write_state(file, "kind", Apart(state))
    expect_equal(read_state(tmp_path / "a", "kind"), state)


@pytest.mark.skipif(not hasattr(signal, "sigtimedwait"), reason="such processes need POSIX")
def test_a_training_that_is_killed_at_random_moments() -> None:
    # Two kills of every kind here; `make torture` has 200.
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed", "--kills", "2"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    found = json.loads(done.stdout)
    assert len(found) == 5
    for kind in found:
        assert kind["kills"] >= 2 and kind["ends"] >= 1
        assert kind["wrong"] == kind["damaged"] == 0, kind
