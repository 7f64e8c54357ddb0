"""A convolution of one small image, as windows and as one matrix product, forward and backward."""

import numpy as np
from dense import equation
from drawing import BLUE, GREEN, VERMILION, canvas, save

from tinynet.kernels import convolution
from tinynet.layers import Conv2D


def draw():
    """Run the page's example and lay its matrices out, an equation a line."""
    layer = Conv2D(1, 2, use_bias=False, dtype="float64")
    layer.build((3, 4, 1))
    layer.set_weights([np.reshape([1.0, -1, 0, 2], (2, 2, 1, 1))])
    x = np.array([[1.0, 0, 2, 1], [0, 3, 1, 0], [2, 1, 0, 1]]).reshape(1, 3, 4, 1)
    dout = np.array([[1.0, 0, -1], [0, 2, 0]]).reshape(1, 2, 3, 1)
    out = layer.forward(x)
    dx = layer.backward(dout)
    kernel, dkernel = layer.params["kernel"], layer.grads["kernel"]
    windows = np.empty((1, 2, 3, 2, 2, 1))
    convolution.patches(x, (1, 1), (1, 1), windows)
    rows = windows.reshape(6, 4)

    figure, ax = canvas(92, 91)
    ax.text(2, 88.5, "forward", color=BLUE, fontsize=14, va="center")
    weights = ("W", kernel[..., 0, 0], GREEN)
    equation(ax, 79, [("x", x[0, ..., 0], BLUE), "∗", weights, "=", ("out", out[0, ..., 0], BLUE)])
    ax.text(62, 79, "the window at (0, 1)\nmeets 0, 2, 3, 1:\n0 − 2 + 0 + 2 = 0", va="center")
    column = ("W", kernel.reshape(4, 1), GREEN)
    product = ("out", out.reshape(6, 1), BLUE)
    equation(ax, 58, [("a window a row", rows, BLUE), "·", column, "=", product])
    ax.text(62, 58, "the same numbers,\nas one product", va="center")
    ax.text(2, 43.5, "backward", color=VERMILION, fontsize=14, va="center")
    shown = ("dout", dout.reshape(6, 1), VERMILION)
    gradient = ("dW", dkernel.reshape(4, 1), VERMILION)
    equation(ax, 31, [("its transpose", rows.T, BLUE), "·", shown, "=", gradient])
    terms = [("dout", dout[0, ..., 0], VERMILION), "→", ("dx", dx[0, ..., 0], VERMILION)]
    equation(ax, 9, terms)
    ax.text(50, 9, "each dout, times W, is added\nwhere its window stood", va="center")
    save(figure)


if __name__ == "__main__":
    draw()
