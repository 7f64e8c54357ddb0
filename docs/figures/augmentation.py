"""What each layer that changes images makes of six garments, and what lies beside an image."""

import numpy as np
from drawing import GREY, WIDTH, plt, save

from tinynet.datasets import drawn_apparel
from tinynet.layers import (
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)

ROWS = (
    ("the images", None),
    ('RandomFlip(\n"horizontal")', RandomFlip("horizontal", seed=1)),
    ("RandomRotation(\n0.1)", RandomRotation(0.1, fill_mode="constant", seed=1)),
    ("RandomZoom(\n0.3)", RandomZoom(0.3, fill_mode="constant", seed=1)),
    ("RandomTranslation(\n0.2, 0.2)", RandomTranslation(0.2, 0.2, "constant", seed=1)),
    ("RandomContrast(\n(0.8, 0.8))", RandomContrast((0.8, 0.8), seed=1)),
    ("RandomCrop(\n20, 20)", RandomCrop(20, 20, seed=1)),
)
CLASSES = (0, 1, 5, 6, 8, 9)  # of the garments; the fourth is moved about


def draw():
    """Show the garments in every row, and one of them moved or turned in six ways."""
    x, labels = drawn_apparel(100, seed=4)
    x = x[[np.flatnonzero(labels == label)[0] for label in CLASSES], :, :, None]
    figure = plt.figure(figsize=(WIDTH, 8.6))
    above, below = figure.subfigures(2, 1, height_ratios=(4.7, 3.9))
    axes = above.subplots(len(ROWS), len(CLASSES), gridspec_kw={"hspace": 0.02, "wspace": 0.02})
    for row, (text, layer) in zip(axes, ROWS, strict=True):
        changed = x if layer is None else layer(x)
        for ax, image in zip(row, changed, strict=True):
            show(ax, image)
        row[0].set_ylabel(text, rotation=0, ha="right", va="center", fontsize=8.5)

    shift, turn = ((0.4, 0.4), (0.25, 0.25)), (0.1, 0.1)
    ways = [
        (RandomTranslation(*shift, mode, fill_value=80), f'fill_mode\n"{mode}"')
        for mode in ("constant", "nearest", "reflect", "wrap")
    ]
    ways += [
        (RandomRotation(turn, interpolation=kind), f'interpolation\n"{kind}"')
        for kind in ("nearest", "bilinear")
    ]
    for ax, (layer, name) in zip(below.subplots(2, 3).flat, ways, strict=True):
        show(ax, layer(x[3:4])[0])
        ax.set_xlabel(name, fontsize=9)
    save(figure)


def show(ax, image):
    """Show one image without any axes."""
    ax.imshow(image[..., 0], cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, color=GREY, linewidth=0.4)


if __name__ == "__main__":
    draw()
