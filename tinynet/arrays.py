"""Arrays as tinynet computes with them: their float type, packed together, copied by name."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynet import config
from tinynet.kernels.registry import Array

FLOAT_TYPES = (np.dtype("float32"), np.dtype("float64"))


def as_float(x: Any) -> Array:
    """Return `x` as an array of float32 or float64, by default of the type `floatx`."""
    x = np.asarray(x)
    floating: Array = x if x.dtype in FLOAT_TYPES else x.astype(config.floatx())
    return floating


@functools.cache
def keep_freed_memory() -> None:
    """Have the C library keep what arrays give back, for the next ones, where it is glibc.

    The arrays of a step are as large as those of the step before. glibc returns freed memory at the
    end of its own to the system, and then every page of the next array is a fault: with images,
    they can take as long as the arithmetic. How much it keeps, it learns from what is freed: twice
    the largest piece that stood alone, of pieces up to 32 MiB (mallopt(3), M_MMAP_THRESHOLD). So it
    gets one of nearly that size, whose pages are never touched, and keeps up to 64 MiB for each of
    its arenas. Where MALLOC_TRIM_THRESHOLD_ or its like is set, that counts; with other C libraries
    nothing changes.
    """
    np.empty((32 << 20) - (64 << 10), np.uint8)


class Packed(dict[str, Array]):
    """Arrays by name that lie one behind the other in memory.

    Parameters
    ----------
    arrays : dict of str to ndarray
        Copied; all of one dtype.

    Attributes
    ----------
    flat : ndarray (n,)
        All of them as one array, of which each is a view.
    layout : tuple
        Name and size of each, in their order.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self.flat = np.concatenate([each.reshape(-1) for each in arrays.values()])
        self.layout = tuple((key, each.size) for key, each in arrays.items())
        ends = np.cumsum([size for _, size in self.layout])
        for (key, each), part in zip(arrays.items(), np.split(self.flat, ends[:-1]), strict=True):
            self[key] = part.reshape(each.shape)


def copy_into(arrays: Mapping[str, Array], values: Sequence[Any]) -> None:
    """Copy one value into each array, in their order.

    Raises
    ------
    ValueError
        If the number of values or a shape differs, or a value is no array of numbers; nothing
        is changed then.
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


def read_only(x: Array) -> Array:
    """Return a view of an array that a function of the user's cannot write to."""
    view = x.view()
    view.flags.writeable = False
    return view


def same_rank(a: Array, b: Array) -> tuple[Array, Array]:
    """Return two arrays of one rank where they differ by a last axis of 1.

    (n,) and (n, 1) become (n, 1); of higher ranks the axis is dropped.

    Notes
    -----
    Follows ``squeeze_or_expand_to_same_rank`` in keras/src/losses/loss.py.
    """
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, b[:, None]) if b.ndim == 1 else (a[..., 0], b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (a[:, None], b) if a.ndim == 1 else (a, b[..., 0])
    return a, b
