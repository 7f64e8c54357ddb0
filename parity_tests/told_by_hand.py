"""Training runs in which nothing is trained: callbacks are told what fit would tell them.

The logs of the epochs are given, so a callback sees any sequence of values within milliseconds, and
the callbacks of both libraries see the same.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from parity_tests.both import make_both

STEPS = 3  # batches per epoch


@functools.cache
def small_models() -> tuple[Any, Any]:
    """Return a small compiled model of each library, whose weights and metrics have been built."""
    made = make_both("keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])")
    for model in made:
        model.compile("sgd", "mean_squared_error", metrics=["accuracy", "mae"])
        model.test_on_batch(np.zeros((1, 1)), np.zeros((1, 1)))
    return made


def epochs_of(figures: Sequence[float | None], name: str) -> list[dict[str, float]]:
    """Return the logs of epochs in which a value is one of these, or missing if it is None."""
    return [{"loss": 1.0} if each is None else {"loss": 1.0, name: each} for each in figures]


def tell_training(
    callback: Any, model: Any, logs_of_epochs: Sequence[dict[str, float]], first_epoch: int = 0
) -> Iterator[tuple[int, dict[str, Any], bool]]:
    """Tell a callback about a training run with these logs, until it stops the run.

    The model's weights are the number of the epoch. The logs of a batch are those of its epoch.

    Yields
    ------
    epoch : int
    logs : dict
        Of the epoch, with what the callback has added.
    warned : bool
        Whether the callback gave a warning.
    """
    callback.set_model(model)
    last_epoch = first_epoch + len(logs_of_epochs)
    callback.set_params({"verbose": 0, "epochs": last_epoch, "steps": STEPS})
    model.stop_training = False
    callback.on_train_begin({})
    logs: dict[str, Any] = {}
    for epoch, given in enumerate(logs_of_epochs, first_epoch):
        logs = dict(given)
        model.set_weights([np.full((1, 1), float(epoch)), np.full(1, float(epoch))])
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always", UserWarning)
            callback.on_epoch_begin(epoch, {})
            for batch in range(STEPS):
                callback.on_train_batch_begin(batch, {})
                callback.on_train_batch_end(batch, dict(given))
            callback.on_epoch_end(epoch, logs)
        yield epoch, logs, bool(said)
        if model.stop_training:
            break
    callback.on_train_end(logs)
