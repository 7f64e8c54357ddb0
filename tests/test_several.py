"""Models with several inputs and outputs: what is trained, kept in files, shown, and refused.

The numbers of Keras are compared in parity_tests/test_graph.py.
"""

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.refused import state
from tinynet import Input, Model, Sequential, layers, losses, metrics
from tinynet.callbacks import LambdaCallback
from tinynet.layers import Add, BatchNormalization, Concatenate, Dense, Dropout
from tinynet.models import load_model
from tinynet.optimizers import SGD
from tinynet.utils import PyDataset, set_random_seed

RNG = np.random.default_rng(0)
X, Z = RNG.normal(size=(20, 4)).astype("float32"), RNG.normal(size=(20, 3)).astype("float32")
Y, PLACES = np.arange(20) % 3, RNG.normal(size=(20, 2))
WEIGHTS = np.linspace(0.5, 2, 20)
SPARSE = "sparse_categorical_crossentropy"
INPUTS, TARGETS = [X, Z], [Y, PLACES]


def two_and_two() -> Model:
    left, right = Input((4,), name="left"), Input((3,), name="right")
    met = Concatenate()([Dense(5, activation="relu")(left), Dense(4)(right)])
    kind = Dense(3, activation="softmax", name="kind")(met)
    return Model([left, right], [kind, Dense(2, name="place")(Dropout(0.3)(met))])


def shared() -> Model:
    left, right = Input((4,), name="left"), Input((3,), name="right")
    last = Dense(3, activation="softmax", name="last")
    return Model([left, right], [last(left), last(Dense(4)(right))])


def goes_on() -> Model:
    left, right = Input((4,), name="left"), Input((3,), name="right")
    kind = Dense(3, activation="softmax", name="kind")(left)
    return Model([left, right], [kind, Dense(2, name="place")(Concatenate()([kind, right]))])


class OfMyOwn(Model):
    """Two inputs, two outputs, in a class."""

    def __init__(self) -> None:
        super().__init__(name="own")
        self.met = Concatenate(name="met")
        self.kind = Dense(3, activation="softmax", name="kind")
        self.place = Dense(2, name="place")

    def call(self, inputs: Any) -> Any:
        met = self.met(inputs)
        return self.kind(met), self.place(met)


def distance(y_true: Any, y_pred: Any) -> Any:
    return np.mean((y_true - y_pred) ** 2, axis=-1)


# How a model is compiled, and the targets.
WAYS: dict[str, tuple[Callable[[], Model], dict[str, Any], list[Any]]] = {
    "plain": (two_and_two, {"loss": [SPARSE, "mse"], "metrics": [["accuracy"], "mae"]}, TARGETS),
    "kernels only": (two_and_two, {"loss": [SPARSE, "mse"], "metrics": ["acc", "mse"]}, TARGETS),
    "weighted": (
        two_and_two,
        {
            "loss": {"place": "huber", "kind": SPARSE},
            "loss_weights": {"kind": 0.5},
            "weighted_metrics": {"place": ["mae", "mse"]},
        },
        TARGETS,
    ),
    "without reduction": (
        two_and_two,
        {"loss": [losses.SparseCategoricalCrossentropy(reduction="none"), "mse"]},
        TARGETS,
    ),
    "one of two": (two_and_two, {"loss": [SPARSE, None], "metrics": ["accuracy", None]}, [Y]),
    "my own": (
        two_and_two,
        {"loss": [SPARSE, distance], "loss_weights": [1, 3], "metrics": [None, distance]},
        TARGETS,
    ),
    "shared": (shared, {"loss": SPARSE, "metrics": ["accuracy", "accuracy"]}, [Y, Y]),
    "goes on": (goes_on, {"loss": [SPARSE, "mse"]}, TARGETS),
}
EVERY_WAY = pytest.mark.parametrize("way", WAYS)


def made(way: str, **options: Any) -> tuple[Model, list[Any]]:
    set_random_seed(3)
    make, compiled, targets = WAYS[way]
    model = make()
    model.compile("adam", **copy.deepcopy(compiled), **options)
    return model, targets


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@EVERY_WAY
def test_lines_give_the_bits_of_the_layers(kernel_form: str, way: str) -> None:
    runs = []
    for eagerly in (False, True):
        model, y = made(way, run_eagerly=eagerly)
        history = model.fit(INPUTS, y, 8, 3, 0, validation_split=0.2).history
        runs.append((history, [*model.get_weights(), *model.predict(INPUTS, 8, verbose=0)]))
    assert runs[0][0] == runs[1][0]
    for one, other in zip(runs[0][1], runs[1][1], strict=True):
        np.testing.assert_array_equal(one, other)


