"""The path of one batch: forward, loss, backward, step, with the shapes of a real one."""

import numpy as np
from drawing import BLUE, GREEN, GREY, INK, VERMILION, arrow, box, canvas, save

import tinynet as tn
from tinynet import layers

BATCH = 32


def shape_of(array):
    """Write a shape as in the text: 32 × 784."""
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

    figure, ax = canvas(114, 42)
    top, low = 32, 24  # the heights of the way there and of the way back
    places = [6, 27, 47, 67, 87, 106]
    last = len(places) - 1
    for layer, x in zip(model.layers, places[1:], strict=False):
        box(ax, x, 28, 12, 13, "", BLUE)
        ax.text(x, 29.3, type(layer).__name__, ha="center", va="center", zorder=4, fontsize=12)
        for number, (name, weight) in enumerate(layer.params.items()):
            text = f"{name} {shape_of(weight)}"
            ax.text(x, 27 - 1.8 * number, text, ha="center", va="center", zorder=4, fontsize=8)
    box(ax, places[last], 28, 10, 13, "loss", GREY, fontsize=12)
    ax.text(places[0], top, "batch", ha="center", va="center", color=BLUE, fontsize=12)

    for i, array in enumerate(passed):
        start, end = places[i] + (6.3 if i else 3.7), places[i + 1] - (6.3 if i + 1 < last else 5.3)
        arrow(ax, (start, top), (end, top), BLUE)
        ax.text((start + end) / 2, 35.3, shape_of(array), ha="center", color=GREY, fontsize=9)
        if i:
            arrow(ax, (end, low), (start, low), VERMILION)
    ax.text(57, 39.5, "1  model.forward", color=BLUE, fontsize=13, ha="center")
    ax.text(places[last], 39.5, "2  loss.value", color=BLUE, fontsize=13, ha="center")
    ax.text(places[last], 17, "3  loss.gradient", color=VERMILION, fontsize=13, ha="center")
    ax.text(27, 17, "4  model.backward", color=VERMILION, fontsize=13, ha="center")

    learned = [x for layer, x in zip(model.layers, places[1:], strict=False) if layer.params]
    for x in learned:
        arrow(ax, (x - 1.5, 20.8), (x - 1.5, 8.4), VERMILION)
        arrow(ax, (x + 1.5, 8.4), (x + 1.5, 20.8), GREEN)
        ax.text(x - 2.3, 14, "grads", ha="right", color=VERMILION, fontsize=11)
        ax.text(x + 2.3, 14, "params", ha="left", color=GREEN, fontsize=11)
    middle = sum(learned) / len(learned)
    box(ax, middle, 5, 52, 6, "5  optimizer.step", GREEN, fontsize=13, color=INK)
    save(figure)


if __name__ == "__main__":
    draw()
