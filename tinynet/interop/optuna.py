"""Searches with Optuna: bad trials end early, and a search outlives the process it runs in.

`PruningCallback` tells Optuna after every epoch how a trial is doing. `open_study` and `search`
keep a study in a database, where several processes or machines work on it at once and where a
trial whose process was killed is done again. Everything else is Optuna's own.
"""

from __future__ import annotations

import json
import random
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
import sqlalchemy
from optuna import distributions
from optuna.samplers import BaseSampler
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.study import Study, StudyDirection
from optuna.trial import BaseTrial, FrozenTrial, Trial, TrialState

from tinynet.callbacks.base import Logs
from tinynet.callbacks.monitors import MonitorCallback

__all__ = ["PruningCallback", "TrialSeededSampler", "open_study", "search", "suggest"]

Space = Mapping[str, distributions.BaseDistribution]
TrialCallback = Callable[[Study, FrozenTrial], None]

DESCRIPTION = "search"  # the user attribute in which a study says what it searches
MISSED = 3  # a process is given up for dead after so many heartbeats
POLL = 1.0  # seconds between two looks at what other processes do
LOCK_FILE = "BEGIN IMMEDIATE"  # SQLite's way to say: nobody else writes until this is done
ATTEMPTS = 8  # to find a new database's tables made, by this process or by another
RETRIES = 3  # a trial that kills its process again and again is not begun once more


class PruningCallback(MonitorCallback):
    """Report a figure to Optuna after every epoch, and end a trial that has no prospects.

    Training ends as `EarlyStopping` ends it: the epoch is in the history, other callbacks have
    closed their files. Then `fit` raises ``optuna.TrialPruned``, which belongs to Optuna and is
    not to be caught. The model can be used and trained further.

    Parameters
    ----------
    trial : optuna.trial.BaseTrial
        The trial given to the objective. With ``study.best_trial`` or a ``FixedTrial`` in its
        place nothing is reported and nothing ends.
    monitor : str
        Name of the figure in the logs.

    Raises
    ------
    ValueError
        Before training begins: if the logs will not have `monitor`, or if the study maximizes
        what should go down (the reverse as well), so that the best trials would be ended.
    RuntimeError
        If the study has several objectives, which no pruner can weigh.
    optuna.TrialPruned
        At the end of training, where the study's pruner has decided so.

    Notes
    -----
    Takes the place of ``optuna_integration.KerasPruningCallback``, which raises in the middle of
    ``on_epoch_end``, so that callbacks behind it never learn that training is over. Put this one
    last in the list all the same: those behind it are not told ``on_train_end``.

    What is reported goes straight to the study's storage, so pruners compare the trials of all
    processes. A storage keeps the first figure of an epoch: a second `fit` in the same trial
    that counts from epoch 0 again is not compared.

    Examples
    --------
    >>> import optuna
    >>> from tinynet.interop.optuna import PruningCallback
    >>> def objective(trial):
    ...     model = build(trial)
    ...     history = model.fit(x, y, validation_split=0.2, callbacks=[PruningCallback(trial)])
    ...     return max(history.history["val_accuracy"])
    >>> study = optuna.create_study(direction="maximize")
    >>> study.optimize(objective, n_trials=50)
    """

    def __init__(self, trial: BaseTrial, monitor: str = "val_accuracy") -> None:
        self.trial = trial
        self.pruned = False
        direction = trial.study.direction if isinstance(trial, Trial) else None
        self.study_minimizes = None if direction is None else direction == StudyDirection.MINIMIZE
        super().__init__(monitor, "min" if self.study_minimizes else "max")

    def set_params(self, params: dict[str, Any]) -> None:
        """Look whether there will be something to report, and whether the study wants it."""
        super().set_params(params)
        name = self.monitor.removeprefix("val_")
        metrics = self.model.figures.named
        if self.study_minimizes is None or (name != "loss" and name not in metrics):
            return
        goes_down = name == "loss" or metrics[name].direction == "down"
        if goes_down != self.study_minimizes:
            better, wanted = ("less", "minimize") if goes_down else ("more", "maximize")
            raise ValueError(
                f"PruningCallback: {better} {self.monitor!r} is better, but the study's direction "
                f"is {'minimize' if self.study_minimizes else 'maximize'!r}; create it with "
                f"direction={wanted!r}, or monitor another figure"
            )

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the last training."""
        self.pruned = False

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Report the figure, and ask whether to go on."""
        current = self.current(logs)
        if current is None:
            return
        self.trial.report(current, step=epoch)
        if self.trial.should_prune():
            self.pruned = True
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Tell Optuna that the trial ended early."""
        if self.pruned:
            epoch = self.model.history.epoch[-1] + 1
            raise optuna.TrialPruned(f"ended with epoch {epoch}: {self.monitor} had no prospects")


class TrialSeededSampler(BaseSampler):
    """Draw what a trial's number and one seed say, in whichever process the trial runs.

    A sampler with a seed of its own begins anew in every process: two machines, or a search
    that goes on after a stop, would draw the same parameters again. Here every trial has a fresh
    sampler, seeded with the pair of `seed` and the trial's number.

    Parameters
    ----------
    make : callable
        Takes an integer seed, returns a sampler: ``lambda seed: TPESampler(seed=seed)``.
    seed : int
    """

    def __init__(self, make: Callable[[int], BaseSampler], seed: int) -> None:
        self.make = make
        self.seed = seed
        self.sampler = make(seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Make the sampler of this trial."""
        sequence = np.random.SeedSequence([self.seed, trial.number])
        self.sampler = self.make(int(sequence.generate_state(1)[0]))
        self.sampler.before_trial(study, trial)

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, distributions.BaseDistribution]:
        """Return what that sampler draws together."""
        return self.sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, distributions.BaseDistribution],
    ) -> dict[str, Any]:
        """Draw these together."""
        return self.sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: distributions.BaseDistribution,
    ) -> Any:
        """Draw one parameter."""
        return self.sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Any) -> None:
        """Tell that sampler the outcome."""
        self.sampler.after_trial(study, trial, state, values)


