"""What all optimizers share: their memory, configs, learning rates, names and errors."""

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tinynet import optimizers
from tinynet.configurable import to_snake_case
from tinynet.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Nadam,
    Optimizer,
    RMSprop,
)
from tinynet.optimizers.schedules import CosineDecay, ExponentialDecay

Array = np.ndarray
SHAPES = {"dense/kernel": (4, 3), "dense/bias": (3,), "out/kernel": (3, 2)}

# One of each class with all of its memory in use.
MAKERS: dict[str, Callable[[], Optimizer]] = {
    "sgd": lambda: SGD(0.1, momentum=0.9, nesterov=True),
    "rmsprop": lambda: RMSprop(momentum=0.5, centered=True),
    "adam": lambda: Adam(amsgrad=True, clipnorm=1.0),
    "adamw": lambda: AdamW(weight_decay=0.1),
    "adagrad": lambda: Adagrad(0.1),
    "adadelta": lambda: Adadelta(1.0),
    "adamax": lambda: Adamax(0.1),
    "lion": lambda: Lion(0.1),
    "nadam": lambda: Nadam(CosineDecay(0.1, 15, warmup_target=0.2, warmup_steps=5)),
    "averages": lambda: Adagrad(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=3),
    "added up": lambda: Nadam(CosineDecay(0.1, 15), gradient_accumulation_steps=3),
}
EACH = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def start(dtype: str = "float64") -> dict[str, Array]:
    rng = np.random.default_rng(1)
    return {key: rng.normal(size=shape).astype(dtype) for key, shape in SHAPES.items()}


def gradients(dtype: str = "float64") -> list[dict[str, Array]]:
    rng = np.random.default_rng(2)
    return [
        {key: rng.normal(size=shape).astype(dtype) for key, shape in SHAPES.items()}
        for _ in range(20)
    ]


def run(optimizer: Optimizer, dtype: str = "float64") -> dict[str, Array]:
    """Return the parameters after all steps."""
    params = start(dtype)
    for grads in gradients(dtype):
        optimizer.step(params, grads)
    return params


def assert_equal(one: dict[str, Array], other: dict[str, Array]) -> None:
    assert one.keys() == other.keys()
    for key, value in one.items():
        np.testing.assert_array_equal(value, other[key], err_msg=key)


@EACH
def test_gradients_are_only_read(make: Callable[[], Optimizer], kernel_form: str) -> None:
    optimizer, params, grads = make(), start(), gradients()
    for each in grads:
        for g in each.values():
            g.flags.writeable = False
        optimizer.step(params, each)
    for each, untouched in zip(grads, gradients(), strict=True):
        assert_equal(each, untouched)


@EACH
def test_slots_belong_to_names_and_not_to_places(make: Callable[[], Optimizer]) -> None:
    one, other = make(), make()
    params, mirrored = start(), dict(reversed(start().items()))
    for each in gradients():
        one.step(params, each)
        other.step(mirrored, dict(reversed(each.items())))
    assert set(one.slots) == set(SHAPES)
    for key, memory in one.slots.items():
        assert {slot.size for slot in memory.values()} == {params[key].size}
        assert_equal(memory, other.slots[key])
    assert_equal(params, {key: mirrored[key] for key in params})


