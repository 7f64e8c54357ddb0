"""
XOR: the smallest network that is not a line
============================================

Four points, two classes, and no straight line that separates them. A network without a hidden layer
cannot learn this; with two hidden units it can, if it is lucky. Here is what it looks like when
training works, what it looks like when it gets stuck, and how often that happens.

From a terminal:

.. code-block:: sh

    python examples/xor.py --epochs 200 --seed 0 --out runs/xor
"""

# %%
# Setup
# -----

import time

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter

import tinynet as tn
from tinynet import layers, lessons, plots

parser = lessons.options("Learn XOR, again and again.", "xor", epochs=200)
parser.add_argument("--runs", type=int, default=50, help="networks of each size (default: 50)")
args = lessons.begin(parser)

# %%
# The data
# --------
# Four points are all there is: "one or the other, but not both". Whatever line you draw through the
# plane, at least one point is on the wrong side of it.

x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
y = np.array([[0], [1], [1], [0]], "float32")

# %%
# The network
# -----------
# Each hidden unit is a line in the plane: far from it, tanh is near -1 on one side and near 1 on
# the other. The output unit takes a weighted sum of the hidden ones, and its sigmoid turns that
# into the probability of class 1. With two hidden units there are 9 parameters to learn; with none
# there are 3, and the network is a line.


def network(hidden, seed):
    """Return a compiled 2-hidden-1 network, initialized with this seed."""
    tn.utils.set_random_seed(seed)
    model = tn.Sequential([tn.Input((2,))])
    if hidden:
        model.add(layers.Dense(hidden, activation="tanh"))
    model.add(layers.Dense(1, activation="sigmoid"))
    model.compile(tn.optimizers.Adam(learning_rate=0.05), loss="binary_crossentropy")
    return model


def learn(model, epochs, first=0):
    """Train with all four points in every step; return the loss of every epoch."""
    run = model.fit(x, y, batch_size=4, initial_epoch=first, epochs=epochs, verbose=0)
    return run.history["loss"]


model = network(hidden=4, seed=args.seed)
model.summary()

# %%
# How the surface bends
# ---------------------
# The color is what the network predicts at every point of the plane: blue is class 0, red is class
# 1, and where there is no color it cannot tell. We draw it a few times during training.


def draw_surface(ax, model):
    """Draw the probability of class 1 over the plane, and the four points."""
    side = np.linspace(-0.5, 1.5, 101)
    places = np.stack(np.meshgrid(side, side), axis=-1)  # (101, 101, 2)
    p = model.predict(places.reshape(-1, 2), batch_size=len(side) ** 2, verbose=0)
    p = p.reshape(places.shape[:2])
    drawn = ax.contourf(side, side, p, levels=np.linspace(0, 1, 21), cmap="RdBu_r")
    ax.contour(side, side, p, levels=[0.5], colors="black", linewidths=1)
    for label, marker in ((0, "o"), (1, "s")):
        points = x[y[:, 0] == label]
        face = plots.BLUE if label == 0 else plots.VERMILION
        ax.scatter(*points.T, marker=marker, s=60, color=face, edgecolor="white", zorder=3)
    ax.set(xticks=[0, 1], yticks=[0, 1], aspect="equal")
    return drawn


def draw_while_training(model, row):
    """Train, pausing a few times to draw the surface into a row of axes."""
    moments = np.linspace(0, 1, len(row)) ** 3 * args.epochs  # frequent at first, rare later
    epoch = 0
    for ax, until in zip(row, moments.round().astype(int), strict=True):
        if until > epoch:
            learn(model, int(until), first=epoch)
            epoch = int(until)
        drawn = draw_surface(ax, model)
        loss = model.evaluate(x, y, verbose=0)
        ax.set_title(f"epoch {epoch}\nloss {loss:.3f}", fontsize=9)
    return drawn


# %%
# How many get stuck
# ------------------
# We train fifty networks of each size, each from its own seed. The loss can level off on one of two
# plateaus. At ln 2 = 0.693 the network predicts one half for all four points; without hidden units
# it can do no better. At half of that, two points are right, and it predicts one half for the other
# two. To leave this plateau it would have to get worse first, and the gradient only leads downhill.
#
# We call a network stuck if its final loss is above 0.1. Two hidden units are enough for XOR; with
# more of them, it is more likely that two of them start where they are needed. And 200 epochs are
# enough to tell: of the networks with seeds 0 to 49, the same ones are still stuck after 4,000
# epochs.

seeds = range(args.seed, args.seed + args.runs)
curves = {}  # the losses for each size, (runs, epochs)
stuck = {}  # and the fraction of networks that are stuck
start = time.perf_counter()
for hidden in (0, 2, 3, 4, 8):
    curves[hidden] = np.array([learn(network(hidden, seed), args.epochs) for seed in seeds])
    share = stuck[hidden] = float(np.mean(curves[hidden][:, -1] > 0.1))
    print(f"{hidden} hidden units: {share:4.0%} of {args.runs} networks are stuck", flush=True)
seconds = time.perf_counter() - start

# %%
# The top row is the network with four hidden units from above. Below it are two with two hidden
# units: the one that learned XOR best, and the one with the largest final loss, which is stuck.

ends = curves[2][:, -1]
learned, failed = seeds[int(np.argmin(ends))], seeds[int(np.argmax(ends))]
rows = [
    (f"4 hidden units\nseed {args.seed}", model),
    (f"2 hidden units\nseed {learned}", network(2, learned)),
    (f"2 hidden units\nseed {failed}", network(2, failed)),
]
_, axes = plt.subplots(len(rows), 6, figsize=(11, 6.4), layout="constrained")
for row, (name, each) in zip(axes, rows, strict=True):
    drawn = draw_while_training(each, row)
    row[0].set_ylabel(name, fontsize=9)
bar = plt.colorbar(drawn, ax=axes, shrink=0.6, ticks=[0, 0.5, 1])
bar.set_label("predicted probability of class 1")
lessons.keep_figure(args, "surfaces")

# %%
# The losses of all networks with two hidden units, and the fraction of each size that is stuck.

_, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
left.plot(np.arange(1, args.epochs + 1), curves[2].T, color=plots.BLUE, linewidth=0.6, alpha=0.4)
for floor, name in ((np.log(2), "ln 2"), (np.log(2) / 2, "(ln 2)/2")):
    left.axhline(floor, color=plots.GREY, linestyle=":", linewidth=1)
    left.annotate(name, (1, floor), (4, 0), ("axes fraction", "data"), "offset points")
left.set(xlabel="epoch", ylabel="loss", title=f"{args.runs} networks with 2 hidden units")
bars = right.bar([str(hidden) for hidden in stuck], stuck.values(), color=plots.VERMILION)
right.bar_label(bars, [f"{share:.0%}" for share in stuck.values()])
right.yaxis.set_major_formatter(PercentFormatter(1))
right.set(
    xlabel="hidden units", ylabel="fraction of networks", title="Stuck networks", ylim=(0, 1.08)
)
for ax in (left, right):
    ax.spines[["top", "right"]].set_visible(False)
lessons.keep_figure(args, "stuck")

# %%
# Save the results
# ----------------

lessons.keep_results(
    args,
    "xor",
    {
        "stuck": stuck,
        "runs": args.runs,
        "epochs": args.epochs,
        "seconds": round(seconds, 1),
    },
)
