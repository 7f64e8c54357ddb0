"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_or_not(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path beside `path` to write to; move the file to its place once it is complete.

    After the block it is forced to the disk and moved in one step. If the block or the disk
    fails, nothing new is left, and what was at `path` stays.

    Parameters
    ----------
    path : str or path
        A file that is there is replaced, and the new one has its permissions.

    Raises
    ------
    OSError
        If the folder is missing or full.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.open("xb").close()
        yield beside
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, beside)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_atomically(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Put a file in its place complete, or leave what was there; see `whole_or_not`.

    Parameters
    ----------
    path : str or path
    content : bytes or str
        Text is written as UTF-8.
    """
    with whole_or_not(path) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)
