"""Callbacks that follow a schedule, write a table, or pull the brake."""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from tinynet.callbacks.base import Callback, Logs
from tinynet.files import write_atomically
from tinynet.terminal import say


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
            say(f"Epoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

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
        Whether to go on with a table that is there, without a second header. A last line that was
        cut off, by a kill or a full disk, is taken away first, with a warning.

    Raises
    ------
    ValueError
        With `append`, if the table that is there has other columns than the logs: before training
        begins, or after the first epoch where a callback of one's own may add to the logs.

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

    def set_params(self, params: dict[str, Any]) -> None:
        """Look whether the logs fit a table that is there, before anything has begun."""
        super().set_params(params)
        names = params.get("metrics")
        if names is not None:
            # A callback that stands behind this one adds its figure after the line is written.
            without = [name for name in names if name != "learning_rate"]
            self._require_columns(_columns(names), _columns(without))

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Open the file."""
        self.keys = None
        self._close()
        if self.append:
            self._take_away_half_a_line()
        self.goes_on = self._header() is not None
        self.file = self.filename.open("a" if self.append else "w", newline="")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a line."""
        if self.file is None:
            raise RuntimeError("CSVLogger: on_epoch_end came before on_train_begin")
        logs = logs or {}
        writer = csv.writer(self.file, delimiter=self.separator)
        if self.keys is None:
            self.keys = _columns(list(logs))
            self._require_columns(self.keys)
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

    def _header(self) -> list[str] | None:
        """Return the columns of the table that is gone on with; None if there is none."""
        if not self.append or not self.filename.exists():
            return None
        with self.filename.open(newline="") as file:
            first = file.readline()
        if not first.endswith("\n"):
            return None  # empty, or cut off in its first line
        return next(csv.reader([first], delimiter=self.separator))

    def _require_columns(self, *possible: list[str]) -> None:
        header = self._header()
        if header is not None and header not in [["epoch", *keys] for keys in possible]:
            self._close()
            raise ValueError(
                f"CSVLogger: {self.filename} has the columns {', '.join(header)}, and this "
                f"training would write epoch, {', '.join(possible[0])}; give it another file, or "
                f"append=False to write over this one"
            )

    def _take_away_half_a_line(self) -> None:
        if not self.filename.exists():
            return
        content = self.filename.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            cut = content[len(whole) :].decode(errors="replace")
            warnings.warn(
                f"CSVLogger: the last line of {self.filename} was cut off, and is taken away: "
                f"{cut!r}",
                stacklevel=2,
            )
            write_atomically(self.filename, whole)


def _columns(names: list[str]) -> list[str]:
    """Return the columns for some logs; validation has its own, even if it comes later."""
    keys = sorted(names)
    if not any(key.startswith("val_") for key in keys):
        keys += [f"val_{key}" for key in keys]
    return keys


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
        say(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True


def _cell(value: Any) -> Any:
    """Write an array (an F1 score a class, say) into one cell."""
    if np.ndim(value) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'
