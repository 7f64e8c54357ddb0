"""MNIST, Kuzushiji-MNIST and CIFAR-10: their formats, their places, and what is not accepted.

The files here are small ones under the names of the real ones, with checksums of their own.
tests/test_datasets.py and test_wrappings.py test what all data sets share.
"""

import dataclasses
import gzip
import hashlib
import http.server
import io
import pickle
import struct
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pooch
import pytest

from tinynet.datasets import DatasetError, cifar10, fashion_mnist, idx, kmnist, mnist
from tinynet.datasets.sources import DataFile

RNG = np.random.default_rng(0)
SMALL = [
    RNG.integers(0, 256, shape).astype(np.uint8) for shape in [(7, 28, 28), (7,), (3, 28, 28), (3,)]
]
KEYS = ("x_train", "y_train", "x_test", "y_test")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, nothing of the user's environment, and no address to download from."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("KERAS_HOME", "TINYNET_DATA", "HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(home)
    for module in (mnist, kmnist, cifar10):
        monkeypatch.setattr(module, "SOURCE", dataclasses.replace(module.SOURCE, addresses=()))
    return home


def with_files(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, known: bool
) -> dict[str, bytes]:
    """Give a module checksums of small files; return these, compressed."""
    packed, files = {}, []
    for file, array in zip(module.SOURCE.files, SMALL, strict=True):
        content = idx.as_idx(array)
        packed[file.name] = gzip.compress(content, mtime=0)
        sha256 = digest(content) if known else ""
        files.append(DataFile(file.name, digest(packed[file.name]), len(content), sha256))
    monkeypatch.setattr(module, "SOURCE", dataclasses.replace(module.SOURCE, files=tuple(files)))
    return packed


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def expect_small(loaded: tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]) -> None:
    for own, stored in zip([*loaded[0], *loaded[1]], SMALL, strict=True):
        np.testing.assert_array_equal(own, stored, strict=True)
        assert own.flags.writeable


@pytest.mark.parametrize("module", [mnist, kmnist, fashion_mnist])
def test_what_is_published(module: ModuleType) -> None:
    files = module.SOURCE.files
    assert [file.size for file in files] == [47_040_016, 60_008, 7_840_016, 10_008]
    shapes = [idx.shape_of(file.size, file.name) for file in files]
    assert shapes == [(60000, 28, 28), (60000,), (10000, 28, 28), (10000,)]
    checksums = [each for file in files for each in (file.packed_sha256, file.sha256) if each]
    assert len(set(checksums)) == len(checksums) and {len(each) for each in checksums} == {64}
    assert len(module.CLASS_NAMES) == 10


# MNIST


