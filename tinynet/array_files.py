"""Arrays and text in one file, in the form of safetensors.

`write_arrays` writes the arrays of a model, `read_arrays` reads them. A tree of plain values and
arrays is taken apart by `Apart`, written by `write_state` and read by `read_state`. Nothing in such
a file could be executed.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tinynet.arrays import Array
from tinynet.files import write_parts

# What the format calls NumPy's types, of those that tinynet writes.
NAMES = {"f2": "F16", "f4": "F32", "f8": "F64", "b1": "BOOL"} | {
    f"{kind}{size}": f"{kind.upper()}{8 * size}" for kind in "iu" for size in (1, 2, 4, 8)
}
TYPES = {name: np.dtype(f"<{kind}") for kind, name in NAMES.items()}
WORD = 8  # bytes of the header's length
PAGE = 1 << 12  # bytes; the arrays begin at a multiple of it
FOR_EACH = 320  # bytes of the header for each array, with what the texts say about its layer
HEADER = 1 << 14  # bytes; the header of most files is shorter


def write_arrays(
    file: BinaryIO, arrays: Mapping[str, Array], texts: Callable[[], Mapping[str, str]]
) -> None:
    """Write arrays into an open file, without copies of them.

    Parameters
    ----------
    file : file
        On the disk, and empty.
    arrays : dict of str to ndarray
    texts : callable
        Returns a dict of str to str; called while the system brings the arrays to the disk.

    Raises
    ------
    TypeError
        If an array holds something else than numbers, of a type that the format has.

    Notes
    -----
    A file has eight bytes with the length of the header, the header as JSON, which may end in
    spaces, and the arrays one after the other, row by row, in the order of little-endian machines
    (https://huggingface.co/docs/safetensors, "Format"). The package safetensors writes it to a path
    of its own, or makes it in memory, which takes three times as long as writing it.
    """
    header: dict[str, object] = {}
    end, found = 0, []
    # Types of more bytes come first, so that each array begins at a multiple of its type's size;
    # among them the order is the given one, that in which a reader asks for them.
    for key in sorted(arrays, key=lambda key: -arrays[key].dtype.itemsize):
        array = arrays[key]
        kind = array.dtype.str[1:]
        if kind not in NAMES:
            raise TypeError(f"{key}: expected an array of numbers, got {array.dtype}")
        place, end = end, end + array.nbytes
        name = NAMES[kind]
        header[key] = {"dtype": name, "shape": array.shape, "data_offsets": (place, end)}
        if array.nbytes:  # an empty array has no bytes to look at
            found.append(np.ascontiguousarray(array, TYPES[name]))
    parts = [each.reshape(-1).view(np.uint8).data for each in found]
    begin = _whole_pages(WORD + FOR_EACH * len(arrays))  # a guess
    _write_at(file, begin, parts)
    said = json.dumps({**header, "__metadata__": texts()}, separators=(",", ":")).encode()
    if WORD + len(said) > begin:
        begin = _whole_pages(WORD + len(said))
        _write_at(file, begin, parts)
    said = said.ljust(begin - WORD)
    file.seek(0)
    file.write(len(said).to_bytes(WORD, "little") + said)


def _whole_pages(size: int) -> int:
    return -(-size // PAGE) * PAGE


def _write_at(file: BinaryIO, place: int, parts: Sequence[memoryview]) -> None:
    """Write parts from a place of a file on, and let the system begin to bring them to the disk."""
    file.seek(place)
    if parts:
        write_parts(file, parts)
    if hasattr(os, "posix_fadvise"):  # Linux then begins to write, and forgets nothing unwritten
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_arrays(path: Path) -> tuple[Arrays, dict[str, str]]:
    """Open what `write_arrays` wrote: the arrays, and the texts.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is another file, or a damaged one. The package safetensors sees to it that every byte
        behind the header belongs to one array, so no array takes more memory than the file has.
    """
    from safetensors import safe_open

    _send_for(path)
    try:
        file: Any = safe_open(path, framework="numpy")
        return Arrays(path, file), file.metadata() or {}
    except _errors() as error:
        raise _damaged(path, error) from None


class Arrays(Mapping[str, Array]):
    """The arrays of a file, in its order; each is read whenever it is asked for.

    Until then the system fetches it from the disk, and a model of their `shapes` can be made.
    """

    def __init__(self, path: Path, file: Any) -> None:
        self.path, self.file = path, file
        names: list[str] = file.keys()
        self.shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}

    def arrange(self, names: Iterable[str]) -> None:
        """Keep the arrays of these names alone, in this order."""
        self.shapes = {name: self.shapes[name] for name in names}

    def __getitem__(self, name: str) -> Array:
        """Return one array, which may be written to."""
        if name not in self.shapes:
            raise KeyError(name)
        try:
            found: Array = self.file.get_tensor(name)
            return found
        except _errors() as error:
            raise _damaged(self.path, error) from None

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self.shapes)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.shapes)


def _send_for(path: Path) -> None:
    """Have the system fetch a file from the disk: first its header, then all the rest at once.

    If nobody asked, it would fetch some pages at a time, each when it is needed.
    """
    with path.open("rb", buffering=0) as source:  # if it cannot be read, the system says why
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(source.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # and nothing behind it
            source.read(HEADER)
            os.posix_fadvise(source.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


def _errors() -> tuple[type[Exception], ...]:
    """Return what the package safetensors raises for a file that it cannot read."""
    from safetensors import SafetensorError

    return AttributeError, SafetensorError, TypeError, ValueError


def _damaged(path: Path, error: Exception) -> ValueError:
    return ValueError(
        f"{path}: not a safetensors file, or a damaged one ({error}); was it cut off in a copy?"
    )


class Apart:
    """A tree of plain values and arrays, copied: plain values for JSON, and the arrays by numbers.

    Parameters
    ----------
    state : dict, list, tuple, ndarray, str, int, float, bool or None
        Keys are text.
    before : Apart, optional
        One that is not needed any more. Its arrays are overwritten, which is faster than new ones.

    Raises
    ------
    TypeError
        If there is anything else in it, with its place.
    """

    def __init__(self, state: Any, before: Apart | None = None) -> None:
        found: dict[str, Array] = {}
        self.plain = _as_plain(state, "", found)
        old: dict[str, Array] = {} if before is None else before.arrays
        self.arrays: dict[str, Array] = {
            key: _copied(each, old.get(key)) for key, each in found.items()
        }


def _copied(array: Array, place: Array | None) -> Array:
    if place is None or place.shape != array.shape or place.dtype != array.dtype:
        return array.copy()
    place[...] = array
    return place


def write_state(file: BinaryIO, kind: str, state: Apart) -> None:
    """Write a tree into an open file, with a checksum.

    Parameters
    ----------
    file : file
        On the disk.
    kind : str
        What it is, and the version of its form; `read_state` asks for the same.
    state : Apart
    """
    text = json.dumps(state.plain, separators=(",", ":"))
    checksum = str(_checksum(text, state.arrays))
    texts = {"format": kind, "state": text, "checksum": checksum}
    write_arrays(file, state.arrays, lambda: texts)


def read_state(path: Path, kind: str) -> Any:
    """Read what `write_state` wrote.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is another file, or a damaged one.
    """
    stored, texts = read_arrays(path)
    if texts.get("format") != kind:
        raise ValueError(
            f"{path}: expected a file of the form {kind!r}, got {texts.get('format')!r}; was it "
            f"written by another version, or put there by somebody else?"
        )
    arrays = dict(stored)
    try:
        text = texts["state"]
        if texts["checksum"] != str(_checksum(text, arrays)):
            raise ValueError("its checksum is another")
        return _from_plain(json.loads(text), arrays)
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: the file is damaged ({error})") from None


def _checksum(text: str, arrays: Mapping[str, Array]) -> int:
    found = zlib.crc32(text.encode())
    for key in sorted(arrays):
        flat = np.ascontiguousarray(arrays[key]).reshape(-1)
        found = zlib.crc32(flat.view(np.uint8).data, found)
    return found


def _as_plain(value: Any, place: str, arrays: dict[str, Array]) -> Any:
    """Return a tree for JSON, with the numbers of arrays in their places; collect the arrays."""
    if isinstance(value, (np.ndarray, np.generic)):
        if value.dtype.str[1:] not in NAMES:
            raise TypeError(f"{place}: expected an array of numbers, got {value.dtype}")
        arrays[str(len(arrays))] = np.asarray(value)
        return {"array" if isinstance(value, np.ndarray) else "number": str(len(arrays) - 1)}
    if isinstance(value, dict):
        for key in value:
            if type(key) is not str:
                raise TypeError(f"{place}: expected text as keys, got {key!r}")
        return {"dict": {k: _as_plain(v, f"{place}/{k}", arrays) for k, v in value.items()}}
    if isinstance(value, (list, tuple)):
        found = [_as_plain(each, f"{place}/{i}", arrays) for i, each in enumerate(value)]
        return found if isinstance(value, list) else {"tuple": found}
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise TypeError(
        f"{place}: expected numbers, text, arrays, or lists and dicts of them, got {value!r}"
    )


def _from_plain(value: Any, arrays: Mapping[str, Array]) -> Any:
    if isinstance(value, list):
        return [_from_plain(each, arrays) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind == "array":
        return arrays[held]
    if kind == "number":
        return arrays[held][()]
    if kind == "tuple":
        return tuple(_from_plain(each, arrays) for each in held)
    if kind == "dict":
        return {key: _from_plain(each, arrays) for key, each in held.items()}
    raise ValueError(f"there is no kind {kind!r}")
