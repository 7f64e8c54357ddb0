#!/usr/bin/env bash
# Keras 3.15.1 on TensorFlow 2.21.0: evaluate's list holds one value twice, under names that do not
# fit, when a metric is among metrics and among weighted_metrics.
#
# One would expect `evaluate` to return the loss and one number per metric, in the same order with
# return_dict=False as the entries that return_dict=True names.
#
# What happens: compile(metrics=["accuracy"], weighted_metrics=["accuracy"]) makes the logs loss,
# accuracy and weighted_accuracy. The list is made by looking up the *metrics'* names in the logs,
# and both metrics are named accuracy: the unweighted value comes twice, and the weighted one, which
# nobody has asked for by that name, is put behind them. The dictionary has three entries, the list
# four. A script that unpacks `loss, plain, weighted = model.evaluate(...)` fails, and one that takes
# result[2] reads the unweighted accuracy as the weighted one.
#
# Printed when this was written:
#   entries with return_dict=True: ['accuracy', 'loss', 'weighted_accuracy']
#   numbers in the list: 4; the second and the third are equal: True; the last is the weighted: True
#
# Source: found by comparing runs; keras/src/trainers/trainer.py, _flatten_metrics_in_order.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import sys

import keras
import numpy as np

keras.utils.set_random_seed(0)
x, y, weights = np.random.default_rng(0).normal(size=(40, 4)), np.arange(40) % 3, np.arange(40) / 20
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy", ["accuracy"], weighted_metrics=["accuracy"])
options = {"sample_weight": weights, "verbose": 0}
listed = model.evaluate(x, y, **options)
named = model.evaluate(x, y, return_dict=True, **options)
doubled = listed[1] == listed[2] == named["accuracy"]
weighted = listed[-1] == named["weighted_accuracy"] != named["accuracy"]
print(f"entries with return_dict=True: {sorted(named)}")
print(
    f"numbers in the list: {len(listed)}; the second and the third are equal: {doubled}; "
    f"the last is the weighted: {weighted}"
)
sys.exit(0 if len(named) == 3 and len(listed) == 4 and doubled and weighted else 1)
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$work/venv/bin/python" "$work/try.py" 2>/dev/null
