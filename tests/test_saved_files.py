"""Files of models: whole or not there; others are refused by their name."""

import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

import tinynet
from tests.saved_models import X, Y, disturbed, equal_models, network
from tinynet import Input, Sequential, optimizers
from tinynet.configurable import serialize
from tinynet.layers import Dense, Layer
from tinynet.models import load_model

# Files: whole or not there.


@pytest.mark.parametrize("step", ["fsync", "replace", "open"])
@pytest.mark.parametrize("save", ["save", "save_weights"])
def test_a_failure_in_the_middle_leaves_the_old_file(
    save: str, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    old = network(Dense(2))
    old.save(path)
    content = path.read_bytes()

    def fail(*args: Any, **kwargs: Any) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os if step == "fsync" else Path, step, fail)
    with pytest.raises(OSError, match="no space left"):
        getattr(disturbed(), save)(path)
    monkeypatch.undo()
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]
    equal_models(old, load_model(path))


def test_an_interruption_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"

    def interrupt(*args: Any) -> None:
        assert len(list(tmp_path.iterdir())) == 1  # the new file, beside its place
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        network().save(path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_in_the_middle_of_the_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    network().save(path)
    content = path.read_bytes()

    def fail(file: BinaryIO, arrays: object, texts: object) -> None:
        file.write(b"a beginning")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tinynet.saving.write_arrays", fail)
    with pytest.raises(OSError, match=r"No space left .*model\.safetensors"):
        network(Dense(2)).save(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    model = network()
    model.save(path)
    path.chmod(0o640)
    model.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("save", ["save", "save_weights"])
def test_places_that_do_not_work(save: str, tmp_path: Path) -> None:
    call = getattr(network(), save)
    names = ["model", "model.safetensors.bak", "model.onnx"]
    if save == "save_weights":  # Keras does not take these either
        names += ["model.keras", "model.h5", "model.hdf5"]
    for name in names:
        with pytest.raises(ValueError, match=rf"filepath: .*ends in \.safetensors.*got '{name}'"):
            call(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"filepath: there is no folder .*nowhere"):
        call(tmp_path / "nowhere" / "model.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(IsADirectoryError, match=r"filepath: .*the folder .*folder\.safetensors"):
        call(tmp_path / "folder.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.safetensors"]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"filepath: there is no file .*gone\.safetensors"):
        load_model(tmp_path / "gone.safetensors")
    with pytest.raises(FileNotFoundError, match="filepath: there is no file"):
        load_model(tmp_path)
    with pytest.raises(FileNotFoundError, match="filepath: there is no file"):
        network().load_weights(tmp_path / "gone.safetensors")


# Files that are not what they should be.


def written(folder: Path) -> tuple[Path, bytes]:
    """Return a good file and its content."""
    tinynet.utils.clear_session()
    model = disturbed()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.train_on_batch(X, Y)
    path = folder / "model.safetensors"
    model.save(path)
    return path, path.read_bytes()


@pytest.mark.parametrize("share", [0.0, 0.0005, 0.01, 0.2, 0.5, 0.9, 0.9999])
def test_truncated_files(share: float, tmp_path: Path) -> None:
    path, content = written(tmp_path)
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(ValueError, match=r"model\.safetensors: not a safetensors.*was it cut off"):
        load_model(path)
    model = disturbed()
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"model\.safetensors: not a safetensors"):
        model.load_weights(path)
    for own, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(own, expected)


@given(st.binary(max_size=200))
def test_random_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "noise.safetensors"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"noise\.safetensors: not a safetensors file"):
        load_model(path)


@given(st.data())
def test_a_changed_byte_is_an_error_or_another_number(
    tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject
) -> None:
    """Whatever the header then says, nothing but a ValueError that names the file comes of it."""
    path, content = written(tmp_path_factory.mktemp("changed"))
    header = 8 + int.from_bytes(content[:8], "little")
    place = draw.draw(st.integers(0, 100_000)) % header
    byte = draw.draw(st.integers(32, 126))
    path.write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
    message = "model.safetensors: "
    try:
        load_model(path)
    except ValueError as error:
        message = str(error)
    assert "model.safetensors: " in message


