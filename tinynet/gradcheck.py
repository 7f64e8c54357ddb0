r"""Is a backward pass right? Compare it with finite differences of the forward pass.

For a random upstream gradient u, the number :math:`L = \sum u \cdot out` has the gradient that
``backward(u)`` claims to compute. Moving one entry of the input or of a weight by a small h
and looking at L shows what it really is:

.. math:: \frac{dL}{d\theta} \approx \frac{1}{12 h}
          \big( & L(\theta - 2h) - 8 L(\theta - h) \\
                & + 8 L(\theta + h) - L(\theta + 2h) \big)

with an error of order :math:`h^4`. A u of ones would not do: softmax and batch norm have
dx = 0 for it, and a wrong formula would pass. Nor would a single backward pass: one that adds to
``grads`` instead of overwriting them is right the first time.

Where the function has a kink, as ReLU has at 0, there is a slope on either side and no derivative.
Any number between the two slopes is right there. (Where several kinks meet, as in a ReLU
layer that sees nothing but zeros, that is too strict; the message says so.)

Derived on the page :doc:`/backprop/index`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynet.activations import Activation
from tinynet.arrays import Array
from tinynet.layers import Layer
from tinynet.layers.rewinding import Rewinding
from tinynet.losses import Loss
from tinynet.models import Model

STEP = 1e-4
# Where the two disagree, there may be a kink within 2 steps: the entry is checked from this close.
CLOSE_STEP = 1e-6
# How much two calls with the same input may differ, relative to the largest entry.
SAME = 1e-9
# How much rounding can change a slope, relative to the largest value of L over the step.
ROUNDING = 16 * np.finfo(np.float64).eps
# Rounding of L alone changes the differences by about 1e-12 of it. Errors are therefore measured
# on no finer scale than this fraction of L, or a gradient that is zero could never agree, such as
# that of a bias before a batch norm, which removes any shift.
FINEST = 1e-4


class GradientError(AssertionError):
    """A gradient does not agree with the differences; the message says at which entry."""


@dataclass(frozen=True)
class TensorReport:
    """How one gradient compares with the differences.

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
    kinks : int
        How many of them are at a kink, and were compared with the slopes on its two sides.
    slopes : tuple of float, or None
        Those below and above, if the entry at `index` is at a kink; `numeric` is then the number
        between the two that is closest to `analytic`.
    """

    name: str
    error: float
    index: tuple[int, ...]
    analytic: float
    numeric: float
    checked: int
    kinks: int = 0
    slopes: tuple[float, float] | None = None


def gradcheck(
    target: Layer | Activation | Model | Loss,
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
    """Compare every gradient that `target` computes with finite differences.

    Parameters
    ----------
    target : Layer, Activation, Model or Loss
        A layer or a model is checked for its input and all its weights, regularizers
        included. A compiled model with targets `y` is checked with its loss on top. Layers
        have to be built in float64: ``set_floatx("float64")`` first, or ``dtype="float64"``.
    x : array_like of shape (n, ...)
        The input; for a loss, the predictions.
    y : array_like, optional
        The targets, for a loss or a compiled model.
    training : bool
        Which forward pass to check. Random layers draw the same numbers for every evaluation,
        and all state is restored at the end.
    sample_weight : array_like of shape (n,), optional
        For a loss or a compiled model.
    from_logits : bool, optional
        For a loss: whether `x` holds logits; by default, what the loss itself says.
    tolerance : float
        Largest error allowed, relative to the largest entry of the gradient.
    max_entries : int
        Entries compared in each array, chosen at random if there are more.
    seed : int
        For the upstream gradient and for that choice.

    Returns
    -------
    list of TensorReport
        The input first.

    Raises
    ------
    GradientError
        If a gradient is wrong; the message names the array and the entry. Also if the same batch
        gives a different output or different gradients the second time, as ``grads[...] +=``
        does, or if `x` or the upstream gradient was written to.
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
    with Rewinding(_layers(target)) as rewind:
        value, gradients, arrays = _functions(
            target, x, y, training, sample_weight, from_logits, rng
        )
        here, claimed = _twice(_name_of(target), value, gradients, rewind, arrays)
        reports = [
            _compare(
                name, arrays[name], claimed[name], value, rewind, here, tolerance, max_entries, rng
            )
            for name in arrays
        ]
    for report in reports:
        if not report.error <= tolerance:
            raise GradientError(f"{_name_of(target)}: {_what_is_wrong(report, tolerance)}")
    return reports


