"""Callbacks that watch one metric and decide: lower the learning rate, stop, save."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.callbacks.base import Callback, Logs
from tinynet.checks import file_name, flag, integer, number, text, verbosity
from tinynet.files import MODELS, WEIGHTS, require_ending
from tinynet.terminal import say


class MonitorCallback(Callback):
    """Watches one value in the logs: the loss, a metric, or what a callback adds.

    Parameters
    ----------
    monitor : str
        Its name: ``"val_loss"``.
    mode : {"auto", "min", "max"}
        Which way is better; "auto" asks the metric.
    min_delta : float
        How much better it has to be to count as an improvement; the sign is ignored.

    Raises
    ------
    ValueError
        Before training begins: if the logs will not have `monitor`, or if "auto" cannot tell
        which way is better.

    Notes
    -----
    Follows keras/src/callbacks/monitor_callback.py: an improvement is
    ``current - min_delta > best`` (``current + min_delta < best``), compared in float32
    whatever floatx is. The first value always counts as an improvement, even if it is NaN, and
    then no later one does.
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0) -> None:
        super().__init__()
        if not isinstance(mode, str) or mode not in ("auto", "min", "max"):
            raise ValueError(f"mode: expected 'auto', 'min' or 'max', got {mode!r}")
        self.monitor = text("monitor", monitor) or "val_loss"
        self.mode = mode
        self.min_delta = abs(number("min_delta", min_delta))
        self.best: float | None = None
        self.monitor_op: Any = None

    def set_params(self, params: dict[str, Any]) -> None:
        """Check that there will be something to watch, before anything has begun."""
        super().set_params(params)
        expected = params.get("metrics")
        if expected is None or not self.watches():
            return
        if self.monitor not in expected:
            hint = (
                "give fit validation_split or validation_data"
                if self.monitor.startswith("val_") and self.monitor[4:] in expected
                else "is it among the metrics given to compile?"
            )
            raise ValueError(
                f"{type(self).__name__}: monitor {self.monitor!r} will not be in the logs, which "
                f"have {expected}; {hint}"
            )
        self._set_monitor_op()

    def watches(self) -> bool:
        """Return whether the value is watched."""
        return True

    def get_monitor_value(self, logs: Logs | None) -> float | None:
        """Return the value, or None, with a warning, if the logs do not have it."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            warnings.warn(
                f"{type(self).__name__}: the logs of this epoch have no {self.monitor!r}, only "
                f"{', '.join(logs or {})}; nothing is decided",
                stacklevel=3,
            )
            return None
        if np.ndim(value) > 0:
            raise ValueError(
                f"{type(self).__name__}: expected one number under {self.monitor!r} in the logs, "
                f"got {len(value)}, one per class; give the metric an average, or a class_id"
            )
        return float(value)

    def _is_improvement(self, current: float, best: float | None) -> bool:
        """Return whether `current` is better than `best` by `min_delta`."""
        if best is None:
            return True
        # Where less is better, min_delta is below 0.
        return bool(self.monitor_op(np.float32(current - self.min_delta), np.float32(best)))

    def _set_monitor_op(self) -> None:
        """Find out, once, which way is better; "auto" asks the metrics."""
        if self.monitor_op is None:
            self.monitor_op = np.less if self._direction() == "down" else np.greater
            if self.monitor_op is np.less:
                self.min_delta *= -1

    def _direction(self) -> str:
        if self.mode != "auto":
            return "down" if self.mode == "min" else "up"
        name = self.monitor.removeprefix("val_")
        if name in self.model.directions:
            return str(self.model.directions[name])
        raise ValueError(
            f"{type(self).__name__}: cannot tell whether a higher or a lower {self.monitor!r} is "
            f"better; pass mode='max' or mode='min'"
        )


class EarlyStopping(MonitorCallback):
    """Stop when the metric has not improved for `patience` epochs.

    Parameters
    ----------
    monitor, min_delta, mode
        See `MonitorCallback`.
    patience : int
        Epochs without improvement after which training stops; 0 is the same as 1.
    verbose : {0, 1}
        Whether to print a message.
    baseline : float, optional
        An improvement resets the count only if it also beats this value.
    restore_best_weights : bool
        Whether to go back to the weights of the best epoch at the end of training, even
        if the epochs ran out first.
    start_from_epoch : int
        Epochs before this one are ignored.

    Notes
    -----
    Follows keras/src/callbacks/early_stopping.py.

    Shown at work on the page :doc:`/backprop/regularization`.
    """

    remembers = ("best", "wait", "stopped_epoch", "best_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = integer("patience", patience, least=0)
        self.verbose = verbosity("verbose", verbose)
        self.baseline = None if baseline is None else number("baseline", baseline)
        self.restore_best_weights = flag("restore_best_weights", restore_best_weights)
        self.start_from_epoch = integer("start_from_epoch", start_from_epoch, least=0)
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the previous run."""
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best = None
        self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Decide whether to stop."""
        self._set_monitor_op()
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self._is_improvement(current, self.best):
            self.best = current
            self.best_epoch = epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Go back to the best weights if requested."""
        if self.verbose and self.stopped_epoch:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                say(
                    f"Restoring model weights from the end of the best epoch: "
                    f"{self.best_epoch + 1}."
                )
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(MonitorCallback):
    """Multiply the learning rate by `factor` when the metric has stopped improving.

    Parameters
    ----------
    monitor, mode, min_delta
        See `MonitorCallback`.
    factor : float
        Below 1.
    patience : int
        Epochs without improvement before a cut.
    verbose : {0, 1}
        Whether to print a message.
    cooldown : int
        After a cut, nothing is counted until the epoch with this number, which is counted again:
        as in Keras, 1 is the same as 0.
    min_lr : float
        The learning rate never goes below this.
    **ignored
        Has no effect, as in Keras.

    Raises
    ------
    ValueError
        If `factor` is not below 1.
    TypeError
        Before training begins: if a schedule sets the optimizer's learning rate.

    Notes
    -----
    Follows keras/src/callbacks/reduce_lr_on_plateau.py. ``logs["learning_rate"]`` is the rate
    that the epoch was trained with, before a cut.

    Worked through on the page :doc:`/backprop/schedules`.
    """

    adds_to_logs = ("learning_rate",)
    remembers = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **ignored: Any,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if ignored:
            warnings.warn(
                f"ReduceLROnPlateau: {', '.join(ignored)} has no effect, as in Keras 3; what was "
                f"called epsilon is min_delta",
                stacklevel=2,
            )
        self.factor = number("factor", factor, least=0, below=1)
        self.patience = integer("patience", patience, least=0)
        self.verbose = verbosity("verbose", verbose)
        self.cooldown = integer("cooldown", cooldown, least=0)
        self.min_lr = number("min_lr", min_lr, least=0)
        self.wait = 0
        self.cooldown_counter = 0

    def set_params(self, params: dict[str, Any]) -> None:
        """Check that the learning rate can be set, before anything has begun."""
        super().set_params(params)
        if self.model.optimizer is not None:
            self.model.optimizer.require_settable_rate()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the previous run."""
        self.best = None
        self.wait = 0
        self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Decide whether to cut the learning rate."""
        logs = {} if logs is None else logs
        logs["learning_rate"] = self.model.optimizer.learning_rate
        self._set_monitor_op()
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        old = self.model.optimizer.learning_rate
        if np.float32(old) <= np.float32(self.min_lr):
            return
        new = max(old * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose:
            say(f"Epoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.")


class ModelCheckpoint(MonitorCallback):
    """Save the model after every epoch, or only when it is the best so far.

    Parameters
    ----------
    filepath : str or path
        Ends in ``.safetensors``, or as Keras's formats do: in ``.keras`` or ``.h5``, and in
        ``.weights.h5`` with `save_weights_only`. May hold ``{epoch}`` (counted from 1),
        ``{batch}`` and any name in the logs: ``"{epoch:02d}-{val_loss:.2f}.keras"``.
    monitor, mode
        See `MonitorCallback`; used only with `save_best_only`.
    verbose : {0, 1}
        Whether to print a message.
    save_best_only : bool
    save_weights_only : bool
        Whether to leave out the optimizer, the loss and the metrics.
    save_freq : "epoch" or int
        When to save: after every epoch, or after that many batches.
    initial_value_threshold : float, optional
        What the first value has to beat.

    Raises
    ------
    ValueError
        If the file has a different ending, or `save_freq` is neither of the two; before training
        begins, if a layer cannot be saved.

    Notes
    -----
    Follows keras/src/callbacks/model_checkpoint.py.
    """

    remembers = ("best", "batches_since_saving")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        if not isinstance(save_freq, str) or save_freq != "epoch":
            try:
                save_freq = integer("save_freq", save_freq)
            except ValueError:
                raise ValueError(
                    f"save_freq: expected 'epoch' or a number of batches, got {save_freq!r}"
                ) from None
        self.save_freq = save_freq
        self.filepath = file_name("filepath", filepath)
        self.save_best_only = flag("save_best_only", save_best_only)
        self.save_weights_only = flag("save_weights_only", save_weights_only)
        require_ending(self.filepath, WEIGHTS if self.save_weights_only else MODELS)
        self.best = initial_value_threshold
        if initial_value_threshold is not None:
            self.best = number("initial_value_threshold", initial_value_threshold)
        self.verbose = verbosity("verbose", verbose)
        self.epoch = 0
        self.batches_since_saving = 0

    @property
    def every_batch(self) -> bool:  # type: ignore[override]
        """Whether it counts batches."""
        return self.save_freq != "epoch"

    def watches(self) -> bool:
        """Return whether only the best model is saved."""
        return self.save_best_only

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Raise an error if the model cannot be saved, before it is trained."""
        if not self.save_weights_only:
            self.model.require_saveable()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember the epoch."""
        self.epoch = epoch

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if it is time."""
        if self.save_freq == "epoch":
            return
        self.batches_since_saving += 1
        if self.batches_since_saving >= int(self.save_freq):
            self.batches_since_saving = 0
            self._save({"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save if it is time."""
        if self.save_freq == "epoch":
            self._save(logs or {})

    def _save(self, logs: Logs) -> None:
        try:
            path = Path(self.filepath.format(epoch=self.epoch + 1, **logs))
        except KeyError as missing:
            raise KeyError(
                f"filepath: {self.filepath!r} needs {missing}, but the logs have {list(logs)}"
            ) from None
        if self.save_best_only and not self._is_best(logs, path):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        self._say(f"finished saving model to {path}")

    def _is_best(self, logs: Logs, path: Path) -> bool:
        self._set_monitor_op()
        current = self.get_monitor_value(logs)
        if current is None:
            return True  # as Keras does: what cannot be compared is saved
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            self._say(f"{self.monitor} did not improve from {best}")
            return False
        self._say(f"{self.monitor} improved from {best} to {current:.5f}, saving model to {path}")
        self.best = current
        return True

    def _say(self, message: str) -> None:
        if self.verbose:
            below_the_bar = "" if self.save_freq == "epoch" else "\n"
            say(f"{below_the_bar}Epoch {self.epoch + 1}: {message}")
