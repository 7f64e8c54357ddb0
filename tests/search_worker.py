"""A process that works on a study: python -m tests.search_worker STORAGE N_TRIALS PAUSE.

It prints a line for every trial that it begins. In the trial that is its PAUSE-th it says so, and
waits for a line on its standard input.
"""

import json
import sys

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from tinynet.interop.optuna import open_study, search, suggest

SPACE = {
    "units": IntDistribution(1, 100),
    "rate": FloatDistribution(1e-4, 1.0, log=True),
    "activation": CategoricalDistribution(["relu", "tanh"]),
}
NAME = "shared"


def work(storage: str, n_trials: int, pause: int) -> None:
    """Make trials until there are so many."""
    begun = 0

    def objective(trial: optuna.Trial) -> float:
        nonlocal begun
        begun += 1
        choice = suggest(trial, SPACE)
        said = {"number": trial.number, "params": choice, "pauses": begun == pause}
        print(json.dumps(said), flush=True)
        if begun == pause:
            sys.stdin.readline()
        return float(choice["units"])

    search(open_study(storage, NAME, SPACE, heartbeat=1), objective, n_trials)


if __name__ == "__main__":
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
