"""Every metric: its result after each of several batches, with ties, weights and options."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import tinynet
from parity_tests.backend import BACKEND
from parity_tests.both import TOLERANCE, expect_same, make, make_both, numpy, use_floatx

# Piece: texts of metrics, each with the kind of targets that it is fed (see `draw_batch`).
CASES = {
    "metrics.Accuracy": [("Accuracy()", "integers")],
    "metrics.BinaryAccuracy": [
        ("BinaryAccuracy()", "bits"),
        ("BinaryAccuracy()", "flat bits"),
        ("BinaryAccuracy(threshold=0.3)", "bits"),
    ],
    "metrics.CategoricalAccuracy": [
        ("CategoricalAccuracy()", "one-hot"),
        ("CategoricalAccuracy()", "one-hot steps"),
    ],
    "metrics.SparseCategoricalAccuracy": [
        ("SparseCategoricalAccuracy()", "labels"),
        ("SparseCategoricalAccuracy()", "column of labels"),
        ("SparseCategoricalAccuracy()", "steps"),
        ("SparseCategoricalAccuracy()", "weighted steps"),
    ],
    "metrics.TopKCategoricalAccuracy": [
        ("TopKCategoricalAccuracy(k=1)", "one-hot"),
        ("TopKCategoricalAccuracy(k=3)", "one-hot"),
    ],
    "metrics.SparseTopKCategoricalAccuracy": [
        ("SparseTopKCategoricalAccuracy(k=2)", "labels"),
        ("SparseTopKCategoricalAccuracy(k=2)", "column of labels"),
    ],
    "metrics.Precision": [
        ("Precision()", "bits"),
        ("Precision()", "flat bits"),
        ("Precision(thresholds=0.3)", "bits"),
        ("Precision(thresholds=[0.2, 0.7])", "bits"),
        ("Precision(thresholds=[0.0, 0.5, 1.0])", "bits"),
        ("Precision(top_k=2)", "bits"),
        ("Precision(top_k=1, thresholds=0.4)", "one-hot"),
        ("Precision(class_id=1)", "one-hot"),
        ("Precision(class_id=0, top_k=2)", "bits"),
    ],
    "metrics.Recall": [
        ("Recall()", "bits"),
        ("Recall()", "flat bits"),
        ("Recall(thresholds=[0.8, 0.1, 0.5])", "bits"),
        ("Recall(thresholds=[0.0, 0.25, 0.5, 0.75, 1.0])", "bits"),
        ("Recall(top_k=2)", "one-hot"),
        ("Recall(class_id=2)", "bits"),
    ],
    "metrics.F1Score": [
        ("F1Score()", "one-hot"),
        ("F1Score(threshold=0.3)", "bits"),
        ("F1Score(average='micro')", "one-hot"),
        ("F1Score(average='macro', threshold=0.6)", "bits"),
        ("F1Score(average='weighted')", "one-hot"),
    ],
    "metrics.MeanSquaredError": [
        ("MeanSquaredError()", "numbers"),
        ("MeanSquaredError()", "flat numbers"),
    ],
    "metrics.MeanAbsoluteError": [
        ("MeanAbsoluteError()", "numbers"),
        ("MeanAbsoluteError()", "weighted number steps"),
    ],
    "metrics.FBetaScore": [
        ("FBetaScore()", "one-hot"),
        ("FBetaScore(beta=2.0, threshold=0.3)", "bits"),
        ("FBetaScore('micro', 0.5)", "one-hot"),
        ("FBetaScore(average='weighted', beta=0.5)", "one-hot"),
    ],
    "metrics.TruePositives": [
        ("TruePositives()", "bits"),
        ("TruePositives(thresholds=[0.7, 0.2])", "bits"),
    ],
    "metrics.FalsePositives": [
        ("FalsePositives()", "flat bits"),
        ("FalsePositives(thresholds=[0.0, 0.5, 1.0])", "bits"),
    ],
    "metrics.TrueNegatives": [
        ("TrueNegatives()", "bits"),
        ("TrueNegatives(thresholds=[0.7, 0.2])", "bits"),
    ],
    "metrics.FalseNegatives": [
        ("FalseNegatives(0.4)", "bits"),
        ("FalseNegatives(thresholds=[0.0, 0.5, 1.0])", "one-hot"),
    ],
    "metrics.SensitivityAtSpecificity": [
        ("SensitivityAtSpecificity(0.5)", "bits"),
        ("SensitivityAtSpecificity(0.7, num_thresholds=11)", "flat bits"),
        ("SensitivityAtSpecificity(0.5, num_thresholds=1)", "bits"),
        ("SensitivityAtSpecificity(0.3, class_id=1)", "one-hot"),
    ],
    "metrics.SpecificityAtSensitivity": [
        ("SpecificityAtSensitivity(0.5)", "bits"),
        ("SpecificityAtSensitivity(0.7, num_thresholds=2)", "bits"),
    ],
    "metrics.PrecisionAtRecall": [
        ("PrecisionAtRecall(0.5)", "bits"),
        ("PrecisionAtRecall(0.8, num_thresholds=7)", "one-hot"),
    ],
    "metrics.RecallAtPrecision": [
        ("RecallAtPrecision(0.5)", "bits"),
        ("RecallAtPrecision(0.9, class_id=0)", "bits"),
    ],
    "metrics.AUC": [
        ("AUC()", "bits"),
        ("AUC()", "flat bits"),
        ("AUC(num_thresholds=7)", "one-hot"),
        ("AUC(num_thresholds=2)", "bits"),
        ("AUC(curve='PR')", "bits"),
        ("AUC(curve='pr', summation_method='majoring')", "bits"),
        ("AUC(curve='PRGAIN', summation_method='minoring')", "bits"),
        ("AUC(curve='PRGAIN')", "bits"),
        ("AUC(thresholds=[0.7, 0.15, 0.4])", "bits"),
        ("AUC(thresholds=[0.25, 0.5, 0.75], summation_method='majoring')", "bits"),
        ("AUC(multi_label=True)", "bits"),
        ("AUC(multi_label=True, curve='PR')", "bits"),
        ("AUC(multi_label=True, thresholds=[0.1, 0.4])", "bits"),
        ("AUC(from_logits=True)", "bit numbers"),
    ],
    "metrics.RootMeanSquaredError": [
        ("RootMeanSquaredError()", "numbers"),
        ("RootMeanSquaredError()", "flat numbers"),
        ("RootMeanSquaredError()", "weighted number steps"),
    ],
    "metrics.R2Score": [
        ("R2Score()", "numbers"),
        ("R2Score()", "flat numbers"),
        ("R2Score(class_aggregation=None)", "numbers"),
        ("R2Score('variance_weighted_average')", "numbers"),
        ("R2Score(num_regressors=1)", "numbers"),
    ],
    "metrics.MeanAbsolutePercentageError": [("MeanAbsolutePercentageError()", "numbers")],
    "metrics.MeanSquaredLogarithmicError": [
        ("MeanSquaredLogarithmicError()", "numbers"),
        ("MeanSquaredLogarithmicError()", "weighted number steps"),
    ],
    "metrics.LogCoshError": [("LogCoshError()", "numbers")],
    "metrics.CosineSimilarity": [
        ("CosineSimilarity()", "numbers"),
        ("CosineSimilarity(axis=-1)", "numbers"),
    ],
    "metrics.Poisson": [("Poisson()", "bits")],
    "metrics.KLDivergence": [("KLDivergence()", "one-hot")],
    "metrics.Hinge": [("Hinge()", "bits"), ("Hinge()", "numbers")],
    "metrics.SquaredHinge": [("SquaredHinge()", "bits")],
    "metrics.CategoricalHinge": [("CategoricalHinge()", "one-hot")],
    "metrics.BinaryCrossentropy": [
        ("BinaryCrossentropy()", "bits"),
        ("BinaryCrossentropy(from_logits=True, label_smoothing=0.1)", "bit numbers"),
    ],
    "metrics.CategoricalCrossentropy": [
        ("CategoricalCrossentropy(label_smoothing=0.1)", "shared one-hot"),
        ("CategoricalCrossentropy(from_logits=True)", "one-hot numbers"),
    ],
    "metrics.SparseCategoricalCrossentropy": [
        ("SparseCategoricalCrossentropy()", "labels"),
        ("SparseCategoricalCrossentropy(from_logits=True)", "steps"),
        ("SparseCategoricalCrossentropy(ignore_class=1)", "labels"),
        ("SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)", "weighted steps"),
    ],
    "metrics.Mean": [("Mean()", "values alone")],
    "metrics.Sum": [("Sum()", "values alone")],
    "metrics.confusion_matrix": [("confusion_matrix(y_true, y_pred, 5)", "two labels")],
}
FLAT = [
    pytest.param(piece, f"keras.metrics.{text}", kind, id=f"{text}-{kind}")
    for piece, cases in CASES.items()
    for text, kind in cases
    if piece not in ("metrics.Mean", "metrics.Sum", "metrics.confusion_matrix")  # tested below
]
# Not so close to 0 that TensorFlow takes them for 0.
NUMBERS = st.floats(-100, 100).map(lambda number: round(number, 3))
few_and_repeatable = settings(max_examples=8, deadline=None, database=None, derandomize=True)


def draw_batch(rng, kind, n, classes):
    """Return targets, predictions and weights of n samples.

    Predictions are multiples of 0.1, so that ties and predictions equal to a threshold are common.
    """
    rows = (n, 2) if "steps" in kind else (n,)
    shape = (n, 1) if "flat" in kind else (*rows, classes)
    predictions = rng.integers(0, 11, shape) / 10
    predictions[1:2] = rng.choice([0.0, 0.5])  # all the same, or all 0
    if kind == "integers":
        targets, predictions = rng.integers(0, 3, (2, *shape))
    elif kind.endswith(("bits", "bit numbers")):
        targets = rng.integers(0, 2, shape)
        predictions = rng.normal(size=shape) if "number" in kind else predictions
    elif "number" in kind and "one-hot" not in kind:
        targets, predictions = rng.normal(size=(2, *shape))
    else:
        targets = rng.integers(0, classes, rows)
        if "one-hot" in kind:
            targets = np.eye(classes)[targets]
        if "shared" in kind:
            predictions = rng.dirichlet(np.ones(classes), n)
        elif "number" in kind:
            predictions = rng.normal(size=shape)
    if "flat" in kind:
        targets = targets[:, 0]  # (n,) beside predictions (n, 1)
    elif "column" in kind:
        targets = targets[:, None]
    weights = rng.choice([0.0, 0.5, 1.0, 2.0], rows if "weighted" in kind else n)
    return targets, predictions, weights


@pytest.mark.parametrize(("piece", "text", "kind"), FLAT)
@given(
    floatx=st.sampled_from(["float64", "float32"]),
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.sampled_from([1, 3, 6]), min_size=1, max_size=3),
    classes=st.sampled_from([3, 5]),
    weighted=st.booleans(),
)
@example(floatx="float64", seed=0, sizes=[3, 6], classes=3, weighted=True)
@example(floatx="float32", seed=1, sizes=[6, 1], classes=5, weighted=True)
@few_and_repeatable
def test_results_after_every_batch(piece, text, kind, floatx, seed, sizes, classes, weighted):
    rng = np.random.default_rng(seed)
    batches = [draw_batch(rng, kind, n, classes) for n in sizes]
    if not weighted:
        batches = [(targets, predictions, None) for targets, predictions, _ in batches]
    _expect_same_results(piece, text, floatx, batches)


# No terms are passed but for R2Score: everything that is added here is 0 or above.
NOTHING = {
    "no sample counts": lambda y, p, w: (y, p, 0 * w),
    "nothing is there": lambda y, p, w: (0 * y, p, w),
    "nothing is found": lambda y, p, w: (y, 0 * p, w),
    "nothing at all": lambda y, p, w: (0 * y, 0 * p, w),
}


@pytest.mark.parametrize("nothing", NOTHING)
@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize(("piece", "text", "kind"), FLAT)
def test_results_of_nothing(piece, text, kind, floatx, nothing):
    rng = np.random.default_rng(0)
    batches = [NOTHING[nothing](*draw_batch(rng, kind, n, 3)) for n in (1, 4)]
    _expect_same_results(piece, text, floatx, batches)


def _terms(batches, result):
    """Return R2Score times how much its divisor cancels, the sum of squares less that of the mean.

    Keras adds the squares as they come, so a rounded one counts so many times.
    """
    targets = np.concatenate([np.reshape(y, (len(y), -1)) for y, _, _ in batches])
    weights = np.concatenate([np.ones(len(y)) if w is None else w for y, _, w in batches])[:, None]
    squares = np.sum(weights * targets**2, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.sum(weights * targets, axis=0) / np.sum(weights)
        cancels = squares / np.sum(weights * (targets - mean) ** 2, axis=0)
        terms = np.abs(result) * np.max(cancels[np.isfinite(cancels)], initial=1)
    return np.where(np.isfinite(terms), terms, 0)


def _expect_same_results(piece, text, floatx, batches):
    """Feed both metrics some batches, each as targets, predictions and weights."""
    use_floatx(floatx)
    own, theirs = make_both(text)
    results = {}
    for number, (targets, predictions, weights) in enumerate(batches):
        # TensorFlow finds the k largest in float32 only.
        predictions = predictions.astype("float32" if "TopK" in text else floatx)
        if BACKEND == "torch" and "top_k" in text:  # it has its own order for equal outputs
            predictions += np.arange(predictions.shape[-1]) / 100
        own.update_state(targets, predictions, weights)
        theirs.update_state(targets, predictions, sample_weight=weights)
        result = np.asarray(own.result(), floatx)
        terms = _terms(batches[: number + 1], result) if "R2Score" in text else 0.0
        results[f"result after batch {number + 1}"] = result, numpy(theirs.result()), terms
    for metric in (own, theirs):
        metric.reset_state()
    result = np.asarray(own(targets, predictions, weights), floatx)
    results["result of the last batch after reset_state"] = (
        result,
        numpy(theirs(targets, predictions, sample_weight=weights)),
        _terms(batches[-1:], result) if "R2Score" in text else 0.0,
    )
    expect_same(piece, results, tolerance=TOLERANCE[floatx], case=text)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="other backends take NaN for the largest")
@pytest.mark.parametrize("floatx", ["float64", "float32"])
@pytest.mark.parametrize("metric", ["SparseCategoricalAccuracy", "CategoricalAccuracy"])
def test_zeros_of_both_signs_and_nan(metric, floatx):
    scores = np.array(list(itertools.product([-0.0, 0.0, np.nan, -np.inf, -1.0], repeat=3)))
    for label in range(3):
        labels = np.full(len(scores), label)
        targets = labels if "Sparse" in metric else np.eye(3)[labels]
        batches = [(targets[[i]], scores[[i]], None) for i in range(len(scores))]
        _expect_same_results(f"metrics.{metric}", f"keras.metrics.{metric}()", floatx, batches)


@pytest.mark.parametrize(("piece", "text", "kind"), FLAT)
def test_name(piece, text, kind):
    own, theirs = make_both(text)
    assert own.name == theirs.name  # its name in the logs


@given(
    batches=st.lists(
        st.lists(st.tuples(NUMBERS, st.sampled_from([0.0, 0.5, 2.0])), min_size=1),
        min_size=1,
        max_size=3,
    )
)
@example(batches=[[(0.1, 1.0), (0.2, 1.0), (-0.3, 1.0)], [(1e6, 0.5), (-1e6, 0.5)]])  # 0
@example(batches=[[(3.0, 0.0)], [(-1.0, 0.0), (1.0, 0.0)]])
@few_and_repeatable
def test_mean_of_numbers(batches):
    own, theirs = make_both("keras.metrics.Mean()")
    results, sizes, total = {}, 0.0, 0.0
    for number, batch in enumerate(batches):
        values, weights = np.array(batch).T
        own.update_state(values, weights)
        theirs.update_state(values, sample_weight=weights)
        sizes, total = sizes + np.sum(np.abs(values) * weights), total + np.sum(weights)
        terms = sizes / total if total else 0.0
        results[f"mean after batch {number + 1}"] = own.result(), numpy(theirs.result()), terms
    expect_same("metrics.Mean", results, case="keras.metrics.Mean()")


@pytest.mark.parametrize("piece", ["Mean", "Sum"])
@pytest.mark.parametrize("weighted", ["", "samples", "steps"])
@pytest.mark.parametrize("shape", [(), (5,), (5, 3), (5, 3, 2)])
def test_numbers_of_any_shape(piece, weighted, shape):
    if len(shape) < {"": 0, "samples": 1, "steps": 2}[weighted]:
        pytest.skip("numbers of this shape have no axis that such weights are for")
    use_floatx("float64")
    own, theirs = make_both(f"keras.metrics.{piece}()")
    rng = np.random.default_rng(0)
    results = {}
    for number in range(2):
        values = rng.random(shape)
        rows = {"samples": shape[:1], "steps": shape[:2]}.get(weighted)
        weights = None if rows is None else rng.choice([0.0, 0.5, 2.0], rows)
        own.update_state(values, weights)
        theirs.update_state(values, weights)
        results[f"result {number}"] = own.result(), numpy(theirs.result())
    for metric in (own, theirs):
        metric.reset_state()
    results["afterwards"] = own(values), numpy(theirs(values))
    expect_same(f"metrics.{piece}", results, case=f"{shape}, {weighted}")


def test_a_subclass_of_mean_in_fit():
    """Its name, numbers and variables; Keras adds in float32, so few bits are asked for."""
    results, names = [], []
    for library in (tinynet, keras):

        class MeanPrediction(library.metrics.Mean):
            def update_state(self, y_true, y_pred, sample_weight=None):
                super().update_state(y_pred, sample_weight=sample_weight)

        library.utils.set_random_seed(0)
        model = library.Sequential([library.Input((2,)), library.layers.Dense(3)])
        metric = MeanPrediction(name="mp")
        assert isinstance(metric, library.metrics.Metric)
        model.compile("sgd", "mse", metrics=[metric], weighted_metrics=[MeanPrediction(name="w")])
        x = np.arange(12.0).reshape(6, 2)
        history = model.fit(
            x, x @ np.ones((2, 3)), sample_weight=x[:, 0], batch_size=4, epochs=2, verbose=0
        )
        results.append(history.history)
        names.append([each.path for each in metric.variables])
    assert names[0] == names[1] == ["mp/total", "mp/count"]
    assert list(results[0]) == list(results[1]) == ["loss", "mp", "w"]
    found = {name: (results[0][name], results[1][name], [10.0]) for name in ("mp", "w")}
    expect_same("metrics.Mean", found, tolerance=TOLERANCE["float32"])


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30))
@few_and_repeatable
def test_confusion_matrix(pairs):
    y_true, y_pred = np.array(pairs).T
    # Keras has no function of that name; it is a product of one-hot labels.
    one_hot = [keras.ops.one_hot(labels, 5) for labels in (y_true, y_pred)]
    expected = keras.ops.matmul(keras.ops.transpose(one_hot[0]), one_hot[1])
    own = tinynet.metrics.confusion_matrix(y_true, y_pred, 5)
    expect_same("metrics.confusion_matrix", {"counts": (own, numpy(expected))}, tolerance=0)


BY_FUNCTION = [
    *(f"losses.{name}" for name in ("mean_squared_error", "log_cosh", "hinge", "kl_divergence")),
    *(f"losses.{name}" for name in ("categorical_crossentropy", "mean_absolute_error", "poisson")),
    *(f"metrics.{name}" for name in ("categorical_accuracy", "binary_accuracy")),
]


@pytest.mark.parametrize("name", BY_FUNCTION)
def test_functions(name):
    use_floatx("float64")
    x = np.random.default_rng(0).random((12, 4))
    y = np.eye(3)[np.arange(12) % 3]
    found = []
    for library in (tinynet, keras):
        library.utils.set_random_seed(2)
        model = library.Sequential([library.Input((4,)), library.layers.Dense(3, "softmax")])
        function = make(f"keras.{name}", library)
        loss = function if name.startswith("losses") else "mse"
        model.compile("sgd", loss, metrics=[function])
        history = model.fit(x, y, verbose=0).history
        values = function(y, model.predict(x, verbose=0))
        found.append({"values": numpy(values), **{k: np.asarray(v) for k, v in history.items()}})
    own, theirs = found
    assert own.keys() == theirs.keys()
    expect_same(
        f"functions of {name.split('.')[0]}", {k: (own[k], theirs[k]) for k in own}, case=name
    )


# Saturated: what a metric would read from the probabilities is clipped.
LOOKING = {
    "a sigmoid": (
        "keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation='sigmoid')])",
        "model.compile('sgd', 'mse', metrics=['bce', keras.losses.binary_crossentropy])",
        "bits",
    ),
    "a softmax of its own": (
        "keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Softmax()])",
        "model.compile('sgd', 'mse', metrics=['categorical_crossentropy', 'kl_divergence'])",
        "one-hot",
    ),
    "weights": (
        "keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation='softmax')])",
        "model.compile('sgd', 'sparse_categorical_crossentropy', weighted_metrics=["
        "keras.metrics.SparseCategoricalCrossentropy(name='one'), 'accuracy'])",
        "labels",
    ),
    "another activation": (
        "keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation='hard_sigmoid')])",
        "model.compile('sgd', 'mse', metrics=['bce'])",
        "bits",
    ),
}


@pytest.mark.skipif(BACKEND != "tensorflow", reason="on others, Keras reads the probabilities")
@pytest.mark.parametrize("eagerly", [False, True])
@pytest.mark.parametrize("case", LOOKING)
def test_cross_entropies_among_the_metrics_read_logits(case, eagerly):
    use_floatx("float64")
    text, line, kind = LOOKING[case]
    rng = np.random.default_rng(8)
    x, labels = 200 * rng.normal(size=(50, 4)), np.arange(50) % 3
    y = {"bits": labels[:, None] % 2, "one-hot": np.eye(3)[labels], "labels": labels}[kind]
    weights = {"sample_weight": labels / 2} if case == "weights" else {}
    told = []
    for library, model in zip((tinynet, keras), make_both(text), strict=True):
        exec(line, {"keras": library, "model": model})
        model.run_eagerly = eagerly
        options = {"batch_size": 16, "verbose": 0, **weights}
        history = model.fit(x, y, epochs=2, shuffle=False, validation_data=(x, y), **options)
        again = model.evaluate(x, y, **options)
        told.append({**history.history, "evaluate": again, "batch": model.test_on_batch(x, y)})
    assert list(told[0]) == list(told[1])
    tensors = {name: (told[0][name], each) for name, each in told[1].items()}
    expect_same("metrics.BinaryCrossentropy", tensors, tolerance=1e-12, case=f"{case}, {eagerly}")


def of_classes(library):
    """Return the names of two metrics of every class that both libraries have, and of one more.

    A third is made where a class is derived from it, as in scripts.
    """
    library.utils.clear_session()
    names = {}
    for name in sorted({kind.__name__ for kind in tinynet.metrics.METRICS.values()}):
        theirs = getattr(library.metrics, name)
        needed = [0.5] if "At" in name else [np.mean] if name == "MeanMetricWrapper" else []
        derived = type("Derived" + name, (theirs,), {})
        names[name] = [kind(*needed).name for kind in (theirs, theirs, derived, derived)]
        names[name].append(theirs(*needed, name="mine").name)
    return names


def test_names_are_counted_where_keras_counts_them():
    assert len(of_classes(tinynet)) > 35
    assert of_classes(tinynet) == of_classes(keras)


def logs_of_a_session(library):
    """Return the names in the logs of several models, and those of metrics made in between."""
    x, y = np.arange(8.0).reshape(4, 2) / 10, np.array([[0.0], [1.0], [0.0], [1.0]])
    metrics, found = library.metrics, []

    def evaluated(given, weighted=None):
        layers = [library.Input((2,)), library.layers.Dense(1, activation="sigmoid")]
        model = library.Sequential(layers)
        model.compile("sgd", "mse", metrics=given, weighted_metrics=weighted)
        model.fit(x, y, validation_data=(x, y), verbose=0)
        found.append(list(model.evaluate(x, y, verbose=0, return_dict=True)))
        return model

    library.utils.clear_session()
    first = evaluated([metrics.AUC()])
    evaluated([metrics.AUC(), metrics.AUC(name="mine"), "accuracy", metrics.AUC()])
    evaluated(["AUC", "Precision", "mse", metrics.Precision()])
    found.append(metrics.AUC().name)
    evaluated([metrics.AUC, metrics.BinaryAccuracy], [metrics.Recall(), "binary_crossentropy"])
    found.append(metrics.Recall().name)
    again = library.models.clone_model(first)
    again.compile("sgd", "mse", metrics=[metrics.get(metrics.serialize(metrics.AUC()))])
    found.append(list(again.evaluate(x, y, verbose=0, return_dict=True)))
    library.utils.set_random_seed(0)
    found.append(metrics.AUC().name)
    library.utils.clear_session()
    found.append(metrics.AUC().name)
    return found


def test_names_in_the_logs_of_a_session():
    found = logs_of_a_session(tinynet)
    assert "auc_1" in found[1]
    assert found == logs_of_a_session(keras)


def test_metrics_from_a_file_are_not_counted(tmp_path):
    found = []
    for library in (tinynet, keras):
        library.utils.clear_session()
        model = library.Sequential([library.Input((2,)), library.layers.Dense(1)])
        model.compile("sgd", "mse", metrics=[library.metrics.AUC(), "Recall"])
        path = tmp_path / f"{library.__name__}.keras"
        model.save(path)
        again = library.models.load_model(path)
        found.append([library.metrics.AUC().name, library.metrics.Recall().name])
        logs = again.evaluate(np.ones((4, 2)), np.ones((4, 1)), verbose=0, return_dict=True)
        found[-1] += [*logs, library.metrics.Recall().name]
    assert found[0] == found[1]


def test_the_root_of_errors_of_plain_numbers():
    """Each number is a sample, with its weight, whatever the sizes of the batches."""
    rng = np.random.default_rng(3)
    y, p, weights = rng.normal(size=30), rng.normal(size=30), rng.uniform(0, 2, 30)
    for weighted in (None, weights):
        results = []
        for library in (tinynet, keras):
            metric = library.metrics.RootMeanSquaredError()
            for rows in (slice(0, 30), slice(0, 7)):
                metric.update_state(y[rows], p[rows], None if weighted is None else weighted[rows])
            results.append(float(metric.result()))
        np.testing.assert_allclose(*results, rtol=1e-6)


@pytest.mark.parametrize("text", ["Huber()", "MeanSquaredError()", "Poisson(name='mine')"])
def test_a_loss_among_the_metrics_has_its_own_name(text):
    logs = []
    for library in (tinynet, keras):
        model = library.Sequential([library.Input((3,)), library.layers.Dense(2, "sigmoid")])
        model.compile("sgd", "mse", metrics=[make(f"keras.losses.{text}", library)])
        logs.append(list(model.fit(np.eye(3), np.ones((3, 2)), verbose=0).history))
    assert logs[0] == logs[1]
