"""A small tile of a convolution with fewer products: its numbers, and where the next one begins.

The library's tiles are larger; 36 numbers would be too many to read.
"""

import numpy as np
from drawing import BLUE, GREEN, GREY, ORANGE, canvas, equation, pale, save
from matplotlib.patches import Rectangle

from tinynet.kernels import convolution

CELL = 3.2
B_T = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
A_T = np.array([[1, 1, 1, 0], [0, 1, -1, -1]])
G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])


def squares(ax, x, y, numbers, frames, name):
    """Draw an image and frames of a first column and a size; (x, y) is the top left corner."""
    rows, columns = numbers.shape
    for i, j in np.ndindex(rows, columns):
        corner = (x + j * CELL, y - (i + 1) * CELL)
        ax.add_patch(Rectangle(corner, CELL, CELL, facecolor=pale(GREY), edgecolor="white", lw=1.5))
        number = f"{numbers[i, j]:.0f}".replace("-", "−")
        ax.text(
            corner[0] + CELL / 2,
            corner[1] + CELL / 2,
            number,
            ha="center",
            va="center",
            fontsize=9.5,
        )
    for (left, size), color in zip(frames, (BLUE, ORANGE), strict=False):
        corner = (x + left * CELL + 0.25, y - size * CELL + 0.25)
        side = size * CELL - 0.5
        ax.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=color, lw=2.5))
    ax.text(x, y + 1, name, ha="left", va="bottom", fontsize=13)


def draw():
    """Convolve an image of two tiles, and show the numbers of the first one."""
    x = np.array([[1, 0, 2, 1, 0, 1], [0, 3, 1, 0, 2, 0], [2, 1, 0, 1, 1, 3], [0, 1, 2, 0, 1, 0]])
    kernel = np.array([[0, 2, 0], [2, -4, 2], [0, 2, 0]])
    images, kernels = x.reshape(1, 4, 6, 1).astype(float), kernel.reshape(3, 3, 1, 1).astype(float)
    out = np.empty((1, 2, 4, 1))
    convolution.convolve(images, kernels, (1, 1), (1, 1), out)
    u, v = G @ kernel @ G.T, B_T @ x[:, :4] @ B_T.T
    assert np.all(u == np.rint(u))  # so that whole numbers can be shown
    np.testing.assert_array_equal(A_T @ (u * v) @ A_T.T, out[0, :, :2, 0])

    figure, ax = canvas(46)
    middle = 35.6
    squares(ax, 1, middle + 2 * CELL, x, ((0, 4), (2, 4)), "$x$")
    ax.text(22.3, middle, "⋆", ha="center", va="center", fontsize=14)
    squares(ax, 24.5, middle + 1.5 * CELL, kernel, (), "$g$")
    ax.text(36.2, middle, "=", ha="center", va="center", fontsize=14)
    squares(ax, 38, middle + CELL, out[0, ..., 0], ((0, 2), (2, 2)), "out")
    text = "4 × 4 pixels give 2 × 2; the next tile begins 2 pixels to the right"
    ax.text(1, 26.5, text, va="center")
    u_shown, v_shown = ("$G\\,g\\,G^T$", u, GREEN), ("$B^T t\\,B$", v, BLUE)
    terms = [u_shown, "⊙", v_shown, "=", ("$M$", u * v + 0, BLUE)]
    equation(ax, 13.5, terms, cell=(3.5, 2.9), digits=0)
    ax.text(1, 2, "$A^T M A$ is the blue part of out", va="center")
    save(figure)


if __name__ == "__main__":
    draw()
