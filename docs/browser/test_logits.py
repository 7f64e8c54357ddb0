"""The logits on the page about softmax: what their bars say is what tinynet computes."""

from pathlib import Path

import numpy as np
import pytest

from tinynet.activations import softmax
from tinynet.losses import SparseCategoricalCrossentropy

SCRIPT = Path(__file__).parents[1] / "_static" / "logits.js"


@pytest.fixture
def tab(watched):
    tab = watched({"width": 390, "height": 844})
    head = '<!DOCTYPE html><html lang="en"><head><title>Logits</title></head>'
    tab.set_content(f'{head}<body><main><div id="logits"></div></main>')
    tab.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    yield tab
    assert not tab.complaints


@pytest.mark.parametrize("z", [[2.0, 1, -1], [0.0, 0, 0], [-8.0, 8, 3.3], [1000.0, 900, -1000]])
@pytest.mark.parametrize("correct", [0, 1, 2])
def test_its_numbers_are_those_of_tinynet(tab, z, correct):
    loss = SparseCategoricalCrossentropy(from_logits=True)
    value, z = loss(np.array([correct]), np.array([z])), np.array([z])
    told = tab.evaluate("([z, correct]) => logits.softmax(z, correct)", [z[0].tolist(), correct])
    np.testing.assert_allclose(told["p"], softmax(z)[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(told["dz"], loss.gradient()[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(told["loss"], value, rtol=1e-12, atol=1e-12)


def test_it_opens_with_the_first_sample_of_the_page(tab):
    said = tab.get_by_role("status").inner_text()
    assert said == "Loss 1.3490; p = 0.7054, 0.2595, 0.0351; dz = 0.7054, −0.7405, 0.0351."


def test_sliders_and_the_class_move_the_bars(tab):
    bars = tab.locator("#logits rect.dz")
    before = [float(each.get_attribute("height")) for each in bars.all()]
    tab.get_by_label("Logit 1").fill("8")
    after = [float(each.get_attribute("height")) for each in bars.all()]
    assert max(after) < 1 < min(before[:2])  # it is right now, so there is little to learn
    tab.get_by_label("Right class").select_option("2")
    assert "dz = 0.0025, 0.9974, −0.9999." in tab.get_by_role("status").inner_text()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everyone_can_use_it(tab, serious_faults):
    assert not serious_faults(tab)
