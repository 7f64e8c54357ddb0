"""MNIST: 70,000 handwritten digits, 28x28 gray pixels, in ten classes.

LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 86 (1998). The data are LeCun's and Cortes's, under CC BY-SA 3.0.
"""

from __future__ import annotations

import os
from pathlib import Path

from tinynet.datasets.idx import Parts, arrays
from tinynet.datasets.sources import DataFile, Source

CLASS_NAMES = tuple("0123456789")
KERAS_FILE = "mnist.npz"

SOURCE = Source(
    title="MNIST",
    folder="mnist",
    # The published files' checksums are in TensorFlow Datasets, too
    # (https://github.com/tensorflow/datasets, tensorflow_datasets/url_checksums/mnist.txt).
    files=(
        DataFile(
            "train-images-idx3-ubyte.gz",
            packed_sha256="440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            size=47_040_016,
            sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        DataFile(
            "train-labels-idx1-ubyte.gz",
            packed_sha256="3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            size=60_008,
            sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        DataFile(
            "t10k-images-idx3-ubyte.gz",
            packed_sha256="8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            size=7_840_016,
            sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        DataFile(
            "t10k-labels-idx1-ubyte.gz",
            packed_sha256="f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            size=10_008,
            sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    addresses=(
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    torchvision="MNIST/raw",
    keras=(KERAS_FILE,),
)


def load_data(path: str | os.PathLike[str] | None = None) -> Parts:
    """Load MNIST, from disk if it is there, else from the network.

    Looks in the same places as `tinynet.datasets.fashion_mnist.load_data`, with the folders
    ``mnist`` and ``MNIST/raw`` and Keras's file ``~/.keras/datasets/mnist.npz``; then downloads
    12 MB into tinynet's cache. The checksum of the content is verified on every load.

    Parameters
    ----------
    path : path-like, optional
        A folder that holds the four files, or that holds them in a folder ``mnist`` or
        ``MNIST/raw``; or an archive like Keras's, ending in ``.npz``. Keras's own default,
        ``"mnist.npz"``, is the same as None unless there is such a file.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : tuples of ndarray, uint8
        ``x_train`` (60000, 28, 28) and ``x_test`` (10000, 28, 28) hold gray levels, 0 for the
        background to 255; ``y_train`` (60000,) and ``y_test`` (10000,) hold the digits.

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
    Same values as ``keras.datasets.mnist.load_data``.

    Examples
    --------
    >>> from tinynet.datasets import mnist
    >>> (x_train, y_train), (x_test, y_test) = mnist.load_data()  # doctest: +SKIP
    """
    if path == KERAS_FILE and not Path(KERAS_FILE).exists():
        path = None
    return arrays(SOURCE.load(path))
