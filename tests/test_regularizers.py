"""Penalties on weights and their gradients."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tinynet import regularizers
from tinynet.regularizers import L1, L1L2, L2, Regularizer

WEIGHTS = arrays(float, array_shapes(max_dims=3, max_side=5), elements=st.floats(-10, 10))
FACTORS = st.floats(0, 1)


@given(x=WEIGHTS, l1=FACTORS, l2=FACTORS)
def test_penalty_and_gradient(x: np.ndarray, l1: float, l2: float) -> None:
    before = x.copy()
    # TensorFlow rounds both factors through float32
    a, b = float(np.float32(l1)), float(np.float32(l2))
    rule = L1L2(l1, l2)
    assert rule(x) == pytest.approx(a * np.abs(x).sum() + b * (x**2).sum(), rel=1e-13)
    np.testing.assert_allclose(rule.gradient(x), a * np.sign(x) + 2 * b * x, rtol=1e-14)
    np.testing.assert_array_equal(x, before)


def test_worked_example() -> None:
    x = np.array([[-3.0, 0.0], [0.5, 2.0]])
    assert L1(0.5)(x) == 0.5 * 5.5
    assert L2(0.5)(x) == 0.5 * 13.25
    assert L1L2(0.5, 0.25)(x) == 0.5 * 5.5 + 0.25 * 13.25
    np.testing.assert_array_equal(L1(0.5).gradient(x), [[-0.5, 0], [0.5, 0.5]])
    np.testing.assert_array_equal(L2(0.5).gradient(x), [[-3, 0], [0.5, 2]])


@given(x=WEIGHTS, l1=FACTORS, l2=FACTORS)
def test_gradient_against_differences(x: np.ndarray, l1: float, l2: float) -> None:
    x = np.where(np.abs(x) < 1e-2, 0.5, x)  # away from the kink of |x|
    rule, h = L1L2(l1, l2), 1e-4
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = h
        slope = (rule(x + step) - rule(x - step)) / (2 * h)
        assert rule.gradient(x)[index] == pytest.approx(slope, abs=1e-6)


def test_the_type_of_a_gradient_is_the_weight_s() -> None:
    for dtype in ("float32", "float64"):
        assert L1L2(0.1, 0.1).gradient(np.ones(3, dtype)).dtype == dtype


def test_defaults_are_keras_s() -> None:
    assert L1().get_config() == {"l1": 0.01}
    assert L2().get_config() == {"l2": 0.01}
    assert L1L2().get_config() == {"l1": 0.0, "l2": 0.0}
    assert L1L2()(np.ones(3)) == 0


@pytest.mark.parametrize("rule", [L1(0.3), L2(0.4), L1L2(0.1, 0.2)])
def test_a_config_makes_the_same_rule(rule: Regularizer) -> None:
    clone = regularizers.get({"class_name": type(rule).__name__, "config": rule.get_config()})
    assert type(clone) is type(rule)
    assert clone.get_config() == rule.get_config()


def test_get() -> None:
    assert regularizers.get(None) is None
    assert type(regularizers.get("l2")) is L2
    assert type(regularizers.get("L1")) is L1
    assert type(regularizers.get("l1l2")) is L1L2
    assert type(regularizers.get(L2)) is L2
    rule = regularizers.l1_l2(l1=0.1, l2=0.2)
    assert regularizers.get(rule) is rule
    with pytest.raises(ValueError, match=r"unknown regularizer 'l3'; did you mean 'l"):
        regularizers.get("l3")
    with pytest.raises(TypeError, match="regularizer: expected its name, its config or an object"):
        regularizers.get(0.01)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "0.1"])
def test_bad_factors(value: object) -> None:
    with pytest.raises(ValueError, match="l1: expected a number of 0 or more, got"):
        L1(value)
    with pytest.raises(ValueError, match="l2: expected a number of 0 or more, got"):
        L1L2(0.1, value)


def test_a_subclass_has_to_say_what_it_does() -> None:
    for call in (Regularizer(), Regularizer().gradient):
        with pytest.raises(NotImplementedError):
            call(np.ones(2))


def test_a_function_has_no_derivative() -> None:
    for identifier in (np.sum, {"class_name": "function", "config": "f", "module": "builtins"}):
        with pytest.raises(TypeError, match=r"regularizer: .* a class: .* gradient\(self, x\)"):
            regularizers.get(identifier)