@EVERY_WAY
def test_gradients(way: str, float64: None) -> None:
    model, y = made(way)
    y = [*y, None] if len(y) == 1 else y
    x = [each[:5].astype("float64") for each in INPUTS]
    some = [None if each is None else each[:5] for each in y]

    def value() -> float:
        return float(np.sum(model.loss_value(model.forward(x), some)))

    value()
    dx = model.backward_from_loss()
    for array, claimed in [*zip(x, dx, strict=True), *pairs_of(model)]:
        claimed = np.zeros_like(array) if claimed is None else claimed.copy()
        for index in np.ndindex(array.shape):
            before, sides = array[index], []
            for h in (1e-6, -1e-6):
                array[index] = before + h
                sides.append(value())
            array[index] = before
            assert (sides[0] - sides[1]) / 2e-6 == pytest.approx(claimed[index], abs=1e-6)


def pairs_of(model: Model) -> Iterator[tuple[Any, Any]]:
    grads = {name: each.copy() for name, each in model.grads.items()}
    for name, weight in model.params.items():
        yield weight, None if name in model.unreached else grads[name]  # None for one of zeros


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
@EVERY_WAY
def test_copies_and_files_go_on_alike(way: str, tmp_path: Any) -> None:
    model, y = made(way)
    model.fit(INPUTS, y, verbose=0)
    others = [copy.deepcopy(model)]
    if way != "my own":
        model.save(tmp_path / "model.safetensors")
        others.append(load_model(tmp_path / "model.safetensors"))
    history = model.fit(INPUTS, y, 8, verbose=0).history
    for each in others:
        assert each.fit(INPUTS, y, 8, verbose=0).history == history
        assert each.metrics_names == model.metrics_names


def test_every_form_of_the_same_data(kernel_form: str) -> None:
    class Batches(PyDataset):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, number: int) -> Any:
            rows = slice(number * 8, number * 8 + 8)
            return {"left": X[rows], "right": Z[rows]}, {"kind": Y[rows], "place": PLACES[rows]}

    by_name = {"right": Z, "left": X}, {"place": PLACES, "kind": Y}
    found = []
    for given in ((INPUTS, TARGETS), ((X, Z), (Y, PLACES)), by_name, (Batches(),)):
        model, _ = made("plain")
        history = model.fit(*given, batch_size=8, epochs=2, shuffle=False, verbose=0).history
        told = model.evaluate(*given, batch_size=8, verbose=0)
        x = given[0] if len(given) == 2 else Batches()
        found.append((history, told, [each.tolist() for each in model.predict(x, 8, verbose=0)]))
    assert all(each == found[0] for each in found[1:])


def test_weights_of_samples() -> None:
    told = []
    for weights in (WEIGHTS, [WEIGHTS, WEIGHTS], {"kind": WEIGHTS, "place": WEIGHTS}):
        model, _ = made("weighted")
        told.append(model.evaluate(INPUTS, TARGETS, sample_weight=weights, verbose=0))
    assert told[0] == told[1] == told[2]
    model, _ = made("weighted")
    some = model.evaluate(INPUTS, TARGETS, sample_weight=[None, WEIGHTS], verbose=0)
    none = model.evaluate(INPUTS, TARGETS, verbose=0)
    assert some[1] == none[1] and some[2] == told[0][2] != none[2]


def test_what_is_told() -> None:
    model, y = made("plain")
    names = ["loss", "kind_loss", "place_loss", "kind_accuracy", "place_mae"]
    assert model.metrics_names == names
    assert [type(each) for each in model.metrics] == [metrics.Accuracy, metrics.MeanAbsoluteError]
    values = model.evaluate(INPUTS, y, verbose=0)
    by_name = model.evaluate(INPUTS, y, verbose=0, return_dict=True)
    assert list(by_name) == sorted(names) and values == [by_name[name] for name in names]
    assert by_name["loss"] == pytest.approx(by_name["kind_loss"] + by_name["place_loss"])
    assert model.directions == dict.fromkeys(names, "down") | {"kind_accuracy": "up"}
    assert [type(each) for each in model.metrics] == [
        metrics.SparseCategoricalAccuracy,
        metrics.MeanAbsoluteError,
    ]
    shown = str(model.step(4))
    for part in ("data.x/left", "x/right", "y/kind", "kind_loss.losses", "place_loss.batch_loss"):
        assert part in shown


