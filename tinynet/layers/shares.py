"""Layers that treat each image by itself: a batch goes through them in shares, in threads.

Where such layers follow each other, a share goes through all of them before the next one starts,
while its numbers are still in the cache of one processor, and threads wait for each other once, not
once per layer. How a batch is divided depends only on the sizes of the arrays, and the gradients of
the shares are added up in order, so the result is the same with any number of threads.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TypeGuard

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.threads import shares, side_by_side
from tinynet.layers.base import Layer, Shape


class InShares(Layer):
    """A layer that treats each sample of a batch by itself.

    A subclass says what it does with some of the samples; the forward and backward pass of a whole
    batch are built from that here. What belongs to one batch is in a namespace, `seen`, which
    becomes the layer's when the whole batch is through: an error leaves the layer as it was, and
    two threads do not write into each other's arrays.
    """

    seen: SimpleNamespace

    # What a subclass defines.

    def begin(self, shape: Shape, dtype: np.dtype) -> SimpleNamespace:
        """Make room for what `forward_share` fills in a batch of this shape, ``out`` included.

        Raises
        ------
        ValueError
            If the layer cannot take such a batch.
        """
        raise NotImplementedError

    def forward_share(self, seen: SimpleNamespace, some: slice, x: Array) -> None:
        """Fill the output for some samples, whose input is `x`."""
        raise NotImplementedError

    def begin_backward(self, seen: SimpleNamespace) -> SimpleNamespace:
        """Return what `backward_share` reads: `seen`, and what needs the whole batch."""
        return seen

    def backward_share(
        self,
        seen: SimpleNamespace,
        some: slice,
        dout: Array,
        grads: dict[str, Array],
        dx: Array | None,
    ) -> None:
        """Fill `grads` with the sums over some samples, and their `dx` unless it is None."""
        raise NotImplementedError

    def backward_logits_share(
        self,
        seen: SimpleNamespace,
        some: slice,
        dlogits: Array,
        grads: dict[str, Array],
        dx: Array | None,
    ) -> None:
        """Like `backward_share`, but from the gradient before `final_activation`."""
        self.backward_share(seen, some, dlogits, grads, dx)

    # What all share.

    def forward(self, x: Array, training: bool = False) -> Array:
        """Compute the layer for a batch."""
        return forward_in_shares([self], x)

    def backward(self, dout: Array) -> Array:
        """Fill `grads`, return dx."""
        return backward_in_shares([self], dout)

    def backward_logits(self, dlogits: Array) -> Array:
        """Like `backward`, but from the gradient before `final_activation`."""
        return backward_in_shares([self], dlogits, from_logits=True)

    def learn(self, dout: Array) -> None:
        """Fill `grads` only."""
        backward_in_shares([self], dout, to_input=False)


def goes_in_shares(layer: Layer) -> TypeGuard[InShares]:
    """Return whether a layer's passes are those of `InShares`: they may have been replaced."""
    return isinstance(layer, InShares) and all(
        getattr(getattr(layer, way), "__func__", None) is getattr(InShares, way)
        for way in ("forward", "backward", "backward_logits", "learn")
    )


def forward_in_shares(layers: Sequence[InShares], x: Array) -> Array:
    """Send a batch through one or more layers, share by share."""
    batch: list[SimpleNamespace] = []
    shape = x.shape
    for layer in layers:
        seen = layer.begin(shape, x.dtype)
        seen.shape, shape = shape, seen.out.shape
        batch.append(seen)

    def some_samples(_: int, some: slice) -> None:
        z = x[some]
        for layer, seen in zip(layers, batch, strict=True):
            layer.forward_share(seen, some, z)
            z = seen.out[some]

    side_by_side(some_samples, _parts(batch))
    for layer, seen in zip(layers, batch, strict=True):
        layer.seen = seen
    out: Array = batch[-1].out
    return out


def backward_in_shares(
    layers: Sequence[InShares], dout: Array, from_logits: bool = False, to_input: bool = True
) -> Array:
    """Send a gradient back through one or more layers, share by share, and fill their `grads`.

    Returns dx, which is empty if `to_input` is False.
    """
    batch: list[SimpleNamespace] = [layer.kept("seen") for layer in layers]
    layers[-1].check_dout(dout, batch[-1].out.shape)
    for (lower, below), (upper, above) in itertools.pairwise(zip(layers, batch, strict=True)):
        if below.out.shape != above.shape:
            raise ValueError(
                f"{upper.name}: expected a batch of shape {below.out.shape}, like the last output "
                f"of {lower.name}, got {above.shape}; one of the two has seen another batch since, "
                f"so send one through both again"
            )
    batch = [layer.begin_backward(seen) for layer, seen in zip(layers, batch, strict=True)]
    parts = _parts(batch)
    grads = [
        [{k: np.empty_like(g) for k, g in each.grads.items()} for each in layers] for _ in parts
    ]
    dx = np.empty(batch[0].shape if to_input else 0, batch[0].out.dtype)

    def some_samples(number: int, some: slice) -> None:
        gradient = dout[some]
        for place in reversed(range(len(layers))):
            layer, seen, found = layers[place], batch[place], grads[number][place]
            below: Array | None = None
            if place > 0:
                below = np.empty((len(gradient), *seen.shape[1:]), seen.out.dtype)
            elif to_input:
                below = dx[some]
            is_last = place == len(layers) - 1
            way = layer.backward_logits_share if from_logits and is_last else layer.backward_share
            way(seen, some, gradient, found, below)
            if below is not None:
                gradient = below

    side_by_side(some_samples, parts)
    for place, layer in enumerate(layers):
        for key, grad in layer.grads.items():
            grad[...] = sum(found[place][key] for found in grads)
    return dx


def _parts(batch: Sequence[SimpleNamespace]) -> list[slice]:
    """Divide a batch's samples according to the largest of the arrays that go in and come out."""
    images = [math.prod(seen.shape) * seen.out.itemsize for seen in batch]
    return shares(batch[0].shape[0], max(*images, batch[-1].out.nbytes))
