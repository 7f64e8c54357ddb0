"""Arrays from picture files, and the reverse; Pillow reads and writes them."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import entries, integer
from tinynet.config import float_type, floatx
from tinynet.files import whole_or_not
from tinynet.layers.images import channels_last

MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}  # Pillow's names
CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
FORMATS = (".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff")


def pillow() -> Any:
    """Return the module that reads pictures, or say how to get it."""
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(
            "pictures in files are read and written by Pillow: pip install 'tinynet[images]'"
        ) from None
    return Image


def load_img(
    path: str | os.PathLike[str] | bytes | io.BytesIO,
    color_mode: str = "rgb",
    target_size: Sequence[int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Read a picture from a file.

    Parameters
    ----------
    path : path or io.BytesIO
    color_mode : {"rgb", "rgba", "grayscale"}
        Gray levels of 16 and 32 bits stay as they are.
    target_size : (int, int), optional
        Height and width to which the picture is resized.
    interpolation : {"nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"}
        How it is resized.
    keep_aspect_ratio : bool
        Whether to cut off what does not have the shape of `target_size`, evenly on both sides,
        rather than to stretch the picture.

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    ImportError
        If Pillow is not installed.
    ValueError
        If there is no such color mode or interpolation.
    TypeError
        If `path` is not a path.
    OSError
        If the file cannot be read, or is no picture.

    Notes
    -----
    Follows keras/src/utils/image_utils.py.
    """
    image = pillow()
    if color_mode not in MODES:
        raise ValueError(f"color_mode: expected one of {', '.join(MODES)}, got {color_mode!r}")
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"interpolation: expected one of {', '.join(INTERPOLATIONS)}, got {interpolation!r}"
        )
    size = None if target_size is None else height_and_width(target_size)[::-1]
    if not isinstance(path, (str, bytes, os.PathLike, io.BytesIO)):
        raise TypeError(f"path: expected a path or io.BytesIO, got {type(path).__name__}")
    # Read whole, so that no file stays open behind the picture.
    content = (
        path if isinstance(path, io.BytesIO) else io.BytesIO(Path(os.fsdecode(path)).read_bytes())
    )
    picture = image.open(content)
    picture.load()
    stays = color_mode == "grayscale" and picture.mode in ("I;16", "I")
    if picture.mode != MODES[color_mode] and not stays:
        picture = picture.convert(MODES[color_mode])
    if size is None or picture.size == size:
        return picture
    box = _shaped_like(size, picture.size) if keep_aspect_ratio else None
    return picture.resize(size, getattr(image.Resampling, interpolation.upper()), box=box)


def height_and_width(target_size: Sequence[int]) -> tuple[int, int]:
    """Return a size as two plain integers, or raise a ValueError."""
    found = entries(target_size)
    if found is None or len(found) != 2:
        raise ValueError(f"target_size: expected (height, width), got {target_size!r}")
    return integer("target_size", found[0]), integer("target_size", found[1])


def _shaped_like(wanted: tuple[int, int], given: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the largest box in the middle of a picture that has the shape of another."""
    width = min(given[0], given[1] * wanted[0] // wanted[1])
    height = min(given[1], given[0] * wanted[1] // wanted[0])
    left, top = (given[0] - width) // 2, (given[1] - height) // 2
    return left, top, left + width, top + height


def img_to_array(img: Any, data_format: str | None = None, dtype: str | None = None) -> Array:
    """Return a picture as an array.

    Parameters
    ----------
    img : PIL.Image.Image, or array_like of 2 or 3 axes
    data_format : {"channels_last"}, optional
    dtype : {"float32", "float64"}, optional
        By default `tinynet.config.floatx`.

    Returns
    -------
    ndarray, shape (height, width, channels)

    Raises
    ------
    ValueError
        If `img` has neither 2 nor 3 axes, or `data_format` is another.
    """
    channels_last(data_format)
    x: Array = np.asarray(img, dtype=float_type(dtype or floatx()))
    if x.ndim not in (2, 3):
        raise ValueError(f"img: expected a picture of 2 or 3 axes, got shape {x.shape}")
    return x if x.ndim == 3 else x[..., None]


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: str | None = None
) -> Any:
    """Return an array as a picture.

    Parameters
    ----------
    x : array_like, shape (height, width, channels)
        1 channel is gray, 3 are red, green and blue, 4 are these and opacity.
    data_format : {"channels_last"}, optional
    scale : bool
        Whether the smallest value becomes 0 and the largest 255. Otherwise values are cut off
        after the point, and have to be from 0 to 255 (in one channel, larger ones make a picture
        of 32 bits).
    dtype : {"float32", "float64"}, optional
        In which values are scaled; by default `tinynet.config.floatx`.

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    ImportError
        If Pillow is not installed.
    ValueError
        If `x` has another number of axes or channels, or `data_format` is another.
    """
    image = pillow()
    channels_last(data_format)
    values = np.asarray(x, dtype=float_type(dtype or floatx()))
    levels = as_levels(values) if scale else values
    if values.ndim != 3 or values.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"x: expected shape (height, width, channels) with 1, 3 or 4 channels, got "
            f"{values.shape}"
        )
    if levels.shape[-1] > 1:
        return image.fromarray(levels.astype(np.uint8))
    deep = levels.max(initial=0) > 255
    return image.fromarray(levels[..., 0].astype(np.int32 if deep else np.uint8))


def as_levels(x: Array) -> Array:
    """Return x stretched: its smallest value becomes 0 and its largest 255."""
    above = x - np.min(x)
    largest = np.max(above)
    stretched: Array = (above / largest if largest != 0 else above) * 255
    return stretched


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array into a picture file.

    Parameters
    ----------
    path : path or file
    x : array_like, shape (height, width, channels)
        See `array_to_img`.
    data_format : {"channels_last"}, optional
    file_format : str, optional
        By default that of the file's ending.
    scale : bool
        See `array_to_img`.
    **kwargs
        For Pillow's ``save``.

    Raises
    ------
    ImportError, ValueError
        As `array_to_img`; a ValueError also if the format is not known.
    OSError
        If the file cannot be written.

    Warns
    -----
    UserWarning
        If the opacity is left out, since JPEG has none.
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = Path(path).suffix.removeprefix(".")
    file_format = "jpeg" if (file_format or "").lower() == "jpg" else file_format
    picture = array_to_img(x, data_format, scale)
    if picture.mode == "RGBA" and (file_format or "").lower() == "jpeg":
        warnings.warn("JPEG files have no opacity; it is left out", stacklevel=2)
        picture = picture.convert("RGB")
    if isinstance(path, (str, os.PathLike)):
        with whole_or_not(path) as file:
            picture.save(file, format=file_format or None, **kwargs)
    else:
        picture.save(path, format=file_format or None, **kwargs)
