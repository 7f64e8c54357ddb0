"""A model as a picture: a box for every layer, and an arrow for every tensor between two of them.

A layer stands below all those it gets something from; layers at one depth stand side by side. An
arrow that passes a depth gets a place there, like a box, so that it does not cross one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from tinynet.checks import flag, number
from tinynet.files import whole_or_not, write_atomically

SIZE = 9  # of the letters, in points
LINE, MARGIN, GAP = 0.2, 0.1, 0.35  # inches: a line's height, around text, between boxes
TITLE, EDGE = "#30363d", "#57606a"


class Box(NamedTuple):
    """A layer: its name, what is said about it, and the boxes that it gets something from."""

    title: str
    lines: list[str]
    sources: list[int]


class Place(NamedTuple):
    """A rectangle, in inches: its center, its width and its height."""

    x: float
    y: float
    width: float
    height: float


def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Any:
    """Draw a model into a file: a box for each layer, an arrow for each tensor.

    Graphviz draws if its program ``dot`` is on the machine, otherwise matplotlib.

    Parameters
    ----------
    model : Sequential or Model
    to_file : path
        Ends in the kind of picture: ``.png``, ``.pdf``, ``.svg``; or ``.dot`` for the text that
        Graphviz reads.
    show_shapes : bool
        Whether to write the shapes of what goes in and what comes out, with None for the batch.
    show_dtype : bool
        Whether to write the type of what comes out.
    show_layer_names : bool
        Whether to write the layer's name beside its class.
    rankdir : {"TB", "LR"}
        Whether the way through the model is from top to bottom or from left to right.
    expand_nested : bool
        Whether the layers of a model within the model are drawn, rather than one box.
    dpi : float
        Dots per inch.
    show_layer_activations : bool
        Whether to write the activation.
    show_trainable : bool
        Whether to write if a layer with weights learns.
    splines : str
        How Graphviz draws arrows.

    Returns
    -------
    IPython.display.Image or None
        In a notebook, what shows the picture.

    Raises
    ------
    ValueError
        If the model has not been built; if `rankdir` is another.
    ImportError
        If neither Graphviz nor matplotlib is installed.
    RuntimeError
        If Graphviz fails.

    Notes
    -----
    Follows keras/src/utils/model_visualization.py.
    """
    if not model.built:
        raise ValueError(
            f"model: {model.name} has not been built, so its shapes are not known; begin it with "
            f"Input, or call model.build((None, ...)) first"
        )
    if rankdir not in ("TB", "LR"):
        raise ValueError(f"rankdir: expected 'TB' or 'LR', got {rankdir!r}")
    says = {
        "names": flag("show_layer_names", show_layer_names),
        "activations": flag("show_layer_activations", show_layer_activations),
        "shapes": flag("show_shapes", show_shapes),
        "dtype": flag("show_dtype", show_dtype),
        "trainable": flag("show_trainable", show_trainable),
    }
    number("dpi", dpi, above=0)
    path = Path(to_file)
    path = path if path.suffix else path.with_suffix(".png")
    boxes: list[Box] = []
    _collect(model, flag("expand_nested", expand_nested), says, boxes)
    text = dot_text(boxes, rankdir, dpi, splines)
    if path.suffix == ".dot":
        write_atomically(path, text)
    elif program := shutil.which("dot"):
        drawn = subprocess.run(
            [program, f"-T{path.suffix[1:]}"], input=text.encode(), capture_output=True, check=False
        )
        if drawn.returncode:
            raise RuntimeError(f"Graphviz cannot draw {path}: {drawn.stderr.decode().strip()}")
        write_atomically(path, drawn.stdout)
    else:
        figure = drawing(boxes, across=rankdir == "LR")
        with whole_or_not(path) as file:
            figure.savefig(file, format=path.suffix[1:], dpi=dpi)
    if "ipykernel" in sys.modules and path.suffix in (".png", ".jpg", ".jpeg"):
        display: Any = import_module("IPython.display")  # there, since the kernel is
        return display.Image(filename=os.fspath(path))
    return None


def _collect(
    model: Any,
    expand: bool,
    says: dict[str, bool],
    boxes: list[Box],
    given: Sequence[tuple[list[int], Any]] = (),
    path: str = "",
) -> list[int]:
    """Append the boxes of a model's layers.

    `given` has for each input the boxes that it comes from, and its shape. Returns the number of
    the box that makes each output.
    """
    shapes = dict(zip(model.layers, model.layer_shapes(), strict=True))
    wires = getattr(model, "wires", None)
    outside = given or [([], shape) for shape in _as_list(model.input_shape)]
    if wires is None:  # a stack is a graph whose layers follow each other
        steps = [(layer, [i], [i + 1]) for i, layer in enumerate(model.layers)]
        wanted = [len(model.layers)]
        made = {0: outside[0]}
    else:
        steps = [(wire.layer, wire.takes, wire.gives) for wire in wires]
        wanted = model.wanted
        made = {}
        for i, (layer, source) in enumerate(zip(model.begins, outside, strict=True)):
            boxes.append(Box(*_told(layer, says, path, [source[1]], shapes[layer]), source[0]))
            made[i] = [len(boxes) - 1], source[1]
    place_of: dict[Any, int] = {}
    for layer, takes, gives in steps:
        sources = [place for i in takes for place in made[i][0]]
        given_shapes = [made[i][1] for i in takes]
        if expand and hasattr(layer, "layers"):
            inner = [made[i] for i in takes]
            places = _collect(layer, expand, says, boxes, inner, f"{path}{layer.name}/")
        elif layer in place_of:  # called again: more arrows to the same box
            places = [place_of[layer]] * len(gives)
            boxes[places[0]].sources.extend(sources)
        else:
            told = _told(layer, says, path, given_shapes, shapes[layer])
            boxes.append(Box(*told, sources))
            place_of[layer] = len(boxes) - 1
            places = [len(boxes) - 1] * len(gives)
        for i, place, shape in zip(gives, places, _as_list(shapes[layer]), strict=True):
            made[i] = [place], shape
    return [place for i in wanted for place in made[i][0]]


def _as_list(shape: Any) -> list[Any]:
    return shape if isinstance(shape, list) else [shape]


def _told(
    layer: Any, says: dict[str, bool], path: str, given: list[Any], made: Any
) -> tuple[str, list[str]]:
    """Return the title and the lines of a box."""
    kind = type(layer).__name__
    title = f"{path}{layer.name} ({kind})" if says["names"] or path else kind
    lines = []
    activation = getattr(layer, "activation", None)
    if says["activations"] and activation is not None:
        lines.append(f"activation: {getattr(activation, 'name', activation)}")
    if says["shapes"]:
        if kind != "InputLayer":
            lines.append(f"in: {', '.join(map(str, given))}")
        lines.append(f"out: {', '.join(map(str, _as_list(made)))}")
    if says["dtype"]:
        lines.append(f"type: {layer.dtype}")
    if says["trainable"] and layer.weights:
        lines.append("learns" if layer.trainable else "does not learn")
    return title, lines


def dot_text(boxes: Sequence[Box], rankdir: str, dpi: float, splines: str) -> str:
    """Return the boxes and arrows in the language of Graphviz."""
    lines = [
        "digraph {",
        f"  graph [rankdir={rankdir}, dpi={dpi:g}, splines={splines}];",
        '  node [shape=box, fontname="Helvetica"];',
    ]
    for i, box in enumerate(boxes):
        label = "\\n".join([box.title, *box.lines]).replace('"', '\\"')
        lines.append(f'  {i} [label="{label}"];')
    for i, box in enumerate(boxes):
        lines += [f"  {source} -> {i};" for source in dict.fromkeys(box.sources)]
    return "\n".join([*lines, "}", ""])


def drawing(boxes: Sequence[Box], across: bool) -> Any:
    """Return a matplotlib figure of the boxes, from top to bottom or across."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.patches import FancyArrowPatch, Rectangle
        from matplotlib.path import Path as Line
    except ImportError:
        raise ImportError(
            "a model is drawn by Graphviz or by matplotlib: pip install 'tinynet[plots]'"
        ) from None
    places, arrows, (width, height) = layout(boxes, across)
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    for points in arrows:
        axes.add_patch(
            FancyArrowPatch(
                path=Line(points), arrowstyle="-|>", mutation_scale=9, color=EDGE, shrinkA=0,
                shrinkB=0,
            )
        )  # fmt: skip
    for box, place in zip(boxes, places, strict=True):
        left, top = place.x - place.width / 2, place.y - place.height / 2
        head = LINE + MARGIN
        whole = Rectangle(
            (left, top), place.width, place.height, facecolor="white", edgecolor=TITLE
        )
        axes.add_patch(whole)
        axes.add_patch(Rectangle((left, top), place.width, head, color=TITLE))
        for number_of_line, line in enumerate([box.title, *box.lines]):
            y = (
                top + head / 2
                if number_of_line == 0
                else top + head + (number_of_line - 0.4) * LINE
            )
            color = "white" if number_of_line == 0 else "black"
            axes.text(place.x, y, line, size=SIZE, color=color, ha="center", va="center")
    return figure


