"""The training loop. One step is one path.

batch -> model.forward -> loss.value -> loss.gradient -> model.backward -> optimizer.step
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tinynet import losses, old_names, optimizers
from tinynet.arrays import Array
from tinynet.callbacks import Callback, CallbackList, History, ProgbarLogger
from tinynet.callbacks.base import as_list, expected_logs
from tinynet.checks import flag, integer
from tinynet.configurable import require_saveable
from tinynet.data import (
    Batch,
    Dataset,
    epoch_orders,
    errors_from,
    training_data,
    warn_of_gray_values,
)
from tinynet.figures import Figures, Logs
from tinynet.freezing import Freezing
from tinynet.kernels.threads import products_as_chosen
from tinynet.layers import (
    BatchNormalization,
    Cropping2D,
    Flatten,
    InputLayer,
    Lambda,
    Permute,
    Rescaling,
    Reshape,
    UnitNormalization,
    UpSampling2D,
)
from tinynet.layers.base import Shape
from tinynet.layers.preprocessing import Augmentation
from tinynet.metrics import Metric
from tinynet.repeat import Repeat
from tinynet.stack import Network
from tinynet.step.tape import call

# Layers that leave the size of gray values as it is, and those that may change it.
MOVES_PIXELS = (Cropping2D, Flatten, InputLayer, Permute, Reshape, UpSampling2D)
SCALES = (BatchNormalization, Lambda, Rescaling, UnitNormalization)
Callbacks = Callback | Iterable[Callback] | None


class Trainer(Network):
    """Layers that can be trained.

    Notes
    -----
    Follows keras/src/trainers/trainer.py and keras/src/backend/tensorflow/trainer.py.
    """

    optimizer: optimizers.Optimizer | None = None
    loss: losses.Loss | None = None
    history: History | None = None
    stop_training = False
    run_eagerly = False

    def compile(
        self,
        optimizer: object = "rmsprop",
        loss: object = None,
        metrics: Sequence[object] | None = None,
        weighted_metrics: Sequence[object] | None = None,
        run_eagerly: bool = False,
    ) -> None:
        """Set how to train and what to report.

        Parameters
        ----------
        optimizer : str or Optimizer
        loss : str or Loss
        metrics, weighted_metrics : sequence of str or Metric, optional
            The latter are weighted by sample and class weights.
        run_eagerly : bool
            Whether `fit` calls the layers in every step, for the debugger. Otherwise it does so
            once for each size of batch, and repeats what they have called (`step`), unless code of
            the user's runs in a step or between two. The result is the same to the last bit.

        Raises
        ------
        ValueError
            For an unknown name; the closest one is suggested. The model keeps what it had
            before.
        """
        if loss is None:
            raise ValueError("loss: expected a name or a Loss, got None; what is to be minimized?")
        new_loss = losses.get(loss)
        figures = Figures(metrics or (), weighted_metrics or ())
        new_optimizer = optimizers.get(optimizer)
        require_saveable("layer", *self.leaves.values())
        require_saveable("optimizer", new_optimizer)
        require_saveable("loss", new_loss)
        require_saveable("metric", *figures.plain, *figures.weighted)
        self.run_eagerly = flag("run_eagerly", run_eagerly)
        self.optimizer, self.loss, self.figures = new_optimizer, new_loss, figures
        self.freezing = Freezing()

    @products_as_chosen()
    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Callbacks = None,
        validation_split: float = 0.0,
        validation_data: Sequence[Any] | None = None,
        shuffle: bool | str = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        validation_batch_size: int | None = None,
        **kwargs: Any,
    ) -> History:
        """Train for some epochs.

        Parameters
        ----------
        x, y : array_like of shape (n, ...)
            Never changed; x is converted to floatx batch by batch.
        batch_size : int
            Default 32; the last batch of an epoch may be smaller.
        epochs : int
            The final epoch's number, not a count after `initial_epoch`.
        verbose : {"auto", 0, 1, 2}
            Silent, a progress bar, or one line per epoch; see `ProgbarLogger`.
        callbacks : sequence of Callback, optional
        validation_split : float
            Fraction of the samples, from the end, that is kept for validation.
        validation_data : (x, y) or (x, y, sample_weight), optional
        shuffle : bool or "every_epoch"
            True shuffles as Keras on TensorFlow does: after `set_random_seed` every epoch
            has the same order. ``"every_epoch"`` draws a new one for each, which is better
            practice: in batches that are never mixed again, batch norm always normalizes the
            same samples together.
        class_weight : dict of int to float, optional
            Weight of each class's samples; a class left out has weight 1.
        sample_weight : array_like of shape (n,), optional
        initial_epoch : int
        validation_batch_size : int, optional
            By default `batch_size`.

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
        """
        old_names.refuse("fit", kwargs, TypeError)
        self._compiled()
        require_saveable("layer", *self.leaves.values())  # some may have been added after compile
        batch_size = integer("batch_size", 32 if batch_size is None else batch_size)
        val_batch_size = integer(
            "validation_batch_size",
            batch_size if validation_batch_size is None else validation_batch_size,
        )
        epochs = integer("epochs", epochs)
        first_epoch = integer("initial_epoch", initial_epoch, least=0)
        if shuffle not in (True, False, "every_epoch"):
            raise ValueError(f"shuffle: expected True, False or 'every_epoch', got {shuffle!r}")
        data, validation = training_data(
            x, y, sample_weight, class_weight, validation_split, validation_data
        )
        self.check(data, needs_targets=True)
        if validation is not None:
            source = "validation_split" if validation_data is None else "validation_data"
            with errors_from(source):
                self.check(validation, needs_targets=True)
        users = as_list(callbacks)
        history = next((each for each in users if isinstance(each, History)), None)
        if history is None:
            history = History()
            users = [*users, history]
        steps = -(-len(data) // batch_size)
        names = expected_logs(self.figures.names, validation is not None, users)
        told = self._callback_list(users, verbose, steps, epochs, names)
        if not self._scales_its_input():
            warn_of_gray_values(data.x)

        # Everything that could be wrong has been checked; from here on things change.
        self._build(data)
        self._begin_to_learn("fit")
        orders = epoch_orders(shuffle, len(data), first_epoch)
        self.stop_training = False
        told.tell("train_begin")
        begin, end = told.listeners("train_batch_begin"), told.listeners("train_batch_end")
        rounds = epochs - first_epoch
        repeat = Repeat(self, data, self.train_step, [*begin, *end], batch_size, rounds)
        test = None
        if validation is not None:
            test = self._test_steps(validation, told, val_batch_size, rounds)
        logs: Logs = {}
        for epoch in range(first_epoch, epochs):
            told.tell("epoch_begin", epoch)
            self.figures.reset()
            repeat.begin_epoch(next(orders))
            while repeat.goes_on:
                if begin:
                    told.tell("train_batch_begin", repeat.steps)
                with self.freezing.as_at_first("fit", self.leaves.values()):
                    repeat.take()
                if end:  # otherwise the metrics of every batch are not needed
                    told.tell("train_batch_end", repeat.steps - 1, logs=self.figures.results())
                if self.stop_training:
                    break
            repeat.end_epoch()
            logs = self.figures.results()
            if test is not None:
                seen = self._run_test(test, told)
                logs.update({f"val_{name}": value for name, value in seen.items()})
            logs = dict(sorted(logs.items()))
            told.tell("epoch_end", epoch, logs=logs.copy())  # callbacks may add to theirs
            if self.stop_training:
                break
        optimizer, _ = self._compiled()
        optimizer.finalize_variable_values(self.params)
        told.tell("train_end", logs=logs)
        return history

    def _begin_to_learn(self, method: str) -> None:
        """Give the optimizer the layers that learn; raise an error if it trains others."""
        optimizer, _ = self._compiled()
        self.freezing.warn_of_changes(method)
        optimizer.begin_with(self.freezing.learning(method, self.leaves.values()))

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
        out = self.forward(batch.x, training=True)
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
        """Return the loss of what `forward` has just returned, with all penalties."""
        _, loss = self._compiled()
        looks_back = self._looks_back()
        seen = self._logits() if looks_back else out
        from_logits = looks_back or loss.from_logits
        value: Any = loss.value(y, seen, sample_weight, from_logits)
        self.single_losses = np.size(value)
        # A layer that is more than its kernels may have a penalty on its output, or one of its own.
        layers = self.leaves.values()
        penalized = any(layer.regularizers or not layer.only_kernels for layer in layers)
        if penalized or np.ndim(value):
            value = call(self._with_penalties, value)
        return value

    def _logits(self) -> Array:
        """Return what the last layer had before its activation."""
        last = self.output_layer
        if last.only_kernels:
            logits: Array = last.kept("logits")
        else:  # a line of Python makes new ones in every step
            logits = call(last.kept, "logits")
        return logits

    def reported(self, value: Any) -> Any:
        """Return the loss for the logs: the mean of single losses, whose sum the step is for."""
        n = self.single_losses
        return value if n == 1 else call(self._with_mean, value, n)

    def _with_mean(self, value: float, n: int) -> float:
        penalty = self.penalty()
        return (float(value) - penalty) / n + penalty

    def _with_penalties(self, value: float | Array) -> float:
        return float(np.sum(value)) + self.penalty()

    def backward_from_loss(self, to_input: bool = True) -> Any:
        """Send the gradient of the last `loss_value` back through the layers; see `backward`."""
        _, loss = self._compiled()
        dx = self.backward(loss.gradient(), self._looks_back(), to_input)
        self.add_penalty_gradients()
        return dx

    def _looks_back(self) -> bool:
        """Return whether the loss reads the logits before the last layer's activation."""
        activation = self.final_activation
        return self.loss is not None and activation.name in self.loss.looks_through

    # Testing, single batches, metrics.

    def _test_steps(self, data: Dataset, told: CallbackList, size: int, epochs: int = 1) -> Repeat:
        between = [*told.listeners("test_batch_begin"), *told.listeners("test_batch_end")]
        return Repeat(self, data, self.test_step, between, size, epochs)

    def _run_test(self, repeat: Repeat, told: CallbackList) -> Logs:
        told.tell("test_begin")
        self.figures.reset()
        repeat.begin_epoch(np.arange(len(repeat.data)))
        while repeat.goes_on:
            told.tell("test_batch_begin", repeat.steps)
            with self.freezing.as_at_first("evaluate", self.leaves.values()):
                repeat.take()
            if told.listeners("test_batch_end"):
                told.tell("test_batch_end", repeat.steps - 1, logs=self.figures.results())
        repeat.end_epoch()
        logs = self.figures.results()
        told.tell("test_end", logs=logs)
        return logs

    @products_as_chosen()
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
        data, _ = training_data(x, y, sample_weight, class_weight)
        batch = self._single_batch(data, needs_targets=True)
        self._begin_to_learn("train_on_batch")
        self.figures.reset()
        with self.freezing.as_at_first("train_on_batch", self.leaves.values()):
            self.train_step(batch)
        return self.figures.returned(self.figures.results(), return_dict)

    def _single_batch(self, data: Dataset, needs_targets: bool = False) -> Batch:
        self.check(data, needs_targets)
        self._build(data)
        return data.batch(np.arange(len(data)))

    def reset_metrics(self) -> None:
        """Forget the loss and the metrics seen so far."""
        self.figures.reset()

    @property
    def metrics(self) -> list[Metric]:
        """The metrics given to `compile`, in `evaluate`'s order."""
        return list(self.figures.named.values()) if self.optimizer is not None else []

    @property
    def metrics_names(self) -> list[str]:
        """Names of the loss and the metrics, in `evaluate`'s order."""
        self._compiled()
        return self.figures.names

    @property
    def directions(self) -> dict[str, str]:
        """Where the loss and each metric go as the model gets better: "up" or "down"."""
        named = self.figures.named if self.optimizer is not None else {}
        return {**{name: metric.direction for name, metric in named.items()}, "loss": "down"}

    # Before the first step.

    def check(self, data: Dataset, needs_targets: bool = False) -> None:
        """Check that data fit the model; nothing is changed.

        Raises
        ------
        ValueError
            If they do not.
        """
        data.x = of_rank(data.x, self.sample_shape)
        shape = data.x.shape[1:]
        if self.sample_shape is not None and shape != self.sample_shape:
            raise ValueError(
                f"x: expected samples of shape {self.sample_shape}, got an array of shape "
                f"{data.x.shape}, samples of shape {shape}; {_likely(shape, self.sample_shape)}"
            )
        if needs_targets:
            self._check_targets(data, self.compute_output_shape(shape))
        elif not self.built:
            self.compute_output_shape(shape)  # raises an error if a layer cannot take it

    def _check_targets(self, data: Dataset, output_shape: Shape) -> None:
        _, loss = self._compiled()
        if data.y is None:
            raise ValueError("y: expected targets, got None")
        if loss.from_logits and self._looks_back():
            raise ValueError(
                f"from_logits=True: expected logits, but the model ends in "
                f"{self.final_activation.name}, which makes probabilities; leave out "
                f"from_logits, or the last activation"
            )
        loss.check_targets(data.y, output_shape)
        rows, weights = (len(data), *output_shape[:-1]), data.sample_weight
        if weights is not None and weights.shape not in (rows, (*rows, 1)):
            raise ValueError(
                f"sample_weight: expected one number per sample, shape {rows}, got {weights.shape}"
            )
        self.figures.check(data.y, output_shape)

    def _build(self, data: Dataset) -> None:
        """Make what depends on the shapes of the data, once: the weights and the metrics."""
        shape = data.x.shape[1:]
        if self.sample_shape is None or not self.built:
            self.ensure_built(shape)
        if data.y is not None and not self.figures.built:
            self.figures.build(data.y, self.compute_output_shape(shape))

    def _scales_its_input(self) -> bool:
        """Return whether the first layer that computes with the pixels scales them."""
        for layer in self.leaves.values():
            if not isinstance(layer, (*MOVES_PIXELS, Augmentation)):
                return isinstance(layer, SCALES)
        return False

    def _compiled(self) -> tuple[optimizers.Optimizer, losses.Loss]:
        if self.optimizer is None or self.loss is None:
            raise RuntimeError("the model is not compiled: call compile(optimizer, loss) first")
        return self.optimizer, self.loss

    def _callback_list(
        self,
        callbacks: list[Callback],
        verbose: int | str,
        steps: int,
        epochs: int = 1,
        names: list[str] | None = None,
    ) -> CallbackList:
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(f"verbose: expected 'auto', 0, 1 or 2, got {verbose!r}")
        if verbose and not any(isinstance(each, ProgbarLogger) for each in callbacks):
            callbacks = [*callbacks, ProgbarLogger()]
        params = {"verbose": verbose, "epochs": epochs, "steps": steps, "metrics": names}
        return CallbackList(callbacks, self, params)


def of_rank(x: Array, sample_shape: Shape | None) -> Array:
    """Put a last axis of size 1 there, or take it away, where a model wants it: as Keras does."""
    if sample_shape is None:
        return x
    if x.ndim == len(sample_shape) and sample_shape[-1] == 1:
        return x[..., None]
    if x.ndim == len(sample_shape) + 2 and x.shape[-1] == 1:
        return x[..., 0]
    return x


def _likely(got: Shape, expected: Shape) -> str:
    """Return the likely cause of a wrong sample shape."""
    if np.prod(got) == np.prod(expected):
        return "the sizes agree: reshape x, or begin the model with Flatten"
    if got == expected[1:]:
        return "a single sample needs a batch axis: x[None]"
    return "were rows and columns mixed up, or is this other data?"
