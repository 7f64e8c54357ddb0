"""Every argument of every public class, and what is wrong in its place: a table of errors.

A cell is a class, one of its arguments, and a kind of badness. Either the argument means
something, and the object is made; or the error is a ValueError or a TypeError which names the
argument, and nothing has changed. `TAKES` says what each argument takes that is among the bad ones.
(What is passed to fit, evaluate and the like is in test_bad_input.py.)
"""

import contextlib
import copy
import inspect
import io
import random as python_random
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinynet
from tests.lengths import TIMES
from tests.refused import SPARSE, X, Y, check_trains_on, state, trained
from tinynet import (
    Input,
    Sequential,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
)
from tinynet.models import load_model
from tinynet.optimizers import schedules


class Thing:
    """Something that nothing in tinynet can use."""

    def __repr__(self) -> str:
        return "<Thing>"


BAD: dict[str, Any] = {
    "none": None,
    "text": "zz",
    "bytes": b"x",
    "zero": 0,
    "negative": -1,
    "fraction": 2.5,
    "nan": float("nan"),
    "inf": float("inf"),
    "complex": 1j,
    "true": True,
    "object": Thing(),
    "class": dict,
    "list": [1, 2, 3],
    "empty": [],
    "dict": {"a": 1},
}
HOPELESS = ("complex", "object", "dict")  # means nothing for any argument but the last in TAKES

# What has to be there for a class to be made.
NEEDED: dict[str, Any] = {
    "units": 3,
    "filters": 3,
    "kernel_size": 2,
    "pool_size": 2,
    "rate": 0.3,
    "stddev": 0.1,
    "scale": 0.5,
    "activation": "relu",
    "target_shape": (4,),
    "dims": (1,),
    "factor": 0.2,
    "height": 2,
    "width": 2,
    "height_factor": 0.2,
    "width_factor": 0.2,
    "function": np.negative,
    "filename": "x.csv",
    "filepath": "x.safetensors",
    "schedule": lambda epoch: 1.0,
    "recall": 0.5,
    "precision": 0.5,
    "specificity": 0.5,
    "sensitivity": 0.5,
    "fn": np.negative,
    "boundaries": [1],
    "values": [0.1, 0.2],
    "initial_learning_rate": 0.1,
    "decay_steps": 3,
    "backup_dir": "backup",
    "decay_rate": 0.5,
    "first_decay_steps": 3,
    "shape": (4,),
    "value": 0.1,
}
MODULES = (
    *(callbacks, constraints, initializers, layers, losses, metrics, optimizers, schedules),
    regularizers,
)
# Not for the user to make, or abstract, or made of whatever is given.
LEFT_OUT = {
    *("Callback", "CallbackList", "LambdaCallback", "Layer", "Loss", "Metric", "Optimizer"),
    *("Input", "InputLayer", "LossFunctionWrapper"),
}
# Arguments that have no effect (as Keras's), or mean whatever the user's function takes.
NO_EFFECT = {
    *("histogram_freq", "write_graph", "write_images", "write_steps_per_second", "profile_batch"),
    *("embeddings_freq", "embeddings_metadata", "kwargs", "ignored"),
}
# Arguments whose error says what kind of thing was expected, in the words of `resolve`.
KINDS = {
    "initializer": "initializer",
    "regularizer": "regularizer",
    "constraint": "constraint",
    "learning_rate": "learning rate schedule",
}


def public(module: Any) -> Iterator[tuple[str, type]]:
    for name in sorted(module.__all__ if hasattr(module, "__all__") else vars(module)):
        each = getattr(module, name)
        ours = inspect.isclass(each) and each.__module__.startswith("tinynet.")
        if ours and name[0].isupper() and name not in LEFT_OUT:
            yield name, each


def arguments_of(kind: type) -> list[str]:
    found = [n for n, p in inspect.signature(kind).parameters.items() if p.kind in (1, 3)]
    if issubclass(kind, layers.Layer):
        found += ["name", "trainable", "dtype", "input_shape"]
    if issubclass(kind, optimizers.Optimizer):
        found += kind.BASE_ARGUMENTS
    return [name for name in dict.fromkeys(found) if name not in NO_EFFECT]


def needed_by(kind: type) -> dict[str, Any]:
    given = inspect.signature(kind).parameters.items()
    return {n: NEEDED[n] for n, p in given if p.default is p.empty and n in NEEDED}


CLASSES = {
    f"{module.__name__.removeprefix('tinynet.')}.{name}": kind
    for module in MODULES
    for name, kind in public(module)
}


