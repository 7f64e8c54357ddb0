"""Batches in shares: divided, worked on side by side, through one layer or through several."""

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet import Sequential, config
from tinynet.kernels import threads, winograd
from tinynet.layers import (
    Activation,
    AveragePooling2D,
    Conv2D,
    DepthwiseConv2D,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    Layer,
    MaxPooling2D,
    SeparableConv2D,
)
from tinynet.stack import _runs

LAYERS = [
    lambda: Conv2D(3, 3, padding="same", activation="tanh", activity_regularizer="l2"),
    lambda: Conv2D(3, 3, padding="same", strides=2, activation="relu"),
    lambda: DepthwiseConv2D(3, depth_multiplier=2, activation="relu"),
    lambda: SeparableConv2D(4, 3, strides=2),
    lambda: MaxPooling2D(3, 2, "same"),
    lambda: AveragePooling2D(2),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("make", LAYERS)
def test_images_in_shares_give_the_same_in_any_number_of_threads(
    make: Any, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winograd, "MANY", 3)
    config.set_floatx(dtype)
    x = np.random.default_rng(0).normal(size=(7, 9, 8, 3)).astype(dtype)
    layer = make()

    def results(least: int, number: int) -> list[Any]:
        monkeypatch.setattr(threads, "LEAST", least)
        monkeypatch.setattr(threads, "_workers", number)
        monkeypatch.setattr(threads, "_pool", None)
        out = layer(x)
        dout = np.random.default_rng(1).normal(size=out.shape).astype(dtype)
        dx = layer.backward(dout)
        grads = {key: grad.copy() for key, grad in layer.grads.items()}
        layer.learn(dout)
        for key, grad in layer.grads.items():
            np.testing.assert_array_equal(grad, grads[key])
        return [out.copy(), dx.copy(), *grads.values()]

    at_once, in_turn, by_two, by_three = (
        results(*each) for each in ((10**9, 1), (64, 1), (64, 2), (64, 3))
    )
    for one, two, three, four in zip(in_turn, by_two, by_three, at_once, strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)
        rounding = {"float32": 2e-5, "float64": 1e-13}[dtype]  # of a sum in tiles
        np.testing.assert_allclose(one, four, rtol=0, atol=rounding * np.abs(four).max())


@given(n=st.integers(0, 100), nbytes=st.integers(0, 10**7))
def test_shares_are_all_samples_in_their_order(n: int, nbytes: int) -> None:
    parts = threads.shares(n, nbytes)
    assert [i for part in parts for i in range(n)[part]] == list(range(n))
    sizes = [len(range(n)[part]) for part in parts]
    assert len(parts) <= threads.SHARES and max(sizes) - min(sizes) <= 1


def test_products_run_in_one_thread_within_a_share(monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    switches = {"get": lambda: 4, "set": said.append}
    monkeypatch.setattr(threads, "switch", switches.get)
    threads.side_by_side(lambda number, part: said.append(number), [slice(0, 1)])
    assert said == [1, 0, 4]


def test_products_stay_in_one_thread_while_any_batch_is_worked_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two threads of a program, each with a batch; and somebody sets the threads meanwhile."""
    now = [4]
    switches = {"get": lambda: now[0], "set": lambda n: now.__setitem__(0, n)}
    monkeypatch.setattr(threads, "switch", switches.get)
    one_part = [slice(0, 1)]
    begun, go_on = threading.Event(), threading.Event()

    def first(number: int, part: slice) -> None:
        begun.set()
        go_on.wait(timeout=60)

    def second(number: int, part: slice) -> None:
        go_on.set()
        other.join(timeout=60)
        assert now == [1]
        threads.set_products(3)
        assert now == [1]

    other = threading.Thread(target=threads.side_by_side, args=(first, one_part))
    other.start()
    begun.wait(timeout=60)
    threads.side_by_side(second, one_part)
    assert now == [3] and not other.is_alive()


def test_shares_within_a_share_run_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_workers", 2)
    parts = threads.shares(8, 10**9)
    done: list[tuple[int, int]] = []

    def outer(number: int, part: slice) -> None:
        threads.side_by_side(lambda inner, _: done.append((number, inner)), parts)

    threads.side_by_side(outer, parts)
    assert sorted(done) == [(i, j) for i in range(len(parts)) for j in range(len(parts))]


def test_no_share_runs_on_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that have begun are over, and the others do not begin."""
    monkeypatch.setattr(threads, "_workers", 2)
    failed, begun, ended = threading.Event(), [], []

    def work(number: int, part: slice) -> None:
        begun.append(number)
        if number == 0:
            failed.set()
            raise ValueError("the first share")
        failed.wait(timeout=60)
        ended.append(number)

    parts = [slice(i, i + 1) for i in range(10_000)]
    with pytest.raises(ValueError, match="the first share"):
        threads.side_by_side(work, parts)
    assert begun[0] == 0 or begun[1] == 0
    assert sorted(begun) == sorted([0, *ended])
    assert len(begun) < len(parts)


def test_nobody_waits_for_a_thread_that_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """The only helping thread is busy with another batch; the caller does all parts itself."""
    monkeypatch.setattr(threads, "_workers", 2)
    monkeypatch.setattr(threads, "_pool", None)
    busy, go_on = threading.Event(), threading.Event()

    def long(number: int, part: slice) -> None:
        if threading.current_thread() is not other:
            busy.set()
        go_on.wait(timeout=60)

    parts, done = [slice(0, 1), slice(1, 2)], []
    other = threading.Thread(target=threads.side_by_side, args=(long, parts))
    other.start()
    assert busy.wait(timeout=60)
    threads.side_by_side(lambda number, part: done.append(number), parts)
    assert done == [0, 1] and other.is_alive()
    go_on.set()
    other.join(timeout=60)


def test_an_error_in_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_workers", 2)

    def work(number: int, part: slice) -> None:
        if number == 1:
            raise ValueError("the second share")

    with pytest.raises(ValueError, match="the second share"):
        threads.side_by_side(work, [slice(0, 1), slice(1, 2), slice(2, 3)])


@pytest.mark.parametrize(("said", "expected"), [("3", 3), ("0", None), ("many", None)])
def test_the_number_of_threads_may_come_from_the_environment(
    said: str, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    processors = threads.workers()
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert threads.workers() == (processors if expected is None else expected) >= 1


def small_network() -> Sequential:
    """Make layers that go in shares together, around one that does not."""
    return Sequential(
        [
            Conv2D(4, 3, padding="same", activation="relu", dtype="float64", input_shape=(9, 8, 2)),
            MaxPooling2D(),
            Conv2D(5, 2, activation="tanh", kernel_regularizer="l2", dtype="float64"),
            Activation("sigmoid"),
            SeparableConv2D(3, 2, activity_regularizer="l2", dtype="float64"),
            AveragePooling2D((1, 2), padding="same"),
            GlobalMaxPooling2D(keepdims=True),
            GlobalAveragePooling2D(),
        ]
    )


def one_by_one(model: Sequential, x: np.ndarray, dout: np.ndarray) -> list[np.ndarray]:
    """Send a batch forth and back by the ways of the single layers."""
    out = x
    for layer in model.layers:
        out = layer.forward(out, True)
    dx = dout
    for layer in reversed(model.layers):
        dx = layer.backward(dx)
    for layer in model.layers:
        layer.add_penalty_gradients()
    return [out.copy(), dx, *(each.copy() for each in model.grads.values())]


@pytest.mark.parametrize("least", [64, 10**9])
@pytest.mark.parametrize("workers", [1, 3])
def test_several_layers_at_once_find_what_they_find_one_by_one(
    workers: int, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "LEAST", least)
    monkeypatch.setattr(threads, "_workers", workers)
    monkeypatch.setattr(threads, "_pool", None)
    rng, model = np.random.default_rng(0), small_network()
    assert [len(run) for run in _runs(model.layers)] == [3, 1, 4]
    x, dout = rng.normal(size=(7, 9, 8, 2)), rng.normal(size=(7, 3))
    expected = one_by_one(model, x, dout)
    out = model.forward(x, True)
    dx = model.backward(dout)
    found = [out, dx, *(each.copy() for each in model.grads.values())]
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
    model.learn(dout)
    for one, other in zip(model.grads.values(), found[2:], strict=True):
        np.testing.assert_array_equal(one, other)


def test_several_layers_at_once_start_at_logits() -> None:
    model = Sequential(
        [
            Conv2D(4, 3, activation="relu", dtype="float64", input_shape=(6, 6, 2)),
            Conv2D(3, 4, activation="softmax", dtype="float64"),
        ]
    )
    rng = np.random.default_rng(0)
    x, dlogits = rng.normal(size=(5, 6, 6, 2)), rng.normal(size=(5, 1, 1, 3))
    model.forward(x, True)
    lower, upper = model.layers
    expected = lower.backward(upper.backward_logits(dlogits))
    np.testing.assert_allclose(model.backward(dlogits, from_logits=True), expected, rtol=1e-12)
    gradients = [each.copy() for each in model.grads.values()]
    model.learn(dlogits, from_logits=True)
    for one, other in zip(model.grads.values(), gradients, strict=True):
        np.testing.assert_array_equal(one, other)


def test_ways_of_somebodys_own_are_taken() -> None:
    """In a subclass, or put in the place of one layer's function."""
    called = []

    class Twice(MaxPooling2D):
        def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
            called.append("forward")
            return 2 * super().forward(x, training)

        def backward(self, dout: np.ndarray) -> np.ndarray:
            called.append("backward")
            return super().backward(2 * dout)

    model = Sequential(
        [Conv2D(2, 2, dtype="float64", input_shape=(6, 6, 1)), Twice(), MaxPooling2D(), Flatten()]
    )
    last = model.layers[2]
    way = last.forward

    def watched(x: np.ndarray, training: bool = False) -> np.ndarray:
        called.append("watched")
        return way(x, training)

    last.forward = watched  # type: ignore[method-assign]
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 1))
    expected = one_by_one(model, x, np.ones((3, 2)))
    called.clear()
    out = model.forward(x, True)
    np.testing.assert_array_equal(out, expected[0])
    np.testing.assert_array_equal(model.backward(np.ones((3, 2))), expected[1])
    model.learn(np.ones((3, 2)))
    assert called == ["forward", "watched", "backward", "backward"]


def test_a_layer_that_cannot_take_what_the_one_before_it_puts_out() -> None:
    model = Sequential([MaxPooling2D(4, input_shape=(8, 8, 1)), MaxPooling2D(2)])
    with pytest.raises(ValueError, match="expected images of at least 2 x 2"):
        model.forward(np.ones((2, 4, 4, 1)))


def test_backward_before_forward() -> None:
    layer: Layer = MaxPooling2D()
    with pytest.raises(RuntimeError, match="backward came before forward"):
        layer.backward(np.ones((1, 2, 2, 1)))


def test_layers_that_have_seen_different_batches() -> None:
    """One layer in two models: compiled loops would write beside the arrays."""
    shared = Conv2D(4, 3, dtype="float64", input_shape=(8, 8, 1))
    one = Sequential([shared, MaxPooling2D(dtype="float64")])
    other = Sequential([shared, GlobalMaxPooling2D(dtype="float64")])
    out = one.forward(np.ones((4, 8, 8, 1)))
    other.forward(np.ones((30, 8, 8, 1)))
    for way in (one.backward, one.learn):
        with pytest.raises(ValueError, match="has seen another batch since"):
            way(out)


@pytest.mark.parametrize("make", [lambda: Conv2D(4, 3), lambda: MaxPooling2D(3)])
def test_a_refused_batch_changes_nothing(make: Any) -> None:
    layer = make()
    out = layer(np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype("float32"))
    expected = layer.backward(np.ones_like(out))
    with pytest.raises(ValueError, match="expected images of at least 3 x 3"):
        layer.forward(np.ones((3, 2, 2, 1), "float32"))
    np.testing.assert_array_equal(layer.backward(np.ones_like(out)), expected)


def test_one_model_in_two_threads() -> None:
    model = Sequential([MaxPooling2D(input_shape=(12, 12, 8)), AveragePooling2D()])
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(n, 12, 12, 8)).astype("float32") for n in (32, 20)]
    expected = [model.forward(x) for x in batches]
    wrong = []

    def use(x: np.ndarray, right: np.ndarray) -> None:
        for _ in range(200):
            if not np.array_equal(model.forward(x), right):
                wrong.append(len(x))

    users = [
        threading.Thread(target=use, args=pair) for pair in zip(batches, expected, strict=True)
    ]
    for user in users:
        user.start()
    for user in users:
        user.join(timeout=60)
    assert not wrong
