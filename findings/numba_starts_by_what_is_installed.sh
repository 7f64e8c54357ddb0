#!/usr/bin/env bash
# Numba 0.68.1: a function that adds two numbers, compiled and on disk already, imports scipy.linalg
# and coverage if these packages are installed, though nothing asks for them.
#
# One would expect the start of a script to depend on what it imports. Two environments with the same
# script and the same Numba should load the same modules.
#
# What happens: the first call of a compiled function, read from the cache or not, registers all that
# Numba can do. numba/np/arraymath.py asks there whether np.dot could use BLAS, by importing
# scipy.linalg.cython_blas, and with it a great part of SciPy (and of numpy.f2py, as SciPy looks at
# every name that NumPy has); numba/misc/coverage_support.py imports coverage. So a
# `pip install scipy coverage`, for the tests say, adds more than a hundred modules to the start of every
# program of that environment that calls a compiled function, and a tenth of a second or two: where
# start-up is compared, the environments have to be the same.
#
# Printed when this was written:
#   without: from disk True, imported {'scipy.linalg': False, 'numpy.f2py': False, 'coverage':
#   False}, 0 modules of these packages
#   with: from disk True, imported {'scipy.linalg': True, 'numpy.f2py': True, 'coverage': True}, 126
#   modules of these packages
#
# Source: found where the same script took 0.53 s in a user's environment and 0.70 s in ours, up to its
# first result; the two files above, and `python -X importtime`.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
install() { "$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install "$@"; }
cat >"$work/add.py" <<'PYTHON'
import numba


@numba.njit(cache=True)
def add(a: int, b: int) -> int:
    return a + b
PYTHON
cat >"$work/try.py" <<'PYTHON'
import sys

from add import add

add(1, 2)
from_disk = sum(add.stats.cache_hits.values()) == 1
there = {name: name in sys.modules for name in ("scipy.linalg", "numpy.f2py", "coverage")}
count = sum(name.partition(".")[0] in ("scipy", "coverage") for name in sys.modules)
print(f"{sys.argv[1]}: from disk {from_disk}, imported {there}, {count} modules of these packages")
expected = sys.argv[1] == "with"
if sys.argv[2:] == ["check"]:
    as_before = from_disk and set(there.values()) == {expected} and (count > 100) == expected
    sys.exit(0 if as_before else 1)
PYTHON
cd "$work"
install numba==0.68.1 numpy==2.4.6
venv/bin/python try.py without >fill
venv/bin/python try.py without check
install scipy==1.17.1 coverage==7.17.5
venv/bin/python try.py with check
