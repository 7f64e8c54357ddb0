"""One seed gives the same bits: with any threads, in any process, beside others, after a reload.

`benchmarks/same_bits.py` does more of this, and measures what does change the bits.
"""

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from benchmarks import same_bits
from benchmarks.busy import others
from tinynet.kernels import team, threads

NAMES = list(same_bits.networks())


@pytest.fixture(scope="module")
def expected() -> same_bits.Results:
    """Train in this process, alone."""
    return {
        f"{name}/{key}": each
        for name in NAMES
        for key, each in same_bits.trained(name, seed=1).items()
    }


def check(found: same_bits.Results, expected: same_bits.Results, begin: str = "") -> None:
    assert found.keys() - {"code"} == {key for key in expected if key.startswith(begin)}
    for key, each in found.items():
        if key != "code":
            assert each.dtype == expected[key].dtype and each.tobytes() == expected[key].tobytes()


def named(name: str, found: same_bits.Results) -> same_bits.Results:
    return {f"{name}/{key}": each for key, each in found.items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", [1, 2, 4])
def test_threads(
    name: str, number: int, expected: same_bits.Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the second one helps whether that is faster or not."""
    monkeypatch.setattr(threads, "_chosen", False)
    monkeypatch.setattr(team.Watch, "wants_help", lambda self: bool(self.times_alone))
    threads.set_workers(number)
    check(named(name, same_bits.trained(name, seed=1)), expected, name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ending", [".safetensors", ".keras", ".h5"])
def test_a_reload_in_the_middle(name: str, ending: str, expected: same_bits.Results) -> None:
    check(named(name, same_bits.trained(name, seed=1, reload=ending)), expected, name)


def test_two_processes_at_once_beside_two_busy_ones(
    expected: same_bits.Results, tmp_path: Path
) -> None:
    with others(2):
        paths = [tmp_path / f"{number}.npz" for number in (1, 2)]
        both = [same_bits.begin(same_bits.Way(path.name), path, seed=1) for path in paths]
        for path, process in zip(paths, both, strict=True):
            found = same_bits.ended(path, process)
            assert found is not None
            check(found, expected)


def test_a_notebook(expected: same_bits.Results, tmp_path: Path) -> None:
    """In Jupyter's kernel, and under `python -m tinynet run`."""
    for path, process in zip(*same_bits.notebooks(tmp_path, seed=1), strict=True):
        found = same_bits.ended(path, process)
        assert found is not None and "kernels" in json.loads(str(found["code"]))
        check(found, expected)


def test_models_in_threads_of_one_program() -> None:
    """Predictions of models that are used at the same time are those of each alone."""
    models = [same_bits.made(name, seed=1)[:2] for name in NAMES * 2]
    alone = [model.predict(x, verbose=0) for model, x in models]
    found: list[np.ndarray | None] = [None] * len(models)

    def predict(number: int) -> None:
        model, x = models[number]
        for _ in range(3):
            found[number] = model.predict(x, verbose=0)

    workers = [threading.Thread(target=predict, args=(number,)) for number in range(len(models))]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert all(map(np.array_equal, alone, found))


def test_another_seed_gives_other_bits(expected: same_bits.Results) -> None:
    found = named("dense", same_bits.trained("dense", seed=2))
    for part in same_bits.PARTS[:2]:
        gap = same_bits.difference(found, expected, part)
        assert gap is not None and gap > 1e-3


def test_what_the_table_says_about_differences() -> None:
    ones = np.array([1.0, 2.0], "f4")
    first = {"dense/one step/a": ones, "dense/24 steps/a": np.array([0.0, 1.0], "f4")}
    other = {key: each.copy() for key, each in first.items()}
    assert same_bits.difference(other, first, "dense/") is None
    other["dense/one step/a"][0] = 1.5
    assert same_bits.difference(other, first, "dense/one step") == 0.25
    other["dense/24 steps/a"][0] = -0.0  # the same number, and another bit
    assert same_bits.difference(other, first, "dense/24 steps") == 0.0
    rows = same_bits.table(["what", "code"], {"on another": ["not on this processor"]})
    assert rows[-1] == "| on another | not on this processor |  |  |  |  |"
