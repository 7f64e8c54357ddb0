"""Keras's archive of MNIST: four arrays in one file, which NumPy writes and reads.

Its arrays have the elements of the IDX files, so they are put into that form, and the same
checksums are verified. Only the elements are taken, from the end of each array's file: what it says
about their type and shape is not believed, and nothing in it is executed.
"""

import zipfile
import zlib
from pathlib import Path

from tinynet.datasets import idx

KEYS = ("x_train", "y_train", "x_test", "y_test")
# What zipfile raises for damaged archives; RuntimeError where one claims to be encrypted.
ERRORS = (
    *(OSError, ValueError, KeyError, EOFError, RuntimeError),
    *(zlib.error, zipfile.BadZipFile),
)
MOST = 1024  # bytes that come before the elements


def as_idx(place: Path, key: str, name: str, size: int) -> bytes:
    """Return one array as the IDX file `name`, which has `size` bytes.

    Raises
    ------
    OSError, KeyError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile
        If the archive or the array cannot be read.
    ValueError
        If the array does not have so many bytes, or is packed in a way that NumPy never uses.
    """
    begin = idx.header(idx.shape_of(size, name))
    elements = size - len(begin)
    with zipfile.ZipFile(place) as archive:
        entry = archive.getinfo(f"{key}.npy")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(
                f"{key} is packed with method {entry.compress_type}, which is not known"
            )
        stated = entry.file_size
        if not elements < stated <= elements + MOST:
            raise ValueError(f"{key} has {stated} bytes, expected {elements} and a few more")
        if entry.compress_size > place.stat().st_size:
            raise ValueError(f"{key} has {entry.compress_size} bytes in a smaller file")
        return begin + archive.read(f"{key}.npy")[-elements:]
