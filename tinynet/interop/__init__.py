"""Models to and from Keras, even in the middle of their training.

``to_keras`` makes a Keras model from a tinynet model, ``from_keras`` the reverse, and training
continues in the other library as it would have continued in the first. What the other library
lacks is refused by name. Keras is imported when one of the two is called.

``tinynet.interop.optuna`` searches for hyperparameters, ``tinynet.interop.keras_tuner`` does so
under Keras Tuner's names; both are independent, and need Optuna.
"""

from tinynet.interop.keras import from_keras, to_keras

__all__ = ["from_keras", "to_keras"]
