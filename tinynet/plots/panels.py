"""What all plots share: their colors, and panels side by side."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from tinynet.arrays import Array

# Okabe and Ito, "Color Universal Design", 2008.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, GREY = "#56B4E9", "#CC79A7", "#777777"
# Darker, for small text on white: a contrast of more than 4.5 to 1 (WCAG AA).
GREEN_LETTERS, VERMILION_LETTERS = "#007756", "#B34F00"

NARROWEST = 2.4  # inches: a figure of one small panel still has room for its text


def panels(
    n: int, columns: int, size: tuple[float, float], axes: Any = None, below: float = 0
) -> tuple[Array, list[Axes]]:
    """Return axes for n panels in rows: all of them in their shape, and the n to draw on.

    Parameters
    ----------
    n : int
    columns : int
        Panels per row, if axes have to be made.
    size : (float, float)
        Width and height of a panel in inches.
    axes : array_like of Axes, optional
        Those to use. The ones after the first n are hidden.
    below : float
        Inches to leave below the panels, for a color bar.

    Raises
    ------
    ValueError
        If there are fewer than n axes, or `columns` is not positive.
    """
    if axes is None:
        if columns < 1:
            raise ValueError(f"columns: expected a positive integer, got {columns}")
        columns = min(columns, n)
        rows = -(-n // columns)
        inches = (max(size[0] * columns, NARROWEST), size[1] * rows + below)
        _, axes = plt.subplots(rows, columns, figsize=inches, layout="constrained", squeeze=False)
    axes = np.asarray(axes, dtype=object)
    flat = list(axes.reshape(-1))
    if len(flat) < n:
        raise ValueError(f"axes: expected {n}, one for each panel, got {len(flat)}")
    for left_over in flat[n:]:
        left_over.set_axis_off()
    return axes, flat[:n]
