"""The fourteen activations that the page derives, with their derivatives."""

import numpy as np
from drawing import BLUE, GREY, VERMILION, WIDTH, plt, save

from tinynet.activations import ACTIVATIONS

ORDER = (
    ("linear", "relu", "leaky_relu"),
    ("relu6", "elu", "selu"),
    ("gelu", "silu", "softplus"),
    ("sigmoid", "tanh", "softsign"),
    ("exponential", "softmax", None),
)


def curves(name, x):
    """Return f and f' at every x, as the package computes them.

    Softmax turns whole rows into rows: its curves are those of the first of three logits, the other
    two being 0.
    """
    activation = ACTIVATIONS[name]
    if name != "softmax":
        out = activation.forward(x)
        return out, activation.backward(np.ones_like(x), x, out)
    rows = np.stack([x, np.zeros_like(x), np.zeros_like(x)], axis=1)
    out = activation.forward(rows)
    dout = np.tile([1.0, 0.0, 0.0], (len(x), 1))
    return out[:, 0], activation.backward(dout, rows, out)[:, 0]


def draw():
    """Draw a panel for each activation, and say in the last one what the lines are."""
    assert {name for row in ORDER for name in row if name} == set(list(ACTIVATIONS)[:14])
    figure, axes = plt.subplots(5, 3, figsize=(WIDTH, 7.4))
    for name, ax in zip((name for row in ORDER for name in row), axes.flat, strict=True):
        if name is None:
            ax.set_axis_off()
            ax.plot([], [], color=BLUE, label="$f(x)$")
            ax.plot([], [], "--", color=VERMILION, label="$f\\,'(x)$")
            ax.legend(loc="center", fontsize=12)
            continue
        x = np.linspace(-4, 8 if name == "relu6" else 4, 1201)
        out, slope = curves(name, x)
        ax.axhline(0, color=GREY, linewidth=0.6)
        ax.axvline(0, color=GREY, linewidth=0.6)
        ax.plot(x, out, color=BLUE)
        jumps = np.abs(np.diff(slope)) > 0.3  # at a kink there is no slope, and no line
        ax.plot(x, np.where(np.append(jumps, False), np.nan, slope), "--", color=VERMILION)
        ax.set(title=name, xlim=(x[0], x[-1]), xticks=(-4, 0, x[-1]))
        if name in ("sigmoid", "tanh", "softsign", "softmax"):
            ax.set(ylim=(-1.2, 1.2), yticks=(-1, 0, 1))
        elif name == "relu6":
            ax.set(ylim=(-1.5, 7), yticks=(0, 6))
        else:
            ax.set(ylim=(-2.2, 4.2), yticks=(-2, 0, 2, 4))
    save(figure)


if __name__ == "__main__":
    draw()
