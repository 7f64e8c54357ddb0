"""Compiling loops with Numba, and keeping the machine code on disk for the next process.

Imported when the first kernel is compiled: Numba takes longer to load than all of tinynet.
"""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numba
import numba.extending
from numba.core.caching import FunctionCache

from tinynet.files import whole_or_not

try:
    import fcntl
except ImportError:  # Windows, where Numba itself waits for files in use
    fcntl = None  # type: ignore[assignment]

_said_so = False


def compile_loops(loops: Callable[..., None]) -> Callable[..., None]:
    """Return the compiled form of a kernel's loops; compilation happens in the first call."""
    # NaN and infinity have to come out as in NumPy: divisions by zero do not raise, and fastmath
    # stays off.
    compiled: Any = numba.njit(nogil=True, error_model="numpy")(with_compiled_calls(loops))
    with suppress(RuntimeError):  # no folder to write to: every process compiles for itself
        compiled._cache = SharedCache(loops)
    form: Callable[..., None] = compiled
    return form


def with_compiled_calls(function: Callable[..., None]) -> Callable[..., None]:
    """Return a copy of a function in which the functions of ours that it calls are compiled.

    Numba inlines them: a loop with a call in it would not be vectorized.
    """
    calls = {
        name: numba.njit(inline="always")(with_compiled_calls(each))
        for name, each in function.__globals__.items()
        if name in function.__code__.co_names and hasattr(each, "called_by_loops")
    }
    return types.FunctionType(function.__code__, function.__globals__ | calls, function.__name__)


def intrinsic(generator: Callable[..., Any]) -> Any:
    """Return a function for compiled code whose machine instructions `generator` writes."""
    return numba.extending.intrinsic(generator)


class SharedCache(FunctionCache):
    """Numba's cache of one function, made safe for processes that start at the same time.

    Its files are written whole or not at all, `tinynet.files.whole_or_not`.

    Numba looks up the next free file name, writes the index, then the file. Two processes that
    compile for float32 and float64 at once would take the same name, and one would later run the
    other's code. So they write one after the other. A file that cannot be read or written costs
    time, but never stops the run.
    """

    def __init__(self, function: Callable[..., None]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]
        self._cache_file._open_for_write = whole_or_not  # type: ignore[assignment,method-assign]

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return compiled code from disk, or None."""
        found = None
        try:
            found = super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]
        except Exception:  # a damaged file may raise anything; start over, with an empty index
            with suppress(OSError), _alone_in(self.cache_path):
                self.flush()  # type: ignore[no-untyped-call]
        if found is None:
            _say_what_takes_so_long()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write compiled code to disk."""
        with suppress(OSError), _alone_in(self.cache_path):
            super().save_overload(sig, data)  # type: ignore[no-untyped-call]


@contextmanager
def _alone_in(folder: str) -> Iterator[None]:
    """Keep other processes out of a folder in the meantime."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "tinynet.lock"), "w") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)  # released when the file is closed
        yield


def _say_what_takes_so_long() -> None:
    global _said_so
    if not _said_so and sys.stderr is not None and sys.stderr.isatty():
        print(
            "tinynet compiles its kernels for this machine. This takes a few seconds, once.",
            file=sys.stderr,
            flush=True,
        )
    _said_so = True
