"""The accuracy of finished runs of an example, as a table with mean and spread.

make seeds
python benchmarks/seeds.py runs/seed_0 runs/seed_1 ...
"""

import argparse
import json
import statistics
from pathlib import Path

parser = argparse.ArgumentParser(description="Print the results of several runs as a table.")
parser.add_argument("runs", type=Path, nargs="+", help="folders with a results.json")
args = parser.parse_args()

results = [json.loads((run / "results.json").read_text()) for run in args.runs]
print(f"{'seed':>4}  {'test':>7}  {'validation':>10}  {'epochs':>6}  {'seconds':>7}  data")
for each in results:
    print(
        f"{each['seed']:>4}  {each['test_accuracy']:>7.2%}  {each['validation_accuracy']:>10.2%}  "
        f"{each['epochs']:>6}  {each['seconds']:>7.0f}  {each['data']}"
    )
tests = [each["test_accuracy"] for each in results]
print(f"mean  {statistics.mean(tests):>6.2%}  (from {min(tests):.2%} to {max(tests):.2%})")
