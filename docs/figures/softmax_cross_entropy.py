"""From logits to probabilities to the gradient p - t, and what is lost without the logits."""

import numpy as np
from drawing import BLUE, GREEN, GREY, VERMILION, WIDTH, plt, save, text_color

import tinynet as tn


def draw():
    """Draw the page's example, and the loss against the difference of two logits."""
    logits = np.array([[2.0, 1.0, -1.0]])
    label = np.array([1])
    loss = tn.losses.SparseCategoricalCrossentropy(from_logits=True)
    loss(label, logits)
    p = tn.activations.softmax(logits)[0]
    dz = loss.gradient()[0]

    figure = plt.figure(figsize=(WIDTH, 5.2))
    grid = figure.add_gridspec(2, 4, height_ratios=(1, 1.5))
    panels = (
        ("logits $z$", logits[0], BLUE),
        ("probabilities $p$", p, BLUE),
        ("one-hot label $t$", np.eye(3)[1], GREEN),
        ("gradient $p - t$", dz, VERMILION),
    )
    for column, (title, values, color) in enumerate(panels):
        ax = figure.add_subplot(grid[0, column])
        bars = ax.bar(range(3), values, color=color, width=0.65)
        ax.bar_label(bars, [f"{v:.2f}".replace("-", "−") for v in values], padding=2, fontsize=8.5)
        ax.axhline(0, color=GREY, linewidth=0.8)
        low, high = (-1.6, 2.6) if column == 0 else (-1.0, 1.3)
        ax.set_title(title, fontsize=10)
        ax.set(xticks=range(3), yticks=[], ylim=(low, high), xlabel="class")
        ax.spines[["left", "bottom"]].set_visible(False)
        ax.tick_params(length=0)

    # Two classes: the correct one's logit is d below the other's.
    d = np.linspace(-6, 40, 400)
    pairs = np.stack([-d / 2, d / 2], axis=1)
    right = np.zeros(len(d), int)
    from_logits = tn.losses.SparseCategoricalCrossentropy(from_logits=True, reduction="none")
    from_probabilities = tn.losses.SparseCategoricalCrossentropy(reduction="none")
    ax = figure.add_subplot(grid[1, :])
    ax.plot(d, from_logits(right, pairs), color=BLUE, label="from logits")
    values = from_probabilities(right, tn.activations.softmax(pairs))
    ax.plot(d, values, "--", color=VERMILION, label="from probabilities, clipped at 1e−7")
    ax.annotate(
        f"flat at {values.max():.3f}: the gradient is 0\nwhere the model is most wrong",
        (26, values.max()),
        (18, 4),
        color=text_color(VERMILION),
        arrowprops={"arrowstyle": "-|>", "color": VERMILION},
    )
    ax.set(xlabel="how far the correct class's logit is below the other's", ylabel="loss")
    ax.set(title="One sample, two classes", xlim=(-6, 40), ylim=(-1, 41))
    ax.legend(loc="upper left")
    save(figure)


if __name__ == "__main__":
    draw()
