"""Searches with Optuna: bad trials end early, and a search outlives the process it runs in.

`PruningCallback` tells Optuna after every epoch how a trial is doing. `open_study` and `search`
keep a study in a database, where several processes or machines work on it at once and where a
trial whose process was killed is run again. Everything else is Optuna's own.
"""

from tinynet.interop.optuna.pruning import PruningCallback
from tinynet.interop.optuna.sampling import TrialSeededSampler, suggest
from tinynet.interop.optuna.searching import search
from tinynet.interop.optuna.studies import open_study

__all__ = ["PruningCallback", "TrialSeededSampler", "open_study", "search", "suggest"]
