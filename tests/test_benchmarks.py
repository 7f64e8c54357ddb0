"""What is timed is what is tested: the benchmark's network is the one that parity_tests check."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest

import tinynet
from benchmarks import accuracy, busy, frames, moments, overhead, report, seeds, split
from benchmarks.contenders import keras_script, products
from benchmarks.stopwatch import Stopwatch
from parity_tests import r0
from tinynet.callbacks.base import CallbackList


def unnamed(model: tinynet.Sequential) -> list[dict[str, Any]]:
    """Return what the layers are made of, without their names."""
    configs = [layer.get_config() for layer in model.layers]
    for config in configs:
        del config["name"]
    return configs


def test_the_timed_network_is_the_compared_one() -> None:
    timed, compared = keras_script.compiled(tinynet), r0.network(tinynet)
    assert [type(a) for a in timed.layers] == [type(b) for b in compared.layers]
    assert unnamed(timed) == unnamed(compared)
    assert timed.sample_shape == compared.sample_shape


def test_an_epoch_is_timed_for_every_epoch() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28)).astype("uint8")
    seconds = keras_script.train(tinynet, images, np.arange(20) % 10, batch_size=8, epochs=3)
    assert len(seconds) == 3 and all(each > 0 for each in seconds)


def test_the_products_of_a_cnn_are_those_of_its_layers() -> None:
    """As many operations as the layers' own weights and places say."""
    model = keras_script.compiled(tinynet, "cnn")
    kernels = [w.shape for w in model.get_weights() if w.ndim > 1]
    made = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products.np.random, "default_rng", lambda seed: Recorder(made))
        products.of_cnn_step(2)
    assert made[1::3] == [(math.prod(shape[:-1]), shape[-1]) for shape in kernels]
    rows = [math.prod(shape[:-1]) for shape in model.shapes_behind((28, 28)) if len(shape) > 2]
    assert made[0][0] == 2 * rows[2] and made[3][0] == 2 * rows[4]


