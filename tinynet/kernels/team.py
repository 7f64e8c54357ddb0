"""Whether a second thread takes half of a product: where that is faster, which changes.

Two threads are faster on an idle machine only. On a busy one, a thread waits until the system lets
the other one run again, a hundred times as long as half a product takes. Nobody can know in
advance; so the time of products is taken, and the second thread rests where it does not help.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
import threading
import time
from collections import deque
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import active_form
from tinynet.kernels.threads import blas, may_help

PRODUCTS = 64  # whose time is taken together: a window
ENOUGH = 8  # products' time lost, after which nobody waits for the end of the window
REFRESH = 32  # windows, after which the time alone is taken again
LONGEST_REST = 256  # windows, a second or so


def multiply(a: Array, b: Array, out: Array, axis: int, cut: int) -> bool:
    """Compute a product in halves; return False if nobody may help, or these are other arrays."""
    if not (may_help() and active_form() == "numba"):
        return False
    return _team().multiply(a, b, out, axis, cut)


class Team:
    """The calling thread and a helper, and a watch.

    Attributes
    ----------
    helped : bool
        Whether the helper takes part in the next product.
    """

    def __init__(self) -> None:
        from tinynet.kernels import halves  # imports Numba

        self.compiled: Any = halves
        self.box = np.zeros(halves.WORDS, np.int64)
        self.in_use = threading.Lock()  # a second model may be trained in another thread
        self.wanted = threading.Event()
        self.awake = False
        self.helper: threading.Thread | None = None
        self.helped = False
        self.times_alone: deque[float] = deque(maxlen=4)  # seconds for each multiplication
        self.rest = self.next_rest = 1
        self.windows = 0  # since the time alone was taken
        self.begin_window()

    def begin_window(self) -> None:
        """Start the watch."""
        self.count, self.work, self.seconds = 0, 0, 0.0

    def multiply(self, a: Array, b: Array, out: Array, axis: int, cut: int) -> bool:
        """Compute a product; return False if these arrays, or this moment, are not for that."""
        gemm = _address_of_gemm(out.dtype.char)
        if gemm is None or not _plain(a, b, out) or not self.in_use.acquire(blocking=False):
            return False
        try:
            start = time.perf_counter()
            if self.helped:
                self.call_helper()
                self.compiled.together(self.box, gemm, a, b, out, axis, cut, _address_of_yield())
            else:
                self.compiled.alone(self.box, gemm, a, b, out, axis, cut)
            self.seconds += time.perf_counter() - start
            self.work += out.size * len(b)
            self.count += 1
            if self.count == PRODUCTS or self.lost() * self.count > ENOUGH * self.seconds_alone():
                self.judge()
        finally:
            self.in_use.release()
        return True

    def seconds_alone(self) -> float:
        """Return how long the products since the watch started would have taken alone."""
        return self.work * min(self.times_alone) if self.helped else self.seconds

    def lost(self) -> float:
        """Return how many seconds the helper has cost since the watch started."""
        return self.seconds - self.seconds_alone()

    def judge(self) -> None:
        """Decide whether the helper takes part in the next products."""
        self.windows += 1
        if not self.helped:
            self.times_alone.append(self.seconds / self.work)
            self.rest -= 1
            if self.rest <= 0:
                self.helped, self.windows = True, 0
        elif self.lost() > 0:
            self.helped, self.rest = False, self.next_rest
            self.next_rest = min(2 * self.next_rest, LONGEST_REST)
        else:
            self.next_rest = 1
            if self.windows >= REFRESH:
                self.helped, self.rest = False, 1
        self.begin_window()

    def call_helper(self) -> None:
        """Start the helper, or wake it up if it has gone to sleep."""
        if self.helper is None:
            self.helper = threading.Thread(target=self.help, name="tinynet", daemon=True)
            self.helper.start()
        if not self.awake:
            self.awake = True
            self.wanted.set()

    def help(self) -> None:
        """Take halves; sleep while there is nothing to do."""
        while True:
            self.wanted.wait()
            self.wanted.clear()
            self.compiled.serve(self.box, _address_of_yield())
            self.awake = False


@functools.cache
def _team() -> Team:
    return Team()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_team.cache_clear)  # threads are not copied


def _plain(a: Array, b: Array, out: Array) -> bool:
    """Return whether BLAS can read and write the arrays where they are."""
    return (
        a.dtype == b.dtype == out.dtype
        and out.flags.c_contiguous
        and all(each.flags.c_contiguous or each.flags.f_contiguous for each in (a, b))
    )


@functools.cache
def _address_of_gemm(kind: str) -> int | None:
    """Return where the product for a type of numbers is in memory; None where that is unknown.

    Known are the builds of OpenBLAS with 64-bit sizes that are in NumPy's wheels.
    """
    name = {"f": "scipy_cblas_sgemm64_", "d": "scipy_cblas_dgemm64_"}.get(kind)
    function = getattr(blas(), name, None) if name else None
    return None if function is None else _address(function)


@functools.cache
def _address_of_yield() -> int:
    """Return where the function of the system is that lets other programs run."""
    if sys.platform == "win32":
        return _address(ctypes.windll.kernel32.SwitchToThread)
    return _address(ctypes.CDLL(None).sched_yield)


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0
