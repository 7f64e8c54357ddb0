"""Callbacks that follow a schedule, write tables, or stop when the loss is not finite."""

from __future__ import annotations

import csv
import io
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.callbacks.base import Callback, Logs
from tinynet.callbacks.watching import Explanation, LastSteps
from tinynet.checks import file_name, flag, integer, verbosity
from tinynet.files import append, cut_back, cut_off_line, size_of, write_atomically
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


class CSVLogger(Callback):
    """Write the logs to a table, one line per epoch.

    Parameters
    ----------
    filename : str or path
    separator : str
    append : bool
        Whether to append to an existing table, without a second header. A last line that was
        cut off, by a kill, is removed first, with a warning.

    Raises
    ------
    OSError
        If the file cannot be written. The lines that it had stay.
    ValueError
        With `append`, if the existing table has columns other than the logs: before training
        begins, or after the first epoch if a custom callback may add to the logs.

    Notes
    -----
    The columns are ``epoch`` (from 0) and the sorted names of the first epoch's logs; what is
    missing in a later epoch is ``NA``. Follows keras/src/callbacks/csv_logger.py.
    """

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        super().__init__()
        self.filename = Path(file_name("filename", filename))
        if not isinstance(separator, str) or len(separator) != 1 or separator in '"\r\n':
            raise ValueError(f"separator: expected one character, got {separator!r}")
        self.separator = separator
        self.append = flag("append", append)
        self.begun = False
        self.keys: list[str] | None = None
        self.start, self.text = 0, ""  # where the table of this training begins, and its lines

    def set_params(self, params: dict[str, Any]) -> None:
        """Check that the logs fit an existing table, before anything has begun."""
        super().set_params(params)
        names = params.get("metrics")
        if names is not None:
            # A callback after this one in the list adds its value after the line is written.
            without = [name for name in names if name != "learning_rate"]
            self._require_columns(_columns(names), _columns(without))

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin the file, or see where it ends."""
        self.keys = None
        if not self.append or not self.filename.exists():
            write_atomically(self.filename, "")
        elif cut := cut_off_line(self.filename):
            warnings.warn(
                f"CSVLogger: the last line of {self.filename} was cut off, and is removed: {cut!r}",
                stacklevel=2,
            )
        self.goes_on = self._header() is not None
        self.start, self.text = size_of(self.filename), ""
        self.begun = True

    def get_state(self) -> dict[str, Any]:
        """Return the lines of this training."""
        return {name: getattr(self, name) for name in ("keys", "goes_on", "start", "text")}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take away the lines that were written after `get_state`, and bring back the others."""
        super().set_state(state)
        before = self.filename.read_bytes()[: self.start] if self.filename.exists() else b""
        write_atomically(self.filename, before + self.text.encode())

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a line, and force it to disk."""
        if not self.begun:
            raise RuntimeError("CSVLogger: on_epoch_end came before on_train_begin")
        logs, line = logs or {}, io.StringIO()
        writer = csv.writer(line, delimiter=self.separator)
        if self.keys is None:
            self.keys = _columns(list(logs))
            self._require_columns(self.keys)
            if not self.goes_on:
                writer.writerow(["epoch", *self.keys])
        writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        append(self.filename, line.getvalue())
        self.text += line.getvalue()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """End the table."""
        self.begun = False

    def _header(self) -> list[str] | None:
        """Return the columns of the table to append to; None if there is none."""
        if not self.append or not self.filename.exists():
            return None
        with self.filename.open(newline="", errors="replace") as file:  # it may be anything
            first = file.readline()
        if not first.endswith("\n"):
            return None  # empty, or cut off in its first line
        return next(csv.reader([first], delimiter=self.separator))

    def _require_columns(self, *possible: list[str]) -> None:
        header = self._header()
        if header is not None and header not in [["epoch", *keys] for keys in possible]:
            raise ValueError(
                f"CSVLogger: {self.filename} has the columns {', '.join(header)}, but this "
                f"training would write {', '.join(['epoch', *possible[0]])}; give it another file, "
                f"or append=False to overwrite this one"
            )


def _columns(names: list[str]) -> list[str]:
    """Return the columns for some logs; validation has its own, even if it comes later."""
    keys = sorted(names)
    if not any(key.startswith("val_") for key in keys):
        keys += [f"val_{key}" for key in keys]
    return keys


class SwapEMAWeights(Callback):
    """Evaluate and predict with the averages of the parameters that the optimizer keeps.

    Before an evaluation or predictions, the parameters and their averages change places, and
    afterward they change back.

    Parameters
    ----------
    swap_on_epoch : bool
        Whether they change places at the end of every epoch, too, and back at the begin of the
        next, so that callbacks after this one see the averages.

    Raises
    ------
    ValueError
        Before anything has begun: if the optimizer keeps no averages (``use_ema=True``).

    Notes
    -----
    Follows keras/src/callbacks/swap_ema_weights.py. Keras leaves the averages in the model after
    predictions, and the last parameters after a training that stops early with `swap_on_epoch`.
    """

    remembers = ("swapped",)

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = flag("swap_on_epoch", swap_on_epoch)
        self.swapped = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Check that there will be averages."""
        super().set_params(params)
        if self.model.optimizer is None or not self.model.optimizer.use_ema:
            raise ValueError(
                "SwapEMAWeights: the optimizer keeps no averages; give it use_ema=True"
            )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Change back."""
        if self.swap_on_epoch:
            self._put(averages=False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Change places, if requested."""
        if self.swap_on_epoch:
            self._put(averages=True)
            if epoch == self.params["epochs"] - 1 or self.model.stop_training:
                # At the end of fit, the averages replace the parameters; both are averages now.
                for w, average in self._pairs():
                    average[...] = w

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Change places."""
        self._put(averages=True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Change back."""
        self._put(averages=False)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Change places."""
        self._put(averages=True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Change back."""
        self._put(averages=False)

    def _put(self, averages: bool) -> None:
        if averages != self.swapped:
            self.swapped = averages
            for w, average in self._pairs():
                w[...], average[...] = average.copy(), w.copy()

    def _pairs(self) -> list[tuple[Array, Array]]:
        """Return each parameter with its average; before the first step there are none."""
        slots, params = self.model.optimizer.slots, self.model.params
        return [
            (w, slots[key]["average"].reshape(w.shape)) for key, w in params.items() if key in slots
        ]


