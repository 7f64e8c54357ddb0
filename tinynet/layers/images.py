"""Sizes of images, windows and paddings, for the layers that slide a window over an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinynet.checks import entries, integer, plain
from tinynet.kernels.convolution import Pair
from tinynet.layers.base import Shape


def pair(name: str, value: int | Sequence[int]) -> Pair:
    """Return a height and a width, both positive; one number stands for both.

    Raises
    ------
    ValueError
        If it is something else.
    """
    numbers = entries(value) or (value, value)
    try:
        height, width = (integer(name, n) for n in numbers)
    except ValueError:
        raise ValueError(
            f"{name}: expected a positive integer or two of them, got {value!r}"
        ) from None
    return height, width


def around_pair(name: str, value: Any) -> tuple[Pair, Pair]:
    """Return ((top, bottom), (left, right)) from one number, a number an axis, or all four.

    Raises
    ------
    ValueError
        If it is something else, or a number is negative.
    """
    both = entries(value) or [plain(value)] * 2
    found = [entries(each) or [each] * 2 for each in both]
    numbers = [n for each in found for n in each]
    if (
        [len(each) for each in found] != [2, 2]
        or not all(type(n) is int for n in numbers)
        or min(numbers) < 0
    ):
        raise ValueError(
            f"{name}: expected an integer from 0 on, two of them (rows, columns), or ((top, "
            f"bottom), (left, right)), got {value!r}"
        )
    (top, bottom), (left, right) = found
    return (top, bottom), (left, right)


def padding_name(value: str) -> str:
    """Return ``"valid"`` or ``"same"``, or say what is wrong."""
    if not isinstance(value, str) or value.lower() not in ("valid", "same"):
        raise ValueError(f"padding: expected 'valid' or 'same', got {value!r}")
    return value.lower()


def channels_last(value: str | None) -> str:
    """Return the one order of axes that is offered."""
    if value not in (None, "channels_last"):
        raise ValueError(
            f"data_format: expected 'channels_last', (batch, height, width, channels), got "
            f"{value!r}; move the channels with np.moveaxis(x, 1, -1)"
        )
    return "channels_last"


def image_shape(name: str, shape: Shape) -> tuple[Pair, int]:
    """Return size and channels of a sample (height, width, channels).

    Raises
    ------
    ValueError
        If a sample has not three axes.
    """
    if len(shape) != 3:
        hint = ""
        if len(shape) == 2:
            hint = f"; grey images need an axis for their one channel: reshape to (n, {shape[0]}, "
            hint += f"{shape[1]}, 1)"
        elif len(shape) == 1:
            side = math.isqrt(shape[0])
            hint = "; images that were flattened have to be folded up again: reshape to "
            hint += f"(n, {side}, {side}, 1)" if side * side == shape[0] else "(n, h, w, c)"
        raise ValueError(
            f"{name}: expected images, shape (batch, height, width, channels), got samples of "
            f"shape {shape}{hint}"
        )
    return (shape[0], shape[1]), shape[2]


def output_size(
    name: str, size: Pair, window: Pair, strides: Pair, dilation: Pair, padding: str
) -> Pair:
    """Return at how many places a window can stand, down and across.

    With "same" padding there are ``ceil(size/stride)``; else as many as fit into the image.

    Raises
    ------
    ValueError
        If there is none.
    """
    if padding == "same":
        return -(-size[0] // strides[0]), -(-size[1] // strides[1])
    spans = span(window, dilation)
    if spans[0] > size[0] or spans[1] > size[1]:
        raise ValueError(
            f"{name}: expected images of at least {spans[0]} x {spans[1]} pixels, the size of the "
            f"window, got {size[0]} x {size[1]}; use a smaller window, fewer layers that shrink "
            f"the image, or padding='same'"
        )
    return (size[0] - spans[0]) // strides[0] + 1, (size[1] - spans[1]) // strides[1] + 1


def span(window: Pair, dilation: Pair) -> Pair:
    """Return how many pixels a window covers with its gaps."""
    return (window[0] - 1) * dilation[0] + 1, (window[1] - 1) * dilation[1] + 1


def padding_before_and_after(
    size: Sequence[int], window: Pair, strides: Pair, dilation: Pair, padding: str
) -> tuple[Pair, Pair]:
    """Return the rows (above, below) and columns (left, right) that are put around an image.

    With "same" padding it is as little as the last window needs, the odd one behind, as in
    TensorFlow; else nothing.
    """
    if padding == "valid":
        return (0, 0), (0, 0)
    both = []
    for n, k, stride in zip(size, span(window, dilation), strides, strict=True):
        total = max((-(-n // stride) - 1) * stride + k - n, 0)
        both.append((total // 2, total - total // 2))
    return both[0], both[1]
