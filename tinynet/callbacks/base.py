"""Callbacks: objects that `fit` informs of what happens, and that may act on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

Logs = dict[str, Any]


class Callback:
    """Does nothing on any occasion; a subclass overrides the methods it needs.

    Attributes
    ----------
    model : Sequential
        The model that is being trained, evaluated or used.
    params : dict
        ``verbose``, ``epochs``, ``steps``, and ``metrics``: the names that the logs of an
        epoch will have, or None where another callback may add some.
    remembers : tuple of str
        Of a class: the names of attributes that change from batch to batch or from epoch to epoch,
        and that a training needs to go on after an interruption, `BackupAndRestore`.
    """

    # Whether it has to be told of every single batch, rather than of the last one of several. Of
    # tinynet's own callbacks only: for one of yours, `fit` always makes one step after the other.
    every_batch = True
    # How many batches may be made before it has to be told of the next one.
    batches_left: float = math.inf
    # Names that the callback adds to an epoch's logs.
    adds_to_logs: ClassVar[tuple[str, ...]] = ()
    # Attributes that `BackupAndRestore` saves; the others are to follow from the arguments.
    remembers: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_params(self, params: dict[str, Any]) -> None:
        """Receive what is known before the start."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Receive the model."""
        self.model = model

    def get_state(self) -> dict[str, Any]:
        """Return what it remembers: numbers, text, arrays, and lists and dicts of them."""
        return {name: getattr(self, name) for name in self.remembers}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` has returned, after ``on_train_begin``."""
        for name, value in state.items():
            setattr(self, name, value)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, with its logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch; `epoch` counts from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch and its validation, with the logs of both."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a training batch (old name)."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a training batch (old name)."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a training batch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a training batch, with the loss and the metrics of the epoch so far."""
        self.on_batch_end(batch, logs)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Before an evaluation, validation in fit included."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """After an evaluation."""

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of an evaluation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of an evaluation."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Before predictions."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """After predictions."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch of predictions."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch of predictions."""


class Resumes(Callback):
    """Brings a run back that was killed. It is told last, when all the others know."""

    def resume(
        self, callbacks: Sequence[Callback], repeat: Any, test: Any, first_epoch: int
    ) -> tuple[int, Logs]:
        """Return the first epoch, and the logs of the one before it.

        What makes the steps is `repeat`, and those of a validation, if there is one, `test`.
        """
        raise NotImplementedError


class CallbackList:
    """Tells several callbacks the same thing, in order.

    Parameters
    ----------
    callbacks : Callback or sequence of Callback, optional
    model : Sequential
    params : dict
        See `Callback`.

    Raises
    ------
    TypeError
        If something in the list is not a callback.
    """

    def __init__(
        self, callbacks: Callback | Iterable[Callback] | None, model: Any, params: dict[str, Any]
    ) -> None:
        self.callbacks = sorted(as_list(callbacks), key=lambda each: isinstance(each, Resumes))
        self._listeners: dict[str, list[Callable[..., None]]] = {}
        for each in self.callbacks:
            each.set_model(model)
            each.set_params(params)

    def tell(self, occasion: str, *place: int, logs: Logs | None = None) -> None:
        """Call the method ``on_<occasion>`` of every callback; all get the same logs."""
        logs = {} if logs is None else logs
        for method in self.listeners(occasion):
            method(*place, logs)

    def resume(self, repeat: Any, test: Any, first_epoch: int) -> tuple[int, Logs]:
        """Return the first epoch and the logs so far: those of a run that was killed, or given."""
        logs: Logs = {}
        for each in self.callbacks:
            if isinstance(each, Resumes):
                first_epoch, logs = each.resume(self.callbacks, repeat, test, first_epoch)
        return first_epoch, logs

    def listeners(self, occasion: str) -> list[Callable[..., None]]:
        """Return the methods ``on_<occasion>`` of those callbacks that override it."""
        if occasion not in self._listeners:
            names = {f"on_{occasion}", f"on_{occasion.removeprefix('train_')}"}  # and the old one
            self._listeners[occasion] = [
                getattr(each, f"on_{occasion}")
                for each in self.callbacks
                if any(_overrides(each, name) for name in names)
            ]
        return self._listeners[occasion]


def _overrides(callback: Callback, name: str) -> bool:
    """Return whether a callback's class, or the object itself, overrides a method."""
    method = getattr(callback, name, None)
    return getattr(method, "__func__", method) is not getattr(Callback, name, None)


def as_list(callbacks: Callback | Iterable[Callback] | None) -> list[Callback]:
    """Return the callbacks as a list, after checking each."""
    if callbacks is None:
        return []
    several = isinstance(callbacks, Iterable) and not isinstance(callbacks, (str, bytes, type))
    found: list[Any] = list(callbacks) if several else [callbacks]  # type: ignore[arg-type]
    for each in found:
        if not isinstance(each, Callback):
            hint = "; call the class: add ()" if isinstance(each, type) else ""
            raise TypeError(f"callbacks: expected Callback objects, got {each!r}{hint}")
    return found


class History(Callback):
    """Keeps the logs of every epoch; `fit` returns one.

    Attributes
    ----------
    history : dict of str to list
        A list with one entry per epoch under every name in the logs.
    epoch : list of int
    """

    remembers = ("history", "epoch")

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def set_params(self, params: dict[str, Any]) -> None:
        """Receive what is known before the start, and keep what Keras has: scripts print it."""
        super().set_params({key: each for key, each in params.items() if key != "metrics"})

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start a new list of epochs, and become the model's ``history``."""
        self.epoch = []
        self.model.history = self

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the epoch's logs."""
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)


class LambdaCallback(Callback):
    """Calls functions that are passed to the constructor.

    Parameters
    ----------
    **functions
        By the name of the occasion: ``on_epoch_end=lambda epoch, logs: ...``.

    Raises
    ------
    TypeError
        If there is no such occasion.
    """

    def __init__(self, **functions: Callable[..., Any] | None) -> None:
        super().__init__()
        for name, function in functions.items():
            if not name.startswith("on_") or not hasattr(Callback, name):
                raise TypeError(f"LambdaCallback: there is no occasion {name!r}")
            if function is not None:
                setattr(self, name, function)


def expected_logs(
    metric_names: Sequence[str], validates: bool, callbacks: Sequence[Callback]
) -> list[str] | None:
    """Return the names that an epoch's logs will have, or None if a callback may add more."""
    if any(
        isinstance(each, LambdaCallback) or not type(each).__module__.startswith("tinynet.")
        for each in callbacks
    ):
        return None
    validation = [f"val_{name}" for name in metric_names] if validates else []
    added = {name for each in callbacks for name in each.adds_to_logs}
    return [*metric_names, *validation, *sorted(added)]
