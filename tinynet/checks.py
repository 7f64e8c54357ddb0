"""Argument checks that report what was expected and what came, and return plain values.

NumPy's numbers behave like Python's until they are used in arithmetic or saved: 1 minus a float32
has seven digits, and JSON accepts neither a float32 nor an array. So plain values are kept.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Return NumPy's numbers and arrays as Python's numbers and lists, anything else as it is."""
    return value.tolist() if isinstance(value, (np.generic, np.ndarray)) else value


def number(
    name: str,
    value: Any,
    least: float = -math.inf,
    most: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
) -> Any:
    """Return a number as a plain int or float.

    Parameters
    ----------
    name : str
        The argument's name, for the error.
    value : int, float, or a NumPy number
    least, most : float
        The smallest and the largest value allowed.
    above, below : float
        Bounds that are not allowed themselves; with no bounds at all, any finite number is valid.

    Raises
    ------
    ValueError
        If `value` is not a finite number, or is out of range.
    """
    found = plain(value)
    a_number = isinstance(found, (int, float)) and not isinstance(found, bool)
    if a_number and least <= found <= most and above < found < below:
        return found
    limits = {
        f"of {least:g} or more": least > -math.inf,
        f"above {above:g}": above > -math.inf,
        f"of {most:g} or less": most < math.inf,
        f"below {below:g}": below < math.inf,
    }
    wanted = " ".join(["a number", " and ".join(text for text, counts in limits.items() if counts)])
    if least > -math.inf and most < math.inf:
        wanted = f"a number between {least:g} and {most:g}"
    raise ValueError(f"{name}: expected {wanted.strip()}, got {value!r}{_hint(found, least, most)}")


def _hint(value: Any, least: float, most: float) -> str:
    """Return the likely cause of a number that is out of range."""
    if (least, most) == (0, 1) and isinstance(value, (int, float)) and 2 <= value <= 100:
        return f"; {value:g} percent is {value / 100:g}"
    return ""


def numbers(name: str, value: Any) -> list[Any]:
    """Return a sequence of numbers as a list of plain ones.

    Raises
    ------
    ValueError
        If `value` is not a sequence of finite numbers.
    """
    found = entries(value)
    if found is None:
        raise ValueError(f"{name}: expected a list of numbers, got {value!r}")
    return [number(name, each) for each in found]


def integer(name: str, value: Any, least: int | None = 1) -> int:
    """Return an integer as a plain int; by default a positive one.

    Raises
    ------
    ValueError
        If `value` is not an integer, or below `least`.
    """
    try:
        found = operator.index(value)
    except TypeError:
        found = None
    if found is None or isinstance(plain(value), bool) or (least is not None and found < least):
        wanted = {None: "an integer", 1: "a positive integer"}.get(
            least, f"an integer of {least} or more"
        )
        raise ValueError(f"{name}: expected {wanted}, got {value!r}")
    return found


def flag(name: str, value: Any) -> bool:
    """Return True or False.

    Raises
    ------
    ValueError
        If `value` is neither; most likely the arguments are in the wrong order.
    """
    found = plain(value)
    if not isinstance(found, (bool, int)) or found not in (0, 1):
        raise ValueError(
            f"{name}: expected True or False, got {value!r}; was it meant for another argument?"
        )
    return bool(found)


def verbosity(name: str, value: Any) -> int:
    """Return how much is to be said, from 0 on; True is 1.

    Raises
    ------
    ValueError
        If it is neither an integer nor True or False.
    """
    return integer(name, int(value) if isinstance(value, bool) else value, least=0)


def text(name: str, value: Any) -> str | None:
    """Return a text, or None.

    Raises
    ------
    TypeError
        If it is neither; most likely the arguments are in the wrong order.
    """
    if value is None or isinstance(value, str):
        return value
    raise TypeError(
        f"{name}: expected a text, got {value!r} of type {type(value).__name__}; was it meant for "
        f"another argument?"
    )


def file_name(name: str, value: Any) -> str:
    """Return the name of a file or a folder as a text.

    Raises
    ------
    TypeError
        If it is neither a text nor a path.
    """
    try:
        return os.fsdecode(value)
    except TypeError:
        raise TypeError(
            f"{name}: expected the name of a file, got {value!r} of type {type(value).__name__}"
        ) from None


def entries(value: Any) -> list[Any] | None:
    """Return the entries of a list, tuple or array as plain values; None for anything else."""
    found = plain(value)
    if isinstance(found, (str, bytes, Mapping)) or not isinstance(found, Iterable):
        return None
    return [plain(each) for each in found]


def sample_shape(name: str, value: Any) -> tuple[int, ...]:
    """Return the shape of a sample, without the batch axis.

    Raises
    ------
    ValueError
        If `value` is not a sequence of positive integers.
    """
    sizes = entries(value)
    if sizes is None or not all(type(n) is int and n > 0 for n in sizes):
        raise ValueError(
            f"{name}: expected a tuple of positive integers without the batch axis, got "
            f"{value!r}; write (784,), with a comma, for vectors"
        )
    return tuple(sizes)
