"""Callbacks that follow a schedule, write a table, or pull the brake."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from tinynet.callbacks.base import Callback, Logs


class LearningRateScheduler(Callback):
    """Set the learning rate at the start of every epoch.

    Parameters
    ----------
    schedule : callable
        Called as ``schedule(epoch, learning_rate)`` (epochs from 0), or with the epoch alone
        if it takes only one argument; returns the new rate.
    verbose : {0, 1}
        Whether to say so.

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
        self.schedule = schedule
        self.verbose = verbose

    def set_params(self, params: dict[str, Any]) -> None:
        """Look whether the learning rate can be set, before anything has begun."""
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
            raise ValueError(f"schedule: expected to get a float back, got {rate!r}")
        optimizer.learning_rate = float(rate)
        if self.verbose:
            print(f"Epoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the rate in the logs."""
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.learning_rate


class CSVLogger(Callback):
    """Write the logs of every epoch into a table, a line an epoch.

    Parameters
    ----------
    filename : str or path
    separator : str
    append : bool
        Whether to go on with a table that is there, without a second header.

    Notes
    -----
    The columns are ``epoch`` (from 0) and the sorted names of the first epoch's logs; what a
    later epoch lacks is ``NA``. Follows keras/src/callbacks/csv_logger.py.
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        self.filename = Path(filename)
        self.separator = separator
        self.append = append
        self.file: TextIO | None = None
        self.keys: list[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the file."""
        self.keys = None
        self._close()
        self.goes_on = self.append and self.filename.exists() and self.filename.stat().st_size > 0
        self.file = self.filename.open("a" if self.append else "w", newline="")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a line."""
        if self.file is None:
            raise RuntimeError("CSVLogger: on_epoch_end came before on_train_begin")
        logs = logs or {}
        writer = csv.writer(self.file, delimiter=self.separator)
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):
                self.keys += [f"val_{key}" for key in self.keys]
            if not self.goes_on:
                writer.writerow(["epoch", *self.keys])
        writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        self.file.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


class TerminateOnNaN(Callback):
    """Stop when the loss of a batch is NaN or infinite.

    Parameters
    ----------
    raise_error : bool
        Whether to raise instead of stopping with a message.

    Raises
    ------
    RuntimeError
        At such a batch, with `raise_error`.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or np.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"batch {batch}: the loss is {loss}")
        print(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True


def _cell(value: Any) -> Any:
    """Write an array (an F1 score a class, say) into one cell."""
    if np.ndim(value) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'
