"""The accuracy of every system that tinynet has to reproduce, over several seeds, beside its bar.

make accuracy
python -m benchmarks.accuracy --only R1 R2 --seeds 0 1 2

Trains each example with each seed into runs/<example>/seed_<seed>; a run that is finished is not
made again. Prints a table and writes accuracy.md beside this file.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.seeds import models
from tinynet.files import write_atomically

ROOT = Path(__file__).parents[1]


class System(NamedTuple):
    """A line of the table."""

    name: str
    example: str
    model: str = ""  # which of the example's models, where it trains several
    bar: float | None = None  # test accuracy asked for, mean over the seeds


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


def finished(run: Path) -> dict[str, Any] | None:
    """Return the results of a finished run on Fashion-MNIST, or None."""
    path = run / "results.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    return results if results.get("data") == "fashion_mnist" else None


def train(systems: Sequence[System], seeds: Sequence[int], runs: Path) -> None:
    """Make the runs that are not there; one that fails is named and does not end the others."""
    for example in dict.fromkeys(system.example for system in systems):
        script = ROOT / "examples" / f"{example}.py"
        for seed in seeds if script.exists() else ():
            out = folder(runs, example, seed)
            if finished(out) is None:
                print(f"\n== {example}, seed {seed}", flush=True)
                command = [sys.executable, str(script), "--seed", str(seed), "--out", str(out)]
                if code := subprocess.run(command, cwd=ROOT).returncode:
                    print(f"== {example}, seed {seed}: ended with {code}", flush=True)


def lines(systems: Sequence[System], seeds: Sequence[int], runs: Path) -> Iterator[str]:
    """Yield the table; what is missing is named in its place."""
    yield "| system | example | asked for | test accuracy, mean | lowest to highest | seconds |"
    yield "|---|---|---:|---:|---|---:|"
    for system in systems:
        found, missing = [], []
        for seed in seeds:
            results = finished(folder(runs, system.example, seed)) or {}
            row = models(results).get(system.model, {})
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


def machines(systems: Sequence[System], seeds: Sequence[int], runs: Path) -> str:
    """Return the machines that the runs were made on."""
    found = (finished(folder(runs, each.example, seed)) for each in systems for seed in seeds)
    names = sorted({results["machine"] for results in found if results})
    return "; ".join(names) or "none yet"


def main() -> None:
    """Train what is missing, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--runs", type=Path, default=ROOT / "runs", help="folder of all runs")
    parser.add_argument("--only", nargs="+", help="only systems with one of these words")
    parser.add_argument("--no-train", action="store_true", help="only those runs that are there")
    args = parser.parse_args()
    words = args.only or [""]
    systems = [each for each in SYSTEMS if any(word in each.name for word in words)]
    if not args.no_train:
        train(systems, args.seeds, args.runs)
    rows = "\n".join(lines(systems, args.seeds, args.runs))
    print(f"\n{rows}")
    if args.only:
        return  # the file is about all of them
    text = (
        "# What every system reaches\n\n"
        "Written by `make accuracy`; not edited. Each example trained on Fashion-MNIST with the "
        f"seeds {', '.join(map(str, args.seeds))}. All choices were made on validation images; "
        "the test images were looked at once, at the end of each run.\n\n"
        f"- Machine: {machines(systems, args.seeds, args.runs)}\n"
        f"- Date: {dt.date.today()}\n\n{rows}\n"
    )
    write_atomically(Path(__file__).parent / "accuracy.md", text)


if __name__ == "__main__":
    main()
