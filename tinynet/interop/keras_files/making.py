"""A model made from what a file says about it, for the arrays that the file has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.configurable import is_own
from tinynet.described import DEEPEST, layer_from, network_class, take_flag
from tinynet.initializers import Initializer
from tinynet.interop.configs import Config
from tinynet.layers import InputLayer, Layer
from tinynet.models import Model, Sequential
from tinynet.symbolic import Shape


def made(
    described: Config,
    shapes: Mapping[str, Counter[Shape]],
    above: str = "",
    shared: dict[int, Any] | None = None,
) -> Model:
    """Make a model with zeros as its weights, whose values are still in a file.

    Only weights of the shapes that the file has are made. So what it says about one of tinynet's
    layers cannot make that take more memory than the file has. A layer of the user's makes its own.

    Parameters
    ----------
    described : dict
        What `get_config` of a model returns, or `tinynet.described.layer_config` of one of a class
        of the user's. In a stack whose input is not known, a layer that has weights all the same
        says for which shape of samples: ``"built_for"``.
    shapes : dict of str to Counter of tuple of int
        Of each layer, by its path, how many weights and states of each shape the file has; or of a
        model that is a layer, by its name, of all its layers together. They are counted down.
    above : str
        The path of a nested model.
    shared : dict of int to Layer or Model
        What has been made for several models.
    """
    if above.count("/") > DEEPEST:
        raise ValueError(f"expected models that are {DEEPEST} deep in each other at most")
    if "class_name" not in described:
        kind = "Model" if "wires" in described else "Sequential"
        described = {"class_name": kind, "config": described}
    cls = network_class(described)
    if cls is None:
        by_class: Model = layer_from(described, "model")
        return by_class
    described = described["config"]
    layers: list[Any] = []
    shared = {} if shared is None else shared
    rules: dict[Layer, dict[str, Initializer]] = {}

    def take(path: str, leaf: Layer) -> None:
        """Let a layer make what the file has at a path, the first one where the layer is."""
        if not leaf.built and is_own(type(leaf)) and not _ZerosOf.is_in(leaf):
            rest = shapes.get(path.partition("/")[0], Counter())
            rules[leaf] = _of_shapes(leaf, shapes.get(path, rest))

    for each in described["layers"]:
        if each.get("shared") in shared:
            layer: Any = shared[each["shared"]]
        elif network_class(each):
            layer = made(each, shapes, f"{above}{each['config']['name']}/", shared)
        else:
            layer = layer_from(each)
        if "shared" in each:
            shared[each["shared"]] = layer
        layers.append(layer)
        if isinstance(layer, Layer):  # at once: a model that follows may have it, and build it
            take(f"{above}{layer.name}", layer)
    try:
        for layer in layers:
            if not (isinstance(layer, Layer) or layer.built):
                for path, leaf in layer.leaves.items():
                    take(f"{above}{layer.name}/{path}", leaf)
        if "wires" in described:
            graph: Model = cls.from_layers(layers, described)
            return graph
        if described["input_shape"] is not None:
            options = {key: described.get(f"input_{key}") for key in ("shape", "dtype", "name")}
            layers.insert(0, InputLayer(**options))
        model: Sequential = cls(name=described["name"], **described.get("given", {}))
        for layer in layers:  # each takes the number of a name, as in Keras
            model.add(layer)
        for layer, each in zip(model.layers, described["layers"], strict=True):
            if isinstance(layer, Layer) and "built_for" in each:
                layer.ensure_built(each["built_for"])
        take_flag(model, described)
        return model
    finally:
        for leaf, own in rules.items():
            vars(leaf).update(own)


def _of_shapes(layer: Layer, shapes: Counter[Shape]) -> dict[str, Initializer]:
    """Let a layer make zeros of the given shapes; return the initializers that it has had."""
    rules = {name: r for name, r in vars(layer).items() if isinstance(r, Initializer)}
    vars(layer).update(dict.fromkeys(rules, _ZerosOf(layer, shapes)))
    return rules


class _ZerosOf(Initializer):
    """Makes zeros for the weights of a layer, as many of each shape as there are in a file."""

    def __init__(self, layer: Layer, shapes: Counter[Shape]) -> None:
        self.layer, self.shapes = layer, shapes

    @classmethod
    def is_in(cls, layer: Layer) -> bool:
        """Return whether a layer is going to make such zeros."""
        return any(isinstance(each, cls) for each in vars(layer).values())

    def __call__(self, shape: Any, dtype: str | None = None) -> Array:
        """Return zeros in the place of an array of the file."""
        expected = tuple(shape)
        if self.shapes[expected] == 0:
            left = next(iter(self.shapes.elements()), None)
            got = "none" if left is None else f"one of shape {left}"
            raise ValueError(
                f"{self.layer.name}: expected a weight of shape {expected}, the file has {got}"
            )
        self.shapes[expected] -= 1
        return np.zeros(expected, dtype or self.layer.dtype)
