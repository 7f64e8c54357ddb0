"""The page of a trace in a browser: it explains its numbers, by mouse and by keyboard, alone."""

import re

import numpy as np
import pytest

import tinynet as tn

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


def dense():
    """Return a network of 3, 4 and 2 units, and a batch of two."""
    layers = [tn.layers.Dense(4, activation="relu", name="hidden"), tn.layers.Dense(2, name="top")]
    model = tn.Sequential([tn.Input((3,)), *layers])
    loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(tn.optimizers.SGD(0.5), loss)
    return model, np.array([[1.0, 2.0, -1.0], [0.0, 1.0, 3.0]]), np.array([1, 0])


def full():
    """Return the network of the example for Fashion-MNIST, and four images of random pixels."""
    inner = [
        each
        for units in (256, 128, 64)
        for each in (
            tn.layers.Dense(units, activation="relu"),
            tn.layers.BatchNormalization(),
            tn.layers.Dropout(0.3),
        )
    ]
    top = tn.layers.Dense(10, activation="softmax", name="top")
    model = tn.Sequential([tn.Input((784,)), *inner, top])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, np.random.default_rng(0).random((4, 784)), np.array([0, 3, 5, 9])


def images():
    """Return a convolutional network, and four images of random pixels."""
    layers = [
        tn.layers.Conv2D(4, 3, activation="relu", name="conv"),
        tn.layers.MaxPooling2D(name="pool"),
        tn.layers.Flatten(),
        tn.layers.Dense(10, activation="softmax", name="top"),
    ]
    model = tn.Sequential([tn.Input((28, 28, 1)), *layers])
    model.compile("adam", "sparse_categorical_crossentropy")
    return model, np.random.default_rng(0).random((4, 28, 28, 1)), np.array([0, 3, 5, 9])


@pytest.fixture(params=[dense, full, images])
def opened(request, watched, tmp_path):
    """Open the page of a network in a new tab; return the tab, which collects what goes wrong."""
    tn.utils.set_random_seed(1)
    path = tmp_path / "trace.html"
    tn.trace(*request.param()).to_html(path)
    tab = watched(DESK, path.as_uri())
    tab.goto(path.as_uri())
    yield tab
    assert not tab.complaints


def open_line(tab, title):
    """Show the first line that calls a kernel."""
    tab.locator("nav button", has_text=re.compile(rf"^\d+ {title} ")).first.click()


def said(tab):
    return tab.locator("#say").inner_text()


def value(text):
    """Return the number that a calculation such as "1 · (−0.5) + 0.25 = −0.25" comes to."""
    text = text.replace("\N{MINUS SIGN}", "-").replace("·", "*")
    text = re.sub(r"\(the other \d+\)", "", text)
    assert re.fullmatch(r"[-+*/(). \de]+", text), text
    return eval(text)


def test_every_line_can_be_shown_by_keyboard(opened):
    lines = opened.locator("nav button").count()
    assert opened.locator("#where").inner_text() == f"line 4 of {lines}, forward"
    for _ in range(3):
        opened.keyboard.press("ArrowLeft")
    assert opened.locator("#where").inner_text() == f"line 1 of {lines}, forward"
    assert opened.locator("#back").is_disabled()
    for number in range(2, lines + 1):
        opened.keyboard.press("ArrowRight")
        assert opened.locator("#where").inner_text().startswith(f"line {number} of {lines}, ")
        assert opened.locator("nav [aria-current]").inner_text().startswith(f"{number} ")
        assert opened.locator("td.cell").count() > 0 or "python" in said(opened)
        captions = " ".join(opened.locator("figcaption").all_inner_texts())
        assert "undefined" not in captions and "NaN" not in captions
    assert opened.locator("#next").is_disabled()
    opened.keyboard.press("ArrowLeft")
    assert opened.locator("#where").inner_text().startswith(f"line {lines - 1} ")


@pytest.mark.parametrize("title", ["product", "column_sum", "bias_add"])
def test_a_number_is_explained_by_those_that_it_was_made_from(opened, title):
    open_line(opened, title)
    written = opened.locator("figure.array").last.locator("td.cell")
    for place in {0, written.count() - 1}:
        written.nth(place).hover()
        assert opened.locator("td.hot").count() == 1
        assert opened.locator("td.from").count() > 0
        (told,) = [line for line in said(opened).split("\n") if " = " in line]
        _, sum_of_numbers, result = told.split(" = ")
        assert value(sum_of_numbers) == pytest.approx(value(result), rel=2e-3, abs=2e-3)


def test_what_is_said_follows_the_keyboard(opened):
    open_line(opened, "product")
    first = opened.locator("figure.array").last.locator("td.cell").first
    first.focus()
    before = said(opened)
    line = opened.locator("#where").inner_text()
    opened.keyboard.press("ArrowRight")
    assert said(opened) != before
    assert opened.locator("#say").get_attribute("role") == "status"
    assert opened.locator("td.hot").evaluate("cell => cell === document.activeElement")
    assert opened.locator("#where").inner_text() == line


def test_weights_have_measured_slopes(opened):
    opened.locator("#nudges summary").click()
    rows = opened.locator("#nudges tbody tr")
    assert rows.count() > 20
    for row in rows.all():
        measured, gradient = (value(each) for each in row.locator("td").all_inner_texts()[1:])
        assert measured == pytest.approx(gradient, rel=1e-3, abs=1e-6)
    open_line(opened, "column_sum")
    told = []
    for cell in opened.locator("figure.array").last.locator("td.cell").all():
        cell.hover()
        told.append(said(opened))
    assert any("Nudged a little, the loss changes by" in text for text in told)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(opened, scheme):
    opened.set_viewport_size(PHONE)
    opened.emulate_media(color_scheme=scheme)
    for _ in range(opened.locator("nav button").count()):
        wide = opened.evaluate("document.scrollingElement.scrollWidth")
        assert wide <= PHONE["width"], opened.locator("#where").inner_text()
        opened.keyboard.press("ArrowRight")
    colors = opened.evaluate(
        "(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.body))"
    )
    light = [sum(map(int, re.findall(r"\d+", each)[:3])) for each in colors]
    assert (light[0] < light[1]) == (scheme == "light")


def test_it_plays(opened):
    opened.locator("#play").click()
    assert opened.locator("#play").inner_text() == "Pause"
    opened.locator("#where", has_text=re.compile("^line 5 ")).wait_for()
    opened.locator("#play").click()
    assert opened.locator("#play").inner_text() == "Play"


def test_it_plays_to_the_end(opened):
    opened.clock.install()
    buttons = opened.locator("nav button")
    buttons.nth(buttons.count() - 3).click()
    opened.locator("#play").click()
    opened.clock.run_for(3_000)
    lines = buttons.count()
    assert opened.locator("#where").inner_text().startswith(f"line {lines} of {lines}, ")
    assert opened.locator("#play").inner_text() == "Play"


def test_axe_finds_no_serious_fault(opened, serious_faults):
    opened.set_viewport_size(PHONE)
    opened.locator("#nudges summary").click()
    for title in ("product", "column_sum", "count_up"):
        open_line(opened, title)
        opened.locator("td.cell").last.click()
        assert not serious_faults(opened), title
