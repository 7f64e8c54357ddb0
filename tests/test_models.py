"""Sequential: the stack, its names, shapes and weights."""

import numpy as np
import pytest

import tinynet
from tinynet import Input, Sequential
from tinynet.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    InputLayer,
    Layer,
    LeakyReLU,
    Reshape,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(8, 4)).astype("float32")


def stack(name: str | None = None) -> Sequential:
    return Sequential(
        [
            Input((4,)),
            Dense(3),
            BatchNormalization(),
            Activation("relu"),
            Dropout(0.5),
            Dense(2, activation="softmax"),
        ],
        name=name,
    )


# The stack.


def test_a_list_and_add_make_the_same_model() -> None:
    tinynet.utils.set_random_seed(1)
    one = stack()
    tinynet.utils.clear_session()
    tinynet.utils.set_random_seed(1)
    other = Sequential()
    for layer in (
        Input(shape=(4,)),
        Dense(3),
        BatchNormalization(),
        Activation("relu"),
        Dropout(0.5),
        Dense(2, activation="softmax"),
    ):
        other.add(layer)
    assert one.get_config() == other.get_config()
    for own, expected in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(own, expected)
    np.testing.assert_array_equal(one.predict(X, verbose=0), other.predict(X, verbose=0))


def test_an_input_shape_on_the_first_layer_stands_for_an_input() -> None:
    model = Sequential([Flatten(input_shape=(2, 2)), Dense(3)])
    assert model.built and model.sample_shape == (2, 2) and model.output_shape == (None, 3)


def test_names_are_numbered_and_differ() -> None:
    model = stack()
    assert model.name == "sequential" and stack().name == "sequential_1"
    assert [layer.name for layer in model.layers] == [
        "dense",
        "batch_normalization",
        "activation",
        "dropout",
        "dense_1",
    ]
    assert stack("mine").name == "mine"
    with pytest.raises(ValueError, match=r"already has a layer 'dense'; names have to differ"):
        model.add(Dense(3, name="dense"))
    with pytest.raises(ValueError, match=r"a layer can be in a model only once"):
        model.add(model.layers[0])
    tinynet.backend.clear_session()
    assert stack().name == "sequential" and stack().layers[0].name == "dense_2"


def test_pop_takes_the_top_layer_off() -> None:
    model = stack()
    top = model.layers[-1]
    assert model.pop() is top
    assert model.output_shape == (None, 3) and model.predict(X, verbose=0).shape == (8, 3)
    model.add(Dense(5))
    assert model.output_shape == (None, 5) and model.built
    with pytest.raises(ValueError, match=r"pop: the model has no layers"):
        Sequential().pop()


def test_get_layer() -> None:
    model = stack()
    assert model.get_layer("dense_1") is model.layers[4]
    assert model.get_layer(index=2) is model.layers[2]
    assert model.get_layer(index=-1) is model.layers[4]
    for wrong, message in (
        ({"name": "dens"}, r"name: the model has no layer 'dens', only \['dense', 'batch_norm"),
        ({"index": 5}, r"index: the model has 5 layers, got 5"),
        ({"index": -6}, r"index: the model has 5 layers, got -6"),
        ({}, r"get_layer: expected either name or index"),
        ({"name": "dense", "index": 0}, r"get_layer: expected either name or index"),
    ):
        with pytest.raises(ValueError, match=message):
            model.get_layer(**wrong)


def built_for(features: int) -> Dense:
    layer = Dense(3, name="built")
    layer.ensure_built((features,))
    return layer


@pytest.mark.parametrize(
    ("added", "error", "message"),
    [
        (Dense, TypeError, r"layer: expected a Layer, got <class .*; call the class: add \(\)"),
        ("dense", TypeError, r"layer: expected a Layer, got 'dense'"),
        (Input((3,)), ValueError, r"layer: an Input has to come first, and only once"),
        (
            Reshape((5,), name="reshape"),
            ValueError,
            r"reshape: a sample of shape \(2,\) has 2 numbers and cannot",
        ),
        (BatchNormalization(axis=7, name="bn"), ValueError, r"axis 7 is not a feature axis"),
        (built_for(5), ValueError, r"built: expected 5 features .* got samples of shape \(2,\)"),
    ],
)
def test_what_does_not_fit_is_not_added(
    added: object, error: type[Exception], message: str
) -> None:
    model = stack()
    with pytest.raises(error, match=message):
        model.add(added)
    assert len(model.layers) == 5 and model.output_shape == (None, 2)
    assert model.predict(X, verbose=0).shape == (8, 2)


