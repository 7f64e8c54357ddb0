"""Run tests with other Pythons, and with the oldest packages that pyproject.toml allows.

    make pythons     python -m tests.pythons newest
    make oldest      python -m tests.pythons oldest

The first looks on this machine for every Python that tinynet is for, and gives each an environment
of its own with the versions of constraints.txt. The second takes the oldest Python, and of every
package that pyproject.toml names the oldest version that it allows. Neither has Keras. Both print
one table, and fail if a test has failed. The environments and what the tests have printed stay in
build/pythons/.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "pythons"
VERSIONS = ("3.11", "3.12", "3.13", "3.14")  # the first one is the oldest that tinynet is for
EXTRAS = "dask,dev,images,plots,report,search,sklearn"
CHOSEN = {"newest": ["--constraint", "constraints.txt"], "oldest": ["--resolution=lowest-direct"]}
# What depends most on the packages below: kernels, steps, files. Others are given by name.
SAMPLE = [
    "tests/test_kernels.py",
    "tests/test_kernel_cache.py",
    "tests/test_layers.py",
    "tests/test_losses.py",
    "tests/test_optimizers.py",
    "tests/test_step.py",
    "tests/test_saving.py",
    "tests/test_saved_files.py",
    "tests/test_keras_files.py",
    "tests/test_data.py",
    "tests/test_datasets.py",
    "tests/test_sklearn.py",
]
UV = (sys.executable, "-m", "uv")
SHOWN = ("numpy", "numba", "safetensors", "h5py", "scikit-learn", "matplotlib", "pooch", "tqdm")


class Row(NamedTuple):
    """What one Python has made of the tests."""

    python: str
    packages: str
    result: str
    failed: bool


def find(version: str) -> str | None:
    """Return the path of a Python of this version: one of pyenv's, or what uv finds; or None."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    path = [str(each) for each in pyenv.glob(f"{version}.*/bin")] + [os.environ.get("PATH", "")]
    command = [*UV, "python", "find", "--system", "--no-project", "--no-python-downloads", version]
    environment = {**os.environ, "PATH": os.pathsep.join(path)}
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def run(python: str, which: str, tests: list[str], jobs: str) -> Row:
    """Make an environment, and run tests in it."""
    text = subprocess.run([python, "--version"], capture_output=True, text=True, check=True).stdout
    version = text.split()[1]
    home = FOLDER / (which if which == "oldest" else version)
    own = home / "bin" / "python"
    subprocess.run([*UV, "venv", "--quiet", "--clear", "--python", python, home], check=True)
    install = [*UV, "pip", "install", "--quiet", "--python", own, *CHOSEN[which]]
    if subprocess.run([*install, "--editable", f".[{EXTRAS}]"], cwd=ROOT, check=False).returncode:
        return Row(version, "", "the packages cannot be installed", True)
    found = packages(own)
    shown = ", ".join(f"{name} {found[name]}" for name in SHOWN)
    if which == "oldest" and (newer := too_new(found)):
        return Row(version, shown, f"older ones than these cannot be installed: {newer}", True)
    # The compiled kernels of each Python and Numba by themselves.
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(home / "kernels")}
    command = [own, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", jobs, *tests]
    file = home / "tests.log"
    with file.open("w") as log:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    last = file.read_text(encoding="utf-8").strip().rpartition("\n")[2]
    return Row(version, shown, last.strip("= "), done.returncode != 0)


def packages(python: Path) -> dict[str, str]:
    """Return the version of each package in an environment."""
    command = [*UV, "pip", "list", "--format", "json", "--python", python]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {each["name"]: each["version"] for each in json.loads(done.stdout)}


def too_new(found: dict[str, str]) -> str:
    """Return the packages of which pyproject.toml allows an older version than was installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [
        *project["dependencies"],
        *(each for name in EXTRAS.split(",") for each in extras[name]),
    ]
    newer = set()
    for line in lines:
        match = re.match(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)", line)
        if match and _numbers(found[match[1]]) != _numbers(match[2]):
            newer.add(f"{match[1]} {found[match[1]]} for {match[2]}")
    return ", ".join(sorted(newer))


def _numbers(version: str) -> list[str]:
    return version.removesuffix(".0").removesuffix(".0").split(".")


def main() -> int:
    """Run what the command line says, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.pythons")
    parser.add_argument("which", choices=CHOSEN)
    parser.add_argument("tests", nargs="*", default=SAMPLE, help="files, instead of the sample")
    parser.add_argument("--only", nargs="+", choices=VERSIONS, metavar="3.X", help="these Pythons")
    parser.add_argument("--jobs", default="auto", help="processes for the tests of one Python")
    chosen = parser.parse_intermixed_args()
    versions = chosen.only or (VERSIONS if chosen.which == "newest" else VERSIONS[:1])
    rows = []
    for version in versions:
        python = find(version)
        if python is None:
            rows.append(Row(version, "", "not found on this machine", False))
        else:
            print(f"{version}: {python}", flush=True)
            rows.append(run(python, chosen.which, chosen.tests, chosen.jobs))
    print()
    for row in rows:
        print(f"{row.python:8} {row.result}")
        if row.packages:
            print(f"{'':8} {row.packages}")
    ran = [row for row in rows if row.packages]
    return int(not ran or any(row.failed for row in rows))


if __name__ == "__main__":
    sys.exit(main())
