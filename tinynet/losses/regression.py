"""Losses for numbers: how far off the predictions are."""

from __future__ import annotations

from tinynet import config
from tinynet.checks import integer, number
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
        super().__init__(reduction, name or "huber_loss")
        self.delta = number("delta", delta, above=0)

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels and delta."""
        return Differentiable(regression.huber, regression.huber_backward, (float(self.delta),))


class MeanAbsolutePercentageError(Loss):
    r"""Mean over the outputs of the error in percent: :math:`100\,|p - t|/\max(|t|, 10^{-7})`.

    The derivative is :math:`\frac{100}{k}\,\mathrm{sign}(p - t)/\max(|t|, 10^{-7})`, 0 at an error
    of 0.

    Derived on the page :doc:`/backprop/losses`.
    """

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels and epsilon."""
        return Differentiable(
            regression.percentage_error, regression.percentage_error_backward, (config.epsilon(),)
        )


class MeanSquaredLogarithmicError(Loss):
    r"""Mean over the outputs of :math:`(\log(1 + p) - \log(1 + t))^2`.

    Targets and predictions below :math:`10^{-7}` are taken for that. The derivative is
    :math:`\frac2k (\log(1 + p) - \log(1 + t))/(1 + p)`, 0 for a prediction below it.

    Derived on the page :doc:`/backprop/losses`.
    """

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels and epsilon."""
        return Differentiable(
            regression.logarithmic_error, regression.logarithmic_error_backward, (config.epsilon(),)
        )


class LogCosh(Loss):
    r"""Mean over the outputs of :math:`\log \cosh(p - t)`, a smooth form of the absolute error.

    For small errors it is half the square, for large ones the size less :math:`\log 2`. The
    derivative is :math:`\frac1k \tanh(p - t)`.

    Derived on the page :doc:`/backprop/losses`.
    """

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels."""
        return Differentiable(regression.log_cosh, regression.log_cosh_backward)


class Poisson(Loss):
    r"""Mean over the outputs of :math:`p - t \log(p + 10^{-7})`, for counts t and their rates p.

    It is, but for a constant, minus the logarithm of the Poisson probability of t. The derivative
    is :math:`\frac1k (1 - t/(p + 10^{-7}))`. For a rate below 0 the loss is NaN.

    Derived on the page :doc:`/backprop/losses`.
    """

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels and epsilon."""
        return Differentiable(regression.poisson, regression.poisson_backward, (config.epsilon(),))


class CosineSimilarity(Loss):
    r"""Minus the cosine of the angle between target and prediction: :math:`-\hat t \cdot \hat p`.

    :math:`\hat p = p/|p|` is 0 where p is, and from -1 (same direction) to 1 goes the loss. With
    the cosine c, the derivative is :math:`(c\,\hat p - \hat t)/|p|`. Below a length of 1e-7 that is
    taken for the length, and its derivative for 0.

    Parameters
    ----------
    axis : int
        The axis of the vectors: the last one.
    reduction : str
        See `Loss`.
    name : str, optional

    Raises
    ------
    ValueError
        If `axis` is not the last one of the predictions.

    Derived on the page :doc:`/backprop/losses`.
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.axis = integer("axis", axis, least=None)

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels and epsilon."""
        return Differentiable(
            regression.cosine_similarity,
            regression.cosine_similarity_backward,
            (config.epsilon(),),
        )
