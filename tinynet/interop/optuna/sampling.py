"""What a trial tries: its parameters, drawn with a seed of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from optuna import distributions
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import BaseTrial, FrozenTrial, TrialState

Space = Mapping[str, distributions.BaseDistribution]


class TrialSeededSampler(BaseSampler):
    """Draw what one seed and a trial's number determine, in whichever process the trial runs.

    A sampler with a fixed seed starts over in every process: two machines, or a search that
    continues after a stop, would draw the same parameters again. Here every trial has a fresh
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
