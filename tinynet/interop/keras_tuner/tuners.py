"""The tuners: how each draws its models, and `Hyperband`, which ends trials as well."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import optuna
from optuna.samplers import RandomSampler, TPESampler

from tinynet.callbacks import Callback
from tinynet.checks import integer
from tinynet.interop.keras_tuner.hyperparameters import HyperParameters
from tinynet.interop.keras_tuner.oracle import Objective, Oracle, Trial, objective_of
from tinynet.interop.keras_tuner.tuner import HyperModel, Model, Tuner
from tinynet.interop.optuna.pruning import PruningCallback


class RandomSearch(Tuner):
    """Draws every model at random, none twice.

    Parameters
    ----------
    hypermodel : HyperModel or callable
    objective : str or Objective
        What to improve: "val_accuracy", or ``Objective("val_f1", "max")`` where the better
        direction cannot be told from the name.
    max_trials : int
        Fewer if the space has no other values left.
    seed : int, optional
        Of the draws. The initial weights depend on `set_random_seed`.
    hyperparameters : HyperParameters, optional
        Entries that stand in for those of the same name that the model asks for.
    tune_new_entries : bool
        Whether others are searched; if not, they keep their defaults.
    allow_new_entries : bool
        Whether the model may ask for others.
    **kwargs
        See `Tuner`.

    Raises
    ------
    ValueError
        If the objective's direction is not known.
    """

    def __init__(
        self,
        hypermodel: HyperModel | Callable[[HyperParameters], Model],
        objective: str | Objective | None = None,
        max_trials: int = 10,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        **kwargs: Any,
    ) -> None:
        oracle = Oracle(
            objective_of(objective),
            integer("max_trials", max_trials),
            lambda seed: RandomSampler(seed),
            seed,
            hyperparameters,
            tune_new_entries,
            allow_new_entries,
        )
        super().__init__(oracle, hypermodel, **kwargs)


class BayesianOptimization(Tuner):
    """Draws the first models at random, the later ones where the results so far are good.

    Parameters
    ----------
    hypermodel, objective, max_trials, seed, hyperparameters, tune_new_entries, allow_new_entries
        See `RandomSearch`.
    num_initial_points : int, optional
        How many models are drawn at random; by default 10.
    **kwargs
        See `Tuner`.

    Notes
    -----
    Keras Tuner fits a Gaussian process to the results; this is Optuna's tree-structured Parzen
    estimator, so there is no ``alpha`` and no ``beta``.
    """

    def __init__(
        self,
        hypermodel: HyperModel | Callable[[HyperParameters], Model],
        objective: str | Objective | None = None,
        max_trials: int = 10,
        num_initial_points: int | None = None,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        **kwargs: Any,
    ) -> None:
        first = 10 if num_initial_points is None else num_initial_points
        first = integer("num_initial_points", first)
        oracle = Oracle(
            objective_of(objective),
            integer("max_trials", max_trials),
            lambda seed: TPESampler(n_startup_trials=first, seed=seed),
            seed,
            hyperparameters,
            tune_new_entries,
            allow_new_entries,
        )
        super().__init__(oracle, hypermodel, **kwargs)


class Hyperband(Tuner):
    """Draws models at random, trains all for a few epochs, and only the better ones for more.

    Parameters
    ----------
    hypermodel, objective, seed, hyperparameters, tune_new_entries, allow_new_entries
        See `RandomSearch`.
    max_epochs : int
        How long a model is trained that is never ended; it takes the place of fit's ``epochs``.
    factor : int
        About one model in so many goes on, each time for so many times more epochs.
    hyperband_iterations : int
        How often as many models are drawn.
    **kwargs
        See `Tuner`.

    Notes
    -----
    Li and others, "Hyperband: a novel bandit-based approach to hyperparameter optimization",
    Journal of Machine Learning Research 18 (2018), in the form of Optuna's ``HyperbandPruner``: a
    trial is a model, which is trained on, or ended after an epoch. In Keras Tuner every round of a
    model is a trial of its own, and waits for the others of its round. As many models are drawn.
    """

    def __init__(
        self,
        hypermodel: HyperModel | Callable[[HyperParameters], Model],
        objective: str | Objective | None = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: int = 1,
        seed: int | None = None,
        hyperparameters: HyperParameters | None = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        **kwargs: Any,
    ) -> None:
        self.max_epochs = integer("max_epochs", max_epochs)
        factor = integer("factor", factor, 2)
        iterations = integer("hyperband_iterations", hyperband_iterations)
        oracle = Oracle(
            objective_of(objective),
            iterations * models_of_hyperband(self.max_epochs, factor),
            lambda seed: RandomSampler(seed),
            seed,
            hyperparameters,
            tune_new_entries,
            allow_new_entries,
            optuna.pruners.HyperbandPruner(1, self.max_epochs, factor),
        )
        super().__init__(oracle, hypermodel, **kwargs)

    def run_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        """Train a trial's model for at most `max_epochs`."""
        return super().run_trial(trial, *args, **{**kwargs, "epochs": self.max_epochs})

    def further_callbacks(self, trial: Trial, execution: int) -> list[Callback]:
        """Return what ends a trial; the first execution decides for all."""
        if execution > 0:
            return []
        return [PruningCallback(trial.optuna, self.oracle.objective.name)]


def models_of_hyperband(max_epochs: int, factor: int) -> int:
    """Return how many models the brackets of one iteration begin with, together."""
    brackets = math.floor(math.log(max_epochs, factor) + 1e-9) + 1
    last = math.ceil(1 + math.log(max_epochs, factor) - 1e-9)
    return sum(math.ceil(last / (each + 1) * factor**each) for each in range(brackets))
