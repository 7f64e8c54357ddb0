"""Parity of what `compile` takes, and of what is reported for several outputs and equal names."""

import inspect

import numpy as np
import pytest

import tinynet
from parity_tests.backend import BACKEND, keras
from parity_tests.both import use_floatx

RNG = np.random.default_rng(17)
X, REAL, YES = RNG.normal(size=(10, 3)), RNG.normal(size=(10, 2)), RNG.integers(0, 2, (10, 1))
YES = YES.astype(float)
WEIGHTS = RNG.random(10)
LISTED, BY_KEY = [REAL, YES], {"z": REAL, "c": YES}
MAE = "mean_absolute_error"  # of "mae", Keras reads this name from an .h5 file
BOTH = ["mse", "binary_crossentropy"]


def gap(y_true, y_pred):
    return (y_true - y_pred) ** 2


def one_output(library):
    begin = library.Input((3,))
    return library.Sequential([begin, library.layers.Dense(1, activation="sigmoid", name="yes")])


def layers_of_two(library):
    left = library.layers.Dense(2, name="a")
    right = library.layers.Dense(1, activation="sigmoid", name="b")
    return library.layers.Dense(4, activation="tanh"), left, right


def two_outputs(library):
    hidden, left, right = layers_of_two(library)
    begin = library.Input((3,))
    between = hidden(begin)
    return library.Model(begin, [left(between), right(between)])


def two_by_key(library):
    hidden, left, right = layers_of_two(library)
    begin = library.Input((3,))
    between = hidden(begin)
    return library.Model(begin, {"z": left(between), "c": right(between)})


def by_call(form, asks=False):
    """Return what makes a model with a call of its own, which has not been run yet.

    `asks` says whether it takes an argument ``training``; Keras trains batch norm only then.
    """

    def made(library):
        class Two(library.Model):
            def __init__(self):
                super().__init__()
                self.hidden, self.left, self.right = layers_of_two(library)
                self.norm = library.layers.BatchNormalization()

            def call(self, x):
                between = self.norm(self.hidden(x))
                return form(self.left(between), self.right(between))

        class Asks(Two):
            def call(self, x, training=None):
                return super().call(x)

        return Asks() if asks else Two()

    return made


LIST = by_call(lambda left, right: [left, right])
TUPLE = by_call(lambda left, right: (left, right))
DICT = by_call(lambda left, right: {"z": left, "c": right}, asks=True)

pytestmark = pytest.mark.filterwarnings("ignore:call. it takes no argument training")


def numbers(found):
    """Return what a method has returned with its numbers as floats."""
    if isinstance(found, dict):
        return {name: numbers(each) for name, each in found.items()}
    return [numbers(each) for each in found] if isinstance(found, list) else float(found)


def as_in_keras(own, theirs, path=""):
    """Check that two nested results have the same names in the same order, and equal numbers."""
    assert type(own) is type(theirs), path
    if isinstance(own, dict):
        assert list(own) == list(theirs), path
        for name in own:
            as_in_keras(own[name], theirs[name], f"{path}/{name}")
    elif isinstance(own, list):
        assert len(own) == len(theirs), path
        for number, (a, b) in enumerate(zip(own, theirs, strict=True)):
            as_in_keras(a, b, f"{path}/{number}")
    else:
        np.testing.assert_allclose(own, theirs, rtol=1e-12, atol=1e-14, err_msg=path)


def run(library, make, y, loss, options, methods):
    """Compile a model before it has seen anything; return what each method says."""
    library.utils.set_random_seed(5)
    model = make(library)
    given = {name: each(library) if callable(each) else each for name, each in options.items()}
    model.compile("sgd", loss, **given)
    weights = WEIGHTS if make is one_output else None
    calls = {
        "fit": lambda: (
            model.fit(
                X, y, 4, epochs=2, verbose=0, sample_weight=weights, validation_data=(X, y)
            ).history
        ),
        "evaluate": lambda: model.evaluate(X, y, batch_size=4, verbose=0),
        "evaluate as dict": lambda: model.evaluate(X, y, 4, verbose=0, return_dict=True),
        "train_on_batch": lambda: model.train_on_batch(X, y),
        "test_on_batch": lambda: model.test_on_batch(X, y, return_dict=True),
        "get_metrics_result": model.get_metrics_result,
    }
    return {name: numbers(calls[name]()) for name in methods}


def compare(make, y, loss, options, *methods):
    use_floatx("float64")
    own, theirs = (run(library, make, y, loss, options, methods) for library in (tinynet, keras))
    as_in_keras(own, theirs)
    return own


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@pytest.mark.parametrize(
    ("make", "y", "loss"),
    [
        (two_by_key, BY_KEY, {"c": "mse"}),
        (two_by_key, {"c": YES}, {"c": "mse"}),
        (two_by_key, BY_KEY, {"z": None, "c": "mse"}),
        (DICT, BY_KEY, {"z": None, "c": "mse"}),
        (DICT, {"c": YES}, {"c": "mse"}),
        (two_outputs, LISTED, {"a": None, "b": "mse"}),
        (two_outputs, {"a": REAL, "b": YES}, {"b": "mse", "a": None}),
    ],
)
def test_a_dict_of_losses_for_some_outputs(make, y, loss):
    compare(make, y, loss, {}, "fit", "evaluate", "train_on_batch", "test_on_batch")


def test_compile_takes_its_arguments_in_the_same_order():
    own, theirs = (
        {name: each.default for name, each in inspect.signature(kind.compile).parameters.items()}
        for kind in (tinynet.Model, keras.Model)
    )
    assert list(own.items()) == list(theirs.items())


# A smaller last batch.


