"""What a subclass overrides is called, or refused: never left out in silence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinynet.layers import Dense, Dropout, Layer


class Doubled(Dense):
    def call(self, inputs: Any) -> Any:
        return 2 * inputs


class Sure(Dropout):
    def call(self, inputs: Any, training: bool = False) -> Any:
        return inputs


class Alone(Layer):
    def call(self, inputs: Any) -> Any:
        return inputs


class Mixed(Alone, Dense):
    pass


class Halved(Dense):
    """One with a ``call`` for Keras and a ``forward`` for tinynet."""

    call = Alone.call

    def forward(self, x: Any, training: bool = False) -> Any:
        return super().forward(x, training) / 2


@pytest.mark.parametrize("make", [lambda: Doubled(2), lambda: Sure(0.5), Alone, lambda: Mixed(2)])
def test_a_layer_with_call_and_no_forward_cannot_be_made(make: Any) -> None:
    with pytest.raises(NotImplementedError, match=r"call would not be called; define forward"):
        make()


def test_a_layer_with_both_is_made_and_runs_forward() -> None:
    halved, same = (kind(3, kernel_initializer="ones") for kind in (Halved, Dense))
    x = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(2 * halved(x), same(x))


def test_dropout_in_predictions_as_the_error_says() -> None:
    class Told(Dropout):
        def forward(self, x: Any, training: bool = False) -> Any:
            return super().forward(x, True)

    x = np.ones((10, 50), "float32")
    for out in (Told(0.5)(x), Dropout(0.5)(x, training=True)):
        assert {*np.unique(out)} == {0, 2}
