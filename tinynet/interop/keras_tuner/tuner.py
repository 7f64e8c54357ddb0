"""What all tuners do: they build models, train them, keep the weights, and say which were best."""

from __future__ import annotations

import copy
import os
import shutil
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna

from tinynet import utils
from tinynet.callbacks import Callback, ModelCheckpoint
from tinynet.callbacks.base import as_list
from tinynet.checks import integer
from tinynet.interop.keras_tuner.hyperparameters import HyperParameters
from tinynet.interop.keras_tuner.oracle import Oracle, Trial
from tinynet.interop.keras_tuner.scores import score_of
from tinynet.terminal import say
from tinynet.training import Trainer

Model = Any  # of tinynet's; a function of the user's makes it


class HyperModel:
    """Builds a model from hyperparameters, and may say how it is trained.

    Parameters
    ----------
    name : str, optional
    tunable : bool
        If False, all hyperparameters keep their defaults.
    """

    def __init__(self, name: str | None = None, tunable: bool = True) -> None:
        self.name = name
        self.tunable = tunable

    def build(self, hp: HyperParameters) -> Model:
        """Return a compiled model; a subclass says which."""
        raise NotImplementedError("a HyperModel needs a method build(self, hp)")

    def fit(self, hp: HyperParameters, model: Model, *args: Any, **kwargs: Any) -> Any:
        """Train a model with the arguments of `Tuner.search` and callbacks of the tuner's.

        Returns
        -------
        History, dict of str to float, or float
            With the objective in it, or the objective itself.
        """
        return model.fit(*args, **kwargs)


class _Built(HyperModel):
    """Builds a model with a function."""

    def __init__(self, function: Callable[[HyperParameters], Model]) -> None:
        super().__init__()
        self.function = function

    def build(self, hp: HyperParameters) -> Model:
        """Return what the function returns."""
        return self.function(hp)


