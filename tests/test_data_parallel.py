"""Two processes with half of every batch each make the run that one makes with whole batches."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinynet as tn
from tinynet import layers

pytest.importorskip("mpi4py", reason="without mpi4py no processes train together: tinynet[mpi]")

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "data_parallel.py"
# MPICH's launcher for one machine. Unlike its mpiexec it listens to no network.
LAUNCHER = shutil.which("mpiexec.gforker", path=str(Path(sys.executable).parent))
ALLOWED = 1e-10


def start(out, *options, path=()):
    """Run the example on drawn garments, first in one process, then in two; return its log."""
    assert LAUNCHER, f"no mpiexec.gforker of the package mpich beside {sys.executable}"
    command = [sys.executable, str(EXAMPLE), "--quick", "--out", str(out)]
    command += ["--mpiexec", shlex.quote(LAUNCHER)]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([*map(str, path), str(ROOT)]),
        "MPLBACKEND": "Agg",
        "OPENBLAS_NUM_THREADS": "1",
        "TINYNET_KERNELS": "numpy",  # there is nothing to compile then
    }
    if sys.platform == "linux":  # shared memory alone, no ports
        environment |= {"MPIR_CVAR_CH4_NETMOD": "ofi", "FI_PROVIDER": "shm"}
    log = out.with_suffix(".log")
    with (
        log.open("w") as file,
        subprocess.Popen(
            [*command, *options], env=environment, stdout=file, stderr=file, start_new_session=True
        ) as process,
    ):
        try:
            code = process.wait(timeout=60)
        except BaseException:  # the launcher's children as well, who would wait for each other
            os.killpg(process.pid, signal.SIGKILL)
            raise
    printed = log.read_text(encoding="utf-8")
    assert code == 0, printed
    return printed


def figures(out):
    """Return what was found by one process and by two, and the last weights of the first run."""
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    weights = tn.models.load_model(out / "model.safetensors").get_weights()
    assert [run["processes"] for run in results["runs"]] == [1, 2]
    assert results["largest_difference_of_weights"] <= ALLOWED
    return results["runs"], weights


def alone(batch_size, epochs=2):
    """Train the same network with nothing but tinynet; return what `figures` does."""
    train, test = tn.lessons.QUICK["train"], tn.lessons.QUICK["test"]
    x, y = tn.datasets.drawn_apparel(train + test, seed=0)
    tn.utils.set_random_seed(0)
    model = tn.Sequential(
        [tn.Input((28, 28)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dropout(0.1)]
    )
    for units, dropped in ((256, 0.3), (128, 0.2), (64, 0.1)):
        model.add(layers.Dense(units, use_bias=False))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
        model.add(layers.Dropout(dropped))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(
        tn.optimizers.Adam(0.001), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = model.fit(
        x[:train],
        y[:train],
        batch_size=batch_size,
        epochs=epochs,
        validation_split=0.2,
        shuffle="every_epoch",
        callbacks=[
            tn.callbacks.EarlyStopping("val_accuracy", patience=15, restore_best_weights=True)
        ],
        verbose=0,
    ).history
    return history, model.get_weights()


def assert_same_runs(out, expected):
    """Both runs are the one that tinynet makes without any MPI."""
    runs, weights = figures(out)
    history, expected_weights = expected
    for run in runs:
        assert run["largest_difference_between_ranks"] == 0.0
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            gaps = np.abs(np.subtract(history[name], run["history"][name]))
            assert np.max(gaps) <= ALLOWED, (run["processes"], name)
    for ours, theirs in zip(weights, expected_weights, strict=True):
        assert np.max(np.abs(ours - theirs)) <= ALLOWED


def test_two_processes_make_the_run_of_one(tmp_path, float64):
    tn.config.use_kernels("numpy")
    printed = start(tmp_path / "runs")
    assert_same_runs(tmp_path / "runs", alone(batch_size=128))
    differences = re.findall(r"^  between .*: +(\S+)$", printed, flags=re.MULTILINE)
    assert len(differences) == 3 and max(map(float, differences)) <= ALLOWED


def test_uneven_halves(tmp_path, float64):
    """Of 479 images the ranks take 240 and 239, of the last batch of one image the second none."""
    tn.config.use_kernels("numpy")
    start(tmp_path / "runs", "--batch-size", "479", "--epochs", "1")
    assert tn.lessons.QUICK["train"] * 0.8 == 480
    assert_same_runs(tmp_path / "runs", alone(batch_size=479, epochs=1))


def test_a_launcher_of_another_mpi_is_noticed(tmp_path):
    """Each of its processes would be alone; as good as one that starts a single process."""
    broken = tmp_path / "launcher"
    broken.write_text(f'#!/bin/sh\nshift 2\nexec {shlex.quote(LAUNCHER)} -n 1 "$@"\n')
    broken.chmod(0o755)
    with pytest.raises(AssertionError, match="do not see one another"):
        start(tmp_path / "runs", "--epochs", "1", "--mpiexec", shlex.quote(str(broken)))


def test_without_mpi4py_the_extra_is_named(tmp_path):
    (tmp_path / "mpi4py.py").write_text("raise ImportError('not installed')")
    with pytest.raises(AssertionError, match=r"MPI cannot be used .*tinynet\[mpi\]"):
        start(tmp_path / "runs", path=[tmp_path])
