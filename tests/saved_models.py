"""Models to save, and the look at whether two are the same."""

import numpy as np

from tinynet import Input, Sequential
from tinynet.configurable import serialize
from tinynet.layers import BatchNormalization, Dense, Dropout, GaussianNoise, Layer

rng = np.random.default_rng(0)
X = rng.normal(size=(30, 4)).astype("float32")
Y = np.arange(30) % 3
HOT = np.eye(3)[Y]


def network(*layers_: Layer) -> Sequential:
    return Sequential([Input((4,)), *layers_, Dense(3, activation="softmax")])


def equal_models(one: Sequential, other: Sequential) -> None:
    """See that two models are the same: architecture, weights, sequences, what was compiled."""
    assert other.get_config() == one.get_config()
    assert list(other.arrays) == list(one.arrays)
    for key, value in one.arrays.items():
        assert other.arrays[key].dtype == value.dtype
        np.testing.assert_array_equal(other.arrays[key], value)
    for own, copy in zip(one.leaves.values(), other.leaves.values(), strict=True):
        assert (own.seed_generator is None) == (copy.seed_generator is None)
        if own.seed_generator is not None:
            assert list(copy.seed_generator.state) == list(own.seed_generator.state)
    if one.optimizer is None:
        assert other.optimizer is None
        return
    assert serialize(other.optimizer) == serialize(one.optimizer)
    assert other.optimizer.learning_rate == one.optimizer.learning_rate
    assert other.optimizer.excluded_from_decay == one.optimizer.excluded_from_decay
    assert serialize(other.loss) == serialize(one.loss)
    assert serialize(other.figures.choices) == serialize(one.figures.choices)
    state, again = one.optimizer.get_state(), other.optimizer.get_state()
    assert list(again) == list(state)
    for key, value in state.items():
        assert again[key].dtype == value.dtype
        np.testing.assert_array_equal(again[key], value)


def disturbed() -> Sequential:
    """Return a model with every kind of state that a step depends on."""
    model = network(
        Dense(6, activation="relu"), BatchNormalization(), Dropout(0.3), GaussianNoise(0.1)
    )
    return model
