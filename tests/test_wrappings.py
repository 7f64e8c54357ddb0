"""The same data in another wrapping: unpacked, packed anew, as other libraries leave it."""

import gzip
import hashlib
import io
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.datasets import DatasetError, fashion_mnist, hugging_face
from tinynet.datasets.sources import DataFile, Source

NAMES = [file.name.removesuffix(".gz") for file in fashion_mnist.SOURCE.files]
rng = np.random.default_rng(0)
ARRAYS = [
    rng.integers(0, 256, shape).astype(np.uint8) for shape in [(7, 4, 3), (7,), (3, 4, 3), (3,)]
]
CONTENTS = [
    struct.pack(f">{1 + each.ndim}I", 0x800 + each.ndim, *each.shape) + each.tobytes()
    for each in ARRAYS
]
SOURCE = Source(
    "Tiny",
    "fashion-mnist",
    tuple(
        DataFile(
            f"{name}.gz",
            hashlib.sha256(gzip.compress(content)).hexdigest(),
            len(content),
            hashlib.sha256(content).hexdigest(),
        )
        for name, content in zip(NAMES, CONTENTS, strict=True)
    ),
    addresses=(),
    torchvision="FashionMNIST/raw",
    hugging_face=("zalando-datasets/fashion_mnist", "fashion_mnist"),
)


def write(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def packed(content: bytes, level: int = 9) -> bytes:
    return gzip.compress(content, level, mtime=1)


WRAPPINGS: dict[str, Callable[[Path, str, bytes], None]] = {
    "packed": lambda folder, name, content: write(folder / f"{name}.gz", packed(content)),
    "packed anew": lambda folder, name, content: write(folder / f"{name}.gz", packed(content, 1)),
    "stored": lambda folder, name, content: write(folder / f"{name}.gz", packed(content, 0)),
    "with a name inside": lambda folder, name, content: write(
        folder / f"{name}.gz", with_name(name, content)
    ),
    "unpacked": lambda folder, name, content: write(folder / name, content),
    "unpacked by a browser": lambda folder, name, content: write(folder / f"{name}.gz", content),
    "packed under the plain name": lambda folder, name, content: write(
        folder / name, packed(content)
    ),
    "with a point": lambda folder, name, content: write(
        folder / name.replace("-idx", ".idx"), content
    ),
    "in folders of their own": lambda folder, name, content: write(folder / name / name, content),
    "both, one of them damaged": lambda folder, name, content: (
        write(folder / f"{name}.gz", packed(content)[:-20]),
        write(folder / name, content),
    )[0],
}


def with_name(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(name, "wb", fileobj=buffer) as file:
        file.write(content)
    return buffer.getvalue()


def fill(folder: Path, wrapping: str) -> Path:
    for name, content in zip(NAMES, CONTENTS, strict=True):
        WRAPPINGS[wrapping](folder, name, content)
    return folder


@pytest.mark.parametrize("inner", ["", "fashion-mnist", "FashionMNIST/raw", "raw"])
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_named_folder(wrapping: str, inner: str, tmp_path: Path) -> None:
    fill(tmp_path / inner, wrapping)
    assert SOURCE.load(tmp_path) == CONTENTS


@given(st.lists(st.sampled_from(sorted(WRAPPINGS)), min_size=4, max_size=4))
def test_any_mixture(tmp_path_factory: pytest.TempPathFactory, wrappings: list[str]) -> None:
    folder = tmp_path_factory.mktemp("mixed")
    for wrapping, name, content in zip(wrappings, NAMES, CONTENTS, strict=True):
        WRAPPINGS[wrapping](folder, name, content)
    assert SOURCE.load(folder) == CONTENTS


def test_arrays_of_unpacked_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion_mnist, "SOURCE", SOURCE)
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data(fill(tmp_path, "unpacked"))
    for loaded, stored in zip((x_train, y_train, x_test, y_test), ARRAYS, strict=True):
        np.testing.assert_array_equal(loaded, stored)


def changed(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: changed(content), "got [0-9a-f]{64} and 100"),
        (lambda content: content[:-1], "got [0-9a-f]{64} and 99"),
        (lambda content: b"", "got [0-9a-f]{64} and 0"),
        (lambda content: packed(changed(content)), "got [0-9a-f]{64} and 100"),
        (lambda content: packed(content)[:-30], "the decompressed content to have SHA-256"),
        (lambda content: packed(content)[:2] + b"?" * 20, "damaged: Error -3 while decompressing"),
        (lambda content: packed(b"0" * 100_000), "got [0-9a-f]{64} and more than 100"),
        (lambda content: content + b"0" * 2000, "expected at most 100 bytes, got 2100"),
    ],
)
@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "train-images-idx3-ubyte"])
def test_damaged_files(
    name: str, damage: Callable[[bytes], bytes], reason: str, tmp_path: Path
) -> None:
    fill(tmp_path, "unpacked")
    (tmp_path / "train-images-idx3-ubyte").unlink()
    write(tmp_path / name, damage(CONTENTS[0]))
    with pytest.raises(DatasetError, match=f"{re.escape(str(tmp_path / name))} is .*{reason}"):
        SOURCE.load(tmp_path)


