"""Bad input: an error that says what is wrong, and nothing is changed by it.

Every case names the call, the type of the error and what its message has to say: the argument,
what was expected, what came, the likely cause. Before and after the call the whole state is
compared; then the model trains on, exactly as a copy that never saw the bad call.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from tests.refused import (
    HOT,
    SPARSE,
    WEIGHT,
    Case,
    X,
    Y,
    check_refused,
    check_trains_on,
    fit,
    network,
    trained,
    with_value,
)
from tinynet import Input, Sequential, data, losses, metrics
from tinynet.callbacks import (
    EarlyStopping,
    ModelCheckpoint,
    ReduceLROnPlateau,
)
from tinynet.layers import (
    Activation,
    Dense,
    Dropout,
    Flatten,
    Layer,
    Softmax,
)
from tinynet.utils import set_random_seed

# Arrays that no model can take, through each of the ways into a model.

WAYS: dict[str, Callable[[Sequential, Any], object]] = {
    "fit": lambda model, x: model.fit(x, Y, verbose=0),
    "evaluate": lambda model, x: model.evaluate(x, Y, verbose=0),
    "predict": lambda model, x: model.predict(x, verbose=0),
    "train_on_batch": lambda model, x: model.train_on_batch(x, Y),
    "test_on_batch": lambda model, x: model.test_on_batch(x, Y),
    "predict_on_batch": lambda model, x: model.predict_on_batch(x),
    "call": lambda model, x: model(x, training=True),
    "validation_data": lambda model, x: model.fit(X, Y, validation_data=(x, Y), verbose=0),
}


class Batches:
    """Hands out batches by their number, as data sets of other libraries do."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        return X[:10], Y[:10]


BAD_X: dict[str, tuple[Any, type[Exception], list[str]]] = {
    "width": (X[:, :3], ValueError, [r"\(4,\)", r"\(20, 3\)|\(3,\)", "other data|prepared"]),
    "more columns": (np.ones((20, 5)), ValueError, [r"\(4,\)", r"\(20, 5\)|\(5,\)"]),
    "rank": (X[:, None, :, None], ValueError, [r"\(4,\)", r"\(1, 4, 1\)"]),
    "no batch axis": (np.ones(20), ValueError, [r"\(4,\)", r"\(\)"]),
    "number": (1.5, ValueError, ["x: expected at least one sample", r"got shape \(\)"]),
    "empty": (X[:0], ValueError, ["x: expected at least one sample", r"got shape \(0, 4\)"]),
    "no features": (X[:, :0], ValueError, ["x: expected at least one", r"got shape \(20, 0\)"]),
    "none": (None, TypeError, ["x: expected an array of all samples, got None"]),
    "object": (
        with_value(X.astype(object), (7, 2), None),
        TypeError,
        [r"x: expected numbers, got None of type NoneType first at index \(7, 2\)", "missing"],
    ),
    "rows of objects": (
        np.array([[1.0, 2.0], [1.0]], dtype=object),
        TypeError,
        [r"x: .* got list\(\[1.0, 2.0\]\)|got \[1.0, 2.0\] of type list first", "unequal length"],
    ),
    "dict": ({"x": X}, ValueError, ["x: expected a dict with a key for each input .* got 'x'"]),
    "set": ({1.0, 2.0}, TypeError, ["x: .* got a set, which hands out"]),
    "dataset": (Batches(), TypeError, ["x: .* got a Batches, which hands out .*PyDataset"]),
    "sparse": (scipy.sparse.csr_array(X), TypeError, [r"x: .* got a csr_array, .* toarray\(\)"]),
    "text": (X.astype(str), TypeError, ["x: expected numbers, got dtype <U", "text"]),
    "dates": (X.astype("M8[s]"), TypeError, ["x: expected numbers, got dtype datetime64"]),
    "complex": (X.astype(complex), TypeError, ["x: expected numbers, got dtype complex128"]),
    "ragged": ([[1.0, 2.0, 3.0, 4.0], [1.0]], ValueError, ["x: not an array of numbers: .*shape"]),
    "both": ((X, Y), ValueError, ["x: not an array of numbers: .*two arguments, not one tuple"]),
    "masked": (
        np.ma.masked_less(X, X.max()),
        ValueError,
        [rf"x: {X.size - 1} masked entries, .* replace them, x\.filled\(0\)"],
    ),
    "nan": (
        with_value(with_value(X, (7, 2), np.nan), (9, 0), np.inf),
        ValueError,
        [r"x: expected finite numbers, got nan first at index \(7, 2\)", "clean the data with"],
    ),
    "inf": (with_value(X, (0, 0), np.inf), ValueError, [r"x: .*got inf first at index \(0, 0\)"]),
    "-inf": (with_value(X, (19, 3), -np.inf), ValueError, [r"x: .*-inf first at index \(19, 3\)"]),
    "half": (
        with_value(X.astype("f2"), (3, 1), np.nan),
        ValueError,
        [r"x: .*got nan first at index \(3, 1\)"],
    ),
    "foreign": (
        with_value(X.astype(">f8"), (3, 1), np.nan),
        ValueError,
        [r"x: .*got nan first at index \(3, 1\)"],
    ),
}


