"""Files that are whole or not there."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Put a file in its place complete, or leave what was there.

    The content is written to a file beside `path`, forced to the disk and moved to its place
    in one step.

    Parameters
    ----------
    path : str or path
        A file that is there is replaced, and the new one has its permissions.
    content : bytes or str
        Text is written as UTF-8.

    Raises
    ------
    OSError
        If the folder is missing or full; nothing new is left in it.
    """
    path = Path(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, beside)
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
