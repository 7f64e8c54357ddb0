"""A stopwatch for functions that are called from Python."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any


class Stopwatch:
    """Adds up the seconds of the functions that it is wrapped around.

    If one function calls another of the same name, only the time of the outer one counts.
    """

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            if name in self.running:
                return function(*args, **kwargs)
            self.running.add(name)
            start = time.perf_counter()
            found = function(*args, **kwargs)
            self.seconds[name] += time.perf_counter() - start
            self.calls[name] += 1
            self.running.remove(name)
            return found

        return timed
