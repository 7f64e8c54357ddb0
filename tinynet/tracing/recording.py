"""A training step, recorded line by line: what every line has read, and what it has written.

The step of a copy of the model is written down, as `fit` does with its first batch (tinynet.step);
before and after every line its arrays are copied. So these are the numbers of a real step.
"""

from __future__ import annotations

import copy
import os
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tinynet.arrays import Array
from tinynet.data import Batch, Dataset, training_data
from tinynet.files import write_atomically
from tinynet.kernels.registry import Kernel, here
from tinynet.kernels.threads import products_as_chosen
from tinynet.models import Sequential
from tinynet.repeat import Written
from tinynet.step.passes import Span, span
from tinynet.step.printing import SIGNS, Names, arrays_of, call_of
from tinynet.step.tape import Line, Step
from tinynet.tracing import page

MOST = 64  # samples in a batch
SECTIONS = ("forward", "loss", "backward", "update")
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
    model : Sequential
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
        self, model: Sequential, batch: Dataset, lines: Sequence[TracedLine], loss: float
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


@products_as_chosen()
def trace(model: Sequential, x: Any, y: Any, sample_weight: Any = None) -> Trace:
    """Make one training step with a copy of a model, and keep all numbers of it.

    These are the numbers of the step that `fit` would make next with this batch, to the last bit.
    The model itself stays as it is: its weights, its optimizer and its random sequences, too.

    Parameters
    ----------
    model : Sequential
        Compiled. If it has no weights yet, the copy gets those that the model would get.
    x, y : array_like of shape (n, ...)
        A small batch, of 64 samples at most.
    sample_weight : array_like of shape (n,), optional

    Returns
    -------
    Trace
        To be printed, to be looked into, or to be written as a page with `Trace.to_html`.

    Raises
    ------
    TypeError
        If `model` is not a `Sequential`.
    RuntimeError
        If `compile` has not been called.
    ValueError
        If there are more than 64 samples; if `x`, `y` or the weights do not fit the model.

    Examples
    --------
    >>> import numpy as np, tinynet as tn
    >>> model = tn.Sequential([tn.layers.Dense(2, activation="relu", name="hidden")])
    >>> model.compile("sgd", "mse")
    >>> trace = tn.trace(model, np.ones((3, 5)), np.ones((3, 2)))
    >>> trace.lines[3].call, [array.name for array in trace.lines[3].writes]
    ('product(x, hidden/kernel)', ['hidden.logits'])
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"model: expected a Sequential, got {model!r}")
    model._compiled()
    data, _ = training_data(x, y, sample_weight, None)
    if len(data) > MOST:
        raise ValueError(
            f"x: expected at most {MOST} samples, got {len(data)}; a trace keeps the numbers of "
            f"every line, to be looked at: pass a few samples, x[:4] and y[:4]"
        )
    model.check(data, needs_targets=True)
    before = copy.deepcopy(model)
    before._build(data)
    made = copy.deepcopy(before)
    step = _record(made, data)
    loss = float(made.figures.loss.result())  # before the lines run once more
    return Trace(before, data, list(_lines(made, step)), loss)


class Moment(NamedTuple):
    """What a line has done: each array with the numbers in it, in the order of the memory."""

    line: Line
    read: list[tuple[str, Array, Array]]  # argument, array, numbers
    written: list[tuple[str, Array, Array | None, Array]]  # argument, array, before, after


class Recorder(Step):
    """Writes a step down, and copies the arrays of each line before and after it has run."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[Moment] = []
        self.seen: dict[Span, tuple[Array, Array]] = {}  # by place: an array, its last copy

    def see(self, array: Array) -> Array:
        """Return a copy of the numbers in an array; the last one if none has changed."""
        now, place = in_memory(array), span(array)
        if place in self.seen:
            last = self.seen[place][1]
            if last.dtype == now.dtype and last.tobytes() == now.tobytes():
                return last
        self.seen[place] = array, now.copy()
        return self.seen[place][1]

    def add(self, kernel: Kernel, arguments: tuple[Any, ...]) -> None:
        """Append the call of a kernel, and run it."""
        planned = Line(here.part, kernel, arguments)
        given = {name: (array, planned.role(name)) for name, array in arrays_of(planned).items()}
        found = {name: self.see(a) for name, (a, role) in given.items() if role != "write"}
        super().add(kernel, arguments)
        read = [(name, a, found[name]) for name, (a, role) in given.items() if role == "read"]
        written = [
            (name, array, found.get(name), self.see(array))
            for name, (array, role) in given.items()
            if role != "read"
        ]
        self.moments.append(Moment(self.lines[-1], read, written))

    def keep(self, function: Callable[..., Any], arguments: tuple[Any, ...], found: Any) -> Any:
        """Append the call of a Python function, which has run; see what it has changed."""
        result = super().keep(function, arguments, found)
        line, before = self.lines[-1], dict(self.seen)
        changed = [
            ("", array, last, self.see(array))
            for array, last in before.values()
            if in_memory(array).tobytes() != last.tobytes()
        ]
        read, written = [], []
        for name, array in arrays_of(line).items():
            if array is line.result:
                written.append((name, array, None, self.see(array)))
            else:
                earlier = before.get(span(array))
                read.append((name, array, self.see(array) if earlier is None else earlier[1]))
        self.moments.append(Moment(line, read, [*written, *changed]))
        return result


