"""Convolution with 3 x 3 kernels in tiles: the same sums with 16 products in place of 36.

A tile is 4 x 4 pixels d of one channel, from which the kernel g makes 2 x 2 pixels of the output,

    out = A_T [(G g G_T) * (B_T d B)] A,

where * multiplies number by number (Winograd 1980, "Arithmetic complexity of computations",
chapter III; for images Lavin and Gray 2016, "Fast algorithms for convolutional neural networks",
section 4.1). Tiles stand 2 pixels apart, so each overlaps its neighbours by 2. Summed over the
channels, the product becomes one of matrices for each of the 16 places in a tile, (tiles, channels)
by (channels, filters), which BLAS does. The gradients are the chain rule, line by line. Derived in
docs/backprop/convolution.md.

Tiles are arrays (4, 4, images, down, across, channels), in front the place within the tile. B_T and
A_T only add and subtract, so they are spelled out below and not multiplied with:

    B_T = [1  0 -1  0]      A_T = [1  1  1  0]      G = [ 1    0    0 ]
          [0  1  1  0]            [0  1 -1 -1]          [1/2  1/2  1/2]
          [0 -1  1  0]                                  [1/2 -1/2  1/2]
          [0  1  0 -1]                                  [ 0    0    1 ]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from tinynet.kernels.convolution import NO_GAPS, PIECE, met
from tinynet.kernels.registry import Array, kernel
from tinynet.kernels.threads import divided

G = np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
APART = (2, 2)  # the strides of tiles


def convolve_in_tiles(x: Array, kernel: Array, out: Array) -> None:
    """Write the convolution of x with kernel (3, 3, channels, filters) into out.

    Where the height or width of out is odd, x has a row or column more than the kernel meets.
    """
    u = transformed(G.astype(x.dtype), kernel).reshape(16, *kernel.shape[2:])
    for some, tiles, products in _pieces(x, out):
        tile_inputs(x[some], tiles)
        np.matmul(_matrices(tiles), u, out=_matrices(products))
        tile_outputs(products, out[some])


def convolve_in_tiles_backward(
    dout: Array, x: Array, kernel: Array, dkernel: Array, dx: Array | None
) -> None:
    """Fill dkernel, and dx if it is asked for."""
    u = transformed(G.astype(x.dtype), kernel).reshape(16, *kernel.shape[2:])
    du = np.zeros_like(u)
    for some, tiles, dproducts in _pieces(x, dout):
        tile_inputs(x[some], tiles)
        tile_output_gradients(dout[some], dproducts)
        du += _matrices(tiles).swapaxes(1, 2) @ _matrices(dproducts)
        if dx is not None:  # what the tiles were is not needed any more
            np.matmul(_matrices(dproducts), u.swapaxes(1, 2), out=_matrices(tiles))
            add_tiles(tiles, dx[some])
    dkernel[...] = transformed(G.T.astype(x.dtype), du.reshape(4, 4, *kernel.shape[2:]))


def _pieces(x: Array, out: Array) -> Iterator[tuple[slice, Array, Array]]:
    """Yield some images at a time, and room for their tiles and for the products with them."""
    down, across = -(-out.shape[1] // 2), -(-out.shape[2] // 2)
    channels, filters = x.shape[3], out.shape[3]
    nbytes = x.itemsize * 16 * len(x) * down * across * (channels + filters)
    for some in divided(len(x), -(-nbytes // PIECE)):
        place = 4, 4, some.stop - some.start, down, across
        yield some, np.empty((*place, channels), x.dtype), np.empty((*place, filters), x.dtype)


def _matrices(tiles: Array) -> Array:
    """Return tiles as 16 matrices, one for each place in a tile."""
    return tiles.reshape(16, -1, tiles.shape[-1])


def transformed(matrix: Array, block: Array) -> Array:
    """Return matrix @ block @ matrix.T, products along the first two axes of the block."""
    n, _, *others = block.shape
    rows = (matrix @ block.reshape(n, -1)).reshape(len(matrix), n, -1)
    found: Array = matrix @ rows
    return found.reshape(len(matrix), len(matrix), *others)


def on_both_axes(function: Callable[[Array], list[Array]], block: Array) -> Array:
    """Take a function of the rows of an array to its first axis, then to its second."""
    columns = np.array(function(block)).swapaxes(0, 1)
    return np.array(function(columns)).swapaxes(0, 1)


@kernel
def tile_inputs(x: Array, tiles: Array) -> None:
    """tiles[:, :, n, y, z, c] = B_T @ x[n, 2y : 2y + 4, 2z : 2z + 4, c] @ B."""
    places = tiles.shape[3:5]
    d = np.array([[met(x, i, j, APART, NO_GAPS, places) for j in range(4)] for i in range(4)])
    tiles[...] = on_both_axes(lambda d: [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]], d)


@tile_inputs.loops
def tile_inputs_loops(x: Array, tiles: Array) -> None:
    images, down, across, channels = tiles.shape[2:]
    number = x.dtype.type
    for n in range(images):
        for y in range(down):
            for z in range(across):
                for i in range(4):  # row i of B_T: one pixel as it is, another with a sign
                    p, q = 2 * y + (0, 1, 2, 1)[i], 2 * y + (2, 2, 1, 3)[i]
                    s = number((-1, 1, -1, -1)[i])
                    for j in range(4):
                        k, m = 2 * z + (0, 1, 2, 1)[j], 2 * z + (2, 2, 1, 3)[j]
                        t = number((-1, 1, -1, -1)[j])
                        for c in range(channels):
                            above, below = x[n, p, k, c], x[n, q, k, c]
                            above += t * x[n, p, m, c]
                            below += t * x[n, q, m, c]
                            tiles[i, j, n, y, z, c] = above + s * below


@kernel
def tile_outputs(products: Array, out: Array) -> None:
    """out[n, 2y : 2y + 2, 2z : 2z + 2, f] = A_T @ products[:, :, n, y, z, f] @ A.

    What of the last tiles lies beyond the edge of out is left out.
    """
    pixels = on_both_axes(lambda m: [m[0] + m[1] + m[2], m[1] - m[2] - m[3]], products)
    images, down, across, filters = products.shape[2:]
    whole = pixels.transpose(2, 3, 0, 4, 1, 5).reshape(images, 2 * down, 2 * across, filters)
    out[...] = whole[:, : out.shape[1], : out.shape[2]]


@tile_outputs.loops
def tile_outputs_loops(products: Array, out: Array) -> None:
    m, (images, down, across, filters) = products, products.shape[2:]
    number = out.dtype.type
    for n in range(images):
        for y in range(down):
            for z in range(across):
                for i in range(min(2, out.shape[1] - 2 * y)):
                    s = number(1 - 2 * i)
                    for j in range(min(2, out.shape[2] - 2 * z)):
                        t = number(1 - 2 * j)
                        p, q, k, r = i + 1, i + 2, j + 1, j + 2
                        for f in range(filters):
                            a = m[i, k, n, y, z, f] + m[i, r, n, y, z, f]
                            b = m[p, k, n, y, z, f] + m[p, r, n, y, z, f]
                            c = m[q, k, n, y, z, f] + m[q, r, n, y, z, f]
                            a = m[i, j, n, y, z, f] + t * a
                            b = m[p, j, n, y, z, f] + t * b
                            c = m[q, j, n, y, z, f] + t * c
                            out[n, 2 * y + i, 2 * z + j, f] = a + s * (b + c)


@kernel
def tile_output_gradients(dout: Array, dproducts: Array) -> None:
    """dproducts[:, :, n, y, z, f] = A @ dout[n, 2y : 2y + 2, 2z : 2z + 2, f] @ A_T.

    Beyond the edge of dout there are zeros.
    """
    images, down, across, filters = dproducts.shape[2:]
    whole = np.zeros((images, 2 * down, 2 * across, filters), dout.dtype)
    whole[:, : dout.shape[1], : dout.shape[2]] = dout
    pixels = whole.reshape(images, down, 2, across, 2, filters).transpose(2, 4, 0, 1, 3, 5)
    dproducts[...] = on_both_axes(lambda d: [d[0], d[0] + d[1], d[0] - d[1], -d[1]], pixels)


@tile_output_gradients.loops
def tile_output_gradients_loops(dout: Array, dproducts: Array) -> None:
    images, down, across, filters = dproducts.shape[2:]
    number = dout.dtype.type
    d = np.zeros((3, 3, filters), dout.dtype)  # the third row and column stay zero
    for n in range(images):
        for y in range(down):
            for z in range(across):
                d[:2, :2] = 0
                for i in range(min(2, dout.shape[1] - 2 * y)):
                    for j in range(min(2, dout.shape[2] - 2 * z)):
                        for f in range(filters):
                            d[i, j, f] = dout[n, 2 * y + i, 2 * z + j, f]
                for i in range(4):  # row i of A
                    p, q = (0, 0, 0, 2)[i], (2, 1, 1, 1)[i]
                    s = number((1, 1, -1, -1)[i])
                    for j in range(4):
                        k, m = (0, 0, 0, 2)[j], (2, 1, 1, 1)[j]
                        t = number((1, 1, -1, -1)[j])
                        for f in range(filters):
                            above, below = d[p, k, f] + t * d[p, m, f], d[q, k, f] + t * d[q, m, f]
                            dproducts[i, j, n, y, z, f] = above + s * below


@kernel
def add_tiles(dtiles: Array, dx: Array) -> None:
    """Give each 4 x 4 pixels of dx the sum of B @ dtiles[:, :, n, y, z, c] @ B_T over the tiles."""
    d = on_both_axes(lambda v: [v[0], v[1] - v[2] + v[3], v[1] + v[2] - v[0], -v[3]], dtiles)
    dx[...] = 0
    for i, j in np.ndindex(4, 4):
        pixels = met(dx, i, j, APART, NO_GAPS, dtiles.shape[3:5])
        pixels += d[i, j]


@add_tiles.loops
def add_tiles_loops(dtiles: Array, dx: Array) -> None:
    images, down, across, channels = dtiles.shape[2:]
    number = dx.dtype.type
    v = np.zeros((5, 5, channels), dx.dtype)  # the fifth row and column stay zero
    for n in range(images):
        dx[n] = 0
        for y in range(down):
            for z in range(across):
                for i in range(4):
                    for j in range(4):
                        for c in range(channels):
                            v[i, j, c] = dtiles[i, j, n, y, z, c]
                for i in range(4):  # row i of B: one number, and two more with signs
                    o, p, q = (0, 1, 1, 4)[i], (4, 2, 2, 4)[i], (4, 3, 0, 3)[i]
                    s = number((1, -1, 1, 1)[i])
                    for j in range(4):
                        k, m, r = (0, 1, 1, 4)[j], (4, 2, 2, 4)[j], (4, 3, 0, 3)[j]
                        t = number((1, -1, 1, 1)[j])
                        for c in range(channels):
                            first = v[o, k, c] + t * (v[o, m, c] - v[o, r, c])
                            second = v[p, k, c] + t * (v[p, m, c] - v[p, r, c])
                            third = v[q, k, c] + t * (v[q, m, c] - v[q, r, c])
                            dx[n, 2 * y + i, 2 * z + j, c] += first + s * (second - third)
