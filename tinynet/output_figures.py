"""The losses and the metrics of an epoch, for each output of a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinynet import metrics
from tinynet.arrays import Array
from tinynet.configurable import is_own
from tinynet.data import Batch
from tinynet.figures import Figures, Logs, Pair
from tinynet.kernels.means import add_mean
from tinynet.losses.base import Loss
from tinynet.losses.looking import THROUGH, Predictions
from tinynet.losses.outputs import OutputLosses, for_outputs, in_list
from tinynet.metrics.base import RunningMean
from tinynet.metrics.errors import LossMean
from tinynet.step.tape import call


class OutputFigures(Figures):
    """As `Figures`, with a loss and metrics for each output: "left_loss", "left_accuracy".

    Outputs that a ``call`` of the user's own returns as a list have no names in Keras: then it is
    "mse_loss" and "accuracy".

    Parameters
    ----------
    plain, weighted : list of list
        The metrics of each output.
    losses : OutputLosses
    model : Trainer

    Notes
    -----
    Follows CompileMetrics in keras/src/trainers/compile_utils.py.
    """

    def __init__(
        self,
        plain: Sequence[Sequence[object]],
        weighted: Sequence[Sequence[object]],
        losses: OutputLosses,
        model: Any,
    ) -> None:
        self.losses, self.model, self.outputs = losses, model, list(model.output_names)
        self.prefixes = [f"{name}_" if model.names_outputs else "" for name in self.outputs]
        titles = self.outputs if model.names_outputs else losses.titles
        self.of = tuple(  # the number of the output that a metric belongs to
            [number for number, some in enumerate(each) for _ in some] for each in (plain, weighted)
        )
        with_loss = [number for number in losses.order if losses.losses[number] is not None]
        # As in Keras, there are no figures for a single loss, which is the whole loss.
        self.means = {number: RunningMean() for number in with_loss if len(with_loss) > 1}
        self.titles = {number: f"{titles[number]}_loss" for number in self.means}
        self.losses_in_logs = list(self.titles.values())
        flat = ([each for some in lists for each in some] for lists in (plain, weighted))
        super().__init__(*flat)

    @property
    def given(self) -> Any:
        """What was given to ``compile``: lists of the metrics of each output."""
        found: tuple[list[list[Any]], ...] = tuple([[] for _ in self.outputs] for _ in self.of)
        for lists, choices, of in zip(found, self.choices, self.of, strict=True):
            for choice, number in zip(choices, of, strict=True):
                lists[number].append(choice)
        return found

    def check(self, y: Any, output_shape: Any) -> None:
        """Check that all metrics accept such targets; nothing is changed."""
        for some, of in zip(self._for_shapes(y, output_shape), self.of, strict=True):
            for metric, number in zip(some, of, strict=True):
                metric.check_shapes(y[number].shape, (len(y[number]), *output_shape[number]))

    def _for_shapes(self, y: Any, output_shape: Any) -> Pair:
        if self.built:
            return self.plain, self.weighted
        found = []
        for choices, some, of in zip(
            self.choices, (self.plain, self.weighted), self.of, strict=True
        ):
            chosen = []
            for choice, metric, number in zip(choices, some, of, strict=True):
                if y[number] is None:
                    raise ValueError(
                        f"y: expected targets for the metrics of {self.outputs[number]!r}, got None"
                    )
                shape = (len(y[number]), *output_shape[number])
                by_name = isinstance(choice, str)
                chosen.append(
                    metrics.for_shapes(choice, y[number].shape, shape) if by_name else metric
                )
            found.append(chosen)
        return found[0], found[1]

    def _name(self) -> None:
        """Give every metric a unique name with its output's in front, as Keras does."""
        self.named.clear()
        seen: Counter[str] = Counter()
        both = zip((self.plain, self.weighted), self.of, ("", "weighted_"), strict=True)
        for some, of, again in both:
            for metric, number in zip(some, of, strict=True):
                prefix = self.prefixes[number]
                name = f"{prefix}{metric.name}"
                if again and seen[name]:
                    name = f"{prefix}{again}{metric.name}"
                self.named[f"{name}_{seen[name]}" if seen[name] else name] = metric
                seen[name] += 1
        self.sorted_names = sorted({"loss", *self.named, *self.losses_in_logs})

    @property
    def arrays(self) -> dict[str, Array]:
        """What the means over an epoch are made of."""
        single = {self.titles[number]: mean for number, mean in self.means.items()}
        return super().arrays | {
            f"{name}/{part}": getattr(mean, part)
            for name, mean in single.items()
            for part in ("total", "count")
        }

    def update(self, batch: Batch, out: Any, loss: float | Array) -> None:
        """Take in a batch."""
        rows = len(out[0])
        add_mean(np.asarray(loss), rows, self.loss.total, self.loss.count)
        # Keras counts samples where it knows how many there are. In a step that it has compiled for
        # batches of any size it does not, and a smaller batch counts as much as the others.
        counted = rows if self.model.run_eagerly else 1
        for number, mean in self.means.items():
            value = self.losses.values[number : number + 1].reshape(())
            add_mean(value, counted, mean.total, mean.count)
        self.update_metrics(batch.y, out, batch.sample_weight)

    def update_metrics(self, y: Any, out: Any, sample_weight: Any) -> None:
        """Take a batch into the metrics alone."""
        for metric, number in zip(self.plain, self.of[0], strict=True):
            metric.update_state(y[number], out[number])
        for metric, number in zip(self.weighted, self.of[1], strict=True):
            weights = None if sample_weight is None else sample_weight[number]
            metric.update_state(y[number], out[number], weights)

    def collected(self) -> Logs:
        """Return all values by name, those of the single losses last."""
        single = {self.titles[number]: mean.result() for number, mean in self.means.items()}
        return super().collected() | single

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        for mean in self.means.values():
            mean.reset_state()


