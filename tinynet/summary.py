"""The table that ``model.summary()`` prints, laid out as Keras's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinynet.kernels.registry import Array

if TYPE_CHECKING:
    from tinynet.models import Sequential

HEADER = ("Layer (type)", "Output Shape", "Param #")
SMALLEST = (31, 22, 13)


def summary_table(model: Sequential) -> str:
    """Return a table of the model's layers: name and type, output shape, parameters, totals."""
    if model.input_shape is None:
        shapes = ["?" for _ in model.layers]
    else:
        shapes = [str((None, *s)) for s in model.shapes_behind(model.input_shape)]
    rows = [
        (
            f"{layer.name} ({type(layer).__name__})",
            shape,
            f"{layer.count_params():,}" if layer.built else "0 (unbuilt)",
        )
        for layer, shape in zip(model.layers, shapes, strict=True)
    ]
    widths = [
        max(least, *(len(row[i]) for row in (HEADER, *rows))) for i, least in enumerate(SMALLEST)
    ]
    lines = [
        f'Model: "{model.name}"',
        _rule("┏┳┓", "━", widths),
        _row(HEADER, widths, "┃"),
        _rule("┡╇┩", "━", widths),
    ]
    for i, row in enumerate(rows):
        lines += [_rule("├┼┤", "─", widths)] if i else []
        lines.append(_row(row, widths, "│"))
    lines.append(_rule("└┴┘", "─", widths))
    return "\n".join(lines + _totals(model))


def _totals(model: Sequential) -> list[str]:
    everything = list(model.arrays.values())
    trained = list(model.params.values())
    ids = {id(each) for each in trained}
    fixed = [each for each in everything if id(each) not in ids]
    slots = [
        array
        for memory in (model.optimizer.slots if model.optimizer else {}).values()
        for array in memory.values()
    ]
    lines = [
        f" Total params: {_size([*everything, *slots])}",
        f" Trainable params: {_size(trained)}",
        f" Non-trainable params: {_size(fixed)}",
    ]
    return lines + ([f" Optimizer params: {_size(slots)}"] if slots else [])


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
