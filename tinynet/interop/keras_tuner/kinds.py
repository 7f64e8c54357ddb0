"""The kinds of things that are searched: numbers, choices and switches, and when each counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from optuna import distributions


@dataclass(frozen=True)
class Condition:
    """Holds while a hyperparameter has one of some values."""

    name: str
    values: tuple[Any, ...]

    def holds(self, values: dict[str, Any]) -> bool:
        """Return whether it does."""
        return self.name in values and values[self.name] in self.values


@dataclass(frozen=True)
class HyperParameter:
    """One thing that is searched, under its name and its conditions.

    Optuna draws from `distribution`, and `value` makes of it what the model is built with; they
    differ where Optuna has no such distribution, such as powers of 2.
    """

    name: str
    conditions: tuple[Condition, ...]
    default: Any

    def is_active(self, values: dict[str, Any]) -> bool:
        """Return whether all conditions hold."""
        return all(each.holds(values) for each in self.conditions)

    @property
    def key(self) -> str:
        """The name under which Optuna draws it: a name may stand under several conditions."""
        said = [f"{each.name} in {list(each.values)}" for each in self.conditions]
        return " if ".join([self.name, " and ".join(said)]) if said else self.name

    def distribution(self) -> distributions.BaseDistribution | None:
        """Return what Optuna draws from; None if there is nothing to draw."""
        return None

    def value(self, drawn: Any) -> Any:
        """Return what the model is built with."""
        return drawn

    def get_config(self) -> dict[str, Any]:
        """Return what it is, without its name."""
        return {"conditions": [[each.name, list(each.values)] for each in self.conditions]}


@dataclass(frozen=True)
class Fixed(HyperParameter):
    """A value that stays as it is: the default."""

    def get_config(self) -> dict[str, Any]:
        """Return the value and the conditions."""
        return {**super().get_config(), "value": self.default}


@dataclass(frozen=True)
class Choice(HyperParameter):
    """One of several values."""

    values: tuple[Any, ...]

    def distribution(self) -> distributions.BaseDistribution:
        """Return the choice."""
        return distributions.CategoricalDistribution(self.values)

    def get_config(self) -> dict[str, Any]:
        """Return the values, the default and the conditions."""
        return {"default": self.default, **super().get_config(), "values": list(self.values)}


@dataclass(frozen=True)
class Boolean(Choice):
    """Yes or no."""

    def get_config(self) -> dict[str, Any]:
        """Return the default and the conditions."""
        return {"default": self.default, **HyperParameter.get_config(self)}


@dataclass(frozen=True)
class Numerical(HyperParameter):
    """A number from an interval, both ends included.

    With a step, from ``min_value``, ``min_value + step``, ...; with sampling "log" from
    ``min_value``, ``min_value * step``, ...
    """

    min_value: float
    max_value: float
    step: float | None
    sampling: str

    def distribution(self) -> distributions.BaseDistribution:
        """Return an interval: of the number itself, of its place among steps, or of 0 to 1."""
        if self.step is not None:
            return distributions.IntDistribution(0, self.steps())
        if self.sampling == "reverse_log":
            return distributions.FloatDistribution(0.0, 1.0)
        low, high, log = self.min_value, self.max_value, self.sampling == "log"
        if isinstance(self, Int):
            return distributions.IntDistribution(int(low), int(high), log=log)
        return distributions.FloatDistribution(low, high, log=log)

    def steps(self) -> int:
        """Return how many steps lead to the last number, which may be below ``max_value``."""
        low, high, step = self.min_value, self.max_value, self.step or 1
        wide = math.log(high / low, step) if self.sampling == "log" else (high - low) / step
        return math.floor(wide + 1e-8)

    def value(self, drawn: Any) -> Any:
        """Return the number for what was drawn."""
        low, high, kind = self.min_value, self.max_value, int if isinstance(self, Int) else float
        if self.step is not None and self.sampling == "log":
            return kind(low * self.step**drawn)
        if self.step is not None:
            return kind(low + drawn * self.step)
        if self.sampling == "reverse_log":
            away = low * ((high / low) ** (1 - drawn) - 1)
            return kind(round(high - away)) if kind is int else high - away
        return drawn

    def get_config(self) -> dict[str, Any]:
        """Return the interval, the default and the conditions."""
        return {
            "default": self.default,
            **super().get_config(),
            "min_value": self.min_value,
            "max_value": self.max_value,
            "step": self.step,
            "sampling": self.sampling,
        }


@dataclass(frozen=True)
class Int(Numerical):
    """An integer."""


@dataclass(frozen=True)
class Float(Numerical):
    """A number."""
