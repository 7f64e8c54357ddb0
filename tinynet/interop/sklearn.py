"""Networks as scikit-learn estimators, for its pipelines, searches and cross-validation.

`NetClassifier` and `NetRegressor` make a network when they are fitted, with the inputs and outputs
that the data require, and train it with `Sequential.fit`. This is the only file that imports
scikit-learn; it is not imported along with `tinynet.interop`.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MultiOutputMixin, RegressorMixin
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from tinynet import optimizers, random
from tinynet.arrays import Array
from tinynet.callbacks import Callback
from tinynet.checks import integer
from tinynet.layers import Activation, BatchNormalization, Dense, Dropout, Flatten, Input
from tinynet.layers.base import Shape
from tinynet.losses import Loss
from tinynet.models import Sequential

# The checks of scikit-learn's `check_estimator` that do not pass, and why.
EXPECTED_FAILED_CHECKS = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a weight of 2 is the same as a sample that is there twice, but only up to rounding in "
        "float32, and the check compares to 1e-7; with set_floatx('float64') it passes"
    ),
}

__all__ = ["NetClassifier", "NetRegressor"]

Network = Callable[[Shape, int], Sequential]

# A layer stores what it is computing, so a network can serve only one thread at a time.
_one_thread = threading.Lock()


class _Net(BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
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
        model.compile(optimizer, self.loss, self.metrics)
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


class NetClassifier(ClassifierMixin, _Net):  # type: ignore[misc] # scikit-learn has no types
    """A network that classifies, as a scikit-learn estimator.

    Trained on the cross-entropy of its softmax. In every call the weights of the samples are
    divided by their mean, so that the loss has the same scale with and without them.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
        Units of each hidden layer: ``(256, 128)``; none, ``()``, is logistic regression.
    activation : str or tinynet.activations.Activation
        Of the hidden layers.
    dropout : float
        Rate of the `Dropout` after every hidden layer, from 0 to 1.
    batch_normalization : bool
        Whether to put a `BatchNormalization` between every hidden layer and its activation.
    network : callable, optional
        Makes another network, instead of the one that the four options above describe:
        ``network(input_shape, n_outputs)`` gets the shape of one sample and the number of
        classes, and returns a new `Sequential`, not compiled, that ends in softmax. Options of its
        own can be searched as `functools.partial` objects. To be sent to other processes or
        machines, it has to be a module-level function, or be pickled with ``cloudpickle``.
    optimizer : str or Optimizer
        Each fit uses a copy.
    learning_rate : float or LearningRateSchedule, optional
        By default the optimizer's own.
    epochs : int
        Number of passes through the data, if no callback stops earlier.
    batch_size : int
        Samples per step.
    validation_fraction : float
        Fraction of the samples of every class, drawn at random, that is kept for validation, for
        a callback such as ``EarlyStopping(patience=10, restore_best_weights=True)``.
    callbacks : Callback or sequence of Callback, optional
        Each fit uses copies, so that the given ones are not changed.
    class_weight : dict or "balanced", optional
        Weight by class; ``"balanced"`` gives all classes the same sum of weights.
    random_state : int, RandomState or None
        With the same integer, every fit on the same data gives the same network. Python's and
        NumPy's own random states are not changed (except by the seed that None draws from NumPy).
    verbose : {0, 1, 2}
        See `Sequential.fit`.

    Attributes
    ----------
    classes_ : ndarray (n_classes,)
        The labels, sorted.
    model_ : Sequential
        The trained network, which can do everything that a tinynet model can.
    history_ : dict of str to list of float
        Loss and accuracy of every epoch, under ``val_`` those of the validation samples.
    n_iter_ : int
        Number of epochs trained.
    n_features_in_ : int
        Length of the first axis of a sample.
    feature_names_in_ : ndarray of str
        Names of the columns, if `fit` got a table that has them.

    Raises
    ------
    ValueError, TypeError
        From `fit`: for an option that cannot be used, for data that are not finite numbers, and if
        the loss of the last epoch is not finite.

    Notes
    -----
    The network computes in `tinynet.config.floatx`, by default float32; its outputs are
    float64, and probabilities add up to 1 in it. In one process, one network is trained at a time,
    because seeds belong to the process: have joblib or Dask use processes, not threads.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> x, y = load_iris(return_X_y=True)
    >>> net = NetClassifier((20,), learning_rate=0.01, epochs=30, random_state=0)
    >>> bool(make_pipeline(StandardScaler(), net).fit(x, y).score(x, y) > 0.9)
    True
    """

    last_activation = "softmax"
    metrics = ("accuracy",)
    loss = "sparse_categorical_crossentropy"

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: Any = "relu",
        *,
        dropout: float = 0.0,
        batch_normalization: bool = False,
        network: Network | None = None,
        optimizer: str | optimizers.Optimizer = "adam",
        learning_rate: Any = None,
        epochs: int = 100,
        batch_size: int = 32,
        validation_fraction: float = 0.0,
        callbacks: Callback | Sequence[Callback] | None = None,
        class_weight: Any = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.batch_normalization = batch_normalization
        self.network = network
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.callbacks = callbacks
        self.class_weight = class_weight
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a new network.

        Parameters
        ----------
        X : array_like of shape (n, features), or (n, ...) for images
        y : array_like of shape (n,)
            Labels of any type that can be sorted.
        sample_weight : array_like of shape (n,), optional

        Returns
        -------
        NetClassifier
            The estimator itself.
        """
        X, y = validate_data(self, X, y, allow_nd=True)
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        sample_weight = self._with_class_weight(y, sample_weight)
        self._train(X, codes, sample_weight, len(classes), stratify=codes)
        self.classes_ = classes
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train the network for one epoch on some samples, continuing from where it is.

        Calls on all of the data are like the epochs of one `fit`. Neither `callbacks` nor
        `validation_fraction` plays a part.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`.
        classes : array_like of shape (n_classes,)
            All labels that will occur; required in the first call.

        Returns
        -------
        NetClassifier
            The estimator itself.
        """
        begun = hasattr(self, "model_")
        X, y = validate_data(self, X, y, allow_nd=True, reset=not begun)
        check_classification_targets(y)
        if not begun and classes is None:
            raise ValueError(
                "classes: expected all labels that will ever occur, in the first call of "
                "partial_fit, got None"
            )
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight: 'balanced' needs all samples at once, but partial_fit sees only "
                "some; pass a dict"
            )
        known = self.classes_ if begun else np.unique(classes)
        if classes is not None and not np.array_equal(np.unique(classes), known):
            raise ValueError(f"classes: expected those of the first call, {known}, got {classes}")
        unknown = np.setdiff1d(y, known)
        if unknown.size:
            raise ValueError(f"y: expected labels among {known}, got {unknown} too")
        codes = np.searchsorted(known, y)
        sample_weight = self._with_class_weight(y, sample_weight)
        self._train(X, codes, sample_weight, len(known), go_on=True)
        self.classes_ = known
        return self

    def _with_class_weight(self, y: Array, sample_weight: Any) -> Any:
        if self.class_weight is None:
            return sample_weight
        weight = compute_sample_weight(self.class_weight, y)
        return weight if sample_weight is None else weight * np.asarray(sample_weight)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of every class, (n, n_classes), in the order of ``classes_``."""
        out = self._outputs(X)
        out /= out.sum(axis=1, keepdims=True)  # float32 is off by 1e-7, and log_loss complains
        return out

    def predict(self, X: Any) -> Array:
        """Return the label of the most probable class of each sample, (n,)."""
        codes = self._outputs(X).argmax(axis=1)
        labels: Array = self.classes_[codes]
        return labels


class NetRegressor(MultiOutputMixin, RegressorMixin, _Net):  # type: ignore[misc]
    """A network that predicts one or several numbers, as a scikit-learn estimator.

    Parameters
    ----------
    hidden_layer_sizes, activation, dropout, batch_normalization
        See `NetClassifier`.
    loss : str or Loss
        What to minimize: ``"mean_squared_error"``, ``"mean_absolute_error"``, ``"huber"``.
    network : callable, optional
        As for `NetClassifier`, but with any activation at its end; ``n_outputs`` is 1 if `y`
        has the shape (n,).
    optimizer, learning_rate, epochs, batch_size, callbacks, random_state, verbose
        See `NetClassifier`.
    validation_fraction : float
        Fraction of the samples, drawn at random, that is kept for validation.

    Attributes
    ----------
    model_, history_, n_iter_, n_features_in_, feature_names_in_
        See `NetClassifier`.

    Raises
    ------
    ValueError, TypeError
        As from `NetClassifier`.

    Notes
    -----
    See `NetClassifier`. Networks learn best if the targets are of the order of 1: put one into
    ``sklearn.compose.TransformedTargetRegressor(net, transformer=StandardScaler())``.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 100)[:, None]
    >>> net = NetRegressor((20,), learning_rate=0.01, random_state=0).fit(x, x[:, 0] ** 2)
    >>> bool(net.score(x, x[:, 0] ** 2) > 0.9)
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: Any = "relu",
        *,
        loss: str | Loss = "mean_squared_error",
        dropout: float = 0.0,
        batch_normalization: bool = False,
        network: Network | None = None,
        optimizer: str | optimizers.Optimizer = "adam",
        learning_rate: Any = None,
        epochs: int = 100,
        batch_size: int = 32,
        validation_fraction: float = 0.0,
        callbacks: Callback | Sequence[Callback] | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.dropout = dropout
        self.batch_normalization = batch_normalization
        self.network = network
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a new network.

        Parameters
        ----------
        X : array_like of shape (n, features), or (n, ...) for images
        y : array_like of shape (n,) or (n, outputs)
        sample_weight : array_like of shape (n,), optional

        Returns
        -------
        NetRegressor
            The estimator itself.
        """
        return self._fit(X, y, sample_weight)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train the network for one epoch on some samples, continuing from where it is.

        See `NetClassifier.partial_fit`.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`.

        Returns
        -------
        NetRegressor
            The estimator itself.
        """
        return self._fit(X, y, sample_weight, go_on=True)

    def _fit(self, X: Any, y: Any, sample_weight: Any, go_on: bool = False) -> Self:
        reset = not (go_on and hasattr(self, "model_"))
        X, y = validate_data(
            self, X, y, allow_nd=True, multi_output=True, y_numeric=True, reset=reset
        )
        return self._train(X, y, sample_weight, 1 if y.ndim == 1 else y.shape[1], go_on=go_on)

    def predict(self, X: Any) -> Array:
        """Return the numbers for each sample, (n, outputs), or (n,) if there is only one."""
        out = self._outputs(X)
        return out[:, 0] if out.shape[1] == 1 else out


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
