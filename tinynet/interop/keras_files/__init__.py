"""Keras's files, ``.keras``, ``.weights.h5`` and ``.h5``, written and read without Keras.

Keras 3.15 opens what is written here, and the reverse: architecture, weights, what the model was
compiled with, and the optimizer's memory. What the formats have no place for, the positions of
dropout and the like in their random sequences and the names that are left out of weight decay, is
written beside it, where tinynet finds it and Keras does not look.

``hdf5`` and ``archive`` are the two containers, ``hdf5_blocks`` looks at a file before HDF5's
library does, ``architecture`` is what is said about a model, ``custom`` how the user's own classes
are named in it, ``layout`` which array lies where, ``making`` how a model gets the arrays as its
weights.
"""

from __future__ import annotations

import io
import json
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tinynet import saving
from tinynet.arrays import Array
from tinynet.configurable import UnknownObjectError
from tinynet.described import BUILT, layer_from
from tinynet.files import whole_or_not
from tinynet.interop.configs import Config
from tinynet.interop.keras_files import archive, hdf5, layout
from tinynet.interop.keras_files.architecture import (
    keras_form,
    newer_form,
    older_form,
    own_form,
    own_parts,
)
from tinynet.interop.keras_files.hdf5 import Content
from tinynet.interop.keras_files.making import made
from tinynet.models import Model, Sequential
from tinynet.stack import Network, Stack
from tinynet.training import Trainer

__all__ = [
    *("from_json", "load_model", "load_weights", "made", "save_model", "save_weights", "to_json"),
]

OURS = "tinynet"  # the group of what only tinynet reads


class _Stored(NamedTuple):
    """What a file holds: a model in Keras's newer form, if it has one, and the arrays."""

    model: Config | None
    content: Content
    by_name: bool  # the older layout, that of .h5


# Writing.


def save_model(model: Trainer, path: Path, with_parts: bool) -> None:
    """Write a model as ``.keras`` or, if the name ends in ``.h5``, in the older form.

    `with_parts` says whether to write what it was compiled with.
    """
    _require_shared_in_stacks(model)
    written = keras_form(model, with_parts)
    content = Content({}, {OURS: _beside(model)})
    if path.suffix == ".keras":
        layout.put_weights(model, content)
        if with_parts:
            _put_optimizer(model, list(model.params), content)
        weights = io.BytesIO()
        hdf5.write(weights, content)
        with whole_or_not(path) as file:
            archive.write(file, written, weights)
        return
    architecture, parts = older_form(written)
    texts = {"keras_version": archive.KERAS_VERSION, "backend": "tensorflow"}
    content.texts[""] = {**texts, "model_config": json.dumps(architecture)}
    layout.put_named_weights(model, content)
    content.texts["model_weights"] |= texts
    if model.optimizer is not None and parts is not None:
        content.texts[""]["training_config"] = json.dumps(parts)
        variables = layout.variables(model, list(model.params))
        paths = [f"{model.optimizer.name}/{each.name}" for each in variables]
        content.texts["optimizer_weights"] = {"weight_names": list(paths)}
        for name, variable in zip(paths, variables, strict=True):
            content.arrays[f"optimizer_weights/{name}"] = variable.value
    _write_hdf5(path, content)


def _require_shared_in_stacks(model: Trainer) -> None:
    """Raise an error if a graph shares a layer with another model: Keras could not read that."""
    owners: dict[Any, list[Network]] = {}

    def visit(network: Network) -> None:
        for layer in network.layers:
            if layer not in owners and isinstance(layer, Network):
                visit(layer)
            owners.setdefault(layer, []).append(network)

    visit(model)
    for layer, found in owners.items():
        if len(found) > 1 and not all(isinstance(each, Stack) for each in found):
            raise ValueError(
                f"{model.name}: {' and '.join(each.name for each in found)} share {layer.name}, and"
                f" Keras reads that only if all of them are Sequential; save it as .safetensors"
            )


