"""One object, two configs: how tinynet writes it, and how Keras does.

Classes and arguments have the same names in both libraries, so a config carries over almost
unchanged. Here is what differs; what has no counterpart is refused by name.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from tinynet import activations
from tinynet.checks import plain
from tinynet.config import floatx
from tinynet.configurable import (
    ARRAY,
    Configurable,
    UnknownObjectError,
    name_of_function,
    serialize,
)
from tinynet.constraints import CONSTRAINTS
from tinynet.initializers import INITIALIZERS
from tinynet.layers import IN_GRAPHS, LAYERS, Lambda
from tinynet.layers.core import integer_type
from tinynet.losses import LOSSES
from tinynet.losses.functions import LossByCall, LossFunctionWrapper
from tinynet.metrics import METRICS, MeanMetricWrapper
from tinynet.optimizers import OPTIMIZERS, Optimizer
from tinynet.optimizers.schedules import SCHEDULES
from tinynet.random import SeedGenerator
from tinynet.regularizers import REGULARIZERS
from tinynet.user_functions import OfFunction

Config = dict[str, Any]
KERAS_ARRAY = "__numpy__"  # the class_name of an array in a config of Keras's
# What writes, or reads, an object that is not the library's own: called with it and its place.
Custom = Callable[[Any, str], Any]

# Keras's modules, and the classes here that correspond to theirs.
COUNTERPARTS: dict[str, Mapping[str, type]] = {
    "keras.constraints": CONSTRAINTS,
    "keras.initializers": INITIALIZERS,
    "keras.layers": LAYERS | {name: cls for name, cls in IN_GRAPHS.items() if name != "InputLayer"},
    "keras.losses": LOSSES,
    "keras.metrics": METRICS,
    "keras.optimizers": OPTIMIZERS,
    "keras.optimizers.schedules": SCHEDULES,
    "keras.random": {"SeedGenerator": SeedGenerator},
    "keras.regularizers": REGULARIZERS,
}
MODULES = {cls: module for module, table in COUNTERPARTS.items() for cls in table.values()}

# Keras has no config for a function with options, only for the layer that has the same options.
ACTIVATION_LAYERS = {"elu": "ELU", "leaky_relu": "LeakyReLU", "relu": "ReLU", "softmax": "Softmax"}
ACTIVATION_OF_LAYER = {layer: name for name, layer in ACTIVATION_LAYERS.items()}

# What Keras takes from a global setting if it is not given, and tinynet does in only one way.
ONLY_WAY: dict[str, Config] = {
    "Flatten": {"data_format": "channels_last"},
    "LayerNormalization": {"rms_scaling": False},
    "RandomContrast": {"data_format": "channels_last"},
}
# Arguments that layers have here but not in Keras, because there is nothing to train in them.
ONLY_HERE = {"SpatialDropout2D": ("trainable",)}

# Arguments that only Keras has, with the values at which they do nothing. They are written down, so
# that a file can be read where there is no Keras (parity_tests/test_keras_files.py compares them).
DEFAULTS: Config = {
    **dict.fromkeys(("quantization_config", "renorm_clipping", "loss_scale_factor")),
    **dict.fromkeys(("lora_alpha", "lora_rank", "input_axes", "output_axes")),
    "data_format": None,
    "groups": 1,
    "renorm_momentum": 0.99,
    **dict.fromkeys(("from_sorted_ids", "renorm", "synchronized"), False),
}

# The arguments that may be a sequence here; others may be one in Keras, but not in tinynet.
SEQUENCES = {
    *("cropping", "dilation_rate", "kernel_size", "padding", "pool_size", "size", "strides"),
    *("dims", "shared_axes"),
    *("boundaries", "noise_shape", "target_shape", "thresholds", "values"),
    *("factor", "height_factor", "value_range", "width_factor"),
}
SEQUENCES_OF = {
    ("CategoricalFocalCrossentropy", "alpha"),
    ("AUC", "label_weights"),
    ("Constant", "value"),
    *(
        (name, "axis")
        for name in ("LayerNormalization", "UnitNormalization", "MaxNorm", "MinMaxNorm", "UnitNorm")
    ),
}


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Prefix an error with the name of the part that led to it."""
    try:
        yield
    except UnknownObjectError as error:
        raise UnknownObjectError(f"{where}: {error}") from None
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from error


# From tinynet to Keras.


def refused(value: Any, where: str) -> Any:
    """Raise the error for what is not tinynet's: Keras has no counterpart of it."""
    if isinstance(value, (LossFunctionWrapper, MeanMetricWrapper)):
        raise ValueError(
            f"{where}: {name_of_function(value.fn)} is a function of your own; write it with "
            f"keras.ops, and pass it to the compile of Keras's model"
        )
    if isinstance(value, Lambda):
        raise ValueError(
            f"{where}: {name_of_function(value.function)} is a function of your own; write it "
            f"with keras.ops, and add a keras.layers.Lambda with it by hand"
        )
    if isinstance(value, activations.Activation):
        raise ValueError(
            f"{where}: {value.name!r} is a function of your own; Keras has counterparts only for "
            f"tinynet's, so write it for Keras too and add it by hand"
        )
    if isinstance(value, OfFunction):
        raise ValueError(
            f"{where}: {name_of_function(value.fn)} is a function of your own; Keras has "
            f"counterparts only for tinynet's, so write it for Keras too and add it by hand"
        )
    cls = type(value)
    raise ValueError(
        f"{where}: {cls.__module__}.{cls.__qualname__} is a class of your own; Keras has "
        f"counterparts only for tinynet's, so write it for Keras too and add it by hand"
    )


