"""Max and average pooling of one small image, forward and backward."""

import numpy as np
from drawing import BLUE, VERMILION, canvas, matrix, save, text_color
from matplotlib.patches import Rectangle

from tinynet.layers import AveragePooling2D, MaxPooling2D

X = np.array([[1.0, 3, 2, 0], [4, 0, 1, 2]])
DOUT = np.array([[2.0, -4]])
CELL = (3.2, 2.9)


def frames(ax, x, y):
    """Draw a line around each of the two windows of an image whose left edge is at x."""
    for left in (x, x + 2 * CELL[0]):
        corner = (left, y - CELL[1])
        look = {"fill": False, "edgecolor": text_color(BLUE), "lw": 1.6}
        ax.add_patch(Rectangle(corner, 2 * CELL[0], 2 * CELL[1], **look))


def draw():
    """Lay out both layers, one below the other."""
    figure, ax = canvas(38.5)
    for y, layer, title in (
        (27, MaxPooling2D(2, dtype="float64"), "max pooling: the largest is chosen"),
        (7, AveragePooling2D(2, dtype="float64"), "average pooling: all have a quarter"),
    ):
        out = layer.forward(X.reshape(1, 2, 4, 1))
        dx = layer.backward(DOUT.reshape(1, 1, 2, 1))
        ax.text(1, y + 9.5, title, va="center", fontsize=11)
        x = 1.0
        for name, values, color in (
            ("x", X, BLUE),
            ("out", out[0, ..., 0], BLUE),
            ("dout", DOUT, VERMILION),
            ("dx", dx[0, ..., 0], VERMILION),
        ):
            if name in ("out", "dx"):
                ax.text(x - 1.3, y, "→", ha="center", va="center", fontsize=13)
            digits = {"out": 2, "dx": 1}.get(name, 0) if "average" in title else 0
            cell = (4.0 if digits else CELL[0], CELL[1])
            x += matrix(ax, x, y, values, name, color, cell=cell, digits=digits) + 2.6
            if name == "x":
                frames(ax, 1.0, y)
    save(figure)


if __name__ == "__main__":
    draw()
