"""What losses and metrics of a script's own are made of: ``K.sum(K.round(x))``, ``tf.square(x)``.

The functions of older ``keras.backend`` and of TensorFlow under these names, on NumPy arrays. They
have no derivatives: `tinynet.losses.LossFunctionWrapper` measures that of a loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinynet import config
from tinynet.scripts.tensors import Tensor, convert_to_tensor, reduce_max, reduce_sum, tensor
from tinynet.symbolic import KerasTensor

Axis = int | Sequence[int] | None

# Entry by entry, under their names here; NumPy's function of the same name, or another.
BY_ENTRY: dict[str, Callable[..., Any]] = {
    "abs": np.abs,
    "add": np.add,
    "cos": np.cos,
    "divide": np.true_divide,
    "equal": np.equal,
    "exp": np.exp,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "log": np.log,
    "logical_and": np.logical_and,
    "logical_not": np.logical_not,
    "logical_or": np.logical_or,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "multiply": np.multiply,
    "not_equal": np.not_equal,
    "ones_like": np.ones_like,
    "pow": np.power,
    "round": np.rint,  # 2.5 becomes 2, as in TensorFlow
    "sign": np.sign,
    "sin": np.sin,
    "square": np.square,
    "subtract": np.subtract,
    "tanh": np.tanh,
    "where": np.where,
    "zeros_like": np.zeros_like,
}


def _answering(name: str, function: Callable[..., Any]) -> Callable[..., Tensor]:
    def answered(*arguments: Any) -> Tensor:
        return tensor(function(*map(plain, arguments)))

    answered.__name__ = answered.__qualname__ = name
    answered.__doc__ = f"Return what NumPy's function `{function.__name__}` does, as a tensor."
    return answered


def plain(x: Any) -> Any:
    """Return an array as NumPy's own; numbers stay, so that they take the other's type.

    Raises
    ------
    TypeError
        If it is a tensor of a model that is being made.
    """
    if isinstance(x, KerasTensor):
        raise TypeError(
            "expected numbers, got what a layer returns before the model has any: between layers "
            "stand layers, such as Add, Concatenate, or Lambda with a function of keras.ops"
        )
    return x if isinstance(x, (int, float)) else np.asarray(convert_to_tensor(x))


globals().update({name: _answering(name, function) for name, function in BY_ENTRY.items()})


def clip(x: Any, min_value: Any, max_value: Any) -> Tensor:
    """Return `x`, with what is outside of the limits put on them."""
    return tensor(np.clip(plain(x), min_value, max_value))


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any) -> Tensor:
    """Return `t`, with what is outside of the limits put on them."""
    return clip(t, clip_value_min, clip_value_max)


def sqrt(x: Any) -> Tensor:
    """Return the root, of a negative number 0, as ``keras.backend`` does."""
    return tensor(np.sqrt(np.maximum(plain(x), 0)))


def sum(x: Any, axis: Axis = None, keepdims: Any = False) -> Tensor:
    """Return the sum."""
    return reduce_sum(x, axis, keepdims)


def mean(x: Any, axis: Axis = None, keepdims: Any = False) -> Tensor:
    """Return the mean; of truth values the share of those that are true."""
    return _reduced(np.mean, x, axis, keepdims)


def std(x: Any, axis: Axis = None, keepdims: Any = False) -> Tensor:
    """Return the standard deviation."""
    return _reduced(np.std, x, axis, keepdims)


def var(x: Any, axis: Axis = None, keepdims: Any = False) -> Tensor:
    """Return the variance."""
    return _reduced(np.var, x, axis, keepdims)


def max(x: Any, axis: Axis = None, keepdims: Any = False) -> Tensor:
    """Return the largest entry."""
    return reduce_max(x, axis, keepdims)


def min(x: Any, axis: Axis = None, keepdims: Any = False) -> Tensor:
    """Return the smallest entry."""
    return _reduced(np.min, x, axis, keepdims)


def reduce_min(input_tensor: Any, axis: Axis = None, keepdims: Any = False) -> Tensor:
    """Return the smallest entry."""
    return min(input_tensor, axis, keepdims)


def _reduced(function: Callable[..., Any], x: Any, axis: Axis, keepdims: Any) -> Tensor:
    array = np.asarray(convert_to_tensor(x))
    array = array.astype(config.floatx()) if array.dtype == np.bool_ else array
    along = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    return tensor(function(array, axis=along, keepdims=keepdims))


def argmax(x: Any, axis: int = -1) -> Tensor:
    """Return where the largest entry is along an axis, by default the last."""
    return tensor(np.argmax(plain(x), axis))


def argmin(x: Any, axis: int = -1) -> Tensor:
    """Return where the smallest entry is along an axis, by default the last."""
    return tensor(np.argmin(plain(x), axis))


def reshape(tensor: Any, shape: Sequence[int]) -> Tensor:
    """Return the entries in another shape."""
    return convert_to_tensor(np.reshape(plain(tensor), tuple(shape)))


def flatten(x: Any) -> Tensor:
    """Return all entries in a row."""
    return reshape(x, [-1])


def batch_flatten(x: Any) -> Tensor:
    """Return the entries of each sample in a row."""
    return reshape(x, (len(x), -1))


def squeeze(x: Any, axis: int) -> Tensor:
    """Return `x` without an axis of length 1."""
    return tensor(np.squeeze(plain(x), axis))


def binary_crossentropy(target: Any, output: Any, from_logits: Any = False) -> Tensor:
    """Return the cross-entropy of every entry."""
    target, output = plain(target), plain(output)
    if from_logits:
        one = np.maximum(output, 0) - output * target + np.log1p(np.exp(-np.abs(output)))
        return tensor(one)
    near = config.epsilon()
    p = np.clip(output, near, 1 - near)
    return tensor(-(target * np.log(p + near) + (1 - target) * np.log(1 - p + near)))


def categorical_crossentropy(target: Any, output: Any, from_logits: Any = False) -> Tensor:
    """Return the cross-entropy of every sample."""
    target, output = plain(target), plain(output)
    if from_logits:
        z = output - output.max(axis=-1, keepdims=True)
        logs = z - np.log(np.exp(z).sum(axis=-1, keepdims=True))
    else:
        near = config.epsilon()
        logs = np.log(np.clip(output / output.sum(axis=-1, keepdims=True), near, 1 - near))
    return tensor(-(target * logs).sum(axis=-1))
