"""The table of a model. What stands here is what Keras 3.15.1 prints on 80 columns."""

import io
import sys
from typing import Any

import numpy as np
import pytest

from tinynet import Input, Sequential
from tinynet.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Rescaling,
    Reshape,
    Softmax,
)
from tinynet.metrics import MeanAbsoluteError
from tinynet.optimizers import SGD, Adagrad, Adam, Nadam, Optimizer, RMSprop
from tinynet.optimizers.schedules import CosineDecay

X = np.ones((8, 4))

SUMMARY = """\
Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ flatten (Flatten)               │ (None, 784)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense (Dense)                   │ (None, 256)            │       200,960 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ batch_normalization             │ (None, 256)            │         1,024 │
│ (BatchNormalization)            │                        │               │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ activation (Activation)         │ (None, 256)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dropout (Dropout)               │ (None, 256)            │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ dense_1 (Dense)                 │ (None, 10)             │         2,570 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
"""


def test_summary(capsys: pytest.CaptureFixture[str]) -> None:
    model = Sequential(
        [
            Input((28, 28)),
            Flatten(),
            Dense(256),
            BatchNormalization(),
            Activation("relu"),
            Dropout(0.3),
            Dense(10, activation="softmax"),
        ]
    )
    model.summary()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.summary()  # an optimizer that has done nothing yet has no memory
    totals = """\
 Total params: 204,554 (799.04 KB)
 Trainable params: 204,042 (797.04 KB)
 Non-trainable params: 512 (2.00 KB)
"""
    assert capsys.readouterr().out == 2 * (SUMMARY + totals)
    model.fit(np.zeros((4, 28, 28)), np.zeros(4), verbose=0)
    model.layers[1].trainable = False
    model.summary()
    totals = """\
 Total params: 612,640 (2.34 MB)
 Trainable params: 3,082 (12.04 KB)
 Non-trainable params: 201,472 (787.00 KB)
 Optimizer params: 408,086 (1.56 MB)
"""
    assert capsys.readouterr().out == SUMMARY + totals


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        (SGD(), "2 (12.00 B)"),
        (SGD(momentum=0.9), "17 (72.00 B)"),
        (RMSprop(), "17 (72.00 B)"),
        (RMSprop(momentum=0.5, centered=True), "47 (192.00 B)"),
        (Adam(amsgrad=True), "47 (192.00 B)"),
        (Nadam(), "33 (136.00 B)"),
        (Adagrad(), "17 (72.00 B)"),
        (Adam(CosineDecay(0.1, 100)), "31 (128.00 B)"),
    ],
)
def test_the_optimizers_memory_in_the_summary(optimizer: Optimizer, expected: str) -> None:
    model = Sequential([Input((4,)), Dense(3)])
    model.compile(optimizer, "mse")
    model.fit(X, np.zeros((8, 3)), verbose=0)
    texts: list[str] = []
    model.summary(print_fn=texts.append)
    assert texts[0].endswith(f" Optimizer params: {expected}")


def test_summary_of_a_model_without_weights(capsys: pytest.CaptureFixture[str]) -> None:
    model = Sequential([Dense(4), Dense(1, name="a_rather_long_name_for_a_layer_indeed")], name="m")
    model.summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[4] == (
        "│ dense (Dense)                   │ ?                      │   0 (unbuilt) │"
    )
    assert lines[-3:] == [
        " Total params: 0 (0.00 B)",
        " Trainable params: 0 (0.00 B)",
        " Non-trainable params: 0 (0.00 B)",
    ]
    model.build((None, 5))
    model.summary()
    assert capsys.readouterr().out.splitlines()[6:8] == [
        "│ a_rather_long_name_for_a_layer… │ (None, 1)              │             5 │",
        "│ (Dense)                         │                        │               │",
    ]
    Sequential().summary()
    assert "Total params: 0 (0.00 B)" in capsys.readouterr().out


