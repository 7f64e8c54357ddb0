"""Ctrl-C while a model is trained or used comes between two steps, never in the middle of one.

A step changes arrays one after the other, and while it is written down, parts of the model. Where
Python raises KeyboardInterrupt between two of them, no training goes on as if nothing had happened.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Whole:
    """Within the ``with``, the first Ctrl-C waits until its end; the second one does not."""

    handler: Any = None
    inside = waiting = False

    def come(self, number: int, frame: FrameType | None) -> None:
        """Let a signal wait, or pass it on."""
        if self.inside and not self.waiting:
            self.waiting = True
        else:
            self.waiting = False
            self.handler(number, frame)

    def __enter__(self) -> None:
        self.inside = True

    def __exit__(self, kind: object, error: object, where: object) -> None:
        self.inside = False
        if self.waiting:
            self.waiting = False
            if error is None:
                self.handler(signal.SIGINT, None)


@contextmanager
def whole_steps() -> Iterator[Whole]:
    """Yield a context for what is to be whole: a step.

    Only a program's main thread is interrupted, so in others nothing is to be done, and neither
    where the program ignores Ctrl-C.
    """
    whole = Whole()
    if threading.current_thread() is threading.main_thread():
        before = signal.getsignal(signal.SIGINT)
        if callable(before):
            whole.handler = before
            signal.signal(signal.SIGINT, whole.come)
    try:
        yield whole
    finally:
        if whole.handler is not None and signal.getsignal(signal.SIGINT) == whole.come:
            signal.signal(signal.SIGINT, whole.handler)
