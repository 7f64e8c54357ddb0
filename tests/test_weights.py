"""Every weight learns from its own gradient, whoever made, moved, copied or replaced the two."""

import copy
import pickle

import numpy as np
import pytest

from tinynet import Input, Sequential
from tinynet.initializers import Initializer, Ones
from tinynet.layers import BatchNormalization, Dense, Layer, ReLU
from tinynet.optimizers import SGD, Adam, Optimizer
from tinynet.regularizers import L2

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(12, 4)).astype("float32"), rng.integers(0, 3, 12)


def model(optimizer: Optimizer | None = None) -> Sequential:
    made = Sequential(
        [
            Input((4,)),
            Dense(5, use_bias=False, name="first"),
            BatchNormalization(name="norm"),
            ReLU(),
            Dense(3, activation="softmax", name="last"),
        ]
    )
    made.compile(optimizer or Adam(0.1), "sparse_categorical_crossentropy")
    weights = np.random.default_rng(1)
    made.set_weights([weights.uniform(0.1, 1, w.shape) for w in made.get_weights()])
    return made


def train(some: Sequential, steps: int = 3) -> None:
    for _ in range(steps):
        some.train_on_batch(X, Y)


def train_to_ones(some: Sequential) -> None:
    some.train_on_batch(X, np.ones((12, 3)))


def assert_same_weights(one: Sequential, other: Sequential) -> None:
    for own, expected in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(own, expected)


def test_a_copy_learns_on_its_own() -> None:
    some, expected = model(), model()
    train(some)
    train(expected, 6)
    twin, before = copy.deepcopy(some), some.get_weights()
    train(twin)
    assert_same_weights(twin, expected)
    state = expected.optimizer.get_state()
    for key, value in twin.optimizer.get_state().items():
        np.testing.assert_array_equal(value, state[key], err_msg=key)
    for own, kept in zip(some.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, kept)


def test_a_pickle_holds_every_number_once() -> None:
    some = Sequential([Input((4,)), Dense(20_000, name="wide"), Dense(3, activation="softmax")])
    some.compile(Adam(), "sparse_categorical_crossentropy")
    some.train_on_batch(X[:1], Y[:1])
    numbers = 4 * sum(each.nbytes for each in some.get_weights())  # gradients, two moments
    assert len(pickle.dumps(some)) < 1.3 * numbers  # and what the layers keep of the batch


def test_a_layer_in_two_models_learns_in_both() -> None:
    some = model(SGD(0.1))
    first = some.layers[0]
    other = Sequential([Input((4,)), first, Dense(3, activation="softmax")])
    other.compile(SGD(0.1), "sparse_categorical_crossentropy")
    for each in (some, other, some):
        before = first.params["kernel"].copy()
        each.train_on_batch(X, Y)
        assert not np.array_equal(first.params["kernel"], before)
        assert each.params["first/kernel"] is first.params["kernel"]


def test_freezing_and_freeing_keep_what_the_optimizer_remembers() -> None:
    some = model()
    train(some)
    kept = {key: value.copy() for key, value in some.optimizer.slots["first/kernel"].items()}
    some.layers[0].trainable = False
    some.compile(some.optimizer, some.loss)
    frozen = some.layers[0].params["kernel"].copy()
    train(some)
    assert "first/kernel" not in some.params and "last/kernel" in some.params
    np.testing.assert_array_equal(some.layers[0].params["kernel"], frozen)
    for key, value in kept.items():
        np.testing.assert_array_equal(some.optimizer.slots["first/kernel"][key], value)
    some.layers[0].trainable = True
    some.compile(some.optimizer, some.loss)
    train(some)
    assert not np.array_equal(some.layers[0].params["kernel"], frozen)
    assert next(iter(some.params)) == "first/kernel"


def test_layers_of_two_float_types_learn() -> None:
    some = Sequential([Input((4,)), Dense(5, dtype="float64"), Dense(3, activation="softmax")])
    some.compile(SGD(0.1), "sparse_categorical_crossentropy")
    before = some.get_weights()
    train(some)
    assert {w.dtype.name for w in some.params.values()} == {"float32", "float64"}
    for own, old in zip(some.get_weights(), before, strict=True):
        assert own.dtype == old.dtype and not np.array_equal(own, old)


def test_a_gradient_that_a_layer_replaces_is_learned_from() -> None:
    class Halving(Dense):
        def backward(self, dout: np.ndarray) -> np.ndarray:
            dx = super().backward(dout)
            self.grads["kernel"] = self.grads["kernel"] / 2
            return dx

    one, other = (
        Sequential([Input((4,)), kind(5, use_bias=False), Dense(3)]) for kind in (Halving, Dense)
    )
    other.set_weights(one.get_weights())
    before = one.get_weights()[0]
    for each in (one, other):
        each.compile(SGD(0.5), "mse")
        each.train_on_batch(X, np.ones((12, 3)))
    half = one.get_weights()[0] - before
    np.testing.assert_allclose(2 * half, other.get_weights()[0] - before, rtol=1e-4, atol=1e-7)
    assert np.abs(half).max() > 1e-3


