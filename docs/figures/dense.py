"""A dense layer's three products, forward and backward, with the numbers of the page."""

import numpy as np
from drawing import BLUE, GREEN, GREY, INK, VERMILION, canvas, matrix, save

from tinynet.layers import Dense


def draw():
    """Run the page's example and lay its matrices out, an equation a line."""
    layer = Dense(2, activation="relu", dtype="float64")
    layer.build((3,))
    layer.set_weights([[[1, -1], [2, 0], [0.5, 1]], [0.5, -1]])
    x = np.array([[1.0, 2, -1], [0, 1, 3]])
    dout = np.array([[1, 2], [-1, 0.5]])
    out = layer.forward(x)
    dx = layer.backward(dout)
    kernel, bias = layer.params.values()
    dkernel, dbias = layer.grads.values()
    z = layer.logits
    dz = dout * (z > 0)

    figure, ax = canvas(84, 73)
    ax.text(2, 70.5, "forward", color=BLUE, fontsize=14, va="center")
    logits = ["=", ("z", z, BLUE), "→", ("out = max(z, 0)", out, BLUE)]
    weights = ["·", ("W", kernel, GREEN), "+", ("b", bias, GREEN)]
    equation(ax, 60, [("x", x, BLUE), *weights, *logits])
    ax.text(2, 49.5, "backward", color=VERMILION, fontsize=14, va="center")
    dz_shown = ("dz", dz, VERMILION)
    through = [("dout", dout, VERMILION), "⊙", ("z > 0", (z > 0) * 1.0, GREY), "=", dz_shown]
    equation(ax, 41, [*through, "   column sums:", ("db", dbias, VERMILION)])
    equation(ax, 25, [("xᵀ", x.T, BLUE), "·", dz_shown, "=", ("dW", dkernel, VERMILION)])
    equation(ax, 8, [dz_shown, "·", ("Wᵀ", kernel.T, GREEN), "=", ("dx", dx, VERMILION)])
    save(figure)


def equation(ax, y, terms):
    """Draw matrices and signs from left to right."""
    at = 3
    for term in terms:
        if isinstance(term, str):
            width = 4 if len(term) == 1 else 15
            ax.text(at + width / 2, y, term, ha="center", va="center", color=INK, fontsize=13)
            at += width
        else:
            name, values, colour = term
            at += matrix(ax, at, y, values, name, colour)


if __name__ == "__main__":
    draw()
