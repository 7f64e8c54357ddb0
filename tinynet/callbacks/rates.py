"""A callback that follows a schedule of learning rates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinynet.callbacks.base import Callback, Logs
from tinynet.checks import verbosity
from tinynet.terminal import say


class LearningRateScheduler(Callback):
    """Set the learning rate at the start of every epoch.

    Parameters
    ----------
    schedule : callable
        Called as ``schedule(epoch, learning_rate)`` (epochs from 0), or with the epoch alone
        if it takes only one argument; returns the new rate.
    verbose : {0, 1}
        Whether to print the rate.

    Raises
    ------
    ValueError
        If `schedule` returns something that is not a float.
    TypeError
        Before training begins: if a schedule sets the optimizer's learning rate.

    Notes
    -----
    Follows keras/src/callbacks/learning_rate_scheduler.py.
    """

    adds_to_logs = ("learning_rate",)

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise TypeError(f"schedule: expected a function of the epoch, got {schedule!r}")
        self.schedule = schedule
        self.verbose = verbosity("verbose", verbose)

    def set_params(self, params: dict[str, Any]) -> None:
        """Check that the learning rate can be set, before anything has begun."""
        super().set_params(params)
        if self.model.optimizer is not None:
            self.model.optimizer.require_settable_rate()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate."""
        optimizer = self.model.optimizer
        try:
            rate = self.schedule(epoch, optimizer.learning_rate)
        except TypeError:
            rate = self.schedule(epoch)
        if not isinstance(rate, (float, np.floating)):
            raise ValueError(f"schedule: expected it to return a float, got {rate!r}")
        optimizer.learning_rate = float(rate)
        if self.verbose:
            say(f"Epoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Record the rate in the logs."""
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate
