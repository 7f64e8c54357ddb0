"""What the bugs of the museum do: networks that are trained with and without each of them.

    make museum

Each bug of exhibits.py takes the place of one piece of a small network, which is trained on
scikit-learn's handwritten digits with plain SGD and with Adam, three seeds each. Writes
museum.json, the tables museum.md and a figure for each room, museum_1.svg and so on, next to this
file; docs/museum.md shows them. Takes a minute or two.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tinynet
from benchmarks import exhibits
from benchmarks.accuracy import digest_of
from tinynet import config
from tinynet.files import write_atomically
from tinynet.gradcheck import GradientError, gradcheck
from tinynet.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPooling2D,
    Reshape,
)
from tinynet.losses import Loss, SparseCategoricalCrossentropy
from tinynet.optimizers import SGD, Adam, Optimizer

HERE = Path(__file__).parent
SEEDS = (0, 1, 2)
EPOCHS, BATCH_SIZE = 20, 32
N_TEST = 360
LOST = 0.05  # accuracy that has to be lost before a curve tells


def unchanged(x: Any, y: Any, x_test: Any, y_test: Any) -> tuple[Any, ...]:
    """Return the data as they are."""
    return x, y, x_test, y_test


RIGHT: dict[str, Any] = {
    "dense": Dense,
    "norm": BatchNormalization,
    "drop": Dropout,
    "conv": Conv2D,
    "pool": MaxPooling2D,
    "loss": SparseCategoricalCrossentropy,
    "sgd": SGD,
    "adam": Adam,
    "data": unchanged,
}
# The network that each piece is part of.
NETWORKS = {"norm": "batch norm", "drop": "dropout", "conv": "images", "pool": "images"}


class Exhibit(NamedTuple):
    """A bug, and the piece of the network whose place it takes.

    Attributes
    ----------
    patch : type or function
    part : str
        A key of `RIGHT`.
    network : str
        "dense", "batch norm", "dropout", "images", "large numbers" or "momentum".
    """

    patch: Any
    part: str
    network: str

    @property
    def name(self) -> str:
        """The name of the class or function."""
        return str(self.patch.__name__)


def of(part: str, *patches: Any, network: str = "") -> list[Exhibit]:
    """Return exhibits that take the place of the same piece."""
    return [Exhibit(each, part, network or NETWORKS.get(part, "dense")) for each in patches]


ROOMS = {
    "Gradients": [
        *of("dense", exhibits.BiasTurned, exhibits.BiasMean, exhibits.BiasOfOne),
        *of("dense", exhibits.MaskForgotten, exhibits.Accumulating),
        *of("loss", exhibits.SumForMean, exhibits.MeanTwice),
    ],
    "In training and afterwards": [
        *of("norm", exhibits.ConstantStatistics, exhibits.StatisticsOfTheTest),
        *of("norm", exhibits.MomentumTurned),
        *of("drop", exhibits.AnotherMask, exhibits.NotScaledUp, exhibits.AlwaysDropping),
    ],
    "Numbers and steps": [
        *of("loss", exhibits.LargestNotSubtracted, network="large numbers"),
        *of("dense", exhibits.AllZeros),
        *of("adam", exhibits.NotCorrected, exhibits.EpsilonInside),
        *of("sgd", exhibits.MomentumDamped, network="momentum"),
    ],
    "Data": [
        *of("data", exhibits.sorted_by_class, exhibits.labels_of_the_neighbors),
        *of("data", exhibits.divided_by_255, exhibits.tested_on_training),
        *of("data", exhibits.repeated_then_split),
    ],
    "Images": [
        *of("conv", exhibits.KernelNotTurned),
        *of("pool", exhibits.ToAllTheLargest, exhibits.ToAllInTheWindow),
    ],
}
EXHIBITS = [each for room in ROOMS.values() for each in room]
OPTIMIZERS = ("sgd", "adam")


# What the bugs do.


def digits() -> tuple[Any, ...]:
    """Return scikit-learn's digits, (n, 64) from 0 to 1: training and test images and labels."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = (x[order] / 16).astype("float32"), y[order]
    return x[N_TEST:], y[N_TEST:], x[:N_TEST], y[:N_TEST]


def model_of(network: str, pieces: dict[str, Any], optimizer: str) -> tinynet.Sequential:
    """Return a compiled network made of the right pieces, and perhaps a wrong one."""
    dense = pieces["dense"]
    if network == "images":
        conv, pool = pieces["conv"], pieces["pool"]
        hidden = [Reshape((8, 8, 1)), conv(8, 3, padding="same", activation="relu"), pool()]
        hidden += [conv(16, 3, padding="same", activation="relu"), pool(), Flatten()]
    else:
        hidden = []
        for units in (64, 32):
            if network == "batch norm":  # in the order of its paper
                hidden += [dense(units), pieces["norm"](), Activation("relu")]
            else:
                hidden.append(dense(units, activation="relu"))
            if network == "dropout":
                hidden.append(pieces["drop"](0.3))
    layers = [tinynet.Input((64,)), *hidden, dense(10, activation="softmax")]
    model = tinynet.Sequential(layers)
    rates = {"sgd": {"learning_rate": 0.1}, "adam": {}}
    if network == "momentum":
        rates["sgd"] = {"learning_rate": 0.01, "momentum": 0.9}
    model.compile(pieces[optimizer](**rates[optimizer]), pieces["loss"](), metrics=["accuracy"])
    return model


class Run(NamedTuple):
    """What a run reports, and what is true.

    Attributes
    ----------
    reported : list of float
        The accuracy on what is taken for test images, after each epoch.
    used : float
        The accuracy on the real test images in the end, one image at a time.
    """

    reported: list[float]
    used: float


def train(network: str, pieces: dict[str, Any], optimizer: str, seed: int) -> Run:
    """Train once."""
    tinynet.utils.set_random_seed(seed)
    model = model_of(network, pieces, optimizer)
    real = digits()
    scale = 256.0 if network == "large numbers" else 1.0
    x, y, x_test, y_test = pieces["data"](scale * real[0], real[1], scale * real[2], real[3])
    with np.errstate(all="ignore"):
        history = model.fit(
            x,
            y,
            BATCH_SIZE,
            EPOCHS,
            verbose=0,
            validation_data=(x_test, y_test),
            shuffle=pieces["data"] is not exhibits.sorted_by_class,
        ).history
        if pieces["data"] is exhibits.divided_by_255:
            scale = 16 / 255  # whoever uses the network scales the images in the same way
        chosen = model.predict(scale * real[2], batch_size=1, verbose=0).argmax(axis=1)
    return Run([float(each) for each in history["val_accuracy"]], float(np.mean(chosen == real[3])))


def over_seeds(network: str, part: str, piece: Any, optimizer: str) -> dict[str, Any]:
    """Train with every seed; return the mean curve and the mean accuracies."""
    runs = [train(network, {**RIGHT, part: piece}, optimizer, seed) for seed in SEEDS]
    curve = np.mean([run.reported for run in runs], axis=0)
    return {
        "reported": round(float(curve[-1]), 5),
        "used": round(statistics.mean(run.used for run in runs), 5),
        "curve": [round(float(each), 4) for each in curve],
    }


def optimizers_of(exhibit: Exhibit) -> tuple[str, ...]:
    """Return the optimizers that a bug can be seen with."""
    return (exhibit.part,) if exhibit.part in OPTIMIZERS else OPTIMIZERS


# Who catches them.


def caught_by_gradcheck(exhibit: Exhibit) -> bool:
    """Return whether the gradient check finds a mistake."""
    if exhibit.part in ("sgd", "adam", "data"):
        return False  # there is no derivative to check
    with in_float64():
        piece, x = example(exhibit.part, exhibit.patch)
        try:
            gradcheck(piece, x, np.arange(len(x)) % x.shape[-1])
        except GradientError:
            return True
    return False


def differs_from_keras(exhibit: Exhibit) -> bool:
    """Return whether the piece computes something else than tinynet's own, which is Keras's.

    parity_tests/ hold the latter to Keras.
    """
    if exhibit.part == "data":
        return False
    with in_float64(), np.errstate(all="ignore"):
        pairs = zip(
            computed(exhibit.part, exhibit.patch),
            computed(exhibit.part, RIGHT[exhibit.part]),
            strict=True,
        )
        return not all(np.allclose(ours, right, rtol=1e-6, atol=1e-12) for ours, right in pairs)


class in_float64:  # noqa: N801 (a with statement)
    """Within a ``with``, everything is made in float64, from the same seed."""

    def __enter__(self) -> None:
        self.before = config.floatx()
        config.set_floatx("float64")
        tinynet.utils.set_random_seed(0)

    def __exit__(self, *exception: object) -> None:
        config.set_floatx(self.before)


