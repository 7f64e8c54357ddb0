"""The browser that all of these tests share."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

SERIOUS = """async (options) => {
  const { violations } = await axe.run({ exclude: [["mjx-container"]] }, options);
  return violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(
    ({ id, nodes }) => [id, nodes.length, nodes[0].html.slice(0, 200), nodes[0].failureSummary]);
}"""
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def browser():
    """Start this machine's browser, or the one installed by ``playwright install chromium``."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        if not (found or Path(playwright.chromium.executable_path).exists()):
            pytest.exit(
                "no Chromium was found. On Debian and Ubuntu: apt install chromium; elsewhere: "
                ".venv/bin/python -m playwright install chromium",
                returncode=1,
            )
        only_here = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        chromium = playwright.chromium.launch(executable_path=found, args=[only_here])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def serious_faults():
    """Return a function that lets axe-core look at a tab, and returns what is seriously wrong.

    It looks at everything but the inside of formulas, which are drawings of thousands of parts;
    and in the dark only at contrasts, which are all that changes.
    """
    from axe_playwright_python.base import AXE_SCRIPT

    def found(tab):
        faults = {}
        if not tab.evaluate("() => 'axe' in window"):
            tab.evaluate(AXE_SCRIPT)
        for scheme, some in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
            tab.emulate_media(color_scheme=scheme)
            tab.evaluate("() => new Promise(requestAnimationFrame)")
            faults[scheme] = tab.evaluate(SERIOUS, {"resultTypes": ["violations"], **some})
        return {scheme: some for scheme, some in faults.items() if some}

    return found


@pytest.fixture
def watched(browser):
    """Return a function that opens a tab, which collects in `complaints` what goes wrong.

    A request is a complaint, too, unless it is for the one address that is allowed.
    """
    contexts = []

    def opened(size, allowed=""):
        contexts.append(browser.new_context(viewport=size))
        contexts[-1].set_default_timeout(10_000)
        tab = contexts[-1].new_page()
        tab.complaints = []
        complain = tab.complaints.append
        tab.on("console", lambda said: said.type in ("error", "warning") and complain(said.text))
        tab.on("pageerror", lambda error: complain(str(error)))
        tab.on("request", lambda got: got.url == allowed or complain(f"requests {got.url}"))
        return tab

    yield opened
    for context in contexts:
        context.close()
