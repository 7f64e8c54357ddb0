"""Batch normalization of x (rows, columns).

Every column gets mean 0 and variance 1, then a learned scale gamma and shift beta. The
backward formula is derived in docs/backprop/batch_norm.md.
"""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import kernel


@kernel(
    x="IJ",
    gamma="J",
    beta="J",
    moving_mean="+J",
    moving_variance="+J",
    mean=">J",
    inv_std=">J",
    out=">IJ",
)
def batch_norm_forward(
    x: Array,
    gamma: Array,
    beta: Array,
    epsilon: float,
    momentum: float,
    moving_mean: Array,
    moving_variance: Array,
    mean: Array,
    inv_std: Array,
    out: Array,
) -> None:
    """Normalize with the batch's own statistics, and update the moving ones.

    mean = sum(x)/m, variance = sum((x - mean)^2)/m, inv_std = 1/sqrt(variance + epsilon),
    out = (x - mean)*inv_std*gamma + beta, the sums over the m rows; then
    moving = moving*momentum + batch*(1 - momentum) for mean and variance.
    The variance is the biased one, computed from centered values: E[x^2] - E[x]^2 would lose
    all digits for columns far from zero. The sums are running ones in the type of x, from row to
    row, as TensorFlow's are: over very many rows of columns far from zero, the mean loses digits
    in float32, and the variance then has the square of the mean's error on top. (A single column
    is added up so that it keeps its digits, there as well.) The page on batch normalization has
    numbers, "What goes wrong".
    """
    number = x.dtype.type
    rows = x.shape[0]
    np.divide(np.sum(x, axis=0), rows, out=mean)
    variance = np.sum(np.square(x - mean), axis=0) / number(rows)
    np.divide(1, np.sqrt(variance + number(epsilon)), out=inv_std)
    scale = inv_std * gamma
    np.multiply(x, scale, out=out)
    out += beta - mean * scale
    for moving, batch in ((moving_mean, mean), (moving_variance, variance)):
        moving *= number(momentum)
        moving += batch * number(1 - momentum)


@batch_norm_forward.loops
def batch_norm_forward_loops(
    x: Array,
    gamma: Array,
    beta: Array,
    epsilon: float,
    momentum: float,
    moving_mean: Array,
    moving_variance: Array,
    mean: Array,
    inv_std: Array,
    out: Array,
) -> None:
    rows, columns = x.shape
    number = x.dtype.type
    count, eps = number(rows), number(epsilon)
    kept, new = number(momentum), number(1 - momentum)
    variance, shift = np.zeros_like(mean), np.empty_like(mean)
    mean[:] = 0
    if columns == 1:
        total, squares = np.float64(0), np.float64(0)
        for i in range(rows):
            total += x[i, 0]
        mean[0] = total / rows
        for i in range(rows):
            centered = x[i, 0] - mean[0]
            squares += centered * centered
        variance[0] = squares
    else:
        for i in range(rows):  # rows outside: the inner loops run along memory, as vectors
            for j in range(columns):
                mean[j] += x[i, j]
        for j in range(columns):
            mean[j] /= count
        for i in range(rows):
            for j in range(columns):
                centered = x[i, j] - mean[j]
                variance[j] += centered * centered
    scale = np.empty_like(mean)
    for j in range(columns):
        variance[j] /= count
        inv_std[j] = number(1) / np.sqrt(variance[j] + eps)
        scale[j] = inv_std[j] * gamma[j]
        shift[j] = beta[j] - mean[j] * scale[j]
        moving_mean[j] = moving_mean[j] * kept + mean[j] * new
        moving_variance[j] = moving_variance[j] * kept + variance[j] * new
    for i in range(rows):
        for j in range(columns):
            out[i, j] = x[i, j] * scale[j] + shift[j]


