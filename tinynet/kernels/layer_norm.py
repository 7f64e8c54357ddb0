"""Layer normalization of x (rows, columns).

Every row gets mean 0 and variance 1; then every column has a learned scale gamma and shift beta.
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(x="iJ", gamma="J", beta="J", mean=">i", inv_std=">i", out=">iJ")
def layer_norm_forward(
    x: Array,
    gamma: Array,
    beta: Array,
    epsilon: float,
    mean: Array,
    inv_std: Array,
    out: Array,
) -> None:
    """Normalize every row by itself: mean and inv_std (rows,) are taken over the columns.

    out = (x - mean)*inv_std*gamma + beta, with the biased variance, as in `batch_norm_forward`.
    """
    number = x.dtype.type
    np.mean(x, axis=1, out=mean)
    centered = x - mean[:, None]
    np.divide(1, np.sqrt(np.mean(np.square(centered), axis=1) + number(epsilon)), out=inv_std)
    np.multiply(centered * inv_std[:, None], gamma, out=out)
    out += beta


@layer_norm_forward.loops
def layer_norm_forward_loops(
    x: Array,
    gamma: Array,
    beta: Array,
    epsilon: float,
    mean: Array,
    inv_std: Array,
    out: Array,
) -> None:
    rows, columns = x.shape
    number = x.dtype.type
    for i in range(rows):
        total, squares = np.float64(0), np.float64(0)  # keep the digits of numbers far from 0
        for j in range(columns):
            total += x[i, j]
        mean[i] = total / columns
        for j in range(columns):
            centered = x[i, j] - mean[i]
            squares += centered * centered
        variance = number(squares / columns)
        inv_std[i] = number(1) / np.sqrt(variance + number(epsilon))
        for j in range(columns):
            out[i, j] = (x[i, j] - mean[i]) * inv_std[i] * gamma[j] + beta[j]


@kernel(dout="IJ", x="IJ", gamma="J", mean="I", inv_std="I", dgamma=">J", dbeta=">J", dx=">IJ")
def layer_norm_backward(
    dout: Array,
    x: Array,
    gamma: Array,
    mean: Array,
    inv_std: Array,
    dgamma: Array,
    dbeta: Array,
    dx: Array,
) -> None:
    """Backpropagate through `layer_norm_forward`, with x_hat = (x - mean)*inv_std.

    dgamma = sum(dout*x_hat) and dbeta = sum(dout) over the rows; with g = dout*gamma,
    dx = inv_std*(g - mean(g) - x_hat*mean(g*x_hat)), the means over the columns.
    """
    x_hat = (x - mean[:, None]) * inv_std[:, None]
    np.sum(dout * x_hat, axis=0, out=dgamma)
    np.sum(dout, axis=0, out=dbeta)
    g = dout * gamma
    mean_g = np.mean(g, axis=1, keepdims=True)
    mean_gx = np.mean(g * x_hat, axis=1, keepdims=True)
    np.multiply(inv_std[:, None], g - mean_g - x_hat * mean_gx, out=dx)


@layer_norm_backward.loops
def layer_norm_backward_loops(
    dout: Array,
    x: Array,
    gamma: Array,
    mean: Array,
    inv_std: Array,
    dgamma: Array,
    dbeta: Array,
    dx: Array,
) -> None:
    rows, columns = x.shape
    number = x.dtype.type
    dgamma[:] = 0
    dbeta[:] = 0
    for i in range(rows):
        sum_g, sum_gx = number(0), number(0)
        for j in range(columns):
            x_hat = (x[i, j] - mean[i]) * inv_std[i]
            g = dout[i, j] * gamma[j]
            dgamma[j] += dout[i, j] * x_hat
            dbeta[j] += dout[i, j]
            sum_g += g
            sum_gx += g * x_hat
        mean_g, mean_gx = sum_g / number(columns), sum_gx / number(columns)
        for j in range(columns):
            x_hat = (x[i, j] - mean[i]) * inv_std[i]
            dx[i, j] = inv_std[i] * (dout[i, j] * gamma[j] - mean_g - x_hat * mean_gx)
