"""Running layers several times with the same random numbers, and leaving no trace of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tinynet.layers.base import Layer


class Rewinding:
    """A ``with`` that gives a function to put all states and random sequences back to the start.

    At the end they are put back, too.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = layers
        self.states = [{k: v.copy() for k, v in layer.state.items()} for layer in layers]
        self.seeds = [
            None if layer.seed_generator is None else layer.seed_generator.state.tolist()
            for layer in layers
        ]

    def __enter__(self) -> Callable[[], None]:
        return self.rewind

    def rewind(self) -> None:
        """Put everything back."""
        for layer, state, seed in zip(self.layers, self.states, self.seeds, strict=True):
            for key, value in state.items():
                layer.state[key][...] = value
            if seed is not None and layer.seed_generator is not None:
                layer.seed_generator.state = seed

    def __exit__(self, *exception: object) -> None:
        self.rewind()