@pytest.mark.parametrize(
    "make",
    [
        lambda: SGD(momentum=0.5),
        lambda: RMSprop(momentum=0.5, centered=True),
        lambda: Adam(beta_2=0.9),
        lambda: Adam(beta_2=0.9, amsgrad=True),
        lambda: Nadam(beta_2=0.9),
        lambda: Adadelta(rho=0.5, epsilon=1e-30),
        lambda: Adamax(beta_2=0.9),
        lambda: Lion(beta_2=0.9),
    ],
    ids=["sgd", "rmsprop", "adam", "amsgrad", "nadam", "adadelta", "adamax", "lion"],
)
def test_moments_never_decay_into_subnormal_numbers(
    make: Callable[[], Optimizer], kernel_form: str
) -> None:
    optimizer, params = make(), {"w": np.ones(3, "float32")}
    optimizer.step(params, {"w": np.full(3, 1e-9, "float32")})
    seen = []
    for _ in range(1000):
        optimizer.step(params, {"w": np.zeros(3, "float32")})
        slots = optimizer.slots["w"]
        seen += [np.abs(slots[name][0]) for name in slots if name != "velocity_hat"]
    tiny = np.finfo("float32").tiny
    assert all(value == 0 or value >= tiny for value in seen)
    assert min(value for value in seen if value) < 10 * tiny and seen[-1] == 0  # it came that far


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@EACH
def test_a_restored_optimizer_goes_on_bit_by_bit(
    make: Callable[[], Optimizer], dtype: str, kernel_form: str
) -> None:
    first, second, params, grads = make(), make(), start(dtype), gradients(dtype)
    for each in grads[:7]:
        first.step(params, each)
    before = {key: value.copy() for key, value in first.get_state().items()}
    second.set_state(first.get_state())
    assert second.iterations == first.iterations and second.batches == 7
    for each in grads[7:]:
        second.step(params, each)
    assert_equal(params, run(make(), dtype))
    assert_equal(first.get_state(), before)  # the two share nothing


@EACH
def test_an_optimizer_is_made_again_from_its_config(make: Callable[[], Optimizer]) -> None:
    optimizer = make()
    again = type(optimizer).from_config(json.loads(json.dumps(optimizer.get_config())))
    assert again.get_config() == optimizer.get_config()
    assert_equal(run(again), run(optimizer))


@pytest.mark.parametrize(
    ("make", "learning_rate", "defaults"),
    [
        (SGD, 0.01, {"momentum": 0, "nesterov": False}),
        (RMSprop, 0.001, {"rho": 0.9, "momentum": 0, "epsilon": 1e-7, "centered": False}),
        (Adam, 0.001, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False}),
        (AdamW, 0.001, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False}),
        (Adagrad, 0.001, {"initial_accumulator_value": 0.1, "epsilon": 1e-7}),
        (Nadam, 0.001, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
        (Adadelta, 0.001, {"rho": 0.95, "epsilon": 1e-7}),
        (Adamax, 0.001, {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}),
        (Lion, 0.001, {"beta_1": 0.9, "beta_2": 0.99}),
    ],
)
def test_defaults_are_those_of_keras(
    make: Callable[[], Optimizer], learning_rate: float, defaults: dict[str, Any]
) -> None:
    assert make().get_config() == {
        "name": to_snake_case(make.__name__),
        "learning_rate": learning_rate,
        "weight_decay": 0.004 if make is AdamW else None,
        "clipnorm": None,
        "clipvalue": None,
        "global_clipnorm": None,
        "use_ema": False,
        "ema_momentum": 0.99,
        "ema_overwrite_frequency": None,
        "gradient_accumulation_steps": None,
        **defaults,
    }


def test_the_learning_rate_is_the_users_number() -> None:
    optimizer, params = Adam(0.003), {"w": np.ones(1)}
    for _ in range(3):
        optimizer.step(params, {"w": np.ones(1)})
        assert optimizer.learning_rate == 0.003
    optimizer.learning_rate = np.float32(0.5)
    assert optimizer.learning_rate == 0.5 and isinstance(optimizer.learning_rate, float)


def test_a_rate_that_a_property_computes() -> None:
    class Warming(SGD):
        @property
        def learning_rate(self) -> float:
            return 0.5 * (self.iterations + 1)

        @learning_rate.setter
        def learning_rate(self, value: Any) -> None:
            pass

    optimizer, w = Warming(), np.zeros(1)
    for _ in range(2):
        optimizer.step({"w": w}, {"w": np.ones(1)})
    assert w == [-0.5 - 1.0]


def test_a_copy_has_a_rate_and_a_counter_of_its_own() -> None:
    one = Adam(0.1)
    other = copy.copy(one)
    other.learning_rate, other.iterations = 0.5, 7
    assert (one.learning_rate, one.iterations) == (0.1, 0)


