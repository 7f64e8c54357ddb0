"""Batches that come one after the other, and epochs of a given number of steps.

The numbers of Keras are compared in parity_tests/test_fit.py.
"""

import io
import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.refused import SPARSE, Case, X, Y, check_refused, trained
from tinynet import Input, Sequential
from tinynet.callbacks import EarlyStopping, LambdaCallback
from tinynet.layers import BatchNormalization, Dense, Dropout
from tinynet.streams import Stream
from tinynet.utils import PyDataset, Sequence, set_random_seed

WEIGHT = np.linspace(0.5, 2, 20)


def model_of(**options: Any) -> Sequential:
    set_random_seed(1)
    body = [Dense(5, activation="relu"), BatchNormalization(), Dropout(0.25)]
    model = Sequential([Input((4,)), *body, Dense(3, activation="softmax")])
    model.compile("adam", SPARSE, metrics=["accuracy"], **options)
    return model


def batches(
    size: int = 8, times: int | None = 1, weights: bool = False
) -> Iterator[tuple[np.ndarray, ...]]:
    for _ in itertools.count() if times is None else range(times):
        for i in range(0, 20, size):
            rows = slice(i, i + size)
            yield (X[rows], Y[rows], WEIGHT[rows]) if weights else (X[rows], Y[rows])


