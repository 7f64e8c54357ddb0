"""A trace as one page: every array a grid of colored cells, every number with its calculation.

`page` puts the template, the style, the script and the numbers into one file. The script (script/)
knows for each kernel how a number comes about; this module gives it the numbers. A large array is
reduced: its cells are means of blocks, and of each block the number in its middle is there as it
is. All arrays are divided in the same way, so those numbers belong together: the middle of a block
of `out` and the middle of the same block of `x`. Only long sums need more numbers than these; of
each one the largest terms are found here.
"""

from __future__ import annotations

import copy
import html
import importlib.resources
import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinynet.arrays import Array
from tinynet.data import Dataset
from tinynet.layers.rewinding import Rewinding
from tinynet.regularizers import L1L2
from tinynet.tracing.sums import FEWER_DIGITS, GATHERS, gathered, largest_terms, plain, sum_of

if TYPE_CHECKING:
    from tinynet.models import Model
    from tinynet.tracing.traced import Trace, TracedArray, TracedLine

CELLS = 32  # along each side of a grid
TILES = 8  # grids of one array: images and channels
SIDE = 8  # of a picture, from which on an input of side*side numbers is shown as one
NUDGED = 200  # weights
FEW = 6  # weights of each array, if there are more than NUDGED in the model
NUDGE = 1e-5

# The files of the script, in their order.
SCRIPTS = ("data", "sums", "layers", "activations", "images", "losses", "updates", "page")


def page(trace: Trace, opened: str = "") -> str:
    """Return a page that shows a trace, and opens at the last line that writes an array.

    Without the name of one it opens where the first layer begins.
    """
    title = f"One training step of {trace.model.name}"
    with np.errstate(all="ignore"):  # in a step that went wrong, there is much that is not finite
        content = _content(trace, opened)
    parts = {
        "TITLE": html.escape(title),
        "STYLE": _file("page.css"),
        # In a script element only "</" could end it; "<!--" would change how it is read.
        "DATA": json.dumps(content, separators=(",", ":")).replace("<", "\\u003c"),
        "SCRIPT": _script(),
    }
    # All at once: what is put in may itself look like a place to put something.
    return re.sub(r"\{\{([A-Z]+)\}\}", lambda place: parts[place[1]], _file("page.html"))


def framed(trace: Trace, height: str = "44rem", opened: str = "") -> str:
    """Return the page in a frame, which can stand in another page; it starts when it is in view."""
    title = html.escape(f"One training step of {trace.model.name}, line by line", quote=True)
    look = f"border: 1px solid #8888; width: 100%; height: {height}"
    return (
        f'<iframe class="trace" title="{title}" loading="lazy" sandbox="allow-scripts" '
        f'style="{look}" '
        f'srcdoc="{html.escape(page(trace, opened), quote=True)}"></iframe>'
    )


def _script() -> str:
    """Return the script without what only its readers need: comments of whole lines, indents."""
    files = "\n".join(_file(f"script/{name}.js") for name in SCRIPTS)
    return re.sub(r"(?ms)^ *//.*?\n|^ */\*.*?\*/\n|^ +|^\n", "", files)


def _file(name: str) -> str:
    return (importlib.resources.files(__package__) / name).read_text(encoding="utf-8")


class Grids(NamedTuple):
    """How the axes of an array are shown: some number the grids, some the rows, some the columns.

    Images (n, rows, columns, channels) are a grid for each image and channel, kernels of a
    convolution (rows, columns, channels, filters) one for each pair of channel and filter.
    """

    tiles: tuple[int, ...]
    rows: tuple[int, ...]
    columns: tuple[int, ...]
    named: tuple[str, ...] = ()  # what the tiles are


