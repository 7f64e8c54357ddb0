"""What all figures share: colours, sizes, boxes with numbers, and where a picture is kept."""

import inspect
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from tinynet import config
from tinynet.plots import BLUE, GREEN, GREY, ORANGE, VERMILION

__all__ = [
    "BLUE",
    "GENERATED",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "VERMILION",
    "arrow",
    "box",
    "canvas",
    "matrix",
    "pale",
    "plt",
    "save",
]

GENERATED = Path(__file__).parents[1] / "generated"
INK = "#222222"

config.use_kernels("numpy")  # nothing here is worth a compilation
mpl.use("Agg")
plt.rcParams.update(
    {
        "font.size": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 12,
        "figure.constrained_layout.use": True,
        "legend.frameon": False,
        "mathtext.fontset": "dejavusans",
        "svg.hashsalt": "tinynet",  # the same picture is the same file
        "text.color": INK,
    }
)


def save(figure, part=""):
    """Write the figure to generated/, under the name of the script that drew it.

    A script that draws several names the part after its own name: ``plots_gallery.svg``.
    """
    script = Path(inspect.stack()[1].filename)
    GENERATED.mkdir(exist_ok=True)
    path = GENERATED / f"{script.stem}{'_' if part else ''}{part}.svg"
    figure.savefig(path, metadata={"Date": None}, dpi=150)  # of images within the drawing
    plt.close(figure)


def canvas(width, height):
    """Return a figure and axes for drawing by hand: one unit is a tenth of an inch."""
    figure, ax = plt.subplots(figsize=(width / 10, height / 10), layout="none")
    ax.set_position((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.set_axis_off()
    return figure, ax


def box(ax, x, y, width, height, text, colour, **style):
    """Draw a round box around (x, y) with a text in it."""
    corner = (x - width / 2, y - height / 2)
    shape = "round,pad=0,rounding_size=0.8"
    look = {"facecolor": pale(colour), "edgecolor": colour, "zorder": 3}
    ax.add_patch(FancyBboxPatch(corner, width, height, boxstyle=shape, **look))
    ax.text(x, y, text, ha="center", va="center", zorder=4, **style)


def arrow(ax, start, end, colour, **style):
    """Draw an arrow between two points."""
    style = {"arrowstyle": "-|>", "mutation_scale": 12, "linewidth": 1.4, **style}
    ax.add_patch(FancyArrowPatch(start, end, color=colour, shrinkA=0, shrinkB=0, **style))


def matrix(ax, x, y, values, name, colour, cell=(5.2, 3.2), digits=1):
    """Draw a matrix with its name, its shape and its numbers; return its width.

    (x, y) is the middle of its left edge. A vector is drawn as a row.
    """
    rows = np.atleast_2d(values)
    m, n = rows.shape
    width, height = n * cell[0], m * cell[1]
    top = y + height / 2
    for i, j in np.ndindex(m, n):
        corner = (x + j * cell[0], top - (i + 1) * cell[1])
        ax.add_patch(Rectangle(corner, *cell, facecolor=pale(colour), edgecolor="white", lw=1.5))
        middle = (corner[0] + cell[0] / 2, corner[1] + cell[1] / 2)
        number = f"{rows[i, j]:.{digits}f}".replace("-", "−")
        ax.text(*middle, number, ha="center", va="center", fontsize=10)
    ax.text(x + width / 2, top + 1.0, name, ha="center", va="bottom", color=colour, fontsize=13)
    shape = " × ".join(map(str, np.shape(values)))
    below = top - height - 0.8
    ax.text(x + width / 2, below, shape, ha="center", va="top", color=GREY, fontsize=9)
    return width


def pale(colour, share=0.16):
    """Mix a colour with white."""
    return tuple(1 - share * (1 - part) for part in mpl.colors.to_rgb(colour))