class Numbered(PyDataset):
    """The same batches by number, and what it is told."""

    def __init__(self, size: int = 8) -> None:
        super().__init__(workers=2)
        self.told: list[Any] = []
        self.size = size

    def __len__(self) -> int:
        return -(-20 // self.size)

    def __getitem__(self, number: int) -> Any:
        self.told.append(number)
        rows = slice(number * self.size, (number + 1) * self.size)
        return X[rows], Y[rows]

    def on_epoch_begin(self) -> None:
        self.told.append("begin")

    def on_epoch_end(self) -> None:
        self.told.append("end")


class Listed:
    """An iterable of batches that knows how many they are, and can be gone through again."""

    def __len__(self) -> int:
        return 3

    def __iter__(self) -> Iterator[Any]:
        return batches()


def same(one: Sequential, other: Sequential) -> None:
    for own, its in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(own, its)


@pytest.mark.parametrize("eagerly", [False, True], ids=["lines", "layers"])
@pytest.mark.parametrize("kind", ["generator", "PyDataset", "iterable"])
def test_the_run_of_the_arrays(kernel_form: str, kind: str, eagerly: bool) -> None:
    expected = model_of()
    history = expected.fit(X, Y, 8, 3, 0, shuffle=False).history
    source = {"generator": batches(times=3), "PyDataset": Numbered(), "iterable": Listed()}[kind]
    steps = 3 if kind == "generator" else None
    model = model_of(run_eagerly=eagerly)
    seen = model.fit(source, epochs=3, verbose=0, steps_per_epoch=steps, shuffle=False).history
    assert seen == history
    same(model, expected)


def test_weights_and_validation() -> None:
    expected, model = model_of(), model_of()
    history = expected.fit(
        X, Y, 8, 2, 0, sample_weight=WEIGHT, shuffle=False, validation_data=(X, Y, WEIGHT)
    ).history
    seen = model.fit(
        batches(times=2, weights=True),
        epochs=2,
        verbose=0,
        steps_per_epoch=3,
        validation_data=(X, Y, WEIGHT),
        validation_batch_size=8,
    ).history
    assert seen == history
    by_class = {0: 2.0, 2: 0.5}
    for each, source in ((expected, (X, Y, 8)), (model, (Numbered(),))):
        each.fit(*source, class_weight=by_class, shuffle=False, verbose=0)
    same(model, expected)
    numbers = [
        each.evaluate(*given, verbose=0)
        for each, given in ((expected, (X, Y, 8)), (model, (Numbered(),)))
    ]
    assert numbers[0] == numbers[1]
    own = model.fit(X, Y, 8, verbose=0, validation_data=Listed()).history
    assert own["val_loss"] == [model.evaluate(X, Y, 8, verbose=0)[0]]


def test_predictions() -> None:
    model = model_of()
    expected = model.predict(X, 8, verbose=0)
    for source in (Numbered(), Listed(), ((X[i : i + 8],) for i in (0, 8, 16)), iter([X])):
        np.testing.assert_array_equal(
            no_warning(lambda s=source: model.predict(s, verbose=0)), expected
        )
    np.testing.assert_array_equal(model.predict(X, 8, steps=2, verbose=0), expected[:16])
    np.testing.assert_array_equal(
        model.predict(batches(times=None), steps=2, verbose=0), expected[:16]
    )


def no_warning(call: Callable[[], Any]) -> Any:
    """Call without the warning that a generator has ended."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "x: the data ended")
        return call()


def test_what_a_dataset_is_told() -> None:
    source = Numbered()
    model_of().fit(source, epochs=2, verbose=0, shuffle=False)
    epoch = ["begin", 0, 1, 2, "end"]
    assert source.told == [0, 1, "end", *epoch, *epoch]  # it is looked at first, as in Keras
    source.told.clear()
    set_random_seed(5)
    model = model_of()
    model.fit(source, epochs=4, verbose=0)
    orders = {tuple(source.told[i : i + 3]) for i in range(4, len(source.told), 5)}
    assert len(orders) > 1 and all(sorted(order) == [0, 1, 2] for order in orders)
    assert Sequence is PyDataset and [len(x) for x, _ in Numbered()] == [8, 8, 4]


class Endless(PyDataset):
    """Batches by number that never end."""

    num_batches = None

    def __getitem__(self, number: int) -> Any:
        return X[:5] + number, Y[:5]


def test_without_an_end() -> None:
    seen: list[float] = []
    model = model_of()
    note = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    model.fit(Endless(), steps_per_epoch=2, epochs=2, verbose=0, callbacks=note)
    assert len(seen) == 4
    assert [x[0, 0] - X[0, 0] for x, _ in itertools.islice(Endless(), 3)] == [0, 1, 2]


def test_an_epoch_goes_on_where_the_last_one_ended(kernel_form: str) -> None:
    runs = []
    for eagerly in (False, True):
        model = model_of(run_eagerly=eagerly)
        with pytest.warns(UserWarning, match="the data ended before the epoch did") as told:
            history = model.fit(X, Y, 5, 4, 0, steps_per_epoch=3, shuffle=False).history
        assert len(told) == 2  # after the second epoch, of one step, and after the fourth
        runs.append((history, model.get_weights()))
    assert runs[0][0] == runs[1][0]
    expected = model_of()
    for first, last in ((0, 15), (15, 20), (0, 15), (15, 20)):
        expected.fit(X[first:last], Y[first:last], 5, verbose=0, shuffle=False)
    for one, other, third in zip(runs[0][1], runs[1][1], expected.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, third)


def test_the_size_that_makes_so_many_steps() -> None:
    model = model_of()
    expected = model.evaluate(X, Y, 5, verbose=0)
    assert model.evaluate(X, Y, steps=4, verbose=0) == expected
    sizes: list[int] = []
    model.train_step = lambda batch: sizes.append(len(batch.x))  # type: ignore[method-assign]
    model.fit(X, Y, steps_per_epoch=3, verbose=0)
    assert sizes == [7, 7, 6]


def test_when_to_validate() -> None:
    model = model_of()
    for freq, times in ((2, 2), ([1, 2, 5], 3), (np.int64(3), 1)):
        history = model.fit(X, Y, epochs=5, verbose=0, validation_split=0.2, validation_freq=freq)
        assert len(history.history["val_loss"]) == times and len(history.history["loss"]) == 5


def test_a_generator_that_ends(kernel_form: str) -> None:
    with pytest.warns(UserWarning, match="generator has to yield steps_per_epoch batches") as told:
        history = model_of().fit(batches(), epochs=2, verbose=0).history
    assert len(told) == 2 and len(history["loss"]) == 2  # then the first two batches, as in Keras


def test_stopped_in_the_middle() -> None:
    source, model = Numbered(), model_of()

    def stop(batch: int, logs: Any) -> None:
        model.stop_training = batch == 1

    model.fit(source, epochs=3, verbose=0, callbacks=LambdaCallback(on_train_batch_end=stop))
    assert source.told[3:] == ["begin", *source.told[4:6]]
    patient = EarlyStopping("loss", min_delta=9.0)
    assert len(model.fit(source, epochs=9, verbose=0, callbacks=patient).epoch) == 2


def test_batches_of_every_size() -> None:
    def some() -> Iterator[Any]:
        for n in [1, 2, 3, 4, 5, 6] * 3:
            yield X[:n], Y[:n]

    losses = []
    for eagerly in (False, True):
        model = model_of(run_eagerly=eagerly)
        losses.append(model.fit(some(), steps_per_epoch=18, verbose=0).history)
    assert losses[0] == losses[1]


def test_a_bar_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdout", terminal)
    no_warning(lambda: model_of().fit(batches(), epochs=1))
    assert "3/3 - " in terminal.getvalue()


# What is refused, before anything has changed.

FIT: dict[str, Case] = {
    "targets": Case(
        lambda m: m.fit(batches(), Y, verbose=0),
        ValueError,
        ["y: expected None, because x, a generator, hands out batches with the targets in them"],
    ),
    "weights": Case(
        lambda m: m.evaluate(Numbered(), sample_weight=WEIGHT, verbose=0),
        ValueError,
        ["sample_weight: expected None, because x, a Numbered, .* with the weights in them"],
    ),
    "a share": Case(
        lambda m: m.fit(batches(), validation_split=0.2, verbose=0),
        ValueError,
        ["validation_split: expected arrays to split, got a generator"],
    ),
    "class weights": Case(
        lambda m: m.fit(batches(), class_weight={0: 1.0}, verbose=0),
        ValueError,
        ["class_weight: a generator hands out its own weights"],
    ),
    "nothing": Case(
        lambda m: m.fit(iter([]), verbose=0), ValueError, ["x: expected at least one batch, got"]
    ),
    "four entries": Case(
        lambda m: m.fit(iter([(X, Y, WEIGHT, Y)]), verbose=0),
        ValueError,
        [r"x: expected batches \(x, y\) or .*, got 4 entries in batch 0"],
    ),
    "without targets": Case(
        lambda m: m.fit(iter([(X,)]), verbose=0), ValueError, ["batch 0: y: expected targets"]
    ),
    "of another width": Case(
        lambda m: m.predict(iter([X[:, :3]]), verbose=0), ValueError, [r"batch 0: x: .*\(4,\)"]
    ),
    "with nan": Case(
        lambda m: m.evaluate(iter([(X * np.nan, Y)]), verbose=0), ValueError, ["batch 0: x: .*nan"]
    ),
    "labels of validation": Case(
        lambda m: m.fit(X, Y, validation_data=iter([(X, Y + 1)]), verbose=0),
        ValueError,
        ["validation_data: batch 0: y: expected labels from 0 to 2"],
    ),
    "shapes of validation": Case(
        lambda m: m.fit(X, Y, validation_data=iter([(X[:, :3], Y)]), verbose=0),
        ValueError,
        ["validation_data: batch 0: x: expected samples"],
    ),
    "one batch for a method that takes one": Case(
        lambda m: m.train_on_batch(batches()), TypeError, ["x: expected an array .* got a generat"]
    ),
    **{
        f"{name} {value!r}": Case(
            lambda m, name=name, value=value: m.fit(X, Y, verbose=0, **{name: value}),
            ValueError,
            [f"{name}: expected a positive integer, got {value!r}"],
        )
        for name in ("steps_per_epoch", "validation_steps", "validation_freq")
        for value in (0, -1, 2.5, True)
    },
    "no number": Case(
        lambda m: m.fit(X, Y, validation_freq="often", verbose=0),
        ValueError,
        ["validation_freq: expected a positive integer, got 'often'"],
    ),
    "steps of predict": Case(
        lambda m: m.predict(X, steps=0, verbose=0), ValueError, ["steps: expected a positive"]
    ),
    "steps_per_execution": Case(
        lambda m: m.compile("sgd", SPARSE, steps_per_execution=0),
        ValueError,
        ["steps_per_execution: expected a positive integer"],
    ),
    "jit_compile": Case(
        lambda m: m.compile("sgd", SPARSE, jit_compile="yes"),
        ValueError,
        ["jit_compile: expected True or False, got 'yes'"],
    ),
    "auto_scale_loss": Case(
        lambda m: m.compile("sgd", SPARSE, auto_scale_loss=3), ValueError, ["auto_scale_loss: exp"]
    ),
}


@pytest.mark.parametrize("name", FIT)
def test_refused(name: str) -> None:
    case = FIT[name]
    check_refused(trained(), case.call, case.error, case.says)


def test_a_later_batch_is_named() -> None:
    with pytest.raises(ValueError, match="batch 1: y: expected labels from 0 to 2"):
        trained().fit(iter([(X, Y), (X, Y + 1)]), verbose=0)


def test_what_a_dataset_has_to_define() -> None:
    with pytest.raises(NotImplementedError):
        PyDataset()[0]
    with pytest.raises(NotImplementedError, match="PyDataset: define __len__"):
        Stream(PyDataset(), lambda x, y, w: x)


class Drawn(PyDataset):
    """Batches that are drawn, and how many have been asked for."""

    asked = 0

    def __len__(self) -> int:
        return 3

    def __getitem__(self, number: int) -> Any:
        self.asked += 1
        return np.random.normal(size=(4, 4)), np.arange(4) % 3


def test_what_validates_draws_nothing_before_its_turn() -> None:
    """As in Keras, where its first two batches are looked at after the first epoch."""
    first = []
    for validation in (None, Drawn()):
        first.append(model_of().fit(Drawn(), validation_data=validation, verbose=0).history["loss"])
    assert first[0] == first[1]
    assert validation is not None and validation.asked == 2 + 3
    model = model_of()
    before = np.random.get_state()[2]
    with pytest.raises(ValueError, match="validation_data: batch 0"):
        model.fit(X, Y, validation_data=Wrong(), verbose=0)
    assert np.random.get_state()[2] == before


class Wrong(Drawn):
    """Batches that no model of these tests can take."""

    def __getitem__(self, number: int) -> Any:
        return np.random.normal(size=(4, 9)), np.arange(4) % 3
