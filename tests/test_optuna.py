"""Searches with Optuna: trials that end early, and studies that outlive their processes."""

import csv
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import sqlalchemy
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from tests.search_worker import NAME, SPACE
from tinynet import Input, Sequential, layers
from tinynet.callbacks import Callback, CSVLogger, LambdaCallback
from tinynet.interop.optuna import (
    PruningCallback,
    TrialSeededSampler,
    open_study,
    search,
    suggest,
)

ROOT = Path(__file__).parents[1]
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("uint8")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Leave Optuna's own lines out."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


@pytest.fixture(autouse=True)
def closed_connections() -> Iterator[None]:
    """Close what studies leave open: Optuna has no way to say that a study is over."""
    opened = []

    def note(connection: Any, _: object) -> None:
        opened.append(connection)

    sqlalchemy.event.listen(sqlalchemy.Pool, "connect", note)
    yield
    sqlalchemy.event.remove(sqlalchemy.Pool, "connect", note)
    for connection in opened:
        connection.close()


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'study.db'}"


def network(metrics: tuple[str, ...] = ("accuracy",)) -> Sequential:
    model = Sequential([Input((4,)), layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=list(metrics))
    return model


def train(model: Sequential, *callbacks: Callback, epochs: int = 6) -> Sequential:
    model.fit(X, Y, epochs=epochs, verbose=0, validation_split=0.5, callbacks=list(callbacks))
    return model


# The callback.


class Threshold(optuna.pruners.BasePruner):
    """Ends a trial at an epoch, if its figure is below a half there."""

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        return trial.last_step == 2 and trial.intermediate_values[2] < 0.5


class Says(Callback):
    """Writes a figure of our own into the logs, where the callback behind it finds it."""

    def __init__(self, values: list[float]) -> None:
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs["val_accuracy"] = self.values[epoch]


def test_a_hopeless_trial_ends_and_a_good_one_goes_on(tmp_path: Path) -> None:
    study = optuna.create_study(direction="maximize", pruner=Threshold())
    figures = {0: [0.5, 0.6, 0.7, 0.8], 1: [0.4, 0.3, 0.2, 0.9]}
    models = []

    def objective(trial: optuna.Trial) -> float:
        values = figures[trial.number]
        models.append(network())
        log = CSVLogger(tmp_path / f"{trial.number}.csv")
        train(models[-1], Says(values), log, PruningCallback(trial), epochs=4)
        return values[-1]

    study.optimize(objective, n_trials=2)
    good, hopeless = study.trials
    assert good.state == TrialState.COMPLETE
    assert good.intermediate_values == dict(enumerate(figures[0]))
    assert hopeless.state == TrialState.PRUNED
    assert hopeless.intermediate_values == {0: 0.4, 1: 0.3, 2: 0.2}
    assert hopeless.value == 0.2
    assert study.best_trial.number == 0

    # What was pruned has ended in order: its last epoch is kept everywhere, files are closed.
    assert models[1].history.epoch == [0, 1, 2]
    with open(tmp_path / "1.csv", newline="", encoding="utf-8") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1", "2"]
    train(models[1], epochs=2)
    assert models[1].history.epoch == [0, 1]
    assert models[1].predict(X, verbose=0).shape == (60, 2)


class Once(optuna.pruners.BasePruner):
    """Ends the first trial that it is asked about, at once."""

    answers = (True, False, False)

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        answer, *self.answers = self.answers
        return answer


def test_the_same_callback_can_train_twice() -> None:
    study = optuna.create_study(direction="maximize", pruner=Once())
    callback = PruningCallback(study.ask())
    with pytest.raises(optuna.TrialPruned, match="ended with epoch 1: val_accuracy"):
        train(network(), callback)
    with pytest.warns(UserWarning, match="step=0` is already reported"):  # Optuna keeps the first
        model = train(network(), callback, epochs=2)
    assert model.history.epoch == [0, 1]


def test_medians_of_other_trials_end_a_trial() -> None:
    pruner = optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=1)
    study = optuna.create_study(direction="minimize", pruner=pruner)
    losses = [[1.0, 0.8, 0.6], [1.0, 0.6, 0.4], [1.0, 0.9, 0.1]]

    def objective(trial: optuna.Trial) -> float:
        says = LambdaCallback(
            on_epoch_end=lambda epoch, logs: logs.update(val_loss=losses[trial.number][epoch])
        )
        train(network(), says, PruningCallback(trial, "val_loss"), epochs=3)
        return losses[trial.number][-1]

    study.optimize(objective, n_trials=3)
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "COMPLETE", "PRUNED"]
    assert study.trials[2].last_step == 1


