"""All that tinynet writes is there whole or not at all: a fault is put in at every step."""

import argparse
import ast
import errno
import functools
import io
import json
import os
import shutil
import signal
import stat
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from safetensors.numpy import load, save

import tinynet
from tests import torture
from tinynet import Sequential, files, layers, lessons
from tinynet.array_files import read_arrays, write_arrays
from tinynet.callbacks import CSVLogger, TensorBoard
from tinynet.datasets import sources
from tinynet.interop import keras_tuner
from tinynet.preprocessing.image import ImageDataGenerator, save_img
from tinynet.utils import plot_model

mpl.use("Agg")
PACKAGE = Path(tinynet.__file__).parent
FAULTS = {
    "disk full": OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "no permission": PermissionError(errno.EACCES, os.strerror(errno.EACCES)),
    "no number": OSError("something else"),
    "interrupted": KeyboardInterrupt(),
}

KILLED = BaseException("killed")  # not raised: the process is ended


class Faults:
    """Counts the steps of writing a file, and lets one of them fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[str] = []
        self.at, self.error = 0, None
        open_new, path_open = files.open_new, Path.open
        for place, name in ((os, "fsync"), (os, "open"), (shutil, "copymode"), (Path, "replace")):
            monkeypatch.setattr(place, name, self._watched(name, getattr(place, name)))

        def gathered(number: int, parts: list[memoryview], write: Any = os.writev) -> Any:
            if self.at == len(self.steps) + 1:
                write(number, parts[: -(-len(parts) // 2)])  # half of it is on the disk already
            self.step("write")
            return write(number, parts)

        monkeypatch.setattr(os, "writev", gathered)

        def opened(path: Path) -> Any:
            self.step("create")
            open_new(path).close()
            return io.BufferedRandom(_Raw(path, "r+", self))

        def appended(path: Path, mode: str = "r", *args: Any, **options: Any) -> Any:
            if mode != "ab":
                return path_open(path, mode, *args, **options)
            self.step("create")
            return io.BufferedWriter(_Raw(path, "a", self))

        monkeypatch.setattr(files, "open_new", opened)
        monkeypatch.setattr(Path, "open", appended)

    def begin(self, at: int = 0, error: BaseException | None = None) -> None:
        self.steps, self.at, self.error = [], at, error

    def step(self, name: str) -> None:
        self.steps.append(name)
        if len(self.steps) == self.at and self.error is KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        elif len(self.steps) == self.at and self.error is not None:
            raise self.error

    def _watched(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **options: Any) -> Any:
            if name != "open" or isinstance(args[0], Path):  # a folder, to force it to disk
                self.step(name)
            return function(*args, **options)

        return watched


class _Raw(io.FileIO):
    def __init__(self, path: Path, mode: str, faults: Faults) -> None:
        super().__init__(path, mode)
        self.faults = faults

    def write(self, content: Any) -> Any:
        if self.faults.at == len(self.faults.steps) + 1:
            super().write(bytes(content)[: len(content) // 2])  # half of it is on the disk already
        self.faults.step("write")
        return super().write(content)

    def close(self) -> None:
        was_open = not self.closed
        super().close()
        if was_open:
            self.faults.step("close")


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    return Faults(monkeypatch)


def model(units: int = 3) -> Sequential:
    found = Sequential([tinynet.Input((4,)), layers.Dense(units, name="only")], name="one")
    found.compile("adam", "mse")
    return found


def figure(path: Path) -> None:
    plt.figure(figsize=(1, 1))
    try:
        lessons.keep_figure(argparse.Namespace(out=path.parent), path.stem)
    finally:
        plt.close()


@functools.cache
def search() -> Any:
    objective = keras_tuner.Objective("loss", "min")
    return keras_tuner.oracle.Oracle(objective, 3, lambda seed: None, 0, None, True, True)


def oracle(path: Path) -> None:
    search().path = path
    search().save()


@functools.cache
def trace() -> Any:
    return tinynet.trace(model(), np.ones((2, 4)), np.ones((2, 3)))


def arrays(path: Path) -> None:
    with files.whole_or_not(path) as file:
        write_arrays(file, {"a": np.arange(50_000), "b": np.ones(3, "f4")}, lambda: {"said": "ä"})


IMAGE = np.arange(75.0).reshape(5, 5, 3)
WRITERS: dict[str, Callable[[Path], object]] = {
    "text.txt": lambda path: files.write_atomically(path, "new\n" * 9999),
    "arrays.safetensors": arrays,
    "model.safetensors": lambda path: model().save(path),
    "model.keras": lambda path: model().save(path),
    "model.h5": lambda path: model().save(path),
    "only.weights.h5": lambda path: model().save_weights(path),
    "weights.safetensors": lambda path: model().save_weights(path),
    "figure.png": figure,
    "picture.png": lambda path: save_img(path, IMAGE),
    "drawing.dot": lambda path: plot_model(model(), path),
    "oracle.json": oracle,
    "page.html": lambda path: trace().to_html(path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_fault_at_every_step_leaves_the_old_or_the_new_file(
    name: str, faults: Faults, tmp_path: Path
) -> None:
    assert faults_in(name, faults, tmp_path) > 6 * len(FAULTS)


def faults_in(name: str, faults: Faults, folder: Path, every: int = 5) -> int:
    """Put in every fault at every step of writing a file; return how many there were.

    At one of so many steps, the process that writes is killed, too.
    """
    path, write = folder / name, WRITERS[name]
    path.write_bytes(b"old")
    write(path)  # what comes only once, as the machine code of kernels, comes here
    faults.begin()
    write(path)
    steps, new = faults.steps, path.stat().st_size
    assert steps[:2] == ["create", "copymode"] and "write" in steps
    assert steps[-5:] == ["fsync", "close", "replace", "open", "fsync"]
    for at in range(1, len(steps) + 1):
        for error in FAULTS.values():
            path.write_bytes(b"old")
            faults.begin(at, error)
            with pytest.raises(type(error)) as caught:
                write(path)
            if isinstance(error, OSError):
                assert str(path) in str(caught.value)
                assert caught.value.errno == error.errno
            assert faults.steps[at - 1] == steps[at - 1]
            is_moved = at > len(steps) - 2  # then only the folder was not forced to disk
            assert (path.read_bytes() != b"old") == is_moved
            if is_moved:
                assert abs(path.stat().st_size - new) < 9  # a date has as many letters, about
            assert list(folder.iterdir()) == [path]
    places = range(1, len(steps) + 1, every) if hasattr(os, "fork") else ()
    for at in places:
        path.write_bytes(b"old")
        killed(lambda: write(path), at, faults)
        is_moved = at > len(steps) - 2
        assert (path.read_bytes() != b"old") == is_moved
        assert not is_moved or abs(path.stat().st_size - new) < 9
        for left in folder.iterdir():
            assert left == path or left.name.startswith(f".{path.name[:8]}")
            if left != path:
                left.unlink()
    faults.begin()
    return len(steps) * len(FAULTS) + len(places)


def killed(write: Callable[[], object], at: int, faults: Faults) -> None:
    """Write in a copy of this process, which is killed at a step."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # other threads are not copied
        child = os.fork()
    if child == 0:
        try:
            faults.begin(at, KILLED)
            write()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def test_a_model_in_memory_is_not_changed_by_a_full_disk(faults: Faults, tmp_path: Path) -> None:
    own = model()
    x, y = np.ones((8, 4)), np.ones((8, 3))
    own.fit(x, y, verbose=0)
    before = own.get_weights()
    for at in range(1, 9):
        faults.begin(at, FAULTS["disk full"])
        with pytest.raises(OSError, match=r"model\.safetensors"):
            own.save(tmp_path / "model.safetensors")
    faults.begin()
    for a, b in zip(own.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    own.fit(x, y, verbose=0)
    own.save(tmp_path / "model.safetensors")
    again = tinynet.models.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.get_weights()[0], own.get_weights()[0])


