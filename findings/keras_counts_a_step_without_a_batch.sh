#!/usr/bin/env bash
# Keras 3.15.1 with TensorFlow 2.21.0: when a generator ends and fit finds out by asking for one more
# batch, the optimizer counts a step that was never made, and goes on otherwise from then on.
#
# One would expect fit(batches()), called three times with a generator of six batches, to end with
# the weights of fit(x, y) on the same six batches: 18 steps of Adam on the same numbers. It does
# with run_eagerly=True, with jit_compile=True, and where steps_per_epoch=6 says that no seventh
# batch is to be asked for.
#
# What happens: the step is one graph, in which asking the iterator for a batch is an operation like
# any other. Adding 1 to optimizer.iterations needs nothing from the batch, so it need not wait for
# it, and has been done by the time the iterator says that there is none; nothing takes it back. Each
# fit that ends in this way adds a step: 21 here for 18. Adam divides by 1 - beta ** iterations and
# a schedule is read at that number, so the next steps are others. Within one call of fit it shows
# only in the counter; in scripts that call fit for each pass over a generator, in the weights.
#
# Printed when this was written (the counter, and the bias, after three calls):
#   generator: 21 steps, bias 0.218773
#   generator, steps_per_epoch=6: 18 steps, bias 0.219266
#   generator, run_eagerly=True: 18 steps, bias 0.219266
#   generator, jit_compile=True: 18 steps, bias 0.219266
#   arrays: 18 steps, bias 0.219266
#
# Source: found by comparing runs; multi_step_on_iterator in
# keras/src/backend/tensorflow/trainer.py (the batch is asked for within the tf.function), apply in
# keras/src/optimizers/base_optimizer.py.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 tensorflow==2.21.0 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import keras
import numpy as np

x, y = np.ones((53, 4), "float32"), np.ones((53, 1), "float32")


def batches():
    for first in range(0, 53, 10):
        yield x[first : first + 10], y[first : first + 10]


def show(what, fit, **options):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.1), "mse", **options)
    for _ in range(3):
        fit(model)
    bias = model.get_weights()[1].item()
    print(f"{what}: {int(model.optimizer.iterations)} steps, bias {bias:.6f}")


def from_generator(model):
    model.fit(batches(), verbose=0)


show("generator", from_generator)
show("generator, steps_per_epoch=6", lambda model: model.fit(batches(), steps_per_epoch=6, verbose=0))
show("generator, run_eagerly=True", from_generator, run_eagerly=True)
show("generator, jit_compile=True", from_generator, jit_compile=True)
show("arrays", lambda model: model.fit(x, y, batch_size=10, shuffle=False, verbose=0))
PYTHON
KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=3 "$work/venv/bin/python" "$work/try.py" \
    2>/dev/null | tee "$work/printed"
diff - "$work/printed" <<'EXPECTED'
generator: 21 steps, bias 0.218773
generator, steps_per_epoch=6: 18 steps, bias 0.219266
generator, run_eagerly=True: 18 steps, bias 0.219266
generator, jit_compile=True: 18 steps, bias 0.219266
arrays: 18 steps, bias 0.219266
EXPECTED
