"""Metrics: against scikit-learn and plain NumPy, in batches and as a whole, at ties and edges."""

import copy
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sklearn

from tinynet import Sequential, config, losses, metrics
from tinynet.configurable import forget_names, serialize
from tinynet.layers import Dense
from tinynet.metrics import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    F1Score,
    MeanAbsoluteError,
    MeanSquaredError,
    Metric,
    Precision,
    Recall,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    confusion_matrix,
    curves,
)
from tinynet.metrics.functions import by_sample
from tinynet.utils import set_random_seed

Array = np.ndarray
# Tenths, so that ties and predictions equal to a threshold come up often.
TENTHS = st.integers(0, 10).map(lambda n: n / 10)


@st.composite
def labelled(draw: st.DrawFn) -> tuple[Array, Array, Array, Array]:
    """Draw labels (n,), the same one-hot (n, k), predictions (n, k) and weights (n,)."""
    n, k = draw(st.integers(1, 12)), draw(st.integers(2, 5))
    labels = draw(arrays(np.int64, n, elements=st.integers(0, k - 1)))
    y_pred = draw(arrays(np.float64, (n, k), elements=TENTHS))
    weights = draw(arrays(np.float64, n, elements=st.sampled_from([0.0, 0.5, 1.0, 2.0])))
    return labels, np.eye(k)[labels], y_pred, weights


