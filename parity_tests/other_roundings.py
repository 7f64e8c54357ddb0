"""A pytest plugin that imitates another processor: every kernel's results are off by one rounding.

    python -m pytest parity_tests -p parity_tests.other_roundings

Each number that a kernel has written is moved to the next float, up or down, which a correct
program on another processor might have computed too. So the comparisons have to hold; one that does
not would fail on that processor. Zeros stay: where 0 is exact, it is exact everywhere. The same
number is always moved in the same direction, or a model would differ from its own copy.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import Kernel

# What only moves numbers, or has to have equal bits: random draws, warped images, dropped units.
EXACT = ("random_bits", "warping", "dropout", "rows")
# The first bit of a float's bits times such a number is as good as random.
ODD = {
    np.dtype("float64"): np.uint64(0x9E3779B97F4A7C15),
    np.dtype("float32"): np.uint32(0x9E3779B1),
}


def one_rounding_off(x: Array) -> Array:
    """Return a neighbor of each float."""
    odd = ODD[x.dtype]
    bits = x.view(odd.dtype)
    with np.errstate(over="ignore"):  # the product keeps its last bits
        is_down = (bits * odd) >> odd.dtype.type(8 * x.itemsize - 1) == 0
    neighbors = np.nextafter(x, np.where(is_down, 0, np.copysign(np.inf, x)))
    return np.where(np.isfinite(x) & (x != 0), neighbors, x).astype(x.dtype)


def pytest_configure() -> None:
    """Make every kernel that is called from now on round differently."""
    run = Kernel.__call__

    def run_otherwise(self: Kernel, *args: Any) -> None:
        arrays = [each for each in args if isinstance(each, np.ndarray) and each.dtype in ODD]
        before = [each.copy() for each in arrays]
        run(self, *args)
        if self.numpy_form.__module__.rsplit(".", 1)[1] in EXACT:
            return
        for array, old in zip(arrays, before, strict=True):
            written = array != old
            array[written] = one_rounding_off(array[written])

    Kernel.__call__ = run_otherwise
