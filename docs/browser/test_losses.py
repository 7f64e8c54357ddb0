"""The curve on the page about losses: it and its gradient are tinynet's."""

from pathlib import Path

import numpy as np
import pytest

from tinynet.losses import BinaryCrossentropy, Huber, MeanAbsoluteError, MeanSquaredError

SCRIPT = Path(__file__).parents[1] / "_static" / "losses.js"
OF_NUMBERS = {
    "squared error": MeanSquaredError(),
    "absolute error": MeanAbsoluteError(),
    "Huber, δ = 1": Huber(1.0),
}


@pytest.fixture
def tab(watched):
    tab = watched({"width": 390, "height": 844})
    head = '<!DOCTYPE html><html lang="en"><head><title>Loss</title></head>'
    tab.set_content(f'{head}<body><main><div id="losses-widget"></div></main>')
    tab.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    yield tab
    assert not tab.complaints


def told(tab, name, x):
    return tab.evaluate("([name, x]) => lossCurves.at(name, x)", [name, x])


def of_one(loss, target, prediction):
    """Return the loss of a single output, and its gradient."""
    value = loss(np.array([[target]]), np.array([[prediction]]))
    return [value, loss.gradient().item()]


def test_losses_and_gradients_are_those_of_tinynet(tab):
    of_answers = ["cross-entropy of a sigmoid", "squared error of a sigmoid"]
    assert tab.evaluate("lossCurves.names") == [*OF_NUMBERS, *of_answers]
    for r in (-3.0, -1.2, -0.4, 0.0, 0.7, 2.5):  # the kinks are at 0 and 1
        for name, loss in OF_NUMBERS.items():
            expected = of_one(loss, 0.0, r)
            np.testing.assert_allclose(told(tab, name, r), expected, rtol=0, atol=1e-12)
    for z in (-8.0, -1.3, 0.0, 0.4, 8.0):
        expected = of_one(BinaryCrossentropy(from_logits=True), 1.0, z)
        np.testing.assert_allclose(told(tab, of_answers[0], z), expected, rtol=0, atol=1e-12)
        p = 1 / (1 + np.exp(-z))
        value, dp = of_one(MeanSquaredError(), 1.0, p)
        expected = value, dp * p * (1 - p)
        np.testing.assert_allclose(told(tab, of_answers[1], z), expected, rtol=0, atol=1e-12)


def test_it_opens_with_the_logit_of_the_page_and_the_squared_error_has_the_other_gradient(tab):
    said = tab.get_by_role("status")
    assert "its gradient −0.9997." in said.inner_text()
    tab.get_by_label("Loss", exact=True).select_option("squared error of a sigmoid")
    assert "its gradient −0.0007." in said.inner_text()
    assert "The probability is p = 0.0003." in said.inner_text()
    assert "changes the loss by −0.000007." in said.inner_text()


def test_keys_move_the_point_and_a_number_has_a_residual(tab):
    tab.get_by_label("Loss", exact=True).select_option("absolute error")
    slider = tab.get_by_label("Residual r")
    assert slider.input_value() == "2"
    assert tab.locator("#losses-widget polyline.slope").count() == 3  # -1, the 0 at 0, and 1
    slider.focus()
    for _ in range(21):
        tab.keyboard.press("ArrowLeft")
    said = tab.get_by_role("status").inner_text()
    assert "The loss is 0.1000, and its gradient −1.0000." in said
    assert "changes the loss by −0.010000" in said
    tab.get_by_label("Loss", exact=True).select_option("squared error")
    assert slider.input_value() == "-0.1"  # the same quantity keeps its value
    dots = [float(dot.get_attribute("cx")) for dot in tab.locator("#losses-widget circle").all()]
    np.testing.assert_allclose(dots, 10 + 124 * 2.9 / 6)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everyone_can_use_it(tab, serious_faults):
    assert not serious_faults(tab)
