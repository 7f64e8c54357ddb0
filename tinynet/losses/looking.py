"""Predictions that know the logits before them, as Keras's tensors on TensorFlow do.

A loss or a metric of the user's gets such predictions where a model ends in softmax or sigmoid. If
it passes them on to one of tinynet's cross-entropies, as they are, that one reads the logits.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from tinynet.activations import Activation
from tinynet.arrays import Array, read_only
from tinynet.config import as_float

THROUGH = ("softmax", "sigmoid")  # Keras keeps the logits of both, whichever cross-entropy asks

# Whether a loss that is called may warn of what it sees. Only in the first batch of a function of
# the user's: it may make a new loss in each, and not all predictions are the model's own.
may_warn: ContextVar[bool] = ContextVar("may_warn", default=True)


class Predictions(np.ndarray[Any, np.dtype[Any]]):
    """An array of predictions. What is computed from it is any other array, without logits.

    Attributes
    ----------
    logits : ndarray, or None where they are not known
    activation : Activation
        Makes the predictions of the logits.
    asked : bool
        Whether a loss has read the logits.
    """

    logits: Array | None = None
    activation: Activation
    asked = False

    @classmethod
    def of(cls, out: Array, logits: Array, activation: Activation) -> Predictions:
        """Return a view of predictions that knows their logits."""
        found = np.asarray(out).view(cls)
        found.logits, found.activation = logits, activation
        return found

    def __getitem__(self, key: Any) -> Any:
        return np.asarray(self)[key]

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: Any = False) -> Any:
        return np.asarray(array)[()] if return_scalar else np.asarray(array)


def protected(y_pred: Array) -> Array:
    """Return a view of predictions that a function cannot write to; they keep their logits."""
    view = read_only(np.asarray(y_pred))
    if isinstance(y_pred, Predictions) and y_pred.logits is not None:
        return Predictions.of(view, y_pred.logits, y_pred.activation)
    return view


def as_read(loss: Any, y_pred: Any) -> tuple[Array, Any]:
    """Return what a loss reads of predictions, and whether that is logits; None if it is to say.

    Notes
    -----
    Follows ``_get_logits`` in keras/src/backend/tensorflow/nn.py.
    """
    if not isinstance(y_pred, Predictions) or y_pred.logits is None:
        return as_float(y_pred), None
    through = loss.sees_through(y_pred.activation)
    if not through:
        return as_float(y_pred), None
    if loss.from_logits and may_warn.get():
        warnings.warn(
            f"{loss.name}: from_logits=True, and the predictions come from a "
            f"{y_pred.activation.name}, which makes probabilities; the logits before it are read, "
            f"as without from_logits",
            stacklevel=4,
        )
    y_pred.asked = True
    return y_pred.logits, through


@contextmanager
def warning_if(first: bool) -> Iterator[None]:
    """Let losses in a ``with`` block warn of what they see, or not, unless they must not anyway."""
    before = may_warn.set(first and may_warn.get())
    try:
        yield
    finally:
        may_warn.reset(before)