@kernel(dout="Ij", x="Ij", gamma="j", mean="j", inv_std="j", dgamma=">j", dbeta=">j", dx=">Ij")
def batch_norm_backward(
    dout: Array,
    x: Array,
    gamma: Array,
    mean: Array,
    inv_std: Array,
    dgamma: Array,
    dbeta: Array,
    dx: Array,
) -> None:
    """Backpropagate through `batch_norm_forward`, with x_hat = (x - mean)*inv_std.

    dgamma = sum(dout*x_hat), dbeta = sum(dout), the sums over the m rows, and
    dx = gamma*inv_std*(dout - dbeta/m - x_hat*dgamma/m).
    The two subtracted terms are there because the mean and the variance depend on every x.
    """
    rows = x.shape[0]
    x_hat = (x - mean) * inv_std
    np.sum(dout * x_hat, axis=0, out=dgamma)
    np.sum(dout, axis=0, out=dbeta)
    np.multiply(gamma * inv_std, dout - dbeta / rows - x_hat * (dgamma / rows), out=dx)


@batch_norm_backward.loops
def batch_norm_backward_loops(
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
    count = x.dtype.type(rows)
    dgamma[:] = 0
    dbeta[:] = 0
    for i in range(rows):
        for j in range(columns):
            dgamma[j] += dout[i, j] * ((x[i, j] - mean[j]) * inv_std[j])
            dbeta[j] += dout[i, j]
    scale, mean_dout, mean_dgamma = np.empty_like(mean), np.empty_like(mean), np.empty_like(mean)
    for j in range(columns):
        scale[j] = gamma[j] * inv_std[j]
        mean_dout[j] = dbeta[j] / count
        mean_dgamma[j] = dgamma[j] / count
    for i in range(rows):
        for j in range(columns):
            x_hat = (x[i, j] - mean[j]) * inv_std[j]
            dx[i, j] = scale[j] * (dout[i, j] - mean_dout[j] - x_hat * mean_dgamma[j])


@kernel(x="Ij", gamma="j", beta="j", mean="j", variance="j", inv_std=">j", out=">Ij")
def batch_norm_inference(
    x: Array,
    gamma: Array,
    beta: Array,
    epsilon: float,
    mean: Array,
    variance: Array,
    inv_std: Array,
    out: Array,
) -> None:
    """Like `batch_norm_forward`, but with statistics that are given, not computed."""
    np.divide(1, np.sqrt(variance + x.dtype.type(epsilon)), out=inv_std)
    scale = inv_std * gamma
    np.multiply(x, scale, out=out)
    out += beta - mean * scale


@batch_norm_inference.loops
def batch_norm_inference_loops(
    x: Array,
    gamma: Array,
    beta: Array,
    epsilon: float,
    mean: Array,
    variance: Array,
    inv_std: Array,
    out: Array,
) -> None:
    rows, columns = x.shape
    number = x.dtype.type
    eps = number(epsilon)
    scale, shift = np.empty_like(mean), np.empty_like(mean)
    for j in range(columns):
        inv_std[j] = number(1) / np.sqrt(variance[j] + eps)
        scale[j] = inv_std[j] * gamma[j]
        shift[j] = beta[j] - mean[j] * scale[j]
    for i in range(rows):
        for j in range(columns):
            out[i, j] = x[i, j] * scale[j] + shift[j]


@kernel(dout="Ij", x="Ij", gamma="j", mean="j", inv_std="j", dgamma=">j", dbeta=">j", dx=">Ij")
def batch_norm_inference_backward(
    dout: Array,
    x: Array,
    gamma: Array,
    mean: Array,
    inv_std: Array,
    dgamma: Array,
    dbeta: Array,
    dx: Array,
) -> None:
    """Backpropagate through `batch_norm_inference`.

    dgamma and dbeta are the sums of `batch_norm_backward`;
    dx = dout*gamma*inv_std. Given statistics are constants, so no gradient flows through them.
    """
    np.sum(dout * ((x - mean) * inv_std), axis=0, out=dgamma)
    np.sum(dout, axis=0, out=dbeta)
    np.multiply(dout, gamma * inv_std, out=dx)


@batch_norm_inference_backward.loops
def batch_norm_inference_backward_loops(
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
    scale = np.empty_like(mean)
    dgamma[:] = 0
    dbeta[:] = 0
    for j in range(columns):
        scale[j] = gamma[j] * inv_std[j]
    for i in range(rows):
        for j in range(columns):
            dgamma[j] += dout[i, j] * ((x[i, j] - mean[j]) * inv_std[j])
            dbeta[j] += dout[i, j]
            dx[i, j] = dout[i, j] * scale[j]
