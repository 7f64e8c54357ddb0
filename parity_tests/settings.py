"""Does it hold on another processor? Run both suites with the libraries' code for other processors.

    python -m parity_tests.settings --only OpenBLAS

When libraries are loaded, they choose the instructions to use by what the processor can do. Each
has a switch that makes it choose as on another processor, so every setting has its own process. A
setting that would use the same code as an earlier one is left out, and so is code that this
processor cannot run. The table goes to parity_tests/settings.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tinynet

ROOT = Path(__file__).parents[1]
SUITES = ("tests", "parity_tests")
WITH_KERAS = ("parity_tests",)
CORES = ("Prescott", "Haswell", "Zen", "SkylakeX")
WHOLE_RUN = "Sequential (whole run)"


class Setting(NamedTuple):
    """One way to run the tests.

    Attributes
    ----------
    name : str
    environment : dict of str to str
        The switches.
    suites : tuple of str
        Folders in which they can have an effect.
    options : tuple of str
        For pytest.
    """

    name: str
    environment: dict[str, str]
    suites: tuple[str, ...] = SUITES
    options: tuple[str, ...] = ()


def settings() -> list[Setting]:
    """Return all settings, starting with the machine as it is."""
    simd = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    wide = [name for name in simd if "512" in name or name == "X86_V4"]
    roundings = ("-p", "parity_tests.other_roundings")
    return [
        Setting("as it comes", {}),
        Setting("TensorFlow with oneDNN", {"TF_ENABLE_ONEDNN_OPTS": "1"}, WITH_KERAS),
        Setting("TensorFlow without oneDNN", {"TF_ENABLE_ONEDNN_OPTS": "0"}, WITH_KERAS),
        Setting("oneDNN up to AVX2", {"ONEDNN_MAX_CPU_ISA": "AVX2"}, WITH_KERAS),
        *(Setting(f"OpenBLAS for {core}", {"OPENBLAS_CORETYPE": core}) for core in CORES),
        Setting("NumPy without AVX-512", {"NPY_DISABLE_CPU_FEATURES": " ".join(wide)}),
        Setting("NumPy for any processor", {"NPY_DISABLE_CPU_FEATURES": " ".join(simd)}),
        Setting("Numba for any processor", {"NUMBA_CPU_NAME": "generic"}),
        Setting("C library without FMA", {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4"}),
        Setting("kernels one rounding off", {}, WITH_KERAS, roundings),
    ]


def environment_of(setting: Setting) -> dict[str, str]:
    """Return the environment of a process with this setting and no other."""
    switches = {name for each in settings() for name in each.environment}
    kept = {name: value for name, value in os.environ.items() if name not in switches}
    return kept | setting.environment


# In the process that runs the tests, where this module is a plugin.


def taken() -> dict[str, str]:
    """Return which code the libraries have chosen; oneDNN prints its own, see `taken_by`."""
    import math
    import zlib

    import llvmlite.binding
    import numba
    import tensorflow as tf
    import threadpoolctl

    tf.nn.softmax(np.ones((8, 8), "float32"))
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    libraries = threadpoolctl.threadpool_info()  # SciPy brings an OpenBLAS of its own
    blas = [each["architecture"] for each in libraries if "numpy" in each["filepath"]]
    sines = np.array([math.sin(number) for number in range(1000)])
    return {
        "OpenBLAS": ", ".join(blas),
        "NumPy": [*simd["baseline"], *simd.get("found", ())][-1],
        "Numba": numba.config.CPU_NAME or llvmlite.binding.get_host_cpu_name(),
        "checksum of sines": f"{zlib.crc32(sines.tobytes()):08x}",
    }


def pytest_addoption(parser: Any) -> None:
    """Add the option that says where the results go."""
    parser.addoption("--found", type=Path, help="only for parity_tests.settings")


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Write the number of tests by outcome, and the largest differences."""
    both = sys.modules.get("parity_tests.both")  # where comparisons have been made
    largest: dict[str, dict[str, float]] = {"float64": {}, "float32": {}, "equal": {}}
    for piece, entries in both.RECORD.items() if both else ():
        for kind, entry in entries.items():
            largest[kind][piece] = entry.largest
    outcomes = ("passed", "failed", "error", "skipped")
    tests = {name: len(terminalreporter.stats.get(name, ())) for name in outcomes}
    found = json.dumps({"tests": tests, "largest": largest})
    config.getoption("found").write_text(found, encoding="utf-8")