def _what_is_wrong(report: TensorReport, tolerance: float) -> str:
    if report.slopes is None:
        numeric = f"differences give {report.numeric:.12g}"
    else:
        below, above = report.slopes
        numeric = (
            f"at a kink, with the slopes {below:.6g} below and {above:.6g} above (where several "
            f"kinks meet, a correct gradient may be none of these, nor between: try another x)"
        )
    return (
        f"the gradient of {report.name} differs most at {report.index}: backward gives "
        f"{report.analytic:.12g}, {numeric}; error {report.error:.2e} of the largest entry, "
        f"allowed {tolerance:.0e}"
    )


def _twice(
    target: str,
    value: Callable[[], float],
    gradients: Callable[[], dict[str, Array]],
    rewind: Callable[[], None],
    arrays: dict[str, Array],
) -> tuple[float, dict[str, Array]]:
    """Return the number to differentiate and its claimed gradients, both computed twice."""
    before = arrays["x"].copy()
    found = []
    for _ in range(2):
        rewind()
        number = value()
        if not np.array_equal(arrays["x"], before):
            raise GradientError(
                f"{target}: forward wrote to x, which belongs to the layer below; compute into a "
                f"new array"
            )
        claimed = {name: np.array(g, np.float64) for name, g in gradients().items()}
        for name in claimed:
            if name not in arrays:
                raise GradientError(
                    f"{target}: backward filled grads[{name!r}], and there is no such weight; "
                    f"expected one of {', '.join(list(arrays)[1:]) or 'none'}"
                )
        for name, array in arrays.items():
            if name not in claimed:
                raise GradientError(f"{target}: backward left no gradient of {name}")
            if claimed[name].shape != array.shape:
                raise GradientError(
                    f"{target}: the gradient of {name} has shape {claimed[name].shape}, {name} has "
                    f"{array.shape}"
                )
        found.append((number, claimed))
    (number, first), (again, second) = found
    if not np.isclose(again, number, rtol=SAME, equal_nan=True):
        raise GradientError(
            f"{target}: the same batch gives a different output the second time; a random layer "
            f"has to draw from its seed_generator, which can be reset, and what changes from step "
            f"to step has to be in its state"
        )
    for name, g in first.items():
        largest = np.abs(g[np.isfinite(g)]).max(initial=0)
        if not np.allclose(second[name], g, rtol=0, atol=SAME * largest, equal_nan=True):
            raise GradientError(
                f"{target}: backward twice with the same batch gives two gradients of {name}, and "
                f"the second is {_ratio(second[name], g)}; backward has to overwrite what the last "
                f'step left: grads["{name.rpartition("/")[2]}"] = ..., not +='
            )
    return number, first


def _ratio(second: Array, first: Array) -> str:
    """Return how many times as large the second gradient is, if one number can say it."""
    scale = float(np.sum(first * second) / max(float(np.sum(first * first)), 1e-300))
    if np.allclose(second, scale * first):
        return f"{scale:.4g} times the first"
    return "a different one"


def _compare(
    name: str,
    array: Array,
    claimed: Array,
    value: Callable[[], float],
    rewind: Callable[[], None],
    here: float,
    tolerance: float,
    max_entries: int,
    rng: np.random.Generator,
) -> TensorReport:
    entries = np.arange(array.size)
    if array.size > max_entries:
        entries = rng.choice(array.size, max_entries, replace=False)
    flat = array.reshape(-1)  # a view
    analytic = claimed.reshape(-1)[entries]
    values = np.array([_values(flat, int(i), value, rewind, STEP) for i in entries])
    numeric = values @ (1, -8, 8, -1) / (12 * STEP)
    finest = FINEST * max(1.0, abs(here))
    largest = max(float(np.abs(numeric).max()), float(np.abs(analytic).max()), finest)
    kinks = {}
    agree = np.abs(analytic - numeric) <= tolerance * largest
    for place in np.flatnonzero(~agree & np.isfinite(analytic)):
        below, above = _slopes(here, values[place], STEP)
        if abs(above - below) < abs(analytic[place] - numeric[place]) / 10:
            # No kink is near, and the gradient is wrong; unless its slope has one, as that of ELU
            # at 0. Four points around it are less accurate than those on one side.
            slopes = numeric[place], below, above
            numeric[place] = min(slopes, key=lambda slope: abs(slope - analytic[place]))
            continue
        close = _values(flat, int(entries[place]), value, rewind, CLOSE_STEP)
        below, above = _slopes(here, close, CLOSE_STEP)
        noise = ROUNDING * float(np.abs(close).max()) / CLOSE_STEP
        low, high = min(below, above), max(below, above)
        numeric[place] = np.clip(analytic[place], low - noise, high + noise)
        if high - low > tolerance * largest + 2 * noise:
            kinks[int(place)] = (below, above)
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
        len(kinks),
        kinks.get(worst),
    )


