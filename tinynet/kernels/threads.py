"""In how many threads things run: NumPy's matrix products, and work on a batch of images.

Products belong to the BLAS library behind NumPy, which has a switch for its threads but no way to
it from Python. The switch is looked up by its name in the libraries that NumPy has loaded.

By itself BLAS takes as many threads as there are processors. They wait for each other by spinning,
so on a machine that has other work to do too, a product can take many times as long as in one
thread. A model that is trained or used therefore keeps to one, unless somebody has said otherwise.

Layers for images divide a batch into shares, which take turns or run side by side. Shares depend
on the sizes of the arrays alone, so the result is the same in any number of threads.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

import numpy as np

# The switches of the OpenBLAS in NumPy's own wheels (64-bit and 32-bit integers), and of OpenBLAS
# as the distributions build it.
PATTERNS = (
    "scipy_openblas_{}_num_threads64_",
    "scipy_openblas_{}_num_threads",
    "openblas_{}_num_threads",
)
SHARES = 4  # at most, of a batch: with more, threads wait for the interpreter more than they work
LEAST = 1 << 17  # bytes of a share's largest array: less is done before a thread wakes up

# Whoever sets one of these before Python starts has chosen the threads of OpenBLAS.
CHOSEN_OUTSIDE = any(os.environ.get(f"{name}_NUM_THREADS") for name in ("OPENBLAS", "OMP"))

Work = Callable[[int, slice], None]
_chosen = CHOSEN_OUTSIDE  # whether anybody has said in how many threads products run
_workers: int | None = None
_pool: ThreadPoolExecutor | None = None
_here = threading.local()  # in_part, while a thread works on one
_lock = threading.RLock()
_batches = 0  # that are being worked on now, each by a thread of the program's own
_products_before = 1  # threads of BLAS before the first of them


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


def workers() -> int:
    """Return how many shares of a batch run side by side.

    As many as there are processors for this process, or what ``OMP_NUM_THREADS`` says: those who
    start several processes at once set it.
    """
    if _workers is not None:
        return _workers
    said = os.environ.get("OMP_NUM_THREADS", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS and Windows
        return os.cpu_count() or 1


def set_workers(n: int) -> None:
    """Set how many shares run side by side."""
    global _workers
    forget_pool()
    _workers = n


def products() -> int | None:
    """Return in how many threads a model's products run; None where BLAS cannot be asked."""
    get = switch("get")
    if get is None:
        return None
    return int(get()) if _chosen else 1


def set_products(n: int) -> bool:
    """Set in how many threads products run; return whether this BLAS can be told."""
    global _chosen, _products_before
    set_to = switch("set")
    if set_to is None:
        return False
    _chosen = True
    with _lock:
        if _batches:
            _products_before = n  # for when the batch is done
        else:
            set_to(n)
    return True


def forget_pool() -> None:
    """Let the next batch find threads of its own."""
    global _pool
    _pool = None


def _begin_in_child() -> None:
    """Do without what a fork leaves behind: no threads, perhaps a lock that nobody gives back."""
    global _lock, _batches
    forget_pool()
    _lock = threading.RLock()
    if _batches:
        _batches = 0
        set_products(_products_before)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_child)


def shares(n: int, nbytes: int) -> list[slice]:
    """Divide n samples, whose largest array has so many bytes, into parts of about one size."""
    return divided(n, min(SHARES, nbytes // LEAST))


def divided(n: int, parts: int) -> list[slice]:
    """Divide n samples into so many parts of about one size, none of them empty."""
    number = max(1, min(n, parts))
    ends = [n * i // number for i in range(number + 1)]
    return [slice(*pair) for pair in itertools.pairwise(ends)]


def side_by_side(work: Work, parts: list[slice]) -> None:
    """Call ``work(number, part)`` for each part; products inside run in one thread each.

    The thread that calls takes parts too, so that only the others have to be woken. All parts are
    over when it returns. If one raises an error, those that have begun are over, and no other
    begins. Within a part it runs its parts in turn: all threads may be taken.
    """
    turn = itertools.count()  # whoever is free takes the next part

    def take_parts() -> None:
        _here.in_part = True
        try:
            while (number := next(turn)) < len(parts):
                work(number, parts[number])
        except BaseException:
            for _ in parts:  # so that nobody begins another one
                next(turn)
            raise
        finally:
            _here.in_part = False

    with products_in_one_thread():
        helpers = min(len(parts), workers()) - 1
        if helpers == 0 or getattr(_here, "in_part", False):
            for job in enumerate(parts):
                work(*job)
            return
        futures = [_threads().submit(take_parts) for _ in range(helpers)]
        try:
            take_parts()
        finally:  # after an error or Ctrl-C, too: what has begun still writes into the arrays
            begun = [future for future in futures if not future.cancel()]
            wait(begun)
        for future in begun:
            future.result()


def _threads() -> ThreadPoolExecutor:
    """Return the threads that help the calling one."""
    global _pool
    pool = _pool
    if pool is None:
        pool = _pool = ThreadPoolExecutor(workers() - 1, "tinynet")
    return pool


@contextmanager
def products_as_chosen() -> Iterator[None]:
    """Keep BLAS to one thread while a model is trained or used, unless somebody chose otherwise."""
    if _chosen:
        yield
    else:
        with products_in_one_thread():
            yield


@contextmanager
def products_in_one_thread() -> Iterator[None]:
    """Keep BLAS to one thread, for as long as any batch is being worked on."""
    global _batches, _products_before
    get, set_to = switch("get"), switch("set")
    if get is None or set_to is None:
        yield
        return
    with _lock:
        if _batches == 0:
            _products_before = int(get())
            if _products_before != 1:
                set_to(1)
        _batches += 1
    try:
        yield
    finally:
        with _lock:
            _batches -= 1
            if _batches == 0 and _products_before != 1:
                set_to(_products_before)
