"""Two processes with half of every batch each make the run that one makes with whole batches."""

import json
import os
import re
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


def start(out, *options, processes=1, path=()):
    """Run the example on drawn garments, in float64; return what it printed."""
    command = [sys.executable, str(EXAMPLE), "--quick", "--float64", "--out", str(out), *options]
    if processes > 1:
        assert LAUNCHER, f"no mpiexec.gforker of the package mpich beside {sys.executable}"
        command = [LAUNCHER, "-n", str(processes), *command]
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
            command, env=environment, stdout=file, stderr=file, start_new_session=True
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
    """Return the losses and accuracies of all epochs, and the last weights, of a run."""
    table = np.genfromtxt(out / "history.csv", delimiter=",", names=True, ndmin=1)
    model = tn.models.load_model(out / "model.safetensors")
    return {name: table[name] for name in table.dtype.names}, model.get_weights()


def alone(batch_size, epochs=2):
    """Train the same network with nothing but tinynet; return what `figures` does."""
    x, y = tn.datasets.drawn_apparel(1_800, seed=0)
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
    model.compile(tn.optimizers.Adam(0.001), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(
        x[:1_500],
        y[:1_500],
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


def assert_same_run(one, other):
    (history, weights), (other_history, other_weights) = one, other
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert np.max(np.abs(np.subtract(history[name], other_history[name]))) <= ALLOWED, name
    for ours, theirs in zip(weights, other_weights, strict=True):
        assert np.max(np.abs(ours - theirs)) <= ALLOWED


def test_two_processes_make_the_run_of_one(tmp_path, float64):
    tn.config.use_kernels("numpy")
    one, two = tmp_path / "one", tmp_path / "two"
    start(one)
    printed = start(two, "--compare", str(one), processes=2)
    expected = alone(batch_size=128)
    assert_same_run(figures(one), expected)
    assert_same_run(figures(two), expected)
    results = json.loads((two / "results.json").read_text(encoding="utf-8"))
    assert results["processes"] == 2
    assert results["largest_difference_between_ranks"] == 0.0
    differences = re.findall(r"^  (?:losses|weights) +(\S+)$", printed, flags=re.MULTILINE)
    assert len(differences) == 2 and max(map(float, differences)) <= ALLOWED


def test_uneven_halves(tmp_path, float64):
    """Of 109 images the ranks take 55 and 54, of the last batch of one image the second none."""
    tn.config.use_kernels("numpy")
    start(tmp_path / "two", "--batch-size", "109", "--epochs", "1", processes=2)
    assert 1_200 % 109 == 1
    assert_same_run(figures(tmp_path / "two"), alone(batch_size=109, epochs=1))


def test_nothing_to_compare_with(tmp_path):
    with pytest.raises(AssertionError, match="expected a folder with a finished run"):
        start(tmp_path / "one", "--compare", str(tmp_path / "nothing"))


def test_without_mpi4py_the_extra_is_named(tmp_path):
    (tmp_path / "mpi4py.py").write_text("raise ImportError('not installed')")
    with pytest.raises(AssertionError, match=r"MPI cannot be imported .*tinynet\[mpi\]"):
        start(tmp_path / "one", path=[tmp_path])
