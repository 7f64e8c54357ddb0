"""Activations that have their own layer class in Keras."""

from __future__ import annotations

from typing import Any

from tinynet import activations
from tinynet.checks import integer, number
from tinynet.layers.core import Activation


class ReLU(Activation):
    """Rectifier as a layer; see `tinynet.activations.relu` for the formula.

    Parameters
    ----------
    max_value : float, optional
    negative_slope : float
    threshold : float
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If one of the numbers is negative.
    """

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.max_value = None if max_value is None else number("max_value", max_value, least=0)
        self.negative_slope = number("negative_slope", negative_slope, least=0)
        self.threshold = number("threshold", threshold, least=0)
        relu = activations.relu.with_options(
            max_value=self.max_value, negative_slope=self.negative_slope, threshold=self.threshold
        )
        super().__init__(relu, **kwargs)


class LeakyReLU(Activation):
    """Leaky rectifier as a layer, with slope 0.3 where the function's default is 0.2.

    Parameters
    ----------
    negative_slope : float
        Slope for inputs below 0; at least 0.
    **kwargs
        See `Layer`. `alpha` is what Keras 2 called `negative_slope`.

    Raises
    ------
    ValueError
        If `negative_slope` is negative.
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        negative_slope = kwargs.pop("alpha", negative_slope)
        self.negative_slope = number("negative_slope", negative_slope, least=0)
        super().__init__(
            activations.leaky_relu.with_options(negative_slope=self.negative_slope), **kwargs
        )


class ELU(Activation):
    """Exponential linear unit as a layer; see `tinynet.activations.elu`.

    Parameters
    ----------
    alpha : float
    **kwargs
        See `Layer`.
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        self.alpha = number("alpha", alpha)
        super().__init__(activations.elu.with_options(alpha=self.alpha), **kwargs)


class Softmax(Activation):
    """Softmax as a layer; see `tinynet.activations.softmax`.

    Parameters
    ----------
    axis : int
        The axis along which the outputs sum to one.
    **kwargs
        See `Layer`.

    Notes
    -----
    Derived on the page :doc:`/backprop/softmax_cross_entropy`.
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        self.axis = integer("axis", axis, least=None)
        super().__init__(activations.softmax.with_options(axis=self.axis), **kwargs)
