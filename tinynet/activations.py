r"""Activations: a function and its derivative in one object.

Calling one computes it, as in Keras: ``activations.leaky_relu(x, negative_slope=0.1)``. A
layer also needs the backward pass, ``backward(dout, x, out)``: the derivative at ``x`` times
the upstream gradient ``dout``. The two are a pair of kernels; the function under each name
below says which pair, and which constants go with it.

`get` turns a name or a config into such an object, with its options fixed.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from tinynet import kernels
from tinynet.arrays import Array
from tinynet.checks import plain
from tinynet.config import as_float, through_float32
from tinynet.configurable import Configurable, UnknownObjectError, known_name, unknown_object
from tinynet.custom_objects import get_registered_object
from tinynet.kernels import rectifiers, smooth
from tinynet.kernels.registry import Differentiable, Kernel

ACTIVATIONS: dict[str, Activation] = {}


class Activation(Configurable):
    """An elementwise function with its derivative.

    Parameters
    ----------
    choose : callable
        Takes the function's options and returns a `Differentiable`: the forward kernel, the
        backward kernel and the constants for both. Its name and docstring become the
        activation's.
    options : dict
        Options that are fixed for this object.
    """

    def __init__(self, choose: Callable[..., Differentiable], **options: Any) -> None:
        functools.update_wrapper(self, choose)
        self.name = choose.__name__
        self.choose = choose
        self.options = {key: plain(value) for key, value in options.items()}
        self._chosen = choose(**self.options)

    def __call__(self, x: Any, *args: Any, **options: Any) -> Array:
        """Return the function's value at every element of `x`."""
        chosen = self._choice(args, options)
        x = as_float(x)
        out = np.empty(x.shape, x.dtype)
        # It works element by element, whatever the shape.
        chosen.forward(x.reshape(-1), *chosen.constants, out.reshape(-1))
        return out

    @property
    def only_kernels(self) -> bool:
        """Whether its functions are kernels; see `tinynet.step.tape.Computes`."""
        chosen = self._chosen
        return type(self) is Activation and all(
            isinstance(each, Kernel) for each in (chosen.forward, chosen.backward)
        )

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        """Return the gradient at the input: dout times the derivative at `x`.

        Parameters
        ----------
        dout, x, out : ndarray of the same shape and dtype
            The gradient at the output, the input and the output of the forward pass.
        """
        dx = np.empty(x.shape, x.dtype)
        arrays = dout.reshape(-1), x.reshape(-1), out.reshape(-1)
        self._chosen.backward(*arrays, *self._chosen.constants, dx.reshape(-1))
        return dx

    def _choice(self, args: tuple[Any, ...], options: dict[str, Any]) -> Differentiable:
        """Return the kernels for this object's options, or for others given in a call."""
        if args or options:
            return self.choose(*args, **{**self.options, **options})
        return self._chosen

    def with_options(self, **options: Any) -> Activation:
        """Return the same function with some options fixed."""
        return type(self)(self.choose, **{**self.options, **options})

    def get_config(self) -> dict[str, Any]:
        """Return the function's name and the options that differ from its own defaults."""
        defaults = {k: p.default for k, p in inspect.signature(self.choose).parameters.items()}
        changed = {k: v for k, v in self.options.items() if k not in defaults or v != defaults[k]}
        own = ACTIVATIONS.get(self.name)
        if own is None or own.choose is not self.choose:  # not one of tinynet's
            changed["module"] = self.choose.__module__
        return {"name": self.name, **changed}

    def __repr__(self) -> str:
        options = "".join(f", {k}={v!r}" for k, v in self.options.items())
        return f"<activation {self.name}{options}>"


class RowActivation(Activation):
    """An activation that works on the vectors along one axis, given by the option `axis`."""

    @property
    def only_kernels(self) -> bool:
        """Whether nothing has to be laid out in another way first."""
        return type(self) is RowActivation and self._chosen.constants == (-1,)

    def __call__(self, x: Any, *args: Any, **options: Any) -> Array:
        """Return the function's value for every vector in `x`."""
        chosen = self._choice(args, options)
        (axis,) = chosen.constants
        x = as_float(x)
        rows = _rows_along(x, axis)
        out = np.empty_like(rows)
        chosen.forward(rows, out)
        return _folded(out, x.shape, axis)

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        """Return the gradient at the input; see `Activation.backward`."""
        (axis,) = self._chosen.constants
        rows = [_rows_along(each, axis) for each in (dout, x, out)]
        dx = np.empty_like(rows[0])
        self._chosen.backward(*rows, dx)
        return _folded(dx, x.shape, axis)


class Linear(Activation):
    """The identity, which changes nothing and therefore copies nothing."""

    def __call__(self, x: Any, *args: Any, **options: Any) -> Array:
        """Return `x`."""
        return as_float(x)

    @property
    def only_kernels(self) -> bool:
        """True."""
        return True

    def backward(self, dout: Array, x: Array, out: Array) -> Array:
        """Return `dout`."""
        return dout


def registered(kind: type[Activation]) -> Callable[[Callable[..., Differentiable]], Activation]:
    """Turn the decorated choice of kernels into an activation of this kind, under its own name."""

    def register(choose: Callable[..., Differentiable]) -> Activation:
        ACTIVATIONS[choose.__name__] = kind(choose)
        # The function's own name now belongs to the activation; pickle finds it one level down.
        choose.__qualname__ = f"{choose.__qualname__}.choose"
        return ACTIVATIONS[choose.__name__]

    return register


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


swish = silu
ALIASES = {"swish": silu}


def get(identifier: object) -> Activation:
    """Return the activation that a name, a config, an `Activation` or None (linear) stands for.

    Raises
    ------
    ValueError
        If there is no activation with that name; the closest name is suggested.
    TypeError
        If `identifier` is anything else, for instance a plain function: a layer needs its
        derivative too.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, Activation):
        return identifier
    table = {**ACTIVATIONS, **ALIASES}
    if isinstance(identifier, str):
        custom = get_registered_object(identifier)
        return custom or table[known_name("activation", identifier, table)]
    if isinstance(identifier, dict) and "config" in identifier:
        options = dict(identifier["config"])
        name, module = options.pop("name"), options.pop("module", None)
        if module is None:
            return table[known_name("activation", name, table)].with_options(**options)
        custom = get_registered_object(name)
        if custom is None:
            raise UnknownObjectError(unknown_object("activation", name, f"of the module {module}"))
        return get(custom).with_options(**options)
    raise TypeError(
        f"activation: expected its name or an Activation (a function with its derivative), "
        f"got {identifier!r} of type {type(identifier).__name__}"
    )


def _rows_along(x: Array, axis: int) -> Array:
    """Lay out the vectors along `axis` as the rows of a matrix."""
    moved = x if axis == -1 else np.moveaxis(x, axis, -1)
    return np.ascontiguousarray(moved).reshape(-1, moved.shape[-1])


def _folded(rows: Array, shape: tuple[int, ...], axis: int) -> Array:
    """Undo `_rows_along`."""
    if axis == -1:
        return rows.reshape(shape)
    others = np.delete(shape, axis)
    return np.ascontiguousarray(np.moveaxis(rows.reshape(*others, -1), -1, axis))
