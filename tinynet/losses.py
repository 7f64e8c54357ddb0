r"""Losses: one number for how wrong a batch of predictions is, and its gradient.

``value(y_true, y_pred)`` computes the number and keeps what ``gradient()`` then reads.
Samples are weighted and reduced as in Keras: the sum of weight times loss over the number of
samples (not over the sum of the weights).

Looking back. A softmax under a cross-entropy wastes digits: probabilities near 0 and 1 have
lost what the logits before them still know. Keras therefore looks back through a model's
final softmax (a final sigmoid under `BinaryCrossentropy`) and computes from the logits; the
gradient is then simply p - y. A loss says in ``looks_through`` which activation it can see
through, and the model hands it the logits where its last layer ends in that activation.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from tinynet import config
from tinynet.arrays import as_float
from tinynet.configurable import Configurable, by_name, resolve, to_snake_case
from tinynet.kernels import cross_entropy, regression
from tinynet.kernels.registry import Array, Kernel

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)


class Loss(Configurable):
    """A loss over batches. A subclass gives its kernels and checks its targets.

    Parameters
    ----------
    reduction : {"sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none"}
        What becomes of the losses of single samples; the first two are the same.
    name : str, optional

    Raises
    ------
    ValueError
        If `reduction` is not one of these.

    Notes
    -----
    Follows keras/src/losses/loss.py.
    """

    looks_through: ClassVar[str | None] = None
    from_logits = False

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None
    ) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction: expected one of {REDUCTIONS}, got {reduction!r}")
        self.reduction = reduction
        self.name = name or to_snake_case(type(self).__name__)

    # What a subclass defines.

    def kernels(self, from_logits: bool) -> tuple[Any, ...]:
        """Return the kernel of the losses, that of the gradient, and the constants of both."""
        raise NotImplementedError

    def check_targets(self, y_true: Array, output_shape: tuple[int, ...]) -> Array:
        """Return the targets in the form that the kernels read, or say what is wrong.

        Parameters
        ----------
        y_true : ndarray of shape (n, ...)
        output_shape : tuple of int
            Shape of the predictions for one sample.
        """
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

    # What all losses share.

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float | Array:
        """Return the loss of a batch, as a number (an array where `reduction` is none)."""
        return self.value(np.asarray(y_true), as_float(y_pred), sample_weight, self.from_logits)

    def value(
        self,
        y_true: Array,
        y_pred: Array,
        sample_weight: Any = None,
        from_logits: bool = False,
    ) -> float | Array:
        """Compute the loss and keep what `gradient` needs.

        Parameters
        ----------
        y_true : ndarray of shape (n, ...)
        y_pred : ndarray of shape (n, ...)
            Predictions, or logits where `from_logits` is set.
        sample_weight : array_like of shape (n,) or that of the single losses, optional
        from_logits : bool

        Returns
        -------
        float, or ndarray of shape (n, ...) where `reduction` is none

        Raises
        ------
        ValueError
            If targets and predictions, or weights, do not fit together; if a target is not
            what the loss expects. The message says which loss to use instead.
        """
        if y_pred.ndim == 0 or y_true.shape[:1] != y_pred.shape[:1]:
            raise ValueError(
                f"y: expected one target for each of the predictions, got targets of shape "
                f"{y_true.shape} and predictions of shape {y_pred.shape}"
            )
        targets = self.check_targets(y_true, y_pred.shape[1:])
        weights = _row_weights(sample_weight, y_pred.shape[:-1], y_pred.dtype)
        rows = np.ascontiguousarray(y_pred).reshape(-1, y_pred.shape[-1])  # (rows, outputs)
        self.targets = self.target_rows(targets, rows)
        self.rows, self.weights, self.shape = rows, weights, y_pred.shape
        forward, self.backward, *self.constants = self.kernels(from_logits)
        losses = np.empty(len(rows), rows.dtype)
        forward(self.targets, rows, *self.constants, losses)
        losses = losses * weights
        if self.reduction in ("none", None):
            return losses.reshape(y_pred.shape[:-1])
        return float(np.sum(losses) * self._scale())

    def gradient(self) -> Array:
        """Return the derivative of the last `value` with respect to its `y_pred`."""
        if not hasattr(self, "rows"):
            raise RuntimeError(f"{self.name}: gradient came before value; call value first")
        drows = np.empty_like(self.rows)
        weights = (self.weights * self._scale()).astype(self.rows.dtype)
        self.backward(self.targets, self.rows, *self.constants, weights, drows)
        return drows.reshape(self.shape)

    def target_rows(self, targets: Array, rows: Array) -> Array:
        """Lay the targets out as a matrix like the predictions'."""
        return np.ascontiguousarray(targets, rows.dtype).reshape(rows.shape)

    def _scale(self) -> float:
        """Return the factor between the sum of the weighted losses and the loss."""
        if self.reduction in ("sum_over_batch_size", "mean"):
            return 1 / max(1, len(self.rows))
        if self.reduction == "mean_with_sample_weight":
            total = float(np.sum(self.weights))
            return 1 / total if total else 0.0
        return 1.0