def save_weights(model: Trainer, path: Path) -> None:
    """Write weights and, as Keras does, the memory of the optimizer as ``.weights.h5``."""
    content = Content({}, {})
    layout.put_weights(model, content)
    if model.optimizer is not None:
        _put_optimizer(model, _begun(model), content)
    _write_hdf5(path, content)


def _write_hdf5(path: Path, content: Content) -> None:
    written = io.BytesIO()  # HDF5 does not hand on what goes wrong in a file of Python's
    hdf5.write(written, content)
    with whole_or_not(path) as file:
        file.write(written.getbuffer())


def _put_optimizer(model: Trainer, keys: list[str], content: Content) -> None:
    assert model.optimizer is not None
    content.texts["optimizer/vars"] = {"name": model.optimizer.name}
    for i, variable in enumerate(layout.variables(model, keys)):
        content.arrays[f"optimizer/vars/{i}"] = variable.value


def _begun(model: Trainer) -> list[str]:
    """Return the keys of the weights for which the optimizer has slots, in the model's order."""
    assert model.optimizer is not None
    return [key for key in model.arrays if key in model.optimizer.slots]


def _beside(model: Trainer) -> dict[str, hdf5.Text]:
    positions = {
        path: layer.seed_generator.state.tolist()
        for path, layer in model.leaves.items()
        if layer.seed_generator is not None
    }
    excluded = [] if model.optimizer is None else model.optimizer.excluded_from_decay
    return {"random": json.dumps(positions), "excluded_from_decay": json.dumps(excluded)}


# Reading.


def load_model(path: Path, compile: bool) -> Model:
    """Read a model from a ``.keras`` or an ``.h5`` file.

    Weights are made only of the shapes that the file has: what it says about a layer cannot make
    that take more memory than the file has.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is another file or a damaged one, or has a part that tinynet lacks.
    """
    stored = _read(path)
    with _naming(path):
        if stored.model is None:
            raise ValueError("it holds weights alone; build the model, and call load_weights")
        own = own_form(stored.model)
        if not stored.by_name and BUILT not in own:
            layout.name_places(stored.content, stored.model["config"]["layers"])
        shapes = {
            name: Counter(each.shape for each in some) for name, some in _weights(stored).items()
        }
        model = made(own, shapes)
        _take_positions(model, stored.content)
    weights = _weights(stored, model)
    if not model.built:
        weights = _of_built(model, path, weights)
    if weights or model.built:
        saving.take_weights(model, path, _by_key(weights))
    if compile and stored.model.get("compile_config"):
        with _naming(path):
            model.compile(**own_parts(stored.model["compile_config"]))
            _take_excluded(model, stored.content)
            # One that was written before the first step has no slots.
            memory = _memory(model, [list(model.params), []], stored, path)
            if memory is not None:
                layout.take_variables(model, *memory)
    return model


def _of_built(
    model: Trainer, path: Path, weights: dict[str, list[Array]]
) -> dict[str, list[Array]]:
    """Leave out the weights of layers that wait for their input, with a warning."""
    layers = {**model.leaves, **{layer.name: layer for layer in model.layers}}
    waiting = [name for name in weights if name in layers and not layers[name].built]
    if waiting:
        warnings.warn(
            f"{path}: the weights of {', '.join(waiting)} are left out, because the file does not "
            f"say for which shape of input they are; was the model saved before it had one?",
            stacklevel=5,
        )
    return {name: some for name, some in weights.items() if name not in waiting}


def load_weights(model: Trainer, path: Path, skip_mismatch: bool, by_name: bool) -> None:
    """Read weights into a model, and the optimizer's memory if it has the same form.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is another file or a damaged one, the weights do not fit, or are to be taken by names
        that Keras does not look at; nothing is changed then.
    """
    stored, memory = _read(path), None
    if by_name and not stored.by_name:
        raise ValueError(
            f"by_name: expected False for {path}, whose layers have places in the order of the "
            f"model; Keras reads only .h5 by name"
        )
    with _naming(path):
        if not (stored.by_name or skip_mismatch):
            layout.require_places(stored.content, model)
        weights = _by_key(_weights(stored, model))
        if model.optimizer is not None and not stored.by_name:
            memory = _memory(model, [_begun(model)], stored, path)
    saving.take_weights(model, path, weights, skip_mismatch, by_name)
    if memory is not None:
        layout.take_variables(model, *memory)


