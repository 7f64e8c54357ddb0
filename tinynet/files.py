"""Files that are either complete or not there at all, and the endings of their names."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

# The endings of the files that models are saved in: tinynet's own and Keras's.
MODELS = (".safetensors", ".keras", ".h5")
WEIGHTS = (".safetensors", ".weights.h5")


def require_ending(filepath: str | os.PathLike[str], endings: tuple[str, ...]) -> None:
    """Raise an error if the name of a file has none of the endings."""
    name = Path(filepath).name
    if not name.endswith(endings):
        *first, last = endings
        raise ValueError(
            f"filepath: expected a name that ends in {', '.join(first)} or {last}, got {name!r}"
        )


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
