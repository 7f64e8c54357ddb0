"""What a model is trained for: its loss and its metrics on other samples, and its predictions."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinynet.again import Passes
from tinynet.callbacks.base import as_list
from tinynet.data import Batch, Dataset
from tinynet.feeding import steps_with
from tinynet.interrupts import whole_steps
from tinynet.metrics import Metric
from tinynet.preparing import optional_integers
from tinynet.step.apart import apart
from tinynet.training import Callbacks, Trainer


class Evaluator(Trainer):
    """Layers that can be trained, tested and used.

    Notes
    -----
    Follows keras/src/trainers/trainer.py and keras/src/backend/tensorflow/trainer.py.
    """

    @apart()
    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Callbacks = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the loss and the metrics on some samples.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight, callbacks
            See `fit`.
        steps : int, optional
            How many batches to take; by default all.
        return_dict : bool
            Whether to return the values by name.

        Returns
        -------
        float, list of float, or dict
            The loss alone if there are no metrics, else the loss and then the metrics.
        """
        size, steps = optional_integers(batch_size=batch_size, steps=steps)
        self._compiled()
        data = self._source(x, y, sample_weight)
        self.check(data.first, needs_targets=True)
        repeat = steps_with(self, data, self.test_step, size, steps)
        told = self._callback_list(as_list(callbacks), verbose, repeat)
        self._build(data.first)
        return self.figures.returned(self._run_test(repeat, told), return_dict)

    @apart()
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Callbacks = None,
    ) -> Any:
        """Return the outputs for some samples, (n, ...), without the noise of training.

        x, batch_size, verbose, steps and callbacks are those of `evaluate`; targets in a stream's
        batches are left out. A model with several outputs returns a list, or a dict if it was
        given one.
        """
        size, steps = optional_integers(batch_size=batch_size, steps=steps)
        data = self._source(x, needs_targets=False)
        self.check(data.first)
        repeat = steps_with(
            self, data, lambda batch: self.forward(batch.x), size, steps, singly=True
        )
        told = self._callback_list(as_list(callbacks), verbose, repeat)
        self._build(data.first)
        told.tell("predict_begin")
        repeat.between = [
            *told.listeners("predict_batch_begin"),
            *told.listeners("predict_batch_end"),
        ]
        repeat.begin_epoch()
        outputs = []
        while repeat.goes_on:
            told.tell("predict_batch_begin", repeat.steps)
            with whole_steps() as whole, whole:
                outputs.append(repeat.take())
            told.tell("predict_batch_end", repeat.steps - 1, logs={"outputs": outputs[-1]})
        repeat.end_epoch()
        told.tell("predict_end")
        if isinstance(outputs[0], list):  # one for each output of the model
            found = [np.concatenate(parts) for parts in zip(*outputs, strict=True)]
            return self.as_given(found)
        return self.as_given(np.concatenate(outputs))

    @apart()
    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Make one training step and return the batch's loss and metrics, from before the step."""
        self._compiled()
        data = self._weighted(x, y, sample_weight, class_weight)
        batch = self._single_batch(data, needs_targets=True)
        self._begin_to_learn("train_on_batch")
        self.figures.reset()
        with self.freezing.as_at_first("train_on_batch", self):
            self.train_step(batch)
        return self.figures.returned(self.figures.results(), return_dict)

    def _single_batch(self, data: Dataset, needs_targets: bool = False) -> Batch:
        self.check(data, needs_targets)
        self._build(data)
        return data.whole()

    @apart()
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Return the loss and the metrics of one batch."""
        self._compiled()
        data = self._dataset(x, y, sample_weight)
        batch = self._single_batch(data, needs_targets=True)
        self.figures.reset()
        with self.freezing.as_at_first("test_on_batch", self):
            self.test_step(batch)
        return self.figures.returned(self.figures.results(), return_dict)

    @functools.cached_property
    def _passes(self) -> Passes:
        return Passes()

    @apart()
    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch; what the layers keep for `backward` stays as it was."""
        out = self._passes.again(x)
        if out is None:
            data = self._dataset(x)
            self.check(data)
            self._build(data)
            out = self._passes.forward(self, data)
        return self.as_given(out)

    # The loss and the metrics.

    def reset_metrics(self) -> None:
        """Forget the loss and the metrics seen so far."""
        self.figures.reset()

    @property
    def metrics(self) -> list[Metric]:
        """The metrics given to `compile`, in `evaluate`'s order."""
        return list(self.figures.named.values()) if self.optimizer is not None else []

    @property
    def metrics_names(self) -> list[str]:
        """Names of the loss and the metrics, as `evaluate` lists their values.

        Of two metrics with one name, ``["mae", "mae"]``, the first comes twice, as in Keras, and
        the other after it, as "mae_1".
        """
        self._compiled()
        return self.figures.names

    @property
    def directions(self) -> dict[str, str]:
        """Where the loss and each metric go as the model gets better: "up" or "down"."""
        named = self.figures.named if self.optimizer is not None else {}
        losses_ = self.figures.names if self.optimizer is not None else ["loss"]
        return dict.fromkeys(losses_, "down") | {k: each.direction for k, each in named.items()}

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        """Take a batch into the metrics, but not into the loss; return `get_metrics_result`.

        Parameters
        ----------
        x
            Not read.
        y, y_pred : array_like of shape (n, ...)
            Targets, and what the model has returned.
        sample_weight : array_like of shape (n,), optional
        """
        self._compiled()
        out = np.asarray(y_pred)
        data = self._dataset(out, y, sample_weight)
        self.figures.check(data.y, out.shape[1:])
        self.figures.build(data.y, out.shape[1:])
        self.figures.update_metrics(data.y, out, data.sample_weight)
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the loss and the metrics since they were last reset, by name."""
        self._compiled()
        return self.figures.collected()
