"""The curves on the page about activations: they and their slopes are tinynet's."""

from pathlib import Path

import numpy as np
import pytest

from tinynet.activations import ACTIVATIONS

SCRIPT = Path(__file__).parents[1] / "_static" / "curves.js"


@pytest.fixture
def tab(watched):
    tab = watched({"width": 390, "height": 844})
    head = '<!DOCTYPE html><html lang="en"><head><title>Curves</title></head>'
    tab.set_content(f'{head}<body><main><div id="curves"></div></main>')
    tab.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    yield tab
    assert not tab.complaints


def test_curves_and_slopes_are_those_of_tinynet(tab):
    names = tab.evaluate("Object.keys(curves.CURVES)")
    assert len(names) == 12
    x = np.array([-8.0, -3.2, -0.5, 0, 0.3, 2, 6, 7.9])  # kinks are at 0 and 6
    for name in names:
        f = ACTIVATIONS[name]
        out = f.forward(x)
        slope = f.backward(np.ones_like(x), x, out)
        told = tab.evaluate("([name, x]) => x.map((at) => curves.at(name, at))", [name, x.tolist()])
        np.testing.assert_allclose(told, np.stack([out, slope], 1), rtol=0, atol=1e-7, err_msg=name)


def test_it_opens_at_a_number_of_the_page(tab):
    said = tab.get_by_role("status").inner_text()
    assert "f(x) = 0.1192, and the slope f′(x) = 0.1050." in said
    assert "after 5 layers with this slope 1e−5 is left" in said


def test_the_slider_and_the_choice_move_both_points(tab):
    def points():
        found = tab.locator("#curves circle").all()
        return [[float(dot.get_attribute(at)) for at in ("cx", "cy")] for dot in found]

    before = points()
    tab.get_by_label("x:").fill("4")
    assert np.all(np.array(points())[:, 0] == before[0][0] + 124 * 6 / 16)
    tab.get_by_label("Activation", exact=True).select_option("relu")
    np.testing.assert_allclose(np.array(points())[:, 1], [62 - 9 * 4, 62 - 9])
    assert tab.locator("#curves polyline.slope").count() == 2  # it jumps at 0
    assert "dx = 1.0000; after 5 layers" in tab.get_by_role("status").inner_text()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everyone_can_use_it(tab, serious_faults):
    assert not serious_faults(tab)
