"""The table that ``model.summary()`` prints, laid out like Keras's."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import entries, flag, integer, numbers
from tinynet.config import floatx
from tinynet.described import kind_of
from tinynet.layers import Layer
from tinynet.optimizers import Optimizer
from tinynet.training import Trainer

LONGEST = 88  # characters in a line, if the terminal is wide enough
POSITIONS = (0.45, 0.8, 1.0)
LONGEST_OF_A_GRAPH = 108  # with a column for what each layer is connected to
POSITIONS_OF_A_GRAPH = (0.3, 0.56, 0.74, 1.0)
FOR_TRAINABLE = 12  # more characters in a line


class Box(NamedTuple):
    """The characters of a table: its rules, each (left, between, right, line), and its edges."""

    top: str
    under_header: str
    between: str
    bottom: str
    header_edge: str
    edge: str
    cut: str


UNICODE = Box("┏┳┓━", "┡╇┩━", "├┼┤─", "└┴┘─", "┃", "│", "…")
ASCII = Box("+-+-", "|+|-", "|+|-", "+-+-", "|", "|", "...")


def summary_table(
    model: Trainer,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
    box: Box = UNICODE,
    expand_nested: bool = False,
) -> str:
    """Return a table of the model's layers: name and type, output shape, parameters, totals.

    Parameters
    ----------
    model : Sequential
    line_length : int, optional
        By default the width of the terminal less 4, up to 88; 20 more for a model with branches,
        and 12 more with `show_trainable`.
    positions : sequence of float, optional
        Where each column ends, as a fraction of the line or in characters; by default 0.45, 0.8
        and 1. A model with branches has a fourth column; for others, what is given for it is
        ignored.
    show_trainable : bool
        Whether there is a column that says Y or N for each layer with weights.
    layer_range : (str, str), optional
        The first and the last layer to show, as regular expressions for their names.
    box : Box
        The characters that the table is drawn with.
    expand_nested : bool
        Whether the layers of nested models get rows of their own.

    Raises
    ------
    ValueError
        If a column would be less than 4 characters wide; if `positions` has fewer numbers than
        there are columns; if no layer matches `layer_range`.

    Notes
    -----
    Follows keras/src/utils/summary_utils.py. Keras cuts off lines that are longer than the
    terminal is wide; tinynet does not.
    """
    connected = not model.is_chain
    show_trainable = flag("show_trainable", show_trainable)
    line_length = None if line_length is None else integer("line_length", line_length, least=0)
    positions = None if positions is None else numbers("positions", positions)
    longest = (LONGEST_OF_A_GRAPH if connected else LONGEST) + FOR_TRAINABLE * show_trainable
    length = line_length or min(longest, shutil.get_terminal_size().columns - 4)
    usual = POSITIONS_OF_A_GRAPH if connected else POSITIONS
    ends = list(positions or usual)
    if len(ends) < len(usual):
        raise ValueError(
            f"positions: expected where each of {len(usual)} columns ends, got {positions!r}"
        )
    if ends[-1] > 1:
        length = line_length or int(ends[-1])
        ends = [end / length for end in ends]
    if show_trainable:
        ends = [0.9 * end for end in ends] + [1.0]
    header = ["Layer (type)", "Output Shape", "Param #"]
    header += ["Connected to"] * connected + ["Trainable"] * show_trainable
    align = "<<>" + "<" * connected + "^" * show_trainable
    widths = _as_wide_as_the_line(length, _widths(length, ends)[: len(header)])
    first, last = _bounds([layer.name for layer in model.layers], layer_range)
    rows = _rows(model, connected, show_trainable, expand_nested, range(first, last))
    lines = [f'Model: "{model.name}"', _rule(box.top, widths)]
    lines += _cells(header, widths, align, box.header_edge, box.cut, from_below=True)
    lines.append(_rule(box.under_header, widths))
    for i, row in enumerate(rows):
        lines += [_rule(box.between, widths)] if i else []
        lines += _cells(row, widths, align, box.edge, box.cut)
    lines.append(_rule(box.bottom, widths))
    return "\n".join(lines + _totals(model))


def _rows(
    model: Any,
    connected: bool,
    show_trainable: bool,
    expand_nested: bool,
    which: range,
    depth: int = 0,
) -> list[list[str]]:
    """Return the texts of the cells of some layers; of those of nested models, too, if asked to."""
    shapes = ["?" for _ in model.layers]
    if model.sample_shape is not None:
        shapes = [str(each) for each in model.layer_shapes()]
    indent = "   " * depth + "└ " if depth else ""
    rows = []
    for layer, shape in [(model.layers[i], shapes[i]) for i in which]:
        count = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
        row = [f"{indent}{layer.name} ({kind_of(layer)})", shape, count]
        if connected:
            row.append("-" if depth else model.connections(layer))
        if show_trainable:
            row.append(_learns(layer))
        rows.append(row)
        if expand_nested and hasattr(layer, "layers"):
            inner = range(len(layer.layers))
            rows += _rows(layer, connected, show_trainable, True, inner, depth + 1)
    return rows


def _learns(layer: Layer) -> str:
    if not layer.arrays:
        return "-"
    return "Y" if layer.trainable else "N"


def _widths(length: int, ends: Sequence[float]) -> list[int]:
    """Return how many characters go up to each end."""
    widths: list[int] = np.diff([0, *(int(end * length) for end in ends)]).tolist()
    if min(widths) < 4:
        raise ValueError(
            f"line_length: {length} characters are not enough for columns that end at "
            f"{[round(end, 2) for end in ends]} of the line; each has to be 4 or more wide"
        )
    return widths


def _as_wide_as_the_line(length: int, widths: list[int]) -> list[int]:
    """Return widths with which the table fills the line, as Keras's table library computes them."""
    padded = [width + 2 for width in widths]  # a space on either side
    missing = length - sum(padded) - (len(padded) + 1)
    for i, width in enumerate(padded):
        if missing < 0:
            change = -min(width, round(-missing / (len(padded) - i)))
        else:
            change = math.ceil(width * missing / sum(padded[i:]))
        padded[i] += change
        missing -= change
    return [max(1, width - 2) for width in padded]


