"""What uses a whole model is no part of a step that this thread writes down in the meantime."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tinynet.kernels.registry import here
from tinynet.kernels.threads import products_as_chosen


@contextmanager
def apart() -> Iterator[None]:
    """Compute as `products_as_chosen`, and write nothing down.

    In the middle of a step, the handler of a signal or of a warning may ask a model for something.
    """
    step, here.tape = here.tape, None
    try:
        with products_as_chosen():
            yield
    finally:
        here.tape = step
