"""Files that are either complete or not there at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def whole_or_not(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a path next to `path` to write to; move the file into place once it is complete.

    After the block, the file is forced to disk and moved in one step. If the block or the disk
    fails, nothing new is left behind, and what was at `path` stays.

    Parameters
    ----------
    path : str or path
        An existing file is replaced, and the new one gets its permissions.

    Raises
    ------
    OSError
        If the folder is missing or the disk is full.
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
    """Write a file completely, or leave what was there; see `whole_or_not`.

    Parameters
    ----------
    path : str or path
    content : bytes or str
        Text is written as UTF-8.
    """
    with whole_or_not(path) as beside:
        beside.write_bytes(content.encode() if isinstance(content, str) else content)
