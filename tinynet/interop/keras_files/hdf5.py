"""HDF5 files as arrays and text by path, read as if a stranger had made them.

HDF5 can point to other files, say "ten million zeros" in a few bytes, hold the same array under a
thousand names, and run filters from libraries that it finds on the machine. Keras's files need
nothing of it, so none of it is followed: what is not plain numbers, stored as they are, is an
error, and before memory is taken for anything, its size is compared with the length of the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from tinynet.arrays import Array
from tinynet.interop.keras_files import hdf5_blocks

# How many bytes the texts of one attribute may come to: n of them, each as long as all of the file
# that is not numbers.
MOST_TEXT = 2**30
NUMBERS = "bfiu"  # NumPy's kinds of types

Text = str | list[str]


class Content(NamedTuple):
    """What an HDF5 file holds.

    Attributes
    ----------
    arrays : dict of str to ndarray
        By path: ``"layers/dense/vars/0"``.
    texts : dict of str to dict of str to str or list of str
        The attributes of every group that has some, by its path; that of the file is ``""``.
    """

    arrays: dict[str, Array]
    texts: dict[str, dict[str, Text]]


def write(target: BinaryIO, content: Content) -> None:
    """Write arrays and texts into an open, empty file."""
    with _h5py().File(target, "w") as file:
        for path, texts in content.texts.items():
            group = file.require_group(path) if path else file
            for name, text in texts.items():
                # h5py does not write an empty list of texts; Keras writes one of numbers.
                group.attrs[name] = np.zeros(0) if text == [] else text
        for path, array in content.arrays.items():
            file.create_dataset(path, data=array)


def read(source: BinaryIO) -> Content:
    """Read all arrays and texts of an open file.

    Raises
    ------
    ValueError
        If it is not an HDF5 file or a damaged one, or holds anything but plain numbers and texts.
    """
    length = source.seek(0, 2)
    h5py = _h5py()
    hdf5_blocks.check(source, length)
    source.seek(0)
    with _as_value_errors(), h5py.File(source, "r") as file:
        groups, datasets = _found(file)
        sizes = {path: _checked_size(path, each, length) for path, each in datasets.items()}
        if sum(sizes.values()) > length:
            raise ValueError("its arrays are larger than the file")
        rest = length - sum(sizes.values())
        texts = {path: dict(_texts(path, group, rest)) for path, group in groups.items()}
        return Content(
            {path: np.asarray(dataset[()]) for path, dataset in datasets.items()},
            {path: found for path, found in texts.items() if found},
        )


def _found(file: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the groups and the datasets of a file by path; each may be in one place only."""
    h5py = _h5py()
    groups, datasets = {"": file}, {}
    seen = {h5py.h5o.get_info(file.id).addr}
    waiting = [("", file)]
    while waiting:
        above, group = waiting.pop()
        for name in group:
            path = f"{above}/{name}" if above else name
            link = group.get(name, getlink=True)
            if type(link) is not h5py.HardLink:
                raise ValueError(
                    f"{path} is a {type(link).__name__}, which points elsewhere; Keras's files "
                    f"hold what they name"
                )
            found = group[name]
            address = h5py.h5o.get_info(found.id).addr
            if address in seen:
                raise ValueError(f"{path} is in the file under another name, too")
            seen.add(address)
            if isinstance(found, h5py.Group):
                groups[path] = found
                waiting.append((path, found))
            elif isinstance(found, h5py.Dataset):
                datasets[path] = found
            else:
                raise ValueError(f"{path} is neither a group nor an array")
    return groups, datasets


def _checked_size(path: str, dataset: Any, length: int) -> int:
    """Return the number of bytes of an array, if it is stored in the file as plain numbers."""
    if dataset.dtype.kind not in NUMBERS or dataset.shape is None:
        raise ValueError(f"{path}: expected numbers, got the type {dataset.dtype}")
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{path}: its numbers are said to be in another file")
    if dataset.id.get_create_plist().get_nfilters():
        raise ValueError(f"{path}: its numbers are compressed; Keras stores them as they are")
    size: int = math.prod(dataset.shape) * dataset.dtype.itemsize
    if size > min(length, dataset.id.get_storage_size()):
        raise ValueError(
            f"{path}: an array of shape {dataset.shape} has {size} bytes, the file {length} and of "
            f"this array {dataset.id.get_storage_size()}"
        )
    return size


def _texts(path: str, group: Any, rest: int) -> Iterator[tuple[str, Text]]:
    """Yield the attributes of a group that are texts, and lists of them."""
    h5py = _h5py()
    for name in group.attrs:
        attribute = group.attrs.get_id(name)
        n = math.prod(attribute.shape or ())
        if attribute.dtype.kind == "S":
            most = n * attribute.dtype.itemsize
        elif h5py.check_string_dtype(attribute.dtype):
            most = n * rest
        elif attribute.dtype.kind in NUMBERS:
            if n == 0:
                yield name, []
            continue
        else:
            raise ValueError(f"{path}: expected texts in {name}, got the type {attribute.dtype}")
        if most > MOST_TEXT:
            raise ValueError(f"{path}: {n} texts in {name} may be larger than the file")
        value = np.asarray(group.attrs[name]).tolist()
        texts = [_as_text(each) for each in (value if isinstance(value, list) else [value])]
        yield name, texts if isinstance(value, list) else texts[0]


def _as_text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@contextmanager
def _as_value_errors() -> Iterator[None]:
    """Turn what h5py raises for a file that is damaged into a ValueError."""
    try:
        yield
    except (AttributeError, KeyError, OSError, RuntimeError, TypeError) as error:
        raise ValueError(
            f"not an HDF5 file, or a damaged one ({error}); was it cut off in a copy?"
        ) from None


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise ImportError(
            "Keras's files (.keras, .weights.h5, .h5) need the package h5py: "
            "pip install 'tinynet[keras-files]'; .safetensors needs nothing more"
        ) from None
    return h5py
