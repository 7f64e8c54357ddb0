"""Focal cross-entropies, in which a sample that is right already counts less.

Lin et al. 2017, "Focal loss for dense object detection".
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinynet import config
from tinynet.arrays import Array
from tinynet.checks import flag, number, numbers, plain
from tinynet.kernels import focal
from tinynet.kernels.registry import Differentiable
from tinynet.losses.smoothed import BinaryCrossentropy, CategoricalCrossentropy
from tinynet.step.tape import call


class BinaryFocalCrossentropy(BinaryCrossentropy):
    r"""Binary cross-entropy b, weighted by how wrong an output is: :math:`(1 - r)^\gamma\,b`.

    :math:`r = t\,p + (1 - t)(1 - p)` is the probability of what is right. The loss is the mean
    over the last axis; its derivative with respect to p is :math:`\frac1k` times

    .. math:: (1 - r)^\gamma\, b' - \gamma (1 - r)^{\gamma - 1} (2t - 1)\, b .

    Parameters
    ----------
    apply_class_balancing : bool
        Whether an output with the target 1 counts `alpha`, one with the target 0 ``1 - alpha``.
    alpha : float
        Between 0 and 1.
    gamma : float
        0 or more; with 0 it is the cross-entropy.
    from_logits : bool
    label_smoothing : float
    axis : int
    reduction : str
    name : str, optional
        See `BinaryCrossentropy`.

    Raises
    ------
    ValueError
        If `gamma` is below 0, or `alpha` or `label_smoothing` not between 0 and 1.

    Notes
    -----
    In b, probabilities are clipped to [1e-7, 1 - 1e-7]; in r they are not. From logits, and after
    a final sigmoid, b is computed from the logits. After a final softmax, with which this loss does
    not belong, Keras reads the logits for b and the probabilities for r; here both are the
    probabilities. Follows keras/src/losses/losses.py.
    """

    looks_through = ("sigmoid",)

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name)
        self.apply_class_balancing = flag("apply_class_balancing", apply_class_balancing)
        self.alpha = number("alpha", alpha, least=0, most=1)
        self.gamma = number("gamma", gamma, least=0)

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels; gamma, the weights of 1 and 0, and the rest."""
        weights = (self.alpha, 1 - self.alpha) if self.apply_class_balancing else (1, 1)
        return Differentiable(
            focal.binary_focal_cross_entropy,
            focal.binary_focal_cross_entropy_backward,
            (float(self.gamma), *map(float, weights), config.epsilon(), from_logits),
        )


class CategoricalFocalCrossentropy(CategoricalCrossentropy):
    r"""Categorical cross-entropy, weighted: :math:`-\sum_j \alpha_j (1 - p_j)^\gamma t_j \log p_j`.

    Rows of probabilities are first normalized and clipped to [1e-7, 1 - 1e-7]. The derivative with
    respect to the clipped p is
    :math:`\alpha_j t_j (\gamma (1 - p_j)^{\gamma - 1} \log p_j - (1 - p_j)^\gamma/p_j)`.

    Parameters
    ----------
    alpha : float or sequence of float
        One weight for all classes or one for each.
    gamma : float
        0 or more; with 0 (and `alpha` 1) it is the cross-entropy.
    from_logits : bool
    label_smoothing : float
    axis : int
    reduction : str
    name : str, optional
        See `CategoricalCrossentropy`.

    Raises
    ------
    ValueError
        If `gamma` is below 0, or `label_smoothing` not between 0 and 1; if there is not one
        `alpha` for each class.

    Notes
    -----
    It does not look back through a final softmax: Keras computes it from the clipped
    probabilities. Follows keras/src/losses/losses.py.
    """

    looks_through = ()

    def __init__(
        self,
        alpha: float | Sequence[float] = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name)
        one = np.ndim(plain(alpha)) == 0
        self.alpha = number("alpha", alpha) if one else numbers("alpha", alpha)
        self.gamma = number("gamma", gamma, least=0)

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels; alpha is in the targets."""
        return Differentiable(
            focal.focal_cross_entropy,
            focal.focal_cross_entropy_backward,
            (float(self.gamma), config.epsilon(), from_logits),
        )

    def check_targets(self, y_true: Array, output_shape: tuple[int, ...]) -> Array:
        """Return targets with one column per class."""
        if np.shape(self.alpha) not in ((), output_shape[-1:]):
            raise ValueError(
                f"alpha: expected one weight or one for each of {output_shape[-1]} classes, got "
                f"{len(self.alpha)}"
            )
        return super().check_targets(y_true, output_shape)

    def target_rows(self, targets: Array, rows: Array) -> Array:
        """Lay the targets out as rows, smoothed, and multiplied by alpha."""
        weighed: Array = call(self._weighed, super().target_rows(targets, rows))
        return weighed

    def _weighed(self, targets: Array) -> Array:
        # Keras makes a float32 tensor of a list, even in float64.
        several = isinstance(self.alpha, list)
        alpha = np.asarray(self.alpha, np.float32 if several else targets.dtype)
        weighed: Array = targets * alpha.astype(targets.dtype)
        return weighed
