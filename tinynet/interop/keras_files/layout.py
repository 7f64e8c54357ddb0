"""Where Keras keeps each array of a model in its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinynet import config
from tinynet.arrays import Array
from tinynet.checks import number
from tinynet.configurable import to_snake_case
from tinynet.described import BUILT, kind_of
from tinynet.interop.configs import decimal
from tinynet.interop.keras_files.architecture import base_in
from tinynet.interop.keras_files.hdf5 import Content
from tinynet.layers.base import Layer
from tinynet.optimizers import Adadelta, Adam, Adamax, Nadam, Optimizer
from tinynet.stack import Network
from tinynet.training import Trainer

# How many of its slots an optimizer makes together, weight after weight; the others it makes one
# after the other, each for all weights.
TOGETHER = {Adam: 2, Nadam: 2, Adadelta: 2, Adamax: 2}


# Weights: in .keras and .weights.h5 by the class of the layer, counted.


def places(model: Network, above: str = "") -> Iterator[tuple[str, Layer | Network]]:
    """Yield every layer with its path: ``layers/dense``, ``layers/dense_1``.

    Those of a model that is a layer itself follow it: ``layers/sequential/layers/dense``. Layers of
    a class of the user's have the names of its attributes: ``hidden``.
    """
    used: Counter[str] = Counter()
    own = _attributes(model) if hasattr(model, "call") else {}
    for layer in model.layers:
        place = f"{above}{own[layer]}" if own else _place(_kind(layer), used, above)
        yield place, layer
        if isinstance(layer, Network):
            yield from places(layer, f"{place}/")


def _attributes(model: Network) -> dict[Any, str]:
    """Return the places of the layers of a class with a ``call``: they go by its attributes.

    One of these is ``layers``, so that a layer whose attribute comes later has its place there.
    """
    found: dict[Any, str] = {}
    # Keras goes through the names in this order, the private ones last.
    attributes = sorted(vars(model).items(), key=lambda item: (item[0][0] == "_", item[0]))
    for name, each in attributes:
        if name not in ("begins", "wires", "_given"):
            for place, layer in _within(each, name):
                found.setdefault(layer, place)
    return found


def _within(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield a layer, or those in lists, tuples and dicts, with their places."""
    if isinstance(value, (Layer, Network)):
        yield place, value
    elif isinstance(value, (list, tuple, dict)):
        used: Counter[str] = Counter()
        for each in value.values() if isinstance(value, dict) else value:
            kind = _kind(each) if isinstance(each, (Layer, Network)) else "container"
            yield from _within(each, f"{place}/{_counted(kind, used)}")


def _kind(layer: Layer | Network) -> str:
    """Return what Keras calls the class of a layer in a path."""
    return to_snake_case(kind_of(layer))


def name_places(content: Content, layers: Sequence[Mapping[str, Any]], above: str = "") -> None:
    """Give the places of a file the names of a model's layers, where it does not say them.

    Keras writes them since 3.6; before, only the order of the layers tells which is which.

    Parameters
    ----------
    content : Content
    layers : sequence of dict
        Of the model, as Keras has written them.
    """
    used: Counter[str] = Counter()
    for each in layers:
        place = _place(to_snake_case(each["class_name"]), used, above)
        name = each.get(BUILT, each["config"]).get("name", place)
        content.texts.setdefault(f"{place}/vars", {}).setdefault("name", name)
        if base_in(each):
            name_places(content, each["config"]["layers"], f"{place}/")


def _place(kind: str, used: Counter[str], above: str) -> str:
    """Return the place of the next layer of a kind, and count it."""
    return f"{above}layers/{_counted(kind, used)}"


def _counted(kind: str, used: Counter[str]) -> str:
    used[kind] += 1
    return f"{kind}_{used[kind] - 1}" if used[kind] > 1 else kind


def put_weights(model: Network, content: Content) -> None:
    """Put the weights and states of a model where Keras looks for them."""
    content.texts["vars"] = {"name": model.name}
    seen = set()
    for place, layer in places(model):
        if layer not in seen:  # one that is in two nested models is written once
            seen.add(layer)
            content.texts[f"{place}/vars"] = {"name": layer.name}
            if isinstance(layer, Layer):
                for i, array in enumerate(layer.arrays.values()):
                    content.arrays[f"{place}/vars/{i}"] = array


