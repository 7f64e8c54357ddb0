"""How time and memory grow with the size of batch, layers, network and data.

    python -m benchmarks.growth

Each point is a process of its own, which trains a network like the full Fashion-MNIST network on
random images, and makes the matrix products of its steps alone, in turn. Writes growth.json,
growth.md and growth.png beside this file.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.contenders import products
from tinynet.files import write_atomically

HERE = Path(__file__).parent
USUAL = {"batch": 128, "width": 256, "depth": 3, "images": 12_800}
POINTS = {
    "batch": [1, 4, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096],
    "width": [32, 64, 128, 256, 512, 1024, 2048, 4096],
    "depth": [1, 2, 4, 8, 16, 32],
    "images": [1_600, 6_400, 25_600, 102_400],
}
LABELS = {
    "batch": "samples in a batch",
    "width": "units in each layer",
    "depth": "hidden layers",
    "images": "images in the data set",
}


def network(width: int, depth: int) -> Any:
    """Make and compile a network of `depth` hidden layers."""
    import tinynet

    tinynet.utils.set_random_seed(0)
    layers = tinynet.layers
    model = tinynet.Sequential(
        [tinynet.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten()]
    )
    for _ in range(depth):
        model.add(layers.Dense(width, use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.Dropout(0.3))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def seconds_of(function: Callable[[], object]) -> float:
    """Call a function once; return the seconds that it took."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(batch: int, width: int, depth: int, images: int) -> dict[str, float]:
    """Return the milliseconds of a step, from as many steps as fit into a third of a second."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (images, 28, 28), "uint8")
    y = rng.integers(0, 10, images)
    model = network(width, depth)
    model.fit(x[:batch], y[:batch], batch, verbose=0)  # compiles
    one = seconds_of(lambda: model.fit(x[:batch], y[:batch], batch, verbose=0))
    steps = int(np.clip(0.33 / one, 1, images // batch))
    some = slice(0, steps * batch)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB on Linux
    make_products = products.of_step((784, *[width] * depth, 10), batch)
    alone, own = [], []
    for _ in range(5):
        alone.append(seconds_of(lambda: [make_products() for _ in range(steps)]))
        own.append(seconds_of(lambda: model.fit(x[some], y[some], batch, verbose=0)))
    return {
        "step_ms": 1e3 * min(own) / steps,
        "products_ms": 1e3 * min(alone) / steps,
        "epoch_s": min(own) / steps * (images / batch),
        "peak_mib": peak,
        "data_mib": x.nbytes / 2**20,
    }


def sweep() -> dict[str, dict[str, dict[str, float]]]:
    """Measure all points."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, values in POINTS.items():
        found[name] = {}
        for value in values:
            job = {**USUAL, name: value}
            job["images"] = max(job["images"], 4 * job["batch"])
            print(f"{name} {value} ...", flush=True)
            command = [sys.executable, "-m", "benchmarks.growth", "--one", json.dumps(job)]
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, cwd=HERE.parent
            )
            found[name][str(value)] = json.loads(done.stdout.splitlines()[-1])
    return found


def as_markdown(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """Return the tables."""
    lines = ["# How time and memory grow", "", "Written by `make growth`; not edited. "]
    lines[-1] += (
        f"Where nothing else is said: batches of {USUAL['batch']}, {USUAL['depth']} hidden layers "
        f"of {USUAL['width']} units, {USUAL['images']:,} images of 28x28. Times are the smallest "
        "of several; the products are those of the same steps, made alone in the same process."
    )
    for name, points in found.items():
        lines += ["", f"## {LABELS[name].capitalize()}", ""]
        lines += [f"| {name} | ms a step | products alone | ratio | s an epoch | peak MiB |"]
        lines += ["|---:|---:|---:|---:|---:|---:|"]
        for value, point in points.items():
            lines.append(
                f"| {int(value):,} | {point['step_ms']:.3g} | {point['products_ms']:.3g} "
                f"| {point['step_ms'] / point['products_ms']:.2f} | {point['epoch_s']:.2f} "
                f"| {point['peak_mib']:.0f} |"
            )
    return "\n".join(lines) + "\n"


def draw(found: dict[str, dict[str, dict[str, float]]], path: Path) -> None:
    """Draw time on the left, on logarithmic axes, and memory on the right."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    from tinynet.plots import BLUE, GREY, ORANGE

    fig, axes = plt.subplots(len(found), 2, figsize=(5.2, 2.2 * len(found)), layout="constrained")
    for (left, right), (name, points) in zip(axes, found.items(), strict=True):
        at = [int(value) for value in points]
        kind, unit = ("epoch_s", "s an epoch") if name == "images" else ("step_ms", "ms a step")
        left.loglog(at, [p[kind] for p in points.values()], "o-", color=BLUE, label="tinynet")
        alone = [p["products_ms"] / p["step_ms"] * p[kind] for p in points.values()]
        left.loglog(at, alone, "s--", color=GREY, label="matrix products alone")
        left.set_ylabel(unit)
        right.semilogx(at, [p["peak_mib"] for p in points.values()], "o-", color=ORANGE)
        right.set_ylim(0, 1.1 * max(p["peak_mib"] for p in points.values()))
        right.set_ylabel("peak MiB")
        for ax in (left, right):
            ax.set_xlabel(LABELS[name])
            ax.grid(alpha=0.3)
            ax.spines[["top", "right"]].set_visible(False)
    lines = axes[0][0].get_legend_handles_labels()
    fig.legend(*lines, loc="outside upper center", ncols=2)
    fig.savefig(path, dpi=150)
    plt.close(fig)


def main() -> None:
    """Measure one point, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", help="a point as JSON, to be measured in this process")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(**json.loads(args.one))))
        return
    found = sweep()
    write_atomically(HERE / "growth.json", json.dumps(found, indent=1) + "\n")
    write_atomically(HERE / "growth.md", as_markdown(found))
    draw(found, HERE / "growth.png")
    print(as_markdown(found))


if __name__ == "__main__":
    main()
