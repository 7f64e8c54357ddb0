"""Every built page in a real browser: on a phone and on a desktop, in light and in dark colors.

``make docs-browser`` runs these tests on what ``make docs`` has built.
"""

import functools
import http.server
import os
import re
import subprocess
import sys
import threading
from itertools import product
from pathlib import Path

import pytest

HTML = Path(__file__).parents[1] / "_build" / "html"
PAGES = [page.relative_to(HTML).as_posix() for page in sorted(HTML.rglob("*.html"))]
if not PAGES:
    raise FileNotFoundError(f"{HTML} holds no pages; make docs builds them")
PROBLEMS, AS_SHOWN = (
    Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("problems.js", "as_shown.js")
)
# Of the pages that templates make from the code there are hundreds, all alike: with -m "not long",
# as in CI, only every twelfth of them is looked at.
FROM_CODE = ("_modules/", "api/generated/")
EACH_PAGE = [
    pytest.param(page, marks=[pytest.mark.long] if page.startswith(FROM_CODE) and i % 12 else [])
    for i, page in enumerate(PAGES)
]
# In the first, the page is laid out again, and its observers mark what is cut off.
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files without logging each in the terminal."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def site():
    """Serve the pages, and return their address."""
    handler = functools.partial(Quiet, directory=HTML)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def tab(browser, site):
    """Return one tab for all pages; its errors are collected in `tab.complaints`."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    context.set_default_timeout(10_000)
    tab = context.new_page()
    tab.complaints = []
    complain = tab.complaints.append

    def only_from_here(request):
        if not request.url.startswith((site, "data:")):
            complain(f"requests {request.url}")

    tab.on("request", only_from_here)
    tab.on("console", lambda said: said.type == "error" and complain(said.text))
    tab.on("pageerror", lambda error: complain(str(error)))
    tab.on("response", lambda got: got.status < 400 or complain(f"{got.status}: {got.url}"))
    yield tab
    context.close()


def show(tab, address, size=PHONE):
    """Open a page, and wait until its formulas are drawn and its frames are marked."""
    tab.complaints.clear()
    tab.set_viewport_size(size)
    tab.emulate_media(color_scheme="light")
    tab.goto(address)
    tab.wait_for_selector("html[data-inspected]", state="attached")


@pytest.mark.parametrize("page", EACH_PAGE)
def test_nothing_is_cut_off_missing_or_fetched_from_elsewhere(tab, site, page):
    show(tab, site + page)
    found = {}
    for size, scheme in product((PHONE, DESK), ("light", "dark")):
        tab.set_viewport_size(size)
        tab.emulate_media(color_scheme=scheme)
        tab.evaluate(TWO_FRAMES)
        problems = tab.evaluate(PROBLEMS)
        if problems:
            found[f"{size['width']} pixels, {scheme}"] = problems
    assert not found
    assert not tab.complaints


@pytest.mark.parametrize("page", EACH_PAGE)
def test_axe_finds_no_serious_fault(tab, site, page, serious_faults):
    show(tab, site + page, DESK)
    tab.evaluate("() => document.querySelectorAll('details').forEach(each => (each.open = true))")
    assert not serious_faults(tab)


@pytest.mark.parametrize("page", ["backprop/dense.html", "backprop/adam.html"])
def test_copied_examples_can_be_pasted_into_python(tab, site, page):
    show(tab, site + page, DESK)
    tab.evaluate("() => document.querySelectorAll('details').forEach(each => (each.open = true))")
    typed = []
    for block in tab.locator("div.highlight", has=tab.locator(".gp")).all():
        block.hover()
        block.locator("button.copybtn").click()
        typed.append(tab.evaluate("() => navigator.clipboard.readText()"))
    assert len(typed) >= 2
    assert not any(">>>" in text for text in typed)
    python = subprocess.run(
        [sys.executable, "-i", "-q"],
        input="\n".join([*typed, "print('to the end')", ""]),
        env={**os.environ, "TINYNET_KERNELS": "numpy"},
        capture_output=True,
        text=True,
    )
    assert "Error" not in python.stderr
    assert python.stdout.endswith("to the end\n")


WITH_A_STEP = ["index.html", "map.html", "backprop/dense.html", "trace.html"]


@pytest.mark.parametrize("page", WITH_A_STEP)
def test_a_step_in_a_frame_explains_its_numbers(tab, site, page):
    show(tab, site + page)
    frame, step = tab.locator("iframe.trace"), tab.frame_locator("iframe.trace")
    assert frame.get_attribute("loading") == "lazy"
    assert frame.get_attribute("title").endswith(", line by line")
    frame.scroll_into_view_if_needed()
    step.locator("td.cell").last.click()
    assert step.locator("td.from").count() > 0
    assert step.locator("#say").inner_text().count(" = ") == 2
    root = step.locator("html")
    for size, scheme in product((PHONE, DESK), ("light", "dark")):
        tab.set_viewport_size(size)
        tab.emulate_media(color_scheme=scheme)
        assert root.evaluate("root => root.scrollWidth <= root.clientWidth")
        paper = step.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", paper)[:3])) < 300) == (scheme == "dark")
    assert not tab.complaints


@pytest.mark.parametrize("page", WITH_A_STEP)
def test_on_paper_and_without_scripts_a_link_is_left_of_a_step(browser, site, page):
    context = browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(site + page)
    assert not plain.locator("iframe.trace").is_visible()
    context.close()
    context = browser.new_context()
    paper = context.new_page()
    paper.goto(site + page)
    assert paper.locator("iframe.trace").is_visible()
    paper.emulate_media(media="print")
    assert not paper.locator("iframe.trace").is_visible()
    assert paper.locator("iframe.trace + p a").first.is_visible()
    context.close()


def test_the_step_on_the_dense_page_has_the_numbers_of_the_example(tab, site):
    show(tab, site + "backprop/dense.html", DESK)
    step = tab.frame_locator("iframe.trace")
    step.locator("nav button", has_text="→ d dense/kernel").click()
    written = step.locator("figure.array").last.locator("td.cell")
    shown = [text.replace("\N{MINUS SIGN}", "-") for text in written.all_inner_texts()]
    assert shown == ["1", "0", "1", "0.5", "-4", "1.5"]
    written.nth(4).hover()
    assert "= −1 · 1 + 3 · (−1) = −4" in step.locator("#say").inner_text()


def lightness(color):
    """Return the relative luminance of red, green and blue (WCAG 2.2)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_in_drawings_stand_out(tab, site, scheme):
    drawings = "".join(path.read_text() for path in (HTML / "_images").glob("*.svg"))
    text = re.compile(r'<g id="text_\d+">\s*<!--[^>]*-->\s*<g style="fill: (#\w+)')
    letters = set(text.findall(drawings))
    assert len(letters) > 4
    show(tab, site + "backprop/dense.html", DESK)
    tab.emulate_media(color_scheme=scheme)
    for color in letters - {"#ffffff"}:  # white is only used for numbers on dark cells
        dark, light = sorted(
            lightness([part / 255 for part in shown]) for shown in tab.evaluate(AS_SHOWN, color)
        )
        assert (light + 0.05) / (dark + 0.05) >= 4.5, color


