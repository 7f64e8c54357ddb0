"""Losses and metrics as functions: ``losses.mean_squared_error(y_true, y_pred)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class ByFunction:
    """A loss or a metric as a function that gives one number for each sample.

    Where a loss or a metric is expected, it stands for the class of that name.

    Parameters
    ----------
    name : str
        ``"mean_squared_error"``.
    kind : type
        The class.
    of_samples : callable
        Gives the numbers: called with the class, y_true, y_pred and the options.
    """

    def __init__(self, name: str, kind: type[Any], of_samples: Callable[..., Any]) -> None:
        self.__name__, self.kind, self.of_samples = name, kind, of_samples
        self.__doc__ = f"Return the numbers of `{kind.__name__}` for single samples."

    def __call__(self, y_true: Any, y_pred: Any, **options: Any) -> Any:
        """Return one number for each sample; the options are those of the class."""
        return self.of_samples(self.kind, y_true, y_pred, **options)

    def __repr__(self) -> str:
        return f"<function {self.__name__}>"
