"""Checks of training itself, on copies: the size of a step, and a few samples learned by heart."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tinynet.arrays import Array
from tinynet.data import Dataset
from tinynet.diagnosis.findings import Finding, verdict
from tinynet.diagnosis.network import constant_loss, lowest_loss
from tinynet.diagnosis.samples import class_labels
from tinynet.models import Sequential
from tinynet.optimizers import Adam, Optimizer

FEW = 20  # samples that any network should be able to learn by heart
STEPS, PART = 300, 25  # most steps for that, and after how many it is looked at
LEARNED = 0.1  # share of the loss that may be left
STEP_SIZE, STEP_COUNT = 32, 10  # batches that the size of an update is measured with
USUAL = 1e-3  # of the weight, in one step


def updates(model: Sequential, data: Dataset, rows: Array) -> Iterator[Finding]:
    """Train a copy for some steps, and compare the size of each update with that of its weight."""
    model = copy.deepcopy(model)
    ratios: dict[str, list[float]] = {}
    broken = 0
    for step in range(STEP_COUNT):
        some = np.take(rows, np.arange(STEP_SIZE) + step * STEP_SIZE, mode="wrap")
        before = {key: w.copy() for key, w in model.params.items() if w.ndim > 1}
        model.train_on_batch(data.x[some], None if data.y is None else data.y[some])
        for key, old in before.items():
            new = model.params[key]
            if not np.isfinite(new).all():
                broken = broken or step + 1
            if np.any(old) and key not in model.unreached:
                change = _rms(new.astype(np.float64) - old) / _rms(old)
                ratios.setdefault(key, []).append(change)
    # What follows a step that was far too large says little: the first one is compared.
    first = max((each[0] for each in ratios.values()), default=0.0)
    smaller = f"make the learning rate {_times(max(first, 10 * USUAL))} times smaller"
    if broken == 1:
        smaller = "make the learning rate far smaller"
    if broken:
        measured = f"the weights are NaN or infinite after {broken} steps"
        yield Finding("updates", "wrong", math.inf, measured, smaller)
        return
    sizes = {key: float(np.median(each)) for key, each in ratios.items()}
    if not sizes:
        return
    name = max(sizes, key=lambda key: abs(math.log10(max(sizes[key], 1e-30)) + 3))
    size = sizes[name]
    measured = f"{size:.2g} of the weight per step in {name}; 1e-3 is usual"
    advice = "a step of about a thousandth of the weight is usual"
    if size > 0.1:
        advice = f"the steps are large: {smaller}"
    elif size < 1e-5 and first > 0.1:
        measured = f"{first:.2g} of a weight in the first step, and then hardly any"
        advice = f"the first step was so large that no gradient comes after it: {smaller}"
    elif size < 1e-5:
        exact = _exact_step(model, name)
        advice = f"the steps are tiny: make the learning rate {_times(exact)} times larger"
        if exact == 0:
            advice = "no step is made: is the learning rate 0, or does no gradient arrive?"
    found = verdict(not 1e-5 <= size <= 0.1, not 1e-8 <= size <= 1)
    yield Finding("updates", found, size, measured, advice, sizes)


def _exact_step(model: Sequential, name: str) -> float:
    """Return what share of a weight its next step is, in double precision.

    In float32 a step of less than some 1e-8 of a number does not change it, so that the difference
    of weights says nothing about how much larger it should be.
    """
    optimizer = copy.deepcopy(model.optimizer)
    assert optimizer is not None
    slots = optimizer.slots.get(name, {})
    optimizer.slots = {name: {key: slot.astype(np.float64) for key, slot in slots.items()}}
    old = model.params[name].astype(np.float64)
    new = old.copy()
    optimizer.step({name: new}, {name: model.grads[name].astype(np.float64)})
    return _rms(new - old) / _rms(old)


def _times(size: float) -> str:
    """Return how far a size is from the usual one, as a power of ten."""
    if not size or not math.isfinite(size):
        return "many"
    power = abs(round(math.log10(USUAL / size)))
    return f"about {10**power:,}" if power <= 6 else f"about 1e{power}"


def few_samples(quiet: Sequential, data: Dataset, optimizer: Optimizer) -> Iterator[Finding]:
    """Try to learn a few samples by heart, with the model's optimizer, and if need be with Adam."""
    loss, shape = quiet.loss, quiet.output_shape[1:]
    assert loss is not None and data.y is not None
    sizes = tuple(n or 1 for n in shape)
    weights = sum(w.size for w in quiet.params.values())
    n = min(FEW, len(data), max(2, weights // (2 * math.prod(sizes))))
    few = _Part(data, _spread(class_labels(data.y, loss), len(data))[:n])
    lowest = lowest_loss(copy.deepcopy(loss), few.y, sizes)
    guess = constant_loss(copy.deepcopy(loss), few.y, sizes)
    if guess - lowest < 1e-6:  # one class, or one number: nothing to learn
        return
    goal = lowest + LEARNED * (guess - lowest)
    own = _learn(quiet, few, fresh(optimizer), goal)
    kind = type(optimizer).__name__
    best, steps = float(np.nanmin([*own, math.inf])), len(own)
    measured = f"{n} samples: loss {own[0]:.3g} to {best:.3g} in {steps} steps of {kind}"
    if not math.isfinite(own[-1]):
        measured = f"{n} samples: the loss is NaN or infinite after {steps} steps of {kind}"
        advice = "make the learning rate ten times smaller, and once more if that does not help"
        yield Finding("few samples", "wrong", math.inf, measured, advice)
        return
    left = (best - lowest) / (guess - lowest)
    if best <= goal:
        advice = "a network that learns a few samples by heart is put together rightly"
        yield Finding("few samples", "ok", left, measured, advice)
        return
    other = _learn(quiet, few, Adam(0.01, name="adam"), goal)
    adams = float(np.nanmin([*other, math.inf]))
    if adams <= goal:
        measured += f"; {adams:.3g} in {len(other)} of Adam(0.01)"
        advice = "the model can learn; its optimizer takes longer"
        slow = own[-1] > 0.9 * own[0]
        if slow:
            advice = "the model can learn, its optimizer does not: try Adam, or another rate"
        yield Finding("few samples", verdict(slow, False), left, measured, advice)
        return
    measured += f"; {adams:.3g} in {len(other)} of Adam(0.01)"
    advice = (
        "leave everything out but two layers, check them with gradcheck, look at samples and "
        "labels side by side, and put the rest back piece by piece"
    )
    yield Finding("few samples", "wrong", left, measured, advice)


class _Part(NamedTuple):
    """A few samples."""

    data: Dataset
    rows: Array

    @property
    def x(self) -> Array:
        return np.asarray(self.data.x[self.rows])

    @property
    def y(self) -> Array:
        assert self.data.y is not None
        return np.asarray(self.data.y[self.rows])


def _learn(quiet: Sequential, few: _Part, optimizer: Optimizer, goal: float) -> list[float]:
    """Train a copy on a few samples until its loss reaches a goal; return the losses."""
    model, losses = copy.deepcopy(quiet), list[float]()
    model.compile(optimizer, copy.deepcopy(quiet.loss))
    n = len(few.rows)
    while len(losses) < STEPS and not (losses and (losses[-1] <= goal or np.isnan(losses[-1]))):
        told = model.fit(few.x, few.y, n, PART, verbose=0, shuffle=False)
        losses += [float(each) for each in told.history["loss"]]
    return losses


def fresh(optimizer: Optimizer) -> Optimizer:
    """Return a copy that has made no step."""
    new = copy.deepcopy(optimizer)
    new.slots, new.iterations = {}, 0
    return new


def _spread(classes: Array | None, n: int) -> Array:
    """Return the samples in a random order in which all classes come early."""
    order = np.random.default_rng(0).permutation(n)
    if classes is None:
        return order
    in_order = classes[order]
    turn = np.empty(n, np.int64)  # how often the class has come before
    for label in np.unique(in_order):
        places = np.flatnonzero(in_order == label)
        turn[places] = np.arange(len(places))
    spread: Array = order[np.argsort(turn, kind="stable")]
    return spread


def _rms(array: Array) -> float:
    return float(np.sqrt(np.mean(np.square(array, dtype=np.float64))))
