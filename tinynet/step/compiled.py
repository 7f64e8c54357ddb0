"""The lines of a step, compiled: kernels that follow each other run in one call, without Python.

A compiled kernel takes arrays of certain types. For the loop that runs the lines, all have to look
the same; so each gets an entry, a function that takes a single address. There, the addresses of its
arguments are written down one after another, each array in the form that Numba passes on.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.ccallback import CFunc

from tinynet.arrays import Array
from tinynet.kernels import halves, team
from tinynet.kernels.compiled import SharedCache, compile_loops, intrinsic, with_compiled_calls
from tinynet.kernels.products import product, where_cut
from tinynet.kernels.registry import Kernel
from tinynet.kernels.team import Team, Watch, address_of_gemm, the_team
from tinynet.kernels.threads import may_help
from tinynet.step.tape import Line

LONG = ir.IntType(64)


class Loop:
    """Runs the lines of a step; kernels that follow each other in one call."""

    def __init__(self) -> None:
        self.team: Team | None = None  # where there are products that it can compute
        self.watch = Watch()
        self.size = 0  # multiplications in the large ones
        self.shared = np.zeros(1, np.int64)  # whether the helper takes part
        self.rows: list[Row | None] = []  # for each line, None for one that is called from Python
        self.pieces: list[Callable[[], object]] = []

    def add(self, lines: Sequence[Line]) -> bool:
        """Compile the last line and run it; return False if it has to be called from Python."""
        self._compile(lines)
        row = self.rows[-1]
        if row is not None:
            run_table(row.table)
        return row is not None

    def run(self, lines: Sequence[Line]) -> None:
        """Run all lines, with a helper for the large products if that is faster."""
        if not self.pieces or len(self.rows) < len(lines):
            self._compile(lines)
            self._divide(lines)
        two = self.team if self.size and may_help() else None
        if two is None or not two.run(self._run, self.size, self.watch):
            self._run(helped=False)

    def _run(self, helped: bool) -> None:
        self.shared[0] = helped
        for piece in self.pieces:
            piece()

    def _compile(self, lines: Sequence[Line]) -> None:
        for line in lines[len(self.rows) :]:
            self.rows.append(self._row(line))

    def _row(self, line: Line) -> Row | None:
        if not isinstance(line.function, Kernel):
            return None
        if line.function.loops_form is not None:
            return Row.of_kernel(line.function, line.arguments)
        if line.function is not product:
            return None
        a, b, out = line.arguments
        gemm = address_of_gemm(a, b, out)
        # NumPy computes a single row or column by another function of BLAS, with other bits.
        if gemm is None or min(len(a), *b.shape) < 2:
            return None
        self.team = the_team()
        words = halves.describe(
            self.team.words, self.shared, gemm, a, b, out, *where_cut(len(a), *b.shape)
        )
        return Row(multiply().address, words, [line, words, self.shared, self.team])

    def _divide(self, lines: Sequence[Line]) -> None:
        """Put rows that follow each other together."""
        pieces: list[Callable[[], object]] = []
        both = zip(lines, self.rows, strict=True)
        for compiled, group in itertools.groupby(both, lambda pair: pair[1] is not None):
            some = list(group)
            if compiled:
                table = np.concatenate([row.table for _, row in some if row is not None])
                pieces.append(functools.partial(run_table, table))
            else:
                pieces += [line.run for line, _ in some]
        sizes = [
            out.size * len(b)
            for _, b, out in (line.arguments for line in lines if line.function is product)
            if where_cut(len(out), *b.shape)[1]
        ]
        self.size = sum(size for size in sizes if size >= team.WORTH)
        self.pieces = pieces


class Row:
    """A line as the compiled loop sees it: the addresses of a function and of what it takes.

    Attributes
    ----------
    table : ndarray of int64, shape (1, 2)
    """

    def __init__(self, function: int, argument: Array, keep: object) -> None:
        self.table = np.array([[function, argument.ctypes.data]], np.int64)
        self.keep = keep  # what lies at these addresses

    @classmethod
    def of_kernel(cls, kernel: Kernel, arguments: tuple[Any, ...]) -> Row:
        """Return the row for a kernel."""
        kinds = tuple(map(type_of, arguments))
        cells = [_cell(each) for each in arguments]
        block = np.array([cell.ctypes.data for cell in cells], np.int64)
        function = entry(kernel, kinds)
        return cls(function.address, block, [arguments, cells, block, function])


def type_of(value: Any) -> Any:
    """Return the type under which Numba compiles for an argument."""
    return numba.typeof(value)  # type: ignore[no-untyped-call]


def _cell(value: Any) -> Array:
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


@compile_loops
def run_table(table: Array) -> None:
    """Call the entries, one after the other."""
    for line in range(len(table)):
        call_address(table[line, 0], table[line, 1])


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

    return _compiled(call, kernel.name, loops, kinds)


@functools.cache
def multiply() -> Any:
    """Return `halves.multiply`, called by an address."""

    def call(product: int) -> None:
        halves.multiply(product)

    compiled: Any = halves.multiply
    return _compiled(call, "multiply", compiled.py_func, ())


def _compiled(
    function: Callable[[int], None], name: str, loops: Any, kinds: tuple[Any, ...]
) -> Any:
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
        super().__init__(loops)  # type: ignore[no-untyped-call]
        self.kinds = kinds

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        # An entry reads its arguments as this file lays them out, so it is stamped with it, too.
        key = super()._index_key(sig, codegen)  # type: ignore[no-untyped-call]
        return key, "entry", _layout(), self.kinds


@functools.cache
def _layout() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
