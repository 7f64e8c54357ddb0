"""Whether a second thread takes half of the work: where that is faster, which changes.

Two threads are faster on an idle machine only. On a busy one, a thread waits until the system lets
the other one run again, a hundred times as long as half a product takes. Nobody can know in
advance; so the time of the work is taken, and the second thread rests where it does not help. Work
is one product, or some steps of `fit`. While the thread helps, it keeps its processor busy
between the halves, too.
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import active_form
from tinynet.kernels.threads import blas, may_help

WORTH = 1 << 22  # multiplications: for less, the helper gains nothing, and costs on a busy machine
ALONE = 0.004  # seconds of work alone, whose time is taken together
REFRESH = 32  # times as much is done with the helper, then the time alone is taken again
ALLOWED = 0.05  # of the time alone may be lost in trying whether the helper helps now
SAVINGS = 0.01  # seconds at most that the helper may lose of what it has gained
DEBT = 0.05  # seconds at most that are remembered: a program may have been stopped meanwhile


def multiply(a: Array, b: Array, out: Array, halves: list[tuple[Array, Array, Array]]) -> bool:
    """Compute a product in halves; return False if nobody may help, or these are other arrays."""
    if out.size * len(b) < WORTH or not (may_help() and active_form() == "numba"):
        return False
    gemm = address_of("gemm", a, b, out)
    if gemm is None:
        return False
    two, shared = the_team(), np.zeros(1, np.int64)
    rows = [two.compiled.product(gemm, *half) for half in halves]
    job = two.compiled.in_two(two.words, shared, rows)

    def work(helped: bool) -> None:
        shared[0] = helped
        two.compiled.run_table(job.table, 1)

    return two.run(work, out.size * len(b), two.watch)


class Watch:
    """How long work takes alone and with the helper, and so whether the helper is to help.

    Attributes
    ----------
    balance : float
        Seconds that the helper has gained, up to `SAVINGS`, less those that it has lost, up to
        `DEBT`. While this is less than 0 it rests, and `ALLOWED` of the time pays back.
    """

    def __init__(self) -> None:
        self.balance = 0.0
        self.times_alone: deque[float] = deque(maxlen=4)  # seconds for each multiplication
        self.count, self.work, self.seconds = 0, 0, 0.0  # alone, since the last of these
        self.left = 0  # pieces of work with the helper until the time alone is taken again
        self.known: set[bool] = set()  # alone, with the helper: it was compiled, or read from disk

    def wants_help(self) -> bool:
        """Return whether the helper is to take part in what comes next."""
        return self.left > 0 and self.balance >= 0

    def note(self, helped: bool, work: int, seconds: float) -> None:
        """Take in how long some work with so many multiplications has taken."""
        if helped not in self.known:
            self.known.add(helped)
            return
        if helped:
            self.left -= 1
            gained = work * min(self.times_alone) - seconds
            self.balance = max(min(self.balance + gained, SAVINGS), -DEBT)
            return
        if self.balance < 0:
            self.balance = min(self.balance + ALLOWED * seconds, 0)
        self.count += 1
        self.work += work
        self.seconds += seconds
        if self.seconds >= ALONE:
            self.times_alone.append(self.seconds / self.work)
            self.left = REFRESH * self.count
            self.count, self.work, self.seconds = 0, 0, 0.0


class Team:
    """The calling thread and a helper."""

    def __init__(self) -> None:
        from tinynet.kernels import halves  # imports Numba

        self.compiled: Any = halves
        self.words = halves.new_team(_system("sched_yield"))
        self.watch = Watch()
        self.in_use = threading.Lock()  # a second model may be trained in another thread
        self.wanted = threading.Event()
        self.awake = False
        self.helper: threading.Thread | None = None

    def run(self, work: Callable[[bool], object], size: int, watch: Watch) -> bool:
        """Do some work that contains large products; return False if the team is in use.

        Parameters
        ----------
        work : callable
            Takes whether the helper helps.
        size : int
            Multiplications in the large products, by which the time is judged.
        watch : Watch
            For work of this sort. The first time does not count, because it may have to be
            compiled.
        """
        mine = False
        try:
            mine = self.in_use.acquire(blocking=False)
            if mine:
                helped = watch.wants_help()
                self.words[self.compiled.REST] = not helped
                if helped:
                    self.call_helper()
                start = time.perf_counter()
                work(helped)
                watch.note(helped, size, time.perf_counter() - start)
        finally:
            if mine:
                self.in_use.release()
        return mine

    def call_helper(self) -> None:
        """Start the helper, or wake it up if it has gone to sleep."""
        if self.helper is None:
            self.helper = threading.Thread(target=self.help, name="tinynet", daemon=True)
            with suppress(RuntimeError):  # no more threads allowed: both halves are taken here
                self.helper.start()
        if not self.awake:
            self.wanted.set()

    def help(self) -> None:
        """Take halves; sleep while there is nothing to do."""
        while True:
            self.wanted.wait()
            self.awake = True
            self.wanted.clear()
            self.compiled.serve(self.words, _system("clock_gettime"))
            self.awake = False


@functools.cache
def the_team() -> Team:
    """Return the team of this process."""
    return Team()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=the_team.cache_clear)  # threads are not copied


def can_share() -> bool:
    """Return whether there may be a team: where BLAS is known, so is what a team needs."""
    return _address_of("gemm", "f") is not None


def address_of(name: str, a: Array, b: Array, out: Array) -> int | None:
    """Return where BLAS's product of such arrays is in memory: "gemm", or "gemv" with a vector.

    None where that is unknown, if the shapes do not fit, or if BLAS cannot read or write the arrays
    where they are.
    """
    if (
        out.shape == (len(a), b.shape[1])
        and a.shape[1] == len(b)
        and a.dtype == b.dtype == out.dtype
        and out.flags.carray
        and all(each.flags.aligned and each.flags.forc for each in (a, b))
    ):
        return _address_of(name, out.dtype.char)
    return None


@functools.cache
def _address_of(name: str, kind: str) -> int | None:
    """Return where the product for a type of numbers is in memory.

    Known are the builds of OpenBLAS with 64-bit sizes that are in NumPy's wheels.
    """
    letter = {"f": "s", "d": "d"}.get(kind)
    function = getattr(blas(), f"scipy_cblas_{letter}{name}64_", None) if letter else None
    return None if function is None else _address(function)


@functools.cache
def _system(name: str) -> int:
    """Return where a function of the system is in memory."""
    return _address(getattr(ctypes.CDLL(None), name))


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0
