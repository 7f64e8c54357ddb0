"""The names that scripts written for Keras look for under ``keras.backend``."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet import scope
from tinynet.config import epsilon, floatx, set_epsilon, set_floatx
from tinynet.utils import clear_session

__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_value",
    "image_data_format",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_value",
]


def backend() -> str:
    """Return what computes: ``"numpy"``."""
    return "numpy"


def image_data_format() -> str:
    """Return where the channels of an image stand: last, always."""
    return "channels_last"


def set_image_data_format(data_format: str) -> None:
    """Accept the one format that there is.

    Raises
    ------
    ValueError
        For ``"channels_first"``.
    """
    if data_format != "channels_last":
        raise ValueError(
            f"data_format: expected 'channels_last', got {data_format!r}; move the channels to the "
            f"last axis with np.moveaxis(x, 1, -1)"
        )


def get_value(x: Any) -> Any:
    """Return the numbers of a weight as an array, and those of a learning rate as a number."""
    return x.numpy() if hasattr(x, "numpy") else np.asarray(x)


def set_value(x: Any, value: Any) -> None:
    """Set a weight or a learning rate."""
    x.assign(value)


__getattr__ = scope.refuses(__name__)
