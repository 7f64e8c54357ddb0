"""The lines of a step, compiled: kernels that follow each other run in one call, without Python.

Where a kernel may be divided, it has two halves, which a helper may share (tinynet.kernels.team).
Where it is divided depends on its arrays alone, and the bits are the same as of the whole.
"""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinynet.kernels import team
from tinynet.kernels.entries import Row, row_of
from tinynet.kernels.halves import in_two, run_table
from tinynet.kernels.halves import product as row_of_product
from tinynet.kernels.products import halves, product
from tinynet.kernels.registry import Kernel
from tinynet.kernels.team import ALONE, Watch, address_of_gemm, can_share, the_team
from tinynet.kernels.threads import may_help
from tinynet.step.tape import Line

WORTH = 1 << 14  # numbers in the largest array of a kernel, if it is to be divided
BLOCK = 16  # numbers: halves begin with a cache line of their own


class Loop:
    """Runs the lines of a step; kernels that follow each other in one call."""

    def __init__(self) -> None:
        self.team = the_team() if can_share() else None
        self.watch = Watch(ALONE // 8)
        self.size = 0  # multiplications in the large products
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
        function, arguments = line.function, line.arguments
        if not isinstance(function, Kernel):
            return None
        if function.loops_form is not None:
            return self._in_halves(
                [row_of(function, each) for each in _halves(function, arguments)]
            )
        if function is not product:
            return None
        a, b, out = arguments
        gemm = address_of_gemm(a, b, out)
        # NumPy computes a single row or column by another function of BLAS, with other bits.
        if gemm is None or min(len(a), *b.shape) < 2:
            return None
        return self._in_halves([row_of_product(gemm, *each) for each in halves(a, b, out)])

    def _in_halves(self, rows: list[Row]) -> Row:
        if len(rows) == 1:
            return rows[0]
        words = np.zeros(0, np.int64) if self.team is None else self.team.words
        return in_two(words, self.shared, rows)

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
            for a, b, out in (line.arguments for line in lines if line.function is product)
            if len(halves(a, b, out)) > 1
        ]
        self.size = sum(sizes) if sum(sizes) >= team.WORTH else 0
        self.pieces = pieces


def _halves(kernel: Kernel, arguments: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Return the arguments of a kernel, or those of its two halves if it is large.

    It is divided along an axis that is the first one of every array that has it, so that the halves
    of an array are in one piece.
    """
    names = list(inspect.signature(kernel.numpy_form).parameters)
    axes = {names.index(name): said.axes for name, said in kernel.arrays.items()}
    for letter in sorted(kernel.divided):
        places = [place for place, said in axes.items() if letter in said]
        large = max(arguments[place].size for place in places) >= WORTH
        if large and all(axes[place].startswith(letter) for place in places):
            n = len(arguments[places[0]])
            cut = n // 2 if arguments[places[0]].ndim > 1 else n // 2 // BLOCK * BLOCK
            if 0 < cut < n:
                return [
                    tuple(
                        each[half] if place in places else each
                        for place, each in enumerate(arguments)
                    )
                    for half in (slice(cut), slice(cut, None))
                ]
    return [arguments]
