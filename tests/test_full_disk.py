"""A disk that is full during a training: an error names the file, and the model loses nothing.

The disk is real: there is a limit for the size of a file (RLIMIT_FSIZE), at which a write fails
in the middle.
"""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinynet import Input, Sequential, layers, utils
from tinynet.callbacks import BackupAndRestore, Callback, CSVLogger, ModelCheckpoint, TensorBoard
from tinynet.models import load_model
from tinynet.optimizers import Adam

trust_keras = pytest.importorskip(  # which imports the module resource
    "benchmarks.trust_keras", reason="this system has no limit for files"
)

rng = np.random.default_rng(0)
X = rng.normal(size=(24, 30)).astype("float32")
Y = (X[:, 0] > 0).astype(int)
STEPS = 4  # in an epoch


def network() -> Sequential:
    utils.clear_session()
    utils.set_random_seed(0)
    body = [layers.Dense(40, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.2)]
    found = Sequential([Input((30,)), *body, layers.Dense(2, activation="softmax")])
    found.compile(Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return found


def train(model: Sequential, first: int, last: int, callbacks: Any = (), **more: Any) -> None:
    model.fit(
        X,
        Y,
        batch_size=6,
        initial_epoch=first,
        epochs=last,
        shuffle=False,
        verbose=0,
        callbacks=list(callbacks),
        **more,
    )


def state(model: Sequential) -> list[Any]:
    drawn = [list(each.seed_generator.state) for each in model.layers if each.seed_generator]
    arrays = [*model.arrays.values(), *model.optimizer.get_state().values()]
    return [drawn, *(np.asarray(each).tobytes() for each in arrays)]


CASES: dict[str, tuple[str, int, int, Callable[[Path], Callback]]] = {
    # what fails: the file, the size at which the disk is full, the steps made until then
    **{
        f"ModelCheckpoint {ending}": (
            f"model{ending}",
            5000,
            STEPS,
            lambda folder, ending=ending: ModelCheckpoint(folder / f"model{ending}"),
        )
        for ending in (".safetensors", ".keras", ".h5", ".weights.h5")
    },
    "ModelCheckpoint after a step": (
        "model.keras",
        5000,
        3,
        lambda folder: ModelCheckpoint(folder / "model.keras", save_freq=3),
    ),
    "BackupAndRestore": ("backup", 5000, STEPS, lambda folder: BackupAndRestore(folder / "backup")),
    "BackupAndRestore after a step": (
        "backup",
        5000,
        0,
        lambda folder: BackupAndRestore(folder / "backup", save_freq=1),
    ),
    "CSVLogger": ("log.csv", 100, 2 * STEPS, lambda folder: CSVLogger(folder / "log.csv")),
    "TensorBoard": ("scalars.csv", 60, STEPS, lambda folder: TensorBoard(folder / "board")),
}


@pytest.mark.parametrize("case", CASES)
def test_a_full_disk_during_a_training(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """(With `capsys` what a callback prints goes to no file.)"""
    name, size, steps, callback = CASES[case]
    model = network()
    with trust_keras.full_at(size), pytest.raises(OSError, match=name) as caught:
        train(model, 0, 4, [callback(tmp_path)])
    assert caught.value.errno == errno.EFBIG
    made = int(model.optimizer.iterations)
    assert made >= steps  # another thread writes a backup: the next step may have begun
    assert "writes" not in case or made == steps
    for path in tmp_path.rglob("*.*"):
        assert path.is_dir() or path.name in ("log.csv", "scalars.csv"), path  # with whole lines
    undisturbed = network()
    epochs, rest = divmod(made, STEPS)
    if epochs:
        train(undisturbed, 0, epochs)
    if rest:
        train(undisturbed, epochs, epochs + 1, steps_per_epoch=rest)
    assert state(model) == state(undisturbed)
    other = tmp_path / "elsewhere.safetensors"
    model.save(other)
    again = load_model(other)
    for each in (model, again, undisturbed):
        train(each, 0, 2)
    assert state(model) == state(again) == state(undisturbed)
