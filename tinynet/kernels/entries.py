"""Compiled functions that are called by an address, with the address of what they take.

A compiled kernel takes arrays of certain types. For a loop that calls one after the other, all have
to look the same. So each gets an entry, a function that takes a single address: there, the
addresses of its arguments stand one after another, each array in the form that Numba passes on.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.ccallback import CFunc

from tinynet.arrays import Array
from tinynet.kernels.compiled import SharedCache, intrinsic, with_compiled_calls

LONG = ir.IntType(64)


class Row:
    """A call as compiled loops see it: the addresses of a function and of what it takes.

    Attributes
    ----------
    table : ndarray of int64, shape (1, 2)
    """

    def __init__(self, function: Any, argument: Array, keep: object = None) -> None:
        self.table = np.array([[function.address, argument.ctypes.data]], np.int64)
        self.keep = function, argument, keep  # what lies at these addresses


def row_of(kernel: Any, arguments: tuple[Any, ...]) -> Row:
    """Return the call of a kernel that has loops."""
    kinds = tuple(map(type_of, arguments))
    cells = [cell(each) for each in arguments]
    block = np.array([each.ctypes.data for each in cells], np.int64)
    return Row(entry(kernel, kinds), block, [arguments, cells])


def type_of(value: Any) -> Any:
    """Return the type under which Numba compiles for an argument."""
    return numba.typeof(value)  # type: ignore[no-untyped-call]


def cell(value: Any) -> Array:
    """Return an argument as Numba keeps it in memory."""
    if isinstance(value, np.ndarray):
        # no owner: meminfo and parent; then items, item size, address, shape and strides
        numbers = [0, 0, value.size, value.itemsize, value.ctypes.data, *value.shape]
        return np.array([*numbers, *value.strides], np.int64)
    return np.array(value)


@intrinsic
def call_address(typing_context: Any, function: Any, argument: Any) -> Any:
    """Call the function at an address with one integer."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        form = ir.FunctionType(ir.VoidType(), [LONG])
        builder.call(builder.inttoptr(args[0], form.as_pointer()), [args[1]])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


def unpacker(kinds: tuple[Any, ...]) -> Any:
    """Return a function that reads arguments of some types from the addresses in a block."""
    all_of_them: Any = types.Tuple(kinds)  # type: ignore[no-untyped-call]

    @intrinsic
    def unpack(typing_context: Any, block: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            addresses = builder.inttoptr(args[0], LONG.as_pointer())
            values = []
            for i, kind in enumerate(kinds):
                address = builder.load(builder.gep(addresses, [LONG(i)]))
                if isinstance(kind, types.Array):
                    form = context.get_value_type(kind)
                    values.append(builder.load(builder.inttoptr(address, form.as_pointer())))
                else:
                    form = context.get_data_type(kind)
                    pointer = builder.inttoptr(address, form.as_pointer())
                    values.append(context.unpack_value(builder, kind, pointer))
            return context.make_tuple(builder, all_of_them, values)

        return all_of_them(types.int64), generate

    return unpack


@functools.cache
def entry(kernel: Any, kinds: tuple[Any, ...]) -> Any:
    """Return a kernel, compiled for arguments of some types and called by an address."""
    loops = kernel.loops_form
    assert loops is not None
    compiled: Any = numba.njit(error_model="numpy")(with_compiled_calls(loops))
    unpack = unpacker(kinds)

    def call(block: int) -> None:
        compiled(*unpack(block))

    return by_address(call, kernel.name, loops, kinds)


def by_address(
    function: Callable[[int], None], name: str, loops: Any, kinds: tuple[Any, ...]
) -> Any:
    """Return a function, compiled so that it can be called by its `address`.

    Parameters
    ----------
    function : callable
        Takes one integer.
    name : str
    loops : callable
        In whose cache on disk it is kept.
    kinds : tuple of Numba types
        Tells it apart from others of that name.
    """
    # Its name is that of its machine code, which has to differ in files from different processes.
    digest = hashlib.sha256(str(kinds).encode()).hexdigest()[:16]
    function.__name__ = function.__qualname__ = f"entry_of_{name}_{digest}"
    compiled: Any = CFunc(function, ((types.int64,), types.void), {}, {"nopython": True})
    with suppress(RuntimeError):  # no folder to write to: every process compiles for itself
        compiled._cache = EntryCache(loops, kinds)
    compiled.compile()
    return compiled


class EntryCache(SharedCache):
    """The cache of a kernel's entries, beside that of the kernel."""

    def __init__(self, loops: Any, kinds: tuple[Any, ...]) -> None:
        super().__init__(loops)
        self.kinds = kinds

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        # An entry reads its arguments as this file lays them out, so it is stamped with it, too.
        key = super()._index_key(sig, codegen)  # type: ignore[no-untyped-call]
        return key, "entry", _layout(), self.kinds


@functools.cache
def _layout() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
