"""tinynet, Keras, PyTorch and JAX compared, in turn, in one run: seconds, memory, ratios.

    python -m benchmarks.race --rounds 5

Each round starts a fresh process for each library, one after the other (A B C A B C ...), so that
whatever else the machine does affects all of them alike. The first epoch of a process, in which
things are compiled and memory is touched for the first time, does not count toward the time of an
epoch, but is part of the time from start to end. A library that is not installed is named and left
out.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import tinynet
from benchmarks import report, split
from benchmarks.environment import as_installed
from benchmarks.worker import CONTENDERS

HERE = Path(__file__).parent
EPOCHS = 5
IMAGES = 48_000  # what an 80/20 split leaves to train on
CNN = {"batch": 64, "images": 12_800, "epochs": 4}
PACKAGES = ("numpy", "numba", "keras", "tensorflow", "torch", "jax")


def training_images() -> tuple[str, np.ndarray, np.ndarray]:
    """Return the data set's name, its images and labels."""
    try:
        (images, labels), _ = tinynet.datasets.fashion_mnist.load_data()
        name = "Fashion-MNIST"
    except tinynet.datasets.DatasetError:
        images, labels = tinynet.datasets.drawn_apparel(IMAGES)
        name = "drawn_apparel (Fashion-MNIST could not be found)"
    return name, images[:IMAGES], labels[:IMAGES]


def work(job: str, contender: str, *options: str, **environ: str) -> dict[str, Any]:
    """Measure in a process of its own; return what it prints, and the seconds it lived."""
    # NumPy's threads have to be chosen before it is loaded.
    environment = {k: v for k, v in as_installed().items() if "NUM_THREADS" not in k}
    if "1 thread" in contender:
        environment["OPENBLAS_NUM_THREADS"] = "1"
    if "all threads" in contender:
        environment["OPENBLAS_NUM_THREADS"] = str(os.cpu_count() or 1)
    environment |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow", **environ}
    command = [sys.executable, "-m", "benchmarks.worker", job, contender, *options]
    start = time.monotonic()  # of the machine, not of this process
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE.parent, env=environment)
    whole = time.monotonic() - start
    if done.returncode != 0:
        raise RuntimeError(f"{contender}, {job}:\n{done.stderr[-2000:]}")
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if "done" in said:
        said["done"] -= start
    return {**said, "whole": whole}


