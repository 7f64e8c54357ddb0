"""Optimizers: twenty steps of every rule against its formula, and what they share."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from tinynet.optimizers.schedules import CosineDecay

Array = np.ndarray
SHAPES = {"dense/kernel": (4, 3), "dense/bias": (3,), "out/kernel": (3, 2)}
STEPS = 20


def through_float32(value: float) -> float:
    return float(np.float32(value))


# The rules once more, for one parameter: written from the papers and from Keras's sources,
# not from tinynet. Each yields the parameter after every step.


def sgd(w: Array, grads: list[Array], lr: float = 0.01, mu: float = 0.0, nesterov: bool = False):
    mu, m = through_float32(mu), np.zeros_like(w)
    for g in grads:
        m = mu * m - lr * g
        w = w + (mu * m - lr * g if nesterov else m)
        yield w


def rmsprop(
    w: Array,
    grads: list[Array],
    lr: float = 0.001,
    rho: float = 0.9,
    mu: float = 0.0,
    epsilon: float = 1e-7,
    centered: bool = False,
):
    v, a, m = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for g in grads:
        v = rho * v + (1 - rho) * g**2
        a = rho * a + (1 - rho) * g
        m = mu * m + lr * g / np.sqrt(v - a**2 * centered + epsilon)
        w = w - m
        yield w


def adam(
    w: Array,
    grads: list[Array],
    lr: float = 0.001,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
    amsgrad: bool = False,
):
    m, v, largest = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(grads, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        v = beta_2 * v + (1 - beta_2) * g**2
        largest = np.maximum(largest, v)
        correction_1 = 1 - through_float32(beta_1) ** t
        correction_2 = 1 - through_float32(beta_2) ** t
        root = np.sqrt(largest if amsgrad else v)
        w = w - lr * np.sqrt(correction_2) / correction_1 * m / (root + epsilon)
        yield w


def adagrad(
    w: Array, grads: list[Array], lr: float = 0.001, start: float = 0.1, epsilon: float = 1e-7
):
    v = np.full_like(w, through_float32(start))
    for g in grads:
        v = v + g**2
        w = w - lr * g / np.sqrt(v + epsilon)
        yield w


def nadam(
    w: Array,
    grads: list[Array],
    lr: float = 0.001,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
):
    b1, b2, decay = map(through_float32, (beta_1, beta_2, 0.96))
    m, v, product = np.zeros_like(w), np.zeros_like(w), 1.0
    for t, g in enumerate(grads, start=1):
        u, u_next = b1 * (1 - 0.5 * decay**t), b1 * (1 - 0.5 * decay ** (t + 1))
        product *= beta_1 * (1 - 0.5 * 0.96**t)  # the only place where nothing is rounded
        m = b1 * m + (1 - b1) * g
        v = b2 * v + (1 - b2) * g**2
        m_hat = u_next * m / (1 - product * u_next) + (1 - u) * g / (1 - product)
        w = w - lr * m_hat / (np.sqrt(v / (1 - b2**t)) + epsilon)
        yield w


def adadelta(
    w: Array, grads: list[Array], lr: float = 0.001, rho: float = 0.95, epsilon: float = 1e-7
):
    squares, moves = np.zeros_like(w), np.zeros_like(w)
    for g in grads:
        squares = rho * squares + (1 - rho) * g**2
        move = -np.sqrt(moves + epsilon) / np.sqrt(squares + epsilon) * g
        moves = rho * moves + (1 - rho) * move**2
        w = w + lr * move
        yield w


def adamax(
    w: Array,
    grads: list[Array],
    lr: float = 0.001,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-7,
):
    m, largest = np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(grads, start=1):
        m = beta_1 * m + (1 - beta_1) * g
        largest = np.maximum(beta_2 * largest, np.abs(g))
        w = w - lr / (1 - through_float32(beta_1) ** t) * m / (largest + epsilon)
        yield w


def lion(
    w: Array, grads: list[Array], lr: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.99
):
    b1, b2 = map(through_float32, (beta_1, beta_2))
    m = np.zeros_like(w)
    for g in grads:
        w = w - lr * np.sign(b1 * m + (1 - b1) * g)
        m = b2 * m + (1 - b2) * g
        yield w


Rule = Callable[..., Iterator[Array]]
RULES: dict[str, tuple[Optimizer, Rule, dict[str, Any]]] = {
    "sgd": (SGD(), sgd, {}),
    "sgd, rate": (SGD(0.3), sgd, {"lr": 0.3}),
    "sgd, momentum": (SGD(0.1, 0.9), sgd, {"lr": 0.1, "mu": 0.9}),
    "sgd, nesterov": (SGD(0.1, 0.7, True), sgd, {"lr": 0.1, "mu": 0.7, "nesterov": True}),
    "sgd, nesterov without momentum": (SGD(0.1, nesterov=True), sgd, {"lr": 0.1}),
    "rmsprop": (RMSprop(), rmsprop, {}),
    "rmsprop, options": (
        RMSprop(0.01, rho=0.7, epsilon=0.3),
        rmsprop,
        {"lr": 0.01, "rho": 0.7, "epsilon": 0.3},
    ),
    "rmsprop, momentum": (RMSprop(momentum=0.6), rmsprop, {"mu": 0.6}),
    "rmsprop, centered": (RMSprop(centered=True), rmsprop, {"centered": True}),
    "rmsprop, both": (
        RMSprop(0.02, 0.8, 0.5, 0.1, True),
        rmsprop,
        {"lr": 0.02, "rho": 0.8, "mu": 0.5, "epsilon": 0.1, "centered": True},
    ),
    "adam": (Adam(), adam, {}),
    "adam, options": (
        Adam(0.05, 0.8, 0.95, 0.2),
        adam,
        {"lr": 0.05, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 0.2},
    ),
    "adam, amsgrad": (Adam(beta_2=0.5, amsgrad=True), adam, {"beta_2": 0.5, "amsgrad": True}),
    "adagrad": (Adagrad(), adagrad, {}),
    "adagrad, options": (
        Adagrad(0.1, 0.7, 0.4),
        adagrad,
        {"lr": 0.1, "start": 0.7, "epsilon": 0.4},
    ),
    "adadelta": (Adadelta(1.0), adadelta, {"lr": 1.0}),
    "adadelta, options": (
        Adadelta(0.5, 0.8, 0.1),
        adadelta,
        {"lr": 0.5, "rho": 0.8, "epsilon": 0.1},
    ),
    "adamax": (Adamax(), adamax, {}),
    "adamax, options": (
        Adamax(0.05, 0.8, 0.95, 0.2),
        adamax,
        {"lr": 0.05, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 0.2},
    ),
    "lion": (Lion(), lion, {}),
    "lion, options": (Lion(0.05, 0.8, 0.6), lion, {"lr": 0.05, "beta_1": 0.8, "beta_2": 0.6}),
    "nadam": (Nadam(), nadam, {}),
    "nadam, options": (
        Nadam(0.05, 0.8, 0.95, 0.2),
        nadam,
        {"lr": 0.05, "beta_1": 0.8, "beta_2": 0.95, "epsilon": 0.2},
    ),
}
ALL = [SGD, RMSprop, Adam, AdamW, Adagrad, Adadelta, Adamax, Lion, Nadam]
# One of each class with all of its memory in use.
FULL: list[Callable[[], Optimizer]] = [
    lambda: SGD(0.1, momentum=0.9, nesterov=True),
    lambda: RMSprop(momentum=0.5, centered=True),
    lambda: Adam(amsgrad=True, clipnorm=1.0),
    lambda: AdamW(weight_decay=0.1),
    lambda: Adagrad(0.1),
    lambda: Adadelta(1.0),
    lambda: Adamax(0.1),
    lambda: Lion(0.1),
    lambda: Nadam(CosineDecay(0.1, 15, warmup_target=0.2, warmup_steps=5)),
]


def fresh(optimizer: Optimizer, **changes: Any) -> Optimizer:
    """Return an optimizer like one in the table, with nothing done yet."""
    return type(optimizer).from_config({**optimizer.get_config(), **changes})


def start(dtype: str = "float64") -> dict[str, Array]:
    rng = np.random.default_rng(1)
    return {key: rng.normal(size=shape).astype(dtype) for key, shape in SHAPES.items()}


def gradients(dtype: str = "float64", steps: int = STEPS) -> list[dict[str, Array]]:
    """Return gradients of very different sizes, falling on the whole, with exact zeros."""
    rng = np.random.default_rng(2)
    found = []
    for step in range(steps):
        grads = {key: rng.normal(size=shape) * 3 * 0.8**step for key, shape in SHAPES.items()}
        grads["dense/kernel"][0] = 0
        grads["dense/kernel"][1] *= 1e-6
        found.append({key: g.astype(dtype) for key, g in grads.items()})
    return found


def trace(optimizer: Optimizer, grads: list[dict[str, Array]]) -> list[dict[str, Array]]:
    """Return the parameters after every step."""
    params, seen = start(str(grads[0]["out/kernel"].dtype)), []
    for each in grads:
        optimizer.step(params, each)
        seen.append({key: w.copy() for key, w in params.items()})
    return seen


def follow(rule: Rule, grads: list[dict[str, Array]], **options: Any) -> list[dict[str, Array]]:
    """Return the same as `trace`, from the formulas above."""
    traces = {
        key: list(rule(w, [each[key] for each in grads], **options)) for key, w in start().items()
    }
    return [{key: ws[step] for key, ws in traces.items()} for step in range(len(grads))]


def assert_same(
    own: list[dict[str, Array]], expected: list[dict[str, Array]], rtol: float = 1e-12
) -> None:
    assert len(own) == len(expected)
    for step, (ours, theirs) in enumerate(zip(own, expected, strict=True)):
        for key in SHAPES:
            np.testing.assert_allclose(
                ours[key], theirs[key], rtol=rtol, atol=rtol, err_msg=f"{key} after step {step}"
            )


@pytest.mark.parametrize("name", RULES)
def test_twenty_steps_follow_the_formula(name: str, kernel_form: str) -> None:
    optimizer, rule, options = RULES[name]
    expected = follow(rule, gradients(), **options)
    assert_same(trace(fresh(optimizer), gradients()), expected)
    # Far enough from where they started that an error would show.
    assert max(np.abs(expected[-1][key] - w).max() for key, w in start().items()) > 1e-3


@pytest.mark.parametrize("name", RULES)
def test_float32_stays_float32_and_near(name: str, kernel_form: str) -> None:
    optimizer, rule, options = RULES[name]
    own = fresh(optimizer)
    seen = trace(own, gradients("float32"))
    assert_same(seen, follow(rule, gradients(), **options), rtol=2e-4)
    slots = [slot for memory in own.slots.values() for slot in memory.values()]
    assert {w.dtype for w in seen[-1].values()} | {slot.dtype for slot in slots} == {
        np.dtype("float32")
    }


def test_adams_betas_are_rounded_through_float32_in_the_powers() -> None:
    w, g = {"w": np.zeros(1)}, {"w": np.ones(1)}
    Adam(1.0, epsilon=0.0).step(w, g)
    # Unrounded, the first step is exactly the learning rate: sqrt(0.001)/0.1 * 0.1/sqrt(0.001).
    assert -w["w"][0] - 1 == pytest.approx(-6.676e-6, abs=1e-9)


@pytest.mark.parametrize("make", FULL)
def test_the_step_is_counted_once_a_step_and_not_once_a_parameter(
    make: Callable[[], Optimizer],
) -> None:
    together, alone = make(), make()
    together.clipnorm = alone.clipnorm = None
    grads = gradients()
    last = trace(together, grads)[-1]
    key = "out/kernel"  # the last of three
    w = {key: start()[key]}
    for each in grads:
        alone.step(w, {key: each[key]})
    assert together.iterations == alone.iterations == STEPS
    np.testing.assert_array_equal(w[key], last[key])


@pytest.mark.parametrize("name", [name for name in RULES if "," not in name])
def test_weight_decay_comes_before_the_update_of_any_optimizer(name: str, kernel_form: str) -> None:
    optimizer, rule, _ = RULES[name]
    lr, decay = 0.2, 0.1

    def decayed(w: Array, grads: list[Array]) -> Iterator[Array]:
        """Take the moves of the rule, which do not depend on w, after a decay each."""
        moves = np.diff([np.zeros_like(w), *rule(np.zeros_like(w), grads, lr=lr)], axis=0)
        for move in moves:
            w = w * (1 - through_float32(decay) * lr) + move
            yield w

    own = fresh(optimizer, learning_rate=lr, weight_decay=decay)
    assert_same(trace(own, gradients()), follow(decayed, gradients()))


def test_adamw_is_adam_with_weight_decay() -> None:
    assert AdamW().weight_decay == 0.004
    assert_same(trace(AdamW(), gradients()), trace(Adam(weight_decay=0.004), gradients()), rtol=0)


@pytest.mark.parametrize("frequency", [None, 1, 3])
def test_averages_follow_the_formula(frequency: int | None, kernel_form: str) -> None:
    options: dict[str, Any] = {"ema_momentum": 0.7, "ema_overwrite_frequency": frequency}
    optimizer, params, plain = SGD(0.1, use_ema=True, **options), start(), start()
    average = start()
    for step, grads in enumerate(gradients()):
        optimizer.step(params, grads)
        for key, w in plain.items():
            w -= 0.1 * grads[key]
            average[key] = 0.7 * average[key] + 0.3 * w if step else w.copy()
            if frequency is not None and (step + 1) % frequency == 0:
                w[...] = average[key]
    assert_same([params], [plain])
    optimizer.finalize_variable_values(params)
    assert_same([params], [average])


def test_without_averages_nothing_is_put_in_place_of_the_parameters() -> None:
    params, optimizer = start(), SGD(use_ema=True)
    optimizer.finalize_variable_values(params)  # nothing has been averaged yet
    assert_same([params], [start()], rtol=0)
    optimizer = SGD(0.1)
    optimizer.step(params, gradients()[0])
    moved = {key: w.copy() for key, w in params.items()}
    optimizer.finalize_variable_values(params)
    assert_same([params], [moved], rtol=0)


@pytest.mark.parametrize("make", FULL)
def test_a_step_goes_by_the_mean_of_the_gradients_that_were_added_up(
    make: Callable[[], Optimizer], kernel_form: str
) -> None:
    made = make()
    rate = 0.1 if made.schedule is not None else made.learning_rate
    slow = fresh(made, gradient_accumulation_steps=4, learning_rate=rate)
    grads, seen = gradients(), trace(slow, gradients())
    means = [
        {key: sum(each[key] for each in grads[i : i + 4]) / 4 for key in SHAPES}
        for i in range(0, STEPS, 4)
    ]
    expected = trace(fresh(made, learning_rate=rate), means)
    assert_same(seen[3::4], expected)
    assert_same(seen[4::4], expected[:-1])  # no step in between
    assert (slow.iterations, slow.batches) == (STEPS // 4, STEPS)


def test_excluded_parameters_do_not_decay() -> None:
    optimizer = SGD(0.5, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(["bias", "gamma"])
    params = {"bias_layer/kernel": np.ones(2), "dense/bias": np.ones(2), "bn/gamma": np.ones(2)}
    optimizer.step(params, {key: np.zeros(2) for key in params})
    decayed = 1 - through_float32(0.1) * 0.5
    np.testing.assert_array_equal(params["bias_layer/kernel"], decayed)  # its own name counts
    np.testing.assert_array_equal(params["dense/bias"], 1)
    np.testing.assert_array_equal(params["bn/gamma"], 1)


def clipped(kind: str, limit: float, grads: dict[str, Array]) -> dict[str, Array]:
    norms = {key: np.sqrt(np.sum(g**2)) for key, g in grads.items()}
    whole = np.sqrt(sum(norm**2 for norm in norms.values()))
    if kind == "clipvalue":
        return {key: np.minimum(np.maximum(g, -limit), limit) for key, g in grads.items()}
    if kind == "clipnorm":
        return {key: g / max(1, norms[key] / limit) for key, g in grads.items()}
    return {key: g / max(1, whole / limit) for key, g in grads.items()}


@pytest.mark.parametrize("kind", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_clipping_comes_before_decay_and_update(kind: str) -> None:
    limit = 1.5
    own = trace(SGD(0.1, 0.9, weight_decay=0.3, **{kind: limit}), gradients())
    small = [clipped(kind, limit, each) for each in gradients()]
    assert_same(own, trace(SGD(0.1, 0.9, weight_decay=0.3), small))
    assert (
        np.abs(own[-1]["dense/bias"] - trace(SGD(0.1, 0.9), gradients())[-1]["dense/bias"]).max()
        > 0.1
    )


@given(st.sampled_from(["clipnorm", "clipvalue", "global_clipnorm"]), st.floats(1e-3, 1e3))
def test_no_clipped_gradient_is_larger_than_asked(kind: str, limit: float) -> None:
    grads = {"a": np.array([3.0, -4.0]), "b": np.array([[0.0, 12.0]])}
    params = {key: np.zeros_like(g) for key, g in grads.items()}
    SGD(1.0, **{kind: limit}).step(params, grads)
    expected = clipped(kind, limit, grads)
    for key, g in expected.items():
        np.testing.assert_allclose(params[key], -g, rtol=1e-12)


@pytest.mark.parametrize("kind", ["clipnorm", "clipvalue", "global_clipnorm"])
def test_clipping_leaves_zeros_and_shows_infinity(kind: str) -> None:
    w = {"w": np.zeros(3)}
    SGD(1.0, **{kind: 1.0}).step(w, {"w": np.zeros(3)})
    np.testing.assert_array_equal(w["w"], 0)
    SGD(1.0, **{kind: 1.0}).step(w, {"w": np.array([np.nan, 1.0, 1.0])})
    assert np.isnan(w["w"][0])


@pytest.mark.parametrize("name", ["beta_1", "beta_2"])
def test_the_betas_of_lion_are_at_most_1(name: str) -> None:
    assert getattr(Lion(**{name: 1.0}), name) == 1
    with pytest.raises(ValueError, match=f"{name}: expected .*, got 1.5"):
        Lion(**{name: 1.5})
