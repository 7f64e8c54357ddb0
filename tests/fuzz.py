"""Honest files, changed at random, by the hundred thousand: does every loader stay what it is?

    python -m tests.fuzz --inputs 10000

Input number n is made from `random.Random(n)`, so each can be made again: `--first n --inputs 1`.
A loader either reads it, or raises the error that is documented, with the name of the file; it
opens no connection, starts no process, imports no other package, leaves no file, and takes at most
1.5 times the memory of the honest file and two megabytes. The work is done by another process, so
that one that crashes or hangs is seen, counted, and replaced. Prints JSON, one entry per loader.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import hashlib
import io
import json
import random
import subprocess
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tinynet
from tests import test_hostile
from tests.saved_models import X, Y, disturbed
from tinynet import Sequential, layers
from tinynet.array_files import Apart, read_state, write_state
from tinynet.callbacks import CSVLogger
from tinynet.callbacks.backup import KIND
from tinynet.datasets import idx
from tinynet.datasets.errors import DatasetError
from tinynet.datasets.sources import DataFile
from tinynet.models import load_model, model_from_json
from tinynet.scripts.running import sources

ROOT = Path(__file__).parents[1]
PATIENCE = 60  # seconds for one input; honest ones take milliseconds
EVENTS = ("os.system", "subprocess.Popen", "socket.connect", "os.posix_spawn", "pickle.find_class")

# How a file is changed.


NASTY: list[Any] = [
    *(None, True, -1, 0, 10**9, 10**18, 1e308, "", "x", "../x", [], {}, [[]], float("nan")),
    *("Dense", "Lambda", "adam", "os", "function", "float64", "AUC", "__lambda__", "int8", "f4"),
]


def otherwise(text: Any, chance: random.Random) -> Any:
    """Return a tree of dicts and lists with some values replaced, moved or taken away."""
    text = copy.deepcopy(text)
    for _ in range(chance.randint(1, 3)):
        known = list(test_hostile.places(text))
        if not known:
            break
        where, key = chance.choice(known)
        what = chance.random()
        if what < 0.6:
            where[key] = copy.deepcopy(chance.choice([*NASTY, chance.randint(-(10**12), 10**12)]))
        elif what < 0.8:
            other, place = chance.choice(known)
            where[key] = copy.deepcopy(other[place]) if place in other or list is type(other) else 0
        else:
            del where[key]
    return text


# The loaders.


class Loader(NamedTuple):
    """How an input is made and read."""

    honest: bytes
    ending: str
    change: Callable[[bytes, random.Random], bytes]
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...] = (ValueError,)
    names_file: bool = True
    has_sizes: bool = True  # the file has the arrays, so it cannot ask for more memory than it has


def models() -> dict[str, Loader]:
    """Return the formats of models: with other bytes, and with another text in a whole file."""
    found = {}
    for ending in test_hostile.ENDINGS:
        tinynet.utils.clear_session()
        model = disturbed()
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.train_on_batch(X, Y)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"model{ending}"
            model.save(path)
            content = path.read_bytes()

        def change(content: bytes, chance: random.Random, ending: str = ending) -> bytes:
            text = test_hostile.text_in(ending, content)
            return test_hostile.with_text(ending, content, otherwise(text, chance))

        found[f"{ending}, other bytes"] = Loader(content, ending, test_hostile.changed, load_model)
        found[f"{ending}, another text"] = Loader(content, ending, change, load_model)
    return found


def as_text(content: bytes, chance: random.Random) -> bytes:
    """Change the bytes or the values of a text in JSON."""
    if chance.random() < 0.5:
        return test_hostile.changed(content, chance)
    return json.dumps(otherwise(json.loads(content), chance)).encode()


def read_table(path: Path) -> None:
    """Append to a table of an earlier training."""
    model = Sequential([tinynet.Input((4,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X[:4], Y[:4], verbose=0, callbacks=[CSVLogger(path, append=True)])


def others() -> dict[str, Loader]:
    """Return all other loaders."""
    images = idx.as_idx(np.arange(2 * 28 * 28, dtype=np.uint8).reshape(2, 28, 28))
    state = Apart({"a": np.arange(9.0), "b": [1, "x", {"c": np.ones(3)}]})
    with tempfile.TemporaryFile() as backup:
        write_state(backup, KIND, state)
        backup.seek(0)
        saved = backup.read()
    code = {"cell_type": "code", "source": ["import keras\n", "%matplotlib inline\n", "x = 1"]}
    book = {"cells": [code, {"cell_type": "markdown", "source": "text"}], "nbformat": 4}
    tinynet.utils.clear_session()
    file = DataFile("input.gz", "", len(images), hashlib.sha256(images).hexdigest())
    return {
        "IDX": Loader(
            images,
            "",
            test_hostile.changed,
            lambda path: idx.read_idx(path.read_bytes(), 3),
            (DatasetError,),
            names_file=False,
        ),
        "gzip": Loader(
            gzip.compress(images),
            ".gz",
            test_hostile.changed,
            lambda path: file.read(path.parent),
            (DatasetError,),
        ),
        ".npz": Loader(
            test_hostile.ARCHIVE,
            ".npz",
            test_hostile.changed,
            test_hostile.MNIST.read_npz,
            (DatasetError,),
        ),
        "a backup": Loader(
            saved, "", test_hostile.changed, lambda path: read_state(path, KIND), (ValueError,)
        ),
        "CSV": Loader(
            b"epoch,loss,val_loss\n0,1.0,NA\n1,0.5,NA\n", ".csv", test_hostile.changed, read_table
        ),
        "a notebook": Loader(
            json.dumps(book).encode(), ".ipynb", as_text, lambda path: sources(str(path))
        ),
        "JSON": Loader(
            disturbed().to_json().encode(),
            ".json",
            as_text,
            lambda path: model_from_json(path.read_bytes().decode("latin-1")),
            names_file=False,
            has_sizes=False,
        ),
    }


# The process that reads.

FIELDS = ("at", "read", "refused", "wrong", "peak")
OTHERS = 200_000_000  # bytes that libraries may take without Python's knowledge, in one input
MOST = 8 << 30  # bytes of addresses for the process; a text may describe a model of any size


def limit_memory() -> None:
    """Let Python raise MemoryError where this process would take all that the machine has."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MOST, MOST))


