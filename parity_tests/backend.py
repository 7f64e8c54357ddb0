"""Keras's backend, prepared for comparisons, and the device on which it computes.

The environment variable ``KERAS_BACKEND`` chooses it: tensorflow (the default), jax or torch.
Nothing of another backend is imported.
"""

from __future__ import annotations

import functools
import math
import os
import platform
from importlib.metadata import version
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras.src.layers.preprocessing.image_preprocessing import base_image_preprocessing_layer

BACKEND = keras.backend.backend()

# On JAX and PyTorch, Keras's rules for mixed types turn float64 into float32, as JAX does unless
# jax_enable_x64 is set: a mean of float64 would hold 7 digits. Here float64 stays float64.
keras.src.backend.common.dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"


class Pi:
    """Replaces Python's math where Keras converts a rotation's degrees to radians.

    Keras turns pi/180 into float32, which TensorFlow refuses to multiply by angles of float64, so
    RandomRotation fails where floatx is float64. Here pi then has the type of the angles.
    """

    @property
    def pi(self) -> float:
        """Return pi as float64, or as a number that becomes float32."""
        return np.float64(math.pi) if keras.config.floatx() == "float64" else math.pi


base_image_preprocessing_layer.math = Pi()

# TensorFloat-32 and similar modes round the inputs of a matrix product to 10 bits: off. (On a
# machine without a GPU these settings change nothing.)
if BACKEND == "tensorflow":
    import tensorflow as tf

    tf.config.experimental.enable_tensor_float_32_execution(False)
elif BACKEND == "jax":
    import jax

    jax.config.update("jax_enable_x64", True)  # without it float64 is silently float32
    jax.config.update("jax_default_matmul_precision", "highest")
elif BACKEND == "torch":
    import torch

    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False


@functools.cache
def device() -> str:
    """Return the device that computes: that of a weight which a training step has changed."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mean_squared_error")
    model.train_on_batch(np.ones((4, 2)), np.zeros((4, 1)))
    value: Any = model.layers[0].kernel.value
    if BACKEND == "jax":
        (place,) = value.devices()
        return f"{place.platform.upper()} ({place.device_kind})"
    if BACKEND == "torch":
        if value.device.type == "cuda":
            return f"GPU ({torch.cuda.get_device_name(value.device)})"
        return value.device.type.upper()
    place = value.device.rsplit("device:", 1)[-1]  # "GPU:0"
    if not place.startswith("GPU"):
        return place.split(":")[0]
    gpu = tf.config.list_physical_devices("GPU")[int(place.split(":")[1])]
    details = tf.config.experimental.get_device_details(gpu)
    return f"GPU ({details.get('device_name', 'name unknown')})"


def versions() -> dict[str, str]:
    """Return the versions of everything that takes part in a comparison."""
    packages = ("tinynet", "keras", BACKEND, "numpy", "numba")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def main() -> None:
    """Print the device; end with an error where it is not a GPU."""
    found = device()
    print(f"Keras {keras.__version__} on {BACKEND} computes on: {found}")
    if not found.startswith("GPU"):
        raise SystemExit(
            f"{BACKEND} finds no GPU. Install its build for this machine's GPU, or choose "
            f"another backend (BACKEND=jax, BACKEND=torch); on a CPU: make parity"
        )


if __name__ == "__main__":
    main()