def fed(metric: Metric, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
    """Return the result after one batch."""
    metric.reset_state()
    metric.update_state(y_true, y_pred, sample_weight)
    return metric.result()


# Every metric, whether it reads one-hot targets, and its value for one sample in plain Python.
def rank(y_pred: Array, label: int) -> int:
    return sum(value > y_pred[label] for value in y_pred)


MEANS: dict[str, tuple[Metric, bool, Callable[[Any, Array], float]]] = {
    "sparse": (SparseCategoricalAccuracy(), False, lambda y, p: list(p).index(max(p)) == y),
    "categorical": (
        CategoricalAccuracy(),
        True,
        lambda y, p: list(p).index(max(p)) == list(y).index(1),
    ),
    "sparse top 2": (SparseTopKCategoricalAccuracy(2), False, lambda y, p: rank(p, y) < 2),
    "top 3": (TopKCategoricalAccuracy(3), True, lambda y, p: rank(p, list(y).index(1)) < 3),
    "binary": (
        BinaryAccuracy(),
        True,
        lambda y, p: np.mean([(b > 0.5) == a for a, b in zip(y, p, strict=True)]),
    ),
    "binary 0.3": (
        BinaryAccuracy(threshold=0.3),
        True,
        lambda y, p: np.mean([(b > 0.3) == a for a, b in zip(y, p, strict=True)]),
    ),
    "equal": (Accuracy(), True, lambda y, p: np.mean([a == b for a, b in zip(y, p, strict=True)])),
    "squared error": (
        MeanSquaredError(),
        True,
        lambda y, p: np.mean([(a - b) ** 2 for a, b in zip(y, p, strict=True)]),
    ),
    "percentage": (
        metrics.MeanAbsolutePercentageError(),
        True,
        lambda y, p: 100 * np.mean(np.abs(y - p) / np.maximum(y, 1e-7)),
    ),
    "hinge": (metrics.Hinge(), True, lambda y, p: np.mean(np.maximum(1 - (2 * y - 1) * p, 0))),
    "divergence": (
        metrics.KLDivergence(),
        True,
        lambda y, p: np.sum(
            np.maximum(y, 1e-7) * np.log(np.maximum(y, 1e-7) / np.maximum(p, 1e-7))
        ),
    ),
    "cosine": (
        metrics.CosineSimilarity(),
        True,
        lambda y, p: y @ p / max(np.sqrt(p @ p), 1e-7),
    ),
    "sparse entropy of logits": (
        metrics.SparseCategoricalCrossentropy(from_logits=True),
        False,
        lambda y, p: np.log(np.sum(np.exp(p))) - p[y],
    ),
    "absolute error": (
        MeanAbsoluteError(),
        True,
        lambda y, p: np.mean([abs(a - b) for a, b in zip(y, p, strict=True)]),
    ),
}


@pytest.mark.parametrize("name", MEANS)
@given(data=labelled(), weighted=st.booleans())
def test_means_over_samples(name: str, data: tuple[Array, ...], weighted: bool) -> None:
    metric, one_hot, value = MEANS[name]
    labels, targets, y_pred, weights = data
    y_true = targets if one_hot else labels
    values = [value(y, p) for y, p in zip(y_true, y_pred, strict=True)]
    if not weighted:
        assert fed(metric, y_true, y_pred) == pytest.approx(np.mean(values), rel=1e-12)
    elif weights.sum():
        expected = np.average(values, weights=weights)
        assert fed(metric, y_true, y_pred, weights) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    else:
        assert fed(metric, y_true, y_pred, weights) == 0


ALL: dict[str, tuple[Callable[[], Metric], bool]] = {
    **{
        name: (lambda m=m: type(m).from_config(m.get_config()), hot)
        for name, (m, hot, _) in MEANS.items()
    },
    "precision": (Precision, True),
    "recall at thresholds": (lambda: Recall(thresholds=[0.2, 0.5, 0.8]), True),
    "precision, top 2": (lambda: Precision(top_k=2), True),
    "recall, one class": (lambda: Recall(class_id=1), True),
    "f1": (F1Score, True),
    "f1, threshold": (lambda: F1Score("macro", 0.4), True),
    "f1, micro": (lambda: F1Score("micro"), True),
    "f1, weighted": (lambda: F1Score("weighted"), True),
    "f beta": (lambda: metrics.FBetaScore(beta=0.5), True),
    "root": (metrics.RootMeanSquaredError, True),
    "true positives": (metrics.TruePositives, True),
    "false negatives at two": (lambda: metrics.FalseNegatives([0.7, 0.2]), True),
    "specificity": (lambda: metrics.SpecificityAtSensitivity(0.5), True),
    "area": (metrics.AUC, True),
    "area, by label": (lambda: metrics.AUC(curve="PR", multi_label=True), True),
    "area, uneven": (lambda: metrics.AUC(thresholds=[0.35, 0.1]), True),
}


@pytest.mark.parametrize("name", ALL)
@given(data=labelled(), cut=st.integers(0, 12), weighted=st.booleans())
def test_batches_add_up_to_the_whole(
    name: str, data: tuple[Array, ...], cut: int, weighted: bool
) -> None:
    make, one_hot = ALL[name]
    labels, targets, y_pred, weights = data
    y_true = targets if one_hot else labels
    whole, parts = make(), make()
    whole.update_state(y_true, y_pred, weights if weighted else None)
    for rows in (slice(0, cut), slice(cut, None)):
        if len(labels[rows]):
            parts.update_state(y_true[rows], y_pred[rows], weights[rows] if weighted else None)
    np.testing.assert_allclose(parts.result(), whole.result(), rtol=1e-12, atol=1e-15)
    parts.reset_state()
    np.testing.assert_array_equal(parts.result(), np.zeros_like(make().result()))


@given(labelled(), st.sampled_from([None, 0.0, 0.3, 0.5, 1.0]), st.booleans())
def test_precision_and_recall_pool_all_outputs(
    data: tuple[Array, ...], threshold: float | None, weighted: bool
) -> None:
    _, targets, y_pred, weights = data
    assume(weights.sum() > 0)
    predicted = y_pred > (0.5 if threshold is None else threshold)
    spread = np.repeat(weights if weighted else np.ones(len(weights)), targets.shape[1])
    for metric, reference in ((Precision, sklearn.precision_score), (Recall, sklearn.recall_score)):
        expected = reference(
            targets.ravel(), predicted.ravel(), sample_weight=spread, zero_division=0.0
        )
        own = fed(metric(threshold), targets, y_pred, weights if weighted else None)
        assert own == pytest.approx(expected, abs=1e-12)


@given(labelled(), st.integers(0, 1))
def test_one_class_alone(data: tuple[Array, ...], class_id: int) -> None:
    _, targets, y_pred, _ = data
    expected = sklearn.precision_score(
        targets[:, class_id], y_pred[:, class_id] > 0.5, zero_division=0.0
    )
    assert fed(Precision(class_id=class_id), targets, y_pred) == pytest.approx(expected)


@given(labelled(), st.integers(1, 5))
def test_top_k_keeps_k_outputs_and_of_equal_ones_the_first(data: tuple[Array, ...], k: int) -> None:
    _, targets, y_pred, _ = data
    predicted = np.zeros(y_pred.shape, bool)
    for row, values in zip(predicted, y_pred, strict=True):
        row[sorted(range(len(values)), key=lambda i: (-values[i], i))[:k]] = True
    hits = np.sum(predicted & (targets == 1))
    assert fed(Precision(top_k=k), targets, y_pred) == pytest.approx(hits / predicted.sum())
    assert fed(Recall(top_k=k), targets, y_pred) == pytest.approx(hits / targets.sum())


@given(labelled())
def test_top_k_accuracy_is_that_of_scikit_learn_without_ties(data: tuple[Array, ...]) -> None:
    labels, _, y_pred, weights = data
    assume(y_pred.shape[1] > 2 and weights.sum() > 0)
    rng = np.random.default_rng(0)
    distinct = rng.permuted(np.tile(np.arange(y_pred.shape[1]), (len(labels), 1)), axis=1) / 7
    expected = sklearn.top_k_accuracy_score(
        labels, distinct, k=2, labels=range(y_pred.shape[1]), sample_weight=weights
    )
    own = fed(SparseTopKCategoricalAccuracy(2), labels, distinct, weights)
    assert own == pytest.approx(expected)


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@given(data=labelled(), threshold=st.sampled_from([0.3, 0.5]), weighted=st.booleans())
def test_f1_is_that_of_scikit_learn_but_for_epsilon(
    average: str | None, data: tuple[Array, ...], threshold: float, weighted: bool
) -> None:
    _, targets, y_pred, weights = data
    assume(weights.sum() > 0)
    given_weights = weights if weighted else None
    expected = sklearn.f1_score(
        targets.astype(int),
        (y_pred > threshold).astype(int),
        average=average,
        sample_weight=given_weights,
        zero_division=0.0,
    )
    own = fed(F1Score(average, threshold), targets, y_pred, given_weights)
    np.testing.assert_allclose(own, expected, atol=1e-6)


def test_f1_adds_epsilon_to_every_denominator() -> None:
    perfect = fed(F1Score(), np.eye(3), np.eye(3))
    ratio = 1 / (1 + 1e-7)
    np.testing.assert_allclose(perfect, [2 * ratio**2 / (2 * ratio + 1e-7)] * 3, rtol=1e-15)
    np.testing.assert_allclose(perfect, 0.99999985, atol=1e-9)
    # "weighted" adds it to the sum of the weights as well
    assert fed(F1Score("weighted"), np.eye(3), np.eye(3)) == pytest.approx(
        perfect[0] * 3 / (3 + 1e-7), rel=1e-15
    )


@given(data=labelled(), beta=st.sampled_from([0.5, 1.0, 3.0]))
def test_f_beta_is_that_of_scikit_learn_but_for_epsilon(
    data: tuple[Array, ...], beta: float
) -> None:
    _, targets, y_pred, _ = data
    expected = sklearn.fbeta_score(
        targets, y_pred > 0.5, beta=beta, average="macro", zero_division=0
    )
    found = fed(metrics.FBetaScore("macro", beta, 0.5), targets, y_pred)
    assert found == pytest.approx(expected, abs=1e-5)


@given(data=labelled(), weighted=st.booleans())
def test_the_area_is_that_of_scikit_learn(data: tuple[Array, ...], weighted: bool) -> None:
    labels, targets, y_pred, weights = data
    w = weights if weighted else np.ones(len(labels))
    rows = np.repeat(w, targets.shape[1])
    true, predicted = targets.reshape(-1), y_pred.reshape(-1)
    assume(np.any(rows[true == 1]) and np.any(rows[true == 0]))
    found = fed(metrics.AUC(num_thresholds=1001), targets, y_pred, weights if weighted else None)
    expected = sklearn.roc_auc_score(true, predicted, sample_weight=rows)
    assert found == pytest.approx(expected, abs=1e-12)


@given(data=labelled())
def test_counts_of_the_four_kinds_are_those_of_the_confusion_matrix(
    data: tuple[Array, ...],
) -> None:
    _, targets, y_pred, _ = data
    kinds = ("TrueNegatives", "FalsePositives", "FalseNegatives", "TruePositives")
    found = [fed(getattr(metrics, kind)(), targets, y_pred) for kind in kinds]
    predicted = y_pred.reshape(-1) > 0.5
    expected = sklearn.confusion_matrix(targets.reshape(-1) > 0, predicted, labels=[False, True])
    assert found == expected.reshape(-1).tolist()


def test_the_best_of_one_where_the_other_is_good_enough() -> None:
    y, p = np.array([0, 0, 0, 1, 1]), np.array([0.1, 0.3, 0.6, 0.5, 0.9])[:, None]
    assert fed(metrics.SensitivityAtSpecificity(0.5), y, p) == 1
    assert fed(metrics.SensitivityAtSpecificity(0.9), y, p) == 0.5
    assert fed(metrics.SpecificityAtSensitivity(1), y, p) == pytest.approx(2 / 3)
    assert fed(metrics.PrecisionAtRecall(1), y, p) == pytest.approx(2 / 3)
    assert fed(metrics.RecallAtPrecision(0.9), y, p) == 0.5
    assert fed(metrics.RecallAtPrecision(0.9), 0 * y, p) == 0


@pytest.mark.parametrize("aggregation", [None, "uniform_average", "variance_weighted_average"])
def test_r2_is_that_of_scikit_learn(aggregation: str | None) -> None:
    rng = np.random.default_rng(0)
    t, w = rng.normal(size=(20, 3)), rng.random(20)
    p = t + 0.5 * rng.normal(size=(20, 3))
    for weights in (None, w):
        metric = metrics.R2Score(aggregation)
        for rows in (slice(0, 7), slice(7, None)):
            metric.update_state(t[rows], p[rows], None if weights is None else weights[rows])
        names = {"variance_weighted_average": "variance_weighted", None: "raw_values"}
        expected = sklearn.r2_score(
            t, p, sample_weight=weights, multioutput=names.get(aggregation, aggregation)
        )
        np.testing.assert_allclose(metric.result(), expected, rtol=1e-12)


def test_r2_at_the_edges() -> None:
    y = np.array([[1.0], [2.0], [4.0]])
    assert fed(metrics.R2Score(), y, y) == 1
    assert fed(metrics.R2Score(), y, np.full((3, 1), 7 / 3)) == pytest.approx(0, abs=1e-15)
    assert fed(metrics.R2Score(), np.ones((3, 1)), y) == 0
    assert fed(metrics.R2Score(num_regressors=1), y, y + np.eye(3, 1) / 2) == pytest.approx(
        1 - 0.25 / (14 / 3) * 2
    )
    with pytest.warns(UserWarning, match="r2_score: 3 targets are too few to adjust for 2 regr"):
        fed(metrics.R2Score(num_regressors=2), y, y)


def test_mean_and_sum_of_numbers() -> None:
    mean, total = metrics.Mean(name="loss"), metrics.Sum()
    for metric in (mean, total):
        metric.update_state([1.0, 3.0])
        metric.update_state(8.0)
    assert (mean.name, mean.result(), total.result()) == ("loss", 4, 12)
    mean.reset_state()
    assert mean([1, 3], [3, 1]) == 1.5
    total.reset_state()
    assert total([[1, 3], [5, 7]], [1, 0.5]) == 10
    assert isinstance(mean, Metric) and metrics.get("sum").name == "sum"
    assert [each.path for each in mean.variables] == ["loss/total", "loss/count"]
    assert [float(each) for each in total.variables] == [10]
    assert metrics.Mean(dtype="float32").get_config() == {"name": "mean"}


def test_names_count_the_metrics_of_a_session() -> None:
    class Mine(Metric):
        """A metric without a name of its own."""

    class MyError(MeanSquaredError):
        """As in Keras, named as what it is derived from."""

    assert [Precision().name, Precision(name="mine").name, Precision().name] == [
        *("precision", "mine", "precision_1")
    ]
    assert [Mine().name, Mine().name, MyError().name] == ["mine", "mine_1", "mean_squared_error"]
    assert [MeanSquaredError().name, MeanSquaredError().name] == 2 * ["mean_squared_error"]
    model = Sequential([Dense(2, activation="softmax")])
    model.compile("sgd", "mse", metrics=["AUC", metrics.BinaryCrossentropy, metrics.AUC])
    assert [each.name for each in copy.deepcopy(model).metrics][2] == "auc"  # made in compile
    assert metrics.get(metrics.serialize(metrics.AUC())).name == "auc_1"
    x, y = np.ones((4, 2)), np.eye(2)[[0, 1, 0, 1]]
    expected = ["AUC", "auc", "binary_crossentropy", "loss"]
    assert sorted(model.evaluate(x, y, verbose=0, return_dict=True)) == expected
    assert metrics.AUC().name == "auc_3"  # "AUC" was made at the first batch
    model.fit(x, y, verbose=0)
    assert metrics.metric_of("AUC").name == "AUC" and metrics.AUC().name == "auc_4"
    forget_names()
    assert metrics.AUC().name == "auc"


def test_a_subclass_of_mean_in_a_model() -> None:
    class MeanPrediction(metrics.Mean):
        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override] # as in scripts for Keras
            super().update_state(y_pred, sample_weight=sample_weight)

        def reset_state(self) -> None:
            self.total.assign(0.0)
            self.count.assign(0.0)

    x, y = np.arange(8.0).reshape(4, 2), np.ones((4, 1))
    model = Sequential([Dense(1, kernel_initializer="ones")])
    model.compile(
        "sgd", "mse", metrics=[MeanPrediction("mp")], weighted_metrics=[MeanPrediction("weighted")]
    )
    weights = np.array([0.0, 1.0, 0.0, 3.0])
    found = model.evaluate(x, y, batch_size=2, sample_weight=weights, verbose=0, return_dict=True)
    assert (found["mp"], found["weighted"]) == (x.sum() / 4, weights @ x.sum(axis=1) / 4)
    assert MeanPrediction()(y, 2 * y) == 2


