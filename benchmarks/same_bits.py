"""One seed, one result: what changes the bits of a training, and what does not.

    python -m benchmarks.same_bits

Trains two networks from one seed, each time in a process of its own, in which one thing is
different: the threads, the load of the machine, a save in the middle, the processor that BLAS
believes in. Weights, the optimizer's memory, losses and predictions are compared bit by bit with
those of the first process. Prints two tables and writes same_bits.md next to this file. Ends with
an error if something in the first table is not the same.
"""

from __future__ import annotations

import argparse
import ctypes
import datetime as dt
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tinynet as tn
from benchmarks.busy import others
from tinynet import layers
from tinynet.datasets.apparel import drawn_apparel
from tinynet.files import write_atomically
from tinynet.kernels import threads

ROOT = Path(__file__).parents[1]
Results = dict[str, np.ndarray]

# The trainings.


class Network(NamedTuple):
    """What is trained, and in batches of how many of how many samples."""

    shape: tuple[int, ...]
    body: list[Any]
    batch: int
    samples: int


def networks(rate: float = 0.3) -> dict[str, Network]:
    """Return the networks, newly made: their products are large enough for a second thread."""
    dense = [
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
        layers.BatchNormalization(),
        layers.Dropout(rate),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
    cnn = [
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dropout(rate),
        layers.Dense(10, activation="softmax"),
    ]
    return {
        "dense": Network((28, 28), dense, 128, 1024),
        "cnn": Network((28, 28, 1), cnn, 32, 256),
    }


EPOCHS = 3


def made(
    name: str, seed: int = 0, rate: float = 0.3
) -> tuple[tn.Sequential, np.ndarray, np.ndarray]:
    """Return a network with its samples and labels; in float64 it begins with float32's weights."""
    kind = tn.config.floatx()
    tn.config.set_floatx("float32")
    network = networks(rate)[name]
    images, labels = drawn_apparel(network.samples)
    x = images.reshape(-1, *network.shape) / np.float32(255)
    models = []
    for dtype in dict.fromkeys(("float32", kind)):
        tn.config.set_floatx(dtype)
        tn.utils.clear_session()
        tn.utils.set_random_seed(seed)
        models.append(tn.Sequential([tn.Input(network.shape), *networks(rate)[name].body]))
    models[-1].set_weights(models[0].get_weights())
    return models[-1], x, labels


def trained(
    name: str, seed: int = 0, reload: str = "", eager: bool = False, rate: float = 0.3
) -> Results:
    """Train a network; return all that is compared, by name: after a step, and after 24.

    Parameters
    ----------
    name : {"dense", "cnn"}
    seed : int
    reload : str
        An ending: the model is saved and loaded after the first epoch.
    eager : bool
        Whether the layers are called in every step.
    rate : float
        Of dropout, whose masks are others in float64.
    """
    found: Results = {}
    for when, epochs in (("one step", 1), ("24 steps", EPOCHS)):
        model, x, y = made(name, seed, rate)
        model.compile(
            "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=eager
        )
        size = networks()[name].batch
        if when == "one step":
            x, y = x[:size], y[:size]
        losses = []
        for epoch in range(epochs):
            history = model.fit(x, y, size, epoch + 1, verbose=0, initial_epoch=epoch)
            losses += history.history["loss"]
            if reload and epoch == 0:
                model = again(model, reload)
        state = {f"memory {i}": a for i, a in enumerate(model.optimizer.get_state().values())}
        found |= {f"{when}/{key}": a for key, a in {**model.arrays, **state}.items()}
        found[f"{when}/losses"] = np.array(losses)
        found[f"{when}/prediction"] = model.predict(x[:32], verbose=0)
        alone = [model.predict(x[i : i + 1], verbose=0) for i in range(32)]
        found[f"alone {when}/prediction"] = np.concatenate(alone)
    return {key: np.array(each) for key, each in found.items()}


def again(model: tn.Sequential, ending: str) -> tn.Sequential:
    """Save and load a model."""
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / f"model{ending}")
        return tn.models.load_model(Path(folder) / f"model{ending}")


