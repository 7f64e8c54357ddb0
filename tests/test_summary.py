"""The table of a model. What stands here is what Keras 3.15.1 prints on 80 columns."""

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
