"""Which part of tinynet imports which, drawn as the floors of a house."""

import sys
from pathlib import Path

from drawing import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    VERMILION,
    WIDTH,
    arrow,
    box,
    canvas,
    save,
    text_color,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "_ext"))
import modules

# The color of a floor, and of those below it up to the next one that is named here.
COLOR_FROM = {
    "examples": GREY,
    "the model": BLUE,
    "the parts of a step": GREEN,
    "tools": ORANGE,
    "the list": VERMILION,
    "names": GREY,
}
BOX = 7.4  # the width of a part; a long name needs more
EVERYWHERE = {"arrays", "config", "configurable"}  # most parts import them; not drawn
STEP = 8.4
PERCENT = WIDTH / 10  # of the width: the unit of the places in modules.py


def reduced(graph):
    """Leave out every import that follows from others: a to c, if a imports b and b imports c."""

    def reach(name):
        return set().union(*({each} | reach(each) for each in graph[name]))

    return {
        name: {each for each in own if not any(each in reach(other) for other in own)}
        for name, own in graph.items()
    }


def drawn_imports():
    """Return the imports that get an arrow."""
    graph = modules.import_graph()
    return reduced({name: own - EVERYWHERE for name, own in graph.items()})


def draw():
    """Draw the floors, the parts on them, and the imports between them."""
    height = STEP * len(modules.FLOORS)
    figure, ax = canvas(height)
    places = {}
    color = GREY
    for number, (floor, parts) in enumerate(modules.FLOORS.items()):
        y = height - STEP * (number + 0.5)
        color = COLOR_FROM.get(floor, color)
        if number:
            ax.axhline(y + STEP / 2, color="#dddddd", linewidth=0.8, zorder=0)
        label = {"ha": "right", "va": "top", "color": text_color(GREY), "fontsize": 8.5}
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}  # over the arrows
        ax.text(10 * WIDTH - 0.5, y + STEP / 2 - 0.8, floor, bbox=ground, zorder=2, **label)
        for name, x in parts.items():
            places[name] = (x * PERCENT, y - 0.8, color)
    for name, lower in drawn_imports().items():
        x, y, color = places[name]
        for rank, other in enumerate(sorted(lower, key=lambda each: places[each][0])):
            to_x, to_y, _ = places[other]
            start = x + (rank - (len(lower) - 1) / 2) * 1.1
            end = to_x + max(-3, min(3, (start - to_x) / 6))
            ends = (start, y - 1.5), (end, to_y + 1.6)
            arrow(ax, *ends, color, linewidth=1, mutation_scale=8)
    for name, (x, y, color) in places.items():
        box(ax, x, y, max(BOX, 0.66 * len(name)), 3, name, color, fontsize=8)
    save(figure)


if __name__ == "__main__":
    draw()
