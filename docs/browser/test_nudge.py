"""The nudge on the first page of the derivations: its differences are those that the page has."""

from math import exp, log
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[1] / "_static" / "nudge.js"


@pytest.fixture
def tab(watched):
    tab = watched({"width": 390, "height": 844})
    head = '<!DOCTYPE html><html lang="en"><head><title>Nudge</title></head>'
    tab.set_content(f'{head}<body><main><div id="nudge"></div></main>')
    tab.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    yield tab
    assert not tab.complaints


def loss(w):
    return -log(1 / (1 + exp(-(2 * w - 1.5))))


@pytest.mark.parametrize("h", [0.5, 0.1, 1e-2, 1e-3])
def test_its_differences_are_those_of_the_formulas(tab, h):
    slope = 2 * (1 / (1 + exp(0.5)) - 1)
    near = {steps: loss(0.5 + steps * h) for steps in (-2, -1, 0, 1, 2)}
    right = {
        "one side": (near[1] - near[0]) / h,
        "both sides": (near[1] - near[-1]) / (2 * h),
        "four points": np.dot([near[i] for i in (-2, -1, 1, 2)], [1, -8, 8, -1]) / (12 * h),
    }
    found = tab.evaluate("h => nudge.measured(h, false)", h)
    assert found.keys() == right.keys()
    np.testing.assert_allclose(tab.evaluate("nudge.SLOPE"), slope, rtol=1e-14)
    for name, value in right.items():
        np.testing.assert_allclose(found[name]["slope"], value, rtol=0, atol=1e-15 / h)
        error = abs(found[name]["slope"] - slope) / abs(slope)
        np.testing.assert_allclose(found[name]["error"], error, rtol=1e-6, atol=1e-15)


def test_it_opens_where_gradcheck_measures_and_its_slider_moves(tab):
    said = tab.get_by_role("status").inner_text()
    assert "one side: −1.2448716609, error 4e−5" in said
    assert "four points: −1.2449186624" in said
    line = tab.locator("#nudge .here")
    before = line.get_attribute("d")
    tab.get_by_label("h: ").fill("-12")
    assert line.get_attribute("d") != before
    rounded = tab.evaluate("nudge.measured(1e-12, false)['four points'].error")
    assert 1e-6 < rounded < 1e-2  # what is left of the digits


def test_float32_leaves_few_digits(tab):
    tab.get_by_label("losses in float32").check()
    said = tab.get_by_role("status").inner_text()
    assert "both sides: −1.2451" in said, said
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everyone_can_use_it(tab, serious_faults):
    assert not serious_faults(tab)
