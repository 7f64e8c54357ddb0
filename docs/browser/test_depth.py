"""The ten layers on the page about initialization: their sizes are those of tinynet's layers."""

import re
from pathlib import Path

import numpy as np
import pytest

from tinynet.layers import Dense

SCRIPT = Path(__file__).parents[1] / "_static" / "depth.js"


@pytest.fixture
def tab(watched):
    tab = watched({"width": 390, "height": 844})
    head = '<!DOCTYPE html><html lang="en"><head><title>Depth</title></head>'
    tab.set_content(f'{head}<body><main><div id="depth"></div></main>')
    tab.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    yield tab
    assert not tab.complaints


def size(values):
    return np.sqrt(np.mean(np.square(values)))


@pytest.mark.parametrize("root", [0.24, 1.0, 2**0.5, 3.0])
@pytest.mark.parametrize("name", ["relu", "tanh", "linear"])
def test_its_sizes_are_those_of_tinynet(tab, name, root):
    told = tab.evaluate("([name, root]) => depth.sizes(name, root)", [name, root])
    x, dout, kernels = (
        np.array(tab.evaluate(f"depth.{each}")) for each in ("x", "dout", "kernels")
    )
    assert abs(kernels.mean()) < 0.02 and abs(kernels.std() - 1) < 0.02
    layers = [Dense(len(kernel), name, dtype="float64") for kernel in kernels]
    values, out = [size(x)], x
    for layer, kernel in zip(layers, kernels, strict=True):
        layer.build(kernel.shape[:1])
        layer.set_weights([kernel * root / len(kernel) ** 0.5, np.zeros(len(kernel))])
        out = layer.forward(out)
        values.append(size(out))
    gradients, dx = [size(dout)], dout
    for layer in reversed(layers):
        dx = layer.backward(dx)
        gradients.insert(0, size(dx))
    np.testing.assert_allclose(told["values"], values, rtol=1e-9)
    np.testing.assert_allclose(told["gradients"], gradients, rtol=1e-9)


def test_a_slider_moves_the_lines(tab):
    before = tab.locator("#depth .values").get_attribute("points")
    tab.get_by_label("√(kV)").fill("-1")
    assert tab.locator("#depth .values").get_attribute("points") != before
    assert tab.locator("#depth label").first.inner_text() == "√(kV): 0.10"
    tab.get_by_label("Activation", exact=True).select_option("linear")
    said = re.search(r"output has ([\d.]+)e−(\d+)", tab.get_by_role("status").inner_text())
    assert said[2] in ("10", "11")  # a tenth per layer, up to the luck of the draw
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everyone_can_use_it(tab, serious_faults):
    assert not serious_faults(tab)