class LooksBack(Figures):
    """As `Figures`; metrics that are cross-entropies read what a final softmax or sigmoid gets.

    So it is in Keras on TensorFlow, in fit, evaluate and the methods for one batch: the number is
    that of the loss of the same name. Called on predictions, such a metric has only these. Metrics
    of the user's may call a cross-entropy: they are given `Predictions`, as the others are.

    Attributes
    ----------
    model : Trainer
        Whose logits are read.
    """

    model: Any

    @property
    def only_kernels(self) -> bool:
        """True: `update` makes one line, which gets the logits."""
        return True

    def update(self, batch: Batch, out: Any, loss: float | Array) -> None:
        """Take in a batch."""
        ends = in_list(self.model.final_activation)
        looks = [each.name in THROUGH for each in ends]
        logits = self.model.logits(out, looks if len(ends) > 1 else looks[0])
        call(self._update, ends, looks, batch, out, loss, logits)

    def _update(
        self, ends: Any, looks: list[bool], batch: Batch, out: Any, loss: float, logits: Any
    ) -> None:
        each = zip(looks, in_list(out), in_list(logits), ends, strict=True)
        seen: Any = [Predictions.of(*known) if looked else known[0] for looked, *known in each]
        super().update(batch, seen if isinstance(out, list) else seen[0], loss)


class OutputsLookBack(LooksBack, OutputFigures):
    """As `OutputFigures`, with metrics that look back; see `LooksBack`."""


def made(plain: Any, weighted: Any) -> tuple[Any, Any]:
    """Return what was given to ``compile`` with an object for each class, which is counted once."""
    return _made(plain), _made(weighted)


def _made(given: Any) -> Any:
    if isinstance(given, (list, tuple)):
        return [_made(each) for each in given]
    if isinstance(given, dict) and "class_name" not in given:
        return {name: _made(each) for name, each in given.items()}
    if isinstance(given, type) and issubclass(given, metrics.Metric):
        return metrics.metric_of(given)
    return given


def loss_and_figures(
    loss: Any, loss_weights: Any, metrics: Any, weighted_metrics: Any, model: Any
) -> tuple[Loss, Figures]:
    """Return the loss and the figures of what was given to ``compile``.

    Raises
    ------
    TypeError, ValueError
        If the form does not fit the outputs, as far as they are known, or a name is not known.
    """
    found = OutputLosses.of(loss, loss_weights, model.output_names, getattr(model, "keys", ()))
    return found, figures_for(metrics, weighted_metrics, found, model)


def figures_for(plain: Any, weighted: Any, loss: Loss, model: Any) -> Figures:
    """Return the figures of what was given to ``compile``: lists or dicts of metrics.

    Parameters
    ----------
    plain, weighted : list or dict, optional
        For several outputs a list with one entry for each output, which is a metric or a list of
        them, or a dict of such entries by the names of outputs.
    loss : Loss
    model : Trainer

    Raises
    ------
    TypeError, ValueError
        If the form does not fit the outputs, or a metric is not known.
    """
    names = model.output_names
    if len(names) <= 1 or not isinstance(loss, OutputLosses):
        figures = Figures(_flat(plain), _flat(weighted))
        if _looks_back(figures):
            figures = LooksBack(_flat(plain), _flat(weighted))
            figures.model = model
        return figures
    of_outputs = []
    for argument, given in (("metrics", plain), ("weighted_metrics", weighted)):
        entries = for_outputs(argument, given, names) if given else [None] * len(names)
        if entries is None:
            raise TypeError(
                f"{argument}: expected a list with one entry for each output, or a dict, got "
                f"{given!r}"
            )
        of_outputs.append([_flat([] if each is None else [each]) for each in entries])
    figures = OutputFigures(of_outputs[0], of_outputs[1], loss, model)
    if _looks_back(figures):
        figures = OutputsLookBack(of_outputs[0], of_outputs[1], loss, model)
    return figures


def _looks_back(figures: Figures) -> bool:
    """Return whether there are metrics that may read logits: cross-entropies, or the user's."""
    return any(
        isinstance(each, metrics.MeanMetricWrapper)
        or not is_own(type(each))
        or (isinstance(each, LossMean) and each.loss.looks_through)
        for each in (*figures.plain, *figures.weighted)
    )


def _flat(given: Any) -> Any:
    """Return the metrics in lists and dicts as one list; anything else as it is."""
    if given is None:
        return []
    if isinstance(given, Mapping) and "class_name" not in given:
        given = [given[name] for name in sorted(given)]
    if not isinstance(given, (list, tuple)):
        return given
    found: list[Any] = []
    for each in given:
        inner = _flat(each)
        found += inner if isinstance(inner, list) else [inner]
    return found
