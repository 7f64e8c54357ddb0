"""The accuracy of every system that tinynet has to reproduce, over several seeds, and its target.

make accuracy
python -m benchmarks.accuracy --only R1 R2 --seeds 0 1 2 --jobs 2

Trains each example with each seed into runs/<example>/seed_<seed>, and keeps the results in
accuracy.json next to this file, with a digest of the script: a run is repeated only if its
example has changed since. Prints a table and writes accuracy.md.
"""

from __future__ import annotations

import argparse
import ast
import datetime as dt
import hashlib
import io
import json
import os
import statistics
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.seeds import models
from tinynet.files import write_atomically

HERE = Path(__file__).parent
ROOT = HERE.parent
Record = dict[str, dict[str, dict[str, Any]]]  # results by example and seed


class System(NamedTuple):
    """A row of the table."""

    name: str
    example: str
    model: str = ""  # which of the example's models, where it trains several
    bar: float | None = None  # test accuracy required, mean over the seeds


SYSTEMS = (
    System("R0, the full ANN", "fashion_mnist_ann", bar=0.900),
    System("R1, dropout ANN", "dropout_ann", bar=0.885),
    System("R2, Model 1", "three_models", "Model 1", bar=0.875),
    System("R2, Model 2", "three_models", "Model 2"),
    System("R2, Model 3", "three_models", "Model 3", bar=0.890),
    System("R3, tuned ANN", "tune_ann", bar=0.895),
    System("R4, CNN", "ann_vs_cnn", "CNN", bar=0.930),
    System("the best dense network", "best_mlp", bar=0.910),
    System("the best CNN", "best_cnn", bar=0.940),
)


def folder(runs: Path, example: str, seed: int) -> Path:
    """Return where a run is kept."""
    return runs / example / f"seed_{seed}"


def script_of(example: str) -> Path:
    """Return an example's file."""
    return ROOT / "examples" / f"{example}.py"


def digest(example: str) -> str:
    """Return a digest of an example's code, without its comments and docstrings."""
    return digest_of(script_of(example).read_text(encoding="utf-8"))


def digest_of(text: str) -> str:
    """Return a digest of Python code, without its comments and docstrings."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    code = "\n".join(line.rstrip() for line in lines if line.strip())
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def recorded(record: Record, example: str, seed: int) -> dict[str, Any]:
    """Return the results of a run on Fashion-MNIST with the current script, or nothing."""
    results = record.get(example, {}).get(str(seed), {})
    if results.get("data") != "fashion_mnist" or not script_of(example).exists():
        return {}
    return results if results["script"] == digest(example) else {}


def train(
    systems: Sequence[System], seeds: Sequence[int], runs: Path, record: Record, jobs: int = 1
) -> Iterator[str]:
    """Make the runs that are not in the record, and add them; yield a line for each when it ends.

    One that fails is named and does not end the others.
    """

    def run(example: str, seed: int) -> tuple[str, int, dict[str, Any] | None]:
        out = folder(runs, example, seed)
        out.mkdir(parents=True, exist_ok=True)
        before = digest(example)
        command = [sys.executable, str(script_of(example)), "--seed", str(seed), "--out", str(out)]
        with open(out / "log.txt", "w") as log:
            code = subprocess.run(command, cwd=ROOT, env=env, stdout=log, stderr=log).returncode
        if code:
            return example, seed, None
        results = json.loads((out / "results.json").read_text())
        return example, seed, {**results, "script": before}

    env = os.environ | ({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"} if jobs > 1 else {})
    examples = [e for e in dict.fromkeys(each.example for each in systems) if script_of(e).exists()]
    todo = [(e, seed) for e in examples for seed in seeds if not recorded(record, e, seed)]
    with ThreadPoolExecutor(jobs) as pool:
        for over in as_completed([pool.submit(run, *each) for each in todo]):
            example, seed, results = over.result()
            if results is None:
                log = folder(runs, example, seed) / "log.txt"
                yield f"{example}, seed {seed}: ended with an error, see {log}"
            else:
                record.setdefault(example, {})[str(seed)] = results
                yield f"{example}, seed {seed}: done"


def lines(systems: Sequence[System], seeds: Sequence[int], record: Record) -> Iterator[str]:
    """Yield the table; what is missing is named in its place."""
    yield "| system | example | asked for | test accuracy, mean | lowest to highest | seconds |"
    yield "|---|---|---:|---:|---|---:|"
    for system in systems:
        found, missing = [], []
        for seed in seeds:
            row = models(recorded(record, system.example, seed)).get(system.model, {})
            if "test_accuracy" in row:
                found.append(row)
            else:
                missing.append(str(seed))
        asked = "" if system.bar is None else f"{system.bar:.1%}"
        cells = [system.name, f"`{system.example}.py`", asked]
        note = f"no run with seed {', '.join(missing)}" if missing else ""
        if found:
            tests = [row["test_accuracy"] for row in found]
            mean = statistics.mean(tests)
            reached = "" if system.bar is None or mean >= system.bar else ", not reached"
            spread = f"{min(tests):.2%} to {max(tests):.2%}" + (f"; {note}" if note else "")
            seconds = statistics.mean(row["seconds"] for row in found)
            cells += [f"{mean:.2%}{reached}", spread, f"{seconds:,.0f}"]
        else:
            cells += ["missing", note, ""]
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Train what is missing, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--runs", type=Path, default=ROOT / "runs", help="folder of all runs")
    parser.add_argument("--only", nargs="+", help="only systems named with one of these words")
    parser.add_argument("--jobs", type=int, default=1, help="how many runs at a time")
    parser.add_argument("--no-train", action="store_true", help="only use existing runs")
    args = parser.parse_args()
    words = args.only or [""]
    systems = [each for each in SYSTEMS if any(word in each.name for word in words)]
    kept = HERE / "accuracy.json"
    record: Record = json.loads(kept.read_text()) if kept.exists() else {}
    if not args.no_train:
        for over in train(systems, args.seeds, args.runs, record, args.jobs):
            print(over, flush=True)
            write_atomically(kept, json.dumps(record, indent=1) + "\n")
    print("\n".join(["", *lines(systems, args.seeds, record)]))
    machines = sorted({run["machine"] for runs in record.values() for run in runs.values()})
    rows = "\n".join(lines(SYSTEMS, args.seeds, record))
    text = (
        "# What every system reaches\n\n"
        "Written by `make accuracy`; not edited. Each example trained on Fashion-MNIST with the "
        f"seeds {', '.join(map(str, args.seeds))}. All choices were made on validation images; "
        "the test images were looked at once, at the end of each run. The seconds are those of "
        "training, the mean over the runs; where several ran side by side, each had one "
        "thread.\n\n"
        f"- Machine: {'; '.join(machines) or 'none yet'}\n"
        f"- Date: {dt.date.today()}\n\n{rows}\n"
    )
    write_atomically(HERE / "accuracy.md", text)


if __name__ == "__main__":
    main()
