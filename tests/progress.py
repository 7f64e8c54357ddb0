"""How ``make test`` goes about it: in all processors, the slowest first, with a word on progress.

    python -m pytest -p tests.progress -n auto tests parity_tests

On a terminal there is a bar; in a log, a line a minute. A failure is named when it happens, and the
last line says how to repeat what failed.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest
from tqdm import tqdm

# What takes longest has to begin early, or one processor is still at it when the others are done.
SLOWEST = (
    "parity_tests/test_whole_run.py",
    "tests/test_examples.py",
    "tests/test_optuna.py",
    "tests/test_sklearn.py",
    "tests/test_data_parallel.py",
    "parity_tests/test_outgrowing.py",
    "parity_tests/test_interop.py",
    "parity_tests/test_optimizers.py",
    "parity_tests/test_same_run.py",
    "parity_tests/test_augmentation.py",
    "parity_tests/test_fit.py",
    "parity_tests/",
)
EVERY = 60  # seconds, in a log


def place(item: pytest.Item) -> int:
    """Return how early a test is to begin."""
    beginnings = enumerate(SLOWEST)
    return next((i for i, name in beginnings if item.nodeid.startswith(name)), len(SLOWEST))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest tests first."""
    items.sort(key=place)


def pytest_configure(config: pytest.Config) -> None:
    """Show progress where the tests are counted: not in the processes that run them."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config), "progress of the tests")


class Progress:
    """Counts what is done, and says so.

    Parameters
    ----------
    config : pytest.Config
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.total = 0
        self.done = 0
        self.failed = 0
        self.start = self.said = time.monotonic()
        self.bar: Any = None

    def begin(self, total: int) -> None:
        """Take the number of tests."""
        if self.total == 0 and total:
            self.total = total
            self.start = self.said = time.monotonic()
            if sys.stdout.isatty():
                form = "{l_bar}{bar}| {n_fmt} of {total_fmt} tests, {remaining} left"
                self.bar = tqdm(total=total, file=sys.stdout, bar_format=form, leave=False)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the tests of this process, where there are no others."""
        self.begin(len(session.items))

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        """Count the tests that the other processes have found: all find the same."""
        self.begin(len(ids))

    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """Count as pytest does, but leave out the letter for each test."""
        if hasattr(report, "wasxfail"):
            return None
        outcome = "error" if report.failed and report.when != "call" else report.outcome
        counts = report.when == "call" or not report.passed
        word = "" if report.passed else outcome.upper()  # the summary begins its lines with it
        return (outcome if counts else ""), "", word

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Count a test that is done; name one that failed."""
        if report.failed:
            self.failed += 1
            self.write(f"FAILED {report.nodeid}")
        if report.when == "teardown":
            self.done += 1
            if self.bar is not None:
                self.bar.update()
            elif time.monotonic() - self.said >= EVERY:
                self.said = time.monotonic()
                self.write(self.line())

    def line(self) -> str:
        """Say how far it is."""
        minutes = (time.monotonic() - self.start) / 60
        failed = f", {self.failed} failed" if self.failed else ""
        share = self.done / max(1, self.total)
        return f"{minutes:3.0f} min: {self.done:,} of {self.total:,} tests ({share:.0%}){failed}"

    def write(self, text: str) -> None:
        """Print a line, above the bar if there is one."""
        if self.bar is not None:
            self.bar.write(text, file=sys.stdout)
        else:
            print(f"\n{text}", end="", flush=True)

    def pytest_sessionfinish(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()

    def pytest_unconfigure(self) -> None:
        """Say last how to repeat what failed."""
        if self.failed:
            print('To repeat what failed: make test ARGS="--last-failed"')
