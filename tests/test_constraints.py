"""Constraints: what each makes of weights, when it acts, and what cannot be one."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes

import tinynet
from tinynet import Input, Sequential, config, constraints
from tinynet.configurable import UnknownObjectError, serialize
from tinynet.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from tinynet.interop.configs import keras_config
from tinynet.layers import BatchNormalization, Conv2D, Dense

SHORT_AND_LONG = np.array([[0.3, 3.0, -0.6, 0.0], [0.4, -4.0, 0.8, 0.0]])  # norms 0.5, 5, 1, 0


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (NonNeg(), np.maximum(SHORT_AND_LONG, 0)),
        (MaxNorm(), SHORT_AND_LONG * [1, 0.4, 1, 1]),
        (MaxNorm(0), np.zeros((2, 4))),
        (UnitNorm(), SHORT_AND_LONG / [0.5, 5, 1, 1]),
        (MinMaxNorm(0.75, 2), SHORT_AND_LONG * [1.5, 0.4, 1, 1]),
        (MinMaxNorm(0.75, 2, rate=0.5), SHORT_AND_LONG * [1.25, 0.7, 1, 1]),
    ],
)
def test_weights_by_hand(rule: Constraint, expected: np.ndarray, kernel_form: str) -> None:
    w = SHORT_AND_LONG.copy()
    np.testing.assert_allclose(rule(w), expected, rtol=1e-6)  # an epsilon of 1e-7
    np.testing.assert_array_equal(w, SHORT_AND_LONG)
    rule.apply(w)
    np.testing.assert_array_equal(w, rule(SHORT_AND_LONG))


@given(
    shape=array_shapes(min_dims=1, max_dims=4, max_side=4),
    data=st.data(),
    # Weights as short as the smallest numbers would have too few digits for the last assertion.
    limits=st.tuples(st.just(0.0) | st.floats(1e-200, 2), st.floats(2, 4)),
)
def test_norms_are_within_their_limits_along_any_axes(
    shape: tuple[int, ...], data: Any, limits: tuple[float, float]
) -> None:
    axes = data.draw(st.lists(st.integers(-len(shape), len(shape) - 1), min_size=1, max_size=4))
    axes = list({axis % len(shape): axis for axis in axes}.values())
    w = np.random.default_rng(0).normal(size=shape)
    for rule, low, high in (
        (MinMaxNorm(*limits, axis=axes), *limits),
        (MaxNorm(limits[0], axis=axes), 0, limits[0]),
        (UnitNorm(axes), 1, 1),
    ):
        norms = np.sqrt(np.sum(rule(w) ** 2, axis=tuple(axes)))
        assert np.all((low - 1e-4 <= norms) & (norms <= high + 1e-4))
        # Only the length has changed.
        scale = rule(w) / w
        np.testing.assert_allclose(scale, np.broadcast_to(_first(scale, axes), shape), rtol=1e-9)


def _first(x: np.ndarray, axes: list[int]) -> np.ndarray:
    for axis in axes:
        x = np.take(x, [0], axis)
    return x


def test_first_weights_are_left_alone_and_later_ones_are_not() -> None:
    model = Sequential([Input((5,)), Dense(3, kernel_constraint=MaxNorm(0.5))])
    norms = np.linalg.norm(model.params["dense/kernel"], axis=0)
    assert norms.max() > 0.5
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(8, 5))
    model.fit(x, x[:, :3], verbose=0)
    assert np.linalg.norm(model.params["dense/kernel"], axis=0).max() <= 0.5
    before = model.get_weights()
    model.layers[0].trainable = False
    model.params.clear()
    model.layers[0].set_weights([10 * each for each in before])
    model.layers[0].constrain()
    np.testing.assert_array_equal(model.get_weights()[0], 10 * before[0])


class Quarters(Constraint):
    """A constraint of the user's own."""

    def __init__(self, unit: float = 0.25) -> None:
        self.unit = unit

    def __call__(self, w: np.ndarray) -> np.ndarray:
        return np.round(w / self.unit) * self.unit


def test_a_constraint_of_the_users_own(tmp_path: Any) -> None:
    model = Sequential([Input((4,)), Dense(3, bias_constraint=Quarters(2**-9)), Dense(1)])
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(8, 4))
    step = model.step(8)
    model.fit(x, x[:, :1], epochs=3, batch_size=4, verbose=0)
    bias = model.params["dense/bias"]
    assert bias.any() and not (bias % 2**-9).any()
    assert "python Constraint._replace" in [line.title for line in step.lines]
    model.save(tmp_path / "a.safetensors")
    again = tinynet.models.load_model(
        tmp_path / "a.safetensors", custom_objects={"Quarters": Quarters}
    )
    assert serialize(again.layers[0]) == serialize(model.layers[0])
    assert again.layers[0].constraints["bias"].unit == 2**-9


