"""Ctrl-C at random moments: the model is as after a whole number of steps, and goes on from there.

    python -m tests.ctrl_c --moments 50

A process trains; another one sends it SIGINT, the signal of Ctrl-C, after a random time. What the
model then is, to the bit, is compared with a training of as many steps that nobody has
interrupted, now and after eight more steps. Prints JSON, one entry for each kind of training.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

import tinynet as tn
from tinynet import Sequential, config, layers
from tinynet.callbacks import LambdaCallback

ROOT = Path(__file__).parents[1]
PATIENCE = 120  # seconds for one training
STEPS = 8  # in an epoch
rng = np.random.default_rng(0)
X = rng.normal(size=(64, 8, 8, 1)).astype("float32")
Y = (X[:, 0, 0, 0] > 0).astype(int)

# Lines that are repeated, in both forms; layers that are called; with callbacks; from a generator.
KINDS = ["repeated", "repeated, NumPy", "eager", "eager, NumPy", "a callback", "a generator", "cnn"]


def network(kind: str) -> Sequential:
    config.use_kernels("numpy" if kind.endswith("NumPy") else "numba")
    tn.utils.clear_session()
    tn.utils.set_random_seed(0)
    body: list[layers.Layer] = [layers.Flatten(), layers.Dense(16, activation="relu")]
    if kind == "cnn":
        body = [layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(), layers.Flatten()]
    body += [layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(2, "softmax")]
    model = Sequential([tn.Input((8, 8, 1)), *body])
    optimizer = tn.optimizers.Adam(0.001, use_ema=True, ema_momentum=0.9)
    eager = kind.startswith("eager")
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=eager
    )
    return model


def batches() -> Iterator[Any]:
    while True:
        for at in range(0, 64, 8):
            yield X[at : at + 8], Y[at : at + 8]


def train(model: Sequential, kind: str, steps: int) -> None:
    """Train for so many steps, in one call of `fit` or two."""
    more: dict[str, Any] = {"verbose": 0}
    if kind == "a callback":
        more["callbacks"] = [LambdaCallback(on_train_batch_end=lambda batch, logs: None)]
    epochs, rest = divmod(steps, STEPS)
    for number, each in ((epochs, STEPS), (1, rest)):
        if number and each:
            if kind == "a generator":
                model.fit(batches(), epochs=number, steps_per_epoch=each, **more)
            else:
                model.fit(X, Y, 8, number, shuffle=False, steps_per_epoch=each, **more)


def state(model: Sequential) -> list[Any]:
    """Return all that a step depends on; at the end of `fit` averages take the weights' place."""
    drawn = [list(each.seed_generator.state) for each in model.layers if each.seed_generator]
    arrays = [*model.arrays.values(), *model.optimizer.get_state().values()]
    return [drawn, *(np.asarray(each).tobytes() for each in arrays)]


def child(kind: str, moments: int) -> None:
    """Be interrupted so often, and say after each time whether all was right."""
    # What a shell starts in the background has it ignored, and what that starts, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    train(network(kind), kind, 2 * STEPS)  # what is compiled only once is compiled here
    for _ in range(moments):
        signal.alarm(PATIENCE)  # ends a process that hangs
        model = network(kind)
        try:
            print("go", flush=True)
            train(model, kind, 10**9)
        except KeyboardInterrupt:
            pass
        steps = int(model.optimizer.iterations)
        other = network(kind)
        right = same(model, other, kind, steps)
        print(json.dumps({"steps": steps, "right": right}), flush=True)


def same(model: Sequential, other: Sequential, kind: str, steps: int) -> bool:
    """Return whether a model is as after so many steps, and goes on in the same way."""
    stop = StopsAt(steps)
    if steps:
        with suppress(StopError):
            other.fit(X, Y, 8, 10**9, shuffle=False, verbose=0, callbacks=[stop])
    if steps and state(model) != state(other):
        return False
    for each in (model, other):
        train(each, kind, STEPS)
    return state(model) == state(other)


class StopError(Exception):
    """So many steps have been made."""


class StopsAt(tn.callbacks.Callback):
    """Leave `fit` after so many steps, without what it does at its end."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if int(self.model.optimizer.iterations) == self.steps:
            raise StopError


def interrupt(kind: str, moments: int, chance: random.Random) -> dict[str, Any]:
    """Interrupt trainings of a kind; return what was seen."""
    seen = {"kind": kind, "interrupts": 0, "wrong": 0, "crashes": 0, "hangs": 0}
    command = [sys.executable, "-m", "tests.ctrl_c", "--child", kind, "--moments", str(moments)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "go\n":
                time.sleep(chance.uniform(0, 0.05))
                process.send_signal(signal.SIGINT)
            else:
                seen["interrupts"] += 1
                seen["wrong"] += not json.loads(line)["right"]
    code = process.returncode
    seen["hangs" if code == -signal.SIGALRM else "crashes"] += code != 0
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50, help="of each kind of training")
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", help="only for the process that trains")
    args = parser.parse_args()
    if args.child:
        child(args.child, args.moments)
        return
    chance = random.Random(args.seed)
    print(json.dumps([interrupt(kind, args.moments, chance) for kind in args.kinds]))


if __name__ == "__main__":
    main()
