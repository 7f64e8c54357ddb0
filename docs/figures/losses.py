"""Losses and their gradients: of numbers against the residual, of a class against its logit."""

import numpy as np
from drawing import BLUE, GREEN, GREY, VERMILION, WIDTH, plt, save

from tinynet.losses import BinaryCrossentropy, Huber, MeanAbsoluteError, MeanSquaredError


def curves(loss, target, predictions, from_logits=False):
    """Return the loss of each prediction, and its gradient."""
    p = predictions.reshape(-1, 1)
    losses = loss.value(np.full_like(p, target), p, from_logits=from_logits)
    return losses, loss.gradient()[:, 0]


def draw():
    """Draw four panels: losses above, gradients below; numbers left, a yes-or-no answer right."""
    figure, axes = plt.subplots(2, 2, figsize=(WIDTH, 5.6), sharex="col")
    r, z = np.linspace(-3, 3, 601), np.linspace(-8, 8, 601)
    p = 1 / (1 + np.exp(-z))
    squared, dsquared = curves(MeanSquaredError("none"), 1.0, p)
    lines = {
        "left": (
            ("squared", BLUE, "-", r, *curves(MeanSquaredError("none"), 0.0, r)),
            ("absolute", GREEN, "-", r, *curves(MeanAbsoluteError("none"), 0.0, r)),
            ("Huber, δ = 1", VERMILION, "--", r, *curves(Huber(1.0, "none"), 0.0, r)),
        ),
        "right": (
            ("squared", BLUE, "-", z, squared, dsquared * p * (1 - p)),
            (
                "cross-entropy",
                VERMILION,
                "--",
                z,
                *curves(BinaryCrossentropy(reduction="none"), 1.0, z, from_logits=True),
            ),
        ),
    }
    for column, name in enumerate(lines):
        for label, color, style, x, losses, gradients in lines[name]:
            axes[0, column].plot(x, losses, style, color=color, label=label)
            axes[1, column].plot(x, gradients, style, color=color)
        axes[1, column].axhline(0, color=GREY, linewidth=0.8)
        axes[0, column].legend(loc="upper center" if column == 0 else "upper right")
    axes[0, 0].set(title="a number", ylabel="loss", ylim=(-0.2, 6.5))
    axes[1, 0].set(ylabel="gradient", xlabel="residual $r = p - t$", ylim=(-4, 4))
    axes[0, 1].set(title="yes or no, the answer is yes", ylim=(-0.2, 8.5))
    axes[1, 1].set(xlabel="logit $z$", ylim=(-1.25, 0.25))
    axes[1, 1].text(-8, 0.04, "sure and wrong: almost 0", va="bottom", fontsize=8.5)
    axes[1, 1].text(-8, -1.04, "sure and wrong: −1", va="top", fontsize=8.5)
    save(figure)


if __name__ == "__main__":
    draw()
