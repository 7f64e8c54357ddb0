"""The picture of a model: its boxes, its arrows, where they are, and what draws it."""

import os
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tinynet import Input, Model, Sequential, diagram, layers
from tinynet.utils import plot_model


def branches() -> Model:
    """Two inputs, a layer called on both ways, a model within the model, an arrow past others."""
    a, b = Input((8,), name="a"), Input((6,), name="b")
    shared = layers.Dense(4, activation="relu", name="shared")
    one, other = shared(a), shared(layers.Dense(8, name="first")(b))
    inside = [Input((4,)), layers.Dense(5, name="in1"), layers.Dense(4, name="in2")]
    inner = Sequential(inside, name="inner")
    added = layers.Add(name="add")([inner(one), other])
    out = layers.Concatenate(name="both")([layers.Dense(1, name="last")(added), a])
    return Model([a, b], [out, added])


def stack() -> Sequential:
    return Sequential([Input((5,)), layers.Dense(3, activation="tanh", name="d"), layers.ReLU()])


def text(model: Any, folder: Path, **options: Any) -> str:
    plot_model(model, folder / "model.dot", **options)
    return (folder / "model.dot").read_text()


def arrows(model: Any, folder: Path, **options: Any) -> set[str]:
    """Return the arrows as "name -> name"."""
    found = text(model, folder, show_layer_names=True, **options)
    names = dict(re.findall(r'^  (\d+) \[label="([\w/]+) ', found, re.MULTILINE))
    pairs = re.findall(r"^  (\d+) -> (\d+);$", found, re.MULTILINE)
    assert len(pairs) == len(set(pairs))
    return {f"{names[a]} -> {names[b]}" for a, b in pairs}


AROUND = {
    "b -> first",
    "first -> shared",
    "a -> shared",
    "add -> last",
    "last -> both",
    "a -> both",
}


def test_arrows_of_a_graph(tmp_path: Path) -> None:
    inner = {"shared -> inner", "inner -> add", "shared -> add"}
    assert arrows(branches(), tmp_path) == AROUND | inner


def test_arrows_into_a_model_within_the_model(tmp_path: Path) -> None:
    inner = {"shared -> inner/in1", "inner/in1 -> inner/in2", "inner/in2 -> add", "shared -> add"}
    assert arrows(branches(), tmp_path, expand_nested=True) == AROUND | inner


def test_what_is_written_in_a_box(tmp_path: Path) -> None:
    says = {"show_shapes": True, "show_dtype": True, "show_trainable": True}
    model = stack()
    model.layers[0].trainable = False
    found = text(model, tmp_path, show_layer_activations=True, **says, rankdir="LR", dpi=50)
    lines = [
        "Dense",
        "activation: tanh",
        "in: (None, 5)",
        "out: (None, 3)",
        "type: float32",
        "does not learn",
    ]
    assert '0 [label="' + r"\n".join(lines) + '"]' in found
    assert "rankdir=LR, dpi=50" in found
    assert '1 [label="ReLU"]' in text(stack(), tmp_path)


@pytest.mark.parametrize("across", [False, True])
def test_nothing_overlaps(across: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    boxes: list[diagram.Box] = []
    monkeypatch.setattr(diagram, "dot_text", lambda given, *_: boxes.extend(given) or "")
    text(branches(), tmp_path, show_shapes=True)
    places, ways, (width, height) = diagram.layout(boxes, across)
    for i, p in enumerate(places):
        assert p.width / 2 <= p.x <= width - p.width / 2
        assert p.height / 2 <= p.y <= height - p.height / 2
        for q in places[:i]:
            beside = abs(p.x - q.x) >= (p.width + q.width) / 2
            assert beside or abs(p.y - q.y) >= (p.height + q.height) / 2
    for way in ways:  # no arrow crosses a box, apart from where it begins and ends
        for start, end in pairwise(way):
            for t in np.linspace(0.02, 0.98, 50):
                x, y = (1 - t) * np.array(start) + t * np.array(end)
                for p in places:
                    assert abs(x - p.x) > p.width / 2 - 1e-9 or abs(y - p.y) > p.height / 2 - 1e-9


def test_a_layer_that_is_called_on_its_own_output(tmp_path: Path) -> None:
    x = Input((3,), name="x")
    again = layers.Dense(3, name="again")
    plot_model(Model(x, again(again(x))), tmp_path / "circle.png", dpi=20)
    assert (tmp_path / "circle.png").stat().st_size > 0


def test_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no Graphviz
    for model in (stack(), branches()):
        assert plot_model(model, tmp_path / "model", show_shapes=True, dpi=40) is None
        with Image.open(tmp_path / "model.png") as picture:
            levels = np.asarray(picture.convert("L"))
        assert levels.max() == 255 and levels.min() < 80
        edge = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
        assert edge.min() == 255  # nothing is cut off


@pytest.mark.skipif(os.name == "nt", reason="a script as a stand-in for the program")
def test_graphviz_draws_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\necho "drawn as $1"\nexec /bin/cat\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    plot_model(stack(), tmp_path / "model.svg")
    assert (tmp_path / "model.svg").read_text() == f"drawn as -Tsvg\n{text(stack(), tmp_path)}"
    program.write_text("#!/bin/sh\necho 'no such format' >&2\nexit 1\n")
    with pytest.raises(RuntimeError, match=r"Graphviz cannot draw .*: no such format"):
        plot_model(stack(), tmp_path / "model.svg")


def test_what_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has not been built, so its shapes are not known"):
        plot_model(Sequential([layers.Dense(3)]), tmp_path / "model.png")
    with pytest.raises(ValueError, match="rankdir: expected 'TB' or 'LR', got 'BT'"):
        plot_model(stack(), tmp_path / "model.png", rankdir="BT")
    with pytest.raises(ValueError, match="show_shapes: expected True or False"):
        plot_model(stack(), tmp_path / "model.png", show_shapes="yes")
    assert list(tmp_path.iterdir()) == []
