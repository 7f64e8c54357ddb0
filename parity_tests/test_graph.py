"""Models that are graphs: the same script in both libraries, from the same seed."""

import random

import numpy as np
import pytest

import tinynet
from parity_tests.backend import keras
from parity_tests.both import TOLERANCE, expect_same, use_floatx
from tests.test_graph import drawn_ends

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
    "fewer axes, and one input": """
a = keras.Input(shape=(5, 5, 2))
h = layers.Conv2D(4, 3, padding="same", activation="relu")(a)
s = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D()(h))
h = layers.Multiply()([s, h])
h = layers.Maximum()([h, layers.Dense(1)(s), layers.Average()([h])])
model = keras.Model(a, layers.Dense(3, activation="softmax")(layers.Flatten()(layers.Add()([h]))))
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
    "a stack at the end of a graph": """
a = keras.Input((6,))
head = keras.Sequential([keras.Input((6,)), layers.Dense(3), layers.Softmax()], name="head")
model = keras.Model(a, head(layers.Dense(6, activation="tanh")(a)))
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
    "a class whose call calls its layers in another order than that of the outputs": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.low, self.high = layers.Activation("tanh"), layers.Activation("relu")
        self.norm, self.drop = layers.BatchNormalization(momentum=0.5), layers.Dropout(0.4)
        self.relu, self.met = layers.ReLU(), layers.Subtract()
        self.last = layers.Dense(3, activation="softmax")
    def call(self, x, training=False):
        second = self.relu(self.drop(self.norm(self.low(x), training=training), training=training))
        first = self.drop(self.norm(self.high(x), training=training), training=training)
        return self.last(self.met([first, second]))
model = Net()
""",
    "layers behind shared ones, before the branches meet": """
a = keras.Input((6,))
dense, norm = layers.Dense(4, use_bias=False), layers.BatchNormalization(momentum=0.5)
drop = layers.Dropout(0.4)
h = [layers.ReLU()(drop(norm(dense(each)))) for each in (a, layers.Dense(6, "tanh")(a), a)]
model = keras.Model(a, layers.Dense(3, activation="softmax")(layers.Concatenate()(h)))
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


def random_graph(library, seed):
    """Return a graph with layers that are called again and again."""
    draw = np.random.default_rng(seed)
    shared = [library.layers.Activation("tanh", name=f"shared_{i}") for i in range(4)]
    tensors = [library.Input((2,)), library.Input((2,))]
    for i in range(10):
        count = draw.integers(1, 4)
        chosen = [tensors[at] for at in draw.integers(len(tensors), size=count)]
        if count > 1:
            tensors.append(library.layers.Add(name=f"add_{i}")(chosen))
        else:
            tensors.append(shared[draw.integers(len(shared))](chosen[0]))
    return library.Model(tensors[:2], [tensors[at] for at in draw.integers(6, 12, size=2)])


@pytest.mark.parametrize("seed", range(30))
def test_calls_run_in_the_same_order(seed):
    own, theirs = random_graph(tinynet, seed), random_graph(keras, seed)
    calls = [own.drawn[wire.gives[0]].call for wire in own.wires]
    depths = sorted(theirs._nodes_by_depth.items(), reverse=True)
    nodes = [node for _, nodes in depths for node in nodes if not node.is_input]
    assert [(each.layer.name, each.layer._calls.index(each)) for each in calls] == [
        (each.operation.name, each.operation._inbound_nodes.index(each)) for each in nodes
    ]


# Several inputs and outputs.

