"""Two threads that share the halves of a call; the compiled part of team.py.

Imported when there is something to share, because it imports Numba.

A thread that waits spins for some microseconds, because waking a thread takes longer than half a
product, and then gives its processor to whoever needs it. Halves are not handed out but taken, in
one atomic step: if the other thread is not there, because its processor does something else, the
first one takes both.
"""

from __future__ import annotations

import functools
import platform
import time
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import alloca_once

from tinynet.arrays import Array
from tinynet.kernels.compiled import compile_loops, intrinsic
from tinynet.kernels.entries import Row, by_address, call_address

# Through these words the two threads speak, each in a cache line of its own, because both write.
TURN = 0  # 256 times the number of the job, and how often a half of it was reached for
DONE = 8  # how many halves of it are ready
REST = 16  # whether the helper is not wanted for now
JOB = 24  # the address of the words that say what is to be done
YIELD = 25  # the address of the system's sched_yield
# Words of a job. From CALLS on, the addresses of a function and of what it takes, for each half.
TEAM, SHARED, CALLS = range(3)
# Words of a product of matrices; of several, how many and how far apart.
GEMM, SIZE, ROWS, COLUMNS, DEPTH, A, A_TURNED, A_ROW, B, B_TURNED, B_ROW, OUT, OUT_ROW = range(13)
COUNT, A_NEXT, B_NEXT, OUT_NEXT = range(13, 17)
# Words of a product of a matrix and a vector.
GEMV, V_SIZE, V_ORDER, V_ROWS, V_COLUMNS, MATRIX, MATRIX_ROW, VECTOR, V_OUT = range(9)

HALVES = 2
SPIN = 1000  # looks before a thread offers its processor, some ten microseconds
PATIENCE = 2000  # microseconds without a job before the helper goes to sleep

INT, LONG = ir.IntType(32), ir.IntType(64)
ROW_MAJOR, COLUMN_MAJOR, AS_IT_IS, TURNED = 101, 102, 111, 112  # of BLAS


def _place(builder: Any, address: Any, word: Any) -> Any:
    return builder.gep(builder.inttoptr(address, LONG.as_pointer()), [word])


@intrinsic
def fetch_add(typing_context: Any, address: Any, word: Any, number: Any) -> Any:
    """Add to a word in one step, and return what it was before."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.atomic_rmw("add", _place(builder, *args[:2]), args[2], "seq_cst")

    return types.int64(types.int64, types.int64, types.int64), generate


@intrinsic
def look(typing_context: Any, address: Any, word: Any) -> Any:
    """Read a word that another thread may write."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(_place(builder, *args), "seq_cst", 8)

    return types.int64(types.int64, types.int64), generate


@intrinsic
def tell(typing_context: Any, address: Any, word: Any, number: Any) -> Any:
    """Write a word that another thread may read; what was written before is there then, too."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.store_atomic(args[2], _place(builder, *args[:2]), "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), generate


@intrinsic
def word(typing_context: Any, address: Any, number: Any) -> Any:
    """Read a word that does not change."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load(_place(builder, *args))

    return types.int64(types.int64, types.int64), generate


@intrinsic
def breathe(typing_context: Any) -> Any:
    """Tell the processor that this thread only waits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if platform.machine() in ("x86_64", "AMD64"):
            form = ir.FunctionType(ir.VoidType(), [])
            name = "llvm.x86.sse2.pause"
            builder.call(builder.module.declare_intrinsic(name, (), form), [])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def offer(typing_context: Any, address: Any) -> Any:
    """Call a function of the system that takes nothing: it gives the processor to others."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        form = ir.FunctionType(INT, [])
        builder.call(builder.inttoptr(args[0], form.as_pointer()), [])
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def microseconds(typing_context: Any, address: Any) -> Any:
    """Call the system's clock_gettime. Offers cannot be counted instead: one may take long."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        form = ir.FunctionType(INT, [INT, LONG.as_pointer()])
        # Two numbers: seconds and nanoseconds.
        found = alloca_once(builder, LONG, 2)  # type: ignore[no-untyped-call]
        clock = builder.inttoptr(args[0], form.as_pointer())
        builder.call(clock, [INT(time.CLOCK_MONOTONIC), found])
        seconds, nanoseconds = builder.load(found), builder.load(builder.gep(found, [INT(1)]))
        return builder.add(
            builder.mul(seconds, LONG(1_000_000)), builder.sdiv(nanoseconds, LONG(1000))
        )

    return types.int64(types.int64), generate


def _gemm(number: Any, llvm_number: Any) -> Any:
    """Return a function that calls BLAS's product for one type of numbers by its address."""

    @intrinsic
    def gemm(
        typing_context: Any,
        address: Any,
        of_a: Any,
        of_b: Any,
        rows: Any,
        columns: Any,
        depth: Any,
        a: Any,
        row_of_a: Any,
        b: Any,
        row_of_b: Any,
        out: Any,
        row_of_out: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            address, of_a, of_b, *sizes, a, row_of_a, b, row_of_b, out, row_of_out = args
            takes = [INT, INT, INT, LONG, LONG, LONG, llvm_number, LONG, LONG, LONG, LONG]
            takes += [llvm_number, LONG, LONG]
            form = ir.FunctionType(ir.VoidType(), takes)
            one, zero = ir.Constant(llvm_number, 1.0), ir.Constant(llvm_number, 0.0)
            flags = [builder.trunc(each, INT) for each in (of_a, of_b)]
            given = [ir.Constant(INT, ROW_MAJOR), *flags, *sizes]
            given += [one, a, row_of_a, b, row_of_b, zero, out, row_of_out]
            builder.call(builder.inttoptr(address, form.as_pointer()), given)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 12), generate

    return gemm


