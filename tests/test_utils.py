"""Small things around a model, and files that are whole or not there."""

import os
import random as python_random
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import tinynet
from tinynet import random
from tinynet.files import write_atomically
from tinynet.layers import Dense, Dropout
from tinynet.utils import clear_session, set_random_seed, to_categorical

# One-hot labels.


@given(arrays.arrays(np.int64, arrays.array_shapes(max_dims=3), elements=st.integers(0, 6)))
def test_to_categorical(labels: np.ndarray) -> None:
    hot = to_categorical(labels, 7)
    plain = labels[..., 0] if labels.ndim > 1 and labels.shape[-1] == 1 else labels
    assert hot.shape == (*plain.shape, 7)
    assert hot.dtype == np.float64
    assert set(np.unique(hot)) <= {0.0, 1.0}
    np.testing.assert_array_equal(hot.sum(axis=-1), 1)
    np.testing.assert_array_equal(hot.argmax(axis=-1), plain)


def test_to_categorical_of_what_people_pass() -> None:
    np.testing.assert_array_equal(to_categorical([0, 2]), [[1, 0, 0], [0, 0, 1]])
    np.testing.assert_array_equal(to_categorical(1), [0, 1])
    np.testing.assert_array_equal(to_categorical([[0], [1]]), [[1, 0], [0, 1]])
    np.testing.assert_array_equal(to_categorical([1.0, 0.0]), [[0, 1], [1, 0]])
    np.testing.assert_array_equal(to_categorical(np.array([1], "uint8"), 3), [[0, 1, 0]])
    assert to_categorical([], 3).shape == (0, 3)
    labels = np.array([2, 1])
    to_categorical(labels)[:] = 9
    assert labels.tolist() == [2, 1]


@pytest.mark.parametrize(
    ("labels", "classes", "says"),
    [
        ([0, 3], 3, "x: expected labels from 0 to 2, got 0 to 3"),
        ([0, -1], None, "x: expected labels from 0 to 0, got -1 to 0"),
        ([0.5], None, "x: expected integer labels, got dtype float64 with fractions"),
        ([np.nan], None, "x: expected integer labels"),
        (["shirt"], None, "x: expected integer labels, got dtype <U5"),
        ([None], None, "x: expected integer labels, got dtype object"),
        ([[0, 1], [2]], None, "x: "),
        ([0], 0, "num_classes: expected a positive integer, got 0"),
        ([0], 2.5, "num_classes: expected a positive integer, got 2.5"),
    ],
)
def test_labels_that_are_none(labels: Any, classes: Any, says: str) -> None:
    with pytest.raises(ValueError, match=f"^{says}"):
        to_categorical(labels, classes)


# Seeds and names.


def test_clear_session_starts_the_names_anew() -> None:
    assert [Dense(1).name, Dense(1).name, Dropout(0.1).name] == ["dense", "dense_1", "dropout"]
    clear_session()
    assert [Dense(1).name, tinynet.Sequential().name] == ["dense", "sequential"]
    tinynet.backend.clear_session()
    assert Dense(1).name == "dense"


def test_clear_session_starts_unseeded_draws_anew() -> None:
    state = python_random.getstate()
    first = random.uniform((3,))
    assert not np.array_equal(random.uniform((3,)), first)
    clear_session()
    python_random.setstate(state)
    np.testing.assert_array_equal(random.uniform((3,)), first)


def test_clear_session_keeps_the_seed() -> None:
    set_random_seed(4)
    clear_session()
    assert random.get_random_seed() == 4


def test_set_random_seed_makes_everything_repeatable() -> None:
    def draws() -> list[Any]:
        set_random_seed(11)
        return [
            python_random.random(),
            np.random.rand(),
            *random.uniform((4,)),
            *Dense(3)(np.ones((1, 2)))[0],
            *Dropout(0.5).seed_generator.state,
            *random.epoch_order(9),
        ]

    assert draws() == draws()
    assert tinynet.utils.set_random_seed is tinynet.random.set_random_seed


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "1", None])
def test_seeds_that_are_none(seed: Any) -> None:
    set_random_seed(3)
    state = python_random.getstate()
    with pytest.raises(ValueError, match=r"seed: expected an integer from 0 to 2\*\*32 - 1, got"):
        set_random_seed(seed)
    assert python_random.getstate() == state
    assert random.get_random_seed() == 3


# Files.


@given(st.one_of(st.binary(), st.text(st.characters(codec="utf-8"))))
def test_write_atomically(tmp_path_factory: pytest.TempPathFactory, content: bytes | str) -> None:
    path = tmp_path_factory.mktemp("files") / "new.txt"
    for old in (None, b"what was there, and longer than what comes" * 20):
        if old is not None:
            path.write_bytes(old)
        write_atomically(path, content)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
        assert list(path.parent.iterdir()) == [path]


def test_the_name_may_be_text_and_have_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_atomically("here.txt", "ä")
    assert (tmp_path / "here.txt").read_bytes() == b"\xc3\xa4"


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError("no space left"), KeyboardInterrupt()])
def test_what_was_there_stays(
    step: str, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.txt"
    path.write_text("old")

    def fail(*args: Any) -> None:
        assert path.read_text() == "old"
        assert len(list(tmp_path.iterdir())) == 2
        raise error

    monkeypatch.setattr(os if step == "fsync" else Path, step, fail)
    with pytest.raises(type(error)):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_content_is_on_the_disk_before_the_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    fsync: Callable[[int], None] = os.fsync
    replace = Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (steps.append(os.fstat(fd).st_size), fsync(fd)))
    monkeypatch.setattr(Path, "replace", lambda a, b: (steps.append("move"), replace(a, b)))
    write_atomically(tmp_path / "new.txt", b"12345")
    assert steps[:2] == [5, "move"]  # and then the folder
    assert len(steps) == 3


def test_permissions(tmp_path: Path) -> None:
    old = tmp_path / "old.txt"
    old.write_text("old")
    for mode in (0o600, 0o664):
        old.chmod(mode)
        write_atomically(old, "new")
        assert stat.S_IMODE(old.stat().st_mode) == mode
    plain, new = tmp_path / "plain.txt", tmp_path / "new.txt"
    plain.write_text("as any other file")
    write_atomically(new, "new")
    assert new.stat().st_mode == plain.stat().st_mode


def test_folders(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere" / "a.txt", "x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_atomically(tmp_path / "folder", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    with pytest.raises(TypeError):
        write_atomically(tmp_path / "a.txt", 5)  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


# The package as a module.


def test_the_parts_of_the_package() -> None:
    assert dir(tinynet) == sorted(tinynet.__all__)
    assert "Sequential" in dir(tinynet)
    assert tinynet.layers is tinynet.layers
    assert tinynet.Layer is tinynet.layers.Layer
    assert callable(tinynet.gradcheck.gradcheck)
    for name in ("Sequentail", "saving_", "keras", "_hidden"):
        with pytest.raises(AttributeError, match=f"module 'tinynet' has no attribute '{name}'"):
            getattr(tinynet, name)


def test_from_tinynet_import() -> None:
    names: dict[str, Any] = {}
    exec("from tinynet import *", names)
    assert set(tinynet.__all__) <= set(names)
    with pytest.raises(ImportError, match="cannot import name 'Dense'"):
        exec("from tinynet import Dense")
