"""NumPy's numbers, from a grid or a search, are as good as Python's, and plain ones are kept."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.saved_models import HOT, X, Y, network
from tests.test_saving import (
    IMAGE_LAYERS,
    INITIALIZERS,
    LAYERS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    REGULARIZERS,
    SCHEDULES,
    SPARSE_METRICS,
)
from tinynet import Input, Sequential, activations, layers, losses, optimizers, random
from tinynet.callbacks import ModelCheckpoint
from tinynet.configurable import Configurable, serialize
from tinynet.layers import Dense, Dropout
from tinynet.models import load_model
from tinynet.optimizers import schedules
from tinynet.utils import set_random_seed, to_categorical

OBJECTS: list[Configurable] = [
    *(make() for make in [*LAYERS, *IMAGE_LAYERS, *OPTIMIZERS]),
    *SCHEDULES,
    *LOSSES,
    *METRICS,
    *SPARSE_METRICS,
    *INITIALIZERS,
    *REGULARIZERS,
]
SCALARS: dict[type, list[Callable[[Any], Any]]] = {
    bool: [np.bool_, np.array],
    int: [np.int64, np.uint8, np.array],
    float: [np.float64, np.array],
    str: [np.str_],
}


def in_numpy(value: Any, kind: int) -> Any:
    """Return a config's value as NumPy has it; the kinds are taken in turn."""
    if isinstance(value, list) and value and not isinstance(value[0], list) and None not in value:
        return np.array(value) if kind % 2 else [in_numpy(each, kind) for each in value]
    choices = SCALARS.get(type(value), [lambda same: same])
    made = choices[kind % len(choices)]
    return value if isinstance(value, int) and value < 0 and made is np.uint8 else made(value)


@pytest.mark.parametrize("kind", range(3))
@pytest.mark.parametrize("thing", OBJECTS, ids=repr)
def test_every_argument_of_every_class(thing: Configurable, kind: int) -> None:
    config = thing.get_config()
    given = {
        key: value if isinstance(value, dict) else in_numpy(value, kind)
        for key, value in config.items()
    }
    again = type(thing).from_config(given)
    assert again.get_config() == config
    assert json.loads(json.dumps(serialize(again))) == serialize(thing)
    for value in vars(again).values():
        assert not isinstance(value, (np.number, np.bool_))


f, i = np.float32, np.int32
MODELS: dict[str, tuple[Callable[[], list[layers.Layer]], Any, Any]] = {
    "rate": (lambda: [Dropout(f(0.3), seed=i(3))], "sgd", None),
    "slope": (lambda: [layers.LeakyReLU(f(0.1))], "sgd", None),
    "activation": (
        lambda: [Dense(4, activation=activations.leaky_relu.with_options(negative_slope=f(0.1)))],
        "sgd",
        None,
    ),
    "batch norm": (lambda: [layers.BatchNormalization(i(-1), f(0.9), f(0.01))], "sgd", None),
    "shape": (lambda: [layers.Reshape(np.array([2, -1])), layers.Flatten()], "sgd", None),
    "axis": (lambda: [layers.Softmax(axis=np.int64(1))], "sgd", None),
    "noise": (lambda: [layers.GaussianNoise(np.array(0.1))], "sgd", None),
    "noise_shape": (lambda: [Dropout(0.5, noise_shape=(None, np.int64(1)))], "sgd", None),
    "units": (lambda: [Dense(np.uint8(4), use_bias=np.True_)], "sgd", None),
    "learning rate": (list, lambda: optimizers.SGD(f(0.1), nesterov=np.False_), None),
    "betas": (list, lambda: optimizers.Adam(f(0.1), f(0.8), f(0.9), f(1e-6)), None),
    "clip": (list, lambda: optimizers.RMSprop(clipvalue=np.array(0.5)), None),
    "decay": (list, lambda: optimizers.AdamW(weight_decay=f(0.01)), None),
    "boundaries": (
        list,
        lambda: optimizers.SGD(
            schedules.PiecewiseConstantDecay(np.array([2, 4]), np.array([0.1, 0.05, 0.01], "f"))
        ),
        None,
    ),
    "cosine": (list, lambda: optimizers.Nadam(schedules.CosineDecay(f(0.1), i(9))), None),
    "delta": (list, "sgd", lambda: losses.Huber(np.array(0.7))),
    "smoothing": (list, "sgd", lambda: losses.CategoricalCrossentropy(False, f(0.1))),
}