@pytest.mark.parametrize(
    "place", ["data/MNIST/raw", ".keras/datasets/mnist.npz", "cache", "TINYNET_DATA", "npz there"]
)
def test_mnist_s_places(place: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = with_files(monkeypatch, mnist, known=True)
    folder = home / "anywhere"
    if place.endswith("npz") or place == "npz there":
        path = home / place if place.endswith("npz") else folder / "mnist.npz"
        path.parent.mkdir(parents=True)
        np.savez(path, **dict(zip(KEYS, SMALL, strict=True)))
    elif place == "cache":
        fill(Path(pooch.os_cache("tinynet")) / "mnist", packed)
    elif place == "TINYNET_DATA":
        fill(folder / "mnist", packed)
    else:
        fill(home / place, packed)
    if place in ("TINYNET_DATA", "npz there"):
        monkeypatch.setenv("TINYNET_DATA", str(folder))
    expect_small(mnist.load_data())
    expect_small(mnist.load_data("mnist.npz"))  # Keras's default


def test_an_npz_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_files(monkeypatch, mnist, known=True)
    np.savez_compressed(tmp_path / "mine.npz", **dict(zip(KEYS, SMALL, strict=True)))
    expect_small(mnist.load_data(tmp_path / "mine.npz"))
    with pytest.raises(DatasetError, match=r"there is no folder .*other\.npz"):
        mnist.load_data(tmp_path / "other.npz")


def stored(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["changed", "no archive", "a key is missing", "huge", "objects"])
def test_npz_that_is_not_keras_s(kind: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_files(monkeypatch, mnist, known=True)
    path = home / ".keras" / "datasets" / "mnist.npz"
    path.parent.mkdir(parents=True)
    named = dict(zip(KEYS, SMALL, strict=True))
    said = {
        "changed": "x_test in .* is damaged or is not the published file",
        "no archive": "cannot be read: File is not a zip file",
        "a key is missing": r"cannot be read: .*y_test\.npy",
        "huge": "x_train has 9000000 bytes, expected 5488 and a few more",
        "objects": "x_train has 40 bytes",
    }
    if kind == "changed":
        np.savez(path, **named | {"x_test": 255 - SMALL[2]})
    elif kind == "no archive":
        path.write_bytes(b"PK" + bytes(100))
    elif kind == "a key is missing":
        np.savez(path, **{key: named[key] for key in KEYS[:3]})
    else:
        path.write_bytes(stored("x_train.npy", bytes(9_000_000 if kind == "huge" else 40)))
    with (
        pytest.warns(UserWarning, match=f"MNIST: Keras's cache is skipped: .*{said[kind]}"),
        pytest.raises(DatasetError, match="MNIST could not be loaded"),
    ):
        mnist.load_data()


# Kuzushiji-MNIST, of which only the compressed files' checksums are known


def test_compressed_files_are_accepted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = with_files(monkeypatch, kmnist, known=False)
    fill(home / "data" / "KMNIST" / "raw", packed)
    expect_small(kmnist.load_data())
    expect_small(kmnist.load_data(home / "data"))


@pytest.mark.parametrize("how", ["decompressed", "compressed again", "changed", "npz"])
def test_other_files_are_not(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = with_files(monkeypatch, kmnist, known=False)
    change = {
        "decompressed": gzip.decompress,
        "compressed again": lambda content: gzip.compress(gzip.decompress(content), 1, mtime=5),
        "changed": lambda content: content[:-4] + bytes([content[-4] ^ 1]) + content[-3:],
    }
    folder = tmp_path / "kmnist"
    if how == "npz":
        folder = tmp_path / "mine.npz"
        np.savez(folder, **dict(zip(KEYS, SMALL, strict=True)))
    else:
        fill(folder, {name: change[how](content) for name, content in packed.items()})
    with pytest.raises(DatasetError, match="is damaged or is not the published file"):
        kmnist.load_data(folder)


# CIFAR-10


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Six small files in the format of the published ones."""
    files = {}
    for name in cifar10.FILES:
        data = RNG.integers(0, 256, (4, 3072)).astype(np.uint8)
        labels = RNG.integers(0, 10, 4).tolist()
        files[name] = pickle.dumps({b"data": data, b"labels": labels, b"batch_label": b"one"})
    told = tuple(DataFile(n, digest(c), len(c), digest(c)) for n, c in files.items())
    monkeypatch.setattr(cifar10, "SOURCE", dataclasses.replace(cifar10.SOURCE, files=told))
    return files


def expect_batches(loaded: tuple[tuple[np.ndarray, ...], ...], files: dict[str, bytes]) -> None:
    (x_train, y_train), (x_test, y_test) = loaded
    assert (x_train.shape, y_train.shape) == ((20, 32, 32, 3), (20, 1))
    assert (x_test.shape, y_test.shape) == ((4, 32, 32, 3), (4, 1))
    assert {each.dtype for part in loaded for each in part} == {np.dtype("uint8")}
    batches = [pickle.loads(content) for content in files.values()]
    for images, labels, some in ((x_train, y_train, batches[:5]), (x_test, y_test, batches[5:])):
        assert labels[:, 0].tolist() == [label for each in some for label in each[b"labels"]]
        rows = np.concatenate([each[b"data"] for each in some])
        for channel in range(3):  # red, then green, then blue, each row by row
            values = rows[:, 1024 * channel : 1024 * (channel + 1)]
            np.testing.assert_array_equal(images[..., channel].reshape(-1, 1024), values)


FOLDER = "cifar-10-batches-py"


@pytest.mark.parametrize(
    "place",
    [f"data/{FOLDER}", f".keras/datasets/{FOLDER}-target/{FOLDER}", f".keras/datasets/{FOLDER}"],
)
def test_cifar10_s_places(place: str, home: Path, batches: dict[str, bytes]) -> None:
    fill(home / place, batches)
    expect_batches(cifar10.load_data(), batches)
    expect_batches(cifar10.load_data((home / place).parent), batches)


def test_a_damaged_batch_is_not_read(tmp_path: Path, batches: dict[str, bytes]) -> None:
    fill(tmp_path / FOLDER, batches | {"data_batch_3": b"cos\nsystem\n(S'exit 1'\ntR."})
    with pytest.raises(DatasetError, match="data_batch_3 is damaged or is not the published file"):
        cifar10.load_data(tmp_path)


class Command:
    def __reduce__(self) -> tuple[object, ...]:
        return print, ("executed",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps({b"data": Command()}),
        pickle.dumps({b"data": np.zeros((2, 5), np.uint8), b"labels": [1, 2]}),
        pickle.dumps([1]),
        b"",
    ],
)
def test_nothing_but_arrays_is_made(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DatasetError, match="this is not one of its files"):
        cifar10.read_batch(content)
    assert capsys.readouterr().out == ""


class Python2(pickle._Pickler):
    """Writes text and bytes as Python 2, which made the published files, wrote its strings."""

    def save_string(self, value: str | bytes) -> None:
        content = value.encode() if isinstance(value, str) else value
        self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)
        self.memoize(value)

    dispatch = pickle._Pickler.dispatch | {str: save_string, bytes: save_string}


def test_a_batch_as_python_2_and_numpy_1_wrote_it() -> None:
    array = np.arange(2 * 3072, dtype=np.uint8).reshape(2, 3072)
    file = io.BytesIO()
    Python2(file, protocol=2).dump({"data": array, "labels": [3, 4]})
    content = file.getvalue().replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"numpy.core.multiarray" in content and b"_codecs" not in content
    images, labels = cifar10.read_batch(content)
    assert labels.tolist() == [[3], [4]]
    np.testing.assert_array_equal(images[1, ..., 2].ravel(), array[1, 2048:])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A local server, and the folder whose files it serves."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", folder
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("intact", [True, False])
def test_the_archive_is_downloaded_and_unpacked(
    intact: bool,
    served: tuple[str, Path],
    batches: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, folder = served
    source = cifar10.SOURCE
    with tarfile.open(folder / source.archive.name, "w:gz") as archive:
        for name, content in batches.items():
            member = tarfile.TarInfo(f"{FOLDER}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    packed = (folder / source.archive.name).read_bytes()
    checksum = digest(packed) if intact else digest(b"another")
    told = DataFile(source.archive.name, checksum, len(packed), "")
    source = dataclasses.replace(source, archive=told, addresses=(address,))
    monkeypatch.setattr(cifar10, "SOURCE", source)
    cache = Path(pooch.os_cache("tinynet")) / FOLDER
    if intact:
        expect_batches(cifar10.load_data(), batches)
        assert sorted(each.name for each in cache.iterdir()) == sorted(batches)
        (folder / told.name).unlink()
        expect_batches(cifar10.load_data(), batches)  # from the cache
        return
    with pytest.raises(DatasetError) as caught:
        cifar10.load_data()
    said = str(caught.value)
    assert f"download from {address}: " in said and checksum in said
    assert f"download {told.name} by hand, from the address above, and unpack it in" in said
    assert list(cache.iterdir()) == []
