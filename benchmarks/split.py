"""Where the time of a training step goes: its lines, by kind.

A part of race.py. A step of `fit` is a list of lines (docs/step.md). It is run as a whole, line by
line, and with nothing but its matrix products, in turn, in one thread.
"""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import tinynet
from benchmarks.contenders import keras_script
from tinynet.data import Dataset
from tinynet.kernels.halves import run_table
from tinynet.kernels.registry import Kernel
from tinynet.plots import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION
from tinynet.step.tape import Line
from tinynet.written import Written

ROUNDS = 200
WARM = 5  # rounds that do not count
PRODUCTS, ADAM, IMAGES, LOSS, PYTHON, BETWEEN = (
    "matrix products",
    "Adam",
    "gathering and scaling images",
    "loss and metrics",
    "other lines of Python",
    "between the lines",
)
# Kernels by kind, and the color of each kind.
KINDS: dict[str, tuple[str, list[str]]] = {
    PRODUCTS: (GREY, ["product", "batched_product"]),
    "patches and tiles": (
        VERMILION,
        [
            *("patches", "add_patches", "put_around", "cut_out", "transform", "turn"),
            *("tile_inputs", "tile_outputs", "tile_output_gradients", "add_tiles"),
        ],
    ),
    "pooling": (PURPLE, ["max_pool", "max_pool_backward"]),
    ADAM: (BLUE, []),
    "random numbers for dropout": (ORANGE, ["next_pair", "uniform_float32"]),
    "batch normalization": (GREEN, ["batch_norm_forward", "batch_norm_backward"]),
    "activations, masks, bias, sums": (
        SKY,
        ["relu", "relu_backward", "softmax", "dropout", "bias_add", "column_sum"],
    ),
    IMAGES: ("#F0E442", ["rescale"]),
    LOSS: ("#8C6D31", []),
    PYTHON: ("black", []),
}
KIND_OF = {kernel: kind for kind, (_, kernels) in KINDS.items() for kernel in kernels}
# Parts of a step, other than layers, whose kernels are all of one kind.
PARTS = {"batch": IMAGES, "loss": LOSS, "metrics": LOSS, "optimizer": ADAM}
NETWORKS = {"ann": "dense", "cnn": "CNN"}
NO_LINES = np.zeros((0, 2), np.int64)


def kind_of(line: Line) -> str:
    """Return the kind of a line, one of KINDS."""
    if isinstance(line.function, Kernel):
        return PARTS.get(line.part) or KIND_OF[line.function.name]
    return LOSS if line.part == "metrics" else PYTHON


def written(network: str, batch_size: int, images: np.ndarray, labels: np.ndarray) -> Written:
    """Write down a step of `fit` with these images."""
    model = keras_script.compiled(tinynet, network)
    model.train_on_batch(images[:batch_size], labels[:batch_size])
    data = Dataset(images, labels, None, "float32")
    order, place = np.random.default_rng(0).permutation(len(images)), np.zeros((), np.int64)
    return Written(model, data, model.train_step, order, place, batch_size)


def seconds(runs: list[Callable[[], object]]) -> list[float]:
    """Call functions one after the other; return the seconds of each.

    Only this thread's time counts. Otherwise another program would interrupt the whole step in
    almost every round, but a single line in hardly any.
    """
    times = [time.thread_time()]
    for run in runs:
        run()
        times.append(time.thread_time())
    return list(np.diff(times))


