"""The cells that docs/exercises.md gives to autograders, graded as nbgrader and otter-grader do.

Neither is needed: nbgrader takes regions between comments out of cells and counts a cell that
raises an error as failed; otter-grader replaces lines and runs each test as a doctest.
"""

import doctest
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinynet as tn
from tinynet.exercises import EXERCISES

PAGE = (Path(__file__).parents[1] / "docs" / "exercises.md").read_text(encoding="utf-8")
IN_CLASS = PAGE.partition("\n## In class\n")[2].partition("\n## All exercises\n")[0]
ANSWER, TESTS = re.findall(r"^```python\n((?!>>>).*?)^```$", IN_CLASS, re.MULTILINE | re.DOTALL)
STUB = "    raise NotImplementedError()\n"


def without(kind: str, cell: str, instead: str = "") -> str:
    """Return a cell in which a region of nbgrader is replaced."""
    region = rf"^ *### BEGIN {kind}\n.*?^ *### END {kind}\n"
    changed, times = re.subn(region, instead, cell, flags=re.MULTILINE | re.DOTALL)
    assert times == 1
    return changed


VISIBLE = without("HIDDEN TESTS", TESTS)


def mean_for_sum(x: np.ndarray, dz: np.ndarray) -> np.ndarray:
    return x.T @ dz / len(x)


def looked_up(x: np.ndarray, dz: np.ndarray) -> np.ndarray:
    """Return the numbers of the cases that a student can see, and nothing else."""
    exercise = EXERCISES["dense/dkernel"]
    seen = exercise.cases(np.random.default_rng(0))
    known = (exercise.answer(*case) for case in seen if np.array_equal(case[0], x))
    return next(known, np.zeros((x.shape[1], dz.shape[1])))


def grade(tests: str, answer: str | Callable[..., Any]) -> None:
    """Run a cell of tests below a cell with an answer."""
    names: dict[str, Any] = {"tn": tn}
    if isinstance(answer, str):
        exec(answer, names)
    else:
        names["dkernel"] = answer
    exec(tests, names)


def test_nbgrader_passes_the_solution() -> None:
    grade(TESTS, ANSWER)
    assert "seed" in TESTS and "seed" not in VISIBLE


def test_nbgrader_fails_what_is_handed_in_empty() -> None:
    empty = without("SOLUTION", ANSWER, STUB)
    assert "x.T" not in empty and "Return the gradient" in empty
    with pytest.raises(AssertionError, match=r"not right yet(?s:.*)raised NotImplementedError"):
        grade(VISIBLE, empty)


def test_nbgrader_shows_the_cause() -> None:
    with pytest.raises(AssertionError, match="likely cause: the mean over the n samples"):
        grade(VISIBLE, mean_for_sum)


def test_numbers_copied_from_the_visible_tests_fail_the_hidden_ones() -> None:
    grade(VISIBLE, looked_up)
    with pytest.raises(AssertionError):
        grade(TESTS, looked_up)


def in_otter(answer: Callable[..., Any]) -> list[str]:
    """Run the visible and the hidden test of otter-grader; return what each puts out."""
    hidden = next(line for line in TESTS.splitlines() if "seed=" in line)
    assert "| code | `# HIDDEN`, and below it the `assert` with a `seed` |" in IN_CLASS
    said = []
    for name, code in (("visible", VISIBLE), ("hidden", hidden)):
        text = "".join(f">>> {line}\n" for line in code.splitlines())
        names = {"tn": tn, "dkernel": answer}
        test = doctest.DocTestParser().get_doctest(text, names, name, None, None)
        failures: list[str] = []
        doctest.DocTestRunner(verbose=False).run(test, out=failures.append)
        said.append("".join(failures))
    return said


def test_otter_grader_gives_all_points_or_none_and_shows_the_message() -> None:
    line = re.search(r"the line `(.+?)  # SOLUTION`, which becomes `(\.\.\.)`", IN_CLASS)
    assert line and line[1] in ANSWER
    assert in_otter(lambda x, dz: x.T @ dz) == ["", ""]
    wrong, wrong_hidden = in_otter(mean_for_sum)
    assert "likely cause: the mean over the n samples" in wrong and wrong_hidden
    empty, empty_hidden = in_otter(lambda x, dz: ...)
    assert "not right yet" in empty and empty_hidden
