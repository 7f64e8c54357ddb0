"""Searches written for Keras Tuner, done by Optuna.

The names are those of Keras Tuner 1.4 (https://keras.io/keras_tuner/): a function or a `HyperModel`
builds a model from the `HyperParameters` that it is given, and a tuner tries models until there
have been enough. Where to look next is Optuna's decision, so the trials are others than Keras
Tuner's, even from the same seed.
"""

from tinynet.interop.keras_tuner.hyperparameters import HyperParameters
from tinynet.interop.keras_tuner.oracle import Objective, Trial
from tinynet.interop.keras_tuner.tuner import HyperModel, Tuner
from tinynet.interop.keras_tuner.tuners import BayesianOptimization, Hyperband, RandomSearch

__all__ = [
    "BayesianOptimization",
    "HyperModel",
    "HyperParameters",
    "Hyperband",
    "Objective",
    "RandomSearch",
    "Trial",
    "Tuner",
]
