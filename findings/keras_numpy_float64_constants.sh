#!/usr/bin/env bash
# Keras 3.15.1 on TensorFlow 2.21.0, floatx float64: np.float64(0.999) and 0.999 are two optimizers.
#
# One would guess that Adam(beta_2=np.float64(0.999)) is Adam(beta_2=0.999): np.float64 is a subclass
# of float, and the two numbers are equal to the last bit.
#
# What happens: in the powers of beta a Python number goes through float32 on its way into a float64
# tensor (0.999 becomes 0.99900001287460327), a NumPy number does not. The first step differs by
# 7e-6 of itself, a thousand million times the rounding of float64, and the runs drift apart.
# Hyperparameters from np.linspace, a grid or a search are NumPy numbers; those typed by hand are
# not. get_config writes both as the same number, so a model that is saved and loaded is trained on
# by another rule than before.
#
# Printed on the day of writing:
#   equal numbers: True, equal configs: True
#   the first steps differ by 6.7e-06 of themselves
#
# Source: found by comparing runs; keras/src/optimizers/adam.py (ops.cast of the betas) and
# tf.convert_to_tensor, which makes a float32 of a Python float first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import keras
import numpy as np

keras.config.set_floatx("float64")


def first_step(number):
    optimizer = keras.optimizers.Adam(0.001, beta_1=number(0.9), beta_2=number(0.999))
    weight = keras.Variable(np.zeros(1))
    optimizer.apply([keras.ops.ones(1)], [weight])
    config = optimizer.get_config()
    return [config["beta_1"], config["beta_2"]], float(weight.numpy()[0])


(plain, one), (numpys, other) = first_step(float), first_step(np.float64)
print(f"equal numbers: {np.float64(0.999) == 0.999}, equal configs: {plain == numpys}")
print(f"the first steps differ by {abs(one / other - 1):.1e} of themselves")
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow
"$work/venv/bin/python" "$work/try.py" 2>"$work/errors" >"$work/printed" || cat "$work/errors"
cat "$work/printed"
diff - "$work/printed" <<'EXPECTED'
equal numbers: True, equal configs: True
the first steps differ by 6.7e-06 of themselves
EXPECTED
