"""A convolution of one small image, forward and backward, the stamps that make dx, and windows."""

import numpy as np
from drawing import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    canvas,
    equation,
    matrix,
    pale,
    save,
    text_color,
)
from matplotlib.patches import Rectangle

from tinynet.layers import Conv2D

X = np.array([[1.0, 0, 2, 1], [0, 3, 1, 0], [2, 1, 0, 1]])
DOUT = np.array([[1.0, 0, -1], [0, 2, 0]])


def example():
    """Return the page's layer after its forward and backward pass, with out and dx."""
    layer = Conv2D(1, 2, use_bias=False, dtype="float64")
    layer.build((3, 4, 1))
    layer.set_weights([np.reshape([1.0, -1, 0, 2], (2, 2, 1, 1))])
    out = layer.forward(X.reshape(1, 3, 4, 1))
    dx = layer.backward(DOUT.reshape(1, 2, 3, 1))
    return layer, out[0, ..., 0], dx[0, ..., 0]


def draw():
    """Lay out the example's matrices, one equation per line."""
    layer, out, dx = example()
    kernel, dkernel = layer.params["kernel"][..., 0, 0], layer.grads["kernel"][..., 0, 0]
    figure, ax = canvas(62)
    ax.text(1, 60, "forward", color=text_color(BLUE), fontsize=13, va="center")
    terms = [("x", X, BLUE), "⋆", ("W", kernel, GREEN), "=", ("out", out, BLUE)]
    end = equation(ax, 50.5, terms, digits=0)
    # The window at (0, 1) covers columns 1 and 2 of the upper two rows, and gives out[0, 1].
    frame(ax, 1 + 4.2, 50.5 + 1.5 * 2.9, 2 * 4.2, 2 * 2.9)
    frame(ax, end - 2 * 4.2, 50.5 + 2.9, 4.2, 2.9)
    ax.text(1, 41.5, "the window at (0, 1) meets 0, 2, 3, 1:  0 − 2 + 0 + 2 = 0", va="center")
    ax.text(1, 36, "backward", color=text_color(VERMILION), fontsize=13, va="center")
    shown = ("dout", DOUT, VERMILION)
    equation(ax, 27, [("x", X, BLUE), "⋆", shown, "=", ("dW", dkernel, VERMILION)], digits=0)
    turned = ("W turned", kernel[::-1, ::-1], GREEN)
    bordered = ("dout in zeros", np.pad(DOUT, 1), VERMILION)
    terms = [bordered, "⋆", turned, "=", ("dx", dx, VERMILION)]
    equation(ax, 9, terms, cell=(3.4, 2.9), digits=0)
    save(figure)


def frame(ax, left, top, width, height, color=ORANGE):
    """Draw a frame."""
    ax.add_patch(
        Rectangle((left, top - height), width, height, fill=False, edgecolor=color, lw=2, zorder=5)
    )


def draw_windows():
    """Draw which pixels a window of 3 x 3 meets: with strides, with padding, with dilation."""
    figure, ax = canvas(19)
    cell, top = 2.5, 15.5
    zeros = {(i, j) for i, j in np.ndindex(6, 6) if {i, j} & {0, 5}}
    panels = (
        ("strides of 2", 5, set(), [(0, 0), (0, 2)]),
        ("zeros around", 6, zeros, [(0, 0)]),
        ("dilation of 2", 5, set(), []),
    )
    for which, (name, side, outside, windows) in enumerate(panels):
        left = (1, 20.5, 38)[which]
        ax.text(left, 17.3, name, fontsize=9.5, va="center")
        for i, j in np.ndindex(side, side):
            met = not windows and i % 2 == j % 2 == 0
            color = (
                (1, 1, 1)
                if (i, j) in outside
                else pale(GREEN if met else BLUE, 0.5 if met else 0.2)
            )
            corner = (left + j * cell, top - (i + 1) * cell)
            # The image's white edges do not cover those of the zeros around it.
            edge = (GREY, 0.6, 2) if (i, j) in outside else ("white", 1.5, 1)
            look = dict(zip(("edgecolor", "lw", "zorder"), edge, strict=True))
            ax.add_patch(Rectangle(corner, cell, cell, facecolor=color, **look))
            if (i, j) in outside:
                middle = (corner[0] + cell / 2, corner[1] + cell / 2)
                ax.text(*middle, "0", ha="center", va="center", fontsize=8, color=text_color(GREY))
        for (row, column), color, gap in zip(windows, (GREEN, ORANGE), (0, 0.35), strict=False):
            size = 3 * cell - 2 * gap
            frame(ax, left + column * cell + gap, top - row * cell - gap, size, size, color)
    save(figure, "windows")


def draw_stamps():
    """Draw what each position adds to dx, and the sum."""
    layer, _, dx = example()
    kernel = layer.params["kernel"][..., 0, 0]
    figure, ax = canvas(52)
    cell = (3.3, 2.9)
    for p, q in np.ndindex(DOUT.shape):
        stamp = np.zeros_like(dx)
        stamp[p : p + 2, q : q + 2] = DOUT[p, q] * kernel + 0.0  # no -0
        x, y = 1 + 17.2 * q, 43.5 - 17 * p
        name = f"{DOUT[p, q]:.0f} · W at ({p}, {q})".replace("-", "−")
        hole = matrix(ax, x, y, stamp, name, VERMILION, cell=cell, digits=0)
        ax.add_patch(
            Rectangle(
                (x + q * cell[0], y + 1.5 * cell[1] - (p + 2) * cell[1]),
                2 * cell[0],
                2 * cell[1],
                fill=False,
                edgecolor=text_color(GREEN),
                lw=1.6,
            )
        )
        if (p, q) != (1, 2):
            ax.text(x + hole + 1.9, y, "+", ha="center", va="center", fontsize=14)
    equation(ax, 9, ["=", ("dx", dx, VERMILION)], cell=cell, digits=0)
    save(figure, "stamps")


if __name__ == "__main__":
    draw()
    draw_windows()
    draw_stamps()