@pytest.mark.parametrize("change", ["set", "update", "or", "delete"])
def test_however_a_gradient_is_replaced_it_is_learned_from(change: str) -> None:
    some, expected = model(SGD(0.1)), model(SGD(0.1))
    for each, factor in ((some, 3), (expected, 1)):
        each.optimizer.learning_rate = 0.1 / factor
        each.loss_value(each.forward(X, training=True), Y)
        each.backward_from_loss()
        for layer in each.layers:
            new = {key: factor * value for key, value in layer.grads.items()}
            if change == "update":
                layer.grads.update(new)
            elif change == "or":
                layer.grads |= new
            else:
                for key, value in new.items():
                    if change == "delete":
                        del layer.grads[key]
                    layer.grads[key] = value
        each.optimizer.step(each.params, each.grads)
    for own, other in zip(some.get_weights(), expected.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-5)
    assert not np.allclose(some.get_weights()[0], model().get_weights()[0], rtol=1e-4)


def test_a_weight_that_lies_by_columns_learns() -> None:
    some, expected = model(SGD(0.1)), model(SGD(0.1))
    some.layers[0].params["kernel"] = np.asfortranarray(some.layers[0].params["kernel"])
    for each in (some, expected):
        train(each)
    assert_same_weights(some, expected)


def test_a_penalty_on_one_weight_changes_no_other_one() -> None:
    """Whatever array its gradient is in, and whether or not that can be written to."""

    class Two(Layer):
        def build(self, input_shape: tuple[int, ...]) -> None:
            for key, rule in (("a", L2(0.5)), ("b", None)):
                self.add_weight(key, input_shape, Ones(), rule)

        def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
            return x + self.params["a"] + self.params["b"]

        def backward(self, dout: np.ndarray) -> np.ndarray:
            shared = np.broadcast_to(dout.sum(), dout.shape[1:])
            self.grads["a"] = self.grads["b"] = shared
            return dout

    some = Sequential([Input((4,)), Two()])
    some.compile(SGD(0.1), "mse")
    some.loss_value(some.forward(X, training=True), np.zeros((12, 4)))
    some.backward_from_loss()
    a, b = some.grads.values()
    np.testing.assert_allclose(a - b, 1.0)  # 2 * 0.5 * 1


def test_an_initializer_keeps_its_array() -> None:
    values = np.ones((4, 3), "float32")
    values.flags.writeable = False

    class Kept(Initializer):
        def __call__(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
            return values

    some = Sequential([Input((4,)), Dense(3, kernel_initializer=Kept())])
    some.compile(SGD(0.1), "mse")
    train_to_ones(some)
    assert (values == 1).all() and (some.get_weights()[0] != 1).any()


def test_a_model_whose_arrays_came_as_read_only_files_learns() -> None:
    some = model()
    train(some)
    expected = copy.deepcopy(some)
    for arrays in (
        *(each for layer in some.layers for each in (layer.params, layer.grads, layer.state)),
        *some.optimizer.slots.values(),
    ):
        for each in arrays.values():
            each.flags.writeable = False
    again = copy.copy(some)
    again.layers = [copy.copy(layer) for layer in some.layers]
    again.optimizer = copy.copy(some.optimizer)
    for each in (again, expected):
        train(each)
    assert_same_weights(again, expected)


def test_a_gradient_of_another_shape_is_refused() -> None:
    some = model()
    before = some.get_weights()
    some.layers[0].grads["kernel"] = np.ones((5, 4), "float32")
    with pytest.raises(ValueError, match=r"first: expected a gradient of shape \(4, 5\) for ker"):
        some.optimizer.step(some.params, some.grads)
    for own, old in zip(some.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, old)


def test_a_layer_that_makes_its_weights_by_itself_learns() -> None:
    class Scale(Layer):
        def build(self, input_shape: tuple[int, ...]) -> None:
            self.params = {"scale": np.ones(input_shape, self.dtype)}

        def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
            self.x = x
            return x * self.params["scale"]

        def backward(self, dout: np.ndarray) -> np.ndarray:
            self.grads = {"scale": np.sum(dout * self.x, axis=0)}
            return dout * self.params["scale"]

    for layers in ([Scale()], [Scale(), Dense(4)], [Dense(4), Scale()]):
        some = Sequential([Input((4,)), *layers])
        some.compile(SGD(0.1), "mse")
        before = some.get_weights()
        for _ in range(2):
            some.train_on_batch(X, np.zeros((12, 4)))
        for own, old in zip(some.get_weights(), before, strict=True):
            assert not np.array_equal(own, old)
