"""A graph of layers: branches that part and meet again, several inputs and outputs, shared layers.

A `tinynet.stack.Stack` sends a batch up and a gradient down. Here a batch follows the wires in
their order, and the gradient follows them back; where a tensor goes into several layers, the
gradients that come back from them are added.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from tinynet.activations import linear
from tinynet.arrays import Array
from tinynet.configurable import MODEL_NAME, checked_name, serialize
from tinynet.described import layer_from, with_batch_axis
from tinynet.kernels.merging import add, add_to
from tinynet.kernels.rows import cast
from tinynet.layers import InputLayer, Layer
from tinynet.stack import Network, learns
from tinynet.step.tape import call, in_order
from tinynet.symbolic import Call, KerasTensor, connect


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


class Graph(Network):
    """Layers between some tensors and some others.

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
        In an order in which everything is computed before it is needed. The inputs have the numbers
        0, 1, ...

    Raises
    ------
    TypeError
        If something else than tensors is given.
    ValueError
        If an output depends on a tensor that is not among the inputs; if two layers have the same
        name.

    Notes
    -----
    Follows keras/src/models/functional.py and keras/src/ops/function.py, from which the order of
    `layers` comes.
    """

    def __init__(
        self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool = True
    ) -> None:
        if name not in (None, ""):
            checked_name(name, MODEL_NAME)
        self._wire(inputs, outputs)
        self._begin(name, trainable)

    def _wire(self, inputs: Any, outputs: Any) -> None:
        """Find the way from the inputs to the outputs."""
        given, wanted = _tensors("inputs", inputs), _tensors("outputs", outputs)
        self.begins = [_begin_of(each) for each in given]
        begins = {id(tensor): layer for tensor, layer in zip(given, self.begins, strict=True)}
        calls, met = _calls_between(begins, wanted)
        self.layers = _in_keras_order(calls, met, begins)
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
        count = Counter(leaf for wire in self.wires for leaf in _leaves(wire.layer))
        self.shared = {leaf for leaf, times in count.items() if times > 1}
        self.kept: dict[tuple[int, Layer | Graph], dict[str, Any]] = {}
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
    def input_names(self) -> list[str]:
        """The names of the inputs; none as long as they are not known."""
        return [each.name for each in self.begins] if self.wires else []

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that make the outputs; none as long as they are not known."""
        if not self.wires:
            return []
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

    @property
    def final_activation(self) -> Any:
        """The activation that produces the output; a list of one for each of several."""
        found = [layer.final_activation for layer in self.output_layers]
        for i, number in enumerate(self.wanted):
            at, _ = self._maker(number)
            nested = at is not None and isinstance(self.wires[at].layer, Network)
            if nested and any(number in wire.takes for wire in self.wires):
                found[i] = linear  # two gradients come in, before and behind the activation
        return found if len(found) > 1 else found[0]

    def logits(self, out: Any, looks_back: Any) -> Any:
        """Return what was before the activations of those outputs where it is wanted."""
        several = isinstance(out, list)
        outs, looks = (out, looks_back) if several else ([out], [looks_back])
        ends = zip(self.wanted, self.output_layers, looks, outs, strict=True)
        found = [self._logits_of(n, layer) if back else each for n, layer, back, each in ends]
        return found if several else found[0]

    def _logits_of(self, number: int, leaf: Layer) -> Array:
        """Return what the layer behind a tensor had before its activation in that call."""
        at, place = self._maker(number)
        assert at is not None
        layer = self.wires[at].layer
        if leaf in self.shared:
            kept = self.kept[at, leaf]
            found: Array = kept["logits"] if leaf.only_kernels else call(kept.get, "logits")
        elif isinstance(layer, Graph):
            found = layer._logits_of(layer.wanted[place], leaf)
        else:
            found = leaf.kept("logits") if leaf.only_kernels else call(leaf.kept, "logits")
        return found

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

    # Along the wires, and back.

    def forward(self, x: Any, training: bool = False) -> Any:
        """Send a batch, or a list of one for each input, along the wires."""
        values = self._values(x)
        for number, wire in enumerate(self.wires):
            out = wire.layer.forward(wire.given(values), training)
            values |= zip(wire.gives, out if isinstance(out, list) else [out], strict=True)
            if len(wire.gives) > 1:
                self.shapes |= {n: values[n].shape for n in wire.gives}
            for part in self._shared_in(wire):
                _as_line(part, self._keep, number, part)
        return self._results(values)

    def as_alone(self, x: Any) -> Any:
        """Call all layers along the wires."""
        values = self._values(x)
        for wire in self.wires:
            out = wire.layer(wire.given(values))
            values |= zip(wire.gives, out if isinstance(out, list) else [out], strict=True)
        return self._results(values)

    def backward(self, dout: Any, from_logits: Any = False, to_input: bool = True) -> Any:
        """Send the gradients at the outputs back along the wires; see `Network`.

        Parameters
        ----------
        dout : ndarray, or list of one for each output
        from_logits : bool, or list of one for each output
        to_input : bool

        Returns
        -------
        ndarray, or list of one for each input
            None for an input that is not reached.
        """
        douts: dict[int, Array] = {}
        dlogits: dict[int, Array] = {}
        given = dout if isinstance(dout, list) else [dout]
        logits = from_logits if isinstance(from_logits, list) else [from_logits] * len(given)
        for number, each, at in zip(self.wanted, given, logits, strict=True):
            _add(dlogits if at else douts, number, each)
        needed = {number for wire in self.wires for number in wire.gives}
        if not to_input:
            needed = self._learning()
        done: set[Layer] = set()
        for number, wire in reversed(list(enumerate(self.wires))):
            if not any((n in douts or n in dlogits) and n in needed for n in wire.gives):
                continue
            before: dict[Layer, dict[str, Array]] = {}
            for part in self._shared_in(wire):
                _as_line(part, self._recall, number, part)
                if isinstance(part, Layer):
                    if part in done:
                        before[part] = {key: _copy(grad) for key, grad in part.grads.items()}
                    done.add(part)
            dxs = self._back(wire, douts, dlogits)
            for leaf, grads in before.items():
                for key, grad in grads.items():
                    add_to(grad.reshape(-1), leaf.grads[key].reshape(-1))
            for n, dx in zip(wire.takes, dxs, strict=True):
                _add(douts, n, dx)
        found = [douts.get(number) for number in range(len(self.begins))]
        return found if len(found) > 1 else found[0]

    def _back(self, wire: Wire, douts: dict[int, Array], dlogits: dict[int, Array]) -> list[Array]:
        """Send the gradient back through one layer."""
        logits = [number in dlogits for number in wire.gives]
        layer = wire.layer
        if isinstance(layer, Network):
            given = [dlogits.get(number, douts.get(number)) for number in wire.gives]
            whole = [
                np.zeros(self.shapes[number], layer.dtype) if each is None else each
                for number, each in zip(wire.gives, given, strict=True)
            ]
            several = len(given) > 1
            dx = layer.backward(whole if several else whole[0], logits if several else logits[0])
        else:
            (number,) = wire.gives
            if number in dlogits and number in douts:  # an output that other layers take, too
                z, out = layer.kept("logits"), layer.kept("out")
                _add(dlogits, number, layer.final_activation.backward(douts[number], z, out))
            given_ = dlogits if number in dlogits else douts
            dx = (layer.backward_logits if logits[0] else layer.backward)(given_[number])
        return dx if wire.as_list and isinstance(dx, list) else [dx]

    def _learning(self) -> set[int]:
        """Return the numbers of the tensors behind layers that learn."""
        found: set[int] = set()
        for wire in self.wires:
            if learns(wire.layer) or found.intersection(wire.takes):
                found.update(wire.gives)
        return found

    # A layer that is called several times keeps what `backward` reads from the last call only.

    # So does a graph in it that shares layers itself.

    def _shared_in(self, wire: Wire) -> list[Layer | Graph]:
        leaves = [leaf for leaf in _leaves(wire.layer) if leaf in self.shared]
        return [*leaves, *(graph for graph in _graphs(wire.layer) if graph.shared and leaves)]

    def _keep(self, number: int, part: Layer | Graph) -> None:
        own = {"kept": dict(part.kept)} if isinstance(part, Graph) else dict(vars(part))
        self.kept[number, part] = own

    def _recall(self, number: int, part: Layer | Graph) -> None:
        vars(part).update(self.kept[number, part])

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
            "layers": [serialize(layer) for layer in self.layers],
            "begins": [layer.name for layer in self.begins],
            "wires": [[wire.layer.name, *wire[1:]] for wire in self.wires],
            "wanted": self.wanted,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """Make a new model with the layers and the wires that `get_config` described."""
        return cls.from_layers([layer_from(each) for each in config["layers"]], config)

    @classmethod
    def from_layers(cls, layers: Sequence[Any], config: Mapping[str, Any]) -> Self:
        """Make a new model from layers and from what `get_config` says about the wires."""
        named = {layer.name: layer for layer in layers}
        begins = [named[name] for name in config["begins"]]
        wires = [Wire(named[name], *rest) for name, *rest in config["wires"]]
        tensors = _connected(begins, wires)
        outputs = [tensors[number] for number in config["wanted"]]
        return cls([each.output for each in begins], outputs, name=config["name"])