@pytest.mark.parametrize("kind", [metrics.Mean, metrics.Sum])
def test_a_mean_of_numbers_alone_is_refused_in_a_model(kind: type[metrics.Mean]) -> None:
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse", metrics=[kind()])
    with pytest.raises(TypeError, match=f"got {kind.__name__}, which takes numbers alone; write"):
        model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("scores", "place"),
    [
        ([-0.0, 0.0], 1),
        ([0.0, -0.0], 0),
        ([-0.0, -0.0], 0),
        ([-0.0, -1.0], 0),
        ([-0.0, -1e-45], 0),
        ([-1e-45, -0.0], 1),
        ([0.0, np.nan], 0),
        ([np.nan, -5.0], 1),
        ([np.nan, np.nan], 0),
        ([np.nan, -np.inf], 0),
        ([2.0, np.nan, 1.0, 2.0], 0),
    ],
)
def test_the_largest_output_is_the_one_of_tensorflow(
    kernel_form: str, scores: list[float], place: int, dtype: str
) -> None:
    p = np.array([scores], dtype)
    for label in range(len(scores)):
        one_hot = np.eye(len(scores))[[label]]
        for weights in (None, [1.0]):
            sparse = fed(SparseCategoricalAccuracy(), [label], p, weights)
            assert sparse == fed(CategoricalAccuracy(), one_hot, p, weights) == (label == place)


