"""The page of Keras's names is what the command writes."""

import copy
import inspect
import json

import pytest

import tinynet
from parity_tests.backend import keras
from parity_tests.keras_names import (
    METHODS,
    MODULES,
    OTHERS,
    PAGE,
    VERSION,
    at,
    lacking,
    look_up,
    page,
    parameters,
    pieces,
    public,
)
from tinynet import layers, optimizers
from tinynet.scope import why_left_out


@pytest.mark.skipif(keras.__version__ != VERSION, reason=f"the page is about Keras {VERSION}")
def test_the_page_is_what_the_command_writes():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m parity_tests.keras_names"


def test_names_are_found_where_keras_has_them():
    assert look_up("keras.layers.Dense").there
    assert look_up("keras.layers.MaxPool2D").there  # not in __all__
    assert look_up("keras.optimizers.schedules.CosineDecay").there
    assert not look_up("keras.random.math").there  # a module that random.py imports


def test_a_name_is_refused_only_if_its_error_says_why():
    assert "sequences" in look_up("keras.layers.LSTM").why
    assert look_up("keras.layers.Lstm") == (False, "")
    assert look_up("keras.nowhere.LSTM") == (False, "")


@pytest.mark.parametrize("module", MODULES)
def test_nothing_that_is_there_is_called_left_out(module):
    paths = [f"{module}.{name}" for name in public(at(module, keras))]
    assert not [path for path in paths if look_up(path).there and why_left_out(path)]


def test_arguments_are_those_that_a_caller_can_give():
    assert lacking(keras.layers.Dense, layers.Dropout)[:3] == ["units", "activation", "use_bias"]
    assert "autocast" in lacking(keras.layers.ReLU, layers.ReLU)  # an argument of all layers
    assert "weight_decay" not in lacking(keras.optimizers.Adam, optimizers.Adam)
    assert "rank" not in lacking(keras.layers.Conv2D, layers.Conv2D)  # of a base class only


def test_layers_losses_and_callbacks_demand_the_arguments_that_keras_demands():
    def demanded(path, library):
        named = [each for each in parameters(at(path, library)) if each.kind not in OTHERS]
        return [each.name for each in named if each.default is each.empty]

    for module in ("keras.layers", "keras.losses", "keras.callbacks", "keras.constraints"):
        for name in public(at(module, keras)):
            path = f"{module}.{name}"
            if look_up(path).there and name[0].isupper() and name != "CallbackList":
                assert demanded(path, tinynet) == demanded(path, keras), path


def test_what_is_not_given_is_what_keras_takes():
    def plain(value):
        pair = isinstance(value, tuple) and len(set(value)) == 1
        return value[0] if pair else value.lower() if isinstance(value, str) else value

    there = {
        module: [name for name in public(at(module, keras)) if look_up(f"{module}.{name}").there]
        for module in MODULES
    }
    compared = 0
    for piece, path in pieces(there):
        theirs = {each.name: each.default for each in parameters(at(path, keras))}
        for each in parameters(at(path, tinynet)):
            wanted, own = theirs.get(each.name, each.empty), each.default
            # Names are made of the class's; some arguments have to be given in one library only.
            if each.name != "name" and each.empty not in (wanted, own):
                assert plain(own) == plain(wanted), f"{piece}: {each.name}"
                compared += 1
    assert compared > 450


@pytest.mark.parametrize("method", METHODS)
def test_the_methods_are_looked_up_as_well(method):
    assert inspect.isfunction(at(f"keras.Model.{method}", keras))


def test_every_module_exists():
    for module in MODULES:
        assert inspect.ismodule(at(module, keras))


# A call for each module that has both serialize and deserialize.
WRITTEN = {
    "activations": lambda module: module.get("leaky_relu"),
    "constraints": lambda module: module.MaxNorm(1.5, axis=1),
    "initializers": lambda module: module.HeNormal(seed=4),
    "layers": lambda module: module.Dense(3, activation="tanh", name="top"),
    "losses": lambda module: module.Huber(0.25, name="robust"),
    "metrics": lambda module: module.TopKCategoricalAccuracy(2, name="top"),
    "optimizers": lambda module: module.SGD(0.125, momentum=0.5, name="sgd"),
    "optimizers.schedules": lambda module: module.ExponentialDecay(0.5, 10, 0.25, name="rate"),
    "regularizers": lambda module: module.L1L2(0.5, 0.25),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_serialized_comes_back_the_same(name):
    read = []
    for library in (tinynet, keras):
        module = at(f"keras.{name}", library)
        made = WRITTEN[name](module)
        written = json.loads(json.dumps(module.serialize(made)))
        again = module.deserialize(copy.deepcopy(written))  # Keras changes it
        assert type(again) is type(made)
        assert json.loads(json.dumps(module.serialize(again))) == written
        read.append(written)
    own, theirs = read
    if isinstance(theirs, str):
        assert own == theirs
        return
    assert own["class_name"] == theirs["class_name"]
    numbers = {k: v for k, v in theirs["config"].items() if isinstance(v, (int, float))}
    assert numbers.items() <= own["config"].items()


def test_classes_at_the_top_are_those_of_their_modules():
    homes = {
        "Initializer": "initializers",
        "Layer": "layers",
        "Loss": "losses",
        "Metric": "metrics",
        "Optimizer": "optimizers",
        "Regularizer": "regularizers",
    }
    for library in (tinynet, keras):
        for name, home in homes.items():
            assert getattr(library, name) is getattr(getattr(library, home), name)
