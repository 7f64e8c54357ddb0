"""Importing rich leaves Python's global random numbers as they are.

`rich.style` draws one of them while it is imported, and scikit-learn's metrics import it. A layer
without a seed takes its own from the same generator. Keras has imported rich before a script can
seed anything; so a script that seeds, imports scikit-learn and then makes a layer would have
other weights here than there.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

# What Keras 3.15.1 on TensorFlow imports and what draws when it is imported: nothing else does.
DRAWS = "rich.style"


class Quiet:
    """A finder of modules that waits for `DRAWS`, and sees to it that it draws nothing."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module as it would be found without this, and wrap what runs it."""
        if name != DRAWS:
            return None
        sys.meta_path.remove(self)
        found = find_spec(name)
        if found is not None and found.loader is not None:
            run: Any = found.loader.exec_module
            found.loader.exec_module = lambda module: undrawn(run, module)  # type: ignore[method-assign]
        return found


def undrawn(run: Any, module: ModuleType) -> None:
    """Run a module, and put Python's global generator back to where it was."""
    import random

    state = random.getstate()
    try:
        run(module)
    finally:
        random.setstate(state)


def wait() -> None:
    """Begin to wait, unless the module is there already."""
    if DRAWS not in sys.modules:
        sys.meta_path.insert(0, Quiet())
