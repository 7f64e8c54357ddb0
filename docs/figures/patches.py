"""A convolution as one matrix product: the windows of an image as rows, forward and backward."""

import numpy as np
from drawing import BLUE, GREEN, VERMILION, canvas, equation, save, text_color
from numpy.lib.stride_tricks import sliding_window_view

from tinynet.kernels import convolution

ONE = (1, 1)


def draw():
    """Lay out the example of the page on convolution as matrices, one equation per line."""
    x = np.array([[1.0, 0, 2, 1], [0, 3, 1, 0], [2, 1, 0, 1]])
    kernel = np.array([[1.0, -1], [0, 2]])
    dz = np.array([[1.0], [0], [-1], [0], [2], [0]])
    rows = sliding_window_view(x, (2, 2)).reshape(6, 4)
    weights = kernel.reshape(4, 1)
    drows = dz @ weights.T
    dx = np.empty((1, 3, 4, 1))
    convolution.add_patches(drows.reshape(1, 2, 3, 2, 2, 1), ONE, ONE, dx)

    look = {"cell": (2.9, 2.9), "digits": 0}
    shown = ("rows", rows, BLUE)
    dz_shown = ("dz", dz, VERMILION)
    figure, ax = canvas(83)
    ax.text(1, 81, "forward", color=text_color(BLUE), fontsize=13, va="center")
    terms = [
        ("x", x, BLUE),
        "→",
        shown,
        "·",
        ("W", weights, GREEN),
        "=",
        ("z", rows @ weights, BLUE),
    ]
    equation(ax, 66, terms, **look)
    ax.text(1, 52.5, "backward", color=text_color(VERMILION), fontsize=13, va="center")
    terms = [("rowsᵀ", rows.T, BLUE), "·", dz_shown, "=", ("dW", rows.T @ dz, VERMILION)]
    equation(ax, 38.5, terms, **look)
    terms = [dz_shown, "·", ("Wᵀ", weights.T, GREEN), "=", ("drows", drows, VERMILION)]
    equation(ax, 12, [*terms, "→", ("dx", dx[0, ..., 0], VERMILION)], **look)
    save(figure)


if __name__ == "__main__":
    draw()
