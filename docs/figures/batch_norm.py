"""What batch norm does to a batch, and what its backward pass takes out of a gradient."""

import numpy as np
from drawing import BLUE, GREY, ORANGE, VERMILION, plt, save

from tinynet.layers import BatchNormalization


def draw():
    """Normalise two features of different size; follow the gradient of one of them."""
    rng = np.random.default_rng(3)
    m = 40
    x = np.stack([rng.normal(9, 2.4, m), rng.normal(-2, 0.5, m)], axis=1)
    layer = BatchNormalization(epsilon=0.0, dtype="float64")
    layer.build((2,))
    x_hat = layer.forward(x, training=True)
    # A gradient with a mean, a trend along x_hat, and a rest.
    dout = 0.8 + 0.6 * x_hat + rng.normal(0, 0.6, (m, 2))
    dx = layer.backward(dout)

    figure, axes = plt.subplots(1, 3, figsize=(8.8, 3.4))
    for ax, values, title in ((axes[0], x, "x"), (axes[1], x_hat, r"$\hat x$")):
        for column, colour in ((0, BLUE), (1, ORANGE)):
            height = np.arange(m) / m + 1.3 * (1 - column)
            ax.plot(values[:, column], height, "o", color=colour, alpha=0.75, markersize=4)
            mean, std = values[:, column].mean(), values[:, column].std()
            y = height[0] - 0.12
            ax.plot([mean - std, mean + std], [y, y], color=colour, linewidth=3)
            ax.plot(mean, y, "|", color=colour, markersize=14)
        ax.set(title=title, yticks=[])
        ax.spines["left"].set_visible(False)
    axes[0].set_xlabel("bars: mean ± deviation")
    axes[1].set_xlabel("mean 0, deviation 1")

    ax = axes[2]
    along, g = x_hat[:, 0], dout[:, 0]
    line = g.mean() + along * np.mean(g * along)
    ax.vlines(along, line, g, color=VERMILION, linewidth=1.3)
    ax.plot(along, g, "o", color=BLUE, markersize=4, label="dout")
    order = np.argsort(along)
    ax.plot(along[order], line[order], color=GREY, label=r"$d\beta/m + \hat x\,d\gamma/m$")
    ax.plot([], [], color=VERMILION, label="what is left: dx times the deviation")
    assert np.allclose(dx[:, 0] * x[:, 0].std(), g - line)
    ax.set(title="backward, first feature", xlabel=r"$\hat x$", ylim=(-1.2, 4.8))
    ax.legend(loc="upper left", fontsize=8.5)
    save(figure)


if __name__ == "__main__":
    draw()
