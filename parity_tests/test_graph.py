"""Models that are graphs: the same script in both libraries, from the same seed."""

import numpy as np
import pytest

import tinynet
from parity_tests.backend import keras
from parity_tests.both import TOLERANCE, expect_same, use_floatx

rng = np.random.default_rng(4)
X = rng.normal(size=(24, 6))
IMAGES = rng.normal(size=(24, 5, 5, 2))
Y = np.arange(24) % 3

# Each script makes `model`; `x` is what goes in. What is written first is what it is about.
CASES = {
    "layers.Add": """
a = keras.Input((6,))
low = layers.Dense(5, activation="relu")(a)
met = layers.Add()([layers.Dense(4)(low), layers.Dense(4)(low), layers.Dense(4, "tanh")(a)])
model = keras.Model(a, layers.Dense(3, activation="softmax")(met))
""",
    "layers.Subtract": """
a = keras.Input((6,))
twice = layers.Dense(6, activation="tanh", kernel_regularizer="l2")
met = layers.Subtract()([twice(a), twice(twice(a))])
model = keras.Model(a, layers.Dense(3, activation="softmax")(met))
""",
    "layers.Multiply": """
a = keras.Input(shape=(5, 5, 2))
h = layers.Conv2D(4, 3, padding="same", activation="relu")(a)
s = layers.GlobalAveragePooling2D()(h)
s = layers.Reshape((1, 1, 4))(layers.Dense(4, activation="sigmoid")(s))
h = layers.Multiply()([h, s, h])
model = keras.Model(a, layers.Dense(3, activation="softmax")(layers.Flatten()(h)))
""",
    "layers.Average": """
a = keras.Input((6,))
branches = [layers.Dense(4, activation=f)(a) for f in ("relu", "tanh", "sigmoid")]
model = keras.Model(a, layers.Dense(3, activation="softmax")(layers.Average()(branches)))
""",
    "layers.Maximum": """
a = keras.Input((6,))
branches = [layers.Dense(4, kernel_initializer="zeros")(a) for _ in range(2)]  # equal at first
branches.append(layers.Dense(4, activation="tanh")(a))
model = keras.Model(a, layers.Dense(3, activation="softmax")(layers.Maximum()(branches)))
""",
    "layers.Minimum": """
a = keras.Input((6,))
branches = [layers.Dense(4, kernel_initializer="zeros")(a) for _ in range(2)]  # equal at first
branches.append(layers.Dense(4, activation="tanh")(a))
model = keras.Model(a, layers.Dense(3, activation="softmax")(layers.Minimum()(branches)))
""",
    "layers.Concatenate": """
a = keras.Input((5, 5, 2))
h = layers.Conv2D(3, 3, padding="same", use_bias=False)(a)
h = layers.BatchNormalization()(layers.Concatenate()([h, a, h]))
h = layers.Concatenate(axis=1)([h, layers.ReLU()(h)])
model = keras.Model(inputs=a, outputs=layers.Dense(3, activation="softmax")(layers.Flatten()(h)))
""",
    "layers.InputLayer": """
model = keras.Sequential([layers.InputLayer((6,)), layers.Dense(3, activation="softmax")])
""",
    "a stack inside a graph, called twice": """
encoder = keras.Sequential([keras.Input((6,)), layers.Dense(4, "relu"), layers.Dropout(0.3)])
a = keras.Input((6,))
met = layers.Subtract()([encoder(a), encoder(layers.Dense(6)(a))])
model = keras.Model(a, layers.Dense(3, activation="softmax")(met))
""",
    "graphs inside a stack": """
a = keras.Input((6,))
block = keras.Model(a, layers.Add()([a, layers.Dense(6, activation="tanh")(a)]))
model = keras.Sequential([block, layers.Dropout(0.2), layers.Dense(3, activation="softmax")])
""",
    "a class with call": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Dense(8, activation="relu")
        self.drop = layers.Dropout(0.25)
        self.last = layers.Dense(3, activation="softmax")
    def call(self, x, training=False):
        x = self.first(x)
        if training:
            x = self.drop(x, training=training)
        return self.last(x)
model = Net()
""",
    "an activation as a layer at the end": """
a = keras.Input((6,))
h = layers.Dense(3)(a)
model = keras.Model(a, layers.Activation("softmax")(layers.Add()([h, layers.Dense(3)(a)])))
""",
    "a layer frozen below": """
a = keras.Input((6,))
low = layers.Dense(5, activation="relu", trainable=False)
met = layers.Add()([low(a), layers.Dense(5)(a)])
model = keras.Model(a, layers.Dense(3, activation="softmax")(met))
""",
}


def made(script, library):
    """Run a script, and fit its model; return it with what training gave."""
    library.utils.set_random_seed(5)
    names = {"keras": library, "layers": library.layers}
    exec(script, names)
    model = names["model"]
    x = IMAGES if "(5, 5, 2)" in script else X
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, Y, batch_size=9, epochs=3, validation_split=0.25, verbose=0).history
    return model, {**history, "predictions": model.predict(x, verbose=0)}


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize("case", CASES)
def test_graphs(case, floatx):
    use_floatx(floatx)
    (own, got), (theirs, expected) = (made(CASES[case], each) for each in (tinynet, keras))
    if not case.startswith("a class"):  # Keras lists the layers of a class in another way
        kinds = [[type(layer).__name__ for layer in model.layers] for model in (own, theirs)]
        same = [{"Model": "Functional"}.get(kind, kind) for kind in kinds[0]]
        assert same == kinds[1]
    weights = [model.get_weights() for model in (own, theirs)]
    assert len(weights[0]) == len(weights[1])
    tensors = {name: (got[name], expected[name]) for name in expected}
    tensors |= {f"weight {i}": pair for i, pair in enumerate(zip(*weights, strict=True))}
    expect_same(case, tensors, tolerance=TOLERANCE[floatx], case=case)
