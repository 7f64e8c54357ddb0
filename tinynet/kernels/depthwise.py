"""Depthwise convolution: each channel has its own kernels, and channels are not summed.

x is (images, height, width, channels), weights (rows, columns, channels, multiplier) and out
(images, out height, out width, channels, multiplier); places are as in tinynet.kernels.convolution.
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.convolution import Pair, met
from tinynet.kernels.registry import kernel


@kernel(x="nRSc", weights="KLcm", out=">nYZcm")
def depthwise(x: Array, weights: Array, strides: Pair, dilation: Pair, out: Array) -> None:
    """out[n, y, z, c, m] = sum over i, j of x[n, u, v, c]*weights[i, j, c, m].

    (u, v) is the pixel that entry (i, j) meets at place (y, z), as in `convolve`.
    """
    out[...] = 0
    for i, j in np.ndindex(weights.shape[:2]):
        out += met(x, i, j, strides, dilation, out.shape[1:3])[..., None] * weights[i, j]


@depthwise.loops
def depthwise_loops(x: Array, weights: Array, strides: Pair, dilation: Pair, out: Array) -> None:
    images, height, width, channels, multiplier = out.shape
    rows, columns = weights.shape[:2]
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
                                out[n, y, z, c, m] += x[n, down, right, c] * weights[i, j, c, m]


@kernel(dout="NYZcM", x="NRSc", weights="KLcM", dweights=">KLcM", dx=">NRSc")
def depthwise_backward(
    dout: Array, x: Array, weights: Array, strides: Pair, dilation: Pair, dweights: Array, dx: Array
) -> None:
    """dweights[i, j, c, m] = sum over all places of the pixel met there times dout.

    Each pixel of dx gets the sum of dout*weights[i, j] over all places that met it.
    """
    dx[...] = 0
    for i, j in np.ndindex(weights.shape[:2]):
        pixels = met(x, i, j, strides, dilation, dout.shape[1:3])
        dweights[i, j] = np.einsum("nyzc,nyzcm->cm", pixels, dout)
        pixels = met(dx, i, j, strides, dilation, dout.shape[1:3])
        pixels += np.sum(dout * weights[i, j], axis=-1)


@depthwise_backward.loops
def depthwise_backward_loops(
    dout: Array, x: Array, weights: Array, strides: Pair, dilation: Pair, dweights: Array, dx: Array
) -> None:
    images, height, width, channels, multiplier = dout.shape
    rows, columns = weights.shape[:2]
    dweights[...] = 0
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
                                dweights[i, j, c, m] += d * x[n, down, right, c]
                                dx[n, down, right, c] += d * weights[i, j, c, m]
