"""A model made from what a file says about it, with the file's arrays as its weights."""

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


def made(
    described: Config,
    weights: Mapping[str, Iterable[Array]],
    above: str = "",
    shared: dict[int, Any] | None = None,
) -> Model:
    """Make a model, with arrays of a file in the place of what its initializers would make.

    So what a file says about one of tinynet's layers cannot make it take more memory than the file
    has. A layer of the user's makes its own arrays first.

    Parameters
    ----------
    described : dict
        What `get_config` of a model returns.
    weights : dict of str to iterable of ndarray
        The arrays of each layer, by its path.
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
            layer = made(each["config"], weights, f"{above}{each['config']['name']}/", shared)
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
                    rules[leaf] = _from_file(leaf, weights.get(name, []))
        if "wires" in described:
            return Model.from_layers(layers, described)
        if described["input_shape"] is not None:
            options = {key: described.get(f"input_{key}") for key in ("shape", "dtype", "name")}
            layers.insert(0, InputLayer(**options))
        return Sequential(layers, name=described["name"])
    finally:
        for leaf, own in rules.items():
            vars(leaf).update(own)


def _from_file(layer: Layer, arrays: Iterable[Array]) -> dict[str, Initializer]:
    """Let a layer take its weights from a file; return the initializers that it has had."""
    rules = {name: r for name, r in vars(layer).items() if isinstance(r, Initializer)}
    vars(layer).update(dict.fromkeys(rules, _FromFile(layer, arrays)))
    return rules


class _FromFile(Initializer):
    """Hands out the arrays of a layer one after the other, if the shapes are those asked for."""

    def __init__(self, layer: Layer, arrays: Iterable[Array]) -> None:
        self.layer, self.waiting = layer, iter(arrays)

    def __call__(self, shape: Any, dtype: str | None = None) -> Array:
        """Return the next array of the file, which no other weight gets."""
        found = next(self.waiting, None)
        if found is None or found.shape != tuple(shape):
            got = "none" if found is None else f"one of shape {found.shape}"
            raise ValueError(
                f"{self.layer.name}: expected a weight of shape {tuple(shape)}, the file has {got}"
            )
        return np.asarray(found, dtype or self.layer.dtype)
