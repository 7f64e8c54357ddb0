"""In how many threads products run: one inside tinynet, unless somebody has said otherwise."""

import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinynet import Sequential, callbacks, config, repeat
from tinynet.interop.sklearn import NetClassifier
from tinynet.kernels import threads
from tinynet.layers import Dense

X, Y = np.random.default_rng(0).normal(size=(6, 4)).astype("float32"), np.arange(6) % 3
ROOT = Path(__file__).parents[1]


def blas_threads() -> int:
    get = threads.switch("get")
    assert get is not None, "these tests are about the OpenBLAS in NumPy's wheels"
    return int(get())


class Seeing(Dense):
    """A dense layer that notes in how many threads products run while it computes."""

    def __init__(self) -> None:
        super().__init__(3, activation="softmax")
        self.counts: list[int] = []

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        self.counts.append(blas_threads())
        return super().forward(x, training)


WAYS: dict[str, Callable[[Sequential], object]] = {
    "fit": lambda model: model.fit(X, Y, verbose=0, validation_split=0.5),
    "evaluate": lambda model: model.evaluate(X, Y, verbose=0),
    "predict": lambda model: model.predict(X, verbose=0),
    "train_on_batch": lambda model: model.train_on_batch(X, Y),
    "test_on_batch": lambda model: model.test_on_batch(X, Y),
    "predict_on_batch": lambda model: model.predict_on_batch(X),
    "call": lambda model: model(X),
}


def model() -> Sequential:
    made = Sequential([Seeing()])
    made.compile("sgd", "sparse_categorical_crossentropy")
    return made


@pytest.fixture
def nobody_has_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    threads.set_products(3)  # what BLAS takes by itself
    monkeypatch.setattr(threads, "_chosen", False)


@pytest.mark.usefixtures("nobody_has_chosen")
@pytest.mark.parametrize("way", WAYS)
def test_products_run_in_one_thread_and_numpy_gets_its_own_back(way: str) -> None:
    seeing = model()
    WAYS[way](seeing)
    assert set(seeing.layers[0].counts) == {1}  # type: ignore[attr-defined]
    assert blas_threads() == 3
    assert config.threads() == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_choice_counts(way: str) -> None:
    config.set_threads(2)
    seeing = model()
    WAYS[way](seeing)
    assert set(seeing.layers[0].counts) == {2}  # type: ignore[attr-defined]
    assert blas_threads() == config.threads() == 2


@pytest.mark.usefixtures("nobody_has_chosen")
def test_threads_come_back_after_an_error_and_after_ctrl_c() -> None:
    for error in (ValueError, KeyboardInterrupt):

        def stop(epoch: int, logs: object, error: type[BaseException] = error) -> None:
            raise error

        with pytest.raises(error):
            model().fit(X, Y, verbose=0, callbacks=[callbacks.LambdaCallback(on_epoch_end=stop)])
        assert blas_threads() == 3


@pytest.mark.usefixtures("nobody_has_chosen")
def test_a_choice_made_during_fit_counts_from_the_next_one_on() -> None:
    def choose(epoch: int, logs: object) -> None:
        config.set_threads(2)

    seeing = model()
    seeing.fit(X, Y, verbose=0, callbacks=[callbacks.LambdaCallback(on_epoch_begin=choose)])
    seeing.fit(X, Y, verbose=0)
    assert seeing.layers[0].counts == [1, 2]  # type: ignore[attr-defined]


@pytest.mark.usefixtures("nobody_has_chosen")
def test_one_fit_inside_another_and_an_estimator() -> None:
    inner = model()
    seen = []

    def fit_another(epoch: int, logs: object) -> None:
        inner.fit(X, Y, verbose=0)
        NetClassifier().fit(X, Y)
        seen.append(blas_threads())

    model().fit(X, Y, verbose=0, callbacks=[callbacks.LambdaCallback(on_epoch_end=fit_another)])
    assert (inner.layers[0].counts, seen) == ([1], [1])  # type: ignore[attr-defined]
    assert blas_threads() == 3


@pytest.mark.parametrize(
    ("chosen", "inside"),
    [
        ({}, 1),
        ({"OPENBLAS_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "2"}, 2),
        ({"OPENBLAS_NUM_THREADS": ""}, 1),
        ({"MKL_NUM_THREADS": "2"}, 1),
    ],
)
def test_the_environment_chooses(chosen: dict[str, str], inside: int) -> None:
    if inside > (os.cpu_count() or 1):
        pytest.skip("OpenBLAS takes no more threads than there are processors: here is one")
    script = """
import numpy as np, tinynet
from tinynet.kernels import threads
tinynet.layers.Layer.forward = lambda self, x, training=False: print(threads.switch("get")()) or x
tinynet.Sequential([tinynet.layers.Layer()]).predict(np.ones((2, 2)), verbose=0)
"""
    environment = {k: v for k, v in os.environ.items() if "NUM_THREADS" not in k} | chosen
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.stdout.split() == [str(inside)], done.stderr


def test_products_stay_in_one_thread_while_any_batch_is_worked_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two threads of a program, each with a batch; and somebody sets the threads meanwhile."""
    now = [4]
    switches = {"get": lambda: now[0], "set": lambda n: now.__setitem__(0, n)}
    monkeypatch.setattr(threads, "switch", switches.get)
    begun, go_on = threading.Event(), threading.Event()

    def first() -> None:
        with threads.products_in_one_thread():
            begun.set()
            go_on.wait(timeout=60)

    other = threading.Thread(target=first)
    other.start()
    begun.wait(timeout=60)
    with threads.products_in_one_thread():
        go_on.set()
        other.join(timeout=60)
        assert now == [1]
        threads.set_products(3)
        assert now == [1]
    assert now == [3] and not other.is_alive()


@pytest.mark.parametrize(("said", "expected"), [("3", 3), ("0", None), ("many", None)])
def test_the_number_of_threads_may_come_from_the_environment(
    said: str, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    processors = threads.workers()
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert threads.workers() == (processors if expected is None else expected) >= 1


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork here")
def test_a_child_of_a_thread_that_writes_a_step_down() -> None:
    """A lock is copied as it is, and the thread that would release it is not."""
    x = np.ones((8, 3))
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with repeat.one_at_a_time:
            held.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    context = multiprocessing.get_context("fork")
    child = context.Process(target=lambda: Sequential([Dense(2)]).predict(x, 2, verbose=0))
    child.start()
    child.join(timeout=60)
    code = child.exitcode  # None: it still waits
    child.kill()
    done.set()
    thread.join()
    assert code == 0


def test_who_takes_part_is_seen_while_nobody_writes_a_step_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Meanwhile the methods of a model's layers are others, in all threads."""
    asked, looked = [], repeat.is_ours

    def is_ours(part: object) -> bool:
        asked.append(repeat.one_at_a_time._is_owned())  # type: ignore[attr-defined]
        return looked(part)

    monkeypatch.setattr(repeat, "is_ours", is_ours)
    Sequential([Dense(2)]).predict(np.ones((8, 3)), 2, verbose=0)
    assert asked and all(asked)


def test_a_blas_that_cannot_be_told_how_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"get": lambda: 2, "set": None}
    monkeypatch.setattr(threads, "switch", known.__getitem__)
    before = threads._batches
    with threads.products_in_one_thread():
        assert threads._batches == before
