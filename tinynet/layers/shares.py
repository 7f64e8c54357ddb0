"""Layers that treat each image by itself: a batch goes through them in shares, in threads.

Where several stand behind each other, a share goes through all of them before the next one comes,
while its numbers are still in the cache of one processor, and threads meet once and not once a
layer. Shares depend on the sizes of the arrays alone, and what they find is added up in their
order, so the result is the same in any number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeGuard

import numpy as np

from tinynet.kernels.registry import Array
from tinynet.kernels.threads import shares, side_by_side
from tinynet.layers.base import Layer, Shape

WAYS = ("forward", "backward", "backward_logits", "learn")


class InShares(Layer):
    """A layer that treats each sample of a batch by itself.

    A subclass says what it does with some of the samples; the ways of a whole batch, forth and
    back, are made of that here.
    """

    shape: Shape  # of the last batch that came in
    out_shape: Shape
    x_dtype: np.dtype

    # What a subclass defines.

    def begin(self, shape: Shape, dtype: np.dtype) -> Array:
        """Make the arrays that `forward_share` fills for a batch of this shape; return the output.

        Raises
        ------
        ValueError
            If the layer cannot take such a batch.
        """
        raise NotImplementedError

    def forward_share(self, some: slice, x: Array) -> None:
        """Fill the output for some samples, whose input is `x`."""
        raise NotImplementedError

    def begin_backward(self) -> None:
        """Compute what takes the whole batch."""

    def backward_share(
        self, some: slice, dout: Array, grads: dict[str, Array], dx: Array | None
    ) -> None:
        """Fill `grads` with the sums over some samples, and their `dx` where it is asked for."""
        raise NotImplementedError

    def backward_logits_share(
        self, some: slice, dlogits: Array, grads: dict[str, Array], dx: Array | None
    ) -> None:
        """As `backward_share`, from the gradient in front of `final_activation`."""
        self.backward_share(some, dlogits, grads, dx)

    # What all share.

    def forward(self, x: Array, training: bool = False) -> Array:
        """Compute the layer for a batch."""
        return forward_in_shares([self], x)

    def backward(self, dout: Array) -> Array:
        """Fill `grads`, return dx."""
        return backward_in_shares([self], dout)

    def backward_logits(self, dlogits: Array) -> Array:
        """As `backward`, from the gradient in front of `final_activation`."""
        return backward_in_shares([self], dlogits, from_logits=True)

    def learn(self, dout: Array) -> None:
        """Fill `grads` alone."""
        backward_in_shares([self], dout, to_input=False)


def goes_in_shares(layer: Layer) -> TypeGuard[InShares]:
    """Return whether a layer's ways are those of `InShares`: others may have been put there."""
    return isinstance(layer, InShares) and all(
        getattr(getattr(layer, way), "__func__", None) is getattr(InShares, way) for way in WAYS
    )


def forward_in_shares(layers: Sequence[InShares], x: Array) -> Array:
    """Send a batch through one or more layers, share by share."""
    outs: list[Array] = []
    for layer in layers:
        layer.shape, layer.x_dtype = outs[-1].shape if outs else x.shape, x.dtype
        outs.append(layer.begin(layer.shape, x.dtype))
        layer.out_shape = outs[-1].shape

    def some_samples(_: int, some: slice) -> None:
        z = x[some]
        for layer, out in zip(layers, outs, strict=True):
            layer.forward_share(some, z)
            z = out[some]

    side_by_side(some_samples, _parts(layers))
    return outs[-1]


def backward_in_shares(
    layers: Sequence[InShares], dout: Array, from_logits: bool = False, to_input: bool = True
) -> Array:
    """Send a gradient back through one or more layers, share by share, and fill their `grads`.

    Returns dx, which is empty if it does not have to be found: not `to_input`.
    """
    first, last = layers[0], layers[-1]
    last.check_dout(dout, last.kept("out_shape"))
    for layer in layers:
        layer.begin_backward()
    parts = _parts(layers)
    grads = [
        [{k: np.empty_like(g) for k, g in each.grads.items()} for each in layers] for _ in parts
    ]
    dx = np.empty(first.shape if to_input else 0, first.x_dtype)

    def some_samples(number: int, some: slice) -> None:
        gradient = dout[some]
        for layer, found in zip(reversed(layers), reversed(grads[number]), strict=True):
            below: Array | None = None
            if layer is not first:
                below = np.empty((len(gradient), *layer.shape[1:]), layer.x_dtype)
            elif to_input:
                below = dx[some]
            if from_logits and layer is last:
                layer.backward_logits_share(some, gradient, found, below)
            else:
                layer.backward_share(some, gradient, found, below)
            if below is not None:
                gradient = below

    side_by_side(some_samples, parts)
    for place, layer in enumerate(layers):
        for key, grad in layer.grads.items():
            grad[...] = sum(found[place][key] for found in grads)
    return dx


def _parts(layers: Sequence[InShares]) -> list[slice]:
    """Divide the samples of the batch that the layers have seen last."""
    shapes = [layer.shape for layer in layers] + [layers[-1].out_shape]
    largest = max(math.prod(shape) for shape in shapes) * layers[0].x_dtype.itemsize
    return shares(shapes[0][0], largest)
