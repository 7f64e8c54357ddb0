"""Files that somebody has made to do harm: nothing runs, nothing is imported, and memory is spared.

The kinds are those of the advisories on Keras's loaders: a class or a function that the file names
by its module (CVE-2025-1550), a function that fetches a file (CVE-2025-8747), code in a lambda in
an old `.h5` (CVE-2025-9905), and a setting that switches the guard off (CVE-2025-9906). Then honest
files are changed at random, in every format that tinynet reads.
"""

import copy
import gzip
import hashlib
import io
import json
import random
import sys
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinynet
from tests.lengths import TIMES
from tests.saved_models import X, Y, disturbed
from tinynet import Sequential, layers
from tinynet.callbacks import CSVLogger
from tinynet.datasets import idx
from tinynet.datasets.errors import DatasetError
from tinynet.datasets.sources import DataFile, Source
from tinynet.models import load_model, model_from_json
from tinynet.scripts.running import sources

# What happens while a file is read is watched from below, by Python's audit hook.

WATCHED = ("exec", "import", "os.system", "subprocess.Popen", "socket.connect", "os.posix_spawn")
seen: list[str] | None = None


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if seen is not None and event in (*WATCHED, "open", "pickle.find_class"):
        seen.append(f"{event} {arguments[0]!r}")


sys.addaudithook(watch)


@contextmanager
def nothing_happens(*files: Path) -> Iterator[None]:
    """See that code is neither run nor imported, and no file but these is opened."""
    global seen
    seen = []
    try:
        yield
    finally:
        found, seen = seen, None
    allowed = {f"open {name!r}" for each in files for name in (each, str(each))}
    assert not [each for each in found if each not in allowed]


