"""A convolution of one small image, forward and backward, and the stamps that make dx."""

import numpy as np
from drawing import BLUE, GREEN, VERMILION, canvas, equation, matrix, save, text_color
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
    equation(ax, 50.5, [("x", X, BLUE), "⋆", ("W", kernel, GREEN), "=", ("out", out, BLUE)])
    ax.text(1, 41.5, "the window at (0, 1) meets 0, 2, 3, 1:  0 − 2 + 0 + 2 = 0", va="center")
    ax.text(1, 36, "backward", color=text_color(VERMILION), fontsize=13, va="center")
    shown = ("dout", DOUT, VERMILION)
    equation(ax, 27, [("x", X, BLUE), "⋆", shown, "=", ("dW", dkernel, VERMILION)])
    turned = ("W turned", kernel[::-1, ::-1], GREEN)
    bordered = ("dout in zeros", np.pad(DOUT, 1), VERMILION)
    terms = [bordered, "⋆", turned, "=", ("dx", dx, VERMILION)]
    equation(ax, 9, terms, cell=(3.4, 2.9), digits=0)
    save(figure)


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
    draw_stamps()