def example(part: str, piece: Any) -> tuple[Any, Any]:
    """Return a piece as a layer or a loss, and an input for it."""
    rng = np.random.default_rng(0)
    if part == "dense":
        return piece(5, activation="tanh"), rng.normal(size=(6, 4))
    if part == "norm":
        return piece(), rng.normal(size=(6, 4))
    if part == "drop":
        return piece(0.3, seed=1), rng.normal(size=(6, 4))
    if part == "conv":
        return piece(3, 3, activation="tanh"), rng.normal(size=(2, 6, 6, 2))
    if part == "pool":  # with equal pixels
        return piece(), rng.integers(0, 3, size=(2, 6, 6, 2)).astype(float)
    return piece(from_logits=True), rng.normal(size=(6, 4))


def computed(part: str, piece: Any) -> list[Any]:
    """Return all that a piece computes from the same input."""
    rng = np.random.default_rng(1)
    if part in OPTIMIZERS:
        optimizer: Optimizer = piece(0.01, **({"momentum": 0.9} if part == "sgd" else {}))
        w = np.zeros(4)
        for _ in range(3):  # gradients of all sizes
            optimizer.step({"w": w}, {"w": rng.normal(size=4) * [1, 1e-2, 1e-4, 1e-6]})
        return [w]
    made, x = example(part, piece)
    if isinstance(made, Loss):
        y = np.arange(len(x)) % x.shape[-1]
        large = np.concatenate([x[:-1], [[1000, 0, -1000, 10]]])
        found = [made.value(y, x, None, True), made.gradient()]
        return [*found, made.value(y, large, None, True), made.gradient()]
    layer: Layer = made
    layer.ensure_built(x.shape[1:])
    layer.set_weights([rng.normal(size=w.shape) ** 2 for w in layer.get_weights()])
    for _ in range(2):  # two steps: what the first leaves behind must not matter
        out = layer.forward(x, True)
        dx = layer.backward(rng.normal(size=out.shape))
    kept = [each.copy() for each in (out, dx, *layer.grads.values(), *layer.state.values())]
    return [*kept, layer.forward(x, False)]


def told_by_curve(found: dict[str, Any], right: dict[str, Any]) -> list[str]:
    """Return the optimizers with which a bug costs the reported accuracy at least `LOST`."""
    return [
        name
        for name in found
        if name in OPTIMIZERS and right[name]["reported"] - found[name]["reported"] >= LOST
    ]


NAMES = {"sgd": "SGD", "adam": "Adam"}


def who(found: dict[str, Any], right: dict[str, Any]) -> str:
    """Return who catches a bug, in words."""
    told = told_by_curve(found, right)
    ways = ["the gradient check"] if found["gradcheck"] else []
    ways += ["the comparison with Keras"] if found["keras"] else []
    ways += [f"the curve ({' and '.join(NAMES[each] for each in told)})"] if told else []
    return ", ".join(ways) or "nobody"


def percent(value: float) -> str:
    """Return a share in percent."""
    return "NaN" if math.isnan(value) else f"{100 * value:.1f}"


def line_of(found: dict[str, Any], right: dict[str, Any]) -> str:
    """Return the accuracies of a bug and of the right network, in words."""
    said = [
        f"{NAMES[name]} {percent(found[name]['reported'])} % "
        f"(right: {percent(right[name]['reported'])} %)"
        for name in OPTIMIZERS
        if name in found
    ]
    return ", ".join(said)


def table(record: dict[str, Any], room: list[Exhibit]) -> Iterator[str]:
    """Yield the table of a room."""
    yield "| | SGD | Adam | in use (SGD, Adam) |"
    yield "|---|---:|---:|---:|"
    networks = list(dict.fromkeys(each.network for each in room))
    for network in networks:
        yield _row(f"*{network}, right*", record["right"][network])
        for each in room:
            if each.network == network:
                yield _row(f"`{each.name}`", record["exhibits"][each.name])


def summary(record: dict[str, Any]) -> Iterator[str]:
    """Yield the table of who catches what."""
    yield "| | gradient check | Keras | curve |"
    yield "|---|---|---|---|"
    for each in EXHIBITS:
        found, right = record["exhibits"][each.name], record["right"][each.network]
        told = " and ".join(NAMES[name] for name in told_by_curve(found, right))
        yes = {True: "yes", False: ""}
        yield f"| `{each.name}` | {yes[found['gradcheck']]} | {yes[found['keras']]} | {told} |"


