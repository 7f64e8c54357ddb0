"""Searches under Keras Tuner's names: what is drawn, what is kept, what is printed."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import optuna
import pytest

from tinynet import Input, Sequential, layers
from tinynet.callbacks import Callback, EarlyStopping
from tinynet.interop import keras_tuner as kt
from tinynet.interop.keras_tuner.oracle import objective_of
from tinynet.interop.keras_tuner.scores import score_of
from tinynet.interop.keras_tuner.tuners import models_of_hyperband
from tinynet.utils import set_random_seed

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("uint8")
DATA = {"x": X, "y": Y, "epochs": 2, "validation_split": 0.5, "verbose": 0}


@pytest.fixture(autouse=True)
def quiet():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def build(hp):
    model = Sequential([Input((4,))])
    model.add(layers.Dense(hp.Int("units", 2, 8, step=2), activation="relu"))
    model.add(layers.Dense(2, activation="softmax"))
    model.compile(
        hp.Choice("optimizer", ["adam", "sgd"]),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def tuner(folder, kind=kt.RandomSearch, model=build, **options):
    options = {"objective": "val_accuracy", "seed": 1, **options}
    if kind is not kt.Hyperband:
        options = {"max_trials": 3, **options}
    return kind(model, directory=folder, project_name="p", **options)


def values(search):
    return [each.hyperparameters.values for each in search.oracle.trials.values()]


# What is drawn.


def possible(ask):
    """Return all values that Optuna's distribution of a hyperparameter can lead to."""
    hp = kt.HyperParameters()
    ask(hp)
    entry = hp.space[0]
    found = entry.distribution()
    if isinstance(found, optuna.distributions.CategoricalDistribution):
        return list(found.choices)
    return [entry.value(each) for each in range(found.low, found.high + 1)]


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda hp: hp.Int("n", 6, 12), [6, 7, 8, 9, 10, 11, 12]),
        (lambda hp: hp.Int("n", 6, 13, step=3), [6, 9, 12]),
        (lambda hp: hp.Int("n", 2, 32, step=2, sampling="log"), [2, 4, 8, 16, 32]),
        (lambda hp: hp.Int("n", 1, 1000, step=10, sampling="log"), [1, 10, 100, 1000]),
        (lambda hp: hp.Int("n", -3, -1), [-3, -2, -1]),
        (lambda hp: hp.Float("r", 0, 1, step=0.25), [0.0, 0.25, 0.5, 0.75, 1.0]),
        (lambda hp: hp.Float("r", 0.25, 4, step=4, sampling="log"), [0.25, 1.0, 4.0]),
        (lambda hp: hp.Choice("c", ["a", "b"]), ["a", "b"]),
        (lambda hp: hp.Boolean("b"), [False, True]),
    ],
)
def test_possible_values(ask, expected):
    found = possible(ask)
    assert found == expected
    assert [type(each) for each in found] == [type(each) for each in expected]


@pytest.mark.parametrize("last", [0.3, 0.7, 1.0])  # 0.3 / 0.1 is below 3
def test_the_last_step_is_reached(last):
    found = possible(lambda hp: hp.Float("r", 0.0, last, step=0.1))
    assert found == pytest.approx(np.linspace(0, last, round(last * 10) + 1))


def test_intervals_without_steps():
    hp = kt.HyperParameters()
    hp.Float("plain", 0.5, 2)
    hp.Float("log", 1e-4, 1e-1, sampling="log")
    hp.Int("counts", 1, 100, sampling="log")
    hp.Float("reverse", 1, 10, sampling="reverse_log")
    plain, log, counts, reverse = hp.space
    floats, ints = optuna.distributions.FloatDistribution, optuna.distributions.IntDistribution
    assert plain.distribution() == floats(0.5, 2)
    assert log.distribution() == floats(1e-4, 1e-1, log=True)
    assert counts.distribution() == ints(1, 100, log=True)
    assert [reverse.value(0.0), reverse.value(1.0)] == [1, 10]
    assert reverse.value(0.5) > 5.5


def test_defaults():
    hp = kt.HyperParameters()
    assert hp.Int("units", 32, 64, step=32) == 32
    assert hp.Float("rate", 0.1, 0.5, default=0.2) == 0.2
    assert hp.Choice("name", ["a", "b"], default="b") == "b"
    assert hp.Boolean("flag") is False
    assert hp.Fixed("fixed", 7) == 7
    assert hp.Int("units", 1, 2) == 32  # the first one that was asked for stays
    assert hp.values == {"units": 32, "rate": 0.2, "name": "b", "flag": False, "fixed": 7}
    assert hp["rate"] == hp.get("rate") == 0.2
    assert "rate" in hp
    assert "other" not in hp


