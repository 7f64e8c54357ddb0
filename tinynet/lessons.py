"""What the examples share: their options, their images, their final report, their results.

Nothing in this module learns anything; read the examples first. They need no other file of the
repository, only the installed package, so each runs on its own: as a script, or as a notebook.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import tinynet
from tinynet import config, files, metrics, utils
from tinynet.arrays import Array
from tinynet.datasets import DatasetError, drawn_apparel, fashion_mnist

__all__ = ["begin", "images", "keep_figure", "keep_results", "options", "report"]

Part = tuple[Array, Array]

DRAWN = (
    "=" * 78 + "\n  NOT FASHION-MNIST: this run uses small drawings of garments (drawn_apparel)\n"
    "  instead, so its accuracy says nothing about Fashion-MNIST.\n" + "=" * 78
)
QUICK = {"epochs": 2, "train": 600, "test": 200}


def options(description: str, out: str, epochs: int | None = None) -> argparse.ArgumentParser:
    """Return a parser with the options that every example has; an example may add its own.

    Parameters
    ----------
    description : str
    out : str
        Name of the default results folder, in ``runs/``.
    epochs : int, optional
        The default of ``--epochs``. Without it, the example decides how long it trains.

    Returns
    -------
    ArgumentParser
    """
    # No abbreviated options: a notebook's --f would be taken for an option that starts with f.
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    default = "set by the example" if epochs is None else str(epochs)
    parser.add_argument(
        "--epochs",
        type=int,
        default=epochs,
        help=f"train for at most this many (default: {default})",
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same run")
    parser.add_argument("--data", help="folder with the four Fashion-MNIST files")
    parser.add_argument(
        "--out", type=Path, default=Path("runs") / out, help="folder for the results"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="check in seconds that everything runs: two epochs, on drawn garments",
    )
    return parser


def begin(
    parser: argparse.ArgumentParser, options: Sequence[str] | None = None
) -> argparse.Namespace:
    """Parse the options, create the results folder, and seed every random draw.

    Parameters
    ----------
    parser : ArgumentParser
        See `options`.
    options : sequence of str, optional
        Options to use in place of the command line, such as ``["--quick"]`` in a notebook. By
        default, the arguments of the command line. In a notebook, those belong to the kernel, so
        arguments that the parser does not know are ignored there.

    Returns
    -------
    Namespace
        One attribute for each option.

    Raises
    ------
    SystemExit
        If an option is unknown or its value is invalid; the usage is printed.
    """
    if options is None and _in_ipython():
        args, _ = parser.parse_known_args()
    else:
        args = parser.parse_args(options)
    if args.quick:
        args.epochs = QUICK["epochs"] if args.epochs is None else min(args.epochs, QUICK["epochs"])
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "results.json").unlink(missing_ok=True)  # where it exists, the run has finished
    utils.set_random_seed(args.seed)
    return args


def images(args: argparse.Namespace) -> tuple[str, Part, Part]:
    """Return the name of the data, (x_train, y_train) and (x_test, y_test).

    Fashion-MNIST is looked for in a few folders, and downloaded if it is not there. If neither
    works, and for ``--quick``, garments are drawn.

    Parameters
    ----------
    args : Namespace
        The options of `begin`.

    Returns
    -------
    name : str
        ``"fashion_mnist"`` or ``"drawn_apparel"``.
    train, test : (ndarray of uint8, shape (n, 28, 28), ndarray of uint8, shape (n,))
        Images and their labels.

    Raises
    ------
    DatasetError
        If a folder was given that does not contain the files.
    """
    name = "drawn_apparel"
    train, test = (QUICK["train"], QUICK["test"]) if args.quick else (12_000, 2_000)
    if not args.quick:
        try:
            parts = fashion_mnist.load_data(args.data)
            name = "fashion_mnist"
        except DatasetError as error:
            if args.data or os.environ.get("TINYNET_DATA"):
                raise  # a folder was given: do not train on something else
            print(error)
    if name == "drawn_apparel":
        print(DRAWN)
        x, y = drawn_apparel(train + test, seed=0)
        parts = (x[:train], y[:train]), (x[train:], y[train:])
    print(f"{name}: {len(parts[0][0]):,} images to train on, {len(parts[1][0]):,} to test on")
    return name, *parts


def report(args: argparse.Namespace, x: Array, y: Array, probabilities: Array) -> float:
    """Print and draw a report of a model's test predictions; return their accuracy.

    Writes ``confusion_matrix.png`` and ``misclassified.png``, the most confident mistakes.

    Parameters
    ----------
    args : Namespace
        The options of `begin`.
    x : ndarray of shape (n, 28, 28)
    y : ndarray of int, shape (n,)
    probabilities : ndarray of shape (n, 10)

    Returns
    -------
    float
    """
    from sklearn.metrics import classification_report

    from tinynet import plots

    names = fashion_mnist.CLASS_NAMES
    predicted = np.argmax(probabilities, axis=1)
    of_each_class = {"labels": range(10), "target_names": names, "zero_division": 0}
    print(classification_report(y, predicted, digits=3, **of_each_class))
    plots.confusion_matrix(metrics.confusion_matrix(y, predicted, 10), names)
    keep_figure(args, "confusion_matrix")
    worst = plots.most_confident_mistakes(y, probabilities, n=18)
    if len(worst) > 0:
        plots.prediction_gallery(x[worst], y[worst], probabilities[worst], names)
        keep_figure(args, "misclassified")
    return float(np.mean(predicted == y))


def keep_figure(args: argparse.Namespace, name: str) -> None:
    """Write the current figure to ``<name>.png`` in the results folder.

    No window opens. A notebook shows the figure below its cell.

    Parameters
    ----------
    args : Namespace
        The options of `begin`.
    name : str
    """
    import matplotlib.pyplot as plt

    # The figure's own method: that of pyplot would draw everything again.
    with files.whole_or_not(args.out / f"{name}.png") as file:
        plt.gcf().savefig(file, format="png", dpi=150)


def keep_results(args: argparse.Namespace, data: str, results: dict[str, Any]) -> None:
    """Write results.json; it comes last, so it marks a finished run.

    It also holds the versions of the software, and the machine.

    Parameters
    ----------
    args : Namespace
        The options of `begin`.
    data : str
        Name of the data.
    results : dict
        Anything that JSON can hold.
    """
    packages = ("numpy", "numba", "safetensors")
    everything = {
        "data": data,
        **results,
        "seed": args.seed,
        "kernels": config.kernels(),
        "versions": {
            "tinynet": tinynet.__version__,
            "python": platform.python_version(),
            **{package: version(package) for package in packages},
        },
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
    }
    files.write_atomically(args.out / "results.json", json.dumps(everything, indent=2) + "\n")
    print(f"results in {args.out}/")
    if data == "drawn_apparel":
        print(DRAWN)


def _in_ipython() -> bool:
    """Return whether IPython runs the code: in a notebook, a cell of an editor, or a shell."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None
