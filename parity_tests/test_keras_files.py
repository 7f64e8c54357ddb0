"""Keras's files: each library opens what the other wrote, and training continues unchanged."""

import inspect
import json
import os
import subprocess
import sys
import warnings
import zipfile
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import tinynet
from parity_tests.backend import BACKEND, keras
from parity_tests.both import expect_same, make, make_both
from parity_tests.interop_models import OPTIMIZERS, TEXTS, X, Y, compiled, stack, targets_for
from parity_tests.test_interop import CALM, HERE, go_on_alike
from tests.saved_models import equal_models
from tinynet.interop import configs, from_keras, keras_files
from tinynet.interop.keras_files import layout

LIBRARIES = (tinynet, keras)


def set_seeds(seed=5):
    for library in LIBRARIES:
        library.utils.set_random_seed(seed)


def read_by_both(path):
    """Read a file with each library, from the same seeds."""
    models = []
    for library in LIBRARIES:
        set_seeds()
        models.append(library.models.load_model(path))
    models[1].run_eagerly = True  # a graph would take longer than the steps
    return models


def trained_in_keras(text, steps=2):
    _, theirs = make_both(text, compiled=compiled)
    theirs.optimizer.build(theirs.trainable_variables)
    theirs.run_eagerly = True
    for _ in range(steps if "optimizer=" in text else 0):  # not every metric works in float64
        theirs.train_on_batch(X, targets_for(text))
    theirs.run_eagerly = False
    return theirs


def trained_here(text, steps=2):
    own, _ = make_both(text, compiled=compiled)
    for _ in range(steps):
        own.train_on_batch(X, targets_for(text))
    return own


def begin_anew(model):
    """Put all random sequences of a model at their start, where Keras's files have them."""
    for layer in model.layers:
        if layer.seed_generator is not None:
            layer.seed_generator.state = [5, 0]


# What is in a file is what was written.


@pytest.mark.filterwarnings("ignore:.* from_logits=True, and the predictions come from")
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_keras_opens_what_tinynet_wrote(text, tmp_path):
    own = trained_here(text)
    own.save(tmp_path / "model.keras")
    there = keras.models.load_model(tmp_path / "model.keras")
    back = from_keras(there)
    for model in (own, back):
        begin_anew(model)
    back.run_eagerly = own.run_eagerly
    equal_models(own, back)
    own.save(tmp_path / "model.h5")
    weights = keras.models.load_model(tmp_path / "model.h5").get_weights()
    for own_weight, their_weight in zip(own.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(own_weight, their_weight)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_tinynet_opens_what_keras_wrote(text, tmp_path):
    theirs = trained_in_keras(text)
    theirs.save(tmp_path / "model.keras")
    own, again = read_by_both(tmp_path / "model.keras")
    again.run_eagerly = False
    reference = from_keras(again)
    equal_models(own, reference)  # the seeds that both have drawn, too
    if "[0.125, 0.25]" in text:
        return  # Keras cannot write a layer with a list in this form: it copies what it tracks
    theirs.save(tmp_path / "model.h5")
    set_seeds()
    equal_models(tinynet.models.load_model(tmp_path / "model.h5"), reference)


# Training goes on.


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_begun_here_goes_on_in_keras(optimizer, tmp_path):
    text = stack(CALM, f"optimizer={optimizer}")
    own = trained_here(text, steps=3)
    own.save(tmp_path / "model.keras")
    theirs = keras.models.load_model(tmp_path / "model.keras")
    theirs.run_eagerly = True
    go_on_alike("interop.to_keras", own, theirs, text)


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_begun_in_keras_goes_on_here(optimizer, ending, tmp_path):
    text = stack(CALM, f"optimizer={optimizer}")
    theirs = trained_in_keras(text, steps=3)
    theirs.save(tmp_path / f"model.{ending}")
    own = tinynet.models.load_model(tmp_path / f"model.{ending}")
    theirs.run_eagerly = True
    go_on_alike("interop.from_keras", own, theirs, text)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="other backends draw other numbers")
def test_dropout_goes_on_from_a_file_as_it_does_in_keras(tmp_path):
    text = stack(HERE, f"optimizer={OPTIMIZERS[0]}")
    trained_in_keras(text).save(tmp_path / "model.keras")
    go_on_alike("interop.from_keras", *read_by_both(tmp_path / "model.keras"), text)