def refused(make: Callable[[], object]) -> Exception | None:
    """Call something; return its error, which has to be one of the two that are documented."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            make()
        except (TypeError, ValueError) as error:
            return error
    return None


def names_it(error: Exception, argument: str) -> bool:
    words = [argument, *(says for end, says in KINDS.items() if argument.endswith(end))]
    return any(word in str(error) for word in words)


@pytest.mark.parametrize("name", CLASSES)
def test_every_argument(name: str) -> None:
    """Each cell of the class: made, or refused with an error that names the argument."""
    kind = CLASSES[name]
    needed = needed_by(kind)
    assert refused(lambda: kind(**needed)) is None
    for argument in arguments_of(kind):
        for badness, value in BAD.items():
            before = state(None)
            error = refused(lambda: kind(**{**needed, argument: value}))  # noqa: B023
            where = f"{argument}={value!r} ({badness})"
            if error is None:
                meant = argument in ("arguments", "baseline") or argument.endswith("_initializer")
                assert badness not in HOPELESS or meant, where
                continue
            assert names_it(error, argument) or "max_value" in str(error), f"{where}: {error}"
            after = state(None)
            drawn = {"bias_initializer", "height"}  # behind which another seed is drawn
            if drawn & {*arguments_of(kind)}:
                del after["python's random"], before["python's random"]
            assert after == before, where


NUMBERS = {
    "callbacks": ["patience", "min_delta", "cooldown", "min_lr", "factor", "start_from_epoch"],
    "layers": ["units", "filters", "rate", "momentum", "epsilon", "negative_slope", "stddev"],
    "optimizers": ["learning_rate", "beta_1", "beta_2", "momentum", "rho", "epsilon", "clipnorm"],
    "metrics": ["num_thresholds", "beta", "recall", "precision", "k", "num_regressors"],
    "losses": ["delta", "gamma", "label_smoothing"],
    "optimizers.schedules": ["decay_steps", "alpha", "first_decay_steps", "initial_learning_rate"],
}


@pytest.mark.parametrize("badness", ["none", "text", "bytes", "nan", "complex", "object", "dict"])
def test_numbers_have_to_be_numbers(badness: str) -> None:
    """The error has the argument, what was expected, and what came."""
    met = 0
    for name, kind in CLASSES.items():
        for argument in NUMBERS.get(name.rpartition(".")[0], ()):
            optional = argument in ("clipnorm",) and badness == "none"
            schedule = argument == "learning_rate" and badness in ("dict", "text")
            if argument in arguments_of(kind) and not optional and not schedule:
                value = BAD[badness]
                error = refused(lambda: kind(**{**needed_by(kind), argument: value}))  # noqa: B023
                says = str(error)
                assert error is not None, f"{name}({argument}={value!r}) was made"
                assert says.startswith(argument) and "expected" in says, says
                assert repr(value) in says, says
                met += 1
    assert met > 60


# The methods of a model, and what reads a model.

CALLS: dict[str, tuple[Callable[[Sequential], Any], list[str], dict[str, Any]]] = {
    "fit": (
        lambda model: model.fit,
        [
            *("x", "y", "batch_size", "epochs", "callbacks", "validation_split", "shuffle"),
            *("validation_data", "class_weight", "sample_weight", "initial_epoch"),
            *("steps_per_epoch", "validation_steps", "validation_batch_size", "validation_freq"),
        ],
        {"x": X, "y": Y, "verbose": 0},
    ),
    "evaluate": (
        lambda model: model.evaluate,
        ["x", "y", "batch_size", "sample_weight", "steps", "callbacks"],
        {"x": X, "y": Y, "verbose": 0},
    ),
    "predict": (
        lambda model: model.predict,
        ["x", "batch_size", "steps", "callbacks"],
        {"x": X, "verbose": 0},
    ),
    "compile": (
        lambda model: model.compile,
        [
            *("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly"),
            *("steps_per_execution", "jit_compile", "auto_scale_loss"),
        ],
        {"optimizer": "sgd", "loss": SPARSE},
    ),
    "train_on_batch": (
        lambda model: model.train_on_batch,
        ["x", "y", "sample_weight", "class_weight"],
        {"x": X, "y": Y},
    ),
    "test_on_batch": (
        lambda model: model.test_on_batch,
        ["x", "y", "sample_weight"],
        {"x": X, "y": Y},
    ),
    "predict_on_batch": (lambda model: model.predict_on_batch, ["x"], {"x": X}),
    "save": (lambda model: model.save, ["filepath"], {}),
    "save_weights": (lambda model: model.save_weights, ["filepath"], {}),
    "load_weights": (lambda model: model.load_weights, ["filepath"], {}),
    "load_model": (lambda _: load_model, ["filepath"], {}),
    "get_layer": (lambda model: model.get_layer, ["name", "index"], {}),
    "set_weights": (lambda model: model.set_weights, ["weights"], {}),
    "build": (lambda model: model.build, ["input_shape"], {}),
    "add": (lambda model: model.add, ["layer"], {}),
    "step": (lambda model: model.step, ["batch_size"], {}),
    "summary": (
        lambda model: model.summary,
        ["line_length", "positions", "show_trainable", "layer_range"],
        {"print_fn": len},
    ),
}
# What some of the errors call the argument.
OTHERWISE = {
    "x": "arrays|predictions",
    "positions": "columns",
    "metrics": "metric",
    "weighted_metrics": "metric",
}


@pytest.mark.parametrize(
    ("call", "argument"), [(call, each) for call in CALLS for each in CALLS[call][1]]
)
def test_every_argument_of_a_method(
    call: str, argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each cell: the call works, or the error names the argument and nothing has changed."""
    monkeypatch.chdir(tmp_path)
    method, _, needed = CALLS[call]
    model = trained()
    for badness, value in BAD.items():
        before, where = state(model), f"{call}({argument}={value!r}) ({badness})"
        try:
            with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
                warnings.simplefilter("ignore")
                method(model)(**{**needed, argument: value})
        except (TypeError, ValueError, OSError) as caught:
            error: Exception | None = caught
        else:
            error, model = None, trained()
        if error is not None:
            words = re.escape(argument) + "|" + OTHERWISE.get(argument, argument)
            assert re.search(words, str(error)), f"{where}: {error}"
            assert state(model) == before, where
        else:
            assert badness not in HOPELESS or argument == "layer", where
    untouched = copy.deepcopy(model)
    if call != "compile":
        check_trains_on(model, untouched, X, Y)


