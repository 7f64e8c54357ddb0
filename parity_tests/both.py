"""One text, two libraries: how a case is stated, compared and recorded.

A case is the text of an expression in which ``keras`` stands for either library, such as
``keras.layers.Dense(3, activation="tanh")``. It is evaluated once with Keras and once with
tinynet, so that the two sides cannot drift apart.

What a difference is relative to
--------------------------------
A sum is rounded by some 1e-16 of the terms that are added, not of what they add up to. Terms may
cancel; their rounding does not. Softmax over a single unit has the derivative (dout - dout*p)*p
with p = 1, which is 0. But a processor that divides by multiplying with an approximate reciprocal
has p = 0.99999994 in float32, and gets 6e-8*dout. Both are right: the two terms are as large as
dout, and one of them was rounded once. Relative to the result, 0, no tolerance would be wide
enough, and a test passes on one processor and fails on the next.

So a difference is divided by the largest of the *terms*: of the numbers that were added, without
their signs, on the way to the tensor. Where they can cancel, the test hands them over (terms.py has
those of the layers and losses). Where they cannot, because all have one sign or there is only one,
the largest entry of the tensor is as large as they are, and stands for them. If that is 0 too, the
two libraries have to agree to the bit. A factor of 2 or 10 in the terms is no matter: the
tolerances are hundreds of roundings wide, and a bug is off by far more than that.
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


def difference(own: Any, theirs: Any, terms: Any = 0.0) -> tuple[float, tuple[int, ...]]:
    """Return the largest difference, relative to the largest term, and where it is.

    NaN and infinity have to stand in the same places; where they do not, the difference is
    infinite. So is every difference where all terms are 0.
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
    at = np.unravel_index(int(np.argmax(gap)), gap.shape)
    size = largest(b[finite], terms)
    with np.errstate(divide="ignore"):
        relative = gap[at] / size if gap[at] else 0.0
    return float(relative), tuple(int(i) for i in at)


def largest(*arrays: Any) -> np.float64:
    """Return the largest entry of all arrays, without its sign."""
    found = np.max([np.abs(np.asarray(each, np.float64)).max(initial=0) for each in arrays])
    assert np.isfinite(found), "terms that are not finite would hide any difference"
    return found


def expect_same(
    piece: str,
    tensors: dict[str, tuple[Any, ...]],
    *,
    tolerance: float = TOLERANCE["float64"],
    case: str = "",
) -> None:
    """Hold tinynet's tensors against Keras's, and record the largest difference.

    Parameters
    ----------
    piece : str
        The public name that the case is about: ``"layers.Dense"``.
    tensors : dict of str to (own, theirs) or (own, theirs, terms)
        In the order in which they are computed; the first that differs is named. The terms are
        an array of any shape: the numbers that were added, where some may have cancelled.
    tolerance : float
        Largest difference allowed, relative to the largest term or entry. 0 asks for equal bits.
    case : str
        The text of the case, for the message.
    """
    __tracebackhide__ = True  # a failure shows the case, not this function
    types = {
        tinynet.config.floatx(),
        *(str(np.asarray(each[0]).dtype) for each in tensors.values()),
    }
    kind = "equal" if tolerance == 0 else "float32" if "float32" in types else "float64"
    entry = RECORD.setdefault(piece, {}).setdefault(kind, Entry())
    entry.cases.add((os.environ["PYTEST_CURRENT_TEST"].split(" ")[0], case))
    entry.tolerance = max(entry.tolerance, tolerance)
    for name, (own, theirs, *terms) in tensors.items():
        try:
            gap, at = difference(own, theirs, *terms)
        except AssertionError as error:
            raise AssertionError(f"{piece} {case}: {name}: {error}") from None
        entry.largest = max(entry.largest, gap)
        assert gap <= tolerance, (
            f"{piece} {case}\n  first tensor that differs: {name}, shape {np.shape(own)}\n"
            f"  largest difference {gap:.3e} of the largest term, allowed {tolerance:.0e}\n"
            f"  at {at}: {np.asarray(own)[at]} here, {np.asarray(theirs)[at]} in Keras"
        )


def numpy(tensor: Any) -> np.ndarray:
    """Return a tensor of any backend as an array."""
    return np.asarray(keras.ops.convert_to_numpy(tensor))
