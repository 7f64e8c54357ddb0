"""Which numbers share a mean in batch and in layer normalization, and one sample's way through."""

import numpy as np
from drawing import BLUE, GREEN, GREY, VERMILION, canvas, equation, matrix, pale, save, text_color
from matplotlib.patches import Rectangle

from tinynet.layers import LayerNormalization

CELL = (4.2, 2.9)


def framed(ax, x, y, values, title, color, rows, columns):
    """Draw a matrix with a frame around the entries that are normalized together."""
    m = len(values)
    matrix(ax, x, y, values, title, GREY, cell=CELL, digits=0)
    top = y + m * CELL[1] / 2
    corner = (x + columns.start * CELL[0], top - rows.stop * CELL[1])
    size = (len(columns) * CELL[0], len(rows) * CELL[1])
    ax.add_patch(Rectangle(corner, *size, facecolor=pale(color, 0.3), edgecolor=color, lw=2.4))


def draw():
    """Draw the two ways above, and the numbers of the page below."""
    x = np.array([[1.0, 2, 3, 6], [10, 30, 20, 20]])
    dout = np.array([[1.0, 1, 0, 0], [0, 1, 0, 0]])
    gamma = np.array([2.0, 1, 1, 1])
    layer = LayerNormalization(dtype="float64")
    layer.build((4,))
    layer.set_weights([gamma, np.zeros(4)])
    x_hat = layer(x) / gamma
    dx = layer.backward(dout)
    g = dout * gamma
    means = np.stack([g.mean(axis=1), (g * x_hat).mean(axis=1)], axis=1)

    figure, ax = canvas(69)
    heading = {"ha": "center", "va": "center", "fontsize": 11}
    ax.text(13, 67, "batch normalization", **heading)
    ax.text(39, 67, "layer normalization", **heading)
    framed(ax, 4.6, 57.5, x, "x", GREEN, range(2), range(1))
    framed(ax, 30.6, 57.5, x, "x", GREEN, range(1), range(4))
    note = {"ha": "center", "va": "top", "fontsize": 8.5}
    ax.text(13, 51.4, "a mean for each column:\n4 means, over the samples", **note)
    ax.text(39, 51.4, "a mean for each row:\n2 means, over the features", **note)

    ax.text(1, 44.5, "forward", color=text_color(BLUE), fontsize=13, va="center")
    look = {"cell": (5.2, 2.9), "digits": 2}
    equation(ax, 36.5, [("x", x, BLUE), "→", (r"$\hat x$", x_hat, BLUE)], **look)
    ax.text(1, 28.5, "backward", color=text_color(VERMILION), fontsize=13, va="center")
    end = equation(ax, 20.5, [(r"g = dout · $\gamma$", g, VERMILION), "→"], **look)
    wide = {"cell": (11, 2.9), "digits": 2}
    matrix(ax, end, 20.5, means[:, :1], "mean of g", GREY, **wide)
    matrix(ax, end + 13, 20.5, means[:, 1:], r"of g · $\hat x$", GREY, **wide)
    equation(ax, 6.5, ["→", ("dx", dx, VERMILION)], **look)
    said = "dx = s · (g − mean\n" + r"          − $\hat x$ · the other mean)"
    ax.text(28, 6.5, said, va="center", fontsize=10, linespacing=1.6)
    save(figure)


if __name__ == "__main__":
    draw()
