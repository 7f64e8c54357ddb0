"""Losses and metrics given as functions: tinynet and Keras evaluate the same text.

In the texts, ``ops`` is NumPy for tinynet and ``keras.ops`` for Keras.
"""

import warnings

import numpy as np
import pytest

import tinynet
from parity_tests.backend import keras
from parity_tests.both import expect_same, make, numpy, use_floatx

rng = np.random.default_rng(4)
N = 20
X = rng.normal(size=(N, 4))
TARGETS = {
    "numbers": rng.uniform(0.1, 0.9, (N, 3)),
    "labels": rng.integers(0, 3, N),
    "column of labels": rng.integers(0, 3, (N, 1)),
    "one-hot": np.eye(3)[rng.integers(0, 3, N)],
    "bits": rng.integers(0, 2, N),
}
LIBRARIES = {tinynet: np, keras: keras.ops}
# The measured gradient has some ten correct digits; training steps propagate its error.
MEASURED = 1e-9
FAR_OUT = 1e-6  # where the loss is large, and predictions tiny

CASES = {
    "metrics.MeanMetricWrapper": [
        ("lambda y, p: ops.mean(ops.abs(y - p), axis=-1)", "numbers"),
        ("lambda y, p: ops.square(y - p)", "numbers"),
        ("lambda y, p: ops.mean(ops.square(y - p))", "numbers"),
        ("lambda y, p: ops.max(p, axis=-1)", "labels"),
        ("lambda y, p: ops.argmax(p, axis=-1) == ops.argmax(y, axis=-1)", "one-hot"),
        ("lambda y, p: ops.sum(p, axis=-1, keepdims=True)", "labels"),
        ("lambda y, p: p - ops.cast(y, 'float64')", "column of labels"),
    ],
}
LOSSES = [
    ("lambda y, p: ops.mean(ops.square(y - p), axis=-1)", "numbers"),
    ("lambda y, p: ops.square(y - p)", "numbers"),
    ("lambda y, p: ops.mean(ops.square(y - p))", "numbers"),
    ("lambda y, p: -ops.sum(y * ops.log(p), axis=-1)", "one-hot"),
    ("lambda y, p: ops.mean(ops.logaddexp(0.0, p - y), axis=-1)", "numbers"),
    ("lambda y, p: ops.sum(p, axis=-1, keepdims=True) * y", "column of labels"),
]


class Ops:
    """NumPy, with the one function that `keras.ops` has and NumPy lacks."""

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def cast(x, dtype):
        return x.astype(dtype)


def both(text):
    """Return the function of a text for each library."""
    known = [{"keras": tinynet, "ops": Ops()}, {"keras": keras, "ops": keras.ops}]
    return [(each["keras"], eval(text, each)) for each in known]


def model(library, units=3, activation=None):
    library.utils.set_random_seed(3)
    activation = activation or ("softmax" if units > 1 else "sigmoid")
    text = f"keras.Sequential([keras.Input((4,)), keras.layers.Dense({units}, '{activation}')])"
    return make(text, library)


# What does not give one number per sample cannot be weighted by sample, in Keras either.
WHOLE, UNREDUCED = "ops.mean(ops.square(y - p))", "lambda y, p: ops.square(y - p)"


@pytest.mark.parametrize(
    ("text", "kind", "weighted"),
    [
        (text, kind, weighted)
        for text, kind in CASES["metrics.MeanMetricWrapper"]
        for weighted in (False, True)
        if not (weighted and WHOLE in text)
    ],
)
def test_a_metric_alone(text, kind, weighted):
    predictions = rng.dirichlet(np.ones(3), N)
    results = []
    for library, function in both(text):
        metric = library.metrics.MeanMetricWrapper(function, name="mine")
        for rows in (slice(0, 8), slice(8, N)):
            weights = np.arange(N)[rows] if weighted else None
            metric.update_state(TARGETS[kind][rows], predictions[rows], weights)
        results.append(numpy(metric.result()) if library is keras else metric.result())
    terms = [1.0]  # the numbers that are added are between 0 and 1, or labels
    expect_same("metrics.MeanMetricWrapper", {"result": (*results, terms)}, case=text)