@pytest.mark.parametrize("problem", BAD_X)
@pytest.mark.parametrize("way", WAYS)
def test_x(way: str, problem: str) -> None:
    x, error, says = BAD_X[problem]
    if way == "validation_data":
        says = ["validation_data", *says]
    model = trained()
    untouched = copy.deepcopy(model)
    check_refused(model, lambda model: WAYS[way](model, x), error, ["x", *says])
    check_trains_on(model, untouched, X, Y)


@pytest.mark.parametrize(
    ("x", "expected", "cause"),
    [
        (np.ones((20, 784)), (28, 28), r"samples of shape \(784,\); the sizes agree: reshape x"),
        (np.ones((20, 28, 28)), (784,), "the sizes agree: reshape x, or begin .* with Flatten"),
        (np.ones((28, 28)), (28, 28), r"a single sample needs a batch axis: x\[None\]"),
        (np.ones((28, 20)), (28,), "were rows and columns mixed up, or is this other data"),
    ],
)
def test_likely_causes_of_a_wrong_shape(
    x: np.ndarray, expected: tuple[int, ...], cause: str
) -> None:
    model = Sequential([Input(expected), Flatten(), Dense(2)])
    came = str(x.shape).replace("(", r"\(").replace(")", r"\)")
    check_refused(
        model,
        lambda model: model.predict(x, verbose=0),
        ValueError,
        [rf"x: expected samples of shape \({expected[0]}", f"got an array of shape {came}", cause],
    )


@given(st.data())
def test_the_first_index_beyond_the_first_chunk(draw: st.DataObject) -> None:
    shape = draw.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple))
    x = np.zeros(shape)
    places = draw.draw(
        st.lists(st.sampled_from(list(np.ndindex(*shape))), min_size=1, max_size=4, unique=True)
    )
    for place in places:
        x[place] = draw.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    first = min(places)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "CHUNK", draw.draw(st.integers(1, 6)))
        with pytest.raises(ValueError, match=r"^x: expected finite numbers") as caught:
            data.check_numbers("x", x)
    assert f"got {x[first]} first at index {first};" in str(caught.value)


# Every other item, as calls on a trained model.


def compiled(*arguments: Any, **options: Any) -> Callable[[Any], object]:
    return lambda model: model.compile(*arguments, **options)


OUT_OF_RANGE = [
    r"y: expected labels from 0 to 2 \(the model has 3 outputs\)",
    "start at 1 need y - 1, more classes need a wider last layer",
]

