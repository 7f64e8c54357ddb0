"""Initializers, random numbers, dropout masks and the order of the samples: equal bits.

They are the random numbers of Keras on TensorFlow; with another backend Keras draws others.
"""

import keras
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinynet
from parity_tests.backend import BACKEND
from parity_tests.both import expect_same, make_both, numpy, use_floatx
from parity_tests.drawn import FLOAT_TYPES, SEEDS, call, examples, number, one_of
from parity_tests.elsewhere import float32_options

only_tensorflow = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="these are the random numbers of Keras on TensorFlow"
)
SHAPES = [(784, 256), (5,), (3, 3, 2, 7), (1, 1)]
CASES = {
    "initializers.Zeros": ["keras.initializers.Zeros()"],
    "initializers.Ones": ["keras.initializers.Ones()"],
    "initializers.Constant": [
        "keras.initializers.Constant(0.1)",
        "keras.initializers.Constant(-3)",
        "keras.initializers.Constant(np.float64(0.1))",
        "keras.initializers.Constant(np.float32(0.1))",
        "keras.initializers.Constant([0.1])",
        "keras.initializers.Constant(np.log([25 / 75]))",
        "keras.initializers.Constant(np.array(0.1))",
    ],
    "initializers.RandomNormal": [
        "keras.initializers.RandomNormal()",
        "keras.initializers.RandomNormal(mean=1.0, stddev=0.3, seed=5)",
        "keras.initializers.RandomNormal(mean=0.7, stddev=0.0, seed=5)",
    ],
    "initializers.TruncatedNormal": [
        "keras.initializers.TruncatedNormal()",
        "keras.initializers.TruncatedNormal(mean=-1.0, stddev=2.0, seed=7)",
        "keras.initializers.TruncatedNormal(stddev=0.0, seed=7)",
    ],
    "initializers.RandomUniform": [
        "keras.initializers.RandomUniform()",
        "keras.initializers.RandomUniform(-1.0, 3.0, seed=9)",
        "keras.initializers.RandomUniform(0.7, 0.7, seed=9)",
    ],
    "initializers.VarianceScaling": [
        "keras.initializers.VarianceScaling(seed=keras.random.SeedGenerator(4))",
        *(
            f"keras.initializers.VarianceScaling(1.7, mode='{mode}', distribution='{shape}')"
            for mode in ("fan_in", "fan_out", "fan_avg")
            for shape in ("truncated_normal", "untruncated_normal", "uniform")
        ),
    ],
    **{
        f"initializers.{name}": [
            f"keras.initializers.{name}()",
            f"keras.initializers.{name}(seed=3)",
        ]
        for name in (
            "GlorotUniform",
            "GlorotNormal",
            "HeUniform",
            "HeNormal",
            "LecunUniform",
            "LecunNormal",
        )
    },
    **{
        f"random.{name}": [
            f"[keras.random.{name}((4, 3)) for _ in range(3)]",
            f"[keras.random.{name}((2, 5), -1.5, 0.7, seed=6) for _ in range(2)]",
            f"[keras.random.{name}((7,), dtype=floatx, seed=generator) for generator in "
            f"[keras.random.SeedGenerator(8)] for floatx in ('float64', 'float32')]",
        ]
        for name in ("uniform", "normal", "truncated_normal")
    },
    "random.SeedGenerator": [
        "[generator.next() for generator in [keras.random.SeedGenerator(7)] for _ in range(3)]",
        "[keras.random.SeedGenerator().next() for _ in range(3)]",
    ],
    "random.set_random_seed": [
        "[keras.utils.set_random_seed(11), keras.random.normal((3,)), keras.random.uniform((3,)),"
        " keras.initializers.HeNormal()((3, 2)), keras.random.SeedGenerator().next()][1:]",
    ],
}
NOT_RANDOM = ("initializers.Zeros", "initializers.Ones", "initializers.Constant")
FLAT, FLAT_DRAWS = (
    [
        pytest.param(
            piece,
            text,
            id=text.replace("keras.", ""),
            marks=() if piece in NOT_RANDOM else only_tensorflow,
        )
        for piece, texts in CASES.items()
        for text in texts
        if piece.startswith("initializers") == initializes
    ]
    for initializes in (True, False)
)


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text"), FLAT)
def test_initializer(piece, text, floatx):
    _expect_same_values(piece, text, SHAPES, floatx)


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text"), FLAT_DRAWS)
def test_random_numbers(piece, text, floatx):
    use_floatx(floatx)
    own, theirs = make_both(text)
    draws = {
        f"draw {i + 1}": (a, numpy(b)) for i, (a, b) in enumerate(zip(own, theirs, strict=True))
    }
    for a, b in draws.values():
        assert isinstance(a, tuple) or a.dtype == b.dtype  # a seed is a tuple
    expect_same(piece, draws, tolerance=0, case=text)


