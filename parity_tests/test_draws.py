"""Initializers, dropout masks and the order of the samples: the same bits as Keras draws.

They are TensorFlow's random numbers; with another backend Keras draws others.
"""

import keras
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tinynet
from parity_tests.both import expect_same, make_both, numpy, use_floatx
from parity_tests.drawn import FLOAT_TYPES, SEEDS, call, examples, number, one_of, shapes
from parity_tests.gradients import BACKEND

pytestmark = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="these are the random numbers of Keras on TensorFlow"
)
SHAPES = [(784, 256), (5,), (3, 3, 2, 7), (1, 1)]
CASES = {
    "initializers.Zeros": ["keras.initializers.Zeros()"],
    "initializers.Ones": ["keras.initializers.Ones()"],
    "initializers.Constant": ["keras.initializers.Constant(0.1)"],
    "initializers.RandomNormal": [
        "keras.initializers.RandomNormal()",
        "keras.initializers.RandomNormal(mean=1.0, stddev=0.3, seed=5)",
    ],
    "initializers.TruncatedNormal": [
        "keras.initializers.TruncatedNormal()",
        "keras.initializers.TruncatedNormal(mean=-1.0, stddev=2.0, seed=7)",
    ],
    "initializers.RandomUniform": [
        "keras.initializers.RandomUniform()",
        "keras.initializers.RandomUniform(-1.0, 3.0, seed=9)",
    ],
    "initializers.VarianceScaling": [
        f"keras.initializers.VarianceScaling(1.7, mode='{mode}', distribution='{shape}')"
        for mode in ("fan_in", "fan_out", "fan_avg")
        for shape in ("truncated_normal", "untruncated_normal", "uniform")
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
}
CASES |= {
    "random.uniform": ["keras.random.uniform((4, 3))"],
    "random.normal": ["keras.random.normal((4, 3))"],
    "random.truncated_normal": ["keras.random.truncated_normal((4, 3))"],
    "random.SeedGenerator": ["keras.layers.Dropout(0.3)"],
    "random.set_random_seed": ["keras.utils.set_random_seed(0)"],
}
FLAT = [
    pytest.param(piece, text, id=text)
    for piece, texts in CASES.items()
    if piece.startswith("initializers.")
    for text in texts
]


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text"), FLAT)
def test_initializer(piece, text, floatx):
    own, theirs = make_both(text)
    tensors = {
        f"values of shape {shape}": (own(shape, floatx), numpy(theirs(shape, floatx)))
        for shape in SHAPES
    }
    expect_same(piece, tensors, tolerance=0, case=text)


DRAWS = {
    "uniform": call(
        "keras.random.uniform", minval=number(-3, 0), maxval=number(0.5, 3), seed=one_of("5", "0")
    ),
    "normal": call("keras.random.normal", mean=number(-2, 2), stddev=number(0.1, 3)),
    "truncated_normal": call(
        "keras.random.truncated_normal", mean=number(-2, 2), stddev=number(0.1, 3)
    ),
}
OPTIONS = {
    "initializers.Constant": call("keras.initializers.Constant", number(-3, 3)),
    "initializers.RandomNormal": call(
        "keras.initializers.RandomNormal", mean=number(-2, 2), stddev=number(0.1, 3)
    ),
    "initializers.TruncatedNormal": call(
        "keras.initializers.TruncatedNormal", mean=number(-2, 2), stddev=number(0.1, 3)
    ),
    "initializers.RandomUniform": call(
        "keras.initializers.RandomUniform", minval=number(-3, 0), maxval=number(0.5, 3)
    ),
    "initializers.VarianceScaling": call(
        "keras.initializers.VarianceScaling",
        scale=number(0.1, 5),
        mode=one_of("'fan_in'", "'fan_out'", "'fan_avg'"),
        distribution=one_of("'truncated_normal'", "'untruncated_normal'", "'uniform'"),
        seed=SEEDS.map(str),
    ),
}


@examples(10)
@given(data=st.data())
@pytest.mark.parametrize("piece", OPTIONS)
def test_drawn_initializer(piece, data):
    text, floatx = data.draw(OPTIONS[piece]), data.draw(FLOAT_TYPES)
    shape = data.draw(shapes(1, 2, 4))
    own, theirs = make_both(text)
    tensors = {f"values of shape {shape}": (own(shape, floatx), numpy(theirs(shape, floatx)))}
    expect_same(piece, tensors, tolerance=0, case=text)


@examples(20)
@given(data=st.data())
@pytest.mark.parametrize("draw", DRAWS)
def test_drawn_numbers(draw, data):
    # Without a seed a draw follows the global one, which both libraries have just been given.
    text, floatx = data.draw(DRAWS[draw]), data.draw(FLOAT_TYPES)
    shape = data.draw(shapes(1, 2, 3))
    text = text.replace("(", f"({shape}, ", 1).replace(", )", ")")
    use_floatx(floatx)
    own, theirs = make_both(text)
    expect_same(f"random.{draw}", {"numbers": (own, numpy(theirs))}, tolerance=0, case=text)


@pytest.mark.parametrize("draw", DRAWS)
def test_unseeded_draws_follow_one_another(draw):
    drawn = []
    for library in (tinynet, keras):
        library.utils.set_random_seed(11)
        drawn.append([getattr(library.random, draw)((4, 3)) for _ in range(3)])
    tensors = {f"draw {i}": (a, numpy(b)) for i, (a, b) in enumerate(zip(*drawn, strict=True))}
    expect_same(f"random.{draw}", tensors, tolerance=0)


@examples(40)
@given(n=st.integers(1, 2000), seed=SEEDS)
@example(n=1000, seed=0)
@example(n=1000, seed=1)
@example(n=2, seed=2**31 - 1)
@example(n=1000, seed=2**32 - 1)
def test_order_of_the_samples(n, seed):
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    shuffled = tf.data.Dataset.range(1).map(lambda _: tf.random.shuffle(tf.range(n)))
    tinynet.utils.set_random_seed(seed)
    own = tinynet.random.epoch_order(n)
    tensors = {"order": (own, next(iter(shuffled)))}
    expect_same("random.set_random_seed", tensors, tolerance=0, case=f"{n} samples, seed {seed}")


@examples(30)
@given(rate=number(0.01, 0.99), floatx=FLOAT_TYPES, shape=shapes(2, 3), seed=SEEDS)
def test_dropout_masks(rate, floatx, shape, seed):
    use_floatx(floatx)
    text = f"keras.layers.Dropout({rate}, seed={seed % 2**31})"
    own, theirs = make_both(text)
    x = np.ones((64, *shape), floatx)
    masks = [(own(x, training=True), numpy(theirs(x, training=True))) for _ in range(3)]
    tensors = {f"mask {i}": pair for i, pair in enumerate(masks)}
    expect_same("random.SeedGenerator", tensors, tolerance=0, case=text)