def largest() -> int:
    """Return the most bytes that this process has had, also those that a library took."""
    import resource

    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else 1024 * found


def peak_of(loader: Loader, path: Path, content: bytes) -> tuple[int, BaseException | None]:
    """Read an input; return the most memory that was taken, and the error that came."""
    path.write_bytes(content)
    if not tracemalloc.is_tracing():  # not stopped after each: Python would keep some memory
        tracemalloc.start()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    error: BaseException | None = None
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            loader.read(path)
    except BaseException as caught:
        error = caught
    return tracemalloc.get_traced_memory()[1] - before, error


class Reader:
    """Reads inputs, and writes down on the board what came of them.

    Parameters
    ----------
    board : path
        A file of int64, (loaders, len(FIELDS)).
    folder : path
        Empty, and the reader's own.
    """

    def __init__(self, board: Path, folder: Path) -> None:
        self.loaders = {**models(), **others()}
        self.counts = np.memmap(board, np.int64, "r+", shape=(len(self.loaders), len(FIELDS)))
        self.folder = folder
        self.limits = []
        for loader in self.loaders.values():  # what is imported only once is imported here
            path = folder / f"input{loader.ending}"
            for content in (b"{", loader.honest):
                peak, error = peak_of(loader, path, content)
            assert error is None, error
            self.limits.append(int(1.5 * peak) + 2_000_000)
        largest()  # imports a module, too
        self.packages = {each.partition(".")[0] for each in sys.modules}

    def changed(self, number: int) -> bytes:
        """Return the input of a number."""
        loader = [*self.loaders.values()][number % len(self.loaders)]
        return loader.change(loader.honest, random.Random(number))

    def read(self, place: int, number: int, content: bytes) -> None:
        """Read an input with the loader at a place."""
        loader, count = [*self.loaders.values()][place], self.counts[place]
        count[0] = number + 1
        path = self.folder / f"input{loader.ending}"
        test_hostile.seen = []
        before = largest()
        peak, error = peak_of(loader, path, content)
        seen, test_hostile.seen = test_hostile.seen, None
        complaints = [each for each in seen if each.startswith(EVENTS)]
        if error is not None and not isinstance(error, loader.errors):
            complaints.append(f"{type(error).__name__}: {error}")
        elif error is not None and loader.names_file and path.name not in str(error):
            complaints.append(f"without the name of the file: {error}")
        if loader.has_sizes and peak > self.limits[place]:
            complaints.append(f"{peak} bytes of memory, at most {self.limits[place]} expected")
        if loader.has_sizes and largest() - before > OTHERS:
            complaints.append(f"{largest() - before} bytes that Python does not know of")
        new = {each.partition(".")[0] for each in sys.modules} - self.packages
        complaints += [f"imported {each}" for each in new]
        self.packages |= new
        count[1 if error is None else 2] += 1
        count[3] += bool(complaints)
        count[4] = max(count[4], peak)
        for each in complaints:
            print(f"input {number}, {[*self.loaders][place]}: {each}", file=sys.stderr)
        for left in self.folder.iterdir():
            left.unlink()
        tinynet.utils.clear_session()


