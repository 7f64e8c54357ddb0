"""Every layer: output, gradients of the input and the weights, and the state after a call."""

import functools

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet
from parity_tests import gradients, terms
from parity_tests.backend import BACKEND
from parity_tests.both import TOLERANCE, expect_same, make_both, numpy, use_floatx
from parity_tests.drawn import (
    FLOAT_TYPES,
    PATTERNS,
    SEEDS,
    call,
    examples,
    number,
    numbers,
    one_class_is_meant,
    one_of,
    shapes,
)
from parity_tests.elsewhere import ROUNDED_INSIDE, float32_options
from parity_tests.layer_cases import CASES, FILL_MODES, VANISHING

# Called on their own, these layers change the images.
AUGMENTATIONS = [piece for piece in CASES if piece.startswith("layers.Random")]
# Their random numbers are TensorFlow's; other backends draw others.
TENSORFLOW_ONLY = [
    *("layers.Dropout", "layers.SpatialDropout2D", "layers.GaussianNoise"),
    *("layers.AlphaDropout", "layers.GaussianDropout"),
    *AUGMENTATIONS,
]
WITH_KINKS = (
    *("layers.ReLU", "layers.LeakyReLU", "layers.PReLU"),
    *("layers.MaxPooling2D", "layers.GlobalMaxPooling2D"),
)
MEASURED = 1e-9  # how far off a gradient by differences may be
# TensorFlow's gradient of a warp is another warp, with the inverse matrix, not the derivative.
WARPS = ("layers.RandomRotation", "layers.RandomZoom", "layers.RandomTranslation")
FLAT = [
    pytest.param(piece, text, shape, id=f"{text}-{shape}".replace("keras.layers.", ""))
    for piece, cases in CASES.items()
    for text, shape in cases
    if piece != "layers.Input"  # it computes nothing
]


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text", "shape"), FLAT)
def test_layer(piece, text, shape, floatx, training):
    _skip_random_numbers(piece, training)
    _expect_same_layer(piece, text, shape, floatx, training, seed=1)


ACTIVATIONS = one_of(
    *(
        f"'{name}'"
        for name in tinynet.activations.ACTIVATIONS
        if (f"activations.{name}" not in ROUNDED_INSIDE or BACKEND == "tensorflow")
        and name != "threshold"  # which Keras cannot call without its options
    )
)
INITIALIZERS = one_of(
    "'zeros'",
    "'he_uniform'",
    "keras.initializers.Constant(0.3)",
    "keras.initializers.RandomNormal(0.5, 0.2, seed=1)",
)
BOOLEANS = one_of("True", "False")
UNITS = one_of("1", "2", "5")
PADDINGS = one_of("'valid'", "'same'")
# For a convolution; strides and dilation_rate cannot both be above 1.
STEPS = {"strides": one_of("1", "2", "(1, 3)")}
IMAGE_SHAPES = st.tuples(*(st.integers(1, most) for most in (4, 9, 9, 3)))
ITS_SEED = one_of("0", "3", "2147483647")
WARPING = {
    "fill_mode": one_of(*map(repr, FILL_MODES)),
    "interpolation": one_of("'nearest'", "'bilinear'"),
    "fill_value": number(-2, 2),
}


def factors(low):
    """Draw one limit or two."""
    one = number(low, 1)
    return one | st.tuples(one, one).map(lambda both: f"({both[0]}, {both[1]})")


