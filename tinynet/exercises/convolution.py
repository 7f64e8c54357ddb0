"""Convolution of one image with one channel and one filter: valid, a cross-correlation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinynet.arrays import Array
from tinynet.exercises.base import Case, exercise
from tinynet.layers import Conv2D

PAGE = "backprop/convolution"
# Of the image and of the window.
SHAPES = ((3, 4), (2, 2)), ((4, 4), (3, 3)), ((5, 3), (2, 3)), ((2, 5), (1, 2)), ((3, 3), (3, 3))


def x_kernel(rng: np.random.Generator) -> Iterator[Case]:
    """Yield an image and a kernel."""
    for size, window in SHAPES:
        yield rng.normal(size=size), rng.normal(size=window)


def x_dout(rng: np.random.Generator) -> Iterator[Case]:
    """Yield an image and a gradient at the output."""
    for size, window in SHAPES:
        yield rng.normal(size=size), rng.normal(size=out_shape(size, window))


def dout_kernel(rng: np.random.Generator) -> Iterator[Case]:
    """Yield a gradient at the output and a kernel."""
    for size, window in SHAPES:
        yield rng.normal(size=out_shape(size, window)), rng.normal(size=window)


def out_shape(size: tuple[int, int], window: tuple[int, int]) -> tuple[int, int]:
    """Return how many positions a window has in an image (or an output, seen from dx)."""
    return size[0] - window[0] + 1, size[1] - window[1] + 1


def after(x: Array, kernel: Array, padding: str = "valid") -> tuple[Conv2D, Array]:
    """Return a layer after its forward pass, and its output."""
    layer = Conv2D(
        1,
        kernel.shape,
        padding=padding,
        use_bias=False,
        kernel_initializer="zeros",
        dtype="float64",
        name="conv2d",
    )
    layer.build((*x.shape, 1))
    layer.set_weights([kernel[:, :, None, None]])
    return layer, layer.forward(x[None, :, :, None])[0, :, :, 0]


def overwritten(dout: Array, kernel: Array) -> Array:
    """Return dx if each window overwrites what the windows before it have left."""
    rows, columns = kernel.shape
    dx = np.zeros((dout.shape[0] + rows - 1, dout.shape[1] + columns - 1))
    for i, j in np.ndindex(dout.shape):
        dx[i : i + rows, j : j + columns] = dout[i, j] * kernel
    return dx


def overwritten_by_entry(dout: Array, kernel: Array) -> Array:
    """Return dx if each entry of the window overwrites what the entries before it have left."""
    (rows, columns), (height, width) = kernel.shape, dout.shape
    dx = np.zeros((height + rows - 1, width + columns - 1))
    for i, j in np.ndindex(rows, columns):
        dx[i : i + height, j : j + width] = dout * kernel[i, j]
    return dx


def stamped(dout: Array, kernel: Array) -> Array:
    """Return dx: the kernel, times an entry of dout, added at each position."""
    size = dout.shape[0] + kernel.shape[0] - 1, dout.shape[1] + kernel.shape[1] - 1
    layer, _ = after(np.zeros(size), kernel)
    return layer.backward(dout[None, :, :, None])[0, :, :, 0]


@exercise(
    "convolution/forward",
    page=PAGE,
    returns="out",
    cases=x_kernel,
    mistakes={
        "the kernel is turned by 180 degrees: layers do not turn it": (
            lambda right, x, kernel: after(x, kernel[::-1, ::-1])[1]
        ),
        "one position too few: there are h - r + 1 of them along an axis": (
            lambda right, x, kernel: right[:-1, :-1]
        ),
        "padded with zeros to the size of the image: a valid convolution stays inside": (
            lambda right, x, kernel: after(x, kernel, padding="same")[1]
        ),
        "the sum of the window, without the weights": (
            lambda right, x, kernel: after(x, np.ones_like(kernel))[1]
        ),
    },
)
def forward(x: Array, kernel: Array) -> Array:
    """Return out (h - r + 1, w - s + 1) from an image x (h, w) and a kernel (r, s), not turned."""
    return after(x, kernel)[1]


@exercise(
    "convolution/dkernel",
    page=PAGE,
    returns="dkernel",
    cases=x_dout,
    mistakes={
        "turned by 180 degrees: entry (i, j) meets x[a + i, b + j] at position (a, b)": (
            lambda right, x, dout: right[::-1, ::-1]
        ),
        "the mean over the positions, not the sum": lambda right, x, dout: right / dout.size,
        "the last position only: a loop over the positions has to add, with +=": (
            lambda right, x, dout: dout[-1, -1] * x[dout.shape[0] - 1 :, dout.shape[1] - 1 :]
        ),
    },
)
def dkernel(x: Array, dout: Array) -> Array:
    """Return the gradient of the kernel (r, s) from x (h, w) and dout (h - r + 1, w - s + 1)."""
    layer, _ = after(x, np.zeros(out_shape(x.shape, dout.shape)))
    layer.backward(dout[None, :, :, None])
    return layer.grads["kernel"][:, :, 0, 0]


@exercise(
    "convolution/dx",
    page=PAGE,
    returns="dx",
    cases=dout_kernel,
    mistakes={
        "the kernel is turned by 180 degrees once too often or too few": (
            lambda right, dout, kernel: stamped(dout, kernel[::-1, ::-1])
        ),
        "overlapping windows overwrite each other: add, with +=": (
            lambda right, dout, kernel: overwritten(dout, kernel)
        ),
        "copies of a pixel overwrite each other: add, with +=": (
            lambda right, dout, kernel: overwritten_by_entry(dout, kernel)
        ),
    },
)
def dx(dout: Array, kernel: Array) -> Array:
    """Return the gradient of x (h, w) from dout (h - r + 1, w - s + 1) and the kernel (r, s)."""
    return stamped(dout, kernel)