ENDINGS = (".safetensors", ".keras", ".h5")


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return a file of every format; everything that reading them imports is imported then."""
    folder = tmp_path_factory.mktemp("honest")
    found = {}
    for ending in ENDINGS:
        tinynet.utils.clear_session()
        model = disturbed()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.train_on_batch(X, Y)
        path = folder / f"model{ending}"
        model.save(path)
        load_model(path)
        (folder / f"broken{ending}").write_bytes(b"{")
        with pytest.raises(ValueError, match="broken"):
            load_model(folder / f"broken{ending}")
        found[ending] = path.read_bytes()
    return found


# The text of a model in each format, and a file with another one.


def text_in(ending: str, content: bytes) -> dict[str, Any]:
    """Return what a file says about its model."""
    if ending == ".safetensors":
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])["__metadata__"]
        return {key: json.loads(header[key]) for key in ("architecture", "compiled", "order")}
    if ending == ".keras":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return dict(json.loads(archive.read("config.json")))
    with h5py.File(io.BytesIO(content), "r") as file:
        return {key: json.loads(file.attrs[key]) for key in ("model_config", "training_config")}


def with_text(ending: str, content: bytes, text: Any) -> bytes:
    """Return a file that says something else."""
    target = io.BytesIO()
    if ending == ".safetensors":
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        header["__metadata__"] |= {key: json.dumps(each) for key, each in text.items()}
        written = json.dumps(header).encode()
        return len(written).to_bytes(8, "little") + written + content[8 + length :]
    if ending == ".keras":
        with (
            zipfile.ZipFile(io.BytesIO(content)) as archive,
            zipfile.ZipFile(target, "w") as other,
        ):
            for name in archive.namelist():
                each = json.dumps(text) if name == "config.json" else archive.read(name)
                other.writestr(name, each)
        return target.getvalue()
    target.write(content)
    with h5py.File(target, "r+") as file:
        for key, each in text.items():
            file.attrs[key] = json.dumps(each)
    return target.getvalue()


def first_layer(ending: str, text: dict[str, Any]) -> dict[str, Any]:
    """Return what a file says about its first layer that is no input."""
    where = {".safetensors": "architecture", ".h5": "model_config"}.get(ending)
    config = text if where is None else text[where]
    found = config["layers"] if ending == ".safetensors" else config["config"]["layers"]
    return next(each for each in found if each["class_name"] == "Dense")


def put_there(value: dict[str, Any], argument: str = "") -> Callable[[str, Any], None]:
    """Return a change: another layer, or another value of one of its arguments."""

    def change(ending: str, text: dict[str, Any]) -> None:
        layer = first_layer(ending, text)
        if argument:
            layer["config"][argument] = value
        else:
            name = layer["config"]["name"]
            layer.clear()
            layer.update(value)
            layer.setdefault("config", {})
            if isinstance(layer["config"], dict):
                layer["config"] = {"name": name, **layer["config"]}

    return change


LAMBDA = (
    "4wEAAAAAAAAAAAAAAAEAAAACAAAAQwAAAHMIAAAAfABkAIMBUwA="  # marshalled code, as Keras writes it
)
HARMFUL: dict[str, Callable[[str, Any], None]] = {
    # CVE-2025-1550: a module and a name, which were imported and called
    "os.system": put_there(
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
        "activation",
    ),
    "subprocess.Popen": put_there(
        {"module": "subprocess", "class_name": "Popen", "config": {"args": ["touch", "harmed"]}}
    ),
    "importlib": put_there({"module": "importlib", "class_name": "import_module", "config": {}}),
    "a class of another package": put_there({"module": "antigravity", "class_name": "Dense"}),
    "builtins.eval": put_there(
        {"module": "builtins", "class_name": "eval", "config": {"source": "1/0"}}
    ),
    # CVE-2025-8747: a function of Keras itself that fetches a file
    "get_file": put_there(
        {
            "module": "keras.utils",
            "class_name": "function",
            "config": "get_file",
            "registered_name": "get_file",
        },
        "kernel_initializer",
    ),
    "load_model": put_there(
        {"module": "keras.saving", "class_name": "function", "config": "load_model"}, "activation"
    ),
    # CVE-2025-9905: code in a lambda, also where a `.h5` is read
    "a lambda": put_there(
        {
            "module": "keras.layers",
            "class_name": "Lambda",
            "config": {
                "function": {
                    "class_name": "__lambda__",
                    "config": {"code": LAMBDA, "defaults": None, "closure": None},
                }
            },
            "registered_name": None,
        }
    ),
    "a lambda as Keras 2 wrote it": put_there(
        {
            "class_name": "Lambda",
            "config": {"function": [LAMBDA, None, None], "function_type": "lambda"},
        }
    ),
    # CVE-2025-9906: a setting that takes the guard away
    "enable_unsafe_deserialization": put_there(
        {
            "module": "keras.config",
            "class_name": "function",
            "config": "enable_unsafe_deserialization",
            "registered_name": "enable_unsafe_deserialization",
        },
        "activation",
    ),
    "as a layer": put_there(
        {"module": "keras.config", "class_name": "enable_unsafe_deserialization", "config": {}}
    ),
    # a part of tinynet that writes or runs
    "write_atomically": put_there({"module": "tinynet.files", "class_name": "write_atomically"}),
    "run": put_there({"module": "tinynet.scripts", "class_name": "run", "config": {"path": "x"}}),
    # more memory than the file has
    "a billion units": put_there(10**9, "units"),  # type: ignore[arg-type]
    "an array of long texts": put_there(
        {"class_name": "ndarray", "config": {"dtype": "U1000000000", "value": ["a"]}},
        "kernel_initializer",
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", HARMFUL)
def test_a_harmful_model_is_refused(
    name: str, ending: str, honest: dict[str, bytes], tmp_path: Path
) -> None:
    text = text_in(ending, honest[ending])
    HARMFUL[name](ending, text)
    path = tmp_path / f"harmful{ending}"
    path.write_bytes(with_text(ending, honest[ending], text))
    with nothing_happens(path), peak_of() as peak, pytest.raises(ValueError, match="harmful"):
        load_model(path)
    assert peak[0] < 30_000_000
    assert sorted(each.name for each in tmp_path.iterdir()) == [path.name]


@pytest.mark.parametrize("name", [name for name in HARMFUL if name != "a billion units"])
def test_a_harmful_architecture_is_refused(name: str, honest: dict[str, bytes]) -> None:
    text = text_in(".keras", honest[".keras"])
    HARMFUL[name](".keras", text)
    with nothing_happens(), pytest.raises(ValueError, match="text: "):
        model_from_json(json.dumps(text))


@contextmanager
def peak_of() -> Iterator[list[int]]:
    """Measure how much memory Python and NumPy take at most."""
    found = [0]
    tracemalloc.start()
    try:
        yield found
    finally:
        found[0] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def test_metrics_with_a_billion_thresholds_are_refused(
    honest: dict[str, bytes], tmp_path: Path
) -> None:
    text = text_in(".safetensors", honest[".safetensors"])
    auc = {"class_name": "AUC", "config": {"num_thresholds": 10**9}}
    text["compiled"]["metrics"] = [auc]
    path = tmp_path / "model.safetensors"
    path.write_bytes(with_text(".safetensors", honest[".safetensors"], text))
    with pytest.raises(ValueError, match="num_thresholds: expected at most 1000000"):
        load_model(path)


@pytest.mark.parametrize("ending", [".safetensors", ".keras"])
def test_text_that_is_nested_too_deeply(
    ending: str, honest: dict[str, bytes], tmp_path: Path
) -> None:
    content = honest[ending]
    text = text_in(ending, content)
    nested: Any = []
    for _ in range(400):
        nested = [nested]
    text[{".safetensors": "architecture", ".keras": "config"}[ending]] = "DEEP"
    changed = with_text(ending, content, text)
    deep = json.dumps(nested)
    if ending == ".safetensors":
        length = int.from_bytes(changed[:8], "little")
        header = json.loads(changed[8 : 8 + length])
        header["__metadata__"]["architecture"] = "[" * 100_000
        written = json.dumps(header).encode()
        changed = len(written).to_bytes(8, "little") + written + changed[8 + length :]
    else:
        changed = with_text(ending, content, json.loads(deep))
    path = tmp_path / f"deep{ending}"
    path.write_bytes(changed)
    with pytest.raises(ValueError, match="deep"):
        load_model(path)
    book = tmp_path / "deep.ipynb"
    book.write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"deep\.ipynb: not a notebook"):
        sources(str(book))


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F8_E5M2", "F16", "BOOL", "C64", "F4", "zz"])
def test_arrays_of_other_types(dtype: str, honest: dict[str, bytes], tmp_path: Path) -> None:
    content = honest[".safetensors"]
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    entry = header["weights/dense/kernel"]
    size = entry["data_offsets"][1] - entry["data_offsets"][0]
    wide = {"BF16": 2, "F16": 2, "C64": 8}.get(dtype, 1)
    entry.update(dtype=dtype, shape=[size // wide])
    written = json.dumps(header).encode()
    path = tmp_path / "typed.safetensors"
    path.write_bytes(len(written).to_bytes(8, "little") + written + content[8 + length :])
    with nothing_happens(path), pytest.raises(ValueError, match=r"typed\.safetensors: "):
        load_model(path)


# Honest files, changed at random.

NASTY = st.one_of(
    st.sampled_from(
        [None, True, -1, 0, 10**9, 10**18, 1e308, "", "x", "../x", [], {}, [[]], float("nan")]
    ),
    st.integers(-(10**12), 10**12),
    st.text(max_size=5),
    st.sampled_from(["Dense", "Lambda", "adam", "os", "function", "float64", "AUC", "__lambda__"]),
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a tree of dicts and lists: what holds it, and its key."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in list(items):
        yield value, key
        if isinstance(each, (dict, list)):
            yield from places(each)


def changed(content: bytes, chance: random.Random) -> bytes:
    """Return a file with some bytes changed, put in, taken out or cut off."""
    found = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(max(1, len(found)))
        some = chance.randbytes(chance.randint(1, 8))
        what = chance.choice(
            ["flip", "bit", "put in", "take out", "cut", "repeat", "header", "number"]
        )
        if what == "flip":
            found[place : place + len(some)] = some
        elif what == "bit" and found:
            found[place] ^= 1 << chance.randrange(8)
        elif what == "header":
            found[place % 64 : place % 64 + len(some)] = some
        elif what == "number":  # where a binary format may keep a size or an address
            number = chance.choice([0, 1, 2**32 - 1, 2**64 - 1, place, chance.randrange(4096)])
            found[place // 8 * 8 : place // 8 * 8 + 8] = number.to_bytes(8, "little")
        elif what == "put in":
            found[place:place] = some
        elif what == "take out":
            del found[place : place + 16 * len(some)]
        elif what == "cut":
            del found[place:]
        else:
            found[place:place] = found[place : place + 64]
    return bytes(found)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Draw a file with some bytes changed."""
    return changed(content, draw(st.randoms(use_true_random=False)))


