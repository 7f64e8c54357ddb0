"""Which layers learn: `trainable` as it was in the first step counts until the next ``compile``.

Keras on TensorFlow traces a step when it makes the first one, with the layers that are trainable
at that moment, and runs the trace from then on. So a layer that is frozen between two calls of
``fit`` keeps learning until the model is compiled again. The same happens here, because the same
script has to give the same run; the model warns about it.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tinynet.layers import Layer


class Freezing:
    """What `trainable` was in the first step since ``compile``, for each method that makes steps.

    Attributes
    ----------
    first : dict of str to dict of Layer to bool
        By the method's name. Testing has its own entry, because frozen layers are not penalized;
        what `evaluate` has seen holds for validation in `fit`, too.
    """

    def __init__(self) -> None:
        self.first: dict[str, dict[Layer, bool]] = {}
        self.warned_of: set[str] = set()

    def get_state(self, model: Any) -> dict[str, list[bool | None]]:
        """Return what `first` has for each of a model's layers, or None, by methods."""
        leaves = model.leaves.values()
        return {
            method: [first.get(each) for each in leaves] for method, first in self.first.items()
        }

    def set_state(self, model: Any, state: dict[str, list[bool | None]]) -> None:
        """Restore what `get_state` has returned, for the same layers."""
        self.first = {
            method: {
                layer: was
                for layer, was in zip(model.leaves.values(), flags, strict=True)
                if was is not None
            }
            for method, flags in state.items()
        }

    @contextmanager
    def as_at_first(self, method: str, model: Any) -> Iterator[None]:
        """Within the ``with``, layers are trainable as they were in the method's first step."""
        if method not in self.first:
            self.first[method] = {
                layer: layer.trainable and model.may_learn for layer in model.leaves.values()
            }
        first = self.first[method]
        changed = [layer for layer, was in first.items() if layer.trainable != was]
        for layer in changed:
            layer.trainable = not layer.trainable
        try:
            yield
        finally:
            for layer in changed:
                layer.trainable = not layer.trainable

    def learning(self, method: str, model: Any) -> list[Layer]:
        """Return the layers with weights that a method trains, or would if it began now."""
        first = self.first.get(method, {})
        layers = [each for each in model.leaves.values() if each.params]
        return [each for each in layers if first.get(each, each.trainable and model.may_learn)]

    def warn(self, method: str, model: Any) -> None:
        """Warn about a change that a method does not see, and about weights that do not learn.

        Raises
        ------
        ValueError
            If there are weights that are to learn, and none gets a gradient.
        """
        first = self.first.get(method, {})
        names = [
            each.name for each, was in first.items() if (each.trainable and model.may_learn) != was
        ]
        if new := [name for name in names if name not in self.warned_of]:
            self.warned_of.update(new)
            warnings.warn(
                f"trainable of {', '.join(new)} was changed after training had begun; as in Keras, "
                f"this takes effect with the next compile: call compile again first",
                stacklevel=4,  # the line that calls fit: past its decorator, too
            )
        self._warn_of_lost_calls(model)
        learning = self.learning(method, model)
        if not learning:
            warnings.warn(
                f"{model.name} has no weights that learn: {method} computes the loss, and changes "
                f"nothing; is a layer missing, or was trainable=False meant for all of them?",
                stacklevel=4,
            )
        keys = [
            f"{path}/{key}"
            for path, layer in model.leaves.items()
            if layer in learning
            for key in layer.params
        ]
        lost = [key for key in keys if key in model.unreached]
        if keys and lost == keys:
            raise ValueError(
                f"{model.name}: none of the weights that are to learn gets a gradient, for the "
                f"loss does not depend on them: {', '.join(lost)}"
            )
        if new := [key for key in lost if key not in self.warned_of]:
            self.warned_of.update(new)
            warnings.warn(
                f"Gradients do not exist for variables {', '.join(new)}, on which the loss does "
                f"not depend; they stay as they are. Has an output no loss, or does one of a "
                f"nested model go nowhere?",
                stacklevel=4,
            )

    def _warn_of_lost_calls(self, model: Any) -> None:
        """Warn of layers that a stack calls several times: a graph keeps what each call leaves."""
        for network in model.networks:
            if hasattr(network, "wires"):
                continue
            inner = [getattr(layer, "leaves", {"": layer}).values() for layer in network.layers]
            calls = Counter(leaf for leaves in inner for leaf in leaves)
            twice = [leaf.name for leaf, n in calls.items() if n > 1 and leaf.params]
            if new := [name for name in twice if name not in self.warned_of]:
                self.warned_of.update(new)
                warnings.warn(
                    f"{', '.join(new)}: called several times in {network.name}, of which only the "
                    f"last one counts in the gradient; connect its layers as a graph, with "
                    f"Model(inputs, outputs)",
                    stacklevel=5,
                )
