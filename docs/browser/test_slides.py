"""The slides: every figure is seen, by keyboard alone, on a projector and on a phone."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

SLIDES = Path(__file__).parents[1] / "_build" / "html" / "slides.html"
PROJECTOR, PHONE = {"width": 1280, "height": 720}, {"width": 390, "height": 844}
# What is wrong with the slide that is shown: letters or the figure beyond the screen, or too small.
WRONG = """() => {
  const shown = [...document.querySelectorAll("section")].filter((each) => each.offsetHeight);
  if (shown.length !== 1) return [`${shown.length} slides at once`];
  const [slide] = shown, wrong = [];
  if (document.activeElement !== slide.querySelector("h1, h2")) wrong.push("no focus");
  if (document.scrollingElement.scrollWidth > innerWidth) wrong.push("wider than the screen");
  if (slide.id === "contents") return wrong;
  if (slide.scrollHeight > slide.clientHeight + 1) wrong.push("higher than the screen");
  const image = slide.querySelector("img"), frame = image.parentElement.getBoundingClientRect();
  const { left, right, top, bottom } = frame;
  if (left < 0 || right > innerWidth || top < 0) wrong.push("its figure is beyond the edge");
  if (innerWidth > innerHeight && bottom > innerHeight) wrong.push("its figure ends below");
  if (!image.naturalWidth || !image.alt || frame.height < 100) wrong.push("no figure");
  if (!slide.querySelector("a[href*='.html#']")) wrong.push("no link to its page");
  const size = parseFloat(getComputedStyle(slide.querySelector(".text p")).fontSize);
  if (innerWidth > innerHeight && size < innerHeight / 26) wrong.push("letters too small");
  return wrong;
}"""
# What of the figure is in view: its top and bottom, as shares of its height.
IN_VIEW = """() => {
  const image = [...document.querySelectorAll("img")].find((each) => each.offsetHeight);
  if (!image) return null;
  const frame = image.parentElement.getBoundingClientRect(), all = image.getBoundingClientRect();
  const share = (y) => (y - all.top) / all.height;
  return [image.closest("section").id, share(frame.top), share(frame.bottom)];
}"""


def opened(watched, size, name=""):
    tab = watched(size, SLIDES.as_uri())
    tab.goto(SLIDES.as_uri())
    tab.wait_for_selector("html[data-inspected]", state="attached")
    if name:
        go(tab, lambda: tab.evaluate("(name) => { location.hash = name; }", name))
    return tab


def go(tab, move):
    """Do what leads to another slide or part, and wait until it is shown."""
    move()
    tab.evaluate("() => new Promise((done) => setTimeout(done, 20))")  # its event is on its way


@pytest.mark.parametrize("size", [PROJECTOR, PHONE], ids=["projector", "phone"])
def test_the_arrow_leads_through_all_of_every_figure_and_back(watched, size):
    tab = opened(watched, size)
    tab.emulate_media(reduced_motion="reduce")  # a part is in its place at once
    names = tab.evaluate("() => [...document.querySelectorAll('section[id]')].map(({ id }) => id)")
    seen, wrong, last = {}, {}, None
    while True:
        now = (tab.evaluate("() => location.hash"), tab.locator("[role=status]").inner_text())
        if now == last:
            break
        if problems := tab.evaluate(WRONG):
            wrong[now] = problems
        if shown := tab.evaluate(IN_VIEW):
            seen.setdefault(shown[0], []).append(shown[1:])
        last = now
        go(tab, lambda: tab.keyboard.press("ArrowRight"))
    assert not wrong
    assert len(names) > 25
    assert list(seen) == names[1:]
    for name, views in seen.items():
        assert views[0][0] <= 0.01 and views[0][1] >= 0.99, f"{name} is not shown whole"
        parts = views[1:]
        gaps = [b[0] > a[1] for a, b in pairwise(parts)]
        assert not any(gaps), name
        assert not parts or (parts[0][0] <= 0.01 and parts[-1][1] >= 0.99), name
    assert any(len(views) > 1 for views in seen.values()) == (size is PROJECTOR)
    for _ in names:
        go(tab, lambda: tab.keyboard.press("ArrowUp"))
    assert tab.evaluate("() => location.hash") == "#contents"
    assert not tab.complaints


def test_keys_buttons_and_links_lead_everywhere(watched):
    tab = opened(watched, PROJECTOR, "dense")
    status = tab.locator("[role=status]")
    go(tab, lambda: tab.keyboard.press("PageDown"))
    assert "part 1 of" in status.inner_text()
    go(tab, lambda: tab.keyboard.press("ArrowLeft"))
    assert "part" not in status.inner_text()
    go(tab, lambda: tab.keyboard.press("ArrowDown"))
    assert tab.evaluate("() => location.hash") == "#activations"
    go(tab, lambda: tab.keyboard.press("Home"))
    assert tab.evaluate("() => location.hash") == "#contents"
    go(tab, lambda: tab.get_by_role("link", name="Dropout", exact=True).press("Enter"))
    assert tab.evaluate("() => location.hash") == "#dropout"
    forward = tab.get_by_role("button", name="Forward")
    forward.focus()
    go(tab, lambda: tab.keyboard.press("Space"))  # once, not also as a key of the slides
    assert "part 1 of" in status.inner_text()
    go(tab, lambda: tab.keyboard.press("End"))
    assert "#code_map" in tab.evaluate("() => location.hash")
    target = tab.locator("section#dense .page a").get_attribute("href")
    page, _, place = target.partition("#")
    assert f'id="{place}"' in (SLIDES.parent / page).read_text(encoding="utf-8")
    assert not tab.complaints


def test_the_light_is_the_systems_until_it_is_switched(watched):
    tab = opened(watched, PROJECTOR, "dense")
    color = "() => getComputedStyle(document.body).backgroundColor"
    turned = "() => getComputedStyle(document.querySelector('img')).filter !== 'none'"
    assert tab.evaluate(color) == "rgb(255, 255, 255)" and not tab.evaluate(turned)
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")
    assert tab.evaluate(color) != "rgb(255, 255, 255)" and tab.evaluate(turned)
    tab.keyboard.press("d")
    assert tab.evaluate(color) == "rgb(255, 255, 255)" and not tab.evaluate(turned)


def test_printed_each_is_a_page_even_from_near_and_in_the_dark(watched):
    tab = opened(watched, PROJECTOR, "dense")
    tab.emulate_media(color_scheme="dark")
    go(tab, lambda: tab.keyboard.press("ArrowRight"))
    printed = tab.pdf(format="A4", landscape=True)
    slides = tab.locator("section").count()
    assert max(map(int, re.findall(rb"/Count (\d+)", printed))) == slides
    tab.emulate_media(media="print")
    assert tab.evaluate("() => getComputedStyle(document.body).color") == "rgb(34, 34, 34)"
