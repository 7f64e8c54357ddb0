"""Ctrl-C in `fit` comes between two steps: the model has made the last one whole, or not begun."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tinynet import Input, Sequential, layers, utils
from tinynet.callbacks import LambdaCallback
from tinynet.interrupts import whole_steps
from tinynet.optimizers import Adam

rng = np.random.default_rng(0)
X = rng.normal(size=(24, 5)).astype("float32")
Y = (X[:, 0] > 0).astype(int)


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def came() -> Iterator[list[int]]:
    """Take the signals of this process, as a program may do that has a handler of its own."""
    found: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: found.append(number))
    yield found
    signal.signal(signal.SIGINT, before)


class Interrupting(layers.Layer):
    """Interrupts the forward or the backward pass of a step, once or more often."""

    def __init__(self, way: str = "forward", step: int = 0, times: int = 1) -> None:
        super().__init__()
        self.way, self.step, self.times = way, step, times
        self.left = step

    def passed(self, way: str) -> None:
        if way == self.way:
            self.left -= 1
            if self.left == 0:
                for _ in range(self.times):
                    ctrl_c()

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self.passed("forward")
        return x * 1

    def backward(self, dout: np.ndarray) -> np.ndarray:
        self.passed("backward")
        return dout


def network(own: layers.Layer) -> Sequential:
    utils.clear_session()
    utils.set_random_seed(0)
    body = [layers.Dense(4), layers.BatchNormalization(), layers.Dropout(0.2), own]
    found = Sequential([Input((5,)), *body, layers.Dense(2, activation="softmax")])
    found.compile(Adam(0.01), "sparse_categorical_crossentropy")
    return found


def state(model: Sequential) -> list[Any]:
    """Return all that a later step depends on."""
    drawn = [list(each.seed_generator.state) for each in model.layers if each.seed_generator]
    arrays = [*model.arrays.values(), *model.optimizer.get_state().values()]
    return [drawn, *(np.asarray(each).tobytes() for each in arrays)]


def undisturbed(steps: int) -> list[Any]:
    model = network(Interrupting())
    model.fit(X, Y, batch_size=6, steps_per_epoch=steps, verbose=0)
    return state(model)


@pytest.mark.usefixtures("kernel_form")
@pytest.mark.parametrize("way", ["forward", "backward"])
@pytest.mark.parametrize("step", [1, 3])
def test_an_interrupted_step_is_made_to_its_end(way: str, step: int) -> None:
    model = network(Interrupting(way, step))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=6, epochs=2, verbose=0)
    assert model.optimizer.iterations == step
    assert state(model) == undisturbed(step)


class Counting(layers.Layer):
    """Counts the batches that get past it."""

    count = 0

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self.count += 1
        return x * 1


USES: dict[str, tuple[int, Callable[[Sequential], object]]] = {  # and the batch that is interrupted
    "evaluate": (2, lambda model: model.evaluate(X, Y, batch_size=6, verbose=0)),
    "predict": (2, lambda model: model.predict(X, batch_size=6, verbose=0)),
    "validation": (6, lambda model: model.fit(X, Y, 6, 2, 0, validation_data=(X, Y))),
}


@pytest.mark.parametrize("use", USES)
def test_a_batch_that_is_only_looked_at_comes_to_its_end_too(use: str) -> None:
    batch, run = USES[use]
    after = Counting()
    body = [Interrupting("forward", batch), after]
    model = Sequential([Input((5,)), *body, layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(KeyboardInterrupt):
        run(model)
    assert after.count == batch


def test_a_second_ctrl_c_does_not_wait() -> None:
    model = network(Interrupting("backward", 2, times=2))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=6, epochs=2, verbose=0)
    assert model.optimizer.iterations == 1


def test_between_two_steps_it_comes_at_once() -> None:
    model, seen = network(Interrupting()), []

    def interrupt(batch: int, logs: Any) -> None:
        seen.append(batch)
        ctrl_c()
        seen.append("never")

    with pytest.raises(KeyboardInterrupt):
        model.fit(
            X, Y, batch_size=6, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=interrupt)]
        )
    assert seen == [0] and state(model) == undisturbed(1)


def test_the_programs_own_handler_is_told_once_and_is_there_afterwards(came: list[int]) -> None:
    own = signal.getsignal(signal.SIGINT)
    network(Interrupting("backward", 2)).fit(X, Y, batch_size=6, verbose=0)
    assert came == [signal.SIGINT] and signal.getsignal(signal.SIGINT) is own


def test_a_handler_that_is_set_in_a_training_stays(came: list[int]) -> None:
    def set_another(epoch: int, logs: Any) -> None:
        signal.signal(signal.SIGINT, another)

    def another(number: int, frame: Any) -> None:
        came.append(-number)

    model = network(Interrupting())
    model.fit(X, Y, verbose=0, callbacks=[LambdaCallback(on_epoch_end=set_another)])
    ctrl_c()
    assert came == [-signal.SIGINT]


def test_what_ignores_ctrl_c_goes_on_doing_so(came: list[int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    model = network(Interrupting("forward", 2))
    model.fit(X, Y, batch_size=6, verbose=0)
    assert model.optimizer.iterations == 4
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN and not came


def test_another_thread_leaves_the_signals_alone(came: list[int]) -> None:
    own, seen = signal.getsignal(signal.SIGINT), []

    def train() -> None:
        with whole_steps() as whole, whole:
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert seen == [own] and not came


def test_one_training_in_a_step_of_another(came: list[int]) -> None:
    """The inner one passes it on between its steps, the outer one when its step ends."""
    with whole_steps() as outer:
        with outer:
            with whole_steps() as inner, inner:
                ctrl_c()
                assert inner.waiting
            assert outer.waiting and not came
        assert came == [signal.SIGINT]


def test_an_error_in_the_step_is_the_one_that_is_seen(came: list[int]) -> None:
    def step() -> None:
        with whole_steps() as whole, whole:
            ctrl_c()
            raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        step()
    assert not came
