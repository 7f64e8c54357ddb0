"""The stack of layers: its shapes, its weights, and the forward and backward pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from tinynet.arrays import Array, copy_into
from tinynet.configurable import (
    MODEL_NAME,
    Configurable,
    auto_name,
    checked_name,
    serialize,
)
from tinynet.layers import Input, Layer, deserialize
from tinynet.layers.base import Shape


class Stack(Configurable):
    """Layers on top of one another: the output of each is the input of the next.

    Parameters
    ----------
    layers : sequence of Layer, optional
        May begin with an `Input`; without one, the weights are made when the first batch
        arrives.
    trainable : bool
        Whether the layers may learn.
    name : str, optional
    """

    def __init__(
        self,
        layers: Iterable[Layer | Input] | None = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        if name not in (None, ""):
            checked_name(name, MODEL_NAME)
        self.layers: list[Layer] = []
        self.input_shape: Shape | None = None
        self.input_name = "input_layer"
        for layer in layers or ():
            self.add(layer)
        self.name = name or auto_name(type(self))
        if not trainable:
            self.trainable = False

    # The stack.

    def add(self, layer: Layer | Input) -> None:
        """Put a layer on top.

        Raises
        ------
        TypeError
            If it is not a layer.
        ValueError
            If the model already has a layer of that name, or an `Input` does not come first.
        """
        if isinstance(layer, Input):
            if self.layers or self.input_shape is not None:
                raise ValueError("layer: an Input has to come first, and only once")
            self.input_shape, self.input_name = layer.shape, layer.name
            return
        if not isinstance(layer, Layer):
            hint = "; call the class: add ()" if isinstance(layer, type) else ""
            raise TypeError(f"layer: expected a Layer, got {layer!r}{hint}")
        if layer.name in (each.name for each in self.layers):
            raise ValueError(
                f"layer: the model already has a layer {layer.name!r}; names have to differ, and "
                f"a layer can be in a model only once"
            )
        input_shape = self.input_shape
        if not self.layers and input_shape is None:
            input_shape = layer.input_shape
        if input_shape is not None:
            *_, below = (input_shape, *self.shapes_behind(input_shape))
            layer.ensure_built(below)  # raises an error if the layer cannot take it
            layer.compute_output_shape(below)  # and if it was built for something else
        self.input_shape = input_shape
        self.layers.append(layer)

    def pop(self) -> Layer:
        """Remove the top layer and return it."""
        if not self.layers:
            raise ValueError("pop: the model has no layers")
        return self.layers.pop()

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make all weights.

        Parameters
        ----------
        input_shape : sequence of int or None
            With the batch axis, as in Keras: ``(None, 784)``.

        Raises
        ------
        ValueError
            If the size of an axis after the first is not known, or the weights have been
            made for another shape.
        """
        if isinstance(input_shape, int) or None in input_shape[1:]:
            raise ValueError(
                f"input_shape: expected the shape of a batch, (None, 784) for vectors, got "
                f"{input_shape!r}"
            )
        shape = tuple(int(n) for n in input_shape[1:] if n is not None)
        if self.input_shape not in (None, shape):
            raise ValueError(
                f"input_shape: {self.name} already takes samples of shape {self.input_shape}, "
                f"got {shape}"
            )
        self._build_layers(shape)

    def _build_layers(self, input_shape: Shape) -> None:
        shapes = self.shapes_behind(input_shape)
        for layer, shape in zip(self.layers, (input_shape, *shapes), strict=False):
            layer.ensure_built(shape)
        self.input_shape = input_shape

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}, {len(self.layers)} layers, built={self.built}>"

    @property
    def built(self) -> bool:
        """Whether there are layers and all have their weights."""
        return bool(self.layers) and all(layer.built for layer in self.layers)

    def require_built(self) -> None:
        """Raise an error if the weights have not been made yet."""
        if not self.built:
            raise ValueError(
                f"{self.name} has no weights yet: begin it with Input(shape), call "
                f"build((None, ...)), or show it a batch"
            )

    def shapes_behind(self, input_shape: Shape) -> list[Shape]:
        """Return the shape of one sample after every layer."""
        shapes, shape = [], input_shape
        for layer in self.layers:
            shape = layer.compute_output_shape(shape)
            shapes.append(shape)
        return shapes

    @property
    def output_shape(self) -> tuple[int | None, ...]:
        """Shape of the output, with None for the batch axis."""
        self.require_built()
        return (None, *self.shapes_behind(self.input_shape or ())[-1])

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
        place = names.index(name) if name is not None else int(index or 0)
        if not -len(names) <= place < len(names):
            raise ValueError(f"index: the model has {len(names)} layers, got {index}")
        return self.layers[place]

    @property
    def trainable(self) -> bool:
        """Whether any layer may learn; setting it sets every layer."""
        return any(layer.trainable for layer in self.layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self.layers:
            layer.trainable = value

    # Up and down the stack.

    def forward(self, x: Array, training: bool = False) -> Array:
        """Send a batch through all layers."""
        self.require_built()
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def backward(self, dout: Array, from_logits: bool = False, down_to: int = 0) -> Array:
        """Send the gradient at the output back through all layers and fill their `grads`.

        Parameters
        ----------
        dout : ndarray, shaped as the output
        from_logits : bool
            Whether `dout` is the gradient before the last layer's activation, at the logits.
        down_to : int
            The place of the lowest layer to which it is sent.

        Returns
        -------
        ndarray, shaped as that layer's input
        """
        self.require_built()
        for layer in reversed(self.layers[down_to:]):
            at_logits = from_logits and layer is self.layers[-1]
            dout = layer.backward_logits(dout) if at_logits else layer.backward(dout)
        for layer in self.layers:
            layer.add_penalty_gradients()
        return dout

    @property
    def lowest_learning(self) -> int:
        """The place of the lowest layer that learns; the number of layers if none does."""
        learning = [bool(layer.params) and layer.trainable for layer in self.layers]
        return learning.index(True) if any(learning) else len(learning)

    def penalty(self) -> float:
        """Return the sum of all regularizers' penalties."""
        return sum(layer.penalty() for layer in self.layers)

    # Weights, under names like "dense_1/kernel".

    @property
    def params(self) -> dict[str, Array]:
        """The weights that training may change."""
        found: dict[str, Array] = {}
        for layer in self.layers:
            if layer.trainable:
                for key, weight in layer.params.items():
                    # An optimizer goes through it as it lies in memory.
                    layer.params[key] = found[f"{layer.name}/{key}"] = np.asarray(weight, order="C")
        return found

    @property
    def grads(self) -> dict[str, Array]:
        """The gradients that the last `backward` left, under the keys of `params`."""
        found: dict[str, Array] = {}
        for layer in self.layers:
            if layer.trainable:
                layer.fit_gradients()
                found |= {f"{layer.name}/{key}": layer.grads[key] for key in layer.params}
        return found

    @property
    def arrays(self) -> dict[str, Array]:
        """All weights and states, in Keras's order."""
        return {
            f"{layer.name}/{key}": value
            for layer in self.layers
            for key, value in layer.arrays.items()
        }

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
        copy_into(self.arrays, weights)

    def count_params(self) -> int:
        """Return how many numbers all weights and states hold."""
        self.require_built()
        return sum(each.size for each in self.arrays.values())

    def get_config(self) -> dict[str, Any]:
        """Return the architecture as plain Python values."""
        return {
            "name": self.name,
            "input_shape": None if self.input_shape is None else list(self.input_shape),
            "input_name": self.input_name,
            "layers": [serialize(layer) for layer in self.layers],
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a new model with the architecture that `get_config` described."""
        model = cls(name=config["name"])
        if config["input_shape"] is not None:
            model.add(Input(config["input_shape"], config.get("input_name")))
        for each in config["layers"]:
            model.add(deserialize(each))
        return model
