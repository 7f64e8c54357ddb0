"""One file per model: safetensors, with the architecture as JSON in its header.

(A name that ends in ``.keras`` or ``.h5`` is for `tinynet.interop.keras_files`.)

The format holds arrays and text and nothing that could be executed. A file is written under
another name and moved into place when it is complete, so that an interruption leaves the old
file or none, never half of one.

``weights/`` holds the weights and states (``weights/dense_1/kernel``), ``optimizer/`` the
optimizer's slots and counters, ``random/`` the positions that dropout and the like have reached
in their random sequences.
"""

from __future__ import annotations

import json
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from tinynet import losses, optimizers, scope
from tinynet.array_files import Arrays, read_arrays, write_arrays
from tinynet.arrays import Array, copy_into
from tinynet.checks import file_name
from tinynet.configurable import UnknownObjectError, is_own, require_saveable, serialize
from tinynet.custom_objects import (
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from tinynet.described import DEEPEST, layer_config
from tinynet.files import MODELS, WEIGHTS, require_ending, whole_or_not
from tinynet.layers.base import Layer
from tinynet.symbolic import Shape
from tinynet.training import Trainer

__all__ = [
    "custom_object_scope",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
]

FORMAT = "tinynet 1"
SAVE_FORMATS = {"safetensors": (".safetensors",), "keras": (".keras",), "h5": (".h5", ".hdf5")}


class _Content(NamedTuple):
    """What a file holds."""

    path: Path
    arrays: Arrays
    architecture: dict[str, Any] | None
    compiled: dict[str, Any] | None


def save_model(
    model: Trainer,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    include_optimizer: bool = True,
    save_format: str | None = None,
) -> None:
    """Write a model's weights, architecture, optimizer and loss into one file.

    Parameters
    ----------
    model : Sequential
    filepath : str or path
        Ends in ``.safetensors``, or in ``.keras`` or ``.h5`` (``.hdf5``) for Keras's formats
        (`tinynet.interop.keras_files`). An existing file is replaced, in one step and completely.
    overwrite : bool
        Whether it may be replaced.
    include_optimizer : bool
        Whether to write what the model was compiled with.
    save_format : {"keras", "h5", "safetensors"}, optional
        What the ending says already.

    Raises
    ------
    ValueError
        If the ending is different, or not that of `save_format`; if the model has no weights yet,
        models are more than 20 deep in each other, or a layer cannot be written; in Keras's
        formats, if the model has a part that they lack.
    FileNotFoundError
        If the folder does not exist.
    FileExistsError
        If there is a file, and `overwrite` is False.
    IsADirectoryError
        If `filepath` is a folder itself.
    ImportError
        For Keras's formats, if h5py is missing.

    Warns
    -----
    UserWarning
        If the optimizer, the loss or a metric cannot be written: the file then has none of them.
    """
    path = _checked(filepath, MODELS, overwrite)
    if save_format is not None and path.suffix not in SAVE_FORMATS.get(save_format, ()):
        raise ValueError(
            f"save_format: expected the format that the ending of {path.name} says, got "
            f"{save_format!r}"
        )
    model.require_built()
    _require_readable(model)
    model.require_saveable()
    with_parts = include_optimizer and has_parts(model)
    if is_for_keras(path):
        keras_files().save_model(model, path, with_parts)
        return
    arrays = _weights(model)
    if with_parts:
        assert model.optimizer is not None
        state = model.optimizer.get_state()
        arrays.update({f"optimizer/{key}": value for key, value in state.items()})
    _write(path, model, arrays, with_parts)


def save_weights(model: Trainer, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a model's weights and states, but not what it was compiled with.

    Parameters and errors as for `save_model`, but models may be as deep in each other as they like,
    and layers need not be such that they can be written. Keras's format is ``.weights.h5``, which
    also holds the memory of the optimizer.
    """
    path = _checked(filepath, WEIGHTS, overwrite)
    model.require_built()
    if is_for_keras(path):
        keras_files().save_weights(model, path)
        return
    _write(path, model, _weights(model), with_parts=False)


def load_weights(
    model: Trainer,
    filepath: str | os.PathLike[str],
    skip_mismatch: bool = False,
    by_name: bool = False,
) -> None:
    """Copy the weights and states from a file into a model of the same architecture.

    Parameters
    ----------
    model : Sequential
    filepath : str or path
        Of any format. As in Keras, ``.weights.h5`` and ``.keras`` also restore the memory of the
        optimizer, if the model's has the same form.
    skip_mismatch : bool
        Whether the file may be that of another architecture. Each layer then takes the weights
        that the file has under its name (if no name is in both, those of the layer at its
        position), and layers that these do not fit keep their own, with a warning.
    by_name : bool
        Whether only those layers take weights whose names the file has, an ``.h5`` or
        ``.safetensors`` file; the others keep their own.

    Raises
    ------
    ValueError
        If a weight is missing or has a different shape; if a file in Keras's newer formats has
        layers of other classes, or is to be read by name; if a ``.safetensors`` file has weights of
        other names, or an ``.h5`` file another number of weights for a layer. In these cases
        nothing is changed.
    """
    model.require_built()
    if is_for_keras(filepath):
        keras_files().load_weights(model, Path(filepath), skip_mismatch, by_name)
        return
    path, arrays, *_ = read(filepath)
    prefix = "weights/"
    stored = {k.removeprefix(prefix): arrays[k] for k in arrays if k.startswith(prefix)}
    take_weights(model, path, stored, skip_mismatch, by_name)


def take_weights(
    model: Trainer,
    path: Path,
    stored: Mapping[str, Array],
    skip_mismatch: bool = False,
    by_name: bool = False,
) -> None:
    """Copy the weights of a file, under keys that begin with ``"layer/"``; see `load_weights`."""
    layers = {name: layer for name, layer in model.leaves.items() if layer.arrays}
    if by_name:
        there = [key.rpartition("/")[0] for key in stored]
        layers = {name: layer for name, layer in layers.items() if name in there}
        places = list(layers)
        keys = sorted(
            (key for key, name in zip(stored, there, strict=True) if name in layers),
            key=lambda key: places.index(key.rpartition("/")[0]),
        )
        stored = {key: stored[key] for key in keys}
    if skip_mismatch:
        _take_what_fits(layers, path, stored)
        return
    hint = "is it the file of another model? skip_mismatch=True loads what fits"
    arrays = {f"{name}/{key}": each for name in layers for key, each in layers[name].arrays.items()}
    if len(stored) != len(arrays):
        raise ValueError(
            f"{path}: expected {len(arrays)} weights and states, got {len(stored)}; {hint}"
        )
    # Keras's files have a number in the place of each name, from 0 on in every layer.
    numbers = [str(i) for layer in layers.values() for i in range(len(layer.arrays))]
    there = [key.rpartition("/")[2] for key in stored]
    names = [key.rpartition("/")[2] for key in arrays]
    if there not in (names, numbers):
        expected = numbers if there[:1] == ["0"] else names
        i = next(i for i, pair in enumerate(zip(expected, there, strict=True)) if len({*pair}) > 1)
        raise ValueError(
            f"{path}: expected a value for {list(arrays)[i]}, got {list(stored)[i]}; {hint}"
        )
    try:
        copy_into(arrays, list(stored.values()))
    except ValueError as error:
        raise ValueError(f"{path}: {error}; {hint}") from None


def _take_what_fits(layers: Mapping[str, Layer], path: Path, arrays: Mapping[str, Array]) -> None:
    """Copy weights into the layers that they fit, and warn about the others."""
    stored: dict[str, list[Array]] = {}
    for key, value in arrays.items():
        stored.setdefault(key.rpartition("/")[0], []).append(value)
    if not stored.keys() & layers.keys():
        stored = dict(zip(layers, stored.values(), strict=False))
    skipped = []
    for name, layer in layers.items():
        try:
            copy_into(layer.arrays, stored.get(name, []))
        except ValueError as error:
            skipped.append(f"{name} ({str(error).removeprefix('weights: ')})")
    if skipped:
        warnings.warn(
            f"{path}: these layers keep the weights that they had, because those in the "
            f"file do not fit: {'; '.join(skipped)}",
            stacklevel=5,
        )


def is_for_keras(filepath: str | os.PathLike[str]) -> bool:
    """Return whether a file is in one of Keras's formats, by its name."""
    return Path(file_name("filepath", filepath)).suffix in (".keras", ".h5", ".hdf5")


def keras_files() -> ModuleType:
    """Import what writes and reads Keras's formats; most programs do without."""
    from tinynet.interop import keras_files

    return keras_files


def read(filepath: str | os.PathLike[str]) -> _Content:
    """Read a file that `save_model` or `save_weights` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a tinynet file, or is damaged.
    """
    path = Path(file_name("filepath", filepath))
    if not path.is_file():
        raise FileNotFoundError(f"filepath: there is no file {path}")
    arrays, header = read_arrays(path)
    if header.get("format") != FORMAT:
        raise ValueError(
            f"{path}: expected a model that tinynet saved ({FORMAT!r}), got a safetensors file "
            f"with the format {header.get('format')!r}"
        )
    with naming(path):
        arrays.arrange(json.loads(header["order"]))  # in the file they are sorted by size
        return _Content(
            path, arrays, json.loads(header["architecture"]), json.loads(header["compiled"])
        )


def shapes_by_layer(arrays: Arrays) -> dict[str, Counter[Shape]]:
    """Count the shapes of a file's weights and states by the paths of their layers."""
    found: dict[str, Counter[Shape]] = {}
    for key, shape in arrays.shapes.items():
        part, _, path = key.partition("/")
        if part == "weights":
            found.setdefault(path.rpartition("/")[0], Counter())[shape] += 1
    return found


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Turn any error that wrong content leads to into one that names the file."""
    try:
        yield
    except UnknownObjectError as error:
        raise UnknownObjectError(f"{path}: {error}") from None
    except (
        *(ArithmeticError, AttributeError, LookupError, MemoryError),
        *(RecursionError, TypeError, ValueError),
    ) as error:
        raise ValueError(
            f"{path}: what the file says about the model cannot be read "
            f"({type(error).__name__}: {error}); was it changed, or written by another version?"
        ) from error


def restore(model: Trainer, content: _Content, compile: bool = True) -> None:
    """Bring a new model of the stored architecture to the stored state, compiled if requested."""
    arrays, optimizer = content.arrays, None
    if content.compiled is not None and compile:
        optimizer = compile_with(model, content.compiled)
    _take_new_arrays(model, [key for key in arrays if key.startswith("weights/")], arrays)
    for path, layer in model.leaves.items():
        if layer.seed_generator is not None:
            layer.seed_generator.state = [int(n) for n in arrays[f"random/{path}"]]
    if optimizer is None:
        return
    prefix = "optimizer/"
    state = {k.removeprefix(prefix): arrays[k] for k in arrays if k.startswith(prefix)}
    optimizer.set_state({key: value for key, value in state.items() if "/" not in key})
    for path, value in state.items():
        if "/" in path:  # a slot: set_state would copy it, but nobody else keeps these arrays
            key, name = path.rsplit("/", 1)
            optimizer.slots.setdefault(key, {})[name] = value


def _take_new_arrays(model: Trainer, names: Sequence[str], arrays: Arrays) -> None:
    """Put arrays of a file in the place of those of a new model, which nobody has seen yet."""
    if len(names) != len(model.arrays):
        raise ValueError(f"expected {len(model.arrays)} weights and states, got {len(names)}")
    waiting = iter(names)
    for layer in model.leaves.values():
        for held in (layer.params, layer.state):
            for key, old in list(held.items()):
                new = arrays[next(waiting)]
                if is_own(type(layer)) and new.shape == old.shape and new.dtype == old.dtype:
                    held[key] = new
                else:
                    copy_into({f"{layer.name}/{key}": old}, [new])


def has_parts(model: Trainer) -> bool:
    """Return whether there is something to write about what a model was compiled with.

    If a part cannot be written, there is nothing, with a warning: Keras saves the model, too.
    """
    if model.optimizer is None:
        return False
    assert model.loss is not None
    try:
        require_saveable("optimizer", model.optimizer)
        require_saveable("loss", *model.loss.parts.values())
        require_saveable("metric", *model.figures.plain, *model.figures.weighted)
    except ValueError as error:
        warnings.warn(
            f"{model.name}: optimizer, loss and metrics are left out, and have to be given to "
            f"compile again. {error}",
            stacklevel=4,
        )
        return False
    return True


def compiled_parts(model: Trainer) -> dict[str, Any]:
    """Return what a compiled model was compiled with as plain values."""
    assert model.optimizer is not None
    plain, weighted = model.figures.given
    return {
        "optimizer": serialize(model.optimizer),
        "loss": serialize(model.loss),
        "metrics": serialize(plain),
        "weighted_metrics": serialize(weighted),
        "run_eagerly": model.run_eagerly,
        "steps_per_execution": model.steps_per_execution,
        "excluded_from_decay": model.optimizer.excluded_from_decay,
    }


def compile_with(model: Trainer, parts: Mapping[str, Any]) -> optimizers.Optimizer:
    """Compile a model with what `compiled_parts` returned; return the new optimizer."""
    optimizer = optimizers.get(parts["optimizer"])
    model.compile(
        optimizer,
        losses.loss_of(parts["loss"]),
        metrics=parts["metrics"],
        weighted_metrics=parts["weighted_metrics"],
        # Not in files of before there was a choice.
        run_eagerly=parts.get("run_eagerly", False),
        steps_per_execution=parts.get("steps_per_execution", 1),
    )
    optimizer.exclude_from_weight_decay(parts["excluded_from_decay"])
    return optimizer


def _weights(model: Trainer) -> dict[str, Array]:
    arrays = {f"weights/{key}": value for key, value in model.arrays.items()}
    for path, layer in model.leaves.items():
        if layer.seed_generator is not None:
            arrays[f"random/{path}"] = np.array(layer.seed_generator.state, np.int64)
    return arrays


def _checked(filepath: str | os.PathLike[str], endings: tuple[str, ...], overwrite: bool) -> Path:
    path = Path(file_name("filepath", filepath))
    require_ending(path, endings)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"filepath: there is no folder {path.parent}")
    if path.is_dir():
        raise IsADirectoryError(f"filepath: expected the name of a file, got the folder {path}")
    if not overwrite and path.exists():
        raise FileExistsError(f"filepath: there is a file {path}, and overwrite is False")
    return path


def _require_readable(model: Any, above: int = 0) -> None:
    """Raise an error if models are so deep in each other that a loader refuses them."""
    if above > DEEPEST:
        raise ValueError(
            f"{model.name}: expected models that are at most {DEEPEST} deep in each other"
        )
    for layer in model.layers:
        if hasattr(layer, "leaves"):
            _require_readable(layer, above + 1)


def _architecture(model: Trainer) -> dict[str, Any] | None:
    """Describe a model; None if it cannot be, of which then only the weights are in a file."""
    try:
        model.require_saveable()
    except ValueError:
        return None
    return model.get_config() if is_own(type(model)) else layer_config(model)


def _write(path: Path, model: Trainer, arrays: Mapping[str, Array], with_parts: bool) -> None:
    def texts() -> dict[str, str]:
        compiled = compiled_parts(model) if with_parts else None
        said = {"architecture": _architecture(model), "compiled": compiled, "order": list(arrays)}
        return {"format": FORMAT, **{key: json.dumps(value) for key, value in said.items()}}

    with whole_or_not(path) as file:
        write_arrays(file, arrays, texts)


__getattr__ = scope.refuses(__name__)