# Piece: layers, each with the shape of its input.
DRAWN = {
    "layers.Dense": st.tuples(
        call(
            "keras.layers.Dense",
            UNITS,
            activation=ACTIVATIONS,
            use_bias=BOOLEANS,
            kernel_initializer=INITIALIZERS,
            bias_initializer=INITIALIZERS,
        ),
        shapes(2, 3, 4),
    ),
    "layers.Activation": st.tuples(call("keras.layers.Activation", ACTIVATIONS), shapes(2, 3, 4)),
    "layers.ReLU": st.tuples(
        call(
            "keras.layers.ReLU",
            max_value=number(0.01, 3),
            negative_slope=number(0, 1),
            threshold=number(0, 1),
        ),
        shapes(2, 3),
    ),
    "layers.LeakyReLU": st.tuples(
        call("keras.layers.LeakyReLU", negative_slope=number(0, 2)), shapes(2, 3)
    ),
    "layers.ELU": st.tuples(call("keras.layers.ELU", alpha=number(0.1, 3)), shapes(2, 3)),
    "layers.Softmax": st.tuples(
        call("keras.layers.Softmax", axis=one_of("-1", "1")), shapes(2, 3, 4)
    ),
    "layers.Flatten": st.tuples(st.just("keras.layers.Flatten()"), shapes(2, 3, 4, 5)),
    "layers.Reshape": shapes(4).flatmap(
        lambda s: st.tuples(
            one_of(
                "keras.layers.Reshape((-1,))",
                f"keras.layers.Reshape(({s[1] * s[2]}, {s[3]}))",
                f"keras.layers.Reshape([{s[3]}, -1, {s[1]}])",
            ),
            st.just(s),
        )
    ),
    "layers.Rescaling": st.tuples(
        call("keras.layers.Rescaling", number(-3, 3), offset=number(-3, 3)), shapes(2, 4)
    ),
    "layers.BatchNormalization": st.tuples(
        call(
            "keras.layers.BatchNormalization",
            axis=one_of("-1", "1"),
            momentum=number(0, 1),
            epsilon=one_of("0.001", "0.3"),
            center=BOOLEANS,
            scale=BOOLEANS,
            beta_initializer=INITIALIZERS,
            gamma_initializer=INITIALIZERS,
            moving_mean_initializer=INITIALIZERS,
            moving_variance_initializer=one_of("'ones'", "keras.initializers.Constant(2.5)"),
            trainable=BOOLEANS,
        ),
        shapes(2, 3, 4),
    ),
    "layers.LayerNormalization": st.tuples(
        call(
            "keras.layers.LayerNormalization",
            axis=one_of("-1", "1"),
            epsilon=one_of("0.001", "0.3"),
            center=BOOLEANS,
            scale=BOOLEANS,
            beta_initializer=INITIALIZERS,
            gamma_initializer=INITIALIZERS,
        ),
        shapes(2, 3, 4),
    ),
    "layers.Conv2D": st.tuples(
        call(
            "keras.layers.Conv2D",
            UNITS,
            one_of("1", "3", "(2, 3)"),
            padding=PADDINGS,
            activation=ACTIVATIONS,
            use_bias=BOOLEANS,
            kernel_initializer=INITIALIZERS,
            bias_initializer=INITIALIZERS,
            **STEPS,
        ),
        shapes(4, smallest=5),
    ),
    "layers.DepthwiseConv2D": st.tuples(
        call(
            "keras.layers.DepthwiseConv2D",
            one_of("1", "3", "(2, 3)"),
            padding=PADDINGS,
            depth_multiplier=one_of("1", "3"),
            use_bias=BOOLEANS,
            strides=one_of("1", "2"),
        ),
        shapes(4, smallest=5),
    ),
    "layers.SeparableConv2D": st.tuples(
        call(
            "keras.layers.SeparableConv2D",
            UNITS,
            one_of("1", "3", "(2, 3)"),
            padding=PADDINGS,
            depth_multiplier=one_of("1", "3"),
            use_bias=BOOLEANS,
            strides=one_of("1", "2"),
        ),
        shapes(4, smallest=5),
    ),
    **{
        f"layers.{name}": st.tuples(
            call(
                f"keras.layers.{name}",
                one_of("2", "3", "(1, 2)"),
                strides=one_of("1", "2", "(2, 3)"),
                padding=PADDINGS,
            ),
            shapes(4, smallest=3),
        )
        for name in ("MaxPooling2D", "AveragePooling2D")
    },
    **{
        f"layers.{name}": st.tuples(
            call(f"keras.layers.{name}", keepdims=BOOLEANS), shapes(4, smallest=1)
        )
        for name in ("GlobalMaxPooling2D", "GlobalAveragePooling2D")
    },
    "layers.ZeroPadding2D": st.tuples(
        call("keras.layers.ZeroPadding2D", one_of("0", "(2, 1)", "((0, 1), (2, 3))")), shapes(4)
    ),
    "layers.SpatialDropout2D": st.tuples(
        call("keras.layers.SpatialDropout2D", number(0, 0.95), seed=one_of("0", "3")), shapes(4)
    ),
    "layers.RandomFlip": st.tuples(
        call(
            "keras.layers.RandomFlip",
            one_of("'horizontal'", "'vertical'", "'horizontal_and_vertical'"),
            seed=ITS_SEED,
        ),
        IMAGE_SHAPES,
    ),
    "layers.RandomRotation": st.tuples(
        call("keras.layers.RandomRotation", factors(-1), seed=ITS_SEED, **WARPING), IMAGE_SHAPES
    ),
    "layers.RandomZoom": st.tuples(
        call(
            "keras.layers.RandomZoom",
            factors(-0.99),
            width_factor=factors(-0.99),
            seed=ITS_SEED,
            **WARPING,
        ),
        IMAGE_SHAPES,
    ),
    "layers.RandomTranslation": st.tuples(
        call(
            "keras.layers.RandomTranslation",
            factors(-1),
            factors(-1),
            seed=ITS_SEED,
            **WARPING,
        ),
        IMAGE_SHAPES,
    ),
    "layers.RandomContrast": st.tuples(
        call(
            "keras.layers.RandomContrast",
            factors(0),
            value_range=one_of("(-1, 1)", "(-100, 100)"),
            seed=ITS_SEED,
        ),
        IMAGE_SHAPES,
    ),
    "layers.RandomCrop": IMAGE_SHAPES.flatmap(
        lambda s: st.tuples(
            call(
                "keras.layers.RandomCrop",
                st.integers(1, s[1]).map(str),
                st.integers(1, s[2]).map(str),
                seed=ITS_SEED,
            ),
            st.just(s),
        )
    ),
    "layers.Dropout": st.tuples(
        call(
            "keras.layers.Dropout",
            number(0, 0.95),
            noise_shape=one_of("(None, 1, None)", "(None, None, 1)", "(1, None, None)"),
            seed=one_of("0", "3", "2147483647"),
        ),
        shapes(3),
    ),
    "layers.AlphaDropout": st.tuples(
        call(
            "keras.layers.AlphaDropout",
            number(0, 0.95),
            noise_shape=one_of("(None, 1, None)", "(None, None, 1)", "(1, None, None)"),
            seed=one_of("0", "3", "2147483647"),
        ),
        shapes(3),
    ),
    "layers.GaussianDropout": st.tuples(
        call("keras.layers.GaussianDropout", number(0, 0.95), seed=one_of("0", "3", "2147483647")),
        shapes(2, 4),
    ),
    "layers.PReLU": st.tuples(
        call(
            "keras.layers.PReLU",
            alpha_initializer=INITIALIZERS,
            shared_axes=one_of("1", "[1, 2]", "[3]", "[2, 3, 1]"),
        ),
        shapes(4),
    ),
    "layers.UnitNormalization": st.tuples(
        call("keras.layers.UnitNormalization", axis=one_of("1", "-1", "[2]", "(1, 2)")), shapes(3)
    ),
    "layers.Permute": st.tuples(
        st.permutations([1, 2, 3]).map(lambda dims: f"keras.layers.Permute({dims})"), shapes(4)
    ),
    "layers.UpSampling2D": st.tuples(
        call("keras.layers.UpSampling2D", one_of("1", "3", "(1, 2)", "[2, 1]")), shapes(4)
    ),
    "layers.Cropping2D": st.tuples(
        call("keras.layers.Cropping2D", one_of("0", "(2, 1)", "((0, 1), (2, 0))")),
        shapes(4, smallest=5),
    ),
    "layers.GaussianNoise": st.tuples(
        call("keras.layers.GaussianNoise", number(0, 1), seed=one_of("0", "3", "2147483647")),
        shapes(2, 4),
    ),
}


