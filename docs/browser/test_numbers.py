"""The numbers to change on the pages about layers: what comes out is what tinynet's layers make."""

from pathlib import Path

import numpy as np
import pytest

from tinynet import layers

SCRIPT = Path(__file__).parents[1] / "_static" / "numbers.js"
NAMES = ("convolution", "pooling", "layer_norm", "batch_norm", "dropout")


@pytest.fixture
def opened(watched):
    """Return a function that opens the numbers of a page."""
    tabs = []

    def open_page(page):
        tabs.append(watched({"width": 390, "height": 844}))
        head = '<!DOCTYPE html><html lang="en"><head><title>Numbers</title></head>'
        root = f'<div id="numbers" data-page="{page}"></div>'
        tabs[-1].set_content(f"{head}<body><main>{root}</main>")
        tabs[-1].add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
        return tabs[-1]

    yield open_page
    assert not any(tab.complaints for tab in tabs)


def computed(tab, page, given, choice=None):
    """Return what the script computes from arrays, as arrays."""
    given = {name: values.tolist() for name, values in given.items()}
    script = "([page, given, choice]) => numbers.PAGES[page].compute(given, choice)"
    found = tab.evaluate(script, [page, given, choice])
    return {
        name: np.array(found[name]) for name in ("out", "dx", "dW", "dγ", "dβ") if name in found
    }


def as_image(values):
    return values.reshape(1, *values.shape, 1)


def check(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=0, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("seed", range(3))
def test_the_convolution_is_that_of_the_layer(opened, seed):
    rng = np.random.default_rng(seed)
    x, kernel, dout = (rng.normal(size=shape) for shape in ((3, 4), (2, 2), (2, 3)))
    layer = layers.Conv2D(1, 2, use_bias=False, dtype="float64")
    layer.build((3, 4, 1))
    layer.set_weights([kernel.reshape(2, 2, 1, 1)])
    out, dx = layer(as_image(x)), layer.backward(as_image(dout))
    found = computed(opened("convolution"), "convolution", {"x": x, "W": kernel, "dout": dout})
    dkernel = layer.grads["kernel"][..., 0, 0]
    check(found, {"out": out[0, ..., 0], "dx": dx[0, ..., 0], "dW": dkernel})


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("choice", "kind"), [("maximum", layers.MaxPooling2D), ("mean", layers.AveragePooling2D)]
)
def test_the_pooling_is_that_of_the_layer(opened, choice, kind, seed):
    rng = np.random.default_rng(seed)
    x, dout = rng.integers(0, 3, (2, 4)) + 0.0, rng.normal(size=(1, 2))  # with ties
    layer = kind(2, dtype="float64")
    out, dx = layer(as_image(x)), layer.backward(as_image(dout))
    found = computed(opened("pooling"), "pooling", {"x": x, "dout": dout}, choice)
    check(found, {"out": out[0, ..., 0], "dx": dx[0, ..., 0]})


@pytest.mark.parametrize("seed", range(3))
def test_the_normalization_is_that_of_the_layer(opened, seed):
    rng = np.random.default_rng(seed)
    x, gamma, dout = (rng.normal(size=shape) for shape in ((2, 4), (1, 4), (2, 4)))
    layer = layers.LayerNormalization(dtype="float64")
    layer.build((4,))
    layer.set_weights([gamma[0], np.zeros(4)])
    out, dx = layer(x), layer.backward(dout)
    found = computed(opened("layer_norm"), "layer_norm", {"x": x, "γ": gamma, "dout": dout})
    check(found, {"out": out, "dx": dx, "dγ": layer.grads["gamma"][None]})


@pytest.mark.parametrize("seed", range(3))
def test_the_batch_normalization_is_that_of_the_layer(opened, seed):
    rng = np.random.default_rng(seed)
    x, gamma, dout = (rng.normal(size=shape) for shape in ((4, 2), (1, 2), (4, 2)))
    layer = layers.BatchNormalization(dtype="float64")
    layer.build((2,))
    layer.set_weights([gamma[0], np.zeros(2), np.zeros(2), np.ones(2)])
    out, dx = layer(x, training=True), layer.backward(dout)
    found = computed(opened("batch_norm"), "batch_norm", {"x": x, "γ": gamma, "dout": dout})
    dgamma, dbeta = layer.grads["gamma"][None], layer.grads["beta"][None]
    check(found, {"out": out, "dx": dx, "dγ": dgamma, "dβ": dbeta})


@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 1.0])
def test_the_dropout_is_that_of_the_layer(opened, rate):
    rng = np.random.default_rng(0)
    x, dout = rng.normal(size=(2, 2, 4))
    layer = layers.Dropout(rate, seed=1, dtype="float64")
    out, dx = layer(x, training=True), layer.backward(dout)
    drawn = layer.u.reshape(2, 4) if 0 < rate < 1 else rng.random((2, 4))
    given = {"x": x, "u": drawn, "dout": dout, "r": np.array([[rate]])}
    check(computed(opened("dropout"), "dropout", given), {"out": out, "dx": dx})


def shown(tab, name):
    """Return the numbers of a result as they are on the page."""
    buttons = tab.locator(f'#numbers [data-at^="{name} "]').all()
    return [float(each.inner_text().replace("−", "-")) for each in buttons]