def write(path: str | Path, **options: Any) -> None:
    """Train both networks, and write what is compared, and which code was taken."""
    found = {f"{n}/{key}": a for n in networks() for key, a in trained(n, **options).items()}
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    code = {
        "OpenBLAS": core(),
        "NumPy": [*simd["baseline"], *simd.get("found", ())][-1],
        "kernels": tn.kernels.registry.active_form(),
    }
    if code["kernels"] == "numba":
        import llvmlite.binding
        import numba

        code["Numba"] = numba.config.CPU_NAME or llvmlite.binding.get_host_cpu_name()
    np.savez(path, code=np.array(json.dumps(code)), **found)


def core() -> str:
    """Return for which processors OpenBLAS has chosen its code."""
    for name in ("scipy_openblas_get_corename64_", "openblas_get_corename"):
        if hasattr(threads.blas(), name):
            ask = getattr(threads.blas(), name)
            ask.restype = ctypes.c_char_p
            return str(ask().decode())
    return "unknown"


# The processes.


class Way(NamedTuple):
    """One way to run the trainings: what is said about it, and what is different."""

    name: str
    environment: dict[str, str] = {}  # noqa: RUF012 (never changed)
    options: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # of the processor, in NumPy's words


SAME = [
    Way("again"),
    *(Way(f"{n} of tinynet's threads", options=("--workers", str(n))) for n in (1, 2, 4)),
    *(
        Way(f"saved and loaded as {ending} after an epoch", options=("--reload", ending))
        for ending in (".safetensors", ".keras", ".h5")
    ),
    Way("layers called in every step", options=("--eager",)),
]
IN_FLOAT64 = "float64 in place of float32, from the same weights, without dropout"
AVX2, AVX512 = ("AVX2", "FMA3"), ("AVX512_SKX",)


def others_than_here() -> list[Way]:
    """Return the ways that may change the bits."""
    simd = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    wide = [name for name in simd if "512" in name or name == "X86_V4"]
    disable = "NPY_DISABLE_CPU_FEATURES"
    return [
        *(Way(f"{n} threads of BLAS", options=("--threads", str(n))) for n in (2, 4)),
        Way("OpenBLAS for Haswell", {"OPENBLAS_CORETYPE": "Haswell"}, needs=AVX2),
        Way("OpenBLAS for SkylakeX", {"OPENBLAS_CORETYPE": "SkylakeX"}, needs=AVX512),
        Way("OpenBLAS for Zen", {"OPENBLAS_CORETYPE": "Zen"}, needs=AVX2),
        Way("NumPy without AVX-512", {disable: " ".join(wide)}, needs=AVX512),
        Way("NumPy for any processor", {disable: " ".join(simd)}, needs=AVX2),
        Way("Numba for any processor", {"NUMBA_CPU_NAME": "generic"}),
        Way("kernels in NumPy", {"TINYNET_KERNELS": "numpy"}),
        Way(IN_FLOAT64, options=("--float64", "--no-dropout")),
    ]


def environment(way: Way) -> dict[str, str]:
    """Return the environment of a process: as installed, nobody has chosen threads or code."""
    switches = ("OPENBLAS_", "OMP_", "NPY_DISABLE", "NUMBA_CPU", "TINYNET_KERNELS")
    kept = {name: each for name, each in os.environ.items() if not name.startswith(switches)}
    return {**kept, "PYTHONPATH": str(ROOT), **way.environment}


def begin(way: Way, path: Path, seed: int = 0) -> subprocess.Popen[str]:
    """Start the trainings in a process of their own."""
    command = [sys.executable, "-m", "benchmarks.same_bits", "--write", str(path)]
    return start([*command, "--seed", str(seed), *way.options], way)