def test_ties() -> None:
    tied = np.array([[0.4, 0.4, 0.2]])
    assert fed(SparseCategoricalAccuracy(), [0], tied) == 1  # the lowest index is the answer
    assert fed(SparseCategoricalAccuracy(), [1], tied) == 0
    assert fed(SparseTopKCategoricalAccuracy(1), [1], tied) == 1  # all the largest are in the top
    np.testing.assert_allclose(  # both are predicted, one of them wrongly
        fed(F1Score(), [[1, 0, 0]], tied), [1, 0, 0], atol=1e-6
    )
    many = np.full((1, 40), 0.5)  # sorted in a way that keeps the order of equal outputs
    assert fed(Recall(top_k=3), [[1, 1, 1] + [0] * 37], many) == 1
    assert fed(F1Score("micro"), [[1, 0, 0]], tied) == pytest.approx(2 / 3, abs=1e-6)
    np.testing.assert_array_equal(fed(F1Score(), [[1, 0]], [[0.0, 0.0]]), 0)  # nothing is predicted


@pytest.mark.parametrize("floatx", ["float32", "float64"])
@pytest.mark.parametrize("metric", [Precision, Recall, F1Score])
def test_a_prediction_equal_to_the_threshold_is_not_above_it(
    metric: Callable[..., Metric], floatx: str
) -> None:
    config.set_floatx(floatx)
    option = {"threshold" if metric is F1Score else "thresholds": 0.3}
    at, above = np.array([[0.3]], floatx), np.array([[0.301]], floatx)
    assert np.all(fed(metric(**option), [[1]], at) == 0)
    assert np.all(fed(metric(**option), [[1]], above) > 0.99)
    assert fed(BinaryAccuracy(threshold=0.3), [[0]], at) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_top_k_says_no_where_an_output_is_not_finite(bad: float) -> None:
    assert fed(SparseTopKCategoricalAccuracy(3), [0], [[1.0, bad, 0.0]]) == 0
    assert fed(SparseTopKCategoricalAccuracy(3), [0], [[1.0, 2.0, 0.0]]) == 1


