"""Treat tinynet badly, at full length, and print one table of what was lost.

    make torture
    make torture ARGS="--only kills fuzz --share 0.01"

The ordinary tests do the same in short. Every number under *wrong*, *lost*, *crashes* and *hangs*
has to be 0; otherwise the command fails. `--share` says which part of the full length is run, and
the last line how long the whole would take. `--jobs 2` runs two parts beside each other.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
# At full length.
KILLS, INPUTS, MOMENTS, EXAMPLES, SEEDS = 200, 500_000, 1_000, 100, 10
GUIDED = 5_000  # for each loader
GROWTH = {"models": 10_000, "epochs": 2_000, "predictions": 1_000_000}
PATIENCE = 6 * 3600  # seconds for a program that watches over itself, too


class Row(NamedTuple):
    """What was done, how often, and what came of it.

    Attributes
    ----------
    point : int
        Of the list in docs/trust.md.
    part : str
    tried : int
    unit : str
        Of what so many.
    wrong : int
        Results that are not those of an undisturbed program, and errors that are not documented.
    lost : int
        Files that were damaged, models that could not go on, memory that was not given back.
    crashes, hangs : int
        Processes that ended with a signal that nobody had sent, or that did not end.
    memory : float
        MiB, the most that a process has had.
    """

    point: int
    part: str
    tried: int
    unit: str
    wrong: int = 0
    lost: int = 0
    crashes: int = 0
    hangs: int = 0
    memory: float = 0.0


class Ended(NamedTuple):
    """How a program has ended."""

    said: str
    code: int
    memory: float


def ran(*command: str, **environment: str) -> Ended:
    """Run a Python program to its end."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdout=said,
            cwd=ROOT,
            env={**os.environ, **environment},
        )
        limit = threading.Timer(PATIENCE, os.kill, (process.pid, signal.SIGALRM))
        limit.start()
        _, status, used = os.wait4(process.pid, 0)
        limit.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        size = used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
        return Ended(said.read(), process.returncode, size)


def as_json(*command: str) -> tuple[Any, float]:
    """Return what a program prints, and its memory; it counts crashes and hangs by itself."""
    ended = ran(*command)
    if ended.code:
        raise RuntimeError(f"{' '.join(command)}: ended with {ended.code}\n{ended.said}")
    return json.loads(ended.said.splitlines()[-1]), ended.memory


def kills(share: float) -> list[Row]:
    """Kill processes that train, and begin them again, `tests/killed.py`."""
    from tests.killed import KINDS

    each = max(1, round(KILLS * share / len(KINDS)))
    found, memory = as_json("tests.killed", "--kills", str(each))
    rows = []
    for kind in found:
        freq, ending = kind["save_freq"], kind["format"]
        when = "every epoch" if freq == "epoch" else f"every {freq} batches"
        unit = f"kills, {kind['in a save']} in a save; {kind['ends']} trainings ended"
        bad = {"wrong": kind["wrong"], "lost": kind["damaged"], "hangs": kind["hangs"]}
        part = f"backup {when}, models as {ending}"
        rows.append(Row(1, part, kind["kills"], unit, memory=memory, **bad))
    return rows


def faults(share: float) -> list[Row]:
    """Put a fault in at every step of writing a file, in every way in which tinynet writes one."""
    import resource

    from tests.test_files import WRITERS, Faults, faults_in

    rows = []
    for name in list(WRITERS)[: max(2, round(share * len(WRITERS)))]:
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
            number, wrong = 0, 0
            try:
                number = faults_in(name, Faults(patch), Path(folder), every=1)
            except AssertionError as error:
                print(error, file=sys.stderr)
                wrong = 1
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        memory = used / (1 << 20 if sys.platform == "darwin" else 1 << 10)
        rows.append(Row(2, f"writing {name}", number, "faults", wrong, memory=memory))
    return rows


def fuzz(share: float) -> list[Row]:
    """Change honest files at random, and read them, `tests/fuzz.py`."""
    return inputs("", "tests.fuzz", max(26, round(INPUTS * share)))


def guided(share: float) -> list[Row]:
    """Let what the loaders run lead the changes, `tests/fuzz_guided.py`, where atheris is."""
    if importlib.util.find_spec("atheris") is None:
        return [Row(3, "led by coverage", 0, "inputs: there is no atheris here")]
    return inputs(", led by coverage", "tests.fuzz_guided", max(20, round(GUIDED * share)))


def inputs(how: str, program: str, number: int) -> list[Row]:
    """Let a program read so many inputs."""
    found, memory = as_json(program, "--inputs", str(number))
    return [
        Row(
            3,
            f"reading {each['loader']}{how}",
            each["read"] + each["refused"] + each["crashes"] + each["hangs"],
            f"inputs, {each['refused']} refused",
            each["wrong"],
            crashes=each["crashes"],
            hangs=each["hangs"],
            memory=memory,
        )
        for each in found
    ]


def bits(share: float) -> list[Row]:
    """Train with one seed in many ways, `benchmarks/same_bits.py`."""
    from benchmarks.same_bits import same

    tried = wrong = 0
    seeds = max(1, round(SEEDS * share))
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as name:
            _, found = same(seed, Path(name))
        tried += len(found)
        wrong += sum(any(cell != "same bits" for cell in row) for row in found.values())
    return [Row(4, "one seed, one result", tried, f"processes, {seeds} seeds", wrong)]


