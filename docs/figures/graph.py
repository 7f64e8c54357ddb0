"""A model with a fork: the way of the values, and the way of the gradients."""

from drawing import BLUE, GREEN, VERMILION, arrow, box, canvas, save, text_color

# Each layer at the middle of its box.
PLACES = {
    "x": (5, 20),
    "low": (15, 28),
    "left": (26, 34),
    "right": (26, 22),
    "met": (37, 28),
    "side": (45, 14),
    "out": (45, 4),
}
WIRES = [
    ("x", "low"),
    ("low", "left"),
    ("low", "right"),
    ("left", "met"),
    ("right", "met"),
    ("met", "side"),
    ("x", "side"),
    ("side", "out"),
]
WIDTH, HEIGHT = 7.5, 4.4


def ends(one, other):
    """Return where a wire leaves one box and enters the other."""
    (a, b), (c, d) = PLACES[one], PLACES[other]
    across, up = c - a, d - b
    share = min(WIDTH / 2 / abs(across) if across else 1, HEIGHT / 2 / abs(up) if up else 1)
    start = a + across * share, b + up * share
    return start, (c - across * share, d - up * share)


def draw():
    """Draw the graph of the page, each wire with a value forward and a gradient backward."""
    figure, ax = canvas(39)
    for one, other in WIRES:
        (a, b), (c, d) = ends(one, other)
        length = ((c - a) ** 2 + (d - b) ** 2) ** 0.5
        aside = (b - d) / length * 0.6, (c - a) / length * 0.6
        start, end = (a + aside[0], b + aside[1]), (c + aside[0], d + aside[1])
        arrow(ax, start, end, BLUE)
        start, end = (a - aside[0], b - aside[1]), (c - aside[0], d - aside[1])
        arrow(ax, end, start, VERMILION)
    for name, (a, b) in PLACES.items():
        learns = name in ("low", "left", "right", "out")
        box(ax, a, b, WIDTH, HEIGHT, name, GREEN if learns else BLUE)
    ax.text(10, 37, "two gradients\nare added", ha="center", va="top", color=text_color(VERMILION))
    save(figure)


if __name__ == "__main__":
    draw()
