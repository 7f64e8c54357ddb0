"""Keras models from tinynet models, and the reverse.

Configs make the other library's objects (`tinynet.interop.configs`); then everything that
training has changed since is copied (`tinynet.interop.state`).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tinynet import config, random
from tinynet.interop import compiled, configs, state
from tinynet.interop.configs import Config, naming
from tinynet.layers import Input, Layer, deserialize
from tinynet.models import Sequential
from tinynet.symbolic import KerasTensor


def to_keras(model: Sequential) -> Any:
    """Make a Keras model from a tinynet model, to continue its training there or to use it.

    Everything that a later step depends on carries over: architecture, names, trainable flags,
    weights and states, seeds and the positions in the random sequences, and for a compiled model
    the loss, the metrics and the optimizer with its options, schedule, learning rate, counter
    and moments. What the metrics have seen of an epoch does not.

    Parameters
    ----------
    model : Sequential
        Built or not, compiled or not; it stays as it is, and the two share no arrays.

    Returns
    -------
    keras.Sequential
        In float64, training it further gives what training `model` further would give, to 1e-12;
        with dropout or noise that holds on TensorFlow, whose random numbers tinynet draws. Layers
        learn that are trainable now, as after another ``compile``.

    Raises
    ------
    ImportError
        If Keras cannot be imported.
    TypeError
        If `model` is not a tinynet model.
    ValueError
        If the model has a part of your own or an option that Keras lacks; if the two libraries
        are set to different float types or epsilons. In that case nothing is made.

    Notes
    -----
    Neither this nor `from_keras` advances Python's `random` or another source of random numbers,
    so a layer made afterward starts from the values that it would have had anyway.

    A model converted to Keras and back is the same to the last bit. Only what Keras rounds to
    float32 in a float32 model comes back rounded: a learning rate with more digits than that
    (0.001 does come back as 0.001) and the product of `Nadam`. From Keras to tinynet and back,
    seed generators and activation layers inside another layer get new names, a loss that was
    given by name comes back as an object, and ``jit_compile`` is what Keras chooses; on
    TensorFlow it is off, because XLA draws different random numbers.
    """
    keras = _imported_keras()
    if not isinstance(model, Sequential):
        raise TypeError(f"model: expected a tinynet.Sequential, got {_kind(model)}")
    if type(model) is not Sequential:
        raise ValueError(
            f"{model.name}: expected a tinynet.Sequential, got {_kind(model)}, a class of your own"
        )
    _require_same_settings(keras, keras.config.dtype_policy())
    _require_whole(model)
    layers = [_layer_for_keras(layer) for layer in model.layers]
    parts = compiled.parts_for_keras(model)
    state.require_own_memory(model)
    with random.untouched():
        made = [_made_in_keras(keras, each) for each in layers]
        if model.sample_shape is not None:
            shape, name = model.sample_shape, model.input_name
            made.insert(
                0, keras.Input(shape, name=name, dtype=model.input_dtype or config.floatx())
            )
        keras_model = keras.Sequential(made, trainable=model.trainable, name=model.name)
        if model.optimizer is not None:
            excluded = model.optimizer.excluded_from_decay
            compiled.compile_in_keras(keras, keras_model, parts, excluded)
        state.copy_to_keras(model, keras_model)
    return keras_model


def from_keras(keras_model: Any) -> Sequential:
    """Make a tinynet model from a Keras model, to continue its training here or to look inside.

    What carries over is the same as in `to_keras`; see there for what a conversion there and
    back leaves as it was.

    Parameters
    ----------
    keras_model : keras.Sequential
        Built or not, compiled or not; it stays as it is, and the two share no arrays.

    Returns
    -------
    Sequential
        In float64, training it further gives what training `keras_model` further would give, to
        1e-12; with dropout or noise that holds on TensorFlow.

    Raises
    ------
    ImportError
        If Keras cannot be imported.
    TypeError
        If `keras_model` is not a Keras model.
    ValueError
        If it has anything that tinynet lacks: a form other than a stack of layers, a layer, an
        option, a mixed precision policy, a part of your own. The message names the layer, the
        option and its value, and what tinynet has. In that case nothing is made.
    """
    keras = _imported_keras()
    if not isinstance(keras_model, keras.Model):
        raise TypeError(f"keras_model: expected a keras.Sequential, got {_kind(keras_model)}")
    if type(keras_model) is not keras.Sequential:
        raise ValueError(
            f"{keras_model.name}: {_kind(keras_model)} is not in tinynet, which has Sequential "
            f"only; the layers of a chain can be stacked: keras.Sequential(model.layers)"
        )
    _require_same_settings(keras, keras_model.dtype_policy)
    _require_whole(keras_model)
    layers = [_layer_from_keras(layer) for layer in keras_model.layers]
    _require_flags_of_whole_layers(keras_model)
    parts = compiled.parts_from_keras(keras_model)
    state.require_keras_memory(keras_model)
    start = _input_from_keras(keras_model)
    with random.untouched():
        made = [_made_here(each) for each in layers]
        model = Sequential([*start, *made], name=keras_model.name)
        model.may_learn = keras_model.trainable
        if parts:
            model.compile(**parts)
        state.copy_from_keras(model, keras_model)
    return model


def _imported_keras() -> Any:
    try:
        return import_module("keras")
    except ImportError as error:
        raise ImportError(
            f"Keras cannot be imported ({error}), and is needed to exchange models with it: "
            f"pip install 'tinynet[parity]'"
        ) from error


def _kind(thing: object) -> str:
    """Return the full name of an object's class."""
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


