"""The blocks of an HDF5 file that lead from one to the next, followed before the library does.

HDF5 keeps its texts in heaps, and its names in trees. Each block says where the next one is, and
the library believes it: in a damaged file it may go in a circle forever, and take memory each time
(https://github.com/HDFGroup/hdf5/issues/1707). No error comes, and Ctrl-C does not help. And for a
text it takes memory before it looks whether the text is there.

Source: HDF5 File Format Specification Version 3.0, III.A.1, III.D and III.E; for the lengths of
texts IV.A.2.b, IV.A.2.d and IV.A.2.m.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from struct import unpack_from
from typing import BinaryIO

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Blocks, and the type of texts of any length, in ASCII and in UTF-8.
KINDS = (b"TREE", b"HEAP", b"GCOL", b"\x19\1\0\0", b"\x19\1\1\0")
WINDOW = 2**20  # bytes that are searched at once
HEADER = 32  # bytes of a block in front of what is in it, at most
TEXT = 0x19  # the first byte of the type of texts
# What follows its first four: of 16 bytes each, and made of unsigned bytes.
OF_BYTES = b"\x10\0\0\0" + b"\x10\0\0\0\1\0\0\0\0\0\x08\0"
# What was deleted from a file may still be there in part, and is looked at as the rest.
HINT = "was it cut off in a copy? if it was edited, h5repack writes it anew"
END = 1  # what the list of a local heap's free places ends with


def check(source: BinaryIO, length: int) -> None:
    """Refuse a file in which the library could go in a circle.

    Parameters
    ----------
    source : BinaryIO
    length : int
        Of the file, in bytes.

    Raises
    ------
    ValueError
        If it does not begin as an HDF5 file with addresses of eight bytes does, as Keras's do; if
        a tree's neighbors or a heap's free places form a circle, the parts of a heap do not add
        up to the whole, or all heaps to more than the file; if a text is longer than the file.
    """
    source.seek(0)
    first = source.read(16)
    sizes = first[13:15] if first[8:9] in (b"\0", b"\1") else first[9:11]
    if not first.startswith(SIGNATURE) or sizes != b"\x08\x08":
        raise ValueError(_damaged("it does not begin as Keras's do"))
    right, total = {}, 0
    for at, kind in _blocks(source):
        source.seek(at)
        header = source.read(HEADER)
        if len(header) < HEADER:
            continue
        if kind == b"TREE":
            (right[at],) = unpack_from("<Q", header, 16)
        elif kind == b"HEAP" and header[4] == 0:
            size, free, place = unpack_from("<QQQ", header, 8)
            if place + size <= length:
                total += size
                _check_free_places(_part(source, place, size), free)
        elif kind == b"GCOL" and header[4] == 1:
            (size,) = unpack_from("<Q", header, 8)
            if at + size <= length:
                total += size
                _check_objects(_part(source, at, size))
        elif kind[0] == TEXT and header[4:20] == OF_BYTES:  # and not 281, the number of a step
            total += _check_lengths(source, at, length)
        if total > length:
            raise ValueError(_damaged("its heaps lie upon each other"))
    _check_neighbors(right)


def _blocks(source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield where the signature of a block stands, and which."""
    start, before = 0, b""
    while True:
        source.seek(start)
        window = before + source.read(WINDOW)
        if len(window) == len(before):
            return
        for kind in KINDS:  # a pattern of all three takes five times as long
            for found in re.finditer(kind, window):
                yield start - len(before) + found.start(), kind
        start += len(window) - len(before)
        before = window[-3:]


def _part(source: BinaryIO, place: int, size: int) -> bytes:
    source.seek(place)
    return source.read(size)


def _check_free_places(heap: bytes, place: int) -> None:
    """Follow the free places of a local heap."""
    seen: set[int] = set()
    while place != END and place + 16 <= len(heap):  # the library refuses one that is outside
        if place in seen:
            raise ValueError(_damaged("the free places of a heap form a circle"))
        seen.add(place)
        (place,) = unpack_from("<Q", heap, place)


def _check_objects(heap: bytes) -> None:
    """Go through the texts of a global heap."""
    place = 16
    while place + 16 <= len(heap):
        (number,), (size,) = unpack_from("<H", heap, place), unpack_from("<Q", heap, place + 8)
        step = 16 + (size + 7) // 8 * 8 if number else size  # number 0: what is free, with this
        if step < 16 or place + step > len(heap):
            raise ValueError(_damaged("the parts of a heap are not as large as the whole"))
        place += step


def _check_lengths(source: BinaryIO, at: int, length: int) -> int:
    """Look at the texts of an attribute, whose type is at a place; return the bytes they take here.

    Behind the type, of 20 bytes or with zeros of 24, stands how many texts there are, and then for
    each its length, and where its heap is.
    """
    for start in (at + 20, at + 24):
        about = _part(source, start, 8)
        version, rank, flags = about[:3] if len(about) == 8 else (0, 0, 0)
        if version in (1, 2):
            place = start + (8 if version == 1 else 4)
            sizes = _part(source, place, 8 * rank)
            number = math.prod(unpack_from(f"<{len(sizes) // 8}Q", sizes))
            place += 8 * rank * (1 + flags % 2)  # with the largest sizes, if there are some
            texts = _part(source, place, 16 * min(number, length // 16))
            for i in range(0, len(texts) - 15, 16):
                if unpack_from("<I", texts, i)[0] > length:
                    raise ValueError(_damaged("a text is longer than the file", HINT))
            return len(texts)
    return 0


def _check_neighbors(right: dict[int, int]) -> None:
    """Follow each node of the trees to the right, to the end or to where one has been before."""
    ended: set[int] = set()
    for first in right:
        seen, at = set(), first
        while at in right and at not in ended:
            if at in seen:
                raise ValueError(_damaged("the nodes of a tree form a circle"))
            seen.add(at)
            at = right[at]
        ended |= seen


def _damaged(why: str, hint: str = "was it cut off in a copy?") -> str:
    return f"not an HDF5 file, or a damaged one ({why}); {hint}"
