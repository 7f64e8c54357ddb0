"""Convolution with 3 x 3 kernels in tiles: the same sums with 36 products instead of 144.

A tile is 6 x 6 pixels t of one channel, from which the kernel g makes 4 x 4 pixels of the output,

    out = A_T [(G g G_T) * (B_T t B)] A,

where * multiplies entry by entry (Winograd 1980, "Arithmetic complexity of computations",
chapter III; for images Lavin and Gray 2016, "Fast algorithms for convolutional neural networks",
section 4.3, whose matrices these are). Tiles are 4 pixels apart, so each overlaps its neighbors by
2. Summed over the channels, the product becomes a matrix product for each of the 36 places in a
tile, (tiles, channels) by (channels, filters), which BLAS does. The gradients follow by the chain
rule, line by line. Derivation: docs/backprop/fast_convolution.md.

Tiles are arrays (6, 6, images, down, across, channels), the place within the tile first. B_T and
A_T have many zeros and ones, and rows that differ only in signs share their sums, so products with
them are written out:

    B_T = [4  0 -5  0  1  0]      A_T = [1  1  1  1  1  0]      G = [ 1/4     0     0 ]
          [0 -4 -4  1  1  0]            [0  1 -1  2 -2  0]          [-1/6  -1/6  -1/6]
          [0  4 -4 -1  1  0]            [0  1  1  4  4  0]          [-1/6   1/6  -1/6]
          [0 -2 -1  2  1  0]            [0  1 -1  8 -8  1]          [1/24  1/12   1/6]
          [0  2 -1 -2  1  0]                                        [1/24 -1/12   1/6]
          [0  4  0 -5  0  1]                                        [   0     0     1]
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.convolution import NO_GAPS, Pair, divided, longest, met
from tinynet.kernels.linear import column_sum
from tinynet.kernels.products import batched_product
from tinynet.kernels.registry import called_by_loops, kernel

SIDE = 4  # of the output of a 6 x 6 tile, and the distance between tiles: the matrices are for that
# From where on tiles are less work than patches, by trial: channels and filters, and the pixels of
# the output per tile, on average.
MANY, FILLED = 16, 9
G = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
# Exact in either type; an int would turn float32 into float64 in compiled loops.
TWO, FOUR, FIVE = np.float32(2), np.float32(4), np.float32(5)


def convolve_in_tiles(x: Array, weights: Array, out: Array) -> None:
    """Write the convolution of x with weights (3, 3, channels, filters) into out.

    x reaches to the end of the last tile: 4 down + 2 rows and 4 across + 2 columns.
    """
    u = _matrices(transformed(G, weights))
    for pieces in _pairs_of_pieces(x, out):
        for some, tiles, _ in pieces:
            tile_inputs(x[some], tiles)
        for _, tiles, sums in pieces:
            batched_product(_matrices(tiles), u, _matrices(sums))
        for some, _, sums in pieces:
            tile_outputs(sums, out[some])


def convolve_in_tiles_backward(
    dout: Array, x: Array, weights: Array, dweights: Array, dx: Array
) -> None:
    """Fill dweights and dx."""
    dtype = weights.dtype
    turned = np.empty((3, 3, *weights.shape[:1:-1]), dtype)
    turn(weights, turned)
    u_turned = _matrices(transformed(G, turned))  # u.swapaxes(1, 2), in order
    pairs = _pairs_of_pieces(x, dout)
    # One for each piece, added up at the end.
    du = np.empty((sum(map(len, pairs)), 36, *weights.shape[2:]), dtype)
    parts = iter(du)
    for pieces in pairs:
        for some, tiles, _ in pieces:
            tile_inputs(x[some], tiles)
        for some, _, dsums in pieces:
            tile_output_gradients(dout[some], dsums)
        for _, tiles, dsums in pieces:
            batched_product(_matrices(tiles).swapaxes(1, 2), _matrices(dsums), next(parts))
            # The tiles themselves are no longer needed.
            batched_product(_matrices(dsums), u_turned, _matrices(tiles))
        for some, tiles, _ in pieces:
            add_tiles(tiles, dx[some])
    total = np.empty((6, 6, *weights.shape[2:]), dtype)
    column_sum(du.reshape(len(du), -1), total.reshape(-1))
    transform(G.T.astype(dtype), total, dweights)


def tiles_for(places: Pair) -> Pair:
    """Return how many tiles, down and across, cover an output of this height and width."""
    return -(-places[0] // SIDE), -(-places[1] // SIDE)


def tiles_pay(places: Pair, channels: int, filters: int) -> bool:
    """Return whether tiles are less work than patches for an output of this size."""
    filled = math.prod(places) >= FILLED * math.prod(tiles_for(places))
    return filled and min(channels, filters) >= MANY


def _pairs_of_pieces(x: Array, out: Array) -> list[list[tuple[slice, Array, Array]]]:
    """Return which images come together, and room for their tiles and for the products with them.

    There are two pieces at a time, so that two threads can take one each: tiles cannot be divided
    by images, which are not their first axis.
    """
    down, across = tiles_for(out.shape[1:3])
    widths = x.shape[3], out.shape[3]
    together = divided(len(x), x.itemsize * 36 * down * across * sum(widths))
    most = 36 * (longest(together) // 2 + 1) * down * across
    rooms = [[np.empty((most, n), x.dtype) for n in widths] for _ in range(2)]

    def piece(first: int, end: int, room: list[Array]) -> tuple[slice, Array, Array]:
        shape = 6, 6, end - first, down, across
        tiles, sums = (each[: math.prod(shape)] for each in room)
        return slice(first, end), tiles.reshape(*shape, -1), sums.reshape(*shape, -1)

    pairs = []
    for some in together:
        middle = (some.start + some.stop) // 2
        halves = (some.start, middle, rooms[0]), (middle, some.stop, rooms[1])
        pairs.append([piece(*half) for half in halves if half[0] < half[1]])
    return pairs


def _matrices(tiles: Array) -> Array:
    """Return tiles as 36 matrices, one for each place in a tile."""
    return tiles.reshape(36, -1, tiles.shape[-1])


def transformed(matrix: Array, block: Array) -> Array:
    """Return matrix @ block @ matrix.T, products along the first two axes of the block."""
    out = np.empty((len(matrix), len(matrix), *block.shape[2:]), block.dtype)
    transform(matrix.astype(block.dtype), block, out)
    return out


@kernel(weights="IJcf", out=">IJfc")
def turn(weights: Array, out: Array) -> None:
    """out[:, :, f, c] = weights[:, :, c, f]; in a product, BLAS can be slower at it."""
    out[...] = weights.swapaxes(2, 3)


@turn.loops
def turn_loops(weights: Array, out: Array) -> None:
    height, width, channels, filters = weights.shape
    for i in range(height):
        for j in range(width):
            for c in range(channels):
                for f in range(filters):
                    out[i, j, f, c] = weights[i, j, c, f]


@kernel(matrix="OI", block="IIcf", out=">OOcf")
def transform(matrix: Array, block: Array, out: Array) -> None:
    """out[:, :, c, f] = matrix @ block[:, :, c, f] @ matrix.T."""
    n = range(len(block))
    rows = sum(matrix[:, k, None, None, None] * block[k] for k in n)
    out[...] = sum(matrix[:, k, None, None] * rows[:, None, k] for k in n)


@transform.loops
def transform_loops(matrix: Array, block: Array, out: Array) -> None:
    n, _, channels, filters = block.shape
    row = np.empty((n, channels, filters), block.dtype)  # of matrix @ block
    for i in range(len(matrix)):
        row[...] = 0
        for k in range(n):
            for j in range(n):
                for c in range(channels):
                    for f in range(filters):
                        row[j, c, f] += matrix[i, k] * block[k, j, c, f]
        out[i] = 0
        for j in range(len(matrix)):
            for k in range(n):
                for c in range(channels):
                    for f in range(filters):
                        out[i, j, c, f] += matrix[j, k] * row[k, c, f]


def on_both_axes(function: Callable[..., Any], block: Array) -> Array:
    """Apply a function of an array's rows along its first axis, then along its second."""
    columns = np.array(function(*block)).swapaxes(0, 1)
    return np.array(function(*columns)).swapaxes(0, 1)


