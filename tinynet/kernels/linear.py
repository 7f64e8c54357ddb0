"""What a dense layer computes besides its matrix products, and the sum of the losses."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(bias="j", z="+ij")
def bias_add(bias: Array, z: Array) -> None:
    """z[i, j] += bias[j], in place: z (rows, columns), bias (columns,)."""
    z += bias


@bias_add.loops
def bias_add_loops(bias: Array, z: Array) -> None:
    rows, columns = z.shape
    for i in range(rows):
        for j in range(columns):
            z[i, j] += bias[j]


@kernel(x="Ij", out=">j")
def column_sum(x: Array, out: Array) -> None:
    """out[j] = sum over i of x[i, j]: x (rows, columns), out (columns,)."""
    np.sum(x, axis=0, out=out)


@column_sum.loops
def column_sum_loops(x: Array, out: Array) -> None:
    rows, columns = x.shape
    many = rows - rows % 8
    out[:] = 0
    for first in range(0, many, 8):  # eight rows before a sum goes back to memory, in their order
        for j in range(columns):
            total = out[j]
            for i in range(first, first + 8):
                total += x[i, j]
            out[j] = total
    for i in range(many, rows):
        for j in range(columns):
            out[j] += x[i, j]


@kernel(x="I", weights="I", out=">")
def weighted_sum(x: Array, weights: Array, factor: float, out: Array) -> None:
    """out[()] = factor * sum over i of x[i]*weights[i], added up in double precision."""
    out[...] = factor * np.sum(x * weights, dtype=np.float64)


@weighted_sum.loops
def weighted_sum_loops(x: Array, weights: Array, factor: float, out: Array) -> None:
    total = 0.0
    for i in range(x.size):
        total += np.float64(x[i] * weights[i])
    out[()] = factor * total
