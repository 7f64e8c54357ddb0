"""Copying values into named arrays, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynet.kernels.registry import Array


def copy_into(arrays: Mapping[str, Array], values: Sequence[Any]) -> None:
    """Copy one value into each array, in their order.

    Raises
    ------
    ValueError
        If the number of values or a shape differs; nothing is changed then.
    """
    if len(values) != len(arrays):
        raise ValueError(
            f"weights: expected {len(arrays)} arrays ({', '.join(arrays)}), got {len(values)}"
        )
    new = [np.asarray(value) for value in values]
    for (key, array), value in zip(arrays.items(), new, strict=True):
        if array.shape != value.shape:
            raise ValueError(f"weights: expected shape {array.shape} for {key}, got {value.shape}")
    for array, value in zip(arrays.values(), new, strict=True):
        array[...] = value
