"""What Hypothesis draws: the texts of cases, and the numbers that they are fed.

Numbers come from NumPy's generator and a drawn seed. Some of them are rounded to halves, so that
ties and kinks occur: 0 under a rectifier, two equal maxima, a target that is met exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from parity_tests.backend import BACKEND

FLOAT_TYPES = st.sampled_from(["float64", "float32"])
SEEDS = st.integers(0, 2**32 - 1)
# Numbers that cancel, completely or almost, when they are added or compared.
PATTERNS: dict[str, Callable[[tuple[int, ...]], np.ndarray]] = {
    "nothing": lambda shape: np.zeros(shape),
    "all alike": lambda shape: np.full(shape, 0.7),  # which no float has exactly
    "to and fro": lambda shape: 1 - 2.0 * (np.indices(shape).sum(axis=0) % 2),
}
# A softmax over one class is always 1. Both libraries warn, and compute it.
one_class_is_meant = pytest.mark.filterwarnings(
    "ignore:(?s).*"
    "(axis has size 1|num_classes > 1|predictions with one column|softmax over a single number)"
)


def examples(number: int) -> settings:
    """Draw this many examples, the same ones in every run.

    On JAX, which compiles every operation again for every shape, a third of them.
    """
    number = max(5, number // 3) if BACKEND == "jax" else number
    return settings(max_examples=number, deadline=None, database=None, derandomize=True)


def number(low: float, high: float) -> st.SearchStrategy[str]:
    """Draw a decimal with two places, as text."""
    return st.integers(round(100 * low), round(100 * high)).map(lambda n: str(n / 100))


def one_of(*texts: str) -> st.SearchStrategy[str]:
    """Draw one of some texts."""
    return st.sampled_from(texts)


def call(function: str, *first: Any, **options: Any) -> st.SearchStrategy[str]:
    """Draw the text of a call; every option is either given or left at its default.

    Parameters
    ----------
    function : str
        ``"keras.layers.Dense"``.
    *first : strategy of str
        Arguments that are always given.
    **options : strategy of str
        The option's text.
    """
    named = st.fixed_dictionaries({}, optional=options)
    return st.tuples(st.tuples(*first), named).map(
        lambda drawn: (
            f"{function}({', '.join([*drawn[0], *(f'{k}={v}' for k, v in drawn[1].items())])})"
        )
    )


def shapes(*axes: int, smallest: int = 1) -> st.SearchStrategy[tuple[int, ...]]:
    """Draw the shape of a batch with one of these numbers of axes."""
    size = st.sampled_from(sorted({smallest, 2, 5} - set(range(smallest))))
    return st.sampled_from(axes).flatmap(lambda n: st.tuples(*[size] * n))


def numbers(seed: int, shape: tuple[int, ...], floatx: str, scale: float = 1.0) -> np.ndarray:
    """Make normal numbers; on TensorFlow, whose choice at a kink is tinynet's, with kinks."""
    rng = np.random.default_rng(seed)
    x = rng.normal(scale=scale, size=shape)
    if BACKEND == "tensorflow":
        x = np.where(rng.random(shape) < 0.3, np.round(2 * x) / 2, x)
    return x.astype(floatx)
