"""Times strangers' scripts as wholes, with Keras and with tinynet in turn.

    python -m benchmarks.scripts lenet5.py saved_h5.py      # by default all

Each script of tests/scripts/ runs in a process of its own, from the start of Python to its end, in
float64 on small drawn images (parity_tests/scripts_run.py). What is printed is the time and the
peak of memory of each, and the ratio of the sums.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.environment import as_installed

# Nothing of the libraries is imported here: a process begins with the peak of the one that made it.
SCRIPTS = Path(__file__).parents[1] / "tests" / "scripts"


def run(library: str, script: str) -> tuple[float, float]:
    """Return the seconds and the megabytes that a script takes with a library."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "parity_tests.scripts_run", library, script],
        env=as_installed(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{script} with {library}: exit status {status}")
    return time.perf_counter() - start, used.ru_maxrss / 1024


def main() -> None:
    """Print a row for each script."""
    scripts = sys.argv[1:] or sorted(
        each.name for each in SCRIPTS.iterdir() if each.suffix in (".py", ".ipynb")
    )
    run("tinynet", scripts[0])  # compiles what is not in the cache yet
    print(f"{'':28}  Keras s  tinynet s  ratio  Keras MB  tinynet MB")
    totals = [0.0, 0.0]
    for script in scripts:
        (there, memory_there), (here, memory) = (run(each, script) for each in ("keras", "tinynet"))
        totals[0] += there
        totals[1] += here
        print(
            f"{script:28} {there:8.1f} {here:10.1f} {there / here:6.1f} "
            f"{memory_there:9.0f} {memory:11.0f}",
            flush=True,
        )
    print(f"{'all':28} {totals[0]:8.1f} {totals[1]:10.1f} {totals[0] / totals[1]:6.1f}")


if __name__ == "__main__":
    main()
