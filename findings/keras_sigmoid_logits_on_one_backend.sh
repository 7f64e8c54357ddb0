#!/usr/bin/env bash
# Keras 3.15.1: whether a classifier learns from a sample that it is certain of, and wrong about,
# depends on the backend and on whether anything stands between its sigmoid and its loss;
# BinaryFocalCrossentropy's from_logits=True changes nothing about it.
#
# One would expect Dense(1, activation="sigmoid") with BinaryCrossentropy to take the same steps
# on JAX as on TensorFlow; a Reshape, which changes no number, to change none; and
# from_logits=True to be the way that is exact everywhere, as it is with BinaryCrossentropy. The
# focal loss is meant for hard samples above all.
#
# What happens: the loss of probabilities clips them to 1e-7 .. 1 - 1e-7, and beyond, its gradient
# is 0. On JAX (and PyTorch), a sample with the target 0 and a logit above 16 contributes nothing
# and stays as wrong as it is. On TensorFlow, sigmoid hangs its input on its result as an
# attribute, _keras_logits, and the loss takes that instead, so the gradient is 1. The attribute
# is lost with the next operation: after a Reshape, TensorFlow is as JAX is. The focal loss takes
# the sigmoid of its logits itself and hands on the probabilities, so it is exact only where the
# attribute is, and on JAX it does not move the very samples that it is named for. The loss is
# reported as 15.942 for any of them.
#
# Printed when this was written (target 0, at first a logit of 20, 5 steps of SGD with rate 1):
#   jax, BinaryCrossentropy(from_logits=True): loss 20.000, logit after 5 steps 15.0
#   jax, BinaryFocalCrossentropy(from_logits=True): loss 15.942, logit after 5 steps 20.0
#   jax, sigmoid, BinaryCrossentropy(): loss 15.942, logit after 5 steps 20.0
#   jax, sigmoid, Reshape, BinaryCrossentropy(): loss 15.942, logit after 5 steps 20.0
#   tensorflow, BinaryCrossentropy(from_logits=True): loss 20.000, logit after 5 steps 15.0
#   tensorflow, BinaryFocalCrossentropy(from_logits=True): loss 20.000, logit after 5 steps 15.0
#   tensorflow, sigmoid, BinaryCrossentropy(): loss 20.000, logit after 5 steps 15.0
#   tensorflow, sigmoid, Reshape, BinaryCrossentropy(): loss 15.942, logit after 5 steps 20.0
#
# Source: found by comparing backends; sigmoid and _get_logits in
# keras/src/backend/tensorflow/nn.py, binary_crossentropy in keras/src/backend/jax/nn.py,
# binary_focal_crossentropy in keras/src/losses/losses.py.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 tensorflow==2.21.0 jax==0.10.2 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import keras
import numpy as np

one, zero = np.ones((1, 1)), np.zeros((1, 1))


def show(what: str, loss: keras.Loss, *after: keras.Layer, activation: str | None = None) -> None:
    start = keras.initializers.Constant(20)
    layer = keras.layers.Dense(1, activation, use_bias=False, kernel_initializer=start)
    model = keras.Sequential([keras.Input((1,)), layer, *after])
    model.compile(keras.optimizers.SGD(1.0), loss)
    before = model.evaluate(one, zero, verbose=0)
    model.fit(one, zero, epochs=5, verbose=0)
    logit = model.get_weights()[0].item()
    what = f"{keras.backend.backend()}, {what}"
    print(f"{what}: loss {before:.3f}, logit after 5 steps {logit:.1f}")


Entropy, Focal = keras.losses.BinaryCrossentropy, keras.losses.BinaryFocalCrossentropy
show("BinaryCrossentropy(from_logits=True)", Entropy(from_logits=True))
show("BinaryFocalCrossentropy(from_logits=True)", Focal(from_logits=True))
show("sigmoid, BinaryCrossentropy()", Entropy(), activation="sigmoid")
reshape = keras.layers.Reshape((1,))
show("sigmoid, Reshape, BinaryCrossentropy()", Entropy(), reshape, activation="sigmoid")
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= JAX_PLATFORMS=cpu
for backend in jax tensorflow; do
    KERAS_BACKEND=$backend "$work/venv/bin/python" "$work/try.py" 2>"$work/errors" >>"$work/printed" ||
        cat "$work/errors"
done
cat "$work/printed"
diff - "$work/printed" <<'EXPECTED'
jax, BinaryCrossentropy(from_logits=True): loss 20.000, logit after 5 steps 15.0
jax, BinaryFocalCrossentropy(from_logits=True): loss 15.942, logit after 5 steps 20.0
jax, sigmoid, BinaryCrossentropy(): loss 15.942, logit after 5 steps 20.0
jax, sigmoid, Reshape, BinaryCrossentropy(): loss 15.942, logit after 5 steps 20.0
tensorflow, BinaryCrossentropy(from_logits=True): loss 20.000, logit after 5 steps 15.0
tensorflow, BinaryFocalCrossentropy(from_logits=True): loss 20.000, logit after 5 steps 15.0
tensorflow, sigmoid, BinaryCrossentropy(): loss 20.000, logit after 5 steps 15.0
tensorflow, sigmoid, Reshape, BinaryCrossentropy(): loss 15.942, logit after 5 steps 20.0
EXPECTED
