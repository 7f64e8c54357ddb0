"""A model's architecture and what it was compiled with, as Keras writes them in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tinynet import config
from tinynet.custom_objects import get_registered_object
from tinynet.interop import compiled, configs
from tinynet.interop.configs import COUNTERPARTS, Config
from tinynet.interop.keras_files import custom
from tinynet.stack import Network, Stack
from tinynet.training import Trainer

# The modules that the older form, of ``.h5``, leaves out.
MODULES = {
    "optimizer": "keras.optimizers",
    "loss": "keras.losses",
    "metrics": "keras.metrics",
    "weighted_metrics": "keras.metrics",
}


def keras_form(model: Trainer) -> Config:
    """Write a model as ``keras.saving.serialize_keras_object`` does.

    Raises
    ------
    ValueError
        If it has a part that cannot be written.
    """
    written = configs.keras_object("keras", "Sequential", _model_config(model))
    parts = compiled.parts_for_keras(model, custom.written)
    if parts:
        written["compile_config"] = {**parts, **compiled.WITHOUT_EFFECT, "jit_compile": "auto"}
    return written


def _model_config(model: Network) -> Config:
    if not isinstance(model, Stack):
        raise ValueError(
            f"{model.name}: a graph of layers is not written in Keras's formats; save it as "
            f".safetensors, or its weights alone as .weights.h5"
        )
    layers = [_layer_config(each) for each in model.layers]
    shape = None if model.sample_shape is None else [None, *model.sample_shape]
    if shape is not None:
        start = {
            "batch_shape": shape,
            "dtype": config.floatx(),
            "sparse": False,
            "ragged": False,
            "name": model.input_name,
            "optional": False,
        }
        layers.insert(0, configs.keras_object("keras.layers", "InputLayer", start))
    return {
        "name": model.name,
        "trainable": model.trainable,
        "dtype": config.floatx(),
        "layers": layers,
        "build_input_shape": shape,
    }


def _layer_config(layer: Any) -> Any:
    if isinstance(layer, Network):  # a model as a layer of another
        return configs.keras_object("keras", "Sequential", _model_config(layer))
    return configs.keras_config(layer, layer.name, custom.written)


def own_form(written: Any) -> Config:
    """Turn what Keras wrote about a Sequential into what `Sequential.get_config` returns.

    Raises
    ------
    ValueError
        If it is another kind of model, or has a part that tinynet lacks.
    """
    if not isinstance(written, dict) or written.get("class_name") != "Sequential":
        kind = written.get("class_name") if isinstance(written, dict) else written
        raise ValueError(f"expected a Sequential model, got {kind}")
    given = written["config"]
    layers = list(given["layers"])
    shape, name = given.get("build_input_shape"), "input_layer"
    shape = None if shape is None else list(shape[1:])
    if layers and layers[0]["class_name"] == "InputLayer":
        start = layers.pop(0)["config"]
        # A model that was called on 24 samples says that batches have 24, but Keras takes others.
        start["batch_shape"] = [None, *start["batch_shape"][1:]]
        shape, name = configs.own_input(start)
    return {
        "name": given["name"],
        "input_shape": shape,
        "input_name": name,
        "layers": [_own_layer(each) for each in layers],
    }


def _own_layer(written: Config) -> Any:
    if written["class_name"] == "Sequential":
        return {"class_name": "Sequential", "config": own_form(written)}
    return configs.own_config(written, str(written["config"].get("name")), custom.read)


def own_parts(given: Config | None) -> Config:
    """Return what tinynet's `compile` has to be given, from what Keras's was.

    Raises
    ------
    ValueError
        If there is a part or an option that tinynet lacks.
    """
    if not given:
        return {}
    compiled.require_only_parts(given)
    if given["loss"] is None:
        raise ValueError("the model was compiled without a loss; read it with compile=False")
    for kind in ("metrics", "weighted_metrics"):
        compiled.require_no_dictionary(given[kind])
    return {
        "optimizer": compiled.own_optimizer(given["optimizer"], custom.read),
        "loss": compiled.own_loss(given["loss"], custom.read_loss),
        "metrics": compiled.own_metrics(given["metrics"], custom.read_metric),
        "weighted_metrics": compiled.own_metrics(given["weighted_metrics"], custom.read_metric),
        "run_eagerly": given.get("run_eagerly", False),
    }


# The older form, of .h5: layers, losses and the like without the module they are from.


def older_form(written: Config) -> tuple[Config, Config | None]:
    """Return the texts ``model_config`` and ``training_config`` of an ``.h5`` file, as values."""
    if any(each["class_name"] == "Sequential" for each in written["config"]["layers"]):
        raise ValueError("a model as a layer of another is not written as .h5; save it as .keras")
    model = {**written["config"], "layers": [_short(each) for each in written["config"]["layers"]]}
    parts = written.get("compile_config")
    if parts is not None:
        parts = {key: _short_nested(value) for key, value in parts.items()}
        parts["optimizer_config"] = parts.pop("optimizer")
    return {"class_name": written["class_name"], "config": model}, parts


def newer_form(model: Config, parts: Config | None) -> Config:
    """Undo `older_form`."""
    layers = [_with_module(each, "keras.layers") for each in model["config"]["layers"]]
    written = {**model, "config": {**model["config"], "layers": layers}}
    if parts is not None:
        parts = {**parts, "optimizer": parts["optimizer_config"]}
        del parts["optimizer_config"]
        for key, module in MODULES.items():
            value = parts.get(key)
            parts[key] = (
                [_with_module(each, module) for each in value]
                if isinstance(value, list)
                else _with_module(value, module)
            )
        written["compile_config"] = parts
    return written


def _short_nested(value: Any) -> Any:
    return [_short(each) for each in value] if isinstance(value, list) else _short(value)


def _short(value: Any) -> Any:
    """Leave out the module of an object; a function becomes its name."""
    if not isinstance(value, dict):
        return value
    if value["class_name"] == "function":
        return value["config"]
    name = value["registered_name"] or value["class_name"]
    return {"class_name": name, "config": value["config"]}


def _with_module(value: Any, module: str) -> Any:
    """Say which module an object is from, if it does not; one of the user's own is from none."""
    if isinstance(value, str):
        known = value in COUNTERPARTS[module] and get_registered_object(value) is None
        return value if known else custom.function_form(value)
    if not isinstance(value, Mapping) or "module" in value:
        return value
    known = value["class_name"] in COUNTERPARTS[module]
    return {"module": module if known else None, "registered_name": None, **value}
