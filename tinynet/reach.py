"""Which weights get a gradient: those that something to be minimized depends on.

An output may have no loss, and an output of a nested model may go nowhere. In Keras the weights
that nothing else depends on have no gradient, not one of zeros: weight decay, momentum and
constraints leave them as they are. It can be told from the wires, before the first step.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from typing import Any

from tinynet.configurable import is_own
from tinynet.layers import Dropout, Layer

EVERY = range(sys.maxsize)  # place among the inputs of a layer, however many it has


def unreached(model: Any) -> set[str]:
    """Return the keys of the weights of a compiled model that get no gradient."""
    losses = getattr(model.loss, "losses", [model.loss])
    ends = [place for place, loss in enumerate(losses) if loss is not None]
    reached: set[Layer] = set()
    _go_back(model, ends, model.tells_training, reached)
    return {
        f"{path}/{key}"
        for path, layer in model.leaves.items()
        if layer not in reached
        for key in layer.params
        if key not in layer.regularizers  # which would be minimized, too
    }


def _go_back(
    part: Any, ends: Collection[int], training: bool, reached: set[Layer]
) -> Collection[int]:
    """Go back from some outputs of a layer or a model, and add the layers on the way to `reached`.

    Returns
    -------
    collection of int
        The places of the inputs that the gradient comes out at.
    """
    if isinstance(part, Layer):
        if not (ends or _penalizes_output(part)):
            return ()
        reached.add(part)
        drops_all = isinstance(part, Dropout) and part.rate == 1 and training
        return () if drops_all else EVERY
    if not hasattr(part, "wires"):
        return _down(part.layers, ends, training, reached)
    tensors = {part.wanted[place] for place in ends}
    for wire in reversed(part.wires):
        at = [place for place, number in enumerate(wire.gives) if number in tensors]
        inputs = _go_back(wire.layer, at, training, reached)
        tensors.update(number for place, number in enumerate(wire.takes) if place in inputs)
    return [place for place in range(len(part.begins)) if place in tensors]


def _down(
    layers: Sequence[Any], ends: Collection[int], training: bool, reached: set[Layer]
) -> Collection[int]:
    """Do the same for layers on top of one another."""
    for layer in reversed(layers):
        ends = [0] if 0 in _go_back(layer, ends, training, reached) else []
    return ends


def _penalizes_output(layer: Layer) -> bool:
    """Return whether there is, or may be, a penalty on what comes out of a layer."""
    kind = type(layer)
    ours = is_own(kind.penalty) and is_own(kind.add_penalty_gradients)
    return not ours or getattr(layer, "activity_regularizer", None) is not None
