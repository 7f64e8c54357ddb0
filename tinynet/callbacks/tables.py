"""Callbacks that write tables while a model is trained."""

from __future__ import annotations

import csv
import io
import os
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.callbacks.base import Callback, Logs
from tinynet.checks import file_name, flag, integer
from tinynet.files import append, cut_back, cut_off_line, size_of, write_atomically
from tinynet.terminal import say


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


def _cell(value: Any) -> Any:
    """Write an array (one F1 score per class, say) into one cell."""
    if np.ndim(value) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'