def test_constraints_are_lines_of_a_step() -> None:
    model = Sequential(
        [
            Input((6, 6, 2)),
            Conv2D(3, 2, kernel_constraint=MaxNorm(0.1, [0, 1, 2]), bias_constraint="non_neg"),
            BatchNormalization(gamma_constraint="unit_norm", trainable=False),
            tinynet.layers.Flatten(),
            Dense(2, kernel_constraint=MinMaxNorm(0.1, 0.2)),
        ]
    )
    model.compile("sgd", "mse")
    lines = [(line.part, line.title) for line in model.step(4).lines]
    assert lines[lines.index(("optimizer", "count_up")) + 1 :][:3] == [
        ("conv2d", "limit_norms"),
        ("conv2d", "no_negatives"),
        ("dense", "limit_norms"),
    ]


def test_a_constraint_has_to_say_what_is_allowed() -> None:
    with pytest.raises(NotImplementedError):
        Constraint()(np.ones(1))


def test_epsilon_is_the_librarys() -> None:
    config.set_epsilon(0.1)
    np.testing.assert_allclose(UnitNorm()(np.ones((1, 1))), 1 / 1.1)
    config.set_epsilon(1e-7)


@pytest.mark.parametrize(
    ("identifier", "cls"),
    [
        ("max_norm", MaxNorm),
        ("MaxNorm", MaxNorm),
        ("non_neg", NonNeg),
        ("unit_norm", UnitNorm),
        ("min_max_norm", MinMaxNorm),
        (NonNeg, NonNeg),
        ({"class_name": "MaxNorm", "config": {"max_value": 3, "axis": [0, 1]}}, MaxNorm),
    ],
)
def test_what_stands_for_a_constraint(identifier: object, cls: type[Constraint]) -> None:
    rule = constraints.get(identifier)
    assert type(rule) is cls
    again = constraints.get(json.loads(json.dumps(serialize(rule))))
    assert serialize(again) == serialize(rule)
    assert constraints.get(rule) is rule and constraints.get(None) is None


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: MaxNorm(-1), ValueError, r"max_value: expected a number of 0 or more, got -1"),
        (lambda: MaxNorm(axis="0"), ValueError, r"axis: expected an integer, got '0'"),
        (lambda: MinMaxNorm(2, 1), ValueError, r"max_value: expected .* 2 or more, got 1"),
        (lambda: MinMaxNorm(rate=2), ValueError, r"rate: expected .* between 0 and 1, got 2"),
        (
            lambda: UnitNorm(2)(np.ones((2, 2))),
            ValueError,
            r"axis: weights of shape \(2, 2\) have no axes 2",
        ),
        (
            lambda: Dense(3, kernel_constraint="max_nrom"),
            ValueError,
            r"unknown constraint 'max_nrom'; did you mean 'max_norm'",
        ),
        (
            lambda: Dense(3, kernel_constraint=3),
            TypeError,
            r"constraint: expected its name, its config or an object",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    make: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()


def halves(shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
    return np.full(shape, 0.5)


def smaller(w: np.ndarray) -> np.ndarray:
    return 0.5 * w


@pytest.mark.parametrize("file", ["m.keras", "m.h5", "m.safetensors"])
def test_functions_as_rules(file: str, tmp_path: Any) -> None:
    layer = Dense(2, kernel_initializer=halves, kernel_constraint=smaller)
    model = Sequential([Input((4,)), layer])
    model.compile("sgd", "mse")
    x, y = np.ones((3, 4)), np.full((3, 2), 2.0)
    model.fit(x, y, epochs=3, verbose=0)  # the first has no gradient, and is halved
    plain = Sequential([Input((4,)), Dense(2, kernel_initializer=halves)])
    plain.compile("sgd", "mse")
    for _ in range(3):
        plain.fit(x, y, verbose=0)
        plain.set_weights([0.5 * plain.get_weights()[0], plain.get_weights()[1]])
    np.testing.assert_array_equal(model.get_weights()[0], plain.get_weights()[0])
    model.save(tmp_path / file)
    known = {"halves": halves, "smaller": smaller}
    again = tinynet.models.load_model(tmp_path / file, custom_objects=known)
    assert again.layers[0].kernel_initializer.fn is halves
    assert again.layers[0].kernel_constraint.fn is smaller
    for one in (model, again):
        one.fit(x, y, verbose=0)
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])
    with pytest.raises(UnknownObjectError, match=r"'(halves|smaller)' .* pass custom"):
        tinynet.models.load_model(tmp_path / file)
    with pytest.raises(ValueError, match=r"(halves|smaller) is a function of your own"):
        keras_config(layer, "dense")


def test_a_function_that_returns_something_else() -> None:
    rule = constraints.get(np.sum)
    with pytest.raises(ValueError, match=r"weight's shape \(2, 3\) from sum, got shape \(\)"):
        rule(np.ones((2, 3)))
    with pytest.raises(ValueError, match="read-only"):
        constraints.get(lambda w: w.fill(0))(np.ones(3))
