"""Fashion-MNIST: 70,000 photographs of clothing, 28x28 gray pixels, in ten classes.

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", arXiv:1708.07747 (2017). The data are Zalando SE's, under the MIT license.
"""

from __future__ import annotations

import os

from tinynet.datasets.idx import Parts, arrays
from tinynet.datasets.sources import DataFile, Source

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

SOURCE = Source(
    title="Fashion-MNIST",
    folder="fashion-mnist",
    files=(
        DataFile(
            "train-images-idx3-ubyte.gz",
            packed_sha256="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            size=47_040_016,
            sha256="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        ),
        DataFile(
            "train-labels-idx1-ubyte.gz",
            packed_sha256="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            size=60_008,
            sha256="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        ),
        DataFile(
            "t10k-images-idx3-ubyte.gz",
            packed_sha256="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            size=7_840_016,
            sha256="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        ),
        DataFile(
            "t10k-labels-idx1-ubyte.gz",
            packed_sha256="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            size=10_008,
            sha256="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
    # The official address, over HTTPS (it is published without); its repository; a mirror.
    addresses=(
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
    torchvision="FashionMNIST/raw",
    hugging_face=("zalando-datasets/fashion_mnist", "fashion_mnist"),
)


def load_data(path: str | os.PathLike[str] | None = None) -> Parts:
    """Load Fashion-MNIST, from disk if it is there, else from the network.

    Looks in ``path``; if that is not given, in the folder named by the environment variable
    ``TINYNET_DATA``; if that is not set, in tinynet's cache (the user's cache folder of the
    operating system), in Keras's (``KERAS_HOME`` or ``~/.keras``), in torchvision's usual folders
    (``data/FashionMNIST/raw`` and the like) and in Hugging Face's cache (with pyarrow and Pillow);
    then downloads 30 MB into tinynet's cache, from the official address or a mirror. A folder
    given by ``path`` or ``TINYNET_DATA`` is never skipped: if the files in it are missing or
    damaged, that is an error. Files may be compressed or not; the checksum of their content is
    verified on every load.

    Parameters
    ----------
    path : path-like, optional
        A folder that holds the four files, or that holds them in a folder ``fashion-mnist`` or
        ``FashionMNIST/raw``.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : tuples of ndarray, uint8
        ``x_train`` (60000, 28, 28) and ``x_test`` (10000, 28, 28) hold gray levels, 0 for the
        background to 255; ``y_train`` (60000,) and ``y_test`` (10000,) hold classes 0 to 9,
        named by ``CLASS_NAMES``.

    Raises
    ------
    DatasetError
        An OSError. If no place has the four files intact; the message lists every place tried,
        why it failed, and what to do.
    TypeError
        If ``path`` is not a path.

    Warns
    -----
    UserWarning
        If a cache is skipped because a file in it is damaged.

    Notes
    -----
    Same values as ``keras.datasets.fashion_mnist.load_data`` (Keras file
    ``keras/src/datasets/fashion_mnist.py``), which has no ``path`` and checks no checksum.

    Examples
    --------
    >>> from tinynet.datasets import fashion_mnist
    >>> (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()  # doctest: +SKIP
    """
    return arrays(SOURCE.load(path))
