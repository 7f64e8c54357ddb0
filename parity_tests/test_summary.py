"""The table of a model, character by character."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinynet
from parity_tests.backend import keras
from parity_tests.drawn import examples

LENGTHS = st.none() | st.integers(16, 120)
GAPS = st.lists(st.integers(12, 40), min_size=3, max_size=5)
ENDS = st.none() | GAPS.map(lambda gaps: (np.cumsum(gaps) / max(100, sum(gaps))).tolist())


def printed(library, **arguments):
    """Return what `summary` prints, and nothing where a column would be too narrow."""
    model = library.Sequential(
        [
            library.Input((6, 5)),
            library.layers.Flatten(),
            library.layers.Dense(4, name="a_dense_layer_with_a_long_name"),
            library.layers.BatchNormalization(trainable=False),
        ]
    )
    lines = []
    try:
        model.summary(print_fn=lambda line, line_break=False: lines.append(line), **arguments)
    except ValueError:
        return []
    return "\n".join(lines).rstrip().splitlines()


@given(length=LENGTHS, ends=ENDS, trainable=st.booleans())
@examples(40)
def test_columns(length, ends, trainable):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "130")  # Keras cuts off what is wider than the terminal
        arguments = {"line_length": length, "positions": ends, "show_trainable": trainable}
        own, theirs = (printed(library, **arguments) for library in (tinynet, keras))
    assert own == theirs