def test_what_depends_on_another_is_none_while_it_does_not_hold():
    hp = kt.HyperParameters()
    hp.Choice("kind", ["dense", "conv"])
    with hp.conditional_scope("kind", ["conv"]):
        assert hp.Int("filters", 2, 4) is None
    with hp.conditional_scope("kind", "dense"):
        assert hp.Int("units", 2, 4) == 2
    assert hp.Int("kernel", 1, 3, parent_name="kind", parent_values=["conv"]) is None
    assert hp.values == {"kind": "dense", "units": 2}
    with pytest.raises(ValueError, match="'filters' is not searched now"):
        hp.get("filters")
    with pytest.raises(KeyError, match="other"):
        hp.get("other")


def test_names_in_a_scope():
    hp = kt.HyperParameters()
    with hp.name_scope("block"):
        hp.Boolean("deep")
        with hp.conditional_scope("deep", [False]):
            hp.Int("units", 1, 2)
    assert hp.values == {"block/deep": False, "block/units": 1}


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda hp: hp.Int("n", 3, 2), "min_value: expected at most max_value, got 3 and 2"),
        (lambda hp: hp.Int("n", 1.5, 2), "min_value: expected an integer"),
        (lambda hp: hp.Int("n", 0, 2, sampling="log"), "min_value: expected more than 0"),
        (lambda hp: hp.Int("n", 1, 9, 1, "log"), "step: expected more than 1 for 'log'"),
        (lambda hp: hp.Float("r", 0, 1, step=0), "step: expected more than 0"),
        (lambda hp: hp.Float("r", 1, 2, 0.5, "reverse_log"), "step: none with sampling"),
        (lambda hp: hp.Float("r", 0, 1, sampling="lg"), "sampling: expected one of linear, log"),
        (lambda hp: hp.Float("r", 0, 1, default=2), "default: expected a number from 0 to 1"),
        (lambda hp: hp.Choice("c", []), "values: expected at least one value for 'c'"),
        (lambda hp: hp.Choice("c", ["a"], default="b"), r"default: expected one of \['a'\]"),
        (lambda hp: hp.Boolean("b", default=1), "default: expected True or False, got 1"),
        (lambda hp: hp.Fixed("f", None), "value: expected an int, float, str or bool, got None"),
        (lambda hp: hp.Int("n", 1, 2, parent_name="m", parent_values=[1]), "no hyperparameter 'm'"),
    ],
)
def test_what_cannot_be_searched(ask, message):
    hp = kt.HyperParameters()
    with pytest.raises(ValueError, match=message):
        ask(hp)
    assert hp.space == []


def test_choices_are_of_one_type():
    with pytest.raises(TypeError, match=r"values: expected all int, .* got \[1, 2.0\]"):
        kt.HyperParameters().Choice("c", [1, 2.0])


# What is improved.


@pytest.mark.parametrize(
    ("name", "direction"),
    [("val_loss", "min"), ("val_accuracy", "max"), ("mae", "min"), ("val_precision", "max")],
)
def test_the_better_direction_is_known_by_the_name(name, direction):
    assert objective_of(name) == kt.Objective(name, direction)


def test_or_has_to_be_said():
    with pytest.raises(ValueError, match=r'Objective\("val_mine", direction="max"\) or "min"'):
        objective_of("val_mine")
    with pytest.raises(ValueError, match="direction: expected 'min' or 'max', got 'up'"):
        kt.Objective("val_mine", "up")
    with pytest.raises(ValueError, match="objective: expected a name"):
        objective_of(["val_loss", "loss"])


def test_the_score_is_the_mean_of_the_best_values():
    objective = kt.Objective("a", "max")
    assert score_of([{"a": [1.0, 3.0, 2.0]}, {"a": [6.0, 5.0]}], objective) == (4.5, 0)
    assert score_of(0.5, objective) == (0.5, 0)
    assert score_of({"a": [float("nan"), 1.0]}, objective) == (1.0, 1)
    with pytest.raises(ValueError, match="a is not a number"):
        score_of(float("nan"), objective)
    with pytest.raises(ValueError, match=r"objective: no 'a' in the results, which have \['b'\]"):
        score_of({"b": 1.0}, objective)
    with pytest.raises(TypeError, match="fit: expected it to return a History"):
        score_of(None, objective)


# The search.


