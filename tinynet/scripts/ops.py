"""The functions of ``keras.ops`` that ordinary scripts call, on NumPy arrays.

They share what they can with `arithmetic`, which has those of older ``keras.backend``. What Keras
does otherwise in ``ops`` is here: what becomes of integers, the root of a negative number, and the
place of the largest entry. They have no derivatives either.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinynet import activations, config
from tinynet.scripts import arithmetic, tensors
from tinynet.scripts.arithmetic import BY_ENTRY, Axis, plain
from tinynet.scripts.tensors import Tensor, tensor

_BY_ENTRY: dict[str, Callable[..., Any]] = {
    **BY_ENTRY,
    "log1p": np.log1p,
    "matmul": np.matmul,
    "power": np.power,
    "sqrt": np.sqrt,
}
# Integers of so few bits that Keras adds them up in more.
_FEW_BITS = {**dict.fromkeys("b?h", "int32"), **dict.fromkeys("BH", "uint32")}


def _in_keras_type(found: Any, *given: Any) -> Tensor:
    """Return a result in the type that Keras gives it.

    NumPy makes 64 bits out of fewer, and of Python's own numbers; Keras has those of floatx.

    Parameters
    ----------
    found : array_like
    *given : array_like
        What it was computed from; Python's own numbers have no type.
    """
    types = [each.dtype for each in given if isinstance(each, np.ndarray)]
    found = np.asarray(found)
    if found.dtype not in types:
        if found.dtype == np.float64:
            floats = [each for each in types if each.kind == "f"]
            found = found.astype(max(floats, default=np.dtype(config.floatx())))
        elif found.dtype == np.int64:
            found = found.astype(f"int{config.floatx()[-2:]}")
    return tensor(found)


def _answering(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    def answered(*arguments: Any) -> Tensor:
        given = [plain(each) for each in arguments]
        with np.errstate(all="ignore"):  # what is no number is NaN, without a warning
            return _in_keras_type(function(*given), *given)

    answered.__name__ = answered.__qualname__ = name
    answered.__doc__ = f"Return what NumPy's function `{function.__name__}` does, as a tensor."
    return answered


globals().update({name: _answering(name, function) for name, function in _BY_ENTRY.items()})


def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """Return `x`, with what is outside of the limits put on them."""
    return arithmetic.clip(x, x_min, x_max)


def sum(x: Any, axis: Axis = None, keepdims: Any = False) -> Tensor:
    """Return the sum."""
    array = plain(x)
    few = _FEW_BITS.get(np.asarray(array).dtype.char)
    return arithmetic.sum(array if few is None else array.astype(few), axis, keepdims)


def mean(x: Any, axis: Axis = None, keepdims: Any = False) -> Tensor:
    """Return the mean; of integers and truth values it is in float32."""
    array = np.asarray(plain(x))
    return arithmetic.mean(
        array if array.dtype.kind == "f" else array.astype("float32"), axis, keepdims
    )


def argmax(x: Any, axis: int | None = None, keepdims: Any = False) -> Tensor:
    """Return where the largest entry is along an axis, by default in all entries in a row.

    As on TensorFlow, -0.0 is less than 0.0, and NaN is never the largest.
    """
    found = np.argmax(_ranked(x, -np.inf), axis, keepdims=keepdims)
    return tensors.cast(found, "int32")


def argmin(x: Any, axis: int | None = None, keepdims: Any = False) -> Tensor:
    """Return where the smallest entry is; see `argmax`."""
    return tensors.cast(np.argmin(_ranked(x, np.inf), axis, keepdims=keepdims), "int32")


def _ranked(x: Any, of_nan: float) -> Any:
    """Return numbers that NumPy ranks as TensorFlow does, with a number in the place of NaN."""
    array = np.asarray(plain(x))
    if array.dtype.kind != "f":
        return array
    array = np.where(np.isnan(array), of_nan, array)
    return np.where((array == 0) & np.signbit(array), -np.finfo(array.dtype).tiny, array)


def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None) -> Tensor:
    """Return vectors of zeros with a one, along an axis; without one where out of range."""
    found = tensors.one_hot(x, num_classes, dtype=dtype or config.floatx())
    return tensor(np.moveaxis(np.asarray(found), -1, axis))


def expand_dims(x: Any, axis: int) -> Tensor:
    """Return `x` with an axis of length 1 more."""
    return tensors.expand_dims(x, axis)


def squeeze(x: Any, axis: Axis = None) -> Tensor:
    """Return `x` without axes of length 1, or without one of them."""
    return tensor(np.squeeze(plain(x), axis))


def reshape(x: Any, newshape: Sequence[int]) -> Tensor:
    """Return the entries in another shape."""
    return arithmetic.reshape(x, newshape)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """Return `x` with its axes in another order, by default the opposite one."""
    return tensor(np.transpose(plain(x), axes))


def concatenate(xs: Sequence[Any], axis: int = 0) -> Tensor:
    """Return some arrays one after the other along an axis."""
    given = [plain(each) for each in xs]
    return _in_keras_type(np.concatenate(given, axis), *given)


def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Return some arrays of one shape, along a new axis."""
    given = [plain(each) for each in x]
    return _in_keras_type(np.stack(given, axis), *given)


def shape(x: Any) -> tuple[int, ...]:
    """Return the lengths of the axes."""
    return np.shape(x)


def zeros(shape: Sequence[int], dtype: Any = None) -> Tensor:
    """Return zeros, in floatx."""
    return tensor(np.zeros(shape, dtype or config.floatx()))


def ones(shape: Sequence[int], dtype: Any = None) -> Tensor:
    """Return ones, in floatx."""
    return tensor(np.ones(shape, dtype or config.floatx()))


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    """Return the numbers from `start` up to, and without, `stop`; or from 0, without `start`."""
    begin, end = (0, start) if stop is None else (start, stop)
    found = np.arange(begin, end, 1 if step is None else step)
    return _in_keras_type(found) if dtype is None else tensors.cast(found, dtype)


def convert_to_numpy(x: Any) -> Any:
    """Return `x` as NumPy's own array."""
    return np.asarray(x).view(np.ndarray)


def relu(x: Any) -> Tensor:
    """Return `x`, and 0 where it is negative."""
    return tensor(np.maximum(plain(x), 0))


def sigmoid(x: Any) -> Tensor:
    """Return the logistic function of every entry."""
    return _activated(activations.sigmoid, x)


def softmax(x: Any, axis: int = -1) -> Tensor:
    """Return probabilities along an axis."""
    return _activated(activations.softmax, x, axis=axis)


def _activated(function: Callable[..., Any], x: Any, **options: Any) -> Tensor:
    array = np.asarray(plain(x))
    floats = array if array.dtype.kind == "f" else array.astype(config.floatx())
    return tensor(function(floats, **options))