@given(labelled())
def test_confusion_matrix_is_that_of_scikit_learn(data: tuple[Array, ...]) -> None:
    labels, _, y_pred, _ = data
    predicted, classes = np.argmax(y_pred, axis=1), y_pred.shape[1]
    own = confusion_matrix(labels, predicted, classes)
    assert own.dtype == np.int64
    np.testing.assert_array_equal(
        own, sklearn.confusion_matrix(labels, predicted, labels=range(classes))
    )
    largest = max(labels.max(), predicted.max()) + 1
    np.testing.assert_array_equal(confusion_matrix(labels, predicted), own[:largest, :largest])


@pytest.mark.parametrize("name", ["accuracy", "acc", "Accuracy"])
@pytest.mark.parametrize(
    ("target_shape", "output_shape", "expected"),
    [
        ((8,), (8, 1), BinaryAccuracy),
        ((8, 1), (8, 1), BinaryAccuracy),
        ((8,), (8, 5), SparseCategoricalAccuracy),
        ((8, 1), (8, 5), SparseCategoricalAccuracy),
        ((8, 5), (8, 5), CategoricalAccuracy),
        ((8, 3), (8, 3, 5), SparseCategoricalAccuracy),
    ],
)
def test_accuracy_means_one_of_three(
    name: str, target_shape: tuple[int, ...], output_shape: tuple[int, ...], expected: type[Metric]
) -> None:
    metric = metrics.for_shapes(name, target_shape, output_shape)
    assert type(metric) is expected
    assert metric.name == name


def test_binary_accuracy_reads_flat_and_upright_targets_alike() -> None:
    flat, upright = np.array([1, 0, 1]), np.array([[0.9], [0.8], [0.3]])
    for y_true in (flat, flat[:, None]):
        for y_pred in (upright, upright[:, 0]):
            assert fed(BinaryAccuracy(), y_true, y_pred) == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", ALL)
def test_a_metric_is_made_again_from_its_config(name: str) -> None:
    metric = ALL[name][0]()
    again = metrics.get(json.loads(json.dumps(serialize(metric))))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()


@pytest.mark.parametrize(
    ("identifier", "cls", "name"),
    [
        ("mse", MeanSquaredError, "mse"),
        ("MSE", MeanSquaredError, "MSE"),
        ("mean_squared_error", MeanSquaredError, "mean_squared_error"),
        ("mae", MeanAbsoluteError, "mae"),
        ("Precision", Precision, "Precision"),
        ("recall", Recall, "recall"),
        ("f1_score", F1Score, "f1_score"),
        (Precision, Precision, "precision"),
        (TopKCategoricalAccuracy(name="top"), TopKCategoricalAccuracy, "top"),
        (
            SparseTopKCategoricalAccuracy(),
            SparseTopKCategoricalAccuracy,
            "sparse_top_k_categorical_accuracy",
        ),
        (F1Score(), F1Score, "f1_score"),
    ],
)
def test_names(identifier: object, cls: type[Metric], name: str) -> None:
    metric = metrics.metric_of(identifier)
    assert type(metric) is cls and metric.name == name


def test_errors_go_down_and_shares_up() -> None:
    down = {name for name, (make, _) in ALL.items() if make().direction == "down"}
    errors = {"squared error", "absolute error", "percentage", "root"}
    surprises = {"divergence", "sparse entropy of logits", "hinge"}
    assert down == {*errors, *surprises, "false negatives at two"}