def layout(
    boxes: Sequence[Box], across: bool
) -> tuple[list[Place], list[list[tuple[float, float]]], tuple[float, float]]:
    """Return the boxes' places, the points of every arrow, and the size of all, in inches."""
    depth = _depths(boxes)
    sizes = [_size(box) for box in boxes]
    # An item is a box, or (from, to, depth): where an arrow passes a depth.
    rows: list[list[Any]] = [[] for _ in range(max(depth) + 1)]
    for i in range(len(boxes)):
        rows[depth[i]].append(i)
    ways: dict[tuple[int, int], list[Any]] = {}
    for i, box in enumerate(boxes):
        for source in dict.fromkeys(box.sources):
            passed = [(source, i, at) for at in range(depth[source] + 1, depth[i])]
            for each in passed:
                rows[each[2]].append(each)
            ways[source, i] = [source, *passed, i]
    beside: dict[Any, list[Any]] = {}
    for way in ways.values():
        for first, second in pairwise(way):
            beside.setdefault(first, []).append(second)
            beside.setdefault(second, []).append(first)

    def extent(item: Any) -> tuple[float, float]:
        """Return an item's size across the way, and along it."""
        width, height = sizes[item] if isinstance(item, int) else (0.1, 0.1)
        return (height, width) if across else (width, height)

    at: dict[Any, tuple[float, float]] = {}  # across the way, along it
    deep = [max(extent(item)[1] for item in row) for row in rows]
    lengths = [sum(extent(item)[0] + GAP for item in row) - GAP for row in rows]
    for _ in range(3):  # first by what is above, then by what is below, too
        along = GAP
        for row, depth_of_row, length in zip(rows, deep, lengths, strict=True):
            row.sort(key=lambda item: _mean([at[e][0] for e in beside.get(item, []) if e in at]))
            side = GAP + (max(lengths) - length) / 2
            for item in row:
                at[item] = side + extent(item)[0] / 2, along + depth_of_row / 2
                side += extent(item)[0] + GAP
            along += depth_of_row + GAP

    def point(sideways: float, forward: float) -> tuple[float, float]:
        return (forward, sideways) if across else (sideways, forward)

    places = [Place(*point(*at[i]), *sizes[i]) for i in range(len(boxes))]
    arrows = []
    for (source, target), way in ways.items():
        points = [(at[source][0], at[source][1] + extent(source)[1] / 2)]
        for item in way[1:-1]:  # straight past the boxes at this depth
            sideways, forward = at[item]
            half = deep[item[2]] / 2
            points += [(sideways, forward - half), (sideways, forward + half)]
        points.append((at[target][0], at[target][1] - extent(target)[1] / 2))
        arrows.append([point(*each) for each in points])
    return places, arrows, point(max(lengths) + 2 * GAP, along)


def _depths(boxes: Sequence[Box]) -> list[int]:
    """Return how many boxes there are at most before each, on a way from an input.

    A layer called on what it has made itself closes a circle; the arrow that does so is left out.
    """
    depths: dict[int, int] = {}

    def depth(i: int, on_the_way: tuple[int, ...]) -> int:
        if i not in depths:
            way = (*on_the_way, i)
            before = [depth(each, way) for each in boxes[i].sources if each not in way]
            depths[i] = 1 + max(before, default=-1)
        return depths[i]

    return [depth(i, ()) for i in range(len(boxes))]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _size(box: Box) -> tuple[float, float]:
    """Return the width and the height that the text needs."""
    from matplotlib.textpath import TextPath

    texts = [TextPath((0, 0), line, size=SIZE) for line in (box.title, *box.lines)]
    width = max(text.get_extents().width for text in texts) / 72
    return width + 3 * MARGIN, (1 + len(box.lines)) * LINE + MARGIN * (2 if box.lines else 1)
