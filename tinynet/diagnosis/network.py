"""Checks of the model on some samples: its numbers, its loss, its units, its gradients.

All of them work on copies. A calm copy is without what disturbs a model in training (dropout,
noise, augmentation, penalties), so that only what it computes is seen.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from tinynet.arrays import Array
from tinynet.data import Batch
from tinynet.diagnosis.findings import Finding, verdict
from tinynet.kernels.batch_norm import batch_norm_forward
from tinynet.layers import BatchNormalization, Dropout, GaussianDropout, GaussianNoise
from tinynet.layers.preprocessing import Augmentation
from tinynet.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Loss,
    SparseCategoricalCrossentropy,
)
from tinynet.models import Sequential

BATCH = 128  # samples of a batch whose statistics are looked at


def calm(model: Sequential) -> Sequential:
    """Return a copy without dropout, noise, changes to images, and penalties."""
    quiet = copy.deepcopy(model)
    assert quiet.loss is not None
    for layer in quiet.layers:
        layer.regularizers.clear()
        if getattr(layer, "activity_regularizer", None) is not None:
            layer.activity_regularizer = None
    disturbing = (Dropout, GaussianDropout, GaussianNoise, Augmentation)
    shape = quiet.sample_shape or ()
    kept = []
    for layer, after in zip(quiet.layers, quiet.shapes_behind(shape), strict=True):
        if not (isinstance(layer, disturbing) and after == shape):
            kept.append(layer)
        shape = after
    quiet.layers = kept or quiet.layers
    if hasattr(quiet.loss, "label_smoothing"):
        quiet.loss.label_smoothing = 0.0
    quiet.loss.reduction = "sum_over_batch_size"  # a mean is what ln K is compared with
    quiet.loss._has_looked = False
    return quiet


class Seen(NamedTuple):
    """What a batch has become on its way up a calm copy.

    Attributes
    ----------
    batch : Batch
    outputs : dict of str to ndarray
        The output of every layer, by its name, as far as all numbers are finite.
    at_weights : ndarray
        What the first layer with weights gets.
    lost : str
        The first array with NaN or infinity, "dense_1/kernel" for instance; empty if there is none.
    """

    batch: Batch
    outputs: dict[str, Array]
    at_weights: Array
    lost: str


def send_up(model: Sequential, batch: Batch) -> Seen:
    """Send a batch through the layers, one by one, until a number is not finite."""
    x, at_weights, outputs = batch.x, None, dict[str, Array]()
    for layer in model.layers:
        if layer.params and at_weights is None:
            at_weights = x
        lost = _first_lost({f"{layer.name}/{key}": each for key, each in layer.arrays.items()})
        if not lost:
            x = layer.forward(x, True)
            lost = _first_lost({f"the output of {layer.name}": x})
        if lost:
            return Seen(batch, outputs, batch.x if at_weights is None else at_weights, lost)
        outputs[layer.name] = x
    return Seen(batch, outputs, batch.x if at_weights is None else at_weights, "")


def _first_lost(arrays: Mapping[str, Array]) -> str:
    """Return the name of the first array with a number that is not finite."""
    return next((name for name, each in arrays.items() if not np.isfinite(each).all()), "")


def not_finite(model: Sequential, seen: Seen, sizes: dict[str, float]) -> Finding:
    """Send the gradient down; name the first array with NaN or infinity, on the way up or down.

    Into `sizes` goes the gradient at the output of each layer that has a kernel, from the top: the
    root of the mean over the samples of its squared length.
    """
    loss, lost = model.loss, seen.lost
    assert loss is not None
    if not lost:
        value = _number(model.loss_value(_top(seen), seen.batch.y))
        lost = _first_lost({"the loss": np.asarray(value)})
    if not lost:
        dout, looks_back = loss.gradient(), model.looked_back
        for layer in reversed(model.layers):
            if any(w.ndim > 1 for w in layer.params.values()):
                sizes[layer.name] = float(np.sqrt(np.sum(dout**2, dtype=np.float64) / len(dout)))
            at_logits = looks_back and layer is model.layers[-1]
            dout = layer.backward(dout, True) if at_logits else layer.backward(dout)
            own = {f"the gradient of {layer.name}/{key}": g for key, g in layer.grads.items()}
            lost = lost or _first_lost({**own, f"the gradient at the input of {layer.name}": dout})
    if not lost:
        return Finding("finite numbers", "ok", 0, "all are finite", "so it should stay")
    advice = (
        "begin with new weights and a smaller learning rate, and look for a log or a division "
        "whose argument can be 0"
    )
    measured = f"NaN or infinity, first in {lost}"
    return Finding("finite numbers", "wrong", 1, measured, advice)


def batch_statistics(model: Sequential, seen: Seen) -> Iterator[Finding]:
    """Compare batch norm's mean and variance of a batch with those in double precision."""
    n = len(seen.batch.x)
    off = {}
    for path, layer in model.leaves.items():
        if isinstance(layer, BatchNormalization) and getattr(layer, "uses_batch", False):
            rows = layer.x[: len(layer.x) * min(BATCH, n) // n]
            ones, (zeros, mean, variance, *kept) = (
                layer.ones,
                np.zeros((5, layer.ones.size), rows.dtype),
            )
            given = rows, ones, zeros, layer.epsilon, 0.0
            batch_norm_forward(*given, mean, variance, *kept, np.empty_like(rows))
            exact = rows.mean(axis=0, dtype=np.float64), rows.var(axis=0, dtype=np.float64)
            deviation = np.sqrt(exact[1] + layer.epsilon)
            off[path] = float(np.max(np.abs(mean - exact[0]) / deviation))
    if not off:
        return
    path, worst = max(off.items(), key=lambda item: item[1])
    found = verdict(worst > 0.01, worst > 0.1)
    measured = f"the mean in {path} is off by {worst:.1g} standard deviations"
    advice = "the sums over a batch keep their digits"
    if found != "ok":
        advice = (
            "numbers far from 0 lose their digits when very many are added in float32: subtract "
            "their mean from the data first, or take smaller batches"
        )
    yield Finding("batch statistics", found, worst, measured, advice, off)


def starting_weights(model: Sequential) -> Finding:
    """Look for layers all of whose units are alike: they learn alike."""
    alike = {}
    for key, w in model.params.items():
        if w.ndim > 1 and w.shape[-1] > 1:
            alike[key] = float(np.ptp(w, axis=-1).max() == 0)
    same = [key for key, is_same in alike.items() if is_same]
    if not same:
        return Finding("starting weights", "ok", 0.0, "units differ", "units have to differ", alike)
    advice = (
        "units that start alike learn alike: draw the kernel at random, "
        "as the default does; only the bias may start at 0"
    )
    return Finding(
        "starting weights",
        "wrong",
        float(len(same)),
        f"all units are the same in {', '.join(same)}",
        advice,
        alike,
    )


def constant_loss(loss: Loss, y: Array, output_shape: tuple[int, ...]) -> float:
    """Return the loss of the best guess that looks at no x: each class's share, or the mean."""
    targets = loss.check_targets(y, output_shape)
    if isinstance(loss, SparseCategoricalCrossentropy):
        shares = np.bincount(targets.reshape(-1).astype(np.int64), minlength=output_shape[-1])
        guess = shares / targets.size
    elif targets.shape[1:] == output_shape:
        guess = targets.mean(axis=0, dtype=np.float64)
    else:  # only a function of the user's knows what it reads
        return 0.0
    guesses = np.broadcast_to(guess, (len(y), *output_shape)).copy()
    return _number(loss.value(y, guesses, None, False))


def lowest_loss(loss: Loss, y: Array, output_shape: tuple[int, ...]) -> float:
    """Return the loss of predictions that are the targets."""
    if isinstance(loss, SparseCategoricalCrossentropy):
        return 0.0
    targets = loss.check_targets(y, output_shape)
    if targets.shape[1:] != output_shape:
        return 0.0
    return _number(loss.value(y, targets.astype(np.float64), None, False))


def loss_at_start(model: Sequential, seen: Seen, steps: int) -> Iterator[Finding]:
    """Compare the loss with that of a guess: ln K for K classes, or a constant."""
    loss, top = model.loss, _top(seen)
    assert loss is not None
    value = _number(model.loss_value(top, seen.batch.y))
    constant = constant_loss(copy.deepcopy(loss), seen.batch.y, top.shape[1:])
    guess, said, most, far = constant, f"the best constant has {constant:.3g}", 10.0, 1000.0
    if not steps and isinstance(loss, (SparseCategoricalCrossentropy, CategoricalCrossentropy)):
        classes = top.shape[-1]
        guess, most, far = math.log(classes), 2.0, 5.0
        said = f"ln {classes} = {guess:.3g}"
    elif not steps and isinstance(loss, BinaryCrossentropy):
        guess, most, far = math.log(2), 2.0, 5.0
        said = f"ln 2 = {guess:.3g}"
    if guess < 1e-6:  # one class, or one number: the labels say so
        return
    measured = f"{value:.3g}; {said}"
    if steps:
        measured = f"{measured}, after {steps} steps"
        found = verdict(value > 0.98 * constant, value > 2 * constant)
        advice = "the model knows more than the shares of the classes"
        if found != "ok":
            advice = "the model has learned nothing that a constant would not know; read on below"
    else:
        found = verdict(value > most * guess, value > far * guess)
        advice = "before training, a network should be as good as a guess"
        if found != "ok":
            advice = (
                "the first predictions are sure, and wrong: the input or the weights of the last "
                "layer are too large, or the targets are far from 0"
            )
    yield Finding("loss", found, value, measured, advice)


def units(model: Sequential, seen: Seen) -> Iterator[Finding]:
    """Count ReLUs that are 0 for every sample, and sigmoids and tanhs at their ends."""
    dead, saturated = {}, {}
    for layer in model.layers:
        activation, out = layer.final_activation, seen.outputs[layer.name]
        if activation.name in ("relu", "relu6") and not activation.options.get("negative_slope"):
            dead[layer.name] = float(np.mean(np.all(_by_unit(out) <= 0, axis=0)))
        if activation.name in ("sigmoid", "tanh") and layer is not model.layers[-1]:
            low = 0.0 if activation.name == "sigmoid" else -1.0
            at_end = (out < low + 0.01) | (out > 0.99)
            saturated[layer.name] = float(np.mean(at_end))
    n = len(seen.batch.x)
    if dead:
        name, worst = max(dead.items(), key=lambda item: item[1])
        advice = "a unit that is 0 for all samples gets no gradient"
        if worst > 0.25:
            advice = (
                "these units get no gradient: use a smaller learning rate, he_normal weights, "
                "biases from 0 on, or leaky_relu"
            )
        measured = f"{worst:.0%} of the units of {name} are 0 for {n} samples"
        found = verdict(worst > 0.25, worst > 0.75)
        yield Finding("dead units", found, worst, measured, advice, dead)
    if saturated:
        name, worst = max(saturated.items(), key=lambda item: item[1])
        advice = "where the function is flat, there is no gradient"
        if worst > 0.2:
            advice = "the logits are too large: scale the input, or start from smaller weights"
        measured = f"{worst:.0%} of the outputs of {name} are where the function is flat"
        found = verdict(worst > 0.2, worst > 0.5)
        yield Finding("saturated units", found, worst, measured, advice, saturated)


def _by_unit(out: Array) -> Array:
    """Lay an output out as (places, units)."""
    return out.reshape(-1, out.shape[-1])


def gradients(sizes: Mapping[str, float]) -> Iterator[Finding]:
    """Compare the gradients at the outputs of the first and the last layer with a kernel."""
    if len(sizes) < 2:
        return
    none = [name for name, size in sizes.items() if size == 0]
    *_, first = sizes
    last = next(iter(sizes))
    if none:
        advice = (
            "no gradient arrives: are the weights above all 0, their units dead, or is the loss "
            "flat here?"
        )
        yield Finding("gradients", "wrong", 0.0, f"0 at {', '.join(none)}", advice, sizes)
        return
    ratio = sizes[first] / sizes[last]
    measured = f"{sizes[first]:.2g} at {first}, {sizes[last]:.2g} at {last}"
    advice = "the first and the last layer should get gradients of similar size"
    if ratio < 1e-3:
        advice = (
            "the gradient vanishes on its way down: use relu with he_normal weights, batch "
            "normalization, or fewer layers"
        )
    elif ratio > 1e3:
        advice = (
            "the gradient grows on its way down: start from smaller weights, normalize, or clip "
            "with global_clipnorm"
        )
    found = verdict(not 1e-3 <= ratio <= 1e3, not 1e-5 <= ratio <= 1e5)
    yield Finding("gradients", found, ratio, measured, advice, sizes)


def _top(seen: Seen) -> Array:
    return list(seen.outputs.values())[-1]


def _number(loss: float | Array) -> float:
    return float(np.sum(loss))
