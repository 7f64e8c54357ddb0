#!/usr/bin/env bash
# Keras 3.15.1: keras.utils.normalize(x, axis=0) of a NumPy array does not normalize the columns.
#
# One would expect columns with the norm 1, as for axis=-1 rows, and as for a tensor with the same
# numbers.
#
# What happens: the norms are those of the columns, but "axis = axis or -1", meant for None, turns 0
# into -1, and the rows are divided by them. If there are as many rows as columns, the numbers are
# wrong without a word; otherwise the shapes do not fit, and there is an error about broadcasting.
#
# Printed when this was written:
#   array: the norms of the columns are [2.088, 1.0]
#   tensor: the norms of the columns are [1.0, 1.0]
#   array of shape (2, 3): ValueError: operands could not be broadcast together with shapes (2,3) (3,1)
#
# Source: found by comparing functions; keras/src/utils/numerical_utils.py, where normalize is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import keras
import numpy as np

x = np.array([[3.0, 0.0], [4.0, 2.0]])
for name, given in (("array", x), ("tensor", keras.ops.convert_to_tensor(x))):
    norms = np.linalg.norm(np.array(keras.utils.normalize(given, axis=0)), axis=0)
    print(f"{name}: the norms of the columns are {norms.round(3).tolist()}")
try:
    keras.utils.normalize(np.ones((2, 3)), axis=0)
except ValueError as error:
    print(f"array of shape (2, 3): ValueError: {str(error).strip()}")
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow
"$work/venv/bin/python" "$work/try.py" 2>"$work/errors" >"$work/printed" ||
    cat "$work/errors"
cat "$work/printed"
diff - "$work/printed" <<'EXPECTED'
array: the norms of the columns are [2.088, 1.0]
tensor: the norms of the columns are [1.0, 1.0]
array of shape (2, 3): ValueError: operands could not be broadcast together with shapes (2,3) (3,1)
EXPECTED
