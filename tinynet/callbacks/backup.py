"""A training that is killed goes on where it was, to the same last bit."""

from __future__ import annotations

import contextlib
import copy
import math
import os
import shutil
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tinynet import random
from tinynet.array_files import Apart, read_state, write_state
from tinynet.arrays import copy_into
from tinynet.callbacks.base import Callback, Logs, Resumes
from tinynet.callbacks.counted import lost_in, numbers_of, put_numbers, put_state, state_of
from tinynet.checks import file_name, flag, integer
from tinynet.files import remove_leftovers, sync_folder, whole_or_not
from tinynet.terminal import say

KIND = "tinynet backup 2"
LARGE = ("weights", "slots")  # of a state: copied anyway where they are put
WRITING = threading.Lock()  # held while a backup goes to the disk


def _begin_in_child() -> None:
    """Give a forked process a lock of its own; the thread that held it is not there."""
    global WRITING
    WRITING = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_child)


class BackupAndRestore(Resumes):
    """Save all that a training depends on, and go on from there if it was interrupted.

    The script is started again, as it is. `fit` then finds the backup, and continues behind the
    last step that is in it. At the end the model, the history and what the callbacks have kept are
    those of a training that was never interrupted, to the last bit.

    Parameters
    ----------
    backup_dir : str or path
        A folder for this call of `fit` alone, made if it is not there.
    save_freq : "epoch" or int
        When to save: after every epoch, or after that many batches.
    double_checkpoint : bool
        Whether to keep the backup before the last one, too. It is used, with a warning, if the
        last one has been damaged on the disk.
    delete_checkpoint : bool
        Whether to delete the backup when training is over.

    Raises
    ------
    ValueError
        If `backup_dir` is empty, or `save_freq` is neither of the two; before the first step, if
        the backup is that of another training, or is damaged.
    OSError
        If the backup cannot be written or read. An older one stays then. Files are written while
        the training goes on; what goes wrong is told when the next one is due, or at the end.
    TypeError
        Before the first step: if a callback remembers something that cannot be saved, or, where it
        is to be saved in the middle of an epoch, a metric makes something such in `reset_state`.

    Notes
    -----
    A backup holds the weights, the optimizer's memory, the states of layers and metrics, the
    positions in all random sequences (those of the layers, and the generators that
    `set_random_seed` seeds), the order of the samples and the place in it, in streams of batches
    for validation, too, which layers learn, single numbers in attributes of layers and optimizer,
    the logs so far, and what callbacks remember. Of a callback of your own, these are the
    attributes that its class names: ``remembers = ("best", "seen")``.

    Arguments and callback follow keras/src/callbacks/backup_and_restore.py. Keras saves the weights
    and the optimizer's memory alone. There an epoch that was interrupted begins anew, with other
    random numbers, the callbacks begin anew, and the history has only the epochs since.
    :doc:`/trust` says what is promised, and how it is tested.

    Examples
    --------
    >>> import tempfile, numpy as np, tinynet as keras
    >>> def train(folder, kill_at=None):
    ...     keras.utils.set_random_seed(1)
    ...     model = keras.Sequential([
    ...         keras.Input((2,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     def kill(epoch, logs):
    ...         if epoch == kill_at:
    ...             raise RuntimeError("the power has failed")
    ...     callbacks = [keras.callbacks.LambdaCallback(on_epoch_begin=kill),
    ...                  keras.callbacks.BackupAndRestore(folder)]
    ...     x = np.arange(40.0).reshape(20, 2) / 40
    ...     return model.fit(x, x[:, :1], epochs=4, callbacks=callbacks, verbose=0).history
    ...
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     try:
    ...         train(folder, kill_at=2)
    ...     except RuntimeError as error:
    ...         print(error)
    ...     again = train(folder)
    ...     again == train(folder), len(again["loss"])
    ...
    the power has failed
    (True, 4)
    """

    every_batch = False

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        folder = file_name("backup_dir", backup_dir)
        if not folder:
            raise ValueError("backup_dir: expected the name of a folder, got ''")
        if not isinstance(save_freq, str) or save_freq != "epoch":
            save_freq = integer("save_freq", save_freq)
        self.backup_dir = Path(folder)
        self.save_freq = save_freq
        self.double_checkpoint = flag("double_checkpoint", double_checkpoint)
        self.delete_checkpoint = flag("delete_checkpoint", delete_checkpoint)
        self.path = self.backup_dir / "backup.safetensors"
        self.previous = self.backup_dir / "backup.previous.safetensors"
        self.callbacks: list[Callback] = []
        self.repeat: Any = None
        self.test: Any = None
        self.epoch = self.last_batch = self.since_saving = 0
        self.saved: Apart | None = None
        self.failed: BaseException | None = None

    @property
    def batches_left(self) -> float:  # type: ignore[override]
        """How many batches are left until it saves."""
        return math.inf if self.save_freq == "epoch" else int(self.save_freq) - self.since_saving

    # Going on.

    def resume(
        self, callbacks: Sequence[Callback], repeat: Any, test: Any, first_epoch: int
    ) -> tuple[int, Logs]:
        """Restore the backup, if there is one; return the epoch to begin with, and the logs."""
        self.callbacks = [each for each in callbacks if each is not self]
        self.repeat, self.test = repeat, test
        self.since_saving = 0
        if not self.backup_dir.is_dir():
            self.backup_dir.mkdir(parents=True)
            sync_folder(self.backup_dir.parent)
        with WRITING:  # the backup of a training that was interrupted in this process
            for path in (self.path, self.previous):
                remove_leftovers(path)
            state = self._read()
        if state is None:
            self._check_metrics()
            self.saved = Apart(self._state(0, False, {}))  # to see that it can be done
            return first_epoch, {}
        self._restore(state)
        if self.params["verbose"] and not state["is_over"]:
            steps = f" after {repeat.steps} steps" if state["in_epoch"] else ""
            say(f"BackupAndRestore: going on with epoch {state['epoch'] + 1}{steps}")
        if state["in_epoch"]:
            repeat.resume = lambda: self._restore(state)  # what callbacks change at its begin
        return self.params["epochs"] if state["is_over"] else state["epoch"], state["logs"]

    def _read(self) -> dict[str, Any] | None:
        """Return the state in the backup, or in the one before it; None if there is none."""
        found = [path for path in (self.path, self.previous) if path.exists()]
        for path in found:
            try:
                state: dict[str, Any] = read_state(path, KIND)
                self._check(path, state)
            except (OSError, ValueError) as error:
                if path == found[-1]:
                    raise
                warnings.warn(f"BackupAndRestore: {error}; the one before is used", stacklevel=5)
            else:
                return state
        return None

    def _check_metrics(self) -> None:
        """Raise an error if a metric could not go on in the middle of an epoch."""
        parts = [] if self.save_freq == "epoch" else self._parts_of_figures()
        for part in parts:
            for name, value in lost_in(part):
                raise TypeError(
                    f"{getattr(part, 'name', 'loss')}: expected its {name}, which reset_state "
                    f"makes, to be of numbers, text, arrays, lists, sets or dicts, got "
                    f"{_brief(value)}; BackupAndRestore cannot save it in the middle of an epoch: "
                    f"save_freq='epoch' saves between two"
                )

    def _check(self, path: Path, state: Any) -> None:
        """Raise an error if a state is not one of this training; nothing is changed."""
        now = self._state(0, False, {})
        plain = ("made_for", "epoch", "in_epoch", "is_over", "logs")
        if (
            not isinstance(state, dict)
            or state.keys() != now.keys()
            or any(type(state[key]) is not type(now[key]) for key in plain)
            or state["epoch"] < 0
        ):
            raise ValueError(f"{path}: this is not a backup as it was written; was it changed?")
        for key, here in now["made_for"].items():
            there = state["made_for"].get(key)
            if there != here:
                raise ValueError(
                    f"{path}: this is the backup of another training: {key} is {_brief(there)} "
                    f"there, {_brief(here)} here; give every call of fit a folder of its own, or "
                    f"delete this one to begin anew"
                )

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            self._put(state)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueError(
                f"{self.backup_dir}: the backup cannot be used ({type(error).__name__}: {error}); "
                f"was it changed? delete it to begin anew"
            ) from error

    def _put(self, state: dict[str, Any]) -> None:
        # It is put twice: lists in it must not become those that callbacks append to.
        state = {key: each if key in LARGE else copy.deepcopy(each) for key, each in state.items()}
        model, optimizer = self.model, self.model.optimizer
        copy_into(model.arrays, state["weights"])
        keys = list(model.arrays)
        slots = {f"{keys[number]}/{slot}": array for number, slot, array in state["slots"]}
        optimizer.set_state({**state["counters"], **slots})
        for name, value in state["dials"].items():
            optimizer.dials[name][...] = value
        for generator, pair in zip(self._generators(), state["positions"], strict=True):
            generator.state = pair
        for thing, held in zip(self._things_with_numbers(), state["numbers"], strict=True):
            put_numbers(thing, held)
        model.freezing.set_state(model, state["frozen"])
        for part, held in zip(self._parts_of_figures(), state["figures"], strict=True):
            put_state(part, held)
        for each, held in zip(self._kept, state["callbacks"], strict=True):
            each.set_state(held)
        # The validations come first, since all of them were before the epoch's batches.
        if self.test is not None:
            self.test.set_state(state["validation"])
        self.repeat.set_state(state["place"])
        model.stop_training = state["is_over"]
        random.set_global_state(state["random"])
        self.last_batch = self.repeat.steps if state["in_epoch"] else 0

    # Saving.

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Remember the epoch."""
        self.epoch, self.last_batch = epoch, 0

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if it is time."""
        self.since_saving += batch + 1 - self.last_batch
        self.last_batch = batch + 1
        # A training that stops is over when its epoch has ended: callbacks see that first.
        if self.batches_left <= 0 and not self.model.stop_training:
            self._save(self._state(self.epoch, True, {}))

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save if it is time."""
        if self.save_freq == "epoch":
            names = self.model.figures.names
            own = {k: v for k, v in (logs or {}).items() if k.removeprefix("val_") in names}
            self._save(self._state(epoch + 1, False, own))

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Delete the backup, and the folder if nothing else is in it."""
        self._wait()
        self.callbacks, self.repeat, self.test, self.saved = [], None, None, None
        if self.delete_checkpoint:
            for path in (self.path, self.previous):
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self.backup_dir.rmdir()

    def _save(self, state: dict[str, Any]) -> None:
        """Copy a state, and let another thread write it: the disk takes longer than some steps."""
        self.since_saving = 0
        self._wait()
        self.saved = Apart(state, self.saved)
        WRITING.acquire()
        threading.Thread(target=self._write, args=(self.saved,)).start()

    def _write(self, saved: Apart) -> None:
        try:
            if self.double_checkpoint and self.path.exists():
                with whole_or_not(self.previous) as copy, self.path.open("rb") as file:
                    shutil.copyfileobj(file, copy)
            with whole_or_not(self.path) as file:
                write_state(file, KIND, saved)
        except BaseException as error:
            self.failed = error
        finally:
            WRITING.release()

    def _wait(self) -> None:
        """Wait until the last backup is on the disk; raise what went wrong there."""
        with WRITING:
            failed, self.failed = self.failed, None
        if failed is not None:
            raise failed

    def _state(self, epoch: int, in_epoch: bool, logs: Logs) -> dict[str, Any]:
        model, optimizer = self.model, self.model.optimizer
        arrays = model.arrays
        numbers = {key: number for number, key in enumerate(arrays)}
        memory = optimizer.get_state()
        slots = [key.rsplit("/", 1) for key in memory if "/" in key]
        return {
            "made_for": {
                "the shapes of weights": [
                    [each.dtype.name, *each.shape] for each in arrays.values()
                ],
                "the optimizer": type(optimizer).__name__,
                "the figures": model.figures.names,
                "the callbacks": [[type(each).__name__, *each.get_state()] for each in self._kept],
                **self.repeat.settings,
                "the kind of validation_data": _kind(self.test),
            },
            "epoch": epoch,
            "in_epoch": in_epoch,
            "is_over": bool(model.stop_training),
            "logs": logs,
            # Of names, layers of the same model have others if it was made again in one process.
            "weights": list(arrays.values()),
            "slots": [[numbers[key], slot, memory[f"{key}/{slot}"]] for key, slot in slots],
            "counters": {key: value for key, value in memory.items() if "/" not in key},
            "dials": optimizer.dials,
            "positions": [each.state for each in self._generators()],
            "numbers": [numbers_of(each) for each in self._things_with_numbers()],
            "frozen": model.freezing.get_state(model),
            "figures": [state_of(part) for part in self._parts_of_figures()],
            "callbacks": [each.get_state() for each in self._kept],
            "place": self.repeat.get_state(),
            "validation": None if self.test is None else self.test.get_state(),
            "random": random.global_state(),
        }

    @property
    def _kept(self) -> list[Callback]:
        """The callbacks that remember something."""
        return [each for each in self.callbacks if each.get_state()]

    def _generators(self) -> list[random.SeedGenerator]:
        layers = self.model.leaves.values()
        return [each.seed_generator for each in layers if each.seed_generator is not None]

    def _things_with_numbers(self) -> list[Any]:
        """Return what callbacks may turn, and where code of the user's may count."""
        optimizer = self.model.optimizer
        schedule = [] if optimizer.schedule is None else [optimizer.schedule]
        layers = self.model.leaves.values()
        return [*self.model.networks, *layers, optimizer, *schedule]

    def _parts_of_figures(self) -> list[Any]:
        figures = self.model.figures
        return [figures.loss, *getattr(figures, "means", {}).values(), *figures.named.values()]


def _kind(test: Any) -> str:
    """Return what is validated with: nothing, arrays, or the kind of a stream."""
    if test is None:
        return "nothing"
    return type(test.stream.source).__name__ if hasattr(test, "stream") else "arrays"


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