def _gemv(number: Any, llvm_number: Any) -> Any:
    """Return a function that calls BLAS's product of a turned matrix and a vector, by address."""

    @intrinsic
    def gemv(
        typing_context: Any,
        address: Any,
        order: Any,
        rows: Any,
        columns: Any,
        matrix: Any,
        row: Any,
        vector: Any,
        out: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            address, order, rows, columns, matrix, row, vector, out = args
            takes = [INT, INT, LONG, LONG, llvm_number, LONG, LONG, LONG, LONG]
            takes += [llvm_number, LONG, LONG]
            form = ir.FunctionType(ir.VoidType(), takes)
            one, zero = ir.Constant(llvm_number, 1.0), ir.Constant(llvm_number, 0.0)
            given = [builder.trunc(order, INT), ir.Constant(INT, TURNED), rows, columns]
            given += [one, matrix, row, vector, LONG(1), zero, out, LONG(1)]
            builder.call(builder.inttoptr(address, form.as_pointer()), given)
            return context.get_dummy_value()

        return types.void(*[types.int64] * 8), generate

    return gemv


gemm32 = _gemm(types.float32, ir.FloatType())
gemm64 = _gemm(types.float64, ir.DoubleType())
gemv32 = _gemv(types.float32, ir.FloatType())
gemv64 = _gemv(types.float64, ir.DoubleType())


def new_team(yield_: int) -> Array:
    """Return the words of a team that has nothing to do."""
    words = np.zeros(32, np.int64)
    words[TURN], words[YIELD] = HALVES, yield_
    return words


def in_two(team: Array, shared: Array, halves: list[Row]) -> Row:
    """Return a call that consists of two halves.

    Parameters
    ----------
    team : ndarray
        See `new_team`.
    shared : ndarray of one int64
        Whether the team computes them, as long as that is not 0; otherwise the calling thread does.
    halves : list of two Row
    """
    calls = np.concatenate([each.table.reshape(-1) for each in halves])
    job = np.array([team.ctypes.data, shared.ctypes.data, *calls], np.int64)
    return Row(_share(), job, [team, shared, halves])


def product(gemm: int, a: Array, b: Array, out: Array) -> Row:
    """Return the call of BLAS's product at an address, or of several, one after the other.

    The arrays are stored by rows, or `a` and `b` by columns, as ``x.T`` is. With three axes, the
    first one counts the products.
    """
    size, several = out.itemsize, out.ndim == 3
    words = [gemm, size, *out.shape[-2:], b.shape[-2]]
    for factor in (a, b):
        turned = factor.strides[-1] != size
        words += [factor.ctypes.data, turned, factor.strides[-1 if turned else -2] // size]
    words += [out.ctypes.data, out.strides[-2] // size, len(out) if several else 1]
    words += [each.strides[0] if several else 0 for each in (a, b, out)]
    return Row(_multiply(), np.array(words, np.int64), [a, b, out])


@numba.njit(nogil=True)
def multiply(product: int) -> None:
    """Compute products, given by their words."""
    rows, columns, depth = word(product, ROWS), word(product, COLUMNS), word(product, DEPTH)
    a, a_row = word(product, A), word(product, A_ROW)
    b, b_row = word(product, B), word(product, B_ROW)
    out, out_row = word(product, OUT), word(product, OUT_ROW)
    of_a = TURNED if word(product, A_TURNED) else AS_IT_IS
    of_b = TURNED if word(product, B_TURNED) else AS_IT_IS
    gemm = word(product, GEMM)
    for _ in range(word(product, COUNT)):
        if word(product, SIZE) == 4:
            gemm32(gemm, of_a, of_b, rows, columns, depth, a, a_row, b, b_row, out, out_row)
        else:
            gemm64(gemm, of_a, of_b, rows, columns, depth, a, a_row, b, b_row, out, out_row)
        a, b = a + word(product, A_NEXT), b + word(product, B_NEXT)
        out += word(product, OUT_NEXT)


def product_with_vector(gemv: int, matrix: Array, vector: Array, out: Array) -> Row:
    """Return the call of BLAS's product of a matrix and a vector, as NumPy calls it.

    The matrix is stored by rows or by columns; the vectors have no gaps.
    """
    size = out.itemsize
    by_rows = matrix.strides[1] == size
    words = [gemv, size, COLUMN_MAJOR if by_rows else ROW_MAJOR, *matrix.shape[::-1]]
    words += [matrix.ctypes.data, matrix.strides[0 if by_rows else 1] // size]
    words += [vector.ctypes.data, out.ctypes.data]
    return Row(_multiply_vector(), np.array(words, np.int64), [matrix, vector, out])


@numba.njit(nogil=True)
def multiply_vector(product: int) -> None:
    """Compute the product of a matrix and a vector, given by its words."""
    gemv, order, row = word(product, GEMV), word(product, V_ORDER), word(product, MATRIX_ROW)
    rows, columns = word(product, V_ROWS), word(product, V_COLUMNS)
    matrix, vector, out = word(product, MATRIX), word(product, VECTOR), word(product, V_OUT)
    if word(product, V_SIZE) == 4:
        gemv32(gemv, order, rows, columns, matrix, row, vector, out)
    else:
        gemv64(gemv, order, rows, columns, matrix, row, vector, out)


@numba.njit(nogil=True)
def do(job: int, half: int) -> None:
    """Do one half of a job."""
    call_address(word(job, CALLS + 2 * half), word(job, CALLS + 2 * half + 1))


@numba.njit(nogil=True)
def take(team: int) -> int:
    """Do halves for as long as there are any, and return how many."""
    taken = 0
    while look(team, TURN) % 256 < HALVES:
        half = fetch_add(team, TURN, 1) % 256
        if half < HALVES:
            do(look(team, JOB), half)
            fetch_add(team, DONE, 1)
            taken += 1
    return taken


@numba.njit(nogil=True)
def wait(looks: int, yield_: int) -> None:
    """Spin at first, then offer the processor to others."""
    breathe()
    if looks >= SPIN:
        offer(yield_)


@numba.njit(nogil=True)
def share(job: int) -> None:
    """Do both halves of a job; if it is shared, with the helper, who may not come."""
    if not look(word(job, SHARED), 0):
        for half in range(HALVES):
            do(job, half)
        return
    team = word(job, TEAM)
    tell(team, JOB, job)
    tell(team, DONE, 0)
    turn = look(team, TURN) // 256 + 1
    tell(team, TURN, turn * 256)  # from here on, halves can be taken
    take(team)
    looks = 0
    while look(team, DONE) < HALVES:
        wait(looks, word(team, YIELD))
        looks += 1


@functools.cache
def _share() -> Any:
    def call(job: int) -> None:
        share(job)

    return by_address(call, "share", _python(share), ())


@functools.cache
def _multiply() -> Any:
    def call(words: int) -> None:
        multiply(words)

    return by_address(call, "multiply", _python(multiply), ())


@functools.cache
def _multiply_vector() -> Any:
    def call(words: int) -> None:
        multiply_vector(words)

    return by_address(call, "multiply_vector", _python(multiply_vector), ())


def _python(compiled: Any) -> Any:
    return compiled.py_func


@compile_loops
def run_table(table: Array, times: int) -> None:
    """Make calls, one after the other: the addresses of a function and of what it takes."""
    for _ in range(times):
        for line in range(len(table)):
            call_address(table[line, 0], table[line, 1])


@compile_loops
def serve(words: Array, clock: int) -> None:
    """Take halves of one job after the other, until it rests or none has come for a while."""
    team = words.ctypes.data
    looks, since = 0, 0
    while not look(team, REST):
        looks = 0 if take(team) else looks + 1
        if looks == SPIN:
            since = microseconds(clock)
        elif looks > SPIN and microseconds(clock) - since > PATIENCE:
            break
        wait(looks, word(team, YIELD))