def table(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text().splitlines()]


@pytest.mark.parametrize("kind", [CSVLogger, TensorBoard])
def test_a_table_keeps_its_lines_whatever_happens_to_the_next(
    kind: type, faults: Faults, tmp_path: Path
) -> None:
    x, y = np.ones((8, 4)), np.ones((8, 3))

    def train(first: int, last: int) -> None:
        callback = CSVLogger(path, append=True) if kind is CSVLogger else TensorBoard(tmp_path)
        own = model()
        own.fit(x, y, epochs=last, initial_epoch=first, callbacks=[callback], verbose=0)

    path = tmp_path / ("log.csv" if kind is CSVLogger else "train/scalars.csv")
    train(0, 2)
    before = path.read_bytes()
    train(2, 3)
    faults.begin()
    train(3, 4)
    steps = faults.steps
    assert steps == ["create", "write", "fsync", "close"]
    for at in range(1, len(steps) + 1):
        for error in FAULTS.values():
            path.write_bytes(before)
            faults.begin(at, error)
            with pytest.raises(type(error)) as caught:
                train(2, 3)
            assert not isinstance(error, OSError) or str(path) in str(caught.value)
            assert path.read_bytes() == before
    faults.begin()
    path.write_bytes(before[:-3])  # as a kill may leave it
    if kind is CSVLogger:
        with pytest.warns(UserWarning, match="cut off"):
            train(1, 3)
    else:
        train(1, 3)
    assert {len(line) for line in table(path)} == {len(table(path)[0])}
    assert path.read_bytes().startswith(before[: before[:-1].rindex(b"\n") + 1])


