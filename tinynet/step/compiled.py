"""The lines of a step, compiled: kernels that follow each other run in one call, without Python.

Where a kernel may be divided, it has two halves, which a helper may share (tinynet.kernels.team).
Where it is divided depends on its arrays alone, and the bits are the same as of the whole.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels import team
from tinynet.kernels.entries import Row, row_of
from tinynet.kernels.halves import in_two, product_with_vector, run_table
from tinynet.kernels.halves import product as row_of_product
from tinynet.kernels.products import LARGE, batched_product, halves, product
from tinynet.kernels.registry import Kernel
from tinynet.kernels.team import Watch, address_of, can_share, the_team
from tinynet.kernels.threads import may_help
from tinynet.step.passes import arrays_in, meet, span
from tinynet.step.tape import Line

WORTH = 1 << 14  # numbers in the largest array of a kernel, if it is to be divided
BLOCK = 16  # numbers: halves begin with a cache line of their own


class Loop:
    """Runs the lines of a step; kernels that follow each other in one call."""

    def __init__(self) -> None:
        self.team = the_team() if can_share() else None
        self.watch = Watch()
        self.size = 0  # multiplications in the large products
        self.shared = np.zeros(1, np.int64)  # whether the helper takes part
        # By the number of the line's object, with the line, so that no other one gets its number.
        self.rows: dict[int, tuple[Line, Row | None]] = {}
        self.lines: list[Line] = []
        self.pieces: list[Callable[[int], object]] = []  # each takes how often it is to run
        self.kept: list[Row] = []  # whose addresses are in the pieces

    def add(self, line: Line) -> bool:
        """Compile a line and run it; return False if it has to be called from Python."""
        row = self.row(line)
        if row is not None:
            run_table(row.table, 1)
        return row is not None

    def row(self, line: Line) -> Row | None:
        """Return the call of a line; None if it has to be called from Python."""
        if id(line) not in self.rows:
            self.rows[id(line)] = line, self._row(line)
        return self.rows[id(line)][1]

    def alone(self, line: Line) -> Callable[[], object]:
        """Return a function that runs one line without a helper."""
        row = self.row(line)
        self.shared[0] = False
        return line.run if row is None else functools.partial(run_table, row.table, 1)

    def run(self, lines: Sequence[Line], times: int = 1) -> None:
        """Run lines, with a helper for what is large if that is faster."""
        if len(self.lines) != len(lines) or any(map(operator.is_not, self.lines, lines)):
            self.lines = list(lines)
            self._put_together()
        two = self.team if self.size and may_help() else None
        run = functools.partial(self._run, times)
        if two is None or not two.run(run, self.size * times, self.watch):
            run(helped=False)

    def _run(self, times: int, helped: bool) -> None:
        self.shared[0] = helped
        if len(self.pieces) == 1:
            self.pieces[0](times)
            return
        for _ in range(times):
            for piece in self.pieces:
                piece(1)

    def _row(self, line: Line) -> Row | None:
        function, arguments = line.function, line.arguments
        if not isinstance(function, Kernel):
            return None
        if function.loops_form is not None:
            return self._in_halves(
                [row_of(function, each) for each in _halves(function, arguments)]
            )
        if function is product and min(*arguments[0].shape, arguments[1].shape[1]) < 2:
            return _with_vector(*arguments)
        if function is product:
            return self._products(arguments, halves(*arguments))
        if function is batched_product:
            cut = len(arguments[0]) // 2 if multiplications(line) >= LARGE else 0
            both = (slice(cut), slice(cut, None)) if cut else (slice(None),)
            parts = [tuple(each[half] for each in arguments) for half in both]
            return self._products(tuple(each[0] for each in arguments), parts)
        return None

    def _products(self, one: tuple[Array, ...], parts: list[Any]) -> Row | None:
        """Return the call of a product, or of many like it, in one or two parts."""
        a, b, out = one
        gemm = address_of("gemm", a, b, out)
        if gemm is None or min(*a.shape, b.shape[1]) < 2:
            return None
        return self._in_halves([row_of_product(gemm, *part) for part in parts])

    def _in_halves(self, rows: list[Row]) -> Row:
        if len(rows) == 1:
            return rows[0]
        words = np.zeros(0, np.int64) if self.team is None else self.team.words
        return in_two(words, self.shared, rows)

    def _put_together(self) -> None:
        """Put rows that follow each other into one table."""
        rows = [self.row(line) for line in self.lines]
        self.rows = {id(line): self.rows[id(line)] for line in self.lines}
        self.pieces, self.kept = [], []
        both = zip(self.lines, rows, strict=True)
        for compiled, group in itertools.groupby(both, lambda pair: pair[1] is not None):
            some = list(group)
            if compiled:
                calls = self._in_pairs([(line, row) for line, row in some if row is not None])
                self.kept += calls
                table = np.concatenate([row.table for row in calls])
                self.pieces.append(functools.partial(run_table, table))
            else:
                self.pieces += [functools.partial(_call, line) for line, _ in some]
        size = sum(map(multiplications, self.lines))
        self.size = size if size >= team.WORTH else 0

    def _in_pairs(self, calls: list[tuple[Line, Row]]) -> list[Row]:
        """Put two calls together, one for each thread, where neither could be divided."""
        done: list[Row] = []
        single: Line | None = None  # that of the last row, if another one may join it
        for line, row in calls:
            if single is not None and _alike(single, line):
                done[-1] = self._in_halves([done[-1], row])
                single = None
            else:
                done.append(row)
                single = line if _is_large(line) and not _is_divided(line) else None
        return done


def _with_vector(a: Array, b: Array, out: Array) -> Row | None:
    """Return the call of a product with a single row or column.

    NumPy computes it by another function of BLAS than a product of matrices, with other bits. What
    it adds up by itself, such as a single row times a single column, is left to it.
    """
    gemv = address_of("gemv", a, b, out)
    rows, depth, columns = len(a), *b.shape
    if gemv is None or depth < 2 or rows == columns:
        return None
    if rows == 1:
        return product_with_vector(gemv, b.T, a[0], out[0])
    return product_with_vector(gemv, a, b[:, 0], out[:, 0])


def _call(line: Line, times: int) -> None:
    for _ in range(times):
        line.run()


def multiplications(line: Line) -> int:
    """Return how many multiplications there are in a line's products, if they are divided."""
    if line.function not in (product, batched_product):
        return 0
    a, _, out = line.arguments
    if line.function is product and len(halves(*line.arguments)) == 1:
        return 0
    return int(out.size * a.shape[-1])


