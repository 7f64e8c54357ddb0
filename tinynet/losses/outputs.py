"""One loss for each output of a model: their weighted sum is what training minimizes."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynet import losses as known
from tinynet.arrays import Array
from tinynet.checks import number
from tinynet.configurable import serialize
from tinynet.kernels.linear import weighted_sum
from tinynet.kernels.rows import cast
from tinynet.losses.base import Loss
from tinynet.step.tape import as_number, call


class OutputLosses(Loss):
    r"""The sum of the losses of all outputs, each with its weight: :math:`\sum_i w_i L_i`.

    Its methods take and return lists with one entry for each output where a `Loss` has one array.
    The derivative by what comes out of output i is :math:`w_i` times that of :math:`L_i`.

    Parameters
    ----------
    losses : list of Loss or None
        None for an output that nobody has targets for.
    weights : list of float
    names : list of str
        Of the outputs.
    order : list of int, optional
        The numbers of the outputs in the order in which Keras reports their losses; by default
        their own.
    titles : list of str, optional
        What the losses are called where the outputs have no names; by default, the losses' names.

    Attributes
    ----------
    values : ndarray of float64, shape (outputs,)
        The losses of the last batch, not yet weighted; 0 where there is none.

    Notes
    -----
    Follows CompileLoss in keras/src/trainers/compile_utils.py.
    """

    computing = ("value", "gradient")

    def __init__(
        self,
        losses: Sequence[Loss | None],
        weights: Sequence[float],
        names: Sequence[str],
        order: Sequence[int] | None = None,
        titles: Sequence[str] | None = None,
    ) -> None:
        super().__init__(name="losses")
        self.order = list(range(len(losses)) if order is None else order)
        self.titles = [each.name if each else "" for each in losses] if titles is None else titles
        self.losses, self.names = list(losses), list(names)
        self.weights = np.array([float(number("loss_weights", each)) for each in weights])
        self.values = np.zeros(len(self.losses))
        self.only_kernels = all(each is None or each.only_kernels for each in self.losses)

    @classmethod
    def of(
        cls, loss: Any, loss_weights: Any, names: Sequence[str], keys: Sequence[str] = ()
    ) -> Loss:
        """Return what `compile` was given as one loss.

        Parameters
        ----------
        loss : str, Loss or function, or list or dict of them
            One for all outputs, or one for each.
        loss_weights : float, or list or dict of float, optional
        names : sequence of str
            Of the outputs; none if they are not known yet.
        keys : sequence of str
            The same in the order of the dict that the model returns, if it returns one.

        Raises
        ------
        TypeError, ValueError
            If there are too few or too many, or one is not known.
        """
        if isinstance(loss, OutputLosses):  # from a file
            return loss
        _refuse_metrics(loss_weights)
        several = isinstance(loss, (list, tuple)) or (
            isinstance(loss, Mapping) and "class_name" not in loss
        )
        if not several and loss_weights is None and len(names) <= 1:
            single: Loss = known.loss_of(loss)
            return single
        names = names or _names_in(loss) or _names_in(loss_weights)
        chosen = for_outputs("loss", loss, names) or [loss] * len(names)
        # As in Keras, a dict may leave outputs out only where the model returns a dict, too.
        if isinstance(loss, Mapping) and not keys and set(names) - set(loss):
            raise ValueError(
                f"loss: expected a loss for each output, {list(names)}, got {list(loss)}; an "
                f"output that has none gets None"
            )
        found: list[Loss | None] = []
        for each in chosen:
            one = None if each is None else known.loss_of(each)
            found.append(copy.deepcopy(one) if one in found else one)
        first = next((each for each in found if each is not None), None)
        if first is None:
            raise ValueError("loss: expected at least one loss, got None for every output")
        if loss_weights is None and len(found) == 1:
            return first
        weights = [1.0] * len(names)
        if loss_weights is not None:
            alone = isinstance(loss_weights, (int, float, np.number)) and len(names) == 1
            given = [loss_weights] if alone else loss_weights
            by_output = for_outputs("loss_weights", given, names)
            if by_output is None:
                raise TypeError(
                    f"loss_weights: expected a list or a dict of numbers, one for each output, got "
                    f"{loss_weights!r}"
                )
            weights = [1.0 if each is None else each for each in by_output]
        in_dict = loss if keys and isinstance(loss, Mapping) else keys
        order = [list(names).index(name) for name in in_dict] or None
        titles = [_title(*each) for each in zip(chosen, found, strict=True)]
        return cls(found, weights, names, order, titles)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, the losses by their configs."""
        return {
            "losses": [None if each is None else serialize(each) for each in self.losses],
            "weights": self.weights.tolist(),
            "names": self.names,
            "order": self.order,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> OutputLosses:
        """Make the losses that `get_config` described."""
        found = [None if each is None else known.loss_of(each) for each in config["losses"]]
        return cls(found, config["weights"], config["names"], config.get("order"))

    @property
    def parts(self) -> dict[str, Loss]:
        """The losses by their names in the logs, and the sum of them, which comes first."""
        singles = zip(unique(self.names), self.losses, strict=True)
        return {"loss": self, **{f"{name}_loss": each for name, each in singles if each}}

    def sees_through(self, activation: Any) -> Any:
        """Return for each output whether its loss reads the logits before its activation."""
        pairs = zip(self.losses, in_list(activation), strict=True)
        found = [each is not None and each.sees_through(ends) for each, ends in pairs]
        return found if isinstance(activation, list) else found[0]

    def value(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, from_logits: Any = None
    ) -> Any:
        """Compute all losses, and return their weighted sum."""
        self.one = not isinstance(y_pred, list)
        seen, targets = in_list(y_pred), in_list(y_true)
        weights = in_list(sample_weight) if sample_weight is not None else [None] * len(seen)
        self.seen = seen
        logits = from_logits if isinstance(from_logits, list) else [from_logits] * len(seen)
        for i, loss in enumerate(self.losses):
            if loss is not None:
                from_there = logits[i] or loss.from_logits
                one = loss.value(targets[i], seen[i], weights[i], from_there)
                if not isinstance(one, np.ndarray):
                    self.values[i] = one
                elif one.ndim:  # where reduction is none, the step is that of the sum
                    call(_sum_into, one, self.values[i : i + 1])
                else:
                    cast(one.reshape(1), self.values[i : i + 1])
        self.total = np.empty(())
        weighted_sum(self.values, self.weights, 1.0, self.total)
        return as_number(self.total)

    def gradient(self) -> Any:
        """Return the derivatives of the last `value` by what came out; 0 where there is no loss."""
        found = []
        for loss, weight, out in zip(self.losses, self.weights.tolist(), self.seen, strict=True):
            dout = np.zeros_like(out) if loss is None else loss.gradient()
            found.append(dout if weight == 1 else call(_times, dout, weight))
        return found[0] if self.one else found


def _title(given: Any, loss: Loss | None) -> str:
    """Return what Keras calls a loss: a function as it was asked for, "mse"; an object by name."""
    if isinstance(given, str) and given != type(loss).__name__:
        return given
    return loss.name if loss else ""


def _names_in(given: Any) -> list[str]:
    """Return names for outputs that are not known yet, as many as there are entries."""
    if isinstance(given, Mapping):
        return [] if "class_name" in given else list(given)
    number = len(given) if isinstance(given, (list, tuple)) else int(given is not None)
    return [f"output_{i + 1}" for i in range(number)]


def _refuse_metrics(loss_weights: Any) -> None:
    """Raise an error if what was given as weights are metrics, which Keras 2 took third."""
    given = loss_weights if isinstance(loss_weights, (list, tuple, Mapping)) else [loss_weights]
    each = given.values() if isinstance(given, Mapping) else given
    if each and all(isinstance(one, (str, list, tuple)) or callable(one) for one in each):
        raise TypeError(
            f"loss_weights: expected numbers, got {loss_weights!r}; as in Keras 3, compile takes "
            f"the weights third, and metrics by name: metrics={given!r}"
        )


def in_list(found: Any) -> list[Any]:
    """Return what there is for each output as a list, also where there is one output."""
    return found if isinstance(found, list) else [found]


def for_outputs(argument: str, given: Any, names: Sequence[str]) -> list[Any] | None:
    """Return what a dict or a list has for each output; None if it is neither.

    Raises
    ------
    ValueError
        If a dict has other keys than the outputs' names, or a list another number of entries.
    """
    if isinstance(given, Mapping) and "class_name" not in given:
        if set(given) - set(names) or len(set(names)) < len(names):
            raise ValueError(
                f"{argument}: expected the names of outputs as keys, {list(names)}, got "
                f"{list(given)}"
            )
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise ValueError(
                f"{argument}: expected {len(names)} entries, one for each output of the model "
                f"({', '.join(names)}), got {len(given)}"
            )
        return list(given)
    return None


def unique(names: Sequence[str]) -> list[str]:
    """Return names that differ: the second "out" becomes "out_1"."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        found.append(f"{name}_{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def _times(dout: Array, weight: float) -> Array:
    scaled: Array = dout * dout.dtype.type(weight)
    return scaled


def _sum_into(losses: Array, place: Array) -> None:
    place[...] = losses.sum()
