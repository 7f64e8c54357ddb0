"""Exercises: functions to write yourself, and a check that says what is wrong with them.

`list` shows all exercises, with what to write; `check` runs a function on hidden cases and compares
what it returns with what the library's own layers compute in float64. If the answers differ, it
looks for the likely cause among the mistakes that are usual in that exercise: a transpose, a sum
that is missing, a division by n too many.

The exercises need nothing but NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinynet.configurable import known_name
from tinynet.exercises import (
    activations,
    batch_norm,
    convolution,
    dense,
    dropout,
    initialization,
    layer_norm,
    losses,
    one_neuron,
    optimizers,
    pooling,
    regularization,
    softmax,
)
from tinynet.exercises.base import Exercise, Listing
from tinynet.exercises.checking import Result, examine

__all__ = ["Exercise", "Result", "check", "list"]

PARTS = (
    one_neuron,
    dense,
    activations,
    softmax,
    losses,
    initialization,
    optimizers,
    regularization,
    dropout,
    batch_norm,
    layer_norm,
    convolution,
    pooling,
)
EXERCISES = {
    found.name: found
    for part in PARTS
    for found in vars(part).values()
    if isinstance(found, Exercise)
}


def list() -> Listing:
    """Return all exercises; printed, they are a table.

    Returns
    -------
    tuple of Exercise
        In the order of the pages that they belong to.

    Examples
    --------
    >>> import tinynet as tn
    >>> tn.exercises.list()[2].name
    'dense/forward'
    """
    return Listing(EXERCISES.values())


def check(name: str, f: Callable[..., Any], seed: int = 0) -> Result:
    r"""Run a learner's function on hidden cases, and say what is wrong.

    The cases are random float64 arrays of several shapes, a single sample among them. Every call
    gets copies. Looked for are, in this order: an error; None or another type than an array; a
    wrong shape; an argument that was changed; a dtype other than float64; and entries that
    differ from the right ones by more than :math:`10^{-9} \max(1, \max|right|)`.

    Parameters
    ----------
    name : str
        The exercise, such as ``"dense/dkernel"``; see `list`.
    f : callable
        The function, with the arguments that `list` shows, in that order.
    seed : int
        Another seed draws other cases.

    Returns
    -------
    Result
        True if the function passed; printed, it says what is wrong, with the likely cause.

    Raises
    ------
    ValueError
        If there is no exercise with that name; the closest one is suggested.
    TypeError
        If `name` is not a string, or `f` cannot be called.

    Examples
    --------
    >>> import tinynet as tn
    >>> tn.exercises.check("dense/dkernel", lambda x, dz: x.T @ dz)
    dense/dkernel: passed, 6 cases
    >>> tn.exercises.check("dense/dkernel", lambda x, dz: x.T @ dz / len(x)).cause
    'the mean over the n samples, not the sum: the loss has divided by n already'
    """
    if not isinstance(name, str):
        raise TypeError(
            f"name: expected that of an exercise, such as 'dense/dkernel', got {name!r}; the "
            f"function comes second"
        )
    exercise = EXERCISES[known_name("exercise", name, EXERCISES)]
    if not callable(f):
        raise TypeError(
            f"f: expected a function, called as {exercise.signature}, got {type(f).__name__}; give "
            f"the function itself, not what it returns"
        )
    return examine(exercise, f, seed)
