#!/usr/bin/env bash
# safetensors 0.8.0 (Python, NumPy arrays): a transpose is written with its numbers in other places.
#
# One would guess that save_file writes the array that it is given, or refuses one that is not laid
# out row by row; the docstring says that tensors "need to be contiguous and dense".
#
# What happens: an array that is not contiguous in C order (a transpose, a slice with a step, an
# array in Fortran order) is written as it lies in memory, under the shape of the view. Nothing is
# said. Reading the file gives an array of the right shape and dtype with the numbers in other
# places. 0.6.2 and 0.7.0 wrote the same arrays right. So a checkpoint written by a loop over
# weights is silently wrong where one weight is kept transposed.
#
# Printed on the day of writing, with Python 3.11, numpy 2.4.6 (transpose, slice, Fortran order):
#   0.7.0: right right right
#   0.8.0: wrong wrong wrong
#
# Source: found in use; safetensors/numpy.py hands arrays to serialize_file without a copy in 0.8.0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/try.py" <<'PYTHON'
import os, sys
import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

grid = np.arange(12, dtype=np.float32)
arrays = [grid.reshape(4, 3).T, np.tile(grid, 2).reshape(3, 8)[:, ::2], np.asfortranarray(grid.reshape(3, 4))]
path, said = os.path.join(sys.argv[1], "file.safetensors"), []
for array in arrays:
    save_file({"x": array}, path)
    said.append("right" if np.array_equal(load_file(path)["x"], array) else "wrong")
print(f"{safetensors.__version__}: {' '.join(said)}")
PYTHON
for version in 0.7.0 0.8.0; do
    python3 -m venv "$work/$version"
    "$work/$version/bin/python" -m pip --quiet --disable-pip-version-check install \
        "safetensors==$version" numpy==2.4.6
    "$work/$version/bin/python" "$work/try.py" "$work" | tee -a "$work/printed"
done
diff - "$work/printed" <<'EXPECTED'
0.7.0: right right right
0.8.0: wrong wrong wrong
EXPECTED
