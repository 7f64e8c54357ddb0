"""Mutants: what the rules change, and what they leave alone."""

import ast

from tests.mutation_map import ROOT
from tests.mutation_rules import mutants_of

SOURCE = b'''"""Says 1 + 1."""
from __future__ import annotations

LIMIT: Literal[1] = 2


@kernel(3)
def clip(x: Array[4], high: int = 5, *, low=-6) -> Array[7]:
    """Says 1 < 2."""
    if x < high and not low:
        raise ValueError(f"{x + 1} is more than 8")
    x += min(
        x,
        low,
    )
    warnings.warn("more than " + str(9))
    self.seen = "word"
    return x


class Clip:
    rate = 10

    def __repr__(self):
        return self.rate + 11

    def get(self):
        return [each for each in self.all() if each in self.some]
'''


def test_rules() -> None:
    found = sorted((each.line, each.new_line) for each in mutants_of("clip.py", SOURCE))
    assert found == [
        (4, "LIMIT: Literal[1] = 3"),
        (8, "def clip(x: Array[4], high: int = 5, *, low=-7) -> Array[7]:"),
        (8, "def clip(x: Array[4], high: int = 5, *, low=6) -> Array[7]:"),
        (8, "def clip(x: Array[4], high: int = 6, *, low=-6) -> Array[7]:"),
        (10, "if (not (x < high and (not low))):"),
        (10, "if (x < high or not low):"),
        (10, "if (x <= high) and not low:"),
        (10, "if x < high and low:"),
        (11, "pass"),
        (12, "pass"),
        (12, "x += max("),
        (12, "x -= min(x, low)"),
        (17, "pass"),
        (18, "return None"),
        (22, "rate = 11"),
        (28, "return None"),
        (28, "return [each for each in self.all() if (each not in self.some)]"),
        (28, "return [each for each in self.any() if each in self.some]"),
    ]


def test_a_mutant_differs_in_its_statement_alone() -> None:
    lines = SOURCE.splitlines()
    for mutant in mutants_of("clip.py", SOURCE):
        changed = mutant.apply(SOURCE)
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(SOURCE))
        assert len(changed.splitlines()) == len(lines)
        for number, (old, new) in enumerate(zip(lines, changed.splitlines(), strict=True), 1):
            assert old == new or mutant.line <= number <= mutant.line + 3


def test_a_mutant_knows_its_function() -> None:
    found = {each.line: (each.function, each.first_line) for each in mutants_of("", SOURCE)}
    assert found[4] == found[22] == ("", 0)
    assert found[8] == found[12] == ("clip", 7)
    assert found[28] == ("Clip.get", 27)
    inside = {each.line in each.body for each in mutants_of("", SOURCE) if each.line == 8}
    assert inside == {False}


def test_every_mutant_of_a_file_can_be_compiled() -> None:
    path = ROOT / "tinynet" / "layers" / "dense.py"
    mutants = mutants_of("dense.py", path.read_bytes())
    assert len({each.key for each in mutants}) == len(mutants) > 20
    for mutant in mutants:
        compile(mutant.apply(path.read_bytes()), "dense.py", "exec")
