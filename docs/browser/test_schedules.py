"""The schedules to choose on their page: tinynet's rates, and the distance that walks measure."""

from pathlib import Path

import numpy as np
import pytest

from tinynet.optimizers import SGD
from tinynet.optimizers.schedules import (
    CosineDecay,
    ExponentialDecay,
    InverseTimeDecay,
    PolynomialDecay,
)

SCRIPT = Path(__file__).parents[1] / "_static" / "schedules.js"
SCHEDULES = {
    "constant": lambda rate, length: rate,
    "1/t": lambda rate, length: InverseTimeDecay(rate, length, 9.0),
    "exponential": lambda rate, length: ExponentialDecay(rate, length, 0.1),
    "straight line": lambda rate, length: PolynomialDecay(rate, length, 0.0),
    "cosine": CosineDecay,
    "cosine after a warm-up": lambda rate, length: CosineDecay(
        0.0, length, warmup_target=rate, warmup_steps=40
    ),
}


@pytest.fixture
def tab(watched):
    tab = watched({"width": 390, "height": 844})
    head = '<!DOCTYPE html><html lang="en"><head><title>Schedules</title></head>'
    tab.set_content(f'{head}<body><main><div id="schedules"></div></main>')
    tab.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    yield tab
    assert not tab.complaints


@pytest.mark.parametrize("name", SCHEDULES)
def test_its_rates_and_distances_are_those_of_tinynet(tab, name):
    told = tab.evaluate("(name) => schedules.walk(name, 0.1, 300)", name)
    optimizer, rng, w = SGD(SCHEDULES[name](0.1, 300)), np.random.default_rng(0), np.full(4000, 3.0)
    rates, distances = [], [3.0]
    for _ in range(400):
        rates.append(float(optimizer.learning_rate))
        optimizer.step({"w": w}, {"w": w + rng.normal(size=4000)})
        distances.append(np.sqrt(np.mean(w**2)))
    np.testing.assert_allclose(told["rates"], rates, rtol=0, atol=1e-7)
    np.testing.assert_allclose(told["distances"], distances, rtol=0.06)
    assert set(SCHEDULES) == set(tab.evaluate("Object.keys(schedules.SCHEDULES)"))


def test_it_opens_with_a_cosine(tab):
    said = tab.get_by_role("status").inner_text()
    assert "Rate of the first step 0.050, of the last one less than 0.0001." in said
    constant = np.sqrt(0.05012 / (2 - 0.05012))  # the level that the page derives
    assert f"at the constant rate it is {constant:.3f}" in said


def test_the_knobs_move_both_curves(tab):
    said = tab.get_by_role("status")
    seen = {said.inner_text()}
    for label, value in (("Highest rate", "50"), ("Falls over", "100")):
        tab.get_by_label(label).fill(value)
        seen.add(said.inner_text())
    assert len(seen) == 3
    tab.get_by_label("Schedule", exact=True).select_option("constant")
    assert tab.get_by_label("Falls over").is_disabled()
    rate = tab.locator("#schedules .rate").get_attribute("points").split()
    assert len({point.split(",")[1] for point in rate}) == 1  # a level line
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_one_of_them_comes_close_to_the_mean(tab):
    found = tab.evaluate(
        """() => Object.keys(schedules.SCHEDULES).map((name) =>
             schedules.walk(name, schedules.rateOf(54), 20).distances.at(-1))"""
    )
    lowest = dict(zip(SCHEDULES, found, strict=True))
    assert 0.05 <= lowest["1/t"] < 0.051
    assert min(lowest[name] for name in SCHEDULES if name != "1/t") > 0.06


def test_everyone_can_use_it(tab, serious_faults):
    assert not serious_faults(tab)
