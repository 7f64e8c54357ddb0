"""What is searched: numbers, choices and switches, some of which depend on others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from tinynet.checks import integer, number
from tinynet.interop.keras_tuner import kinds
from tinynet.interop.keras_tuner.kinds import Condition, HyperParameter

SAMPLINGS = ("linear", "log", "reverse_log")


class HyperParameters:
    """A search space, and the values with which a model is built.

    Asked for a hyperparameter for the first time, it keeps it and returns a value: the one that the
    tuner has drawn, or else the default.

    Attributes
    ----------
    values : dict of str to int, float, str or bool
        By name; those whose conditions do not hold are missing.
    space : list of HyperParameter
        All that were asked for, in this order.
    draw : callable, optional
        What finds the value of one of them.
    scopes : list of tuple of Condition
        The conditions of every `conditional_scope` that the model has passed.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.space: list[HyperParameter] = []
        self.draw: Callable[[HyperParameter], Any] | None = None
        self.scopes: list[tuple[Condition, ...]] = []
        self._names: list[str] = []
        self._conditions: list[Condition] = []

    def Int(  # noqa: N802, Keras Tuner's name
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str = "linear",
        default: int | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """Return an integer from `min_value` to `max_value`, both included.

        Parameters
        ----------
        name : str
        min_value, max_value : int
        step : int, optional
            What is added from one possible value to the next; with sampling "log", what it is
            multiplied by: 2, 4, 8, 16 from ``min_value=2, step=2``.
        sampling : {"linear", "log", "reverse_log"}
            "log" tries small numbers more often: from 1 to 10 as often as from 10 to 100;
            "reverse_log" large ones.
        default : int, optional
            By default `min_value`.
        parent_name, parent_values
            As in `conditional_scope`, for this one.

        Returns
        -------
        int, or None if the conditions do not hold

        Raises
        ------
        TypeError, ValueError
            If these are no integers, or leave no interval.
        """
        low, high = integer("min_value", min_value, None), integer("max_value", max_value, None)
        by = None if step is None else integer("step", step)
        if step is None and sampling == "linear":
            by = 1
        first = low if default is None else integer("default", default, None)
        return self._numerical(
            kinds.Int, name, first, low, high, by, sampling, parent_name, parent_values
        )

    def Float(  # noqa: N802, Keras Tuner's name
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str = "linear",
        default: float | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """Return a number from `min_value` to `max_value`.

        Parameters
        ----------
        name : str
        min_value, max_value : float
        step : float, optional
            See `Int`; without it, every number in between is possible.
        sampling, default, parent_name, parent_values
            See `Int`.

        Returns
        -------
        float, or None if the conditions do not hold

        Raises
        ------
        TypeError, ValueError
            If these are no numbers, or leave no interval.
        """
        low, high = number("min_value", min_value), number("max_value", max_value)
        by = None if step is None else number("step", step)
        first = low if default is None else number("default", default)
        return self._numerical(
            kinds.Float, name, first, low, high, by, sampling, parent_name, parent_values
        )

    def Choice(  # noqa: N802, Keras Tuner's name
        self,
        name: str,
        values: Sequence[Any],
        ordered: bool | None = None,
        default: Any = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """Return one of some values, which are all int, all float, all str or all bool.

        Parameters
        ----------
        name : str
        values : sequence
        ordered : bool, optional
            Taken, and without effect: Optuna treats the values of a choice alike.
        default : optional
            By default the first value.
        parent_name, parent_values
            As in `conditional_scope`, for this one.

        Raises
        ------
        TypeError
            If the values are of several types, or of another.
        ValueError
            If there is none, or the default is not among them.
        """
        values = tuple(values)
        if not values:
            raise ValueError(f"values: expected at least one value for {name!r}, got none")
        types = {type(each) for each in values}
        if len(types) > 1 or not types <= {int, float, str, bool}:
            raise TypeError(
                f"values: expected all int, all float, all str or all bool for {name!r}, "
                f"got {list(values)}"
            )
        if default is not None and default not in values:
            raise ValueError(f"default: expected one of {list(values)}, got {default!r}")
        first = values[0] if default is None else default
        with self._under(parent_name, parent_values):
            return self._retrieve(kinds.Choice(self._full(name), self._now(), first, values))

    def Boolean(  # noqa: N802, Keras Tuner's name
        self,
        name: str,
        default: bool = False,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """Return True or False."""
        if not isinstance(default, bool):
            raise ValueError(f"default: expected True or False, got {default!r}")
        with self._under(parent_name, parent_values):
            entry = kinds.Boolean(self._full(name), self._now(), default, (False, True))
            return self._retrieve(entry)

    def Fixed(  # noqa: N802, Keras Tuner's name
        self,
        name: str,
        value: Any,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """Return a value that is not searched, but kept with the others.

        Raises
        ------
        ValueError
            If it is no int, float, str or bool.
        """
        if not isinstance(value, (int, float, str)):
            raise ValueError(f"value: expected an int, float, str or bool, got {value!r}")
        with self._under(parent_name, parent_values):
            return self._retrieve(kinds.Fixed(self._full(name), self._now(), value))

    @contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Any) -> Iterator[None]:
        """Search what is asked for in this block only while another has one of some values.

        Otherwise it returns None. The block's code runs either way.

        Parameters
        ----------
        parent_name : str
        parent_values : value or list of values

        Raises
        ------
        ValueError
            If nothing of that name was asked for before.
        """
        parent = self._full(parent_name)
        if not any(each.name == parent for each in self.space):
            raise ValueError(f"parent_name: no hyperparameter {parent!r} has been asked for yet")
        several = isinstance(parent_values, (list, tuple))
        values = tuple(parent_values) if several else (parent_values,)
        self._conditions.append(Condition(parent, values))
        self.scopes.append(self._now())
        try:
            yield
        finally:
            self._conditions.pop()

    @contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Put a name and a slash in front of the names in this block."""
        self._names.append(name)
        try:
            yield
        finally:
            self._names.pop()

    def get(self, name: str) -> Any:
        """Return a value by its name.

        Raises
        ------
        KeyError
            If nothing of that name was asked for.
        ValueError
            If its conditions do not hold.
        """
        full = self._full(name)
        if full in self.values:
            return self.values[full]
        if any(each.name == full for each in self.space):
            raise ValueError(f"{full!r} is not searched now: its conditions do not hold")
        raise KeyError(full)

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __contains__(self, name: str) -> bool:
        return self._full(name) in self.values

    def copy(self) -> Self:
        """Return the same space with the same values."""
        new = type(self)()
        new.values, new.space = dict(self.values), list(self.space)
        return new

    def _numerical(
        self,
        kind: type[kinds.Numerical],
        name: str,
        default: float,
        low: float,
        high: float,
        step: float | None,
        sampling: str,
        parent_name: str | None,
        parent_values: Any,
    ) -> Any:
        if sampling not in SAMPLINGS:
            raise ValueError(f"sampling: expected one of {', '.join(SAMPLINGS)}, got {sampling!r}")
        if low > high:
            raise ValueError(f"min_value: expected at most max_value, got {low} and {high}")
        if sampling != "linear" and low <= 0:
            raise ValueError(f"min_value: expected more than 0 for {sampling!r}, got {low}")
        if step is not None and sampling == "reverse_log":
            raise ValueError(f"step: none with sampling 'reverse_log', got {step}")
        if step is not None and step <= (1 if sampling == "log" else 0):
            least = "1 for 'log', a factor" if sampling == "log" else "0"
            raise ValueError(f"step: expected more than {least}, got {step}")
        if not low <= default <= high:
            raise ValueError(f"default: expected a number from {low} to {high}, got {default}")
        with self._under(parent_name, parent_values):
            entry = kind(self._full(name), self._now(), default, low, high, step, sampling)
            return self._retrieve(entry)

    def find(self, entry: HyperParameter) -> HyperParameter | None:
        """Return what was asked for first under a name and conditions."""
        wanted = (entry.name, entry.conditions)
        return next((each for each in self.space if (each.name, each.conditions) == wanted), None)

    def value_of(self, entry: HyperParameter) -> Any:
        """Return the value of an entry of the space, drawn now if it has none.

        None if its conditions do not hold.
        """
        if not entry.is_active(self.values):
            return None
        if entry.name not in self.values:
            self.values[entry.name] = self.draw(entry) if self.draw else entry.default
        return self.values[entry.name]

    def _retrieve(self, entry: HyperParameter) -> Any:
        """Return the value of what is asked for, after adding it to the space if it is new."""
        known = self.find(entry)
        if known is None:
            self.space.append(entry)
        return self.value_of(known or entry)

    def _full(self, name: str) -> str:
        return "/".join([*self._names, name])

    def _now(self) -> tuple[Condition, ...]:
        return tuple(self._conditions)

    @contextmanager
    def _under(self, parent_name: str | None, parent_values: Any) -> Iterator[None]:
        if parent_name is None:
            yield
        else:
            with self.conditional_scope(parent_name, parent_values):
                yield
