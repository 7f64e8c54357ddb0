"""Two threads that share a large matrix product; the compiled part of team.py.

Imported when the first large product is computed, because it imports Numba.

A thread that waits spins for some microseconds, because waking a thread takes longer than half a
product, and then gives its processor to whoever needs it. Halves are not handed out but taken, in
one atomic step: if the other thread is not there, because its processor does something else, the
first one takes both.
"""

from __future__ import annotations

import platform
import time
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.cgutils import alloca_once
from numba.extending import intrinsic

from tinynet.arrays import Array
from tinynet.kernels.compiled import compile_loops

# Places in the block of integers through which the two threads speak, each in a cache line of its
# own, because both write.
TURN = 0  # 256 times the number of the product, and how often a half of it was reached for
DONE = 8  # how many halves of it are ready
REST = 16  # whether the helper is not wanted for now
JOB = 24  # what it is: see `post`
WORDS = 40

HALVES = 2
SPIN = 1000  # looks before a thread offers its processor, some ten microseconds
PATIENCE = 2000  # microseconds without a product before the helper goes to sleep

INT, LONG = ir.IntType(32), ir.IntType(64)
ROW_MAJOR, AS_IT_IS, TURNED = 101, 111, 112  # of BLAS


def _place(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [index])


@intrinsic
def fetch_add(typing_context: Any, box: Any, place: Any, number: Any) -> Any:
    """Add to a word in one step, and return what it was before."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _place(context, builder, signature.args[0], *args[:2])
        return builder.atomic_rmw("add", pointer, args[2], "seq_cst")

    return types.int64(box, types.int64, types.int64), generate


@intrinsic
def look(typing_context: Any, box: Any, place: Any) -> Any:
    """Read a word that another thread may write."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _place(context, builder, signature.args[0], *args)
        return builder.load_atomic(pointer, "seq_cst", 8)

    return types.int64(box, types.int64), generate


@intrinsic
def tell(typing_context: Any, box: Any, place: Any, number: Any) -> Any:
    """Write a word that another thread may read; what was written before is there then, too."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = _place(context, builder, signature.args[0], *args[:2])
        builder.store_atomic(args[2], pointer, "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(box, types.int64, types.int64), generate


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


gemm32 = _gemm(types.float32, ir.FloatType())
gemm64 = _gemm(types.float64, ir.DoubleType())


def new_box() -> Array:
    """Return a block in which there is nothing to take."""
    box = np.zeros(WORDS, np.int64)
    box[TURN] = HALVES
    return box


@numba.njit(nogil=True)
def post(box: Array, gemm: int, a: Array, b: Array, out: Array, axis: int, cut: int) -> None:
    """Say what is to be computed: addresses, sizes, and which array is stored turned, as x.T is."""
    size = out.itemsize
    a_turned, b_turned = a.strides[1] != size, b.strides[1] != size
    job = box[JOB:]
    job[0], job[1], job[2], job[3] = gemm, size, axis, cut
    job[4], job[5], job[6] = out.shape[0], out.shape[1], a.shape[1]
    job[7], job[8], job[9] = a.ctypes.data, a_turned, a.strides[1 if a_turned else 0] // size
    job[10], job[11], job[12] = b.ctypes.data, b_turned, b.strides[1 if b_turned else 0] // size
    job[13] = out.ctypes.data


@numba.njit(nogil=True)
def compute(box: Array, half: int) -> None:
    """Compute one half, of the rows or of the columns."""
    job = box[JOB:]
    gemm, size, axis, cut = job[0], job[1], job[2], job[3]
    rows, columns, depth = job[4], job[5], job[6]
    a, a_turned, a_row = job[7], job[8], job[9]  # address, whether turned, numbers in a row
    b, b_turned, b_row = job[10], job[11], job[12]
    out, out_row = job[13], columns
    if axis == 0:
        rows = rows - cut if half else cut
        a += size * cut * half * (1 if a_turned else a_row)
        out += size * cut * half * out_row
    else:
        columns = columns - cut if half else cut
        b += size * cut * half * (b_row if b_turned else 1)
        out += size * cut * half
    of_a = TURNED if a_turned else AS_IT_IS
    of_b = TURNED if b_turned else AS_IT_IS
    if size == 4:
        gemm32(gemm, of_a, of_b, rows, columns, depth, a, a_row, b, b_row, out, out_row)
    else:
        gemm64(gemm, of_a, of_b, rows, columns, depth, a, a_row, b, b_row, out, out_row)


@numba.njit(nogil=True)
def take(box: Array) -> int:
    """Compute halves for as long as there are any, and return how many."""
    taken = 0
    while look(box, TURN) % 256 < HALVES:  # type: ignore[call-arg]
        half = fetch_add(box, TURN, 1) % 256
        if half < HALVES:
            compute(box, half)
            fetch_add(box, DONE, 1)
            taken += 1
    return taken


@numba.njit(nogil=True)
def wait(looks: int, yield_: int) -> None:
    """Spin at first, then offer the processor to others."""
    breathe()  # type: ignore[call-arg]
    if looks >= SPIN:
        offer(yield_)


@compile_loops
def alone(box: Array, gemm: int, a: Array, b: Array, out: Array, axis: int, cut: int) -> None:
    """Compute one half after the other, and let the helper go to sleep."""
    tell(box, REST, 1)  # type: ignore[call-arg]
    post(box, gemm, a, b, out, axis, cut)
    for half in range(HALVES):
        compute(box, half)


@compile_loops
def together(
    box: Array, gemm: int, a: Array, b: Array, out: Array, axis: int, cut: int, yield_: int
) -> None:
    """Compute halves with the helper, if it comes."""
    post(box, gemm, a, b, out, axis, cut)
    tell(box, REST, 0)  # type: ignore[call-arg]
    tell(box, DONE, 0)
    turn = look(box, TURN) // 256 + 1
    tell(box, TURN, turn * 256)  # from here on, halves can be taken
    take(box)
    looks = 0
    while look(box, DONE) < HALVES:
        wait(looks, yield_)
        looks += 1


@compile_loops
def serve(box: Array, yield_: int, clock: int) -> None:
    """Take halves of one product after the other, until it rests or none has come for a while."""
    looks, since = 0, 0
    while not look(box, REST):  # type: ignore[call-arg]
        looks = 0 if take(box) else looks + 1
        if looks == SPIN:
            since = microseconds(clock)
        elif looks > SPIN and microseconds(clock) - since > PATIENCE:
            break
        wait(looks, yield_)