def keras_config(value: Any, where: str, custom: Custom = refused) -> Any:
    """Write a tinynet object as ``keras.saving.serialize_keras_object`` writes its counterpart.

    Parameters
    ----------
    value : object
    where : str
        What it is a part of, for errors.
    custom : callable
        Writes, or refuses, an object that is not tinynet's; called with it and `where`.

    Raises
    ------
    ValueError
        If Keras has no such class, or no config for it.
    """
    if isinstance(value, activations.Activation):
        return _keras_activation(value, where, custom)
    if isinstance(value, LossByCall):
        return custom(value.loss, where)
    if isinstance(value, Configurable):
        cls = type(value)
        if cls not in MODULES or isinstance(value, (MeanMetricWrapper, Lambda)):
            return custom(value, where)
        config = {
            key: keras_config(each, f"{where}: {key}", custom)
            for key, each in _arguments(value).items()
        }
        config |= ONLY_WAY.get(cls.__name__, {})
        for key in ONLY_HERE.get(cls.__name__, ()):
            del config[key]
        return keras_object(MODULES[cls], cls.__name__, config)
    if isinstance(value, (list, tuple)):
        return [keras_config(each, where, custom) for each in value]
    if isinstance(value, np.ndarray):
        return {**serialize(value), "class_name": KERAS_ARRAY}
    return plain(value)


def _arguments(value: Configurable) -> dict[str, Any]:
    """Return the arguments with which Keras would make such an object."""
    given = {key: getattr(value, key) for key in value.get_config()}
    given.pop("input_shape", None)  # of a layer: becomes the model's Input
    if isinstance(value, Optimizer) and value.schedule is not None:
        given["learning_rate"] = value.schedule  # the attribute is the rate of the next step
    return given


def _keras_activation(activation: activations.Activation, where: str, custom: Custom) -> Any:
    config = activation.get_config()
    name = config.pop("name")
    if getattr(activations.ACTIVATIONS.get(name), "choose", None) is not activation.choose:
        return custom(activation, where)
    if not config:
        return name
    if name not in ACTIVATION_LAYERS:
        raise ValueError(
            f"{where}: {name!r} with {config} has no counterpart in Keras, where only "
            f"{', '.join(ACTIVATION_LAYERS)} can be saved with options"
        )
    return keras_object("keras.layers", ACTIVATION_LAYERS[name], config)


def keras_object(module: str, name: str, config: Config) -> Config:
    """Write an object of a Keras class as Keras does."""
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


# From Keras to tinynet.


def described(thing: Any, module: str, where: str) -> Config:
    """Return the config of a Keras object, if its class belongs to a given module of Keras.

    Raises
    ------
    ValueError
        If it is of another class, or is a function.
    """
    cls = type(thing)
    official = getattr(import_module(module), cls.__name__, ())
    # On PyTorch, Keras makes the optimizer from a subclass of its own, with the same name.
    if not (issubclass(cls, official) and cls.__module__.startswith("keras.")):
        got = getattr(thing, "__name__", cls.__name__)
        hint = f" (Keras's own function goes by its name, {got!r})" if callable(thing) else ""
        raise ValueError(
            f"{where}: expected an object of a class of {module}, got {got}{hint}; tinynet has "
            f"{_names(COUNTERPARTS[module])}"
        )
    _require_known_activation(getattr(thing, "activation", None), where)
    with naming(where), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns about serializing lambdas
        return keras_object(module, cls.__name__, thing.get_config())


def unknown(value: Any, where: str) -> Any:
    """Raise the error for an object of Keras that tinynet lacks."""
    table = COUNTERPARTS.get(str(value.get("module")), {})
    has = _names(table) if table else "counterparts only of objects of Keras's own classes"
    raise ValueError(f"{where}: {_shown(value)} is not in tinynet, which has {has}")