def _bounds(names: list[str], layer_range: Sequence[str] | None) -> tuple[int, int]:
    """Return where the layers to show begin and end."""
    if layer_range is None:
        return 0, len(names)
    ends = entries(layer_range) or []
    if len(ends) != 2 or not all(isinstance(each, str) for each in ends):
        raise ValueError(
            f"layer_range: expected the names of the first and the last layer, got {layer_range!r}"
        )
    found = [[i for i, name in enumerate(names) if re.match(end, name)] for end in layer_range]
    if not all(found):
        raise ValueError(f"layer_range: {layer_range!r} are not among the layers, {names}")
    (one, other) = min(found[0]), max(found[1])
    if one > other:
        one, other = min(found[1]), max(found[0])
    return one, other + 1


def _cells(
    texts: Sequence[str],
    widths: list[int],
    align: str,
    edge: str,
    cut: str,
    from_below: bool = False,
) -> list[str]:
    """Lay out the cells of a row, each in as many lines as it needs."""
    wrapped = [_wrapped(text, width, cut) for text, width in zip(texts, widths, strict=True)]
    height = max(map(len, wrapped))
    for lines in wrapped:
        missing = [""] * (height - len(lines))
        lines[:] = [*missing, *lines] if from_below else [*lines, *missing]
    return [
        edge
        + edge.join(
            f" {line:{side}{width}} " for line, side, width in zip(row, align, widths, strict=False)
        )
        + edge
        for row in zip(*wrapped, strict=True)
    ]


def _wrapped(text: str, width: int, cut: str) -> list[str]:
    """Break a text at its spaces; a word that is too long is cut off."""
    words = text.lstrip(" ").split(" ")
    words[0] = " " * (len(text) - len(text.lstrip(" "))) + words[0]  # how deep it is nested
    lines = [""]
    for word in words:
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if len(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return [
        line if len(line) <= width else line[: max(0, width - len(cut))] + cut[:width]
        for line in lines
    ]


def _rule(signs: str, widths: list[int]) -> str:
    left, between, right, line = list(signs)
    return left + between.join(line * (width + 2) for width in widths) + right


def _totals(model: Trainer) -> list[str]:
    arrays, learned = model.arrays, model.params
    trained = [each for key, each in arrays.items() if key in learned]
    fixed = [each for key, each in arrays.items() if key not in learned]
    memory = _memory(model.optimizer)
    lines = [
        f" Total params: {_size([*arrays.values(), *memory])}",
        f" Trainable params: {_size(trained)}",
        f" Non-trainable params: {_size(fixed)}",
    ]
    return lines + ([f" Optimizer params: {_size(memory)}"] if memory else [])


def _memory(optimizer: Optimizer | None) -> list[Array]:
    """Return what an optimizer that has made a step keeps: its slots and its numbers.

    The step counter is one of the numbers; so is the learning rate, unless a schedule gives it.
    """
    if optimizer is None or not optimizer.batches:
        return []
    state = list(optimizer.get_state().values())
    if isinstance(optimizer.get_config()["learning_rate"], float):
        state.append(np.array(optimizer.learning_rate))
    return [
        each.astype(floatx()) if each.shape == () and each.dtype.kind == "f" else each
        for each in state
    ]


def _size(arrays: list[Array]) -> str:
    """Return a count and the bytes it takes: ``1,234 (4.82 KB)``."""
    size = float(sum(each.nbytes for each in arrays))
    unit = "B"
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{int(np.sum([each.size for each in arrays])):,} ({size:.2f} {unit})"
