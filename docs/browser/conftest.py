"""The browser that all of these tests share."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

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
