"""Where the time of a training step goes: by layer, and by kernel.

A part of race.py. Every call is timed from outside, which costs about a tenth of a microsecond per
call and adds a little to everything; the whole step is timed without it, too.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

import tinynet
from benchmarks.contenders import keras_script
from tinynet.kernels import KERNELS

STEPS = 200


class Stopwatch:
    """Adds up the seconds of the functions that it is wrapped around.

    If one function calls another of the same name, only the time of the outer one counts.
    """

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.seconds: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            if name in self.running:
                return function(*args, **kwargs)
            self.running.add(name)
            start = time.perf_counter()
            found = function(*args, **kwargs)
            self.seconds[name] += time.perf_counter() - start
            self.calls[name] += 1
            self.running.remove(name)
            return found

        return timed

    def a_step(self) -> dict[str, list[float]]:
        """Return the microseconds and the calls of one of STEPS steps, by name."""
        return {
            name: [1e6 * seconds / STEPS, self.calls[name] / STEPS]
            for name, seconds in self.seconds.items()
        }


def seconds_a_step(model: Any, images: np.ndarray, labels: np.ndarray, batch_size: int) -> float:
    """Train for STEPS steps; return the seconds of one."""
    start = time.perf_counter()
    model.fit(images, labels, batch_size, verbose=0)
    return (time.perf_counter() - start) / STEPS


def split(images: np.ndarray, labels: np.ndarray, batch_size: int) -> dict[str, Any]:
    """Return the microseconds of a step as a whole, of its parts, and of the kernels."""
    tinynet.utils.clear_session()  # so that layer names do not count on from an earlier model
    model = keras_script.compiled(tinynet)
    rows = np.arange(STEPS * batch_size) % len(images)
    job = images[rows], labels[rows], batch_size
    whole = min(seconds_a_step(model, *job) for _ in range(5))  # the first compiles

    parts = Stopwatch()
    model.run_eagerly = True  # in each step the same layers are called, not only in the first
    for layer in model.layers:
        layer.forward = parts.around(f"{layer.name}, forward", layer.forward)
        for way in ("backward", "backward_logits"):
            setattr(layer, way, parts.around(f"{layer.name}, backward", getattr(layer, way)))
    model.loss.value = parts.around("loss", model.loss.value)
    model.loss.gradient = parts.around("gradient of the loss", model.loss.gradient)
    model.optimizer.step = parts.around("optimizer", model.optimizer.step)
    model.figures.update = parts.around("metrics", model.figures.update)
    model.fit(*job, verbose=0)
    by_part = parts.a_step()  # what comes next calls the parts again
    kernels = Stopwatch()
    for kernel in KERNELS.values():
        if kernel._run is not None:
            kernel._run = kernels.around(kernel.name, kernel._run)
    model.fit(*job, verbose=0)
    return {
        "whole": 1e6 * whole,
        "parts": by_part,
        "kernels": kernels.a_step(),
    }


def as_markdown(found: dict[str, Any]) -> list[str]:
    """Return the split as the lines of two tables, the largest first."""
    whole = found["whole"]
    lines = [f"A step takes {whole:.0f} us in one thread.", ""]
    lines += ["| part | us | share |", "|---|---:|---:|"]
    for name, (us, _) in sorted(found["parts"].items(), key=lambda item: -item[1][0]):
        lines.append(f"| {name} | {us:.1f} | {us / whole:.1%} |")
    lines += ["", "| kernel | us | calls a step |", "|---|---:|---:|"]
    for name, (us, calls) in sorted(found["kernels"].items(), key=lambda item: -item[1][0]):
        lines.append(f"| {name} | {us:.1f} | {calls:g} |")
    return lines