# Where other libraries put theirs.


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, in which the program is started."""
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "KERAS_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    for name in ("TINYNET_DATA", "HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("outer", ["data", ".", ".pytorch/F_MNIST_data"])
@pytest.mark.parametrize("wrapping", ["packed", "unpacked"])
def test_torchvision_s_folders(wrapping: str, outer: str, home: Path) -> None:
    raw = fill(home / outer / "FashionMNIST" / "raw", wrapping)
    assert SOURCE.load() == CONTENTS
    (raw / f"{NAMES[1]}{'.gz' if wrapping == 'packed' else ''}").write_bytes(b"damaged")
    with (
        pytest.warns(UserWarning, match="Tiny: torchvision's folder is skipped: .* is damaged"),
        pytest.raises(DatasetError, match=r"1\. tinynet's cache.*\n.*\n  3\. torchvision's folder"),
    ):
        SOURCE.load()


def write_parquet(
    folder: Path, images: list[np.ndarray], labels: list[np.ndarray], pieces: int = 1
) -> Path:
    """Write tables as the repositories have them."""
    pa = pytest.importorskip("pyarrow", reason="pyarrow is part of the extra dev")
    import pyarrow.parquet
    from PIL import Image

    folder.mkdir(parents=True)
    for part, x, y in zip(("train", "test"), images, labels, strict=True):
        rows = []
        for image in x:
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "PNG")
            rows.append({"bytes": buffer.getvalue(), "path": None})
        for piece in range(pieces):
            here = np.array_split(np.arange(len(y)), pieces)[piece]
            table = pa.table({"image": [rows[i] for i in here], "label": [int(y[i]) for i in here]})
            name = f"{part}-{piece:05}-of-{pieces:05}.parquet"
            pyarrow.parquet.write_table(table, folder / name)
    return folder


REPOSITORY = "datasets--zalando-datasets--fashion_mnist"


@pytest.mark.parametrize(
    ("variable", "inner"),
    [(None, ".cache/huggingface/hub"), ("HF_HOME", "hf/hub"), ("HF_HUB_CACHE", "hf")],
)
@pytest.mark.parametrize("repository", [REPOSITORY, "datasets--fashion_mnist"])
def test_hugging_face_s_cache(
    repository: str,
    variable: str | None,
    inner: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if variable is not None:
        monkeypatch.setenv(variable, str(home / "hf"))
    folder = home / inner / repository / "snapshots" / "0123abc" / "fashion_mnist"
    write_parquet(folder, ARRAYS[::2], ARRAYS[1::2], pieces=1 if variable else 2)
    assert SOURCE.load() == CONTENTS


def test_hugging_face_s_cache_with_other_images(home: Path) -> None:
    folder = home / ".cache/huggingface/hub" / REPOSITORY / "snapshots" / "0" / "fashion_mnist"
    write_parquet(folder, [255 - ARRAYS[0], ARRAYS[2]], ARRAYS[1::2])
    with (
        pytest.warns(UserWarning, match="Hugging Face's cache is skipped: .* is damaged or is"),
        pytest.raises(DatasetError, match=r"3\. Hugging Face's cache: .* not the published file"),
    ):
        SOURCE.load()
    (folder / "train-00000-of-00001.parquet").write_bytes(b"no table")
    with (
        pytest.warns(UserWarning, match="Hugging Face's cache is skipped: .* cannot be read"),
        pytest.raises(DatasetError, match="cannot be read"),
    ):
        SOURCE.load()
    (folder / "test-00000-of-00001.parquet").unlink()
    with pytest.raises(DatasetError, match=r"Hugging Face's cache: .* lacks test-\*\.parquet"):
        SOURCE.load()


def test_hugging_face_s_cache_without_the_packages(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / ".cache/huggingface/hub" / REPOSITORY / "snapshots" / "0"
    write(folder / "train-00000-of-00001.parquet", b"")
    monkeypatch.setattr(hugging_face.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DatasetError, match="is there, but needs pyarrow and PIL to be read"):
        SOURCE.load()


def test_the_official_address_is_asked_first() -> None:
    assert fashion_mnist.SOURCE.addresses[0].startswith("https://fashion-mnist.")


def test_the_real_files_where_they_are() -> None:
    """On machines that have the data: their content has the checksums that the source names."""
    folder = os.environ.get("TINYNET_DATA", "")
    if not Path(folder, "fashion-mnist").is_dir():
        pytest.skip("TINYNET_DATA names no folder with the data set")
    contents = fashion_mnist.SOURCE.load()
    assert [len(each) for each in contents] == [file.size for file in fashion_mnist.SOURCE.files]