def start(command: list[str], way: Way) -> subprocess.Popen[str]:
    """Start a process."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(way),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def notebooks(folder: Path, seed: int = 0) -> tuple[list[Path], list[subprocess.Popen[str]]]:
    """Start the trainings as a notebook, in Jupyter's kernel and under `python -m tinynet run`."""
    paths, processes = [], []
    for number, command in enumerate(
        (
            [sys.executable, "-c", "from nbclient.cli import main; main()"],
            [sys.executable, "-m", "tinynet", "run"],
        )
    ):
        path, book = folder / f"notebook_{number}.npz", folder / f"book_{number}.ipynb"
        cells = [
            "from benchmarks import same_bits\n",
            f"same_bits.write({str(path)!r}, seed={seed})",
        ]
        code = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        content = [{**code, "source": cell, "id": f"cell-{i}"} for i, cell in enumerate(cells)]
        kernel = {
            "kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}
        }
        whole = {"cells": content, "nbformat": 4, "nbformat_minor": 5, "metadata": kernel}
        write_atomically(book, json.dumps(whole))
        paths.append(path)
        processes.append(start([*command, str(book)], Way("a notebook")))
    return paths, processes


def ended(path: Path, process: subprocess.Popen[str]) -> Results | None:
    """Wait for a process, return what it has written; None if it met an unknown instruction."""
    said, _ = process.communicate()
    if process.returncode == -signal.SIGILL:
        return None
    if process.returncode:
        raise RuntimeError(f"{path.name}: {said[-3000:]}")
    with np.load(path) as file:
        return dict(file)


def run(way: Way, folder: Path, seed: int = 0) -> Results | None:
    """Run the trainings in one way."""
    path = folder / "found.npz"
    return ended(path, begin(way, path, seed))


# The comparison.


def difference(found: Results, expected: Results, part: str, other: str = "") -> float | None:
    """Return the largest difference in a part of two results; None if all bits are the same.

    A difference is relative to the largest number of its array. `part` is how the names of the
    arrays begin, and `other` how they do in `found`, if that is something else.
    """
    gaps = []
    for key, array in expected.items():
        if not key.startswith(part) or (other and "prediction" not in key):
            continue
        mine = found[key.replace(part, other or part)]
        if mine.dtype != array.dtype or mine.tobytes() != array.tobytes():
            gap = np.max(np.abs(mine.astype("f8") - array))
            gaps.append(float(gap / np.max(np.abs(array))))
    return max(gaps, default=None)


PARTS = [f"{name}/{when}" for name in networks() for when in ("one step", "24 steps")]


def cells(found: Results, expected: Results) -> list[str]:
    """Return what is said about two results, in the order of `PARTS`."""
    gaps = [difference(found, expected, part) for part in PARTS]
    return ["same bits" if gap is None else f"{gap:.1e}" for gap in gaps]


def same(seed: int, folder: Path) -> tuple[Results, dict[str, list[str]]]:
    """Run what has to give the same bits; return the first results, and what is said of others."""
    first = run(Way("the first"), folder, seed)
    assert first is not None
    found = {}
    for way in SAME:
        results = run(way, folder, seed)
        assert results is not None
        found[way.name] = cells(results, first)
    with others(2):
        paths = [folder / f"{number}.npz" for number in (1, 2)]
        both = [begin(Way(path.name), path, seed) for path in paths]
        together = list(map(ended, paths, both))
    for number, results in zip(("one", "the other"), together, strict=True):
        assert results is not None
        found[f"two at once beside two busy processes: {number}"] = cells(results, first)
    for name, path, process in zip(
        ("in a notebook", "as a notebook under `python -m tinynet run`"),
        *notebooks(folder, seed),
        strict=True,
    ):
        results = ended(path, process)
        assert results is not None
        found[name] = cells(results, first)
    return first, found


def processor_features() -> dict[str, bool]:
    """Return which instructions NumPy has found on this processor."""
    umath: Any = np._core._multiarray_umath  # type: ignore[attr-defined] # without types
    found: dict[str, bool] = umath.__cpu_features__
    return found