def in_turn(
    title: str, rounds: int, names: list[str], measure: Callable[[str], dict[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Measure all contenders, one after the other, `rounds` times."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number in range(1, rounds + 1):
        for name in names:
            print(f"{title}, round {number} of {rounds}: {name} ...", flush=True)
            found[name].append(measure(name))
    return found


def installed() -> list[str]:
    """Return the contenders whose libraries are installed; name the others."""
    there = []
    for name, (package, _, _) in CONTENDERS.items():
        if importlib.util.find_spec(package) is None:
            print(f"left out: {name} ({package} is not installed)")
        else:
            there.append(name)
    return there


def facts(rounds: int, data: str) -> dict[str, Any]:
    """Return what is measured, and on what machine."""
    found = [name for name in PACKAGES if importlib.util.find_spec(name) is not None]
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "versions": ", ".join(
            [f"Python {platform.python_version()}", *(f"{n} {version(n)}" for n in found)]
        ),
        "date": str(dt.date.today()),
        "rounds": rounds,
        "epochs": EPOCHS,
        "images": IMAGES,
        "data": data,
    }


def splits(
    batch_sizes: list[int], data: str, images: np.ndarray, labels: np.ndarray
) -> dict[str, Any]:
    """Return where a step spends its time, for each batch size and for the convolutional one."""
    tinynet.config.set_threads(1)  # with more, a step's time varies from second to second
    jobs = [*(("ann", size) for size in batch_sizes), ("cnn", CNN["batch"])]
    steps = {split.title(*job): split.split(*job, images, labels) for job in jobs}
    return {**facts(split.ROUNDS, data), "steps": steps}


def training(name: str, folder: str, batch_size: int, epochs: int, *options: str) -> dict[str, Any]:
    """Return the seconds of an epoch and of the whole process, and its peak memory."""
    sizes = ("--batch-size", str(batch_size), "--epochs", str(epochs))
    said = work("train", name, "--data", folder, *sizes, *options)
    epoch = statistics.median(said["seconds"][1:])
    return {"epoch": epoch, "whole": said["whole"], "peak_mib": said["peak_mib"]}


def cnn_race(names: list[str], rounds: int, data: str, folder: str) -> dict[str, Any]:
    """Train the network with two convolutions in all libraries that have it."""
    names = [name for name in names if CONTENDERS[name][0] != "jax"]
    options = ("--network", "cnn", "--images", str(CNN["images"]))

    def train(name: str) -> dict[str, Any]:
        return training(name, folder, CNN["batch"], CNN["epochs"], *options)

    train(names[0])  # for the cache of compiled kernels
    return {**facts(rounds, data), **CNN, "runs": in_turn("CNN", rounds, names, train)}


def use_race(names: list[str], rounds: int, data: str, folder: str) -> dict[str, Any]:
    """Use models in all libraries, and start Python until the first step of tinynet is done."""
    by_script = [name for name in names if CONTENDERS[name][1] == "keras_script"]
    single = in_turn(
        "one image", rounds, names, lambda name: work("predict", name, "--data", folder)
    )
    many = in_turn(
        "many images", rounds, by_script, lambda name: work("use", name, "--data", folder)
    )
    first: dict[str, list[dict[str, Any]]] = {"warm": [], "cold": []}
    job = ("start", "tinynet, as installed", "--data", folder)
    for number in range(rounds):
        cache = str(Path(folder) / f"cache_{number}")
        first["warm"].append(work(*job))
        first["cold"].append(work(*job, NUMBA_CACHE_DIR=cache))
    used = facts(rounds, data)
    return {"used": used, "one image": single, "many images": many, "first step": first}


def main() -> None:
    """Race, and write results.json, the tables and the plots."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[32, 128])
    parser.add_argument("--only", nargs="+", help="only contenders named with one of these words")
    parser.add_argument(
        "--again", choices=["cnn", "use", "split"], help="measure only this part again"
    )
    parser.add_argument("--dry", action="store_true", help="print the tables, write no files")
    args = parser.parse_args()
    names = [name for name in installed() if not args.only or any(w in name for w in args.only)]
    models = [name for name in names if CONTENDERS[name][0] != "numpy"]
    if args.again and (args.dry or args.only):
        parser.error("--again adds its results to those of all: expected neither --dry nor --only")
    data, images, labels = training_images()
    if args.again:
        results = json.loads((HERE / "results.json").read_text())
    else:
        results = facts(args.rounds, data)
    if args.again == "split":
        results["split"] = splits(args.batch_sizes, data, images, labels)
        report.write(results, HERE)
        return
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "images.npy", images)
        np.save(Path(folder) / "labels.npy", labels)

        if args.again == "cnn":
            results["cnn"] = cnn_race(names, args.rounds, data, folder)
            report.write(results, HERE)
            return
        if args.again == "use":
            results |= use_race(models, args.rounds, data, folder)
            report.write(results, HERE)
            return

        def train(name: str, batch_size: int) -> dict[str, Any]:
            return training(name, folder, batch_size, EPOCHS)

        train(names[0], 128)  # for the cache of compiled kernels
        results["training"] = {
            str(size): in_turn(
                f"batch {size}", args.rounds, names, lambda name, size=size: train(name, size)
            )
            for size in args.batch_sizes
        }
        results["cnn"] = cnn_race(names, args.rounds, data, folder)
        results |= use_race(models, args.rounds, data, folder)
    if len(names) > len(models):
        results["peak"] = in_turn(
            "peak", 3, [n for n in names if n not in models], lambda name: work("peak", name)
        )
    results["split"] = splits(args.batch_sizes, data, images, labels)
    print(report.as_markdown(results))
    if not args.dry:
        report.write(results, HERE)


if __name__ == "__main__":
    main()
