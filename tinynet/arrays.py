"""Arrays as tinynet uses them: their type, and copying values into several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def copy_into(arrays: Mapping[str, Array], values: Sequence[Any]) -> None:
    """Copy one value into each array, in order.

    Raises
    ------
    ValueError
        If the number of values or a shape differs, or a value is not an array of numbers; in
        that case nothing is changed.
    """
    if len(values) != len(arrays):
        raise ValueError(
            f"weights: expected {len(arrays)} arrays ({', '.join(arrays)}), got {len(values)}"
            + ("" if arrays else "; the weights are made when the layer is built")
        )
    new = []
    for (key, array), given in zip(arrays.items(), values, strict=True):
        try:
            value = np.asarray(given, array.dtype)
        except (TypeError, ValueError) as error:
            raise ValueError(f"weights: expected numbers for {key}: {error}") from None
        if array.shape != value.shape:
            raise ValueError(f"weights: expected shape {array.shape} for {key}, got {value.shape}")
        new.append(value)
    for array, value in zip(arrays.values(), new, strict=True):
        array[...] = value


def make_writable(arrays: dict[str, Array]) -> None:
    """Put copies in the place of arrays that cannot be written to.

    joblib, for instance, hands large arrays to another process as files that are only read.
    """
    arrays |= {key: each.copy() for key, each in arrays.items() if not each.flags.writeable}


def is_loopable(dtype: np.dtype[Any]) -> bool:
    """Return whether compiled loops can read a type: not half precision, no foreign byte order."""
    odd = dtype.kind not in "iufb" or (dtype.kind == "f" and dtype.itemsize not in (4, 8))
    return dtype.isnative and not odd


def read_only(x: Array) -> Array:
    """Return a view of an array that a user's function cannot write to."""
    view = x.view()
    view.flags.writeable = False
    return view


def same_rank(a: Array, b: Array) -> tuple[Array, Array]:
    """Return two arrays with the same rank if they differ only by a last axis of 1.

    (n,) and (n, 1) become (n, 1); at higher ranks the axis is dropped.

    Notes
    -----
    Follows ``squeeze_or_expand_to_same_rank`` in keras/src/losses/loss.py.
    """
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, b[:, None]) if b.ndim == 1 else (a[..., 0], b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (a[:, None], b) if a.ndim == 1 else (a, b[..., 0])
    return a, b
