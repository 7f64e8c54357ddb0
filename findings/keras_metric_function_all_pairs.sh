#!/usr/bin/env bash
# Keras 3.15.1 on TensorFlow 2.21.0: a metric given as a function compares every target with every
# prediction, where a built-in metric (and the same function as a loss) compares each with its own.
#
# One would guess that a function of targets and predictions, given to compile(metrics=[...]), sees
# them in one shape, as it does when it is given as the loss.
#
# What happens: a loss gets targets that have been given the rank of the predictions; a metric gets
# them as they are. With labels of shape (n,) and a network that ends in one unit, predictions of
# shape (n, 1), their comparison broadcasts to (n, n), and the mean over all pairs is reported.
# Nothing is said. A classifier that is always right is said to be right half of the time, in the
# same line of the log in which the built-in accuracy says 1.
#
# Printed on the day of writing:
#   labels of shape (8,): built-in accuracy 1.0, the function 0.5
#   labels of shape (8, 1): built-in accuracy 1.0, the function 1.0
#
# Source: found by comparing runs; keras/src/trainers/compile_utils.py and MeanMetricWrapper in
# keras/src/metrics/reduction_metrics.py.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import keras
import numpy as np


def right(y_true, y_pred):
    return keras.ops.cast(keras.ops.equal(keras.ops.round(y_pred), y_true), "float32")


labels = np.array([0, 1, 1, 0, 1, 0, 0, 1], "float32")
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.set_weights([np.ones((1, 1)), np.zeros(1)])  # it says what it is told
for y in (labels, labels[:, None]):
    model.compile(loss="mse", metrics=["binary_accuracy", right])
    _, built_in, own = model.evaluate(labels[:, None], y, verbose=0)
    print(f"labels of shape {y.shape}: built-in accuracy {built_in}, the function {own}")
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow
"$work/venv/bin/python" "$work/try.py" 2>"$work/errors" >"$work/printed" || cat "$work/errors"
cat "$work/printed"
diff - "$work/printed" <<'EXPECTED'
labels of shape (8,): built-in accuracy 1.0, the function 0.5
labels of shape (8, 1): built-in accuracy 1.0, the function 1.0
EXPECTED