def test_the_best_trial_can_be_trained_once_more_with_the_same_objective() -> None:
    study = optuna.create_study(direction="maximize", pruner=Threshold())
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    for trial in (study.best_trial, optuna.trial.FixedTrial({"x": 0.5})):
        model = train(network(), Says([0.1] * 4), PruningCallback(trial), epochs=4)
        assert model.history.epoch == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("direction", "monitor", "metrics", "says"),
    [
        ("maximize", "val_acuracy", ("accuracy",), r"'val_acuracy' will not be .*'val_accuracy'"),
        ("maximize", "val_accuracy", (), r"'val_accuracy' will not be in the logs.*'val_loss'"),
        ("minimize", "val_accuracy", ("accuracy",), r"higher 'val_accuracy' .*direction='maxim"),
        ("maximize", "val_loss", ("accuracy",), r"lower 'val_loss' .*direction='minimize'"),
        ("maximize", "loss", (), r"a lower 'loss' is better, but .* is 'maximize'; create"),
    ],
)
def test_what_cannot_be_watched_is_refused_before_training(
    direction: str, monitor: str, metrics: tuple[str, ...], says: str
) -> None:
    study = optuna.create_study(direction=direction)
    trial = study.ask()
    model = network(metrics)
    before = model.get_weights()
    with pytest.raises(ValueError, match=says):
        train(model, PruningCallback(trial, monitor))
    assert model.history is None
    for own, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, kept)
    assert study.trials[0].intermediate_values == {}


def test_several_objectives_cannot_be_pruned() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    with pytest.raises(RuntimeError, match="multi-objective"):
        PruningCallback(study.ask())


# The study.


def test_a_study_is_opened_again_only_for_the_same_search(storage: str) -> None:
    conditions = {"data": "drawn", "shape": (28, 28), "epochs": 15}
    study = open_study(storage, NAME, SPACE, conditions=conditions)
    study.add_trial(optuna.create_trial(value=1.0))
    assert len(open_study(storage, NAME, SPACE, conditions=conditions).trials) == 1

    other = {**SPACE, "rate": FloatDistribution(1e-3, 1.0), "depth": IntDistribution(1, 3)}
    del other["activation"]
    with pytest.raises(ValueError, match=f"study '{NAME}' .* belongs to another search") as caught:
        open_study(storage, NAME, other, conditions={**conditions, "epochs": 2})
    for line in (
        "rate: 0.0001 to 1.0, log True there, 0.001 to 1.0 here",
        "depth: nothing there, 1 to 3, step 1 here",
        "activation: one of ['relu', 'tanh'] there, nothing here",
        "epochs: 15 there, 2 here",
        "choose another name",
    ):
        assert line in str(caught.value)
    assert "units" not in str(caught.value)
    assert "data" not in str(caught.value)
    with pytest.raises(ValueError, match="direction: maximize there, minimize here"):
        open_study(storage, NAME, SPACE, conditions=conditions, direction="minimize")
    assert open_study(storage, "another", other).trials == []


def test_a_study_that_does_not_say_what_it_searches_is_refused(storage: str) -> None:
    optuna.create_study(storage=storage, study_name=NAME, direction="maximize").add_trial(
        optuna.create_trial(value=1.0)
    )
    with pytest.raises(ValueError, match="units: nothing there, 1 to 100, step 1 here"):
        open_study(storage, NAME, SPACE)