@pytest.mark.parametrize("kind", [kt.RandomSearch, kt.BayesianOptimization])
def test_a_search(kind, tmp_path):
    search = tuner(tmp_path, kind, max_trials=4)
    search.search(**DATA)
    trials = search.oracle.get_best_trials(4)
    scores = [each.score for each in trials]
    assert scores == sorted(scores, reverse=True)
    assert {frozenset(each.items()) for each in values(search)} == {
        frozenset(each.hyperparameters.values.items()) for each in trials
    }
    for each in values(search):
        assert each["units"] in (2, 4, 6, 8)
        assert each["optimizer"] in ("adam", "sgd")
    best = search.get_best_hyperparameters()[0]
    assert best.values == trials[0].hyperparameters.values
    model = search.hypermodel.build(best)
    assert model.layers[0].units == best["units"]


def test_the_best_model_has_the_weights_of_its_best_epoch(tmp_path):
    set_random_seed(3)
    search = tuner(tmp_path, max_trials=3)
    search.search(X, Y, epochs=4, validation_data=(X, Y), verbose=0)
    for trial, model in zip(
        search.oracle.get_best_trials(3), search.get_best_models(3), strict=True
    ):
        found = model.evaluate(X, Y, verbose=0, return_dict=True)["accuracy"]
        assert found == pytest.approx(trial.score, abs=1e-6)


def test_a_model_without_an_input_is_built_as_it_was_trained(tmp_path):
    def without(hp):
        model = Sequential([layers.Dense(hp.Int("units", 2, 3)), layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    search = tuner(tmp_path, model=without, objective="val_loss", max_trials=1)
    search.search(**DATA)
    again = tuner(tmp_path, model=without, objective="val_loss", max_trials=1)
    one, other = search.get_best_models()[0], again.get_best_models()[0]
    np.testing.assert_array_equal(one.predict(X, verbose=0), other.predict(X, verbose=0))


def test_nothing_is_tried_twice_and_the_search_ends_when_all_is_tried(tmp_path):
    def small(hp):
        hp.Boolean("a")
        return build(kt.HyperParameters())

    search = tuner(tmp_path, model=small, max_trials=5)
    search.search(**DATA)
    assert sorted(each["a"] for each in values(search)) == [False, True]
    assert search.remaining_trials == 3


def test_a_search_goes_on_where_it_stopped_as_if_it_had_not(tmp_path):
    whole = tuner(tmp_path / "whole", max_trials=5)
    whole.search(**DATA)
    first = tuner(tmp_path / "parts", max_trials=2)
    first.search(**DATA)
    second = tuner(tmp_path / "parts", max_trials=5)
    assert second.remaining_trials == 3
    assert values(second) == values(first)
    second.search(**DATA)
    assert values(second) == values(whole)


def test_a_seed_that_nobody_gave_is_kept(tmp_path):
    first = tuner(tmp_path, seed=None, max_trials=1)
    first.search(**DATA)
    assert tuner(tmp_path, seed=None).oracle.seed == first.oracle.seed
    assert tuner(tmp_path / "other", seed=None).oracle.seed != first.oracle.seed


def test_overwriting_begins_anew(tmp_path):
    tuner(tmp_path).search(**DATA)
    again = tuner(tmp_path, overwrite=True)
    assert again.remaining_trials == 3
    assert not list(tmp_path.rglob("*.safetensors"))


def test_another_search_does_not_go_on_there(tmp_path):
    tuner(tmp_path).search(**DATA)
    with pytest.raises(ValueError, match=r"has trials for the objective \['val_accuracy', 'max'\]"):
        tuner(tmp_path, objective="val_loss")


def test_the_files(tmp_path):
    tuner(tmp_path, max_trials=1).search(**DATA)
    assert sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.*")) == [
        "p/trial_0/checkpoint.safetensors",
        "p/trials.json",
    ]
    written = json.loads((tmp_path / "p" / "trials.json").read_text())
    assert written["trials"][0]["result"]["status"] == "COMPLETED"


def test_a_model_is_trained_as_often_as_asked_for(tmp_path):
    class Counts(kt.HyperModel):
        trained = 0

        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, *args, **kwargs):
            self.trained += 1
            return {"val_accuracy": float(self.trained)}

    model = Counts()
    search = tuner(tmp_path, model=model, max_trials=2, executions_per_trial=3)
    search.search(**DATA)
    assert model.trained == 6
    assert [each.score for each in search.oracle.get_best_trials(2)] == [5.0, 2.0]
    with pytest.raises(FileNotFoundError):
        search.get_best_models()


