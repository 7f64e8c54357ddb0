"""Every optimizer and schedule: twenty steps on three parameters."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet
from parity_tests.backend import BACKEND
from parity_tests.both import expect_same, make_both, numpy, use_floatx
from parity_tests.drawn import FLOAT_TYPES, SEEDS, call, examples, number, one_of
from parity_tests.elsewhere import float32_options, tolerance
from parity_tests.gradients import compiled

STEPS = 20
DECAY = "optimizers.schedules.ExponentialDecay(0.1, 7, 0.9)"
CASES = {
    "optimizers.SGD": [
        "SGD()",
        "SGD(0.1, momentum=0.9)",
        "SGD(0.1, momentum=0.9, nesterov=True)",
        "SGD(0.1, momentum=0.5, weight_decay=0.01)",
        "SGD(0.1, clipnorm=0.5)",
        "SGD(0.1, clipvalue=0.2)",
        "SGD(0.1, global_clipnorm=0.7)",
        "SGD(0.1, use_ema=True, ema_momentum=0.8)",
        "SGD(0.1, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=3)",
        "SGD(0.1, momentum=0.9, weight_decay=0.1, clipnorm=0.5, gradient_accumulation_steps=3)",
        "SGD(0.1, use_ema=True, ema_overwrite_frequency=2, gradient_accumulation_steps=4)",
        f"SGD(keras.{DECAY}, gradient_accumulation_steps=3)",
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
    "optimizers.Adadelta": ["Adadelta()", "Adadelta(1.0, rho=0.8, epsilon=1e-3, weight_decay=0.1)"],
    "optimizers.Adamax": ["Adamax()", "Adamax(0.1, beta_1=0.8, beta_2=0.9, clipnorm=0.5)"],
    "optimizers.Lion": ["Lion()", "Lion(0.01, beta_1=0.8, beta_2=0.9, weight_decay=0.1)"],
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
    "optimizers.schedules.InverseTimeDecay": [
        "InverseTimeDecay(0.1, 7, 0.3)",
        "InverseTimeDecay(0.1, 7, 0.3, staircase=True)",
    ],
    "optimizers.schedules.CosineDecayRestarts": [
        "CosineDecayRestarts(0.1, 6)",
        "CosineDecayRestarts(0.1, 6, t_mul=1.0, m_mul=0.7, alpha=0.1)",
        "CosineDecayRestarts(0.1, 6, t_mul=1.5, m_mul=0.7)",
    ],
    "optimizers.schedules.CosineDecay": [
        "CosineDecay(0.1, 15)",
        "CosineDecay(0.1, 15, alpha=0.1)",
        "CosineDecay(0.01, 12, alpha=0.05, warmup_target=0.2, warmup_steps=5)",
    ],
}
FLAT, FLAT_SCHEDULES = (
    [
        pytest.param(piece, f"keras.{module}.{text}", id=text)
        for piece, texts in CASES.items()
        for text in texts
        if piece.rsplit(".", 1)[0] == module
    ]
    for module in ("optimizers", "optimizers.schedules")
)


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text"), FLAT)
def test_twenty_steps(piece, text, floatx):
    _expect_same_walk(piece, text, floatx, compiled)


@pytest.mark.parametrize(("piece", "text"), FLAT_SCHEDULES)
def test_schedule_drives_an_optimizer(piece, text):
    _expect_same_walk(piece, f"keras.optimizers.SGD({text}, momentum=0.9)", "float64", compiled)


@pytest.mark.parametrize(("piece", "text"), FLAT_SCHEDULES)
def test_schedule(piece, text):
    _expect_same_rates(piece, text, [*range(40), 100, 500])


@pytest.mark.parametrize(("piece", "text"), FLAT_SCHEDULES)
def test_a_whole_curve(piece, text):
    """Of steps that are whole and of such that are not, as for a plot."""
    if "warmup" in text:
        pytest.skip("Keras's warm-up takes no arrays")
    own, theirs = make_both(text)
    for steps in (np.arange(0, 40, 3), np.linspace(0.25, 30.25, 8).reshape(2, 4)):
        found, expected = own(steps), numpy(theirs(steps))
        assert found.dtype == np.float32 and found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_the_decay_of_old_scripts_is_ignored(name):
    walks = []
    for library in (tinynet, keras):
        library.utils.set_random_seed(1)
        model = library.Sequential([library.Input((3,)), library.layers.Dense(2)])
        with pytest.warns(UserWarning, match="decay"):
            optimizer = getattr(library.optimizers, name)(0.1, decay=0.5)
        model.compile(optimizer, "mse")
        walks.append(model.fit(np.eye(3), np.ones((3, 2)), epochs=5, verbose=0).history["loss"])
    np.testing.assert_allclose(walks[0], walks[1], rtol=1e-6)


def optimizers(name, **options):
    """Draw optimizers with their own options, weight decay, and one way of clipping."""
    return st.sampled_from(["clipnorm", "clipvalue", "global_clipnorm"]).flatmap(
        lambda clip: call(
            f"keras.optimizers.{name}",
            learning_rate=one_of("0.1", "0.02", "0.003"),
            weight_decay=number(0.01, 0.2),
            use_ema=BOOLEANS,
            ema_momentum=KEPT,
            ema_overwrite_frequency=one_of("1", "3"),
            gradient_accumulation_steps=one_of("2", "3"),
            **{clip: number(0.05, 8)},  # hardly any gradient is longer than 4
            **options,
        )
    )


BOOLEANS = one_of("True", "False")
EPSILON = one_of("1e-7", "1e-4", "0.03")
KEPT = number(0, 0.99)  # how much of a moving average a step keeps
DRAWN = {
    "optimizers.SGD": optimizers("SGD", momentum=number(0, 1), nesterov=BOOLEANS),
    # With a small rho, only rounding errors are left of v - a^2 under the centered root.
    "optimizers.RMSprop": optimizers(
        "RMSprop", rho=number(0.2, 0.99), momentum=KEPT, epsilon=EPSILON, centered=BOOLEANS
    ),
    "optimizers.Adam": optimizers(
        "Adam", beta_1=KEPT, beta_2=KEPT, epsilon=EPSILON, amsgrad=BOOLEANS
    ),
    "optimizers.AdamW": optimizers(
        "AdamW", beta_1=KEPT, beta_2=KEPT, epsilon=EPSILON, amsgrad=BOOLEANS
    ),
    "optimizers.Adagrad": optimizers(
        "Adagrad", initial_accumulator_value=number(0, 1), epsilon=EPSILON
    ),
    "optimizers.Nadam": optimizers("Nadam", beta_1=KEPT, beta_2=KEPT, epsilon=EPSILON),
    "optimizers.Adadelta": optimizers("Adadelta", rho=number(0.2, 0.99), epsilon=EPSILON),
    "optimizers.Adamax": optimizers("Adamax", beta_1=KEPT, beta_2=KEPT, epsilon=EPSILON),
    "optimizers.Lion": optimizers("Lion", beta_1=number(0.1, 0.99), beta_2=KEPT),
}
STEPS_OF_DECAY = st.integers(5, 60).map(str)
RATE = number(0.01, 1)
SCHEDULES = "keras.optimizers.schedules"
DRAWN_SCHEDULES = {
    # TensorFlow sets numbers below 1e-38 to zero: no rate may fall that far in 500 steps.
    "optimizers.schedules.ExponentialDecay": call(
        f"{SCHEDULES}.ExponentialDecay", RATE, STEPS_OF_DECAY, number(0.5, 1), staircase=BOOLEANS
    ),
    "optimizers.schedules.PiecewiseConstantDecay": st.sets(
        st.integers(0, 60), min_size=1, max_size=4
    ).flatmap(
        lambda boundaries: st.tuples(*[RATE] * (len(boundaries) + 1)).map(
            lambda values: (
                f"{SCHEDULES}.PiecewiseConstantDecay({sorted(boundaries)}, [{', '.join(values)}])"
            )
        )
    ),
    "optimizers.schedules.InverseTimeDecay": call(
        f"{SCHEDULES}.InverseTimeDecay", RATE, STEPS_OF_DECAY, RATE, staircase=BOOLEANS
    ),
    "optimizers.schedules.CosineDecayRestarts": call(
        f"{SCHEDULES}.CosineDecayRestarts",
        RATE,
        STEPS_OF_DECAY,
        t_mul=number(1, 3),
        m_mul=number(0.3, 1.1),
        alpha=RATE,
    ),
    "optimizers.schedules.PolynomialDecay": call(
        f"{SCHEDULES}.PolynomialDecay",
        RATE,
        STEPS_OF_DECAY,
        end_learning_rate=RATE,
        power=number(0.1, 3),
        cycle=BOOLEANS,
    ),
    "optimizers.schedules.CosineDecay": st.one_of(
        call(f"{SCHEDULES}.CosineDecay", RATE, STEPS_OF_DECAY, alpha=RATE),
        call(
            f"{SCHEDULES}.CosineDecay",
            RATE,
            STEPS_OF_DECAY,
            RATE,
            one_of("'warm'"),
            RATE,
            STEPS_OF_DECAY,
        ),
    ),
}


@pytest.mark.parametrize("piece", DRAWN)
@given(case=st.data(), floatx=FLOAT_TYPES, cut=st.booleans(), seed=SEEDS)
@examples(10)
def test_drawn_optimizer(piece, case, floatx, cut, seed):
    text = case.draw(DRAWN[piece], label="optimizer")
    _expect_same_walk(piece, text, floatx, lambda function: function, seed, cut)


@pytest.mark.parametrize("piece", DRAWN_SCHEDULES)
@given(case=st.data())
@examples(15)
def test_drawn_schedule(piece, case):
    text = case.draw(DRAWN_SCHEDULES[piece], label="schedule")
    _expect_same_rates(piece, text, [0, 1, *range(2, 80, 7), 500])


# Gradients under which moments vanish, or cancel, or move the ones in "scale" down to 0.
STEADY = {
    "nothing": lambda step: 0.0,
    "to and fro": lambda step: (-1.0) ** step,
    "always the same": lambda step: 1.0,
}


@pytest.mark.parametrize("gradient", STEADY)
@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text"), FLAT)
def test_steps_that_cancel(piece, text, floatx, gradient):
    _expect_same_walk(piece, text, floatx, lambda function: function, steady=STEADY[gradient])


@pytest.mark.parametrize("names", [["bias"], ["kern", "scale"], ["a"]])
def test_left_out_of_weight_decay(names):
    _expect_same_walk(
        "optimizers.AdamW", "keras.optimizers.AdamW(0.1)", "float64", compiled, left_out=names
    )


# What any optimizer may keep, here and in Keras.
SHARED_SLOTS = {
    "average": "_model_variables_moving_average",
    "gradient_accumulator": "_accumulated_gradients",
}


def _expect_same_walk(piece, text, floatx, run, seed=4, cut=False, left_out=None, steady=None):
    """Take twenty steps on three parameters.

    `run` compiles Keras's step or leaves it as it is; with `cut` the learning rate is halved in
    between, as a callback would do; `left_out` is excluded from weight decay; `steady` gives the
    gradient of a step, the same for all parameters, where it is not drawn.
    """
    use_floatx(floatx)
    rng = np.random.default_rng(seed)
    params = {
        "kernel": rng.normal(size=(4, 3)).astype(floatx),
        "bias": np.zeros(3, floatx),
        "scale": np.ones((2, 2), floatx),
    }
    own, theirs = float32_options(*make_both(text))
    variables = [
        keras.Variable(value.copy(), dtype=floatx, name=name) for name, value in params.items()
    ]
    for optimizer in (own, theirs):
        if left_out is not None:
            optimizer.exclude_from_weight_decay(var_names=left_out)
    theirs.build(variables)
    walked = {name: np.abs(value) for name, value in params.items()}  # the terms of a parameter

    @run
    def apply(*grads):
        theirs.apply(list(grads))
        return variables[0].value  # TensorFlow optimizes only graphs that return something

    for step in range(STEPS):
        grads = {name: rng.normal(size=v.shape).astype(floatx) for name, v in params.items()}
        if step == 7:
            grads["bias"][:] = 0  # moments have to decay without a gradient
        if steady is not None:
            grads = {name: np.full_like(value, steady(step)) for name, value in params.items()}
        if step == 11 and cut:
            for optimizer in (own, theirs):
                optimizer.learning_rate = 0.5 * float(optimizer.learning_rate)
        before = [numpy(variable) for variable in variables]
        own.step(params, grads)
        apply(*(keras.ops.convert_to_tensor(g) for g in grads.values()))
        after = [numpy(variable) for variable in variables]
        kept = [own.slots[name] for name in params]
        memory = {
            f"{slot} of {name} after step {step + 1}": (each[slot], numpy(variable).reshape(-1))
            for slot, their_slots in SHARED_SLOTS.items()
            for name, each, variable in zip(
                params, kept, getattr(theirs, their_slots, ()), strict=False
            )
        }
        for name, one, other in zip(params, before, after, strict=True):
            walked[name] = walked[name] + np.abs(other - one)
        expect_same(
            piece,
            {
                f"{name} after step {step + 1}": (params[name], value, walked[name])
                for name, value in zip(params, after, strict=True)
            }
            | memory,
            tolerance=tolerance(piece, floatx),
            case=text,
        )


def _expect_same_rates(piece, text, steps):
    own, theirs = float32_options(*make_both(text))
    rate = compiled(theirs)
    values = np.array([own(step) for step in steps])
    keras_values = np.array([float(numpy(rate(keras.ops.array(step)))) for step in steps])
    equal_bits = BACKEND == "tensorflow"
    expect_same(
        piece,
        {"learning rates": (values, keras_values)},
        tolerance=0 if equal_bits else tolerance(piece, "float64"),
        case=text,
    )