DATA = {
    "X": X[:, :4],
    "Z": X[:, 3:],
    "Y": Y,
    "HOT": np.eye(3)[Y],
    "BITS": (X[:, :1] > 0) * 1.0,
    "PLACES": rng.normal(size=(24, 2)),
    "WEIGHTS": rng.random(24),
    "OTHERS": rng.random(24) * 2,
}
SPARSE = "'sparse_categorical_crossentropy'"
MODELS = {
    "two inputs, two outputs": """
a, b = keras.Input((4,), name="left"), keras.Input((3,), name="right")
low = layers.Dense(5, activation="relu", kernel_regularizer="l2")(a)
met = layers.Concatenate()([low, layers.Dense(4, activation="tanh")(b)])
kind = layers.Dense(3, activation="softmax", name="kind")(met)
model = keras.Model([a, b], [kind, layers.Dense(2, name="place")(layers.Dropout(0.3)(met))])
""",
    "two inputs": """
a, b = keras.Input((4,), name="left"), keras.Input((3,), name="right")
met = layers.Concatenate()([a, b])
model = keras.Model([a, b], layers.Dense(3, activation="softmax", name="kind")(met))
""",
    "two outputs": """
a = keras.Input((4,), name="left")
low = layers.Dense(5, activation="relu")(a)
yes = layers.Dense(1, activation="sigmoid", name="yes")(low)
kind = layers.Activation("softmax", name="kind")(layers.Dense(3)(low))
model = keras.Model(a, [yes, kind])
""",
    "one layer for both outputs": """
a, b = keras.Input((4,), name="left"), keras.Input((3,), name="right")
last = layers.Dense(3, activation="softmax", name="last")
model = keras.Model([a, b], [last(a), last(layers.Dense(4)(b))])
""",
    "an output that goes on": """
a = keras.Input((4,), name="left")
kind = layers.Dense(3, activation="softmax", name="kind")(a)
place = layers.Dense(2, name="place")(layers.Concatenate()([kind, a]))
model = keras.Model(a, [kind, place, kind])
""",
    "outputs of a model inside": """
a = keras.Input((4,))
low = layers.Dense(5, activation="tanh")(a)
ends = [layers.Dense(3, activation="softmax")(low), layers.Dense(2)(low)]
inside = keras.Model(a, ends, name="inside")
b = keras.Input((4,), name="left")
kind, place = inside(layers.Dense(4)(b))
model = keras.Model(b, [kind, layers.Dense(2, name="place")(place)])
""",
    "a model that shares a layer, called twice": """
a = keras.Input((4,))
twice = layers.Dense(4, activation="tanh")
inside = keras.Model(a, layers.Add()([twice(a), twice(twice(a))]))
b = keras.Input((4,), name="left")
met = layers.Subtract()([inside(b), inside(layers.Dense(4)(b))])
model = keras.Model(b, layers.Dense(3, activation="softmax")(met))
""",
}
# Model, what compile is given, x, y, and what else fit is given.
SEVERAL = {
    "lists": (
        "two inputs, two outputs",
        f"loss=[{SPARSE}, 'mse'], metrics=[['accuracy'], ['mae']]",
        ("[X, Z]", "[Y, PLACES]", ""),
    ),
    "dicts": (
        "two inputs, two outputs",
        f"loss={{'place': 'mse', 'kind': {SPARSE}}}, loss_weights={{'kind': 0.5, 'place': 2.0}}, "
        "metrics={'kind': ['accuracy', 'accuracy']}, "
        "weighted_metrics={'place': 'mae', 'kind': ['accuracy']}",
        ("{'left': X, 'right': Z}", "{'kind': Y, 'place': PLACES}", ""),
    ),
    "one output without a loss": (
        "two inputs, two outputs",
        f"loss=[{SPARSE}, None], metrics=[['accuracy'], None]",
        ("[X, Z]", "[Y]", ""),
    ),
    "one weight for all outputs": (
        "two inputs, two outputs",
        f"loss=[{SPARSE}, keras.losses.Huber()], loss_weights=[1.0, 0.25], "
        "weighted_metrics=['accuracy', 'mse']",
        ("(X, Z)", "(Y, PLACES)", ", sample_weight=WEIGHTS"),
    ),
    "two inputs": (
        "two inputs",
        f"loss={SPARSE}, metrics=['acc'], weighted_metrics=['accuracy']",
        ("[X, Z]", "Y", ", class_weight={0: 2.0, 1: 0.5}"),
    ),
    "by name, and more than is wanted": (
        "two inputs",
        f"loss={{'kind': {SPARSE}}}, metrics={{'kind': 'accuracy'}}, loss_weights=[0.5]",
        ("{'right': Z, 'left': X, 'more': Z}", "Y", ""),
    ),
    "through sigmoid and softmax": (
        "two outputs",
        f"loss=['binary_crossentropy', {SPARSE}], metrics=[['accuracy'], ['accuracy']]",
        ("X", "[BITS, Y]", ""),
    ),
    "one loss for both": (
        "two outputs",
        "loss='mse', weighted_metrics=['mae', 'accuracy']",
        ("[X]", "[BITS, HOT]", ", sample_weight=[WEIGHTS, OTHERS]"),
    ),
    "one layer for both": (
        "one layer for both outputs",
        f"loss={SPARSE}, metrics=[['accuracy'], ['accuracy']]",
        ("[X, Z]", "[Y, Y]", ""),
    ),
    "an output that goes on": (
        "an output that goes on",
        f"loss=[{SPARSE}, 'mse', 'categorical_crossentropy'], loss_weights=[1.0, 2.0, 0.5], "
        "metrics=['accuracy', None, ['accuracy']]",
        ("X", "[Y, PLACES, HOT]", ""),
    ),
    "outputs of a model inside": (
        "outputs of a model inside",
        f"loss=[{SPARSE}, 'mse'], metrics=['accuracy', 'mse']",
        ("X", "[Y, PLACES]", ""),
    ),
    "a model that shares a layer, called twice": (
        "a model that shares a layer, called twice",
        f"loss={SPARSE}",
        ("X", "Y", ""),
    ),
}


