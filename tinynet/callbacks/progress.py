"""What a person sees while a model works."""

from __future__ import annotations

import sys
import time
from typing import Any

from tinynet.callbacks.base import Callback, Logs


class ProgbarLogger(Callback):
    """A progress bar an epoch, as Keras's ``verbose`` asks for it.

    0 is silent. 1 shows a bar (tqdm's) on a terminal or in a notebook; in a file or a pipe,
    where a bar would leave a line for every refresh, it is as 2. 2 prints one line an epoch.
    "auto" is 1.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bar: Any = None
        self.in_fit = False
        self.step = 0
        self.start = 0.0

    def set_params(self, params: dict[str, Any]) -> None:
        """Take verbosity, epochs and steps."""
        super().set_params(params)
        verbose = 1 if params["verbose"] == "auto" else params["verbose"]
        self.verbose = 2 if verbose == 1 and not _is_interactive() else verbose

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """From here on validation is silent."""
        self.in_fit = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Take away a bar that an interruption has left."""
        self._close()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Name the epoch."""
        epochs = self.params["epochs"]
        if self.verbose and epochs > 1:
            self._print(f"Epoch {epoch + 1}/{epochs}")
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Show the epoch's figures."""
        self._end(logs or {})

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move on."""
        self._move(batch, logs or {})

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Begin, unless this is validation in fit."""
        if not self.in_fit:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move on."""
        if not self.in_fit:
            self._move(batch, logs or {})

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Show the figures."""
        if not self.in_fit:
            self._end(logs or {})

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Begin."""
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move on."""
        self._move(batch, {})

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """End."""
        self._end({})

    def _begin(self) -> None:
        self._close()
        self.start = time.perf_counter()
        self.step = 0
        if self.verbose == 1:
            from tqdm.auto import tqdm

            self.bar = tqdm(
                total=self.params["steps"],
                file=sys.stdout,
                unit="step",
                bar_format="{n_fmt}/{total_fmt} |{bar:20}| {elapsed}<{remaining}{postfix}",
            )

    def _move(self, batch: int, logs: Logs) -> None:
        if self.bar is not None:
            self.bar.set_postfix_str(_figures(logs), refresh=False)
            self.bar.update(batch + 1 - self.step)
        self.step = batch + 1

    def _end(self, logs: Logs) -> None:
        if self.bar is not None:
            self.bar.set_postfix_str(_figures(logs), refresh=True)
            self._close()
        elif self.verbose == 2:
            seconds = time.perf_counter() - self.start
            each = 1000 * seconds / max(1, self.step)
            figures = [f"{self.step}/{self.params['steps']}", f"{seconds:.1f}s"]
            figures += [f"{each:.3g}ms/step"] + ([_figures(logs)] if logs else [])
            self._print(" - ".join(figures))

    def _close(self) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None

    def _print(self, line: str) -> None:
        print(line, flush=True)


def _figures(logs: Logs) -> str:
    return " - ".join(f"{key}: {_figure(value)}" for key, value in logs.items())


def _figure(value: Any) -> str:
    try:
        number = float(value)
    except TypeError:  # an array, a figure a class
        return " ".join(_figure(each) for each in value)
    return f"{number:.4f}" if abs(number) > 1e-3 or number == 0 else f"{number:.4e}"


def _is_interactive() -> bool:
    """Return whether somebody watches: a terminal or a notebook."""
    return sys.stdout.isatty() or "ipykernel" in sys.modules