@pytest.mark.parametrize(("text", "kind"), CASES["metrics.MeanMetricWrapper"])
def test_a_metric_in_fit(text, kind):
    runs = []
    for library, function in both(text):
        net = model(library)
        loss = "mse" if kind in ("numbers", "one-hot") else "sparse_categorical_crossentropy"
        net.compile("sgd", loss, metrics=[function, function, "accuracy"])
        runs.append(net.fit(X, TARGETS[kind], epochs=2, batch_size=6, verbose=0).history)
    assert list(runs[0]) == list(runs[1])
    for name in runs[0]:
        pair = runs[0][name], runs[1][name]
        expect_same("metrics.MeanMetricWrapper", {name: (*pair, [1.0])}, case=text)


def test_labels_beside_one_output_meet_every_prediction():
    """The metric is that of all pairs, as in Keras, which does not warn."""
    results = []
    for library, function in both("lambda y, p: ops.abs(ops.cast(y, 'float64') - p)"):
        net = model(library, units=1)
        net.compile("sgd", "binary_crossentropy", metrics=[function])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "lambda: .* each target met each prediction")
            results.append(net.evaluate(X, TARGETS["bits"], batch_size=N, verbose=0)[1])
    expect_same("metrics.MeanMetricWrapper", {"all pairs": (*results, [1.0])})


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(
    ("text", "kind", "weighted"),
    [
        (text, kind, weighted)
        for text, kind in LOSSES
        for weighted in (False, True)
        if not (weighted and text == UNREDUCED)
    ],
)
def test_a_loss_in_fit(text, kind, floatx, weighted):
    use_floatx(floatx)
    runs, weights = [], np.linspace(0, 2, N) if weighted else None
    for library, function in both(text):
        net = model(library)
        net.compile("sgd", function)
        history = net.fit(
            X, TARGETS[kind], epochs=3, batch_size=6, verbose=0, sample_weight=weights
        )
        runs.append((history.history["loss"], net.get_weights()))
    tolerance = MEASURED if floatx == "float64" else 2e-5
    tensors = {"loss": (runs[0][0], runs[1][0], [1.0])}
    for place, pair in enumerate(zip(runs[0][1], runs[1][1], strict=True)):
        tensors[f"weight {place}"] = (*pair, [1.0])
    expect_same("Sequential.fit", tensors, tolerance=tolerance, case=text)


BCE, CCE = "keras.losses.binary_crossentropy", "keras.losses.categorical_crossentropy"
SPARSE = "keras.losses.sparse_categorical_crossentropy"
# Cross-entropies in functions of the user's, what the model ends in, and the targets.
LOOKING = [
    (f"lambda y, p: 3 * {BCE}(y, p)", "sigmoid", "one-hot"),
    (f"lambda y, p: {BCE}(y, p) + ops.mean(ops.square(y - p), axis=-1)", "sigmoid", "one-hot"),
    (
        f"lambda y, p: {BCE}(y, p, label_smoothing=0.1) * ops.exp(-{BCE}(y, p))",
        "sigmoid",
        "one-hot",
    ),
    (f"lambda y, p: {CCE}(y, p)", "softmax", "one-hot"),
    (f"lambda y, p: {CCE}(y, p) + ops.max(p, axis=-1)", "softmax", "one-hot"),
    (f"lambda y, p: {SPARSE}(y, p)", "softmax", "column of labels"),
    ("lambda y, p: keras.losses.BinaryCrossentropy()(y, p)", "sigmoid", "one-hot"),
    (
        "lambda y, p: keras.losses.CategoricalCrossentropy(reduction='sum')(y, p)",
        "softmax",
        "one-hot",
    ),
    ("lambda y, p: keras.losses.binary_focal_crossentropy(y, p)", "sigmoid", "one-hot"),
    # Not those that belong together, but Keras keeps the logits of both.
    (f"lambda y, p: {CCE}(y, p)", "sigmoid", "one-hot"),
    (f"lambda y, p: {BCE}(y, p)", "softmax", "one-hot"),
]
# The others, nearer to 0.5: one that is measured entry by entry, with less precision; what is
# computed from predictions has no logits, and other activations keep none.
NEAR = [
    (f"lambda y, p: {CCE}(y, p) + ops.mean(ops.square(p))", "softmax", "one-hot"),
    (f"lambda y, p: {CCE}(y, 1.0 * p)", "softmax", "one-hot"),
    (f"lambda y, p: {CCE}(y, p[:])", "softmax", "one-hot"),
    (f"lambda y, p: 1.0 * {SPARSE}(y, p, ignore_class=1)", "softmax", "column of labels"),
    (f"lambda y, p: {CCE}(y, p)", "softplus", "one-hot"),
    ("lambda y, p: keras.losses.categorical_focal_crossentropy(y, p)", "softmax", "one-hot"),
]


