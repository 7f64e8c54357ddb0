"""A network that classifies, as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from tinynet import optimizers
from tinynet.arrays import Array
from tinynet.callbacks import Callback
from tinynet.interop.sklearn.network import NetEstimator, Network


class NetClassifier(ClassifierMixin, NetEstimator):  # type: ignore[misc] # scikit-learn has no types
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
