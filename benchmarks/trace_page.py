"""How large the page of a trace is, and how long a browser takes to open it.

Run with::

    python -m benchmarks.trace_page

The page is that of the network for Fashion-MNIST, 784-256-128-64-10, with four images. A browser
opens it five times; the time ends when its first line is drawn. Needs the extra `browser` and a
Chromium: see docs/browser/.
"""

import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

import tinynet as tn

TIMES = 5
DRAWN = """() => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(() => done()));
})"""


def network():
    """Return the network, and a batch of four images."""
    layers = tn.layers
    inner = [
        each
        for units in (256, 128, 64)
        for each in (
            layers.Dense(units, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
        )
    ]
    model = tn.Sequential([tn.Input((784,)), *inner, layers.Dense(10, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, np.random.default_rng(0).random((4, 784)), np.arange(4)


def opening(path: Path) -> list[float]:
    """Return how many seconds a browser takes, each time in a fresh one."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    seconds = []
    with sync_playwright() as playwright:
        for _ in range(TIMES):
            browser = playwright.chromium.launch(executable_path=found)
            tab = browser.new_page()
            start = time.perf_counter()
            tab.goto(path.as_uri())
            tab.locator("td.cell").first.wait_for()
            tab.evaluate(DRAWN)
            seconds.append(time.perf_counter() - start)
            browser.close()
    return seconds


def main() -> None:
    """Write the page, open it, and print what was found."""
    tn.utils.set_random_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "step.html"
        start = time.perf_counter()
        tn.trace(*network()).to_html(path)
        print(f"made in {time.perf_counter() - start:.1f} s, {path.stat().st_size / 2**20:.1f} MB")
        seconds = opening(path)
    print(
        f"opened in {statistics.median(seconds):.2f} s, the median of {TIMES} times "
        f"({min(seconds):.2f} to {max(seconds):.2f} s)"
    )


if __name__ == "__main__":
    main()