def test_single_batches_and_calls() -> None:
    model, y = made("plain")
    kind, place = model(INPUTS)
    for one, other in zip(model.predict_on_batch(INPUTS), (kind, place), strict=True):
        np.testing.assert_array_equal(one, other)
    tested = model.test_on_batch(INPUTS, y)
    assert tested == model.evaluate(INPUTS, y, verbose=0)
    assert len(model.train_on_batch(INPUTS, y)) == 5


def test_one_output_in_every_form() -> None:
    losses_ = []
    for options, x, y in (
        ({"loss": SPARSE, "metrics": ["accuracy"]}, X, Y),
        ({"loss": [SPARSE], "metrics": [["accuracy"]]}, [X], [Y]),
        ({"loss": {"out": SPARSE}, "metrics": {"out": "accuracy"}}, {"in": X}, {"out": Y}),
        ({"loss": SPARSE, "loss_weights": 1.0, "metrics": ["accuracy"]}, X, Y),
    ):
        set_random_seed(0)
        end = Dense(3, activation="softmax", name="out")
        model = Sequential([Input((4,), name="in"), Dense(5), end])
        model.compile("adam", **options)
        losses_.append(model.fit(x, y, 8, 2, 0).history)
    assert all(each == losses_[0] for each in losses_[1:])


def test_the_weight_of_a_single_loss() -> None:
    found = []
    for weight, rate in ((None, 0.1), (2.0, 0.05)):
        set_random_seed(0)
        model = Sequential([Input((4,)), Dense(3, activation="softmax")])
        model.compile(SGD(rate), SPARSE, loss_weights=weight)
        model.fit(X, Y, 8, 2, 0)
        found.append((model.get_weights(), model.evaluate(X, Y, verbose=0)))
    for one, other in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    assert found[1][1] == pytest.approx(2 * found[0][1])


def test_a_class_of_my_own_is_compiled_before_its_outputs_are_known() -> None:
    told = []
    for shown in (False, True):
        set_random_seed(0)
        model = OfMyOwn()
        if shown:
            model.build([(None, 4), (None, 3)])
        model.compile("sgd", [SPARSE, "mse"], [2.0, 1.0], metrics=[["accuracy"], ["mae", "mae"]])
        history = model.fit(INPUTS, TARGETS, verbose=0).history
        told.append((history, model.evaluate(INPUTS, TARGETS, verbose=0), model.metrics_names))
        assert model.loss.weights.tolist() == [2, 1]
    assert told[0] == told[1]
    single = [f"{SPARSE}_loss", "mse_loss"]
    assert told[0][2] == ["loss", "accuracy", "mae", "mae", *single, "mae_1"]


def test_what_does_not_fit_the_outputs_is_said_when_they_are_known() -> None:
    model = OfMyOwn()
    with pytest.raises(ValueError, match="unknown loss 'mze'; did you mean"):
        model.compile("sgd", [SPARSE, "mze"])
    with pytest.raises(ValueError, match="unknown metric 'mze'; did you mean"):
        model.compile("sgd", [SPARSE, "mse"], metrics=[["mze"], None])
    with pytest.raises(ValueError, match=r"loss_weights: expected 2 entries.* got 1"):
        model.compile("sgd", [SPARSE, "mse"], loss_weights=[1])
    with pytest.raises(TypeError, match=r"loss_weights: .* compile takes the weights third"):
        model.compile("sgd", [SPARSE, "mse"], ["mse", "mae"])
    with pytest.raises(ValueError, match="loss_weights: expected a number, got 'mae'"):
        model.compile("sgd", [SPARSE, "mse"], [1.0, "mae"])
    model.compile("sgd", [SPARSE, "mse", "mse"])
    with pytest.raises(ValueError, match=r"loss: expected 2 entries, one for each output.* got 3"):
        model.fit(INPUTS, TARGETS, verbose=0)
    model = OfMyOwn()
    model.compile("sgd", "mse", metrics=["mae"])
    with pytest.raises(ValueError, match=r"metrics: expected 2 entries, one for each out.* got 1"):
        model.fit(INPUTS, TARGETS, verbose=0)
    model.compile("sgd", "mse")
    assert len(model.fit(INPUTS, [np.eye(3)[Y], PLACES], verbose=0).history) == 2  # both "mse_loss"


