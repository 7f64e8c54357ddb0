"""Each exhibit of the museum is caught, or not, as the museum says; its tables are of this code."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import museum
from benchmarks.museum import EXHIBITS, RIGHT, Exhibit
from tinynet import layers

PAGE = (Path(__file__).parents[1] / "docs" / "museum.md").read_text(encoding="utf-8")
RECORD: dict[str, Any] = json.loads((museum.HERE / "museum.json").read_text(encoding="utf-8"))
each_exhibit = pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda each: each.name)


def section(exhibit: Exhibit) -> str:
    """Return what the page says about an exhibit, in one line."""
    found = [part for part in re.split(r"^### ", PAGE, flags=re.MULTILINE) if code(exhibit) in part]
    assert len(found) == 1
    return " ".join(found[0].partition("\n## ")[0].split())


def code(exhibit: Exhibit) -> str:
    return f":pyobject: {exhibit.name}\n"


@each_exhibit
def test_it_is_caught_by_the_gradient_check_or_not_as_the_museum_says(exhibit: Exhibit) -> None:
    assert museum.caught_by_gradcheck(exhibit) == RECORD["exhibits"][exhibit.name]["gradcheck"]


@each_exhibit
def test_it_computes_something_else_than_keras_or_not_as_the_museum_says(exhibit: Exhibit) -> None:
    assert museum.differs_from_keras(exhibit) == RECORD["exhibits"][exhibit.name]["keras"]


@pytest.mark.parametrize("part", RIGHT)
def test_the_right_pieces_are_caught_by_nobody(part: str) -> None:
    right = Exhibit(RIGHT[part], part, "dense")
    assert not museum.caught_by_gradcheck(right)
    assert not museum.differs_from_keras(right)


@each_exhibit
def test_the_page_says_what_was_measured(exhibit: Exhibit) -> None:
    found = RECORD["exhibits"][exhibit.name]
    right = RECORD["right"][exhibit.network]
    said = section(exhibit)
    assert f"{museum.line_of(found, right)}." in said
    assert f"**Who catches it:** {museum.who(found, right)}" in said
    assert "**The fix:**" in said
    assert re.search(r"\*[^*]+[?.]\* ````{admonition} Answer", said), "no hint"


def test_there_are_enough_and_each_is_known_by_its_name() -> None:
    assert len(EXHIBITS) == len({each.name for each in EXHIBITS}) == len(RECORD["exhibits"]) >= 15
    assert len(re.findall(r"^### \d+\. ", PAGE, flags=re.MULTILINE)) == len(EXHIBITS)
    caught = {museum.who(RECORD["exhibits"][e.name], RECORD["right"][e.network]) for e in EXHIBITS}
    assert "nobody" in caught and len(caught) > 4


def test_the_first_room_is_the_warning_that_the_page_says_it_is() -> None:
    room = museum.ROOMS["Gradients"]
    right, found = RECORD["right"]["dense"], RECORD["exhibits"]
    lost = {
        each.name: max(
            right[o]["reported"] - found[each.name][o]["reported"] for o in ("sgd", "adam")
        )
        for each in room
    }
    page = " ".join(PAGE.split())
    assert "Four of the seven cost less than 1.5 points" in page and "finds all seven" in page
    assert len(room) == 7 and sum(each < 0.015 for each in lost.values()) == 4
    assert all(found[each.name]["gradcheck"] for each in room)
    turned = found["SumForMean"]
    assert turned["sgd"]["reported"] < 0.15 and turned["adam"]["reported"] > 0.97
    better = found["BiasTurned"]["sgd"]["reported"] - right["sgd"]["reported"]
    assert better > 0 and "exhibit 1 is a little *better*" in page


def test_the_tables_are_of_this_code() -> None:
    """If this fails: make museum."""
    assert RECORD["digest"] == museum.digest(), "the code has changed since"
    assert (museum.HERE / "museum.md").read_text(encoding="utf-8") == museum.report(RECORD)
    for number in range(1, 1 + len(museum.ROOMS)):
        picture = (museum.HERE / f"museum_{number}.svg").read_text(encoding="utf-8")
        assert picture.startswith("<?xml") and len(picture) < 200_000


def test_a_patch_takes_the_place_of_the_right_piece() -> None:
    for each in EXHIBITS:
        if each.part == "data":
            continue
        assert issubclass(each.patch, RIGHT[each.part])
        pieces = {**RIGHT, each.part: each.patch}
        model = museum.model_of(each.network, pieces, "adam" if each.part == "adam" else "sgd")
        parts = [*model.layers, model.loss, model.optimizer]
        assert any(type(part) is each.patch for part in parts), each.name


def test_a_run_is_repeatable_and_a_leak_is_reported_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(museum, "EPOCHS", 2)
    leak = {**RIGHT, "data": museum.exhibits.tested_on_training}
    first, again = (museum.train("dense", leak, "adam", 0) for _ in range(2))
    assert first == again and len(first.reported) == 2
    x, y, *_ = museum.exhibits.repeated_then_split(*museum.digits())
    assert len(x) == len(y) == 2 * 1797 - museum.N_TEST
    assert len(np.unique(x, axis=0)) < len(x)


def test_who_catches_is_said_in_words() -> None:
    right = {name: {"reported": 0.9} for name in museum.OPTIMIZERS}
    found = {"sgd": {"reported": 0.3}, "adam": {"reported": 0.88}, "gradcheck": True}
    told = museum.who({**found, "keras": False}, right)
    assert told == "the gradient check, the curve (SGD)"
    assert museum.line_of(found, right) == "SGD 30.0 % (right: 90.0 %), Adam 88.0 % (right: 90.0 %)"
    hidden = {"adam": {"reported": 0.9}, "gradcheck": False, "keras": False}
    assert museum.who(hidden, right) == "nobody"


def test_the_sum_that_nobody_mends_is_the_running_one(kernel_form: str) -> None:
    """Batch norm's mean far from zero, bit for bit what a float32 sum from row to row gives."""
    x = (1000 + np.random.default_rng(0).random((20_000, 2))).astype("float32")
    total = np.add.accumulate(x, axis=0, dtype="float32")[-1]
    norm = layers.BatchNormalization(momentum=0.0)
    norm(x, training=True)
    assert np.array_equal(norm.state["moving_mean"], total / np.float32(20_000))
    assert np.all(np.abs(norm.state["moving_mean"] - x.mean(axis=0, dtype="f8")) > 0.05)
    assert "### And one that nobody mends" in PAGE
    single = layers.BatchNormalization(momentum=0.0)
    single(x[:, :1], training=True)
    assert np.allclose(single.state["moving_mean"], x[:, 0].mean(dtype="f8"), rtol=1e-7)
