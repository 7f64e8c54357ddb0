"""CIFAR-10: 60,000 small photographs, 32x32 pixels in color, in ten classes.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", technical report, University
of Toronto (2009).
"""

from __future__ import annotations

import io
import os
import pickle
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinynet.datasets.errors import DatasetError
from tinynet.datasets.sources import DataFile, Source

CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

# Of the archive, as in keras/src/datasets/cifar10.py; of the files in it, as in several public
# repositories beside the MD5 checksums that torchvision has for the same files
# (https://github.com/pytorch/vision, torchvision/datasets/cifar.py).
FILES = {
    "data_batch_1": (
        31_035_704,
        "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd",
    ),
    "data_batch_2": (
        31_035_320,
        "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8",
    ),
    "data_batch_3": (
        31_035_999,
        "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9",
    ),
    "data_batch_4": (
        31_035_696,
        "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b",
    ),
    "data_batch_5": (
        31_035_623,
        "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154",
    ),
    "test_batch": (
        31_035_526,
        "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831",
    ),
}

SOURCE = Source(
    title="CIFAR-10",
    folder="cifar-10-batches-py",
    files=tuple(
        DataFile(name, packed_sha256=sha256, size=size, sha256=sha256)
        for name, (size, sha256) in FILES.items()
    ),
    addresses=("https://www.cs.toronto.edu/~kriz/",),
    torchvision="cifar-10-batches-py",
    keras=("cifar-10-batches-py-target/cifar-10-batches-py", "cifar-10-batches-py"),
    archive=DataFile(
        "cifar-10-python.tar.gz",
        packed_sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        size=170_498_071,
        sha256="",
    ),
)

Bytes = NDArray[np.uint8]


def load_data(
    path: str | os.PathLike[str] | None = None,
) -> tuple[tuple[Bytes, Bytes], tuple[Bytes, Bytes]]:
    """Load CIFAR-10, from disk if it is there, else from the network.

    Looks in the same places as `tinynet.datasets.fashion_mnist.load_data` for a folder
    ``cifar-10-batches-py``; then downloads 170 MB and unpacks them into tinynet's cache. The
    checksum of every file is verified on every load, before it is read.

    Parameters
    ----------
    path : path-like, optional
        A folder that holds the six files ``data_batch_1``, ..., ``test_batch``, or that holds them
        in a folder ``cifar-10-batches-py``.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : tuples of ndarray, uint8
        ``x_train`` (50000, 32, 32, 3) and ``x_test`` (10000, 32, 32, 3) hold red, green and blue,
        0 to 255; ``y_train`` (50000, 1) and ``y_test`` (10000, 1) hold classes 0 to 9, named by
        ``CLASS_NAMES``.

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
    Same values as ``keras.datasets.cifar10.load_data``, which has no ``path``.

    Examples
    --------
    >>> from tinynet.datasets import cifar10
    >>> (x_train, y_train), (x_test, y_test) = cifar10.load_data()  # doctest: +SKIP
    """
    parts = [read_batch(content) for content in SOURCE.load(path)]
    *train, (x_test, y_test) = parts
    x_train, y_train = (np.concatenate(each) for each in zip(*train, strict=True))
    return (x_train, y_train), (x_test, y_test)


def read_batch(content: bytes) -> tuple[Bytes, Bytes]:
    """Return the images (n, 32, 32, 3) and the labels (n, 1) of one of the published files.

    It is a pickle of a dictionary; nothing but arrays of numbers is made from it.

    Raises
    ------
    DatasetError
        If it is anything else.
    """
    try:
        found = _OnlyArrays(io.BytesIO(content), encoding="bytes").load()
        data, labels = found[b"data"], np.asarray(found[b"labels"], np.uint8)
        images = data.reshape(len(labels), 3, 32, 32).transpose(0, 2, 3, 1)
    except Exception as error:  # a pickle can go wrong in any way
        raise DatasetError(f"CIFAR-10: this is not one of its files: {error}") from None
    return np.ascontiguousarray(images, np.uint8), labels[:, None]


class _OnlyArrays(pickle.Unpickler):
    """Makes NumPy's arrays, under the names that NumPy 1 and 2 give to what makes them."""

    allowed = {  # noqa: RUF012
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("numpy.core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
        ("numpy._core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return self.allowed[module, name]