def _grids(shape: Sequence[int], samples: int, is_weight: bool) -> Grids:
    axes = tuple(range(len(shape)))
    if len(shape) == 4 and is_weight:
        return Grids((2, 3), (0,), (1,), ("channel", "filter"))
    if len(shape) == 4 and (shape[0] == samples or shape[1] == shape[2]):
        return Grids((0, 3), (1,), (2,), ("image", "channel"))
    if len(shape) == 3 and shape[0] == samples:
        return Grids((0,), (1,), (2,), ("sample",))
    half = len(shape) // 2
    return Grids((), axes[:half], axes[half:])


class Shown(NamedTuple):
    """An array as the page has it: T grids of R rows and C columns, of which `tiles` are shown.

    A cell is a block of `down` rows and `across` columns.
    """

    grids: Grids
    sizes: tuple[int, int, int]  # T, R, C
    tiles: int
    down: int
    across: int

    @property
    def whole(self) -> bool:
        """Whether every number has a cell of its own."""
        return self.tiles == self.sizes[0] and self.down == self.across == 1


def shown(shape: Sequence[int], samples: int = 0, is_weight: bool = False) -> Shown:
    """Return how an array of some shape is shown."""
    grids = _grids(shape, samples, is_weight)
    t, r, c = (math.prod(shape[axis] for axis in axes) for axes in grids[:3])
    return Shown(grids, (t, r, c), min(t, TILES), -(-r // CELLS), -(-c // CELLS))


def middles(n: int, block: int) -> Array:
    """Return the place in the middle of each block of n places; of two, the second."""
    starts = np.arange(0, n, block)
    return (starts + np.minimum(starts + block, n)) // 2


def _cells(values: Array, how: Shown) -> tuple[Array, Array, Array]:
    """Return the mean of each cell, the number in its middle, and where in the array this is."""
    order = [*how.grids.tiles, *how.grids.rows, *how.grids.columns]
    index = np.arange(values.size).reshape(values.shape)
    laid, places = (
        each.transpose(order).reshape(how.sizes)[: how.tiles] for each in (values, index)
    )
    _, r, c = how.sizes
    rows, columns = np.arange(0, r, how.down), np.arange(0, c, how.across)
    sums = np.add.reduceat(laid.astype(np.float64), rows, axis=1)
    sums = np.add.reduceat(sums, columns, axis=2)
    count = np.outer(np.diff([*rows, r]), np.diff([*columns, c]))
    middle = np.ix_(np.arange(how.tiles), middles(r, how.down), middles(c, how.across))
    return sums / count, laid[middle], places[middle]


class Arrays:
    """The arrays of a page, each of them once."""

    def __init__(self, model: Model, samples: int, sample_shape: tuple[int, ...]) -> None:
        self.weights, self.samples, self.sample_shape = model.arrays, samples, sample_shape
        self.found: list[dict[str, Any]] = []
        self.numbers: dict[tuple[int, tuple[int, ...]], int] = {}

    def put(self, array: TracedArray, values: Array, backward: bool, like: TracedArray) -> int:
        """Return the number of an array on the page, with its values before or after a line.

        What a kernel sees as one row is shown like another array of the line, if that has as many
        numbers.
        """
        same = len(array.axes) == 1 and array.values.size == like.values.size
        how = self.shown(like if same else array)
        laid = values.reshape(self.laid(like if same else array))
        if (id(values), laid.shape) in self.numbers:
            return self.numbers[id(values), laid.shape]
        means, middle, _ = _cells(laid, how)
        numbers = np.asarray(values, np.float64)
        entry = {
            "name": array.name,
            "kind": self._kind(array.name, backward),
            "shape": list(values.shape),
            "laid": list(laid.shape),
            "grids": how.grids[:3],
            "named": how.grids.named,
            "sizes": list(how.sizes),
            "tiles": how.tiles,
            "block": [how.down, how.across],
            "at": plain(middle),
            "range": plain(np.array([numbers.min(), numbers.mean(), numbers.max()])),
            "zeros": round(float(np.mean(values == 0)), 4),
        }
        if how.down * how.across > 1:
            entry["means"] = plain(means, FEWER_DIGITS)
        self.numbers[id(values), laid.shape] = len(self.found)
        self.found.append(entry)
        return len(self.found) - 1

    def shown(self, array: TracedArray) -> Shown:
        """Return how an array is shown."""
        is_weight = array.name.rpartition(" ")[2] in self.weights
        return shown(self.laid(array), self.samples, is_weight)

    def places(self, array: TracedArray) -> Array:
        """Return where in an array the number in the middle of each cell is."""
        return _cells(array.values.reshape(self.laid(array)), self.shown(array))[2]

    def laid(self, array: TracedArray) -> tuple[int, ...]:
        """Return the axes in which an array is shown: rows that are images as images."""
        if len(array.shape) != 2:
            return array.shape
        n, size = array.shape
        images, side = array.axes, math.isqrt(size)
        if array.name in ("x", "data.x"):
            images = n, *self.sample_shape
            if len(images) == 2 and side >= SIDE and side * side == size:
                return n, side, side
        if len(images) < 4 or images[0] != n or math.prod(images) != array.values.size:
            return array.shape
        return *images[:3], math.prod(images[3:])

    def _kind(self, name: str, backward: bool) -> str:
        """Return whose color an array has."""
        if name.startswith("d "):
            return "gradient"
        if name.rpartition(" ")[2] in self.weights:
            return "learned"
        return "gradient" if backward else "input"


def _content(trace: Trace, opened: str) -> dict[str, Any]:
    """Return all that the script has to know."""
    arrays = Arrays(trace.model, len(trace.batch), trace.batch.x.shape[1:])
    lines = [_line(line, arrays) for line in trace.lines]
    return {
        "model": trace.model.name,
        "samples": len(trace.batch),
        "loss": plain(np.array([trace.loss]))[0],
        "lines": lines,
        "first": _first(trace, opened),
        "arrays": arrays.found,
        "nudges": [_nudge_of(*each) for each in _nudges(trace.model, trace.batch)],
        "random": any(layer.seed_generator is not None for layer in trace.model.layers),
    }


def _first(trace: Trace, opened: str) -> int:
    """Return the index of the line at which the page opens."""
    if not opened:
        found = (i for i, line in enumerate(trace.lines) if line.part != "batch")
        return next(found, 0)
    writing = [i for i, line in enumerate(trace.lines) if opened in (w.name for w in line.writes)]
    if not writing:
        raise ValueError(f"opened: expected an array that a line writes, got {opened!r}")
    return writing[-1]


def _line(line: TracedLine, arrays: Arrays) -> dict[str, Any]:
    """Return a line for the script, and put its arrays among the others."""
    backward = line.section == "backward"
    roles = [("read", array) for array in line.reads]
    roles += [("written", array) for array in line.writes]
    seen = []
    for role, array in roles:
        like = max((each for _, each in roles), key=lambda each: len(arrays.laid(each)))
        seen.append(_array(array, role, arrays, backward and role == "written", like))
    content = {
        "number": line.number,
        "section": line.section,
        "part": line.part,
        "title": line.title,
        "call": line.call,
        "doc": line.doc,
        "seconds": float(f"{line.seconds:.3g}"),
        "arrays": seen,
        "constants": {name: _constant(value) for name, value in line.constants.items()},
    }
    found = sum_of(line)
    dense = all(map(_is_dense, (*line.reads, *line.writes)))
    if found is not None and dense and _is_in_order(line.writes[0]):
        used = [each for each in (found.a, found.b) if each is not None]
        content["sum"] = {
            "axes": found.axes,
            "length": found.length,
            "factor": found.factor,
            "a": [found.a.argument, found.a_out, found.a_k],
            "b": found.b and [found.b.argument, found.b_out, found.b_k],
        }
        if not all(arrays.shown(each).whole for each in used):
            content["terms"] = largest_terms(found, arrays.places(line.writes[0]))
    if line.title in GATHERS:
        content["gathered"] = gathered(line, arrays.places(line.writes[0]))
    rule = line.constants.get("argument_1")
    if line.title.endswith("._add_penalty_gradient") and isinstance(rule, L1L2) and line.writes:
        # The line reads the weights through its layer: they are not among its arrays.
        gradient = line.writes[0]
        weights = arrays.weights[gradient.name.removeprefix("d ")].reshape(-1)
        content["penalty"] = {
            "l1": rule.l1,
            "l2": rule.l2,
            "weights": plain(weights[arrays.places(gradient)]),
        }
    return content


def _is_dense(array: TracedArray) -> bool:
    """Return whether the numbers of an array lie in the memory as they are shown, without gaps."""
    reach = sum((n - 1) * stride for n, stride in zip(array.axes, array.strides, strict=True))
    return array.values.flags.c_contiguous and reach == array.values.size - 1


def _is_in_order(array: TracedArray) -> bool:
    """Return whether the last axis goes along the memory, and each one before it across that."""
    step = 1
    for n, stride in zip(reversed(array.axes), reversed(array.strides), strict=True):
        if n > 1 and stride != step:
            return False
        step *= n
    return True


def _array(
    array: TracedArray, role: str, arrays: Arrays, backward: bool, like: TracedArray
) -> dict[str, Any]:
    before = array.before
    return {
        "argument": array.argument,
        "axes": array.axes,
        "role": role,
        "array": arrays.put(array, array.values, backward, like),
        "before": None if before is None else arrays.put(array, before, backward, like),
    }


def _constant(value: Any) -> Any:
    """Return an argument of a kernel as the script can use it; None for anything that it cannot."""
    if isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, tuple) and all(isinstance(each, int) for each in value):
        return list(value)
    return None


def _nudges(model: Model, batch: Dataset) -> Iterator[tuple[str, int, float, float, float]]:
    """Yield name, place, value, gradient and measured slope of the loss, for some weights.

    All of them are computed in float64, with a copy of the model. Where layers draw random numbers,
    it draws the same ones for every measurement.
    """
    twin = _in_float64(model)
    data = Dataset(batch.x, batch.y, batch.sample_weight, "float64").batch(np.arange(len(batch)))
    rewind = Rewinding(twin.layers).rewind

    def loss() -> float:
        rewind()
        out = twin.forward(data.x, training=True)
        return float(np.sum(twin.loss_value(out, data.y, data.sample_weight)))

    loss()
    twin.backward_from_loss()
    params, grads = twin.params, {name: each.copy() for name, each in twin.grads.items()}
    few = sum(each.size for each in params.values()) > NUDGED
    for name in grads:
        flat, grad = params[name].reshape(-1), grads[name].reshape(-1)
        _, _, places = _cells(params[name], shown(params[name].shape, is_weight=True))
        chosen = np.arange(flat.size)
        if few:  # of those that can be pointed at, the ones with the largest gradients
            cells = places.reshape(-1)
            chosen = np.sort(cells[np.argsort(-np.abs(grad[cells]), kind="stable")[:FEW]])
        for i in chosen.tolist():
            kept = float(flat[i])
            flat[i] = kept + NUDGE
            above = loss()
            flat[i] = kept - NUDGE
            slope = (above - loss()) / (2 * NUDGE)
            flat[i] = kept
            yield name, i, kept, float(grad[i]), slope


def _nudge_of(name: str, place: int, *numbers: float) -> list[Any]:
    return [name, place, *plain(np.array(numbers))]


def _in_float64(model: Model) -> Model:
    """Return a copy of a model that computes in float64."""
    twin = copy.deepcopy(model)
    for layer in twin.layers:
        layer.dtype = "float64"
        for holder in (vars(layer), layer.params, layer.grads, layer.state):
            for name, value in holder.items():
                if isinstance(value, np.ndarray) and value.dtype == np.float32:
                    holder[name] = value.astype(np.float64)
    return twin
