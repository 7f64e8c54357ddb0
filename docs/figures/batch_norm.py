"""What batch normalization does to a batch, and what its backward pass removes from a gradient."""

import numpy as np
from drawing import BLUE, GREY, ORANGE, VERMILION, WIDTH, plt, save, text_color

from tinynet.layers import BatchNormalization


def draw():
    """Normalize two features of different scales; follow the gradient of one of them."""
    rng = np.random.default_rng(3)
    n = 40
    x = np.stack([rng.normal(9, 2.4, n), rng.normal(-2, 0.5, n)], axis=1)
    layer = BatchNormalization(epsilon=0.0, dtype="float64")
    layer.build((2,))
    x_hat = layer.forward(x, training=True)
    # A gradient with a mean, a trend along x_hat, and noise.
    dout = 0.8 + 0.6 * x_hat + rng.normal(0, 0.6, (n, 2))
    dx = layer.backward(dout)

    panels = [["before", "after"], ["backward", "backward"]]
    figure, axes = plt.subplot_mosaic(panels, figsize=(WIDTH, 5.6), height_ratios=(1, 1.2))
    for name, values, title in (("before", x, "$x$"), ("after", x_hat, r"$\hat x$")):
        ax = axes[name]
        for column, color in ((0, BLUE), (1, text_color(ORANGE, 0.65))):
            height = np.arange(n) / n + 1.3 * (1 - column)
            ax.plot(values[:, column], height, "o", color=color, markersize=4)
            mean, std = values[:, column].mean(), values[:, column].std()
            y = height[0] - 0.12
            ax.plot([mean - std, mean + std], [y, y], color=color, linewidth=3)
            ax.plot(mean, y, "|", color=color, markersize=14)
        ax.set(title=title, yticks=[])
        ax.spines["left"].set_visible(False)
    axes["before"].set_xlabel("bars: mean ± standard deviation", fontsize=9)
    axes["after"].set_xlabel("mean 0, standard deviation 1", fontsize=9)

    ax = axes["backward"]
    along, g = x_hat[:, 0], dout[:, 0]
    line = g.mean() + along * np.mean(g * along)
    ax.vlines(along, line, g, color=VERMILION, linewidth=1.3)
    ax.plot(along, g, "o", color=VERMILION, markersize=4.5, label="dout")
    order = np.argsort(along)
    ax.plot(along[order], line[order], color=GREY, label=r"$d\beta/n + \hat x\,d\gamma/n$")
    ax.plot([], [], color=VERMILION, label=r"residuals: dx · standard deviation ($\gamma = 1$)")
    assert np.allclose(dx[:, 0] * x[:, 0].std(), g - line)
    ax.set(title="backward, first feature", xlabel=r"$\hat x$", ylim=(-1.2, 4.4))
    ax.legend(loc="upper left")
    save(figure)


if __name__ == "__main__":
    draw()