def test_calling_a_metric_feeds_it() -> None:
    metric = SparseCategoricalAccuracy()
    assert metric([0], [[0.9, 0.1]]) == 1
    assert metric([0], [[0.1, 0.9]]) == 0.5
    assert metric([1, 1], [[0.1, 0.9], [0.2, 0.8]], [2, 0]) == 0.75


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda: metrics.get("acuracy"), ValueError, r"metric 'acuracy'; did you mean 'accuracy'"),
        (lambda: metrics.get(3), TypeError, r"metric: expected its name, .* got 3 of type int"),
        (
            lambda: Precision(1.5),
            ValueError,
            r"thresholds: expected a number between 0 and 1, got 1\.5",
        ),
        (lambda: Recall([0.5, -1]), ValueError, r"thresholds: .* got -1"),
        (lambda: Precision(top_k=0), ValueError, r"top_k: expected a positive integer, got 0"),
        (lambda: TopKCategoricalAccuracy(0), ValueError, r"k: expected a positive integer, got 0"),
        (lambda: F1Score("mean"), ValueError, r"average: expected one of .*'macro'.* got 'mean'"),
        (
            lambda: F1Score(threshold=0.0),
            ValueError,
            r"threshold: expected a number above 0 and of 1 or less, got 0\.0",
        ),
        (
            lambda: fed(Precision(class_id=3), [[1, 0]], [[0.5, 0.5]]),
            ValueError,
            r"class_id: expected one of the 2 outputs, 0 to 1, got 3",
        ),
        (
            lambda: fed(Precision(), [1, 0], [[0.1, 0.9], [0.2, 0.8]]),
            ValueError,
            r"precision: expected targets in .* \(2, 2\), got \(2,\); integer labels .* one-hot",
        ),
        (
            lambda: fed(CategoricalAccuracy(), [1, 0], [[0.1, 0.9], [0.2, 0.8]]),
            ValueError,
            r"categorical_accuracy: expected targets .* got \(2,\); integer labels .* one-hot",
        ),
        (
            lambda: fed(SparseCategoricalAccuracy(), np.eye(2), np.eye(2)),
            ValueError,
            r"sparse_categorical_accuracy: expected one integer .* got \(2, 2\); .*look one-hot",
        ),
        (
            lambda: fed(MeanSquaredError(), np.ones((2, 3)), np.ones((2, 2))),
            ValueError,
            r"mean_squared_error: expected targets in .*, \(2, 2\), got \(2, 3\)$",
        ),
        (
            lambda: fed(F1Score(), [0, 1], np.eye(2)),
            ValueError,
            r"f1_score: expected one-hot targets .* got \(2,\) and \(2, 2\); to_categorical",
        ),
        (
            lambda: confusion_matrix([0, 1], [0.5, 0.5, 1]),
            ValueError,
            r"confusion_matrix: .* vectors of labels of equal length, got .*\(2,\).*\(3,\)",
        ),
        (
            lambda: confusion_matrix(np.eye(2), np.eye(2)),
            ValueError,
            r"confusion_matrix: .* shapes \(2, 2\) and \(2, 2\); take argmax",
        ),
        (
            lambda: confusion_matrix([0, 1], [0.2, 0.9]),
            ValueError,
            r"confusion_matrix: expected integer labels, got fractions; take argmax",
        ),
        (lambda: confusion_matrix([0, 5], [0, 1], 3), ValueError, r"labels from 0 to 2"),
        (lambda: confusion_matrix([0, -1], [0, 1]), ValueError, r"labels from 0 to 1"),
    ],
)
def test_what_cannot_be_is_refused(
    use: Callable[[], object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        use()


# Errors in fit name the shapes of the data, before anything is trained.


@pytest.mark.parametrize(
    ("units", "metric", "y", "message"),
    [
        (
            1,
            F1Score(threshold=0.5),
            (60,),
            r"\(60,\) and \(60, 1\); .* reshape y to .* y\[:, None\]",
        ),
        (3, F1Score(), (60,), r"f1_score: .* got \(60,\) and \(60, 3\); to_categorical"),
        (3, F1Score(), (60, 1), r"f1_score: .* got \(60, 1\) and \(60, 3\); to_categorical"),
        (
            3,
            Precision(),
            (60,),
            r"precision: .* predictions, \(60, 3\), got \(60,\); integer labels",
        ),
        (3, Recall(), (60, 1), r"recall: .* predictions, \(60, 3\), got \(60, 1\); integer labels"),
        (3, CategoricalAccuracy(), (60,), r"accuracy: .* predictions, \(60, 3\), got \(60,\)"),
        (3, TopKCategoricalAccuracy(2), (60,), r"predictions, \(60, 3\), got \(60,\)"),
        (3, BinaryAccuracy(), (60,), r"binary_accuracy: .*, \(60, 3\), got \(60,\)"),
        (3, "mse", (60,), r"mse: .*, \(60, 3\), got \(60,\)"),
        (
            3,
            Precision(class_id=3),
            (60, 3),
            "class_id: expected one of the 3 outputs, 0 to 2, got 3",
        ),
        (3, SparseCategoricalAccuracy(), (60, 3), r"shape \(60,\), got \(60, 3\); .* look one-hot"),
        (3, "sparse_top_k_categorical_accuracy", (60, 3), r"shape \(60,\), got \(60, 3\)"),
    ],
)
@pytest.mark.parametrize("way", ["fit", "evaluate", "train_on_batch"])
def test_errors_name_the_shapes_of_the_data(
    way: str, units: int, metric: Any, y: tuple[int, ...], message: str
) -> None:
    x = np.zeros((60, 5), "float32")
    labels = np.zeros(y, int)
    sparse = len(y) == 1 or y[-1] == 1
    loss = "sparse_categorical_crossentropy" if sparse else "categorical_crossentropy"
    model = Sequential([Dense(units, activation="softmax" if units > 1 else "sigmoid")])
    model.compile("sgd", loss if units > 1 else "binary_crossentropy", metrics=[metric])
    options = {} if way == "train_on_batch" else {"verbose": 0}
    with pytest.raises(ValueError, match=message):
        getattr(model, way)(x, labels, **options)
    assert not model.built and not model.optimizer.iterations


def test_a_metric_of_one_s_own_is_asked_for_its_shapes_too() -> None:
    class Square(Metric):
        def check_shapes(self, target_shape: Any, output_shape: Any) -> None:
            if target_shape != output_shape:
                raise ValueError(f"square: {target_shape} and {output_shape}")

        def reset_state(self) -> None:
            self.total = 0.0

        def add(self, y_true: Any, y_pred: Any, sample_weight: Any) -> None:
            self.total += float(np.sum(y_pred))

        def result(self) -> float:
            return self.total

    model = Sequential([Dense(3)])
    model.compile("sgd", "mse", metrics=[Square()])
    with pytest.raises(ValueError, match=r"square: \(8, 3, 1\) and \(8, 3\)"):
        model.fit(np.zeros((8, 4)), np.zeros((8, 3, 1)), verbose=0)
    model.fit(np.zeros((8, 4)), np.zeros((8, 3)), verbose=0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.AUC(1), "num_thresholds: expected an integer of 2 or more, got 1"),
        (
            lambda: metrics.AUC(curve="roc curve"),
            r"curve: expected one of \('ROC', 'PR', 'PRGAIN'\)",
        ),
        (lambda: metrics.AUC(summation_method="trapezoid"), "summation_method: expected one of"),
        (lambda: metrics.AUC(thresholds=[0.5, 2]), "thresholds: expected a number between 0 and 1"),
        (lambda: metrics.AUC(num_labels=3), "num_labels: expected None without multi_label=True"),
        (lambda: metrics.PrecisionAtRecall(1.5), "recall: expected a number between 0 and 1"),
        (lambda: metrics.FBetaScore(beta=0), "beta: expected a number above 0"),
        (lambda: metrics.R2Score("mean"), "class_aggregation: expected one of"),
        (lambda: metrics.TruePositives(-1), "thresholds: expected a number between 0 and 1"),
        (
            lambda: metrics.AUC(label_weights=[1, 2])(np.eye(3), np.eye(3)),
            "label_weights: expected one for each of 3 outputs, got 2",
        ),
        (
            lambda: metrics.R2Score()(np.ones(3), np.ones(3)),
            r"r2_score: expected .* \(n, outputs\)",
        ),
    ],
)
def test_options_that_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_names_that_keras_gives() -> None:
    for identifier, name in {
        metrics.FBetaScore: "fbeta_score",
        metrics.LogCoshError: "logcosh",
        metrics.AUC: "auc",
        "AUC": "AUC",
        "kl_divergence": "kl_divergence",
        "mape": "mape",
    }.items():
        assert metrics.metric_of(identifier).name == name


