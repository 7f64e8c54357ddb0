"""``.keras``: a zip archive with the architecture as JSON and the arrays as an HDF5 file."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import tinynet

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
# The version of Keras whose files these are.
KERAS_VERSION = "3.15.1"


def write(file: BinaryIO, config: Any, weights: io.BytesIO) -> None:
    """Write an archive, uncompressed as Keras's are."""
    metadata = {
        "keras_version": KERAS_VERSION,
        "date_saved": datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
        "written_by": f"tinynet {tinynet.__version__}",
    }
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(METADATA, json.dumps(metadata))
        archive.writestr(CONFIG, json.dumps(config))
        archive.writestr(WEIGHTS, weights.getbuffer())


def read(path: Path) -> tuple[Any, BinaryIO]:
    """Return the architecture and the HDF5 file of an archive, from memory.

    Nothing is unpacked to disk. A member that is compressed is refused, because it may become
    larger than the file, and so are names that lead out of a folder.

    Raises
    ------
    ValueError
        If it is not such an archive, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_names(archive.namelist())
            config = _member(archive, CONFIG, path)
            if f"{WEIGHTS[:-3]}.npz" in archive.namelist():
                raise ValueError("its weights are in the form npz; save it with Keras's default")
            weights = _member(archive, WEIGHTS, path)
    except (EOFError, NotImplementedError, OSError, RuntimeError) as error:
        raise ValueError(f"the archive is damaged ({error})") from None
    except (zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"not a .keras file, or a damaged one ({error}); was it cut off in a copy?"
        ) from None
    return json.loads(config), io.BytesIO(weights)


def _check_names(names: list[str]) -> None:
    for name in names:
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or ":" in parts[0]:
            raise ValueError(f"the archive has a file {name!r}, which leads out of its folder")
    if len(set(names)) < len(names):
        raise ValueError("the archive has two files of the same name")


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    if name not in archive.namelist():
        raise ValueError(f"the archive has no {name}; is it a model that Keras 3 saved?")
    info, length = archive.getinfo(name), path.stat().st_size
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed; Keras stores it as it is, so pack it with zip -0")
    if max(info.file_size, info.compress_size) > length:
        raise ValueError(f"{name} is said to have {info.file_size} bytes, the archive has {length}")
    return archive.read(name)
