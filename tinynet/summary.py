"""The table that ``model.summary()`` prints, laid out as Keras's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinynet.config import floatx
from tinynet.kernels.registry import Array

if TYPE_CHECKING:
    from tinynet.layers import Layer
    from tinynet.models import Sequential
    from tinynet.optimizers import Optimizer

HEADER = ("Layer (type)", "Output Shape", "Param #")
WIDTHS = (31, 22, 13)  # of Keras's columns on a terminal of 80; the last two grow if need be


def summary_table(model: Sequential) -> str:
    """Return a table of the model's layers: name and type, output shape, parameters, totals."""
    if model.input_shape is None:
        shapes = ["?" for _ in model.layers]
    else:
        shapes = [str((None, *s)) for s in model.shapes_behind(model.input_shape)]
    counts = [f"{each.count_params():,}" if each.built else "0 (unbuilt)" for each in model.layers]
    widths = [
        WIDTHS[0],
        max(WIDTHS[1], *map(len, ["", *shapes])),
        max(WIDTHS[2], *map(len, ["", *counts])),
    ]
    lines = [
        f'Model: "{model.name}"',
        _rule("┏┳┓", "━", widths),
        _row(HEADER, widths, "┃"),
        _rule("┡╇┩", "━", widths),
    ]
    for i, (layer, shape, count) in enumerate(zip(model.layers, shapes, counts, strict=True)):
        lines += [_rule("├┼┤", "─", widths)] if i else []
        first, *second = _name_lines(layer)
        lines.append(_row((first, shape, count), widths, "│"))
        lines += [_row((each, "", ""), widths, "│") for each in second]
    lines.append(_rule("└┴┘", "─", widths))
    return "\n".join(lines + _totals(model))


def _name_lines(layer: Layer) -> list[str]:
    """Write name and type on one line, or on two if they do not fit."""
    kind = f"({type(layer).__name__})"
    together = f"{layer.name} {kind}"
    if len(together) <= WIDTHS[0]:
        return [together]
    return [
        each if len(each) <= WIDTHS[0] else f"{each[: WIDTHS[0] - 1]}…"
        for each in (layer.name, kind)
    ]


def _totals(model: Sequential) -> list[str]:
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
    if optimizer is None or not optimizer.iterations:
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


def _rule(ends: str, line: str, widths: list[int]) -> str:
    return ends[0] + ends[1].join(line * (w + 2) for w in widths) + ends[2]


def _row(cells: tuple[str, ...], widths: list[int], edge: str) -> str:
    texts = [
        f" {cells[0]:<{widths[0]}} ",
        f" {cells[1]:<{widths[1]}} ",
        f" {cells[2]:>{widths[2]}} ",
    ]
    return edge + edge.join(texts) + edge