def suggest(trial: BaseTrial, space: Space) -> dict[str, Any]:
    """Return a value for every parameter of a space, as the trial's ``suggest_*`` methods do.

    Parameters
    ----------
    trial : optuna.trial.BaseTrial
    space : dict of str to IntDistribution, FloatDistribution or CategoricalDistribution
        From ``optuna.distributions``.

    Returns
    -------
    dict of str to int, float or object

    Raises
    ------
    TypeError
        If a distribution is of another kind.
    """
    chosen: dict[str, Any] = {}
    for name, values in space.items():
        match values:
            case distributions.IntDistribution(low=low, high=high, step=step, log=log):
                chosen[name] = trial.suggest_int(name, low, high, step=step, log=log)
            case distributions.FloatDistribution(low=low, high=high, step=step, log=log):
                chosen[name] = trial.suggest_float(name, low, high, step=step, log=log)
            case distributions.CategoricalDistribution(choices=choices):
                chosen[name] = trial.suggest_categorical(name, choices)
            case _:
                raise TypeError(
                    f"space[{name!r}]: expected an IntDistribution, a FloatDistribution or a "
                    f"CategoricalDistribution of optuna.distributions, got {values!r}"
                )
    return chosen


def open_study(
    storage: str,
    name: str,
    space: Space,
    *,
    conditions: Mapping[str, Any] | None = None,
    direction: Literal["maximize", "minimize"] = "maximize",
    sampler: BaseSampler | None = None,
    pruner: optuna.pruners.BasePruner | None = None,
    heartbeat: int = 20,
) -> Study:
    """Make a study in a database, or go on with the one that is there.

    Parameters
    ----------
    storage : str
        Address of the database: ``"sqlite:///study.db"`` for a file on this machine,
        ``"postgresql+psycopg://user:password@host/database"`` for one that many machines share.
    name : str
        The study's name in it.
    space : dict of str to BaseDistribution
        What is searched, see `suggest`; kept in the study, so that nobody goes on with another.
    conditions : dict of str to object, optional
        What else all trials have to share to be compared (the data, the epochs, say); kept in
        the study as well. JSON has to be able to hold it.
    direction : {"maximize", "minimize"}
    sampler, pruner
        Optuna's default ones if not given. For a seed see `TrialSeededSampler`.
    heartbeat : int
        A running trial gives a sign of life every so many seconds. After three without one its
        process is taken for dead; the trial fails, and `search` does it again.

    Returns
    -------
    optuna.Study

    Raises
    ------
    ValueError
        If `storage` is no address, or if the study in it has another search space, other
        conditions or another direction.
    ImportError
        If the package that speaks with such a database is not installed.
    sqlalchemy.exc.SQLAlchemyError
        If the database cannot be reached.
    """
    wanted = description(space, conditions or {})
    study = optuna.create_study(
        storage=_shared_storage(storage, heartbeat),
        sampler=sampler,
        pruner=pruner,
        study_name=name,
        direction=direction,
        load_if_exists=True,
    )
    found = study.user_attrs.get(DESCRIPTION)
    if found is None and not study.get_trials(deepcopy=False):
        study.set_user_attr(DESCRIPTION, wanted)
        found = wanted
    differences = _differences(found or {}, wanted)
    if study.direction.name.lower() != direction:
        differences.append(f"direction: {study.direction.name.lower()} there, {direction} here")
    if differences:
        raise ValueError(
            f"study {name!r} in this storage is of another search:\n  "
            + "\n  ".join(differences)
            + "\nIts trials cannot be compared with those of this search; choose another name "
            "for the study, or another storage."
        )
    return study


