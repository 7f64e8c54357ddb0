"""How good a trial was: the best value of what is to be improved."""

from __future__ import annotations

import math
from typing import Any

from tinynet.callbacks import History
from tinynet.interop.keras_tuner.oracle import Objective


def score_of(result: Any, objective: Objective) -> tuple[float, int]:
    """Return the mean of the executions' best values, and the epoch of the best of all.

    Raises
    ------
    TypeError, ValueError
        If a result is of another kind, or has not got the objective.
    """
    several = result if isinstance(result, (list, tuple)) else [result]
    found = [_best(each, objective) for each in several]
    sign = 1 if objective.direction == "min" else -1
    score = sum(value for value, _ in found) / len(found)
    if math.isnan(score):
        raise ValueError(f"{objective.name} is not a number")
    return score, min(found, key=lambda each: sign * each[0])[1]


def _best(result: Any, objective: Objective) -> tuple[float, int]:
    if isinstance(result, (int, float)):
        return float(result), 0
    logs = result.history if isinstance(result, History) else result
    if not isinstance(logs, dict):
        raise TypeError(f"fit: expected it to return a History, a dict or a number, got {result!r}")
    if objective.name not in logs:
        raise ValueError(
            f"objective: no {objective.name!r} in the results, which have {list(logs)}"
        )
    found = logs[objective.name]
    values: list[float] = list(found) if isinstance(found, (list, tuple)) else [found]
    pick = min if objective.direction == "min" else max
    known = [step for step, value in enumerate(values) if not math.isnan(value)] or [0]
    step = pick(known, key=lambda each: values[each])
    return float(values[step]), step
