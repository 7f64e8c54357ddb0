"""Small helpers around a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet import configurable, random, scope
from tinynet.arrays import Array
from tinynet.checks import integer
from tinynet.custom_objects import (
    custom_object_scope,
    get_custom_objects,
    register_keras_serializable,
)
from tinynet.diagram import plot_model
from tinynet.preprocessing.folders import image_dataset_from_directory
from tinynet.preprocessing.pictures import array_to_img, img_to_array, load_img, save_img
from tinynet.random import set_random_seed
from tinynet.streams import PyDataset

Sequence = PyDataset  # its old name

__all__ = [
    "PyDataset",
    "Sequence",
    "array_to_img",
    "clear_session",
    "custom_object_scope",
    "get_custom_objects",
    "image_dataset_from_directory",
    "img_to_array",
    "load_img",
    "normalize",
    "plot_model",
    "register_keras_serializable",
    "save_img",
    "set_random_seed",
    "to_categorical",
]


def to_categorical(x: Any, num_classes: int | None = None) -> Array:
    """Make integer labels one-hot.

    Parameters
    ----------
    x : array_like of int, shape (...) or (..., 1)
        Labels from 0 to ``num_classes - 1``.
    num_classes : int, optional
        By default one more than the largest label.

    Returns
    -------
    ndarray of float64, shape (..., num_classes)

    Raises
    ------
    ValueError
        If a label is not an integer in that range, or `num_classes` not a positive integer.
    """
    if num_classes is not None:
        num_classes = integer("num_classes", num_classes)
    try:
        given = np.asarray(x)
    except ValueError as error:
        raise ValueError(f"x: expected an array of integer labels: {error}") from None
    if given.dtype.kind not in "fiub":
        raise ValueError(f"x: expected integer labels, got dtype {given.dtype}")
    with np.errstate(invalid="ignore"):  # NaN becomes some integer, and is not equal to it
        labels = given.astype(np.int64)
    if not np.array_equal(labels, given):
        raise ValueError(f"x: expected integer labels, got dtype {given.dtype} with fractions")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes = int(labels.max(initial=-1)) + 1 if num_classes is None else num_classes
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(
            f"x: expected labels from 0 to {classes - 1}, got {labels.min()} to {labels.max()}"
        )
    return np.eye(classes)[labels]


def normalize(x: Any, axis: int = -1, order: float = 2) -> Array:
    """Divide by the norm along an axis: x / ||x||, where the norm is not 0.

    Parameters
    ----------
    x : array_like, shape (...)
    axis : int
    order : float
        Which norm: 2 is the length, 1 the sum of absolute values, ``np.inf`` the largest of them.

    Returns
    -------
    ndarray, shape of `x`; (1, n) for a vector of n
        Of integers float64.

    Raises
    ------
    ValueError
        If there is no such axis.

    Notes
    -----
    Follows keras/src/utils/numerical_utils.py, except for the axis 0 of a matrix or more, along
    which Keras computes the norms but divides by them along another axis.
    """
    given = np.asarray(x)
    axis = integer("axis", axis, least=None)
    if not -given.ndim <= axis < given.ndim:
        raise ValueError(f"axis: expected one of {given.ndim} axes, got {axis}")
    norm = np.linalg.norm(given, order, axis, keepdims=True)
    norm[norm == 0] = 1
    normalized: Array = given / (norm if given.ndim > 1 else norm[None])
    return normalized


def clear_session() -> None:
    """Start the automatic names of layers and the unseeded draws over."""
    configurable.forget_names()
    random.forget_global_state()


__getattr__ = scope.refuses(__name__)
