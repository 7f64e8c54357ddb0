"""A training step, recorded line by line: what every line has read, and what it has written.

The step of a copy of the model is written down, as `fit` does with its first batch (tinynet.step);
before and after every line its arrays are copied. So these are the numbers of a real step.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from tinynet.arrays import Array
from tinynet.data import Batch, Dataset
from tinynet.kernels.registry import Kernel, here
from tinynet.kernels.threads import products_as_chosen
from tinynet.models import Model
from tinynet.step.passes import Span, span
from tinynet.step.printing import Names, arrays_of, call_of
from tinynet.step.tape import Line, Step
from tinynet.tracing.traced import Trace, TracedArray, TracedLine
from tinynet.written import Written

MOST = 64  # samples in a batch
SECTIONS = ("forward", "loss", "backward", "update")


@products_as_chosen()
def trace(model: Model, x: Any, y: Any, sample_weight: Any = None) -> Trace:
    """Make one training step with a copy of a model, and keep all numbers of it.

    These are the numbers of the step that `fit` would make next with this batch, to the last bit.
    The model itself stays as it is: its weights, its optimizer and its random sequences, too.

    Parameters
    ----------
    model : Model
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
        If `model` is not a `Model`.
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
    if not isinstance(model, Model):
        raise TypeError(f"model: expected a model, got {model!r}")
    model._compiled()
    data = model._dataset(x, y, sample_weight)
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
            if any(array is each for each in line.results):
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


def _record(model: Model, data: Dataset) -> Recorder:
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
    with model.freezing.as_at_first("fit", model):
        Written(model, data, make, order, place, len(data), recorder)
    return recorder


def _lines(model: Model, step: Recorder) -> Iterator[TracedLine]:
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


def _sections(model: Model, step: Step) -> Iterator[str]:
    """Yield for each line in which section of the step it is."""
    layers = set(model.leaves)
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