def stored_weights(content: Content, model: Network | None = None) -> dict[str, list[Array]]:
    """Return the arrays of each layer in a file, by the layer's path of names there.

    Those of the model's layers, if there is one yet, come first, in their order.
    """
    by_place = _by_place(content)
    own = [] if model is None else [place for place, _ in places(model)]
    by_attributes = hasattr(model, "call")  # then a place could be that of another layer's name
    others = sorted(by_place.keys() - {*own})
    return {
        place if by_attributes else _named(content, place): _in_order(by_place[place])
        for place in (*own, *others)
        if place in by_place and (place in own or place.startswith("layers/"))
    }


def require_places(content: Content, model: Network) -> None:
    """Raise an error if a file has weights for a layer that a model does not have."""
    own = {place for place, _ in places(model)}
    for place in _by_place(content):
        if place.startswith("layers/") and place not in own:
            raise ValueError(
                f"the file has weights of a layer that the model lacks, {place}; is it the file of "
                f"another model? skip_mismatch=True loads what fits"
            )


def stored_variables(content: Content) -> list[Array]:
    """Return the arrays of the optimizer in a file."""
    return _in_order(_by_place(content).get("optimizer", {}))


def _by_place(content: Content) -> dict[str, dict[str, Array]]:
    """Return the arrays of every place, by their numbers there."""
    found: dict[str, dict[str, Array]] = {}
    for path, array in content.arrays.items():
        place, _, key = path.rpartition("/vars/")
        found.setdefault(place, {})[key] = array
    return found


def _in_order(arrays: dict[str, Array]) -> list[Array]:
    return [arrays[str(i)] for i in range(len(arrays))]


def _named(content: Content, place: str) -> str:
    """Return a path of names, ``encoder/dense``, for one of groups.

    A place that goes by the attributes of a class stays as it is.
    """
    if {*place.split("/")[::2]} != {"layers"}:
        return place
    groups = place.split("/layers/")
    paths = ["/layers/".join(groups[: i + 1]) for i in range(len(groups))]
    return "/".join(str(content.texts.get(f"{path}/vars", {}).get("name", path)) for path in paths)


# Weights in .h5: by the name of the layer and that of the weight.


def put_named_weights(model: Network, content: Content) -> None:
    """Put the weights and states of a model where Keras looks for them in an ``.h5`` file."""
    top = "model_weights"
    names = [layer.name for layer in model.layers]
    content.texts[top] = {"layer_names": list(names)}
    content.texts[f"{top}/top_level_model_weights"] = {"weight_names": []}
    for layer in model.layers:
        paths = [f"{model.name}/{layer.name}/{key}" for key in layer.arrays]
        content.texts[f"{top}/{layer.name}"] = {"weight_names": list(paths)}
        for path, array in zip(paths, layer.arrays.values(), strict=True):
            content.arrays[f"{top}/{layer.name}/{path}"] = array


def named_weights(content: Content) -> dict[str, list[Array]]:
    """Return the arrays of each layer in an ``.h5`` file, by the layer's name there."""
    # A file of weights alone, as Keras 2 wrote them, has the layers at its top.
    top = "model_weights/" if "model_weights" in content.texts else ""
    found = {}
    for name in _names(content, top.rstrip("/"), "layer_names"):
        arrays = listed(content, f"{top}{name}")
        if arrays:
            found[name] = arrays
    return found


def by_leaves(model: Network, named: Mapping[str, list[Array]]) -> dict[str, list[Array]]:
    """Give the arrays of models that are layers to their layers, by the paths of these.

    Of such a model, Keras writes first what learns, of all its layers, and then the rest
    (keras/src/legacy/saving/legacy_h5_format.py); and a layer that is in two of them, twice.
    """
    layers = [layer for layer in model.layers if layer.arrays]
    places = {layer.name: layer for layer in layers}
    if places.keys() != named.keys():  # under other names, the layers are in the same order
        places = dict(zip(named, layers, strict=False))
    found: dict[str, list[Array]] = {}
    seen: set[Layer] = set()
    for name, arrays in named.items():
        layer = places.get(name)
        if not isinstance(layer, Network) or len(layer.arrays) != len(arrays):
            found[name] = arrays
            continue
        leaves = layer.leaves
        learning = {path: leaf for path, leaf in leaves.items() if leaf.trainable}
        learned = [f"{path}/{key}" for path, leaf in learning.items() for key in leaf.params]
        order = dict.fromkeys([*learned, *layer.arrays])
        array_of = dict(zip(order, arrays, strict=True))
        for path, leaf in leaves.items():
            if leaf.arrays and leaf not in seen:
                found[f"{name}/{path}"] = [array_of[f"{path}/{key}"] for key in leaf.arrays]
        seen |= {*leaves.values()}
    return found