class TensorBoard(Callback):
    """Write loss and metrics to tables, under the names that TensorBoard shows them by.

    TensorBoard's own files are TensorFlow's; here ``log_dir/train/scalars.csv`` and
    ``log_dir/validation/scalars.csv`` have a line (tag, step, value) for each number, which pandas
    or a spreadsheet reads. The callback says so when it begins.

    Parameters
    ----------
    log_dir : str or path
    histogram_freq, write_graph, write_images, profile_batch, embeddings_freq, embeddings_metadata
        As in Keras. They have no effect: only numbers are written.
    write_steps_per_second : bool
        Whether to write how many steps of an epoch were made in a second.
    update_freq : "epoch", "batch" or int
        Whether to write after every epoch only, or also after this many batches.

    Raises
    ------
    ValueError
        If `update_freq` is none of these.

    Notes
    -----
    An epoch's figures are ``epoch_loss`` and so on, with the learning rate, at the step that is the
    epoch's number from 0. A batch's are ``batch_loss`` and so on, at the number of the batch from
    1, over all epochs. An evaluation's are ``evaluation_loss_vs_iterations`` and so on, at the
    number of steps that the optimizer has made. Lines are appended to tables that are there. With
    a number as `update_freq`, Keras leaves out the figures of epochs and evaluations that do not
    end on such a batch; here they are always written. Follows keras/src/callbacks/tensorboard.py.
    """

    remembers = ("batch", "lines", "sizes")

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: Any = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        if not isinstance(update_freq, str) or update_freq not in ("epoch", "batch"):
            update_freq = integer("update_freq", update_freq)
        self.log_dir = Path(file_name("log_dir", log_dir))
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.batch = 0  # over all epochs of a training
        self.lines: dict[str, list[tuple[str, int, Any]]] = {"train": [], "validation": []}
        self.sizes: dict[str, int] = {}
        self.said = False

    @property
    def every_batch(self) -> bool:  # type: ignore[override]
        """Whether it writes figures of batches."""
        return self.update_freq != "epoch"

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin to count batches; say, the first time, where the figures go."""
        self.batch = 0
        self.sizes = {part: size_of(self._table(part)) for part in self.lines}
        if not self.said:
            self.said = True
            say(
                f"TensorBoard: writing figures to {self.log_dir / 'train' / 'scalars.csv'}, and of "
                f"validation to {self.log_dir / 'validation' / 'scalars.csv'}, as CSV; TensorBoard "
                f"itself cannot show them, and graphs, histograms and profiles are not written"
            )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at the clock."""
        self.start, self.steps_before = time.perf_counter(), self.model.optimizer.iterations

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Note the figures of a batch."""
        self.batch += 1
        if self.update_freq != "epoch" and self.batch % int(self.update_freq) == 0:
            self._note("train", "batch_{}", self.batch, logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Write the figures of an evaluation."""
        if self.model.optimizer is not None:
            steps = self.model.optimizer.iterations
            self._note("validation", "evaluation_{}_vs_iterations", steps, logs)
        self._write()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the figures of an epoch."""
        logs, optimizer = logs or {}, self.model.optimizer
        trained = {key: value for key, value in logs.items() if not key.startswith("val_")}
        trained["learning_rate"] = optimizer.learning_rate
        if self.write_steps_per_second:
            seconds = time.perf_counter() - self.start
            trained["steps_per_second"] = (optimizer.iterations - self.steps_before) / seconds
        self._note("train", "epoch_{}", epoch, trained)
        validated = {key[4:]: value for key, value in logs.items() if key.startswith("val_")}
        self._note("validation", "epoch_{}", epoch, validated)
        self._write()

    def _note(self, part: str, tag: str, step: int, logs: Logs | None) -> None:
        self.lines[part] += [(tag.format(k), int(step), _cell(v)) for k, v in (logs or {}).items()]

    def _write(self) -> None:
        for part, lines in self.lines.items():
            if lines:
                path = self._table(part)
                path.parent.mkdir(parents=True, exist_ok=True)
                cut_off_line(path)  # that of a run that was killed
                text = io.StringIO()
                table = csv.writer(text)
                if not path.exists():
                    table.writerow(("tag", "step", "value"))
                table.writerows(lines)
                self.sizes[part] = append(path, text.getvalue())
                lines.clear()

    def _table(self, part: str) -> Path:
        return self.log_dir / part / "scalars.csv"

    def set_state(self, state: dict[str, Any]) -> None:
        """Take away the lines that were written after `get_state`."""
        super().set_state(state)
        for part, size in self.sizes.items():
            cut_back(self._table(part), size)


class TerminateOnNaN(Callback):
    """Stop when the loss of a batch is NaN or infinite.

    Parameters
    ----------
    raise_error : bool
        Whether to raise instead of stopping with a message.
    explain : bool
        Whether to look where it began. From time to time the weights are copied, with the
        optimizer's memory; then the steps since the last time are made once more with a copy of
        the model, until an array gets a number that is not finite. Only Keras lacks this argument.

    Attributes
    ----------
    explanation : Explanation or None
        With `explain`, what was found: the batch, the layer, the array, what wrote it, and the
        likely cause. None as well if the same steps stay finite when they are made again, as they
        may if something outside of the model changes it.

    Raises
    ------
    RuntimeError
        At such a batch, with `raise_error`.

    Examples
    --------
    >>> import numpy as np, tinynet as tn
    >>> tn.utils.set_random_seed(0)
    >>> model = tn.Sequential([tn.Input((3,)), tn.layers.Dense(1, name="top")])
    >>> model.compile(tn.optimizers.SGD(1e25), "mse")
    >>> nan = tn.callbacks.TerminateOnNaN(explain=True)
    >>> x, y = np.ones((8, 3)), np.ones(8)
    >>> history = model.fit(x, y, batch_size=4, verbose=0, callbacks=[nan])
    Batch 1: Invalid loss, terminating training
    ...
    >>> nan.explanation.batch, nan.explanation.array
    (1, 'loss.losses')
    """

    def __init__(self, raise_error: bool = False, explain: bool = False) -> None:
        super().__init__()
        self.raise_error = flag("raise_error", raise_error)
        self.explain = flag("explain", explain)
        self.explanation: Explanation | None = None
        self.steps: Any = None  # what makes the steps of `fit`
        self.last: LastSteps | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin to keep the last steps, if they may have to be explained."""
        self.explanation = None
        known = self.explain and self.steps is not None  # not in a loop of somebody's own
        self.last = LastSteps(self.model, self.steps) if known else None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Copy the weights, if the steps may have to be explained."""
        if self.last is not None:
            self.last.copy_before(0)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Check the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or np.isfinite(loss):
            if self.last is not None:
                self.last.went_well()
            return
        why = self._explained()
        if self.raise_error:
            raise RuntimeError(f"batch {batch}: the loss is {loss}{why and '; '}{why}")
        say(f"Batch {batch}: Invalid loss, terminating training")
        if why:
            say(why)
        self.model.stop_training = True

    def _explained(self) -> str:
        if self.last is None:
            return ""
        self.explanation = self.last.explain()
        if self.explanation is None:
            return (
                "made once more, the steps stay finite: what changed the model or the logs between "
                "two of them?"
            )
        return str(self.explanation)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Forget the steps, whose samples may be large."""
        self.last = self.steps = None


def _cell(value: Any) -> Any:
    """Write an array (one F1 score per class, say) into one cell."""
    if np.ndim(value) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'
