"""Every example runs in seconds with --quick; what they share keeps its promises."""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tinynet.datasets import DatasetError, drawn_apparel, fashion_mnist

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted(
    each for each in (ROOT / "examples").glob("*.py") if not each.stem.startswith("lesson")
)
NO_FIGURES = {"data_parallel"}
OPTIONS = ("--epochs", "--seed", "--data", "--out", "--quick")


def run(example: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run an example as a person would, but where no data set can be found."""
    environment = {
        **os.environ,
        "MPLBACKEND": "Agg",
        "PYTHONWARNINGS": "default",
        "PYTHONPATH": str(ROOT),
        "TINYNET_DATA": os.devnull,  # --quick must not even look
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.run(
        [sys.executable, str(example), *options], env=environment, capture_output=True, text=True
    )


def load(path: Path) -> ModuleType:
    """Import a file that is in no package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


lesson: Any = load(ROOT / "examples" / "lesson.py")


def begin(monkeypatch: pytest.MonkeyPatch, *options: object, **kwargs: Any) -> argparse.Namespace:
    """Begin as an example with these options on its command line would."""
    monkeypatch.setattr(sys, "argv", ["example.py", *map(str, options)])
    return lesson.begin(lesson.options("An example.", "example", **kwargs))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_in_seconds(example: Path, tmp_path: Path) -> None:
    done = run(example, "--quick", "--seed", "1", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["seed"] == 1 and results["data"] not in ("", "fashion_mnist")
    if results["data"] == "drawn_apparel":
        assert done.stdout.count("NOT FASHION-MNIST") == 2  # at the start and at the end
    assert list(tmp_path.glob("*.png")) or example.stem in NO_FIGURES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_tells_its_options(example: Path) -> None:
    done = run(example, "--help")
    assert done.returncode == 0, done.stderr
    assert [option for option in OPTIONS if option not in done.stdout] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_shown_and_listed(example: Path) -> None:
    assert example.stem in load(ROOT / "docs" / "_ext" / "lessons.py").ORDER
    assert f"(examples/{example.name})" in (ROOT / "README.md").read_text()
    assert f"python examples/{example.name} " in example.read_text()


def test_quick_takes_drawn_garments_and_looks_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_search(*args: object) -> None:
        raise AssertionError("Fashion-MNIST was searched for")

    monkeypatch.setattr(fashion_mnist, "load_data", no_search)
    args = begin(monkeypatch, "--quick", "--out", tmp_path, "--data", tmp_path, epochs=100)
    assert args.epochs == 2
    name, (x_train, y_train), (x_test, y_test) = lesson.images(args)
    assert name == "drawn_apparel"
    assert x_train.shape[1:] == x_test.shape[1:] == (28, 28)
    assert len(x_train) == len(y_train) and len(x_test) == len(y_test)
    assert len(x_train) + len(x_test) <= 2000
    assert not {each.tobytes() for each in x_train} & {each.tobytes() for each in x_test}


@pytest.mark.parametrize(
    ("options", "epochs"),
    [([], 100), (["--epochs", 3], 3), (["--quick"], 2), (["--quick", "--epochs", 1], 1)],
)
def test_epochs(
    options: list[object], epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert begin(monkeypatch, *options, "--out", tmp_path, epochs=100).epochs == epochs


def test_same_seed_same_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = []
    for seed in (1, 1, 2):
        begin(monkeypatch, "--seed", seed, "--out", tmp_path)
        draws.append(np.random.random())
    assert draws[0] == draws[1] != draws[2]


def test_a_named_folder_without_data_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    args = begin(monkeypatch, "--out", tmp_path, "--data", tmp_path)
    with pytest.raises(DatasetError):
        lesson.images(args)
    args = begin(monkeypatch, "--out", tmp_path)
    monkeypatch.setenv("TINYNET_DATA", str(tmp_path))
    with pytest.raises(DatasetError):
        lesson.images(args)


def test_garments_are_drawn_where_nothing_was_named_and_nothing_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing_found(folder: object) -> None:
        raise DatasetError("nothing found, no network")

    monkeypatch.setattr(fashion_mnist, "load_data", nothing_found)
    monkeypatch.setattr(lesson, "drawn_apparel", lambda n, seed: drawn_apparel(20, seed))
    monkeypatch.delenv("TINYNET_DATA", raising=False)
    name, *_ = lesson.images(begin(monkeypatch, "--out", tmp_path))
    assert name == "drawn_apparel"
    said = capsys.readouterr().out
    assert "nothing found, no network" in said and "NOT FASHION-MNIST" in said


def test_results_stand_for_a_finished_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "new" / "folder"
    args = begin(monkeypatch, "--out", out, "--seed", 3)
    assert list(out.iterdir()) == []
    lesson.keep_results(args, "digits", {"test_accuracy": 0.5})
    results = json.loads((out / "results.json").read_text())
    assert (results["data"], results["seed"], results["test_accuracy"]) == ("digits", 3, 0.5)
    assert {"tinynet", "numpy", "python"} <= results["versions"].keys()
    begin(monkeypatch, "--out", out)  # another run begins where one was finished
    assert list(out.iterdir()) == []