def in_memory(array: Array) -> Array:
    """Return the numbers of an array in the order in which they lie in memory, each once.

    Where there are no gaps between them, it is a view.
    """
    once = array[(*(slice(None) if stride else 0 for stride in array.strides), ...)]
    order = sorted(range(once.ndim), key=lambda axis: -once.strides[axis])
    return once.transpose(order).reshape(-1)


def _record(model: Sequential, data: Dataset) -> Recorder:
    """Make a step with a model, and return its lines with all that they did."""
    assert model.optimizer is not None
    optimizer, recorder = model.optimizer, Recorder()

    def make(batch: Batch) -> None:
        slots = [slot for each in optimizer.slots.values() for slot in each.values()]
        # A line of Python may change these, and does not say so.
        for array in (*model.params.values(), *model.arrays.values(), *model.grads.values()):
            recorder.see(array)
        for array in (*slots, *optimizer.dials.values()):
            recorder.see(array)
        model.train_step(batch)

    model.figures.reset()
    order, place = np.arange(len(data)), np.zeros((), np.int64)
    with model.freezing.as_at_first("fit", model.layers):
        Written(model, data, make, order, place, len(data), recorder)
    return recorder


def _lines(model: Sequential, step: Recorder) -> Iterator[TracedLine]:
    """Yield the lines of a step that are left, with names for their arrays, and with times."""
    names = Names(step)
    moments = {id(moment.line): moment for moment in step.moments}
    assert model.optimizer is not None
    like = {
        f"{slot} {name}": model.params[name].shape
        for name, slots in model.optimizer.slots.items()
        for slot in slots
        if name in model.params
    }
    copies: dict[tuple[int, str], Array] = {}

    def shaped(numbers: Array, name: str) -> Array:
        key = id(numbers), name
        if key not in copies:
            named = names.arrays[name]
            found = numbers
            if numbers.size == named.size:
                found = np.empty_like(named)
                in_memory(found)[...] = numbers
            copies[key] = found.reshape(like.get(name, found.shape))
        return copies[key]

    def traced(argument: str, array: Array, before: Array | None, after: Array) -> TracedArray:
        name = names.of(array)
        return TracedArray(
            argument or name,
            name,
            shaped(after, name),
            None if before is None else shaped(before, name),
            array.shape,
            tuple(stride // array.itemsize for stride in array.strides),
        )

    for number, (line, section) in enumerate(zip(step.lines, _sections(model, step), strict=True)):
        moment = moments[id(line)]
        is_kernel = isinstance(line.function, Kernel)
        yield TracedLine(
            number + 1,
            section,
            line.part,
            line.title,
            call_of(line, names),
            _first_sentence(line.function.__doc__) if is_kernel else "",
            {
                name: value
                for name, value in zip(line.parameters, line.arguments, strict=False)
                if not isinstance(value, np.ndarray)
            },
            tuple(traced(name, array, None, now) for name, array, now in moment.read),
            tuple(traced(*each) for each in moment.written if names.has(each[1])),
            _seconds(step, line),
        )


def _sections(model: Sequential, step: Step) -> Iterator[str]:
    """Yield for each line in which section of the step it is."""
    layers = {layer.name for layer in model.layers}
    section = "forward"
    for line in step.lines:
        if line.part in ("optimizer", "metrics"):
            section = "update"
        elif line.part == "loss":
            if section == "forward":
                section = "loss"
            if line.title.endswith(("_backward", "gradient")):
                section = "backward"
        elif line.part in layers and section == "loss":
            section = "backward"
        yield section


def _seconds(step: Step, line: Line) -> float:
    run = step.alone(line)
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _first_sentence(doc: str | None) -> str:
    """Return the first paragraph of a kernel's docstring in one line."""
    return " ".join((doc or "").split("\n\n")[0].split())


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
