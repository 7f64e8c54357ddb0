"""Fashion-MNIST's arrays: Keras's tuples, the IDX format, and what a load from disk imports."""

import gzip
import hashlib
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tinynet.datasets import DatasetError, fashion_mnist
from tinynet.datasets import idx as idx_format
from tinynet.datasets.sources import DataFile, Source


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Four small arrays, stored under the names of the real ones in ``tmp_path``."""
    rng = np.random.default_rng(0)
    shapes = [(7, 28, 28), (7,), (3, 28, 28), (3,)]
    arrays = [rng.integers(0, 256, shape).astype(np.uint8) for shape in shapes]
    files = []
    for file, array in zip(fashion_mnist.SOURCE.files, arrays, strict=True):
        content = idx(array)
        packed = gzip.compress(content)
        (tmp_path / file.name).write_bytes(packed)
        checksums = [hashlib.sha256(each).hexdigest() for each in (packed, content)]
        files.append(DataFile(file.name, checksums[0], len(content), checksums[1]))
    source = Source("Small", "fashion-mnist", tuple(files), addresses=())
    monkeypatch.setattr(fashion_mnist, "SOURCE", source)
    return arrays


def test_load_data_returns_keras_tuples(small: list[np.ndarray], tmp_path: Path) -> None:
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data(tmp_path)
    for loaded, stored in zip((x_train, y_train, x_test, y_test), small, strict=True):
        np.testing.assert_array_equal(loaded, stored, strict=True)
        assert loaded.flags.writeable


@pytest.mark.usefixtures("small")
def test_load_data_without_path_looks_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TINYNET_DATA", str(tmp_path))
    assert len(fashion_mnist.load_data()[0][0]) == 7
    monkeypatch.setenv("TINYNET_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DatasetError, match=r"TINYNET_DATA=.*nowhere"):
        fashion_mnist.load_data()


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0)))
def test_read_idx_reads_what_was_written(array: np.ndarray) -> None:
    read = idx_format.read_idx(idx(array), array.ndim)
    np.testing.assert_array_equal(read, array, strict=True)


@given(st.integers(0, 39), st.booleans())
def test_read_idx_of_the_wrong_length(length: int, longer: bool) -> None:
    content = idx(np.zeros((2, 3, 4), np.uint8))  # 16 + 24 bytes
    content = content + bytes(1 + length) if longer else content[:length]
    with pytest.raises(DatasetError, match=r"IDX file (has|of)"):
        idx_format.read_idx(content, ndim=3)


@pytest.mark.parametrize("magic", [0x801, 0x802, 0x903, 0x03080000])
def test_read_idx_of_another_kind(magic: int) -> None:
    content = struct.pack(">4I", magic, 1, 1, 1) + b"\0"
    with pytest.raises(DatasetError, match=f"begins with {magic:#010x}, expected 0x00000803"):
        idx_format.read_idx(content, ndim=3)


@pytest.mark.usefixtures("small")
def test_data_on_disk_needs_neither_pooch_nor_requests(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from tinynet.datasets import DatasetError, fashion_mnist\n"
        "try:\n"
        "    fashion_mnist.load_data(sys.argv[1])\n"
        "except DatasetError as error:\n"
        "    assert 'is damaged or is not the published file' in str(error)\n"
        "else:\n"
        "    raise SystemExit('files with other checksums were accepted')\n"
        "assert not {'pooch', 'requests', 'tqdm'} & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
