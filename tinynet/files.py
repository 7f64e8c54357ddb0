"""Files that are either complete or not there at all, and the endings of their names.

Everything that tinynet writes goes through here. A file that is written once appears in one step,
`whole_or_not`. A table that grows keeps the lines that it has, `append`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

# The endings of the files that models are saved in: tinynet's own and Keras's.
MODELS = (".safetensors", ".keras", ".h5", ".hdf5")
WEIGHTS = (".safetensors", ".weights.h5")
# What the disk says where folders need not, or cannot, be forced to it.
NOT_FOR_FOLDERS = (errno.EINVAL, errno.ENOTSUP)
LONGEST = 60  # letters of a name that are kept in the name beside it; no name is over 255 bytes
MOST_PARTS = 1024  # that the systems take in one call


def require_ending(filepath: str | os.PathLike[str], endings: tuple[str, ...]) -> None:
    """Raise an error if the name of a file has none of the endings."""
    name = Path(filepath).name
    if not name.endswith(endings):
        *first, last = endings
        raise ValueError(
            f"filepath: expected a name that ends in {', '.join(first)} or {last}, got {name!r}"
        )


@contextlib.contextmanager
def whole_or_not(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a file next to `path` to write to; move it into place once it is complete.

    After the block, the file is forced to disk, moved in one step, and then the folder, which
    holds its name, is forced to disk too. If the block or the disk fails, or the program is
    interrupted, nothing new is left behind, and what was at `path` stays. If the program is killed
    or the power fails, there is the old file or the new one, and perhaps one more with a dot in
    front and eight letters behind its name, which can be deleted.

    Parameters
    ----------
    path : str or path
        An existing file is replaced, and the new one gets its permissions before it is written.

    Raises
    ------
    OSError
        If the folder is missing, the disk is full, or there is no permission to write there. It
        names `path`. Only if the last step fails, to force the folder to disk, is the new file
        there all the same.
    """
    path = Path(path)
    beside = path.with_name(f"{_begin_of_names_beside(path)}{secrets.token_hex(4)}")
    try:
        with naming(path, beside):
            file = open_new(beside)
            try:
                if path.exists():
                    shutil.copymode(path, beside)
                yield file
                file.flush()
                os.fsync(file.fileno())
                file.close()
            except BaseException:
                with contextlib.suppress(OSError):  # the first error is the one to be told
                    file.close()
                raise
            beside.replace(path)
            sync_folder(path.parent)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise


def open_new(path: Path) -> BinaryIO:
    """Open a file that is not there yet, to write and to read."""
    return path.open("x+b")


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to disk, where the system can do so."""
    if os.name == "nt":
        return  # folders cannot be opened there
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in NOT_FOR_FOLDERS:
            raise
    finally:
        os.close(number)


@contextlib.contextmanager
def naming(path: Path, *others: Path) -> Iterator[None]:
    """Let errors of the system name a file, where they name none or one of the others."""
    try:
        yield
    except OSError as error:
        if error.filename not in (None, *map(os.fspath, others)):
            raise
        if error.errno is None:
            raise OSError(f"{path}: {error}") from None
        raise OSError(error.errno, os.strerror(error.errno), os.fspath(path)) from None


def write_atomically(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file completely, or leave what was there; see `whole_or_not`.

    Parameters
    ----------
    path : str or path
    content : bytes or str
        Text is written as UTF-8.
    """
    with whole_or_not(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def write_parts(file: BinaryIO, parts: Sequence[memoryview]) -> None:
    """Write parts of bytes one after the other, in one call of the system where it has such a call.

    A file system takes longer for a hundred calls than for a single one.

    Parameters
    ----------
    file : file
        On the disk, and open to write at its end.
    parts : sequence of memoryview
    """
    taken = 0
    if hasattr(os, "writev"):  # not on Windows
        file.flush()
        taken = os.writev(file.fileno(), parts[:MOST_PARTS])
        file.seek(0, os.SEEK_END)
    for part in parts:  # what is left, of many parts, of gigabytes, or because the disk is full
        if taken < len(part):
            file.write(part[taken:])
        taken = max(0, taken - len(part))


def append(path: str | os.PathLike[str], text: str) -> int:
    """Add lines to the end of a table, and force them to disk; what it has is not touched.

    Parameters
    ----------
    path : str or path
        Made if it is not there.
    text : str
        Ends in a line feed.

    Returns
    -------
    int
        The size of the file in bytes.

    Raises
    ------
    OSError
        If the lines cannot be written, or not all of them. Then the file is cut back to what it
        had. It names the file.

    Notes
    -----
    If the program is killed or the power fails, the last line may be there in part:
    `cut_off_line` takes it away.
    """
    path = Path(path)
    with naming(path):
        begins = not path.exists()
        file = path.open("ab")
        size = file.tell()
        try:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
            file.close()
        except BaseException:
            with contextlib.suppress(OSError):
                file.close()
            with contextlib.suppress(OSError):
                os.truncate(path, size)
            raise
        if begins:
            sync_folder(path.parent)
    return size + len(text.encode())


def cut_off_line(path: str | os.PathLike[str]) -> str:
    """Take away the end of a table behind its last line feed, and return it."""
    path = Path(path)
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
        if file.read() in (b"", b"\n"):
            return ""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    write_atomically(path, whole)
    return content[len(whole) :].decode(errors="replace")


def size_of(path: Path) -> int:
    """Return the size of a file in bytes; 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def cut_back(path: Path, size: int) -> None:
    """Take away what a table has had added since it had a size; at 0, the file itself."""
    if size == 0:
        path.unlink(missing_ok=True)
    elif size_of(path) > size:
        os.truncate(path, size)


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove what writers of a file have left beside it when they were killed.

    Only for a file that nobody else may be writing at the same time.
    """
    path = Path(path)
    begin = _begin_of_names_beside(path)
    if path.parent.is_dir():
        for each in path.parent.iterdir():
            if each.name.startswith(begin) and len(each.name) == len(begin) + 8:
                each.unlink(missing_ok=True)


def _begin_of_names_beside(path: Path) -> str:
    return f".{path.name[:LONGEST]}."
