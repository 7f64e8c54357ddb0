"""What examples share: their options, their images, their last report, and the file of results.

Nothing in here learns anything; read the examples first.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plots
from tinynet.datasets import DatasetError, drawn_apparel, fashion_mnist

DRAWN = (
    "=" * 78 + "\n  NOT FASHION-MNIST: this run uses small drawings of garments (drawn_apparel)\n"
    "  in its place, so its accuracy says nothing about Fashion-MNIST.\n" + "=" * 78
)
QUICK = {"epochs": 2, "train": 1_500, "test": 300}
Part = tuple[np.ndarray, np.ndarray]


def options(description: str, out: str, epochs: int | None = None) -> argparse.ArgumentParser:
    """Return a parser with the options that every example has; an example may add its own.

    Parameters
    ----------
    description : str
    out : str
        Name of the default folder for results, in ``runs/``.
    epochs : int, optional
        By default what the example itself says.
    """
    parser = argparse.ArgumentParser(description=description)
    said = "what the example says" if epochs is None else str(epochs)
    parser.add_argument(
        "--epochs", type=int, default=epochs, help=f"at most this many (default {said})"
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed is the same run")
    parser.add_argument("--data", help="folder with the four Fashion-MNIST files")
    parser.add_argument("--out", type=Path, default=Path("runs") / out, help="for the results")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="see in seconds that everything runs: two epochs, on drawn garments",
    )
    return parser


def begin(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Read the command line, make the folder for results, and seed every random draw."""
    args = parser.parse_args()
    if args.quick:
        args.epochs = QUICK["epochs"] if args.epochs is None else min(args.epochs, QUICK["epochs"])
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "results.json").unlink(missing_ok=True)  # where it is, the run was finished
    tn.utils.set_random_seed(args.seed)
    return args


def images(args: argparse.Namespace) -> tuple[str, Part, Part]:
    """Return the name of the data, (x_train, y_train) and (x_test, y_test).

    Images are uint8 (n, 28, 28), labels uint8 (n,). Fashion-MNIST is searched for in a few places
    and downloaded otherwise; where neither works, and for ``--quick``, garments are drawn.

    Raises
    ------
    DatasetError
        If a folder was named and does not hold the files.
    """
    name = "drawn_apparel"
    train, test = (QUICK["train"], QUICK["test"]) if args.quick else (12_000, 2_000)
    if not args.quick:
        try:
            parts = fashion_mnist.load_data(args.data)
            name = "fashion_mnist"
        except DatasetError as error:
            if args.data or os.environ.get("TINYNET_DATA"):
                raise  # a folder was named: do not train on something else
            print(error)
    if name == "drawn_apparel":
        print(DRAWN)
        x, y = drawn_apparel(train + test, seed=0)
        parts = (x[:train], y[:train]), (x[train:], y[train:])
    print(f"{name}: {len(parts[0][0]):,} images to train on, {len(parts[1][0]):,} to test on")
    return name, *parts


def report(
    args: argparse.Namespace, x: np.ndarray, y: np.ndarray, probabilities: np.ndarray
) -> float:
    """Print and draw what a model says to the test images; return the share that is right.

    Leaves ``confusion_matrix.png`` and ``misclassified.png``, the mistakes of which it is surest.

    Parameters
    ----------
    args : Namespace
    x, y : ndarray
        Images and labels.
    probabilities : ndarray of shape (n, 10)
    """
    from sklearn.metrics import classification_report  # not every example needs it

    names = fashion_mnist.CLASS_NAMES
    predicted = np.argmax(probabilities, axis=1)
    of_each_class = {"labels": range(10), "target_names": names, "zero_division": 0}
    print(classification_report(y, predicted, digits=3, **of_each_class))
    plots.confusion_matrix(tn.metrics.confusion_matrix(y, predicted, 10), names)
    plt.savefig(args.out / "confusion_matrix.png", dpi=150)
    worst = plots.most_confident_mistakes(y, probabilities, n=18)
    if len(worst) > 0:
        plots.prediction_gallery(x[worst], y[worst], probabilities[worst], names)
        plt.savefig(args.out / "misclassified.png", dpi=150)
    return float(np.mean(predicted == y))


def keep_results(args: argparse.Namespace, data: str, results: dict[str, Any]) -> None:
    """Write results.json, with what made them; it comes last, so it stands for a finished run."""
    packages = ("numpy", "numba", "safetensors")
    everything = {
        "data": data,
        **results,
        "seed": args.seed,
        "kernels": tn.config.kernels(),
        "versions": {
            "tinynet": tn.__version__,
            "python": platform.python_version(),
            **{package: version(package) for package in packages},
        },
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
    }
    tn.files.write_atomically(args.out / "results.json", json.dumps(everything, indent=2) + "\n")
    print(f"results in {args.out}/")
    if data == "drawn_apparel":
        print(DRAWN)