def _read(path: Path) -> _Stored:
    if not path.is_file():
        raise FileNotFoundError(f"filepath: there is no file {path}")
    with _naming(path):
        if path.suffix == ".keras":
            model, weights = archive.read(path)
            return _Stored(model, hdf5.read(weights), by_name=False)
        with path.open("rb") as file:
            content = hdf5.read(file)
        top = content.texts.get("", {})
        if "model_config" in top:
            architecture = json.loads(str(top["model_config"]))
            model = newer_form(architecture, json.loads(str(top.get("training_config", "null"))))
            return _Stored(model, content, by_name=True)
        return _Stored(None, content, by_name="layer_names" in top)


def _weights(stored: _Stored, model: Trainer | None = None) -> dict[str, list[Array]]:
    if stored.by_name:
        named = layout.named_weights(stored.content)
        return named if model is None else layout.by_leaves(model, named)
    return layout.stored_weights(stored.content, model)


def _by_key(weights: dict[str, list[Array]]) -> dict[str, Array]:
    return {f"{name}/{i}": each for name, some in weights.items() for i, each in enumerate(some)}


def _memory(
    model: Trainer, choices: list[list[str]], stored: _Stored, path: Path
) -> tuple[list[str], list[Array]] | None:
    """Return a file's memory of the optimizer, and for which weights there are slots.

    None, with a warning as in Keras, if it does not fit: then the model's stays as it is.

    Parameters
    ----------
    choices : list of list of str
        The keys of the weights for which there may be slots.
    """
    assert model.optimizer is not None
    content = stored.content
    if stored.by_name:
        variables = layout.listed(content, "optimizer_weights")
    else:
        variables = layout.stored_variables(content)
    for keys in choices:
        if layout.variables_fit(model, keys, variables):
            return keys, variables
    if variables:
        warnings.warn(
            f"{path}: the memory of the optimizer stays as it is: the file has {len(variables)} "
            f"arrays for one, which are not those of {model.optimizer.name} for the weights that "
            f"it trains",
            stacklevel=5,
        )
    return None


def _take_positions(model: Trainer, content: Content) -> None:
    positions = json.loads(str(content.texts.get(OURS, {}).get("random", "{}")))
    for path, layer in model.leaves.items():
        if layer.seed_generator is not None and path in positions:
            first, draws = positions[path]
            layer.seed_generator.state = [int(first), int(draws)]


def _take_excluded(model: Trainer, content: Content) -> None:
    assert model.optimizer is not None
    text = content.texts.get(OURS, {}).get("excluded_from_decay", "[]")
    model.optimizer.exclude_from_weight_decay([str(each) for each in json.loads(str(text))])


@contextmanager
def _naming(path: Path | str) -> Iterator[None]:
    """Turn any error that the content of a file leads to into one that names the file."""
    try:
        yield
    except UnknownObjectError as error:
        raise UnknownObjectError(f"{path}: {error}") from None
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    except (
        *(ArithmeticError, AttributeError, LookupError, MemoryError),
        *(RecursionError, TypeError),
    ) as error:
        raise ValueError(
            f"{path}: what the file says about the model cannot be read "
            f"({type(error).__name__}: {error}); was it changed, or written by another version?"
        ) from error


# The architecture alone.


def to_json(model: Trainer, **options: Any) -> str:
    """Write a model's architecture, and what it was compiled with, as Keras's JSON."""
    model.require_saveable()
    return json.dumps(keras_form(model, saving.has_parts(model)), **options)


def from_json(text: str) -> Model:
    """Make a new model from Keras's JSON, with new weights."""
    with _naming("text"):
        written = json.loads(text)
        described = own_form(written)
        if "class_name" in described:
            model: Model = layer_from(described, "model")
        else:
            model = (Model if "wires" in described else Sequential).from_config(described)
        if written.get("compile_config"):
            model.compile(**own_parts(written["compile_config"]))
    return model
