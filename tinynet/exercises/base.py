"""What an exercise is: a task, hidden cases, the right answer, and the usual wrong ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Case = tuple[Any, ...]  # the arguments of one call


@dataclass(frozen=True)
class Exercise:
    """A function to write, and what is needed to check it.

    Attributes
    ----------
    name : str
        Such as ``"dense/dkernel"``.
    page : str
        The page of the documentation that it belongs to, such as ``"backprop/dense"``.
    returns : str
        What the function returns: the name of an array, or several, with commas.
    answer : callable
        The right answer; the library's own layers compute it in float64.
    cases : callable
        Takes a random generator and yields the arguments of one call after the other.
    mistakes : dict of str to callable
        Causes of wrong answers, and functions that give these answers. Each takes the right answer,
        followed by the arguments of the call.
    """

    name: str
    page: str
    returns: str
    answer: Callable[..., Any] = field(repr=False)
    cases: Callable[[np.random.Generator], Iterable[Case]] = field(repr=False)
    mistakes: Mapping[str, Callable[..., Any]] = field(repr=False)

    @property
    def task(self) -> str:
        """What to write, in a sentence."""
        return (self.answer.__doc__ or "").split("\n")[0]

    @property
    def arguments(self) -> tuple[str, ...]:
        """The names of the function's arguments, in order."""
        return tuple(inspect.signature(self.answer).parameters)

    @property
    def signature(self) -> str:
        """How the function is called, and what it returns: ``"f(x, dz) -> dkernel"``."""
        return f"f({', '.join(self.arguments)}) -> {self.returns}"


def exercise(
    name: str,
    *,
    page: str,
    returns: str,
    cases: Callable[[np.random.Generator], Iterable[Case]],
    mistakes: Mapping[str, Callable[..., Any]],
) -> Callable[[Callable[..., Any]], Exercise]:
    """Make an exercise of the right answer that is decorated; its docstring says what to write."""
    return lambda answer: Exercise(name, page, returns, answer, cases, mistakes)


class Listing(tuple[Exercise, ...]):
    """Exercises that are printed as a table, page by page."""

    def __repr__(self) -> str:
        lines: list[str] = []
        page = None
        for each in self:
            if each.page != page:
                page = each.page
                lines.append(page)
            lines += [f"  {each.name}: {each.signature}", f"      {each.task}"]
        return "\n".join(lines)


# Mistakes that several exercises have in common.
MEAN_FOR_SUM: dict[str, Callable[..., Any]] = {
    "the mean over the n samples, not the sum: the loss has divided by n already": (
        lambda right, x, *rest: right / len(x)
    )
}
