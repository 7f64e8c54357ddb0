"""The playground in a browser: its arithmetic is tinynet's, it learns, and it can be used by all."""

import re
from pathlib import Path

import numpy as np
import pytest

import tinynet as tn

DOCS = Path(__file__).parents[1]
FILES = DOCS / "_static" / "playground"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
STEPS, ROWS, RATE = 100, 60, 0.25


@pytest.fixture
def tab(browser):
    """Open an empty page with the playground on it; nothing may be requested or go wrong."""
    context = browser.new_context(viewport=DESK)
    context.set_default_timeout(10_000)
    tab = context.new_page()
    tab.complaints = []
    complain = tab.complaints.append
    tab.on("console", lambda said: said.type in ("error", "warning") and complain(said.text))
    tab.on("pageerror", lambda error: complain(str(error)))
    tab.on("request", lambda got: complain(f"requests {got.url}"))
    tab.set_content('<!DOCTYPE html><html lang="en"><body><div id="playground"></div></body>')
    tab.add_style_tag(content=(FILES / "playground.css").read_text(encoding="utf-8"))
    for name in ("net.js", "run.js", "page.js"):
        tab.add_script_tag(content=(FILES / name).read_text(encoding="utf-8"))
    yield tab
    context.close()
    assert not tab.complaints


OPTIMIZERS = {
    "sgd": lambda: tn.optimizers.SGD(0.1),
    "momentum": lambda: tn.optimizers.SGD(0.1, momentum=0.9),
    "rmsprop": lambda: tn.optimizers.RMSprop(0.01),
    "adam": lambda: tn.optimizers.Adam(0.01),
}


def network(activation, batch_norm, dropout, optimizer):
    """Return tinynet's network: 2 inputs, hidden layers of 5 and 4 units, 3 classes."""
    layers = [tn.Input((2,), dtype="float64")]
    for number, units in enumerate((5, 4), start=1):
        if batch_norm:
            layers += [
                tn.layers.Dense(units, dtype="float64"),
                tn.layers.BatchNormalization(dtype="float64"),
                tn.layers.Activation(activation, dtype="float64"),
            ]
        else:
            layers.append(tn.layers.Dense(units, activation=activation, dtype="float64"))
        if dropout:
            layers.append(tn.layers.Dropout(dropout, seed=number, dtype="float64"))
    layers.append(tn.layers.Dense(3, activation="softmax", dtype="float64"))
    model = tn.Sequential(layers)
    model.compile(OPTIMIZERS[optimizer](), "sparse_categorical_crossentropy")
    return model


def batches():
    """Return the rows of each step: 16, and 12 at the end of each epoch."""
    rng = np.random.default_rng(5)
    epochs = [np.split(rng.permutation(ROWS), [16, 32, 48]) for _ in range(STEPS // 4)]
    return [rows for epoch in epochs for rows in epoch]


def uniforms(sizes):
    """Return the numbers that tinynet's two dropout layers will draw, for each step."""
    draws = [tn.random.SeedGenerator(seed) for seed in (1, 2)]
    return [
        [
            tn.random.uniform((n, units), dtype="float64", seed=draw).tolist()
            for units, draw in zip((5, 4), draws, strict=True)
        ]
        for n in sizes
    ]


@pytest.mark.parametrize("dropout", [0, RATE])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", ["linear", "relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_hundred_steps_are_those_of_tinynet(tab, optimizer, activation, batch_norm, dropout):
    tn.utils.set_random_seed(3)
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(ROWS, 2)), rng.integers(0, 3, ROWS)
    model = network(activation, batch_norm, dropout, optimizer)
    order = batches()
    theirs = tab.evaluate(
        "config => playground.train(config)",
        {
            "x": x.tolist(),
            "y": y.tolist(),
            "hidden": [5, 4],
            "classes": 3,
            "activation": activation,
            "batchNorm": batch_norm,
            "dropout": dropout,
            "optimizer": optimizer,
            "learningRate": model.optimizer.learning_rate,
            "weights": [np.ravel(weight).tolist() for weight in trained(model)],
            "batches": [rows.tolist() for rows in order],
            "uniforms": uniforms(map(len, order)) if dropout else None,
        },
    )
    losses = [float(model.train_on_batch(x[rows], y[rows])) for rows in order]
    assert losses[-1] != pytest.approx(losses[0], abs=1e-3)
    np.testing.assert_allclose(theirs["losses"], losses, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        np.concatenate(theirs["weights"]),
        np.concatenate([np.ravel(weight) for weight in trained(model)]),
        rtol=0,
        atol=1e-6,
    )
    predicted = model.predict(x, verbose=0)
    np.testing.assert_allclose(theirs["probabilities"], np.ravel(predicted), rtol=0, atol=1e-6)


def trained(model):
    """Return the weights that are learned, layer by layer, in the order of the page."""
    return [value.copy() for layer in model.layers for value in layer.params.values()]


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("dropout", [0, RATE])
@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_lines_of_a_step_are_those_of_tinynet(
    tab, optimizer, activation, batch_norm, dropout
):
    model = network(activation, batch_norm, dropout, optimizer)
    ours = [line.title for line in model.step(batch_size=32).lines]
    # What keeps the books, and what draws: the page has its own.
    without = {"next_rows", "add_mean", "next_pair", "uniform_float64"}
    theirs = tab.evaluate(
        "choices => playground.start(choices).next().map((line) => line.kernel)",
        {
            "hidden": [5, 4],
            "activation": activation,
            "batchNorm": batch_norm,
            "dropout": dropout,
            "optimizer": optimizer,
        },
    )
    assert theirs == [name for name in ours if name not in without]
