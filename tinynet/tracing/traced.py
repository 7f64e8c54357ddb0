"""A trace: the lines of a step with their numbers, and the table in which they are printed."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.data import Dataset
from tinynet.files import write_atomically
from tinynet.models import Model
from tinynet.step.printing import SIGNS
from tinynet.tracing import page

LEFT, RIGHT, NUMBERS = 30, 27, 36  # columns of the table: call, array, numbers; then the time


@dataclass(frozen=True, eq=False)
class TracedArray:
    """An array on a line of a step.

    Attributes
    ----------
    argument : str
        The name of the kernel's argument.
    name : str
        The name of the array in the step, such as ``"dense.logits"``.
    values : ndarray
        A copy: of what the line read, or of what it had written when it was done.
    before : ndarray or None
        What was there before, if the line changed it in place.
    axes, strides : tuple of int
        The shape in which the kernel was given the array, and how many numbers lie between
        neighbors along each axis: a transposed array has its strides in the reverse order.
    """

    argument: str
    name: str
    values: Array
    before: Array | None
    axes: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.values.shape

    @property
    def minimum(self) -> float:
        """The smallest number."""
        return float(np.min(self.values))

    @property
    def mean(self) -> float:
        """The mean, added up in double precision."""
        return float(np.mean(self.values, dtype=np.float64))

    @property
    def maximum(self) -> float:
        """The largest number."""
        return float(np.max(self.values))

    @property
    def zeros(self) -> float:
        """The share of the numbers that are zero."""
        return float(np.mean(self.values == 0))


@dataclass(frozen=True, eq=False)
class TracedLine:
    """A line of a step: a kernel, and the arrays that it has read and written.

    Attributes
    ----------
    number : int
        From 1, as in the table that ``print(model.step())`` shows.
    section : str
        "forward", "loss", "backward" or "update".
    part : str
        Whose line it is: the name of a layer, "batch", "loss", "optimizer" or "metrics".
    title : str
        The name of the kernel; "python ..." for a line of Python.
    call : str
        The title with the names of what is read.
    doc : str
        The formula, from the kernel's docstring.
    constants : dict of str to object
        The arguments that are not arrays.
    reads, writes : tuple of TracedArray
        Of a line of Python, what is written is its result, and what it was seen to change.
    seconds : float
        What the line took when it ran once more, with everything loaded and compiled.
    """

    number: int
    section: str
    part: str
    title: str
    call: str
    doc: str
    constants: dict[str, Any]
    reads: tuple[TracedArray, ...]
    writes: tuple[TracedArray, ...]
    seconds: float


class Trace:
    """One training step, with all its numbers; `trace` makes it.

    ``print`` shows a table: each line with what it has written, the smallest number, the mean, the
    largest, the share of zeros, and the time. In a notebook a trace shows itself as the page that
    `to_html` writes.

    Parameters
    ----------
    model : Model
        As it was before the step.
    batch : Dataset
        What the step was made with.
    lines : sequence of TracedLine
    loss : float
        The loss of the batch before the step, with all penalties.

    Attributes
    ----------
    model, batch, lines, loss
        As they were given.
    """

    def __init__(
        self, model: Model, batch: Dataset, lines: Sequence[TracedLine], loss: float
    ) -> None:
        self.model, self.batch, self.lines, self.loss = model, batch, list(lines), loss

    def __getitem__(self, name: str) -> Array:
        """Return an array by its name, ``"d dense/kernel"``, as the step left it.

        Raises
        ------
        KeyError
            If no line reads or writes such an array.
        """
        for line in reversed(self.lines):
            for array in (*line.writes, *line.reads):
                if array.name == name:
                    return array.values
        raise KeyError(name)

    def __str__(self) -> str:
        """Return the table."""
        n = len(self.batch)
        head = f"{'line':{LEFT + RIGHT}}{'min':>10}{'mean':>10}{'max':>10}{'zeros':>6}{'us':>7}"
        rows = [
            f"one step of {self.model.name} with {n} sample{'s' * (n > 1)}: "
            f"{len(self.lines)} lines, loss {self.loss:.4g}",
            head,
        ]
        section = ""
        for line in self.lines:
            if line.section != section:
                section = line.section
                rows.append(section)
            rows += _rows(line)
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        """Return the page in a frame, for notebooks."""
        return page.framed(self)

    def to_html(self, path: str | os.PathLike[str]) -> None:
        """Write a page that shows the step line by line, and says how each number came about.

        It is one file, which needs no network. For some weights it also says what the loss really
        does when they are changed, measured with finite differences in float64: for all weights
        of a small model, for a few of each array of a large one.

        Parameters
        ----------
        path : str or path
            The file appears whole or not at all.

        Raises
        ------
        OSError
            If the folder is missing or the disk is full.
        """
        write_atomically(path, page.page(self))


def _rows(line: TracedLine) -> list[str]:
    """Return the rows of a line: its call, and each array that it has written."""
    rows: list[str] = []
    left = f"{line.number:3}  {line.call}"
    for array in line.writes:
        sign = SIGNS["write" if array.before is None else "update"]
        right = f"{sign} {array.name} {array.shape}"
        if left and (len(left) >= LEFT or len(right) > RIGHT):
            rows += _wrapped(left)
            left = ""
        wide = LEFT + RIGHT
        place = f"{right:>{wide}}" if len(right) > RIGHT else f"{left:{LEFT}}{right:{RIGHT}}"
        low, middle, high = (f"{v:10.3g}" for v in (array.minimum, array.mean, array.maximum))
        rows.append(f"{place}{low}{middle}{high}{array.zeros:6.0%}")
        left = ""
    if left:
        rows += _wrapped(left)
    rows[-1] = f"{rows[-1]:{LEFT + RIGHT + NUMBERS}}{1e6 * line.seconds:7.1f}"
    return rows


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, LEFT + RIGHT + NUMBERS, subsequent_indent=" " * 7)
