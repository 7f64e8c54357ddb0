"""One text, two libraries: how a case is stated, compared and recorded.

A case is the text of an expression in which ``keras`` stands for either library, such as
``keras.layers.Dense(3, activation="tanh")``. It is evaluated once with Keras and once with
tinynet, so that the two sides cannot drift apart.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

import tinynet

TOLERANCE = {"float64": 1e-12, "float32": 2e-5}


@dataclass
class Entry:
    """What the report says of one public name in one float type."""

    cases: set[tuple[str, str]] = field(default_factory=set)  # test, text
    largest: float = 0.0
    tolerance: float = 0.0


# Of every piece, under "float64", "float32" or, where the tolerance is 0, "equal".
RECORD: dict[str, dict[str, Entry]] = {}


def make(text: str, library: Any, **names: Any) -> Any:
    """Evaluate a text with ``keras`` bound to a library."""
    return eval(text, {"keras": library, "np": np, **names})


def make_both(text: str, **names: Any) -> tuple[Any, Any]:
    """Evaluate a text with tinynet and with Keras, from the same seed."""
    made = []
    for library in (tinynet, keras):
        library.utils.set_random_seed(12345)
        made.append(make(text, library, **names))
    return made[0], made[1]


def use_floatx(floatx: str) -> None:
    """Make layers, losses and optimizers of both libraries compute in a float type."""
    for library in (tinynet, keras):
        library.config.set_floatx(floatx)
    keras.config.set_dtype_policy(floatx)  # layers keep to that of the first one made


def difference(own: Any, theirs: Any) -> tuple[float, tuple[int, ...]]:
    """Return the largest difference, relative to the largest finite entry, and where it is.

    NaN and infinity have to stand in the same places; where they do not, the difference is
    infinite.
    """
    a, b = np.asarray(own, np.float64), np.asarray(theirs, np.float64)
    if a.shape != b.shape:
        raise AssertionError(f"shape {a.shape} here, {b.shape} in Keras")
    if a.size == 0:
        return 0.0, ()
    finite = np.isfinite(b)
    with np.errstate(invalid="ignore"):
        same_special = (a == b) | (np.isnan(a) & np.isnan(b))
        gap = np.where(finite & np.isfinite(a), np.abs(a - b), np.where(same_special, 0, np.inf))
    scale = float(np.abs(b[finite]).max(initial=0)) or 1.0
    at = np.unravel_index(int(np.argmax(gap)), gap.shape)
    return float(gap[at]) / scale, tuple(int(i) for i in at)


def expect_same(
    piece: str,
    tensors: dict[str, tuple[Any, Any]],
    *,
    tolerance: float = TOLERANCE["float64"],
    case: str = "",
) -> None:
    """Hold tinynet's tensors against Keras's, and record the largest difference.

    Parameters
    ----------
    piece : str
        The public name that the case is about: ``"layers.Dense"``.
    tensors : dict of str to (own, theirs)
        In the order in which they are computed; the first that differs is named.
    tolerance : float
        Largest difference allowed, relative to the largest entry of the tensor. 0 asks for
        equal bits.
    case : str
        The text of the case, for the message.
    """
    __tracebackhide__ = True  # a failure shows the case, not this function
    types = {tinynet.config.floatx(), *(str(np.asarray(own).dtype) for own, _ in tensors.values())}
    kind = "equal" if tolerance == 0 else "float32" if "float32" in types else "float64"
    entry = RECORD.setdefault(piece, {}).setdefault(kind, Entry())
    entry.cases.add((os.environ["PYTEST_CURRENT_TEST"].split(" ")[0], case))
    entry.tolerance = max(entry.tolerance, tolerance)
    for name, (own, theirs) in tensors.items():
        try:
            gap, at = difference(own, theirs)
        except AssertionError as error:
            raise AssertionError(f"{piece} {case}: {name}: {error}") from None
        entry.largest = max(entry.largest, gap)
        assert gap <= tolerance, (
            f"{piece} {case}\n  first tensor that differs: {name}, shape {np.shape(own)}\n"
            f"  largest difference {gap:.3e} of the largest entry, allowed {tolerance:.0e}\n"
            f"  at {at}: {np.asarray(own)[at]} here, {np.asarray(theirs)[at]} in Keras"
        )


def numpy(tensor: Any) -> np.ndarray:
    """Return a tensor of any backend as an array."""
    return np.asarray(keras.ops.convert_to_numpy(tensor))
