"""Philox4x32-10, and how TensorFlow turns its words into numbers and permutations.

Philox is a counter run through ten rounds of multiplication and exclusive or (Salmon et al.
2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3). It has no state that a
draw would change, so any block of four words can be computed on its own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels.registry import called_by_loops, kernel

ROUNDS = 10
M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
# Philox's key for turning a pair of seeds into the key and counter of a stateless draw.
SCRAMBLE_KEY = np.uint64(0x3EC8F720), np.uint64(0x02461E29)
INT32_MAX = 2**31 - 1
ZERO = np.uint64(0)
LOW = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)
MANTISSA, MANTISSA_HIGH = np.uint64(0x7FFFFF), np.uint64(0xFFFFF)
TWO_PI = 2 * math.pi
TILE = 16  # blocks that the compiled forms compute side by side


@called_by_loops
def ten_rounds(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> tuple[Any, Any, Any, Any]:
    """Return the four words of a block: 32-bit numbers as uint64, or arrays of them.

    c0 to c3 are the block's counter, k0 and k1 the key.
    """
    for _ in range(ROUNDS):
        p0, p1 = M0 * c0, M1 * c2
        c0, c1 = (p1 >> SHIFT) ^ c1 ^ k0, p1 & LOW
        c2, c3 = (p0 >> SHIFT) ^ c3 ^ k1, p0 & LOW
        k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
    return c0, c1, c2, c3


@called_by_loops
def scrambled(seed: Any, position: Any) -> tuple[Any, Any, Any, Any]:
    """Return the key (two words) and the upper half of the counter of a stateless draw.

    seed and position, the pair that determines the draw, are at least 0 and below 2^31.
    """
    return ten_rounds(
        np.uint64(seed), ZERO, np.uint64(position), ZERO, SCRAMBLE_KEY[0], SCRAMBLE_KEY[1]
    )


@kernel(state="+P", pair=">P")
def next_pair(state: Array, pair: Array) -> None:
    """pair = state mod 2^31 - 2, as draws take it; the second number of state counts the draws."""
    pair[...] = state % (INT32_MAX - 1)
    state[1] += 1


@next_pair.loops
def next_pair_loops(state: Array, pair: Array) -> None:
    pair[0], pair[1] = state[0] % (INT32_MAX - 1), state[1] % (INT32_MAX - 1)
    state[1] += 1


@kernel(key="K", counter="C", first_blocks="g", words=">gBW")
def philox(key: Array, counter: Array, first_blocks: Array, words: Array) -> None:
    """Write runs of consecutive blocks: words[g, b] is block ``first_blocks[g] + b``.

    key (2,) and counter (4,) hold 32-bit numbers as uint64, first_blocks (groups,) is uint64,
    words (groups, blocks, 4) uint32. The block's number is added to the 128-bit counter,
    carries included.
    """
    blocks = first_blocks[:, None] + np.arange(words.shape[1], dtype=np.uint64)  # (groups, blocks)
    low = (counter[1] << SHIFT) | counter[0]
    position = low + blocks
    high = ((counter[3] << SHIFT) | counter[2]) + (position < low).astype(np.uint64)
    block = ten_rounds(position & LOW, position >> SHIFT, high & LOW, high >> SHIFT, key[0], key[1])
    words[...] = np.stack(block, axis=-1)


@philox.loops
def philox_loops(key: Array, counter: Array, first_blocks: Array, words: Array) -> None:
    groups, blocks = words.shape[0], words.shape[1]
    low = (counter[1] << SHIFT) | counter[0]
    above = (counter[3] << SHIFT) | counter[2]
    # Each of the four words has its own row, so that the loop over t is vectorized: each of its
    # stores runs along memory. Written straight into words, the stores would be four apart.
    tile = np.empty((4, TILE), np.uint32)
    for g in range(groups):
        for first in range(0, blocks, TILE):
            for t in range(TILE):
                position = low + first_blocks[g] + np.uint64(first + t)
                high = above + np.uint64(position < low)
                tile[0, t], tile[1, t], tile[2, t], tile[3, t] = ten_rounds(
                    position & LOW, position >> SHIFT, high & LOW, high >> SHIFT, key[0], key[1]
                )
            for t in range(min(TILE, blocks - first)):
                for word in range(4):
                    words[g, first + t, word] = tile[word, t]


@kernel(pair="P", first_blocks="g", out=">gBW")
def uniform_float32(pair: Array, first_blocks: Array, out: Array) -> None:
    """Numbers in [0, 1): out[g, b] (groups, blocks, 4) from block ``first_blocks[g] + b``.

    The low 23 bits of a word are the mantissa of a number in [1, 2), from which 1 is subtracted.
    Key and counter are those of `scrambled` for the pair (2,); first_blocks (groups,) is uint64.
    """
    k0, k1, c2, c3 = scrambled(pair[0], pair[1])
    blocks = first_blocks[:, None] + np.arange(out.shape[1], dtype=np.uint64)  # (groups, blocks)
    words = np.stack(ten_rounds(blocks & LOW, blocks >> SHIFT, c2, c3, k0, k1), axis=-1)
    np.multiply(words & MANTISSA, 2.0**-23, out=out, casting="unsafe")


@uniform_float32.loops
def uniform_float32_loops(pair: Array, first_blocks: Array, out: Array) -> None:
    k0, k1, c2, c3 = scrambled(pair[0], pair[1])
    groups, blocks = out.shape[0], out.shape[1]
    factor = np.float32(2.0**-23)
    tile = np.empty((4, TILE), np.float32)  # as in philox
    for g in range(groups):
        for first in range(0, blocks, TILE):
            for t in range(TILE):
                b = first_blocks[g] + np.uint64(first + t)
                w0, w1, w2, w3 = ten_rounds(b & LOW, b >> SHIFT, c2, c3, k0, k1)
                tile[0, t] = np.float32(np.int32(w0 & MANTISSA)) * factor
                tile[1, t] = np.float32(np.int32(w1 & MANTISSA)) * factor
                tile[2, t] = np.float32(np.int32(w2 & MANTISSA)) * factor
                tile[3, t] = np.float32(np.int32(w3 & MANTISSA)) * factor
            for t in range(min(TILE, blocks - first)):
                for i in range(4):
                    out[g, first + t, i] = tile[i, t]


@kernel(pair="P", first_blocks="g", out=">gBW")
def uniform_float64(pair: Array, first_blocks: Array, out: Array) -> None:
    """Like `uniform_float32`, but with 52 bits, two numbers per block: out (groups, blocks, 2).

    20 bits of the first word of a pair are placed above the 32 of the second.
    """
    k0, k1, c2, c3 = scrambled(pair[0], pair[1])
    blocks = first_blocks[:, None] + np.arange(out.shape[1], dtype=np.uint64)  # (groups, blocks)
    w0, w1, w2, w3 = ten_rounds(blocks & LOW, blocks >> SHIFT, c2, c3, k0, k1)
    out[:, :, 0] = (((w0 & MANTISSA_HIGH) << SHIFT) | w1) * 2.0**-52
    out[:, :, 1] = (((w2 & MANTISSA_HIGH) << SHIFT) | w3) * 2.0**-52


@uniform_float64.loops
def uniform_float64_loops(pair: Array, first_blocks: Array, out: Array) -> None:
    k0, k1, c2, c3 = scrambled(pair[0], pair[1])
    groups, blocks = out.shape[0], out.shape[1]
    tile = np.empty((2, TILE), np.float64)
    for g in range(groups):
        for first in range(0, blocks, TILE):
            for t in range(TILE):
                b = first_blocks[g] + np.uint64(first + t)
                w0, w1, w2, w3 = ten_rounds(b & LOW, b >> SHIFT, c2, c3, k0, k1)
                tile[0, t] = np.float64(np.int64(((w0 & MANTISSA_HIGH) << SHIFT) | w1)) * 2.0**-52
                tile[1, t] = np.float64(np.int64(((w2 & MANTISSA_HIGH) << SHIFT) | w3)) * 2.0**-52
            for t in range(min(TILE, blocks - first)):
                for i in range(2):
                    out[g, first + t, i] = tile[i, t]


@kernel(u="I", out=">I")
def box_muller(u: Array, out: Array) -> None:
    """Pairs of normal numbers from pairs of uniform ones (Box and Muller 1958).

    r = sqrt(-2*log(max(u[2i], 1e-7))), v = 2*pi*u[2i + 1], out[2i] = r*sin(v),
    out[2i + 1] = r*cos(v). For float32, v is computed in double precision and rounded once. The
    compiled form calls the C library's log, sin and cos in the array's own precision, as
    TensorFlow does; this form computes in double precision and rounds, which sometimes differs
    in the last bit.
    """
    number = out.dtype.type
    u1 = np.maximum(u[0::2], number(1e-7)).astype(np.float64)
    v = (TWO_PI * u[1::2].astype(np.float64)).astype(out.dtype).astype(np.float64)
    r = np.sqrt((-2 * np.log(u1).astype(out.dtype)).astype(out.dtype))
    out[0::2] = np.sin(v).astype(out.dtype) * r
    out[1::2] = np.cos(v).astype(out.dtype) * r


@box_muller.loops
def box_muller_loops(u: Array, out: Array) -> None:
    number = out.dtype.type
    smallest = number(1e-7)
    for i in range(out.size // 2):
        u1 = u[2 * i]
        if u1 < smallest:
            u1 = smallest
        v = number(TWO_PI * np.float64(u[2 * i + 1]))
        r = np.sqrt(number(-2) * math.log(u1))
        out[2 * i] = math.sin(v) * r
        out[2 * i + 1] = math.cos(v) * r


@kernel(words="N", order="+N")
def shuffle(words: Array, order: Array) -> None:
    """Fisher-Yates: for i = 0 .. n-2 swap order[i] with order[i + words[i] % (n - i)]."""
    n = order.size
    for i, word in enumerate(words[: n - 1].tolist()):
        j = i + word % (n - i)
        order[i], order[j] = order[j], order[i]


@shuffle.loops
def shuffle_loops(words: Array, order: Array) -> None:
    n = order.size
    for i in range(n - 1):
        j = i + np.int64(words[i]) % (n - i)
        kept = order[i]
        order[i] = order[j]
        order[j] = kept
