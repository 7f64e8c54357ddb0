"""What a loss returns that is called by hand, and what a class that extends it may build upon."""

from __future__ import annotations

import copy
from typing import Any, cast

import numpy as np

from tinynet.arrays import Array
from tinynet.losses.looking import as_read


class Called:
    """A loss can be called: for a whole batch, or by ``call``, sample by sample."""

    reduction: str | None
    _has_looked: bool

    def value(
        self,
        y_true: Array,
        y_pred: Array,
        sample_weight: Any = None,
        from_logits: bool | None = None,
    ) -> float | Array:
        """Compute the loss; defined by `Loss`."""
        raise NotImplementedError

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float | Array:
        """Return the loss of a batch, as a number (an array where `reduction` is none)."""
        from tinynet.losses.functions import by_call  # which extends this

        whole = by_call(cast(Any, self))
        y_pred, from_logits = as_read(whole, y_pred)
        return whole.value(np.asarray(y_true), y_pred, sample_weight, from_logits)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, neither weighted nor reduced.

        As in Keras, a subclass may define it in any way, and call ``super().call``. Its gradient is
        then measured, as that of a function is (`losses.LossFunctionWrapper`). A subclass with
        ``value`` and ``gradient`` needs no ``call``.

        Parameters
        ----------
        y_true : array_like of shape (n, ...)
        y_pred : array_like of shape (n, ..., outputs)

        Returns
        -------
        ndarray of shape (n, ...)
        """
        alone = copy.copy(self)
        alone.reduction = "none"
        y_pred, from_logits = as_read(alone, y_pred)
        losses = alone.value(np.asarray(y_true), y_pred, None, from_logits)
        # The next predictions may be those of a difference, which leave the probabilities.
        self._has_looked = True
        return losses
