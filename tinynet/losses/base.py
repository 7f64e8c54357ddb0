"""What all losses share: targets and weights laid out in rows, and the reduction."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from tinynet.activations import Activation
from tinynet.arrays import Array, is_loopable
from tinynet.checks import text
from tinynet.configurable import Configurable, to_snake_case
from tinynet.kernels.linear import weighted_sum
from tinynet.kernels.registry import Differentiable
from tinynet.kernels.rows import cast
from tinynet.losses.calling import Called
from tinynet.losses.looking import may_warn
from tinynet.overriding import missing
from tinynet.step.tape import Computes, as_number, call, view_or_call

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)


class Loss(Called, Computes, Configurable):
    """A loss over batches. A subclass provides its kernels, or a ``call`` as in Keras.

    Parameters
    ----------
    reduction : {"sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none"}
        How the losses of single samples are combined; the first two are the same.
    name : str, optional

    Raises
    ------
    ValueError
        If `reduction` is not one of these.

    Notes
    -----
    Follows keras/src/losses/loss.py.
    """

    only_kernels: Any = True
    computing: tuple[str, ...] = ("value", "gradient", "check_targets", "target_rows")
    looks_through: tuple[str, ...] = ()
    from_logits = False
    axis = -1  # of what makes one loss: the outputs of a sample, or of a step

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None
    ) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction: expected one of {REDUCTIONS}, got {reduction!r}")
        self.reduction = reduction
        self.name = text("name", name) or to_snake_case(type(self).__name__)
        self._has_looked = False

    # What a subclass defines.

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the kernel of the losses, that of the gradient, and the constants of both."""
        raise missing(self, "call(y_true, y_pred), which returns the loss of each sample")

    def check_targets(self, y_true: Array, output_shape: tuple[int, ...]) -> Array:
        """Return the targets, shaped to fit the predictions; raise an error if they cannot.

        Parameters
        ----------
        y_true : ndarray of shape (n, ...)
        output_shape : tuple of int
            Shape of the predictions for one sample.
        """
        self.check_axis(output_shape)
        if y_true.shape[1:] != output_shape:
            if y_true.shape[1:] == output_shape[:-1] and output_shape[-1:] == (1,):
                return y_true[..., None]
            if y_true.shape[1:] == (*output_shape, 1):
                return y_true[..., 0]
            raise ValueError(
                f"y: expected shape (n, {', '.join(map(str, output_shape))}) like the model's "
                f"output, got {y_true.shape}"
            )
        return y_true

    def check_axis(self, output_shape: tuple[int, ...]) -> None:
        """Raise an error if the axis that was given is not the last one of the predictions."""
        if self.axis not in (-1, len(output_shape)):
            raise ValueError(
                f"axis: expected the last axis of the predictions, -1, got {self.axis} for "
                f"predictions with {len(output_shape) + 1} axes; np.moveaxis moves it to the end"
            )

    def look_at(self, rows: Array, from_logits: bool) -> None:
        """Warn if the first predictions, (rows, outputs), are not what the loss is made for."""

    # What all losses share.

    @property
    def parts(self) -> dict[str, Loss]:
        """All losses by name: this one alone, except in a model with several outputs."""
        return {"loss": self}

    def sees_through(self, activation: Activation) -> Any:
        """Return whether the loss reads the logits where a model ends in an activation."""
        return activation.name in self.looks_through

    def value(
        self,
        y_true: Array,
        y_pred: Array,
        sample_weight: Any = None,
        from_logits: bool | None = None,
    ) -> float | Array:
        """Compute the loss and keep what `gradient` needs.

        Parameters
        ----------
        y_true : ndarray of shape (n, ...)
        y_pred : ndarray of shape (n, ...)
            Predictions, or logits.
        sample_weight : array_like of shape (), (n,) or that of the single losses, optional
        from_logits : bool, optional
            Whether `y_pred` holds logits; by default, what the loss itself says.

        Returns
        -------
        float, or ndarray of shape (n, ...) where `reduction` is none

        Raises
        ------
        ValueError
            If targets and predictions, or weights, do not fit together; if a target is not
            what the loss expects. The message says which loss to use instead.
        """
        if from_logits is None:
            from_logits = self.from_logits
        if y_pred.ndim == 0 or y_true.shape[:1] != y_pred.shape[:1]:
            raise ValueError(
                f"y: expected one target for each of the predictions, got targets of shape "
                f"{y_true.shape} and predictions of shape {y_pred.shape}"
            )
        self.weighted = sample_weight is not None
        self.alike = self.weighted and np.ndim(sample_weight) == 0
        if not self.weighted:
            weights = _ones(math.prod(y_pred.shape[:-1]), y_pred.dtype)
        else:
            weights = call(row_weights, sample_weight, y_pred.shape[:-1], y_pred.dtype)
        rows = np.ascontiguousarray(y_pred).reshape(-1, y_pred.shape[-1])  # (rows, outputs)
        targets = view_or_call(self.check_targets, y_true, y_pred.shape[1:])
        self.targets = self.target_rows(targets, rows)
        self.rows, self.sample_weights, self.shape = rows, weights, y_pred.shape
        if may_warn.get() and not self._has_looked:
            self._has_looked = True
            self.look_at(rows, from_logits)
        self.chosen = self.kernels(from_logits)
        losses = np.empty(len(rows), rows.dtype)
        call(self.chosen.forward, self.targets, rows, *self.chosen.constants, losses)
        if self.reduction in ("none", None):
            value: float | Array = call(self._apart, losses, weights, y_pred.shape[:-1])
            return value
        self.batch_loss = total = np.empty((), np.float64)
        if self.weighted and self.reduction == "mean_with_sample_weight":
            call(self._mean, losses, weights, self.alike, total)
        else:
            weighted_sum(losses, weights, self._scale(weights, False), total)
        value = as_number(total)
        return value

    def gradient(self) -> Array:
        """Return the derivative of the last `value` with respect to its `y_pred`.

        Where `reduction` is none, it is that of the sum of the single losses.
        """
        if not hasattr(self, "rows"):
            raise RuntimeError(f"{self.name}: gradient came before value; call value first")
        drows = np.empty_like(self.rows)
        if self.weighted:
            weights = call(self._scaled, self.sample_weights, self.alike)
        else:  # the same in every step, so it needs no line
            weights = self._scaled(self.sample_weights, False)
        self.scaled_weights = weights
        constants = self.chosen.constants
        call(self.chosen.backward, self.targets, self.rows, *constants, weights, drows)
        return drows.reshape(self.shape)

    def target_rows(self, targets: Array, rows: Array) -> Array:
        """Lay the targets out as a matrix, like the predictions."""
        return in_type(targets, rows.dtype).reshape(rows.shape)

    def _apart(self, losses: Array, weights: Array, shape: tuple[int, ...]) -> Array:
        """Return the single losses, weighted."""
        return (losses * weights).reshape(shape)

    def _mean(self, losses: Array, weights: Array, alike: bool, total: Array) -> None:
        """Compute the mean where its denominator, the sum of the weights, is another each time."""
        weighted_sum(losses, weights, self._scale(weights, alike), total)

    def _scaled(self, weights: Array, alike: bool) -> Array:
        """Return what the gradient of each row's loss is multiplied by."""
        return (weights * self._scale(weights, alike)).astype(weights.dtype)

    def _scale(self, weights: Array, alike: bool) -> float:
        """Return the factor between the sum of the weighted losses and the loss."""
        if self.reduction in ("sum_over_batch_size", "mean"):
            return 1 / max(1, len(weights))
        if self.reduction == "mean_with_sample_weight":
            total = float(np.sum(weights[:1] if alike else weights))  # as in Keras
            return 1 / total if total else 0.0
        return 1.0


def in_type(x: Array, dtype: Any) -> Array:
    """Return an array in a type, stored row by row."""
    if x.dtype == dtype and x.flags.c_contiguous:
        return x
    if not (is_loopable(x.dtype) and x.flags.c_contiguous):
        found: Array = call(np.ascontiguousarray, x, dtype)
        return found
    out = np.empty(x.shape, dtype)
    cast(x.reshape(-1), out.reshape(-1))
    return out


@functools.lru_cache(maxsize=4)
def _ones(n: int, dtype: np.dtype[Any]) -> Array:
    """Return the weights where none were given; read-only, and the same for every batch."""
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones


def row_weights(sample_weight: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return one weight per row of predictions, from weights per sample or per row, or from one."""
    weights = np.asarray(sample_weight, dtype)
    if weights.ndim == 0:
        return np.full(math.prod(shape), weights)
    if weights.shape != shape and weights.ndim > 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    if weights.shape not in (shape, shape[:1]):
        raise ValueError(
            f"sample_weight: expected one number per sample, shape {shape[:1]}, got {weights.shape}"
        )
    by_sample = weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim))
    return np.broadcast_to(by_sample, shape).reshape(-1)