def _values(
    flat: Array, i: int, value: Callable[[], float], rewind: Callable[[], None], step: float
) -> Array:
    """Return L with one entry moved by -2, -1, 1 and 2 steps."""
    kept = flat[i]
    values = []
    for steps in (-2, -1, 1, 2):
        flat[i] = kept + steps * step
        rewind()
        values.append(value())
    flat[i] = kept
    return np.array(values)


def _slopes(here: float, values: Array, step: float) -> tuple[float, float]:
    """Return the slopes below and above an entry, with an error of order step^2."""
    two_below, below, above, two_above = values
    return (
        (3 * here - 4 * below + two_below) / (2 * step),
        (-3 * here + 4 * above - two_above) / (2 * step),
    )


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
    if isinstance(target, Model) and y is not None:
        return _model_with_loss(target, x, np.asarray(y), training, sample_weight)
    u = rng.normal(size=target.forward(x, training).shape)

    def gradients() -> dict[str, Array]:
        dout = u.copy()
        dx = target.backward(dout)
        if dx is None:
            raise GradientError(
                f"{_name_of(target)}: backward returned None, expected the gradient of x; is the "
                f"return missing?"
            )
        if not np.array_equal(dout, u):
            raise GradientError(
                f"{_name_of(target)}: backward wrote to dout, which belongs to the layer above; "
                f"compute into a new array"
            )
        if isinstance(target, (Layer, Model)):
            target.add_penalty_gradients()
        return {"x": dx, **_all_gradients(target)}

    return (
        lambda: float(np.sum(u * target.forward(x, training))) + target.penalty(),
        gradients,
        {"x": x, **target.params},
    )


def _model_with_loss(
    model: Model, x: Array, y: Array, training: bool, sample_weight: Any
) -> tuple[Callable[[], float], Callable[[], dict[str, Array]], dict[str, Array]]:
    weights = None if sample_weight is None else np.asarray(sample_weight)

    def value() -> float:
        return float(model.loss_value(model.forward(x, training), y, weights))

    def gradients() -> dict[str, Array]:
        dx = model.backward_from_loss()
        return {"x": dx, **_all_gradients(model)}

    return value, gradients, {"x": x, **model.params}


def _all_gradients(target: Layer | Model) -> dict[str, Array]:
    """Return the gradients of all weights that learn: 0 for those that nothing depends on."""
    left_out = getattr(target, "unreached", ())
    zeros = {key: np.zeros_like(w) for key, w in target.params.items() if key in left_out}
    return zeros | target.grads


def _build(target: Any, x: Array) -> None:
    if isinstance(target, Model):
        target.build(x.shape)
    elif isinstance(target, Layer):
        target.ensure_built(x.shape[1:])
    for layer in _layers(target):
        for name, array in layer.arrays.items():
            if array.dtype != np.float64:
                raise TypeError(
                    f"{layer.name}/{name}: expected float64, in which differences are exact "
                    f"enough, got {array.dtype}; make the layer with dtype='float64', or call "
                    f"tinynet.config.set_floatx('float64') before making layers"
                )


def _layers(target: Any) -> list[Layer]:
    if isinstance(target, Model):
        return list(target.leaves.values())
    return [target] if isinstance(target, Layer) else []


def _name_of(target: Any) -> str:
    return str(getattr(target, "name", type(target).__name__))