def values(found):
    """Return lists as dicts, so that all values have a name."""
    if isinstance(found, list):
        return {str(place): each for place, each in enumerate(found)}
    return found if isinstance(found, dict) else {"one": found}


def tupled(found):
    """Return a list as a tuple, which Keras wants in a generator's batches."""
    return tuple(found) if isinstance(found, list) else found


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.filterwarnings(r"ignore:[\s\S]*The structure of `inputs` doesn't match")
@pytest.mark.parametrize(
    ("case", "floatx"), [*((case, "float64") for case in SEVERAL), ("lists", "float32")]
)
def test_several(case, floatx):
    use_floatx(floatx)
    name, compiled, (x, y, more) = SEVERAL[case]
    calls = {
        "fit": f"fit({x}, {y}, batch_size=8, epochs=3, validation_split=0.25, verbose=0{more})",
        "evaluate": f"evaluate({x}, {y}, batch_size=8, verbose=0)",
        "by name": f"evaluate({x}, {y}, batch_size=8, verbose=0, return_dict=True)",
        "train_on_batch": f"train_on_batch({x}, {y})",
        "from batches": f"fit(((tupled({x}), tupled({y})) for _ in range(9)), steps_per_epoch=4, "
        "epochs=2, verbose=0, shuffle=False)",
        "test_on_batch": f"test_on_batch({x}, {y})",
        "predict": f"predict({x}, batch_size=8, verbose=0)",
        "predict_on_batch": f"predict_on_batch({x})",
    }
    if case == "one output without a loss":
        del calls["from batches"]  # Keras wants targets for all outputs there
    results, models = [], []
    for library in (tinynet, keras):
        library.utils.set_random_seed(5)
        names = {"keras": library, "layers": library.layers, "tupled": tupled, **DATA}
        exec(MODELS[name], names)
        eval(f"model.compile('adam', {compiled})", names)
        found = {call: eval(f"model.{text}", names) for call, text in calls.items()}
        results.append({k: values(getattr(each, "history", each)) for k, each in found.items()})
        models.append(names["model"])
    got, expected = results
    tensors = {}
    for call, theirs in expected.items():
        assert list(got[call]) == list(theirs), f"{call}: names or their order"
        tensors |= {f"{call} {key}": (got[call][key], each) for key, each in theirs.items()}
    pairs = zip(*(model.get_weights() for model in models), strict=True)
    tensors |= {f"weight {i}": pair for i, pair in enumerate(pairs)}
    expect_same("Model.fit", tensors, tolerance=TOLERANCE[floatx], case=case)


# With an Input of integers, x loses its fractions; what is computed from it are floats.
OF_INTEGERS = {
    "a stack": """
model = keras.Sequential([keras.Input((6,), dtype="uint8"), layers.Dense(3)])
""",
    "a graph": """
a, b = keras.Input((6,), dtype="int32"), keras.Input((6,))
met = layers.Add()([layers.Rescaling(1 / 255)(a), b])
model = keras.Model([a, b], layers.Dense(3)(met))
""",
}


