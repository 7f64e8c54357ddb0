#!/usr/bin/env bash
# Keras 3.15.1: an .h5 file of Keras 2 is read if its model is flat, or a stack of models, but not if a
# graph has a model as one of its layers.
#
# One would expect all or nothing: load_model reads the older form of .h5 for such files, weights and all,
# and every layer in them is one that Keras 3 has.
#
# What happens: a graph in a file says of each tensor which call of which layer it comes from, counted from
# 0. Of a model that is a layer, both versions count one call more, that in which it was made itself, so its
# first use has number 1. Keras 3 takes the one away again where it reads its own form of these entries, a
# dict; where it reads the older form, a list, it does not. So it waits for a second call that never comes,
# and says that the graph "either has loops or disconnected nodes". With 0 in the place of the 1 in the text
# of the file, the same model is read and predicts the same.
#
# Printed when this was written:
#   flat: the same predictions
#   a stack of models: the same predictions
#   a model in a graph: ValueError: Invalid Functional model configuration.
#   the same file, with a 0 in the place of the 1: the same predictions
#
# Source: found by reading files of older versions; deserialize_node ("Legacy case") and get_tensor
# ("Functional models start out with a built-in node") in keras/src/models/functional.py; a comment in
# https://github.com/keras-team/keras/pull/19669 speaks of the number.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 tf_keras==2.21.0 tensorflow==2.21.0 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import os
import sys

import h5py
import keras
import numpy as np
import tf_keras

os.chdir(sys.argv[1])
x = np.arange(8, dtype="float32").reshape(2, 4)
layers = tf_keras.layers
start = tf_keras.Input((4,))


def in_keras_3(model: tf_keras.Model) -> str:
    try:
        read = keras.models.load_model("model.h5", compile=False)
    except ValueError as error:
        return f"ValueError: {str(error).partition('. ')[0]}."
    same = np.allclose(read.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6)
    return "the same predictions" if same else "other predictions"


def saved(model: tf_keras.Model) -> tf_keras.Model:
    model.save("model.h5")
    return model


inner = tf_keras.Sequential([tf_keras.Input((4,)), layers.Dense(4)], name="inner")
flat = in_keras_3(saved(tf_keras.Model(start, layers.Dense(2)(start))))
stack = in_keras_3(saved(tf_keras.Sequential([tf_keras.Input((4,)), inner, layers.Dense(2)])))
graph = saved(tf_keras.Model(start, layers.Dense(2)(inner(start))))
nested = in_keras_3(graph)
with h5py.File("model.h5", "r+") as file:
    text = file.attrs["model_config"]
    (number,) = {n for n in range(9) if f'["inner", {n}, 0, {{}}]' in text}
    file.attrs["model_config"] = text.replace(f'["inner", {number}, 0,', f'["inner", {number - 1}, 0,')
changed = in_keras_3(graph)
print(f"flat: {flat}")
print(f"a stack of models: {stack}")
print(f"a model in a graph: {nested}")
print(f"the same file, with a {number - 1} in the place of the {number}: {changed}")
same = "the same predictions"
sys.exit(0 if flat == stack == changed == same and nested.startswith("ValueError: Invalid") else 1)
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$work/venv/bin/python" "$work/try.py" "$work" 2>"$work/errors" || {
    cat "$work/errors" >&2
    exit 1
}
