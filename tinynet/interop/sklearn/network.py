"""What both estimators do: make a network, train it, predict with it."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from tinynet import optimizers, random
from tinynet.arrays import Array
from tinynet.checks import integer
from tinynet.layers import Activation, BatchNormalization, Dense, Dropout, Flatten, Input
from tinynet.layers.base import Shape
from tinynet.losses import Loss
from tinynet.models import Sequential

Network = Callable[[Shape, int], Sequential]

# A layer stores what it is computing, so a network can serve only one thread at a time.
_one_thread = threading.Lock()


class NetEstimator(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """What both estimators do: make a network, train it, predict with it."""

    # What the two differ in: the last layer's activation, and what is reported besides the loss.
    last_activation: str | None = None
    metrics: Sequence[str] = ()
    loss: str | Loss
    model_: Sequential

    def _train(
        self,
        X: Array,
        y: Array,
        sample_weight: Any,
        n_outputs: int,
        stratify: Array | None = None,
        go_on: bool = False,
    ) -> Self:
        """Train a new network, or the existing one for one more epoch."""
        if not 0 <= self.validation_fraction < 1:
            raise ValueError(
                f"validation_fraction: expected a number from 0 to below 1, got "
                f"{self.validation_fraction!r}"
            )
        weight = _with_mean_1(sample_weight, len(X))
        draws = check_random_state(self.random_state)
        making, training = (int(seed) for seed in draws.randint(2**31 - 1, size=2))
        options: dict[str, Any]
        if go_on:
            begun = getattr(self, "n_iter_", 0)
            options = {"initial_epoch": begun, "epochs": begun + 1}
        else:
            options = {"epochs": self.epochs, "callbacks": copy.deepcopy(self.callbacks)}
            if self.validation_fraction:
                share = self.validation_fraction
                parts = train_test_split(
                    X, y, weight, test_size=share, stratify=stratify, random_state=draws
                )
                (X, y, weight), options["validation_data"] = parts[::2], parts[1::2]
        with random.untouched():
            if go_on and hasattr(self, "model_"):
                model = self.model_
                options["callbacks"] = model.history  # it appends to what it has
            else:
                random.set_random_seed(making)
                model = self._made_network(X.shape[1:], n_outputs)
            random.set_random_seed(training)
            history = model.fit(
                X,
                y,
                batch_size=self.batch_size,
                verbose=self.verbose,
                shuffle="every_epoch",
                sample_weight=weight,
                **options,
            )
        loss = history.history["loss"]
        if not np.isfinite(loss[-1]):
            raise ValueError(
                f"training diverged: the loss of epoch {len(loss)} is {loss[-1]}; scale the data "
                f"(StandardScaler), or lower the learning_rate"
            )
        self.model_ = model
        self.history_ = history.history
        self.n_iter_ = len(loss)
        return self

    def _made_network(self, input_shape: Shape, n_outputs: int) -> Sequential:
        """Return a new, compiled network, after checking the one that the user's function made."""
        make = self._layers_in_a_row if self.network is None else self.network
        model = make(input_shape, n_outputs)
        if not isinstance(model, Sequential):
            raise TypeError(f"network: expected it to return a Sequential, got {model!r}")
        if model.optimizer is not None:
            raise ValueError(
                "network: expected a new model that is not compiled, got a compiled one; make "
                "new layers in every call"
            )
        model.build((None, *input_shape))
        if model.output_shape != (None, n_outputs):
            raise ValueError(
                f"network: expected a model with the output shape (None, {n_outputs}), got "
                f"{model.output_shape}; end it in Dense(n_outputs), n_outputs being the function's "
                f"second argument"
            )
        last = model.layers[-1].final_activation.name
        if self.last_activation not in (None, last):
            raise ValueError(
                f"network: expected a model that ends in {self.last_activation}, which makes "
                f"probabilities, got {last}; end it in "
                f"Dense(n_outputs, activation={self.last_activation!r})"
            )
        optimizer = optimizers.get(copy.deepcopy(self.optimizer))
        if self.learning_rate is not None:
            optimizer.learning_rate = self.learning_rate
        model.compile(optimizer, self.loss, metrics=self.metrics)
        return model

    def _layers_in_a_row(self, input_shape: Shape, n_outputs: int) -> Sequential:
        """Return the network that `hidden_layer_sizes` and the options after it describe."""
        model = Sequential([Input(input_shape)])
        if len(input_shape) > 1:
            model.add(Flatten())
        for size in np.atleast_1d(np.asarray(self.hidden_layer_sizes, object)):
            units = integer("hidden_layer_sizes", size)
            model.add(Dense(units, use_bias=not self.batch_normalization))
            if self.batch_normalization:
                model.add(BatchNormalization())
            model.add(Activation(self.activation))
            if self.dropout:
                model.add(Dropout(self.dropout))
        model.add(Dense(n_outputs, activation=self.last_activation))
        return model

    def _outputs(self, X: Any) -> Array:
        """Return the network's outputs for some samples, (n, outputs), as float64."""
        check_is_fitted(self, "model_")
        X = validate_data(self, X, reset=False, allow_nd=True)
        with _one_thread:
            out: Array = self.model_.predict(X, batch_size=self.batch_size, verbose=0)
        return out.astype(np.float64)


def _with_mean_1(sample_weight: Any, n: int) -> Array:
    """Return n weights divided by their mean, so that the loss keeps its scale."""
    if sample_weight is None:
        return np.ones(n)
    weights: Array = np.array(column_or_1d(sample_weight), np.float64)  # a copy
    mean = weights.mean()
    if not (weights.min() >= 0 and 0 < mean < np.inf):
        raise ValueError(
            f"sample_weight: expected finite numbers, 0 or above and not all of them zero, got "
            f"numbers from {weights.min()} to {weights.max()}"
        )
    weights /= mean
    return weights
