#!/usr/bin/env bash
# Keras 3.15.1: Adafactor(relative_step=False) is Adafactor(relative_step=True): the step falls
# with 1 / sqrt(t) all the same, also under a schedule.
#
# One would expect the argument to decide what it is named for. The documentation has the learning
# rate adjusted by the number of the step if it is a constant and relative_step=True, so with
# relative_step=False, or with a schedule, the steps should be those that were asked for.
#
# What happens: update_step has the minimum of the learning rate and 1 / sqrt(t) twice. The first
# one is under the condition that belongs to relative_step, the second, a few lines below, which
# makes the step that is used, is under none, so the first changes nothing. A rate of 0.1 holds
# for 100 steps and is 0.025 after 1600. A warm restart or a late rise of a schedule does not
# arrive. With the default rate, 0.001, no difference would show before the millionth step, which
# a short test does not reach.
#
# Printed when this was written (the step as a part of the weights, in steps 1, 100, 400 and
# 1600):
#   0.1, relative_step=True: 0.1000 0.1000 0.0500 0.0250
#   0.1, relative_step=False: 0.1000 0.1000 0.0500 0.0250
#   0.01, then 0.1 from step 1000, a schedule, relative_step=False: 0.0100 0.0100 0.0100 0.0250
#
# Source: found by reading; update_step in keras/src/optimizers/adafactor.py (lr, then rho_t).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 jax==0.10.2 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import keras
import numpy as np

ones = np.ones((2, 3), "float32")


def show(what: str, rate: object, relative: bool) -> None:
    weights = keras.Variable(ones)
    optimizer = keras.optimizers.Adafactor(rate, relative_step=relative)
    steps = []
    for _ in range(1600):
        weights.assign(ones)
        optimizer.apply([keras.ops.convert_to_tensor(ones)], [weights])
        steps.append(1 - weights.numpy()[0, 0])
    print(f"{what}:", *(f"{steps[t - 1]:.4f}" for t in (1, 100, 400, 1600)))


late = keras.optimizers.schedules.PiecewiseConstantDecay([1000], [0.01, 0.1])
show("0.1, relative_step=True", 0.1, True)
show("0.1, relative_step=False", 0.1, False)
show("0.01, then 0.1 from step 1000, a schedule, relative_step=False", late, False)
PYTHON
export KERAS_BACKEND=jax JAX_PLATFORMS=cpu
"$work/venv/bin/python" "$work/try.py" 2>"$work/errors" >"$work/printed" || cat "$work/errors"
cat "$work/printed"
diff - "$work/printed" <<'EXPECTED'
0.1, relative_step=True: 0.1000 0.1000 0.0500 0.0250
0.1, relative_step=False: 0.1000 0.1000 0.0500 0.0250
0.01, then 0.1 from step 1000, a schedule, relative_step=False: 0.0100 0.0100 0.0100 0.0250
EXPECTED
