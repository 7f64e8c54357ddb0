#!/usr/bin/env bash
# Keras 3.15.1 on TensorFlow 2.21.0: with ScheduleFreeAdamW, the first step of fit throws away
# what the weights were, trained or not; and TensorFlow makes other steps than JAX even where it
# does not.
#
# One would expect a step of an optimizer to move the weights by about its learning rate, from
# where they are; fit to take the same steps with run_eagerly=True as without; and the backends to
# take the same.
#
# What happens: the optimizer keeps a second copy of every weight, z, that the gradients move; the
# model's weight is a mixture of z and of the average of all z.
# (1) Its build makes z with zeros and then assigns the weight to it. On TensorFlow, fit has the
# optimizer built inside the step that tf.function traces. As variables were made there, that
# trace is not kept, and with it goes the assignment; the second trace, which is run, finds the
# optimizer built. So z begins at 0, and as the average's first entry counts for all of it, the
# weight after the first step is 0 - step: 10 becomes -1 here, and all of a network that was
# loaded to be trained further is gone. The loss falls all the same. train_on_batch and a loop of
# one's own in a tf.function are like fit; a call of optimizer.build(model.trainable_variables)
# before fit helps.
# (2) With that call or with run_eagerly=True, steps differ from the published ones from the
# second on. update_step takes momentum.value as the old z, changes momentum, and goes on with the
# old one. In JAX that is an array, which stays; in TensorFlow (and PyTorch) it is the variable
# itself, which has changed.
#
# Printed when this was written (a weight of 10, loss w * w, learning rate 1, after each step):
#   the method as published: 9.000 8.480 7.968
#   jax, fit: 9.000 8.480 7.968
#   jax, fit with run_eagerly=True: 9.000 8.480 7.968
#   tensorflow, fit: -1.000 -0.930 -0.853
#   tensorflow, fit with run_eagerly=True: 9.000 8.527 8.060
#   tensorflow, fit, built before: 9.000 8.527 8.060
#
# Source: found by comparing backends; build and update_step in
# keras/src/optimizers/schedule_free_adamw.py; _maybe_symbolic_build in
# keras/src/backend/tensorflow/trainer.py leaves building to the trace. The method: Defazio et
# al., The Road Less Scheduled (2024), with Adam's second moment.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 tensorflow==2.21.0 jax==0.10.2 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import keras
import numpy as np

ones, zeros = np.ones((4, 1)), np.zeros((4, 1))
backend = keras.backend.backend()


def show(what: str, weights: list[float]) -> None:
    print(f"{what}: {' '.join(f'{w:.3f}' for w in weights)}")


def published() -> list[float]:
    y = z = average = 10.0
    second, weights = 0.0, []
    for t in (1, 2, 3):
        gradient = 2 * y
        second = 0.999 * second + 0.001 * gradient**2
        z -= gradient / ((second / (1 - 0.999**t)) ** 0.5 + 1e-8)
        average += (z - average) / t
        y = 0.1 * z + 0.9 * average
        weights.append(y)
    return weights


def by_fit(eagerly: bool, built: bool = False) -> list[float]:
    ten = keras.initializers.Constant(10)
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer=ten)
    model = keras.Sequential([keras.Input((1,)), layer])
    optimizer = keras.optimizers.ScheduleFreeAdamW(learning_rate=1.0)
    model.compile(optimizer, loss="mse", run_eagerly=eagerly)
    if built:
        optimizer.build(model.trainable_variables)
    weights = []
    for _ in range(3):
        model.fit(ones, zeros, verbose=0)
        weights.append(model.get_weights()[0].item())
    return weights


if backend == "jax":
    show("the method as published", published())
show(f"{backend}, fit", by_fit(eagerly=False))
show(f"{backend}, fit with run_eagerly=True", by_fit(eagerly=True))
if backend == "tensorflow":
    show("tensorflow, fit, built before", by_fit(eagerly=False, built=True))
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3 CUDA_VISIBLE_DEVICES= JAX_PLATFORMS=cpu
for backend in jax tensorflow; do
    KERAS_BACKEND=$backend "$work/venv/bin/python" "$work/try.py" 2>"$work/errors" >>"$work/printed" ||
        cat "$work/errors"
done
cat "$work/printed"
diff - "$work/printed" <<'EXPECTED'
the method as published: 9.000 8.480 7.968
jax, fit: 9.000 8.480 7.968
jax, fit with run_eagerly=True: 9.000 8.480 7.968
tensorflow, fit: -1.000 -0.930 -0.853
tensorflow, fit with run_eagerly=True: 9.000 8.527 8.060
tensorflow, fit, built before: 9.000 8.527 8.060
EXPECTED
