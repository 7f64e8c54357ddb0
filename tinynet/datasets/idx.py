"""The IDX format of the MNIST family of data sets, and the arrays that its four files hold."""

from __future__ import annotations

import math
import struct

import numpy as np
from numpy.typing import NDArray

from tinynet.datasets.errors import DatasetError

SIDE = 28

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]
Parts = tuple[tuple[Images, Labels], tuple[Images, Labels]]


def arrays(contents: list[bytes]) -> Parts:
    """Return (x_train, y_train), (x_test, y_test) from the four files' contents."""
    x_train, y_train, x_test, y_test = contents
    return (
        (read_idx(x_train, ndim=3), read_idx(y_train, ndim=1)),
        (read_idx(x_test, ndim=3), read_idx(y_test, ndim=1)),
    )


def read_idx(content: bytes, ndim: int) -> NDArray[np.uint8]:
    """Parse an IDX file of unsigned bytes, the format of the MNIST family of data sets.

    Big-endian 32-bit integers come first: the magic number, 0x800 ("unsigned byte") plus the number
    of dimensions, then the sizes; after them the elements in row-major order. So images
    (n, 28, 28) begin with 0x803 and labels (n,) with 0x801.

    Parameters
    ----------
    content : bytes
        The whole file, decompressed.
    ndim : int
        Number of dimensions that the file must have.

    Returns
    -------
    ndarray, uint8
        A copy of the elements, in the shape that the file states.

    Raises
    ------
    DatasetError
        If the magic number is wrong, or the sizes do not match the number of elements.
    """
    start = 4 * (1 + ndim)
    if len(content) < start:
        raise DatasetError(f"IDX file of {len(content)} bytes, shorter than its {start} of header")
    magic, *shape = struct.unpack_from(f">{1 + ndim}I", content)
    if magic != 0x800 + ndim:
        raise DatasetError(f"IDX file begins with {magic:#010x}, expected {0x800 + ndim:#010x}")
    if len(content) != start + math.prod(shape):
        raise DatasetError(
            f"IDX file has {len(content) - start} elements, "
            f"but states the shape {tuple(shape)}, which makes {math.prod(shape)}"
        )
    try:
        return np.frombuffer(content, np.uint8, offset=start).reshape(shape).copy()
    except ValueError as error:  # no elements, because one size is 0, and others that are too large
        raise DatasetError(f"IDX file states the shape {tuple(shape)}: {error}") from None


def as_idx(array: NDArray[np.uint8]) -> bytes:
    """Return an array of bytes as an IDX file: magic number, sizes, elements."""
    return header(array.shape) + array.tobytes()


def header(shape: tuple[int, ...]) -> bytes:
    """Return how the IDX file of an array of bytes begins."""
    return struct.pack(f">{1 + len(shape)}I", 0x800 + len(shape), *shape)


def shape_of(size: int, name: str) -> tuple[int, ...]:
    """Return the shape of the array in an IDX file of so many bytes, of images or of labels."""
    if "idx1" in name:
        return (size - 8,)
    return ((size - 16) // SIDE**2, SIDE, SIDE)