@pytest.mark.parametrize("case", OF_INTEGERS)
def test_inputs_of_integers(case, tmp_path):
    use_floatx("float64")
    found = []
    x = np.abs(X) * 20 + 0.75
    for library in (tinynet, keras):
        library.utils.set_random_seed(5)
        names = {"keras": library, "layers": library.layers}
        exec(OF_INTEGERS[case], names)
        model = names["model"]
        given = x if case == "a stack" else [x, x]
        model.compile("sgd", "mse")
        history = model.fit(given, x[:, :3], epochs=2, verbose=0).history
        path = tmp_path / f"{library.__name__}.keras"
        model.save(path)
        types = [each.dtype for each in model.inputs]
        again = {}
        for reader in (tinynet, keras):
            read = reader.models.load_model(path, compile=False)
            assert [each.dtype for each in read.inputs] == types
            again[f"read by {reader.__name__}"] = read.predict(given, verbose=0)
        found.append({**history, "predictions": model.predict(given, verbose=0), **again})
    tensors = {name: (found[0][name], each) for name, each in found[1].items()}
    expect_same("layers.Input", tensors, tolerance=1e-12, case=case)


def with_dicts(library, tmp_path, reader):
    """Return what a model with a dict of outputs gives, and one that was read from its file."""
    library.utils.set_random_seed(5)
    a, b = library.Input((6,), name="left"), library.Input((6,), name="right")
    met = library.layers.Concatenate()([a, library.layers.Dense(4, activation="tanh")(b)])
    outputs = {
        "size": library.layers.Dense(1)(met),
        "kind": library.layers.Dense(3, activation="softmax")(met),
    }
    model = library.Model({"left": a, "right": b}, outputs)
    model.compile(
        "adam",
        {"size": "mse", "kind": "sparse_categorical_crossentropy"},
        metrics={"kind": ["accuracy"], "size": "mae"},
        loss_weights={"size": 0.25, "kind": 1.0},
    )
    given, y = {"right": X, "left": X[::-1]}, {"kind": Y, "size": X[:, :1]}
    history = model.fit(given, y, epochs=2, batch_size=9, verbose=0, validation_split=0.25)
    evaluated = model.evaluate(given, y, verbose=0, return_dict=True)
    path = tmp_path / f"{library.__name__}.keras"
    model.save(path)  # Keras writes a dict of inputs, too
    read = reader.models.load_model(path, compile=False)
    found = {
        "predict": model.predict(given, verbose=0),
        "call": model(given),
        "batch": model.predict_on_batch(given),
        "read": read.predict(given, verbose=0),
        "again": library.Model([a, b], model({"left": a, "right": b})).predict(given, verbose=0),
    }
    assert [list(each) for each in found.values()] == [["size", "kind"]] * len(found)
    assert list(model.output) == ["size", "kind"]
    flat = {
        f"{name}: {key}": np.asarray(v) for name, each in found.items() for key, v in each.items()
    }
    return {**history.history, **evaluated, **flat}


def test_a_dict_of_outputs(tmp_path):
    use_floatx("float64")
    own = with_dicts(tinynet, tmp_path, keras)
    theirs = with_dicts(keras, tmp_path, tinynet)
    assert sorted(own) == sorted(theirs)
    tensors = {name: (own[name], each) for name, each in theirs.items()}
    expect_same("layers.Concatenate", tensors, tolerance=1e-12, case="a dict of outputs")


# Weights that the loss does not depend on, and layers that are penalized in each of their calls.

