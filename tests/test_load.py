"""Under load: nothing grows, an interruption leaves a model that can go on, and so does a fork."""

import copy
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.lengths import TIMES
from tinynet import Input, Model, Sequential, layers, utils
from tinynet.callbacks import Callback
from tinynet.optimizers import Adam

ROOT = Path(__file__).parents[1]
rng = np.random.default_rng(0)
X = rng.normal(size=(64, 6)).astype("float32")
Y = (X[:, 0] > 0).astype(int)


def network() -> Sequential:
    utils.set_random_seed(0)
    body = [layers.Dense(8, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.2)]
    model = Sequential([Input((6,)), *body, layers.Dense(2, activation="softmax")])
    model.compile(Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def graph() -> Model:
    utils.set_random_seed(0)
    x = Input((6,))
    both = layers.Add()([layers.Dense(8)(x), layers.Dense(8, activation="tanh")(x)])
    model = Model(x, layers.Dense(2, activation="softmax")(both))
    model.compile(Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


# Memory.


def growth(do: Callable[[], object], times: int) -> int:
    """Return by how many bytes memory has grown after so many calls more; the first warm up.

    Python's own cache of attributes grows by some hundred bytes with names that are made anew,
    until it is full; a step, a model or a batch that was kept would be thousands.
    """
    for _ in range(10):
        do()
    gc.collect()
    tracemalloc.start()
    do()
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(times):
        do()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return after - before


@pytest.mark.parametrize("make", [network, graph])
def test_models_that_are_made_and_dropped_leave_nothing(make: Callable[[], Any]) -> None:
    def one() -> None:
        utils.clear_session()
        model = make()
        model.fit(X, Y, verbose=0)
        model.predict(X[:3], verbose=0)

    assert growth(one, 30 * TIMES) < 30 * TIMES * 2500


def test_a_dropped_model_is_gone() -> None:
    """Nobody keeps it: not its layers, its optimizer, its history, or the step written down."""
    model = network()
    model.fit(X, Y, epochs=2, verbose=0)
    parts = [model, *model.layers, model.optimizer, model.history]
    gone = [weakref.ref(each) for each in parts]
    del model, parts
    gc.collect()
    assert not any(each() for each in gone[:-2] + gone[-1:])


@pytest.mark.parametrize("make", [network, graph])
def test_single_predictions_leave_nothing(make: Callable[[], Any]) -> None:
    model = make()
    assert growth(lambda: model.predict(X[:1], verbose=0), 200 * TIMES) < 2000
    assert growth(lambda: model.predict_on_batch(X[:1]), 200 * TIMES) < 2000
    assert growth(lambda: model(X[:1]), 200 * TIMES) < 2000


def test_epochs_leave_nothing_but_their_history() -> None:
    model = network()
    assert growth(lambda: model.fit(X, Y, verbose=0), 50 * TIMES) < 50 * TIMES * 1000
    assert growth(lambda: model.train_on_batch(X, Y), 200 * TIMES) < 2000
    history = model.fit(X, Y, epochs=200, verbose=0)
    assert len(history.history["loss"]) == 200


# Interruptions.


class Interrupting(Callback):
    """Sends the signal of Ctrl-C to this process, some steps later."""

    every_batch = True

    def __init__(self, step: int) -> None:
        super().__init__()
        self.left = step

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGINT)


def whole(model: Any) -> None:
    """See that a model has all that it needs: numbers, what it was compiled with, its steps."""
    assert all(np.isfinite(each).all() for each in model.get_weights())
    for key, slots in model.optimizer.slots.items():
        assert all(np.isfinite(each).all() for each in slots.values()), key
    before = model.evaluate(X, Y, verbose=0)
    assert np.isfinite(before).all()
    twin = copy.deepcopy(model)
    histories = []
    for each in (model, twin):
        utils.set_random_seed(1)
        histories.append(each.fit(X, Y, batch_size=8, epochs=2, verbose=0).history)
    assert histories[0] == histories[1]
    assert model.predict(X, verbose=0).shape == (64, 2)
    for layer in model.layers:
        assert not [name for name in vars(layer) if name in ("forward", "backward")]


@pytest.mark.parametrize("step", [1, 2, 3, 8, 9, 17])
def test_an_interruption_before_a_step(step: int) -> None:
    model = network()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, batch_size=8, epochs=4, verbose=0, callbacks=[Interrupting(step)])
    assert model.optimizer.iterations == step - 1
    whole(model)


