"""Images that Hugging Face's libraries have left in their cache: tables of PNG files and labels.

A repository such as ``zalando-datasets/fashion_mnist`` holds ``train-*.parquet`` and
``test-*.parquet``, in which each row is an image, stored as PNG, and its label. Decoded, they are
the numbers of the IDX files; so they are put into that form, and the same checksums are verified.
"""

import importlib.util
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tinynet.datasets.idx import as_idx

PARTS = ("train", "test")


def snapshots(repositories: Sequence[str]) -> Iterator[Path]:
    """Yield each folder of the cache that holds the tables of any of the repositories."""
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    cache = Path(os.path.expanduser(os.environ.get("HF_HUB_CACHE") or f"{home}/hub"))
    for name in repositories:
        repository = cache / f"datasets--{name.replace('/', '--')}" / "snapshots"
        for train in sorted(repository.glob("**/train-*.parquet")):
            yield train.parent


def missing(snapshot: Path) -> str:
    """Return what is missing to read a folder of tables; empty if nothing is."""
    packages = [name for name in ("pyarrow", "PIL") if importlib.util.find_spec(name) is None]
    if packages:
        return f"{snapshot} is there, but needs {' and '.join(packages)} to be read"
    absent = [part for part in PARTS if not list(snapshot.glob(f"{part}-*.parquet"))]
    return f"{snapshot} lacks {', '.join(f'{part}-*.parquet' for part in absent)}" if absent else ""


def read(snapshot: Path) -> list[bytes]:
    """Return images and labels of both parts, each as the content of an IDX file.

    Raises
    ------
    OSError, ValueError, KeyError
        If a table or an image cannot be read.
    """
    import pyarrow.parquet
    from PIL import Image

    contents = []
    for part in PARTS:
        images, labels = [], []
        for place in sorted(snapshot.glob(f"{part}-*.parquet")):
            table = pyarrow.parquet.read_table(place)
            labels += table.column("label").to_pylist()
            for each in table.column("image").to_pylist():
                images.append(np.asarray(Image.open(io.BytesIO(each["bytes"])), np.uint8))
        contents += [as_idx(np.stack(images)), as_idx(np.array(labels, np.uint8))]
    return contents
