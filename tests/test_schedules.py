"""Learning rate schedules: formulas, key steps, boundaries, float32, configs."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet import optimizers
from tinynet.optimizers import SGD
from tinynet.optimizers.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

f32 = np.float32


def cosine(share: float, alpha: float) -> float:
    return (1 - alpha) * (1 + math.cos(math.pi * min(share, 1))) / 2 + alpha


def restarted(t: float, longer: float, lower: float) -> float:
    """Go through periods of 700 steps, of 700*longer, ..., and return the height of the last."""
    length, height = 700.0, 1.0
    while t >= length:
        t, length, height = t - length, length * longer, height * lower
    return height * (1 + math.cos(math.pi * t / length)) / 2


# Every schedule with its formula in double precision.
FORMULAS: dict[str, tuple[LearningRateSchedule, Callable[[int], float]]] = {
    "exponential": (ExponentialDecay(0.1, 100, 0.96), lambda t: 0.1 * 0.96 ** (t / 100)),
    "exponential, staircase": (
        ExponentialDecay(0.1, 100, 0.96, staircase=True),
        lambda t: 0.1 * 0.96 ** (t // 100),
    ),
    "polynomial": (
        PolynomialDecay(0.1, 400),
        lambda t: 0.0999 * (1 - min(t, 400) / 400) + 0.0001,
    ),
    "polynomial, power": (
        PolynomialDecay(0.1, 400, 0.02, power=1.7),
        lambda t: 0.08 * (1 - min(t, 400) / 400) ** 1.7 + 0.02,
    ),
    "polynomial, cycle": (
        PolynomialDecay(0.1, 128, 0.02, power=0.5, cycle=True),
        lambda t: 0.08 * (1 - t / (128 * max(1, math.ceil(t / 128)))) ** 0.5 + 0.02,
    ),
    "cosine": (CosineDecay(0.1, 700), lambda t: 0.1 * cosine(t / 700, 0)),
    "cosine, alpha": (CosineDecay(0.1, 700, 0.05), lambda t: 0.1 * cosine(t / 700, 0.05)),
    "cosine, warm-up": (
        CosineDecay(0.01, 700, 0.05, warmup_target=0.1, warmup_steps=300),
        lambda t: 0.01 + 0.09 * t / 300 if t < 300 else 0.1 * cosine((t - 300) / 700, 0.05),
    ),
    "restarts": (CosineDecayRestarts(0.1, 700), lambda t: 0.1 * restarted(t, 2, 1)),
    "restarts, all of it": (
        CosineDecayRestarts(0.1, 700, t_mul=1.0, m_mul=0.6, alpha=0.05),
        lambda t: 0.1 * (0.95 * restarted(t, 1, 0.6) + 0.05),
    ),
    "inverse time": (InverseTimeDecay(0.1, 100, 0.5), lambda t: 0.1 / (1 + 0.5 * t / 100)),
    "inverse time, staircase": (
        InverseTimeDecay(0.1, 128, 0.5, staircase=True),
        lambda t: 0.1 / (1 + 0.5 * (t // 128)),
    ),
    "piecewise": (
        PiecewiseConstantDecay([100, 250], [0.1, 0.01, 0.001]),
        lambda t: 0.1 if t <= 100 else 0.01 if t <= 250 else 0.001,
    ),
}
EACH = pytest.mark.parametrize(("schedule", "formula"), FORMULAS.values(), ids=FORMULAS)


@EACH
def test_a_schedule_follows_its_formula(
    schedule: LearningRateSchedule, formula: Callable[[int], float]
) -> None:
    steps = range(1100)
    own = np.array([schedule(step) for step in steps])
    expected = [formula(step) for step in steps]
    # Float32 near 0.1, a few roundings; where a root is steep (power 0.5) they grow.
    np.testing.assert_allclose(own, expected, rtol=0, atol=1e-6)


@EACH
def test_the_values_are_float32(
    schedule: LearningRateSchedule, formula: Callable[[int], float]
) -> None:
    for step in (0, 1, 99, 100, 101, 333, 5000):
        rate = schedule(step)
        assert type(rate) is float and rate == float(f32(rate))


# What Keras 3.15.1 on TensorFlow computes in training, at steps where the last bit depends on how:
# with a division in place of the product with a reciprocal (or, in a warm-up, the other way
# round), or with another cosine or power than the C library's, they are other numbers.
CAPTURED: list[tuple[LearningRateSchedule, dict[int, float]]] = [
    (
        ExponentialDecay(0.1, 100, 0.96),
        {265: 0.08974675834178925, 941: 0.06810393929481506, 1995: 0.044290535151958466},
    ),
    (
        PolynomialDecay(0.1, 500, 0.01, power=0.5),
        {29: 0.09735101461410522, 398: 0.05064971745014191, 498: 0.01569206267595291},
    ),
    (CosineDecay(0.1, 1000), {155: 0.09418828040361404, 422: 0.06212995573878288, 1562: 0.0}),
    (
        CosineDecay(0.0003, 1777, 0.013, warmup_target=0.01, warmup_steps=77),
        {197: 0.009889359585940838, 1038: 0.004434191156178713, 1886: 0.00013000000035390258},
    ),
    (
        InverseTimeDecay(0.1, 7, 0.3),
        {3: 0.08860758692026138, 19: 0.05511811003088951, 333: 0.006548175122588873},
    ),
    (
        CosineDecayRestarts(0.1, 100, 1.5, 0.8, 0.013),
        {77: 0.013632017187774181, 264: 0.06386648863554001, 1500: 0.029304862022399902},
    ),
    (
        CosineDecayRestarts(0.1, 100, 1.0, 0.9),
        {55: 0.04217827320098877, 142: 0.05619104206562042, 1007: 0.03444797173142433},
    ),
]


@pytest.mark.parametrize(("schedule", "values"), CAPTURED)
def test_the_last_bit_is_that_of_keras(
    schedule: LearningRateSchedule, values: dict[int, float]
) -> None:
    assert {step: schedule(step) for step in values} == values


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        (ExponentialDecay(1.0, 10, 0.5), {0: 1.0, 10: 0.5, 20: 0.25}),
        (ExponentialDecay(1.0, 10, 0.5, True), {9: 1.0, 10: 0.5, 19: 0.5, 20: 0.25}),
        (PiecewiseConstantDecay([3, 5], [1, 0.5, 0.25]), {0: 1, 3: 1, 4: 0.5, 5: 0.5, 6: 0.25}),
        (PolynomialDecay(1.0, 8, 0.5), {0: 1.0, 4: 0.75, 8: 0.5, 9: 0.5, 10**6: 0.5}),
        # The second cycle is twice as long: at step 12 three quarters of 16 are over.
        (PolynomialDecay(1.0, 8, 0.5, cycle=True), {0: 1.0, 8: 0.5, 12: 0.625, 16: 0.5, 18: 0.625}),
        (CosineDecay(1.0, 10, alpha=0.25), {0: 1.0, 5: 0.625, 10: 0.25, 11: 0.25, 10**6: 0.25}),
        (
            CosineDecay(0.5, 10, warmup_target=1.0, warmup_steps=4),
            {0: 0.5, 2: 0.75, 3: 0.875, 4: 1.0, 9: 0.5, 14: 0.0, 15: 0.0},
        ),
        (CosineDecay(0.5, 10, warmup_target=1.0), {0: 1.0, 10: 0.0}),
        (CosineDecay(1.0, 10, warmup_steps=4), {0: 1.0, 5: 0.5, 10: 0.0}),
        (CosineDecayRestarts(1.0, 8), {0: 1.0, 4: 0.5, 8: 1.0, 16: 0.5, 24: 1.0, 40: 0.5}),
        (CosineDecayRestarts(1.0, 8, 1.0, 0.5, 0.5), {0: 1.0, 8: 0.75, 12: 0.625, 16: 0.625}),
        (InverseTimeDecay(1.0, 10, 0.5), {0: 1.0, 10: 2 / 3, 20: 0.5, 60: 0.25}),
        (InverseTimeDecay(1.0, 10, 1, True), {9: 1.0, 10: 0.5, 19: 0.5, 20: 1 / 3}),
    ],
)
def test_key_steps(schedule: LearningRateSchedule, values: dict[int, float]) -> None:
    for step, expected in values.items():
        assert schedule(step) == pytest.approx(expected, abs=1e-7), step


@given(
    st.floats(1e-4, 1),
    st.integers(1, 10_000),
    st.floats(0, 1),
    st.integers(0, 20_000),
    st.booleans(),
)
def test_a_cosine_stays_between_its_ends(
    rate: float, length: int, alpha: float, step: int, warm: bool
) -> None:
    schedule = CosineDecay(rate / 10, length, alpha, warmup_target=rate, warmup_steps=length)
    if not warm:
        schedule = CosineDecay(rate, length, alpha)
    lowest = min(rate / 10, rate * alpha) if warm else rate * alpha
    assert lowest - 1e-6 * rate <= schedule(step) <= rate * (1 + 1e-6)


@EACH
def test_a_schedule_goes_with_the_config_of_its_optimizer(
    schedule: LearningRateSchedule, formula: Callable[[int], float]
) -> None:
    config = json.loads(json.dumps(SGD(schedule).get_config()))
    again = optimizers.get({"class_name": "SGD", "config": config})
    assert again.get_config() == SGD(schedule, name="sgd").get_config()
    for step in (0, 150, 300):
        again.iterations = step
        assert again.learning_rate == schedule(step)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExponentialDecay(0.1, 0, 0.9), r"decay_steps: expected .* above 0, got 0"),
        (lambda: PolynomialDecay(0.1, -5), r"decay_steps: .* got -5"),
        (lambda: CosineDecay(0.1, 0), r"decay_steps: .* got 0"),
        (lambda: InverseTimeDecay(0.1, 0, 0.5), r"decay_steps: .* got 0"),
        (lambda: CosineDecayRestarts(0.1, 0), r"first_decay_steps: .* got 0"),
        (lambda: CosineDecayRestarts(0.1, 10, 0.5), r"t_mul: expected .* 1 or more, got 0\.5"),
        (
            lambda: PiecewiseConstantDecay([1, 2], [0.1, 0.2]),
            r"values: expected one more than boundaries \(2\), got 2",
        ),
        (
            lambda: SGD({"class_name": "CosineDecai", "config": {}}),
            r"unknown learning rate schedule 'CosineDecai'; did you mean 'CosineDecay'",
        ),
    ],
)
def test_what_cannot_be_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("schedule", "rate"),
    [
        (lambda: ExponentialDecay(0.5, 1, 0.5), 0.25),
        (lambda: PolynomialDecay(0.5, 1, 0.125), 0.125),
        (lambda: InverseTimeDecay(0.5, 1, 1.0), 0.25),
        (lambda: CosineDecay(0.5, 1, 0.5), 0.25),
        (lambda: CosineDecayRestarts(0.5, 1, m_mul=0.5), 0.25),
    ],
)
def test_a_decay_of_a_single_step(
    schedule: Callable[[], LearningRateSchedule], rate: float
) -> None:
    assert schedule()(0) == 0.5 and schedule()(1) == rate