def _row(name: str, found: dict[str, Any]) -> str:
    there = [found.get(each) for each in OPTIMIZERS]
    reported = ["" if each is None else percent(each["reported"]) for each in there]
    used = ", ".join(percent(each["used"]) for each in there if each)
    return f"| {' | '.join([name, *reported, used])} |"


def draw(record: dict[str, Any], number: int, room: list[Exhibit]) -> None:
    """Draw the curves of a room: a panel for each bug."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    from tinynet.plots import GREY, VERMILION

    mpl.use("Agg")
    rows = -(-len(room) // 2)
    look = {"svg.hashsalt": "tinynet", "font.size": 9, "savefig.transparent": True}
    with mpl.rc_context(look):
        figure, axes = plt.subplots(
            rows, 2, figsize=(5.2, 1.75 * rows), sharex=True, sharey=True, layout="constrained"
        )
        for ax, each in zip(axes.flat, room, strict=False):
            right, wrong = record["right"][each.network], record["exhibits"][each.name]
            for name, style in (("sgd", "-"), ("adam", "--")):
                if name in wrong:
                    epochs = range(1, EPOCHS + 1)
                    ax.plot(epochs, right[name]["curve"], style, color=GREY, lw=1.2)
                    label = NAMES[name]
                    ax.plot(epochs, wrong[name]["curve"], style, color=VERMILION, label=label)
            ax.set_title(each.name, fontsize=9)
            ax.set(ylim=(0, 1.03), xlim=(1, EPOCHS), xticks=(1, 10, 20), yticks=(0, 0.5, 1))
            ax.spines[["top", "right"]].set_visible(False)
        for ax in axes.flat[len(room) :]:
            ax.set_visible(False)
            axes[-2, 1].tick_params(labelbottom=True)  # the lowest of its column
        axes.flat[0].legend(fontsize=8, loc="lower right", frameon=False)
        figure.supylabel("test accuracy", fontsize=9)
        figure.supxlabel("epoch", fontsize=9)
        figure.savefig(HERE / f"museum_{number}.svg", metadata={"Date": None})
        plt.close(figure)


def digest() -> str:
    """Return a digest of the code that the tables come from."""
    files = (HERE / "exhibits.py", HERE / "museum.py")
    return digest_of("\n".join(path.read_text(encoding="utf-8") for path in files))


def measure() -> dict[str, Any]:
    """Train everything, and look who catches what."""
    record: dict[str, Any] = {"digest": digest(), "right": {}, "exhibits": {}}
    for network in dict.fromkeys(["dense", *(each.network for each in EXHIBITS)]):
        record["right"][network] = {
            name: over_seeds(network, "data", unchanged, name) for name in OPTIMIZERS
        }
        print(f"{network}, right: {_row('', record['right'][network])}", flush=True)
    for each in EXHIBITS:
        found: dict[str, Any] = {
            name: over_seeds(each.network, each.part, each.patch, name)
            for name in optimizers_of(each)
        }
        found["gradcheck"], found["keras"] = caught_by_gradcheck(each), differs_from_keras(each)
        record["exhibits"][each.name] = found
        print(_row(each.name, found), who(found, record["right"][each.network]), flush=True)
    return record


def report(record: dict[str, Any]) -> str:
    """Return the tables."""
    lines = [
        "Written by `make museum`; not edited. Accuracy in percent on "
        f"{N_TEST} test images of scikit-learn's digits, after {EPOCHS} epochs with a batch size "
        f"of {BATCH_SIZE}, mean of {len(SEEDS)} seeds. *In use* is the accuracy on the true test "
        "images, one image at a time.",
    ]
    for name, room in ROOMS.items():
        lines += ["", f"## {name}", "", *table(record, room)]
    lines += ["", "## Who catches what", "", *summary(record)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Train, and write the tables and the figures."""
    record = measure()
    write_atomically(HERE / "museum.json", json.dumps(record, indent=1) + "\n")
    write_atomically(HERE / "museum.md", report(record))
    for number, room in enumerate(ROOMS.values(), start=1):
        draw(record, number, room)


if __name__ == "__main__":
    main()
