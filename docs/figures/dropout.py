"""Which units one draw drops, and that the mean over many draws is the input."""

import numpy as np
from drawing import BLUE, GREY, VERMILION, WIDTH, plt, save

import tinynet as tn


def draw():
    """Draw one mask on an 8 by 8 input, and the mean over growing numbers of masks."""
    tn.utils.set_random_seed(0)
    layer = tn.layers.Dropout(0.3, dtype="float64")
    x = np.linspace(0.2, 1, 64).reshape(1, 64)
    out = layer.forward(x, training=True)
    panels = [["input", "one draw, rate 0.3"], ["means", "means"]]
    figure, axes = plt.subplot_mosaic(panels, figsize=(WIDTH, 5.4))
    for title, values in (("input", x), ("one draw, rate 0.3", out)):
        ax = axes[title]
        ax.imshow(values.reshape(8, 8), cmap="Blues", vmin=0, vmax=1.6)
        for i, j in np.ndindex(8, 8):
            if values[0, 8 * i + j] == 0:
                ax.plot(j, i, "x", color=VERMILION, markersize=7)
        ax.set(title=title, xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    share = np.mean(out == 0)
    axes["input"].set_xlabel("64 values from 0.2 to 1", fontsize=9)
    axes["one draw, rate 0.3"].set_xlabel(
        f"{share:.0%} are 0, the rest × {1 / 0.7:.3f}", fontsize=9
    )

    draws = 400
    outs = np.concatenate([layer.forward(x, training=True) for _ in range(draws)])
    means = np.cumsum(outs, axis=0) / np.arange(1, draws + 1)[:, None]
    ax = axes["means"]
    for unit in range(7, 64, 12):
        ax.plot(means[:, unit], color=BLUE, linewidth=1)
        ax.axhline(x[0, unit], color=GREY, linestyle=":", linewidth=1)
    ax.plot([], [], color=BLUE, label="mean of the output so far")
    ax.plot([], [], color=GREY, linestyle=":", label="input")
    ax.set(title="five of the units", xlabel="number of draws", ylim=(0, 1.55), xlim=(0, draws))
    ax.legend(loc="upper right")
    save(figure)


if __name__ == "__main__":
    draw()
