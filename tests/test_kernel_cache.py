"""Compiled kernels are kept on disk, whatever other processes and the disk do meanwhile."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

fcntl = pytest.importorskip("fcntl", reason="without flock, as on Windows, Numba's own guard acts")
numba = pytest.importorskip("numba", reason="without Numba nothing is compiled")

from numba.core.caching import FunctionCache  # noqa: E402

from tinynet.kernels import compiled, linear  # noqa: E402

ADD = """
import sys
import numpy as np
from tinynet.kernels import linear
for dtype in sys.argv[1:]:
    z = np.zeros((2, 3), dtype)
    linear.bias_add(np.arange(3).astype(dtype), z)
    assert z.tolist() == [[0, 1, 2], [0, 1, 2]], z
stats = linear.bias_add._run.stats
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


STEPS = """
import sys
import numpy as np
import tinynet
from numba.core.ccallback import CFunc
compiled = []
compile = CFunc._compile_uncached
CFunc._compile_uncached = lambda self: compiled.append(self.__name__) or compile(self)
for floatx in sys.argv[1:]:
    tinynet.utils.set_random_seed(1)
    tinynet.config.set_floatx(floatx)
    layers = [tinynet.layers.Dense(units, activation="relu") for units in (8, 4, 3)]
    model = tinynet.Sequential([tinynet.Input((5,)), *layers])
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(9, 5))
    model.fit(x, x[:, :3], batch_size=4, epochs=2, verbose=0)
    print(*model.predict(x, verbose=0).ravel())
print(len(compiled), len(set(compiled)))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make an empty folder Numba's cache, here and in processes that are started."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    numba.core.config.reload_config()
    yield tmp_path
    monkeypatch.undo()
    numba.core.config.reload_config()


def start(*dtypes: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ADD, *dtypes],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def hits_and_misses(process: subprocess.Popen[str]) -> list[int]:
    said, errors = process.communicate()
    assert process.returncode == 0, errors
    return [int(number) for number in said.split()]


def added(form: Any) -> Counter[str]:
    """Call a compiled form once; return what Numba says about its cache."""
    z = np.zeros((2, 3))
    form(np.arange(3.0), z)
    np.testing.assert_array_equal(z, [[0, 1, 2], [0, 1, 2]])
    stats = form.stats
    return Counter(hits=sum(stats.cache_hits.values()), misses=sum(stats.cache_misses.values()))


def test_processes_that_start_at_once_leave_a_cache_that_all_can_use(folder: Path) -> None:
    first = [start(dtype) for dtype in ("float32", "float64", "float32", "float64")]
    for process in first:
        assert sum(hits_and_misses(process)) == 1
    assert hits_and_misses(start("float32", "float64")) == [2, 0]


def test_code_is_written_while_nobody_else_writes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def save(self: FunctionCache, sig: Any, data: Any) -> None:
        lock = Path(self.cache_path, "tinynet.lock")
        with lock.open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        seen.append(sig)

    monkeypatch.setattr(FunctionCache, "save_overload", save)
    added(compiled.compile_loops(linear.bias_add.loops_form))
    assert len(seen) == 1


def test_a_damaged_file_is_compiled_again(folder: Path) -> None:
    assert added(compiled.compile_loops(linear.bias_add.loops_form))["misses"] == 1
    assert added(compiled.compile_loops(linear.bias_add.loops_form))["hits"] == 1
    for path in folder.rglob("*.nb?"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert added(compiled.compile_loops(linear.bias_add.loops_form))["misses"] == 1
    assert added(compiled.compile_loops(linear.bias_add.loops_form))["hits"] == 1


def test_a_full_disk_does_not_stop_the_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: FunctionCache, sig: Any, data: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FunctionCache, "save_overload", full)
    assert added(compiled.compile_loops(linear.bias_add.loops_form))["misses"] == 1


def test_where_nothing_can_be_written_every_process_compiles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])
    form = compiled.compile_loops(linear.bias_add.loops_form)
    added(form)
    assert not form.stats.cache_path


@pytest.mark.parametrize("watched", [True, False])
def test_a_terminal_is_told_once_what_takes_so_long(
    watched: bool,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(compiled, "_said_so", False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: watched)
    for _ in range(2):
        compiled.SharedCache(linear.bias_add.loops_form).flush()
        added(compiled.compile_loops(linear.bias_add.loops_form))
    said = capsys.readouterr().err
    assert said.count("compiles its kernels") == int(watched)


def test_the_entries_of_a_step_are_kept_and_are_not_mixed_up(folder: Path) -> None:
    def run(*floats: str) -> list[str]:
        command = [sys.executable, "-c", STEPS, *floats]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split(
            "\n"
        )

    single, counted, *_ = run("float32")
    number, different = map(int, counted.split())
    assert number == different > 8
    double, counted, *_ = run("float64")
    # Now the machine code of one process meets that of another in a third.
    assert run("float32", "float64")[:3] == [single, double, "0 0"]