@one_class_is_meant
@pytest.mark.parametrize("piece", DRAWN)
@given(case=st.data(), floatx=FLOAT_TYPES, training=st.booleans(), seed=SEEDS)
@examples(20)
def test_drawn_layer(piece, case, floatx, training, seed):
    text, shape = case.draw(DRAWN[piece], label="layer and shape")
    training = training and not (piece in TENSORFLOW_ONLY and BACKEND != "tensorflow")
    _expect_same_layer(piece, text, shape, floatx, training, seed)


FLAT_VANISHING = [
    pytest.param(piece, text, shape, id=f"{text}-{shape}".replace("keras.layers.", ""))
    for piece, cases in CASES.items()
    for text, shape in [cases[0], *VANISHING.get(piece, ())]
    if piece != "layers.Input"
]


@one_class_is_meant
@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text", "shape"), FLAT_VANISHING)
def test_numbers_that_cancel(piece, text, shape, floatx, pattern):
    if BACKEND != "tensorflow" and piece in WITH_KINKS:
        pytest.skip("at a kink every backend has its own derivative; tinynet follows TensorFlow's")
    for training in (True, False):
        if training and BACKEND != "tensorflow" and piece in TENSORFLOW_ONLY:
            continue
        own, theirs = _made(text, shape, floatx)
        x = PATTERNS[pattern](shape).astype(floatx)
        for name in (*PATTERNS, "normal numbers"):
            draw = PATTERNS.get(name, functools.partial(numbers, 1, floatx=floatx))
            case = f"{text} on {shape}: {pattern}, under {name}"
            _expect_same_call(piece, own, theirs, x, draw, training, case)


