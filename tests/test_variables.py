"""Weights and learning rates under Keras's names, and old names that are refused."""

import copy
import json
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from tinynet import Input, Sequential, backend, config, layers, optimizers
from tinynet.layers import BatchNormalization, Dense, Flatten

X = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
Y = np.arange(12) % 3


def net() -> Sequential:
    layers = [Dense(3, name="low"), BatchNormalization(name="n"), Dense(3, name="top")]
    model = Sequential([Input((4,)), *layers])
    model.compile("sgd", "mse")
    return model


def test_lists_of_weights() -> None:
    model = net()
    model.layers[2].trainable = False
    paths = [each.path for each in model.weights]
    assert paths == list(model.arrays)
    learned = ["low/kernel", "low/bias", "n/gamma", "n/beta"]
    assert [each.path for each in model.trainable_weights] == learned
    assert [each.path for each in model.trainable_variables] == learned
    fixed = [each.name for each in model.non_trainable_weights]
    assert fixed == ["moving_mean", "moving_variance", "kernel", "bias"]
    assert [each.path for each in model.layers[1].variables] == paths[2:6]
    assert [each.name for each in model.layers[1].non_trainable_variables] == fixed[:2]


def test_a_weight_is_a_view_of_what_the_layer_computes_with() -> None:
    model = net()
    kernel = model.layers[0].kernel
    assert (kernel.name, kernel.path, kernel.trainable) == ("kernel", "low/kernel", True)
    before = kernel.numpy()
    assert type(before) is type(kernel.value) is np.ndarray
    model.fit(X, X[:, :3], verbose=0)
    assert not np.array_equal(kernel, before)
    np.testing.assert_array_equal(kernel, model.layers[0].params["kernel"])
    kernel.assign(before)
    np.testing.assert_array_equal(model.get_weights()[0], before)
    kernel.assign_add(np.ones(kernel.shape)).assign_sub(2.0)
    np.testing.assert_array_equal(model.get_weights()[0], before + 1 - 2)
    assert (kernel * 2).name == ""  # another array


def test_a_weight_takes_only_its_shape() -> None:
    bias = net().layers[0].bias
    with pytest.raises(ValueError, match=r"low/bias: expected shape \(3,\), got \(2,\)"):
        bias.assign([1, 2])
    assert bias.numpy().tolist() == [0, 0, 0]


def test_a_learning_rate_is_a_number_and_more() -> None:
    optimizer = optimizers.SGD(0.5)
    rate = optimizer.learning_rate
    assert rate == 0.5 and rate * 2 == 1.0 and json.dumps(rate) == "0.5" and f"{rate:.2f}" == "0.50"
    assert rate.numpy() == np.float32(0.5) and rate.numpy().dtype == "float32"
    config.set_floatx("float64")
    assert optimizers.SGD(0.1).learning_rate.numpy().dtype == "float64"
    rate.assign(0.25)
    assert optimizer.learning_rate == backend.get_value(optimizer.learning_rate) == 0.25
    backend.set_value(optimizer.learning_rate, 0.125)
    assert optimizer.learning_rate == 0.125
    for twin in (copy.deepcopy(rate), pickle.loads(pickle.dumps(rate))):
        assert twin == 0.5 and type(twin) is float
    with pytest.raises(ValueError, match="learning_rate: expected a number"):
        rate.assign(-1.0)


def test_values_of_weights() -> None:
    bias = net().layers[0].bias
    backend.set_value(bias, [1, 2, 3])
    assert backend.get_value(bias).tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("shape", "given"), [((5, 4, 1), (7, 5, 4)), ((5, 4), (7, 5, 4, 1)), ((1,), (7,))]
)
def test_a_last_axis_of_size_1_comes_and_goes(
    shape: tuple[int, ...], given: tuple[int, ...]
) -> None:
    model = Sequential([Input(shape), Flatten(), Dense(2)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(1).normal(size=given)
    whole = x.reshape(7, *shape)
    np.testing.assert_array_equal(model.predict(x, verbose=0), model.predict(whole, verbose=0))
    model.fit(x, np.ones((7, 2)), batch_size=2, verbose=0)
    assert model.evaluate(x, np.ones((7, 2)), verbose=0) == model.evaluate(
        whole, np.ones((7, 2)), verbose=0
    )
    assert x.shape == given


def test_input_dim() -> None:
    model = Sequential([Dense(2, input_dim=4), Dense(1)])
    assert model.input_shape == (None, 4) and model.built


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (lambda: optimizers.Adam(lr=0.1), ValueError, "lr: .* it is called learning_rate"),
        (lambda: optimizers.SGD().lr, AttributeError, "'lr'; it is called learning_rate"),
        (lambda: optimizers.SGD().nothing, AttributeError, "no attribute 'nothing'$"),
        (lambda: layers.Conv2D(3, 3, border_mode="same"), ValueError, "it is called padding"),
        (lambda: layers.Dropout(p=0.5), TypeError, "rate"),
        (lambda: Dense(3, init="uniform"), ValueError, "it is called kernel_initializer"),
        (lambda: Dense(3, nonsense=1), ValueError, "nonsense: not an argument of Dense, got 1$"),
        (lambda: Dense(3).kernel, AttributeError, "'Dense' object has no attribute 'kernel'"),
        (lambda: net().fit(X, X[:, :3], nb_epoch=3), TypeError, "it is called epochs"),
        (lambda: net().predict_classes(X), AttributeError, "argmax"),
        (lambda: net().fit_generator(X), AttributeError, "fit takes generators"),
        (lambda: backend.set_image_data_format("channels_first"), ValueError, "np.moveaxis"),
    ],
)
def test_old_names_are_refused(
    wrong: Callable[[], object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        wrong()
