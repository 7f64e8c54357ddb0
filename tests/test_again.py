"""A pass that is repeated gives what the layers give, whatever happened in between."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinynet
from tinynet import Input, Model, Sequential, repeat
from tinynet.again import ROWS, SHAPES
from tinynet.layers import (
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPooling2D,
    ReLU,
    Rescaling,
)

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(40, 5))
IMAGES = RNG.integers(0, 256, (40, 8, 8, 1)).astype("uint8")


def dense() -> Any:
    layers = [Dense(4), BatchNormalization(), ReLU(), Dropout(0.5), Dense(3, activation="softmax")]
    return Sequential([Input((5,)), *layers])


def convolutional() -> Any:
    layers = [Rescaling(1 / 255), Conv2D(4, 3, activation="relu"), MaxPooling2D(), Flatten()]
    return Sequential([Input((8, 8, 1)), *layers, Dense(2)])


def graph() -> Any:
    x = Input((5,))
    one = Dense(4, activation="tanh")(x)
    return Model(x, Dense(2)(Add()([one, Dense(4)(x)])))


MODELS = {"dense": (dense, VECTORS), "convolutional": (convolutional, IMAGES)}
MODELS["graph"] = (graph, VECTORS)


def by_layers(model: Any, x: Any) -> Any:
    return model.forward(np.asarray(x, "float32"))


@pytest.fixture
def model() -> Any:
    tinynet.utils.set_random_seed(0)
    model = dense()
    for _ in range(3):
        model.predict_on_batch(VECTORS[:1])
    return model


@pytest.mark.parametrize("form", ["numpy", "numba"])
@pytest.mark.parametrize("kind", MODELS)
def test_the_same_bits_as_the_layers(kind: str, form: str) -> None:
    make, x = MODELS[kind]
    before = tinynet.kernels.registry.active_form()
    tinynet.config.use_kernels(form)
    try:
        model = make()
        for rows in (1, 7, ROWS, ROWS + 1):
            for first in range(3):
                some = x[first : first + rows]
                np.testing.assert_array_equal(model.predict_on_batch(some), by_layers(model, some))
    finally:
        tinynet.config.use_kernels(before)


def written(model: Any) -> int:
    return len(model._passes.written)


def test_what_is_written_down() -> None:
    model = dense()
    for rows in range(1, SHAPES + 3):
        model.predict_on_batch(VECTORS[:rows])
    assert written(model) == SHAPES
    other = dense()
    other.predict_on_batch(VECTORS[: ROWS + 1])
    assert written(other) == 0


def test_samples_are_still_checked(model: Any) -> None:
    some = VECTORS[:1].copy()
    right = model.predict_on_batch(some)
    some[0, 3] = np.nan
    with pytest.raises(ValueError, match=r"x: expected finite numbers, got nan .*\(0, 3\)"):
        model.predict_on_batch(some)
    with pytest.raises(ValueError, match="x: 1 masked entries"):
        model.predict_on_batch(np.ma.masked_invalid(some))
    for other in (some.astype(str), some.astype(complex)):
        with pytest.raises(TypeError, match="x: expected numbers, got dtype"):
            model.predict_on_batch(other)
    for same in (VECTORS[:1], VECTORS[:1].tolist(), VECTORS[:1].astype(">f8")):
        np.testing.assert_array_equal(model.predict_on_batch(same), right)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "bool"])
def test_numbers_of_any_type(dtype: str) -> None:
    model = dense()
    for rows in (1, 2, 1, 2):
        some = np.abs(VECTORS[:rows]).astype(dtype)
        np.testing.assert_array_equal(model.predict_on_batch(some), by_layers(model, some))
    assert written(model) == 2


def test_another_type_of_floats(model: Any) -> None:
    before = model.predict_on_batch(VECTORS[:1])
    tinynet.config.set_floatx("float64")
    try:
        found = model.predict_on_batch(VECTORS[:1])
        np.testing.assert_array_equal(found, model.forward(VECTORS[:1]))
    finally:
        tinynet.config.set_floatx("float32")
    np.testing.assert_array_equal(model.predict_on_batch(VECTORS[:1]), before)


def double(model: Any) -> None:
    model.layers[0].params["kernel"] *= 2


def new_weights(model: Any) -> None:
    model.layers[0].params["kernel"] = 2 * model.layers[0].params["kernel"]


def new_state(model: Any) -> None:
    mean = model.layers[1].state["moving_mean"]
    model.layers[1].state["moving_mean"] = mean + np.float32(1)


def new_dictionary(model: Any) -> None:
    params = model.layers[4].params
    model.layers[4].params = {key: 2 * value for key, value in params.items()}


def other_activation(model: Any) -> None:
    model.layers[4].activation = tinynet.activations.get("sigmoid")


def other_epsilon(model: Any) -> None:
    model.layers[1].epsilon = 1.0


def one_more(model: Any) -> None:
    model.add(ReLU(negative_slope=0.5))
    model.add(Dense(2, kernel_initializer="ones"))


def one_less(model: Any) -> None:
    model.pop()


def trained(model: Any) -> None:
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(VECTORS, np.arange(40) % 3, verbose=0)


CHANGES: list[Callable[[Any], None]] = [double, new_weights, new_state, new_dictionary]
CHANGES += [other_activation, other_epsilon, one_more, one_less, trained]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_is_seen(model: Any, change: Callable[[Any], None]) -> None:
    before = model.predict_on_batch(VECTORS[:1])
    change(model)
    for _ in range(2):
        after = model.predict_on_batch(VECTORS[:1])
        np.testing.assert_array_equal(after, by_layers(model, VECTORS[:1]))
    assert not np.array_equal(after, before)


def test_an_option_that_is_changed_in_place_is_seen() -> None:
    model = Sequential([Input((3,)), Rescaling(np.array([1.0, 2.0, 3.0]))])
    x = np.ones((1, 3), "float32")
    for times in (1, 3, 6):
        model.layers[0].scale[...] = times * np.array([1.0, 2.0, 3.0])
        np.testing.assert_array_equal(model.predict_on_batch(x), [[times, 2 * times, 3 * times]])
        np.testing.assert_array_equal(model.predict_on_batch(x), [[times, 2 * times, 3 * times]])


def test_a_list_that_is_changed_in_place_is_seen() -> None:
    model = Sequential([Input((2,)), Rescaling([1.0, 2.0], [0.0, 0.0])])
    x = np.ones((1, 2), "float32")
    for scale, offset in ((1, 0), (100, 0), (100, 50)):
        model.layers[0].scale[0], model.layers[0].offset[1] = float(scale), float(offset)
        for _ in range(2):
            np.testing.assert_array_equal(model.predict_on_batch(x), [[scale, 2 + offset]])


def nothing(x: Any, training: bool = False) -> Any:
    return 0 * x


def new_forward(model: Any) -> None:
    model.forward = nothing


def new_forward_of_nested(model: Any) -> None:
    model.layers[0].forward = nothing


def new_activate(model: Any) -> None:
    model.layers[1].activate = nothing


def new_function(model: Any) -> None:
    model.layers[1].activation.forward = nothing


REPLACED = [new_forward, new_forward_of_nested, new_activate, new_function]


@pytest.mark.parametrize("replace", REPLACED, ids=lambda change: change.__name__)
def test_a_method_that_is_replaced_is_called(replace: Callable[[Any], None]) -> None:
    inner = Sequential([Input((5,)), Dense(5)])
    tanh = tinynet.activations.tanh.with_options()
    model = Sequential([Input((5,)), inner, Dense(5, activation=tanh)])
    for _ in range(3):
        before = model.predict_on_batch(VECTORS[:1])
    replace(model)
    for _ in range(2):
        after = model.predict_on_batch(VECTORS[:1])
        np.testing.assert_array_equal(after, by_layers(model, VECTORS[:1]))
    assert before.all() and not after.any()


def test_a_class_that_is_changed_is_seen(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = model.predict_on_batch(VECTORS[:1])
    monkeypatch.setattr(ReLU, "forward", lambda self, x, training=False: 0 * x)
    for _ in range(2):
        after = model.predict_on_batch(VECTORS[:1])
        np.testing.assert_array_equal(after, by_layers(model, VECTORS[:1]))
    assert not np.array_equal(after, before)


def test_a_change_inside_of_a_nested_model_is_seen() -> None:
    inner = Sequential([Input((5,)), Dense(3, kernel_initializer="ones")])
    model = Sequential([Input((5,)), inner, ReLU()])
    x = np.ones((1, 5))
    before = model.predict_on_batch(x)
    inner.add(Dense(3, kernel_initializer="ones", bias_initializer="ones"))
    after = model.predict_on_batch(x)
    np.testing.assert_array_equal(after, by_layers(model, x))
    assert not np.array_equal(after, before)


def test_results_are_arrays_of_their_own(model: Any) -> None:
    one = model.predict_on_batch(VECTORS[:1])
    kept = one.copy()
    other = model.predict_on_batch(VECTORS[1:2])
    np.testing.assert_array_equal(one, kept)
    other[...] = 0
    np.testing.assert_array_equal(model.predict_on_batch(VECTORS[:1]), kept)


@pytest.mark.parametrize("rows", [1, ROWS + 1])
def test_layers_keep_what_they_need_for_their_way_back(rows: int) -> None:
    tinynet.utils.set_random_seed(1)  # with which dropout leaves something
    model, dout = dense(), RNG.normal(size=(4, 3)).astype("float32")
    model.forward(VECTORS[:4].astype("float32"), training=True)
    kept = vars(model.layers[0])["x"]
    before = model.backward(dout)
    for _ in range(3):
        model.predict_on_batch(VECTORS[5 : 5 + rows])
    assert vars(model.layers[0])["x"] is kept
    np.testing.assert_array_equal(model.backward(dout), before)
    assert before.any()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_has_passes_of_its_own(model: Any, copied: Callable[[Any], Any]) -> None:
    other = copied(model)
    assert written(model) == 1 and written(other) == 0
    before = model.predict_on_batch(VECTORS[:1])
    np.testing.assert_array_equal(other.predict_on_batch(VECTORS[:1]), before)
    other.layers[0].params["kernel"][...] = 0
    assert not np.array_equal(other.predict_on_batch(VECTORS[:1]), before)
    np.testing.assert_array_equal(model.predict_on_batch(VECTORS[:1]), before)


def test_layers_of_the_users_are_called_in_every_pass() -> None:
    class Counts(Dense):
        calls = 0

        def forward(self, x: Any, training: bool = False) -> Any:
            self.calls += 1
            return super().forward(x, training)

    layer = Counts(3)
    model = Sequential([Input((5,)), layer])
    for _ in range(4):
        model.predict_on_batch(VECTORS[:1])
    assert layer.calls == 4 and written(model) == 0


def test_a_layer_that_somebody_looks_on_is_called(model: Any) -> None:
    calls, forward = [], model.layers[0].forward

    def watched(x: Any, training: bool = False) -> Any:
        calls.append(training)
        return forward(x, training)

    model.layers[0].forward = watched
    model.predict_on_batch(VECTORS[:1])
    model.predict_on_batch(VECTORS[:1])
    assert calls == [False, False]


def test_layers_are_called_if_the_model_is_run_eagerly(model: Any) -> None:
    model.compile("sgd", "mse", run_eagerly=True)
    seen = []
    for first in range(2):
        model.predict_on_batch(VECTORS[first : first + 1])
        seen.append(model.layers[0].x)
    assert not np.array_equal(*seen)


def test_a_child_does_not_wait_for_a_thread_that_it_does_not_have(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = repeat.one_at_a_time
    monkeypatch.setattr(repeat, "one_at_a_time", held)  # so that it is put back
    taken, ends = threading.Event(), threading.Event()

    def hold() -> None:
        with held:
            taken.set()
            ends.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    taken.wait()
    repeat._begin_in_child()  # what a fork calls
    predicting = threading.Thread(target=dense().predict_on_batch, args=(VECTORS[:1],), daemon=True)
    predicting.start()
    predicting.join(20)
    waits = predicting.is_alive()
    ends.set()
    holder.join()
    predicting.join()
    assert not waits


def test_many_threads_begin_with_a_new_model() -> None:
    for _ in range(20):
        model, begin = dense(), threading.Barrier(8)
        right = by_layers(copy.deepcopy(model), VECTORS[:1])
        found: list[Any] = []

        def predict(model: Any = model, begin: Any = begin, found: Any = found) -> None:
            begin.wait()
            found.append(model.predict_on_batch(VECTORS[:1]))

        threads = [threading.Thread(target=predict) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert len(found) == 8
        for out in found:
            np.testing.assert_array_equal(out, right)


def test_many_threads_at_once(model: Any) -> None:
    right = [by_layers(model, VECTORS[i : i + 1]) for i in range(16)]
    found: dict[int, list[Any]] = {i: [] for i in range(16)}

    def predict(i: int) -> None:
        for _ in range(30):
            found[i].append(model.predict_on_batch(VECTORS[i : i + 1]))

    threads = [threading.Thread(target=predict, args=(i,)) for i in found]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for i, outputs in found.items():
        for out in outputs:
            np.testing.assert_array_equal(out, right[i])
