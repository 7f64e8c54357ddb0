"""Matrix products. Large ones are computed in two halves, by two threads where that is faster.

Where a product is cut depends on its shape alone. So its bits do not depend on who computes the
halves: NumPy, one compiled function, or two threads.

Two threads are faster on an idle machine only. On a busy one, a thread waits until the system lets
the other one run again, a thousand times as long as half a product takes. Nobody can know in
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

LARGE = 1 << 19  # multiplications, some ten microseconds: less is done before a thread has looked
PRODUCTS = 64  # whose time is taken together
ENOUGH = 8  # of them to see that it is slower together
REFRESH = 32  # times as many, after which the time alone is taken again
LONGEST_REST = 256  # times as many, a second or so


def product(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return the matrix product of a (rows, depth) and b (depth, columns).

    Parameters
    ----------
    a, b : ndarray
        Of one type, float32 or float64.
    out : ndarray of shape (rows, columns), optional
        For the result.
    """
    if out is None:
        out = np.empty((a.shape[0], b.shape[1]), a.dtype)
    work = a.size * b.shape[1]
    if work < LARGE:
        np.matmul(a, b, out=out)
    elif not (may_help() and active_form() == "numba" and _team().multiply(a, b, out, work)):
        in_halves(a, b, out)
    return out


def in_halves(a: Array, b: Array, out: Array) -> None:
    """Compute one half of the rows or columns, then the other."""
    axis, cut = where_cut(*out.shape)
    for half in (slice(cut), slice(cut, None)):
        if axis == 0:
            np.matmul(a[half], b, out=out[half])
        else:
            np.matmul(a, b[:, half], out=out[:, half])


def where_cut(rows: int, columns: int) -> tuple[int, int]:
    """Return the longer axis and its middle, at a multiple of 16: how BLAS takes numbers."""
    axis, n = (1, columns) if columns >= rows else (0, rows)
    return axis, -(-n // 32) * 16


class Team:
    """The calling thread and a helper, and a watch.

    Attributes
    ----------
    helped : bool
        Whether the helper takes part in the next product.
    """

    def __init__(self) -> None:
        from tinynet.kernels import team

        self.compiled = team
        self.box = np.zeros(team.WORDS, np.int64)
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

    def multiply(self, a: Array, b: Array, out: Array, work: int) -> bool:
        """Compute a product; return False if these arrays, or this moment, are not for that."""
        gemm = _address(out.dtype.char)
        if gemm is None or not _plain(a, b, out) or not self.in_use.acquire(blocking=False):
            return False
        try:
            axis, cut = where_cut(*out.shape)
            start = time.perf_counter()
            if self.helped:
                self.call_helper()
                self.compiled.together(self.box, gemm, a, b, out, axis, cut, _yield_address())
            else:
                self.compiled.alone(self.box, gemm, a, b, out, axis, cut)
            self.seconds += time.perf_counter() - start
            self.work += work
            self.count += 1
            if self.count >= PRODUCTS or (self.count >= ENOUGH and self.is_slower()):
                self.judge()
        finally:
            self.in_use.release()
        return True

    def is_slower(self) -> bool:
        """Return whether the helper has cost more time than it saved since the watch started."""
        return self.helped and self.seconds > self.work * min(self.times_alone)

    def judge(self) -> None:
        """Decide whether the helper takes part in the next products."""
        self.windows += 1
        if not self.helped:
            self.times_alone.append(self.seconds / self.work)
            self.rest -= 1
            if self.rest <= 0:
                self.helped, self.windows = True, 0
        elif self.is_slower():
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
            self.compiled.serve(self.box, _yield_address())
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
def _address(kind: str) -> int | None:
    """Return where the product for a type of numbers is in memory; None where that is unknown.

    Known are the OpenBLAS builds with 64-bit sizes that are in NumPy's wheels.
    """
    name = {"f": "scipy_cblas_sgemm64_", "d": "scipy_cblas_dgemm64_"}.get(kind, "")
    return _address_of(getattr(blas(), name, None)) if name else None


@functools.cache
def _yield_address() -> int:
    """Return where the system's function is that lets other programs run."""
    if sys.platform == "win32":
        return _address_of(ctypes.windll.kernel32.SwitchToThread)
    return _address_of(ctypes.CDLL(None).sched_yield)


def _address_of(function: Any) -> Any:
    return None if function is None else ctypes.cast(function, ctypes.c_void_p).value
