"""Tensors without numbers: what `Input` returns and layers can be called on, to draw a graph.

A `KerasTensor` knows its shape and the `Call` that it comes from; a call knows its layer and the
tensors that went in. So `calls_between` finds the way back from a model's outputs to its inputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

Shape = tuple[int, ...]


class KerasTensor:
    """The place of an array in a graph of layers.

    Attributes
    ----------
    shape : tuple of int or None
        With the batch axis, which is None if it can have any size.
    dtype : str
    name : str
    call : Call
        Where it comes from.

    Notes
    -----
    Follows keras/src/backend/common/keras_tensor.py; there is no arithmetic with it.
    """

    def __init__(self, shape: Sequence[int | None], dtype: str, name: str, call: Call) -> None:
        self.shape, self.dtype, self.name, self.call = tuple(shape), dtype, name, call

    @property
    def ndim(self) -> int:
        """Number of axes, with that of the batch."""
        return len(self.shape)

    @property
    def sample_shape(self) -> Shape:
        """Shape without the batch axis."""
        return self.shape[1:]  # type: ignore[return-value] # only the first may be None

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"{self.name}: expected an array, got a KerasTensor, which has a shape but no numbers; "
            f"it can be given to layers and to Model(inputs, outputs)"
        )

    def __bool__(self) -> bool:
        raise TypeError(f"{self.name}: a KerasTensor has no numbers, so it is neither true nor not")

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def _refused(self, *_: Any) -> Any:
        raise TypeError(
            f"{self.name}: tinynet has no arithmetic with a KerasTensor; use a layer, such as "
            f"layers.Add()([a, b]), layers.Multiply()([a, b]), or layers.Rescaling(2.0)(a)"
        )

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __getitem__ = _refused
    __truediv__ = __rtruediv__ = __matmul__ = __rmatmul__ = __pow__ = __neg__ = _refused


class Call:
    """A layer, or a whole model, called on some tensors.

    Attributes
    ----------
    layer : Layer or Model
    inputs, outputs : list of KerasTensor
    as_list : bool
        Whether the layer was given a list.
    number : int
        How many calls there were before, of any layer.
    """

    _numbers = itertools.count()

    def __init__(
        self,
        layer: Any,
        inputs: list[KerasTensor],
        shapes: Sequence[Shape],
        as_list: bool = False,
    ) -> None:
        self.layer, self.inputs, self.as_list = layer, inputs, as_list
        self.number = next(self._numbers)
        batch = inputs[0].shape[0] if inputs else None
        # Under the layer's name, as the outputs of models are called in Keras.
        self.outputs = [
            KerasTensor((batch, *shape), layer.dtype, layer.name, self) for shape in shapes
        ]


def is_symbolic(x: object) -> bool:
    """Return whether something is a KerasTensor or a list of them."""
    if isinstance(x, (list, tuple)) and x:
        return any(isinstance(each, KerasTensor) for each in x)
    return isinstance(x, KerasTensor)


def connect(layer: Any, x: Any) -> Any:
    """Call a layer on tensors: build it if necessary, and return what comes out.

    Parameters
    ----------
    layer : Layer or Model
    x : KerasTensor or list of KerasTensor

    Returns
    -------
    KerasTensor or list of KerasTensor

    Raises
    ------
    TypeError
        If some of a list are arrays.
    ValueError
        If the layer cannot take such shapes.
    """
    as_list = isinstance(x, (list, tuple))
    inputs = list(x) if as_list else [x]
    for each in inputs:
        if not isinstance(each, KerasTensor):
            raise TypeError(
                f"{layer.name}: expected tensors from Input and layers, got "
                f"{type(each).__name__} among them"
            )
    shapes: Any = [each.sample_shape for each in inputs]
    shape = shapes if as_list else shapes[0]
    layer.ensure_built(shape)
    out_shape = layer.compute_output_shape(shape)
    several = isinstance(out_shape, list)
    call = Call(layer, inputs, out_shape if several else [out_shape], as_list)
    layer._calls.append(call)
    return call.outputs if several else call.outputs[0]


# The way back.


def calls_between(
    begins: Mapping[int, Any], wanted: Sequence[KerasTensor]
) -> tuple[list[Call], list[Any]]:
    """Return the calls that lead to some tensors, each behind those that it depends on.

    Parameters
    ----------
    begins : dict of int to InputLayer
        For the `id` of each tensor to begin with, its layer.
    wanted : sequence of KerasTensor

    Returns
    -------
    calls : list of Call
    layers : list of Layer
        In the order in which a search that comes from the wanted tensors meets them.
    """
    calls: list[Call] = []
    met: list[Any] = []
    seen: set[int] = set()

    def visit(tensor: KerasTensor) -> None:
        layer = begins.get(id(tensor), tensor.call.layer)
        if layer not in met and not (layer is tensor.call.layer and id(tensor.call) in seen):
            met.append(layer)
        if id(tensor) in begins or id(tensor.call) in seen:
            return
        seen.add(id(tensor.call))
        if not tensor.call.inputs:
            raise ValueError(
                f"outputs: they depend on {tensor.name!r}, an Input that is not among the inputs"
            )
        for each in tensor.call.inputs:
            visit(each)
        calls.append(tensor.call)

    for tensor in wanted:
        visit(tensor)
    return calls, met


def in_keras_order(
    calls: Sequence[Call], met: Sequence[Any], begins: Mapping[int, Any]
) -> tuple[list[Call], list[Any]]:
    """Return calls and layers in the order in which Keras runs and lists them.

    The farthest from the outputs come first; a layer, and all its calls that are met later, are as
    far as its farthest call that was met before. Calls that are equally far come as a search that
    goes through `calls` from behind meets them, and layers as in `met`.
    """
    makers = {id(tensor): each for each in calls for tensor in each.outputs}
    depth: dict[Any, int] = {}  # of layers
    of_call: dict[Call, int] = {}
    for each in reversed(calls):
        depth[each.layer] = max(of_call.get(each, 0), depth.get(each.layer, 0))
        of_call[each] = depth[each.layer]
        below = depth[each.layer] + 1
        for tensor in each.inputs:
            if id(tensor) in begins:
                layer = begins[id(tensor)]
                depth[layer] = max(below, depth.get(layer, 0))
            else:
                maker = makers[id(tensor)]
                of_call[maker] = max(below, of_call.get(maker, 0))
    unused = [layer for layer in begins.values() if layer not in met]
    return (
        sorted(of_call, key=lambda call: -of_call[call]),
        sorted([*unused, *met], key=lambda layer: -depth.get(layer, 0)),
    )
