"""Pictures in a folder of folders as batches, in the order and with the numbers of Keras 3."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import entries, flag, integer, number
from tinynet.layers.images import channels_last
from tinynet.preprocessing.pictures import CHANNELS, height_and_width, load_img
from tinynet.terminal import say

FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
LABEL_MODES = ("int", "categorical", "binary", None)
RESIZED_BY = ("bilinear", "nearest")


class PicturesInFolders:
    """Batches of pictures, which are read when they are needed; an epoch each time it is iterated.

    Attributes
    ----------
    class_names : list of str or None
    file_paths : list of str
        In the order in which they are handed out without shuffling.

    Notes
    -----
    A batch is (x, y), or x alone without labels: x (batch, height, width, channels) from 0 to 255,
    float32, or for the interpolation "nearest" uint8; y (batch,) int32, or for "binary" (batch, 1)
    and for "categorical" (batch, classes), float32. Without a batch size, they are handed out one
    by one.
    """

    def __init__(
        self,
        file_paths: list[str],
        y: Array | None,
        class_names: list[str] | None,
        batch_size: int | None,
        seed: int | None,
        **reading: Any,
    ) -> None:
        self.file_paths, self.y, self.class_names = file_paths, y, class_names
        self.batch_size, self.seed = batch_size, seed
        self.draws = None if seed is None else np.random.RandomState(seed)
        self.reading = reading

    def __len__(self) -> int:
        return -(-len(self.file_paths) // (self.batch_size or 1))

    def __iter__(self) -> Iterator[Any]:
        places = np.arange(len(self.file_paths))
        if self.draws is not None:
            self.draws.shuffle(places)
        size = self.batch_size or 1
        for start in range(0, len(places), size):
            chosen = places[start : start + size]
            x = np.stack([self.picture(i) for i in chosen])
            batch = (x,) if self.y is None else (x, self.y[chosen])
            if self.batch_size is None:
                batch = tuple(each[0] for each in batch)
            yield batch if len(batch) > 1 else batch[0]

    def picture(self, number: int) -> Array:
        """Return the picture of one of the files."""
        return resized_picture(self.file_paths[number], **self.reading)


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: int | Sequence[int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Return batches of the pictures in a folder that has one folder for each class.

    Parameters
    ----------
    directory : path
    labels : "inferred", None, or sequence of int
        The class of a picture is its folder; or pictures have none; or one for each file, in the
        order of their names.
    label_mode : {"int", "categorical", "binary", None}
        See `PicturesInFolders`.
    class_names : sequence of str, optional
        Names of the folders, in the order of the labels; by default all, sorted.
    color_mode : {"rgb", "rgba", "grayscale"}
    batch_size : int, optional
        None hands out one picture after the other.
    image_size : int or (int, int)
        Height and width to which every picture is resized.
    shuffle : bool
        Whether files are shuffled before they are split, and again in every epoch.
    seed : int, optional
        Of both; drawn from NumPy's global generator by default.
    validation_split : float, optional
        Part of the files, the last ones, that the subset "validation" has.
    subset : {"training", "validation", "both"}, optional
    interpolation : {"bilinear", "nearest"}
    follow_links : bool
    crop_to_aspect_ratio : bool
        Whether to cut off what does not have the shape of `image_size`, evenly on both sides.
    pad_to_aspect_ratio : bool
        Not supported.
    data_format : {"channels_last"}, optional
    format : {"tf"}
        Has no effect.
    verbose : bool
        Whether to print how many files there are.

    Returns
    -------
    PicturesInFolders
        With ``class_names`` and ``file_paths``; a list of two of them for ``subset="both"``.

    Raises
    ------
    ImportError
        When iterated, if Pillow is not installed.
    OSError
        If there is no such folder.
    ValueError
        If an argument has another value, or there is no picture.

    Notes
    -----
    Follows keras/src/utils/image_dataset_utils.py. The same seed gives Keras's split; within an
    epoch TensorFlow shuffles in another order. Pixels are TensorFlow's if the file has the color
    mode asked for, and is no JPEG file, which every program decodes a little differently.
    """
    for name, value, known in (
        ("label_mode", label_mode, LABEL_MODES),
        ("color_mode", color_mode, tuple(CHANNELS)),
        ("interpolation", interpolation, RESIZED_BY),
        ("pad_to_aspect_ratio", pad_to_aspect_ratio, (False,)),
        ("format", format, ("tf",)),
        ("subset", subset, (None, "training", "validation", "both")),
    ):
        if value not in known:
            raise ValueError(f"{name}: expected one of {', '.join(map(str, known))}, got {value!r}")
    channels_last(data_format)
    if batch_size is not None:
        batch_size = integer("batch_size", batch_size)
    square = entries(image_size) is None
    size = height_and_width((image_size, image_size) if square else image_size)  # type: ignore[arg-type]
    flag("shuffle", shuffle)
    split = _split(validation_split, subset, shuffle, seed)
    if seed is None:
        seed = np.random.randint(10**6)
    paths, y, names = _indexed(Path(directory), labels, label_mode, class_names, follow_links)
    if verbose:
        classes = "" if y is None else f" belonging to {len(names)} classes"
        say(f"Found {len(paths)} files{classes}.")
    if shuffle:
        np.random.RandomState(seed).shuffle(paths)
        if y is not None:
            np.random.RandomState(seed).shuffle(y)
    if y is not None and label_mode == "binary" and len(names) != 2:
        raise ValueError(f"label_mode: 'binary' needs exactly 2 classes, got {names}")
    if label_mode == "binary" and y is not None:
        y = y[:, None].astype(np.float32)
    elif label_mode == "categorical" and y is not None:
        y = np.eye(len(names), dtype=np.float32)[y]
    last = len(paths) - int(split * len(paths))
    parts = {"training": slice(0, last), "validation": slice(last, None), None: slice(None)}
    found = []
    for part in ("training", "validation") if subset == "both" else (subset,):
        chosen = paths[parts[part]]
        if part is not None:
            say(f"Using {len(chosen)} files for {part}.")
        if not chosen:
            raise ValueError(
                f"directory: expected a folder for each class with pictures ({', '.join(FORMATS)}) "
                f"in it, got {os.fspath(directory)!r}, with none for {part or 'any use'}"
            )
        anew = shuffle and not (subset == "both" and part == "validation")
        found.append(
            PicturesInFolders(
                chosen,
                None if y is None else y[parts[part]],
                None if y is None else names,
                batch_size,
                seed if anew else None,
                color_mode=color_mode,
                size=size,
                interpolation=interpolation,
                crop=flag("crop_to_aspect_ratio", crop_to_aspect_ratio),
            )
        )
    return found if subset == "both" else found[0]