# What has to hold in either direction.


def _require_same_settings(keras: Any, policy: Any) -> None:
    """Check that both libraries compute a step with the same settings."""
    floatx = config.floatx()
    settings = {
        "floatx": (floatx, keras.config.floatx()),
        "dtype_policy": (floatx, policy.name),
        "epsilon": (config.epsilon(), keras.config.epsilon()),
    }
    for name, (here, there) in settings.items():
        if here != there:
            raise ValueError(
                f"{name}: {here!r} in tinynet and {there!r} in Keras, so a model would not train "
                f"there as it does here; set both alike before it is made "
                f"(keras.config.set_{name})"
            )


def _require_whole(model: Any) -> None:
    """Check that a model has layers, with weights in all of them or in none."""
    if not model.layers:
        raise ValueError(f"{model.name}: the model has no layers: add some")
    begun = [layer.name for layer in model.layers if layer.get_weights()]
    if begun and getattr(model, "input_shape", None) is None:  # Keras's has none at first
        raise ValueError(
            f"{model.name}: {', '.join(begun)} has weights, but the model is not built: begin it "
            f"with Input(shape), or call build((None, ...))"
        )


def _require_flags_of_whole_layers(keras_model: Any) -> None:
    """Check that no weight alone is set to be trainable or not."""
    for layer in keras_model.layers:
        for weight in layer.non_trainable_weights if layer.trainable else ():
            if not weight.name.startswith("moving_"):
                raise ValueError(
                    f"{layer.name}: trainable=False of {weight.name} alone is not in tinynet, "
                    f"where only layers have the flag: layer.trainable = False"
                )


# Layers.


def _layer_for_keras(layer: Layer) -> Config:
    if layer.dtype != config.floatx():
        raise ValueError(
            f"{layer.name}: dtype={layer.dtype!r}, while tinynet and Keras are set to "
            f"{config.floatx()!r}; expected one float type in all parts"
        )
    described: Config = configs.keras_config(layer, layer.name)
    return described


def _layer_from_keras(layer: Any) -> Config:
    own: Config = configs.own_config(
        configs.described(layer, "keras.layers", layer.name), layer.name
    )
    return own


def _input_from_keras(keras_model: Any) -> list[KerasTensor]:
    """Return the model's `Input`, if it has one yet."""
    bottom = keras_model.get_config()["layers"][0]
    if bottom["class_name"] != "InputLayer":
        return []
    shape, name, dtype = configs.own_input(bottom["config"])
    return [Input(shape, dtype=dtype, name=name)]


def _made_in_keras(keras: Any, layer: Config) -> Any:
    try:
        return keras.saving.deserialize_keras_object(layer)
    except (TypeError, ValueError) as error:  # many lines, the reason in the last
        reason = str(error).splitlines()[-1].removeprefix("Exception encountered: ")
        raise ValueError(f"{layer['config']['name']}: Keras does not take it: {reason}") from error


def _made_here(layer: Config) -> Layer:
    with naming(layer["config"]["name"]):
        return deserialize(layer)
