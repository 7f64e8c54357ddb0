"""A function of the user's as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.arrays import Array, read_only
from tinynet.checks import sample_shape
from tinynet.configurable import function_config, function_of, serialize
from tinynet.layers.base import Layer, Shape
from tinynet.measured import measured


class Lambda(Layer):
    r"""A function of arrays as a layer: :math:`out = f(x)`.

    Its gradient is measured, unless `backward` computes it. With :math:`L = \sum dout\,f(x)`, each
    entry of dx is the difference

    ``(L(x - 2h) - 8 L(x - h) + 8 L(x + h) - L(x + 2h))/(12 h)``

    in float64, which is accurate to about ten digits. That takes four calls of the function if
    every output depends only on the input at its place, and four for each number of a sample
    otherwise; nothing is measured in a layer with nothing to learn below it, such as the first one.
    For more than a line or two, write a `Layer` with a backward of its own.

    Parameters
    ----------
    function : callable
        Takes a batch (n, ...) as an array that it must not change, and returns one (n, ...). It is
        given ``training`` if it has an argument of that name.
    output_shape : tuple of int, or callable, optional
        Shape of a sample of the output, or a function that makes it of the shape of a batch. By
        default the function is called with zeros.
    mask : None
        Masks are not supported.
    arguments : dict, optional
        More arguments for the function, by name.
    backward : callable, optional
        ``backward(dout, x)`` returns dx. Not in Keras.
    **kwargs
        See `Layer`.

    Raises
    ------
    TypeError
        If the function cannot be called.
    ValueError
        If it returns anything but numbers for each sample; if there is a mask.

    Notes
    -----
    A file holds the function's name, and it is found among the custom objects: see
    `tinynet.saving`. Follows keras/src/layers/core/lambda_layer.py.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Sequence[int] | Callable[[Any], Any] | None = None,
        mask: None = None,
        arguments: Mapping[str, Any] | None = None,
        backward: Callable[[Array, Array], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        for name, given in (("function", function), ("backward", backward)):
            if not callable(given) and (name, given) != ("backward", None):
                raise TypeError(f"{name}: expected a function of arrays, got {given!r}")
        if mask is not None:
            raise ValueError("mask: expected None, because masks are not supported, got another")
        if arguments is not None and not isinstance(arguments, Mapping):
            raise TypeError(f"arguments: expected a dict of them by name, got {arguments!r}")
        self.function, self.mask, self.arguments = function, mask, dict(arguments or {})
        self.output_shape = (
            output_shape
            if output_shape is None or callable(output_shape)
            else sample_shape("output_shape", output_shape)
        )
        self.gradient = backward
        try:
            self.takes_training = "training" in inspect.signature(function).parameters
        except ValueError:  # a function of NumPy's, written in C
            self.takes_training = False
        super().__init__(**kwargs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return what was given, or what the function makes of zeros."""
        if callable(self.output_shape):
            return tuple(int(n) for n in self.output_shape((None, *input_shape))[1:])
        if self.output_shape is not None:
            return self.output_shape
        return self._called(np.zeros((1, *input_shape), self.dtype), False).shape[1:]

    def forward(self, x: Array, training: bool = False) -> Array:
        """Call the function."""
        self.x, self.training = x, training
        out = self._called(x, training)
        self.out_shape = out.shape
        return out

    def backward(self, dout: Array) -> Array:
        """Return dx, computed or measured."""
        x = self.kept("x")
        self.check_dout(dout, self.out_shape)
        if self.gradient is None:
            return measured(lambda x: self._called(x, self.training), dout, x)
        dx = np.array(self.gradient(read_only(dout), read_only(x)), x.dtype, order="C")
        if dx.shape != x.shape:
            raise ValueError(
                f"{self.name}: expected a dx of shape {x.shape} like x from the function for "
                f"backward, got {dx.shape}"
            )
        return dx

    def _called(self, x: Array, training: bool) -> Array:
        """Return f(x), an array of its own."""
        more = {"training": training} if self.takes_training else {}
        returned = self.function(read_only(x), **self.arguments, **more)
        try:
            out = np.array(returned, x.dtype, order="C")
        except (TypeError, ValueError):
            out = np.zeros(())
        if returned is None or out.ndim == 0 or len(out) != len(x):
            got = f"an array of shape {out.shape}" if out.ndim else repr(returned)
            raise ValueError(
                f"{self.name}: expected {len(x)} samples from the function, as many as it was "
                f"given, got {got}; axis 0 is that of the batch"
            )
        return out

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, functions by their names."""
        base = {key: serialize(getattr(self, key)) for key in self.BASE_ARGUMENTS}
        functions = {
            "function": self.function,
            "output_shape": self.output_shape,
            "backward": self.gradient,
        }
        written = {
            key: function_config(each) if callable(each) else serialize(each)
            for key, each in functions.items()
        }
        return {**written, "mask": None, "arguments": serialize(self.arguments), **base}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Lambda:
        """Find the functions among the custom objects."""
        found = {
            key: function_of("function of a Lambda layer", given)
            for key, given in config.items()
            if isinstance(given, Mapping) and given.get("class_name") == "function"
        }
        return cls(**{**config, **found})
