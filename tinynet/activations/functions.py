"""The activations: which pair of kernels each calls, and with which constants."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet import kernels
from tinynet.activations.base import Activation, Linear, RowActivation, registered
from tinynet.checks import number
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
    by a cross-entropy is not differentiated this way, unless classes are ignored: the loss reads
    the logits before it.
    """
    return Differentiable(kernels.softmax.softmax, kernels.softmax.softmax_backward, (axis,))


@registered(Activation)
def hard_sigmoid() -> Differentiable:
    r"""Sigmoid of straight pieces, :math:`\min(\max(x + 3, 0), 6)/6`.

    Its derivative is 1/6 where -3 < x < 3, else 0.
    """
    return Differentiable(rectifiers.ramp, rectifiers.ramp_backward, (3.0, 6.0))


@registered(Activation)
def sparse_sigmoid() -> Differentiable:
    r"""Steeper sigmoid of straight pieces, :math:`\min(\max(x + 1, 0), 2)/2`.

    Its derivative is 1/2 where -1 < x < 1, else 0. Blondel et al. 2019.
    """
    return Differentiable(rectifiers.ramp, rectifiers.ramp_backward, (1.0, 2.0))


@registered(Activation)
def hard_silu() -> Differentiable:
    r"""SiLU or swish with a hard sigmoid, :math:`x\,r` with :math:`r = \min(\max(x + 3, 0), 6)/6`.

    Its derivative is :math:`r + x/6` where -3 < x < 3, else r. Howard et al. 2019.
    """
    return Differentiable(rectifiers.hard_silu, rectifiers.hard_silu_backward)


@registered(Activation)
def hard_tanh() -> Differentiable:
    r"""Tanh of straight pieces, :math:`\min(\max(x, -1), 1)`; derivative 1 from -1 to 1, else 0."""
    return Differentiable(rectifiers.hard_tanh, rectifiers.hard_tanh_backward)


@registered(Activation)
def hard_shrink(threshold: float = 0.5) -> Differentiable:
    r"""Zero around 0: x where :math:`|x|` is above the threshold, else 0 (also where x is NaN).

    Its derivative is 1 there, else 0.
    """
    constants = (float(threshold),)
    return Differentiable(rectifiers.hard_shrink, rectifiers.shrink_backward, constants)


@registered(Activation)
def soft_shrink(threshold: float = 0.5) -> Differentiable:
    r"""Pull toward 0 by the threshold :math:`\lambda`: :math:`x \mp \lambda` beyond it, else 0.

    Its derivative is that of `hard_shrink`, and so is its value where x is NaN.
    """
    constants = (float(threshold),)
    return Differentiable(rectifiers.soft_shrink, rectifiers.shrink_backward, constants)


@registered(Activation)
def tanh_shrink() -> Differentiable:
    r"""Remainder of tanh, :math:`x - \tanh x`; its derivative is :math:`\tanh^2 x`."""
    return Differentiable(smooth.tanh_shrink, smooth.tanh_shrink_backward)


@registered(Activation)
def threshold(threshold: float = 0.0, default_value: float = 0.0) -> Differentiable:
    r"""x above the threshold, else `default_value` (also where x is NaN).

    Its derivative is 1 above the threshold, else 0. In Keras the two options have no defaults, so
    that the name alone is not enough for a layer.
    """
    constants = float(threshold), float(default_value)
    return Differentiable(rectifiers.threshold, rectifiers.threshold_backward, constants)


@registered(Activation)
def sparse_plus() -> Differentiable:
    r"""Rectifier with a bend: 0 up to -1, then :math:`(x + 1)^2/4`, and x from 1 on.

    Its derivative is `sparse_sigmoid`. Blondel et al. 2019.
    """
    return Differentiable(rectifiers.sparse_plus, rectifiers.sparse_plus_backward)


@registered(Activation)
def squareplus(b: float = 4) -> Differentiable:
    r"""Smooth rectifier without exponentials, :math:`(x + \sqrt{x^2 + b})/2` (Barron 2021).

    Its derivative is :math:`(1 + x/\sqrt{x^2 + b})/2`.

    Raises
    ------
    ValueError
        If `b` is not above 0: at b = 0 it is a rectifier, and without a derivative at 0.
    """
    constants = (float(number("b", b, above=0)),)
    return Differentiable(smooth.squareplus, smooth.squareplus_backward, constants)


@registered(Activation)
def celu(alpha: float = 1.0) -> Differentiable:
    r"""Exponential linear unit without a kink: x above 0, :math:`\alpha(e^{x/\alpha} - 1)` below.

    Its derivative is 1 above 0 and :math:`e^{x/\alpha}` below. At 0 it is 2, where 1 would be
    right: Keras adds two pieces, max(x, 0) and that of min(x, 0), and TensorFlow takes the slope 1
    for both. Barron 2017, equation 2.

    Raises
    ------
    ValueError
        If `alpha` is 0.
    """
    if alpha == 0:
        raise ValueError("alpha: expected a number other than 0, by which x is divided, got 0")
    return Differentiable(rectifiers.celu, rectifiers.celu_backward, (float(alpha),))


@registered(Activation)
def mish() -> Differentiable:
    r"""x times a gate, :math:`x\,h` with :math:`h = \tanh(\log(1 + e^x))` (Misra 2019).

    Its derivative is :math:`h + x\,(1 - h^2)\,\sigma(x)`.
    """
    return Differentiable(smooth.mish, smooth.mish_backward)


@registered(Activation)
def log_sigmoid() -> Differentiable:
    r"""Logarithm of the sigmoid, :math:`-\log(1 + e^{-x})`, with derivative :math:`\sigma(-x)`."""
    return Differentiable(smooth.log_sigmoid, smooth.log_sigmoid_backward)


@registered(RowActivation)
def log_softmax(axis: int = -1) -> Differentiable:
    r"""Logarithms of the softmax along `axis`: :math:`x_i - \log\sum_k e^{x_k}`.

    The backward pass maps dout to :math:`dout - p \sum_k dout_k` with p the softmax.
    """
    pair = kernels.log_softmax.log_softmax, kernels.log_softmax.log_softmax_backward
    return Differentiable(*pair, (axis,))
