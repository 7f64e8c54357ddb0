"""What training has changed in a model, copied to its counterpart in the other library.

That is the weights and states, the positions in the random sequences, and the optimizer's memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinynet.initializers import RandomInitializer
from tinynet.layers import Layer
from tinynet.models import Sequential
from tinynet.random import SeedGenerator


def copy_to_keras(model: Sequential, keras_model: Any) -> None:
    """Bring a new Keras model to the state of the model that it was made from."""
    shared: dict[int, Any] = {}
    for own, theirs in zip(model.layers, keras_model.layers, strict=True):
        theirs._input_shape_arg = own.input_shape
        if model.built:
            theirs.set_weights(own.get_weights())
        if own.seed_generator is not None:
            _generator(theirs).state.assign(own.seed_generator.state)
        for rule, their_rule in _random_initializers(own, theirs):
            seed = rule.drawn_seed
            if isinstance(seed, SeedGenerator):  # rules that share one keep sharing it
                generator = shared.setdefault(id(seed), their_rule.seed)
                generator.state.assign(seed.state)
                their_rule.seed = their_rule._init_seed = generator
            else:
                their_rule.seed = seed
    optimizer = model.optimizer
    if optimizer is None:
        return
    if optimizer.slots:
        used = {*optimizer.slots, *model.params}
        weights = _weights(model, keras_model)
        keras_model.optimizer.build([weight for key, weight in weights.items() if key in used])
    state = optimizer.get_state()
    for key, variable in _memory(model, keras_model).items():
        if key in state:
            variable.assign(np.array(state[key]).reshape(variable.shape))


def copy_from_keras(model: Sequential, keras_model: Any) -> None:
    """Bring a new model to the state of the Keras model that it was made from."""
    shared: dict[int, SeedGenerator] = {}
    for own, theirs in zip(model.layers, keras_model.layers, strict=True):
        own.input_shape = getattr(theirs, "_input_shape_arg", None)
        if model.built:
            own.set_weights(theirs.get_weights())
        if own.seed_generator is not None:
            own.seed_generator.state = _pair(_generator(theirs))
        for rule, their_rule in _random_initializers(own, theirs):
            if isinstance(rule.seed, SeedGenerator):
                generator = shared.setdefault(id(their_rule.seed), rule.seed)
                generator.state = _pair(their_rule.seed)
                rule.seed = rule.drawn_seed = generator
            else:
                rule.drawn_seed = their_rule.seed
    if model.optimizer is None:
        return
    state = model.optimizer.get_state()
    for key, variable in _memory(model, keras_model).items():
        value = np.asarray(variable.numpy())
        state[key] = value.reshape(-1) if "/" in key else value
    model.optimizer.set_state(state)


def require_own_memory(model: Sequential) -> None:
    """Check that the optimizer's memory, if it has any, belongs to the model's weights.

    Raises
    ------
    ValueError
        If it belongs to other weights.
    """
    if model.optimizer is None:
        return
    arrays, keys = model.arrays, list(model.optimizer.slots)
    for key in keys:
        if key not in arrays:
            raise ValueError(
                f"{model.optimizer.name}: the optimizer has slots for {key}, which is not a weight "
                f"of {model.name}; was it used for another model? give every model its own"
            )
    model.optimizer.ensure_slots({key: arrays[key] for key in keys})  # an error if sizes differ


def require_keras_memory(keras_model: Any) -> None:
    """Do the same as `require_own_memory`, for a Keras model."""
    if not keras_model.compiled:
        return
    weights = {id(weight) for layer in keras_model.layers for weight in layer.weights}
    for weight in keras_model.optimizer._trainable_variables:
        if id(weight) not in weights:
            raise ValueError(
                f"{keras_model.optimizer.name}: the optimizer has slots for {weight.path}, which "
                f"is not a weight of {keras_model.name}; was it built for another model?"
            )


def _weights(model: Sequential, keras_model: Any) -> dict[str, Any]:
    """Return Keras's variables under the keys of `Sequential.arrays`."""
    variables = [weight for layer in keras_model.layers for weight in layer.weights]
    return dict(zip(model.arrays, variables, strict=True))


def _memory(model: Sequential, keras_model: Any) -> dict[str, Any]:
    """Return the variables of Keras's optimizer under the keys of `Optimizer.get_state`."""
    assert model.optimizer is not None
    theirs = keras_model.optimizer
    memory = {"iterations": theirs._iterations}
    if not theirs.built:
        return memory
    keys = {id(weight): key for key, weight in _weights(model, keras_model).items()}
    for slot in model.optimizer.all_slot_names():
        # one for each weight, in their order: "dense_kernel_velocity", "dense_bias_velocity"
        variables = [each for each in theirs.variables if each.name.endswith(f"_{slot}")]
        for weight, variable in zip(theirs._trainable_variables, variables, strict=True):
            memory[f"{keys[id(weight)]}/{slot}"] = variable
    if hasattr(theirs, "_u_product"):
        memory["u_product"] = theirs._u_product
    return memory


def _random_initializers(own: Layer, theirs: Any) -> Iterator[tuple[RandomInitializer, Any]]:
    """Pair the initializers that draw with those of Keras's layer."""
    for name, rule in vars(own).items():
        if isinstance(rule, RandomInitializer):
            yield rule, getattr(theirs, name)


def _generator(theirs: Any) -> Any:
    """Return the seed generator of Keras's layer; layers that augment images name it otherwise."""
    return getattr(theirs, "seed_generator", None) or theirs.generator


def _pair(generator: Any) -> list[int]:
    """Return the pair of seeds that a Keras seed generator will use next."""
    return [int(number) for number in generator.state.numpy()]