CASES: dict[str, Case] = {
    # lengths
    "y shorter": Case(fit(y=Y[:-1]), ValueError, ["the same length", "20 in x, 19 in y", "cut or"]),
    "x shorter": Case(fit(x=X[:7]), ValueError, ["the same length", "7 in x, 20 in y"]),
    "weights shorter": Case(
        fit(sample_weight=WEIGHT[:3]), ValueError, ["20 in x, 20 in y, 3 in sample_weight"]
    ),
    "validation lengths": Case(
        fit(validation_data=(X, Y[:5])), ValueError, ["validation_data: expected .* 20 in x, 5 in"]
    ),
    "train_on_batch lengths": Case(
        lambda model: model.train_on_batch(X[:3], Y[:4]), ValueError, ["3 in x, 4 in y"]
    ),
    "evaluate lengths": Case(
        lambda model: model.evaluate(X[:3], Y[:4], verbose=0), ValueError, ["3 in x, 4 in y"]
    ),
    # targets and weights
    "no y": Case(fit(y=None), ValueError, ["y: expected targets, got None"]),
    "empty y": Case(fit(y=Y[:0]), ValueError, [r"y: expected at least .* got shape \(0,\)"]),
    "y of text": Case(
        fit(y=np.array(["shirt", "coat"] * 10)), TypeError, ["y: expected numbers, got dtype <U5"]
    ),
    "y of objects": Case(
        fit(y=with_value(Y.astype(object), 3, "b")), TypeError, [r"y: .*got 'b' .* index \(3,\)"]
    ),
    "y with nan": Case(
        fit(y=with_value(Y.astype(float), 4, np.nan)), ValueError, [r"y: .*nan first .*\(4,\)"]
    ),
    "sample_weight with nan": Case(
        fit(sample_weight=with_value(WEIGHT, 2, np.nan)), ValueError, [r"sample_weight: .*\(2,\)"]
    ),
    "sample_weight with two columns": Case(
        fit(sample_weight=HOT),
        ValueError,
        [r"sample_weight: expected one number per sample, shape \(20,\), got \(20, 3\)"],
    ),
    "labels from 1": Case(fit(y=Y + 1), ValueError, [*OUT_OF_RANGE, "got labels from 1 to 3"]),
    "labels below 0": Case(
        fit(y=Y.astype(int) - 1), ValueError, [*OUT_OF_RANGE, "got labels from -1 to 1"]
    ),
    "labels in evaluate": Case(
        lambda model: model.evaluate(X, Y + 9, verbose=0), ValueError, OUT_OF_RANGE
    ),
    "labels in train_on_batch": Case(
        lambda model: model.train_on_batch(X, Y + 9), ValueError, OUT_OF_RANGE
    ),
    "labels in test_on_batch": Case(
        lambda model: model.test_on_batch(X, Y + 9), ValueError, OUT_OF_RANGE
    ),
    "labels of validation_data": Case(
        fit(validation_data=(X, Y + 1)), ValueError, ["^validation_data: y: ", *OUT_OF_RANGE]
    ),
    "labels of the last samples": Case(
        fit(y=with_value(Y, 19, 200), validation_split=0.2),
        ValueError,
        ["^validation_split: y: ", *OUT_OF_RANGE, "from 0 to 200"],
    ),
    "fractions as labels": Case(
        fit(y=Y + 0.5), ValueError, [f"y: {SPARSE} expected integer labels, got float64", "use"]
    ),
    "one-hot labels": Case(
        fit(y=HOT),
        ValueError,
        [
            rf"y: {SPARSE} expected one integer per sample, shape \(n,\) or \(n, 1\)",
            r"got \(20, 3\)",
            "labels look one-hot; use categorical_crossentropy",
        ],
    ),
    "one-hot labels of validation_data": Case(
        fit(validation_data=(X, HOT)), ValueError, ["^validation_data: y: ", "look one-hot"]
    ),
    # the shares, and what belongs to validation
    "split leaves no validation": Case(
        fit(validation_split=1e-17),
        ValueError,
        [
            "validation_split: 1e-17 of 20 samples leaves 20 for training and 0",
            "use more samples or another fraction",
        ],
    ),
    "split leaves no training": Case(
        fit(validation_split=0.99),
        ValueError,
        ["validation_split: 0.99 of 20 samples leaves 0 for training and 20 for validation"],
    ),
    "one sample": Case(
        fit(X[:1], Y[:1], validation_split=0.5), ValueError, ["leaves 0 for training and 1 for"]
    ),
    **{
        f"split {share!r}": Case(
            fit(validation_split=share),
            ValueError,
            [f"validation_split: expected a fraction between 0 and 1, got {share!r}"],
        )
        for share in (1, 1.0, 1.5, -0.1, 20, "half", float("nan"), True)
    },
    "validation_data of one": Case(
        fit(validation_data=(X,)),
        ValueError,
        [r"validation_data: expected \(x, y\) or \(x, y, sample_weight\), got 1 entries"],
    ),
    "validation_data an array": Case(
        fit(validation_data=X), ValueError, [r"validation_data: expected \(x, y\) .* got ndarray"]
    ),
    # numbers and choices
    **{
        f"{name} {value!r}": Case(
            fit(**{name: value}), ValueError, [f"^{name}: expected a positive int.* got {value!r}"]
        )
        for name in ("batch_size", "validation_batch_size")
        for value in (0, -1, 2.5, "8", True)
    },
    **{
        f"epochs {value!r}": Case(
            fit(epochs=value),
            ValueError,
            [f"^epochs: expected an integer of 0 or more, got {value!r}"],
        )
        for value in (-1, 2.5, "8", True)
    },
    "initial_epoch": Case(
        fit(initial_epoch=-1),
        ValueError,
        ["initial_epoch: expected an integer of 0 or more, got -1"],
    ),
    "verbose": Case(fit(verbose=3), ValueError, ["verbose: expected 'auto', 0, 1 or 2, got 3"]),
    "verbose of evaluate": Case(
        lambda model: model.evaluate(X, Y, verbose="yes"), ValueError, ["verbose: .*got 'yes'"]
    ),
    "verbose of predict": Case(
        lambda model: model.predict(X, verbose=5), ValueError, ["verbose: .*got 5"]
    ),
    "batch_size of predict": Case(
        lambda model: model.predict(X, batch_size=0), ValueError, ["batch_size: .*got 0"]
    ),
    "shuffle": Case(
        fit(shuffle="batch"),
        ValueError,
        ["shuffle: expected True, False or 'every_epoch', got 'batch'"],
    ),
    "class_weight a list": Case(
        fit(class_weight=[1, 2, 3]), TypeError, ["class_weight: expected a dict", "got 3 entries"]
    ),
    "class_weight by name": Case(
        fit(class_weight={"0": 2.0}), ValueError, ["class_weight: expected .*got '0': 2.0"]
    ),
    "class_weight of nan": Case(
        fit(class_weight={0: float("nan")}), ValueError, ["class_weight: .* finite .*got 0: nan"]
    ),
    "class_weight and sample_weight": Case(
        fit(class_weight={0: 2.0}, sample_weight=WEIGHT),
        ValueError,
        ["class_weight and sample_weight cannot both be given; multiply them"],
    ),
    # callbacks
    "a callback's class": Case(
        fit(callbacks=[EarlyStopping]),
        TypeError,
        ["callbacks: expected Callback objects, got <class .*EarlyStopping", r"add \(\)"],
    ),
    "a function as callback": Case(
        fit(callbacks=[print]), TypeError, ["callbacks: expected Callback objects, got <built-in"]
    ),
    "no validation to monitor": Case(
        fit(callbacks=[EarlyStopping()]),
        ValueError,
        [
            r"EarlyStopping: monitor 'val_loss' will not be in the logs, which have \['loss', 'acc",
            "give fit validation_split or validation_data",
        ],
    ),
    "no such figure": Case(
        fit(validation_split=0.2, callbacks=[ReduceLROnPlateau("val_f1")]),
        ValueError,
        ["ReduceLROnPlateau: monitor 'val_f1' will not be in the logs", "the metrics given to"],
    ),
    "no such figure to save the best": Case(
        fit(callbacks=ModelCheckpoint("x.safetensors", monitor="acc", save_best_only=True)),
        ValueError,
        ["ModelCheckpoint: monitor 'acc' will not be in the logs, .*'accuracy'"],
    ),
    # compile
    "optimizer": Case(
        compiled("adma", SPARSE), ValueError, ["unknown optimizer 'adma'; did you mean 'adam'"]
    ),
    "loss": Case(
        compiled("sgd", "sparse_categorical_crosentropy"),
        ValueError,
        [
            "unknown loss 'sparse_categorical_crosentropy'; did you mean",
            "'sparse_categorical_crossentropy'",
        ],
    ),
    "no loss": Case(compiled("sgd"), ValueError, ["loss: expected a name or a Loss, got None"]),
    "metric": Case(
        compiled("sgd", SPARSE, metrics=["acuracy"]),
        ValueError,
        ["unknown metric 'acuracy'; .*'accuracy'"],
    ),
    "weighted metric": Case(
        compiled("sgd", SPARSE, weighted_metrics=["recal"]),
        ValueError,
        ["unknown metric 'recal'; did you mean 'recall'"],
    ),
    "metrics a string": Case(
        compiled("sgd", SPARSE, metrics="accuracy"),
        TypeError,
        ["^metrics: expected a list, got 'accuracy'; write .'accuracy'."],
    ),
    "metrics an object": Case(
        compiled("sgd", SPARSE, metrics=metrics.Accuracy()),
        TypeError,
        ["^metrics: expected a list"],
    ),
    "metrics a class": Case(
        compiled("sgd", SPARSE, metrics=metrics.Accuracy), TypeError, ["^metrics: expected a list"]
    ),
    **{
        f"metrics in the place of loss_weights, {given!r}": Case(
            compiled("sgd", SPARSE, given),
            TypeError,
            ["^loss_weights: expected numbers, got ", r"by name: metrics=[\[{]"],
        )
        for given in (["accuracy"], "accuracy", [["accuracy"], ["mse"]], {"dense_2": "accuracy"})
    },
    "a metric in the place of loss_weights": Case(
        compiled("sgd", SPARSE, [metrics.Accuracy()]), TypeError, ["metrics="]
    ),
    "weighted_metrics a string": Case(
        compiled("sgd", SPARSE, weighted_metrics="mse"),
        TypeError,
        ["^weighted_metrics: expected a list, got 'mse'; write .'mse'."],
    ),
    "optimizer a function": Case(
        compiled(np.mean, SPARSE), TypeError, ["optimizer: expected its name, its config or"]
    ),
    "nothing like it": Case(
        compiled("zzzz", SPARSE), ValueError, ["unknown optimizer 'zzzz'; known are .'Adadelta'"]
    ),
    # weights, layers
    "too few weights": Case(
        lambda model: model.set_weights(model.get_weights()[1:]),
        ValueError,
        [r"weights: expected 8 arrays \(dense.*/kernel, .*got 7"],
    ),
    "weights of another shape": Case(
        lambda model: model.set_weights([w.T for w in model.get_weights()[::-1]]),
        ValueError,
        [r"weights: expected shape \(4, 5\) for dense\w*/kernel, got \(3,\)"],
    ),
    "the last weight of another shape": Case(
        lambda model: model.set_weights([*(w + 1 for w in model.get_weights()[:-1]), np.ones(7)]),
        ValueError,
        [r"weights: expected shape \(3,\) for dense\w*/bias, got \(7,\)"],
    ),
    "weights of text": Case(
        lambda model: model.set_weights([*(w + 1 for w in model.get_weights()[:-1]), "abc"]),
        ValueError,
        [r"weights: expected numbers for dense\w*/bias: could not convert .*'abc'"],
    ),
    "build for another width": Case(
        lambda model: model.build((None, 9)),
        ValueError,
        [r"input_shape: .* already takes samples of shape \(4,\), got \(9,\)"],
    ),
    "a layer's class": Case(
        lambda model: model.add(Dropout), TypeError, [r"layer: expected a Layer, .*add \(\)"]
    ),
    "a layer's name": Case(
        lambda model: model.add("dropout"), TypeError, ["layer: expected a Layer, got 'dropout'"]
    ),
    "a layer twice": Case(
        lambda model: model.add(model.layers[0]), ValueError, ["has a layer 'dense.*names have to"]
    ),
    "get_layer": Case(
        lambda model: model.get_layer("dens"), ValueError, ["name: .* no layer 'dens', only"]
    ),
    "get_layer by a place": Case(
        lambda model: model.get_layer(index=9), ValueError, ["index: .* has 4 layers, got 9"]
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_calls_on_a_trained_model(name: str) -> None:
    model = trained()
    untouched = copy.deepcopy(model)
    check_refused(model, *CASES[name])
    check_trains_on(model, untouched, X, Y)


CATEGORICAL_CASES = {
    "integer labels": Case(
        fit(y=Y),
        ValueError,
        [
            r"y: categorical_crossentropy expected one-hot rows, shape \(n, 3\), got \(20,\)",
            r"use sparse_categorical_crossentropy, or to_categorical\(y\)",
        ],
    ),
    "a column of integer labels": Case(
        fit(y=Y[:, None]), ValueError, [r"got \(20, 1\); labels look like integers"]
    ),
    "too few classes": Case(
        fit(y=HOT[:, :2]), ValueError, [r"expected one-hot rows, shape \(n, 3\), got \(20, 2\)"]
    ),
    "integer labels in evaluate": Case(
        lambda model: model.evaluate(X, Y, verbose=0), ValueError, ["labels look like integers"]
    ),
}


@pytest.mark.parametrize("name", CATEGORICAL_CASES)
def test_targets_of_the_categorical_loss(name: str) -> None:
    model = trained("categorical_crossentropy", HOT)
    untouched = copy.deepcopy(model)
    check_refused(model, *CATEGORICAL_CASES[name])
    check_trains_on(model, untouched, X, HOT)


@pytest.mark.parametrize(
    ("last", "loss", "y"),
    [
        (lambda: [Dense(3, activation="softmax")], losses.SparseCategoricalCrossentropy, Y),
        (lambda: [Dense(3), Softmax()], losses.SparseCategoricalCrossentropy, Y),
        (lambda: [Dense(3), Activation("softmax")], losses.CategoricalCrossentropy, HOT),
        (lambda: [Dense(3, activation="sigmoid")], losses.BinaryCrossentropy, HOT),
    ],
)
def test_probabilities_where_logits_are_promised(
    last: Callable[[], list[Layer]], loss: type[Any], y: np.ndarray
) -> None:
    set_random_seed(1)
    model = network(*last())
    model.compile("sgd", loss(from_logits=True))
    for call in (fit(y=y), lambda model: model.train_on_batch(X, y)):
        check_refused(
            model,
            call,
            ValueError,
            [
                "from_logits=True: expected logits",
                "the model ends in (softmax|sigmoid), which makes probabilities",
                "leave out from_logits, or the last activation",
            ],
        )
    untouched = copy.deepcopy(model)
    for each in (model, untouched):
        each.compile("sgd", loss())
    check_trains_on(model, untouched, X, y)