@pytest.mark.parametrize("begun", [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("optimizer", OPTIMIZERS[:5:4])
def test_weights_with_the_memory_of_the_optimizer(optimizer, begun, tmp_path):
    """What Keras restores is restored here, and what it leaves as it is stays as it is."""
    text = stack(CALM, f"optimizer={optimizer}")

    def pair(steps):
        own, theirs = make_both(text, compiled=compiled)
        theirs.run_eagerly = True
        for model in (own, theirs):
            for _ in range(2 * steps):
                model.train_on_batch(X, Y)
        return own, theirs

    for place, writer in enumerate(pair(begun[0])):
        path = tmp_path / f"{place}.weights.h5"
        writer.save_weights(path)
        readers = pair(begun[1])
        for reader in readers:
            warning = nullcontext() if begun[0] == begun[1] else pytest.warns(match="optimizer")
            with warning:
                reader.load_weights(path)
        go_on_alike("interop.from_keras", *readers, text, steps=1)


def test_the_variables_of_all_optimizers_before_the_first_step():
    more = "RMSprop(momentum=0.5)", "Adagrad(use_ema=True, gradient_accumulation_steps=2)"
    for text in [*OPTIMIZERS, *(f"keras.optimizers.{each}" for each in more)]:
        own, theirs = make_both(stack(CALM, f"optimizer={text}"), compiled=compiled)
        theirs.optimizer.build(theirs.trainable_variables)
        found = layout.variables(own, list(own.params))
        for one, other in zip(found, theirs.optimizer.variables, strict=True):
            short = one.name.removeprefix(f"{own.name}_")
            assert short == other.name.removeprefix(f"{theirs.name}_")
            np.testing.assert_array_equal(one.value, np.asarray(other), err_msg=short)
    classes = {type(make(each, tinynet)) for each in OPTIMIZERS}
    assert classes == set(tinynet.optimizers.OPTIMIZERS.values())


# Where Keras is not installed.

WITHOUT_KERAS = """
import sys
sys.modules.update(dict.fromkeys(("keras", "tensorflow", "jax", "torch")))  # None: no such package
import numpy as np, tinynet
tinynet.config.set_floatx("float64")
folder = sys.argv[1]
x, y = np.load(folder + "/x.npy"), np.load(folder + "/y.npy")
model = tinynet.models.load_model(folder + "/theirs.keras")
losses = [model.train_on_batch(x, y)[0] for _ in range(3)]
model.save(folder + "/own.keras")
losses += [model.train_on_batch(x, y)[0] for _ in range(3)]
np.save(folder + "/losses.npy", losses)
"""


def test_there_and_back_with_a_process_that_has_no_keras(tmp_path):
    text = stack(CALM, f"optimizer={OPTIMIZERS[0]}")
    theirs = trained_in_keras(text)
    theirs.run_eagerly = True
    theirs.save(tmp_path / "theirs.keras")
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    subprocess.run(
        [sys.executable, "-c", WITHOUT_KERAS, tmp_path],
        check=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    expected = [theirs.train_on_batch(X, Y)[0] for _ in range(6)]
    losses = np.load(tmp_path / "losses.npy")
    back = keras.models.load_model(tmp_path / "own.keras")
    back.run_eagerly = True
    again = [back.train_on_batch(X, Y)[0] for _ in range(3)]
    expect_same(
        "interop.from_keras",
        {"there": (losses, np.array(expected)), "and back": (losses[3:], np.array(again))},
        case=text,
    )


# Models of every form that Keras saves.


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`")
def test_models_that_do_not_begin_with_an_input(tmp_path):
    first = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(2)])
    first.build((None, 4))
    second = keras.Sequential([keras.layers.Dense(3, input_shape=(4,))])
    third = keras.Sequential([keras.layers.Dense(3)])
    third(X)
    for i, theirs in enumerate((first, second, third)):
        theirs.save(tmp_path / f"{i}.keras")
        own = tinynet.models.load_model(tmp_path / f"{i}.keras")
        predictions = own.predict(X[:5], verbose=0), theirs.predict_on_batch(X[:5])
        expect_same("interop.from_keras", {"predictions": predictions})
        written = json.loads(zipfile.ZipFile(tmp_path / f"{i}.keras").read("config.json"))
        assert written["config"]["build_input_shape"] == [None if i < 2 else len(X), 4]
        without = {**written["config"], "layers": written["config"]["layers"][1:]}
        read = tinynet.models.model_from_json(json.dumps({**written, "config": without}))
        assert read.input_shape == (None, 4)


def graph(keras):
    """Return a graph with branches, a layer that is called twice, and two models as layers."""
    layers = keras.layers
    start = keras.Input((4,), name="numbers")
    stacked = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3, activation="tanh"), layers.BatchNormalization()],
        name="encoder",
    )
    inside = keras.Input((3,))
    inner = keras.Model(inside, [layers.Dense(3)(inside), inside], name="inner")
    shared = layers.Dense(4, name="shared")
    one, other = inner(stacked(shared(start)))
    both = layers.Concatenate()([layers.Add()([one, other]), shared(shared(start))])
    return keras.Model(start, layers.Dense(3, activation="softmax")(both), name="graph")


def test_graphs_with_models_in_them(tmp_path):
    text = f"compiled(graph(keras), {OPTIMIZERS[0]})"
    own, theirs = make_both(text, compiled=compiled, graph=graph)
    theirs.run_eagerly = True
    for model, name in ((own, "own.keras"), (theirs, "theirs.keras")):
        for _ in range(2):
            model.train_on_batch(X, Y)
        model.save(tmp_path / name)
    equal_models(own, tinynet.models.load_model(tmp_path / "own.keras"))
    here = tinynet.models.load_model(tmp_path / "theirs.keras")
    assert here.get_config() == own.get_config()
    there = keras.models.load_model(tmp_path / "own.keras")
    there.run_eagerly = True
    go_on_alike("interop.to_keras", own, there, text, steps=2)
    go_on_alike("interop.from_keras", here, theirs, text, steps=2)


def two_stacks(keras):
    """Return a graph of two stacks that share a layer, and a stack."""
    layers = keras.layers
    both = layers.Dense(4, activation="tanh", name="both")
    deep = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="inside")], name="deep")
    one = keras.Sequential([keras.Input((4,)), layers.Dense(4), both, deep], name="one")
    other = keras.Sequential([keras.Input((4,)), deep, both, layers.Dense(4)], name="other")
    start = keras.Input((4,), name="numbers")
    met = layers.Add()([one(start), other(start)])
    return keras.Model(start, layers.Dense(3, activation="softmax")(met), name="two_stacks")


def test_keras_reads_here_what_it_cannot_read_of_its_own(tmp_path):
    """Models that share a layer: findings/keras_shared_layers_cannot_be_loaded.sh."""
    text = f"compiled(two_stacks(keras), {OPTIMIZERS[0]})"
    own, theirs = make_both(text, compiled=compiled, two_stacks=two_stacks)
    for _ in range(2):
        own.train_on_batch(X, Y)
    own.save(tmp_path / "own.keras")
    equal_models(own, tinynet.models.load_model(tmp_path / "own.keras"))
    there = keras.models.load_model(tmp_path / "own.keras")
    there.run_eagerly = True
    assert there.count_params() == theirs.count_params() == own.count_params()
    go_on_alike("interop.to_keras", own, there, text, steps=2)
    theirs.save(tmp_path / "theirs.keras")
    for library in LIBRARIES:
        with pytest.raises(ValueError, match=r"received 0 variables|the file has none"):
            library.models.load_model(tmp_path / "theirs.keras")


def test_graphs_in_the_older_form(tmp_path):
    for library, another in (LIBRARIES, LIBRARIES[::-1]):
        library.utils.set_random_seed(3)
        start = library.Input((4,))
        hidden = library.layers.Dense(4, activation="relu")(start)
        joined = library.layers.Average()([hidden, start])
        model = library.Model(start, [library.layers.Dense(2)(joined), hidden])
        model.save(tmp_path / "model.h5")
        again = another.models.load_model(tmp_path / "model.h5")
        found = [each.predict(X, verbose=0) for each in (model, again)]
        pairs = {str(i): pair for i, pair in enumerate(zip(*found, strict=True))}
        expect_same("interop.to_keras", pairs)


def three_dense(library, names, units=(5, 6, 2)):
    """Return a stack of dense layers and a normalization, the same from the same seed."""
    library.utils.set_random_seed(len(names))
    layers = [library.layers.Dense(n, name=name) for name, n in zip(names, units, strict=True)]
    layers.insert(1, library.layers.BatchNormalization(name="norm"))
    return library.Sequential([library.Input((4,)), *layers])


@pytest.mark.parametrize("skip_mismatch", [False, True])
@pytest.mark.parametrize(
    ("names", "units"),
    [
        (("first", "second", "top"), (5, 6, 2)),
        (("first", "other", "top"), (5, 6, 2)),
        (("top", "first", "new"), (5, 6, 2)),
        (("x", "y", "z"), (5, 6, 2)),
        (("first", "second", "top"), (5, 6, 3)),
    ],
)
def test_weights_by_name(names, units, skip_mismatch, tmp_path):
    """A layer takes what the file has under its name, wherever it is; the others keep theirs."""
    for library, another in (LIBRARIES, LIBRARIES[::-1]):
        three_dense(library, ("first", "second", "top")).save(tmp_path / "model.h5")
        found = []
        for each in (library, another):
            model = three_dense(each, names, units)
            before, message = model.get_weights(), None
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    model.load_weights(tmp_path / "model.h5", skip_mismatch, by_name=True)
                except ValueError as error:
                    message = str(error)
                    assert "shape" in message
            if message is not None and each is tinynet:
                np.testing.assert_equal(model.get_weights(), before)
            found.append((message is None, None if message else model.get_weights()))
        (ended, weights), (also_ended, others) = found
        assert ended == also_ended
        if ended:
            np.testing.assert_equal(weights, others)


def test_newer_files_are_not_read_by_name(tmp_path):
    for library in LIBRARIES:
        model = three_dense(library, ("first", "second", "top"))
        for name in ("model.keras", "model.weights.h5"):
            model.save_weights(tmp_path / name) if "weights" in name else model.save(
                tmp_path / name
            )
            with pytest.raises(ValueError, match="by_name"):
                model.load_weights(tmp_path / name, by_name=True)


NESTED = {
    "stacks": lambda keras, dense, norm: keras.Sequential(
        [keras.Input((4,)), dense(4, "a"), norm("b"), norm("c"), dense(4, "d")], name="inner"
    ),
    "a stack in a stack": lambda keras, dense, norm: keras.Sequential(
        [
            keras.Input((4,)),
            norm("b"),
            keras.Sequential([keras.Input((4,)), dense(4, "a"), norm("b")], name="deep"),
            norm("c"),
        ],
        name="inner",
    ),
    "a graph": lambda keras, dense, norm: graph_of(keras, dense, norm),
    "a graph in a stack": lambda keras, dense, norm: keras.Sequential(
        [keras.Input((4,)), norm("b"), graph_of(keras, dense, norm, "deep"), norm("c")],
        name="inner",
    ),
    "under automatic names": lambda keras, dense, norm: keras.Sequential(
        [keras.Input((4,)), norm(None), dense(4, None), norm(None)], name="inner"
    ),
    "frozen in part": lambda keras, dense, norm: keras.Sequential(
        [keras.Input((4,)), norm("b"), dense(4, "a", trainable=False), norm("c")], name="inner"
    ),
}


def graph_of(library, dense, norm, name="inner"):
    start = library.Input((4,), name="start")
    joined = library.layers.Add(name="sum")([norm("b")(dense(4, "a")(start)), norm("c")(start)])
    return library.Model(start, joined, name=name)


@pytest.mark.parametrize("way", NESTED)
def test_a_model_in_a_model_in_the_older_form(way, tmp_path):
    """Keras writes what learns first, of all its layers, and then the rest."""

    def both(library):
        def dense(units, name, **options):
            return library.layers.Dense(units, name=name, **options)

        def norm(name):
            return library.layers.BatchNormalization(name=name)

        library.utils.set_random_seed(3)
        if library is tinynet:
            dense(4, None), norm(None)  # the names that the others take are not those in the file
        inner = NESTED[way](library, dense, norm)
        last = dense(3, "last", activation="softmax")
        return library.Sequential([library.Input((4,)), norm("b"), inner, last])

    theirs = both(keras)
    rng = np.random.default_rng(0)
    theirs.set_weights([rng.uniform(1, 2, each.shape) for each in theirs.get_weights()])
    theirs.compile("adam", "sparse_categorical_crossentropy")
    theirs.run_eagerly = True
    theirs.train_on_batch(X, Y)
    theirs.save(tmp_path / "model.h5")
    expected = theirs.predict(X, verbose=0)
    own = tinynet.models.load_model(tmp_path / "model.h5")
    other = both(tinynet)
    other.load_weights(tmp_path / "model.h5")
    for name, found in ("read", own), ("weights", other):
        expect_same("interop.from_keras", {name: (found.predict(X, verbose=0), expected)})
    go_on_alike("interop.from_keras", own, theirs, way)


def test_a_layer_of_two_models_in_the_older_form(tmp_path):
    """Its weights are written with each of the two."""

    def both(library):
        shared = library.layers.BatchNormalization(name="shared")
        stacks = [
            library.Sequential([library.Input((4,)), shared, library.layers.Dense(4)], name=name)
            for name in ("one", "other")
        ]
        return library.Sequential([library.Input((4,)), *stacks])

    theirs, own = both(keras), both(tinynet)
    rng = np.random.default_rng(0)
    theirs.set_weights([rng.uniform(1, 2, each.shape) for each in theirs.get_weights()])
    theirs.save(tmp_path / "model.h5")
    own.load_weights(tmp_path / "model.h5")
    pair = own.predict(X, verbose=0), theirs.predict(X, verbose=0)
    expect_same("interop.from_keras", {"shared": pair})


def test_weights_for_pictures_of_any_size(tmp_path):
    """Keras makes them for shapes that are not known; tinynet needs the size of a picture."""
    convolution = keras.layers.Conv2D(3, 3, name="conv")
    convolution.build((None, None, None, 2))
    theirs = keras.Sequential([keras.layers.Activation("relu"), convolution])
    with pytest.warns(UserWarning, match="not yet been built"):
        theirs.save(tmp_path / "model.keras")
    with pytest.warns(UserWarning, match="the weights of conv are left out"):
        own = tinynet.models.load_model(tmp_path / "model.keras")
    own.build((None, 8, 8, 2))
    assert own.count_params() == convolution.count_params()


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_a_model_without_weights(tmp_path):
    theirs = keras.Sequential([keras.layers.Dense(3), keras.layers.Dropout(0.5)])
    theirs.compile("adam", "mse")
    theirs.save(tmp_path / "model.keras")
    own, again = read_by_both(tmp_path / "model.keras")
    assert not own.built
    for model in (own, again):
        model.build((None, 4))
    for one, other in zip(own.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
@pytest.mark.parametrize("inner", ["layer", "model", "both"])
def test_a_model_of_which_a_part_has_weights(inner, tmp_path):
    """A layer that was built on its own, or a model in it, before the whole has seen a batch."""
    dense = keras.layers.Dense(4, name="dense")
    dense.build((None, 3))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)], name="inner")
    parts = {"layer": [dense], "model": [model], "both": [dense, model]}[inner]
    theirs = keras.Sequential([keras.layers.Flatten(), *parts, keras.layers.Dense(2)])
    assert not theirs.built and theirs.get_weights()
    theirs.save(tmp_path / "model.keras")
    own, again = read_by_both(tmp_path / "model.keras")
    assert not own.built
    for model in (own, again):
        model.build((None, 4 if inner == "model" else 3))
    assert len(own.get_weights()) == len(again.get_weights())
    for one, other in zip(own.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_model_that_was_saved_before_its_first_step(tmp_path):
    own, theirs = make_both(stack(CALM, f"optimizer={OPTIMIZERS[0]}"), compiled=compiled)
    own.save(tmp_path / "own.keras")
    keras.models.load_model(tmp_path / "own.keras")  # Keras does not warn, as of its own
    theirs.save(tmp_path / "theirs.keras")
    again = tinynet.models.load_model(tmp_path / "theirs.keras")
    theirs.run_eagerly = True
    go_on_alike("interop.from_keras", again, theirs, "before the first step")


def test_frozen_layers(tmp_path):
    own, theirs = make_both(stack("keras.layers.Dense(5)"), compiled=compiled)
    for model in (own, theirs):
        model.layers[0].trainable = False
        model.compile("adam", "sparse_categorical_crossentropy")
    theirs.run_eagerly = True
    for model, library in ((own, keras), (theirs, tinynet)):
        for _ in range(2):
            model.train_on_batch(X, Y)
        model.save(tmp_path / "model.keras")
        again = library.models.load_model(tmp_path / "model.keras")
        assert [layer.trainable for layer in again.layers] == [False, True, True]
        if library is keras:
            again.run_eagerly = True
            again = from_keras(again)
        assert again.optimizer.iterations == 2
        assert len(again.optimizer.slots) == 2


# The architecture alone.


@pytest.mark.skipif(BACKEND != "tensorflow", reason="the weights are drawn as TensorFlow does")
@pytest.mark.parametrize("name", ["dense", "initializers", "images", "noise", "labels"])
def test_json_and_clones(name):
    own, theirs = make_both(TEXTS[name], compiled=compiled)
    texts = [model.to_json() for model in (own, theirs)]
    for text in texts:
        models = []
        for library in LIBRARIES:
            set_seeds()
            models.append(library.models.model_from_json(text))
        equal_models(models[0], from_keras(models[1]))
    clones = []
    for library, model in zip(LIBRARIES, (own, theirs), strict=True):
        set_seeds()
        clones.append(library.models.clone_model(model))
    begin_anew(clones[0])
    reference = from_keras(clones[1])
    begin_anew(reference)
    equal_models(clones[0], reference)


def test_every_argument_that_only_keras_has_is_known():
    found = {}
    for module, table in configs.COUNTERPARTS.items():
        for cls in set(table.values()):
            theirs = inspect.signature(getattr(import_module(module), cls.__name__)).parameters
            known = {*configs._argument_names(cls), "name", "dtype", "kwargs"}
            found |= {key: p.default for key, p in theirs.items() if key not in known}
    assert found == configs.DEFAULTS


# What tinynet lacks is refused by name.


class Mine(keras.layers.Dense):
    pass


def with_training():
    start = keras.Input((4,))
    return keras.Model(start, keras.layers.Dropout(0.5)(start, training=True))


def test_a_dictionary_of_inputs(tmp_path):
    """Keras sorts the names, as does whoever gives the arrays as a list."""
    second, first = keras.Input((3,), name="b"), keras.Input((4,), name="a")
    joined = keras.layers.Concatenate()([keras.layers.Dense(2)(second), first])
    theirs = keras.Model({"b": second, "a": first}, keras.layers.Dense(2)(joined))
    theirs.save(tmp_path / "theirs.keras")
    own = tinynet.models.load_model(tmp_path / "theirs.keras")
    own.save(tmp_path / "own.keras")
    again = keras.models.load_model(tmp_path / "own.keras")
    x = {
        name: np.random.default_rng(0).normal(size=(5, size)) for name, size in (("a", 4), ("b", 3))
    }
    expected = theirs.predict(x, verbose=0)
    for model in (own, again):
        for given in (x, [x["a"], x["b"]]):
            np.testing.assert_allclose(model.predict(given, verbose=0), expected, rtol=1e-6)


def sequential(*layers):
    return keras.Sequential([keras.Input((4,)), *layers])


def with_parts(**parts):
    model = sequential(keras.layers.Dense(2))
    model.compile(**{"optimizer": "sgd", "loss": "mse", **parts})
    return model


@pytest.mark.parametrize(
    ("make_model", "match"),
    [
        (with_training, r"dropout: called with \{'training': True\} is not in tinynet"),
        (
            lambda: sequential(keras.layers.GroupNormalization(2)),
            r"GroupNormalization is not in tiny",
        ),
        (lambda: sequential(Mine(2)), r"the layer 'Mine' \(of the module .*is not part of tinynet"),
        (
            lambda: sequential(keras.layers.Dense(2, lora_rank=1)),
            r"dense: lora_rank=1 is not in tinynet",
        ),
        (lambda: sequential(keras.layers.Lambda(lambda x: x)), r"lambda"),
        (
            lambda: sequential(keras.layers.Dense(2, dtype="mixed_float16")),
            r"dense: dtype='mixed_float16' is not in tinynet",
        ),
        (lambda: with_parts(loss=None), r"compiled without a loss; read it with compile=False"),
        (lambda: with_parts(optimizer="ftrl"), r"optimizer: Ftrl is not in tinynet, which has Ada"),
        (
            lambda: with_parts(metrics={"a": [keras.metrics.MeanIoU(2)]}),
            r"metrics: MeanIoU is not in tinynet",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_what_tinynet_lacks(make_model, match, tmp_path):
    make_model().save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=rf"model\.keras: .*{match}"):
        tinynet.models.load_model(tmp_path / "model.keras")


def test_functions_and_classes_of_the_users(tmp_path):
    def cube_of_the_gap(y_true, y_pred):
        return abs(y_true - y_pred) ** 3

    theirs = sequential(keras.layers.Dense(2))
    theirs.compile(
        "sgd", cube_of_the_gap, metrics=[cube_of_the_gap, keras.losses.mean_squared_error]
    )
    for ending in ("keras", "h5"):
        path = tmp_path / f"model.{ending}"
        theirs.save(path)
        with pytest.raises(
            tinynet.configurable.UnknownObjectError, match=r"'cube_of_the_gap'.*not part of"
        ):
            tinynet.models.load_model(path)
        own = tinynet.models.load_model(path, custom_objects={"cube_of_the_gap": cube_of_the_gap})
        assert own.loss.fn is own.metrics[0].fn is cube_of_the_gap
        assert own.metrics_names == ["loss", "cube_of_the_gap", "mean_squared_error"]
        own.save(path)
        again = keras.models.load_model(path, custom_objects={"cube_of_the_gap": cube_of_the_gap})
        assert again.loss is cube_of_the_gap
        theirs.compile(
            "sgd", cube_of_the_gap, metrics=[cube_of_the_gap, keras.losses.mean_squared_error]
        )


def classes_that_hand_on(library):
    """Return classes that take arguments of their base classes as ``**kwargs``, as Keras wants."""

    class Wide(library.layers.Dense):
        def __init__(self, units=3, **kwargs):
            super().__init__(units, **kwargs)

        def get_config(self):
            return super().get_config()

    class Three(library.layers.Dense):
        def __init__(self, **kwargs):
            super().__init__(3, **kwargs)

        def get_config(self):
            config = super().get_config()
            config.pop("units")
            return config

    class Heavy(library.optimizers.SGD):
        def __init__(self, learning_rate=0.1, **kwargs):
            super().__init__(learning_rate, **kwargs)

    class Times(library.losses.Loss):
        def __init__(self, w=1.0, name="times", **kwargs):
            super().__init__(name=name, **kwargs)
            self.w = w

        def call(self, y_true, y_pred):
            return self.w * (y_true - y_pred)[:, 0] ** 2

        def get_config(self):
            return {**super().get_config(), "w": self.w}

    return {each.__name__: each for each in (Wide, Three, Heavy, Times)}


def handed_on(library, name, path):
    """Return what of the arguments of base classes comes back from a file."""
    objects = classes_that_hand_on(library)
    layer = objects[name](activation="relu", use_bias=False, kernel_initializer="ones")
    model = library.Sequential([library.Input((4,)), layer])
    loss = objects["Times"](2.0, reduction="sum")
    model.compile(objects["Heavy"](momentum=0.5, nesterov=True, clipnorm=1.0), loss)
    model.fit(np.ones((3, 4)), np.ones((3, 3)), verbose=0)
    model.save(path)
    again = library.models.load_model(path, custom_objects=objects)
    (layer,), optimizer = again.layers, again.optimizer
    loss = getattr(again.loss, "loss", again.loss)
    # What each library writes of an argument that is only there, or only if it does something.
    others = {"quantization_config", "input_shape", "activity_regularizer"}
    return {
        "layer": (layer.units, layer.activation.__name__, layer.use_bias),
        "initializer": type(layer.kernel_initializer).__name__,
        "optimizer": (float(optimizer.momentum), optimizer.nesterov, optimizer.clipnorm),
        "loss": (loss.w, loss.reduction, loss.name),
        "says": {*layer.get_config()} - others,
        "loss says": {*loss.get_config()},
    }


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("name", ["Wide", "Three"])
def test_what_is_handed_on_to_a_base_class(name, ending, tmp_path):
    theirs = handed_on(keras, name, tmp_path / f"theirs.{ending}")
    assert handed_on(tinynet, name, tmp_path / f"own.{ending}") == theirs


def own_class(library):
    """Return a model with a ``call``, whose attributes Keras puts before and after ``layers``."""

    class Net(library.Model):
        def __init__(self, units=5, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.zero = library.layers.Dense(units, activation="relu")
            self.norm = library.layers.BatchNormalization()
            self.hidden = [library.layers.Dense(4, activation="tanh"), library.layers.Dense(4)]
            self.encoder = library.Sequential([library.layers.Dense(4), library.layers.Dense(3)])
            self.dense_2 = library.layers.Dense(3)
            self.pair = (library.layers.Dense(3), [library.layers.Dense(3)])
            self._last = library.layers.Dense(3)

        def call(self, x, training=None):
            x = self.norm(self.zero(x), training=training)
            for layer in self.hidden:
                x = layer(x)
            x = self.pair[1][0](self.pair[0](self.encoder(x)))
            return self._last(self.dense_2(x))

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    return Net


@pytest.mark.parametrize("as_layer", [False, True])
def test_a_model_of_the_users_own_class(as_layer, tmp_path):
    x, y = np.float64(X[:, :4]), np.float64(X[:, :3])
    for i, writer in enumerate(LIBRARIES):
        path = tmp_path / f"{i}.keras"
        set_seeds()
        model = own_class(writer)(6)
        if as_layer:
            model = writer.Sequential([writer.Input((4,)), writer.layers.Dense(4), model])
        model.compile(writer.optimizers.Adam(0.01), "mse")
        model.fit(x, y, shuffle=False, verbose=0)
        model.save(path)
        read = [
            each.models.load_model(path, custom_objects={"Net": own_class(each)})
            for each in LIBRARIES
        ]
        for _ in range(2):
            found = [each.predict(x, verbose=0) for each in (model, *read)]
            np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=1e-6, atol=1e-9)
            for each in (model, *read):
                each.fit(x, y, shuffle=False, verbose=0)


def test_files_that_tinynet_wrote_have_no_more_than_keras_knows(tmp_path):
    assert keras.__version__ == keras_files.archive.KERAS_VERSION
    own = trained_here(TEXTS["noise"])
    own.save(tmp_path / "model.keras")
    names = zipfile.ZipFile(tmp_path / "model.keras").namelist()
    assert sorted(names) == ["config.json", "metadata.json", "model.weights.h5"]


@pytest.mark.parametrize("nested", [False, True])
def test_the_numbers_of_names_after_a_file_was_read(nested, tmp_path):
    path, names = tmp_path / "model.keras", []
    layers = keras.layers
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4)]) if nested else layers.Dense(4)
    keras.Sequential([keras.Input((4,)), inner, layers.Dense(3)]).save(path)
    for library in LIBRARIES:
        library.utils.clear_session()
        library.models.load_model(path)
        x = library.Input((3,))
        names.append(library.Model(x, library.layers.Dense(2)(x)).name)
    assert names[0] == names[1]


def classes_with_steps(library):
    """Return classes of models that are made of layers and wires, as in the guides of Keras."""

    class Graph(library.Model):
        def train_step(self, data):
            return super().train_step(data)

    class Stack(library.Sequential):
        def train_step(self, data):
            return super().train_step(data)

    return {"Graph": Graph, "Stack": Stack}


def with_steps(library, name):
    cls, layers = classes_with_steps(library), library.layers
    if name == "Stack":
        return cls["Stack"]([library.Input((4,)), layers.Dense(3), layers.Dense(2)])
    x = library.Input((4,))
    if name == "nested":
        stack = cls["Stack"]([library.Input((4,)), layers.Dense(3)])
        graph = cls["Graph"](x, layers.Dense(4)(x))
        x = library.Input((4,))
        return library.Model(x, stack(graph(x)))
    return cls["Graph"](x, layers.Dense(2)(layers.Dense(3)(x)))


def kinds(model):
    inner = [each for layer in model.layers if hasattr(layer, "layers") for each in kinds(layer)]
    return [type(model).__name__, *inner]


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("name", ["Graph", "Stack", "nested"])
def test_classes_that_override_a_step(name, ending, tmp_path):
    for writer in LIBRARIES if (name, ending) != ("nested", "h5") else [keras]:
        path = tmp_path / f"{writer.__name__}.{ending}"
        model = with_steps(writer, name)
        model.save(path)
        expected = model.predict(X[:, :4], verbose=0)
        for reader in LIBRARIES:
            again = reader.models.load_model(path, custom_objects=classes_with_steps(reader))
            assert kinds(again)[0] == kinds(model)[0] or name == "nested"
            assert kinds(again)[1:] == kinds(model)[1:]
            np.testing.assert_allclose(again.predict(X[:, :4], verbose=0), expected, rtol=1e-6)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_class_with_the_name_of_a_layer(ending, tmp_path):
    own, theirs = (
        {"Dropout": type("Dropout", (each.layers.Dropout,), {"__module__": __name__})}
        for each in LIBRARIES
    )
    for writer, objects in zip(LIBRARIES, (own, theirs), strict=True):
        path = tmp_path / f"{writer.__name__}.{ending}"
        writer.Sequential([writer.Input((4,)), objects["Dropout"](0.5)]).save(path)
        for reader, lent in zip(LIBRARIES, (own, theirs), strict=True):
            again = reader.models.load_model(path, custom_objects=lent)
            assert type(again.layers[0]) is lent["Dropout"]


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("kind", ["Graph", "Functional"])
def test_the_flag_of_a_graph_itself(kind, ending, tmp_path):
    for writer in LIBRARIES:
        path = tmp_path / f"{writer.__name__}.{ending}"
        x = writer.Input((4,))
        cls = classes_with_steps(writer)["Graph"] if kind == "Graph" else writer.Model
        model = cls(x, writer.layers.Dense(2)(writer.layers.Dense(3)(x)))
        model.trainable = False
        model.layers[-1].trainable = True
        model.save(path)
        for reader in LIBRARIES:
            again = reader.models.load_model(path, custom_objects=classes_with_steps(reader))
            assert not again.trainable
            assert again.trainable_weights == []


def terse_classes(library):
    """Return a layer and a model whose configs say no name."""

    class Terse(library.layers.Dense):
        def get_config(self):
            return {"units": self.units}

    class Net(library.Model):
        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.units, self.dense = units, library.layers.Dense(units)

        def call(self, x):
            return self.dense(x)

        def get_config(self):
            return {"units": self.units}

    return {"Terse": Terse, "Net": Net}


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_graphs_of_layers_whose_configs_say_no_name(ending, tmp_path):
    for writer in LIBRARIES:
        path, cls = tmp_path / f"{writer.__name__}.{ending}", terse_classes(writer)
        x = writer.Input((4,))
        out = cls["Terse"](3, name="first")(x)
        if ending == "keras":
            out = cls["Net"](3, name="inner")(out)
        model = writer.Model(x, writer.layers.Dense(2)(out))
        model.save(path)
        expected = model.predict(X[:, :4], verbose=0)
        for reader in LIBRARIES:
            again = reader.models.load_model(path, custom_objects=terse_classes(reader))
            np.testing.assert_allclose(again.predict(X[:, :4], verbose=0), expected, rtol=1e-6)
            if reader is tinynet:
                assert [each.name for each in again.layers] == [each.name for each in model.layers]


def test_what_keras_notes_of_a_call_although_nobody_said_it(tmp_path):
    """It notes masks of several inputs, of which there are none, and what dropout does alone."""
    layers = keras.layers
    a, b, *ends = [keras.Input((4,)) for _ in range(4)]
    inner = keras.Model([a, b], layers.Add()([layers.Dense(3)(a), layers.Dense(3)(b)]))
    out = layers.GaussianNoise(0.1)(layers.Dropout(0.3)(inner(ends)))
    theirs = keras.Model(ends, layers.Dense(2)(layers.AlphaDropout(0.1)(out)))
    x = [X, X[:, ::-1] * 2]
    for ending in ("keras", "h5"):
        theirs.save(tmp_path / f"model.{ending}")
        own = tinynet.models.load_model(tmp_path / f"model.{ending}")
        expected = theirs.predict(x, verbose=0)
        np.testing.assert_allclose(own.predict(x, verbose=0), expected, rtol=1e-6)
        dropped = own.get_layer(index=3)
        assert not np.array_equal(dropped.forward(np.ones((9, 3)), training=True), np.ones((9, 3)))


def ends_in_a_model(library, kind, name="functional"):
    """Return a graph that ends in another one, which is called several times."""
    a, b, x = [library.Input((4,)) for _ in range(3)]
    layers = library.layers
    if kind == "own":
        inner = classes_with_steps(library)["Graph"](a, layers.Dense(4)(a), name=name)
    elif kind == "stack":
        inner = library.Sequential([library.Input((4,)), layers.Dense(4)], name=name)
    else:
        inner = library.Model(a, layers.Dense(4)(a), name=name)
    if kind == "several inputs":
        inner = library.Model([a, b], layers.Add()([layers.Dense(4)(a), b]), name=name)
        return library.Model(x, inner([x, layers.Dense(4)(x)]))
    if kind == "once":
        return library.Model(x, inner(x))
    first = inner(x)
    second = inner(layers.Dense(4)(first))
    return library.Model(x, {"both": [first, second]}.get(kind, second))


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("kind", ["once", "twice", "both", "own", "stack", "several inputs"])
def test_graphs_that_end_in_a_model(kind, ending, tmp_path):
    for writer in LIBRARIES if ending == "keras" else [keras]:
        path = tmp_path / f"{writer.__name__}.{ending}"
        model = ends_in_a_model(writer, kind)
        model.save(path)
        expected = np.array(model.predict(X, verbose=0))
        for reader in LIBRARIES:
            again = reader.models.load_model(path, custom_objects=classes_with_steps(reader))
            np.testing.assert_allclose(again.predict(X, verbose=0), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_steps_per_execution(ending, tmp_path):
    for writer in LIBRARIES:
        path = tmp_path / f"{writer.__name__}.{ending}"
        model = writer.Sequential([writer.Input((4,)), writer.layers.Dense(2)])
        model.compile("sgd", "mse", steps_per_execution=2)
        model.save(path)
        for reader in LIBRARIES if ending == "keras" else [tinynet]:  # Keras drops it there
            assert reader.models.load_model(path).steps_per_execution == 2


def with_two_outputs(library, kind):
    """Return a graph with a model that gives two outputs, and the class of that."""

    class Two(library.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.a, self.b = library.layers.Dense(3), library.layers.Dense(3)

        def call(self, x):
            return self.a(x), self.b(x)

        def get_config(self):
            return super().get_config()

    x = library.Input((4,))
    first, second = Two(name="two")(x)
    inside = library.layers.Add()([library.layers.Dense(3)(first), second])
    ends = {"both": inside, "first": first, "second": second, "ends": [first, second]}
    return library.Model(x, ends[kind]), Two


@pytest.mark.parametrize("kind", ["both", "first", "second", "ends"])
def test_graphs_with_a_model_of_several_outputs(kind, tmp_path):
    theirs, _ = with_two_outputs(keras, kind)
    _, own = with_two_outputs(tinynet, kind)
    theirs.save(tmp_path / "model.keras")
    again = tinynet.models.load_model(tmp_path / "model.keras", custom_objects={"Two": own})
    expected = np.array(theirs.predict(X, verbose=0))
    np.testing.assert_allclose(np.array(again.predict(X, verbose=0)), expected, rtol=1e-6)
