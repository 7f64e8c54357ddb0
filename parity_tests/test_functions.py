"""Losses and metrics that are given as functions: what Keras makes of the same text.

In the texts ``ops`` is NumPy here and ``keras.ops`` in Keras.
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
# The measured gradient has some ten digits; a step of training hands its error on.
MEASURED = 1e-9

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
    """NumPy, with the one name that `keras.ops` has and NumPy has not."""

    def __getattr__(self, name):
        return getattr(np, name)

    @staticmethod
    def cast(x, dtype):
        return x.astype(dtype)


def both(text):
    """Return the function of a text for each library."""
    return [(tinynet, eval(text, {"ops": Ops()})), (keras, eval(text, {"ops": keras.ops}))]


def model(library, units=3):
    library.utils.set_random_seed(3)
    activation = "softmax" if units > 1 else "sigmoid"
    text = f"keras.Sequential([keras.Input((4,)), keras.layers.Dense({units}, '{activation}')])"
    return make(text, library)


# What gives no number a sample cannot be weighted by sample, in Keras either.
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
    terms = [1.0]  # numbers between 0 and 1, or labels, were added
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
    """In Keras too, without a word: the metric is that of all pairs."""
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


def test_names():
    def AnOddName(y, p):  # noqa: N802 (the name is the point)
        return p

    found = []
    for library in LIBRARIES:
        net = model(library)
        net.compile("sgd", "mse", metrics=[AnOddName, lambda y, p: p])
        found.append(list(net.evaluate(X, TARGETS["numbers"], verbose=0, return_dict=True)))
    assert sorted(found[0]) == sorted(found[1])