def test_a_cross_entropy_reads_logits_in_fit_and_predictions_on_its_own() -> None:
    """A probability of 1 - 1e-30 is 1 in float32; its logit is still 69."""
    model = Sequential([Dense(1, activation="sigmoid", use_bias=False, kernel_initializer="ones")])
    model.compile("sgd", "mse", metrics=["bce"])
    x, y = np.full((5, 1), 69.0), np.zeros((5, 1))
    _, told = model.evaluate(x, y, batch_size=2, verbose=0)
    assert told == pytest.approx(69)
    (metric,) = model.metrics
    metric.reset_state()
    assert metric(y, model.predict(x, verbose=0)) < 17  # clipped at 1 - 1e-7


def test_lines_of_a_step_read_the_logits_of_that_step() -> None:
    logs = []
    for eagerly in (False, True):
        set_random_seed(3)
        model = Sequential([Dense(4, activation="tanh"), Dense(3, activation="softmax")])
        model.compile("adam", "mse", metrics=["categorical_crossentropy"], run_eagerly=eagerly)
        rng = np.random.default_rng(3)
        x, y = rng.normal(size=(22, 5)), np.eye(3)[np.arange(22) % 3]
        logs.append(model.fit(x, y, batch_size=5, epochs=4, verbose=0).history)
    assert logs[0] == logs[1]
    assert len(set(logs[0]["categorical_crossentropy"])) == 4
    copied = copy.deepcopy(model)
    assert copied.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


