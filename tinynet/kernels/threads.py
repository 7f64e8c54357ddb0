"""How many threads NumPy's matrix products use.

Products are computed by the BLAS library behind NumPy, which has a switch for its threads, but none
that Python can reach directly. So the switch is looked up by name in the libraries that NumPy has
loaded.

By default BLAS uses as many threads as there are processors. They wait for each other by spinning,
so on a machine that has other work to do, a product can take many times as long as in one thread.
While a model is trained or used, BLAS is therefore kept to one, unless the user has chosen
otherwise; large kernels are divided in another way (team.py).
"""

from __future__ import annotations

import ctypes
import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

# The switches of the OpenBLAS in NumPy's own wheels (64-bit and 32-bit integers), and of OpenBLAS
# as Linux distributions build it.
PATTERNS = (
    "scipy_openblas_{}_num_threads64_",
    "scipy_openblas_{}_num_threads",
    "openblas_{}_num_threads",
)

# Setting one of these before Python starts chooses the number of OpenBLAS's threads.
CHOSEN_OUTSIDE = any(os.environ.get(f"{name}_NUM_THREADS") for name in ("OPENBLAS", "OMP"))

_chosen = CHOSEN_OUTSIDE  # whether the user has chosen how many threads products use
_workers: int | None = None
_lock = threading.RLock()
_batches = 0  # in progress, each in one of the user's threads
_products_before = 1  # threads of BLAS before the first of them began


@functools.cache
def switch(verb: str) -> Callable[..., Any] | None:
    """Return BLAS's function to "get" or "set" the number of threads.

    None where NumPy was built with a library other than OpenBLAS.
    """
    for pattern in PATTERNS:
        if hasattr(blas(), pattern.format(verb)):
            found: Callable[..., Any] = getattr(blas(), pattern.format(verb))
            return found
    return None


@functools.cache
def blas() -> ctypes.CDLL:
    """Return the library in which functions of BLAS can be looked up by name."""
    return ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]


def workers() -> int:
    """Return how many threads may work on a batch.

    As many as there are processors for this process, or what ``OMP_NUM_THREADS`` says, which is
    set where several processes are started at once.
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
    """Set how many threads may work on a batch."""
    global _workers
    _workers = n


def products() -> int | None:
    """Return how many threads a model's products use; None where BLAS cannot be asked."""
    get = switch("get")
    if get is None:
        return None
    return int(get()) if _chosen else 1


def set_products(n: int) -> bool:
    """Set how many threads products use; return whether this BLAS can be told."""
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


def may_help() -> bool:
    """Return whether a second thread may take half of what is large.

    It may where BLAS is kept to one by `products_as_chosen`, and there is a processor for it.
    """
    return _batches > 0 and not _chosen and workers() > 1


def _begin_in_child() -> None:
    """Replace what a fork leaves behind: no threads, perhaps a lock that is never released."""
    global _lock, _batches
    _lock = threading.RLock()
    set_to = switch("set")
    if _batches and set_to is not None:
        set_to(_products_before)
    _batches = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_child)


@contextmanager
def products_as_chosen() -> Iterator[None]:
    """Keep BLAS to one thread while a model is trained or used, unless the user chose otherwise."""
    if _chosen:
        yield
    else:
        with products_in_one_thread():
            yield


@contextmanager
def products_in_one_thread() -> Iterator[None]:
    """Keep BLAS to one thread for as long as any batch is in progress."""
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
            _batches = max(0, _batches - 1)  # a child begins with none
            if _batches == 0 and _products_before != 1:
                set_to(_products_before)
