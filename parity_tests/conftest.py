"""The setup of every comparison with Keras, and the report at the end."""

import shlex
import sys
from pathlib import Path

import pytest

import tinynet
from parity_tests import report
from parity_tests.backend import BACKEND, keras
from parity_tests.both import RECORD, use_floatx

LIBRARIES = (keras, tinynet)


@pytest.fixture(autouse=True)
def _float64_and_back():
    """Compare in float64, and leave both libraries as they were found."""
    before = [library.config.floatx() for library in LIBRARIES]
    use_floatx("float64")
    _clear_sessions()
    yield
    for library, floatx in zip(LIBRARIES, before, strict=True):
        library.config.set_floatx(floatx)
    _clear_sessions()


def _clear_sessions():
    tinynet.backend.clear_session()
    # Without garbage collection: half a second, twice per test, would be most of the suite's time.
    keras.backend.clear_session(free_memory=False)


def pytest_addoption(parser):
    parser.addoption(
        "--report",
        type=Path,
        metavar="FILE",
        help="write what the comparisons with Keras found to a Markdown file, and a figure",
    )


def pytest_report_header():
    return f"parity: Keras {keras.__version__} on {BACKEND}, computing on {report.device()}"


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):  # one of several processes, under -n
        session.config.workeroutput["found"] = report.packed()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    output = getattr(node, "workeroutput", {})  # a process that crashed has sent nothing
    if "found" in output:
        report.add(output["found"])


def pytest_terminal_summary(terminalreporter, config):
    if not RECORD:
        return
    terminalreporter.section("tinynet against Keras", sep="=")
    for line in report.as_text():
        terminalreporter.write_line(line)
    path, stats = config.getoption("report"), terminalreporter.stats
    if path is None:
        return
    if "deselected" in stats:
        terminalreporter.write_line(f"{path} is left as it was: only a part of the tests was run")
        return
    outcome = ", ".join(
        f"{len(stats[name])} {name}"
        for name in ("passed", "failed", "error", "skipped")
        if name in stats
    )
    report.write(path, " ".join(["python -m pytest", *map(shlex.quote, sys.argv[1:])]), outcome)
    terminalreporter.write_line(f"written: {path}")
