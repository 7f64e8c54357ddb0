"""Files that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_atomically(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Put a file in its place complete, or leave what was there.

    The content is written to a file beside `path`, forced to the disk and moved to its place
    in one step.

    Parameters
    ----------
    path : str or path
        A file that is there is replaced.
    content : bytes or str
        Text is written as UTF-8.

    Raises
    ------
    OSError
        If the folder is missing or full; nothing new is left in it.
    """
    path = Path(path)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # mkstemp's files are for the owner alone
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