def listed(content: Content, group: str) -> list[Array]:
    """Return the arrays of a group, in the order of its list of names."""
    return [content.arrays[f"{group}/{name}"] for name in _names(content, group, "weight_names")]


def _names(content: Content, group: str, kind: str) -> list[str]:
    """Return a list of names, which Keras distributes over several attributes if it is long."""
    texts = content.texts.get(group, {})
    if kind in texts:
        return list(texts[kind])
    found: list[str] = []
    while f"{kind}{len(found)}" in texts:  # the parts are numbered
        found.append(f"{kind}{len(found)}")
    return [name for part in found for name in texts[part]]


# The optimizer's memory.


class Variable(NamedTuple):
    """One array of a Keras optimizer, and its name there."""

    name: str
    value: Array


def slots_in_order(optimizer: Optimizer, keys: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pairs of a weight and a slot, in the order in which Keras makes them."""
    names = optimizer.slot_names()
    together = next((n for kind, n in TOGETHER.items() if isinstance(optimizer, kind)), 1)
    first = names[:together]
    over_steps = [(name,) for name in optimizer.all_slot_names() if name not in names]
    blocks = [*over_steps, first, *((name,) for name in names[len(first) :])]
    there = optimizer.all_slot_names()
    return [(key, name) for block in blocks for key in keys for name in block if name in there]


def variables(model: Trainer, keys: Sequence[str]) -> list[Variable]:
    """Return what Keras's optimizer keeps, with slots for the weights of these keys.

    With no keys it is that of an optimizer that has not begun.
    """
    optimizer, arrays = model.optimizer, model.arrays
    assert optimizer is not None
    found = [Variable("iteration", np.array(optimizer.batches, np.int64))]
    if optimizer.schedule is None:
        rate = np.array(optimizer.learning_rate, config.floatx())
        found.append(Variable("learning_rate", rate))
    first = {name: optimizer.first_value(name) for name in optimizer.slot_names()}
    for key, name in slots_in_order(optimizer, keys):
        weight = arrays[key]
        empty = np.full(weight.size, first.get(name, 0.0), weight.dtype)
        slot = optimizer.slots.get(key, {}).get(name, empty)
        full = f"{model.name}_{key.replace('/', '_')}_{name}"
        found.append(Variable(full, slot.reshape(weight.shape)))
    if keys and isinstance(optimizer, Nadam):
        found.append(Variable("variable", np.array(optimizer.u_product, config.floatx())))
    return found


def variables_fit(model: Trainer, keys: Sequence[str], stored: Sequence[Array]) -> bool:
    """Return whether a Keras optimizer's arrays have the form of those of a model's.

    Raises
    ------
    ValueError
        If they have, but the number of steps or the learning rate cannot be one.
    """
    optimizer = model.optimizer
    assert optimizer is not None
    expected = [each.value.shape for each in variables(model, keys)]
    if expected != [each.shape for each in stored]:
        return False
    if not 0 <= (steps := float(stored[0])) < 2**63:
        raise ValueError(f"iteration: expected a number of 0 or more, got {steps:g}")
    if optimizer.schedule is None:
        number("learning_rate", _in_floatx(stored[1]), least=0)
    return True


def _in_floatx(value: Array) -> Any:
    with np.errstate(over="ignore"):  # infinity is no rate
        return np.dtype(config.floatx()).type(value)


def take_variables(model: Trainer, keys: Sequence[str], stored: Sequence[Array]) -> None:
    """Copy a Keras optimizer's arrays, which fit, into that of a model.

    The arrays are overwritten in place, because a step that has been recorded reads them.
    """
    optimizer = model.optimizer
    assert optimizer is not None
    waiting = iter(stored)
    optimizer.batches = int(next(waiting))
    if optimizer.schedule is None:
        rate = _in_floatx(next(waiting))
        optimizer.learning_rate = decimal(rate, float(rate))
    optimizer.ensure_slots({key: model.arrays[key] for key in keys})
    for key, name in slots_in_order(optimizer, keys):
        optimizer.slots[key][name][...] = next(waiting).reshape(-1)
    if keys and isinstance(optimizer, Nadam):
        optimizer.u_product = float(next(waiting))
