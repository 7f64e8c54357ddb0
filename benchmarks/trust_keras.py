"""The same bad treatment for tinynet and for Keras: what is left of a training, a file, a number.

    python -m benchmarks.trust_keras

Each library runs in processes of its own, with the same code. All input is harmless. Prints a table
and writes trust_keras.md next to this file.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tinynet.callbacks import backup as backups
from tinynet.files import write_atomically

ROOT = Path(__file__).parents[1]
LIBRARIES = ("tinynet", "keras")
Library = Any
rng = np.random.default_rng(0)
X = rng.normal(size=(40, 6)).astype("float32")
Y = (X[:, 0] > 0).astype(int)

# A training that is killed, and begun again.

# When the backup is made, whether dropout draws, and after which step of 20 the process is killed.
KILLS = {
    "backup every epoch, killed after step 11; no dropout, not shuffled": ("epoch", False, 11),
    "backup every epoch, killed after step 11; dropout, shuffled": ("epoch", True, 11),
    "backup every 3 steps, killed after step 14; no dropout, not shuffled": (3, False, 14),
    "backup every 3 steps, killed after step 14; dropout, shuffled": (3, True, 14),
}


def small(library: Library, dropout: bool = False, rate: float = 0.01) -> Any:
    """Return a small network."""
    library.backend.clear_session()
    library.utils.set_random_seed(0)
    layers = library.layers
    body = [layers.Dense(16, activation="relu")] + [layers.Dropout(0.3)] * dropout
    last = layers.Dense(2, activation="softmax")
    model = library.Sequential([library.Input((6,)), *body, last])
    optimizer = library.optimizers.Adam(rate)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def training(library: Library, case: str, folder: Path, killed: bool = False) -> list[Any]:
    """Train with a backup, five steps an epoch; return the weights, and how many losses there are.

    With `killed`, the process ends itself by a signal that cannot be caught.
    """
    freq, random, last = KILLS[case]
    model = small(library, dropout=random)

    class Kill(library.callbacks.Callback):  # type: ignore[misc] # of either library
        every_batch = True
        steps = 0

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.steps += 1
            if killed and self.steps == last + 1:
                os.kill(os.getpid(), signal.SIGKILL)

    backup = library.callbacks.BackupAndRestore(str(folder / "backup"), save_freq=freq)
    history = model.fit(
        X, Y, batch_size=8, epochs=4, shuffle=random, verbose=0, callbacks=[backup, Kill()]
    )
    weights = [np.asarray(each).tobytes().hex() for each in model.get_weights()]
    return [weights, len(history.history["loss"]), float(model.optimizer.iterations)]


def restarts(name: str, folder: Path) -> dict[str, str]:
    """Kill a training of each kind and begin it again; return what is said of each."""
    found = {}
    undisturbed = child(name, "--train", *KILLS, "--folder", str(folder / "undisturbed"))
    for number, case in enumerate(KILLS):
        place = str(folder / str(number))
        child(name, "--train", case, "--folder", place, "--kill", killed=True)
        weights, losses, steps = child(name, "--train", case, "--folder", place)[case]
        expected = undisturbed[case]
        same = "same bits" if weights == expected[0] else "other weights"
        made = f"{steps:.0f} steps"
        if steps != expected[2]:
            made += f" in place of {expected[2]:.0f}"
        epochs = f"history of {losses} of {expected[1]} epochs"
        found[case] = f"{same}; {made}; {epochs}"
    return found


# What is tried in one process.


@contextlib.contextmanager
def full_at(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def loads(library: Library, path: Path) -> bool:
    """Return whether there is a model in a file."""
    with contextlib.suppress(Exception):
        library.models.load_model(path)
        return True
    return False


def saving(library: Library, folder: Path) -> str:
    """Save over an older model on a full disk."""
    path = folder / "model.keras"
    model = small(library)
    model.fit(X, Y, verbose=0)
    model.save(path)
    before = path.read_bytes()
    model.fit(X, Y, verbose=0)
    said = "no error"
    try:
        with full_at(len(before) // 2):
            model.save(path)
    except Exception as error:
        said = f"{type(error).__name__}, {'with' if 'model.keras' in str(error) else 'without'} "
        said += "the name of the file"
    if path.exists() and path.read_bytes() == before:
        left = "the old model is there"
    elif path.exists():
        left = "a whole new model" if loads(library, path) else "half a file, the old model is lost"
    else:
        left = "the old model is lost"
    others = [each.name for each in folder.iterdir() if each != path]
    return f"{said}; {left}" + (f"; {len(others)} other files are left" if others else "")


def checkpoint(library: Library, folder: Path) -> str:
    """Train with ModelCheckpoint on a full disk, and go on with the model in memory."""
    model = small(library)
    callback = library.callbacks.ModelCheckpoint(str(folder / "best.keras"))
    said = "no error"
    try:
        with full_at(4000):
            model.fit(X, Y, epochs=2, verbose=0, callbacks=[callback])
    except Exception as error:
        said = f"{type(error).__name__}, {'with' if 'best.keras' in str(error) else 'without'} "
        said += "the name of the file"
    model.fit(X, Y, verbose=0)
    model.save(folder / "other.keras")
    return f"{said}; the model in memory can be saved elsewhere and goes on"


def backup_cut_off(library: Library, folder: Path) -> str:
    """Begin again with a backup of which half is there."""
    case = next(iter(KILLS))

    class StopError(Exception):
        pass

    class Stop(library.callbacks.Callback):  # type: ignore[misc] # of either library
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise StopError

    model = small(library)
    backup = library.callbacks.BackupAndRestore(str(folder / "backup"))
    with contextlib.suppress(StopError):
        model.fit(X, Y, epochs=4, verbose=0, callbacks=[backup, Stop()])
    with backups.WRITING:  # tinynet's thread may still be at it
        paths = list((folder / "backup").iterdir())
    for path in paths:
        content = path.read_bytes()
        if len(content) > 1000:
            path.write_bytes(content[: len(content) // 2])
    try:
        training(library, case, folder)
    except Exception as error:
        named = "backup" in str(error)
        return f"{type(error).__name__}, {'with' if named else 'without'} the name of the file"
    return "begins anew without a word"


def not_a_number(library: Library, folder: Path) -> str:
    """Train at a rate that is far too large, with TerminateOnNaN."""
    library.backend.clear_session()
    library.utils.set_random_seed(0)
    dense = library.layers.Dense
    model = library.Sequential([library.Input((6,)), dense(8), dense(1)])
    model.compile(library.optimizers.SGD(1e6), "mse")
    more = {"explain": True} if library.__name__ == "tinynet" else {}
    nan = library.callbacks.TerminateOnNaN(**more)
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        model.fit(X, Y, batch_size=8, epochs=3, verbose=0, callbacks=[nan])
    lines = [each for each in shown.getvalue().splitlines() if each.strip()]
    return f"stops after step {float(model.optimizer.iterations):.0f}, and says: " + " / ".join(
        lines
    )


BAD: dict[str, Callable[[Library, Any], object]] = {
    "labels up to 5 for two classes": lambda library, model: model.fit(X, Y + 4, verbose=0),
    "NaN among the inputs": lambda library, model: model.fit(
        np.where(X > 2, np.nan, X), Y, verbose=0
    ),
    "fewer labels than samples": lambda library, model: model.fit(X, Y[:9], verbose=0),
    "seven features in place of six": lambda library, model: model.fit(
        np.ones((40, 7)), Y, verbose=0
    ),
    "text as inputs": lambda library, model: model.fit(X.astype(str), Y, verbose=0),
    "validation_split=1.5": lambda library, model: model.fit(X, Y, validation_split=1.5, verbose=0),
    "epochs=2.5": lambda library, model: model.fit(X, Y, epochs=2.5, verbose=0),
    "Dense(2.5)": lambda library, model: library.layers.Dense(2.5),
    "Dropout(-1)": lambda library, model: library.layers.Dropout(-1),
    "Adam(-0.1)": lambda library, model: library.optimizers.Adam(-0.1),
    "Adam(beta_1=2)": lambda library, model: library.optimizers.Adam(beta_1=2.0),
    "EarlyStopping(patience=-3)": lambda library, model: library.callbacks.EarlyStopping(
        patience=-3
    ),
}


def bad_input(library: Library, name: str) -> str:
    """Call something in a wrong way; return which error comes."""
    model = small(library)
    before = [np.asarray(each).copy() for each in model.get_weights()]
    try:
        BAD[name](library, model)
    except Exception as error:
        after = model.get_weights()
        changed = any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))
        return type(error).__name__ + (", and the weights have changed" if changed else "")
    finite = all(np.isfinite(each).all() for each in model.get_weights())
    return "no error" + ("" if finite else ", and the weights are NaN")


def mean_of_many(library: Library) -> str:
    """Add up ten million times 0.1 in float32, in a hundred batches."""
    metric, batch = library.metrics.Mean(), np.full(100_000, 0.1, "float32")
    for _ in range(100):
        metric.update_state(batch)
    exact = float(np.float32(0.1))
    return f"off by {abs(float(metric.result()) - exact) / exact:.0e}"


def count_of_many(library: Library) -> str:
    """Count twenty million hits in batches of one thousand, of which a float32 holds 16,777,216."""
    metric, batch = library.metrics.Sum(), np.ones(1000, "float32")
    metric.update_state(np.full(1, 2.0**24, "float32"))
    for _ in range(100):
        metric.update_state(batch[:1])
    return f"{float(metric.result()) - 2.0**24:.0f} of 100 are counted"


def batch_norm_far_away(library: Library) -> str:
    """Normalize 128 pictures of 28x28 in three colors with values between 1000 and 1001."""
    x = (1000 + np.random.default_rng(0).random((128, 28, 28, 3))).astype("float32")
    layer = library.layers.BatchNormalization(momentum=0.0)
    layer(x, training=True)
    mean, variance = (float(np.asarray(each)[0]) for each in layer.get_weights()[2:])
    exact = x[..., 0].astype("float64")
    gap = abs(mean - exact.mean())
    return f"mean off by {gap:.2f}, variance {variance / exact.var():.1f} times the right one"


def memory() -> float:
    """Return how much memory the process has now, in KiB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024