class SparseCategoricalCrossentropy(Loss):
    r"""Cross-entropy with integer labels: :math:`-\log p_{i, y_i}`.

    From logits z it is :math:`\log\sum_j e^{z_{ij}} - z_{i y_i}` with the gradient
    :math:`p - \mathrm{onehot}(y)`; from probabilities, which are clipped to
    [1e-7, 1 - 1e-7], it is the same of :math:`z = \log p`.

    Parameters
    ----------
    from_logits : bool
        Whether the predictions are logits. Leave it off for a model that ends in softmax.
    reduction : str
        See `Loss`.
    name : str, optional

    Notes
    -----
    Targets: integers from 0 to classes - 1, shape (n,) or (n, 1). Follows
    keras/src/backend/tensorflow/nn.py; the gradient is derived in Bishop 2006, section 4.3.4.
    """

    looks_through = "softmax"

    def __init__(
        self,
        from_logits: bool = False,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = from_logits

    def kernels(self, from_logits: bool) -> tuple[Any, ...]:
        """Return the pair for logits or for probabilities."""
        if from_logits:
            return (
                cross_entropy.sparse_softmax_cross_entropy,
                cross_entropy.sparse_softmax_cross_entropy_backward,
            )
        return (
            cross_entropy.sparse_cross_entropy,
            cross_entropy.sparse_cross_entropy_backward,
            config.epsilon(),
        )

    def check_targets(self, y_true: Array, output_shape: tuple[int, ...]) -> Array:
        """Return integer labels without a last axis of 1."""
        if not output_shape:
            raise ValueError(
                "y: sparse_categorical_crossentropy expected predictions with one column a class, "
                "shape (n, classes), got shape (n,)"
            )
        classes = output_shape[-1]
        if y_true.ndim == len(output_shape) + 1 and y_true.shape[-1] == 1:
            y_true = y_true[..., 0]
        if y_true.shape[1:] != output_shape[:-1]:
            hint = ""
            if y_true.shape[1:] == output_shape:
                hint = "; labels look one-hot; use categorical_crossentropy"
            raise ValueError(
                f"y: sparse_categorical_crossentropy expected one integer a sample, shape "
                f"(n,) or (n, 1), got {y_true.shape}{hint}"
            )
        labels = y_true
        if labels.dtype.kind not in "iu":
            with np.errstate(invalid="ignore"):  # NaN becomes some integer, and is not equal to it
                labels = y_true.astype(np.int64)
            if not np.array_equal(labels, y_true):
                raise ValueError(
                    f"y: sparse_categorical_crossentropy expected integer labels, got "
                    f"{y_true.dtype} with fractions; use mean_squared_error for numbers"
                )
        if labels.size and not (labels.min() >= 0 and labels.max() < classes):
            raise ValueError(
                f"y: expected labels from 0 to {classes - 1} (the model has {classes} outputs), "
                f"got labels from {labels.min()} to {labels.max()}; labels that start at 1 need "
                f"y - 1, more classes need a wider last layer"
            )
        return labels

    def target_rows(self, targets: Array, rows: Array) -> Array:
        """Lay the labels out as a vector."""
        return np.ascontiguousarray(targets, np.int64).reshape(-1)


class CategoricalCrossentropy(Loss):
    r"""Cross-entropy with one-hot (or soft) targets: :math:`-\sum_j t_{ij} \log p_{ij}`.

    From logits the gradient is :math:`p - t`. From probabilities, rows are normalised and
    clipped to [1e-7, 1 - 1e-7] first.

    Parameters
    ----------
    from_logits : bool
        See `SparseCategoricalCrossentropy`.
    label_smoothing : float
        s in ``t*(1 - s) + s/classes``, from 0 to 1 (Szegedy et al. 2016, section 7).
    reduction : str
        See `Loss`.
    name : str, optional

    Raises
    ------
    ValueError
        If `label_smoothing` is not between 0 and 1.

    Notes
    -----
    Targets: shape (n, classes). Follows keras/src/losses/losses.py.
    """

    looks_through = "softmax"

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = from_logits
        self.label_smoothing = _share("label_smoothing", label_smoothing)

    def kernels(self, from_logits: bool) -> tuple[Any, ...]:
        """Return the pair for logits or for probabilities."""
        if from_logits:
            return (
                cross_entropy.softmax_cross_entropy,
                cross_entropy.softmax_cross_entropy_backward,
            )
        return (
            cross_entropy.cross_entropy,
            cross_entropy.cross_entropy_backward,
            config.epsilon(),
        )

    def check_targets(self, y_true: Array, output_shape: tuple[int, ...]) -> Array:
        """Return targets with one column a class."""
        if y_true.shape[1:] == output_shape:
            return y_true
        hint = ""
        if y_true.shape[1:] in (output_shape[:-1], (*output_shape[:-1], 1)):
            hint = (
                "; labels look like integers; use sparse_categorical_crossentropy, or "
                "to_categorical(y)"
            )
        raise ValueError(
            f"y: categorical_crossentropy expected one-hot rows, shape "
            f"(n, {', '.join(map(str, output_shape))}), got {y_true.shape}{hint}"
        )

    def target_rows(self, targets: Array, rows: Array) -> Array:
        """Lay the targets out as rows, smoothed."""
        rows_of_targets = super().target_rows(targets, rows)
        if not self.label_smoothing:
            return rows_of_targets
        classes = rows.shape[1]
        s = self.label_smoothing
        smoothed: Array = rows_of_targets * (1 - s) + s / classes
        return smoothed


class BinaryCrossentropy(Loss):
    r"""Cross-entropy of independent yes-or-no outputs, the mean over the last axis.

    :math:`-\frac1k\sum_j t_j \log p_j + (1 - t_j)\log(1 - p_j)`; from logits the gradient is
    :math:`(\sigma(z) - t)/k`. Probabilities are clipped to [1e-7, 1 - 1e-7].

    Parameters
    ----------
    from_logits : bool
        Whether the predictions are logits. Leave it off for a model that ends in sigmoid.
    label_smoothing : float
        s in ``t*(1 - s) + s/2``, from 0 to 1.
    reduction : str
        See `Loss`.
    name : str, optional

    Raises
    ------
    ValueError
        If `label_smoothing` is not between 0 and 1.

    Notes
    -----
    Targets: 0 or 1, the shape of the output; (n,) for an output (n, 1). Follows
    keras/src/backend/tensorflow/nn.py.
    """

    looks_through = "sigmoid"

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = from_logits
        self.label_smoothing = _share("label_smoothing", label_smoothing)

    def kernels(self, from_logits: bool) -> tuple[Any, ...]:
        """Return the pair for logits or for probabilities."""
        if from_logits:
            return (
                cross_entropy.sigmoid_cross_entropy,
                cross_entropy.sigmoid_cross_entropy_backward,
            )
        return (
            cross_entropy.binary_cross_entropy,
            cross_entropy.binary_cross_entropy_backward,
            config.epsilon(),
        )

    def check_targets(self, y_true: Array, output_shape: tuple[int, ...]) -> Array:
        """Return targets shaped as the output, all between 0 and 1."""
        targets = super().check_targets(y_true, output_shape)
        if targets.size and not (targets.min() >= 0 and targets.max() <= 1):
            raise ValueError(
                f"y: binary_crossentropy expected targets between 0 and 1, got {targets.min()} "
                f"to {targets.max()}; use sparse_categorical_crossentropy for more classes"
            )
        return targets

    def target_rows(self, targets: Array, rows: Array) -> Array:
        """Lay the targets out as rows, smoothed."""
        rows_of_targets = super().target_rows(targets, rows)
        if not self.label_smoothing:
            return rows_of_targets
        return rows_of_targets * (1 - self.label_smoothing) + 0.5 * self.label_smoothing


class MeanSquaredError(Loss):
    r"""Mean over the outputs of the squared error: :math:`\frac1k\sum_j (p_j - t_j)^2`."""

    def kernels(self, from_logits: bool) -> tuple[Kernel, ...]:
        """Return the pair of kernels."""
        return regression.squared_error, regression.squared_error_backward


class MeanAbsoluteError(Loss):
    r"""Mean over the outputs of the absolute error: :math:`\frac1k\sum_j |p_j - t_j|`.

    The derivative at an error of 0 is 0.
    """

    def kernels(self, from_logits: bool) -> tuple[Kernel, ...]:
        """Return the pair of kernels."""
        return regression.absolute_error, regression.absolute_error_backward


class Huber(Loss):
    r"""Squared error for small errors, absolute error for large ones (Huber 1964).

    With e the error, :math:`e^2/2` where :math:`|e| \le \delta`, else
    :math:`\delta|e| - \delta^2/2`, and the mean over the outputs.

    Parameters
    ----------
    delta : float
        Where the one turns into the other; above 0.
    reduction : str
        See `Loss`.
    name : str, optional

    Raises
    ------
    ValueError
        If `delta` is not above 0.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        if not delta > 0:
            raise ValueError(f"delta: expected a number above 0, got {delta!r}")
        self.delta = delta

    def kernels(self, from_logits: bool) -> tuple[Any, ...]:
        """Return the pair of kernels and delta."""
        return regression.huber, regression.huber_backward, float(self.delta)


LOSSES: dict[str, type[Loss]] = {
    **by_name(
        SparseCategoricalCrossentropy,
        CategoricalCrossentropy,
        BinaryCrossentropy,
        MeanSquaredError,
        MeanAbsoluteError,
        Huber,
    ),
    "bce": BinaryCrossentropy,
    "BCE": BinaryCrossentropy,
    "mse": MeanSquaredError,
    "MSE": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "MAE": MeanAbsoluteError,
}


def get(identifier: object) -> Loss:
    """Return the loss that a name, a config or a class stands for."""
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    return resolve("loss", identifier, LOSSES)


def _share(name: str, value: float) -> float:
    if not 0 <= value <= 1 or math.isnan(value):
        raise ValueError(f"{name}: expected a share between 0 and 1, got {value!r}")
    return value


def _row_weights(sample_weight: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return one weight a row of predictions, from weights a sample or a row."""
    if sample_weight is None:
        return np.ones(math.prod(shape), dtype)
    weights = np.asarray(sample_weight, dtype)
    if weights.shape != shape and weights.ndim > 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    if weights.shape not in (shape, shape[:1]):
        raise ValueError(
            f"sample_weight: expected one number a sample, shape {shape[:1]}, got {weights.shape}"
        )
    by_sample = weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim))
    return np.broadcast_to(by_sample, shape).reshape(-1)
