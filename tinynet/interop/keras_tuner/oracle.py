"""Which values to try next, and what became of those that were tried."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from optuna import distributions
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from tinynet import metrics
from tinynet.files import write_atomically
from tinynet.interop.keras_tuner.hyperparameters import HyperParameters
from tinynet.interop.keras_tuner.kinds import HyperParameter
from tinynet.interop.optuna.sampling import TrialSeededSampler, suggest

COMPLETED, FAILED, RUNNING = "COMPLETED", "INVALID", "RUNNING"
COLLISIONS = 20  # draws of what has been tried already, in a row, until the search ends


@dataclass(frozen=True)
class Objective:
    """What is searched for: the name of a number in the logs, and its better direction.

    Parameters
    ----------
    name : str
        Such as "val_accuracy".
    direction : {"min", "max"}

    Raises
    ------
    ValueError
        If the direction is another.
    """

    name: str
    direction: str

    def __post_init__(self) -> None:
        if self.direction not in ("min", "max"):
            raise ValueError(f"direction: expected 'min' or 'max', got {self.direction!r}")

    def __str__(self) -> str:
        return f'Objective(name="{self.name}", direction="{self.direction}")'

    def better(self, a: float, b: float) -> bool:
        """Return whether `a` is better than `b`."""
        return a < b if self.direction == "min" else a > b


def objective_of(given: Any) -> Objective:
    """Return an objective for what a tuner was given; its direction may be known by the name.

    Raises
    ------
    ValueError
        If it is not.
    """
    if isinstance(given, Objective):
        return given
    if given is None:
        return Objective("default_objective", "min")
    if not isinstance(given, str):
        raise ValueError(
            f"objective: expected a name such as 'val_accuracy' or one Objective, got {given!r}"
        )
    name = given.removeprefix("val_")
    if name == "loss":
        return Objective(given, "min")
    try:
        goes = metrics.metric_of(name).direction
    except ValueError:
        goes = ""
    if goes not in ("up", "down"):
        raise ValueError(
            f"objective: cannot tell whether a higher or a lower {given!r} is better; write "
            f'Objective("{given}", direction="max") or "min"'
        )
    return Objective(given, "max" if goes == "up" else "min")


@dataclass
class Trial:
    """One set of values, and what came of it.

    Attributes
    ----------
    trial_id : str
    hyperparameters : HyperParameters
    score : float or None
        The best value of the objective, as the mean of all executions.
    best_step : int
        The epoch of the weights that were kept, counted from 0.
    status : str
    sample_shape : list of int or None
        What the model was trained on; it is built with it again.
    """

    trial_id: str
    hyperparameters: HyperParameters
    score: float | None = None
    best_step: int = 0
    status: str = RUNNING
    sample_shape: Any = None
    optuna: Any = field(default=None, repr=False)
    was_pruned: bool = False

    def summary(self) -> None:
        """Print the values and the score."""
        print(f"Trial {self.trial_id} summary")
        print("Hyperparameters:")
        for name, value in self.hyperparameters.values.items():
            print(f"{name}: {value}")
        if not self.hyperparameters.values:
            print("default configuration")
        print(f"Score: {self.score}")


class Oracle:
    """Draws values for the trials, and keeps the results.

    Parameters
    ----------
    objective : Objective
    max_trials : int
    sampler : callable
        Takes a seed, returns one of Optuna's samplers.
    seed : int, optional
    hyperparameters : HyperParameters, optional
        What stands in for entries of the same name.
    tune_new_entries, allow_new_entries : bool
        Whether others are searched, or keep their defaults; whether there may be any.
    pruner : optuna.pruners.BasePruner, optional

    Attributes
    ----------
    trials : dict of str to Trial
        By their ids, without those that repeated another.
    """

    def __init__(
        self,
        objective: Objective,
        max_trials: int,
        sampler: Callable[[int], BaseSampler],
        seed: int | None,
        hyperparameters: HyperParameters | None,
        tune_new_entries: bool,
        allow_new_entries: bool,
        pruner: BasePruner | None = None,
    ) -> None:
        self.objective = objective
        self.max_trials = max_trials
        self.tune_new_entries = tune_new_entries
        self.allow_new_entries = allow_new_entries
        self.given = hyperparameters.copy() if hyperparameters else HyperParameters()
        self.space = self.given.copy()
        self.trials: dict[str, Trial] = {}
        self.path: Path | None = None
        self.seed = random.SystemRandom().randrange(2**31) if seed is None else seed
        self.sampler = TrialSeededSampler(sampler, self.seed)
        self.study = optuna.create_study(
            direction="minimize" if objective.direction == "min" else "maximize",
            sampler=self.sampler,
            pruner=pruner or optuna.pruners.NopPruner(),
            study_name="search",
        )

    def get_space(self) -> HyperParameters:
        """Return what is known to be searched, without values."""
        space = self.space.copy()
        space.values = {}
        return space

    def update_space(self, found: HyperParameters) -> None:
        """Add what a model has asked for.

        Raises
        ------
        RuntimeError
            If there is something new, and `allow_new_entries` is False.
        """
        for entry in found.space:
            if self.space.find(entry) is not None:
                continue
            if not self.allow_new_entries:
                raise RuntimeError(
                    f"allow_new_entries=False, but the model asks for {entry.name!r}, which is "
                    f"not in hyperparameters"
                )
            self.space.space.append(entry)

    def remaining_trials(self) -> int:
        """Return how many trials are left."""
        return max(self.max_trials - len(self.trials), 0)

    def create_trial(self) -> Trial | None:
        """Draw values that have not been tried; None if there are enough, or none are found."""
        for _ in range(COLLISIONS if self.remaining_trials() else 0):
            drawn = self.study.ask()
            values = self.get_space()
            values.draw = partial(self._draw, drawn)
            for entry in values.space:
                values.value_of(entry)
            tried = [each.hyperparameters.values for each in self.trials.values()]
            if values.values not in tried:
                width = len(str(self.max_trials))
                return Trial(f"{len(self.trials):0{width}}", values, optuna=drawn)
            self.study.tell(drawn, state=TrialState.FAIL)
        return None

    def _draw(self, trial: optuna.Trial, entry: HyperParameter) -> Any:
        distribution = entry.distribution()
        new = entry.name not in {each.name for each in self.given.space}
        if distribution is None or (new and not self.tune_new_entries):
            return entry.default
        return entry.value(suggest(trial, {entry.key: distribution})[entry.key])

    def end_trial(self, trial: Trial) -> None:
        """Keep a trial with its score, or as failed, and write all to the project's file."""
        trial.hyperparameters.draw = None
        trial.status = FAILED if trial.score is None else COMPLETED
        if trial.score is None:
            self.study.tell(trial.optuna, state=TrialState.FAIL)
        elif trial.was_pruned:
            self.study.tell(trial.optuna, state=TrialState.PRUNED)
        else:
            self.study.tell(trial.optuna, trial.score)
        self.trials[trial.trial_id] = trial
        self.update_space(trial.hyperparameters)
        self.save()

    def get_trial(self, trial_id: str) -> Trial:
        """Return a trial by its id."""
        return self.trials[trial_id]

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """Return the trials with the best scores, the best first."""
        done = [each for each in self.trials.values() if each.score is not None]
        sign = 1 if self.objective.direction == "min" else -1
        return sorted(done, key=lambda each: sign * (each.score or 0.0))[:num_trials]

    # The project's file.

    def save(self) -> None:
        """Write the trials to the project's file, if there is one."""
        if self.path is None:
            return
        numbers = {each.optuna.number: each for each in self.trials.values() if each.optuna}
        written = {
            "objective": [self.objective.name, self.objective.direction],
            "seed": self.seed,
            "trials": [
                {"drawn": _drawn(each), "result": _result(numbers.get(each.number))}
                for each in self.study.get_trials(deepcopy=False)
                if each.state.is_finished()
            ],
        }
        write_atomically(self.path, json.dumps(written, indent=1))

    def reload(self) -> None:
        """Take up the trials of the project's file.

        Raises
        ------
        ValueError
            If they are those of another objective.
        """
        assert self.path is not None
        found = json.loads(self.path.read_text(encoding="utf-8"))
        if found["objective"] != [self.objective.name, self.objective.direction]:
            raise ValueError(
                f"{self.path} has trials for the objective {found['objective']}, this search is "
                f"for {self.objective}; give it another project_name, or overwrite=True"
            )
        self.seed = self.sampler.seed = found["seed"]
        for each in found["trials"]:
            self.study.add_trial(_frozen(each["drawn"]))
            if each["result"] is not None:
                trial = Trial(**{**each["result"], "hyperparameters": self.get_space()})
                trial.hyperparameters.values = each["result"]["hyperparameters"]
                trial.optuna = self.study.get_trials(deepcopy=False)[-1]
                self.trials[trial.trial_id] = trial


def _drawn(trial: FrozenTrial) -> dict[str, Any]:
    """Return what Optuna has to know of a trial, as plain values."""
    return {
        "state": trial.state.name,
        "value": trial.value,
        "params": trial.params,
        "distributions": {
            name: distributions.distribution_to_json(each)
            for name, each in trial.distributions.items()
        },
        "reports": [[step, value] for step, value in trial.intermediate_values.items()],
    }


def _frozen(drawn: dict[str, Any]) -> FrozenTrial:
    """Return Optuna's trial for what `_drawn` has written."""
    return optuna.trial.create_trial(
        state=TrialState[drawn["state"]],
        value=drawn["value"],
        params=drawn["params"],
        distributions={
            name: distributions.json_to_distribution(each)
            for name, each in drawn["distributions"].items()
        },
        intermediate_values={int(step): value for step, value in drawn["reports"]},
    )


def _result(trial: Trial | None) -> dict[str, Any] | None:
    """Return a trial as plain values; None for draws that were tried before."""
    if trial is None:
        return None
    return {
        "trial_id": trial.trial_id,
        "hyperparameters": trial.hyperparameters.values,
        "score": trial.score,
        "best_step": trial.best_step,
        "status": trial.status,
        "sample_shape": trial.sample_shape,
    }
