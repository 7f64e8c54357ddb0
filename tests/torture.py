"""Treat tinynet badly, at full length, and print one table of what was lost.

    make torture

The ordinary tests do the same in short. Every number under *wrong*, *damaged* and *left* has to be
0; otherwise the command fails.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]


class Row(NamedTuple):
    """What was done, how often, and what came of it."""

    part: str
    tried: int
    what: str
    wrong: int
    damaged: int
    memory: float  # MiB, the most that the process has had


def faults(short: bool) -> list[Row]:
    """Put a fault in at every step of writing a file, in every way in which tinynet writes one."""
    from tests.test_files import WRITERS, Faults, faults_in

    rows = []
    for name in list(WRITERS)[: 2 if short else None]:
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
            number, wrong = 0, 0
            try:
                number = faults_in(name, Faults(patch), Path(folder))
            except AssertionError as error:
                print(error, file=sys.stderr)
                wrong = 1
            rows.append(Row(f"faults in writing {name}", number, "faults", wrong, 0, memory()))
    return rows


def kills(short: bool) -> list[Row]:
    """Kill processes that train, and begin them again, `tests/killed.py`."""
    number = 1 if short else 40
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed", "--kills", str(number)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
    )
    rows = []
    for kind in json.loads(done.stdout):
        freq, ending = kind["save_freq"], kind["format"]
        when = "every epoch" if freq == "epoch" else f"every {freq} batches"
        what = f"kills, {kind['in a save']} in a save; {kind['ends']} trainings ended"
        rows.append(
            Row(
                f"backup {when}, models as {ending}",
                kind["kills"],
                what,
                kind["wrong"],
                kind["damaged"],
                memory(resource.RUSAGE_CHILDREN),
            )
        )
    return rows


# Files of tests that `make test` runs in short: what they are about.
AT_LENGTH = {
    "test_hostile.py": "files that are damaged or lie",
    "test_bad_arguments.py": "random calls",
    "test_extremes.py": "numbers that break",
    "test_load.py": "models made and dropped, Ctrl-C, forks",
}


def at_length(short: bool) -> list[Row]:
    """Run tests with a hundred times as many examples, moments and repetitions."""
    rows = []
    for name, what in AT_LENGTH.items():
        command = [sys.executable, "-m", "pytest", f"tests/{name}", "-q", "--tb=short"]
        done = subprocess.run(
            [*command, "-p", "no:cacheprovider", "--hypothesis-show-statistics"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "TINYNET_TORTURE": "1" if short else "100"},
        )
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{name}: pytest ended with {done.returncode}\n{done.stdout}")
        if done.returncode:
            print(done.stdout, file=sys.stderr)
        examples = re.findall(r"(\d+) passing, (\d+) failing, and (\d+) invalid", done.stdout)
        ended = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed)", done.stdout)}
        tried = sum(int(n) for each in examples for n in each) + sum(ended.values())
        children = memory(resource.RUSAGE_CHILDREN)
        rows.append(Row(name, tried, what, ended.get("failed", 0), 0, children))
    return rows


PARTS: dict[str, Callable[[bool], list[Row]]] = {
    "faults": faults,
    "kills": kills,
    "tests": at_length,
}


def memory(who: int = resource.RUSAGE_SELF) -> float:
    """Return the most memory that the process, or one that it has started, has had, in MiB."""
    size = resource.getrusage(who).ru_maxrss
    return size / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def table(rows: list[Row]) -> str:
    """Return the rows as a table."""
    lines = [f"{'part':42} {'tried':>6}  {'wrong':>5} {'damaged':>7} {'MiB':>6}  what was tried"]
    for row in rows:
        lines.append(
            f"{row.part:42} {row.tried:6}  {row.wrong:5} {row.damaged:7} {row.memory:6.0f}  "
            f"{row.what}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--short", action="store_true", help="a little of everything")
    args = parser.parse_args()
    rows = [row for name in args.only for row in PARTS[name](args.short)]
    print(table(rows))
    if any(row.wrong or row.damaged for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
