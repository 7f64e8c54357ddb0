"""Which units one draw drops, forward and backward, and the mean over many draws."""

import numpy as np
from drawing import BLUE, GREEN, GREY, INK, ORANGE, VERMILION, WIDTH, plt, save

import tinynet as tn


def draw():
    """Draw one mask on an 8 by 8 input and on its gradient, and the mean over more masks."""
    tn.utils.set_random_seed(0)
    layer = tn.layers.Dropout(0.3, dtype="float64")
    x = np.linspace(0.2, 1, 64).reshape(1, 64)
    out = layer.forward(x, training=True)
    dx = layer.backward(x[:, ::-1])
    panels = [["x"] * 2 + ["out"] * 2 + ["dx"] * 2, ["means"] * 6]
    figure, axes = plt.subplot_mosaic(panels, figsize=(WIDTH, 5.0), height_ratios=(1, 1.5))
    share = np.mean(out == 0)
    scale = f"{share:.0%} are 0,\nthe rest × {1 / 0.7:.3f}"
    squares = (
        ("x", x, "Blues", "64 values\nfrom 0.2 to 1"),
        ("out", out, "Blues", scale),
        ("dx", dx, "Oranges", "dout (1 to 0.2)\nthrough the same mask"),
    )
    for title, values, colors, below in squares:
        ax = axes[title]
        ax.imshow(values.reshape(8, 8), cmap=colors, vmin=0, vmax=1.6)
        for i, j in np.ndindex(8, 8):
            if values[0, 8 * i + j] == 0:
                ax.plot(j, i, "x", color=INK, markersize=5)
        ax.set(title=title, xticks=[], yticks=[])
        ax.set_xlabel(below, fontsize=9)
        ax.spines[:].set_visible(False)

    draws = 400
    outs = np.concatenate([layer.forward(x, training=True) for _ in range(draws)])
    means = np.cumsum(outs, axis=0) / np.arange(1, draws + 1)[:, None]
    ax = axes["means"]
    looks = zip(range(7, 64, 12), (BLUE, ORANGE, GREEN, VERMILION, INK), strict=True)
    for unit, color in looks:
        ax.plot(means[:, unit], color=color, linewidth=1)
        ax.axhline(x[0, unit], color=color, linestyle=":", linewidth=1)
    ax.plot([], [], color=GREY, label="mean of all outputs so far")
    ax.plot([], [], color=GREY, linestyle=":", label="input")
    ax.set(title="five of the units", xlabel="number of draws", ylabel="output")
    ax.set(ylim=(0, 1.55), xlim=(0, draws))
    ax.legend(loc="upper right", ncols=2)
    save(figure)


if __name__ == "__main__":
    draw()
