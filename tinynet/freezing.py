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
    """What `trainable` said in the first step since ``compile``, for each method that makes steps.

    Attributes
    ----------
    first : dict of str to dict of Layer to bool
        By the method's name. Testing has its own, because frozen layers are not penalized; what
        `evaluate` has seen holds for validation in `fit`, too.
    """

    def __init__(self) -> None:
        self.first: dict[str, dict[Layer, bool]] = {}
        self.warned_of: set[str] = set()

    @contextmanager
    def as_at_first(self, method: str, layers: Sequence[Layer]) -> Iterator[None]:
        """Within the ``with``, layers are trainable as they were in the method's first step."""
        if method not in self.first:
            self.first[method] = {layer: layer.trainable for layer in layers}
        changed = self._changed(method, layers)
        for layer in changed:
            layer.trainable = not layer.trainable
        try:
            yield
        finally:
            for layer in changed:
                layer.trainable = not layer.trainable

    def learning(self, method: str, layers: Sequence[Layer]) -> list[Layer]:
        """Return the layers with weights that a method changes, or would if it began now."""
        changed = self._changed(method, layers)
        return [each for each in layers if each.params and each.trainable != (each in changed)]

    def warn_of_changes(self, method: str, layers: Sequence[Layer]) -> None:
        """Warn, once for each layer, of a change that a method does not see."""
        names = [layer.name for layer in self._changed(method, layers)]
        if new := [name for name in names if name not in self.warned_of]:
            self.warned_of.update(new)
            warnings.warn(
                f"trainable of {', '.join(new)} was changed after training had begun; as in Keras, "
                f"that counts from the next compile on: call compile again first",
                stacklevel=4,  # the line that calls fit: past its decorator, too
            )

    def _changed(self, method: str, layers: Sequence[Layer]) -> list[Layer]:
        first = self.first.get(method, {})
        return [each for each in layers if first.get(each, each.trainable) != each.trainable]
