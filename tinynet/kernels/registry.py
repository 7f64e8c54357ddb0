"""Every kernel twice: a NumPy form that reads like the formula, and loops that Numba compiles.

The two are next to each other in one file and share one signature. What a kernel does with its
arrays is written above it, with a letter for each axis::

    @kernel(x="Ij", out=">j")
    def column_sum(x: Array, out: Array) -> None:

``>`` is written and ``+`` is updated; everything else is only read, and nothing is returned. An
array without letters has no axes. Along an axis with a small letter, a kernel may be called for one
piece of its arrays after another: the bits are the same. An axis with a capital is seen as a whole;
here, because it is summed over. The same letter is the same axis. ``KERNELS`` holds all kernels;
one test walks through it and holds both forms to this contract, and to each other.

Numba is imported when the first kernel is called, unless NumPy was chosen: importing tinynet stays
fast, and without Numba the NumPy forms run.
"""

from __future__ import annotations

import functools
import inspect
import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

Form = Callable[..., None]
Function = TypeVar("Function", bound=Callable[..., Any])

KERNELS: dict[str, Kernel] = {}
FORMS = ("numba", "numpy")


class Here(threading.local):
    """What this thread does: the step that it writes down, if it does, and the part it is at."""

    tape: Any = None  # a tinynet.step.tape.Step
    part = ""


here = Here()

# None: the user has not chosen, so "numba" if it can be imported and "numpy" otherwise.
_chosen: str | None = os.environ.get("TINYNET_KERNELS") or None


class Argument(NamedTuple):
    """An array that a kernel is given: "read", "update" or "write", and a letter for each axis."""

    role: str
    axes: str


ROLES = {"+": "update", ">": "write"}


class Kernel:
    """One piece of arithmetic in two forms; calling it runs the form that is in use.

    Parameters
    ----------
    numpy_form : callable
        The form to read. Its name and docstring become the kernel's.
    arrays : dict of str to str
        What it does with each array, as in `kernel`.

    Attributes
    ----------
    numpy_form, loops_form : callable
        The two forms as plain Python functions, to read, to test and to step through.
    library_form : callable
        In place of loops, for products, which BLAS computes.
    parameters : list of str
        Names of all arguments.
    arrays : dict of str to Argument
        In the order of the signature, in which those that are only read come first.
    divided : set of str
        The axes along which it may be called piece by piece.
    """

    def __init__(self, numpy_form: Form, arrays: dict[str, str]) -> None:
        functools.update_wrapper(self, numpy_form)
        self.arrays = {
            name: Argument(ROLES.get(said[:1], "read"), said.lstrip("".join(ROLES)))
            for name, said in arrays.items()
        }
        self.divided = {x for each in self.arrays.values() for x in each.axes if x.islower()}
        self.name = numpy_form.__name__
        self.parameters = list(inspect.signature(numpy_form).parameters)
        self.numpy_form = numpy_form
        self.loops_form: Form | None = None
        self.library_form: Form | None = None
        self._run: Form | None = None
        if self.name in KERNELS:
            raise ValueError(f"two kernels are named {self.name!r}")
        KERNELS[self.name] = self

    def loops(self, loops_form: Form) -> Form:
        """Register the second form, as a decorator: the same arithmetic as explicit loops."""
        self.loops_form = loops_form
        return loops_form

    def by_library(self, library_form: Form) -> Form:
        """Register the second form of a kernel that is computed by a library, not by loops."""
        self.library_form = library_form
        return library_form

    def form(self, name: str) -> Form:
        """Return the runnable form called `name`, ``"numpy"`` or ``"numba"`` (compiled)."""
        if name == "numpy":
            return self.numpy_form
        if self.library_form is not None:
            return self.library_form
        if self.loops_form is None:
            raise TypeError(f"kernel {self.name!r} has no loops to compile")
        return _compile(self.loops_form)

    def __call__(self, *args: Any) -> None:
        """Run the form that is in use; if a step is written down, as a line of it."""
        if here.tape is not None:
            here.tape.add(self, args)
            return
        if self._run is None:
            self._run = self.form(active_form())
        self._run(*args)

    def __reduce__(self) -> str:
        return self.name  # copies and pickles of what holds a kernel refer to it by name

    def __repr__(self) -> str:
        return f"<kernel {self.name}>"


class Differentiable(NamedTuple):
    """A function and its derivative: a pair of kernels, and the constants of both."""

    forward: Form
    backward: Form
    constants: tuple[Any, ...] = ()


def kernel(**arrays: str) -> Callable[[Form], Kernel]:
    """Register the NumPy form of a new kernel, as a decorator.

    Parameters
    ----------
    **arrays : str
        For each array of the signature, a letter for each axis, small if it may be divided; in
        front of them ``>`` if the array is written and ``+`` if it is updated.
    """
    return lambda numpy_form: Kernel(numpy_form, arrays)


def called_by_loops(function: Function) -> Function:
    """Mark a small function that the loops in its file call: it is compiled into them.

    It has to be in the same file, because that is where Numba's cache looks for changes.
    """
    function.called_by_loops = True  # type: ignore[attr-defined]
    return function


@functools.cache
def _compile(loops_form: Form) -> Form:
    from tinynet.kernels.compiled import compile_loops

    return compile_loops(loops_form)


def _numba_is_there() -> bool:
    try:
        import numba  # noqa: F401 (only to see whether it can be imported)
    except ImportError:
        return False
    return True


@functools.cache
def active_form() -> str:
    """Return the name of the form that kernels run in: ``"numba"`` or ``"numpy"``."""
    if _chosen is None:
        return "numba" if _numba_is_there() else "numpy"
    _check_form(_chosen, "the environment variable TINYNET_KERNELS")
    return _chosen


def choose_form(name: str) -> None:
    """Make every kernel run in the form called `name` from now on."""
    global _chosen
    _check_form(name, "use_kernels")
    _chosen = name
    active_form.cache_clear()
    for each in KERNELS.values():
        each._run = None


def _check_form(name: str, origin: str) -> None:
    if name not in FORMS:
        raise ValueError(f"{origin}: expected one of {FORMS}, got {name!r}")
    if name == "numba" and not _numba_is_there():
        raise ImportError(f"{origin}: Numba is not installed; install it or choose 'numpy'")
