"""Every optimizer and schedule: twenty steps on three parameters."""

import keras
import numpy as np
import pytest

import tinynet
from parity_tests.both import TOLERANCE, expect_same, make_both, numpy
from parity_tests.gradients import BACKEND, compiled

STEPS = 20
CASES = {
    "optimizers.SGD": [
        "SGD()",
        "SGD(0.1, momentum=0.9)",
        "SGD(0.1, momentum=0.9, nesterov=True)",
        "SGD(0.1, momentum=0.5, weight_decay=0.01)",
        "SGD(0.1, clipnorm=0.5)",
        "SGD(0.1, clipvalue=0.2)",
        "SGD(0.1, global_clipnorm=0.7)",
    ],
    "optimizers.RMSprop": [
        "RMSprop()",
        "RMSprop(0.01, rho=0.8, momentum=0.5)",
        "RMSprop(0.01, centered=True)",
        "RMSprop(0.01, centered=True, momentum=0.9, epsilon=1e-3)",
        "RMSprop(0.01, weight_decay=0.02, clipnorm=1.0)",
    ],
    "optimizers.Adam": [
        "Adam()",
        "Adam(0.01, beta_1=0.8, beta_2=0.99, epsilon=1e-4)",
        "Adam(0.01, amsgrad=True)",
        "Adam(0.01, weight_decay=0.05)",
        "Adam(0.01, clipnorm=0.5)",
        "Adam(0.01, clipvalue=0.1)",
        "Adam(0.01, global_clipnorm=1.0)",
    ],
    "optimizers.AdamW": ["AdamW()", "AdamW(0.01, weight_decay=0.1, amsgrad=True)"],
    "optimizers.Adagrad": [
        "Adagrad()",
        "Adagrad(0.1, initial_accumulator_value=0.3, epsilon=1e-3)",
    ],
    "optimizers.Nadam": ["Nadam()", "Nadam(0.01, beta_1=0.85, beta_2=0.98)"],
}
SCHEDULES = {
    "optimizers.schedules.ExponentialDecay": [
        "ExponentialDecay(0.1, 7, 0.9)",
        "ExponentialDecay(0.1, 7, 0.5, staircase=True)",
    ],
    "optimizers.schedules.PiecewiseConstantDecay": [
        "PiecewiseConstantDecay([3, 10], [0.1, 0.02, 0.003])"
    ],
    "optimizers.schedules.PolynomialDecay": [
        "PolynomialDecay(0.1, 15)",
        "PolynomialDecay(0.1, 15, 0.01, power=2.0)",
        "PolynomialDecay(0.1, 6, 0.01, power=0.5, cycle=True)",
    ],
    "optimizers.schedules.CosineDecay": [
        "CosineDecay(0.1, 15)",
        "CosineDecay(0.1, 15, alpha=0.1)",
        "CosineDecay(0.01, 12, alpha=0.05, warmup_target=0.2, warmup_steps=5)",
    ],
}
FLAT = [
    pytest.param(piece, f"keras.optimizers.{text}", id=text)
    for piece, texts in CASES.items()
    for text in texts
]
FLAT_SCHEDULES = [
    pytest.param(piece, f"keras.optimizers.schedules.{text}", id=text)
    for piece, texts in SCHEDULES.items()
    for text in texts
]


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text"), FLAT)
def test_twenty_steps(piece, text, floatx):
    _expect_same_walk(piece, text, floatx)


@pytest.mark.parametrize(("piece", "text"), FLAT_SCHEDULES)
def test_schedule_drives_an_optimizer(piece, text):
    _expect_same_walk(piece, f"keras.optimizers.SGD({text}, momentum=0.9)", "float64")


@pytest.mark.parametrize(("piece", "text"), FLAT_SCHEDULES)
def test_schedule(piece, text):
    own, theirs = make_both(text)
    steps = [*range(40), 100, 500]
    values = np.array([own(step) for step in steps])
    rate = compiled(theirs)
    keras_values = np.array([float(numpy(rate(keras.ops.array(step)))) for step in steps])
    # The last bit of a float32 depends on how a backend divides.
    tolerance = 0 if BACKEND == "tensorflow" else 2e-7
    expect_same(piece, {"learning rates": (values, keras_values)}, tolerance=tolerance, case=text)


def _expect_same_walk(piece, text, floatx):
    for library in (tinynet, keras):
        library.config.set_floatx(floatx)
    rng = np.random.default_rng(4)
    start = {
        "kernel": rng.normal(size=(4, 3)).astype(floatx),
        "bias": np.zeros(3, floatx),
        "scale": np.ones((2, 2), floatx),
    }
    own, theirs = make_both(text)
    params = {name: value.copy() for name, value in start.items()}
    variables = [keras.Variable(value, dtype=floatx, name=name) for name, value in start.items()]
    theirs.build(variables)

    @compiled
    def apply(*given):
        theirs.apply(list(given))
        return variables[0].value  # TensorFlow optimises only graphs that return something

    for step in range(STEPS):
        grads = {name: rng.normal(size=v.shape).astype(floatx) for name, v in params.items()}
        if step == 7:
            grads["bias"][:] = 0  # moments have to go on without a gradient
        own.step(params, grads)
        apply(*(keras.ops.convert_to_tensor(g) for g in grads.values()))
        expect_same(
            piece,
            {
                f"{name} after step {step + 1}": (params[name], numpy(variable))
                for name, variable in zip(params, variables, strict=True)
            },
            tolerance=TOLERANCE[floatx],
            case=text,
        )