def run(library, activation, kind, far_out=True, **compiled):
    """Train; far out, float32 has no more probabilities than 0 and 1."""
    net, x = model(library, activation=activation), 30 * X if far_out else X
    net.compile(library.optimizers.SGD(0.01), **compiled)
    history = net.fit(x, TARGETS[kind], epochs=3, batch_size=6, verbose=0).history
    return history, net.evaluate(x, TARGETS[kind], verbose=0, return_dict=True), net


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.filterwarnings("ignore:binary_crossentropy.* expected probabilities")
@pytest.mark.filterwarnings("ignore:categorical_crossentropy.* expected probabilities")
@pytest.mark.parametrize(("text", "activation", "kind"), LOOKING + NEAR)
def test_a_loss_looks_back_through_the_last_activation(text, activation, kind, floatx):
    use_floatx(floatx)
    runs = []
    for library, function in both(text):
        # Where a probability is clipped, measured differences would go across the edge.
        far_out = (text, activation, kind) in LOOKING
        history, tested, net = run(library, activation, kind, far_out, loss=function)
        runs.append((history["loss"], tested["loss"], *net.get_weights()))
    tolerance = FAR_OUT if floatx == "float64" else 2e-5
    names = ["loss", "tested", "kernel", "bias"]
    tensors = {name: pair for name, *pair in zip(names, *runs, strict=True)}
    expect_same("Sequential.fit", tensors, tolerance=tolerance, case=text)


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.filterwarnings("ignore:binary_crossentropy.* expected probabilities")
@pytest.mark.filterwarnings("ignore:categorical_crossentropy.* expected probabilities")
@pytest.mark.parametrize(("text", "activation", "kind"), LOOKING + NEAR)
def test_a_metric_looks_back_through_the_last_activation(text, activation, kind, floatx):
    use_floatx(floatx)
    runs = []
    for library, function in both(text):
        wrapped = library.metrics.MeanMetricWrapper(function, name="wrapped")
        metrics = [function, wrapped, "accuracy"]
        loss = "sparse_categorical_crossentropy" if "labels" in kind else "mse"
        history, tested, _ = run(
            library, activation, kind, loss=loss, metrics=metrics, weighted_metrics=[function]
        )
        runs.append((history, tested))
    tolerance = 1e-12 if floatx == "float64" else 2e-5
    for own, theirs in zip(*runs, strict=True):
        assert list(own) == list(theirs)
        tensors = {name: (own[name], theirs[name], [1.0]) for name in own}
        expect_same("metrics.MeanMetricWrapper", tensors, tolerance=tolerance, case=text)


def own_loss(library):
    class Tripled(library.losses.Loss):
        def call(self, y_true, y_pred):
            return 3 * library.losses.binary_crossentropy(y_true, y_pred)

    return Tripled()


def extended_loss(library):
    class Doubled(library.losses.BinaryCrossentropy):
        def call(self, y_true, y_pred):
            return 2 * super().call(y_true, y_pred)

    return Doubled()


def nested_loss(library):
    inner = own_loss(library)
    return lambda y, p: inner(y, p) + library.losses.mean_absolute_error(y, p)


