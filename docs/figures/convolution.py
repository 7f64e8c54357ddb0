"""A convolution of one small image, as windows and as a matrix product, forward and backward."""

import numpy as np
from drawing import BLUE, GREEN, VERMILION, canvas, equation, save, text_color

from tinynet.kernels import convolution
from tinynet.layers import Conv2D


def draw():
    """Run the page's example and lay out its matrices, one equation per line."""
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

    figure, ax = canvas(94)
    ax.text(1, 92, "forward", color=text_color(BLUE), fontsize=13, va="center")
    weights = ("W", kernel[..., 0, 0], GREEN)
    equation(
        ax, 82.5, [("x", x[0, ..., 0], BLUE), "∗", weights, "=", ("out", out[0, ..., 0], BLUE)]
    )
    ax.text(22, 74.2, "the window at (0, 1) meets\n0, 2, 3, 1:  0 − 2 + 0 + 2 = 0", va="center")
    column = ("W", kernel.reshape(4, 1), GREEN)
    product = ("out", out.reshape(6, 1), BLUE)
    end = equation(ax, 58.5, [("one row per window", rows, BLUE), "·", column, "=", product])
    ax.text(end + 3, 58.5, "the same\nnumbers, as\none product", va="center")
    ax.text(1, 45, "backward", color=text_color(VERMILION), fontsize=13, va="center")
    shown = ("dout", dout.reshape(6, 1), VERMILION)
    gradient = ("dW", dkernel.reshape(4, 1), VERMILION)
    equation(ax, 31, [("its transpose", rows.T, BLUE), "·", shown, "=", gradient])
    terms = [("dout", dout[0, ..., 0], VERMILION), "→", ("dx", dx[0, ..., 0], VERMILION)]
    end = equation(ax, 8.5, terms)
    ax.text(end + 2, 8.5, "each dout, times\nW, is added where\nits window was", va="center")
    save(figure)


if __name__ == "__main__":
    draw()
