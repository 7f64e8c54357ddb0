"""How many threads NumPy's matrix products run in.

They are the larger part of a training step and belong to the BLAS library behind NumPy, which has
a switch for its threads but no way to it from Python. The switch is looked up by its name in the
libraries that NumPy has loaded.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

# The switches of the OpenBLAS in NumPy's own wheels (64-bit and 32-bit integers), and of OpenBLAS
# as the distributions build it.
PATTERNS = (
    "scipy_openblas_{}_num_threads64_",
    "scipy_openblas_{}_num_threads",
    "openblas_{}_num_threads",
)


@functools.cache
def switch(verb: str) -> Callable[..., Any] | None:
    """Return BLAS's function that can "get" or "set" the number of threads.

    None where NumPy was built with another library than OpenBLAS.
    """
    loaded = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    for pattern in PATTERNS:
        if hasattr(loaded, pattern.format(verb)):
            found: Callable[..., Any] = getattr(loaded, pattern.format(verb))
            return found
    return None