# What people search for, and the page that should come first.
SEARCHES = {
    "dropout": "backprop/dropout.html",
    "dense": "backprop/dense.html",
    "backpropagation": "backprop/index.html",
    "chain rule": "backprop/one_neuron.html",
    "softmax gradient": "backprop/softmax_cross_entropy.html",
    "im2col": "backprop/fast_convolution.html",
    "vanishing gradients": "backprop/initialization.html",
    "learning rate": "backprop/optimizers.html",
    "schedule": "backprop/schedules.html",
    "plateau": "backprop/schedules.html",
    "overfitting": "backprop/regularization.html",
    "layer norm": "backprop/layer_norm.html",
    "gradient check": "api/gradcheck.html#module-tinynet.gradcheck",
    "Conv2D": "api/generated/tinynet.layers.Conv2D.html#tinynet.layers.Conv2D",
}
FOUND = """() => Search.status?.innerText && [...document.querySelectorAll("ul.search > li > a")]
    .map((link) => link.getAttribute("href"))"""


@pytest.mark.parametrize("words", SEARCHES)
def test_search_puts_what_is_meant_first_and_kernels_last(tab, site, words):
    show(tab, f"{site}search.html?q={words.replace(' ', '+')}")
    found = tab.wait_for_function(FOUND).json_value()
    assert found[0] == SEARCHES[words]
    kernels = ["api/kernels.html" in address for address in found]
    assert kernels == sorted(kernels)
    assert not tab.evaluate(PROBLEMS)
    assert not tab.complaints


def test_code_stands_beside_its_step_where_there_is_room(tab, site):
    show(tab, site + "backprop/dense.html", {"width": 1440, "height": 900})
    step = tab.locator(".step").first
    text, code = step.locator(".step-text").bounding_box, step.locator(".step-code").bounding_box
    assert code()["x"] > text()["x"] + text()["width"]
    assert abs(code()["y"] - text()["y"]) < 20
    tab.set_viewport_size(PHONE)
    assert code()["x"] == text()["x"]
    assert code()["y"] > text()["y"] + text()["height"]


# The text between two marks of a source page.
LINE = """(number) => {
  const range = document.createRange();
  range.setStartAfter(document.getElementById(`line-${number}`));
  range.setEndBefore(document.getElementById(`line-${number + 1}`));
  return range.toString();
}"""


def test_source_pages_lead_back_to_entries_that_exist():
    back = re.compile(r'<a class="viewcode-back" href="([^"#]+)#([^"]+)"')
    known, missing, seen = {}, [], 0
    for page in sorted((HTML / "_modules").rglob("*.html")):
        for address, entry in back.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / address).resolve()
            if target not in known:
                known[target] = set(re.findall(r'id="([^"]+)"', target.read_text(encoding="utf-8")))
            seen += 1
            missing += [(page.name, entry)] if entry not in known[target] else []
    assert seen > 500
    assert missing == []


@pytest.mark.parametrize("page", ["backprop/dense.html", "backprop/adam.html"])
def test_captions_lead_to_the_line_of_the_source(tab, site, page):
    show(tab, site + page, DESK)
    quoted = tab.locator(".beside:has(.code-block-caption)").all()
    assert len(quoted) >= 3
    first_lines = [each.locator("pre").inner_text().split("\n")[0] for each in quoted]
    addresses = [each.locator("a").first.evaluate("(link) => link.href") for each in quoted]
    for line, address in zip(first_lines, addresses, strict=True):
        tab.goto(address)
        assert tab.evaluate(LINE, int(address.rpartition("line-")[2])).strip() == line
    assert not tab.complaints
