"""The valley on the page about optimizers: its walks are tinynet's, and its knobs move them."""

from pathlib import Path

import numpy as np
import pytest

from tinynet.optimizers import SGD, Adagrad, Adam, RMSprop

SCRIPT = Path(__file__).parents[1] / "_static" / "valley.js"
CURVATURE = np.array([1.0, 60.0])
FAMILY = {
    "SGD": SGD,
    "momentum": lambda rate: SGD(rate, momentum=0.9),
    "Nesterov": lambda rate: SGD(rate, momentum=0.9, nesterov=True),
    "Adagrad": Adagrad,
    "RMSprop": RMSprop,
    "Adam": Adam,
}
# The table of docs/backprop/optimizers.md.
BEST = {"SGD": 143, "momentum": 69, "Nesterov": 60, "Adagrad": 4, "RMSprop": 206, "Adam": 71}


@pytest.fixture
def tab(watched):
    tab = watched({"width": 390, "height": 844})
    head = '<!DOCTYPE html><html lang="en"><head><title>Valley</title></head>'
    tab.set_content(f'{head}<body><main><div id="valley"></div></main>')
    tab.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    yield tab
    assert not tab.complaints


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", FAMILY)
def test_walks_are_those_of_tinynet(tab, name, turned):
    half = np.sqrt(0.5)
    rotation = np.array([[half, -half], [half, half]]) if turned else np.eye(2)
    w = rotation @ np.array([-9.0, 1.6])
    optimizer = FAMILY[name](0.02)
    places = [w.copy()]
    for _ in range(60):
        optimizer.step({"w": w}, {"w": rotation @ (CURVATURE * (rotation.T @ w))})
        places.append(w.copy())
    told = tab.evaluate(
        "([name, turned]) => valley.walk(name, 0.02, 0.9, turned, 60)", [name, turned]
    )
    np.testing.assert_allclose(told, places, rtol=0, atol=1e-5)


def test_adam_without_its_correction(tab):
    w, m, v = np.array([-9.0, 1.6]), 0.0, 0.0
    places = [w]
    for _ in range(60):
        g = CURVATURE * w
        m, v = m + 0.1 * (g - m), v + 0.001 * (g**2 - v)
        w = w - 0.02 * m / (np.sqrt(v) + 1e-7)
        places.append(w)
    told = tab.evaluate("valley.walk('Adam', 0.02, 0.9, false, 60, false)")
    np.testing.assert_allclose(told, places, rtol=0, atol=1e-9)
    without = tab.get_by_label("Adam without correction")
    assert without.is_disabled()  # it opens with SGD
    tab.get_by_label("Optimizer", exact=True).select_option("Adam")
    without.check()
    assert tab.get_by_role("status").inner_text().startswith("Adam without correction at a rate")


def test_a_page_may_choose_what_it_opens_with(watched):
    tab = watched({"width": 390, "height": 844})
    tab.set_content('<div id="valley" data-optimizer="Adam" data-rate="37"></div>')
    tab.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    told = tab.get_by_role("status").inner_text()
    assert told.startswith("Adam at a rate of 0.32 stays within 0.1 of the minimum after 71 steps")


@pytest.mark.parametrize("name", FAMILY)
def test_the_best_rate_needs_as_many_steps_as_the_page_says(tab, name):
    found = tab.evaluate(
        """(name) => Array.from({ length: 60 }, (_, i) =>
             valley.arrival(valley.walk(name, valley.rateOf(i))))""",
        name,
    )
    assert min(found) == BEST[name]


def test_knobs_move_the_walk(tab):
    said = tab.get_by_role("status")
    tab.get_by_label("Optimizer", exact=True).select_option("Adam")
    rate = tab.get_by_label("Learning rate")
    rate.fill("37")
    assert said.inner_text().startswith("Adam at a rate of 0.32 stays within 0.1")
    assert tab.get_by_label("Momentum").is_disabled()
    before = tab.locator("#valley .path").get_attribute("points")
    tab.get_by_label("Turned by 45°").check()
    assert tab.locator("#valley .path").get_attribute("points") != before
    tab.get_by_label("Optimizer", exact=True).select_option("SGD")
    rate.fill("59")
    assert "flies away" in said.inner_text()
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everyone_can_use_it(tab, serious_faults):
    assert not serious_faults(tab)
