"""The few functions of TensorFlow that ordinary scripts call, on NumPy arrays.

Each computes what TensorFlow's function of that name computes, in the same type. What is not here
is not in the stand-in either; `tinynet.scope` says what to write instead.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinynet import activations, config, layers, losses, metrics, models, random

float32, float64 = np.dtype("float32"), np.dtype("float64")
uint8, int32, int64 = np.dtype("uint8"), np.dtype("int32"), np.dtype("int64")
bool = np.dtype("bool")
string = np.dtype("str")
newaxis = None


class Tensor(np.ndarray[Any, np.dtype[Any]]):
    """An array that also answers to ``numpy()``."""

    def numpy(self) -> Any:
        """Return a plain array; of a single number, the number."""
        return np.asarray(self)[()]

    def __getitem__(self, key: Any) -> Any:
        return tensor(np.asarray(self)[key])

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: Any = False) -> Any:
        return tensor(array)  # a single number stays a tensor


def tensor(value: Any) -> Tensor:
    """Return an array as a `Tensor`, without copying it."""
    return np.asarray(value).view(Tensor)


def answer_with_tensors() -> None:
    """Let models, layers, losses, activations and metrics that are called return tensors.

    Scripts for TensorFlow write ``model(x).numpy()``.
    """
    for kind in (models.Model, layers.Layer, losses.Loss, activations.Activation, metrics.Metric):
        kind.__call__ = _with_tensor(kind.__call__)  # type: ignore[method-assign]
    for defining in {base for kind in metrics.METRICS.values() for base in kind.__mro__}:
        if issubclass(defining, metrics.Metric) and "result" in vars(defining):
            defining.result = _with_tensor(defining.result)  # type: ignore[method-assign]


def _with_tensor(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that gives what `call` does, as a tensor if it is an array or a number."""

    @functools.wraps(call)
    def answered(*arguments: Any, **options: Any) -> Any:
        found = call(*arguments, **options)
        if isinstance(found, float):
            found = np.asarray(found, config.floatx())
        return tensor(found) if isinstance(found, (np.ndarray, np.generic)) else found

    return answered


def convert_to_tensor(value: Any, dtype: Any = None) -> Tensor:
    """Return a tensor; of Python's own numbers, in float32 or int32, as TensorFlow does.

    Parameters
    ----------
    value : array_like
        An array keeps its type.
    dtype : dtype, optional

    Returns
    -------
    Tensor
    """
    array = np.asarray(value)
    if dtype is None and not isinstance(value, (np.ndarray, np.generic)):
        dtype = {float64: float32, int64: int32}.get(array.dtype, array.dtype)
    return tensor(array if dtype is None else array.astype(dtype))


def constant(value: Any, dtype: Any = None, shape: Sequence[int] | None = None) -> Tensor:
    """Return a tensor; a single number fills the shape."""
    made = convert_to_tensor(value, dtype)
    if shape is None:
        return made
    return tensor(np.full(shape, made) if made.ndim == 0 else np.reshape(np.asarray(made), shape))


def cast(x: Any, dtype: Any) -> Tensor:
    """Return `x` in another type."""
    return tensor(np.asarray(x).astype(dtype))


def expand_dims(input: Any, axis: int) -> Tensor:
    """Return `input` with an axis of length 1 more."""
    return tensor(np.expand_dims(convert_to_tensor(input), axis))


def one_hot(
    indices: Any, depth: int, on_value: float = 1.0, off_value: float = 0.0, dtype: Any = float32
) -> Tensor:
    """Return vectors of `off_value` with one `on_value`, (..., depth); none where out of range."""
    hit = np.asarray(indices)[..., None] == np.arange(depth)
    return tensor(np.where(hit, on_value, off_value).astype(dtype))


def argmax(input: Any, axis: int | None = None, output_type: Any = int64) -> Tensor:
    """Return where the largest entry is along an axis, by default the first, as in TensorFlow."""
    return cast(np.argmax(np.asarray(input), axis=0 if axis is None else axis), output_type)


def reduce_mean(
    input_tensor: Any, axis: int | Sequence[int] | None = None, keepdims: Any = False
) -> Tensor:
    """Return the mean in the input's own type; of integers it is rounded toward zero."""
    x = convert_to_tensor(input_tensor)
    along = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    return tensor(np.mean(np.asarray(x), along, keepdims=keepdims).astype(x.dtype))


def reduce_sum(
    input_tensor: Any, axis: int | Sequence[int] | None = None, keepdims: Any = False
) -> Tensor:
    """Return the sum in the input's own type."""
    x = convert_to_tensor(input_tensor)
    along = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    return tensor(np.sum(np.asarray(x), along, x.dtype, keepdims=keepdims))


def reduce_max(
    input_tensor: Any, axis: int | Sequence[int] | None = None, keepdims: Any = False
) -> Tensor:
    """Return the largest entry."""
    along = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    return tensor(np.max(np.asarray(convert_to_tensor(input_tensor)), along, keepdims=keepdims))


def confusion_matrix(
    labels: Any, predictions: Any, num_classes: int | None = None, dtype: Any = int32
) -> Tensor:
    """Count how often class i was predicted as class j; see `tinynet.metrics.confusion_matrix`."""
    given = np.asarray(labels), np.asarray(predictions)
    return cast(metrics.confusion_matrix(*given, num_classes), dtype)


def set_seed(seed: int) -> None:
    """Seed the order in which ``fit(shuffle=True)`` goes through the data, and nothing else.

    That is what ``tf.random.set_seed`` does to a Keras script: layers and initializers take their
    seeds from Python's `random`, so a script that wants the same run twice seeds that too, or calls
    ``keras.utils.set_random_seed``.
    """
    random.set_order_seed(seed)


def executing_eagerly() -> Any:
    """Return True: a line is computed when it runs."""
    return True


def get_logger() -> logging.Logger:
    """Return a logger that nothing writes to."""
    return logging.getLogger("tensorflow")


# The machine, as TensorFlow describes it: one processor, no GPU.


class PhysicalDevice(NamedTuple):
    """A device that can compute."""

    name: str
    device_type: str


def list_physical_devices(device_type: str | None = None) -> list[PhysicalDevice]:
    """Return the processor; no GPU is used, whether or not there is one."""
    processor = PhysicalDevice("/physical_device:CPU:0", "CPU")
    return [processor] if device_type in (None, "CPU") else []


list_logical_devices = list_physical_devices


def set_visible_devices(devices: Any, device_type: str | None = None) -> None:
    """Do nothing: there is one device."""


def set_memory_growth(device: Any, enable: Any) -> None:
    """Do nothing: memory is taken when it is needed."""


def get_memory_growth(device: Any) -> Any:
    """Return True."""
    return True


def is_gpu_available(*args: Any, **options: Any) -> Any:
    """Return False."""
    return False


def is_built_with_cuda() -> Any:
    """Return False."""
    return False


def gpu_device_name() -> str:
    """Return the empty string: there is no GPU."""
    return ""
