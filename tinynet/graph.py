"""A graph of layers: branches that part and meet again, several inputs and outputs, shared layers.

A `tinynet.stack.Stack` sends a batch up and a gradient down. Here a batch follows the wires in
their order, and the gradient follows them back; where a tensor goes into several layers, the
gradients that come back from them are added.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinynet.activations import linear
from tinynet.arrays import Array
from tinynet.kernels.merging import add, add_to
from tinynet.kernels.rows import cast
from tinynet.layers import Layer
from tinynet.settings import for_all_calls
from tinynet.stack import Network, Stack, learns
from tinynet.step.tape import call, in_order
from tinynet.wiring import Wire, Wired, leaves_in


class Graph(Wired):
    """Layers between some tensors and some others, which send batches up and gradients down.

    Parameters, attributes and errors are those of `tinynet.wiring.Wired`.
    """

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
        many = isinstance(out, list)
        outs, looks = (out, looks_back) if many else ([out], [looks_back])
        ends = zip(self.wanted, self.output_layers, looks, outs, strict=True)
        found = [self._logits_of(n, layer) if back else each for n, layer, back, each in ends]
        return found if many else found[0]

    def _logits_of(self, number: int, leaf: Layer) -> Array:
        """Return what the layer behind a tensor had before its activation in that call."""
        at, place = self._maker(number)
        assert at is not None
        layer = self.wires[at].layer
        if isinstance(layer, Graph) and not (isinstance(layer, Stack) or leaf in self.shared):
            return layer._logits_of(layer.wanted[place], leaf)
        found: Array = _as_line(leaf, self._kept_logits, at, leaf)
        return found

    def _kept_logits(self, number: int, leaf: Layer) -> Array:
        """Return the logits that a layer has kept in the call of one wire."""
        found: Array = self.kept[number, leaf]["logits"] if leaf in self.shared else leaf.logits
        return found

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
                z, out = (_as_line(layer, layer.kept, name) for name in ("logits", "out"))
                before = layer.final_activation.backward
                _add(dlogits, number, _as_line(layer, before, douts[number], z, out))
            if number in dlogits:
                dx = layer.backward(dlogits[number], True)
            else:
                dx = layer.backward(douts[number])
        return dx if wire.as_list and isinstance(dx, list) else [dx]

    def _learning(self) -> set[int]:
        """Return the numbers of the tensors behind layers that learn."""
        found: set[int] = set()
        for wire in self.wires:
            if learns(wire.layer) or found.intersection(wire.takes):
                found.update(wire.gives)
        return found

    def penalty(self) -> float:
        """Return the sum of all penalties: on each weight once, on an output for each call."""
        total = super().penalty()  # with the outputs of the last calls
        for leaf, calls in ({} if _only_kernels(self) else _calls_of(self, {})).items():
            for kept in calls[:-1]:
                vars(leaf).update(kept)
                total += leaf.penalty() - Layer.penalty(leaf)
            vars(leaf).update(calls[-1])
        return total

    # A layer that is called several times keeps what `backward` reads from the last call only.

    # So does a graph in it that shares layers itself.

    def _shared_in(self, wire: Wire) -> list[Layer | Graph]:
        leaves = [leaf for leaf in leaves_in(wire.layer) if leaf in self.shared]
        return [*leaves, *(graph for graph in _graphs(wire.layer) if graph.shared and leaves)]

    def _keep(self, number: int, part: Layer | Graph) -> None:
        if isinstance(part, Graph):
            self.kept[number, part] = {"kept": dict(part.kept)}
        else:  # without the methods that stand there while a step is written down
            others = for_all_calls(part).union(part.computing)
            own = {key: each for key, each in vars(part).items() if key not in others}
            self.kept[number, part] = own

    def _recall(self, number: int, part: Layer | Graph) -> None:
        vars(part).update(self.kept[number, part])

    @property
    def kept_by_kernels(self) -> dict[tuple[int, Any], dict[str, Any]]:
        """The part of `kept` whose arrays a list of lines overwrites, without calling `_keep`."""
        return {place: own for place, own in self.kept.items() if _only_kernels(place[1])}


def _graphs(layer: Any) -> list[Graph]:
    """Return the graphs in a model, itself included."""
    inner = [each for part in getattr(layer, "layers", ()) for each in _graphs(part)]
    return [layer, *inner] if hasattr(layer, "wires") else inner


Kept = Mapping[Any, dict[str, Any]]  # by shared layers, and by graphs that share some


def _calls_of(part: Any, seen: Kept) -> dict[Layer, list[dict[str, Any]]]:
    """Return what each shared layer has kept in its calls, from the first to the last.

    `seen` is what has been kept in this one call of the part, in the graphs around it.
    """
    if not isinstance(part, Network):
        return {part: [seen[part]]} if part in seen else {}
    calls: list[tuple[Any, Kept]] = [(layer, seen) for layer in part.layers]
    if isinstance(part, Graph) and not isinstance(part, Stack):
        kept = seen[part]["kept"] if part in seen else part.kept
        calls = []
        for number, wire in enumerate(part.wires):
            places = {each: (number, each) for each in part._shared_in(wire)}
            here = {each: kept[place] for each, place in places.items() if place in kept}
            calls.append((wire.layer, {**seen, **here}))
    found: dict[Layer, list[dict[str, Any]]] = {}
    for layer, own in calls:
        for leaf, each in _calls_of(layer, own).items():
            found.setdefault(leaf, []).extend(each)
    return found


def _as_line(part: Layer | Graph, function: Any, *arguments: Any) -> Any:
    """Call a function now; in every step only if the layer's methods are called in every step."""
    return function(*arguments) if _only_kernels(part) else call(function, *arguments)


def _only_kernels(part: Any) -> bool:
    return all(leaf.only_kernels for leaf in leaves_in(part))


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