class Share(Metric):
    """Which part of the predictions is right, from two variables."""

    def __init__(self, name: str = "share", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.right = self.add_weight(name="right", initializer="zeros")
        self.both = self.add_variable((2,), "ones", name="both")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch."""
        self.right.assign_add(np.sum(y_true == y_pred.argmax(axis=-1)))
        self.both.assign_add([len(y_pred), 1])

    def result(self) -> Any:
        """Return the share."""
        return self.right / self.both[0]


def test_a_metric_made_of_variables() -> None:
    metric = Share(dtype="float32")
    assert [each.name for each in metric.variables] == ["right", "both"]
    assert metric.both.numpy().tolist() == [1, 1]
    metric.reset_state()
    assert metric.both.numpy().tolist() == [0, 0]
    metric.update_state(np.array([0, 1, 1]), np.eye(3)[[0, 2, 1]])
    metric.update_state(np.array([2]), np.eye(3)[[2]])
    assert metric.result() == metric.reported() == 0.75
    assert metric.both.numpy().tolist() == [4, 2]
    with pytest.raises(TypeError, match="shape"):
        Share(shape=3)


def test_a_metric_made_of_variables_in_fit() -> None:
    """What the logs hold does not change with the variables."""

    class Raw(Share):
        def result(self) -> Any:
            return self.right

    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(40, 3)), np.arange(40) % 3
    model = Sequential([Dense(3)])
    model.compile(
        "sgd",
        losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[Share(), Raw("raw"), "acc"],
    )
    logs = model.fit(x, y, batch_size=16, epochs=3, verbose=0, validation_split=0.25).history
    assert logs["share"] == pytest.approx(logs["acc"])
    assert logs["val_share"] == pytest.approx(logs["val_acc"])
    assert logs["raw"] == pytest.approx([30 * each for each in logs["acc"]])


def test_how_many_thresholds_there_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "MOST", 5)
    np.testing.assert_array_equal(curves.evenly_spaced(5), [0, 0.25, 0.5, 0.75, 1])
    with pytest.raises(ValueError, match="num_thresholds: expected at most 5, got 6"):
        curves.evenly_spaced(6)


def test_curves_of_several_labels_are_counted_apart() -> None:
    rng = np.random.default_rng(0)
    targets, y_pred = rng.integers(0, 2, (40, 3)), rng.uniform(size=(40, 3))
    together = fed(metrics.AUC(num_thresholds=9, multi_label=True), targets, y_pred)
    columns = zip(targets.T, y_pred.T, strict=True)
    apart = [fed(metrics.AUC(num_thresholds=9), *column) for column in columns]
    assert together == pytest.approx(np.mean(apart), rel=1e-12)


def test_where_a_prediction_stands_among_the_thresholds() -> None:
    """NaN is above none of them, and 2 above all but the last, which is 1 + 1e-7."""
    metric = metrics.AUC(num_thresholds=5)
    fed(metric, [1, 1, 1, 1], [np.nan, 2.0, -2.0, 0.5])
    np.testing.assert_array_equal(metric.true_positives[:, 0], [3, 2, 1, 1, 0])
    np.testing.assert_array_equal(metric.false_negatives[:, 0], [1, 2, 3, 3, 4])


def test_the_area_of_precision_gain_over_recall_gain() -> None:
    metric = metrics.AUC(thresholds=[0.5], curve="PRGAIN", summation_method="minoring")
    # Above 0.5 are 2 of 3 that are 1, and 1 of 3 that are 0: both gains are 1 - 1/2.
    targets, y_pred = [1, 1, 1, 0, 0, 0], [0.9, 0.8, 0.1, 0.7, 0.2, 0.3]
    # Recall gain goes from 1 to 1/2 at a precision gain of 0, and on to 0 at one of 1/2.
    assert fed(metric, targets, y_pred) == pytest.approx(0.25)


def test_the_area_between_points_of_precision_over_recall() -> None:
    metric = metrics.AUC(thresholds=[0.5], curve="PR")
    targets, y_pred = [1, 1, 1, 0, 0, 0], [0.9, 0.8, 0.1, 0.7, 0.2, 0.3]
    # (TP, TP + FP) at the three thresholds: (3, 6), (2, 3), (0, 0). Between two of them, TP grows
    # by 1/3 or by 2/3 for each one that is above: the integral of TP/(TP + FP) over TP.
    areas = (1 + (2 - 3 / 3) * np.log(6 / 3)) / 3, 2 * 2 / 3
    assert fed(metric, targets, y_pred) == pytest.approx(sum(areas) / 3)


def test_several_numbers_of_a_sample_are_one() -> None:
    numbers, weights = np.arange(24.0).reshape(2, 3, 4), np.arange(6.0).reshape(2, 3)
    values, found = by_sample(numbers, weights, np.mean)
    np.testing.assert_allclose(values, (numbers.mean(axis=2) * weights).mean(axis=1))
    assert found is not None
    np.testing.assert_allclose(found, weights.mean(axis=1))


def test_three_thresholds_can_be_evenly_spaced() -> None:
    even = [Precision(thresholds=each).evenly for each in ([0, 0.5, 1], [0, 0.4, 1], [0, 1])]
    assert even == [True, False, False]
