"""The results of race.py as tables and plots.

    python -m benchmarks.report

Reads results.json next to this file and writes results.md, results.png and step.png.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import split
from benchmarks.worker import MANY
from tinynet.files import write_atomically

HERE = Path(__file__).parent
Runs = dict[str, list[dict[str, float]]]


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """Write a median with the range around it."""
    low, high = min(values), max(values)
    return f"{statistics.median(values):{form}} ({low:{form}} to {high:{form}})"


def best(found: Runs, library: str, figure: str) -> str | None:
    """Return the name of a library's best setting, by the median."""
    names = [name for name in found if name.startswith(library)]
    return min(
        names, key=lambda name: statistics.median(r[figure] for r in found[name]), default=None
    )


def ratios(found: Runs, name: str, figure: str) -> list[float]:
    """Return a contender's value divided by that of tinynet's best setting, round by round."""
    own = best(found, "tinynet", figure)
    assert own is not None, "tinynet has not run"
    pairs = zip(found[name], found[own], strict=True)
    return [peer[figure] / own[figure] for peer, own in pairs]


def table(found: Runs, columns: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return values and their ratios to tinynet's as the lines of a table.

    Parameters
    ----------
    found : dict of str to list of dict
        The values of each contender, one dict per round.
    columns : sequence of (str, str, str)
        Key, heading and format of each value.
    """
    heads = [text for _, heading, _ in columns for text in (heading, "/ tinynet")]
    lines = [f"| | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    for name, runs in found.items():
        cells = [name]
        for figure, _, form in columns:
            cells.append(spread([each[figure] for each in runs], form))
            cells.append(
                "1"
                if name == best(found, "tinynet", figure)
                else spread(ratios(found, name, figure))
            )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def summary(results: dict[str, Any]) -> list[str]:
    """Return the ratios that matter, each with the best setting of the peer, as a table."""
    lines = ["| | the peer's best setting | ratio |", "|---|---|---|"]

    def row(what: str, found: Runs, peer: str, figure: str, inverse: bool = False) -> None:
        name = best(found, peer, figure)
        if name is not None:
            values = ratios(found, name, figure)
            values = [1 / value for value in values] if inverse else values
            lines.append(f"| {what} | {name} | {spread(values)} |")

    for size, found in results["training"].items():
        for peer in ("Keras", "PyTorch", "JAX"):
            row(f"an epoch, batch {size}: {peer} / tinynet", found, peer, "epoch")
        what = f"an epoch, batch {size}: tinynet / matrix products alone"
        row(what, found, "matrix products", "epoch", inverse=True)
    if "128" in results["training"]:
        found, epochs = results["training"]["128"], results["epochs"]
        what = f"from start to end, {epochs} epochs: Keras / tinynet"
        row(what, found, "Keras", "whole")
        row("peak memory, batch 128: Keras / tinynet", found, "Keras", "peak_mib")
    if "cnn" in results:
        found = results["cnn"]["runs"]
        for peer in ("Keras", "PyTorch"):
            row(f"an epoch of the CNN: {peer} / tinynet", found, peer, "epoch")
        what = "an epoch of the CNN: tinynet / matrix products alone"
        row(what, found, "matrix products", "epoch", inverse=True)
        row("peak memory, CNN: Keras / tinynet", found, "Keras", "peak_mib")
    row("one image: Keras / tinynet", results["one image"], "Keras", "seconds")
    for job in ("predict", "evaluate"):
        row(f"{job} {MANY:,}: Keras / tinynet", results["many images"], "Keras", job)
    return lines


def in_short(results: dict[str, Any]) -> list[str]:
    """Return how often tinynet's time of an epoch each library takes, at its best, as a table."""
    races = {f"dense, batch {size}": found for size, found in results["training"].items()}
    if "cnn" in results:
        races[f"CNN, batch {results['cnn']['batch']}"] = results["cnn"]["runs"]
    lines = [f"| an epoch / tinynet's | {' | '.join(races)} |", f"|---|{'---:|' * len(races)}"]
    for peer in ("Keras", "PyTorch", "JAX", "matrix products"):
        fastest = [(found, best(found, peer, "epoch")) for found in races.values()]
        cells = [
            f"{statistics.median(ratios(found, name, 'epoch')):.1f}" if name else ""
            for found, name in fastest
        ]
        if any(cells):
            what = f"{peer} alone" if peer == "matrix products" else peer
            lines.append(f"| {what} | {' | '.join(cells)} |")
    return lines


def training_columns(epochs: int) -> list[tuple[str, str, str]]:
    """Return the columns of a table of training, for `table`."""
    return [
        ("epoch", "s an epoch", ".2f"),
        ("whole", f"s from start to end, {epochs} epochs", ".1f"),
        ("peak_mib", "peak MiB", ".0f"),
    ]


def as_markdown(results: dict[str, Any]) -> str:
    """Return all results with what they were measured on."""
    lines = [
        "# tinynet beside the frameworks",
        "",
        "Written by `make bench`; not edited. The full Fashion-MNIST network (784-256-128-64-10 "
        f"with batch normalization and dropout), {results['images']:,} images an epoch, "
        f"{results['data']}. Medians of {results['rounds']} rounds in which all took turns, each "
        "in a fresh process, with the range over the rounds; ratios are taken round by round, to "
        "the best setting of tinynet.",
        "",
        f"- Machine: {results['machine']}",
        f"- Versions: {results['versions']}",
        f"- Date: {results['date']}",
        "",
        "## In short",
        "",
        *in_short(results),
        "",
        "## With the range over the rounds",
        "",
        *summary(results),
    ]
    for size, found in results["training"].items():
        lines += ["", f"## Batch {size}", "", *table(found, training_columns(results["epochs"]))]
    if "cnn" in results:
        cnn = results["cnn"]
        lines += [
            "",
            f"## A convolutional network, batch {cnn['batch']}, {cnn['images']:,} images",
            "",
            "32 filters 3 x 3, max pooling, 64 filters 3 x 3, max pooling, dropout, 128 units, 10.",
            "The products are those of patches that are already laid out, the whole batch at once. "
            f"{cnn['rounds']} rounds, {cnn['date']}; {cnn['versions']}.",
            "",
            *table(cnn["runs"], training_columns(cnn["epochs"])),
        ]
    milliseconds = {
        name: [{"ms": 1e3 * run["seconds"]} for run in runs]
        for name, runs in results["one image"].items()
    }
    lines += ["", "## The prediction of one image", ""]
    if "used" in results:
        used = results["used"]
        said = f"This and the next two parts: {used['rounds']} rounds, {used['date']}."
        lines += [said, ""]
    lines += table(milliseconds, [("ms", "ms", ".3f")])
    lines += ["", f"## {MANY:,} images, in batches of 32", ""]
    jobs = [("predict", "s to predict", ".3f"), ("evaluate", "s to evaluate", ".3f")]
    lines += table(results["many images"], jobs)
    lines += ["", "## From the start of Python to the end of the first training step", ""]
    for kind, what in (
        ("warm", "compiled kernels on disk"),
        ("cold", "everything is compiled"),
    ):
        runs = results["first step"][kind]
        done, whole = (spread([run[part] for run in runs]) for part in ("done", "whole"))
        lines.append(f"- {kind} ({what}): {done} s; Python is gone after {whole} s")
    if "peak" in results:
        lines += ["", "## One large matrix product", "", "| | GFLOP/s |", "|---|---|"]
        for name, runs in results["peak"].items():
            lines.append(f"| {name} | {spread([run['gflops'] for run in runs], '.0f')} |")
    parts = results["split"]
    lines += [
        "",
        "## Where a step of tinynet spends its time",
        "",
        f"The lines of a step, in one thread; medians of {parts['rounds']} rounds, in which the "
        "step was run as a whole, line by line, and with nothing but its products, in turn. "
        f"{parts['date']}; {parts['data']}.",
        "",
        *split.as_markdown(parts["steps"]),
    ]
    return "\n".join(lines) + "\n"


def draw(results: dict[str, Any], path: Path) -> None:
    """Draw the seconds of an epoch: the median as a bar, every round as a dot."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    from tinynet.plots import BLUE, GREY, ORANGE

    training = results["training"]
    names = list(next(iter(training.values())))
    fig, axes = plt.subplots(
        len(training),
        1,
        figsize=(5.2, len(training) * (0.26 * len(names) + 0.8)),  # narrow: it is read on phones
        layout="constrained",
        squeeze=False,
    )
    for ax, (size, found) in zip(axes[:, 0], training.items(), strict=True):
        for place, name in enumerate(names):
            seconds = [run["epoch"] for run in found[name]]
            color = BLUE if "tinynet" in name else GREY if "products" in name else ORANGE
            middle = statistics.median(seconds)
            ax.barh(place, middle, color=color, height=0.7)
            ax.plot(seconds, [place] * len(seconds), ".", color="black", markersize=4)
            at = (max(seconds), place)
            ax.annotate(
                f"{middle:.2f}", at, (6, 0), textcoords="offset points", va="center", fontsize=9
            )
        ax.margins(x=0.16)
        ax.set_xlim(left=0)
        ax.set_xlabel("seconds an epoch")
        ax.set_title(f"batch {size}")
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_yticks(range(len(names)), names)
        ax.invert_yaxis()  # the first name on top
    fig.savefig(path, dpi=150)
    plt.close(fig)


def write(results: dict[str, Any], folder: Path) -> None:
    """Write results.json, results.md and the plots."""
    write_atomically(folder / "results.json", json.dumps(results, indent=1) + "\n")
    write_atomically(folder / "results.md", as_markdown(results))
    draw(results, folder / "results.png")
    split.draw(results["split"]["steps"], folder / "step.png")


def main() -> None:
    """Write the tables and the plots of the results that are stored."""
    write(json.loads((HERE / "results.json").read_text()), HERE)


if __name__ == "__main__":
    main()
