"""What the user sees while a model works."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any

import numpy as np

from tinynet.callbacks.base import Callback, Logs
from tinynet.terminal import printable, say

# Seconds between two updates of a bar; a step may take much less.
INTERVAL = 0.1
# A bar is never drawn wider than this, however wide the terminal.
WIDEST = 80


class ProgbarLogger(Callback):
    """Shows the progress of training, evaluation or prediction, as ``verbose`` says.

    0 is silent. 1 shows a bar (tqdm's) on a terminal or in a notebook, and in its place, when
    the epoch is over, the results; in a file or a pipe, where a bar would leave a line for
    every refresh, it is the same as 2. 2 prints one line per epoch. "auto" is 1.

    Notes
    -----
    Follows keras/src/callbacks/progbar_logger.py.
    """

    every_batch = False  # a bar that moves many times in a second is enough

    def __init__(self) -> None:
        super().__init__()
        self.bar: Any = None
        self.in_fit = False
        self.step = 0
        self.start = self.shown = 0.0

    def set_params(self, params: dict[str, Any]) -> None:
        """Receive verbosity, epochs and steps."""
        super().set_params(params)
        verbose = 1 if params["verbose"] == "auto" else params["verbose"]
        self.verbose = 2 if verbose == 1 and not _somebody_watches() else verbose
        self.total = params["steps"]  # None until a first epoch has shown how many there are

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """From here on, evaluations are validation."""
        self.in_fit = True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Print which epoch begins."""
        epochs = self.params["epochs"]
        self.title = f"Epoch {epoch + 1}/{epochs}" if epochs > 1 else ""
        if self.verbose == 1 and self.title:
            say(self.title)
        self._begin()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Advance the bar."""
        self._move(batch, logs or {})
        if self.bar is not None and self.step == self.total:
            self.bar.clear()  # what other callbacks print takes its place

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Show the epoch's loss and metrics."""
        self._end(logs or {})

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Begin; validation in fit only shows the epoch's bar again."""
        if not self.in_fit:
            self.title = ""
            self._begin()
        elif self.bar is not None:
            self.bar.refresh()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Advance the bar."""
        if not self.in_fit:
            self._move(batch, logs or {})

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Show the loss and the metrics."""
        if not self.in_fit:
            self._end(logs or {})
        elif self.bar is not None:
            self.bar.clear()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Begin."""
        self.title = ""
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Advance the bar; the predictions themselves are not shown."""
        self._move(batch, {})

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """End."""
        self._end({})

    def _begin(self) -> None:
        self.start = self.shown = time.perf_counter()
        self.step = 0
        if self.verbose == 1:
            # The plain bar in notebooks too: it needs no widgets, and is saved with them as text.
            from tqdm.std import tqdm

            count, left = f"{{n:{len(str(self.total))}}}/{{total}}", "{remaining} left"
            if self.total is None:
                count, left = "{n}/?", "{elapsed} gone"
            self.bar = tqdm(
                total=self.total,
                file=sys.stdout,
                ncols=min(WIDEST, shutil.get_terminal_size().columns - 1),
                nrows=24,  # tqdm draws nothing on a terminal that does not know its size
                bar_format=f"{count} |{{bar}}| {left}{{desc}}",
                leave=False,
                position=0,  # even if an interrupted run has left a bar behind
            )

    def _move(self, batch: int, logs: Logs) -> None:
        self.step = batch + 1
        if self.bar is None:
            return
        now = time.perf_counter()
        if now - self.shown >= INTERVAL:  # writing the values takes longer than a small step
            self.shown = now
            self.bar.n = self.step
            self.bar.set_description_str("".join(f" - {printable(e)}" for e in _figures(logs)))

    def _end(self, logs: Logs) -> None:
        if not self.verbose:
            return
        seconds = time.perf_counter() - self.start
        self.total = self.step if self.total is None else self.total
        parts = [
            f"{self.step}/{self.total}",
            f"{seconds:.1f}s {_duration(seconds / max(1, self.step))}/step",
            *_figures(logs),
        ]
        if self.bar is None:
            say(" - ".join([self.title, *parts] if self.title else parts))
        else:
            self.bar.close()
            self.bar = None
            say(_folded(parts))


def _figures(logs: Logs) -> list[str]:
    return [f"{key}: {_figure(value)}" for key, value in logs.items()]


def _figure(value: Any) -> str:
    """Write a number with four decimals; of several, one per class, their mean."""
    number = float(np.mean(value))
    return f"{number:.4f}" if abs(number) >= 1e-3 or number == 0 else f"{number:.4e}"


def _duration(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.1f}s"
    return f"{1e3 * seconds:.0f}ms" if seconds >= 1e-3 else f"{1e6 * seconds:.0f}us"


def _folded(parts: list[str]) -> str:
    """Join; a line too long for the terminal is broken here, first where validation begins."""
    width = shutil.get_terminal_size().columns
    whole = " - ".join(parts)
    if len(whole) <= width:
        return whole
    lines = [parts[0]]
    for part in parts[1:]:
        first_of_validation = part.startswith("val_") and len(lines) == 1
        if first_of_validation or len(lines[-1]) + len(f" - {part}") > width:
            lines.append(" " * len(parts[0]))
        lines[-1] += f" - {part}"
    return "\n".join(lines)


def _somebody_watches() -> bool:
    """Return whether there is a terminal or a notebook."""
    return sys.stdout.isatty() or "ipykernel" in sys.modules
