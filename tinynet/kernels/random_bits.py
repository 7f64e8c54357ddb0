"""Philox4x32-10, and from its words to numbers and orders as TensorFlow does it.

Philox is a counter run through ten rounds of multiplication and exclusive or (Salmon et al.
2011, "Parallel random numbers: as easy as 1, 2, 3", section 3.3). It has no state that a
draw would change, so any block of four words can be computed on its own.
"""

from __future__ import annotations

import math

import numpy as np

from tinynet.kernels.registry import Array, kernel

ROUNDS = 10
M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
LOW = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)
TWO_PI = 2 * math.pi
TILE = 16  # blocks that the compiled form computes side by side


@kernel
def philox(key: Array, counter: Array, first_blocks: Array, words: Array) -> None:
    """Write runs of consecutive blocks: words[g, b] is block ``first_blocks[g] + b``.

    key (2,) and counter (4,) hold 32-bit numbers as uint64, first_blocks (groups,) is uint64,
    words (groups, blocks, 4) uint32. The block's number is added to the 128-bit counter, of
    which the last two words are never reached here.
    """
    blocks = first_blocks[:, None] + np.arange(words.shape[1], dtype=np.uint64)  # (groups, blocks)
    low = (counter[1] << SHIFT) | counter[0]
    position = low + blocks
    carry = (position < low).astype(np.uint64)
    high = ((counter[3] << SHIFT) | counter[2]) + carry
    c0, c1, c2, c3 = position & LOW, position >> SHIFT, high & LOW, high >> SHIFT
    k0, k1 = key[0], key[1]
    for _ in range(ROUNDS):
        p0, p1 = M0 * c0, M1 * c2
        c0, c1, c2, c3 = (p1 >> SHIFT) ^ c1 ^ k0, p1 & LOW, (p0 >> SHIFT) ^ c3 ^ k1, p0 & LOW
        k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
    words[...] = np.stack([c0, c1, c2, c3], axis=-1)


@philox.loops
def philox_loops(key: Array, counter: Array, first_blocks: Array, words: Array) -> None:
    groups, blocks = words.shape[0], words.shape[1]
    low = (counter[1] << SHIFT) | counter[0]
    above = (counter[3] << SHIFT) | counter[2]
    # Word by word in a row of its own, so that the loop over t vectorises: each store of it runs
    # along memory. Written straight into words, the stores would be four apart.
    tile = np.empty((4, TILE), np.uint32)
    for g in range(groups):
        for first in range(0, blocks, TILE):
            for t in range(TILE):
                position = low + first_blocks[g] + np.uint64(first + t)
                high = above + np.uint64(position < low)
                c0, c1, c2, c3 = position & LOW, position >> SHIFT, high & LOW, high >> SHIFT
                k0, k1 = key[0], key[1]
                for _ in range(ROUNDS):
                    p0, p1 = M0 * c0, M1 * c2
                    c0, c1 = (p1 >> SHIFT) ^ c1 ^ k0, p1 & LOW
                    c2, c3 = (p0 >> SHIFT) ^ c3 ^ k1, p0 & LOW
                    k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
                tile[0, t], tile[1, t], tile[2, t], tile[3, t] = c0, c1, c2, c3
            for t in range(min(TILE, blocks - first)):
                for word in range(4):
                    words[g, first + t, word] = tile[word, t]


@kernel
def uniform_float32(words: Array, out: Array) -> None:
    """out[i] in [0, 1): the low 23 bits of words[i] as the mantissa of a number in [1, 2), - 1."""
    mantissa = words & np.uint32(0x7FFFFF)
    np.multiply(mantissa, np.float32(2.0**-23), out=out, casting="unsafe")


@uniform_float32.loops
def uniform_float32_loops(words: Array, out: Array) -> None:
    for i in range(out.size):
        out[i] = np.float32(np.int32(words[i] & np.uint32(0x7FFFFF))) * np.float32(2.0**-23)


@kernel
def uniform_float64(words: Array, out: Array) -> None:
    """As `uniform_float32` with 52 bits: 20 of words[2i] above the 32 of words[2i + 1]."""
    high = (words[0::2] & np.uint32(0xFFFFF)).astype(np.uint64)
    np.multiply((high << SHIFT) | words[1::2], 2.0**-52, out=out)


@uniform_float64.loops
def uniform_float64_loops(words: Array, out: Array) -> None:
    for i in range(out.size):
        high = np.uint64(words[2 * i] & np.uint32(0xFFFFF))
        mantissa = (high << SHIFT) | np.uint64(words[2 * i + 1])
        out[i] = np.float64(np.int64(mantissa)) * 2.0**-52


@kernel
def box_muller(u: Array, out: Array) -> None:
    """Pairs of normal numbers from pairs of uniform ones (Box and Muller 1958).

    r = sqrt(-2*log(max(u[2i], 1e-7))), v = 2*pi*u[2i + 1], out[2i] = r*sin(v),
    out[2i + 1] = r*cos(v). For float32, v is multiplied in double and rounded once. The
    compiled form calls the C library's log, sin and cos in the array's own precision, as
    TensorFlow does; this form computes in double and rounds, which differs in the last bit
    now and then.
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


@kernel
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
