"""A training in a process of its own, which is killed at random moments and begun again.

    python -m tests.killed --kills 20

The process is ended with SIGKILL, which nothing can delay: in the middle of a step, of a save, of
a line. It is begun again until it comes to its end, then another training begins. Each has to end
with the same bytes as one that nobody killed, and after every kill each file that can be seen has
to be whole. The result is printed as JSON, one entry for each kind of training.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

import tinynet as tn
from tinynet import layers
from tinynet.array_files import Apart, read_state, write_state
from tinynet.callbacks.backup import KIND
from tinynet.files import whole_or_not

RESULT = "result"
PATIENCE = 600  # seconds for a training that nobody kills, which takes one or two
# When the backup is made, and the ending of the model that another callback saves.
KINDS = [
    ("epoch", ".safetensors"),
    ("epoch", ".keras"),
    (7, ".safetensors"),
    (7, ".keras"),
    (1, ".h5"),
]


def train(folder: Path, freq: Any, ending: str) -> None:
    """Train, and write down everything that a later step would depend on."""
    tn.backend.clear_session()
    tn.utils.set_random_seed(5)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 8)).astype("f4")
    y = (x[:, :3].argmax(axis=1)).astype(int)
    model = tn.Sequential(
        [
            tn.Input((8,)),
            layers.Dense(16, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = [
        tn.callbacks.BackupAndRestore(folder / "backup", freq, double_checkpoint=freq == 7),
        tn.callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=0.05),
        tn.callbacks.EarlyStopping("val_loss", patience=6, restore_best_weights=True),
        tn.callbacks.CSVLogger(folder / "log.csv"),
        tn.callbacks.ModelCheckpoint(folder / f"last{ending}", save_freq=5),
    ]
    history = model.fit(
        x,
        y,
        batch_size=9,
        epochs=8,
        shuffle="every_epoch",
        validation_split=0.2,
        callbacks=callbacks,
        verbose=0,
    )
    result = {
        "weights": list(model.arrays.values()),
        "memory": list(model.optimizer.get_state().values()),
        "random": tn.random.global_state(),
        "positions": [each.seed_generator.state for each in model.layers if each.seed_generator],
        "history": {k: [float(each) for each in v] for k, v in history.history.items()},
        "log": (folder / "log.csv").read_text(),
        "last": tn.models.load_model(folder / f"last{ending}").get_weights(),
    }
    with whole_or_not(folder / RESULT) as file:
        write_state(file, "result", Apart(result))


def begin(folder: Path, freq: Any, ending: str) -> int:
    """Begin a training in a process of its own, and return its number."""
    number = os.fork()
    if number:
        return number
    try:
        train(folder, freq, ending)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def ends_within(number: int, seconds: float) -> bool:
    """Wait for a process, and kill it if it takes longer; return whether it came to its end."""
    signal.sigtimedwait([signal.SIGCHLD], seconds)
    os.kill(number, signal.SIGKILL)  # if it is over, nothing happens: it has not been waited for
    _, status = os.waitpid(number, 0)
    signal.sigtimedwait([signal.SIGCHLD], 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError("the training has failed; see above")
    return os.WIFEXITED(status)


def damaged(folder: Path, ending: str) -> int:
    """Return how many of the files that can be seen are not whole."""
    found = 0
    for path in (folder / f"last{ending}", *(folder / "backup").glob("[!.]*")):
        if path.exists():
            try:
                if path.parent == folder:
                    tn.models.load_model(path)
                else:
                    read_state(path, KIND)
            except (OSError, ValueError):
                found += 1
    return found


def torture(kills: int, freq: Any, ending: str, chance: random.Random) -> dict[str, Any]:
    """Kill trainings so many times; return what was seen."""
    seen = {"kills": 0, "in a save": 0, "ends": 0, "damaged": 0, "wrong": 0, "hangs": 0}
    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        undisturbed = Path(name, "undisturbed")
        undisturbed.mkdir()
        while not ends_within(begin(undisturbed, freq, ending), PATIENCE):
            pass
        seconds = time.perf_counter() - start
        expected = (undisturbed / RESULT).read_bytes()
        while seen["kills"] < kills:
            folder = Path(tempfile.mkdtemp(dir=name))
            while True:
                limit = chance.uniform(0, seconds) if seen["kills"] < kills else PATIENCE
                if ends_within(begin(folder, freq, ending), limit):
                    break
                if limit == PATIENCE:
                    seen["hangs"] += 1
                    break
                seen["kills"] += 1
                backups = list((folder / "backup").glob(".*"))
                seen["in a save"] += bool(backups or list(folder.glob(".last*")))
                seen["damaged"] += damaged(folder, ending)
                for each in folder.glob(".last*"):
                    each.unlink()  # so that the next kill in a save is seen, too
            result = folder / RESULT
            seen["ends"] += 1
            seen["wrong"] += not result.exists() or result.read_bytes() != expected
    return {"save_freq": freq, "format": ending, **seen}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="of each kind of training")
    parser.add_argument("--kinds", type=int, default=len(KINDS), help="how many of them")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    with tempfile.TemporaryDirectory() as name:
        train(Path(name), 7, ".keras")  # so that no process has to load machine code
    chance = random.Random(args.seed)
    print(json.dumps([torture(args.kills, *kind, chance) for kind in KINDS[: args.kinds]]))


if __name__ == "__main__":
    main()
