#!/usr/bin/env bash
# Keras 3.15.1 with TensorFlow 2.21.0: in a model whose call has no argument `training`, fit leaves
# batch norm and dropout as they are for prediction, and says nothing about it.
#
# One would expect fit to train the layers of a model as it does in a Sequential or a functional
# model, whose author has not written `training` anywhere either.
#
# What happens: fit hands training=True to call only if call has an argument of this name, and the
# layers inside take what the outermost call was given: nothing, which they read as False. So batch
# norm normalizes with its first averages, 0 and 1, which never change, and dropout drops nothing;
# fit and evaluate report the same loss for the same weights, so the curves look as if there were no
# overfitting to see.
#
# Printed when this was written:
#   call(self, x): batch norm's mean 0.0, dropped in fit: 0.0
#   call(self, x, training=None): batch norm's mean 0.5, dropped in fit: 0.5
#   Sequential: batch norm's mean 0.5, dropped in fit: 0.5
#
# Source: found by comparing losses; _call_has_training_arg in
# keras/src/backend/tensorflow/trainer.py and keras/src/layers/layer.py.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import keras
import numpy as np

x = np.full((1000, 1), 5.0)


def layers():
    norm = keras.layers.BatchNormalization(momentum=0.9)
    return norm, keras.layers.Dropout(0.5, seed=1)


class Without(keras.Model):
    def __init__(self):
        super().__init__()
        self.norm, self.drop = layers()

    def call(self, x):
        return self.drop(self.norm(x) * 0 + 1)


class With(Without):
    def call(self, x, training=None):
        return self.drop(self.norm(x, training=training) * 0 + 1, training=training)


class One(keras.layers.Layer):
    def call(self, x):
        return x * 0 + 1


norm, drop = layers()
models = {
    "call(self, x)": Without(),
    "call(self, x, training=None)": With(),
    "Sequential": keras.Sequential([norm, One(), drop]),
}
for name, model in models.items():
    # The loss is the share of the outputs that are 0 in fit: of those that dropout has dropped.
    model.compile("sgd", lambda y, out: keras.ops.cast(out == 0, "float32") + 0 * out)
    losses = model.fit(x, x, batch_size=1000, verbose=0).history["loss"]
    mean = float(model.layers[0].moving_mean[0])
    print(f"{name}: batch norm's mean {mean:.1f}, dropped in fit: {round(losses[0], 1)}")
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 KERAS_BACKEND=tensorflow
"$work/venv/bin/python" "$work/try.py" 2>"$work/errors" >"$work/printed" || cat "$work/errors"
cat "$work/printed"
diff - "$work/printed" <<'EXPECTED'
call(self, x): batch norm's mean 0.0, dropped in fit: 0.0
call(self, x, training=None): batch norm's mean 0.5, dropped in fit: 0.5
Sequential: batch norm's mean 0.5, dropped in fit: 0.5
EXPECTED