# Weights.


def test_weights_stand_in_keras_order_under_the_names_of_their_layers() -> None:
    model = stack()
    names = [
        "dense/kernel",
        "dense/bias",
        "batch_normalization/gamma",
        "batch_normalization/beta",
        "batch_normalization/moving_mean",
        "batch_normalization/moving_variance",
        "dense_1/kernel",
        "dense_1/bias",
    ]
    assert list(model.arrays) == names
    assert list(model.params) == [name for name in names if "moving" not in name]
    assert [w.shape for w in model.get_weights()] == [a.shape for a in model.arrays.values()]
    assert model.count_params() == 4 * 3 + 3 + 4 * 3 + 3 * 2 + 2
    model.forward(X, training=True)
    model.backward(np.ones((8, 2), "float32"))
    assert list(model.grads) == list(model.params)
    assert [g.shape for g in model.grads.values()] == [w.shape for w in model.params.values()]


def test_get_weights_copies_and_set_weights_does_too() -> None:
    model = stack()
    weights = model.get_weights()
    before = model.predict(X, verbose=0)
    for w in weights:
        w += 1
    np.testing.assert_array_equal(model.predict(X, verbose=0), before)
    model.set_weights(weights)
    after = model.predict(X, verbose=0)
    assert not np.array_equal(after, before)
    for w in weights:
        w += 1
    np.testing.assert_array_equal(model.predict(X, verbose=0), after)


def test_weights_that_do_not_fit_change_nothing() -> None:
    model = stack()
    weights, before = model.get_weights(), [w.copy() for w in model.get_weights()]
    with pytest.raises(ValueError, match=r"weights: expected 8 arrays \(dense/kernel, .*\), got 7"):
        model.set_weights(weights[:-1])
    weights[0] += 1
    weights[7] = np.zeros(3)
    with pytest.raises(ValueError, match=r"expected shape \(2,\) for dense_1/bias, got \(3,\)"):
        model.set_weights(weights)
    for own, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, expected)


# Frozen layers.


def test_a_frozen_layer_is_left_alone_and_its_batch_norm_uses_the_moving_statistics() -> None:
    model = stack()
    model.compile("adam", "sparse_categorical_crossentropy")
    y = np.array([0, 1] * 4)
    model.fit(X, y, epochs=2, verbose=0)
    dense, norm = model.layers[:2]
    for layer in (dense, norm):
        layer.trainable = False
    model.compile(model.optimizer, model.loss)
    frozen = [w.copy() for layer in (dense, norm) for w in layer.arrays.values()]
    assert list(model.params) == list(model.grads) == ["dense_1/kernel", "dense_1/bias"]
    expected = norm.forward(dense.forward(X, False), False)
    np.testing.assert_array_equal(norm.forward(dense.forward(X, True), True), expected)

    kernel = model.params["dense_1/kernel"].copy()
    slots = {key: memory["momentum"].copy() for key, memory in model.optimizer.slots.items()}
    model.fit(X, y, epochs=2, verbose=0)
    after = [w for layer in (dense, norm) for w in layer.arrays.values()]
    for own, before in zip(after, frozen, strict=True):
        np.testing.assert_array_equal(own, before)
    assert not np.array_equal(model.params["dense_1/kernel"], kernel)
    # Nor does the optimizer touch what it remembers of them.
    for key, before in slots.items():
        moved = not np.array_equal(model.optimizer.slots[key]["momentum"], before)
        assert moved == key.startswith("dense_1/")

    norm.trainable = True
    model.compile(model.optimizer, model.loss)
    moving = norm.state["moving_mean"].copy()
    model.fit(X, y, verbose=0)
    assert not np.array_equal(norm.state["moving_mean"], moving)