def models_dropped(library: Library) -> str:
    """Make and drop models, with `clear_session` before each; the first twenty do not count."""
    times = 80

    def one() -> None:
        model = small(library)
        model.fit(X, Y, verbose=0)

    for _ in range(20):
        one()
    before = memory()
    for _ in range(times):
        one()
    return f"{max(0.0, memory() - before) / times:.1f} KiB for each model"


def in_one_process(library: Library) -> dict[str, str]:
    """Return what is said about each thing that is tried."""
    found = {}
    for what, work in (
        ("saving over a model on a full disk (`.keras`)", saving),
        ("ModelCheckpoint on a full disk", checkpoint),
        ("a backup of which half is there", backup_cut_off),
        ("TerminateOnNaN at a rate of 1e6", not_a_number),
    ):
        with tempfile.TemporaryDirectory() as name:
            found[what] = work(library, Path(name))
    for name in BAD:
        found[f"bad input: {name}"] = bad_input(library, name)
    found["`Mean` of 10,000,000 float32 numbers"] = mean_of_many(library)
    found["`Sum`: 16,777,216, and 100 ones more"] = count_of_many(library)
    found["batch norm of values near 1000"] = batch_norm_far_away(library)
    found["memory of 80 models that are made and dropped"] = models_dropped(library)
    return found


