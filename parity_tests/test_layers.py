"""Every layer: output, gradients of input and weights, and the state after a training call."""

import keras
import numpy as np
import pytest

import tinynet
from parity_tests.both import TOLERANCE, expect_same, make_both, numpy
from parity_tests.gradients import BACKEND, of_layer

VECTORS, IMAGES = (6, 5), (4, 3, 3, 2)

# Piece: texts of layers, each with the shape of its input.
CASES = {
    "layers.Dense": [
        ("keras.layers.Dense(4)", VECTORS),
        ("keras.layers.Dense(4, use_bias=False)", VECTORS),
        ("keras.layers.Dense(1, activation='sigmoid')", VECTORS),
        ("keras.layers.Dense(4, activation='relu', kernel_initializer='he_normal')", VECTORS),
        ("keras.layers.Dense(4, activation='softmax', bias_initializer='ones')", VECTORS),
        ("keras.layers.Dense(4, activation='tanh')", (2, 3, 5)),
        ("keras.layers.Dense(3, bias_initializer=keras.initializers.Constant(0.1))", (2, 2, 3, 5)),
    ],
    "layers.Activation": [
        ("keras.layers.Activation('elu')", VECTORS),
        ("keras.layers.Activation(keras.activations.softplus)", IMAGES),
    ],
    "layers.ReLU": [
        ("keras.layers.ReLU()", VECTORS),
        ("keras.layers.ReLU(max_value=0.7)", VECTORS),
        ("keras.layers.ReLU(max_value=6)", VECTORS),
        ("keras.layers.ReLU(negative_slope=0.1)", VECTORS),
        ("keras.layers.ReLU(max_value=0.9, negative_slope=0.1, threshold=0.3)", VECTORS),
    ],
    "layers.LeakyReLU": [
        ("keras.layers.LeakyReLU()", VECTORS),
        ("keras.layers.LeakyReLU(negative_slope=0.05)", IMAGES),
    ],
    "layers.ELU": [("keras.layers.ELU()", VECTORS), ("keras.layers.ELU(alpha=1.7)", VECTORS)],
    "layers.Softmax": [
        ("keras.layers.Softmax()", VECTORS),
        ("keras.layers.Softmax(axis=1)", (2, 3, 4)),
    ],
    "layers.Flatten": [("keras.layers.Flatten()", IMAGES), ("keras.layers.Flatten()", VECTORS)],
    "layers.Reshape": [
        ("keras.layers.Reshape((3, 6))", IMAGES),
        ("keras.layers.Reshape((-1, 2))", IMAGES),
    ],
    "layers.Rescaling": [
        ("keras.layers.Rescaling(1 / 255)", IMAGES),
        ("keras.layers.Rescaling(1 / 127.5, offset=-1)", VECTORS),
    ],
    "layers.BatchNormalization": [
        ("keras.layers.BatchNormalization()", VECTORS),
        ("keras.layers.BatchNormalization()", IMAGES),
        ("keras.layers.BatchNormalization(axis=1)", IMAGES),
        ("keras.layers.BatchNormalization(momentum=0.6, epsilon=0.1)", VECTORS),
        ("keras.layers.BatchNormalization(center=False)", VECTORS),
        ("keras.layers.BatchNormalization(scale=False)", VECTORS),
        ("keras.layers.BatchNormalization(center=False, scale=False)", (2, 3, 5)),
        (
            "keras.layers.BatchNormalization(beta_initializer='ones', "
            "gamma_initializer=keras.initializers.RandomNormal(1.0, 0.2, seed=1))",
            VECTORS,
        ),
        ("keras.layers.BatchNormalization(trainable=False)", VECTORS),
    ],
    "layers.Dropout": [
        ("keras.layers.Dropout(0.0)", VECTORS),
        ("keras.layers.Dropout(0.3)", VECTORS),
        ("keras.layers.Dropout(0.5, seed=3)", IMAGES),
        ("keras.layers.Dropout(0.4, noise_shape=(None, 1, 1, 2))", IMAGES),
        ("keras.layers.Dropout(0.99)", (50, 7)),
    ],
    "layers.GaussianNoise": [
        ("keras.layers.GaussianNoise(0.0)", VECTORS),
        ("keras.layers.GaussianNoise(0.5, seed=2)", VECTORS),
    ],
}
# Their random numbers are TensorFlow's; other backends draw others.
TENSORFLOW_ONLY = ("layers.Dropout", "layers.GaussianNoise")
FLAT = [
    pytest.param(piece, text, shape, id=f"{text}-{shape}".replace("keras.layers.", ""))
    for piece, cases in CASES.items()
    for text, shape in cases
]


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text", "shape"), FLAT)
def test_layer(piece, text, shape, floatx, training):
    if training and BACKEND != "tensorflow" and piece in TENSORFLOW_ONLY:
        pytest.skip("the random numbers in training are those of Keras on TensorFlow")
    for library in (tinynet, keras):
        library.config.set_floatx(floatx)
    rng = np.random.default_rng(1)
    x = rng.normal(size=shape).astype(floatx)
    own, theirs = make_both(text)
    own.ensure_built(shape[1:])
    theirs.build(shape)
    start = own.get_weights()
    _start_from(own, theirs, start)
    for call in range(2):  # the second call shows that state moved on alike
        out = own.forward(x, training)
        upstream = rng.normal(size=out.shape).astype(floatx)
        dx = own.backward(upstream)
        keras_out, keras_dx, keras_grads = of_layer(theirs, x, upstream, training)
        grads = list(own.grads.values()) if own.trainable else []
        expect_same(
            piece,
            {
                f"output of call {call}": (out, keras_out),
                "gradient of the input": (dx, keras_dx),
                **{
                    f"gradient of {name}": pair
                    for name, pair in zip(
                        own.params, zip(grads, keras_grads, strict=True), strict=False
                    )
                },
                **{
                    f"{name} afterwards": (value, numpy(variable))
                    for (name, value), variable in zip(
                        own.arrays.items(), _variables(theirs), strict=True
                    )
                },
            },
            tolerance=TOLERANCE[floatx],
            case=text,
        )


def _variables(layer):
    """Weights and states, without the places in random sequences."""
    return list(layer.weights)


def _start_from(own, theirs, weights):
    """Give both layers the same first weights, where a backend draws others."""
    if BACKEND != "tensorflow":
        theirs.set_weights(weights)
