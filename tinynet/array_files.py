"""Arrays and text in one file, in the form of safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import BinaryIO

import numpy as np

from tinynet.arrays import Array

# What the format calls NumPy's types, of those that tinynet writes.
NAMES = {"f2": "F16", "f4": "F32", "f8": "F64", "b1": "BOOL"} | {
    f"{kind}{size}": f"{kind.upper()}{8 * size}" for kind in "iu" for size in (1, 2, 4, 8)
}
WORD = 8  # bytes; the arrays begin at a multiple of it


def write_arrays(file: BinaryIO, arrays: Mapping[str, Array], texts: Mapping[str, str]) -> None:
    """Write arrays into an open file, without copies of them.

    Parameters
    ----------
    file : file
    arrays : dict of str to ndarray
    texts : dict of str to str

    Raises
    ------
    TypeError
        If an array holds something else than numbers, of a type that the format has.

    Notes
    -----
    A file has eight bytes with the length of the header, the header as JSON, and the arrays one
    after the other, row by row, in the order of little-endian machines
    (https://huggingface.co/docs/safetensors, "Format"). The package safetensors writes it to a path
    of its own, or makes it in memory, which takes three times as long as writing it.
    """
    header: dict[str, object] = {"__metadata__": dict(texts)}
    end, found = 0, []
    # Types of more bytes come first, so that each array begins at a multiple of its type's size.
    for key in sorted(arrays, key=lambda key: (-arrays[key].dtype.itemsize, key)):
        array = arrays[key]
        kind = array.dtype.str[1:]
        if kind not in NAMES:
            raise TypeError(f"{key}: expected an array of numbers, got {array.dtype}")
        begin, end = end, end + array.nbytes
        header[key] = {
            "dtype": NAMES[kind],
            "shape": array.shape,
            "data_offsets": (begin, end),
        }
        if array.nbytes:  # an empty array has no bytes to look at
            found.append(np.ascontiguousarray(array, array.dtype.newbyteorder("<")))
    said = json.dumps(header, separators=(",", ":")).encode()
    said += b" " * (-len(said) % WORD)
    file.write(len(said).to_bytes(WORD, "little") + said)
    for array in found:
        file.write(array.reshape(-1).view(np.uint8).data)
