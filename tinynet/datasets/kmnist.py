"""Kuzushiji-MNIST: 70,000 characters of Japanese cursive, 28x28 gray pixels, in ten classes.

Clanuwat, Bober-Irizar, Kitamoto, Lamb, Yamamoto and Ha, "Deep Learning for Classical Japanese
Literature", arXiv:1812.01718 (2018). KMNIST Dataset (created by CODH), adapted from Kuzushiji
Dataset (created by NIJL and others), doi:10.20676/00000341, under CC BY-SA 4.0.
"""

from __future__ import annotations

import os

from tinynet.datasets.idx import Parts, arrays
from tinynet.datasets.sources import DataFile, Source

CLASS_NAMES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")

SOURCE = Source(
    title="Kuzushiji-MNIST",
    folder="kmnist",
    # Checksums from TensorFlow Datasets (https://github.com/tensorflow/datasets,
    # tensorflow_datasets/url_checksums/kmnist.txt), of the published files only.
    files=(
        DataFile(
            "train-images-idx3-ubyte.gz",
            packed_sha256="51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            size=47_040_016,
            sha256="",
        ),
        DataFile(
            "train-labels-idx1-ubyte.gz",
            packed_sha256="e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            size=60_008,
            sha256="",
        ),
        DataFile(
            "t10k-images-idx3-ubyte.gz",
            packed_sha256="edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            size=7_840_016,
            sha256="",
        ),
        DataFile(
            "t10k-labels-idx1-ubyte.gz",
            packed_sha256="20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
            size=10_008,
            sha256="",
        ),
    ),
    # The official address, over HTTPS (it is published without).
    addresses=("https://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    torchvision="KMNIST/raw",
)


def load_data(path: str | os.PathLike[str] | None = None) -> Parts:
    """Load Kuzushiji-MNIST, from disk if it is there, else from the network.

    Looks in the same places as `tinynet.datasets.fashion_mnist.load_data`, with the folders
    ``kmnist`` and ``KMNIST/raw``; then downloads 21 MB into tinynet's cache. The checksum is
    verified on every load; only that of the published, compressed files is known, so these have
    to be there as they are.

    Parameters
    ----------
    path : path-like, optional
        A folder that holds the four files, or that holds them in a folder ``kmnist`` or
        ``KMNIST/raw``.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : tuples of ndarray, uint8
        ``x_train`` (60000, 28, 28) and ``x_test`` (10000, 28, 28) hold gray levels, 0 for the
        background to 255; ``y_train`` (60000,) and ``y_test`` (10000,) hold classes 0 to 9, named
        by ``CLASS_NAMES``.

    Raises
    ------
    DatasetError
        An OSError. If no place has the files intact; the message lists every place tried, why it
        failed, and what to do.
    TypeError
        If ``path`` is not a path.

    Warns
    -----
    UserWarning
        If a cache is skipped because a file in it is damaged.

    Notes
    -----
    Keras does not have this data set.

    Examples
    --------
    >>> from tinynet.datasets import kmnist
    >>> (x_train, y_train), (x_test, y_test) = kmnist.load_data()  # doctest: +SKIP
    """
    return arrays(SOURCE.load(path))
