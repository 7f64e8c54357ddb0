"""The neuron on the first page about backpropagation: its gradients are tinynet's."""

from pathlib import Path

import numpy as np
import pytest

import tinynet

SCRIPT = Path(__file__).parents[1] / "_static" / "neuron.js"


@pytest.fixture
def tab(watched):
    tab = watched({"width": 390, "height": 844})
    head = '<!DOCTYPE html><html lang="en"><head><title>Neuron</title></head>'
    tab.set_content(f'{head}<body><main><div id="neuron"></div></main>')
    tab.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    yield tab
    assert not tab.complaints


def by_the_library(x, w, b, y):
    """Return the loss and the gradients of p, x, w and b."""
    layer = tinynet.layers.Dense(1, activation="sigmoid", dtype="float64")
    loss = tinynet.losses.BinaryCrossentropy()
    layer.build((1,))
    layer.set_weights([np.array([[w]]), np.array([b])])
    out = layer.forward(np.array([[x]]), training=True)
    value = loss.value(np.array([[float(y)]]), out)
    dp = loss.gradient()
    dx = layer.backward(dp)
    return [np.asarray(each).item() for each in (value, dp, dx, *layer.grads.values())]


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize(
    ("x", "w", "b"), [(2, 0.5, -1.5), (-1.3, 0.7, 0.4), (3, -2.2, 1), (0, 1, 0)]
)
def test_every_number_is_the_librarys(tab, x, w, b, y):
    told = tab.evaluate("(at) => neuron.pass(at)", {"x": x, "w": w, "b": b, "y": y})
    found = [told[name] for name in ("L", "dp", "dx", "dw", "db")]
    np.testing.assert_allclose(found, by_the_library(x, w, b, y), rtol=1e-9, atol=1e-15)
    assert told["dz"] == told["da"] == told["db"]


def test_it_opens_with_the_numbers_of_the_page(tab):
    said = tab.get_by_role("status").inner_text()
    assert "It says 38 % yes, the answer is yes: loss 0.974." in said
    assert "w changes the loss by −0.0124; dw · 0.01 = −0.0124." in said
    circuit = tab.locator("#neuron svg text").all_text_contents()
    for each in ("x 2.00", "−0.311", "w 0.50", "−1.245", "b −1.50", "p 0.38", "−2.649", "1.000"):
        assert each in circuit


def test_steps_make_it_less_wrong_until_one_begins_again(tab):
    tab.get_by_role("button", name="Step").click()
    assert "loss 0.298." in tab.get_by_role("status").inner_text()  # 0.2985 on the page
    assert "weight w: 1.12" in tab.get_by_text("weight").inner_text()
    losses = []
    at = {"x": 2, "w": 0.5, "b": -1.5, "y": 1}
    for _ in range(5):
        losses.append(by_the_library(**at)[0])
        at = tab.evaluate("(at) => neuron.stepped(at)", at)
    assert losses == sorted(losses, reverse=True)
    tab.get_by_role("button", name="From the start").click()
    assert "loss 0.974." in tab.get_by_role("status").inner_text()


def test_sliders_and_the_answer_change_it(tab):
    for name, value in (("input", "-1"), ("weight", "2"), ("bias", "0.5")):
        tab.get_by_label(name).fill(value)
    tab.get_by_label("no, y = 0").check()
    said = tab.get_by_role("status").inner_text()
    assert "It says 18 % yes, the answer is no: loss 0.201." in said  # -log(1 - 0.182)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everyone_can_use_it(tab, serious_faults):
    assert not serious_faults(tab)