def loaded(path: Path, honest_peak: int) -> None:
    """Load a model or get the documented error, with little more memory than an honest file."""
    with peak_of() as peak, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            load_model(path)
        except ValueError as error:
            said = str(error)
        else:
            said = path.name
    assert path.name in said
    assert peak[0] < 1.5 * honest_peak + 2_000_000


@pytest.mark.parametrize("ending", ENDINGS)
@given(st.data())
@settings(max_examples=60 * TIMES)
def test_models_with_other_bytes(
    ending: str,
    honest: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    draw: st.DataObject,
) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged{ending}"
    path.write_bytes(draw.draw(damaged(honest[ending])))
    loaded(path, 3_000_000)


@pytest.mark.parametrize("ending", ENDINGS)
@given(st.data())
@settings(max_examples=60 * TIMES)
def test_models_that_say_something_else(
    ending: str,
    honest: dict[str, bytes],
    tmp_path_factory: pytest.TempPathFactory,
    draw: st.DataObject,
) -> None:
    text = text_in(ending, honest[ending])
    for _ in range(draw.draw(st.integers(1, 3))):
        known = list(places(text))
        where, key = known[draw.draw(st.integers(0, len(known) - 1))]
        where[key] = copy.deepcopy(draw.draw(NASTY))
    path = tmp_path_factory.getbasetemp() / f"other{ending}"
    path.write_bytes(with_text(ending, honest[ending], text))
    loaded(path, 3_000_000)


