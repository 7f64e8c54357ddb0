"""The path of one batch: forward, loss, backward, step, with the shapes of a real batch."""

import numpy as np
from drawing import BLUE, GREEN, GREY, VERMILION, arrow, box, canvas, save, text_color

import tinynet as tn
from tinynet import layers

BATCH = 32
BESIDE = {"ha": "right", "va": "center", "fontsize": 9}


def shape_of(array):
    """Write a shape as in print: 32 × 784."""
    return " × ".join(map(str, array.shape))


def draw():
    """Make one training step, layer by layer, and draw what goes where."""
    tn.utils.set_random_seed(0)
    images, labels = tn.datasets.drawn_apparel(BATCH)
    model = tn.Sequential(
        [
            tn.Input((28, 28)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )
    loss = tn.losses.SparseCategoricalCrossentropy()

    out = images / np.float32(255)
    passed = [out]
    for layer in model.layers:
        out = layer.forward(out, training=True)
        passed.append(out)
    loss.value(labels, out)

    # From the batch at the bottom up to the loss; the backward pass is beside the forward pass.
    figure, ax = canvas(68)
    middle, up, down, right = 20, 16.5, 23.5, 28  # of the boxes: middle, both arrows, right edge
    places = [3.5, 13, 25, 37, 49, 61]
    for layer, y in zip(model.layers, places[1:], strict=False):
        box(ax, middle, y, 16, 6.6, "", BLUE)
        lines = [f"{name} {shape_of(weight)}" for name, weight in layer.params.items()]
        name_at = y + 1.7 if lines else y
        ax.text(middle, name_at, type(layer).__name__, ha="center", va="center", zorder=4)
        text = "\n".join(lines)
        ax.text(middle, y - 1.1, text, ha="center", va="center", zorder=4, fontsize=8)
    box(ax, middle, places[-1], 16, 6.6, "loss", GREY)
    ax.text(up, places[0], "batch", ha="center", va="center", color=text_color(BLUE))

    for i, array in enumerate(passed):
        start, end = places[i] + (3.5 if i else 1.6), places[i + 1] - 3.5
        arrow(ax, (up, start), (up, end), BLUE)
        ax.text(up - 1, (start + end) / 2, shape_of(array), color=text_color(GREY), **BESIDE)
        if i:
            arrow(ax, (down, end), (down, start), VERMILION)
    said = {"va": "center", "fontsize": 11}
    ax.text(3, 31, "1  model.forward", color=text_color(BLUE), rotation=90, ha="center", **said)
    ax.text(11, 61, "2  loss.value", color=text_color(BLUE), ha="right", **said)
    ax.text(29, 61, "3  loss.gradient", color=text_color(VERMILION), ha="left", **said)
    back = {"color": text_color(VERMILION), "rotation": -90, "ha": "center"}
    ax.text(31, 37, "4  model.backward", **back, **said)

    left = 38  # of the optimizer
    learned = [y for layer, y in zip(model.layers, places[1:], strict=False) if layer.params]
    for y in learned:
        arrow(ax, (right + 0.4, y + 1.3), (left - 0.4, y + 1.3), VERMILION)
        arrow(ax, (left - 0.4, y - 1.3), (right + 0.4, y - 1.3), GREEN)
        between = (right + left) / 2
        ax.text(between, y + 2, "grads", color=text_color(VERMILION), ha="center", va="bottom")
        ax.text(between, y - 2, "params", color=text_color(GREEN), ha="center", va="top")
    height = learned[1] - learned[0] + 6.6
    box(ax, left + 6.8, sum(learned) / 2, 13.6, height, "5  optimizer.step", GREEN)
    save(figure)


if __name__ == "__main__":
    draw()