def test_trainable_of_the_model_sets_its_layers_and_stays_with_it() -> None:
    model = stack()
    assert model.trainable
    model.trainable = False
    assert not any(layer.trainable for layer in model.layers) and model.params == {}
    model.layers[0].trainable = True
    assert list(model.params) == ["dense/kernel", "dense/bias"]  # what would learn in another model
    assert not model.trainable and model.trainable_weights == []
    assert len(model.non_trainable_weights) == len(model.weights)
    model.trainable = True
    assert model.trainable and len(model.trainable_weights) == len(model.params)
    assert not Sequential([Dense(2)], trainable=False).layers[0].trainable


# With and without weights.


def test_a_model_without_input_is_built_by_its_first_batch() -> None:
    for use in (
        lambda model: model.predict(X, verbose=0),
        lambda model: model(X),
        lambda model: model.predict_on_batch(X),
        lambda model: model.build((None, 4)),
        lambda model: model.fit(X, np.zeros(8), verbose=0),
        lambda model: model.evaluate(X, np.zeros(8), verbose=0),
        lambda model: model.train_on_batch(X, np.zeros(8)),
    ):
        model = Sequential([Dense(3, activation="relu"), Dense(1)])
        model.compile("sgd", "mse")
        assert not model.built and model.get_weights() == [] and model.sample_shape is None
        use(model)
        assert model.built and model.sample_shape == (4,) and model.output_shape == (None, 1)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (4, r"input_shape: expected the shape of a batch, \(None, 784\) .* got 4"),
        (None, r"input_shape: expected the shape of a batch, \(None, 784\) .* got None"),
        ((None, None), r"input_shape: expected the shape of a batch.* got \(None, None\)"),
    ],
)
def test_build_wants_the_shape_of_a_batch(shape: object, message: str) -> None:
    model = Sequential([Dense(3)])
    with pytest.raises(ValueError, match=message):
        model.build(shape)
    assert not model.built


def test_a_model_that_begins_with_an_input_needs_no_shape_for_build() -> None:
    model = Sequential([Input((4,)), Dense(3)])
    model.build()
    kernel = model.get_weights()[0]
    model.build(None)
    np.testing.assert_array_equal(model.get_weights()[0], kernel)


def test_names_of_keras_2() -> None:
    assert LeakyReLU(alpha=0.1).negative_slope == 0.1
    assert "alpha" not in LeakyReLU(alpha=0.1).get_config()
    with pytest.raises(ValueError, match="negative_slope: expected a number of 0 or more, got -1"):
        LeakyReLU(alpha=-1)
    model = Sequential([InputLayer(input_shape=(4,)), Dense(2)])
    assert model.count_params() == 10 and model.layers[0].units == 2


def test_a_built_model_is_not_built_for_another_shape() -> None:
    model = stack()
    model.build((None, 4))
    with pytest.raises(ValueError, match=r"input_shape: .* already takes .*\(4,\), got \(5,\)"):
        model.build((None, 5))
    assert model.sample_shape == (4,)


def test_calling_a_model_runs_it_in_either_mode() -> None:
    model = stack()
    np.testing.assert_array_equal(model(X), model.predict(X, verbose=0))
    assert not np.array_equal(model(X, training=True), model(X))
    np.testing.assert_array_equal(model(X.tolist()), model(X))


def test_a_model_is_made_again_from_its_config() -> None:
    model = stack("mine")
    again = Sequential.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert again.built and list(again.arrays) == list(model.arrays)
    lazy = Sequential([Dense(3), Dense(2)])
    assert not Sequential.from_config(lazy.get_config()).built


def test_a_layer_of_ones_own() -> None:
    class Double(Layer):
        def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
            return 2 * x

        def backward(self, dout: np.ndarray) -> np.ndarray:
            return 2 * dout

    model = Sequential([Input((4,)), Double(), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, np.zeros(8), verbose=0)
    assert model.layers[0].name == "double"
    np.testing.assert_allclose(
        model.backward(np.ones((8, 1), "float32")), 2 * model.params["dense/kernel"].T.repeat(8, 0)
    )
