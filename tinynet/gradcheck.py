r"""Is a backward pass right? Compare it with differences of the forward pass.

For a random upstream gradient u the number :math:`L = \sum u \cdot out` has the gradient that
``backward(u)`` claims to compute. Moving one entry of the input or of a weight by a little h
and looking at L tells what it really is:

.. math:: \frac{dL}{d\theta} \approx \frac{1}{12 h}
          \big( & L(\theta - 2h) - 8 L(\theta - h) \\
                & + 8 L(\theta + h) - L(\theta + 2h) \big)

with an error of the order :math:`h^4`. A u of ones would not do: softmax and batch norm have
dx = 0 for it, and a wrong formula would pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynet.activations import Activation
from tinynet.kernels.registry import Array
from tinynet.layers import Layer
from tinynet.losses import Loss
from tinynet.models import Sequential

STEP = 1e-4
# Rounding of L alone moves the differences by some 1e-12 of it. Gradients are therefore held to
# no finer scale than this part of L, or one that is zero could never agree: that of a bias in
# front of a batch norm, which takes any shift out again.
FINEST = 1e-4


class GradientError(AssertionError):
    """A gradient that does not agree with the differences; says which entry."""


@dataclass(frozen=True)
class TensorReport:
    """How one gradient compares.

    Attributes
    ----------
    name : str
        "x" for the input, else the weight's name.
    error : float
        Largest difference, relative to the largest entry of the gradient.
    index : tuple of int
        Where it is.
    analytic, numeric : float
        What backward says there, and what the differences say.
    checked : int
        How many entries were compared.
    """

    name: str
    error: float
    index: tuple[int, ...]
    analytic: float
    numeric: float
    checked: int


def gradcheck(
    target: Layer | Activation | Sequential | Loss,
    x: Any,
    y: Any = None,
    *,
    training: bool = True,
    sample_weight: Any = None,
    from_logits: bool | None = None,
    tolerance: float = 1e-7,
    max_entries: int = 200,
    seed: int = 0,
) -> list[TensorReport]:
    """Compare every gradient that `target` computes with differences.

    Parameters
    ----------
    target : Layer, Activation, Sequential or Loss
        A layer or a model is checked for its input and all its weights, regularizers
        included. A compiled model with targets `y` is checked with its loss on top. Layers
        have to be built in float64: ``set_floatx("float64")`` first, or ``dtype="float64"``.
    x : array_like of shape (n, ...)
        The input; for a loss, the predictions. Keep away from kinks by more than 2e-4, or
        raise the tolerance: a difference across a kink is no derivative.
    y : array_like, optional
        The targets, for a loss or a compiled model.
    training : bool
        Which forward pass. Random layers draw the same numbers for every evaluation, and all
        state is put back at the end.
    sample_weight : array_like of shape (n,), optional
        For a loss or a compiled model.
    from_logits : bool, optional
        For a loss: what `x` holds, by default what the loss says.
    tolerance : float
        Largest error allowed, relative to the largest entry of the gradient.
    max_entries : int
        Entries compared in each array, chosen at random where there are more.
    seed : int
        Of the upstream gradient and of that choice.

    Returns
    -------
    list of TensorReport
        The input first.

    Raises
    ------
    GradientError
        If a gradient is off; the message names the array and the entry.
    TypeError
        If the layers are not float64.

    Examples
    --------
    >>> import numpy as np, tinynet as tn
    >>> layer = tn.layers.Dense(3, activation="tanh", dtype="float64")
    >>> reports = gradcheck(layer, np.random.default_rng(0).normal(size=(4, 5)))
    >>> [report.name for report in reports]
    ['x', 'kernel', 'bias']
    """
    rng = np.random.default_rng(seed)
    x = np.array(x, np.float64)  # a copy: its entries are moved
    _build(target, x)
    with _FrozenRandomness(target) as rewind:
        value, gradients, arrays = _functions(
            target, x, y, training, sample_weight, from_logits, rng
        )
        rewind()
        finest = FINEST * max(1.0, abs(value()))
        claimed = {name: np.array(g, np.float64) for name, g in gradients().items()}
        if missing := [name for name in arrays if name not in claimed]:
            raise GradientError(f"{_name_of(target)}: backward left no gradient of {missing[0]}")
        reports = [
            _compare(name, arrays[name], claimed[name], value, rewind, finest, max_entries, rng)
            for name in arrays
        ]
    for report in reports:
        if not report.error <= tolerance:
            raise GradientError(
                f"{_name_of(target)}: the gradient of {report.name} differs most at "
                f"{report.index}: backward gives {report.analytic:.12g}, differences give "
                f"{report.numeric:.12g}; error {report.error:.2e} of the largest entry, allowed "
                f"{tolerance:.0e}"
            )
    return reports


def _compare(
    name: str,
    array: Array,
    claimed: Array,
    value: Callable[[], float],
    rewind: Callable[[], None],
    finest: float,
    max_entries: int,
    rng: np.random.Generator,
) -> TensorReport:
    if claimed.shape != array.shape:
        raise GradientError(
            f"the gradient of {name} has shape {claimed.shape}, {name} has {array.shape}"
        )
    entries = np.arange(array.size)
    if array.size > max_entries:
        entries = rng.choice(array.size, max_entries, replace=False)
    flat = array.reshape(-1)  # a view
    numeric = np.array([_difference(flat, int(i), value, rewind) for i in entries])
    analytic = claimed.reshape(-1)[entries]
    largest = max(float(np.abs(numeric).max()), float(np.abs(analytic).max()), finest)
    with np.errstate(invalid="ignore"):  # infinity over infinity: a NaN, which is the worst error
        errors = np.abs(analytic - numeric) / largest
    worst = int(np.argmax(np.where(np.isnan(errors), np.inf, errors)))
    index = tuple(int(i) for i in np.unravel_index(entries[worst], array.shape))
    return TensorReport(
        name,
        float(errors[worst]),
        index,
        float(analytic[worst]),
        float(numeric[worst]),
        len(entries),
    )


def _difference(
    flat: Array, i: int, value: Callable[[], float], rewind: Callable[[], None]
) -> float:
    kept = flat[i]
    values = []
    for steps in (-2, -1, 1, 2):
        flat[i] = kept + steps * STEP
        rewind()
        values.append(value())
    flat[i] = kept
    return (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * STEP)


def _functions(
    target: Any,
    x: Array,
    y: Any,
    training: bool,
    sample_weight: Any,
    from_logits: bool | None,
    rng: np.random.Generator,
) -> tuple[Callable[[], float], Callable[[], dict[str, Array]], dict[str, Array]]:
    """Return the number to differentiate, its claimed gradients, and the arrays to move."""
    if isinstance(target, Loss):
        logits = target.from_logits if from_logits is None else from_logits
        targets = np.asarray(y)
        return (
            lambda: float(np.sum(target.value(targets, x, sample_weight, logits))),
            lambda: {"x": target.gradient()},
            {"x": x},
        )
    if isinstance(target, Activation):
        u = rng.normal(size=x.shape)
        return (
            lambda: float(np.sum(u * target(x))),
            lambda: {"x": target.backward(u, x, target(x))},
            {"x": x},
        )
    if isinstance(target, Sequential) and y is not None:
        return _model_with_loss(target, x, np.asarray(y), training, sample_weight)
    u = rng.normal(size=target.forward(x, training).shape)

    def gradients() -> dict[str, Array]:
        dx = target.backward(u)
        if isinstance(target, Layer):
            target.add_penalty_gradients()
        return {"x": dx, **target.grads}

    return (
        lambda: float(np.sum(u * target.forward(x, training))) + target.penalty(),
        gradients,
        {"x": x, **target.params},
    )


def _model_with_loss(
    model: Sequential, x: Array, y: Array, training: bool, sample_weight: Any
) -> tuple[Callable[[], float], Callable[[], dict[str, Array]], dict[str, Array]]:
    weights = None if sample_weight is None else np.asarray(sample_weight)

    def value() -> float:
        return model.loss_value(model.forward(x, training), y, weights)

    def gradients() -> dict[str, Array]:
        dx = model.backward_from_loss()
        return {"x": dx, **model.grads}

    return value, gradients, {"x": x, **model.params}


def _build(target: Any, x: Array) -> None:
    if isinstance(target, Sequential):
        target.build(x.shape)
    elif isinstance(target, Layer):
        target.ensure_built(x.shape[1:])
    for layer in _layers(target):
        for name, array in layer.arrays.items():
            if array.dtype != np.float64:
                raise TypeError(
                    f"{layer.name}/{name}: expected float64, in which differences are exact "
                    f"enough, got {array.dtype}; call set_floatx('float64') before making layers"
                )


def _layers(target: Any) -> list[Layer]:
    if isinstance(target, Sequential):
        return target.layers
    return [target] if isinstance(target, Layer) else []


class _FrozenRandomness:
    """While inside: a function that puts all states and random sequences back to the start."""

    def __init__(self, target: Any) -> None:
        self.layers = _layers(target)

    def __enter__(self) -> Callable[[], None]:
        self.states = [{k: v.copy() for k, v in layer.state.items()} for layer in self.layers]
        self.seeds = [
            None if layer.seed_generator is None else list(layer.seed_generator.state)
            for layer in self.layers
        ]
        return self.rewind

    def rewind(self) -> None:
        for layer, state, seed in zip(self.layers, self.states, self.seeds, strict=True):
            for key, value in state.items():
                layer.state[key][...] = value
            if seed is not None and layer.seed_generator is not None:
                layer.seed_generator.state = list(seed)

    def __exit__(self, *exception: object) -> None:
        self.rewind()


def _name_of(target: Any) -> str:
    return str(getattr(target, "name", type(target).__name__))
