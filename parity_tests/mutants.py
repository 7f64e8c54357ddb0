"""Can the tests fail? Plant one bug at a time in a copy of tinynet, and check that it is caught.

    python -m parity_tests.mutants --only dropout

Every bug in planted_bugs.py is written into a copy of the package, never into the package itself;
the tests named with it run against the copy. A bug that no test catches is an error, and the exit
status is 1. The table goes to parity_tests/mutants.md; with ``--only``, the rows of these bugs.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

from parity_tests.planted_bugs import BUGS, Bug

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "parity_tests" / "mutants.md"
NOTHING = "**nothing**"
MOST_FAILURES = 3  # with this many failed tests a bug is caught; the others are not run


def copy_to(folder: Path) -> None:
    """Copy what the tests need."""
    for name in ("tinynet", "parity_tests", "tests"):  # they share helpers
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", folder)


def run(folder: Path, modules: list[str], words: str = "") -> tuple[int, str]:
    """Run test modules in a copy; return pytest's exit status and what it printed."""
    command = [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider"]
    command += [f"--maxfail={MOST_FAILURES}", "-k", words]
    command += [f"parity_tests/{module}.py" for module in modules]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "COLUMNS": "200"}
    )
    return done.returncode, done.stdout + done.stderr


def catchers(folder: Path, bug: Bug) -> list[str]:
    """Plant a bug, run its tests, remove the bug again; return the tests that failed."""
    path = folder / "tinynet" / bug.path
    right = path.read_text(encoding="utf-8")
    stat = path.stat()
    module, _, words = bug.tests.partition(" ")
    try:
        path.write_text(right.replace(bug.right, bug.wrong), encoding="utf-8")
        status, printed = run(folder, [module], words)
    finally:
        path.write_text(right, encoding="utf-8")
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    if status not in (0, 1):  # 1: tests failed; anything else means that they could not run
        raise RuntimeError(f"{bug.what}: {bug.tests} could not be run:\n{printed[-3000:]}")
    return re.findall(r"^(?:FAILED|ERROR) parity_tests/(.+?)(?: - .*)?$", printed, re.MULTILINE)


def rows(found: list[tuple[Bug, list[str]]]) -> dict[str, str]:
    """Return a row of the table for each bug."""
    made = {}
    for bug, tests in found:
        first = tests[0].replace("|", "\\|") if tests else NOTHING
        more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
        made[bug.what] = f"| {bug.what} | {bug.path} | {first}{more} |"
    return made


def rows_before() -> dict[str, str]:
    """Return the rows that the table has."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return {line[2:].partition(" | ")[0]: line for line in lines if line.startswith("| ")}


def table(known: dict[str, str]) -> str:
    """Return the report in Markdown, from a row for each bug."""
    chosen = [known[bug.what] for bug in BUGS if bug.what in known]
    caught = sum(NOTHING not in row for row in chosen)
    head = [
        "# Bugs that the comparisons with Keras catch",
        "",
        "Written by `make mutants`; not edited. Each bug was planted alone in a copy of tinynet, "
        f"and the tests named for it in planted_bugs.py were run until {MOST_FAILURES} had failed.",
        "",
        f"{caught} of {len(chosen)} bugs were caught.",
        "",
        "| bug | file | caught by |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *chosen, ""])


def main() -> int:
    """Plant all bugs and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only",
        default="",
        help="only bugs with this word in their text or path, whose rows are written anew",
    )
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default 2)")
    args = parser.parse_args()
    bugs = [bug for bug in BUGS if args.only in f"{bug.what} {bug.path}"]
    for bug in bugs:
        times = (ROOT / "tinynet" / bug.path).read_text(encoding="utf-8").count(bug.right)
        if times != 1:
            raise SystemExit(f"{bug.what}: its line is {times} times in tinynet/{bug.path}")
    with tempfile.TemporaryDirectory() as scratch:
        first = Path(scratch) / "0"
        first.mkdir()
        copy_to(first)
        modules = sorted({bug.tests.split(" ")[0] for bug in bugs})
        print(f"without a bug: {', '.join(modules)} ...", flush=True)
        status, printed = run(first, modules)
        if status != 0:
            raise SystemExit(f"the tests fail before a bug is planted:\n{printed[-3000:]}")
        free: Queue[Path] = Queue()
        free.put(first)
        for number in range(1, args.jobs):  # compiled kernels are copied along
            free.put(Path(shutil.copytree(first, Path(scratch) / str(number))))

        def plant(bug: Bug) -> tuple[Bug, list[str]]:
            folder = free.get()
            try:
                tests = catchers(folder, bug)
            finally:
                free.put(folder)
            verdict = f"caught: {tests[0]}" if tests else "NOT CAUGHT"
            print(f"{bug.path:28} {bug.what}\n{'':28} {verdict}", flush=True)
            return bug, tests

        with ThreadPoolExecutor(args.jobs) as pool:
            found = list(pool.map(plant, bugs))
    survivors = [bug.what for bug, tests in found if not tests]
    print(f"{len(found) - len(survivors)} of {len(found)} bugs caught")
    before = rows_before() if args.only else {}
    TABLE.write_text(table(before | rows(found)), encoding="utf-8")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
