"""The accuracy of finished runs of an example, as a table with mean and spread.

make seeds
python benchmarks/seeds.py runs/fashion_mnist_ann/seed_0 runs/fashion_mnist_ann/seed_1 ...
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Results = dict[str, Any]


def models(results: Results) -> dict[str, Results]:
    """Return the results of each model of a run; a run of one model has it under ``""``."""
    return results.get("models", {"": results})


def table(runs: Sequence[Results]) -> Iterator[str]:
    """Yield a line per run and one with their mean, for each of the example's models."""
    for name in models(runs[0]):
        if name:
            yield f"{name}:"
        yield f"{'seed':>4}  {'test':>7}  {'validation':>10}  {'epochs':>6}  {'seconds':>7}  data"
        tests = []
        for run in runs:
            each = models(run)[name]
            tests.append(each["test_accuracy"])
            validation = each.get("validation_accuracy")  # missing if it trains on all images
            beside = "" if validation is None else f"{validation:.2%}"
            yield (
                f"{run['seed']:>4}  {tests[-1]:>7.2%}  {beside:>10}  "
                f"{each['epochs']:>6}  {each['seconds']:>7.0f}  {run['data']}"
            )
        mean = statistics.mean(tests)
        yield f"mean  {mean:>6.2%}  (from {min(tests):.2%} to {max(tests):.2%})"


def main() -> None:
    """Read the runs and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", help="folders with a results.json")
    args = parser.parse_args()
    print("\n".join(table([json.loads((run / "results.json").read_text()) for run in args.runs])))


if __name__ == "__main__":
    main()