def test_a_file_of_other_software(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    for metadata in (None, {"format": "pt"}, {"format": "tinynet 99"}):
        save_file({"weight": X}, path, metadata)
        with pytest.raises(ValueError, match=r"other\.safetensors: expected a model that tinynet"):
            load_model(path)


def rewritten(path: Path, content: bytes, change: Callable[[dict[str, Any]], object]) -> None:
    """Write a file again with a changed header."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


def entry(key: str, change: Callable[[Any], object]) -> Callable[[dict[str, Any]], object]:
    """Return a change of what stands as JSON under a key of the metadata."""

    def apply(header: dict[str, Any]) -> None:
        value = json.loads(header["__metadata__"][key])
        replaced = change(value)
        header["__metadata__"][key] = json.dumps(value if replaced is None else replaced)

    return apply


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    **{
        f"no {key}": (lambda header, key=key: header["__metadata__"].pop(key))
        for key in ("order", "architecture", "compiled")
    },
    "no json": lambda header: header["__metadata__"].update(architecture="{"),
    "architecture a list": entry("architecture", lambda _: [1]),
    "architecture null": lambda header: header["__metadata__"].update(architecture="null"),
    "order names too much": entry("order", lambda order: [*order, "weights/gone"]),
    "order names too little": entry("order", lambda order: order[1:]),
    "unknown layer": entry("architecture", lambda a: a["layers"][0].update(class_name="Conv2D")),
    "unknown argument": entry("architecture", lambda a: a["layers"][0]["config"].update(kernels=3)),
    "missing argument": entry("architecture", lambda a: a["layers"][0]["config"].pop("units")),
    "other units": entry("architecture", lambda a: a["layers"][0]["config"].update(units=7)),
    "units of text": entry("architecture", lambda a: a["layers"][0]["config"].update(units="x")),
    "other dtype": entry("architecture", lambda a: a["layers"][0]["config"].update(dtype="int8")),
    "two of a name": entry("architecture", lambda a: a["layers"].append(a["layers"][0])),
    "no input shape": entry("architecture", lambda a: a.pop("input_shape")),
    "unknown optimizer": entry("compiled", lambda c: c["optimizer"].update(class_name="Lamb")),
    "unknown loss": entry("compiled", lambda c: c["loss"].update(class_name="Dice")),
    "unknown metric": entry("compiled", lambda c: c.update(metrics=["auroc"])),
    "no loss": entry("compiled", lambda c: c.pop("loss")),
    "no counter": entry(
        "order", lambda order: [key for key in order if key != "optimizer/iterations"]
    ),
    "no random state": entry("order", lambda order: [k for k in order if "random" not in k]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changed_headers(name: str, tmp_path: Path) -> None:
    path, content = written(tmp_path)
    rewritten(path, content, lambda header: None)
    load_model(path)
    rewritten(path, content, CHANGES[name])
    with pytest.raises(
        ValueError, match=r"model\.safetensors: what the file says .* another version"
    ):
        load_model(path)


def without_velocity(order: list[str]) -> list[str]:
    return [key for key in order if key != "optimizer/dense/bias/velocity"]


def with_two_exchanged(header: dict[str, Any]) -> None:
    one, other = "optimizer/dense/kernel/velocity", "optimizer/dense/bias/velocity"
    header[one], header[other] = header[other], header[one]


def with_adagrad(compiled: dict[str, Any]) -> None:
    compiled["optimizer"] = serialize(optimizers.Adagrad())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (entry("compiled", with_adagrad), "adagrad: expected accumulator of 24 .* got none"),
        (entry("order", without_velocity), "adam: expected velocity of 6 .*dense/bias, got none"),
        (with_two_exchanged, "adam: expected velocity of 24 .*dense/kernel, got 6"),
    ],
)
def test_slots_that_do_not_fit(
    change: Callable[[dict[str, Any]], object], says: str, tmp_path: Path
) -> None:
    """The first step says so: compiled loops would read and write beyond their ends."""
    path, content = written(tmp_path)
    rewritten(path, content, change)
    model = load_model(path)
    before = model.params["dense/kernel"].copy()
    with pytest.raises(ValueError, match=says):
        model.train_on_batch(X, Y)
    np.testing.assert_array_equal(model.params["dense/kernel"], before)


# However an array lies in memory, its numbers are read back in their places.

GRID = np.arange(12.0).reshape(3, 4)
LAID_OUT: dict[str, np.ndarray] = {
    "row by row": GRID,
    "a transpose": np.arange(12.0).reshape(4, 3).T,
    "column by column": np.asfortranarray(GRID),
    "a slice": np.arange(24.0).reshape(3, 8)[:, ::2],
    "backward": GRID[::-1, ::-1],
    "spread out": np.broadcast_to(np.arange(4.0), (3, 4)),
    "moved axes": np.moveaxis(np.arange(24.0).reshape(2, 3, 4), 0, -1),
    "big-endian": GRID.astype(">f8"),
    "big-endian, column by column": np.asfortranarray(GRID.astype(">f4")),
    "a single number": np.array(2.5),
    "a single big-endian number": np.array(2.5, ">f8"),
    "read-only": np.frombuffer(GRID.T.copy().tobytes()).reshape(4, 3).T,
    "nothing": np.zeros((0, 3)).T,
}


class Keeping(Layer):
    """A layer with a state of any shape."""

    def __init__(self, like: np.ndarray, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.like = like

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.state["kept"] = np.zeros(np.shape(self.like))

    def forward(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        return x

    def backward(self, dout: np.ndarray) -> np.ndarray:
        return dout


@pytest.mark.parametrize("layout", LAID_OUT)
def test_numbers_are_read_in_their_places(layout: str, tmp_path: Path) -> None:
    array, path = LAID_OUT[layout], tmp_path / "model.safetensors"
    model = Sequential([Input((4,)), Keeping(array), Dense(3)])
    model.compile(optimizers.SGD(0.1, momentum=0.9), "mse")
    model.fit(np.ones((2, 4)), np.ones((2, 3)), verbose=0)
    model.layers[0].state["kept"] = array
    shape = model.optimizer.slots["dense/kernel"]["momentum"].shape
    slot = np.resize(array, (shape[0], 2)).T[0]  # of the right size, and laid out oddly
    model.optimizer.slots["dense/kernel"]["momentum"] = slot
    model.save(path)
    again = load_model(path, custom_objects={"Keeping": Keeping})
    read = again.layers[0].state["kept"]
    assert read.shape == array.shape
    np.testing.assert_array_equal(read, array)
    np.testing.assert_array_equal(again.optimizer.slots["dense/kernel"]["momentum"], slot)