class Recorder:
    """Stands for a random generator, and notes the shapes that are asked for."""

    def __init__(self, made: list[tuple[int, ...]]) -> None:
        self.made = made

    def random(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        self.made.append(shape)
        return np.zeros(shape, dtype)


def test_ratios_are_taken_round_by_round() -> None:
    def runs(*seconds: float) -> list[dict[str, float]]:
        return [{"epoch": each} for each in seconds]

    found = {
        "tinynet, all threads": runs(1, 2, 4),
        "Keras, slow": runs(30, 30, 30),
        "Keras, fast": runs(3, 4, 20),
    }
    assert report.ratios(found, "Keras, fast", "epoch") == [3, 2, 5]
    assert report.best(found, "Keras", "epoch") == "Keras, fast"
    assert report.best(found, "JAX", "epoch") is None
    printed = report.table(found, [("epoch", "s", ".1f")])
    assert printed[-1] == "| Keras, fast | 4.0 (3.0 to 20.0) | 3.00 (2.00 to 5.00) |"
    cnn = {"batch": 64, "runs": {"tinynet": runs(2), "JAX": runs(1)}}
    assert report.in_short({"training": {"32": found}, "cnn": cnn}) == [
        "| an epoch / tinynet's | dense, batch 32 | CNN, batch 64 |",
        "|---|---:|---:|",
        "| Keras | 3.0 |  |",
        "| JAX |  | 0.5 |",
    ]


@pytest.fixture
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(split, "ROUNDS", 2)
    monkeypatch.setattr(split, "WARM", 1)


@pytest.mark.usefixtures("few_rounds")
@pytest.mark.parametrize(("network", "products"), [("ann", 11), ("cnn", 14)])
def test_every_line_of_a_step_has_a_kind(network: str, products: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (16, 28, 28)).astype("uint8")
    found = split.split(network, 8, images, np.arange(16) % 10)
    assert found["lines"].keys() == found["kinds"].keys() <= split.KINDS.keys()
    assert found["lines"][split.PRODUCTS] == products and found["lines"]["Adam"] > 1
    assert min(found["whole"], found["products alone"], found["kinds"][split.PRODUCTS]) > 0
    tinynet.utils.clear_session()
    step = keras_script.compiled(tinynet, network).step(8)
    assert sum(found["lines"].values()) == len(step.lines)


@pytest.mark.usefixtures("few_rounds")
def test_a_step_that_is_timed_learns_from_the_images_it_is_given() -> None:
    images = np.random.default_rng(0).integers(0, 256, (16, 28, 28)).astype("uint8")
    job = split.written("ann", 4, images, np.arange(16) % 10)
    order, place = (job.step.known[name] for name in ("order", "place"))
    order[2:6], place[...] = (3, 2, 1, 12), 2
    job.step.run()
    assert np.array_equal(job.step.known["x"], images[[3, 2, 1, 12]])
    assert np.array_equal(job.step.known["y"], [3, 2, 1, 2])


def test_functions_are_timed_one_by_one() -> None:
    called = []
    times = split.seconds([lambda: called.append(1), lambda: sum(range(200_000))])
    assert called == [1] and 0 <= times[0] < times[1]
    assert split.medians([[9.0, 9.0]] * split.WARM + [[1.0, 5.0], [2.0, 4.0], [3.0, 9.0]]) == [
        2e6,
        5e6,
    ]


PARTS = {
    "dense, batch 32": {
        "whole": 200.0,
        "products alone": 80.0,
        "kinds": {"matrix products": 90.0, "Adam": 60.4, "other lines of Python": 40.0},
    },
    "CNN, batch 64": {
        "whole": 3000.0,
        "products alone": 1000.0,
        "kinds": {"matrix products": 1000.0, "pooling": 2000.4},
    },
}


def test_what_a_step_takes_besides_its_lines_is_what_remains() -> None:
    assert split.as_markdown(PARTS)[2:] == [
        "| matrix products | 90, 45% | 1,000, 33% |",
        "| pooling |  | 2,000, 67% |",
        "| Adam | 60, 30% |  |",
        "| other lines of Python | 40, 20% |  |",
        "| between the lines | 10, 5% | 0, 0% |",
        "| the whole step | 200, 100% | 3,000, 100% |",
        "| its products alone | 80, 40% | 1,000, 33% |",
    ]


def test_a_bar_is_as_long_as_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    monkeypatch.setattr(plt, "close", drawn.append)
    split.draw(PARTS, tmp_path / "step.png")
    monkeypatch.undo()
    ends = [0.0, 0.0]
    for bar in drawn[0].axes[0].patches:
        row = round(bar.get_y() + bar.get_height() / 2)
        assert bar.get_x() == pytest.approx(ends[row])
        ends[row] += bar.get_width()
    assert ends == pytest.approx([200 / 80, 3000.4 / 1000])
    assert (tmp_path / "step.png").stat().st_size > 0
    plt.close(drawn[0])


def test_what_other_programs_cost_is_told_in_short() -> None:
    found = {
        ("dense", "alone", "as installed"): [1.0, 3.0, 2.0],
        ("dense", "alone", "one thread"): [2.0, 3.0, 4.0],
        ("dense", "beside others", "as installed"): [5.0, 5.0, 5.0],
        ("dense", "beside others", "one thread"): [9.0, 5.0, 7.0],
    }
    assert busy.in_short(found) == [
        "| s an epoch | as installed | one thread |",
        "|---|---:|---:|",
        "| dense, alone | 2.00 | 3.00 |",
        "| dense, beside others | 5.00 | 7.00 |",
    ]


def test_what_is_called_from_within_is_not_counted_twice() -> None:
    watch = Stopwatch()
    inner = watch.around("backward", lambda x: x + 1)
    outer = watch.around("backward", lambda x: 2 * inner(x))
    assert outer(3) == 8 and watch.calls == {"backward": 1}
    assert inner(3) == 4 and watch.calls == {"backward": 2}


def test_the_moments_of_a_run_are_sorted_by_their_length() -> None:
    found = [(10.0, 2.0, 3.0), (100.0, 20.0, 30.0), (1.0, 1.0, 1.0)]
    lines = list(moments.rows(32, 2, found))
    assert lines[0] == "| 32 | 2 | a step | 3 | 15 | 150 |"
    assert lines[2] == "| 32 | 2 | optimizer | 1 | 2 | 20 |"


def test_the_share_of_callbacks_is_found_and_nothing_stays_watched() -> None:
    images = np.random.default_rng(0).integers(0, 256, (16, 28, 28)).astype("uint8")
    tell = CallbackList.tell
    found = overhead.shares(images, np.arange(16) % 10, batch_size=8)
    assert list(found) == list(overhead.KINDS) and all(0 < share < 1 for share in found.values())
    assert CallbackList.tell is tell


def test_the_functions_that_a_step_enters_are_counted() -> None:
    first, later = frames.steps("dense")
    assert [first, later] == frames.steps("dense")
    assert first[0] == later[0] == ("training.py", "Trainer.train_step")
    assert later.count(("layers/dense.py", "Dense.forward")) == 2
    assert len(later) < len(first) and not any("<" in name.split(".")[-1] for _, name in first)


def test_a_file_changes_where_the_next_call_is_in_another_one() -> None:
    assert frames.calls(tinynet.config.floatx) == [("config.py", "floatx")]
    assert frames.calls(lambda: [len(x) for x in ("a", "b")]) == []
    seen = [("a.py", "f"), ("a.py", "g"), ("b.py", "h"), ("a.py", "f")]
    assert frames.changes(seen) == 2
    frames_before, changes_before = frames.BEFORE["dense", "later"]
    rows = frames.table({"dense": [seen, seen * (frames_before // 4)]})[2:]
    assert rows[0] == "| dense | first | 4 | 146 | 0.03 | 2 | 85 | 0.02 |"
    share = f"{frames_before} | {frames_before} | 1.00, not reached"
    assert share in rows[1] and f"{frames_before // 2} | {changes_before}" in rows[1]
    assert frames.files({"dense": [[], seen]})[2:] == [
        "| dense | `a.py` | 3 |",
        "| dense | `b.py` | 1 |",
    ]


def a_run(example: str, **results: Any) -> dict[str, Any]:
    script = accuracy.digest(example)
    return {"data": "fashion_mnist", "machine": "a machine", "script": script, **results}


def test_comments_and_docstrings_are_no_other_script(examples: Path) -> None:
    one = examples / "one.py"
    code = "def f(x):\n    return x + '# 1'\n\nclass A:\n    b = 2\n"
    told = (
        '"""What it\ndoes."""\n# More.\n\ndef f(x):  # a function\n    """Do it."""\n'
        "    # Why.\n    return x + '# 1'  # so\n\nclass A:\n    'Hold b.'\n\n    b = 2\n"
    )
    digests = []
    for text in (code, told, code.replace("# 1", "# 2"), told.replace("b = 2", "b = 3")):
        one.write_text(text)
        digests.append(accuracy.digest("one"))
    assert digests[0] == digests[1] and len(set(digests)) == 3


def figures(test_accuracy: float, seconds: float = 10) -> dict[str, Any]:
    return {
        "test_accuracy": test_accuracy,
        "validation_accuracy": 0.9,
        "epochs": 3,
        "seconds": seconds,
    }


@pytest.fixture
def examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give accuracy.py a folder with examples of its own."""
    monkeypatch.setattr(accuracy, "ROOT", tmp_path)
    monkeypatch.setattr(accuracy, "HERE", tmp_path)
    (tmp_path / "examples").mkdir()
    for name in ("one", "three", "drawn", "fashion_mnist_ann"):
        (tmp_path / "examples" / f"{name}.py").write_text(f"print({name!r})")
    return tmp_path / "examples"


def test_accuracies_stand_beside_their_bars(examples: Path) -> None:
    reached = (0.899, 0.904, 0.906)
    record = {
        "one": {str(i): a_run("one", **figures(r, 1000 * i)) for i, r in enumerate(reached)},
        "three": {
            "0": a_run("three", models={"A": figures(0.8), "B": figures(0.7)}),
            "1": a_run("one", models={"A": figures(0.1), "B": figures(0.1)}),  # another script
            "2": a_run("three", models={"A": figures(0.9), "B": figures(0.8)}),
        },
        "drawn": {"1": a_run("drawn", **{**figures(0.99), "data": "drawn_apparel"})},
    }
    systems = [
        accuracy.System("One", "one", bar=0.903),
        accuracy.System("A of three", "three", "A"),
        accuracy.System("B of three", "three", "B", bar=0.8),
        accuracy.System("C of three", "three", "C", bar=0.8),
        accuracy.System("Drawn", "drawn", bar=0.5),
        accuracy.System("Not there", "not_there"),
    ]
    assert list(accuracy.lines(systems, [0, 1, 2], record))[2:] == [
        "| One | `one.py` | 90.3% | 90.30% | 89.90% to 90.60% | 1,000 |",
        "| A of three | `three.py` |  | 85.00% | 80.00% to 90.00%; no run with seed 1 | 10 |",
        "| B of three | `three.py` | 80.0% | 75.00%, not reached | 70.00% to 80.00%; "
        "no run with seed 1 | 10 |",
        "| C of three | `three.py` | 80.0% | missing | no run with seed 0, 1, 2 |  |",
        "| Drawn | `drawn.py` | 50.0% | missing | no run with seed 0, 1, 2 |  |",
        "| Not there | `not_there.py` |  | missing | no run with seed 0, 1, 2 |  |",
    ]


def test_runs_in_the_record_are_not_made_again(
    examples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        begun.append(command[1:])
        out = Path(command[-1])
        (out / "results.json").write_text(json.dumps({"data": "fashion_mnist", **figures(0.9)}))
        return subprocess.CompletedProcess(command, returncode=3 if "seed_2" in str(out) else 0)

    monkeypatch.setattr(subprocess, "run", run)
    record = {"one": {"0": a_run("one", **figures(0.9)), "1": a_run("three", **figures(0.9))}}
    systems = [accuracy.System("R0", "one"), accuracy.System("?", "not_there")]
    runs = examples.parent / "runs"
    said = set(accuracy.train([*systems, *systems], [0, 1, 2], runs, record, jobs=2))
    out = runs / "one"
    script = str(examples / "one.py")
    assert sorted(begun) == [[script, "--seed", s, "--out", str(out / f"seed_{s}")] for s in "12"]
    assert said == {
        "one, seed 1: done",
        f"one, seed 2: ended with an error, see {out / 'seed_2' / 'log.txt'}",
    }
    assert accuracy.recorded(record, "one", 1) and not accuracy.recorded(record, "one", 2)
    (examples / "one.py").write_text("print('another script')")
    assert not accuracy.recorded(record, "one", 0)


def test_accuracies_are_printed_and_written(
    examples: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = {"fashion_mnist_ann": {"0": a_run("fashion_mnist_ann", **figures(0.91))}}
    (examples.parent / "accuracy.json").write_text(json.dumps(record))
    options = ["accuracy", "--no-train", "--seeds", "0", "--only", "R0"]
    monkeypatch.setattr(sys, "argv", options)
    accuracy.main()
    written = (examples.parent / "accuracy.md").read_text()
    assert "| 90.0% | 91.00% | 91.00% to 91.00% | 10 |" in written and "a machine" in written
    assert written.count("missing") == len(accuracy.SYSTEMS) - 1
    printed = capsys.readouterr().out
    assert "| R0, the full ANN |" in printed and "missing" not in printed


def test_runs_of_seeds_are_listed_with_their_mean() -> None:
    common = {"data": "fashion_mnist"}
    plain = [{**common, "seed": seed, **figures(0.9 + seed / 100)} for seed in (0, 1)]
    lines = list(seeds.table(plain))
    assert len(lines) == 4 and lines[1].split()[:4] == ["0", "90.00%", "90.00%", "3"]
    assert lines[-1] == "mean  90.50%  (from 90.00% to 91.00%)"
    several = [{**common, "seed": 0, "models": {"A": figures(0.5), "B": figures(0.6)}}]
    lines = list(seeds.table(several))
    assert lines[0] == "A:" and lines[4] == "B:" and lines[-1].startswith("mean  60.00%")
