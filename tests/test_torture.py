"""The programs of `make torture`, in short, and that they see what is wrong."""

import random
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import ctrl_c, fuzz, torture
from tests.test_files import WRITERS


def board(tmp_path: Path, loaders: int) -> Path:
    path = tmp_path / "board"
    path.write_bytes(bytes(8 * loaders * len(fuzz.FIELDS)))
    return path


def counts(path: Path) -> np.ndarray:
    return np.fromfile(path, np.int64).reshape(-1, len(fuzz.FIELDS))


def test_files_that_are_changed_at_random(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [*fuzz.models(), *fuzz.others()]
    path = board(tmp_path, len(names))
    fuzz.work(0, 5 * len(names), path)
    found = counts(path)
    assert not found[:, 3].any(), capsys.readouterr().err
    assert (found[:, 1] + found[:, 2] == 5).all() and found[:, 2].sum() > 2 * len(names)


def raise_another_error(path: Path) -> None:
    raise KeyError(path.name)


def raise_without_a_name(path: Path) -> None:
    raise ValueError("wrong")


def take_memory(path: Path) -> None:
    bytes(5_000_000)


def import_something(path: Path) -> None:
    sys.modules["never_heard_of"] = random  # as an import leaves it


@pytest.mark.parametrize(
    ("read", "complaint"),
    [
        (raise_another_error, "KeyError"),
        (raise_without_a_name, "without the name"),
        (take_memory, "bytes of memory"),
        (import_something, "imported never_heard_of"),
    ],
)
def test_what_a_loader_must_not_do_is_seen(
    read: Any,
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def only_bad(path: Path) -> None:
        if path.read_bytes() == b"other":
            read(path)

    loader = fuzz.Loader(b"honest", ".x", lambda content, chance: b"other", only_bad)
    monkeypatch.setattr(fuzz, "models", lambda: {"bad": loader})
    monkeypatch.setattr(fuzz, "others", dict)
    path = board(tmp_path, 1)
    try:
        fuzz.work(0, 1, path)
    finally:
        sys.modules.pop("never_heard_of", None)
    assert counts(path)[0, 3] == 1
    assert complaint in capsys.readouterr().err


def test_files_that_are_led_by_what_a_loader_runs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("atheris", reason="there is no atheris for this system")
    names = [*fuzz.models(), *fuzz.others()]
    path = board(tmp_path, len(names))
    for name in (".npz", "JSON"):
        place = names.index(name)
        command = ["-m", "tests.fuzz_guided", "--board", str(path), "--place", str(place)]
        seen = np.memmap(path, np.int64, "r", shape=(len(names), len(fuzz.FIELDS)))
        assert fuzz.watched([*command, "--inputs", "30"], seen) == 0
        found = counts(path)[place]
        assert not found[3], capfd.readouterr().err
        assert found[1] + found[2] == 30 and found[1] and found[2]
    assert sum(each[1] for each in counts(path)) < 60


READER = """
import argparse, os, signal
import numpy as np
parser = argparse.ArgumentParser()
for name, kind in (("--board", str), ("--first", int), ("--inputs", int)):
    parser.add_argument(name, type=kind)
args = parser.parse_args()
counts = np.memmap(args.board, np.int64, "r+").reshape(-1, 5)
for number in range(args.first, args.first + args.inputs):
    counts[number % len(counts), 0] = number + 1
    if number == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    if number == 6:
        signal.pause()
    counts[number % len(counts), 1] += 1
"""


def test_crashes_and_hangs_are_counted_and_the_next_input_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzz, "PATIENCE", 5)
    reader = tmp_path / "reader.py"
    reader.write_text(READER)
    found = fuzz.fuzz(10, 0, (str(reader),))
    assert [each["crashes"] for each in found[:8]] == [0, 0, 0, 1, 0, 0, 0, 0]
    assert [each["hangs"] for each in found[:8]] == [0, 0, 0, 0, 0, 0, 1, 0]
    assert sum(each["read"] for each in found) == 8


def test_ctrl_c_from_another_process() -> None:
    found = ctrl_c.interrupt("eager", 2, random.Random(0))
    assert found == {"kind": "eager", "interrupts": 2, "wrong": 0, "crashes": 0, "hangs": 0}


def test_a_model_that_is_half_a_step_further_is_seen() -> None:
    for disturb in (False, True):
        model, other = ctrl_c.network("eager"), ctrl_c.network("eager")
        ctrl_c.train(model, "eager", 8)
        steps = int(model.optimizer.iterations)
        model = ctrl_c.network("eager")
        stop = ctrl_c.StopsAt(steps)
        with pytest.raises(ctrl_c.StopError):
            model.fit(ctrl_c.X, ctrl_c.Y, 8, 9, shuffle=False, verbose=0, callbacks=[stop])
        next(iter(model.params.values()))[...] += 1e-6 * disturb
        assert ctrl_c.same(model, other, "eager", steps) is not disturb


def test_whatever_is_wrong_makes_make_torture_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {"wrong": 1, "lost": 0}
    rows = [torture.Row(1, "kills", 3, "kills"), torture.Row(3, "files", 5, "inputs", **bad)]
    monkeypatch.setattr(torture, "PARTS", {"kills": lambda share: rows})
    monkeypatch.setattr(sys, "argv", ["torture", "--share", "0.5"])
    with pytest.raises(SystemExit) as left:
        torture.main()
    assert left.value.code == 1
    rows[1] = rows[1]._replace(wrong=0)
    torture.main()
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith("At full length at most")
    assert said[-2].split()[:3] == ["all", "8", "0"]


def test_what_the_page_says_about_its_length() -> None:
    page = (torture.ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    said = " ".join(page.split())
    assert f"{torture.KILLS} kills" in said
    assert len(WRITERS) == 12 and "writing twelve kinds of files" in said
    assert len(fuzz.models()) == 2 * 3 and 3 + len(fuzz.others()) == 10
    assert f"{torture.INPUTS:,} inputs to ten loaders" in said
    assert f"{torture.GUIDED:,} more to each" in said
    assert f"{torture.MOMENTS:,} interruptions" in said and torture.EXAMPLES == 100
    for work, times in torture.GROWTH.items():
        assert f"{times:,} {work}" in said
    files = {each.name for each in (torture.ROOT / "tests").glob("*.py")}
    assert set(re.findall(r"`(\w+\.py)`", page)) <= files
    assert set(torture.AT_LENGTH) <= files
    cells = re.findall(r"\| ([^|]*) \|$", page, re.MULTILINE)
    assert {*re.findall(r"`(\w+)`", " ".join(cells))} == set(torture.PARTS)
