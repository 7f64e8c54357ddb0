"""`image_dataset_from_directory` for scripts, with the methods of TensorFlow's data sets."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.preprocessing import folders
from tinynet.scripts.pipelines import Dataset


class PictureDataset(Dataset):
    """Batches of pictures, in TensorFlow's order, with the names of their classes.

    Attributes
    ----------
    class_names, file_paths : list of str
    """

    def __init__(self, pictures: folders.PicturesInFolders) -> None:
        self.class_names, self.file_paths = pictures.class_names, pictures.file_paths
        numbers = Dataset.from_tensor_slices(np.arange(len(self.file_paths)))
        size = pictures.batch_size
        if pictures.seed is not None:
            numbers = numbers.shuffle(1024 if size is None else 8 * size, pictures.seed)
        y = pictures.y

        def element(number: Any) -> Any:
            x = pictures.picture(int(number))
            return x if y is None else (x, y[int(number)])

        elements = numbers.map(element)
        batches = elements if size is None else elements.batch(size)
        super().__init__(lambda: iter(batches), len(batches))


def image_dataset_from_directory(*arguments: Any, **options: Any) -> Any:
    """Return what `tinynet.utils.image_dataset_from_directory` does, with map, cache and the like.

    Parameters
    ----------
    *arguments, **options
        See there.

    Returns
    -------
    PictureDataset, or two of them for ``subset="both"``
    """
    made = folders.image_dataset_from_directory(*arguments, **options)
    if isinstance(made, folders.PicturesInFolders):
        return PictureDataset(made)
    return tuple(PictureDataset(each) for each in made)