def _tensors(argument: str, given: Any) -> list[KerasTensor]:
    """Return one tensor or some as a list."""
    if isinstance(given, Mapping):
        given = list(given.values())
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


def _calls_between(
    begins: Mapping[int, InputLayer], wanted: Sequence[KerasTensor]
) -> tuple[list[Call], list[Any]]:
    """Return the calls that lead to some tensors, each behind those that it depends on.

    Parameters
    ----------
    begins : dict of int to InputLayer
        For the `id` of each tensor to begin with, its layer.
    wanted : sequence of KerasTensor

    Returns
    -------
    calls : list of Call
    layers : list of Layer
        In the order in which a search that comes from the wanted tensors meets them.
    """
    calls: list[Call] = []
    met: list[Any] = []
    seen: set[int] = set()

    def visit(tensor: KerasTensor) -> None:
        layer = begins.get(id(tensor), tensor.call.layer)
        if layer not in met and not (layer is tensor.call.layer and id(tensor.call) in seen):
            met.append(layer)
        if id(tensor) in begins or id(tensor.call) in seen:
            return
        seen.add(id(tensor.call))
        if isinstance(layer, InputLayer):
            raise ValueError(
                f"outputs: they depend on {tensor.name!r}, an Input that is not among the inputs"
            )
        for each in tensor.call.inputs:
            visit(each)
        calls.append(tensor.call)

    for tensor in wanted:
        visit(tensor)
    return calls, met


