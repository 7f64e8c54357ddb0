"""A dense layer's three products, forward and backward, with the numbers of the page."""

import numpy as np
from drawing import BLUE, GREEN, GREY, VERMILION, canvas, equation, save, text_color

from tinynet.layers import Dense


def draw():
    """Run the page's example and lay out its matrices, one equation per line."""
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

    figure, ax = canvas(79)
    ax.text(1, 77, "forward", color=text_color(BLUE), fontsize=13, va="center")
    weights = ["·", ("W", kernel, GREEN), "+", ("b", bias, GREEN)]
    equation(ax, 68.5, [("x", x, BLUE), *weights, "=", ("z", z, BLUE)])
    end = equation(ax, 55.5, [("z", z, BLUE), "→", ("out", out, BLUE)])
    ax.text(end + 2, 55.5, "out = max(z, 0)", va="center")
    ax.text(1, 47, "backward", color=text_color(VERMILION), fontsize=13, va="center")
    dz_shown = ("dz", dz, VERMILION)
    through = [("dout", dout, VERMILION), "⊙", ("z > 0", (z > 0) * 1.0, GREY), "=", dz_shown]
    end = equation(ax, 39, [*through, "→", ("db", dbias, VERMILION)])
    ax.text(end - 4.2, 34.2, "column sums", ha="center", va="center", fontsize=9)
    equation(ax, 24, [("xᵀ", x.T, BLUE), "·", dz_shown, "=", ("dW", dkernel, VERMILION)])
    equation(ax, 8, [dz_shown, "·", ("Wᵀ", kernel.T, GREEN), "=", ("dx", dx, VERMILION)])
    save(figure)


if __name__ == "__main__":
    draw()
