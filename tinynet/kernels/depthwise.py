"""Depthwise convolution: each channel has its own kernels, and channels are not summed.

x is (images, height, width, channels), the kernel (rows, columns, channels, multiplier) and out
(images, out height, out width, channels, multiplier); places are as in tinynet.kernels.convolution.
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.convolution import Pair, met
from tinynet.kernels.registry import kernel


@kernel
def depthwise(x: Array, kernel: Array, strides: Pair, dilation: Pair, out: Array) -> None:
    """out[n, y, z, c, m] = sum over i, j: x[n, y*sy + i*dy, z*sx + j*dx, c]*kernel[i, j, c, m]."""
    out[...] = 0
    for i, j in np.ndindex(kernel.shape[:2]):
        out += met(x, i, j, strides, dilation, out.shape[1:3])[..., None] * kernel[i, j]


@depthwise.loops
def depthwise_loops(x: Array, kernel: Array, strides: Pair, dilation: Pair, out: Array) -> None:
    images, height, width, channels, multiplier = out.shape
    rows, columns = kernel.shape[:2]
    out[...] = 0
    for n in range(images):
        for y in range(height):
            for z in range(width):
                for i in range(rows):
                    down = y * strides[0] + i * dilation[0]
                    for j in range(columns):
                        right = z * strides[1] + j * dilation[1]
                        for c in range(channels):
                            for m in range(multiplier):
                                out[n, y, z, c, m] += x[n, down, right, c] * kernel[i, j, c, m]


@kernel
def depthwise_backward(
    dout: Array, x: Array, kernel: Array, strides: Pair, dilation: Pair, dkernel: Array, dx: Array
) -> None:
    """dkernel[i, j, c, m] = sum over all places of the pixel met there times dout.

    Each pixel of dx gets the sum of dout*kernel[i, j] over all places that met it.
    """
    dx[...] = 0
    for i, j in np.ndindex(kernel.shape[:2]):
        pixels = met(x, i, j, strides, dilation, dout.shape[1:3])
        dkernel[i, j] = np.einsum("nyzc,nyzcm->cm", pixels, dout)
        pixels = met(dx, i, j, strides, dilation, dout.shape[1:3])
        pixels += np.sum(dout * kernel[i, j], axis=-1)


@depthwise_backward.loops
def depthwise_backward_loops(
    dout: Array, x: Array, kernel: Array, strides: Pair, dilation: Pair, dkernel: Array, dx: Array
) -> None:
    images, height, width, channels, multiplier = dout.shape
    rows, columns = kernel.shape[:2]
    dkernel[...] = 0
    dx[...] = 0
    for n in range(images):
        for y in range(height):
            for z in range(width):
                for i in range(rows):
                    down = y * strides[0] + i * dilation[0]
                    for j in range(columns):
                        right = z * strides[1] + j * dilation[1]
                        for c in range(channels):
                            for m in range(multiplier):
                                d = dout[n, y, z, c, m]
                                dkernel[i, j, c, m] += d * x[n, down, right, c]
                                dx[n, down, right, c] += d * kernel[i, j, c, m]
