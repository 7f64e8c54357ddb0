"""The gradient of a weight whose layer has a penalty."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinynet.arrays import Array
from tinynet.exercises.base import Case, exercise
from tinynet.regularizers import L1L2


def dw_w_l1_l2(rng: np.random.Generator) -> Iterator[Case]:
    """Yield the data's gradient and weights of the same shape, one of them 0, and two factors.

    The factors have few binary digits: the library's regularizers round theirs to float32.
    """
    for shape, l1, l2 in (((3, 4), 0.5, 0.25), ((1, 3), 0.125, 0.5), ((5,), 0.75, 0.0625)):
        dw, w = rng.normal(size=(2, *shape))
        w.flat[1] = 0
        yield dw, w, l1, l2


@exercise(
    "regularization/dw",
    page="backprop/regularization",
    returns="dw",
    cases=dw_w_l1_l2,
    mistakes={
        "the penalty is missing: this is the gradient of the data alone": (
            lambda right, dw_data, w, l1, l2: dw_data
        ),
        "the data are missing: this is the gradient of the penalty alone": (
            lambda right, dw_data, w, l1, l2: right - dw_data
        ),
        "L1 is missing: its slope is l1 times the sign of w": (
            lambda right, dw_data, w, l1, l2: dw_data + 2 * l2 * w
        ),
        "L2 is missing: its slope is 2 l2 w": (
            lambda right, dw_data, w, l1, l2: dw_data + l1 * np.sign(w)
        ),
        "the 2 is missing: the slope of l2 w**2 is 2 l2 w": (
            lambda right, dw_data, w, l1, l2: right - l2 * w
        ),
        "l1 has no sign here: it pulls each weight toward 0, negative ones upward": (
            lambda right, dw_data, w, l1, l2: dw_data + 2 * l2 * w + l1
        ),
        "the slope of |w| at w = 0 is taken as 1; tinynet and Keras take 0": (
            lambda right, dw_data, w, l1, l2: right + l1 * (w == 0)
        ),
        "the penalty is subtracted: it is a part of the loss, so its gradient is added": (
            lambda right, dw_data, w, l1, l2: 2 * dw_data - right
        ),
    },
)
def dw(dw_data: Array, w: Array, l1: float, l2: float) -> Array:
    """Return dw of the data's loss plus the penalty, the sum of l1|w| + l2 w**2; dw is as w."""
    return dw_data + L1L2(l1, l2).gradient(w)