@pytest.mark.parametrize("asks", [True, False])
def test_layers_are_told_of_training_through_a_call_that_asks(asks: bool) -> None:
    class Normalized(Model):
        def __init__(self) -> None:
            super().__init__()
            self.met, self.out = BatchNormalization(name="met"), Dense(3, activation="softmax")

    def call(self: Any, x: Any) -> Any:
        return self.out(self.met(x))

    def asking(self: Any, x: Any, training: bool = False) -> Any:
        return self.out(self.met(x))

    Normalized.call = asking if asks else call
    model = Normalized()
    model.compile("sgd", SPARSE)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, Y, verbose=0)
    said = [str(each.message) for each in caught]
    assert bool(np.any(model.met.moving_mean)) == asks
    if asks:
        assert not said
    else:
        assert len(said) == 1 and "no argument training, so that met will do in fit" in said[0]


def test_arrays_that_do_not_lie_row_by_row_and_change_between_epochs(kernel_form: str) -> None:
    def changed(eager: bool) -> list[np.ndarray]:
        rng = np.random.default_rng(0)
        pictures = [rng.random((12, 4, 3, 2), "float32")[:, :, ::-1] for _ in range(2)]
        begins = [Input((4, 3, 2)), Input((4, 3, 2))]
        set_random_seed(0)
        model = Model(begins, Dense(2)(layers.Flatten()(Add()(begins))))
        model.compile("sgd", "mse", run_eagerly=eager)

        def halve(epoch: int, logs: Any) -> None:
            for each in pictures:
                each *= 0.5

        callback = LambdaCallback(on_epoch_end=halve)
        model.fit(
            pictures, np.ones((12, 2)), batch_size=4, epochs=3, verbose=0, callbacks=[callback]
        )
        return model.get_weights()

    for found, expected in zip(changed(False), changed(True), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_layers_that_come_after_compile() -> None:
    model = Sequential()
    model.compile("sgd", [SPARSE], loss_weights=[0.5], metrics=["accuracy"])
    model.add(Dense(3, activation="softmax"))
    half = model.evaluate(X, Y, verbose=0)
    model.compile("sgd", SPARSE)
    assert half[0] == pytest.approx(0.5 * model.evaluate(X, Y, verbose=0))
    model = Sequential()
    model.compile("sgd", [SPARSE, "mse"])
    model.add(Dense(3, activation="softmax"))
    with pytest.raises(ValueError, match=r"loss: expected 1 entries, one for each output.* got 2"):
        model.fit(X, Y, verbose=0)


def test_the_losses_of_a_smaller_last_batch_count_by_its_samples_where_layers_are_called() -> None:
    found = {}
    for run_eagerly in (False, True):
        model, y = made("plain")
        model.run_eagerly = run_eagerly
        found[run_eagerly] = model.evaluate(INPUTS, y, batch_size=8, verbose=0)
        total, kind, place, *_ = found[run_eagerly]
        assert (kind + place == pytest.approx(total)) == run_eagerly
    whole = model.evaluate(INPUTS, y, batch_size=20, verbose=0)
    assert found[True] == pytest.approx(whole, rel=1e-5)
    assert found[False][0] == pytest.approx(whole[0], rel=1e-5)


def test_the_state_that_a_shared_layer_had(float64: None) -> None:
    """A model that shares a layer, called twice: what its calls keep are not mixed up."""
    set_random_seed(0)
    inner, twice = Input((4,)), Dense(4, activation="tanh")
    inside = Model(inner, Add()([twice(inner), twice(twice(inner))]))
    x = Input((4,))
    met = layers.Subtract()([inside(x), inside(Dense(4)(x))])
    model = Model(x, Dense(3, activation="softmax")(met))
    model.compile("sgd", SPARSE)
    from tinynet.gradcheck import gradcheck

    gradcheck(model, X[:5], Y[:5])


# What is refused, before anything has changed.


def compiled(**options: Any) -> Callable[[Model], object]:
    return lambda model: model.compile(SGD(), **options)


def fit(x: Any = INPUTS, y: Any = TARGETS, **options: Any) -> Callable[[Model], object]:
    return lambda model: model.fit(x, y, verbose=0, **options)


BOTH = [SPARSE, "mse"]
REFUSED: dict[str, tuple[Callable[[Model], object], type[Exception], str]] = {
    "one array": (fit(x=X), ValueError, r"x: expected a list of 2 arrays, .*\(left, right\)"),
    "three arrays": (fit(x=[X, Z, X]), ValueError, "x: expected 2 arrays, .* got 3"),
    "a key missing": (
        fit(x={"left": X, "rigth": Z}),
        ValueError,
        "x: expected a dict with a key for each input of the model, 'left', 'right', got 'left'",
    ),
    "one target": (fit(y=Y), ValueError, r"y: expected a list of 2 arrays, .*\(kind, place\)"),
    "no targets": (fit(y=None), ValueError, "y: expected targets, got None"),
    "no targets for one": (fit(y=[Y, None]), ValueError, "output 'place': y: expected targets"),
    "mixed up": (fit(x=[Z, X]), ValueError, r"x\['left'\]: expected samples of shape \(4,\)"),
    "nan": (fit(x=[X, Z * np.nan]), ValueError, r"x\['right'\]: expected finite numbers"),
    "text": (fit(y=[Y, PLACES.astype(str)]), TypeError, r"y\['place'\]: expected numbers"),
    "lengths": (fit(x=[X, Z[:9]]), ValueError, "20 in x/left, 9 in x/right, 20 in y/kind"),
    "labels": (fit(y=[Y + 1, PLACES]), ValueError, "output 'kind': y: expected labels from 0 to 2"),
    "a shape": (fit(y=[Y, X]), ValueError, r"output 'place': y: expected shape \(n, 2\)"),
    "weights of another shape": (
        fit(sample_weight=[WEIGHTS, PLACES]),
        ValueError,
        "output 'place': sample_weight: expected one number per sample",
    ),
    "three weights": (
        fit(sample_weight=[WEIGHTS] * 3),
        ValueError,
        "sample_weight: expected 2 arrays",
    ),
    "class weights": (
        fit(class_weight={0: 2.0}),
        ValueError,
        "class_weight: expected a model with one output, got several",
    ),
    "validation": (
        fit(validation_data=(INPUTS, [Y + 1, PLACES])),
        ValueError,
        "validation_data: output 'kind': y: expected labels",
    ),
    "a later batch": (
        lambda model: model.fit(iter([(tuple(INPUTS), Y)]), verbose=0),
        ValueError,
        "batch 0: y: expected a list of 2 arrays",
    ),
    "three losses": (
        compiled(loss=["mse"] * 3),
        ValueError,
        r"loss: expected 2 entries, one for each output of the model \(kind, place\), got 3",
    ),
    "a loss by another name": (
        compiled(loss={"kind": SPARSE, "plaze": "mse"}),
        ValueError,
        r"loss: expected the names of outputs as keys, .*, got \['kind', 'plaze'\]",
    ),
    "a loss missing": (
        compiled(loss={"kind": SPARSE}),
        ValueError,
        "loss: expected a loss for each output",
    ),
    "no loss at all": (
        compiled(loss=[None, None]),
        ValueError,
        "loss: expected at least one loss, got None for every output",
    ),
    "an unknown loss": (compiled(loss=[SPARSE, "mze"]), ValueError, "unknown loss 'mze'"),
    "one weight": (
        compiled(loss=BOTH, loss_weights=0.5),
        TypeError,
        "loss_weights: expected a list or a dict of numbers, one for each output, got 0.5",
    ),
    "three loss weights": (
        compiled(loss=BOTH, loss_weights=[1, 2, 3]),
        ValueError,
        "loss_weights: expected 2 entries",
    ),
    "weights that are no numbers": (
        compiled(loss=BOTH, loss_weights=["a", 1]),
        ValueError,
        "loss_weights: expected a number, got 'a'",
    ),
    "metrics for one": (
        compiled(loss=BOTH, metrics=["accuracy"]),
        ValueError,
        "metrics: expected 2 entries, one for each output",
    ),
    "a metric alone": (
        compiled(loss=BOTH, metrics="accuracy"),
        TypeError,
        "metrics: expected a list with one entry for each output, or a dict, got 'accuracy'",
    ),
    "metrics by another name": (
        compiled(loss=BOTH, weighted_metrics={"kid": "accuracy"}),
        ValueError,
        "weighted_metrics: expected the names of outputs as keys",
    ),
    "an unknown metric": (
        compiled(loss=BOTH, metrics=[["acuracy"], "mae"]),
        ValueError,
        "unknown metric 'acuracy'",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    call, error, says = REFUSED[name]
    model, y = made("plain")
    model.fit(INPUTS, y, verbose=0)
    before = state(model)
    with pytest.raises(error, match=says):
        call(model)
    after = state(model)
    del before["names"], after["names"]  # SGD() was made
    assert after == before


def test_metrics_of_an_output_without_targets() -> None:
    model, y = made("one of two")
    model.compile("sgd", [SPARSE, None], metrics=["accuracy", "mae"])
    with pytest.raises(ValueError, match="y: expected targets for the metrics of 'place'"):
        model.fit(INPUTS, y, verbose=0)