# Random calls of what is public.

ANYTHING = st.one_of(
    st.sampled_from(list(BAD.values())),
    st.integers(-5, 5),
    st.floats(-2, 2),
    st.text(max_size=3),
    st.lists(st.integers(-3, 3), max_size=3),
    st.sampled_from(["relu", "adam", "mse", "same", "valid", "accuracy", "l2", "zeros"]),
)
ARRAYS = st.sampled_from(
    [
        np.ones((4, 3)),
        np.ones((4, 2, 2, 1), "float32"),
        np.arange(4),
        np.full((4, 3), np.nan),
        np.ones((0, 3)),
        np.ones((4, 3), ">f8"),
        np.array([["a", "b", "c"]] * 4),
        np.ones((4, 3), bool),
        np.array(3.0),
        [[1.0, 2.0, 3.0]] * 4,
        None,
        "x",
        5,
        {"a": np.ones(4)},
        np.ones((4, 3), complex),
    ]
)
METHODS: dict[str, list[str]] = {
    "fit": [
        *("x", "y", "batch_size", "epochs", "validation_split", "validation_data", "shuffle"),
        *("class_weight", "sample_weight", "initial_epoch", "steps_per_epoch", "callbacks"),
    ],
    "evaluate": ["x", "y", "batch_size", "sample_weight", "steps", "callbacks"],
    "predict": ["x", "batch_size", "steps", "callbacks"],
    "train_on_batch": ["x", "y", "sample_weight", "class_weight"],
    "test_on_batch": ["x", "y", "sample_weight"],
    "predict_on_batch": ["x"],
    "compile": ["optimizer", "loss", "metrics", "weighted_metrics", "run_eagerly"],
    "set_weights": ["weights"],
    "get_layer": ["name", "index"],
    "build": ["input_shape"],
    "add": ["layer"],
}
IN_ARRAYS = ("x", "y", "sample_weight", "validation_data", "weights")
SMALL = {"epochs": 1, "steps": 1, "verbose": 0}


@given(st.data())
@settings(max_examples=150 * TIMES, suppress_health_check=[HealthCheck.too_slow])
def test_random_calls_of_a_model_bring_only_the_documented_errors(data: st.DataObject) -> None:
    """And whatever came before, the model then trains."""
    model = Sequential([Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    good = np.ones((4, 3)), np.ones((4, 2))
    for _ in range(data.draw(st.integers(1, 4))):
        method = data.draw(st.sampled_from(sorted(METHODS)))
        some = data.draw(st.lists(st.sampled_from(METHODS[method]), max_size=3, unique=True))
        given_ = {}
        for name in some:
            given_[name] = data.draw(ARRAYS if name in IN_ARRAYS else ANYTHING)
        if method in ("fit", "evaluate", "predict"):
            given_.setdefault("x", good[0])
            given_["verbose"] = 0
            if method != "predict":
                given_.setdefault("y", good[1])
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                getattr(model, method)(**given_)
            except (TypeError, ValueError, RuntimeError) as error:
                said = str(error)
            else:
                said = "made"
        assert said, f"{method}({given_}): an error without a word"
    fresh = Sequential(model.layers[:1])
    fresh.compile(optimizers.SGD(0.01), "mse")
    fresh.fit(*good, verbose=0)
    assert all(np.isfinite(w).all() for w in fresh.get_weights())


@given(st.data())
@settings(max_examples=300 * TIMES)
def test_random_constructors_bring_only_the_documented_errors(data: st.DataObject) -> None:
    kind = CLASSES[data.draw(st.sampled_from(sorted(CLASSES)))]
    names = arguments_of(kind)
    some = data.draw(st.lists(st.sampled_from(names), max_size=4, unique=True)) if names else []
    chosen = {name: data.draw(ANYTHING) for name in some}
    start = python_random.getstate()
    error = refused(lambda: kind(**{**needed_by(kind), **chosen}))
    assert error is None or str(error)
    python_random.setstate(start)
    tinynet.utils.clear_session()
