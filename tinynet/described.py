"""What a network shows of itself: names, shapes, weights as lists, its layers as plain values."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence, Sized
from typing import Any

from tinynet.arrays import Array, copy_into
from tinynet.checks import entries, flag, integer, sample_shape
from tinynet.configurable import (
    LAYER_NAME,
    Configurable,
    UnknownObjectError,
    checked_name,
    handed_on,
    is_own,
    require_saveable,
    resolve,
    serialize,
    unknown_object,
)
from tinynet.custom_objects import get_registered_object
from tinynet.layers import IN_GRAPHS, LAYERS, Layer
from tinynet.symbolic import KerasTensor
from tinynet.variables import Variable, WeightLists, variable

DEEPEST = 20  # models in each other, more than anybody has; the paths of all layers are long then
NETWORKS: dict[str, type] = {}  # what a file may name as a layer, too; filled by tinynet.models
BUILT = "as_built"  # in the config of a model that is described by its class: what it was then
# In the config of a model of the user's class that is described by its layers: whether these are
# described as a "Model" does it, or a "Sequential".
BASE = "base"
PARTS = ("inputs", "outputs", "layers")  # arguments of which a model is made


class Described(Configurable, WeightLists):
    """What a network shows; `tinynet.stack.Network` is what it does.

    Attributes
    ----------
    layers : list of Layer or Network
    leaves : dict of str to Layer
        With those of nested networks, by their paths.
    sample_shape : tuple of int or None
        Shape of one sample of the input; a list of shapes if there are several inputs.
    params, arrays : dict of str to ndarray
        The weights that training may change, and all weights and states.
    """

    layers: list[Any]
    name: str
    sample_shape: Any = None
    leaves: Any
    params: Any
    arrays: Any
    built: Any
    require_built: Any
    output_layer: Any
    is_chain: Any
    takes_configs = True
    may_learn = True  # otherwise nothing learns when the model itself is trained

    # What a subclass defines.

    @property
    def inputs(self) -> list[KerasTensor]:
        """What goes in, as tensors without numbers, from which another model can be made."""
        raise NotImplementedError

    @property
    def outputs(self) -> list[KerasTensor]:
        """What comes out, as `inputs`."""
        raise NotImplementedError

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs; none as long as they are not known."""
        raise NotImplementedError

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that make the outputs; none as long as they are not known."""
        raise NotImplementedError

    @property
    def output_layers(self) -> list[Layer]:
        """The layers that make the outputs; nested models are opened."""
        raise NotImplementedError

    @property
    def final_activation(self) -> Any:
        """The activation that produces the output; for several, a list with one for each."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Check the shape of a sample, and return its shape behind all layers."""
        raise NotImplementedError

    def ensure_built(self, input_shape: Any) -> None:
        """Make all weights that have not been made yet."""
        raise NotImplementedError

    def layer_shapes(self) -> list[Any]:
        """Return the shape of every layer's output, with None for the batch axis."""
        raise NotImplementedError

    # What all networks show.

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}, {len(self.layers)} layers, built={self.built}>"

    @property
    def trainable(self) -> bool:
        """Whether the model may learn; setting it to something else sets every layer, too.

        As in Keras, a model of which this is False does not learn at all, even if single layers are
        set to True later; as a layer of another one, it does where these are.
        """
        return self.may_learn

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if value is self.may_learn:
            return
        self.may_learn = value
        for layer in self.layers:
            layer.trainable = value

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return super().trainable_weights if self.may_learn else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """States, and the weights that do not learn."""
        return super().non_trainable_weights if self.may_learn else self.weights

    @property
    def input(self) -> Any:
        """The one tensor that goes in; a list if there are several."""
        return self.inputs[0] if len(self.inputs) == 1 else self.inputs

    @property
    def output(self) -> Any:
        """The one tensor that comes out; a list if there are several."""
        return self.outputs[0] if len(self.outputs) == 1 else self.outputs

    @property
    def networks(self) -> list[Any]:
        """The model and the models in it."""
        inner = [layer.networks for layer in self.layers if isinstance(layer, Described)]
        return [self, *(each for networks in inner for each in networks)]

    def require_saveable(self) -> None:
        """Raise an error if the model cannot be saved because of a layer, or of its own class."""
        require_saveable("layer", *self.leaves.values())
        if not is_own(type(self)):
            require_saveable("model", self)

    def as_given(self, out: Any) -> Any:
        """Return what comes out in the form that the model was given: as it is, or as a dict."""
        return out

    @property
    def input_shape(self) -> Any:
        """Shape of the input, with None for the batch axis; None while it is not known."""
        return with_batch_axis(self.sample_shape)

    @property
    def output_shape(self) -> Any:
        """Shape of the output, with None for the batch axis."""
        self.require_built()
        return with_batch_axis(self.compute_output_shape(self.sample_shape or ()))

    @property
    def dtype(self) -> str:
        """The type of the output."""
        dtype: str = self.output_layer.dtype
        return dtype

    def build(self, input_shape: Sequence[int | None] | None = None) -> None:
        """Make all weights.

        Parameters
        ----------
        input_shape : sequence of int or None, optional
            With the batch axis, as in Keras: ``(None, 784)``. Not needed after an `Input`.

        Raises
        ------
        ValueError
            If the size of an axis after the first is not known, or the weights have been
            made for another shape.
        """
        if input_shape is None and self.sample_shape is not None:
            self.ensure_built(self.sample_shape)
            return
        sizes = entries(input_shape)
        if sizes is None or None in sizes[1:]:
            raise ValueError(
                f"input_shape: expected the shape of a batch, (None, 784) for vectors, got "
                f"{input_shape!r}"
            )
        shape = tuple(int(n) for n in sizes[1:] if n is not None)
        if self.sample_shape not in (None, shape):
            raise ValueError(
                f"input_shape: {self.name} already takes samples of shape {self.sample_shape}, "
                f"got {shape}"
            )
        self.ensure_built(shape)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or its position.

        Raises
        ------
        ValueError
            If there is none, or if not exactly one of the two is given.
        """
        if (name is None) == (index is None):
            raise ValueError(f"get_layer: expected either name or index, got {name=}, {index=}")
        names = [layer.name for layer in self.layers]
        if name is not None and name not in names:
            raise ValueError(f"name: the model has no layer {name!r}, only {names}")
        place = integer("index", index, least=None) if name is None else names.index(name)
        if not -len(names) <= place < len(names):
            raise ValueError(f"index: the model has {len(names)} layers, got {index}")
        found: Layer = self.layers[place]
        return found

    @property
    def weights(self) -> list[Variable]:
        """All weights and states, in Keras's order, under their names."""
        learning = self.params
        return [variable(each, path, path in learning) for path, each in self.arrays.items()]

    def get_weights(self) -> list[Array]:
        """Return copies of all weights and states, in Keras's order."""
        return [each.copy() for each in self.arrays.values()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copy values into all weights and states.

        Raises
        ------
        ValueError
            If the number of arrays or a shape differs; in that case nothing is changed.
        """
        self.require_built()
        if not isinstance(weights, Sized):
            raise TypeError(f"weights: expected a list of arrays, got {weights!r}")
        copy_into(self.arrays, weights)

    def count_params(self) -> int:
        """Return how many numbers all weights and states hold."""
        self.require_built()
        return sum(each.size for each in self.arrays.values())

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what a copy makes anew: tensors without numbers."""
        return {key: each for key, each in vars(self).items() if key not in ("_calls", "tensors")}


def kind_of(layer: Any) -> str:
    """Return the name of a class, as Keras has it."""
    kind = type(layer)
    return "Functional" if kind is NETWORKS.get("Model") else kind.__name__


# Layers as plain values. One that several nested models have is described in each of them, every
# time with the same number.


def layer_configs(layers: Sequence[Any]) -> list[dict[str, Any]]:
    """Describe the layers of a model, nested models included."""
    configs = [layer_config(layer) for layer in layers]
    number_shared(layers, configs, "shared")
    return configs


def layer_config(layer: Any) -> dict[str, Any]:
    """Describe a layer, or a model."""
    found: dict[str, Any] = serialize(layer)
    if is_by_class(layer):
        return {**found, BUILT: as_built(layer)}
    if is_own(type(layer)):
        return found
    if isinstance(layer, Described):
        return {**found, BASE: base_of(type(layer))}
    return {**found, **beside(layer)}


def beside(layer: Any) -> dict[str, Any]:
    """Describe what a file needs of a layer of the user's, whose `get_config` may leave it out."""
    return {"name": layer.name, "trainable": layer.trainable}


def is_by_class(layer: Any) -> bool:
    """Return whether a layer is a model that its class makes, from the constructor's arguments."""
    return isinstance(layer, Described) and makes_itself(type(layer))


def makes_itself(kind: Any) -> bool:
    """Return whether a class of models needs no more than the constructor's arguments.

    That is a class of the user's with a ``call`` or a `get_config`, or with a constructor that
    makes the layers. Others are made from their layers and the wires between them.
    """
    if is_own(kind):
        return False
    return hasattr(kind, "call") or not is_own(kind.get_config) or not _takes_parts(kind)


def _takes_parts(kind: type) -> bool:
    """Return whether a constructor takes the tensors or the layers that a model is made of."""
    parameters = inspect.signature(kind).parameters.values()
    names = [each.name for each in parameters if each.kind is not each.VAR_KEYWORD]
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return True
    return not {*PARTS}.isdisjoint(names or handed_on(kind))


def base_of(kind: type) -> str:
    """Return which of tinynet's classes says how a model is described by its layers."""
    return "Sequential" if issubclass(kind, NETWORKS["Sequential"]) else "Model"


def network_class(config: Mapping[str, Any]) -> Any:
    """Return the class of a model that a config describes by its layers; None for other configs.

    Raises
    ------
    UnknownObjectError
        If it is a class of the user's that was neither lent nor registered.
    ValueError
        If there is something else under its name.
    """
    name, module = config["class_name"], config.get("module")
    if BASE not in config:
        return NETWORKS.get(name) if module is None else None
    found, base = get_registered_object(name), NETWORKS[config[BASE]]
    if found is None:
        raise UnknownObjectError(unknown_object("model", name, f"of the module {module}"))
    if not (isinstance(found, type) and issubclass(found, base)):
        raise ValueError(
            f"{name}: expected a subclass of {base.__name__}, as in the file, got {found!r}; is it "
            f"the class that was saved?"
        )
    return found


def given_beside(network: Any) -> dict[str, Any]:
    """Describe what a class of the user's was given beside the parts that a model is made of."""
    if is_own(type(network)) or is_by_class(network):
        return {}
    known = (*PARTS, "name", "trainable", "*args")
    names = [name for name in network._given if name not in known]
    given = {name: serialize(network.argument(name)) for name in names}
    return {"given": given} if given else {}


def as_built(network: Described) -> dict[str, Any]:
    """Describe what such a model has become, which is not among the constructor's arguments."""

    def each(layer: Any) -> dict[str, Any]:
        if isinstance(layer, Described):
            return {**beside(layer), "layers": list(map(each, layer.layers))}
        return beside(layer)

    outputs = len(network.outputs) if network.built else 1
    return {**each(network), "input_shape": network.sample_shape, "outputs": outputs}


def _build_as_before(network: Any, before: Mapping[str, Any]) -> None:
    """Build a model that its class has made, and give its layers the names that they had."""
    shape = before["input_shape"]
    if shape is None:
        pass
    elif shape and isinstance(shape[0], (list, tuple)):
        network.ensure_built([sample_shape("input_shape", each) for each in shape])
    else:
        network.ensure_built(sample_shape("input_shape", shape))
    _rename(network, before)


def _rename(layer: Any, before: Mapping[str, Any]) -> None:
    layer.name = checked_name(before.get("name", layer.name), LAYER_NAME)
    take_flag(layer, before)
    inner = before.get("layers", [])
    if inner and len(inner) != len(layer.layers):
        raise ValueError(
            f"{layer.name}: expected {len(inner)} layers, as in the file, got {len(layer.layers)}; "
            f"is {type(layer).__name__} the class that was saved?"
        )
    for each, old in zip(layer.layers if inner else [], inner, strict=True):
        _rename(each, old)


def take_flag(layer: Any, config: Mapping[str, Any]) -> None:
    """Set whether a layer may learn, or a model itself: its layers have flags of their own.

    Nothing is said of models in files of before they had one.
    """
    value = flag("trainable", config.get("trainable", layer.trainable))
    if isinstance(layer, Described):
        layer.may_learn = value
    else:
        layer.trainable = value


def number_shared(layers: Sequence[Any], configs: Sequence[Any], key: str) -> None:
    """Write a number into all configs of a layer, or a model, that several models have.

    Parameters
    ----------
    layers : sequence of Layer or Described
    configs : sequence of dict
        Of the layers; there may be an input in front. They are changed.
    key : str
        Under which the number is written.
    """
    found: dict[Any, list[Any]] = {}

    def visit(layers: Sequence[Any], configs: Sequence[Any]) -> None:
        for layer, config in zip(layers, configs[len(configs) - len(layers) :], strict=True):
            if layer not in found and isinstance(layer, Described) and not is_by_class(layer):
                visit(layer.layers, config["config"]["layers"])
            found.setdefault(layer, []).append(config)

    visit(layers, configs)
    for number, several in enumerate(each for each in found.values() if len(each) > 1):
        for config in several:
            config[key] = number


def layers_from(configs: Sequence[Any]) -> list[Any]:
    """Make the layers that `layer_configs` described: one for all configs with the same number."""
    made: dict[int, Any] = {}
    return [layer_from(_with_shared(each, made)) for each in configs]


def _with_shared(config: Any, made: dict[int, Any]) -> Any:
    """Return a config in which what several models have is not described, but there."""
    if not isinstance(config, Mapping):  # it is there; the model around this one has made it
        return config
    number = config.get("shared")
    if number in made:
        return made[number]
    if network_class(config):
        inner = [_with_shared(each, made) for each in config["config"]["layers"]]
        config = {**config, "config": {**config["config"], "layers": inner}}
    if number is None:
        return config
    made[number] = layer_from(config)
    return made[number]


def layer_from(config: Any, kind: str = "layer") -> Any:
    """Make the layer, or the model, that `layer_config` described; one there is stays."""
    if isinstance(config, (Layer, Described)):
        return config
    made = resolve(kind, config, LAYERS | IN_GRAPHS | NETWORKS)
    if BUILT in config and is_by_class(made):  # for tinynet's own, a file may not say how large
        _build_as_before(made, config[BUILT])
    elif "name" in config and not is_own(type(made)):
        _rename(made, config)
    return made


def with_batch_axis(shape: Any) -> Any:
    """Return a shape with None for the batch axis in front; the same for a list of shapes."""
    if isinstance(shape, list):
        return [with_batch_axis(each) for each in shape]
    return None if shape is None else (None, *shape)