def work(first: int, inputs: int, board: Path) -> None:
    """Read inputs, each with the loader whose turn it is."""
    with tempfile.TemporaryDirectory() as name:
        reader = Reader(board, Path(name))
        for number in range(first, first + inputs):
            reader.read(number % len(reader.loaders), number, reader.changed(number))
    tracemalloc.stop()


# The process that watches.


def watched(command: list[str], counts: np.ndarray) -> int | None:
    """Run the process that reads; return how it has ended, or None if it hung."""
    worker = subprocess.Popen([sys.executable, *command], cwd=ROOT)
    at, since = -1, time.monotonic()
    while worker.poll() is None:
        now = int(counts[:, 0].sum())
        if now != at:
            at, since = now, time.monotonic()
        elif time.monotonic() - since > PATIENCE:
            worker.kill()
            worker.wait()
            return None
        time.sleep(0.05)
    if worker.returncode > 0:
        raise RuntimeError("the process that reads has failed; see above")
    return worker.returncode


def fuzz(
    inputs: int, first: int = 0, reader: tuple[str, ...] = ("-m", "tests.fuzz")
) -> list[dict[str, Any]]:
    """Try so many inputs with a Python program that reads; return what came of them."""
    names = [*models(), *others()]
    crashes, hangs = [0] * len(names), [0] * len(names)
    with tempfile.NamedTemporaryFile() as file:
        counts = new_board(file, names)
        start, end = first, first + inputs
        while start < end:
            part = ["--first", str(start), "--inputs", str(end - start)]
            code = watched([*reader, "--board", file.name, *part], counts)
            at = int(counts[:, 0].max())
            if code != 0:
                (hangs if code is None else crashes)[(at - 1) % len(names)] += 1
            start = end if code == 0 else at
        return found_on(counts, names, crashes, hangs)


def new_board(file: Any, names: list[str]) -> np.ndarray:
    """Return what is written down of inputs in an empty file, FIELDS for each loader."""
    file.write(bytes(8 * len(names) * len(FIELDS)))
    file.flush()
    return np.memmap(file.name, np.int64, "r", shape=(len(names), len(FIELDS)))


def found_on(
    counts: np.ndarray, names: list[str], crashes: list[int], hangs: list[int]
) -> list[dict[str, Any]]:
    """Return what came of all inputs, one entry per loader."""
    return [
        {
            "loader": name,
            **dict(zip(FIELDS[1:], map(int, row[1:]), strict=True)),
            "crashes": crashes[number],
            "hangs": hangs[number],
        }
        for number, (name, row) in enumerate(zip(names, counts, strict=True))
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--board", type=Path, help="only for the process that reads")
    args = parser.parse_args()
    if args.board:
        limit_memory()
        work(args.first, args.inputs, args.board)
    else:
        print(json.dumps(fuzz(args.inputs, args.first)))


if __name__ == "__main__":
    main()
