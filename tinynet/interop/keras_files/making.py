"""A model made from what a file says about it, for the arrays that the file has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.configurable import is_own
from tinynet.described import layer_from
from tinynet.initializers import Initializer
from tinynet.interop.configs import Config
from tinynet.layers import InputLayer, Layer
from tinynet.models import Model, Sequential
from tinynet.symbolic import Shape


def made(
    described: Config,
    shapes: Mapping[str, Iterable[Shape]],
    above: str = "",
    shared: dict[int, Any] | None = None,
) -> Model:
    """Make a model with zeros as its weights, whose values are still in a file.

    Only weights of the shapes that the file has are made. So what it says about one of tinynet's
    layers cannot make that take more memory than the file has. A layer of the user's makes its own.

    Parameters
    ----------
    described : dict
        What `get_config` of a model returns. In a stack whose input is not known, a layer that has
        weights all the same says for which shape of samples: ``"built_for"``.
    shapes : dict of str to iterable of tuple of int
        Those of each layer's weights and states, by its path.
    above : str
        The path of a nested model.
    shared : dict of int to Layer or Model
        What has been made for several models.
    """
    layers: list[Any] = []
    shared = {} if shared is None else shared
    for each in described["layers"]:
        if each.get("shared") in shared:
            layer: Any = shared[each["shared"]]
        elif each["class_name"] in ("Model", "Sequential"):
            layer = made(each["config"], shapes, f"{above}{each['config']['name']}/", shared)
        else:
            layer = layer_from(each)
        if "shared" in each:
            shared[each["shared"]] = layer
        layers.append(layer)
    rules: dict[Layer, dict[str, Initializer]] = {}
    try:
        for layer in layers:
            inner = {"": layer} if isinstance(layer, Layer) else layer.leaves
            for path, leaf in inner.items():
                if not leaf.built and leaf not in rules and is_own(type(leaf)):
                    name = f"{above}{layer.name}/{path}".rstrip("/")
                    rules[leaf] = _of_shapes(leaf, shapes.get(name, []))
        if "wires" in described:
            return Model.from_layers(layers, described)
        if described["input_shape"] is not None:
            options = {key: described.get(f"input_{key}") for key in ("shape", "dtype", "name")}
            layers.insert(0, InputLayer(**options))
        model = Sequential(layers, name=described["name"])
        for layer, each in zip(model.layers, described["layers"], strict=True):
            if isinstance(layer, Layer) and "built_for" in each:
                layer.ensure_built(each["built_for"])
        return model
    finally:
        for leaf, own in rules.items():
            vars(leaf).update(own)


def _of_shapes(layer: Layer, shapes: Iterable[Shape]) -> dict[str, Initializer]:
    """Let a layer make zeros of the given shapes; return the initializers that it has had."""
    rules = {name: r for name, r in vars(layer).items() if isinstance(r, Initializer)}
    vars(layer).update(dict.fromkeys(rules, _ZerosOf(layer, shapes)))
    return rules


class _ZerosOf(Initializer):
    """Makes zeros for one weight of a layer after the other, if their shapes are the given ones."""

    def __init__(self, layer: Layer, shapes: Iterable[Shape]) -> None:
        self.layer, self.waiting = layer, iter(shapes)

    def __call__(self, shape: Any, dtype: str | None = None) -> Array:
        """Return zeros in the place of the next array of the file."""
        found = next(self.waiting, None)
        if found != tuple(shape):
            got = "none" if found is None else f"one of shape {found}"
            raise ValueError(
                f"{self.layer.name}: expected a weight of shape {tuple(shape)}, the file has {got}"
            )
        return np.zeros(found, dtype or self.layer.dtype)
