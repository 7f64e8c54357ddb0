"""What the examples share keeps its promises."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tinynet import lessons
from tinynet.datasets import DatasetError, drawn_apparel, fashion_mnist


def begin(*options: object, **kwargs: Any) -> argparse.Namespace:
    """Begin as an example with these options would."""
    parser = lessons.options("An example.", "example", **kwargs)
    return lessons.begin(parser, [str(option) for option in options])


def test_every_example_has_these_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        begin("--help")
    said = capsys.readouterr().out
    for option in ("--epochs", "--seed", "--data", "--out", "--quick"):
        assert option in said


@pytest.mark.parametrize("wrong", [["--quikc"], ["--epoch", "3"], ["--epochs", "many"], ["xor"]])
def test_a_typo_is_an_error(
    wrong: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["example.py", *wrong])
    with pytest.raises(SystemExit) as ended:
        lessons.begin(lessons.options("An example.", "example"))
    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err
    with pytest.raises(SystemExit):
        begin(*wrong)


def test_in_a_notebook_other_words_are_those_of_the_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "_in_ipython", lambda: True)
    for words in (["-f", "kernel.json"], ["--f=/a/kernel.json"], ["--ip=127.0.0.1", "--stdin=9"]):
        argv = ["launcher.py", *words, "--quick", "--out", str(tmp_path)]
        monkeypatch.setattr(sys, "argv", argv)
        parser = lessons.options("An example.", "example")
        parser.add_argument("--float64", action="store_true")
        args = lessons.begin(parser)
        assert args.quick and args.out == tmp_path and not args.float64
    with pytest.raises(SystemExit):  # what is said in the notebook is no word of the kernel
        begin("--quikc")


def test_a_test_is_no_notebook() -> None:
    assert not lessons._in_ipython()


def test_quick_takes_drawn_garments_and_looks_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_search(*args: object) -> None:
        raise AssertionError("Fashion-MNIST was searched for")

    monkeypatch.setattr(fashion_mnist, "load_data", no_search)
    args = begin("--quick", "--out", tmp_path, "--data", tmp_path, epochs=100)
    assert args.epochs == 2
    name, (x_train, y_train), (x_test, y_test) = lessons.images(args)
    assert name == "drawn_apparel"
    assert x_train.shape[1:] == x_test.shape[1:] == (28, 28)
    assert len(x_train) == len(y_train) and len(x_test) == len(y_test)
    assert len(x_train) + len(x_test) <= 2000
    assert not {each.tobytes() for each in x_train} & {each.tobytes() for each in x_test}


@pytest.mark.parametrize(
    ("options", "epochs"),
    [([], 100), (["--epochs", 3], 3), (["--quick"], 2), (["--quick", "--epochs", 1], 1)],
)
def test_epochs(options: list[object], epochs: int, tmp_path: Path) -> None:
    assert begin(*options, "--out", tmp_path, epochs=100).epochs == epochs


def test_same_seed_same_draws(tmp_path: Path) -> None:
    draws = []
    for seed in (1, 1, 2):
        begin("--seed", seed, "--out", tmp_path)
        draws.append(np.random.random())
    assert draws[0] == draws[1] != draws[2]


def test_a_named_folder_without_data_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatasetError):
        lessons.images(begin("--out", tmp_path, "--data", tmp_path))
    monkeypatch.setenv("TINYNET_DATA", str(tmp_path))
    with pytest.raises(DatasetError):
        lessons.images(begin("--out", tmp_path))


def test_garments_are_drawn_where_nothing_was_named_and_nothing_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing_found(folder: object) -> None:
        raise DatasetError("nothing found, no network")

    monkeypatch.setattr(fashion_mnist, "load_data", nothing_found)
    monkeypatch.setattr(lessons, "drawn_apparel", lambda n, seed: drawn_apparel(20, seed))
    monkeypatch.delenv("TINYNET_DATA", raising=False)
    name, *_ = lessons.images(begin("--out", tmp_path))
    assert name == "drawn_apparel"
    said = capsys.readouterr().out
    assert "nothing found, no network" in said and "NOT FASHION-MNIST" in said


def test_the_report_counts_and_draws_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = begin("--out", tmp_path)
    x, y = drawn_apparel(20, seed=0)
    probabilities = np.eye(10)[y]
    assert lessons.report(args, x, y, probabilities) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["confusion_matrix.png"]  # no mistakes
    probabilities[:5] = np.eye(10)[(y[:5] + 1) % 10]
    assert lessons.report(args, x, y, probabilities) == 0.75
    assert (tmp_path / "misclassified.png").exists()
    assert len(plt.gcf().axes) == 5
    assert "Ankle boot" in capsys.readouterr().out
    plt.close("all")


def test_the_figure_that_is_kept_is_the_current_one(tmp_path: Path) -> None:
    args = begin("--out", tmp_path)
    for inches in (2, 1):
        plt.figure(figsize=(inches, 1))
        lessons.keep_figure(args, f"wide_{inches}")
    assert plt.imread(tmp_path / "wide_1.png").shape[:2] == (150, 150)
    assert plt.imread(tmp_path / "wide_2.png").shape[:2] == (150, 300)
    plt.close("all")


def test_results_stand_for_a_finished_run(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    args = begin("--out", out, "--seed", 3)
    assert list(out.iterdir()) == []
    lessons.keep_results(args, "digits", {"test_accuracy": 0.5})
    results = json.loads((out / "results.json").read_text())
    assert (results["data"], results["seed"], results["test_accuracy"]) == ("digits", 3, 0.5)
    assert {"tinynet", "numpy", "python"} <= results["versions"].keys()
    begin("--out", out)  # another run begins where one was finished
    assert list(out.iterdir()) == []
