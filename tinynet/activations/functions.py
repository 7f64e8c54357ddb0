"""The activations: which pair of kernels each calls, and with which constants."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet import kernels
from tinynet.activations.base import Activation, Linear, RowActivation, registered
from tinynet.config import through_float32
from tinynet.kernels import rectifiers, smooth
from tinynet.kernels.registry import Differentiable


@registered(Linear)
def linear() -> Any:
    """Identity: x itself, with the derivative 1."""
    return None  # no kernels: `Linear` calls none


@registered(Activation)
def relu(
    negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Differentiable:
    r"""Rectifier, :math:`\max(x, 0)` (Nair and Hinton 2010).

    Parameters
    ----------
    x : array_like of any shape
    negative_slope : float
        Slope below the threshold, at least 0.
    max_value : float, optional
        Ceiling, at least 0.
    threshold : float
        Below it the function is ``negative_slope*(x - threshold)``.

    Raises
    ------
    ValueError
        If `threshold` is negative and a `max_value` is given.

    Notes
    -----
    The derivative at 0 is 0, and NaN passes through. With several options at once, the pieces
    and their derivatives follow keras/src/activations/activations.py.
    """
    if max_value is None and threshold == 0:
        if negative_slope == 0:
            return Differentiable(kernels.relu.relu, kernels.relu.relu_backward)
        return leaky_relu.choose(negative_slope)
    if max_value is not None and threshold < 0:
        raise ValueError(
            f"threshold: expected 0 or above together with a max_value, got {threshold!r}"
        )
    ceiling = np.inf if max_value is None else through_float32(max_value)
    constants = float(negative_slope), float(threshold), ceiling
    return Differentiable(rectifiers.clipped_relu, rectifiers.clipped_relu_backward, constants)


@registered(Activation)
def relu6() -> Differentiable:
    r"""Rectifier with a ceiling, :math:`\min(\max(x, 0), 6)`; derivative 0 at 0 and at 6."""
    return relu.choose(max_value=6.0)


@registered(Activation)
def leaky_relu(negative_slope: float = 0.2) -> Differentiable:
    r"""Leaky rectifier: x above 0, ``negative_slope*x`` elsewhere (Maas et al. 2013, section 2).

    The slope is rounded through float32, and is also the derivative at 0.
    """
    slope = through_float32(negative_slope)
    return Differentiable(rectifiers.leaky_relu, rectifiers.leaky_relu_backward, (slope,))


@registered(Activation)
def elu(alpha: float = 1.0) -> Differentiable:
    r"""Exponential linear unit: x above 0, :math:`\alpha(e^x - 1)` elsewhere.

    Clevert et al. 2016, equation 15.
    """
    return Differentiable(rectifiers.elu, rectifiers.elu_backward, (float(alpha),))


@registered(Activation)
def selu() -> Differentiable:
    r"""Scaled exponential linear unit, ``scale*elu(x, alpha)`` (Klambauer et al. 2017, eq. 2).

    The two constants make mean 0 and variance 1 a fixed point from layer to layer.
    """
    return Differentiable(rectifiers.selu, rectifiers.selu_backward)


@registered(Activation)
def gelu(approximate: bool = False) -> Differentiable:
    r"""Gaussian error linear unit, :math:`x\,\Phi(x)` (Hendrycks and Gimpel 2016).

    :math:`\Phi` is the standard normal distribution function. With `approximate` it is replaced by
    :math:`\tfrac12(1 + \tanh(\sqrt{2/\pi}(x + 0.044715 x^3)))`.
    """
    if approximate:
        return Differentiable(smooth.gelu_tanh, smooth.gelu_tanh_backward)
    return Differentiable(smooth.gelu, smooth.gelu_backward)


@registered(Activation)
def silu() -> Differentiable:
    r"""Sigmoid linear unit or swish, :math:`x\,\sigma(x)` (Elfwing et al. 2018, equation 6)."""
    return Differentiable(smooth.silu, smooth.silu_backward)


@registered(Activation)
def sigmoid() -> Differentiable:
    r"""Logistic function, :math:`\sigma(x) = 1/(1 + e^{-x})`.

    Its derivative is :math:`\sigma(1 - \sigma)`.
    """
    return Differentiable(smooth.sigmoid, smooth.sigmoid_backward)


@registered(Activation)
def tanh() -> Differentiable:
    r"""Hyperbolic tangent; its derivative is :math:`1 - \tanh^2 x`."""
    return Differentiable(smooth.tanh, smooth.tanh_backward)


@registered(Activation)
def softplus() -> Differentiable:
    r"""Smooth rectifier, :math:`\log(1 + e^x)`; its derivative is the sigmoid."""
    return Differentiable(smooth.softplus, smooth.softplus_backward)


@registered(Activation)
def softsign() -> Differentiable:
    r"""Sign with a soft step, :math:`x/(1 + |x|)`; its derivative is :math:`1/(1 + |x|)^2`."""
    return Differentiable(smooth.softsign, smooth.softsign_backward)


@registered(Activation)
def exponential() -> Differentiable:
    r"""Exponential function :math:`e^x`, its own derivative."""
    return Differentiable(smooth.exponential, smooth.exponential_backward)


@registered(RowActivation)
def softmax(axis: int = -1) -> Differentiable:
    r"""Probabilities along `axis`: :math:`p_i = e^{x_i}/\sum_k e^{x_k}`.

    The backward pass maps dout to :math:`(dout - \sum_k dout_k p_k)\,p`. A final softmax followed
    by a cross-entropy is never differentiated this way: the loss reads the logits before it.
    """
    return Differentiable(kernels.softmax.softmax, kernels.softmax.softmax_backward, (axis,))
