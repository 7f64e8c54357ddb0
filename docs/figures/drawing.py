"""What all figures share: colors, sizes, boxes with numbers, and where a picture is stored.

A figure is `WIDTH` inches wide. At that size its text is a little smaller than that of the page,
and on a phone, where the picture has to shrink to 358 pixels, it is still readable. There is no
dark version: the pages invert a picture's lightness in dark mode (docs/_static/tinynet.css). It has
no background in either.
"""

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
    "WIDTH",
    "arrow",
    "box",
    "canvas",
    "equation",
    "matrix",
    "pale",
    "plt",
    "save",
    "text_color",
]

GENERATED = Path(__file__).parents[1] / "generated"
INK = "#222222"
WIDTH = 5.2

config.use_kernels("numpy")  # nothing here is worth compiling
mpl.use("Agg")
plt.rcParams.update(
    {
        "font.size": 10,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 11,
        "figure.constrained_layout.h_pad": 0.08,
        "figure.constrained_layout.use": True,
        "legend.edgecolor": "none",
        "legend.fontsize": 9,
        "mathtext.fontset": "dejavusans",
        "svg.hashsalt": "tinynet",  # the same picture is the same file
        "savefig.transparent": True,
        "text.color": INK,
        "xtick.color": INK,
        "xtick.labelsize": 9,
        "ytick.color": INK,
        "ytick.labelsize": 9,
    }
)


def save(figure, part=""):
    """Write the figure to generated/, under the name of the script that drew it.

    A script that draws several figures appends the name of each to its own: ``plots_mistakes.svg``.
    """
    script = Path(inspect.stack()[1].filename)
    GENERATED.mkdir(exist_ok=True)
    path = GENERATED / f"{script.stem}{'_' if part else ''}{part}.svg"
    figure.savefig(path, metadata={"Date": None}, dpi=150)  # dpi: of images within the drawing
    plt.close(figure)


def canvas(height):
    """Return a figure and axes for drawing freely: one unit is a tenth of an inch."""
    width = 10 * WIDTH
    figure, ax = plt.subplots(figsize=(WIDTH, height / 10), layout="none")
    ax.set_position((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(0, height))
    ax.set_axis_off()
    return figure, ax


def box(ax, x, y, width, height, text, color, **style):
    """Draw a rounded box around (x, y) with a text in it."""
    corner = (x - width / 2, y - height / 2)
    shape = "round,pad=0,rounding_size=0.8"
    look = {"facecolor": pale(color), "edgecolor": color, "zorder": 3}
    ax.add_patch(FancyBboxPatch(corner, width, height, boxstyle=shape, **look))
    ax.text(x, y, text, ha="center", va="center", zorder=4, **style)


def arrow(ax, start, end, color, **style):
    """Draw an arrow between two points."""
    style = {"arrowstyle": "-|>", "mutation_scale": 11, "linewidth": 1.4, **style}
    ax.add_patch(FancyArrowPatch(start, end, color=color, shrinkA=0, shrinkB=0, **style))


def matrix(ax, x, y, values, name, color, cell=(4.2, 2.9), digits=1):
    """Draw a matrix with its name, its shape and its numbers; return its width.

    (x, y) is the middle of its left edge. A vector is drawn as a row.
    """
    rows = np.atleast_2d(values)
    m, n = rows.shape
    width, height = n * cell[0], m * cell[1]
    top = y + height / 2
    for i, j in np.ndindex(m, n):
        corner = (x + j * cell[0], top - (i + 1) * cell[1])
        ax.add_patch(Rectangle(corner, *cell, facecolor=pale(color), edgecolor="white", lw=1.5))
        middle = (corner[0] + cell[0] / 2, corner[1] + cell[1] / 2)
        number = f"{rows[i, j]:.{digits}f}".replace("-", "−")
        ax.text(*middle, number, ha="center", va="center", fontsize=9.5)
    above = {"ha": "center", "va": "bottom", "color": text_color(color), "fontsize": 12}
    ax.text(x + width / 2, top + 0.8, name, **above)
    below = {"ha": "center", "va": "top", "color": text_color(GREY), "fontsize": 8.5}
    ax.text(x + width / 2, top - height - 0.6, " × ".join(map(str, np.shape(values))), **below)
    return width


def equation(ax, y, terms, x=1, **look):
    """Draw matrices and symbols from left to right; return where the next one would start."""
    for term in terms:
        if isinstance(term, str):
            weight = "bold" if term == "·" else "normal"
            ax.text(x + 1.8, y, term, ha="center", va="center", fontsize=14, weight=weight)
            x += 3.6
        else:
            name, values, color = term
            x += matrix(ax, x, y, values, name, color, **look)
    return x


def pale(color, share=0.16):
    """Mix a color with white, for areas with numbers on them."""
    return tuple(1 - share * (1 - part) for part in mpl.colors.to_rgb(color))


def text_color(color, share=0.77):
    """Mix a color with black: text needs more contrast than lines, 4.5 to 1 (WCAG AA)."""
    return tuple(share * part for part in mpl.colors.to_rgb(color))