@pytest.mark.parametrize(
    ("address", "error", "says"),
    [
        ("study.db", ValueError, "storage: expected the address of a database.*'study.db'"),
        ("nosuch://host/db", ValueError, "storage: expected the address .*nosuch"),
        ("sqlite://", ValueError, "outlives this process.*sqlite:///study.db"),
        ("sqlite:///no/such/folder/a.db", FileNotFoundError, "no folder 'no/such/folder'"),
    ],
)
def test_addresses_that_are_none(address: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        open_study(address, NAME, SPACE)


def test_a_distribution_of_another_kind_is_refused() -> None:
    trial = optuna.create_study().ask()
    with pytest.raises(TypeError, match=r"space\['units'\]: expected .* got \[1, 2\]"):
        suggest(trial, {"units": [1, 2]})


# The search.


def finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(states=(TrialState.COMPLETE, TrialState.PRUNED))


def seeded(seed: int = 3) -> TrialSeededSampler:
    return TrialSeededSampler(lambda own: optuna.samplers.RandomSampler(seed=own), seed)


def test_a_search_goes_on_where_it_was(storage: str, tmp_path: Path) -> None:
    begun = []

    def objective(trial: optuna.Trial) -> float:
        choice = suggest(trial, SPACE)
        begun.append(trial.number)
        if trial.number == 1:
            raise optuna.TrialPruned
        return float(choice["units"])

    told = []
    for wanted in (3, 3, 5):  # the second time there is nothing to do
        study = open_study(storage, NAME, SPACE, sampler=seeded())
        search(study, objective, wanted, callbacks=[lambda _, trial: told.append(trial.number)])
        assert len(finished(study)) == len(study.trials) == wanted
    assert begun == told == [0, 1, 2, 3, 4]

    # As if it had never been stopped: a trial's draws depend on its number, not on its process.
    straight = open_study(f"sqlite:///{tmp_path / 'b.db'}", NAME, SPACE, sampler=seeded())
    search(straight, objective, 5)
    drawn = [trial.params for trial in study.trials]
    assert [trial.params for trial in straight.trials] == drawn
    assert len({str(params) for params in drawn}) == 5


def test_a_trial_stopped_at_the_keyboard_is_done_again_once(storage: str) -> None:
    study = open_study(storage, NAME, SPACE, sampler=seeded())

    def stopped(trial: optuna.Trial) -> float:
        value = suggest(trial, SPACE)["units"]
        trial.set_user_attr("seed", 7)
        if trial.number == 1:
            raise KeyboardInterrupt
        return float(value)

    with pytest.raises(KeyboardInterrupt):
        search(study, stopped, 4)
    study = open_study(storage, NAME, SPACE, sampler=seeded())
    search(study, stopped, 4)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert study.trials[2].params == study.trials[1].params
    assert study.trials[2].user_attrs == {"seed": 7}
    assert [trial.system_attrs.get("failed_trial") for trial in study.trials].count(1) == 1


def test_an_error_of_the_objective_comes_out_and_is_not_tried_again(storage: str) -> None:
    study = open_study(storage, NAME, SPACE)

    def broken(trial: optuna.Trial) -> float:
        raise ZeroDivisionError("a mistake")

    with pytest.raises(ZeroDivisionError, match="a mistake"):
        search(study, broken, 2)
    assert [trial.state.name for trial in study.trials] == ["FAIL"]
    search(study, lambda trial: 1.0, 2)
    assert [trial.state.name for trial in study.trials] == ["FAIL", "COMPLETE", "COMPLETE"]


@pytest.mark.parametrize("n_trials", [0, -1, 2.0, True])
def test_numbers_of_trials_that_are_none(storage: str, n_trials: object) -> None:
    study = open_study(storage, NAME, SPACE)
    with pytest.raises(ValueError, match="n_trials: expected a positive integer"):
        search(study, lambda trial: 1.0, n_trials)
    assert study.trials == []


def test_a_trial_killed_before_its_first_heartbeat_is_done_again(
    storage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    study = open_study(storage, NAME, SPACE)
    with pytest.warns(UserWarning, match="Heartbeat"):
        params = suggest(study.ask(), SPACE)  # and nothing more is heard of it
    engine = sqlalchemy.create_engine(storage)
    aged = []

    def let_an_hour_pass(seconds: float) -> None:
        with engine.begin() as connection:
            query = "UPDATE trial_heartbeats SET heartbeat = datetime(heartbeat, '-1 hour')"
            aged.append(connection.execute(sqlalchemy.text(query)).rowcount)
        assert len(aged) < 3, "it waits for ever"

    monkeypatch.setattr("time.sleep", let_an_hour_pass)
    search(study, lambda trial: float(suggest(trial, SPACE)["units"]), 3)
    engine.dispose()
    states = [trial.state.name for trial in study.trials]
    assert states == ["FAIL", "COMPLETE", "COMPLETE", "COMPLETE"]
    assert study.trials[3].params == params
    assert aged == [3]
    assert "1 still running in other processes: waiting" in capsys.readouterr().out


@pytest.mark.parametrize("notices", ["while it reports", "when it is done"])
def test_who_sleeps_through_a_trial_drops_it(
    notices: str, storage: str, capsys: pytest.CaptureFixture[str]
) -> None:
    study = open_study(storage, NAME, SPACE)
    begun = []

    def objective(trial: optuna.Trial) -> float:
        begun.append(suggest(trial, SPACE))
        if len(begun) == 1:  # meanwhile somebody else finds it dead, and puts it into the queue
            other = open_study(storage, NAME, SPACE)._storage
            other.set_trial_state_values(trial._trial_id, TrialState.FAIL)
            other.get_heartbeat_stale_trial_callback()(study, study.trials[0])
            if notices == "while it reports":
                trial.report(0.5, step=0)
        return 1.0

    search(study, objective, 2)
    assert [trial.state.name for trial in study.trials] == ["FAIL", "COMPLETE", "COMPLETE"]
    assert study.trials[0].values is None
    assert study.trials[0].params == study.trials[1].params == begun[0] == begun[1]
    assert "trial 0 was given to another process" in capsys.readouterr().out


# Several processes.


@pytest.fixture
def postgresql() -> Iterator[str]:
    """Start a real server for the test, in a folder of its own, reached by a socket there."""
    pytest.importorskip("psycopg", reason="psycopg, which speaks with PostgreSQL, is not installed")
    pg_ctl = shutil.which("pg_ctl")
    if pg_ctl is None:
        pytest.skip("PostgreSQL's pg_ctl is not on the PATH of this machine")
    with tempfile.TemporaryDirectory(prefix="pg") as folder:  # short: a socket's path has to be
        owner = {}
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(folder, "nobody")
            owner = {"user": "nobody"}

        def control(*arguments: str) -> None:
            command = [pg_ctl, "-D", f"{folder}/data", "-l", f"{folder}/log", "-w", *arguments]
            subprocess.run(
                command, check=True, timeout=60, cwd=folder, stdout=subprocess.DEVNULL, **owner
            )

        control("initdb", "-o", "--auth=trust --username=tinynet --no-sync --encoding=UTF8")
        control("start", "-o", f"-k {folder} -c listen_addresses='' -c fsync=off")
        try:
            yield f"postgresql+psycopg://tinynet@/postgres?host={folder}"
        finally:
            control("stop", "-m", "immediate")


class Worker:
    """A process that works on a study; it ends with the test at the latest."""

    def __init__(self, storage: str, n_trials: int, pause: int) -> None:
        command = [sys.executable, "-m", "tests.search_worker", storage, str(n_trials), str(pause)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.begun: list[dict[str, object]] = []
        self.limit = threading.Timer(60, self.process.kill)  # so that reading never takes for ever
        self.limit.start()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.limit.cancel()
        self.process.kill()
        self.process.communicate()

    def until_it_pauses(self) -> dict[str, object]:
        """Read what it begins, up to the trial in which it waits."""
        for line in self.process.stdout:
            self.begun.append(json.loads(line))
            if self.begun[-1]["pauses"]:
                return self.begun[-1]
        raise AssertionError(f"ended early, with {self.process.wait()}")

    def goes_on_to_the_end(self) -> None:
        """Let it go on, and read the rest."""
        rest, _ = self.process.communicate("go on\n", timeout=60)
        assert self.process.returncode == 0
        self.begun += [json.loads(line) for line in rest.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("database", ["storage", "postgresql"])
def test_two_processes_one_of_them_killed(database: str, request: pytest.FixtureRequest) -> None:
    address = request.getfixturevalue(database)
    wanted = 10
    with Worker(address, wanted, pause=3) as one, Worker(address, wanted, pause=3) as other:
        lost = one.until_it_pauses()  # both are now in the middle of their third trial
        other.until_it_pauses()
        one.process.kill()  # SIGKILL: nothing is tidied up
        other.goes_on_to_the_end()

    study = open_study(address, NAME, SPACE)
    trials = study.trials
    assert len(finished(study)) == wanted
    assert len(trials) == wanted + 1  # nothing runs for ever, nothing was made in vain
    assert all(trial.params.keys() == SPACE.keys() for trial in trials)

    # Whatever was begun was begun by one process, and what it drew is what the database says.
    begun = {each["number"]: each["params"] for each in one.begun + other.begun}
    times = Counter(each["number"] for each in one.begun + other.begun)
    assert times == dict.fromkeys(range(wanted + 1), 1)
    assert {trial.number: trial.params for trial in trials} == begun

    # The killed one failed and was done again, once, with the same parameters.
    assert [t.number for t in trials if t.state == TrialState.FAIL] == [lost["number"]]
    again = [t for t in trials if t.system_attrs.get("failed_trial") == lost["number"]]
    assert [trial.state for trial in again] == [TrialState.COMPLETE]
    assert again[0].params == lost["params"]


def test_nobody_writes_between_the_look_at_a_row_of_sqlite_and_its_change(
    tmp_path: Path, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = open_study(storage, NAME, SPACE)
    study.enqueue_trial({"units": 1})
    refused = []
    with closing(sqlite3.connect(tmp_path / "study.db", timeout=0)) as other:

        def look(_: object, trial_id: int, state: TrialState) -> None:
            # Optuna has read the row, and will write it next; another process wants to as well.
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("UPDATE trials SET state = 'RUNNING'")
            refused.append(state)

        monkeypatch.setattr(RDBStorage, "check_trial_is_updatable", look)
        search(study, lambda trial: 1.0, 1)
    assert refused[0] == TrialState.WAITING
    assert refused[-1] == TrialState.RUNNING
