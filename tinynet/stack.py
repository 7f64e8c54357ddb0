"""Layers that learn together, and the stack of them: forward up, backward down."""

from __future__ import annotations

import operator
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Self

import numpy as np

from tinynet.activations import Activation
from tinynet.arrays import Array
from tinynet.configurable import MODEL_NAME, auto_name, checked_name, is_own
from tinynet.described import (
    Described,
    given_beside,
    kind_of,
    layer_configs,
    layers_from,
    take_flag,
    with_batch_axis,
)
from tinynet.layers import InputLayer, Layer
from tinynet.layers.base import Shape
from tinynet.step.tape import call
from tinynet.symbolic import Call, KerasTensor, connect


class Network(Described):
    """Layers that learn together. How they are connected says a subclass: `Stack`, or `Graph`.

    A network can be a layer of another one. `layers` has it as one entry; `leaves` has its layers.
    """

    unreached: Collection[str] = ()  # the keys of weights without a gradient; see `tinynet.reach`

    # What a subclass defines.

    def forward(self, x: Any, training: bool = False) -> Any:
        """Send a batch through all layers."""
        raise NotImplementedError

    def backward(self, dout: Any, from_logits: Any = False, to_input: bool = True) -> Any:
        """Send the gradient at the output back through the layers, and fill their `grads`.

        Parameters
        ----------
        dout : ndarray, shaped as the output
        from_logits : bool
            Whether `dout` is the gradient before the last layer's activation, at the logits.
        to_input : bool
            Whether to go down to the input; otherwise only as far as there are layers that learn.

        Returns
        -------
        ndarray, shaped as the input of the lowest layer that it has reached
        """
        raise NotImplementedError

    def as_alone(self, x: Any) -> Any:
        """Send a batch through all layers, each of which does what it does when called alone."""
        raise NotImplementedError

    @property
    def output_layer(self) -> Layer:
        """The layer that makes the output; nested models are opened."""
        return self.output_layers[0]

    def logits(self, out: Any, looks_back: Any) -> Any:
        """Return what the last layer had before its activation.

        Parameters
        ----------
        out : ndarray, or list with one for each output
            What `forward` has returned.
        looks_back : bool, or list with one for each output
            Whether the logits are wanted; otherwise the output is returned.
        """
        raise NotImplementedError

    # What all networks share.

    def _begin(self, name: str | None, trainable: bool) -> None:
        """Take a name, and set what the layers are to be set to."""
        self.name = name or auto_name(kind_of(self))
        self._calls: list[Call] = []
        if not trainable:
            self.trainable = False

    @property
    def leaves(self) -> dict[str, Layer]:
        """All layers by their paths: "dense", and "encoder/dense" in a nested model; each once."""
        found: dict[str, Layer] = {}
        seen = set()
        for layer in self.layers:
            inner = layer.leaves if isinstance(layer, Network) else {"": layer}
            for path, each in inner.items():
                if each not in seen:
                    seen.add(each)
                    found[f"{layer.name}/{path}" if path else layer.name] = each
        return found

    @property
    def built(self) -> bool:
        """Whether there are layers and all have their weights."""
        return bool(self.layers) and all(map(operator.attrgetter("built"), self.layers))

    def require_built(self) -> None:
        """Raise an error if the weights have not been made yet."""
        if not self.built:
            raise ValueError(
                f"{self.name} has no weights yet: begin it with Input(shape), call "
                f"build((None, ...)), or show it a batch"
            )

    def lay_out(self) -> None:
        """Have weights and gradients lie as an optimizer takes them, before a step reads them."""
        for layer in self.leaves.values():
            if layer.trainable and is_own(type(layer)):
                layer.lay_out()

    def penalty(self) -> float:
        """Return the sum of all regularizers' penalties."""
        return sum(layer.penalty() for layer in self.leaves.values())

    def add_penalty_gradients(self) -> None:
        """Add the regularizers' gradients to `grads`, after `backward` has filled them."""
        for layer in self.leaves.values():
            layer.add_penalty_gradients()

    def constrain(self) -> None:
        """Put all weights back to what their constraints allow, after a step."""
        for path, layer in self.leaves.items():
            if layer.constraints:
                left = (key for key in layer.constraints if f"{path}/{key}" in self.unreached)
                layer.constrain(*left)

    # Weights, under names like "dense_1/kernel".

    @property
    def params(self) -> dict[str, Array]:
        """The weights that training may change."""
        found: dict[str, Array] = {}
        for path, layer in self.leaves.items():
            if layer.trainable:
                for key, weight in layer.params.items():
                    # Put in order if a layer of the user's has not: an optimizer takes flat views.
                    layer.params[key] = found[f"{path}/{key}"] = np.asarray(weight, order="C")
        return found

    @property
    def grads(self) -> dict[str, Array]:
        """What the last `backward` left, under the keys of `params` that are not `unreached`."""
        found: dict[str, Array] = {}
        for path, layer in self.leaves.items():
            if layer.trainable:
                layer.lay_out()
                found |= {f"{path}/{key}": layer.grads[key] for key in layer.params}
        return {key: grad for key, grad in found.items() if key not in self.unreached}

    @property
    def arrays(self) -> dict[str, Array]:
        """All weights and states, in Keras's order."""
        return {
            f"{path}/{key}": value
            for path, layer in self.leaves.items()
            for key, value in layer.arrays.items()
        }