@pytest.mark.parametrize("name", MODELS)
def test_trained_saved_and_gone_on_with(name: str, tmp_path: Path) -> None:
    made, optimizer, loss = MODELS[name]
    model = network(*made())
    model.compile(
        optimizer() if callable(optimizer) else optimizer,
        loss() if loss else "sparse_categorical_crossentropy",
    )
    path = tmp_path / "model.safetensors"
    y = HOT if loss else Y
    model.fit(X, y, verbose=0, callbacks=[ModelCheckpoint(path, "loss")])
    again = load_model(path)
    assert again.get_config() == model.get_config()
    for each in (model, again):
        set_random_seed(0)
        each.fit(X, y, epochs=2, verbose=0)
    for own, copy in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(own, copy)


def test_numbers_that_are_no_arguments_of_a_class() -> None:
    assert Input(np.array([5])).shape == (None, 5)
    assert Sequential([Dense(2, input_shape=np.array([3]))]).output_shape == (None, 2)
    model = Sequential([Input((4,)), Dense(3)])
    model.compile(optimizers.SGD(0.1), "mse")
    model.optimizer.learning_rate = np.float32(0.5)
    assert isinstance(model.optimizer.learning_rate, float)
    model.fit(X, HOT, batch_size=np.int64(8), epochs=np.int32(1), verbose=0)
    set_random_seed(np.int64(3))
    drawn = random.uniform((2,), seed=np.int64(5))
    np.testing.assert_array_equal(drawn, random.uniform((2,), seed=5))
    assert to_categorical([0, 1], np.int64(3)).shape == (2, 3)


def test_a_float32_is_the_number_that_it_holds() -> None:
    rate = np.float32(0.3)
    assert Dropout(rate).rate == float(rate) != 0.3
    beta = optimizers.Adam(beta_1=np.float32(0.9)).beta_1
    assert 1 - beta == 1 - float(np.float32(0.9))  # in double, as after a reload


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dropout("half"), "rate: expected a number between 0 and 1, got 'half'"),
        (lambda: Dropout(30), "rate: .* got 30; 30 percent is 0.3"),
        (lambda: Dropout([0.3]), r"rate: .* got \[0.3\]"),
        (lambda: layers.BatchNormalization(momentum=1.5), "momentum: .* between 0 and 1, got 1.5"),
        (lambda: layers.BatchNormalization(epsilon="small"), "epsilon: .* got 'small'"),
        (lambda: layers.BatchNormalization(0.99), "axis: expected an integer, got 0.99"),
        (lambda: layers.ELU(None), "alpha: expected a number, got None"),
        (
            lambda: Dense(10, "relu", "he_normal"),
            "use_bias: expected True or False, got 'he_",
        ),
        (lambda: Dense(np.array([5])), r"units: expected a positive integer, got array\(\[5\]\)"),
        (
            lambda: Dense(np.float64(5)),
            r"units: expected a positive integer, got np.float",
        ),
        (lambda: layers.Reshape("4"), "target_shape: expected positive integers"),
        (lambda: layers.Reshape((2.0, 2)), "target_shape: expected positive integers"),
        (lambda: layers.GaussianNoise(np.nan), "stddev: expected a number of 0 or more, got nan"),
        (lambda: optimizers.SGD(momentum="0.9"), "momentum: .* got '0.9'"),
        (lambda: optimizers.Adam(beta_1=1.0), "beta_1: expected a number of 0 or more and below 1"),
        (
            lambda: optimizers.Adam(epsilon=None),
            "epsilon: expected a number .* got None",
        ),
        (lambda: optimizers.SGD(nesterov="yes"), "nesterov: expected True or False, got 'yes'"),
        (lambda: schedules.ExponentialDecay("a", 1, 0.5), "initial_learning_rate: .* got 'a'"),
        (lambda: schedules.PiecewiseConstantDecay([1], 0.1), "values: expected a list of numbers"),
        (lambda: schedules.PiecewiseConstantDecay(["a"], [1, 2]), "boundaries: .* got 'a'"),
        (lambda: losses.Huber("wide"), "delta: expected a number above 0, got 'wide'"),
        (lambda: losses.BinaryCrossentropy("logits"), "from_logits: expected True or False"),
        (lambda: layers.Rescaling("1/255"), "scale: expected a number, got '1/255'"),
        (lambda: Dense(3, trainable="no"), "trainable: expected True or False, got 'no'"),
    ],
)
def test_what_is_no_such_argument_is_named(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