def test_an_old_table_stays_until_the_new_one_has_begun(faults: Faults, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("old")
    faults.begin(2, FAULTS["disk full"])
    with pytest.raises(OSError, match=r"log\.csv"):
        model().fit(np.ones((8, 4)), np.ones((8, 3)), callbacks=[CSVLogger(path)], verbose=0)
    assert path.read_text() == "old"


def test_pictures_of_a_generator(faults: Faults, tmp_path: Path) -> None:
    flow = ImageDataGenerator().flow(IMAGE[None], save_to_dir=tmp_path, save_format="png")
    faults.begin(3, FAULTS["disk full"])
    with pytest.raises(OSError, match=r"No space left.*\.png"):
        next(flow)
    assert list(tmp_path.iterdir()) == []
    faults.begin()
    next(flow)
    assert [each.suffix for each in tmp_path.iterdir()] == [".png"]


def test_figures_that_a_script_shows(
    faults: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tinynet.scripts import figures

    monkeypatch.setenv("TINYNET_FIGURES", str(tmp_path))
    plt.figure(figsize=(1, 1))
    faults.begin(2, FAULTS["disk full"])
    with pytest.raises(OSError, match=r"figure_\d+\.png"):
        figures.show()
    assert list(tmp_path.iterdir()) == []
    plt.close("all")


def test_a_download_is_forced_to_disk_and_leaves_nothing_if_that_fails(
    faults: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    import pooch

    def fetch(url: str, part: str, _: object) -> None:
        Path(part).write_bytes(b"content")

    monkeypatch.setattr(pooch, "HTTPDownloader", lambda **options: fetch)
    file = sources.DataFile("a.gz", hashlib.sha256(b"content").hexdigest(), 7, "")
    source = sources.Source("A", "a", (file,), ())
    for at, left in ((1, []), (2, ["a.gz"]), (3, ["a.gz"])):
        faults.begin(at, FAULTS["disk full"])
        cache = tmp_path / str(at)
        with pytest.raises(OSError, match="No space left"):
            source._download("https://example.org/", cache)
        assert [each.name for each in cache.iterdir()] == left
    faults.begin()
    source._download("https://example.org/", tmp_path / "whole")
    assert faults.steps == ["fsync", "open", "fsync"]


def test_compiled_kernels_are_written_in_the_same_way() -> None:
    compiled = pytest.importorskip("tinynet.kernels.compiled", reason="without Numba")
    cache = compiled.SharedCache(compiled.compile_loops)
    assert cache._cache_file._open_for_write is files.whole_or_not


def test_the_folder_is_forced_to_disk_after_the_move(faults: Faults, tmp_path: Path) -> None:
    files.write_atomically(tmp_path / "a", "new")
    assert faults.steps == ["create", "write", "fsync", "close", "replace", "open", "fsync"]


def test_a_table_that_begins_is_forced_to_disk_with_its_folder(
    faults: Faults, tmp_path: Path
) -> None:
    assert files.append(tmp_path / "a", "one\n") == 4
    assert faults.steps == ["create", "write", "fsync", "close", "open", "fsync"]
    faults.begin()
    assert files.append(tmp_path / "a", "two\n") == 8
    assert faults.steps == ["create", "write", "fsync", "close"]


@pytest.mark.parametrize("number", files.NOT_FOR_FOLDERS)
def test_a_disk_that_cannot_force_folders_is_none_that_fails(
    number: int, faults: Faults, tmp_path: Path
) -> None:
    faults.begin(7, OSError(number, "no"))
    files.write_atomically(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "new"


def test_an_error_about_another_file_names_that_one(tmp_path: Path) -> None:
    other = tmp_path / "not there"
    with (
        pytest.raises(FileNotFoundError, match="not there"),
        files.whole_or_not(tmp_path / "a"),
    ):
        other.read_bytes()
    assert list(tmp_path.iterdir()) == []


def test_long_names(tmp_path: Path) -> None:
    for name in ("a" * 255, "ä" * 127):
        files.write_atomically(tmp_path / name, "new")
        assert (tmp_path / name).read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="permissions are kept elsewhere there")
def test_what_was_private_is_private_before_a_byte_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch(mode=0o600)
    with files.whole_or_not(path) as file:
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_leftovers_of_a_kill_are_removed_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "backup.x"
    others = [".backup.x", ".backup.x.1", ".other.x.12345678", "backup.x.12345678", "backup.x"]
    for name in (".backup.x.12345678", ".backup.x.abcdef00", *others):
        (tmp_path / name).touch()
    files.remove_leftovers(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(others)
    files.remove_leftovers(tmp_path / "nowhere" / "a")


@pytest.mark.parametrize("taken", [None, 0, 3, 4, 7, 5000, 10**6])
def test_parts_are_written_whole_whatever_the_system_takes_at_once(
    taken: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [memoryview(each) for each in (b"abcd", b"", b"efghij", b"k")] * 700
    calls: list[int] = []

    def writev(number: int, given: list[memoryview]) -> int:
        assert len(given) <= 1024
        calls.append(number)
        return os.write(number, b"".join(given)[:taken])

    if taken is None:
        monkeypatch.delattr(os, "writev")
    else:
        monkeypatch.setattr(os, "writev", writev)
    with files.whole_or_not(tmp_path / "a") as file:
        file.write(b"begin")
        files.write_parts(file, parts)
        file.write(b"end")
    assert (tmp_path / "a").read_bytes() == b"begin" + b"".join(parts) + b"end"
    assert len(calls) == (0 if taken is None else 1)


@pytest.mark.parametrize("length", [1, 3800, *range(4050, 4070), 5000, 100_000])  # of a text
@pytest.mark.parametrize("advises", [True, False])
def test_where_arrays_begin(
    length: int, advises: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not advises:  # as on macOS and Windows
        monkeypatch.delattr(os, "posix_fadvise", raising=False)
    for given in ({}, {"a": np.arange(70_000.0), "b": np.ones(3, "u1")}):
        with files.whole_or_not(tmp_path / "a") as file:
            write_arrays(file, given, lambda: {"said": "x" * length})
        content = (tmp_path / "a").read_bytes()
        header = 8 + int.from_bytes(content[:8], "little")
        assert header % 4096 == 0 and length < header < length + 8192
        assert len(content) == header + sum(each.nbytes for each in given.values())
        found, texts = read_arrays(tmp_path / "a")
        assert texts == {"said": "x" * length} and found.keys() == given.keys()
        for key, array in given.items():
            np.testing.assert_array_equal(found[key], array, strict=True)


def test_arrays_are_read_by_the_package_safetensors(tmp_path: Path) -> None:
    kinds = ("f2", "f4", ">f4", "f8", ">i8", "i1", "u1", "?", "u2", "i4")
    given = {kind: np.arange(6).reshape(2, 3).astype(kind).T for kind in kinds}
    given |= {"scalar": np.array(7.0), "empty": np.zeros((0, 3), "f4")}
    with files.whole_or_not(tmp_path / "a") as file:
        write_arrays(file, given, lambda: {"said": "ä"})
    found = load((tmp_path / "a").read_bytes())
    assert found.keys() == given.keys()
    for key, array in given.items():
        assert found[key].dtype == array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found[key], array, strict=array.dtype.isnative)
    with pytest.raises(TypeError, match="words: expected an array of numbers, got <U1"):
        write_arrays(io.BytesIO(), {"words": np.array(["a"])}, dict)


def test_arrays_of_the_package_safetensors_are_read(tmp_path: Path) -> None:
    kinds = ("f2", "f4", "f8", "i8", "i1", "u1", "?", "u2", "i4")
    given = {kind: np.arange(6).reshape(2, 3).astype(kind) for kind in kinds}
    given |= {"scalar": np.array(7.0), "empty": np.zeros((0, 3), "f4")}
    path = tmp_path / "a"
    path.write_bytes(save(given, {"said": "ä"}))
    found, texts = read_arrays(path)
    assert texts == {"said": "ä"}
    assert found.keys() == given.keys()
    for key, array in given.items():
        np.testing.assert_array_equal(found[key], array, strict=True)
        assert found[key].flags.writeable
    path.write_bytes(save(given))
    assert read_arrays(path)[1] == {}


# Two arrays, of 8 and 12 bytes, and what may be said about them.
A = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
B = {"dtype": "I32", "shape": [3], "data_offsets": [8, 20]}
HONEST = {"a": A, "b": B, "__metadata__": {"format": "x"}}


def with_header(header: Any, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(text) if length is None else length
    return length.to_bytes(8, "little") + text + bytes(20)


WRONG: dict[str, bytes] = {
    "nothing": b"",
    "half a length": b"1234",
    "a header that is longer than the file": with_header(HONEST, 10**6),
    "a header of 2^64 bytes": with_header(HONEST, 2**64 - 1),
    "half a header": with_header(HONEST, 40),
    "another code": with_header(json.dumps(HONEST).encode("utf-16")),
    "a list": with_header([1]),
    "a text": with_header("a"),
    "a deep header": with_header(b"[" * 100_000),
    "numbers as texts": with_header({**HONEST, "__metadata__": {"format": 1}}),
    "an array that is left out": with_header({"a": A}),
    "arrays in the same bytes": with_header({"a": A, "b": {**B, "data_offsets": [0, 12]}, "c": A}),
    "bytes between two arrays": with_header(
        {"a": {**A, "shape": [1], "data_offsets": [0, 4]}, "b": B}
    ),
    "more than the file has": with_header(
        {"a": A, "b": {**B, "shape": [10**9], "data_offsets": [8, 8 + 4 * 10**9]}}
    ),
    "another shape": with_header({"a": {**A, "shape": [3]}, "b": B}),
    "another type": with_header({"a": {**A, "dtype": "F64"}, "b": B}),
    "an unknown type": with_header({"a": {**A, "dtype": "F33"}, "b": B}),
    "a negative shape": with_header({"a": {**A, "shape": [-2, -1]}, "b": B}),
    "no integers": with_header({"a": {**A, "shape": [2.0]}, "b": B}),
    "truth values": with_header({"a": {**A, "shape": [2, True]}, "b": B}),
    "a place that is no integer": with_header({"a": {**A, "data_offsets": [False, 8]}, "b": B}),
    "a place backwards": with_header({"a": {**A, "data_offsets": [8, 0]}, "b": B}),
    "nothing about the place": with_header({"a": {"dtype": "F32", "shape": [2]}, "b": B}),
    "65 axes": with_header({"a": {**A, "shape": [2, *[1] * 64]}, "b": B}),
    "a million axes": with_header({"a": {**A, "shape": [9] * 10**6}, "b": B}),
    "no numbers, in a very large shape": with_header(
        {"a": A, "b": B, "c": {"dtype": "F32", "shape": [0, 10**30], "data_offsets": [20, 20]}}
    ),
}


@pytest.mark.parametrize("how", WRONG)
def test_a_file_that_is_not_as_it_says(how: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong"
    path.write_bytes(WRONG[how])
    with pytest.raises(ValueError, match=r"wrong: not a safetensors file, or a damaged one"):
        dict(read_arrays(path)[0])
    path.write_bytes(with_header(HONEST))
    assert list(read_arrays(path)[0]) == ["a", "b"]


def test_an_array_that_cannot_be_read_changes_no_model(tmp_path: Path) -> None:
    """It is read when it is needed, so what came before it must not be in the model yet."""
    path = tmp_path / "model.safetensors"
    model = Sequential([tinynet.Input((2,)), layers.Dense(3), layers.Dense(4)])
    model.save(path)
    stored = path.read_bytes()
    header = json.loads(stored[8 : 8 + int.from_bytes(stored[:8], "little")])
    header["weights/dense_1/kernel"]["shape"] += [1] * 64  # NumPy has 64 axes at most
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + stored[-4 * (6 + 3 + 12 + 4) :])
    before = [array + 1 for array in model.get_weights()]
    model.set_weights(before)
    with pytest.raises(ValueError, match=r"model.safetensors: .*a damaged one"):
        model.load_weights(path)
    with pytest.raises(ValueError, match=r"dense_1: .*shape \(3, 4\), the file has one of shape"):
        tinynet.models.load_model(path)
    for found, array in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(found, array)


def test_arrays_are_read_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(save({"a": np.arange(3), "b": np.arange(4)}))
    found = read_arrays(path)[0]
    found.arrange(["b", "a"])
    assert [*found] == ["b", "a"]
    assert found.shapes == {"b": (4,), "a": (3,)}
    found["b"][:] = 7
    np.testing.assert_array_equal(found["b"], np.arange(4))
    with pytest.raises(KeyError):
        found.arrange(["b", "c"])
    with pytest.raises(KeyError):
        found["c"]


def test_the_whole_file_is_sent_for_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(save({"a": np.arange(3)}))
    asked: list[Any] = []
    for name in ("POSIX_FADV_RANDOM", "POSIX_FADV_WILLNEED"):
        monkeypatch.setattr(os, name, name, raising=False)
    monkeypatch.setattr(os, "posix_fadvise", lambda _, *how: asked.append(how), raising=False)
    assert list(read_arrays(path)[0]) == ["a"]
    assert asked == [(0, 0, "POSIX_FADV_RANDOM"), (0, 0, "POSIX_FADV_WILLNEED")]
    monkeypatch.delattr(os, "posix_fadvise")  # as on Windows
    assert list(read_arrays(path)[0]) == ["a"]


def test_arrays_lie_in_the_order_in_which_they_are_asked_for(tmp_path: Path) -> None:
    """A model is made of its weights first, and then gets the memory of its optimizer."""
    model = Sequential([tinynet.Input((2,)), layers.Dense(3), layers.Dropout(0.5)])
    model.compile("adam", "mse")
    model.train_on_batch(np.ones((2, 2)), np.ones((2, 3)))
    model.save(tmp_path / "model.safetensors")
    stored = (tmp_path / "model.safetensors").read_bytes()
    header = json.loads(stored[8 : 8 + int.from_bytes(stored[:8], "little")])
    order = json.loads(header.pop("__metadata__")["order"])
    for kind in {each["dtype"] for each in header.values()}:
        some = [name for name in order if header[name]["dtype"] == kind]
        assert some == sorted(some, key=lambda name: header[name]["data_offsets"])


def test_a_header_that_is_said_to_be_long_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "wrong"
    path.write_bytes(with_header(HONEST, 90_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="wrong: not a safetensors file"):
            dict(read_arrays(path)[0])
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


# Methods and functions that write, and the files of the package that may call them.
WRITES = {
    "write_text": (),
    "write_bytes": (),
    "savefig": ("diagram.py", "lessons.py", "scripts/figures.py"),
    "save_file": (),
    "replace": ("files.py",),
    "rename": (),
    "mkstemp": (),
    "tofile": (),
    "savetxt": (),
    "savez": (),
}


def writing_calls() -> list[tuple[str, str]]:
    """Return the file and the name of every call in the package that may write a file."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = [*node.args, *(each.value for each in node.keywords)]
            if name == "open":
                named = [each.value for each in node.keywords if each.arg == "mode"]
                modes = [
                    each.value for each in [*node.args, *named] if isinstance(each, ast.Constant)
                ]
                opens = any(isinstance(mode, str) and set(mode) & set("wax+") for mode in modes)
            else:
                opens = name in WRITES and not (name == "replace" and len(given) != 1)
            if opens:
                found.append((path.relative_to(PACKAGE).as_posix(), name))
    return found


def test_nothing_else_in_the_package_writes_files() -> None:
    calls = writing_calls()
    assert ("files.py", "open") in calls and ("files.py", "replace") in calls
    allowed = {("files.py", "open"), ("kernels/compiled.py", "open")}  # a lock, always empty
    allowed |= {(file, name) for name, some in WRITES.items() for file in some}
    assert sorted(set(calls) - allowed) == []


def test_the_table_of_make_torture() -> None:
    rows = torture.faults(share=0)
    assert [row.tried for row in rows] == [40, 45] and not any(row.wrong for row in rows)
    head, *lines = torture.table(rows).splitlines()
    assert head.split()[:4] == ["point", "and", "part", "tried"] and len(lines) == 3
    assert lines[0].split()[:6] == ["2", "writing", "text.txt", "40", "0", "0"]
    assert lines[-1].split()[:6] == ["all", "85", "0", "0", "0", "0"]


@pytest.mark.parametrize("text", ["", "a\n", "a\nb\n"])
def test_a_table_of_whole_lines_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "table.csv"
    assert files.cut_off_line(path) == ""
    path.write_text(text)
    assert files.cut_off_line(path) == "" and path.read_text() == text
    path.write_text(text + "b,c")
    assert files.cut_off_line(path) == "b,c" and path.read_text() == text
