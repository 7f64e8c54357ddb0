"""A loss that is given as a function of targets and predictions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinynet.activations import Activation
from tinynet.arrays import Array, read_only, same_rank
from tinynet.configurable import function_config, function_of, name_of_function, serialize
from tinynet.losses.base import Loss
from tinynet.losses.looking import THROUGH, Predictions, warning_if
from tinynet.overriding import overrides

# Steps of the differences, relative to a prediction or, if that is smaller, to SMALLEST. The
# later ones are for predictions so close to the edge of the function's domain (a logarithm's) that
# the first steps lead out of it.
STEPS = (1e-5, 1e-8, 1e-11)
SMALLEST = 1e-2
LOGIT = 100.0  # in the place of both: cross-entropies bend within 1, however large the logits are


class LossFunctionWrapper(Loss):
    """A function ``fn(y_true, y_pred)`` as a loss. Its gradient is measured.

    With the loss L, each entry of its gradient is the difference

    ``(L(p - 2h) - 8 L(p - h) + 8 L(p + h) - L(p + 2h))/(12 h)``

    in float64. That is accurate to about ten digits, and takes four calls of the function for each
    output of the model. A subclass of `Loss` with its own gradient is exact and faster.

    Where the function passes predictions on to a cross-entropy, as they are, that one looks through
    a final softmax or sigmoid f, as it does in Keras on TensorFlow. L then depends on p = f(z) and
    on the logits z beside it, which are moved in the same way, each while the others stay.

    Parameters
    ----------
    fn : callable
        Takes targets and predictions as arrays of `floatx` and of the same rank, and returns one
        loss per sample (n, ...), or one number for all.
    reduction : str, optional
        See `Loss`.
    name : str, optional
        By default that of the function.

    Notes
    -----
    Follows the class of the same name in keras/src/losses/losses.py.
    """

    only_kernels = False
    looks_through = THROUGH

    def __init__(
        self,
        fn: Callable[[Array, Array], Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        if not callable(fn):
            raise TypeError(f"fn: expected a function of y_true and y_pred, got {fn!r}")
        super().__init__(reduction, name or name_of_function(fn))
        self.fn = fn

    def check_targets(self, y_true: Array, output_shape: tuple[int, ...]) -> Array:
        """Take any targets: only the function knows which ones it reads."""
        return y_true

    def sees_through(self, activation: Activation) -> Any:
        """Return the activation itself if the function may ask for the logits: `value` needs it."""
        return activation if super().sees_through(activation) else False

    def value(
        self, y_true: Array, y_pred: Array, sample_weight: Any = None, from_logits: Any = None
    ) -> float | Array:
        """Call the function, weight and reduce what it returns; keep what `gradient` needs.

        Parameters
        ----------
        y_true, y_pred, sample_weight
            See `Loss.value`.
        from_logits : Activation, optional
            What makes predictions of `y_pred`, if it holds logits.

        Raises
        ------
        ValueError
            If the function returns anything but numbers, one per sample or one for all.
        """
        self.activation: Any = None
        self.logits: Any = None
        if isinstance(from_logits, Activation):
            self.activation, self.logits = from_logits, y_pred
            y_pred = self.activation.forward(y_pred)
        targets, rows = self.aligned(y_true.astype(y_pred.dtype), y_pred)
        self.targets, self.rows, self.out = targets, rows, y_pred
        self.given = None if sample_weight is None else np.asarray(sample_weight, rows.dtype)
        with warning_if(not self._has_looked):
            losses = self._losses(targets, rows, self.logits)
        self._has_looked = True
        if losses.ndim and len(losses) != len(rows):
            raise ValueError(
                f"{self.name}: expected one loss for each of {len(rows)} samples or one for all, "
                f"got shape {losses.shape}; take the mean over the last axis only, axis=-1"
            )
        parts = self._parts(losses)
        return parts if self.reduction in ("none", None) else float(parts.sum())

    def aligned(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """Return targets and predictions of the same rank."""
        return same_rank(y_true, y_pred)

    def gradient(self) -> Array:
        """Return the measured derivative of the last `value` with respect to its `y_pred`."""
        if not hasattr(self, "rows"):
            raise RuntimeError(f"{self.name}: gradient came before value; call value first")
        targets, rows = self.targets.astype(np.float64), self.rows.astype(np.float64)
        z = None if self.logits is None else self.logits.astype(np.float64)
        with warning_if(False):
            by_sample = self._knows_no_other_sample(targets, rows, z)
            sizes = np.maximum(np.abs(rows), SMALLEST)
            dout = self._measured(lambda p: self._losses(targets, p, z), rows, sizes, by_sample)
            dout = dout.astype(self.rows.dtype).reshape(self.out.shape)
            if z is None:
                return dout
            dz: Array = self.activation.backward(dout, self.logits, self.out)
            if self.has_asked:
                sizes = np.full(z.shape, LOGIT)
                dz += self._measured(lambda z: self._losses(targets, rows, z), z, sizes, by_sample)
            return dz

    def _measured(
        self, losses: Callable[[Array], Array], x: Array, sizes: Array, by_sample: bool
    ) -> Array:
        """Return the derivative of the loss, as a function of an array, by each of its entries."""
        dx = np.full(x.shape, np.nan)
        for step in STEPS:
            h = step * sizes
            for at in np.ndindex(x.shape[1:] if by_sample else x.shape):
                # The same output of every sample, or a single entry.
                entry: Any = (slice(None), *at) if by_sample else at
                known = np.isfinite(dx[entry])
                if not np.all(known):
                    slope = self._difference(losses, x, entry, h[entry])
                    dx[entry] = np.where(known, dx[entry], slope)
        return dx

    def _difference(self, losses: Callable[[Array], Array], x: Array, entry: Any, h: Any) -> Any:
        """Return the derivative by one output of all samples, or by one entry."""
        moved = x.copy()
        found = []
        for steps in (-2, -1, 1, 2):
            moved[entry] = x[entry] + steps * h
            found.append(losses(moved))
        with np.errstate(invalid="ignore"):
            slope = (found[0] - 8 * found[1] + 8 * found[2] - found[3]) / 12
        parts = self._parts(slope)
        whole = parts.sum() if np.ndim(h) == 0 else parts.reshape(len(parts), -1).sum(axis=1)
        return whole / h

    def _losses(self, targets: Array, rows: Array, logits: Array | None) -> Array:
        """Return what the function returns for predictions, which may know their logits."""
        given = read_only(rows)
        if logits is not None and logits.shape == rows.shape:
            given = Predictions.of(given, logits, self.activation)
        with np.errstate(divide="ignore", invalid="ignore"):  # a step may leave the domain
            returned = self.fn(targets, given)
        self.has_asked = isinstance(given, Predictions) and given.asked
        try:
            if returned is None:
                raise TypeError
            return np.array(returned, rows.dtype)  # a view of what will be moved would move, too
        except (TypeError, ValueError):
            raise ValueError(
                f"{self.name}: expected numbers, one for each sample, got {returned!r}"
            ) from None

    def _parts(self, losses: Array) -> Array:
        """Return the losses with their weights, and with the factor of the reduction."""
        total: float = losses.size
        if self.given is not None:
            losses, weights = same_rank(losses, self.given)
            weights = weights.reshape(weights.shape + (1,) * (losses.ndim - weights.ndim))
            losses = losses * weights
            total = losses.size
            if self.reduction == "mean_with_sample_weight":
                # As in Keras, one weight for all counts once.
                spread = weights if self.given.ndim == 0 else np.broadcast_to(weights, losses.shape)
                total = float(spread.sum())
        if self.reduction in ("none", None, "sum"):
            return losses
        return losses / total if total else losses * 0

    def _knows_no_other_sample(self, targets: Array, rows: Array, z: Array | None) -> bool:
        """Return whether each sample has its own loss, and the same without half of the others."""
        losses = self._losses(targets, rows, z)
        half = len(rows) // 2
        if losses.ndim == 0:
            return False
        if half == 0:
            return True
        alone = self._losses(targets[:half], rows[:half], None if z is None else z[:half])
        return alone.shape == losses[:half].shape and np.allclose(
            alone, losses[:half], equal_nan=True
        )

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, the function by its name."""
        return {
            "fn": function_config(self.fn),
            "reduction": self.reduction,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> LossFunctionWrapper:
        """Find the function among the custom objects, and wrap it."""
        return cls(**{**config, "fn": function_of("loss", config["fn"])})


class LossByCall(LossFunctionWrapper):
    """A loss of one's own whose ``call(y_true, y_pred)`` is such a function, as in Keras.

    Parameters
    ----------
    loss : Loss
    """

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss.call, loss.reduction, loss.name)
        self.loss = loss

    def aligned(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """Return both as they are, as Keras does, which computes with labels (n,) and (n, 1).

        A loss that extends one of tinynet's can leave that to its ``super().call``.
        """
        alone = type(self.loss).kernels is Loss.kernels
        if alone and y_true.ndim < y_pred.ndim and len(y_pred) > 1:
            warnings.warn(
                f"{self.name}: targets of shape {y_true.shape} and predictions of shape "
                f"{y_pred.shape} are passed to call as they are; if it subtracts them, each target "
                f"meets each prediction; give targets the shape of the predictions, y[:, None]",
                stacklevel=2,
            )
        return y_true, y_pred

    def get_config(self) -> dict[str, Any]:
        """Return the loss by its own config."""
        return {"loss": serialize(self.loss)}


def by_call(loss: Loss) -> Loss:
    """Return a loss; one with a ``call`` of the user's, and no ``value``, as a `LossByCall`."""
    return LossByCall(loss) if overrides(type(loss), "call", "value") else loss