# Files of tests that `make test` runs in short: point, what they are about.
AT_LENGTH = {
    "test_full_disk.py": (2, "a full disk during a training"),
    "test_hostile.py": (3, "attacks, and damaged files by Hypothesis"),
    "test_extremes.py": (5, "numbers that break"),
    "test_nan.py": (5, "NaN, and its cause"),
    "test_bad_arguments.py": (6, "bad and random calls"),
    "test_bad_input.py": (6, "bad data"),
    "test_bad_order.py": (6, "calls in the wrong order"),
    "test_load.py": (8, "growth, Ctrl-C, forks, joblib"),
    "test_interrupts.py": (8, "Ctrl-C in a step"),
    "test_threads.py": (8, "threads"),
}


def tests(share: float) -> list[Row]:
    """Run tests with a hundred times as many examples, moments and repetitions."""
    rows = []
    for name, (point, part) in AT_LENGTH.items():
        ended = ran(
            *("pytest", f"tests/{name}", "-q", "--tb=short", "-p", "no:cacheprovider"),
            "--hypothesis-show-statistics",
            TINYNET_TORTURE=str(max(1, round(EXAMPLES * share))),
        )
        if ended.code > 1:
            raise RuntimeError(f"{name}: pytest ended with {ended.code}\n{ended.said}")
        if ended.code:
            print(ended.said, file=sys.stderr)
        examples = re.findall(r"(\d+) passing, (\d+) failing, and (\d+) invalid", ended.said)
        count = {word: int(n) for n, word in re.findall(r"(\d+) (passed|failed)", ended.said)}
        tried = sum(int(n) for each in examples for n in each)
        unit = f"tests{f', {tried} examples' if tried else ''}"
        stopped = ended.code == -signal.SIGALRM
        rows.append(
            Row(
                point,
                f"{part} ({name})",
                sum(count.values()),
                unit,
                count.get("failed", 0),
                crashes=ended.code < 0 and not stopped,
                hangs=stopped,
                memory=ended.memory,
            )
        )
    return rows


def ctrl_c(share: float) -> list[Row]:
    """Interrupt trainings at random moments, `tests/ctrl_c.py`."""
    from tests.ctrl_c import KINDS

    each = max(2, round(MOMENTS * share / len(KINDS)))
    found, memory = as_json("tests.ctrl_c", "--moments", str(each))
    return [
        Row(
            8,
            f"Ctrl-C, {kind['kind']}",
            kind["interrupts"],
            "interruptions",
            kind["wrong"],
            crashes=kind["crashes"],
            hangs=kind["hangs"],
            memory=memory,
        )
        for kind in found
    ]


def growth(share: float) -> list[Row]:
    """Make models, epochs and predictions, and see whether memory grows, `tests/growth.py`."""
    rows = []
    for work, times in GROWTH.items():
        found, memory = as_json("tests.growth", work, str(max(100, round(times * share))))
        part = f"{work}: memory grows by {found['MiB']:.1f} MiB"
        rows.append(Row(8, part, found["times"], work, lost=found["wrong"], memory=memory))
    return rows


PARTS: dict[str, Callable[[float], list[Row]]] = {  # the longest first
    "fuzz": fuzz,
    "tests": tests,
    "guided": guided,
    "kills": kills,
    "ctrl_c": ctrl_c,
    "growth": growth,
    "bits": bits,
    "faults": faults,
}


def table(rows: list[Row]) -> str:
    """Return the rows as a table, and their sum."""
    lines = [
        f"{'point and part':62} {'tried':>8}  {'wrong':>5} {'lost':>4} {'crashes':>7} {'hangs':>5} "
        f"{'MiB':>5}  of what"
    ]
    bad = [sum(each) for each in zip(*(row[4:8] for row in rows), strict=True)]
    total = Row(0, "all", sum(row.tried for row in rows), "", *bad, max(r.memory for r in rows))
    for row in (*rows, total):
        name = f"{row.point} {row.part}" if row.point else row.part
        lines.append(
            f"{name:62} {row.tried:8}  {row.wrong:5} {row.lost:4} {row.crashes:7} {row.hangs:5} "
            f"{row.memory:5.0f}  {row.unit}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--share", type=float, default=1.0, help="of the full length; 0.01")
    parser.add_argument("--jobs", type=int, default=1, help="parts beside each other")
    args = parser.parse_args()
    seconds: dict[str, float] = {}

    def timed(name: str) -> list[Row]:
        start = time.monotonic()
        rows = PARTS[name](args.share)
        seconds[name] = time.monotonic() - start
        print(f"{name}: {seconds[name]:.0f} s", file=sys.stderr, flush=True)
        return rows

    # Faults are put into this very process, so nothing else may run in it then.
    rows = timed("faults") if "faults" in args.only else []
    with ThreadPoolExecutor(args.jobs) as pool:
        for found in pool.map(timed, [name for name in PARTS if name in {*args.only} - {"faults"}]):
            rows += found
    rows.sort(key=lambda row: row.point)
    print(table(rows))
    if args.share < 1:
        longer = 1 / args.share / 60 if args.share else 0.0
        parts = ", ".join(f"{name} {took * longer:.0f}" for name, took in seconds.items())
        print(f"At full length at most so many minutes, as busy as the machine was: {parts}.")
    if any(row.wrong or row.lost or row.crashes or row.hangs for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
