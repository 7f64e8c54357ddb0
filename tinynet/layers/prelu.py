"""A rectifier whose slope is learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet import constraints, initializers, regularizers
from tinynet.arrays import Array
from tinynet.checks import entries, integer
from tinynet.kernels import prelu
from tinynet.layers.base import Layer, Shape


class PReLU(Layer):
    r"""Leaky rectifier with learned slopes: :math:`out = x` where x > 0, else :math:`\alpha x`.

    :math:`dx = dout` where x > 0, :math:`\alpha\,dout` where x < 0, and 0 at 0; the gradient of
    each :math:`\alpha` is the sum of :math:`dout\,x` over all x < 0 that share it.

    Parameters
    ----------
    alpha_initializer : str or Initializer
    alpha_regularizer : str or Regularizer, optional
    alpha_constraint : str or Constraint, optional
    shared_axes : int or sequence of int, optional
        Axes, counted from the batch axis 0, along which there is one alpha for all: [1, 2] for one
        per channel of an image. By default there is one for each number of a sample.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a batch has no such axes, or samples of another shape than the first.

    Notes
    -----
    Weight: ``alpha``, with the shape of a sample, and 1 along shared axes. Source: He et al. 2015,
    "Delving deep into rectifiers", section 2.1; follows keras/src/layers/activations/prelu.py.

    Derived on the page :doc:`/backprop/activations`.
    """

    def __init__(
        self,
        alpha_initializer: object = "zeros",
        alpha_regularizer: object = None,
        alpha_constraint: object = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        given = entries(shared_axes) or ([] if shared_axes is None else [shared_axes])
        axes = [integer("shared_axes", axis) for axis in given]
        self.shared_axes = None if shared_axes is None else axes
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        self.alpha_initializer = initializers.get(alpha_initializer)
        super().__init__(**kwargs)

    def build(self, input_shape: Shape) -> None:
        """Create ``alpha``."""
        shared = self.shared_axes or ()
        shape = tuple(1 if axis in shared else n for axis, n in enumerate(input_shape, start=1))
        rules = self.alpha_initializer, self.alpha_regularizer, self.alpha_constraint
        self.add_weight("alpha", shape, *rules)
        own = [axis for axis in range(1, len(shape) + 1) if axis not in shared]
        # The axes of a batch, with those last along which alpha differs.
        self.order = (0, *sorted(set(shared)), *own)

    def check_input(self, input_shape: Shape) -> None:
        """Raise an error unless samples of this shape have their slopes."""
        if any(axis > len(input_shape) for axis in self.shared_axes or ()):
            raise ValueError(
                f"{self.name}: expected a batch with the axes {self.shared_axes}, got samples of "
                f"shape {input_shape}; axis 0 is that of the batch"
            )
        if self.built:
            alpha = self.params["alpha"].shape
            if len(alpha) != len(input_shape) or any(
                n != size and axis not in (self.shared_axes or ())
                for axis, (n, size) in enumerate(zip(alpha, input_shape, strict=False), start=1)
            ):
                raise ValueError(
                    f"{self.name}: expected samples for slopes of shape {alpha}, got samples of "
                    f"shape {input_shape}"
                )

    def forward(self, x: Array, training: bool = False) -> Array:
        """Scale what is below 0."""
        self.check_input(x.shape[1:])
        rows, shape = self._rows(x), x.shape
        out = np.empty_like(rows)
        prelu.prelu(rows, self.params["alpha"].reshape(-1), out)
        self.x, self.shape = rows, shape
        return self._unrows(out, shape)

    def backward(self, dout: Array) -> Array:
        """Fill dalpha, return dx."""
        x, alpha = self.kept("x"), self.params["alpha"].reshape(-1)
        self.check_dout(dout, self.shape)
        dx = np.empty_like(x)
        prelu.prelu_backward(self._rows(dout), x, alpha, self.grads["alpha"].reshape(-1), dx)
        return self._unrows(dx, self.shape)

    @property
    def only_kernels(self) -> bool:
        """Whether a step of the layer can be written down line by line; see `Computes`."""
        return self.order == tuple(range(len(self.order)))

    def _rows(self, x: Array) -> Array:
        """Lay x out as (rows, slopes)."""
        if not self.only_kernels:
            x = x.transpose(self.order)
        return np.ascontiguousarray(x).reshape(-1, self.params["alpha"].size)

    def _unrows(self, rows: Array, shape: Shape) -> Array:
        """Undo `_rows`."""
        moved = rows.reshape([shape[axis] for axis in self.order])
        if self.only_kernels:
            return moved
        return np.ascontiguousarray(moved.transpose(np.argsort(self.order)))
