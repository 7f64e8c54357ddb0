"""A small tile of a convolution with fewer products: its numbers, and where the next one stands.

The library's tiles are larger; 36 numbers would be too many to read.
"""

import numpy as np
from dense import equation
from drawing import BLUE, GREEN, GREY, ORANGE, canvas, pale, save
from matplotlib.patches import Rectangle

from tinynet.kernels import convolution, winograd

CELL = 4
B_T = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
A_T = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])


def squares(ax, x, y, numbers, frames, name):
    """Draw an image with frames of a first column and a size; (x, y) is its upper left corner."""
    rows, columns = numbers.shape
    for i, j in np.ndindex(rows, columns):
        corner = (x + j * CELL, y - (i + 1) * CELL)
        ax.add_patch(Rectangle(corner, CELL, CELL, facecolor=pale(GREY), edgecolor="white", lw=1.5))
        number = f"{numbers[i, j]:.0f}".replace("-", "−")
        ax.text(corner[0] + CELL / 2, corner[1] + CELL / 2, number, ha="center", va="center")
    for (left, size), colour in zip(frames, (BLUE, ORANGE), strict=False):
        corner = (x + left * CELL + 0.25, y - size * CELL + 0.25)
        side = size * CELL - 0.5
        ax.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=colour, lw=2.5))
    ax.text(x, y + 1, name, ha="left", va="bottom", fontsize=13)


def draw():
    """Convolve an image of two tiles, and follow the first one through."""
    x = np.array([[1, 0, 2, 1, 0, 1], [0, 3, 1, 0, 2, 0], [2, 1, 0, 1, 1, 3], [0, 1, 2, 0, 1, 0]])
    kernel = np.array([[0, 2, 0], [2, -4, 2], [0, 2, 0]])
    images, kernels = x.reshape(1, 4, 6, 1).astype(float), kernel.reshape(3, 3, 1, 1).astype(float)
    out = np.empty((1, 2, 4, 1))
    convolution.convolve(images, kernels, (1, 1), (1, 1), out)
    u, v = winograd.transformed(G, kernel), winograd.transformed(B_T, x[:, :4])
    np.testing.assert_array_equal(A_T @ (u * v) @ A_T.T, out[0, :, :2, 0])

    figure, ax = canvas(92, 47)
    squares(ax, 3, 42, x, ((0, 4), (2, 4)), "x")
    ax.text(28.5, 34, "∗", ha="center", va="center", fontsize=13)
    squares(ax, 30, 40, kernel, (), "g")
    ax.text(43.5, 34, "=", ha="center", va="center", fontsize=13)
    squares(ax, 45, 38, out[0, ..., 0], ((0, 2), (2, 2)), "out")
    ax.text(
        64, 34, "4 × 4 pixels give 2 × 2,\nthe next tile stands\n2 pixels further on", va="center"
    )
    terms = [("G g G$^T$", u, GREEN), "⊙", ("B$^T$ d B", v, BLUE), "=", ("M", u * v + 0, BLUE)]
    equation(ax, 11, terms)
    ax.text(75, 11, "A$^T$ M A is\nthe blue part\nof out", va="center")
    save(figure)


if __name__ == "__main__":
    draw()
