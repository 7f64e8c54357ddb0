"""What the table of benchmarks/trust_keras.py says about tinynet, as far as one process can."""

from pathlib import Path

import pytest

import tinynet

pytest.importorskip("resource", reason="this system has no limit for files")
from benchmarks import trust_keras

NAMED = "OSError, with the name of the file"


def test_files(tmp_path: Path) -> None:
    found = {}
    for work in (trust_keras.saving, trust_keras.checkpoint, trust_keras.backup_cut_off):
        folder = tmp_path / work.__name__
        folder.mkdir()
        found[work.__name__] = work(tinynet, folder)
    assert found == {
        "saving": f"{NAMED}; the old model is there",
        "checkpoint": f"{NAMED}; the model in memory can be saved elsewhere and goes on",
        "backup_cut_off": "ValueError, with the name of the file",
    }


def test_a_file_that_is_lost_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a library does it that writes into the old file."""

    def save(model: tinynet.Sequential, path: Path) -> None:
        path.write_bytes(bytes(100_000))

    monkeypatch.setattr(tinynet.Sequential, "save", save)
    said = trust_keras.saving(tinynet, tmp_path)
    assert said == "OSError, without the name of the file; half a file, the old model is lost"


@pytest.mark.parametrize("name", trust_keras.BAD)
def test_bad_input(name: str) -> None:
    expected = "TypeError" if name == "text as inputs" else "ValueError"
    assert trust_keras.bad_input(tinynet, name) == expected


def test_numbers(tmp_path: Path) -> None:
    assert trust_keras.mean_of_many(tinynet) == "off by 0e+00"
    assert trust_keras.count_of_many(tinynet) == "100 of 100 are counted"
    said = trust_keras.batch_norm_far_away(tinynet)
    assert said == "mean off by 0.42, variance 3.1 times the right one"
    said = trust_keras.not_a_number(tinynet, tmp_path)
    assert "Likely cause: dense_1/kernel has grown" in said