def own_config(value: Any, where: str, custom: Custom = unknown) -> Any:
    """Turn what Keras has written into what `tinynet.configurable.serialize` would write.

    Parameters
    ----------
    value : object
        What `described` returned, or an argument in it.
    where : str
        What it is a part of, for errors.
    custom : callable
        Reads, or refuses, the config of what has no counterpart; called with it and `where`.

    Raises
    ------
    ValueError
        If tinynet has no such class, or an option that tinynet lacks is not at its default.
    """
    if not isinstance(value, dict) or "class_name" not in value:
        return value
    name, module = str(value.get("class_name")), str(value.get("module"))
    if name == "__tuple__":
        return list(value["config"]["value"])
    if name == KERAS_ARRAY:
        return {"class_name": ARRAY, "config": value["config"]}
    table = COUNTERPARTS.get(module, {})
    if name not in table:
        return custom(value, where)
    known, defaults = _argument_names(table[name]), {**DEFAULTS, **ONLY_WAY.get(name, {})}
    config: Config = {}
    for key, given in value["config"].items():
        if key == "dtype":
            given = float_type(given, where)
        if key == "activation":
            config[key] = _own_activation(given, where, custom)
        elif key in known:
            several = key in SEQUENCES or (name, key) in SEQUENCES_OF
            config[key] = _own_argument(key, given, where, several, custom)
        elif key not in ("dtype", "name") and given != defaults.get(key):
            raise ValueError(
                f"{where}: {key}={_shown(given)} is not in tinynet, whose {name} has "
                f"{', '.join(sorted(known))}"
            )
    if name == "L1":
        config["l1"] = decimal(np.float32(config["l1"]), config["l1"])
    return {"class_name": name, "config": config}


def own_input(config: Mapping[str, Any]) -> tuple[list[int], str, str]:
    """Return the shape of a sample, the name and the type that an ``InputLayer`` of Keras has.

    Raises
    ------
    ValueError
        If the layer has an option that tinynet's `Input` lacks.
    """
    batch, *shape = config["batch_shape"]
    options = {key: config[key] for key in ("optional", "ragged", "sparse") if config.get(key)}
    if batch is not None:
        options["batch_size"] = batch
    if options or None in shape:
        raise ValueError(
            f"{config['name']}: batch_shape={(batch, *shape)}, {options} is not in tinynet, whose "
            f"Input has a name and the shape of a sample, all of it known; stack the layers "
            f"again: keras.Sequential([keras.Input(shape), *model.layers])"
        )
    dtype = config["dtype"]
    return shape, config["name"], integer_type(dtype) or float_type(dtype, config["name"])


def decimal(rounded: np.floating[Any], number: float) -> float:
    """Return the shortest decimal number that Keras rounds to `rounded`, if that is `number`.

    Keras writes 0.01 as 0.009999999776482582 if it has kept it as a float32.
    """
    return float(str(rounded)) if rounded == number else number


def _require_known_activation(activation: Any, where: str) -> None:
    """Check that an activation is Keras's own: in a config, a user's may look the same."""
    keras = import_module("keras")
    if activation is None or isinstance(activation, keras.Layer):
        return
    name = getattr(activation, "__name__", repr(activation))
    if activation is not getattr(keras.activations, name, None):
        raise ValueError(
            f"{where}: activation {name} is a function of your own; tinynet has "
            f"{', '.join(activations.ACTIVATIONS)}"
        )


def _own_argument(key: str, given: Any, where: str, several: bool, custom: Custom) -> Any:
    value = own_config(given, f"{where}: {key}", custom)
    if isinstance(value, (list, tuple)) and not several:
        raise ValueError(f"{where}: {key}={value} is not in tinynet, where it is one number")
    return value


def _own_activation(given: Any, where: str, custom: Custom) -> Config:
    if isinstance(given, str):
        with naming(where):
            return {"class_name": "Activation", "config": {"name": activations.get(given).name}}
    layer = own_config(given, f"{where}: activation", custom)
    if layer["class_name"] == "function":
        options = {"name": layer["config"], "module": layer["module"]}
        return {"class_name": "Activation", "config": options}
    name = ACTIVATION_OF_LAYER.get(layer["class_name"])
    if name is None:
        raise ValueError(
            f"{where}: activation={_shown(given)} is not in tinynet, which has only Keras's layers "
            f"{', '.join(ACTIVATION_OF_LAYER)} as activations"
        )
    parts_of_a_layer = ("dtype", "name", "trainable")
    options = {k: v for k, v in layer["config"].items() if k not in parts_of_a_layer}
    return {"class_name": "Activation", "config": {"name": name, **options}}


def float_type(policy: Any, where: str) -> str:
    """Return the float type of a Keras policy, if it is the one that tinynet works in."""
    if isinstance(policy, dict):
        policy = policy["config"].get("name", policy["class_name"])
    if policy != floatx():
        raise ValueError(
            f"{where}: dtype={policy!r} is not in tinynet, where all parts of a model have one "
            f"float type, at present {floatx()!r} (tinynet.config.set_floatx)"
        )
    return str(policy)


def _argument_names(cls: type) -> set[str]:
    named = {name for name in signature(cls) if name != "kwargs"}
    return named | set(getattr(cls, "BASE_ARGUMENTS", ()))


@functools.cache
def signature(cls: type) -> Mapping[str, inspect.Parameter]:
    """Return the arguments with which objects of a class are made, kept: they are slow to find."""
    return inspect.signature(cls).parameters


def _names(table: Mapping[str, type]) -> str:
    return ", ".join(sorted({cls.__name__ for cls in table.values()}))


def _shown(value: Any) -> str:
    """Return how an option is shown in an error: an object by its class alone."""
    if not isinstance(value, dict):
        return repr(value)
    if value.get("class_name") == "function":
        return f"the function {value['config']}"
    return str(value.get("class_name", value)).replace("__lambda__", "a lambda")