@pytest.mark.skipif(BACKEND != "tensorflow", reason="elsewhere Keras knows the size of a batch")
@pytest.mark.parametrize("run_eagerly", [False, True])
def test_the_losses_of_outputs_where_the_last_batch_is_smaller(run_eagerly):
    own = compare(
        two_outputs, LISTED, BOTH, {"run_eagerly": run_eagerly}, "fit", "evaluate", "train_on_batch"
    )
    total, *single = own["evaluate"]
    # Only where samples are counted, the parts add up to the whole.
    assert (abs(sum(single) - total) < 1e-12) == run_eagerly


# A call of one's own, compiled before it is run.


@pytest.mark.parametrize(
    ("make", "y", "loss", "options"),
    [
        (LIST, LISTED, BOTH, {"metrics": [["mae"], ["accuracy"]], "loss_weights": [1.0, 0.5]}),
        (LIST, LISTED, "mse", {"metrics": ["mae", ["mae", "accuracy"]]}),
        (
            TUPLE,
            (REAL, YES),
            ["log_cosh", "MeanAbsoluteError"],
            {"weighted_metrics": [["mae"], ["mae"]]},
        ),
        (
            DICT,
            BY_KEY,
            {"z": "mse", "c": "binary_crossentropy"},
            {"metrics": {"z": ["mae"], "c": "accuracy"}, "loss_weights": {"z": 2.0, "c": 0.5}},
        ),
    ],
)
def test_a_call_of_ones_own_is_compiled_before_the_first_batch(make, y, loss, options):
    compare(make, y, loss, options, "fit", "evaluate")


@pytest.mark.parametrize("method", ["evaluate", "train_on_batch"])
def test_the_first_batch_may_come_from_another_method(method):
    compare(LIST, LISTED, BOTH, {}, method)


# Equal names.

EVERYWHERE = ("evaluate", "evaluate as dict", "fit", "get_metrics_result")


@pytest.mark.parametrize(
    ("plain", "weighted"),
    [
        (["mae", "mae"], ["mae", "mae", "mse"]),
        (
            lambda library: [
                library.metrics.MeanSquaredError(name="m"),
                library.metrics.MeanAbsoluteError(name="m_1"),
                library.metrics.BinaryAccuracy(name="m"),
            ],
            None,
        ),
        (
            lambda library: [
                library.metrics.MeanSquaredError(name="loss"),
                library.metrics.Poisson(name="weighted_mae"),
                "mae",
            ],
            ["mae"],
        ),
        ([gap, gap, "accuracy", "acc", "accuracy"], [gap]),
    ],
)
def test_metrics_of_one_name(plain, weighted):
    options = {"metrics": plain, "weighted_metrics": weighted}
    compare(one_output, YES, "binary_crossentropy", options, *EVERYWHERE)


@pytest.mark.parametrize(
    ("make", "y", "loss", "plain", "weighted"),
    [
        (two_outputs, LISTED, "mse", [["mae", "mse"], ["mae", "mae"]], [["mae"], ["mae", "mae"]]),
        (
            two_outputs,
            LISTED,
            {"b": "mse", "a": "mae"},
            lambda library: {"b": [library.metrics.MeanSquaredError(name="loss"), "mae"]},
            {"a": ["mae"]},
        ),
        (
            two_outputs,
            LISTED,
            BOTH,
            lambda library: [
                [library.metrics.MeanSquaredError(name="loss")],
                [library.metrics.MeanSquaredError(name="a_loss")],
            ],
            None,
        ),
        (two_by_key, BY_KEY, {"c": "mae", "z": "mse"}, {"z": ["mae"], "c": ["mae", "mae"]}, None),
        (two_by_key, BY_KEY, ["mae", "mse"], None, None),
    ],
)
def test_metrics_of_one_name_at_several_outputs(make, y, loss, plain, weighted):
    options = {"metrics": plain, "weighted_metrics": weighted}
    compare(make, y, loss, options, *EVERYWHERE)


# Files.


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize(("make", "y"), [(two_outputs, LISTED), (two_by_key, BY_KEY)])
def test_dicts_of_losses_and_metrics_in_files(make, y, ending, tmp_path):
    use_floatx("float64")
    path, (a, b) = str(tmp_path / f"model.{ending}"), ("ab" if y is LISTED else "zc")

    def evaluated(model):
        found = model.evaluate(X, y, batch_size=4, verbose=0)
        return numbers([found, model.evaluate(X, y, 4, verbose=0, return_dict=True)])

    for one, other in ((keras, tinynet), (tinynet, keras)):
        model = make(one)
        model.compile(
            "sgd",
            {b: one.losses.BinaryCrossentropy(label_smoothing=0.1), a: MAE},
            loss_weights={a: 0.25, b: 2.0},
            metrics={a: [MAE, one.metrics.MeanSquaredError(name=MAE)], b: "accuracy"},
            weighted_metrics={b: [one.metrics.BinaryAccuracy(threshold=0.3)]},
        )
        expected = evaluated(model)
        model.save(path)
        read = other.models.load_model(path)
        as_in_keras(evaluated(read), expected)
        read.save(path)
        as_in_keras(evaluated(one.models.load_model(path)), expected)


def test_dicts_of_metrics_of_a_model_in_memory():
    use_floatx("float64")
    model = one_output(keras)
    metrics = {"yes": ["mae", keras.metrics.Poisson()]}
    model.compile("sgd", "mse", metrics=metrics, weighted_metrics={"yes": "mae"})
    own = tinynet.interop.from_keras(model)
    again = tinynet.interop.to_keras(own)
    expected, *found = (numbers(each.evaluate(X, YES, verbose=0)) for each in (model, own, again))
    for each in found:
        as_in_keras(each, expected)
