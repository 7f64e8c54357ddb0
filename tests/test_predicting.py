"""`predict_on_batch` repeats a pass that comes again, to the bit what the layers would give."""

import copy
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinynet
from tinynet import Input, Model, Sequential, config, layers
from tinynet.predicting import LARGEST, OFTEN

rng = np.random.default_rng(0)


def dense() -> Sequential:
    return Sequential(
        [
            Input((6,)),
            layers.Dense(7, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax"),
        ]
    )


def convolutional() -> Sequential:
    return Sequential(
        [
            Input((8, 8, 2)),
            layers.Conv2D(4, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            layers.LayerNormalization(),
            layers.DepthwiseConv2D(3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def two_outputs() -> Model:
    x = Input((5,))
    h = layers.Dense(4, activation="leaky_relu")(x)
    return Model(x, [layers.Add()([h, layers.Dense(4)(x)]), layers.Flatten()(h)])


MODELS: dict[str, Callable[[], Any]] = {
    "dense": dense,
    "convolutional": convolutional,
    "two outputs": two_outputs,
    "nothing computed": lambda: Sequential([Input((2, 3)), layers.Flatten()]),
}


def shape_of(model: Any) -> tuple[int, ...]:
    return tuple(model.sample_shape or model.input_shape[1:])


def batches(model: Any, n: int = 2, times: int = 2 * OFTEN) -> list[np.ndarray]:
    return [rng.normal(size=(n, *shape_of(model))).astype("f4") for _ in range(times)]


def repeated(model: Any, n: int = 1) -> np.ndarray:
    """Predict until the pass is written down; return a batch."""
    some = batches(model, n, OFTEN)
    for x in some:
        model.predict_on_batch(x)
    assert model._predictor.written is not None
    return some[0]


def same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    for a, b in zip(
        *(each if isinstance(each, list) else [each] for each in (found, expected)), strict=True
    ):
        np.testing.assert_array_equal(a, b, strict=True)


@pytest.mark.parametrize("form", ["numpy", "numba"])
@pytest.mark.parametrize("n", [1, 5])
@pytest.mark.parametrize("name", MODELS)
def test_the_bits_of_a_pass_through_the_layers(name: str, n: int, form: str) -> None:
    config.use_kernels(form)
    model = MODELS[name]()
    some = batches(model, n)
    found = [model.predict_on_batch(x) for x in some]
    assert model._predictor.written is not None
    for x, each in zip(some, found, strict=True):  # no output has been overwritten by a later one
        same(each, model.forward(x))


def test_it_is_repeated() -> None:
    model = dense()
    x = repeated(model)
    written = model._predictor.written
    logits = model.layers[0].logits
    model.predict_on_batch(x + 1)
    assert model._predictor.written is written
    assert model.layers[0].logits is logits  # through the layers, it would be another array
    np.testing.assert_allclose(logits[0], (x[0] + 1) @ model.layers[0].kernel.numpy(), rtol=1e-5)


def change_activation(model: Sequential) -> None:
    model.layers[0].activation = tinynet.activations.get("tanh")


def change_rate(model: Sequential) -> None:
    model.layers[1].epsilon = 0.5


def replace_weights(model: Sequential) -> None:
    model.layers[0].params["kernel"] = rng.normal(size=(6, 7)).astype("f4")


def set_weights(model: Sequential) -> None:
    model.set_weights([rng.uniform(0.5, 1, each.shape) for each in model.get_weights()])


def train(model: Sequential) -> None:
    model.compile("sgd", "mse")
    model.fit(rng.normal(size=(8, 6)), rng.normal(size=(8, 3)), batch_size=4, verbose=0)


def replace_a_method(model: Sequential) -> None:
    layer = model.layers[-1]
    layer.forward = lambda x, training=False: x[:, :3]


def add_a_layer(model: Sequential) -> None:
    model.add(layers.Dense(2))


def remove_a_layer(model: Sequential) -> None:
    model.pop()


def other_kernels(model: Sequential) -> None:
    config.use_kernels("numpy" if config.kernels() == "numba" else "numba")


@pytest.mark.parametrize(
    "change",
    [
        *(change_activation, change_rate, replace_weights, set_weights, train),
        *(replace_a_method, add_a_layer, remove_a_layer, other_kernels),
    ],
)
def test_what_is_changed_is_seen(change: Callable[[Sequential], None]) -> None:
    model = dense()
    x = repeated(model)
    before = model.predict_on_batch(x)
    change(model)
    found = [model.predict_on_batch(x) for _ in range(2 * OFTEN)]
    for each in found:
        same(each, model.forward(x))
    if change is not other_kernels:
        assert found[0].shape != before.shape or np.abs(found[0] - before).max() > 1e-6


def test_after_another_pass_the_layers_have_what_was_left_last() -> None:
    model = dense()
    x = repeated(model)
    model.forward(x + 1)
    model.predict_on_batch(x)
    np.testing.assert_array_equal(model.layers[0].x, x)


def test_other_shapes_in_between() -> None:
    model = dense()
    one, two = repeated(model), batches(model, 2, 1)[0]
    for x in (one, two, one, one, two, two, two, one, one, one, one):
        same(model.predict_on_batch(x), model.forward(x))


def test_other_types_and_layouts() -> None:
    model = dense()
    x = repeated(model, 2)
    for other in (x.astype("f8"), np.asfortranarray(x), x[::-1], (8 * x).astype("i8"), x.tolist()):
        expected = model.forward(np.array(other, "f4"))
        model.predict_on_batch(x)
        model.predict_on_batch(x)
        same(model.predict_on_batch(other), expected)


@pytest.mark.parametrize("n", [LARGEST + 1])
def test_large_batches_are_not_written_down(n: int) -> None:
    model = dense()
    for x in batches(model, n):
        model.predict_on_batch(x)
    assert model._predictor.written is None


def test_a_layer_of_the_users_is_called_every_time() -> None:
    calls = []

    class Counts(layers.Layer):
        def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
            calls.append(len(x))
            return x

    model = Sequential([Input((6,)), Counts(), layers.Dense(2)])
    for x in batches(model, 1):
        model.predict_on_batch(x)
    assert calls == [1] * 2 * OFTEN


def test_a_copy_begins_anew() -> None:
    model = dense()
    x = repeated(model)
    other = copy.deepcopy(model)
    other.layers[0].params["kernel"][...] = 0
    expected = model.predict_on_batch(x)
    assert other._predictor.written is None
    assert np.abs(other.predict_on_batch(x) - expected).max() > 1e-4
    same(model.predict_on_batch(x), expected)


def test_threads_do_not_get_each_others_results() -> None:
    model = dense()
    repeated(model)
    some = batches(model, 1, 8)
    expected = [model.forward(x) for x in some]
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(200):
            if not np.array_equal(model.predict_on_batch(some[number]), expected[number]):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(some))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
