"""The loss and the metrics of an epoch, over all its batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet import metrics
from tinynet.arrays import Array
from tinynet.data import Batch
from tinynet.kernels.means import add_mean
from tinynet.metrics.base import RunningMean
from tinynet.step.tape import Computes

Logs = dict[str, Any]
Pair = tuple[list[metrics.Metric], list[metrics.Metric]]


class Figures(Computes):
    """Updates the loss and the metrics, and returns their results by name.

    Parameters
    ----------
    plain, weighted : sequence of str or Metric
        What was given to ``compile``. "accuracy" is resolved when the shapes are known.

    Attributes
    ----------
    named : dict of str to Metric
        If two metrics have the same name, the later one gets a number or, if it is weighted, the
        prefix "weighted_".

    Raises
    ------
    TypeError
        If a single metric was given where a list belongs.
    ValueError
        If a metric is not known.
    """

    computing = ("update",)
    losses_in_logs: Sequence[str] = ()  # the names of the losses of several outputs

    @property
    def only_kernels(self) -> bool:
        """Whether a step can write down the metrics line by line; see `Computes`."""
        return not self.weighted and all(metric.only_kernels for metric in self.plain)

    def __init__(self, plain: Sequence[object], weighted: Sequence[object]) -> None:
        for argument, given in (("metrics", plain), ("weighted_metrics", weighted)):
            if not isinstance(given, (list, tuple)):
                raise TypeError(f"{argument}: expected a list, got {given!r}; write [{given!r}]")
        self.plain, self.weighted = (
            [metrics.metric_of(each) for each in some] for some in (plain, weighted)
        )
        # What can be looked up again when the shapes are known, and written to a file.
        self.choices = tuple(
            [
                choice if isinstance(choice, str) and choice in metrics.METRICS else metric
                for choice, metric in zip(some, found, strict=True)
            ]
            for some, found in ((plain, self.plain), (weighted, self.weighted))
        )
        self.built = False
        self.loss = RunningMean()
        self.named: dict[str, metrics.Metric] = {}
        self._name()
        self.reset()

    @property
    def given(self) -> Any:
        """What was given to ``compile``: two lists."""
        return self.choices

    def check(self, y: Array, output_shape: tuple[int, ...]) -> None:
        """Check that all metrics accept such targets; nothing is changed."""
        plain, weighted = self._for_shapes(y, output_shape)
        for metric in (*plain, *weighted):
            metric.check_shapes(y.shape, (len(y), *output_shape))

    def build(self, y: Array, output_shape: tuple[int, ...]) -> None:
        """Decide, once, which accuracy is meant."""
        if not self.built:
            self.plain, self.weighted = self._for_shapes(y, output_shape)
            metrics.count([choice for choices in self.choices for choice in choices])
            self._name()
            self.built = True

    def _for_shapes(self, y: Array, output_shape: tuple[int, ...]) -> Pair:
        if self.built:
            return self.plain, self.weighted
        shape = (len(y), *output_shape)
        plain, weighted = (
            [
                metrics.for_shapes(choice, y.shape, shape) if isinstance(choice, str) else metric
                for choice, metric in zip(choices, found, strict=True)
            ]
            for choices, found in zip(self.choices, (self.plain, self.weighted), strict=True)
        )
        return plain, weighted

    def _name(self) -> None:
        """Give every metric a unique name, as Keras does."""
        self.named.clear()
        seen: Counter[str] = Counter()

        def put(name: str, metric: metrics.Metric) -> None:
            self.named[f"{name}_{seen[name]}" if seen[name] else name] = metric
            seen[name] += 1

        for metric in self.plain:
            put(metric.name, metric)
        for metric in self.weighted:
            put(f"weighted_{metric.name}" if seen[metric.name] else metric.name, metric)
        self.sorted_names = sorted({"loss", *self.named, *self.losses_in_logs})

    @property
    def names(self) -> list[str]:
        """The names of what `evaluate` lists: first the metrics' own, then the rest, sorted.

        So it is in Keras: of two metrics "mae" the first comes twice, and then "mae_1".
        """
        metrics_ = (each.name for each in (*self.plain, *self.weighted))
        own, there = ["loss", *metrics_, *self.losses_in_logs], self.sorted_names
        return [n for n in own if n in there] + [n for n in there if n not in own]

    @property
    def arrays(self) -> dict[str, Array]:
        """What the means over an epoch are made of."""
        named = {"loss": self.loss, **{k: getattr(m, "mean", None) for k, m in self.named.items()}}
        return {
            f"{name}/{part}": getattr(mean, part)
            for name, mean in named.items()
            if isinstance(mean, RunningMean)
            for part in ("total", "count")
        }

    def update(self, batch: Batch, out: Array, loss: float | Array) -> None:
        """Take in a batch."""
        add_mean(np.asarray(loss), len(out), self.loss.total, self.loss.count)
        self.update_metrics(batch.y, out, batch.sample_weight)

    def update_metrics(self, y: Array, out: Array, sample_weight: Array | None) -> None:
        """Take a batch into the metrics alone."""
        for metric in self.plain:
            metric.update_state(y, out)
        for metric in self.weighted:
            metric.update_state(y, out, sample_weight)

    def collected(self) -> Logs:
        """Return all values by name."""
        logs: Logs = {"loss": self.loss.result()}
        return logs | {name: metric.reported() for name, metric in self.named.items()}

    def results(self) -> Logs:
        """Return all values by name, sorted as Keras's logs are."""
        return dict(sorted(self.collected().items()))

    def returned(self, logs: Logs, as_dict: bool) -> Any:
        """Return the values as `evaluate` does."""
        if as_dict:
            return logs
        values = [logs[name] for name in self.names]
        return values if len(values) > 1 else values[0]

    def reset(self) -> None:
        """Forget everything."""
        self.loss.reset_state()
        for metric in (*self.plain, *self.weighted):
            metric.reset_state()