def split(network: str, batch_size: int, images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Return the microseconds of a step, of its kinds of lines, and of its products alone."""
    job = written(network, batch_size, images, labels)
    step = job.step
    step.run()  # compiles what there is to compile
    runs = [step.alone(line) for line in step.lines]
    kinds = [kind_of(line) for line in step.lines]
    products = [run for run, kind in zip(runs, kinds, strict=True) if kind == PRODUCTS]
    whole, alone, each = [], [], []
    for _ in range(WARM + ROUNDS):
        for run, found in (([step.run], whole), (runs, each), (products, alone)):
            found.append(seconds(run))
    clock, call = cost_of(lambda: None), cost_of(functools.partial(run_table, NO_LINES, 1))
    by_kind = dict.fromkeys(kinds, 0.0)
    for line, kind, us in zip(step.lines, kinds, medians(each), strict=True):
        by_kind[kind] += us - (call if isinstance(line.function, Kernel) else clock)
    return {
        "whole": sum(medians(whole)) - clock,
        "products alone": sum(us - call for us in medians(alone)),
        "kinds": {kind: by_kind[kind] for kind in KINDS if kind in by_kind},
        "lines": {kind: kinds.count(kind) for kind in by_kind},
    }


def medians(found: list[list[float]]) -> list[float]:
    """Return the microseconds of each function, from the seconds of all rounds."""
    return [1e6 * statistics.median(times) for times in zip(*found[WARM:], strict=True)]


def cost_of(run: Callable[[], object]) -> float:
    """Return the microseconds of calling and timing a function that does nothing.

    As parts of the whole, lines are not timed, and compiled ones are called by a compiled loop.
    """
    return 1e6 * statistics.median(seconds([run] * 1000))


def title(network: str, batch_size: int) -> str:
    """Return the heading of a network and the size of its batches."""
    return f"{NETWORKS[network]}, batch {batch_size}"


def as_markdown(steps: Mapping[str, dict[str, Any]]) -> list[str]:
    """Return a table with a column for each step."""
    lines = [f"| us, share of the step | {' | '.join(steps)} |", f"|---|{'---:|' * len(steps)}"]

    def row(what: str, values: Iterable[float | None]) -> None:
        pairs = zip(values, steps.values(), strict=True)
        cells = [
            "" if us is None else f"{round(us):,}, {round(100 * us / it['whole'])}%"
            for us, it in pairs
        ]
        lines.append(f"| {what} | {' | '.join(cells)} |")

    for kind in KINDS:
        found = [each["kinds"].get(kind) for each in steps.values()]
        if any(found):
            row(kind, found)
    row(BETWEEN, map(remainder, steps.values()))
    row("the whole step", (each["whole"] for each in steps.values()))
    row("its products alone", (each["products alone"] for each in steps.values()))
    return lines


def remainder(found: dict[str, Any]) -> float:
    """Return what a step takes besides its lines."""
    return float(found["whole"] - sum(found["kinds"].values()))


def draw(steps: Mapping[str, dict[str, Any]], path: Path) -> None:
    """Draw a bar for each step: its products, and then what is added to them."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names, found = list(steps), list(steps.values())
    floors = np.array([each["products alone"] for each in found])
    ends = np.zeros(len(names))
    height = 0.5 * len(names) + 2.5  # with the legend
    fig, ax = plt.subplots(figsize=(5.2, height), layout="constrained")
    for kind, (color, _) in {**KINDS, BETWEEN: ("white", [])}.items():
        us = [remainder(each) if kind == BETWEEN else each["kinds"].get(kind, 0) for each in found]
        widths = np.maximum(us, 0) / floors
        edge = {"edgecolor": "black" if kind == BETWEEN else "white", "linewidth": 0.5}
        ax.barh(names, widths, left=ends, color=color, height=0.7, label=kind, **edge)
        ends += widths
    for place, (end, each) in enumerate(zip(ends, found, strict=True)):
        text = f"{each['whole'] / 1000:.2f} ms"
        ax.annotate(text, (end, place), (5, 0), textcoords="offset points", va="center")
    ax.axvline(1, color="black", linestyle="--", linewidth=1)
    ax.margins(x=0.18)
    ax.set_xlim(left=0)
    ax.set_xlabel("time of a step / time of its products alone")
    ax.set_yticks(range(len(names)), [name.replace(", ", ",\n") for name in names])
    ax.invert_yaxis()  # the first name on top
    ax.spines[["top", "right"]].set_visible(False)
    narrow = {"handlelength": 1, "handletextpad": 0.5, "columnspacing": 1}
    fig.legend(loc="outside lower center", ncols=2, frameon=False, **narrow)
    fig.savefig(path, dpi=150)
    plt.close(fig)