def test_what_fit_and_run_trial_ask_for_is_searched_too(tmp_path):
    class Trains(kt.HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, *args, **kwargs):
            return model.fit(*args, shuffle=hp.Boolean("shuffle"), **kwargs)

    class Batches(kt.RandomSearch):
        def run_trial(self, trial, *args, **kwargs):
            size = trial.hyperparameters.Int("batch_size", 8, 16, step=8)
            return super().run_trial(trial, *args, batch_size=size, **kwargs)

    search = tuner(tmp_path, Batches, Trains(), max_trials=6)
    search.search(**DATA)
    assert all({"shuffle", "batch_size"} <= set(each) for each in values(search))
    assert {each["batch_size"] for each in values(search)} == {8, 16}


def test_callbacks_are_copied_for_every_model(tmp_path):
    class Epochs(Callback):
        def __init__(self):
            super().__init__()
            self.seen = []

        def on_epoch_end(self, epoch, logs=None):
            self.seen.append(epoch)

    told = Epochs()
    search = tuner(tmp_path)
    search.search(**DATA, callbacks=[told, EarlyStopping("val_loss", patience=1)])
    assert told.seen == []
    assert search.remaining_trials == 0


def conditional(hp):
    kind = hp.Choice("kind", ["narrow", "wide"])
    model = Sequential([Input((4,))])
    with hp.conditional_scope("kind", ["wide"]):
        if kind == "wide":
            units = hp.Int("units", 8, 16, step=8)
            with hp.conditional_scope("units", [16]):
                rate = hp.Float("rate", 0.1, 0.5, step=0.2)
            model.add(layers.Dense(units))
            model.add(layers.Dropout(rate or 0.0))
    model.add(layers.Dense(2, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_conditions_are_explored_before_the_search(tmp_path):
    search = tuner(tmp_path, model=conditional, max_trials=5)
    names = [each.name for each in search.oracle.get_space().space]
    assert names == ["kind", "units", "rate"]
    search.search(**DATA)
    for each in values(search):
        assert ("units" in each) == (each["kind"] == "wide")
        assert ("rate" in each) == (each.get("units") == 16)


def test_a_scope_without_an_if_is_known_before(tmp_path, capsys):
    def model(hp):
        hp.Choice("kind", ["a", "b"])
        with hp.conditional_scope("kind", ["b"]):
            hp.Int("units", 1, 9)
            with hp.conditional_scope("units", [1, 2]):
                hp.Boolean("deep")
        return build(kt.HyperParameters())

    search = tuner(tmp_path, model=model)
    search.search_space_summary()
    assert capsys.readouterr().out.splitlines() == [
        "Search space summary",
        "Default search space size: 3",
        "kind (Choice)",
        "{'default': 'a', 'conditions': [], 'values': ['a', 'b']}",
        "units (Int)",
        "{'default': 1, 'conditions': [['kind', ['b']]], 'min_value': 1, 'max_value': 9, "
        "'step': 1, 'sampling': 'linear'}",
        "deep (Boolean)",
        "{'default': False, 'conditions': [['kind', ['b']], ['units', [1, 2]]]}",
    ]


def test_given_hyperparameters_stand_in_for_the_models(tmp_path):
    hp = kt.HyperParameters()
    hp.Fixed("optimizer", "adam")
    search = tuner(tmp_path, hyperparameters=hp, max_trials=3)
    search.search(**DATA)
    assert {each["optimizer"] for each in values(search)} == {"adam"}
    assert len({each["units"] for each in values(search)}) == 3
    fixed = tuner(tmp_path / "b", hyperparameters=hp, tune_new_entries=False)
    fixed.search(**DATA)
    assert values(fixed) == [{"optimizer": "adam", "units": 2}]
    with pytest.raises(RuntimeError, match="the model asks for 'units'"):
        tuner(tmp_path / "c", hyperparameters=hp, allow_new_entries=False)


# Hyperband.


def test_hyperband_ends_bad_models_early(tmp_path):
    epochs = []

    class Told(Callback):
        def on_train_end(self, logs=None):
            epochs.append(len(self.model.history.epoch))

        def __deepcopy__(self, memo):
            return Told()

    search = tuner(tmp_path, kt.Hyperband, max_epochs=9, factor=3)
    search.oracle.max_trials = 8
    search.search(X, Y, validation_data=(X, Y), verbose=0, callbacks=[Told()])
    assert len(epochs) == len(search.oracle.trials)
    assert max(epochs) == 9
    assert min(epochs) < 9
    assert all(each.score is not None for each in search.oracle.trials.values())
    pruned = [each.state.name for each in search.oracle.study.trials]
    assert pruned.count("PRUNED") == sum(each < 9 for each in epochs)
    assert len(search.get_best_models(2)) == 2
    again = tuner(tmp_path, kt.Hyperband, max_epochs=9)
    assert values(again) == values(search)
    reports = [
        [each.intermediate_values for each in one.oracle.study.trials] for one in (again, search)
    ]
    assert reports[0] == reports[1]


def test_a_models_first_execution_decides_whether_it_is_ended(tmp_path):
    search = tuner(tmp_path, kt.Hyperband, max_epochs=4)
    trial = search.oracle.create_trial()
    assert [len(search.further_callbacks(trial, number)) for number in range(3)] == [1, 0, 0]


def test_hyperband_draws_as_many_models_as_keras_tuner():
    # First rounds of the brackets: 3, 5, 9 models for up to 9 epochs by factors of 3.
    assert models_of_hyperband(9, 3) == 3 + 5 + 9
    assert models_of_hyperband(1, 3) == 1
    assert models_of_hyperband(8, 2) == 4 + 4 + 6 + 8


# What goes wrong.


def test_failed_trials_end_the_search_after_three_in_a_row(tmp_path, capsys):
    class Fails(kt.HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, *args, **kwargs):
            raise ArithmeticError("no")

    search = tuner(tmp_path, model=Fails(), max_trials=5)
    with pytest.raises(RuntimeError, match=r"3 trials in a row have failed.*ArithmeticError\('no'"):
        search.search(**DATA)
    assert [each.status for each in search.oracle.trials.values()] == ["INVALID"] * 3
    assert search.get_best_hyperparameters() == []
    assert "ArithmeticError: no" in capsys.readouterr().err


def test_a_trial_may_be_tried_again(tmp_path, capsys):
    class FailsOnce(kt.HyperModel):
        failures = 0

        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, *args, **kwargs):
            self.failures += 1
            if self.failures == 1:
                raise ArithmeticError("no")
            return 1.0

    search = tuner(tmp_path, model=FailsOnce(), max_trials=2, max_retries_per_trial=1)
    search.search(**DATA)
    assert [each.score for each in search.oracle.trials.values()] == [1.0, 1.0]


def test_an_objective_that_is_not_in_the_logs_is_named(tmp_path, capsys):
    search = tuner(tmp_path, max_trials=3)
    with pytest.raises(RuntimeError, match="'val_accuracy' will not be in the logs"):
        search.search(X, Y, verbose=0)


def test_what_is_no_model(tmp_path):
    with pytest.raises(TypeError, match="hypermodel: expected a function"):
        tuner(tmp_path, model=build(kt.HyperParameters()).layers)
    with pytest.raises(TypeError, match="hypermodel: expected it to build a model, got None"):
        tuner(tmp_path, model=lambda hp: None)
    with pytest.raises(NotImplementedError, match="build"):
        tuner(tmp_path, model=kt.HyperModel())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["max_trials", "executions_per_trial"])
