"""A model that is given bad input, and the look at all that must not change."""

import copy
import random as python_random
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from tinynet import Input, Sequential, configurable
from tinynet import random as tinynet_random
from tinynet.layers import BatchNormalization, Dense, Dropout, Layer
from tinynet.utils import set_random_seed

rng = np.random.default_rng(0)
X = rng.normal(size=(20, 4)).astype("float32")
Y = (np.arange(20) % 3).astype("uint8")
HOT = np.eye(3)[Y]
SPARSE = "sparse_categorical_crossentropy"
WEIGHT = rng.uniform(0.5, 2, 20)


def with_value(array: np.ndarray, index: Any, value: Any) -> np.ndarray:
    """Return a copy of the array with another value in one place."""
    changed = array.copy()
    changed[index] = value
    return changed


# The model that gets the bad input, and all that must not change.


def network(*last: Layer) -> Sequential:
    """Return a small model with a state of every kind: moving statistics, random sequences."""
    body = [Dense(5, activation="relu"), BatchNormalization(), Dropout(0.25)]
    return Sequential([Input((4,)), *body, *(last or (Dense(3, activation="softmax"),))])


def trained(loss: object = SPARSE, y: np.ndarray = Y) -> Sequential:
    """Return that model after one epoch, so that optimizer and history are not empty."""
    set_random_seed(1)
    model = network()
    model.compile("nadam", loss, metrics=["accuracy"], weighted_metrics=["mse"] if y is HOT else [])
    model.fit(X, y, batch_size=8, verbose=0)
    return model


def state(model: Sequential | None) -> dict[str, Any]:
    """Return everything that a call may change, in a form that == compares."""
    draws = tinynet_random._global_generator
    found: dict[str, Any] = {
        "python's random": python_random.getstate(),
        "names": dict(configurable._names),
        "global seed": tinynet_random.get_random_seed(),
        "global generator": draws and draws.state.tolist(),
    }
    if model is None:
        return found
    optimizer, history = model.optimizer, model.history
    return found | {
        "layers": [(layer.name, layer.built, layer.trainable) for layer in model.layers],
        "input shape": model.sample_shape,
        "weights": {key: value.tobytes() for key, value in model.arrays.items()},
        "sequences": [
            layer.seed_generator.state.tolist() for layer in model.layers if layer.seed_generator
        ],
        "loss": (id(model.loss), repr(model.loss)),
        "optimizer": (id(optimizer), repr(optimizer)),
        "slots": {k: v.tobytes() for k, v in optimizer.get_state().items()} if optimizer else None,
        "figures": copy.deepcopy(model.figures.results()) if optimizer else None,
        "history": (id(history), copy.deepcopy(history.history), history.epoch.copy())
        if history
        else None,
        "stop": model.stop_training,
    }


def check_refused(
    model: Sequential, call: Callable[[Any], object], error: type[Exception], says: list[str]
) -> None:
    """See that the call fails, says all that it should, and changes nothing."""
    before = state(model)
    with pytest.raises(error) as caught:
        call(model)
    for part in says:
        assert caught.match(part)
    after = state(model)
    for name, value in before.items():
        assert after[name] == value, name


def check_trains_on(model: Sequential, untouched: Sequential, x: np.ndarray, y: np.ndarray) -> None:
    """See that the model now trains exactly as its copy that was spared the bad call."""
    start = python_random.getstate()
    seen = model.fit(x, y, batch_size=8, epochs=2, verbose=0).history
    python_random.setstate(start)
    expected = untouched.fit(x, y, batch_size=8, epochs=2, verbose=0).history
    assert seen == expected
    assert np.all(np.isfinite(seen["loss"]))
    for own, other in zip(model.get_weights(), untouched.get_weights(), strict=True):
        np.testing.assert_array_equal(own, other)


class Case(NamedTuple):
    """A call that has to fail, and what the error has to say."""

    call: Callable[[Any], object]
    error: type[Exception]
    says: list[str]


def fit(x: Any = X, y: Any = Y, **options: Any) -> Callable[[Any], object]:
    """Return the call of fit with these arguments."""
    return lambda model: model.fit(x, y, **{"verbose": 0, **options})
