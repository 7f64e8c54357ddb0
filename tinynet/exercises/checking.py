"""Find out whether a learner's function is right; if not, what is wrong, and the likely cause."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.exercises.base import Case, Exercise

# How much an entry may differ, relative to the largest entry of the right answer, or to 1.
TOLERANCE = 1e-9

# Looked for in every exercise, after its own mistakes.
COMMON: dict[str, Callable[[Array], Array]] = {
    "the transpose of the right answer: exchange the factors of the product": np.transpose,
    "the sign: every entry is minus the right one": np.negative,
}


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What `check` has found; printed, it is `text`, and in an ``if`` or ``assert`` it is `passed`.

    Attributes
    ----------
    name : str
        The exercise.
    passed : bool
    text : str
        What is wrong, with which arguments, and why.
    cause : str or None
        The likely cause, where all answers are those of a typical mistake.
    arguments : dict of str to object
        The arguments of the first call that went wrong, to try it again:
        ``f(*result.arguments.values())``. Empty if all went well.
    index : tuple of int, or None
        Where the first wrong entry is, if only values are wrong.
    error : Exception or None
        What the function raised; ``raise result.error`` shows where.
    """

    name: str
    passed: bool
    text: str
    cause: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    index: tuple[int, ...] | None = None
    error: Exception | None = None

    def __repr__(self) -> str:
        return self.text

    def __bool__(self) -> bool:
        return self.passed


@dataclass(frozen=True)
class Call:
    """One call of the learner's function: what came out, and what is right."""

    case: Case
    right: Any
    answer: Any = None
    changed: tuple[str, ...] = ()  # the arguments that are not what they were
    error: Exception | None = None


@dataclass(frozen=True)
class Problem:
    """What is wrong with a call."""

    text: str
    index: tuple[int, ...] | None = None
    may_have_cause: bool = False  # whether it is worth looking for a typical mistake


def examine(exercise: Exercise, f: Callable[..., Any], seed: int) -> Result:
    """Call a learner's function on all cases, and report the first kind of problem there is."""
    cases = list(exercise.cases(np.random.default_rng(seed)))
    cases.append(cases[0])  # once more: nothing may be drawn, or kept from the calls before
    with warnings.catch_warnings(), np.errstate(all="ignore"):  # a NaN speaks for itself
        warnings.simplefilter("ignore")
        calls = [_call(exercise, f, case) for case in cases]
        for look_for in PROBLEMS:
            for number, call in enumerate(calls, start=1):
                problem = look_for(exercise, call)
                if problem is not None:
                    return _report(exercise, calls, number, problem)
    return Result(exercise.name, True, f"{exercise.name}: passed, {len(cases)} cases")


def _report(exercise: Exercise, calls: list[Call], number: int, problem: Problem) -> Result:
    """Put into words what is wrong with a call, and look for the cause."""
    call = calls[number - 1]
    cause = likely_cause(exercise, calls) if problem.may_have_cause else None
    given = dict(zip(exercise.arguments, call.case, strict=True))
    shown = ", ".join(f"{name} {_shown(value)}" for name, value in given.items())
    lines = [f"{exercise.name}: not right yet", f"case {number} of {len(calls)}: {shown}"]
    lines += [problem.text] + ([f"likely cause: {cause}"] if cause else [])
    text = "\n".join(lines).replace("\n", "\n  ")
    return Result(exercise.name, False, text, cause, given, problem.index, call.error)


def _call(exercise: Exercise, f: Callable[..., Any], case: Case) -> Call:
    """Call a learner's function with copies of the arguments."""
    given, right = copy.deepcopy(case), exercise.answer(*case)
    try:
        answer = f(*given)
        # Copies, as the next call may write into the same arrays.
        answer = tuple(map(_kept, answer)) if isinstance(answer, tuple) else _kept(answer)
    except Exception as error:
        return Call(case, right, error=error)
    pairs = zip(exercise.arguments, case, given, strict=True)
    changed = tuple(name for name, before, after in pairs if not np.array_equal(before, after))
    return Call(case, right, answer, changed)


# What is looked for, in this order: each relies on there being nothing of those before it.


def raised(exercise: Exercise, call: Call) -> Problem | None:
    """Look for an error."""
    if call.error is None:
        return None
    said = f"it raised {type(call.error).__name__}: {call.error}"
    return Problem(f"{said}\nit is called as {exercise.signature}; raise result.error shows where")


def wrong_type(exercise: Exercise, call: Call) -> Problem | None:
    """Look for nothing, for what is not an array or a number, and for too many or too few."""
    answer, names = call.answer, exercise.returns.split(", ")
    if answer is None:
        return Problem("it returned None: does it end with return?")
    if len(names) == 1:
        answer = (answer,)
    elif not isinstance(answer, tuple) or len(answer) != len(names):
        found = len(answer) if isinstance(answer, tuple) else type(answer).__name__
        return Problem(f"expected {len(names)} values, return {exercise.returns}; got {found}")
    for name, each in zip(names, answer, strict=True):
        known = isinstance(each, (np.ndarray, np.generic, float, int))
        if not known or np.asarray(each).dtype.kind not in "biufc":
            return Problem(f"expected an array of numbers for {name}, got {type(each).__name__}")
    return None