def test_counts_are_positive(option, tmp_path):
    with pytest.raises(ValueError, match=f"{option}: expected a positive integer"):
        tuner(tmp_path, **{option: 0})


# What is said.


def test_the_results(tmp_path, capsys):
    search = tuner(tmp_path, max_trials=2)
    search.search(**DATA)
    assert capsys.readouterr().out == ""
    search.results_summary(1)
    best = search.oracle.get_best_trials()[0]
    assert capsys.readouterr().out.splitlines() == [
        "Results summary",
        f"Results in {tmp_path / 'p'}",
        "Showing 1 best trials",
        'Objective(name="val_accuracy", direction="max")',
        "",
        f"Trial {best.trial_id} summary",
        "Hyperparameters:",
        f"units: {best.hyperparameters['units']}",
        f"optimizer: {best.hyperparameters['optimizer']}",
        f"Score: {best.score}",
    ]


def test_progress(tmp_path, capsys):
    search = tuner(tmp_path, max_trials=1)
    search.search(**{**DATA, "verbose": 2})
    out = capsys.readouterr().out
    assert "Trial 1 of at most 1 complete\nval_accuracy: " in out
    assert "Best val_accuracy so far: " in out


@pytest.mark.parametrize("name", ["keras_tuner", "kerastuner"])
def test_a_script_gets_it_under_its_name(name):
    code = (
        "import tinynet; tinynet.standin()\n"
        f"import {name} as kt\n"
        f"from {name}.tuners import RandomSearch\n"
        f"from {name}.engine.hyperparameters import HyperParameters\n"
        f"from {name} import HyperModel\n"
        "print(kt.RandomSearch is RandomSearch, HyperParameters is kt.HyperParameters)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    assert done.stdout == "True True\n", done.stderr