ENDS = """
x = keras.Input((4,))
low = layers.Dense(3, activation="tanh")(x)
ends = [layers.Dense(2, name="a")(low), layers.Dense(2, name="b", bias_initializer="ones"{})(low)]
model = keras.Model(x, ends)
"""
NO_END = "model.compile({}, ['mse', None])"
INSIDE = """
x = keras.Input((4,))
h = layers.Dense(3, name="h")(x)
inner = keras.Model(x, [h, layers.Dense(3, name="unused"{})(h)], name="inner")
"""
SHRINKS = "keras.optimizers.AdamW(0.05, weight_decay=0.5)"
PARTLY = {
    "no loss, weight decay": (ENDS.format(""), NO_END.format(SHRINKS)),
    "no loss, momentum and accumulation": (
        ENDS.format(""),
        NO_END.format(
            "keras.optimizers.SGD(0.05, momentum=0.9, weight_decay=0.1, global_clipnorm=0.5, "
            "gradient_accumulation_steps=2)"
        ),
    ),
    "no loss, averages": (
        ENDS.format(""),
        NO_END.format(
            "keras.optimizers.Adam(0.05, weight_decay=0.1, use_ema=True, ema_momentum=0.5, "
            "ema_overwrite_frequency=2)"
        ),
    ),
    "no loss, constraints": (
        ENDS.format(", kernel_constraint=keras.constraints.MaxNorm(0.3)"),
        NO_END.format("'sgd'"),
    ),
    "no loss, but a penalty on one weight": (
        ENDS.format(
            ", kernel_regularizer='l2', kernel_constraint=keras.constraints.MaxNorm(0.3), "
            "bias_constraint=keras.constraints.MaxNorm(0.3)"
        ),
        NO_END.format(SHRINKS),
    ),
    "no loss, but a penalty on the output": (
        ENDS.format(", activity_regularizer=keras.regularizers.L2(0.1)"),
        NO_END.format(SHRINKS),
    ),
    "no loss, and a frozen layer": (
        ENDS.format(", trainable=False"),
        NO_END.format(SHRINKS),
    ),
    "an unused output of a model inside": (
        f"{INSIDE.format('')}\na, b = inner(x)\n"
        "model = keras.Model(x, [layers.Dense(2)(a), layers.Dense(2)(a)])",
        f"model.compile({SHRINKS}, 'mse')",
    ),
    "an unused output with a penalty": (
        f"{INSIDE.format(', activity_regularizer=keras.regularizers.L1(0.1)')}\n"
        "a, b = inner(x)\n"
        "model = keras.Model(x, [layers.Dense(2)(a), layers.Dense(2)(a)])",
        f"model.compile({SHRINKS}, 'mse')",
    ),
    "in a stack": (
        f"{INSIDE.format('')}\na, b = inner(x)\n"
        "part = keras.Model(x, layers.Dense(4)(a))\n"
        "stack = keras.Sequential([keras.Input((4,)), part, layers.Dense(2)])\n"
        "model = keras.Model(x, [stack(x), layers.Dense(2)(x)])",
        f"model.compile({SHRINKS}, 'mse')",
    ),
    "all of it is dropped": (
        "x = keras.Input((4,))\n"
        "low = layers.Dropout(1.0)(layers.Dense(3)(x))\n"
        "model = keras.Model(x, [layers.Dense(2)(low), layers.Dense(2)(low)])",
        f"model.compile({SHRINKS}, 'mse')",
    ),
}
PENALIZED = "layers.Dense(4, activation='tanh', activity_regularizer=keras.regularizers.L2(0.3){})"
AGAIN = {
    "called twice": f"d = {PENALIZED.format('')}\nmodel = keras.Model(x, two(d(d(x))))",
    "with a penalty on the kernel": (
        f"d = {PENALIZED.format(', kernel_regularizer=keras.regularizers.L2(0.1)')}\n"
        "model = keras.Model(x, two(layers.Add()([d(d(d(x))), x])))"
    ),
    "in a model that is called twice": (
        f"d = {PENALIZED.format('')}\ninner = keras.Model(x, layers.Add()([d(d(x)), x]))\n"
        "model = keras.Model(x, two(inner(inner(x))))"
    ),
    "in a stack that is called twice": (
        f"inner = keras.Sequential([x, {PENALIZED.format('')}, layers.Dense(4)])\n"
        "model = keras.Model(x, two(inner(inner(x))))"
    ),
    "in two models": (
        f"d = {PENALIZED.format('')}\n"
        "one, other = keras.Model(x, d(x)), keras.Model(x, layers.Dense(4)(d(x)))\n"
        "model = keras.Model(x, two(other(one(x))))"
    ),
    "in a model in a stack": (
        f"d = {PENALIZED.format('')}\ninner = keras.Model(x, layers.Add()([d(d(x)), x]))\n"
        "stack = keras.Sequential([keras.Input((4,)), inner, layers.Dense(4)])\n"
        "model = keras.Model(x, two(stack(stack(x))))"
    ),
    "a layer that does nothing else": (
        "d = layers.ActivityRegularization(0.1, 0.2)\nmodel = keras.Model(x, two(d(d(x))))"
    ),
    "frozen": (
        f"d = {PENALIZED.format(', trainable=False')}\nmodel = keras.Model(x, two(d(d(x))))"
    ),
}
TWO = "x = keras.Input((4,))\ntwo = lambda h: [layers.Dense(2)(h), layers.Dense(2)(h)]\n"
PARTLY |= {
    f"a penalized layer: {name}": (TWO + text, f"model.compile({SHRINKS}, 'mse')")
    for name, text in AGAIN.items()
}


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize("run_eagerly", [False, True], ids=["lines", "layers"])
@pytest.mark.parametrize("case", PARTLY)
def test_what_the_loss_depends_on(case, run_eagerly):
    use_floatx("float64")
    own, theirs = (trained(library, *PARTLY[case], run_eagerly) for library in (tinynet, keras))
    tensors = {name: (own[name], theirs[name], 1.0) for name in theirs}
    expect_same("Model.fit", tensors, tolerance=TOLERANCE["float64"], case=case)


