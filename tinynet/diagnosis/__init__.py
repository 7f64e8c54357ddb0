"""My network does not learn: the checks that an experienced person makes first."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tinynet import random
from tinynet.data import Dataset, errors_from
from tinynet.diagnosis import network, samples, steps
from tinynet.diagnosis.findings import PAGES, Diagnosis, Finding
from tinynet.kernels.threads import products_as_chosen
from tinynet.models import Sequential
from tinynet.streams import Stream

__all__ = ["Diagnosis", "Finding", "diagnose"]

SAMPLES = 512  # that go through the model


@products_as_chosen()
def diagnose(
    model: Sequential, x: Any, y: Any, validation_data: Sequence[Any] | None = None
) -> Diagnosis:
    """Look for what most often keeps a network from learning.

    It looks at all samples, sends some of them through copies of the model, and trains copies for
    a few steps, which takes seconds. Where something is wrong, it stops before the next of these
    stages, whose numbers would be wrong for the same reason. The model, its optimizer, and the
    global seeds and random sequences are afterwards as they were.

    Parameters
    ----------
    model : Sequential
        Compiled; before the first step or after some.
    x, y : array_like of shape (n, ...)
        What is, or will be, passed to ``fit``; at least two samples.
    validation_data : (x, y), optional
        To be compared with the training samples.

    Returns
    -------
    Diagnosis
        A list of findings, each with a verdict, a number and a sentence. `print` shows it as a
        table; ``.ok`` is whether nothing was found, ``.problems`` names the checks that found
        something.

    Raises
    ------
    TypeError
        If `model` is not a Sequential; for arrays that are not of numbers.
    RuntimeError
        If the model is not compiled.
    ValueError
        If `x` or `validation_data` does not fit the model, has NaN or infinity, or has another
        length than its targets. (Targets that do not fit the loss are a finding.)

    Notes
    -----
    The checks are those of Stanford's CS231n, "Neural networks part 3", of Karpathy's "A recipe
    for training neural networks" (2019), and of Google's "Deep learning tuning playbook" (2023);
    the limits between the verdicts are tinynet's own.

    Examples
    --------
    >>> import numpy as np, tinynet as tn
    >>> tn.utils.set_random_seed(0)
    >>> x = np.random.default_rng(0).normal(size=(100, 4))
    >>> y = (x[:, 0] > 0).astype(int)
    >>> model = tn.Sequential([tn.Input((4,)), tn.layers.Dense(2, activation="softmax")])
    >>> model.compile("adam", "sparse_categorical_crossentropy")
    >>> tn.diagnose(model, x, y).problems
    []
    >>> tn.diagnose(model, 1000 * x, y).problems
    ['input']
    """
    if not isinstance(model, Sequential):
        raise TypeError(f"model: expected a Sequential, got {model!r}")
    model._compiled()
    if y is None:
        raise ValueError("y: expected targets, got None")
    data, other = model._sources(x, y, validation_data=validation_data)
    if isinstance(data, Stream) or isinstance(other, Stream):
        raise TypeError("x: expected arrays of all samples, to compare them, got batches")
    model.check(data)
    if other is not None:
        with errors_from("validation_data"):
            model.check(other)
    if len(data) < 2:
        raise ValueError("x: expected at least two samples, to compare them, got one")
    with (
        random.untouched(),
        warnings.catch_warnings(record=True) as caught,
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("always")
        found = list[Finding]()
        for stage in _stages(model, data, other):
            found += stage
            told = [str(each.message) for each in caught if each.category is UserWarning]
            wrong = [each for each in found if each.verdict == "wrong"]
            if told or any(each.check != "validation" for each in wrong):
                break  # what comes next would measure the same again
    if told := list(dict.fromkeys(told)):
        found.append(Finding("warnings", "wrong", len(told), f"{len(told)}", "; ".join(told)))
    order = list(PAGES)
    return Diagnosis(sorted(found, key=lambda each: order.index(each.check)))


def _stages(model: Sequential, data: Dataset, other: Dataset | None) -> Iterator[Iterable[Finding]]:
    """Yield the checks of the data, of the model before its first step, and of training."""
    (optimizer, loss), y = model._compiled(), data.y
    assert y is not None
    whole = copy.deepcopy(model)
    shape = data.x.shape[1:]
    whole.ensure_built(shape)
    shapes = whole.shapes_behind(shape)
    for layer, behind in zip(whole.layers, shapes, strict=True):
        layer._warn_of_softmax_over_one(behind)
    quiet = network.calm(whole)
    rows = np.random.default_rng(0).permutation(len(data))[:SAMPLES]
    seen = network.send_up(quiet, data.batch(rows))
    sizes = dict[str, float]()  # of the gradients

    def of_data() -> Iterator[Finding]:
        yield samples.scale_of_input(seen.at_weights, data, model._scales_its_input())
        yield samples.features(data.x)
        if other is not None:
            yield samples.validation(data, other)
        try:
            model.check(data, needs_targets=True)
        except ValueError as error:
            yield Finding("targets", "wrong", 1, "they do not fit the loss", str(error))
            return
        yield Finding("targets", "ok", 0, f"they fit {loss.name}", "targets have to fit the loss")
        yield from samples.labels(y, loss, shapes[-1][-1] if shapes[-1] else 1)
        yield network.not_finite(quiet, seen, sizes)
        yield from network.batch_statistics(quiet, seen)

    def of_model() -> Iterator[Finding]:
        yield network.starting_weights(quiet)
        yield from network.loss_at_start(quiet, seen, optimizer.iterations)
        yield from network.units(quiet, seen)
        yield from network.gradients(sizes)

    yield of_data()
    yield of_model()
    yield steps.updates(whole, data, rows)
    yield steps.few_samples(quiet, data, optimizer)
