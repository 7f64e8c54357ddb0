"""The user's own classes and functions in Keras's files: by name, as in tinynet's (custom_objects).

Keras's configs say from which module a class comes, and Keras may import it. Here a module is only
shown to people: what is not tinynet's has to be lent or registered.
"""

from __future__ import annotations

from typing import Any

from tinynet import activations
from tinynet.config import floatx
from tinynet.configurable import name_of_function, to_snake_case
from tinynet.custom_objects import get_registered_name, get_registered_object
from tinynet.interop import configs
from tinynet.interop.configs import Config
from tinynet.losses import LOSSES
from tinynet.losses.functions import LossFunctionWrapper
from tinynet.metrics import METRICS, MeanMetricWrapper
from tinynet.user_functions import OfFunction


def written(value: Any, where: str) -> Config:
    """Write an object of the user's as Keras does."""
    if isinstance(value, LossFunctionWrapper):
        if value.reduction != "sum_over_batch_size":
            raise ValueError(
                f"{where}: a function of your own with reduction={value.reduction!r} cannot be "
                f"written as Keras does; save as .safetensors"
            )
        return _function(value.fn)
    if isinstance(value, MeanMetricWrapper):
        function = _function(value.fn)
        if value.name == name_of_function(value.fn) and not value.options:
            return function
        config = {"name": value.name, "dtype": floatx(), "fn": function, **value.options}
        return configs.keras_object("keras.metrics", "MeanMetricWrapper", config)
    if isinstance(value, activations.Activation):
        if value.get_config().keys() > {"name", "module"}:
            raise ValueError(
                f"{where}: {value.name!r} with options cannot be written as Keras does; save as "
                f".safetensors"
            )
        return _function(getattr(value, "fn", value))
    if isinstance(value, OfFunction):
        return _function(value.fn)
    kind = type(value)
    return {
        "module": kind.__module__,
        "class_name": kind.__name__,
        "config": value.get_config(),
        "registered_name": get_registered_name(kind),
    }


def _function(function: Any) -> Config:
    if hasattr(function, "__name__"):
        return function_form(get_registered_name(function))
    return function_form(type(function).__name__)


def function_form(name: str) -> Config:
    """Write a function as Keras does."""
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name,
        "registered_name": "function",
    }


def read(value: Config, where: str) -> Config:
    """Turn the config of an object that is not tinynet's into what `serialize` would write.

    Raises
    ------
    ValueError
        If it is a part of Keras that tinynet lacks, or code.
    """
    name, module = value.get("class_name"), value.get("module")
    if name == "__lambda__":
        raise ValueError(
            f"{where}: the file holds a lambda, as code. tinynet never runs code from a file; "
            f"build the model in Python, and read its weights with load_weights"
        )
    if name == "function":
        return {"class_name": "function", "config": value["config"], "module": module}
    registered = value.get("registered_name") or name
    if not isinstance(registered, str) or (
        str(module).partition(".")[0] == "keras" and get_registered_object(registered) is None
    ):
        configs.unknown(value, where)
    config = {
        key: configs.own_config(each, f"{where}: {key}", read)
        if isinstance(each, dict) and each.get("module") in configs.COUNTERPARTS
        else each
        for key, each in value["config"].items()
    }
    if isinstance(config.get("dtype"), dict):
        config["dtype"] = configs.float_type(config["dtype"], where)
    return {"class_name": registered, "config": config, "module": str(module or "__main__")}


def read_loss(value: Any, where: str) -> Any:
    """Do the same for a loss, which may be a function."""
    found = read(value, where)
    if found["class_name"] != "function":
        return found
    if _is_ours(found["config"], LOSSES):
        return found["config"]
    config = {"fn": found, "reduction": "sum_over_batch_size", "name": _name(found["config"])}
    return {"class_name": "LossFunctionWrapper", "config": config}


def read_metric(value: Any, where: str) -> Any:
    """Do the same for a metric, which may be a function, or made of one."""
    found = read(value, where)
    # as the function of a MeanMetricWrapper, it stays a function
    if found["class_name"] != "function" or where != "metrics":
        return found
    if _is_ours(found["config"], METRICS):
        return found["config"]
    config = {"fn": found, "name": _name(found["config"])}
    return {"class_name": "MeanMetricWrapper", "config": config}


def _is_ours(name: str, table: Any) -> bool:
    return name in table and get_registered_object(name) is None


def _name(registered: str) -> str:
    return to_snake_case(registered.rpartition(">")[2])
