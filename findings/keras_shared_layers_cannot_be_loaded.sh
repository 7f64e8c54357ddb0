#!/usr/bin/env bash
# Keras 3.15.1: a model in which two nested models share a layer can be saved, but not loaded.
#
# One would expect load_model to return what save has written, or save to say that it cannot.
#
# What happens: each nested model describes the layer in its own config, and a number that both
# descriptions get (shared_object_id) says that they are one. The number is given when the layer is
# met for the second time, to both; but Sequential.get_config and that of a functional model return
# copies, so the first description stays without one. load_model then makes two layers. The weights
# are in the file once, under the first, and the second is the error: it "expected 2 variables, but
# received 0". With the number written into both descriptions by hand, the same file can be loaded.
#
# Printed when this was written:
#   load_model: ValueError: Layer 'shared' expected 2 variables, but received 0 variables during loading. Expected: ['kernel', 'bias']
#   descriptions with a number: [False, True]
#   with a number in both: the same predictions True
#
# Source: found by exchanging files; record_object_after_serialization in
# keras/src/saving/serialization_lib.py, and the copy.deepcopy in get_config of
# keras/src/models/sequential.py and functional.py.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import json
import os
import sys
import zipfile

import keras
import numpy as np

os.chdir(sys.argv[1])
shared = keras.layers.Dense(4, name="shared")
one = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4), shared], name="one")
other = keras.Sequential([keras.Input((4,)), shared, keras.layers.Dense(4)], name="other")
start = keras.Input((4,))
model = keras.Model(start, keras.layers.Add()([one(start), other(start)]))
model.save("model.keras")
try:
    keras.models.load_model("model.keras")
except ValueError as error:
    print(f"load_model: ValueError: {[each for each in str(error).splitlines() if each][1]}")

with zipfile.ZipFile("model.keras") as file:
    files = {name: file.read(name) for name in file.namelist()}
config = json.loads(files["config.json"])
nested = [each for each in config["config"]["layers"] if each["class_name"] == "Sequential"]
layers = [each for stack in nested for each in stack["config"]["layers"]]
described = [each for each in layers if each["config"]["name"] == "shared"]
print(f"descriptions with a number: {['shared_object_id' in each for each in described]}")
for each in described:
    each["shared_object_id"] = 1
files["config.json"] = json.dumps(config)
with zipfile.ZipFile("by_hand.keras", "w") as file:
    for name, content in files.items():
        file.writestr(name, content)
again = keras.models.load_model("by_hand.keras")
x = np.ones((2, 4))
same = np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
print(f"with a number in both: the same predictions {same}")
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow
"$work/venv/bin/python" "$work/try.py" "$work" 2>"$work/errors" >"$work/printed" ||
    cat "$work/errors"
cat "$work/printed"
diff - "$work/printed" <<'EXPECTED'
load_model: ValueError: Layer 'shared' expected 2 variables, but received 0 variables during loading. Expected: ['kernel', 'bias']
descriptions with a number: [False, True]
with a number in both: the same predictions True
EXPECTED