@called_by_loops
def times_b_t(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    """Return the six sums of B_T @ (a, b, c, d, e, f)."""
    p, q = e - FOUR * c, d - FOUR * b
    r, s = e - c, TWO * (d - b)
    return FOUR * a - FIVE * c + e, p + q, p - q, r + s, r - s, FOUR * b - FIVE * d + f


@called_by_loops
def times_b(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    """Return the six sums of B @ (a, b, c, d, e, f)."""
    p, q, r, s = b + c, b - c, d + e, TWO * (d - e)
    return FOUR * a, FOUR * (f - q) - s, -(FIVE * a + FOUR * p + r), q + s - FIVE * f, a + p + r, f


@called_by_loops
def times_a_t(a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    """Return the four sums of A_T @ (a, b, c, d, e, f)."""
    p, q, r, s = b + c, b - c, d + e, TWO * (d - e)
    return a + p + r, q + s, p + FOUR * r, q + FOUR * s + f


@called_by_loops
def times_a(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Return the six sums of A @ (a, b, c, d)."""
    p, q, r, s = a + c, b + d, a + FOUR * c, TWO * (b + FOUR * d)
    return a, p + q, p - q, r + s, r - s, d


@called_by_loops
def six_of(rows: Array) -> Any:
    """Return the six rows one by one, so that Numba knows that each is contiguous."""
    return rows[0], rows[1], rows[2], rows[3], rows[4], rows[5]


@kernel(x="nRSc", tiles=">ABnYZc")
def tile_inputs(x: Array, tiles: Array) -> None:
    """tiles[:, :, n, y, z, c] = B_T @ x[n, 4y : 4y + 6, 4z : 4z + 6, c] @ B."""
    apart, places = (SIDE, SIDE), tiles.shape[3:5]
    d = np.array([[met(x, i, j, apart, NO_GAPS, places) for j in range(6)] for i in range(6)])
    tiles[...] = on_both_axes(times_b_t, d)


@tile_inputs.loops
def tile_inputs_loops(x: Array, tiles: Array) -> None:
    v, (images, down, across, channels) = tiles, tiles.shape[2:]
    wide, long = SIDE * across + 2, (SIDE * across + 2) * channels
    six, rows = np.empty((6, wide, channels), x.dtype), np.empty((6, long), x.dtype)
    d0, d1, d2, d3, d4, d5 = six_of(six.reshape(6, long))
    h0, h1, h2, h3, h4, h5 = six_of(rows)  # B_T @ six rows of an image, shared by their tiles
    for n in range(images):
        for y in range(down):
            for i in range(6):
                for z in range(wide):
                    for c in range(channels):
                        six[i, z, c] = x[n, SIDE * y + i, z, c]
            for k in range(long):
                h0[k], h1[k], h2[k], h3[k], h4[k], h5[k] = times_b_t(
                    d0[k], d1[k], d2[k], d3[k], d4[k], d5[k]
                )
            for z in range(across):
                first = SIDE * z * channels
                for i in range(6):
                    d = rows[i, first : first + 6 * channels].reshape(6, channels)
                    for c in range(channels):
                        o, p, q, r, s, t = times_b_t(
                            d[0, c], d[1, c], d[2, c], d[3, c], d[4, c], d[5, c]
                        )
                        v[i, 0, n, y, z, c], v[i, 1, n, y, z, c], v[i, 2, n, y, z, c] = o, p, q
                        v[i, 3, n, y, z, c], v[i, 4, n, y, z, c], v[i, 5, n, y, z, c] = r, s, t


@kernel(products="ABnYZf", out=">nRSf")
def tile_outputs(products: Array, out: Array) -> None:
    """out[n, 4y : 4y + 4, 4z : 4z + 4, f] = A_T @ products[:, :, n, y, z, f] @ A.

    The part of the last tiles that is beyond the edge of out is left out.
    """
    # The columns of a tile first, as in the loops, so that both round in the same way.
    pixels = on_both_axes(times_a_t, products.swapaxes(0, 1)).swapaxes(0, 1)
    images, down, across, filters = products.shape[2:]
    size = images, SIDE * down, SIDE * across, filters
    whole = pixels.transpose(2, 3, 0, 4, 1, 5).reshape(size)
    out[...] = whole[:, : out.shape[1], : out.shape[2]]


@tile_outputs.loops
def tile_outputs_loops(products: Array, out: Array) -> None:
    m, (images, down, across, filters) = products, products.shape[2:]
    wide, long = SIDE * across, SIDE * across * filters
    four, rows = np.empty((SIDE, wide, filters), out.dtype), np.empty((6, long), out.dtype)
    flat = four.reshape(SIDE, long)
    z0, z1, z2, z3 = flat[0], flat[1], flat[2], flat[3]
    h0, h1, h2, h3, h4, h5 = six_of(rows)  # products @ A, of the tiles in a row
    for n in range(images):
        for y in range(down):
            for z in range(across):
                first = SIDE * z * filters
                for i in range(6):
                    d = rows[i, first : first + SIDE * filters].reshape(SIDE, filters)
                    for f in range(filters):
                        o, p, q = m[i, 0, n, y, z, f], m[i, 1, n, y, z, f], m[i, 2, n, y, z, f]
                        r, s, t = m[i, 3, n, y, z, f], m[i, 4, n, y, z, f], m[i, 5, n, y, z, f]
                        d[0, f], d[1, f], d[2, f], d[3, f] = times_a_t(o, p, q, r, s, t)
            for k in range(long):
                z0[k], z1[k], z2[k], z3[k] = times_a_t(h0[k], h1[k], h2[k], h3[k], h4[k], h5[k])
            for i in range(min(SIDE, out.shape[1] - SIDE * y)):
                for z in range(out.shape[2]):
                    for f in range(filters):
                        out[n, SIDE * y + i, z, f] = four[i, z, f]


@kernel(dout="nRSf", dproducts=">ABnYZf")
def tile_output_gradients(dout: Array, dproducts: Array) -> None:
    """dproducts[:, :, n, y, z, f] = A @ dout[n, 4y : 4y + 4, 4z : 4z + 4, f] @ A_T.

    Beyond the edge of dout there are zeros.
    """
    images, down, across, filters = dproducts.shape[2:]
    whole = np.zeros((images, SIDE * down, SIDE * across, filters), dout.dtype)
    whole[:, : dout.shape[1], : dout.shape[2]] = dout
    pixels = whole.reshape(images, down, SIDE, across, SIDE, filters).transpose(2, 4, 0, 1, 3, 5)
    dproducts[...] = on_both_axes(times_a, pixels)


@tile_output_gradients.loops
def tile_output_gradients_loops(dout: Array, dproducts: Array) -> None:
    m, (images, down, across, filters) = dproducts, dproducts.shape[2:]
    wide, long = SIDE * across, SIDE * across * filters
    four, rows = np.zeros((SIDE, wide, filters), dout.dtype), np.empty((6, long), dout.dtype)
    flat = four.reshape(SIDE, long)
    z0, z1, z2, z3 = flat[0], flat[1], flat[2], flat[3]
    h0, h1, h2, h3, h4, h5 = six_of(rows)  # A @ four rows of dout
    for n in range(images):
        for y in range(down):
            there = min(SIDE, dout.shape[1] - SIDE * y)
            for i in range(there):
                for z in range(dout.shape[2]):
                    for f in range(filters):
                        four[i, z, f] = dout[n, SIDE * y + i, z, f]
            four[there:] = 0
            for k in range(long):
                h0[k], h1[k], h2[k], h3[k], h4[k], h5[k] = times_a(z0[k], z1[k], z2[k], z3[k])
            for z in range(across):
                first = SIDE * z * filters
                for i in range(6):
                    d = rows[i, first : first + SIDE * filters].reshape(SIDE, filters)
                    for f in range(filters):
                        o, p, q, r, s, t = times_a(d[0, f], d[1, f], d[2, f], d[3, f])
                        m[i, 0, n, y, z, f], m[i, 1, n, y, z, f], m[i, 2, n, y, z, f] = o, p, q
                        m[i, 3, n, y, z, f], m[i, 4, n, y, z, f], m[i, 5, n, y, z, f] = r, s, t


@kernel(dtiles="ABnYZc", dx=">nRSc")
def add_tiles(dtiles: Array, dx: Array) -> None:
    """Give each pixel of dx the sum of B @ dtiles[:, :, n, y, z, c] @ B_T over its tiles."""
    d = on_both_axes(times_b, dtiles.swapaxes(0, 1)).swapaxes(0, 1)  # as in tile_outputs
    dx[...] = 0
    for i, j in np.ndindex(6, 6):
        pixels = met(dx, i, j, (SIDE, SIDE), NO_GAPS, dtiles.shape[3:5])
        pixels += d[i, j]


@add_tiles.loops
def add_tiles_loops(dtiles: Array, dx: Array) -> None:
    v, (images, down, across, channels) = dtiles, dtiles.shape[2:]
    wide, long = SIDE * across + 2, (SIDE * across + 2) * channels
    six, rows = np.empty((6, wide, channels), dx.dtype), np.empty((6, long), dx.dtype)
    d0, d1, d2, d3, d4, d5 = six_of(six.reshape(6, long))
    h0, h1, h2, h3, h4, h5 = six_of(rows)  # dtiles @ B_T, added up where tiles in a row overlap
    for n in range(images):
        dx[n, :2] = 0
        for y in range(down):
            rows[:, : 2 * channels] = 0
            for z in range(across):
                first = SIDE * z * channels
                for i in range(6):
                    d = rows[i, first : first + 6 * channels].reshape(6, channels)
                    for c in range(channels):
                        o, p, q = v[i, 0, n, y, z, c], v[i, 1, n, y, z, c], v[i, 2, n, y, z, c]
                        r, s, t = v[i, 3, n, y, z, c], v[i, 4, n, y, z, c], v[i, 5, n, y, z, c]
                        o, p, d[2, c], d[3, c], d[4, c], d[5, c] = times_b(o, p, q, r, s, t)
                        d[0, c] += o
                        d[1, c] += p
            for k in range(long):
                d0[k], d1[k], d2[k], d3[k], d4[k], d5[k] = times_b(
                    h0[k], h1[k], h2[k], h3[k], h4[k], h5[k]
                )
            for i in range(6):
                for z in range(wide):
                    for c in range(channels):
                        if i < 2:  # already filled by the tiles above
                            dx[n, SIDE * y + i, z, c] += six[i, z, c]
                        else:
                            dx[n, SIDE * y + i, z, c] = six[i, z, c]
