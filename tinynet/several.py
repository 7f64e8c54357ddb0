"""Samples of which each has several arrays: for models with several inputs or outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinynet import config
from tinynet.arrays import Array
from tinynet.data import Batch, Dataset, brief, check_numbers, gathered, loopable, of_rank, taken
from tinynet.losses.outputs import unique
from tinynet.step.tape import several


class Several(Dataset):
    """Arrays with one entry per sample, several of them for each sample; see `Dataset`.

    Parameters
    ----------
    x : list of array_like
        One for each input.
    y, sample_weight : list of array_like or None
        One for each output.
    inputs, outputs : list of str
        The names of these.

    Raises
    ------
    TypeError, ValueError
        As `Dataset` does.
    """

    def __init__(
        self,
        x: list[Any],
        y: list[Any],
        sample_weight: list[Any],
        inputs: Sequence[str],
        outputs: Sequence[str],
    ) -> None:
        self.dtype = config.floatx()
        inputs = inputs or [f"input_{i + 1}" for i in range(len(x))]
        outputs = outputs or ["output"]
        self.names = {"x": unique(inputs), "y": unique(outputs), "sample_weight": unique(outputs)}
        for field, given in (("x", x), ("y", y), ("sample_weight", sample_weight)):
            many = len(given) > 1
            found = [
                None if each is None else check_numbers(f"{field}[{n!r}]" if many else field, each)
                for n, each in zip(self.names[field], given, strict=True)
            ]
            nothing = all(each is None for each in found)
            setattr(self, field, None if nothing else found if many else found[0])
        if isinstance(self.x, list):
            self.inputs = [f"x[{name!r}]" for name in self.names["x"]]
        self.x = self._each(lambda array: loopable(array, self.dtype), self.x)
        self.check_lengths()

    @staticmethod
    def _each(function: Callable[[Array], Array], field: Any) -> Any:
        """Call a function with every array of a field."""
        if isinstance(field, list):
            return [None if each is None else function(each) for each in field]
        return None if field is None else function(field)

    def __len__(self) -> int:
        return len(several(self.x)[0])

    @property
    def arrays(self) -> dict[str, Array]:
        """All arrays by their names: "x/left" is that of the input "left"."""
        return self._named(self.x, self.y, self.sample_weight)

    def _named(self, *fields: Any) -> dict[str, Array]:
        found: dict[str, Any] = {}
        for (argument, names), field in zip(self.names.items(), fields, strict=True):
            if isinstance(field, list):
                found |= {f"{argument}/{name}": a for name, a in zip(names, field, strict=True)}
            else:
                found[argument] = field
        return {name: array for name, array in found.items() if array is not None}

    @property
    def sample_shape(self) -> Any:
        """Shape of one sample of x, or a list of them."""
        shapes = [each.shape[1:] for each in several(self.x)]
        return shapes if isinstance(self.x, list) else shapes[0]

    def fit_ranks(self, sample_shape: Any) -> None:
        """Put a last axis of size 1 there, or take it away, where a model wants it."""
        found = [
            of_rank(*each) for each in zip(several(self.x), several(sample_shape), strict=True)
        ]
        self.x = found if isinstance(self.x, list) else found[0]

    def batch(self, rows: Array) -> Batch:
        """Return the samples with these numbers, (rows,), of int64."""
        x = self._each(lambda array: gathered(array, rows, self.dtype), self.x)
        y, weights = (
            self._each(lambda array: taken(array, rows), field)
            for field in (self.y, self.sample_weight)
        )
        return Batch(x, y, weights)

    def known(self, batch: Batch) -> dict[str, Array]:
        """Return the arrays that a step reads, and those of its batch, by their names."""
        whole = {f"data.{name}": array for name, array in self.arrays.items()}
        return whole | self._named(*batch)

    def weighted(self, class_weight: Mapping[int, float] | None) -> Dataset:
        """Return the samples with the weights of their classes, if there is one output."""
        if class_weight is not None and isinstance(self.y, list):
            raise ValueError(
                "class_weight: expected a model with one output, got several; give sample_weight, "
                "one array for each"
            )
        return super().weighted(class_weight)


def sorted_out(argument: str, given: Any, names: Sequence[str], kind: str) -> list[Any]:
    """Return a list with one array for each input or output.

    Parameters
    ----------
    argument : str
    given : array_like, list, tuple or dict
    names : sequence of str
        Of the inputs or outputs; none if they are not known yet.
    kind : str
        "input" or "output", for the errors.

    Raises
    ------
    ValueError
        If there are too few or too many arrays, or a name is missing.
    """
    if given is None:
        return [None]
    if isinstance(given, Mapping) and names:
        missing = [name for name in names if name not in given]
        if missing or len(set(names)) < len(names):
            raise ValueError(
                f"{argument}: expected a dict with a key for each {kind} of the model, "
                f"{', '.join(map(repr, names))}, got {', '.join(map(repr, given))}"
            )
        return [given[name] for name in names]
    if isinstance(given, (list, tuple)) and _holds_arrays(given, len(names)):
        if names and len(given) != len(names):
            raise ValueError(
                f"{argument}: expected {len(names)} arrays, one for each {kind} of the model "
                f"({', '.join(names)}), got {len(given)}"
            )
        return list(given)
    if len(names) > 1:
        raise ValueError(
            f"{argument}: expected a list of {len(names)} arrays, one for each {kind} of the model "
            f"({', '.join(names)}), or a dict, got {brief(given)}"
        )
    return [given]


def _holds_arrays(given: Sequence[Any], wanted: int) -> bool:
    """Return whether a list is one of several arrays, rather than an array as a list.

    A list of one array is that array, as in Keras, unless the array is a single sample.
    """
    if wanted > 1:
        return True
    arrays = [each for each in given if hasattr(each, "__array__") and np.ndim(each)]
    if wanted == 1:
        return len(given) == len(arrays) == 1
    return 1 < len(given) == len(arrays) and min(map(np.ndim, arrays)) > 1
