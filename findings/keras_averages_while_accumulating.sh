#!/usr/bin/env bash
# Keras 3.15.1: with gradient_accumulation_steps, the averages of use_ema are taken after every
# batch, and with ema_overwrite_frequency, the weights move between the batches of one step.
#
# One would expect 4 batches of 2 with gradient_accumulation_steps=4 to be one batch of 8. The
# documentation of the argument says that between the steps the variables of model and optimizer
# stay as they are, and that ema_overwrite_frequency counts the accumulated steps. The weights are
# the same indeed, as long as nothing else is asked for.
#
# What happens: the average is updated after each batch, with weights that have moved after every
# fourth only. Its momentum counts four times: 0.9 is 0.9**4 = 0.656, and the average remembers 3
# steps instead of 10. With ema_overwrite_frequency=5 the question whether the fifth step is done
# is asked after each batch too, but of a number that changes with every fourth: the answer is yes
# after all four batches of the fifth step, the first of which replaces the weights by their
# averages while the gradients of that step are still being added up. So these gradients are those
# of two networks.
#
# Printed when this was written (20 steps of SGD on the same 8 samples):
#   weights: one batch 0.358, four batches 0.358
#   averages: one batch 0.566, four batches 0.413
#   ema_overwrite_frequency=5: one batch 0.752, four batches 0.639
#   before its fifth step, and after each batch of it: 0.815 0.890 0.890 0.890 0.885
#
# Source: found by comparing runs; _backend_apply_gradients in
# keras/src/optimizers/base_optimizer.py and in keras/src/backend/jax/optimizer.py (use_ema comes
# after the question whether it is time to update).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip --quiet --disable-pip-version-check install \
    keras==3.15.1 jax==0.10.2 numpy==2.4.6
cat >"$work/try.py" <<'PYTHON'
import keras
import numpy as np

x, y = np.ones((8, 1)), np.zeros((8, 1))


def trained(batches: int, every: int | None = None) -> tuple[float, float, list[float]]:
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Sequential([keras.Input((1,)), layer])
    optimizer = keras.optimizers.SGD(
        0.025,
        use_ema=True,
        ema_momentum=0.9,
        ema_overwrite_frequency=every,
        gradient_accumulation_steps=batches if batches > 1 else None,
    )
    model.compile(optimizer, loss="mse")
    after = []
    for _ in range(20):
        for part in range(batches):
            size = 8 // batches
            here = slice(part * size, (part + 1) * size)
            model.train_on_batch(x[here], y[here])
            after.append(model.get_weights()[0].item())
    return after[-1], optimizer._model_variables_moving_average[0].numpy().item(), after


one, four = trained(1), trained(4)
print(f"weights: one batch {one[0]:.3f}, four batches {four[0]:.3f}")
print(f"averages: one batch {one[1]:.3f}, four batches {four[1]:.3f}")
one, four = trained(1, every=5), trained(4, every=5)
print(f"ema_overwrite_frequency=5: one batch {one[0]:.3f}, four batches {four[0]:.3f}")
print("before its fifth step, and after each batch of it:", *(f"{w:.3f}" for w in four[2][15:20]))
PYTHON
export KERAS_BACKEND=jax JAX_PLATFORMS=cpu
"$work/venv/bin/python" "$work/try.py" 2>"$work/errors" >"$work/printed" || cat "$work/errors"
cat "$work/printed"
diff - "$work/printed" <<'EXPECTED'
weights: one batch 0.358, four batches 0.358
averages: one batch 0.566, four batches 0.413
ema_overwrite_frequency=5: one batch 0.752, four batches 0.639
before its fifth step, and after each batch of it: 0.815 0.890 0.890 0.890 0.885
EXPECTED