def test_shapes_in_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    Sequential([Input((28, 28)), Rescaling(1 / 255), Reshape((4, 14, -1)), Softmax()]).summary()
    out = capsys.readouterr().out
    assert "(None, 28, 28)" in out and out.count("(None, 4, 14, 14)") == 2


# Arguments. What is compared with is what Keras prints on a terminal of 80 columns.


LONG = "a_dense_layer_with_a_name_of_more_than_thirty_letters"


def deep() -> Sequential:
    return Sequential(
        [
            Input((28, 28)),
            Flatten(),
            Dense(256, name="hidden_one"),
            BatchNormalization(),
            Dropout(0.3),
            Dense(
                10, trainable=False, name="a_dense_layer_with_a_name_of_more_than_thirty_letters"
            ),
        ]
    )


def table(**arguments: Any) -> list[str]:
    texts: list[str] = []
    deep().summary(print_fn=texts.append, **arguments)
    (text,) = texts
    return text.splitlines()


NARROW = """\
┏━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━┓
┃                 ┃ Output     ┃ Param ┃
┃ Layer (type)    ┃ Shape      ┃     # ┃
┡━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━┩
│ flatten         │ (None,     │     0 │
│ (Flatten)       │ 784)       │       │
├─────────────────┼────────────┼───────┤
│ hidden_one      │ (None,     │ 200,… │
│ (Dense)         │ 256)       │       │
├─────────────────┼────────────┼───────┤
│ batch_normaliz… │ (None,     │ 1,024 │
│ (BatchNormaliz… │ 256)       │       │
├─────────────────┼────────────┼───────┤
│ dropout         │ (None,     │     0 │
│ (Dropout)       │ 256)       │       │
├─────────────────┼────────────┼───────┤
│ a_dense_layer_… │ (None, 10) │ 2,570 │
│ (Dense)         │            │       │
└─────────────────┴────────────┴───────┘
"""
TRAINABLE = """\
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━┳━━━━━━━┓
┃ Layer (type)                ┃ Output Shape          ┃    Param # ┃ Trai… ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━╇━━━━━━━┩
│ flatten (Flatten)           │ (None, 784)           │          0 │   -   │
├─────────────────────────────┼───────────────────────┼────────────┼───────┤
│ hidden_one (Dense)          │ (None, 256)           │    200,960 │   Y   │
├─────────────────────────────┼───────────────────────┼────────────┼───────┤
│ batch_normalization         │ (None, 256)           │      1,024 │   Y   │
│ (BatchNormalization)        │                       │            │       │
├─────────────────────────────┼───────────────────────┼────────────┼───────┤
│ dropout (Dropout)           │ (None, 256)           │          0 │   -   │
├─────────────────────────────┼───────────────────────┼────────────┼───────┤
│ a_dense_layer_with_a_name_… │ (None, 10)            │      2,570 │   N   │
│ (Dense)                     │                       │            │       │
└─────────────────────────────┴───────────────────────┴────────────┴───────┘
"""
OTHER_POSITIONS = """\
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━┓
┃                                     ┃ Output      ┃                      ┃
┃ Layer (type)                        ┃ Shape       ┃              Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━┩
│ flatten (Flatten)                   │ (None, 784) │                    0 │
"""
ASCII_TABLE = """\
Model: "sequential"
+--------------------------------------------------------------------------+
| Layer (type)                    | Output Shape           |       Param # |
|---------------------------------+------------------------+---------------|
| flatten (Flatten)               | (None, 784)            |             0 |
|---------------------------------+------------------------+---------------|
| hidden_one (Dense)              | (None, 256)            |       200,960 |
|---------------------------------+------------------------+---------------|
| batch_normalization             | (None, 256)            |         1,024 |
| (BatchNormalization)            |                        |               |
|---------------------------------+------------------------+---------------|
| dropout (Dropout)               | (None, 256)            |             0 |
|---------------------------------+------------------------+---------------|
| a_dense_layer_with_a_name_of... | (None, 10)             |         2,570 |
| (Dense)                         |                        |               |
+--------------------------------------------------------------------------+
 Total params: 204,554 (799.04 KB)
 Trainable params: 201,472 (787.00 KB)
 Non-trainable params: 3,082 (12.04 KB)
"""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"line_length": 40}, NARROW),
        ({"show_trainable": True}, TRAINABLE),
        ({"positions": [0.5, 0.7, 1.0]}, OTHER_POSITIONS),
        ({"positions": [38, 53.2, 76]}, OTHER_POSITIONS),
    ],
)
def test_layouts(arguments: dict[str, Any], expected: str) -> None:
    lines = expected.splitlines()
    assert table(**arguments)[1 : len(lines) + 1] == lines