def learns(layer: Any) -> bool:
    """Return whether a layer or a nested model has weights that training changes."""
    return bool(layer.params) and (isinstance(layer, Network) or layer.trainable)


class Stack(Network):
    """Layers on top of one another: the output of each is the input of the next.

    Parameters
    ----------
    layers : sequence of Layer, optional
        May begin with an `Input`, or a layer with an `input_shape`; otherwise the weights are made
        when the first batch arrives.
    trainable : bool
        Whether the layers may learn.
    name : str, optional
    """

    is_chain = True

    def __init__(
        self,
        layers: Iterable[Any] | None = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        if name not in (None, ""):
            checked_name(name, MODEL_NAME)
        self.layers = []
        self.input_name, self.input_dtype = "input_layer", ""  # "": floatx
        self.tensors: list[KerasTensor] = []  # the input, and behind every layer; once it is known
        for layer in layers or ():
            self._put(layer)
        self._begin(name, trainable)
        self._take_a_name()

    def add(self, layer: Any) -> None:
        """Put a layer, or a whole model, on top.

        Raises
        ------
        TypeError
            If it is not a layer.
        ValueError
            If the model already has a layer of that name, or an `Input` does not come first.
        """
        self._put(layer)
        self._take_a_name()

    def _take_a_name(self) -> None:
        """Take a name as Keras does, which makes a graph from the layers whenever one is added."""
        if self.layers and self.tensors:
            auto_name("functional")

    def _put(self, layer: Any) -> None:
        if isinstance(layer, KerasTensor):
            layer = layer.call.layer
        if isinstance(layer, InputLayer):
            if self.layers or self.sample_shape is not None:
                raise ValueError("layer: an Input has to come first, and only once")
            self._begin_with(layer)
            return
        if not isinstance(layer, (Layer, Network)):
            hint = "; call the class: add ()" if isinstance(layer, type) else ""
            raise TypeError(f"layer: expected a Layer, got {layer!r}{hint}")
        if layer.name in (each.name for each in self.layers):
            raise ValueError(
                f"layer: the model already has a layer {layer.name!r}; names have to differ, and "
                f"a layer can be in a model only once"
            )
        if not self.layers and not self.tensors:
            shape = layer.sample_shape if isinstance(layer, Network) else layer.input_shape
            if shape is not None:
                self._begin_with(InputLayer(shape))
        if self.tensors:  # raises an error if the layer cannot take it
            self.tensors.append(connect(layer, self.tensors[-1]))
        self.layers.append(layer)

    def _begin_with(self, layer: InputLayer) -> None:
        self.sample_shape, self.input_name = layer.shape, layer.name
        self.input_dtype = layer.dtype
        self.tensors = [layer.output]

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take on a copy's attributes, and connect its layers."""
        vars(self).update(state)
        self._calls, self.tensors = [], []
        if self.sample_shape is not None:
            shape, dtype = self.sample_shape, self.input_dtype
            self._begin_with(InputLayer(shape, dtype=dtype, name=self.input_name))
            self._connect()

    def pop(self) -> Any:
        """Remove the top layer and return it."""
        if not self.layers:
            raise ValueError("pop: the model has no layers")
        layer: Any = self.layers.pop()
        if self.tensors:
            layer._calls.remove(self.tensors.pop().call)
        return layer

    def ensure_built(self, input_shape: Shape) -> None:
        """Make all weights that have not been made yet, for samples of a shape."""
        shapes = self.shapes_behind(input_shape)
        for layer, shape in zip(self.layers, (input_shape, *shapes), strict=False):
            layer.ensure_built(shape)
        if not self.tensors:
            self._begin_with(InputLayer(input_shape, name=self.input_name))
            self._connect()

    def _connect(self) -> None:
        """Call all layers on tensors without numbers, so that graphs can be made from them."""
        for layer in self.layers:
            self.tensors.append(connect(layer, self.tensors[-1]))

    def shapes_behind(self, input_shape: tuple[int | None, ...]) -> list[Shape]:
        """Return the shape of one sample after every layer, given that of one or of a batch."""
        shape: Any = input_shape[1:] if input_shape[:1] == (None,) else input_shape
        shapes = []
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
            shapes.append(shape)
        return shapes

    def layer_shapes(self) -> list[Any]:
        """Return the shape of every layer's output, with None for the batch axis."""
        return [with_batch_axis(shape) for shape in self.shapes_behind(self.sample_shape or ())]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Check the shape of a sample, and return its shape behind all layers."""
        if not self.layers:
            raise ValueError("the model has no layers: add some")
        return self.shapes_behind(input_shape)[-1]

    @property
    def input_names(self) -> list[str]:
        """The name of the input."""
        return [self.input_name]

    @property
    def output_names(self) -> list[str]:
        """The name of the top layer."""
        return [layer.name for layer in self.layers[-1:]]

    @property
    def output_layers(self) -> list[Layer]:
        """The top layer; nested models are opened."""
        top = self.layers[-1]
        return top.output_layers if isinstance(top, Network) else [top]

    @property
    def final_activation(self) -> Activation:
        """The activation that produces the output."""
        return self.output_layer.final_activation

    def logits(self, out: Array, looks_back: bool) -> Any:
        """Return what the top layer had before its activation, if it is wanted; see `Network`."""
        if not looks_back:
            return out
        last = self.output_layer
        if last.only_kernels:
            return last.kept("logits")
        return call(last.kept, "logits")  # a line of Python makes new ones in every step

    @property
    def inputs(self) -> list[KerasTensor]:
        """What goes in, as tensors without numbers, from which another model can be made."""
        return self.tensors[:1]

    @property
    def outputs(self) -> list[KerasTensor]:
        """What comes out, as `inputs`."""
        return self.tensors[-1:]

    # Up and down the stack.

    def forward(self, x: Array, training: bool = False) -> Array:
        """Send a batch through all layers."""
        self.require_built()
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def as_alone(self, x: Array) -> Array:
        """Call all layers one after the other."""
        for layer in self.layers:
            x = layer(x)
        return x

    def backward(self, dout: Array, from_logits: bool = False, to_input: bool = True) -> Array:
        """Send the gradient at the output back down through the layers; see `Network`."""
        self.require_built()
        lowest = 0 if to_input else self.lowest_learning
        for layer in reversed(self.layers[lowest:]):
            at_logits = from_logits and layer is self.layers[-1]
            dout = layer.backward(dout, True) if at_logits else layer.backward(dout)
        return dout

    @property
    def lowest_learning(self) -> int:
        """The place of the lowest layer that learns; the number of layers if none does."""
        learning = [learns(layer) for layer in self.layers]
        return learning.index(True) if any(learning) else len(learning)

    def get_config(self) -> dict[str, Any]:
        """Return the architecture as plain Python values."""
        return {
            "name": self.name,
            "trainable": self.may_learn,
            "input_shape": None if self.sample_shape is None else list(self.sample_shape),
            "input_name": self.input_name,
            "input_dtype": self.input_dtype,
            "layers": layer_configs(self.layers),
            **given_beside(self),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a new model with the architecture that `get_config` described."""
        model = cls(name=config["name"], **config.get("given", {}))
        if config["input_shape"] is not None:
            options = {key: config.get(f"input_{key}") for key in ("shape", "dtype", "name")}
            model.add(InputLayer(**options))
        for layer in layers_from(config["layers"]):
            model.add(layer)
        take_flag(model, config)
        return model
