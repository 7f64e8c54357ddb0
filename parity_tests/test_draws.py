"""Initializers, dropout masks and the order of the samples: the same bits as Keras draws.

They are TensorFlow's random numbers; with another backend Keras draws others.
"""

import keras
import numpy as np
import pytest

import tinynet
from parity_tests.both import expect_same, make_both, numpy
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
FLAT = [pytest.param(piece, text, id=text) for piece, texts in CASES.items() for text in texts]


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text"), FLAT)
def test_initializer(piece, text, floatx):
    own, theirs = make_both(text)
    tensors = {
        f"values of shape {shape}": (own(shape, floatx), numpy(theirs(shape, floatx)))
        for shape in SHAPES
    }
    expect_same(piece, tensors, tolerance=0, case=text)


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize("draw", ["uniform", "normal", "truncated_normal"])
def test_unseeded_draws_follow_the_global_seed(draw, floatx):
    drawn = []
    for library in (tinynet, keras):
        library.utils.set_random_seed(11)
        drawn.append([getattr(library.random, draw)((4, 3), dtype=floatx) for _ in range(3)])
    tensors = {f"draw {i}": (a, numpy(b)) for i, (a, b) in enumerate(zip(*drawn, strict=True))}
    expect_same(f"random.{draw}", tensors, tolerance=0)


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1, 2**32 - 1])
@pytest.mark.parametrize("n", [1, 2, 1000])
def test_order_of_the_samples(n, seed):
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    shuffled = tf.data.Dataset.range(1).map(lambda _: tf.random.shuffle(tf.range(n)))
    tinynet.utils.set_random_seed(seed)
    own = tinynet.random.epoch_order(n)
    expect_same("random.set_random_seed", {"order": (own, next(iter(shuffled)))}, tolerance=0)


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.77])
def test_dropout_masks(rate, floatx):
    for library in (tinynet, keras):
        library.config.set_floatx(floatx)
    own, theirs = make_both(f"keras.layers.Dropout({rate})")
    x = np.ones((128, 37), floatx)
    masks = [(own(x, training=True), numpy(theirs(x, training=True))) for _ in range(3)]
    tensors = {f"mask {i}": pair for i, pair in enumerate(masks)}
    expect_same("random.SeedGenerator", tensors, tolerance=0, case=f"Dropout({rate})")