@pytest.mark.parametrize("seed", range(12 * TIMES))
@pytest.mark.parametrize("make", [network, graph])
def test_an_interruption_at_a_random_moment(make: Callable[[], Any], seed: int) -> None:
    """A thread sends it while `fit`, `evaluate` or `predict` runs in the middle of anything."""
    model = make()
    model.fit(X, Y, batch_size=8, verbose=0)
    moment = np.random.default_rng(seed)
    arrived = threading.Event()
    timer = threading.Timer(moment.uniform(0.0, 0.03), lambda: send(arrived))
    with pytest.raises(KeyboardInterrupt):
        use(model, timer, arrived)
    timer.join()
    whole(model)


def use(model: Any, timer: threading.Timer, arrived: threading.Event) -> None:
    timer.start()
    while not arrived.is_set():
        model.fit(X, Y, batch_size=8, epochs=3, validation_split=0.2, verbose=0)
        model.evaluate(X, Y, batch_size=8, verbose=0)
        model.predict(X, batch_size=8, verbose=0)
    for _ in range(10_000):  # the signal is on its way
        pass


def send(arrived: threading.Event) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    arrived.set()


# Forks.


def predict_in_child(model: Any, queue: Any) -> None:
    model.fit(X, Y, batch_size=8, verbose=0)
    queue.put(model.predict(X, batch_size=8, verbose=0))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_that_forks_after_training() -> None:
    """The child trains on by itself: it has neither the parent's threads nor its numbers."""
    model = network()
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    big = Sequential([Input((512,)), layers.Dense(512), layers.Dense(512)])
    big.predict(rng.normal(size=(512, 512)), batch_size=512, verbose=0)  # products by two threads
    before = model.get_weights()
    twin = copy.deepcopy(model)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=predict_in_child, args=(model, queue)) for _ in range(2)]
    for child in children:
        child.start()
    found = [queue.get(timeout=60) for _ in children]
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    assert all(map(np.array_equal, before, model.get_weights()))
    twin.fit(X, Y, batch_size=8, verbose=0)
    expected = twin.predict(X, batch_size=8, verbose=0)
    assert all(np.array_equal(each, expected) for each in found)


def predicted(model: Any, seed: int) -> np.ndarray:
    """Train a copy a little, and predict; in a process or a thread of a pool."""
    own = copy.deepcopy(model)
    own.fit(X, Y, batch_size=8, shuffle=False, verbose=0)
    return own.predict(X, batch_size=8, verbose=0)


# Loky starts new Pythons, which takes seconds; the others fork, or are threads.
BACKENDS = ["multiprocessing", "threading", *(["loky"] if TIMES > 1 else [])]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_joblib_after_training(backend: str) -> None:
    joblib = pytest.importorskip("joblib", reason="joblib is not installed")
    model = network()
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    before = model.get_weights()
    expected = predicted(model, 0)
    found = joblib.Parallel(n_jobs=2, backend=backend)(
        joblib.delayed(predicted)(model, seed) for seed in range(4)
    )
    assert all(np.array_equal(each, expected) for each in found)
    assert all(map(np.array_equal, before, model.get_weights()))


SUBINTERPRETER = """
import sys
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    try:
        import _interpreters as interpreters
    except ImportError:
        sys.exit("none here")
import tinynet
number = interpreters.create()
try:
    found = interpreters.run_string(number, "import tinynet")
except Exception as error:  # Python 3.11 and 3.12 raise it, later ones return it
    found = error
print(found)
import numpy as np
model = tinynet.Sequential([tinynet.layers.Dense(2)])
print(model.predict(np.ones((3, 4)), verbose=0).shape)
"""


def test_a_subinterpreter_is_refused_by_numpy() -> None:
    """It is not promised: NumPy can be loaded once in a process. The first one goes on."""
    done = subprocess.run(
        [sys.executable, "-c", SUBINTERPRETER], capture_output=True, text=True, cwd=ROOT
    )
    if "none here" in done.stderr:
        pytest.skip("this Python shows no subinterpreters")
    assert done.returncode == 0, done.stderr
    refused, shape = done.stdout.strip().rsplit("\n", 1)
    assert "ImportError" in refused and "once per process" in refused
    assert shape == "(3, 2)"
