#!/usr/bin/env bash
# Keras 3.15.1: sparsemax returns no probabilities: for two equal scores it returns zeros.
#
# One would expect the point with entries of at least 0 and the sum 1 that is nearest to the scores
# (Martins and Astudillo 2016). Scores that are probabilities already are their own nearest point.
#
# What happens: with k scores above the threshold, the threshold is (their sum - 1) / k. The code adds
# up the cumulative sums of the sorted scores instead of taking the last one, so that the largest
# score is counted k times, the next one k - 1 times. It is right only if k is 1, as in the example of
# the documentation, [-1, 0, 1]. As the last layer of a classifier it gives a row of zeros where two
# classes are equally likely.
#
# Printed when this was written:
#   [-1.0, 0.0, 1.0] -> [0.0, 0.0, 1.0], sum 1.000
#   [1.0, 1.0] -> [0.0, 0.0], sum 0.000
#   [0.5, 0.4, 0.1] -> [0.033, 0.0, 0.0], sum 0.033
#
# Source: found by comparing activations with their formulas; sparsemax in
# keras/src/backend/tensorflow/nn.py (logits_cumsum_safe is summed).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import keras
import numpy as np

for scores in ([-1.0, 0.0, 1.0], [1.0, 1.0], [0.5, 0.4, 0.1]):
    found = np.array(keras.activations.sparsemax(np.array([scores])))[0]
    print(f"{scores} -> {found.round(3).tolist()}, sum {found.sum():.3f}")
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow
"$work/venv/bin/python" "$work/try.py" 2>"$work/errors" >"$work/printed" ||
    cat "$work/errors"
cat "$work/printed"
diff - "$work/printed" <<'EXPECTED'
[-1.0, 0.0, 1.0] -> [0.0, 0.0, 1.0], sum 1.000
[1.0, 1.0] -> [0.0, 0.0], sum 0.000
[0.5, 0.4, 0.1] -> [0.033, 0.0, 0.0], sum 0.033
EXPECTED
