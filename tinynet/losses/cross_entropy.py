"""Losses for classes: how surprising the targets are under the predicted probabilities."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tinynet import config
from tinynet.arrays import Array
from tinynet.checks import flag, integer
from tinynet.kernels import clipped_cross_entropy, cross_entropy
from tinynet.kernels.registry import Differentiable
from tinynet.losses.base import Loss, in_type
from tinynet.losses.ignoring import left_out
from tinynet.losses.looking import THROUGH


class Crossentropy(Loss):
    """What the three cross-entropies share: they look through the model's final activation."""

    looks_through: tuple[str, ...] = THROUGH
    over_classes = True  # whether the outputs of a sample are classes that exclude each other

    def look_at(self, rows: Array, from_logits: bool) -> None:
        """Warn about logits in place of probabilities, and about a single class."""
        if self.over_classes and rows.shape[1] == 1:
            warnings.warn(
                f"{self.name}: predictions with one column, shape {rows.shape}, leave no choice "
                f"between classes, and the loss says nothing; for two classes use a single sigmoid "
                f"and binary_crossentropy",
                stacklevel=3,
            )
        if not from_logits and rows.size and (rows.min() < 0 or rows.max() > 1 + 1e-3):
            warnings.warn(
                f"{self.name}: expected probabilities, got predictions from {rows.min():.3g} to "
                f"{rows.max():.3g}, which look like logits; end the model in softmax or sigmoid, "
                f"or make the loss with from_logits=True",
                stacklevel=3,
            )


class SparseCategoricalCrossentropy(Crossentropy):
    r"""Cross-entropy with integer labels: :math:`-\log p_{i, y_i}`.

    From logits z it is :math:`\log\sum_j e^{z_{ij}} - z_{i y_i}` with the gradient
    :math:`p - \mathrm{onehot}(y)`; from probabilities, clipped by `config.epsilon`, the loss is
    the same with :math:`z = \log p`, and the gradient is that at p.

    Parameters
    ----------
    from_logits : bool
        Whether the predictions are logits. Leave it off for a model that ends in softmax.
    ignore_class : int, optional
        A label that does not count, such as 255 for pixels that nobody has labeled. Samples with
        it have the loss 0, and a mean is taken over the others.
    reduction : str
        See `Loss`.
    axis : int
        The axis of the classes: the last one, or a ValueError is raised.
    name : str, optional

    Notes
    -----
    Targets: integers from 0 to classes - 1, shape (n,) or (n, 1). With an `ignore_class`, the loss
    does not look back through a final softmax, as in Keras. Follows keras/src/losses/losses.py and
    keras/src/backend/tensorflow/nn.py; the gradient is derived in Bishop 2006, section 4.3.4, and
    on the page :doc:`/backprop/softmax_cross_entropy`.
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = flag("from_logits", from_logits)
        self.axis = integer("axis", axis, least=None)
        self.ignore_class = None
        if ignore_class is not None:
            self.ignore_class = integer("ignore_class", ignore_class, least=None)
            self.looks_through, self.only_kernels = (), False

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair for logits or for probabilities."""
        if from_logits:
            return Differentiable(
                cross_entropy.sparse_softmax_cross_entropy,
                cross_entropy.sparse_softmax_cross_entropy_backward,
            )
        return Differentiable(
            clipped_cross_entropy.sparse_cross_entropy,
            clipped_cross_entropy.sparse_cross_entropy_backward,
            (config.epsilon(),),
        )

    def value(
        self,
        y_true: Array,
        y_pred: Array,
        sample_weight: Any = None,
        from_logits: bool | None = None,
    ) -> float | Array:
        """Compute the loss and keep what `gradient` needs; see `Loss.value`."""
        if self.ignore_class is not None and y_true.shape[:1] == y_pred.shape[:1]:
            averaged = self.reduction in ("sum_over_batch_size", "mean")
            given = y_true, y_pred, sample_weight
            y_pred, sample_weight = left_out(self.ignore_class, *given, averaged)
        return super().value(y_true, y_pred, sample_weight, from_logits)

    def check_targets(self, y_true: Array, output_shape: tuple[int, ...]) -> Array:
        """Return integer labels without a last axis of 1; 0 for those that are ignored."""
        self.check_axis(output_shape)
        if not output_shape:
            raise ValueError(
                "y: sparse_categorical_crossentropy expected predictions with one column per "
                "class, shape (n, classes), got shape (n,)"
            )
        classes = output_shape[-1]
        if y_true.ndim == len(output_shape) + 1 and y_true.shape[-1] == 1:
            y_true = y_true[..., 0]
        if y_true.shape[1:] != output_shape[:-1]:
            hint = ""
            if y_true.shape[1:] == output_shape:
                hint = "; labels look one-hot; use categorical_crossentropy"
            raise ValueError(
                f"y: sparse_categorical_crossentropy expected one integer per sample, shape "
                f"(n,) or (n, 1), got {y_true.shape}{hint}"
            )
        if self.ignore_class is not None:
            y_true = np.where(y_true == self.ignore_class, y_true.dtype.type(0), y_true)
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
        return in_type(targets, np.int64).reshape(-1)
