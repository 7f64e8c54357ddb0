"""What is printed, on streams that do not know every sign: an old code page, ``LANG=C``, a log."""

from __future__ import annotations

import sys
from typing import TextIO


def can_show(text: str, stream: TextIO | None = None) -> bool:
    """Return whether a stream, by default the standard output, can write a text."""
    try:
        text.encode(_encoding(stream))
    except UnicodeEncodeError:
        return False
    return True


def printable(text: str, stream: TextIO | None = None) -> str:
    """Return a text with ``?`` in place of what a stream cannot write."""
    encoding = _encoding(stream)
    return text.encode(encoding, "replace").decode(encoding)


def say(text: str) -> None:
    """Print a line to the standard output at once, whatever its encoding is."""
    print(printable(text), flush=True)


def _encoding(stream: TextIO | None) -> str:
    return getattr(stream or sys.stdout, "encoding", None) or "utf-8"
