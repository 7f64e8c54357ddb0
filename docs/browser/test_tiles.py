"""The tile on the page about fast convolution: its sums and products make a convolution."""

from pathlib import Path

import numpy as np
import pytest

from tinynet.kernels import convolution

SCRIPT = Path(__file__).parents[1] / "_static" / "tiles.js"
B_T = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])


@pytest.fixture
def tab(watched):
    tab = watched({"width": 390, "height": 844})
    head = '<!DOCTYPE html><html lang="en"><head><title>Tile</title></head>'
    tab.set_content(f'{head}<body><main><div id="tiles"></div></main>')
    tab.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    yield tab
    assert not tab.complaints


@pytest.mark.parametrize("seed", range(3))
def test_its_outputs_are_the_convolution(tab, seed):
    rng = np.random.default_rng(seed)
    t, g = rng.normal(size=(4, 4)), rng.normal(size=(3, 3))
    told = tab.evaluate("([t, g]) => tiles.winograd(t, g)", [t.tolist(), g.tolist()])
    out = np.empty((1, 2, 2, 1))
    convolution.convolve(t.reshape(1, 4, 4, 1), g.reshape(3, 3, 1, 1), (1, 1), (1, 1), out)
    np.testing.assert_allclose(told["z"], out[0, ..., 0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(told["V"], B_T @ t @ B_T.T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(told["U"], G @ g @ G.T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(told["M"], np.multiply(told["U"], told["V"]), rtol=0, atol=1e-12)


def shown(tab, name):
    """Return the numbers of a matrix as they are on the page."""
    buttons = tab.locator(f"#tiles [data-at^={name}]").all()
    return [float(each.inner_text().replace("−", "-")) for each in buttons]


def test_it_opens_with_the_picture_of_the_page_and_both_ways_to_the_first_output(tab):
    assert shown(tab, "z") == [-8, 6, 8, 10]
    said = tab.get_by_role("status").inner_text()
    nine = "0·1 + 2·0 + 0·2 + 2·0 + (−4)·3 + 2·1 + 0·2 + 2·1 + 0·0 = −8"
    assert nine in said, said


def test_a_pixel_changes_every_sum_that_it_is_in(tab):
    before = {name: shown(tab, name) for name in "UVMz"}
    tab.get_by_label("t, row 3, column 3").fill("5")  # in one sum, times 0
    after = {name: shown(tab, name) for name in "UVMz"}
    changed = {name: int(np.sum(np.not_equal(before[name], after[name]))) for name in "UVMz"}
    assert changed == {"U": 0, "V": 1, "M": 0, "z": 0}
    tab.get_by_label("g, row 2, column 2").fill("1")  # and now that factor is 1
    assert shown(tab, "M")[-1] == after["V"][-1] != 0
    tab.get_by_role("button", name="As at first").click()
    assert {name: shown(tab, name) for name in "UVMz"} == before


def test_a_product_is_explained_and_reached_by_keys(tab):
    tab.locator("[data-at=M00]").focus()
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowRight")
    said = tab.get_by_role("status").inner_text()
    assert "V₁₁ = 3 + 1 + 1 + 0 = 5" in said
    assert "U₁₁ = 0.25·(0 + 2 + 0 + 2 − 4 + 2 + 0 + 2 + 0) = 1" in said
    assert "M₁₁ = 1·5 = 5" in said
    assert tab.evaluate("document.activeElement.dataset.at") == "M11"
    pixels = tab.locator("#tiles input.plus[name^=t], #tiles input.minus[name^=t]")
    assert pixels.count() == 4
    for _ in range(9):
        tab.keyboard.press("ArrowLeft")  # stays within its matrix
    assert tab.evaluate("document.activeElement.dataset.at") == "M10"


def test_it_fits_a_phone(tab):
    for row in range(4):
        for column in range(4):
            far = "9000000" if row < 2 else "-9"  # what is too large counts as 9
            tab.get_by_label(f"t, row {row}, column {column}").fill(far)
            if max(row, column) < 3:
                tab.get_by_label(f"g, row {row}, column {column}").fill("-8.75")
    assert shown(tab, "V") == [0, 36, 0, 0, 0, 0, 0, 0, 0, -36, 0, 0, 0, 36, 0, 0]
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everyone_can_use_it(tab, serious_faults):
    assert not serious_faults(tab)
