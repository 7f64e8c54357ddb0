"""Larger images (images, height, width, channels) by repeating pixels."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.convolution import Pair
from tinynet.kernels.registry import kernel


@kernel(x="nRSc", out=">nYZc")
def repeat_pixels(x: Array, size: Pair, out: Array) -> None:
    """out[n, y, z, c] = x[n, y // size[0], z // size[1], c]."""
    out[...] = np.repeat(np.repeat(x, size[0], axis=1), size[1], axis=2)


@repeat_pixels.loops
def repeat_pixels_loops(x: Array, size: Pair, out: Array) -> None:
    images, height, width, channels = out.shape
    for n in range(images):
        for y in range(height):
            for z in range(width):
                for c in range(channels):
                    out[n, y, z, c] = x[n, y // size[0], z // size[1], c]


@kernel(dout="nYZc", dx=">nRSc")
def repeat_pixels_backward(dout: Array, size: Pair, dx: Array) -> None:
    """dx[n, y, z, c] = sum of dout over the copies of the pixel."""
    images, height, width, channels = dx.shape
    copies = dout.reshape(images, height, size[0], width, size[1], channels)
    np.sum(copies, axis=(2, 4), out=dx)


@repeat_pixels_backward.loops
def repeat_pixels_backward_loops(dout: Array, size: Pair, dx: Array) -> None:
    images, height, width, channels = dx.shape
    for n in range(images):
        dx[n] = 0
        for y in range(height * size[0]):
            for z in range(width * size[1]):
                for c in range(channels):
                    dx[n, y // size[0], z // size[1], c] += dout[n, y, z, c]