class Tuner:
    """What the tuners have in common; they differ in the sampler, and `Hyperband` ends trials.

    Parameters
    ----------
    oracle : Oracle
    hypermodel : HyperModel or callable
        Takes `HyperParameters`, returns a compiled model.
    executions_per_trial : int
        How often each model is trained, from new initial weights; the score is the mean.
    max_retries_per_trial : int
        How often a trial that raises an error is tried again.
    max_consecutive_failed_trials : int
        After how many such trials in a row the search ends with an error.
    directory : path, optional
        By default the current folder.
    project_name : str, optional
        The folder in it where the trials are: ``trials.json``, and the weights of each in
        ``trial_<id>/checkpoint.safetensors``.
    overwrite : bool
        Whether to delete what is in that folder. Otherwise the search there is continued.

    Raises
    ------
    TypeError
        If `hypermodel` cannot build a model.
    ValueError
        If the folder has trials of another search.
    """

    def __init__(
        self,
        oracle: Oracle,
        hypermodel: HyperModel | Callable[[HyperParameters], Model],
        executions_per_trial: int = 1,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        directory: str | os.PathLike[str] | None = None,
        project_name: str | None = None,
        overwrite: bool = False,
    ) -> None:
        if not isinstance(hypermodel, HyperModel):
            if not callable(hypermodel):
                raise TypeError(
                    f"hypermodel: expected a function that takes hp and returns a model, or a "
                    f"HyperModel, got {hypermodel!r}"
                )
            hypermodel = _Built(hypermodel)
        self.hypermodel = hypermodel
        self.oracle = oracle
        self.executions_per_trial = integer("executions_per_trial", executions_per_trial)
        self.max_retries = integer("max_retries_per_trial", max_retries_per_trial, 0)
        self.max_failures = integer("max_consecutive_failed_trials", max_consecutive_failed_trials)
        self.project_dir = Path(directory or ".") / (project_name or "untitled_project")
        self._explore()
        file = self.project_dir / "trials.json"
        if overwrite and file.exists():  # only what a tuner has made is deleted
            shutil.rmtree(self.project_dir)
        self.project_dir.mkdir(parents=True, exist_ok=True)
        oracle.path = file
        if file.exists():
            oracle.reload()
            say(f"{len(oracle.trials)} trials found in {self.project_dir}")

    # The search.

    def search(self, *args: Any, **kwargs: Any) -> None:
        """Try models until there have been enough, or no other values are found.

        Parameters
        ----------
        *args, **kwargs
            Those of the model's `fit`: x, y, epochs, validation_data or validation_split,
            callbacks. With ``verbose=0`` the tuner says nothing, either.

        Raises
        ------
        RuntimeError
            If too many trials in a row have failed.
        """
        loud = kwargs.get("verbose", "auto") != 0
        failures = 0
        while (trial := self.oracle.create_trial()) is not None:
            error = self._try(trial, args, kwargs)
            self.oracle.end_trial(trial)
            failures = 0 if error is None else failures + 1
            if failures >= self.max_failures:
                raise RuntimeError(f"{failures} trials in a row have failed; the last: {error!r}")
            if loud:
                self._report(trial)

    def run_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        """Train a trial's model as often as asked for; a subclass may change the arguments.

        Returns
        -------
        list of History, dict or float
            One for each execution.
        """
        objective = self.oracle.objective
        best = ModelCheckpoint(
            self._weights(trial),
            objective.name,
            mode=objective.direction,
            save_best_only=True,
            save_weights_only=True,
        )
        callbacks = as_list(kwargs.pop("callbacks", None))
        results: list[Any] = []
        for number in range(self.executions_per_trial):
            own = [*copy.deepcopy(callbacks), best, *self.further_callbacks(trial, number)]
            model = self._build(trial.hyperparameters)
            try:
                results.append(
                    self.hypermodel.fit(
                        trial.hyperparameters, model, *args, callbacks=own, **kwargs
                    )
                )
            except optuna.TrialPruned:
                trial.was_pruned = True
                results.append(model.history)
            trial.sample_shape = model.sample_shape
            if trial.was_pruned:
                break
        return results

    def further_callbacks(self, trial: Trial, execution: int) -> list[Callback]:
        """Return what else watches a trial."""
        return []

    def _try(self, trial: Trial, args: Any, kwargs: dict[str, Any]) -> Exception | None:
        """Run a trial, again if it fails; return the error if it has failed for good."""
        for attempt in range(self.max_retries + 1):
            try:
                result = self.run_trial(trial, *args, **copy.copy(kwargs))
                trial.score, trial.best_step = score_of(result, self.oracle.objective)
            except Exception as error:
                traceback.print_exc()
                if attempt == self.max_retries:
                    return error
            else:
                break
        return None

    def _report(self, trial: Trial) -> None:
        name = self.oracle.objective.name
        say(f"\nTrial {len(self.oracle.trials)} of at most {self.oracle.max_trials} complete")
        say(f"{name}: {trial.score}")
        for best in self.oracle.get_best_trials(1):
            say(f"Best {name} so far: {best.score}")

    # The results.

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[HyperParameters]:
        """Return the values of the best trials, the best first; `hypermodel.build` takes them."""
        return [each.hyperparameters.copy() for each in self.oracle.get_best_trials(num_trials)]

    def get_best_models(self, num_models: int = 1) -> list[Model]:
        """Return the models of the best trials, each with the weights of its best epoch.

        Raises
        ------
        FileNotFoundError
            If a trial has no weights, because `HyperModel.fit` has not given the tuner's callbacks
            to the model.
        """
        models = []
        for trial in self.oracle.get_best_trials(num_models):
            model = self._build(trial.hyperparameters.copy())
            model.ensure_built(_shape(trial.sample_shape))
            model.load_weights(self._weights(trial))
            models.append(model)
        return models

    def search_space_summary(self, extended: bool = False) -> None:
        """Print what is searched."""
        space = self.oracle.get_space().space
        print("Search space summary")
        print(f"Default search space size: {len(space)}")
        for entry in space:
            print(f"{entry.name} ({type(entry).__name__})")
            print(entry.get_config())

    def results_summary(self, num_trials: int = 10) -> None:
        """Print the best trials, with their values and scores."""
        print("Results summary")
        print(f"Results in {self.project_dir}")
        print(f"Showing {num_trials} best trials")
        print(self.oracle.objective)
        for trial in self.oracle.get_best_trials(num_trials):
            print()
            trial.summary()

    @property
    def remaining_trials(self) -> int:
        """How many trials are left."""
        return self.oracle.remaining_trials()

    # Models.

    def _explore(self) -> None:
        """Build models with default values until every condition has held, if it can."""
        if not self.hypermodel.tunable:
            self.oracle.tune_new_entries = False
        wanted: list[dict[str, Any]] = [{}]
        seen: list[dict[str, Any]] = []
        while wanted:
            values = wanted.pop(0)
            if values in seen:
                continue
            seen.append(values)
            hp = self.oracle.get_space()
            hp.values = dict(values)
            self._build(hp)
            self.oracle.update_space(hp)
            for conditions in hp.scopes:
                held = {each.name: each.values[0] for each in conditions}
                if not all(each.holds(hp.values) for each in conditions) and held not in seen:
                    wanted.append(held)

    def _build(self, hp: HyperParameters) -> Model:
        utils.clear_session()
        model = self.hypermodel.build(hp)
        if not isinstance(model, Trainer):
            raise TypeError(f"hypermodel: expected it to build a model, got {model!r}")
        return model

    def _weights(self, trial: Trial) -> Path:
        return self.project_dir / f"trial_{trial.trial_id}" / "checkpoint.safetensors"


def _shape(written: Any) -> Any:
    """Return a model's sample shape as it was before JSON: tuples, or a list of them."""
    return (
        [tuple(each) for each in written]
        if any(isinstance(each, (list, tuple)) for each in written)
        else tuple(written)
    )