def description(space: Space, conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a study searches, in JSON's types, as it comes back from a database."""
    said: dict[str, Any] = json.loads(json.dumps(dict(conditions)))
    for name, values in space.items():
        said[name] = json.loads(distributions.distribution_to_json(values))["attributes"]
    return said


def _differences(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Return a line for every entry in which two descriptions differ."""
    return [
        f"{name}: {_said(found, name)} there, {_said(wanted, name)} here"
        for name in {**found, **wanted}
        if name not in found or name not in wanted or found[name] != wanted[name]
    ]


def _said(description: dict[str, Any], name: str) -> str:
    if name not in description:
        return "nothing"
    said = description[name]
    if not isinstance(said, dict):
        return repr(said)
    if "choices" in said:
        return f"one of {said['choices']}"
    return f"{said['low']} to {said['high']}" + "".join(
        f", {option} {said[option]}" for option in ("step", "log") if said.get(option)
    )


def search(
    study: Study,
    objective: Callable[[Trial], float],
    n_trials: int,
    callbacks: Sequence[TrialCallback] = (),
) -> None:
    """Make trials until the study has so many that were finished, whoever made them.

    Any number of processes may do this with one study of `open_study` at the same time; each
    takes the next trial. Nothing is finished twice: whoever finds no trial left to begin waits
    for the others, and takes over the trials of those that die.

    Parameters
    ----------
    study : optuna.Study
        From `open_study`.
    objective : callable
        Takes a trial, returns its figure.
    n_trials : int
        How many trials the study has in the end, complete or pruned, those that it had before
        and those of other processes included. Two processes that begin a trial in the very same
        moment may make it one more.
    callbacks : sequence of callable, optional
        Called with the study and the finished trial after every trial of this process.

    Raises
    ------
    ValueError
        If `n_trials` is not positive.
    Exception
        What `objective` raises; its trial is marked as failed, and not done again.

    Notes
    -----
    A trial whose process was killed is begun anew with the same parameters under the next free
    number, and so is one interrupted at the keyboard; its system attribute ``failed_trial`` says
    which one it takes up. After three new attempts it is left as failed, and another is drawn. A
    process that was only asleep drops its own attempt when it wakes.

    ``study.stop`` only ends Optuna's own loop; to end the search earlier, raise an exception.
    """
    if isinstance(n_trials, bool) or not isinstance(n_trials, int) or n_trials < 1:
        raise ValueError(f"n_trials: expected a positive integer, got {n_trials!r}")
    seen: set[int] = set()
    while True:
        with _experiments():
            optuna.storages.fail_stale_trials(study)
        trials = study.get_trials(deepcopy=False)
        finished = sum(each.state in (TrialState.COMPLETE, TrialState.PRUNED) for each in trials)
        running = [each for each in trials if each.state == TrialState.RUNNING]
        if finished + len(running) < n_trials or any(map(_is_retry_in_queue, trials)):
            _make_one_trial(study, objective, callbacks)
            continue
        if finished >= n_trials:
            return
        if not seen:
            print(f"{len(running)} still to come from other processes: waiting")
        for number in {each.number for each in running} - seen:
            _give_first_heartbeat(study, number)
            seen.add(number)
        time.sleep(POLL)


def _is_retry_in_queue(trial: FrozenTrial) -> bool:
    """Return whether a trial takes up one that was lost, and waits to be begun."""
    return trial.state == TrialState.WAITING and bool(_retried(trial))


def _make_one_trial(
    study: Study, objective: Callable[[Trial], float], callbacks: Sequence[TrialCallback]
) -> None:
    """Make a trial; one that is stopped at the keyboard gets a second chance."""
    number = -1

    def attempt(trial: Trial) -> float:
        nonlocal number
        number = trial.number
        try:
            return objective(trial)
        except KeyboardInterrupt:
            _begin_again(study, study.get_trials()[number])
            raise

    try:
        study.optimize(attempt, 1, callbacks=callbacks)
    except Exception:  # Optuna says in several ways that a trial is no longer ours
        if not any(number in _retried(each) for each in study.get_trials(deepcopy=False)):
            raise
        print(f"trial {number} was given to another process: this one showed no sign of life")


def _retried(trial: FrozenTrial) -> list[int]:
    """Return the numbers of the trials that a trial takes up."""
    history: list[int] = trial.system_attrs.get("retry_history", [])
    return history


def _begin_again(study: Study, trial: FrozenTrial) -> None:
    """Put a trial that did not end into the queue once more, unless that has not helped before."""
    with _experiments():
        RetryHeartbeatStaleTrialCallback(max_retry=RETRIES)(study, trial)


def _give_first_heartbeat(study: Study, number: int) -> None:
    """Let a running trial count as alive from now on, whose process may have died at its birth.

    Optuna takes a trial for dead when its last heartbeat is old, so one whose process was killed
    before the first would run for ever. A process that is alive goes on with its own.
    """
    storage = study._storage
    assert isinstance(storage, BaseHeartbeat)
    storage.record_heartbeat(study.get_trials(deepcopy=False)[number]._trial_id)


@contextmanager
def _experiments() -> Iterator[None]:
    """Keep quiet about what Optuna calls experimental: that it may change is why it is pinned."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def _shared_storage(address: str, heartbeat: int) -> RDBStorage:
    """Return the database at an address, ready for several processes."""
    try:
        url = sqlalchemy.make_url(address)
        is_sqlite = url.get_backend_name() == "sqlite"
        url.get_dialect()
    except sqlalchemy.exc.ArgumentError as error:
        raise ValueError(
            "storage: expected the address of a database, such as sqlite:///study.db or "
            f"postgresql+psycopg://user:password@host/database, got {address!r} ({error})"
        ) from None
    if is_sqlite:
        _check_file(url.database or ":memory:")
    # A file is locked for moments, a connection over the network may break overnight.
    options = {"connect_args": {"timeout": 60}} if is_sqlite else {"pool_pre_ping": True}
    storage = _with_tables(address, options, heartbeat)
    if is_sqlite:
        # Optuna looks at a row and then changes it, and trusts that the database has locked the
        # row meanwhile. SQLite locks no rows: two processes would take the same trial.
        sqlalchemy.event.listen(
            storage.engine, "begin", lambda connection: connection.exec_driver_sql(LOCK_FILE)
        )
    return storage


def _with_tables(address: str, options: dict[str, Any], heartbeat: int) -> RDBStorage:
    """Return Optuna's storage, whose tables another process may be making at this moment."""
    for attempt in range(ATTEMPTS):
        try:
            with _experiments():
                return RDBStorage(
                    address,
                    options,
                    heartbeat_interval=heartbeat,
                    grace_period=MISSED * heartbeat,
                    heartbeat_stale_trial_callback=_begin_again,
                )
        except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError):
            if attempt == ATTEMPTS - 1:
                raise
        time.sleep(random.SystemRandom().uniform(0, 0.4))  # so that they do not meet once more
    raise AssertionError("not reached")


def _check_file(path: str) -> None:
    if path == ":memory:":
        raise ValueError(
            "storage: expected a database that outlives this process, got SQLite's in memory; "
            "name a file: sqlite:///study.db"
        )
    folder = Path(path).parent
    if not path.startswith("file:") and not folder.is_dir():
        raise FileNotFoundError(f"storage: there is no folder {str(folder)!r} for {path!r}")