# In the process that starts the others.


def taken_by(setting: Setting) -> dict[str, str] | None:
    """Return which code the libraries choose under a setting; None if it cannot be run here."""
    ask = "import json; from parity_tests.settings import taken; print(json.dumps(taken()))"
    environment = environment_of(setting) | {"ONEDNN_VERBOSE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode < 0:  # ended by a signal: an instruction that this processor lacks
        return None
    if done.returncode > 0:
        raise RuntimeError(f"{setting.name}: {done.stderr[-3000:]}")
    found = re.search(r"exec,cpu,softmax,jit:(\w+)", done.stdout)
    return {"oneDNN": found[1] if found else "off", **json.loads(done.stdout.splitlines()[-1])}


def run(setting: Setting, tests: list[str]) -> dict[str, Any]:
    """Run tests under a setting, print those that fail, and return what the plugin has found."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
        command += ["-p", "tests.progress", "-n", "auto"]
        command += ["-p", "parity_tests.settings", f"--found={found}", *setting.options, *tests]
        done = subprocess.run(
            command, cwd=ROOT, env=environment_of(setting), capture_output=True, text=True
        )
        if not found.exists():
            raise RuntimeError(f"{setting.name}: {(done.stdout + done.stderr)[-3000:]}")
        for line in done.stdout.splitlines():
            if line.startswith(("FAILED", "ERROR")):
                print(f"  {line}", flush=True)
        return json.loads(found.read_text(encoding="utf-8"))


HEAD = ["setting", "code taken", "tests", "float64", "float32", "whole run", "equal bits", "moved"]


def row(found: dict[str, Any], as_it_comes: dict[str, Any]) -> list[str]:
    """Return outcome, largest differences, and for how many pieces they differ from the first."""
    largest, cells = found["largest"], []
    for kind in ("float64", "float32"):
        pieces = {piece: gap for piece, gap in largest[kind].items() if piece != WHOLE_RUN}
        worst = max(pieces, key=pieces.__getitem__, default=None)
        cells.append("" if worst is None else f"{pieces[worst]:.1e} {worst}")
    whole = largest["float64"].get(WHOLE_RUN)
    moved = {
        piece
        for kind in ("float64", "float32")
        for piece, gap in largest[kind].items()
        if gap != as_it_comes["largest"][kind].get(piece)
    }
    return [
        ", ".join(f"{number:,} {name}" for name, number in found["tests"].items() if number),
        *cells,
        "" if whole is None else f"{whole:.1e}",
        "no" if any(largest["equal"].values()) else "yes",
        f"{len(moved)} of {len(set().union(*largest.values()))}",
    ]


def main() -> int:
    """Run the suites under every setting, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="in their names")
    parser.add_argument("tests", nargs="*", default=SUITES, help="by default both suites")
    args = parser.parse_args()
    table, failures = [HEAD], 0
    first: tuple[dict[str, str], dict[str, Any]] | None = None
    names: dict[str, str] = {}  # of settings, by the code that they take
    for setting in settings():
        tests = [each for each in args.tests if each.split("/")[0] in setting.suites]
        if not tests or not any(word in setting.name for word in args.only):
            continue
        took = taken_by(setting)
        if took is None:
            table.append([setting.name, "cannot be run here"])
            continue
        other = names.setdefault(f"{took} {setting.options}", setting.name)
        if other != setting.name:
            table.append([setting.name, f"as under: {other}"])
            continue
        new = {name: what for name, what in took.items() if not first or first[0][name] != what}
        code = ", ".join(f"{name} {what}" for name, what in new.items())
        print(f"{setting.name} ({code}): {' '.join(tests)} ...", flush=True)
        found = run(setting, tests)
        first = first or (took, found)
        failures += found["tests"]["failed"] + found["tests"]["error"]
        table.append([setting.name, code, *row(found, first[1])])
        print("  " + "; ".join(filter(None, table[-1][2:])), flush=True)
    lines = [f"| {' | '.join([*cells, *[''] * (len(HEAD) - len(cells))])} |" for cells in table]
    lines.insert(1, "|---" * len(HEAD) + "|")
    print("\n".join(lines))
    command = shlex.join(["python", "-m", "parity_tests.settings", *sys.argv[1:]])
    text = "\n".join([f"Written by `{command}`; not edited.", "", *lines, ""])
    tinynet.files.write_atomically(ROOT / "parity_tests" / "settings.md", text)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
