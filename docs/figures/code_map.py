"""Which part of tinynet imports which, on the floors of the house."""

import sys
from pathlib import Path

from drawing import BLUE, GREEN, GREY, ORANGE, VERMILION, arrow, box, canvas, save

sys.path.insert(0, str(Path(__file__).parents[1] / "_ext"))
import modules

COLOURS = (GREY, GREY, BLUE, BLUE, BLUE, GREEN, GREEN, ORANGE, ORANGE, VERMILION)
EVERYWHERE = {"config", "configurable"}  # almost every part imports them; not drawn
WIDTH, STEP = 102, 9.5


def reduced(graph):
    """Leave out every import that follows from others: a to c, where a imports b and b c."""

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
    figure, ax = canvas(WIDTH, height)
    places = {}
    for number, (floor, parts) in enumerate(modules.FLOORS.items()):
        y = height - STEP * (number + 0.5)
        if number:
            ax.axhline(y + STEP / 2, color="#dddddd", linewidth=0.8, zorder=0)
        ax.text(WIDTH - 1, y + STEP / 2 - 1, floor, ha="right", va="top", color=GREY, fontsize=10)
        for name, x in parts.items():
            places[name] = (x, y - 1, COLOURS[number])
    for name, lower in drawn_imports().items():
        x, y, colour = places[name]
        for rank, other in enumerate(sorted(lower, key=lambda each: places[each][0])):
            to_x, to_y, _ = places[other]
            start = x + (rank - (len(lower) - 1) / 2) * 2
            end = to_x + max(-5, min(5, (start - to_x) / 6))
            arrow(ax, (start, y - 1.7), (end, to_y + 1.8), colour, linewidth=1.2)
    for name, (x, y, colour) in places.items():
        box(ax, x, y, 13, 3.4, name, colour, fontsize=12)
    save(figure)


if __name__ == "__main__":
    draw()
