"""The penalty on the page about regularization: its dots are minima, by tinynet's own rules."""

from pathlib import Path

import numpy as np
import pytest

from tinynet.regularizers import L1, L2

SCRIPT = Path(__file__).parents[1] / "_static" / "penalty.js"
BEST = np.array([1.5, 0.6])


@pytest.fixture
def tab(watched):
    tab = watched({"width": 390, "height": 844})
    head = '<!DOCTYPE html><html lang="en"><head><title>Penalty</title></head>'
    tab.set_content(f'{head}<body><main><div id="penalty"></div></main>')
    tab.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    yield tab
    assert not tab.complaints


@pytest.mark.parametrize("strength", [0.0, 0.25, 0.6, 1.0, 1.75])
@pytest.mark.parametrize("rule", [L2, L1])
def test_its_dots_are_minima_of_the_loss_with_the_penalty(tab, rule, strength):
    told = tab.evaluate("([kind, s]) => penalty.minimum(kind, s)", [rule.__name__, strength])
    w, penalty = np.array(told["w"]), rule(strength)
    np.testing.assert_allclose(told["penalty"], penalty(w), rtol=1e-6)
    np.testing.assert_allclose(told["data"], np.sum((w - BEST) ** 2) / 2, rtol=1e-12)
    nudges = 0.01 * np.array([[1, 0], [-1, 0], [0, 1], [0, -1], [1, -1], [-1, 1]])
    around = [np.sum((at - BEST) ** 2) / 2 + penalty(at) for at in w + nudges]
    assert told["data"] + told["penalty"] < min(around)


def test_it_opens_between_both_ends(tab):
    said = tab.get_by_role("status").inner_text()
    assert "L2: w = (0.75, 0.30), loss 0.326 + 0.326." in said
    assert "L1: w = (1.00, 0.10), loss 0.250 + 0.550." in said


def test_the_slider_moves_both_dots(tab):
    slider = tab.get_by_label("λ")
    for strength, places in (("0", [[76, 48], [186, 48]]), ("0.7", [[58.5, 55], [172, 60]])):
        slider.fill(strength)
        dots = tab.locator("#penalty .dot").all()
        found = [[float(dot.get_attribute(at)) for at in ("cx", "cy")] for dot in dots]
        np.testing.assert_allclose(found, places, rtol=0, atol=1e-6)
    assert "L1: w = (0.80, 0.00)" in tab.get_by_role("status").inner_text()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everyone_can_use_it(tab, serious_faults):
    assert not serious_faults(tab)
