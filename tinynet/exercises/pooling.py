"""Max pooling of one image with one channel, in windows of 2 x 2 side by side."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinynet.arrays import Array
from tinynet.exercises.base import Case, exercise
from tinynet.layers import MaxPooling2D


def dout_x(rng: np.random.Generator) -> Iterator[Case]:
    """Yield dout and an image; in the last one, several pixels of a window are the largest."""
    for height, width in ((4, 6), (4, 4), (2, 2), (5, 4)):
        yield rng.normal(size=(height // 2, width // 2)), rng.normal(size=(height, width))
    yield rng.normal(size=(1, 2)), np.array([[1.0, 2, 0, 0], [2, 2, 0, 0]])


def windows(x: Array) -> Array:
    """Return the pixels of each window in a last axis, (h/2, w/2, 4)."""
    rows, columns = x.shape[0] // 2, x.shape[1] // 2
    inside = x[: 2 * rows, : 2 * columns].reshape(rows, 2, columns, 2)
    return inside.transpose(0, 2, 1, 3).reshape(rows, columns, 4)


def placed(shares: Array, x: Array) -> Array:
    """Undo `windows`, with zeros where an image has pixels outside of all windows."""
    rows, columns = shares.shape[:2]
    dx = np.zeros_like(x)
    pixels = shares.reshape(rows, columns, 2, 2).transpose(0, 2, 1, 3)
    dx[: 2 * rows, : 2 * columns] = pixels.reshape(2 * rows, 2 * columns)
    return dx


def to_one(dout: Array, x: Array, which: Array) -> Array:
    """Give dout to one pixel of each window."""
    return placed(dout[..., None] * np.eye(4)[which], x)


@exercise(
    "pooling/max_backward",
    page="backprop/pooling",
    returns="dx",
    cases=dout_x,
    mistakes={
        "every pixel of a window gets all of its gradient: only the largest had an effect": (
            lambda right, dout, x: placed(dout[..., None] * np.ones(4), x)
        ),
        "every pixel gets a quarter: that is average pooling": (
            lambda right, dout, x: placed(dout[..., None] * np.ones(4) / 4, x)
        ),
        "the smallest pixel gets the gradient": (
            lambda right, dout, x: to_one(dout, x, windows(x).argmin(axis=-1))
        ),
        "where several pixels are the largest, only the first gets the gradient": (
            lambda right, dout, x: placed(
                dout[..., None] * (windows(x) == windows(x).max(axis=-1, keepdims=True)), x
            )
        ),
        "where several pixels are the largest, the first gets the gradient, not the last": (
            lambda right, dout, x: to_one(dout, x, 3 - windows(x)[..., ::-1].argmax(axis=-1))
        ),
        "multiplied by the largest pixel: its factor is 1": lambda right, dout, x: right * x,
    },
)
def max_backward(dout: Array, x: Array) -> Array:
    """Return dx (h, w) from dout (h//2, w//2) and x (h, w), for windows of 2 x 2 side by side."""
    layer = MaxPooling2D(2, dtype="float64", name="max_pooling2d")
    layer.forward(x[None, :, :, None])
    return layer.backward(dout[None, :, :, None])[0, :, :, 0]