def _in_keras_order(
    calls: Sequence[Call], met: list[Any], begins: Mapping[int, InputLayer]
) -> list[Any]:
    """Return the layers, the farthest from the outputs first, and then as they were met."""
    makers = {id(tensor): each for each in calls for tensor in each.outputs}
    depth: dict[Any, int] = {}  # of layers
    of_call: dict[int, int] = {}
    for each in reversed(calls):
        depth[each.layer] = max(of_call.get(id(each), 0), depth.get(each.layer, 0))
        below = depth[each.layer] + 1
        for tensor in each.inputs:
            if id(tensor) in begins:
                layer = begins[id(tensor)]
                depth[layer] = max(below, depth.get(layer, 0))
            else:
                maker = id(makers[id(tensor)])
                of_call[maker] = max(below, of_call.get(maker, 0))
    unused = [layer for layer in begins.values() if layer not in met]
    order = [*unused, *met]
    return sorted(order, key=lambda layer: -depth.get(layer, 0))


def _connected(begins: Sequence[InputLayer], wires: Sequence[Wire]) -> dict[int, KerasTensor]:
    """Call all layers on tensors, along the wires; return the tensors by their numbers."""
    tensors = {number: layer.output for number, layer in enumerate(begins)}
    for wire in wires:
        out = connect(wire.layer, wire.given(tensors))
        tensors |= zip(wire.gives, out if isinstance(out, list) else [out], strict=True)
    return tensors


def _leaves(layer: Any) -> list[Layer]:
    return list(layer.leaves.values()) if isinstance(layer, Network) else [layer]


def _graphs(layer: Any) -> list[Graph]:
    """Return the graphs in a model, itself included."""
    inner = [each for part in getattr(layer, "layers", ()) for each in _graphs(part)]
    return [layer, *inner] if hasattr(layer, "wires") else inner


def _as_line(part: Layer | Graph, function: Any, *arguments: Any) -> None:
    """Call a function now; in every step only if the layer's methods are called in every step."""
    if all(leaf.only_kernels for leaf in _leaves(part)):
        function(*arguments)
    else:
        call(function, *arguments)


def _add(douts: dict[int, Array], number: int, dout: Array | None) -> None:
    """Take in one more gradient at a tensor: those of all its ways to the outputs are added."""
    if dout is None:
        return
    if number in douts:
        one, other = (in_order(each).reshape(-1) for each in (douts[number], dout))
        dout = np.empty(dout.shape, dout.dtype)
        add(one, other, dout.reshape(-1))
    douts[number] = dout


def _copy(array: Array) -> Array:
    out = np.empty(array.shape, array.dtype)
    cast(array.reshape(-1), out.reshape(-1))
    return out
