"""A network that predicts numbers, as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils.validation import validate_data

from tinynet import optimizers
from tinynet.arrays import Array
from tinynet.callbacks import Callback
from tinynet.interop.sklearn.network import NetEstimator, Network
from tinynet.losses import Loss


class NetRegressor(MultiOutputMixin, RegressorMixin, NetEstimator):  # type: ignore[misc]
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
