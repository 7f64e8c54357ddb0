"""Vectors of length 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import entries, integer
from tinynet.kernels import norms
from tinynet.layers.base import Layer, Shape

LONGEST = 1 / 1e-12  # what a vector is multiplied by at most


class UnitNormalization(Layer):
    r"""Divide vectors by their length: :math:`out = x/\lVert x \rVert`, the norm over `axis`.

    :math:`dx = \big(dout - out\,(dout \cdot out)\big)/\lVert x \rVert`, with the dot product over
    `axis`.

    Parameters
    ----------
    axis : int or sequence of int
        The axis of the vectors, or several; not the first, which is the batch axis.
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a batch has no such axis.

    Notes
    -----
    Follows keras/src/layers/normalization/unit_normalization.py, which multiplies by at most
    10^12: a vector of zeros stays one, and its gradient is 10^12 times dout.

    Derived on the page :doc:`/backprop/layer_norm`.
    """

    def __init__(self, axis: int | Sequence[int] = -1, **kwargs: Any) -> None:
        several = entries(axis)
        axes = [integer("axis", each, least=None) for each in several or [axis]]
        self.axis = axes[0] if several is None else axes
        super().__init__(**kwargs)

    def check_input(self, input_shape: Shape) -> None:
        """Raise an error unless samples of this shape have the axes."""
        self._order(len(input_shape) + 1)

    def _order(self, rank: int) -> list[int]:
        """Return the axes of a batch with those of the vectors last."""
        given = [self.axis] if isinstance(self.axis, int) else self.axis
        axes = sorted({axis % rank for axis in given if -rank <= axis < rank})
        if len(axes) < len(given) or 0 in axes:
            raise ValueError(
                f"{self.name}: axis {self.axis} is not one of the vectors in a batch of rank {rank}"
            )
        return [axis for axis in range(rank) if axis not in axes] + axes

    def forward(self, x: Array, training: bool = False) -> Array:
        """Divide."""
        self.check_input(x.shape[1:])
        rows = self._rows(x)
        inv_norms, out = np.empty(len(rows), x.dtype), np.empty_like(rows)
        norms.unit_rows(rows, LONGEST, inv_norms, out)
        self.x, self.inv_norms, self.shape = rows, inv_norms, x.shape
        return self._unrows(out, x.shape)

    def backward(self, dout: Array) -> Array:
        """Return dx."""
        x = self.kept("x")
        self.check_dout(dout, self.shape)
        dx = np.empty_like(x)
        norms.unit_rows_backward(self._rows(dout), x, self.inv_norms, LONGEST, dx)
        return self._unrows(dx, self.shape)

    @property
    def only_kernels(self) -> bool:
        """Whether a step of the layer can be written down line by line; see `Computes`."""
        return self.axis == -1

    def _rows(self, x: Array) -> Array:
        """Lay x out as (rows, numbers of a vector)."""
        order = self._order(x.ndim)
        vectors = len(self.axis) if isinstance(self.axis, list) else 1
        moved = x.transpose(order)
        size = int(np.prod(moved.shape[x.ndim - vectors :]))
        return np.ascontiguousarray(moved).reshape(-1, size)

    def _unrows(self, rows: Array, shape: Shape) -> Array:
        """Undo `_rows`."""
        order = self._order(len(shape))
        moved = rows.reshape([shape[axis] for axis in order])
        return np.ascontiguousarray(moved.transpose(np.argsort(order)))
