"""What a model is trained for: its loss and its metrics on other samples, and its predictions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet import config
from tinynet.callbacks.base import as_list
from tinynet.checks import integer
from tinynet.data import Dataset
from tinynet.kernels.threads import products_as_chosen
from tinynet.repeat import Repeat
from tinynet.training import Callbacks, Trainer


class Evaluator(Trainer):
    """Layers that can be trained, tested and used.

    Notes
    -----
    Follows keras/src/trainers/trainer.py and keras/src/backend/tensorflow/trainer.py.
    """

    @products_as_chosen()
    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        callbacks: Callbacks = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the loss and the metrics on some samples.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight, callbacks
            See `fit`.
        return_dict : bool
            Whether to return the values by name.

        Returns
        -------
        float, list of float, or dict
            The loss alone if there are no metrics, else the loss and then the metrics.
        """
        batch_size = integer("batch_size", 32 if batch_size is None else batch_size)
        self._compiled()
        data = Dataset(x, y, sample_weight, config.floatx())
        self.check(data, needs_targets=True)
        steps = -(-len(data) // batch_size)
        told = self._callback_list(as_list(callbacks), verbose, steps)
        self._build(data)
        logs = self._run_test(self._test_steps(data, told, batch_size), told)
        return self.figures.returned(logs, return_dict)

    @products_as_chosen()
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        callbacks: Callbacks = None,
    ) -> Any:
        """Return the outputs for some samples, (n, ...), without the noise of training.

        A model with several outputs returns a list.
        """
        batch_size = integer("batch_size", 32 if batch_size is None else batch_size)
        data = Dataset(x, None, None, config.floatx())
        self.check(data)
        steps = -(-len(data) // batch_size)
        told = self._callback_list(as_list(callbacks), verbose, steps)
        self._build(data)
        told.tell("predict_begin")
        between = [*told.listeners("predict_batch_begin"), *told.listeners("predict_batch_end")]
        repeat = Repeat(
            self, data, lambda batch: self.forward(batch.x), between, batch_size, singly=True
        )
        repeat.begin_epoch(np.arange(len(data)))
        outputs = []
        while repeat.goes_on:
            told.tell("predict_batch_begin", repeat.steps)
            outputs.append(repeat.take())
            told.tell("predict_batch_end", repeat.steps - 1, logs={"outputs": outputs[-1]})
        repeat.end_epoch()
        told.tell("predict_end")
        if isinstance(outputs[0], list):  # one for each output of the model
            return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]
        return np.concatenate(outputs)

    @products_as_chosen()
    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Return the loss and the metrics of one batch."""
        self._compiled()
        data = Dataset(x, y, sample_weight, config.floatx())
        batch = self._single_batch(data, needs_targets=True)
        self.figures.reset()
        with self.freezing.as_at_first("test_on_batch", self.leaves.values()):
            self.test_step(batch)
        return self.figures.returned(self.figures.results(), return_dict)

    @products_as_chosen()
    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch."""
        return self.forward(self._single_batch(Dataset(x, None, None, config.floatx())).x)
