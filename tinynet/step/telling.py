"""While a step is written down, the parts of a model say whose lines come next.

A method that does more than call kernels becomes one line of Python.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tinynet.kernels.registry import here
from tinynet.step.tape import Computes, call, several

# Names of what is returned, for printing.
RESULTS = {"forward": "out", "backward": "dx"}


@contextmanager
def telling(parts: Sequence[tuple[str, Computes]]) -> Iterator[None]:
    """Have parts of a model say which lines are theirs, as long as this thread writes them down."""
    before = [dict(vars(part)) for _, part in parts]
    try:
        for name, part in parts:
            for way in part.computing:
                setattr(part, way, _told(name, part, way))
        yield
    finally:  # after an interruption, too
        for (_, part), own in zip(parts, before, strict=True):
            for way in part.computing:
                vars(part).pop(way, None)
                if way in own:  # somebody had put it there
                    setattr(part, way, own[way])


def _told(name: str, part: Computes, way: str) -> Callable[..., Any]:
    """Return a method that says whose lines come next; it is a line itself if it has to be."""
    method = getattr(part, way)

    @functools.wraps(method)
    def whole(*arguments: Any) -> Any:
        return _into_same_gradients(part, method, *arguments)

    @functools.wraps(method)
    def tells(*arguments: Any) -> Any:
        step = here.tape
        if step is None:
            return method(*arguments)
        before, here.part = here.part, name
        found = method(*arguments) if part.only_kernels else call(whole, *arguments)
        here.part = before
        if way in RESULTS:
            for i, each in enumerate(several(found)):
                number = f"[{i}]" if isinstance(found, list) else ""
                step.known.setdefault(f"{name}.{RESULTS[way]}{number}", each)
        return found

    return tells


def _into_same_gradients(part: Any, method: Callable[..., Any], *arguments: Any) -> Any:
    """Call a method of a part, and leave a layer's gradients in the arrays where they were before.

    Custom layers may put new arrays into `grads`. The optimizer's lines would not see those.
    """
    places = dict(getattr(part, "grads", {}))
    found = method(*arguments)
    for key, place in places.items():
        grad = part.grads.get(key, place)
        if grad is not place and grad.shape == place.shape:
            place[...] = grad
            part.grads[key] = place
    return found