def _split(part: Any, subset: str | None, shuffle: bool, seed: int | None) -> float:
    """Check that a split is told completely, and return the part for validation."""
    if (part is None) != (subset is None):
        raise ValueError(
            f"validation_split and subset: expected both or neither, got {part!r} and {subset!r}"
        )
    if part is not None and shuffle and seed is None:
        raise ValueError(
            "seed: expected an integer: two calls, one for each subset, have to shuffle the files "
            "in the same order; or pass shuffle=False"
        )
    return 0.0 if part is None else float(number("validation_split", part, above=0, below=1))


def _indexed(
    root: Path, labels: Any, label_mode: str | None, class_names: Any, follow_links: bool
) -> tuple[list[str], Array | None, list[str]]:
    """Return the files in order, their labels and the names of these."""
    inferred = isinstance(labels, str) and labels == "inferred"
    if class_names is not None and not inferred:
        raise ValueError("class_names: the folders are classes only with labels='inferred'")
    if isinstance(labels, str) and not inferred:
        raise ValueError(f"labels: expected 'inferred', None or a list of int, got {labels!r}")
    if not inferred:
        paths = _pictures(root, follow_links)
        if labels is None or label_mode is None:
            return paths, None, []
        y = np.array(labels)
        if y.shape != (len(paths),) or y.dtype.kind not in "iu":
            raise ValueError(
                f"labels: expected one integer for each of {len(paths)} files, got an array of "
                f"shape {y.shape} and type {y.dtype}"
            )
        return paths, y.astype(np.int32), [str(each) for each in sorted(set(y.tolist()))]
    folders = sorted(e.name for e in root.iterdir() if e.is_dir() and not e.name.startswith("."))
    names = folders if class_names is None else list(class_names)
    if unknown := [name for name in names if name not in folders]:
        raise ValueError(f"class_names: {root} has the folders {folders}, and none named {unknown}")
    found = [_pictures(root / name, follow_links) for name in names]
    paths = [each for some in found for each in some]
    if label_mode is None:
        return paths, None, []
    return paths, np.repeat(np.arange(len(names), dtype=np.int32), list(map(len, found))), names


def _pictures(folder: Path, follow_links: bool) -> list[str]:
    return [
        os.path.join(root, name)
        for root, _, files in sorted(os.walk(folder, followlinks=follow_links))
        for name in sorted(files)
        if name.lower().endswith(FORMATS)
    ]


def resized_picture(
    path: str, color_mode: str, size: tuple[int, int], interpolation: str, crop: bool
) -> Array:
    """Return a picture (height, width, channels) of a size, as float32; by nearest, as it is."""
    x = np.asarray(load_img(path, color_mode))
    x = x if x.ndim == 3 else x[..., None]
    if crop:
        height = max(1, min(x.shape[0], int(x.shape[1] * size[0] / size[1])))
        width = max(1, min(x.shape[1], int(x.shape[0] * size[1] / size[0])))
        top, left = (x.shape[0] - height) // 2, (x.shape[1] - width) // 2
        x = x[top : top + height, left : left + width]
    if interpolation == "nearest":
        rows, columns = (
            np.minimum(np.floor(_places(n, m) + np.float32(0.5)), m - 1).astype(int)
            for n, m in zip(size, x.shape[:2], strict=True)
        )
        nearest: Array = x[rows[:, None], columns]
        return nearest
    x = x.astype(np.float32)
    (top, bottom, down), (left, right, across) = (
        _neighbors(n, m) for n, m in zip(size, x.shape[:2], strict=True)
    )
    above, below = (
        x[i][:, left] + (x[i][:, right] - x[i][:, left]) * across[:, None] for i in (top, bottom)
    )
    blended: Array = above + (below - above) * down[:, None, None]
    return blended


def _places(n: int, m: int) -> Array:
    """Return where the centers of n pixels are on an axis of m, in float32 as in TensorFlow."""
    half = np.float32(0.5)
    places: Array = (np.arange(n, dtype=np.float32) + half) * (np.float32(m) / np.float32(n)) - half
    return places


def _neighbors(n: int, m: int) -> tuple[Array, Array, Array]:
    """Return the pixels around each place, and how far it is from the first to the second."""
    places = _places(n, m)
    first = np.floor(places)
    second = np.minimum(np.ceil(places), m - 1)
    return np.maximum(first, 0).astype(int), second.astype(int), places - first