def _expect_same_layer(piece, text, shape, floatx, training, seed):
    own, theirs = _made(text, shape, floatx)
    for first in (seed, seed + 2):  # the second call shows that both states changed alike
        x = numbers(first, shape, floatx)
        draw = functools.partial(numbers, first + 1, floatx=floatx)
        _expect_same_call(piece, own, theirs, x, draw, training, f"{text} on {shape}")


def _made(text, shape, floatx):
    """Make and build a layer of each library."""
    use_floatx(floatx)
    own, theirs = float32_options(*make_both(text))
    own.ensure_built(shape[1:])
    theirs.build(shape)
    if BACKEND != "tensorflow":  # it draws other first weights
        theirs.set_weights(own.get_weights())
    return own, theirs


def _expect_same_call(piece, own, theirs, x, draw, training, case):
    """Run forward and backward once; `draw` makes a gradient of the output's shape."""
    out = own.forward(x, training)
    upstream = draw(out.shape).astype(out.dtype)
    dx = own.backward(upstream)
    keras_out, keras_dx, keras_grads = gradients.of_layer(theirs, x, upstream, training)
    pairs = {"output": (out, keras_out)}
    if not (training and piece in WARPS):
        pairs["gradient of the input"] = dx, keras_dx
    grads = own.grads if own.trainable else {}
    for name, *pair in zip(grads, grads.values(), keras_grads, strict=True):
        pairs[f"gradient of {name}"] = pair
    for (name, value), variable in zip(own.arrays.items(), theirs.weights, strict=True):
        pairs[f"{name} afterwards"] = value, numpy(variable)
    of_each = terms.of_layer(own, x, upstream)
    tensors = {name: (*pair, of_each.get(name, 0)) for name, pair in pairs.items()}
    if piece == "layers.Lambda":
        dx = {"gradient of the input": tensors.pop("gradient of the input")}
        close = max(MEASURED, TOLERANCE[own.dtype])
        expect_same(f"{piece} (measured gradient)", dx, tolerance=close, case=case)
    expect_same(piece, tensors, tolerance=TOLERANCE[own.dtype], case=case)


@pytest.mark.parametrize("given_type", ["float64", "float32"])
@pytest.mark.parametrize("own_type", ["float64", "float32"])
@pytest.mark.parametrize("piece", [piece for piece in CASES if piece != "layers.Input"])
def test_a_layer_computes_in_its_own_type(piece, own_type, given_type):
    _skip_random_numbers(piece, training=piece in AUGMENTATIONS)
    text, shape = CASES[piece][0]
    text = text[:-1] + (", " if text[-2] != "(" else "") + f"dtype='{own_type}')"
    use_floatx("float32" if own_type == "float64" else "float64")
    own, theirs = float32_options(*make_both(text))
    x = numbers(0, shape, given_type)
    out = own(x)
    theirs.build(shape)
    if BACKEND != "tensorflow":
        theirs.set_weights(own.get_weights())
    keras_out = numpy(theirs(keras.ops.convert_to_tensor(x)))
    assert (out.dtype, keras_out.dtype) == (own_type, own_type)
    # Keras computes this one in the type of its input, and rounds the result to its own type.
    finest = given_type if piece == "layers.LayerNormalization" else own_type
    tolerance = max(TOLERANCE[own_type], TOLERANCE[finest])
    expect_same(piece, {"output": (out, keras_out)}, tolerance=tolerance, case=text)


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("text", "shape"), CASES["layers.Input"])
def test_input(text, shape, floatx):
    use_floatx(floatx)
    own, theirs = make_both(text)
    assert own.shape == theirs.shape
    assert own.dtype == theirs.dtype
    own, theirs = make_both(f"keras.Sequential([{text}, keras.layers.Dense(3)])")
    assert own.output_shape == theirs.output_shape
    theirs.set_weights(own.get_weights())
    x = numbers(0, shape, "float32")  # in Keras, a float32 Input would round others
    outputs = own.predict(x, verbose=0), theirs.predict(x, verbose=0)
    assert outputs[0].dtype == outputs[1].dtype
    expect_same("layers.Input", {"output": outputs}, tolerance=TOLERANCE[floatx], case=text)


def _skip_random_numbers(piece, training):
    if training and BACKEND != "tensorflow" and piece in TENSORFLOW_ONLY:
        pytest.skip("the random numbers in training are those of Keras on TensorFlow")