def test_a_schedule_is_asked_with_the_number_of_steps_made() -> None:
    schedule = ExponentialDecay(1.0, 1, 0.5)
    optimizer, params, seen = SGD(schedule), {"w": np.zeros(1)}, []
    for step in range(4):
        assert optimizer.learning_rate == schedule(step)
        optimizer.step(params, {"w": np.ones(1)})
        seen.append(params["w"][0])
    assert seen == [-1.0, -1.5, -1.75, -1.875]


def test_what_a_schedule_sets_nobody_else_does() -> None:
    schedule = ExponentialDecay(1.0, 1, 0.5)
    optimizer = SGD(schedule)
    with pytest.raises(TypeError, match=r"learning_rate: .*made with a schedule.*number"):
        optimizer.learning_rate = 0.1
    assert optimizer.learning_rate == schedule(0)
    plain = SGD(0.1)
    plain.learning_rate = schedule
    assert plain.learning_rate == 1.0


@pytest.mark.parametrize("cls", [SGD, RMSprop, Adam, AdamW, Adagrad, Nadam, Adadelta, Adamax, Lion])
def test_names_stand_for_optimizers(cls: type[Optimizer]) -> None:
    for name in (cls.__name__, cls.__name__.lower()):
        assert type(optimizers.get(name)) is cls
    made = cls()
    assert optimizers.get(made) is made


def test_automatic_names_are_numbered() -> None:
    names = [each.name for each in (Adam(), Adam(), SGD(), Adam(name="mine"), Adam())]
    assert names == ["adam", "adam_1", "sgd", "mine", "adam_2"]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SGD(momentum=1.5), ValueError, r"momentum: expected .* 0 and 1, got 1\.5"),
        (lambda: SGD(momentum=-0.1), ValueError, r"momentum: .* got -0\.1"),
        (lambda: Adadelta(rho=2), ValueError, r"rho: expected .* 0 and 1, got 2"),
        (lambda: Adamax(beta_1=1), ValueError, r"beta_1: expected .* below 1, got 1"),
        (lambda: Lion(beta_1=0), ValueError, r"beta_1: expected a number above 0.*, got 0"),
        (
            lambda: Adam(-0.1),
            ValueError,
            r"learning_rate: expected a number of 0 or more, got -0\.1",
        ),
        (lambda: Adam("a"), ValueError, r"learning_rate: .* number of 0 or more, got 'a'"),
        (lambda: Adam(True), ValueError, r"learning_rate: .* got True"),
        (lambda: Adam(float("nan")), ValueError, r"learning_rate: .* got nan"),
        (lambda: Adam(clipnorm=1, clipvalue=1), ValueError, r"at most one of clipnorm, clipvalue"),
        (lambda: Adam(clipnorm=-1.0), ValueError, r"clipnorm: .* got -1\.0"),
        (lambda: SGD(use_ema=2), ValueError, r"use_ema: expected True or False, got 2"),
        (lambda: SGD(ema_momentum=1.5), ValueError, r"ema_momentum: .* 0 and 1, got 1\.5"),
        (
            lambda: SGD(ema_overwrite_frequency=0),
            ValueError,
            r"ema_overwrite_frequency: expected a positive integer, got 0",
        ),
        (
            lambda: SGD(gradient_accumulation_steps=1),
            ValueError,
            r"gradient_accumulation_steps: expected an integer of 2 or more, got 1",
        ),
        (lambda: SGD(weight_decay=-1.0), ValueError, r"weight_decay: .* got -1\.0"),
        (lambda: AdamW(weight_decay=None), ValueError, r"weight_decay: .*use Adam for none"),
        (lambda: optimizers.get("adm"), ValueError, r"optimizer 'adm'; did you mean 'adam'"),
        (lambda: optimizers.get(3), TypeError, r"optimizer: expected its name, .* got 3 of type"),
        (lambda: optimizers.get(Adam), TypeError, r"optimizer: .* class Adam; .*: Adam\(\)"),
    ],
)
def test_what_cannot_be_is_refused(
    make: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make()
    assert Adam().name == "adam" and SGD().name == "sgd"  # no name was used up