def _is_large(line: Line) -> bool:
    return max(array.size for array in arrays_in(line)) >= WORTH


def _is_divided(line: Line) -> bool:
    if isinstance(line.function, Kernel) and line.function.loops_form is not None:
        return len(_halves(line.function, line.arguments)) > 1
    return multiplications(line) >= LARGE


def _alike(one: Line, other: Line) -> bool:
    """Return whether two lines call the same kernel, and neither writes what the other has."""
    if one.function is not other.function:
        return False
    return not any(
        meet(map(span, arrays_in(a, "write", "update")), map(span, arrays_in(b)))
        for a, b in ((one, other), (other, one))
    )


def _halves(kernel: Kernel, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Return the arguments of a kernel, or those of its two halves if it is large.

    It is divided along an axis that is the first one of every array that has it, so that the halves
    of an array are in one piece.
    """
    axes = {kernel.parameters.index(name): said.axes for name, said in kernel.arrays.items()}
    for letter in sorted(kernel.divided):
        places = [place for place, said in axes.items() if letter in said]
        largest = max((arguments[place] for place in places), key=np.size)
        if largest.size >= WORTH and all(axes[place].startswith(letter) for place in places):
            n = len(largest)
            cut = n // 2 if largest.ndim > 1 else n // 2 // BLOCK * BLOCK
            if 0 < cut < n:
                return [
                    tuple(
                        each[half] if place in places else each
                        for place, each in enumerate(arguments)
                    )
                    for half in (slice(cut), slice(cut, None))
                ]
    return [arguments]