def test_they_open_with_the_examples_of_their_pages(opened):
    tab = opened("convolution")
    assert shown(tab, "dx") == [1, -1, -1, 1, 0, 4, -2, -2, 0, 0, 4, 0]
    assert shown(tab, "dW") == [5, 1, 1, 3]
    assert "1·2 + 0·0 + 0·(−1) + 2·1 = 4." in tab.get_by_role("status").inner_text()
    tab = opened("pooling")
    assert shown(tab, "dx") == [0, 0, -4, 0, 2, 0, 0, 0]
    assert "It gets all of dout₀₁: dx₀₂ = −4." in tab.get_by_role("status").inner_text()
    tab = opened("layer_norm")
    assert shown(tab, "dx")[:4] == [0.2864, -0.0572, -0.4008, 0.1716]
    said = tab.get_by_role("status").inner_text()
    assert "dx₀₀ = 0.5344·(2 − 0.75 − (−1.0689)·(−0.6681)) = 0.2864." in said
    tab = opened("batch_norm")
    assert shown(tab, "dx") == [0.2482, 0.0354, -0.2099, 0.0354, -0.1336, -0.0354, 0.0954, -0.0354]
    said = tab.get_by_role("status").inner_text()
    assert "1·0.5344·(1 − 0.25 − (−1.0689)·(−0.2672)) = 0.2482." in said
    tab = opened("dropout")
    assert shown(tab, "out") == [0, 2.5, 0, 5, 6.25, 0, 8.75, 10]
    assert shown(tab, "dx") == [0, 2.5, 0, 5, 5, 0, 2.5, -3.75]
    assert (
        "dx₁₃ = dout₁₃/(1 − r) = (−3)/(1 − 0.2) = −3.75." in tab.get_by_role("status").inner_text()
    )


def test_a_pixel_takes_the_gradient_over_and_gives_it_back(opened):
    tab = opened("pooling")
    tab.get_by_label("x, row 1, column 3", exact=True).fill("7")
    assert shown(tab, "dx") == [0, 0, 0, 0, 2, 0, 0, -4]
    assert "So x₁₃ gets all of dout₀₁, and dx₀₂ = 0." in tab.get_by_role("status").inner_text()
    tab.get_by_label("Pooling").select_option("mean")
    assert shown(tab, "dx") == [0.5, 0.5, -1, -1, 0.5, 0.5, -1, -1]
    assert "dx₀₂ = dout₀₁/4 = (−4)/4 = −1." in tab.get_by_role("status").inner_text()
    tab.get_by_role("button", name="As at first").click()
    assert shown(tab, "dx") == [0, 0, -4, 0, 2, 0, 0, 0]
    assert "the first in the order of rows counts" in tab.get_by_role("status").inner_text()


def test_what_the_pages_say_about_them_is_so(opened):
    tab = opened("layer_norm")
    before = shown(tab, "out"), shown(tab, "dx")
    for column, value in enumerate((6, 7, 8, 11)):
        tab.get_by_label(f"x, row 0, column {column}", exact=True).fill(str(value))
    assert (shown(tab, "out"), shown(tab, "dx")) == before
    for column in range(4):
        tab.get_by_label(f"dout, row 0, column {column}", exact=True).fill("1")
        tab.get_by_label(f"γ, row 0, column {column}", exact=True).fill("1")
    assert shown(tab, "dx")[:4] == [0, 0, 0, 0]
    tab = opened("batch_norm")
    out, dx = (np.reshape(shown(tab, name), (4, 2)) for name in ("out", "dx"))
    tab.get_by_label("x, row 0, column 0", exact=True).fill("9")
    for name, before in (("out", out), ("dx", dx)):
        moved = np.reshape(shown(tab, name), (4, 2)) != before
        assert moved[:, 0].all() and not moved[:, 1].any()
    for row in range(4):
        tab.get_by_label(f"dout, row {row}, column 1", exact=True).fill("1")
    assert shown(tab, "dx")[1::2] == [0, 0, 0, 0]
    tab = opened("dropout")
    tab.get_by_label("r, row 0, column 0", exact=True).fill("0.5")
    assert shown(tab, "out") == [0, 4, 0, 8, 0, 0, 14, 0]
    assert shown(tab, "dx") == [0, 4, 0, 8, 0, 0, 4, 0]
    tab = opened("convolution")
    for row, column in np.ndindex(2, 3):
        alone = "1" if (row, column) == (1, 0) else "0"
        tab.get_by_label(f"dout, row {row}, column {column}", exact=True).fill(alone)
    assert shown(tab, "dx") == [0, 0, 0, 0, 1, -1, 0, 0, 0, 2, 0, 0]
    assert shown(tab, "dW") == [0, 3, 2, 1]


@pytest.mark.parametrize("page", NAMES)
def test_every_number_is_explained_and_reached_by_keys(opened, page):
    tab = opened(page)
    names = tab.evaluate("(page) => Object.keys(numbers.PAGES[page].results)", page)
    for name in names:
        tab.locator(f'[data-at="{name} 0 0"]').focus()
        tab.keyboard.press("ArrowRight")
        assert tab.evaluate("document.activeElement.dataset.at") == f"{name} 0 1"
        for _ in range(9):
            tab.keyboard.press("ArrowRight")  # stays within its result
        at = tab.evaluate("document.activeElement.dataset.at")
        assert at.startswith(f"{name} 0 ")
    for button in tab.locator("#numbers [data-at]").all():
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        assert f"{button.inner_text()}." in tab.get_by_role("status").inner_text()
        assert tab.locator("#numbers input.used").count() > 0


@pytest.mark.parametrize("page", NAMES)
def test_they_fit_a_phone(opened, page):
    tab = opened(page)
    for field in tab.locator("#numbers .cells input").all():
        field.fill("-98.75")
    tab.locator("#numbers .cells input").first.fill("9000000")  # what is too large counts as 99
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("page", NAMES)
def test_everyone_can_use_it(opened, serious_faults, page):
    assert not serious_faults(opened(page))