@pytest.mark.parametrize("made", [own_loss, extended_loss, nested_loss])
def test_a_class_of_the_user_s_looks_back(made):
    runs = []
    for library in LIBRARIES:
        history, tested, net = run(library, "sigmoid", "one-hot", loss=made(library))
        runs.append((history["loss"], tested["loss"], *net.get_weights()))
    names = ["loss", "tested", "kernel", "bias"]
    tensors = {name: pair for name, *pair in zip(names, *runs, strict=True)}
    expect_same("losses.Loss", tensors, tolerance=FAR_OUT, case=made.__name__)


def test_a_metric_class_of_the_user_s_looks_back():
    runs = []
    for library in LIBRARIES:

        class Worst(library.metrics.Metric):
            def __init__(self, name="worst", **options):
                super().__init__(name=name, **options)
                self.largest = self.add_weight(name="largest", initializer="zeros")

            def update_state(self, y_true, y_pred, sample_weight=None):
                losses = library.losses.binary_crossentropy(y_true, y_pred)  # noqa: B023
                ops = LIBRARIES[library]  # noqa: B023
                self.largest.assign(ops.maximum(self.largest, ops.max(losses)))

            def result(self):
                return self.largest * 1.0

        _, tested, _ = run(library, "sigmoid", "one-hot", loss="mse", metrics=[Worst()])
        runs.append(tested["worst"])
    expect_same("metrics.Metric", {"worst": tuple(runs)})


def test_outputs_look_back_each_through_its_own_activation():
    runs = []
    for library, function in both(f"lambda y, p: {BCE}(y, p)"):
        library.utils.set_random_seed(3)
        layers = library.layers
        inputs = library.Input((4,))
        ends = [
            layers.Dense(3, name, name=name)(inputs) for name in ("sigmoid", "softmax", "softplus")
        ]
        net = library.Model(inputs, ends)
        net.compile(
            library.optimizers.SGD(0.01),
            [function, function, "mse"],
            metrics=[[function], [function], []],
        )
        targets = [TARGETS["one-hot"]] * 3
        history = net.fit(30 * X, targets, epochs=2, batch_size=6, verbose=0).history
        runs.append((history, net.get_weights()))
    own, theirs = runs
    tensors = {name: (own[0][name], theirs[0][name]) for name in own[0] if "_loss" not in name}
    for place, pair in enumerate(zip(own[1], theirs[1], strict=True)):
        tensors[f"weight {place}"] = pair
    expect_same("Model.fit", tensors, tolerance=FAR_OUT)


ACTIVATIONS = [
    "lambda z: z**2",
    "lambda z: z * ops.tanh(z)",
    "lambda z: keras.activations.relu(z, max_value=0.5)",
    "lambda z: ops.exp(z) / ops.sum(ops.exp(z), axis=-1, keepdims=True)",
    "lambda z: z - ops.mean(z, axis=0)",
]


@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize("text", ACTIVATIONS)
def test_an_activation(text, floatx):
    use_floatx(floatx)
    runs = []
    for library, function in both(text):
        library.utils.set_random_seed(3)
        layers = library.layers
        net = library.Sequential(
            [
                library.Input((4,)),
                layers.Dense(5, activation=function),
                layers.Activation(function),
                layers.Dense(3, "softmax"),
            ]
        )
        net.compile("sgd", "categorical_crossentropy")
        history = net.fit(X, TARGETS["one-hot"], epochs=3, batch_size=6, verbose=0).history
        runs.append((history["loss"], *net.get_weights(), net.predict(X, verbose=0)))
    tolerance = 1e-8 if floatx == "float64" else 2e-5
    names = ["loss", "kernel", "bias", "kernel 2", "bias 2", "predicted"]
    tensors = {name: (*pair, [1.0]) for name, *pair in zip(names, *runs, strict=True)}
    expect_same("layers.Activation", tensors, tolerance=tolerance, case=text)


def test_names():
    def AnOddName(y, p):  # noqa: N802 (the name is the point)
        return p

    found = []
    for library in LIBRARIES:
        net = model(library)
        net.compile("sgd", "mse", metrics=[AnOddName, lambda y, p: p])
        found.append(list(net.evaluate(X, TARGETS["numbers"], verbose=0, return_dict=True)))
    assert sorted(found[0]) == sorted(found[1])