SEED = SEEDS.map(str)
SIZES = st.lists(st.sampled_from([1, 2, 3, 5, 64, 129]), max_size=3).map(tuple)
DRAWN = {
    **{
        piece: {}
        for piece in CASES
        if piece.startswith("initializers.") and piece not in NOT_RANDOM
    },
    "initializers.RandomNormal": {"mean": number(-3, 3), "stddev": number(0, 3)},
    "initializers.TruncatedNormal": {"mean": number(-3, 3), "stddev": number(0, 3)},
    "initializers.RandomUniform": {"minval": number(-3, 0), "maxval": number(0.01, 3)},
    "initializers.VarianceScaling": {
        "scale": number(0.01, 5),
        "mode": one_of("'fan_in'", "'fan_out'", "'fan_avg'"),
        "distribution": one_of("'truncated_normal'", "'untruncated_normal'", "'uniform'"),
    },
}


@only_tensorflow
@pytest.mark.parametrize("piece", DRAWN)
@given(
    case=st.data(),
    shape=SIZES,
    floatx=FLOAT_TYPES,
)
@examples(20)
def test_drawn_initializer(piece, case, shape, floatx):
    text = case.draw(call(f"keras.{piece}", seed=SEED, **DRAWN[piece]), label="initializer")
    _expect_same_values(piece, text, [shape], floatx)


def _expect_same_values(piece, text, shapes, floatx):
    own, theirs = float32_options(*make_both(text))
    tensors = {
        f"values of shape {shape}": (own(shape, floatx), numpy(theirs(shape, floatx)))
        for shape in shapes
    }
    assert {each.dtype for pair in tensors.values() for each in pair} == {np.dtype(floatx)}
    expect_same(piece, tensors, tolerance=0, case=f"{text} of {', '.join(map(str, shapes))}")


DRAWN_NUMBERS = {
    "random.uniform": {"minval": number(-3, 0), "maxval": number(0.01, 3)},
    "random.normal": {"mean": number(-3, 3), "stddev": number(0, 3)},
    "random.truncated_normal": {"mean": number(-3, 3), "stddev": number(0, 3)},
}


@only_tensorflow
@pytest.mark.parametrize("piece", DRAWN_NUMBERS)
@given(case=st.data(), shape=SIZES.map(str), floatx=FLOAT_TYPES)
@examples(20)
def test_drawn_numbers(piece, case, shape, floatx):
    # Without a seed a draw follows the global one, from which both libraries start.
    draw = call(f"keras.{piece}", st.just(shape), seed=SEED, **DRAWN_NUMBERS[piece])
    text = case.draw(draw, label="draw")
    use_floatx(floatx)
    own, theirs = make_both(text)
    assert own.dtype == floatx
    expect_same(piece, {"numbers": (own, numpy(theirs))}, tolerance=0, case=text)


@only_tensorflow
@given(seed=SEEDS, n=st.integers(1, 2000))
@example(seed=0, n=1000)  # TensorFlow treats it as no seed, which takes another path
@example(seed=2**31 - 1, n=1000)
@example(seed=2**32 - 1, n=1000)
@example(seed=1, n=1)
@examples(30)
def test_order_of_the_samples(seed, n):
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    shuffled = tf.data.Dataset.range(1).map(lambda _: tf.random.shuffle(tf.range(n)))
    tinynet.utils.set_random_seed(seed)
    order = tinynet.random.epoch_order(n)
    expect_same(
        "random.set_random_seed",
        {"order of the samples": (order, next(iter(shuffled)))},
        tolerance=0,
        case=f"fit, {n} samples, seed {seed}",
    )


@only_tensorflow
@given(
    text=call("keras.layers.Dropout", number(0.01, 0.99), seed=SEED),
    shape=st.sampled_from([(1, 1), (3, 7), (128, 37), (2, 5, 3)]),
    floatx=FLOAT_TYPES,
)
@examples(30)
def test_dropout_masks(text, shape, floatx):
    use_floatx(floatx)
    own, theirs = make_both(text)
    x = np.ones(shape, floatx)
    masks = {
        f"mask {i + 1}": (own(x, training=True), numpy(theirs(x, training=True))) for i in range(3)
    }
    expect_same("layers.Dropout", masks, tolerance=0, case=f"{text} on {shape}")


@only_tensorflow
@pytest.mark.parametrize(
    "layer",
    ["Dropout(0.0)", "GaussianNoise(0.0)", "AlphaDropout(0.0)", "GaussianDropout(0)", "PReLU()"],
)
def test_a_layer_that_draws_nothing_leaves_the_seeds_to_others(layer):
    text = f"[keras.layers.{layer}, keras.layers.Dense(3)][1]"
    own, theirs = make_both(text)
    own.ensure_built((4,))
    theirs.build((None, 4))
    kernels = {"kernel of the next layer": (own.params["kernel"], numpy(theirs.kernel))}
    expect_same(f"layers.{layer.split('(')[0]}", kernels, tolerance=0, case=text)


@only_tensorflow
def test_masks_of_alpha_dropout_in_a_layer_of_another_type():
    use_floatx("float32")
    text = "keras.layers.AlphaDropout(0.4, seed=3, dtype='float64')"
    own, theirs = make_both(text)
    x = np.ones((30, 7))
    masks = own(x, training=True) > 0, numpy(theirs(x, training=True)) > 0
    expect_same("layers.AlphaDropout", {"mask": masks}, tolerance=0, case=text)