IDX = idx.as_idx(np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28))


@given(st.data())
@settings(max_examples=100 * TIMES)
def test_idx_files(draw: st.DataObject) -> None:
    content = draw.draw(damaged(IDX))
    with peak_of() as peak:
        try:
            found = idx.read_idx(content, draw.draw(st.sampled_from([1, 3])))
        except DatasetError as error:
            assert "IDX file" in str(error)  # noqa: PT017 (it may be read, too)
        else:
            assert found.size < len(content)
    assert peak[0] < 1_000_000


def test_an_idx_file_without_elements_that_states_large_sizes() -> None:
    for shape in ((0, 2**32 - 1, 2**32 - 1), (2**32 - 1, 2**32 - 1, 0)):
        with pytest.raises(DatasetError, match=r"IDX file states the shape"):
            idx.read_idx(idx.header(shape), 3)


PACKED, BOMB = gzip.compress(IDX), gzip.compress(bytes(20_000_000))


@given(st.data())
@settings(max_examples=60 * TIMES)
def test_packed_files(tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject) -> None:
    """A file of twenty megabytes of zeros, too, takes no more memory than the right one."""
    file = DataFile("images-idx3-ubyte", "", len(IDX), hashlib.sha256(IDX).hexdigest())
    content = draw.draw(st.one_of(damaged(PACKED), st.sampled_from([PACKED, BOMB])))
    path = tmp_path_factory.getbasetemp() / file.name
    path.write_bytes(content)
    with peak_of() as peak:
        try:
            found = file.read(path.parent)
        except DatasetError as error:
            assert file.name in str(error)  # noqa: PT017
        else:
            assert found == IDX
    assert peak[0] < 1_000_000


