"""What counts from step to step: how many there were, and which samples come next."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(counter="+")
def count_up(counter: Array) -> None:
    """counter += 1."""
    counter += 1


@count_up.loops
def count_up_loops(counter: Array) -> None:
    counter[()] += 1


@kernel(order="N", place="+", rows=">I")
def next_rows(order: Array, place: Array, rows: Array) -> None:
    """rows = the next entries of order, from place on; place moves behind them.

    After the last entry of order (n,) comes the first one again.
    """
    rows[...] = order[(place + np.arange(len(rows))) % len(order)]
    place[...] = (place + len(rows)) % len(order)


@next_rows.loops
def next_rows_loops(order: Array, place: Array, rows: Array) -> None:
    n = len(order)
    at = place[()]
    for i in range(len(rows)):
        rows[i] = order[(at + i) % n]
    place[()] = (at + len(rows)) % n