# The processes.


def child(name: str, *options: str, killed: bool = False) -> Any:
    """Run this program with a library, and return what it prints as JSON."""
    command = [sys.executable, "-m", "benchmarks.trust_keras", "--library", name, *options]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **quiet}, capture_output=True, text=True
    )
    if killed:
        if done.returncode != -signal.SIGKILL:
            raise RuntimeError(f"{name}: expected to be killed\n{done.stderr[-3000:]}")
        return None
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Print the table and write it; or do one part of the work in this process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", choices=LIBRARIES, help="only for the processes that work")
    parser.add_argument("--train", nargs="+", choices=KILLS)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--kill", action="store_true")
    args = parser.parse_args()
    if args.library:
        warnings.simplefilter("ignore")
        library = import_module(args.library)
        if args.train:
            args.folder.mkdir(exist_ok=True, parents=True)
            said: Any = {
                case: training(library, case, args.folder, args.kill) for case in args.train
            }
        else:
            said = in_one_process(library)
        print(json.dumps(said))
        return
    rows: dict[str, list[str]] = {}
    for name in LIBRARIES:
        with tempfile.TemporaryDirectory() as folder:
            said = {**restarts(name, Path(folder)), **child(name)}
        for what, cell in said.items():
            rows.setdefault(what, []).append(cell.replace("|", "/"))
    head = ["", "tinynet", f"Keras {version('keras')} on TensorFlow {version('tensorflow')}"]
    lines = [f"| {' | '.join(head)} |", "|---|---|---|"]
    lines += [f"| {what} | {' | '.join(cells)} |" for what, cells in rows.items()]
    print("\n".join(lines))
    text = (
        "Written by `python -m benchmarks.trust_keras`; not edited.\n\n" + "\n".join(lines) + "\n"
    )
    write_atomically(Path(__file__).with_suffix(".md"), text)


if __name__ == "__main__":
    main()