# An archive as Keras has it of MNIST, with two pictures in each part.
ARRAYS = {
    key: np.zeros((2, 28, 28) if key[0] == "x" else 2, np.uint8)
    for key in ("x_train", "y_train", "x_test", "y_test")
}
NAMES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
CONTENTS = [idx.as_idx(each) for each in ARRAYS.values()]
MNIST = Source(
    "MNIST",
    "mnist",
    tuple(
        DataFile(f"{name}-ubyte", "", len(content), hashlib.sha256(content).hexdigest())
        for name, content in zip(NAMES, CONTENTS, strict=True)
    ),
    (),
)
_file = io.BytesIO()
np.savez(_file, **ARRAYS)
ARCHIVE = _file.getvalue()


def spoiled(place: int, value: int) -> bytes:
    """Return the archive with another number of two bytes in what its list says of each array."""
    found, entry = bytearray(ARCHIVE), b"PK\x01\x02"
    at = found.find(entry)
    while at >= 0:
        found[at + place : at + place + 2] = value.to_bytes(2, "little")
        at = found.find(entry, at + 1)
    return bytes(found)


SPOILED = {
    "packed in another way": (10, 14),
    "packed in no way that is known": (10, 77),
    "encrypted": (8, 1),
    "longer than the file": (22, 0x4000),
}


@pytest.mark.parametrize("name", SPOILED)
def test_an_archive_that_lies(name: str, tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    path.write_bytes(spoiled(*SPOILED[name]))
    with peak_of() as peak, pytest.raises(DatasetError, match=r"mnist\.npz cannot be read: \S"):
        MNIST.read_npz(path)
    assert peak[0] < 1_000_000


@given(st.data())
@settings(max_examples=60 * TIMES)
def test_archives_of_arrays(tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "mnist.npz"
    path.write_bytes(draw.draw(damaged(ARCHIVE)))
    with peak_of() as peak:
        try:
            found = MNIST.read_npz(path)
        except DatasetError as error:
            assert "mnist.npz" in str(error)  # noqa: PT017
        else:
            assert [len(each) for each in found] == [each.size for each in MNIST.files]
    assert peak[0] < 3_000_000


@given(st.data())
@settings(max_examples=60 * TIMES)
def test_notebooks(tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject) -> None:
    cells = [
        {"cell_type": "code", "source": ["import keras\n", "%matplotlib inline\n", "x = 1"]},
        {"cell_type": "markdown", "source": "text"},
    ]
    book = {"cells": cells, "nbformat": 4, "metadata": {}}
    path = tmp_path_factory.getbasetemp() / "book.ipynb"
    if draw.draw(st.booleans()):
        for _ in range(draw.draw(st.integers(1, 3))):
            known = list(places(book))
            where, key = known[draw.draw(st.integers(0, len(known) - 1))]
            where[key] = copy.deepcopy(draw.draw(NASTY))
        path.write_text(json.dumps(book))
    else:
        path.write_bytes(draw.draw(damaged(json.dumps(book).encode())))
    with nothing_runs():
        try:
            found = sources(str(path))
        except ValueError as error:
            assert "book.ipynb" in str(error)  # noqa: PT017
        else:
            assert all(isinstance(each.text, str) for each in found)


@contextmanager
def nothing_runs() -> Iterator[None]:
    """As `nothing_happens`, where text is looked at with the parser."""
    global seen
    seen = []
    try:
        yield
    finally:
        found, seen = seen, None
    assert not [each for each in found if each.startswith(WATCHED)]


@given(st.data())
@settings(max_examples=30 * TIMES)
def test_tables_to_append_to(tmp_path_factory: pytest.TempPathFactory, draw: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "log.csv"
    content = b"epoch,loss,val_loss\n0,1.0,NA\n1,0.5,NA\n"
    path.write_bytes(draw.draw(damaged(content)))
    model = Sequential([tinynet.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model.fit(X, Y, verbose=0, callbacks=[CSVLogger(path, append=True)])
        except ValueError as error:
            assert "log.csv" in str(error)  # noqa: PT017
        else:
            assert path.read_bytes().endswith(b"NA\r\n")