def trained(library, text, compiled, run_eagerly):
    """Return the weights and the logs of a model with two outputs, and the optimizer's memory."""
    library.utils.set_random_seed(5)
    names = {"keras": library, "layers": library.layers}
    exec(f"{text}\n{compiled}", names)
    model, x, y = names["model"], DATA["X"], DATA["PLACES"]
    model.run_eagerly = run_eagerly
    logs = model.fit(x, [y, y], batch_size=9, epochs=2, shuffle=False, verbose=0).history
    found = {key: np.array(each) for key, each in logs.items()}
    found["one batch"] = np.array(model.train_on_batch(x, [y, y]))
    found["evaluated"] = np.array(model.evaluate(x, [y, y], verbose=0))
    found |= {f"weight {i}": each for i, each in enumerate(model.get_weights())}
    for slot in ("momentum", "velocity", "average", "gradient_accumulator"):
        if library is keras:
            some = [v.numpy() for v in model.optimizer.variables if v.name.endswith(f"_{slot}")]
        else:
            some = [own[slot] for own in model.optimizer.slots.values() if slot in own]
        found |= {f"{slot} {i}": each.reshape(-1) for i, each in enumerate(some)}
    return found


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize("seed", range(12))
def test_ends_drawn_at_random(seed):
    use_floatx("float64")
    make, x, y = drawn_ends(random.Random(seed).choice), DATA["X"][:, :3], DATA["PLACES"]
    results, weights = [], None
    for library in (keras, tinynet):
        library.utils.set_random_seed(seed)
        model = make(library)
        weights = model.get_weights() if weights is None else weights
        model.set_weights(weights)
        targets = [y] * len(model.outputs)
        logs = model.fit(x, targets, batch_size=9, epochs=3, shuffle=False, verbose=0).history
        last = model.evaluate(x, targets, verbose=0)
        results.append([np.array(logs["loss"]), np.array(last), *model.get_weights()])
    theirs, own = results
    tensors = {f"{i}": (*pair, 1.0) for i, pair in enumerate(zip(own, theirs, strict=True))}
    expect_same("Model.fit", tensors, tolerance=TOLERANCE["float64"], case=f"drawn ends {seed}")


def test_a_warning_names_the_weights_without_a_gradient():
    texts = ENDS.format(", kernel_regularizer='l2'"), NO_END.format(SHRINKS)
    for library in (tinynet, keras):
        with pytest.warns(UserWarning, match="Gradients do not exist for variables .*b/bias"):
            trained(library, *texts, False)


def test_no_weight_with_a_gradient_is_an_error():
    text = "x = keras.Input((4,))\nends = [layers.Dense(2, trainable=False)(x), layers.Dense(2)(x)]"
    for library in (tinynet, keras):
        with pytest.raises(ValueError, match="gradient"):
            trained(library, f"{text}\nmodel = keras.Model(x, ends)", NO_END.format("'sgd'"), False)
