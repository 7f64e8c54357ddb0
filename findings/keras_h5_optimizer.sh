#!/usr/bin/env bash
# Keras 3.15.1: a model that is read from an .h5 file cannot be trained until it is compiled again,
# and a model that has been saved as .h5 forgets its optimizer in every .keras file written later.
#
# One would expect both formats to hold what the model was compiled with, and the one not to change
# what the other gets.
#
# What happens: (1) the .h5 file holds the optimizer's moments, but load_model builds the optimizer
# for the model's own variables, of which a Sequential or Functional model has none (its layers have
# them). So only the step counter and the learning rate are taken over, without a warning, and the
# first step raises an error. (2) Writing an .h5 file removes the optimizer from the dictionary of
# what the model was compiled with, because it is stored apart, and the dictionary is the model's
# own. A .keras file written after that has no optimizer, and load_model takes the default, RMSprop,
# also without a warning.
#
# Printed when this was written:
#   the optimizer has 10 arrays; read from .h5 it has 2
#   fit: ValueError: Unknown variable
#   read from .keras: SGD; read from .keras that was saved after .h5: RMSprop
#
# Source: found by exchanging files; load_model_from_hdf5 in
# keras/src/legacy/saving/legacy_h5_format.py and model_metadata in saving_utils.py beside it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6 h5py==3.14.0
cat >"$work/try.py" <<'PYTHON'
import os
import sys

import keras
import numpy as np

os.chdir(sys.argv[1])
x, y = np.ones((8, 4)), np.zeros(8)


def trained(optimizer):
    layers = [keras.layers.Dense(5), keras.layers.Dense(3, activation="softmax")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(optimizer, "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    return model


model = trained("adam")
model.save("model.h5")
again = keras.models.load_model("model.h5")
arrays = [len(each.optimizer.variables) for each in (model, again)]
print(f"the optimizer has {arrays[0]} arrays; read from .h5 it has {arrays[1]}")
try:
    again.fit(x, y, verbose=0)
except ValueError as error:
    print(f"fit: ValueError: {str(error).partition(':')[0]}")

model = trained("sgd")
found = []
model.save("model.keras")
found.append(type(keras.models.load_model("model.keras").optimizer).__name__)
model.save("model.h5")
model.save("model.keras")
found.append(type(keras.models.load_model("model.keras").optimizer).__name__)
print(f"read from .keras: {found[0]}; read from .keras that was saved after .h5: {found[1]}")
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow
"$work/venv/bin/python" "$work/try.py" "$work" 2>"$work/errors" >"$work/printed" ||
    cat "$work/errors"
cat "$work/printed"
diff - "$work/printed" <<'EXPECTED'
the optimizer has 10 arrays; read from .h5 it has 2
fit: ValueError: Unknown variable
read from .keras: SGD; read from .keras that was saved after .h5: RMSprop
EXPECTED