def different(first: Results, folder: Path) -> dict[str, list[str]]:
    """Run what may give other bits; return which code was taken, and how much differs."""
    features = processor_features()
    normal, found = json.loads(str(first["code"])), {}
    for way in others_than_here():
        missing = [each for each in way.needs if not features.get(each)]
        asked = way.options[1] if "--threads" in way.options else "0"
        if missing:
            found[way.name] = [f"not on this processor: it has no {missing[0]}"]
            continue
        if int(asked) > (os.cpu_count() or 1):
            found[way.name] = [f"not with {os.cpu_count()} processors"]
            continue
        results = run(way, folder)
        if results is None:
            found[way.name] = ["not on this processor"]
            continue
        code = json.loads(str(results["code"]))
        new = [f"{n} {code[n]}" for n in code if code[n] != normal.get(n)]
        wanted = way.environment.get("OPENBLAS_CORETYPE", code["OpenBLAS"])
        if wanted != code["OpenBLAS"]:
            new = [f"OpenBLAS {code['OpenBLAS']}: this build has none for {wanted}"]
        beside = first
        if way.name == IN_FLOAT64:
            beside = run(Way("in float32", options=("--no-dropout",)), folder) or {}
        found[way.name] = [", ".join(new) or "as before", *cells(results, beside)]
    gaps = [difference(first, first, part, part.replace("/", "/alone ")) for part in PARTS]
    found["predictions one by one in place of 32 at once"] = [
        "as before",
        *("same bits" if gap is None else f"{gap:.1e}" for gap in gaps),
    ]
    return found


def table(head: list[str], rows: dict[str, list[str]]) -> list[str]:
    """Return a table."""
    width = len(head) + len(PARTS)
    lines = ["| " + " | ".join([*head, *(part.replace("/", ", ") for part in PARTS)]) + " |"]
    lines.append("|---" * width + "|")
    for name, row in rows.items():
        lines.append("| " + " | ".join([name, *row, *[""] * (width - 1 - len(row))]) + " |")
    return lines


def machine(first: Results) -> str:
    """Return what the numbers belong to."""
    features = processor_features()
    simd = np.show_config(mode="dicts")
    blas = simd["Build Dependencies"]["blas"]
    flags = [each for each in ("AVX2", "FMA3", "AVX512F", "AVX512_SKX") if features.get(each)]
    code = json.loads(str(first["code"]))
    return (
        f"{dt.date.today():%Y-%m-%d}; Python {platform.python_version()}, NumPy "
        f"{np.__version__} with {blas['name']} {blas['version']}, Numba {version('numba')}; "
        f"{platform.machine()} with {os.cpu_count()} processors and {', '.join(flags)}; taken as "
        f"installed: OpenBLAS's code for {code['OpenBLAS']}, NumPy's for {code['NumPy']}, "
        f"Numba's for {code.get('Numba', 'none')}."
    )


def main() -> None:
    """Print the tables and write them; or train once, as one of the processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, help="only train once, and write what is compared")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, help="tinynet's threads")
    parser.add_argument("--threads", type=int, help="BLAS's threads")
    parser.add_argument("--reload", default="", help="save and load as a file with this ending")
    parser.add_argument("--eager", action="store_true")
    parser.add_argument("--float64", action="store_true")
    parser.add_argument("--no-dropout", action="store_true")
    args = parser.parse_args()
    if args.workers:
        threads.set_workers(args.workers)
    if args.threads:
        tn.config.set_threads(args.threads)
    if args.float64:
        tn.config.set_floatx("float64")
    if args.write:
        rate = 0.0 if args.no_dropout else 0.3
        write(args.write, seed=args.seed, reload=args.reload, eager=args.eager, rate=rate)
        return
    with tempfile.TemporaryDirectory() as name:
        first, equal = same(args.seed, Path(name))
        other = different(first, Path(name))
    lines = [
        "Written by `python -m benchmarks.same_bits`; not edited.",
        "",
        machine(first),
        "",
        *table(["what is done in another way"], equal),
        "",
        *table(["what may change the bits", "code taken"], other),
    ]
    print("\n".join(lines))
    write_atomically(Path(__file__).with_suffix(".md"), "\n".join(lines) + "\n")
    if any(cell != "same bits" for row in equal.values() for cell in row):
        raise SystemExit("not everything in the first table is the same")


if __name__ == "__main__":
    main()