@pytest.mark.parametrize("length", [20, 33, 60, 76, 100, 200])
@pytest.mark.parametrize("show_trainable", [False, True])
def test_a_line_is_as_long_as_asked_for(length: int, show_trainable: bool) -> None:
    if show_trainable and length < 30:
        with pytest.raises(ValueError, match=r"line_length: .* characters are not enough for col"):
            table(line_length=length, show_trainable=show_trainable)
        return
    lines = table(line_length=length, show_trainable=show_trainable)
    assert {len(line) for line in lines[1:-3]} == {length}
    assert (LONG in "".join(lines)) == (length == 200)


@pytest.mark.parametrize(
    ("layer_range", "shown"),
    [
        (("hidden_one", "dropout"), [1, 2, 3]),
        (["hidden.*", "batch"], [1, 2]),
        (["dropout", "hidden_one"], [1, 2, 3]),
        (("flat", "flat"), [0]),
        (("", ""), [0, 1, 2, 3, 4]),
    ],
)
def test_a_range_of_layers(layer_range: Any, shown: list[int]) -> None:
    starts = ["flatten ", "hidden_one", "batch_norm", "dropout ", "a_dense"]
    text = "\n".join(table(layer_range=layer_range))
    assert [i for i, start in enumerate(starts) if f"│ {start}" in text] == shown
    assert "Total params: 204,554" in text  # of the whole model


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer_range": ["a"]}, r"layer_range: expected the names of .*, got \['a'\]"),
        ({"layer_range": [1, 2]}, r"layer_range: expected the names of .*, got \[1, 2\]"),
        ({"layer_range": ["x", "drop"]}, r"layer_range: \['x', 'drop'\] are not among the layers"),
        ({"line_length": 10}, "line_length: 10 characters are not enough"),
        ({"positions": [0.5, 1.0]}, r"positions: expected where each of 3 .*, got \[0.5, 1.0\]"),
        ({"positions": [0.01, 0.5, 1.0]}, "not enough for columns that end at .*4 or more wide"),
    ],
)
def test_arguments_that_cannot_be(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        table(**arguments)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "cp437", "shift_jis"])
def test_a_stream_that_has_no_lines_to_draw_with(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
    monkeypatch.setattr(sys, "stdout", stream)
    deep().summary()
    stream.flush()
    assert stream.buffer.getvalue().decode(encoding) == ASCII_TABLE


def test_names_that_a_stream_cannot_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Layers, metrics and files may be called anything; nothing that is printed ends the run."""

    class Größe(Dense):
        pass

    for verbose in (1, 2):
        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        stream.isatty = lambda: True  # type: ignore[method-assign]
        monkeypatch.setattr(sys, "stdout", stream)
        model = Sequential([Größe(3, name="size")])
        model.compile("sgd", "mse", metrics=[MeanAbsoluteError("précision")])
        model.fit(X, np.zeros((8, 3)), verbose=verbose, epochs=2)
        model.summary()
        stream.flush()
        text = stream.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
        assert "pr?cision: " in text and "size (Gr??e)" in text and "+---" in text


def test_a_stream_without_an_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    deep().summary()
    assert stream.getvalue().splitlines()[1].startswith("┏━━")
