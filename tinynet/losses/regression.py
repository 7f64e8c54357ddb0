"""Losses for numbers: how far off the predictions are."""

from __future__ import annotations

from tinynet.checks import number
from tinynet.kernels import regression
from tinynet.kernels.registry import Differentiable
from tinynet.losses.base import Loss


class MeanSquaredError(Loss):
    r"""Mean over the outputs of the squared error: :math:`\frac1k\sum_j (p_j - t_j)^2`.

    Notes
    -----
    Derived on the page :doc:`/backprop/losses`.
    """

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels."""
        return Differentiable(regression.squared_error, regression.squared_error_backward)


class MeanAbsoluteError(Loss):
    r"""Mean over the outputs of the absolute error: :math:`\frac1k\sum_j |p_j - t_j|`.

    The derivative at an error of 0 is 0.

    Notes
    -----
    Derived on the page :doc:`/backprop/losses`.
    """

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels."""
        return Differentiable(regression.absolute_error, regression.absolute_error_backward)


class Huber(Loss):
    r"""Squared error for small errors, absolute error for large ones (Huber 1964).

    With e the error, :math:`e^2/2` where :math:`|e| \le \delta`, else
    :math:`\delta|e| - \delta^2/2`, and the mean over the outputs.

    Parameters
    ----------
    delta : float
        Where one turns into the other; above 0.
    reduction : str
        See `Loss`.
    name : str, optional

    Raises
    ------
    ValueError
        If `delta` is not above 0.

    Notes
    -----
    Derived on the page :doc:`/backprop/losses`.
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.delta = number("delta", delta, above=0)

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels and delta."""
        return Differentiable(regression.huber, regression.huber_backward, (float(self.delta),))
