"""The training loop. One step is one path.

batch -> model.forward -> loss.value -> loss.gradient -> model.backward -> optimizer.step
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from tinynet import losses, old_names, optimizers
from tinynet.arrays import Array
from tinynet.callbacks import Callback, CallbackList, History
from tinynet.callbacks.base import as_list, expected_logs
from tinynet.checks import flag, integer
from tinynet.data import Batch, EpochOrders, errors_from, warn_of_gray_values
from tinynet.feeding import Feed, steps_with
from tinynet.figures import Logs
from tinynet.freezing import Freezing
from tinynet.interrupts import whole_steps
from tinynet.output_figures import loss_and_figures, made
from tinynet.preparing import Prepared, optional_integers, validating_epochs
from tinynet.repeat import Repeat
from tinynet.step.apart import apart
from tinynet.step.tape import call

Callbacks = Callback | Iterable[Callback] | None


class Trainer(Prepared):
    """Layers that can be trained.

    Notes
    -----
    Follows keras/src/trainers/trainer.py and keras/src/backend/tensorflow/trainer.py.
    """

    history: History | None = None
    stop_training = False
    run_eagerly = False

    def compile(
        self,
        optimizer: object = "rmsprop",
        loss: object = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Set how to train and what to report.

        Parameters
        ----------
        optimizer : str or Optimizer
        loss : str or Loss
            For several outputs one for all, a list, or a dict by the names of the outputs.
        loss_weights : list or dict of float, optional
            What the loss of each output counts in the sum that is minimized; 1 by default.
        metrics, weighted_metrics : sequence of str or Metric, optional
            The latter are weighted by sample and class weights. For several outputs a list or a
            dict with an entry, or a list, for each output.
        run_eagerly : bool
            Whether `fit` calls the layers in every step, for the debugger. Otherwise it does so
            once for each size of batch, and repeats what they have called (`step`), unless code of
            the user's runs in a step or between two. The result is the same to the last bit,
            but for the losses of single outputs in the logs, which differ in Keras, too.

        Raises
        ------
        TypeError, ValueError
            For metrics in the place of `loss_weights`; for an unknown name, with the closest one.
            The model keeps what it had before.
        """
        if loss is None:
            raise ValueError("loss: expected a name or a Loss, got None; what is to be minimized?")
        steps_per_execution = integer("steps_per_execution", steps_per_execution)
        jit_compile = jit_compile if jit_compile == "auto" else flag("jit_compile", jit_compile)
        run_eagerly, _ = flag("run_eagerly", run_eagerly), flag("auto_scale_loss", auto_scale_loss)
        resolve = partial(loss_and_figures, loss, loss_weights, *made(metrics, weighted_metrics))
        new_loss, figures = resolve(self)
        new_optimizer = optimizers.get(optimizer)
        self.run_eagerly = run_eagerly
        self.steps_per_execution, self.jit_compile = steps_per_execution, jit_compile
        self.optimizer, self.loss, self.figures = new_optimizer, new_loss, figures
        self.waiting = None if self.output_names else resolve
        self.freezing = Freezing()
        self._find_unreached()

    @apart()
    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Callbacks = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
        **kwargs: Any,
    ) -> History:
        """Train for some epochs.

        Parameters
        ----------
        x, y : array_like of shape (n, ...)
            Never changed; x is converted to floatx batch by batch. In place of both, x alone may
            be a generator, a `PyDataset` or another iterable of batches (x, y) or (x, y,
            sample_weight); see `tinynet.streams`.
        batch_size : int
            Default 32; the last batch of an epoch may be smaller.
        epochs : int
            The final epoch's number, not a count after `initial_epoch`.
        verbose : {"auto", 0, 1, 2}
            Silent, a progress bar, or one line per epoch; see `ProgbarLogger`.
        callbacks : sequence of Callback, optional
        validation_split : float
            Fraction of the samples, from the end, that is kept for validation.
        validation_data : (x, y) or (x, y, sample_weight), or batches of them, optional
        shuffle : bool or "every_epoch"
            True shuffles as Keras on TensorFlow does: after `set_random_seed` every epoch has the
            same order. ``"every_epoch"`` draws a new one for each, which is better practice: in
            batches that are never mixed again, batch norm always normalizes the same samples.
        class_weight : dict of int to float, optional
            Weight of each class's samples; a class left out has weight 1.
        sample_weight : array_like of shape (n,), optional
        initial_epoch : int
        steps_per_epoch, validation_steps : int, optional
            By default as many as there are batches. An epoch goes on where the last one ended.
        validation_batch_size : int, optional
            By default `batch_size`.
        validation_freq : int or list of int
            After how many epochs to validate, or after which, counted from 1.

        Returns
        -------
        History
            Its ``history`` holds the logs of all epochs.

        Raises
        ------
        RuntimeError
            If `compile` has not been called.
        ValueError, TypeError
            For arguments that training cannot use, before anything is changed.
        KeyboardInterrupt
            On Ctrl-C, when the step has ended: the model can go on. A second one does not wait.
        """
        old_names.refuse("fit", kwargs, TypeError)
        self._compiled()
        epochs = integer("epochs", epochs, 0)
        first_epoch = integer("initial_epoch", initial_epoch, 0)
        size, val_size, steps, val_steps = optional_integers(
            batch_size=batch_size,
            validation_batch_size=validation_batch_size,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
        )
        val_size = size if val_size is None else val_size
        validates = validating_epochs(validation_freq)
        if shuffle not in (True, False, "every_epoch"):
            raise ValueError(f"shuffle: expected True, False or 'every_epoch', got {shuffle!r}")
        data, validation = self._sources(
            x, y, sample_weight, class_weight, validation_split, validation_data, shuffle
        )
        self.check(data.first, needs_targets=True)
        if validation is not None:
            source = "validation_split" if validation_data is None else "validation_data"
            with errors_from(source):
                self.check(validation.first, needs_targets=True)
        users = as_list(callbacks)
        history = next((each for each in users if isinstance(each, History)), None)
        if history is None:
            history = History()
            users = [*users, history]
        rounds = epochs - first_epoch
        orders = EpochOrders(shuffle, len(data.first), first_epoch)
        repeat = steps_with(self, data, self.train_step, size, steps, rounds, orders)
        names = expected_logs([*dict.fromkeys(self.figures.names)], validation is not None, users)
        told = self._callback_list(users, verbose, repeat, epochs, names)
        if not self._scales_its_input():
            warn_of_gray_values(data.first)

        # What was passed has been checked; from here on things change.
        with whole_steps() as whole:  # Ctrl-C waits for the end of a `with whole`
            with whole:
                self._build(data.first)
                self._begin_to_learn("fit")
                repeat.reset()
            self.stop_training = False
            told.tell("train_begin")
            test = None
            if validation is not None:
                test = steps_with(self, validation, self.test_step, val_size, val_steps, rounds)
            first_epoch, logs = told.resume(repeat, test, first_epoch)
            begin, end = told.listeners("train_batch_begin"), told.listeners("train_batch_end")
            repeat.between = [*begin, *end]
            for epoch in range(first_epoch, epochs):
                told.tell("epoch_begin", epoch)
                self.lay_out()
                self.figures.reset()
                repeat.begin_epoch()
                while repeat.goes_on:
                    if begin:
                        told.tell("train_batch_begin", repeat.steps)
                    with whole, self.freezing.as_at_first("fit", self):
                        repeat.take()
                    if end:  # otherwise the metrics of every batch are not needed
                        told.tell("train_batch_end", repeat.steps - 1, logs=self.figures.results())
                    if self.stop_training:
                        break
                repeat.end_epoch()
                logs = self.figures.results()
                if test is not None and validates(epoch + 1):
                    seen = self._run_test(test, told)
                    logs.update({f"val_{name}": value for name, value in seen.items()})
                logs = dict(sorted(logs.items()))
                told.tell("epoch_end", epoch, logs=logs.copy())  # callbacks may add to theirs
                if self.stop_training:
                    break
            optimizer, _ = self._compiled()
            with whole:
                if epochs > 0:
                    optimizer.finalize_variable_values(self.params)
            told.tell("train_end", logs=logs)
        return history

    def _begin_to_learn(self, method: str) -> None:
        """Give the optimizer the layers that learn; raise an error if it trains others."""
        optimizer, _ = self._compiled()
        self.freezing.warn(method, self)
        optimizer.begin_with(self.freezing.learning(method, self))

    def train_step(self, batch: Batch) -> None:
        """Make one step, and add the batch to the metrics.

        `train_on_batch` calls it, and `fit` for the first batch of a size (`tinynet.repeat`); where
        code of the user's runs in a step, for every batch. As in Keras, a subclass may override it,
        and `test_step`, to train in another way: `examples/data_parallel.py` does.

        Parameters
        ----------
        batch : Batch
            A tuple of x (rows, ...) in floatx, y (rows, ...), and sample_weight or None.
        """
        optimizer, _ = self._compiled()
        out = self.forward(batch.x, training=self.tells_training)
        value = self.loss_value(out, batch.y, batch.sample_weight)
        self.backward_from_loss(to_input=False)
        optimizer.step(self.params, self.grads)
        self.constrain()
        self.figures.update(batch, out, self.reported(value))

    def test_step(self, batch: Batch) -> None:
        """Add a batch to the metrics, and learn nothing from it; see `train_step`."""
        out = self.forward(batch.x)
        value = self.loss_value(out, batch.y, batch.sample_weight)
        self.figures.update(batch, out, self.reported(value))

    def loss_value(self, out: Array, y: Array, sample_weight: Array | None = None) -> Any:
        """Return what a step minimizes, from what `forward` has just returned, with all penalties.

        Where `reduction` is none, the sum of the single losses.
        """
        _, loss = self._compiled()
        self.looked_back = looks_back = loss.sees_through(self.final_activation)
        seen = self.logits(out, looks_back)
        from_logits = looks_back or loss.from_logits
        value: Any = loss.value(y, seen, sample_weight, from_logits)
        shape = getattr(value, "shape", ())
        self.loss_count = math.prod(shape)
        # A layer that is not `only_kernels` may have a penalty on its output, or one of its own.
        layers = self.leaves.values()
        self.penalized = any(each.regularizers or not each.only_kernels for each in layers)
        if self.penalized or shape:
            value = call(self._with_penalties, value)
        return value

    def reported(self, value: Any) -> Any:
        """Return the loss for the logs: with `reduction` none, the mean of what a step sums up."""
        n = self.loss_count
        return value if n == 1 else call(self._with_mean, value, n)

    def _with_mean(self, value: float, n: int) -> float:
        penalty = self.penalty()
        return (float(value) - penalty) / n + penalty

    def _with_penalties(self, value: float | Array) -> float:
        return float(np.sum(value)) + self.penalty()

    def backward_from_loss(self, to_input: bool = True) -> Any:
        """Send the gradient of the last `loss_value` back through the layers; see `backward`."""
        _, loss = self._compiled()
        dx = self.backward(loss.gradient(), self.looked_back, to_input)
        if self.penalized:
            self.add_penalty_gradients()
        return dx

    # Testing, single batches, metrics.

    def _run_test(self, repeat: Repeat | Feed, told: CallbackList) -> Logs:
        repeat.between = [*told.listeners("test_batch_begin"), *told.listeners("test_batch_end")]
        repeat.reset()
        told.tell("test_begin")
        self.figures.reset()
        repeat.begin_epoch()
        while repeat.goes_on:
            told.tell("test_batch_begin", repeat.steps)
            frozen = self.freezing.as_at_first("evaluate", self)
            with whole_steps() as whole, whole, frozen:
                repeat.take()
            if told.listeners("test_batch_end"):
                told.tell("test_batch_end", repeat.steps - 1, logs=self.figures.results())
        repeat.end_epoch()
        logs = self.figures.results()
        told.tell("test_end", logs=logs)
        return logs

    def _compiled(self) -> tuple[optimizers.Optimizer, losses.Loss]:
        if self.optimizer is None or self.loss is None:
            raise RuntimeError("the model is not compiled: call compile(optimizer, loss) first")
        return self.optimizer, self.loss
