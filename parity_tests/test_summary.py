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


def drawn(library, expand_nested, trainable):
    """Return what `summary` prints of a graph with a stack, a shared layer and a graph in it."""
    library.utils.clear_session()
    layers = library.layers
    encoder = library.Sequential(
        [library.Input((4,)), layers.Dense(3, activation="relu"), layers.Dropout(0.1)],
        name="encoder",
    )
    a = library.Input((4,))
    inner = library.Model(a, layers.Add()([a, layers.Dense(4)(a)]))
    x = library.Input((4,), name="x")
    twice = layers.Dense(4, trainable=False, name="twice")
    met = layers.Concatenate()([encoder(x), encoder(twice(twice(inner(x)))), x])
    model = library.Model(x, layers.Dense(2, name="a_last_layer_with_a_very_long_name")(met))
    lines = []
    model.summary(
        print_fn=lambda line, line_break=False: lines.append(line),
        expand_nested=expand_nested,
        show_trainable=trainable,
    )
    chain = library.Model(x, layers.Dense(3)(twice(x)))
    chain.summary(print_fn=lambda line, line_break=False: lines.append(line))
    return [line for line in "\n".join(lines).splitlines() if line]


@pytest.mark.parametrize("expand_nested", [False, True])
@pytest.mark.parametrize("trainable", [False, True])
def test_graphs(expand_nested, trainable, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    own, theirs = (drawn(library, expand_nested, trainable) for library in (tinynet, keras))
    assert own == theirs
