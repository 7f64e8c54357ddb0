"""Which layers learn: what `trainable` said in the first step counts until the next ``compile``.

Keras on TensorFlow writes a step down when it makes the first one, with the layers that are
trainable at that moment, and runs what was written from then on. So a layer that is frozen between
two calls of ``fit`` goes on learning until the model is compiled again. It does so here, too,
because the same script is to be the same run; the model warns of it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tinynet.layers import Layer


class Freezing:
    """What `trainable` said in the first step since ``compile``, of each kind of step.

    Attributes
    ----------
    first : dict of str to dict of Layer to bool
        For ``"training"`` and, because penalties of frozen layers do not count, ``"testing"``.
    """

    def __init__(self) -> None:
        self.first: dict[str, dict[Layer, bool]] = {}
        self.warned_of: set[str] = set()

    @contextmanager
    def as_at_first(self, kind: str, layers: Sequence[Layer]) -> Iterator[None]:
        """Within the ``with``, layers are trainable as they were in the first step of this kind."""
        first = self.first.get(kind)
        if first is None:
            first = self.first[kind] = {layer: layer.trainable for layer in layers}
        changed = [each for each in layers if first.get(each, each.trainable) != each.trainable]
        for layer in changed:
            layer.trainable = not layer.trainable
        try:
            yield
        finally:
            for layer in changed:
                layer.trainable = not layer.trainable

    def learning(self, layers: Sequence[Layer]) -> list[Layer]:
        """Return the layers with weights that training changes, or would change if it began now."""
        first = self.first.get("training", {})
        return [each for each in layers if each.params and first.get(each, each.trainable)]

    def warn_of_changes(self, layers: Sequence[Layer]) -> None:
        """Warn, once for each layer, of a change that training does not see."""
        first = self.first.get("training", {})
        changed = [
            each.name for each in layers if first.get(each, each.trainable) != each.trainable
        ]
        if new := [name for name in changed if name not in self.warned_of]:
            self.warned_of.update(new)
            warnings.warn(
                f"trainable of {', '.join(new)} was changed after training had begun; as in Keras, "
                f"that counts from the next compile on: call compile again first",
                stacklevel=4,  # the line that calls fit: past its decorator, too
            )
