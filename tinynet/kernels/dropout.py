"""Dropout: forward and backward are one kernel, because both only apply the mask."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(x="i", u="i", out=">i")
def dropout(x: Array, u: Array, rate: float, out: Array) -> None:
    """out = x/(1 - rate) where u >= rate, else 0: all (n,), u uniform in [0, 1).

    The backward pass is the same map: ``dropout(dout, u, rate, dx)``.
    """
    np.multiply(x, 1 / (1 - rate), out=out)
    out[u < out.dtype.type(rate)] = 0


@dropout.loops
def dropout_loops(x: Array, u: Array, rate: float, out: Array) -> None:
    number = x.dtype.type
    threshold = number(rate)
    scale = number(1 / (1 - rate))
    zero = number(0)
    for i in range(x.size):
        scaled = x[i] * scale
        out[i] = scaled if u[i] >= threshold else zero