def wrong_shape(exercise: Exercise, call: Call) -> Problem | None:
    """Look for a shape that differs from that of the right answer."""
    for name, got, right in _outputs(exercise, call):
        if got.shape != right.shape:
            hint = "; transposed?" if got.shape == right.shape[::-1] else ""
            text = f"{name}: expected the shape {right.shape}, got {got.shape}{hint}"
            return Problem(text, may_have_cause=True)
    return None


def changed_argument(exercise: Exercise, call: Call) -> Problem | None:
    """Look for an argument that was written to."""
    if not call.changed:
        return None
    return Problem(
        f"it changed its argument {call.changed[0]}, which belongs to the caller; -=, *= and "
        f"a[...] = write into the array: compute a new one"
    )


def wrong_dtype(exercise: Exercise, call: Call) -> Problem | None:
    """Look for another type than that of the arguments."""
    for name, got, _ in _outputs(exercise, call):
        if got.dtype != np.float64:
            return Problem(f"{name}: expected float64, the type of the arguments, got {got.dtype}")
    return None


def wrong_values(exercise: Exercise, call: Call) -> Problem | None:
    """Look for entries that differ: how many, by how much, and the first of them."""
    for name, got, right in _outputs(exercise, call):
        difference = np.abs(got - right)
        wrong = ~(difference <= _allowed(right))  # a NaN is wrong, too
        if not wrong.any():
            continue
        relative = difference / np.maximum(np.abs(got), np.abs(right))
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        entry = f"{name}[{', '.join(map(str, index))}]" if index else name
        expected, found = _told_apart(right[index], got[index])
        text = (
            f"{name}: {wrong.sum()} of {right.size} entries differ, by at most "
            f"{difference[wrong].max():.3g} (relative {relative[wrong].max():.3g})\n"
            f"first wrong entry: {entry}, expected {expected}, got {found}"
        )
        return Problem(text, index, may_have_cause=True)
    return None


PROBLEMS = (raised, wrong_type, wrong_shape, changed_argument, wrong_dtype, wrong_values)


def likely_cause(exercise: Exercise, calls: list[Call]) -> str | None:
    """Return the typical mistake that gives all of a learner's answers."""
    for cause, wrong in exercise.mistakes.items():
        if all(_same(call.answer, wrong(call.right, *call.case)) for call in calls):
            return cause
    for cause, change in COMMON.items():
        if all(
            _same(call.answer, tuple(change(right) for right in _arrays(call.right)))
            for call in calls
        ):
            return cause
    if not _same(calls[0].answer, calls[-1].answer):
        return "the same arguments gave two answers: is something drawn, or kept between calls?"
    return _factor([each for call in calls for each in _outputs(exercise, call)])


def _factor(outputs: list[tuple[str, Array, Array]]) -> str | None:
    """Return what all entries are multiplied by, if they all are."""
    if any(got.shape != right.shape for _, got, right in outputs):
        return None
    got = np.concatenate([got.reshape(-1) for _, got, _ in outputs])
    right = np.concatenate([right.reshape(-1) for _, _, right in outputs])
    factor = got @ right / (right @ right)
    if np.isfinite(factor) and _same(got, factor * right):
        return f"a factor: every entry is {factor:.4g} times the right one"
    return None


def _outputs(exercise: Exercise, call: Call) -> Iterator[tuple[str, Array, Array]]:
    """Yield the name of each output, what a learner's function returned, and what is right."""
    names = exercise.returns.split(", ")
    yield from zip(names, _arrays(call.answer), _arrays(call.right), strict=True)


def _arrays(outputs: Any) -> tuple[Array, ...]:
    return tuple(map(np.asarray, outputs if isinstance(outputs, tuple) else (outputs,)))


def _same(outputs: Any, others: Any) -> bool:
    """Return whether two answers agree, within the tolerance."""
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=0, atol=_allowed(b), equal_nan=True)
        for a, b in zip(_arrays(outputs), _arrays(others), strict=True)
    )


def _allowed(right: Array) -> float:
    """Return how much an entry may differ."""
    return TOLERANCE * float(np.abs(right[np.isfinite(right)]).max(initial=1.0))


def _kept(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _shown(value: Any) -> str:
    """Return the shape of an array, or a number."""
    if isinstance(value, np.ndarray):
        return str(value.shape)
    return f"= {value:.6g}" if isinstance(value, float) else f"= {value}"


def _told_apart(a: Any, b: Any) -> tuple[str, str]:
    """Write two different numbers with as many digits as it takes to see it."""
    few = f"{a:.6g}", f"{b:.6g}"
    return few if few[0] != few[1] else (f"{a:.17g}", f"{b:.17g}")
