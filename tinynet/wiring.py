"""Layers and the wires between them: what a graph is, before a number flows through it.

Several inputs and outputs, branches, and layers that are called several times are all the same
here: calls, in an order in which everything is computed before it is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

from tinynet.configurable import MODEL_NAME, checked_name
from tinynet.described import (
    given_beside,
    layer_configs,
    layers_from,
    take_flag,
    with_batch_axis,
)
from tinynet.layers import InputLayer, Layer
from tinynet.stack import Network
from tinynet.step.tape import several
from tinynet.symbolic import KerasTensor, calls_between, connect, in_keras_order


class Wire(NamedTuple):
    """A layer, the numbers of the tensors that go in, and of those that come out.

    Attributes
    ----------
    layer : Layer or Network
    takes, gives : list of int
    as_list : bool
        Whether the layer gets a list.
    """

    layer: Any
    takes: list[int]
    gives: list[int]
    as_list: bool

    def given(self, values: Mapping[int, Any]) -> Any:
        """Return what goes into the layer, one value or a list."""
        taken = [values[number] for number in self.takes]
        return taken if self.as_list else taken[0]


class Wired(Network):
    """Layers between some tensors and some others, with the wires between them; see `Graph`.

    Parameters
    ----------
    inputs, outputs : KerasTensor, or list or dict of them
        What `Input` has returned, or a layer; an output depends on nothing but these inputs.
    name : str, optional
    trainable : bool
        Whether the layers may learn.

    Attributes
    ----------
    wires : list of Wire
        In the order in which Keras runs them. The inputs have the numbers 0, 1, ...

    Raises
    ------
    TypeError
        If something else than tensors is given.
    ValueError
        If an output depends on a tensor that is not among the inputs; if two layers have the same
        name.

    Notes
    -----
    Follows keras/src/models/functional.py and keras/src/ops/function.py, from which the orders of
    `layers` and `wires` come.
    """

    keys: Sequence[str] = ()  # of the outputs, if they were given as a dict

    def __init__(
        self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool = True
    ) -> None:
        if name not in (None, ""):
            checked_name(name, MODEL_NAME)
        self._wire(inputs, outputs)
        self._begin(name, trainable)

    def _wire(self, inputs: Any, outputs: Any, by_call: bool = False) -> None:
        """Find the way from the inputs to the outputs.

        The wires are in Keras's order, in which dropout draws its numbers and batch norm moves its
        averages; if the layers were called in a ``call`` of the user's (`by_call`), in its order.
        """
        given, wanted = _tensors("inputs", inputs), _tensors("outputs", outputs)
        self.keys = list(outputs) if isinstance(outputs, Mapping) else []
        self.begins = [_begin_of(each) for each in given]
        begins = {id(tensor): layer for tensor, layer in zip(given, self.begins, strict=True)}
        calls, met = calls_between(begins, wanted)
        calls, self.layers = in_keras_order(calls, met, begins)
        if by_call:
            calls.sort(key=lambda each: each.number)
        names = Counter(layer.name for layer in self.layers)
        if twice := [name for name, count in names.items() if count > 1]:
            raise ValueError(
                f"outputs: two layers are named {', '.join(twice)}; names have to differ"
            )
        numbers = {id(tensor): number for number, tensor in enumerate(given)}
        for each in calls:
            for tensor in each.outputs:
                numbers[id(tensor)] = len(numbers)
        self.wires = [
            Wire(
                each.layer,
                [numbers[id(tensor)] for tensor in each.inputs],
                [numbers[id(tensor)] for tensor in each.outputs],
                each.as_list,
            )
            for each in calls
        ]
        self.wanted = [numbers[id(tensor)] for tensor in wanted]
        self.ends = ([each.output for each in self.begins], wanted)
        self.drawn = {numbers[id(tensor)]: tensor for each in calls for tensor in each.outputs}
        shapes = [each.sample_shape for each in given]
        self.sample_shape = shapes if len(shapes) > 1 else shapes[0]
        self._find_shared()

    def _find_shared(self) -> None:
        """Note the layers that are called several times, and keep something from each call."""
        count = Counter(leaf for wire in self.wires for leaf in leaves_in(wire.layer))
        self.shared = {leaf for leaf, times in count.items() if times > 1}
        self.kept: dict[tuple[int, Layer | Wired], dict[str, Any]] = {}
        self.shapes: dict[int, tuple[int, ...]] = {}  # of what nested models gave

    @property
    def inputs(self) -> list[KerasTensor]:
        """What goes in, as tensors without numbers, from which another model can be made."""
        return list(self.ends[0])

    @property
    def outputs(self) -> list[KerasTensor]:
        """What comes out, as `inputs`."""
        return list(self.ends[1])

    @property
    def output(self) -> Any:
        """The one tensor that comes out; a list if there are several, or the dict of them."""
        return self.as_given(self.outputs) if self.keys else super().output

    def as_given(self, out: Any) -> Any:
        """Return what comes out as a dict, if the model was given a dict of outputs."""
        if not self.keys:
            return out
        found = dict(zip(sorted(self.keys), several(out), strict=True))
        return {key: found[key] for key in self.keys}

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs; none as long as they are not known."""
        return [each.name for each in self.begins] if self.wires else []

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that make the outputs, or the keys of a dict of outputs.

        None as long as they are not known.
        """
        if not self.wires or self.keys:
            return sorted(self.keys)
        makers = [self._maker(number)[0] for number in self.wanted]
        return [
            (self.begins[number] if at is None else self.wires[at].layer).name
            for number, at in zip(self.wanted, makers, strict=True)
        ]

    @property
    def output_layers(self) -> list[Layer]:
        """The layers that make the outputs; nested models are opened."""
        found: list[Layer] = []
        for number in self.wanted:
            at, place = self._maker(number)
            layer = self.begins[number] if at is None else self.wires[at].layer
            found.append(layer.output_layers[place] if isinstance(layer, Network) else layer)
        return found

    def _maker(self, number: int) -> tuple[int | None, int]:
        """Return the wire that makes a tensor, and which of its outputs that is."""
        for at, wire in enumerate(self.wires):
            if number in wire.gives:
                return at, wire.gives.index(number)
        return None, 0

    # Shapes.

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Check the shapes of a sample, and return those of the outputs; lists if several."""
        return self._results(self.shapes_of_tensors(input_shape))

    def shapes_of_tensors(self, input_shape: Any) -> dict[int, Any]:
        """Check the shapes of a sample, and return those of all tensors by their numbers."""
        shapes = self._values(input_shape)
        for wire in self.wires:
            shape = wire.layer.compute_output_shape(wire.given(shapes))
            shapes |= zip(wire.gives, shape if isinstance(shape, list) else [shape], strict=True)
        return shapes

    def layer_shapes(self) -> list[Any]:
        """Return the shape of every layer's output, with None for the batch axis."""
        shapes = self.shapes_of_tensors(self.sample_shape)
        found = {layer: with_batch_axis(layer.shape) for layer in self.begins}
        for wire in self.wires:
            given = [with_batch_axis(shapes[number]) for number in wire.gives]
            found.setdefault(wire.layer, given if len(given) > 1 else given[0])
        return [found[layer] for layer in self.layers]

    def ensure_built(self, input_shape: Any) -> None:
        """See to it that the shapes fit; the weights were made when the layers were called."""
        self.compute_output_shape(input_shape)

    def _values(self, x: Any) -> dict[int, Any]:
        """Give numbers to what goes in."""
        several = isinstance(x, (list, tuple)) and len(self.begins) > 1
        return dict(enumerate(x if several or isinstance(x, list) else [x]))

    def _results(self, values: Mapping[int, Any]) -> Any:
        found = [values[number] for number in self.wanted]
        return found if len(found) > 1 else found[0]

    @property
    def is_chain(self) -> bool:
        """Whether each layer has the one before as its only input, and is called once."""
        before, layers = [0], []
        for wire in self.wires:
            if len(wire.takes) > 1 or wire.takes[0] not in before or wire.layer in layers:
                return False
            before = wire.gives
            layers.append(wire.layer)
        return len(self.begins) == 1

    def connections(self, layer: Any) -> str:
        """Return where a layer's inputs come from: layer, number of its call, number of output."""
        inside = {id(tensor.call): tensor.call for tensor in self.drawn.values()}
        given = {id(each): each for each in self.ends[0]}
        found = []
        for call_ in layer._calls:
            if id(call_) in inside:
                for tensor in call_.inputs:
                    maker = given.get(id(tensor), tensor).call
                    number = maker.layer._calls.index(maker)
                    found.append(f"{maker.layer.name}[{number}][{maker.outputs.index(tensor)}]")
        return ", ".join(found) or "-"

    # Copies and files.

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what a copy makes anew."""
        left_out = ("_calls", "ends", "kept", "drawn")
        return {key: each for key, each in vars(self).items() if key not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take on a copy's attributes, and connect its layers."""
        vars(self).update(state)
        self._calls, self.kept = [], {}
        if self.layers:
            self.drawn = _connected(self.begins, self.wires)
            self.ends = (
                [each.output for each in self.begins],
                [self.drawn[number] for number in self.wanted],
            )

    def get_config(self) -> dict[str, Any]:
        """Return the layers and their wires as plain Python values."""
        return {
            "name": self.name,
            "trainable": self.may_learn,
            "layers": layer_configs(self.layers),
            "begins": [layer.name for layer in self.begins],
            "wires": [[wire.layer.name, *wire[1:]] for wire in self.wires],
            "wanted": self.wanted,
            **({"keys": self.keys} if self.keys else {}),
            **given_beside(self),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a new model with the layers and the wires that `get_config` described."""
        return cls.from_layers(layers_from(config["layers"]), config)

    @classmethod
    def from_layers(cls, layers: Sequence[Any], config: Mapping[str, Any]) -> Self:
        """Make a new model from layers and from what `get_config` says about the wires."""
        named = {layer.name: layer for layer in layers}
        begins = [named[name] for name in config["begins"]]
        wires = [Wire(named[name], *rest) for name, *rest in config["wires"]]
        tensors = _connected(begins, wires)
        outputs: Any = [tensors[number] for number in config["wanted"]]
        if keys := config.get("keys"):
            found = dict(zip(sorted(keys), outputs, strict=True))
            outputs = {key: found[key] for key in keys}
        begin = [each.output for each in begins]
        model = cls(begin, outputs, name=config["name"], **config.get("given", {}))
        take_flag(model, config)
        return model


def _tensors(argument: str, given: Any) -> list[KerasTensor]:
    """Return one tensor or some as a list."""
    if isinstance(given, Mapping):  # in the order that Keras has them in
        given = [given[key] for key in sorted(given)]
    found = list(given) if isinstance(given, (list, tuple)) else [given]
    for each in found:
        if not isinstance(each, KerasTensor):
            hint = "; call the layers on what Input returns" if isinstance(each, Layer) else ""
            raise TypeError(
                f"{argument}: expected what Input and layers return, got {each!r}{hint}"
            )
    if not found:
        raise ValueError(f"{argument}: expected at least one tensor, got none")
    return found


def _begin_of(tensor: KerasTensor) -> InputLayer:
    """Return the layer where a tensor enters: a new one for a tensor from within another model."""
    layer = tensor.call.layer
    return layer if isinstance(layer, InputLayer) else InputLayer(tensor.sample_shape)


def _connected(begins: Sequence[InputLayer], wires: Sequence[Wire]) -> dict[int, KerasTensor]:
    """Call all layers on tensors, along the wires; return the tensors by their numbers."""
    tensors = {number: layer.output for number, layer in enumerate(begins)}
    for wire in wires:
        out = connect(wire.layer, wire.given(tensors))
        # Keras says only of those outputs that something takes.
        tensors |= zip(wire.gives, out if isinstance(out, list) else [out], strict=False)
    return tensors


def leaves_in(layer: Any) -> list[Layer]:
    """Return the layers of a model, those of nested ones included; a layer as it is."""
    return list(layer.leaves.values()) if isinstance(layer, Network) else [layer]
