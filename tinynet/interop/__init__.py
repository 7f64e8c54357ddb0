"""Models to and from Keras, as they stand in the middle of their training.

``to_keras`` makes a Keras model of one of tinynet, ``from_keras`` the reverse, and training goes
on in the other library as it would have gone on in the first. What the other library lacks is
refused by its name. Keras is imported when one of the two is called.

``tinynet.interop.optuna`` searches for hyperparameters; it stands for itself, and needs Optuna.
"""

from tinynet.interop.keras import from_keras, to_keras

__all__ = ["from_keras", "to_keras"]
