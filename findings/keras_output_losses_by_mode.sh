#!/usr/bin/env bash
# Keras 3.15.1 with TensorFlow 2.21.0: the loss that fit and evaluate report for one of several
# outputs is another mean with run_eagerly=True than without it, if the last batch is smaller.
#
# One would expect run_eagerly to change how a step is run and no number, and the losses of the
# outputs to add up to the loss, as their sum is what the model is trained for.
#
# What happens: the loss of the whole model is a mean over the samples. The loss of each output goes
# into a mean that is weighted with the first size of the batch's shape where that is known, and
# with 1 where it is None. Called eagerly it is known, so the mean is over samples; in the step that
# was compiled for batches of any size it is not, so the mean is over batches, in which a batch of
# one sample counts as much as one of 8. With 9 samples, of which the last has an error of 9, and
# batches of 8, evaluate reports for each output 9 in one mode and 40.5 in the other, and in the
# latter the two losses do not add up to the loss that stands beside them.
#
# Printed when this was written:
#   run_eagerly=True: loss 18.0, left_loss 9.0, right_loss 9.0
#   run_eagerly=False: loss 18.0, left_loss 40.5, right_loss 40.5
#
# Source: found by comparing reported losses; CompileLoss.call in
# keras/src/trainers/compile_utils.py.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import keras
import numpy as np

x = keras.Input((1,))
ends = [keras.layers.Dense(1, kernel_initializer="zeros", name=name)(x) for name in ("left", "right")]
model = keras.Model(x, ends)
data = np.ones((9, 1))
targets = np.zeros((9, 1))
targets[8] = 9  # the model says 0 of every sample, so the errors are eight times 0 and once 81

for eagerly in (True, False):
    model.compile("sgd", ["mse", "mse"], run_eagerly=eagerly)
    logs = model.evaluate(data, [targets, targets], batch_size=8, verbose=0, return_dict=True)
    said = ", ".join(f"{name} {logs[name]:.1f}" for name in ("loss", "left_loss", "right_loss"))
    print(f"run_eagerly={eagerly}: {said}")
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow
"$work/venv/bin/python" "$work/try.py" 2>"$work/errors" >"$work/printed" || cat "$work/errors"
cat "$work/printed"
diff - "$work/printed" <<'EXPECTED'
run_eagerly=True: loss 18.0, left_loss 9.0, right_loss 9.0
run_eagerly=False: loss 18.0, left_loss 40.5, right_loss 40.5
EXPECTED
