"""Learning rates that depend on the number of steps taken so far.

Keras computes them in float32, whatever the model's type, and so does tinynet, to the last bit:
where TensorFlow's graph multiplies by the reciprocal of a constant, because that is faster
than a division, the same is done here.

Follows keras/src/optimizers/schedules/learning_rate_schedule.py. Derived on the page
:doc:`/backprop/schedules`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet.checks import flag, number, numbers, text
from tinynet.configurable import Configurable, by_name, resolve, writer_and_reader
from tinynet.overriding import missing

f32 = np.float32


class LearningRateSchedule(Configurable):
    """A rule that gives the learning rate of a step; `step` counts from 0.

    A subclass defines `__call__`. Those below define `at`, so that a whole curve can be asked for.
    """

    def __call__(self, step: Any) -> Any:
        """Return the learning rate of that step; for an array of steps, an array."""
        if np.ndim(step) == 0:
            return self.at(step)
        steps = np.asarray(step)
        return np.array([self.at(each) for each in steps.flat], f32).reshape(steps.shape)

    def at(self, step: float) -> float:
        """Return the learning rate of one step."""
        raise missing(self, "__call__(step), which returns the learning rate of that step")


class ExponentialDecay(LearningRateSchedule):
    r""":math:`lr_0 \cdot rate^{step/decay\_steps}`.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
        Steps until the learning rate has been multiplied by `decay_rate` once.
    decay_rate : float
    staircase : bool
        Whether the exponent is rounded down.
    name : str
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = number("decay_steps", decay_steps, above=0)
        self.decay_rate = number("decay_rate", decay_rate)
        self.staircase = flag("staircase", staircase)
        self.name = text("name", name)

    def at(self, step: float) -> float:
        """Return the learning rate of that step."""
        exponent = f32(step) * (f32(1) / f32(self.decay_steps))
        if self.staircase:
            exponent = np.floor(exponent)
        return float(f32(self.initial_learning_rate) * f32(self.decay_rate) ** exponent)


class PiecewiseConstantDecay(LearningRateSchedule):
    """One value up to each boundary, the last one beyond all of them.

    Parameters
    ----------
    boundaries : sequence of int
        Ascending; ``values[i]`` holds up to and including step ``boundaries[i]``.
    values : sequence of float
        One more than there are boundaries.
    name : str

    Raises
    ------
    ValueError
        If the lengths do not match.
    """

    def __init__(
        self, boundaries: Sequence[int], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        self.boundaries = numbers("boundaries", boundaries)
        self.values = numbers("values", values)
        if len(self.boundaries) != len(self.values) - 1:
            raise ValueError(
                f"values: expected one more than boundaries ({len(self.boundaries)}), got "
                f"{len(self.values)}"
            )
        self.name = text("name", name)

    def at(self, step: float) -> float:
        """Return the learning rate of that step."""
        passed = sum(step > boundary for boundary in self.boundaries)
        return float(f32(self.values[passed]))


class PolynomialDecay(LearningRateSchedule):
    r"""A power of the fraction of steps that are left, down to a final rate; then constant.

    .. math:: lr_{end} + (lr_0 - lr_{end}) (1 - step/decay\_steps)^{power}

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
    end_learning_rate : float
    power : float
    cycle : bool
        Whether to stretch `decay_steps` to twice, three times ... as many steps whenever the end
        is reached, so that the rate goes up and decays again.
    name : str
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = number("decay_steps", decay_steps, above=0)
        self.end_learning_rate = number("end_learning_rate", end_learning_rate)
        self.power = number("power", power)
        self.cycle = flag("cycle", cycle)
        self.name = text("name", name)

    def at(self, step: float) -> float:
        """Return the learning rate of that step."""
        now, length = f32(step), f32(self.decay_steps)
        per_step = f32(1) / length
        if self.cycle:
            share = now / (length * max(f32(1), np.ceil(now * per_step)))
        else:
            share = min(now, length) * per_step
        start, end = f32(self.initial_learning_rate), f32(self.end_learning_rate)
        return float((start - end) * (f32(1) - share) ** f32(self.power) + end)


class InverseTimeDecay(LearningRateSchedule):
    r""":math:`lr_0 / (1 + rate \cdot step/decay\_steps)`.

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
        Steps after which the denominator has grown by `decay_rate`.
    decay_rate : float
    staircase : bool
        Whether ``step/decay_steps`` is rounded down.
    name : str

    Notes
    -----
    What Keras 2's ``SGD(lr, decay=d)`` did is ``InverseTimeDecay(lr, 1, d)``.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = number("decay_steps", decay_steps, above=0)
        self.decay_rate = number("decay_rate", decay_rate)
        self.staircase = flag("staircase", staircase)
        self.name = text("name", name)

    def at(self, step: float) -> float:
        """Return the learning rate of that step."""
        per_step, rate = f32(1) / f32(self.decay_steps), f32(self.decay_rate)
        if self.staircase:
            growth = rate * np.floor(f32(step) * per_step)
        else:
            growth = f32(step) * (rate * per_step)
        return float(f32(self.initial_learning_rate) / (f32(1) + growth))


class CosineDecay(LearningRateSchedule):
    r"""Half a cosine from the full rate down to `alpha` of it, optionally after a linear warm-up.

    .. math:: lr \left((1 - \alpha) \, \tfrac12 \Big(1 + \cos \frac{\pi\,step}{decay\_steps}\Big)
              + \alpha\right)

    (Loshchilov and Hutter 2017, equation 5).

    Parameters
    ----------
    initial_learning_rate : float
    decay_steps : int
        Steps after the warm-up.
    alpha : float
        What remains at the end, as a fraction.
    name : str
    warmup_target : float, optional
        Where the warm-up from `initial_learning_rate` ends; without it there is no warm-up.
    warmup_steps : int
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.decay_steps = number("decay_steps", decay_steps, above=0)
        self.alpha = number("alpha", alpha)
        self.name = text("name", name)
        self.warmup_target = (
            None if warmup_target is None else number("warmup_target", warmup_target)
        )
        self.warmup_steps = number("warmup_steps", warmup_steps, least=0)

    def at(self, step: float) -> float:
        """Return the learning rate of that step."""
        now, length = f32(step), f32(self.decay_steps)
        start, pi = f32(self.initial_learning_rate), f32(math.pi)
        if self.warmup_target is None:
            return self._decayed(start, min(now, length) * (pi * (f32(1) / length)))
        target, warmup = f32(self.warmup_target), f32(self.warmup_steps)
        if now < warmup:
            return float((target - start) * (now / warmup) + start)
        return self._decayed(target, pi * (min(now - warmup, length) / length))

    def _decayed(self, rate: np.float32, angle: np.float32) -> float:
        share = f32(0.5) * (f32(1) + _cosine(angle))
        return float(rate * (f32(1 - self.alpha) * share + f32(self.alpha)))


class CosineDecayRestarts(LearningRateSchedule):
    r"""One `CosineDecay` after the other, each `t_mul` times as long, from `m_mul` times the rate.

    In period i, from 0, of which the fraction f is over:

    .. math:: lr \left((1 - \alpha) \, \tfrac12 m\_mul^i \, (1 + \cos \pi f) + \alpha\right)

    (Loshchilov and Hutter 2017, section 3).

    Parameters
    ----------
    initial_learning_rate : float
    first_decay_steps : int
        Length of period 0.
    t_mul, m_mul : float
        By which a period's length and its first rate are multiplied for the next one. With a
        `t_mul` below 1, Keras's rate is NaN after a while; here it is refused.
    alpha : float
        The lowest rate, as a fraction of `initial_learning_rate`.
    name : str
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = number("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = number("first_decay_steps", first_decay_steps, above=0)
        self.t_mul = number("t_mul", t_mul, least=1)
        self.m_mul = number("m_mul", m_mul, least=0)
        self.alpha = number("alpha", alpha)
        self.name = text("name", name)

    def at(self, step: float) -> float:
        """Return the learning rate of that step."""
        done = f32(step) * (f32(1) / f32(self.first_decay_steps))  # in lengths of period 0
        longer = f32(self.t_mul)
        if longer == 1:
            period = np.floor(done)
            fraction = done - period
        else:
            growth = f32(math.log(f32(1) - done * (f32(1) - longer)))
            period = np.floor(growth * (f32(1) / f32(math.log(longer))))
            length = longer**period  # of this period
            before = (f32(1) - length) * (f32(1) / (f32(1) - longer))  # of all periods before it
            fraction = (done - before) / length
        alpha, rate = f32(self.alpha), f32(self.initial_learning_rate)
        height, wave = f32(self.m_mul) ** period, f32(1) + _cosine(f32(math.pi) * fraction)
        # TensorFlow multiplies the constants first, the rate among them if nothing is added.
        if alpha == 0:
            return float((rate * f32(0.5)) * height * wave)
        return float(rate * (((f32(1) - alpha) * f32(0.5)) * height * wave + alpha))


def _cosine(angle: np.float32) -> np.float32:
    """Return cos x as the real part of e^(ix), for which NumPy and TensorFlow call the C library.

    np.cos has its own code for float32, and other last bits.
    """
    cosine: np.float32 = np.exp(np.complex64(1j) * angle).real
    return cosine


SCHEDULES: dict[str, type[LearningRateSchedule]] = by_name(
    ExponentialDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
    InverseTimeDecay,
    CosineDecay,
    CosineDecayRestarts,
)


def get(identifier: object) -> float | LearningRateSchedule:
    """Return a schedule from its config; a number or a schedule is returned as it is."""
    if isinstance(identifier, dict):
        return resolve("learning rate schedule", identifier, SCHEDULES)
    return identifier  # type: ignore[return-value]  # the optimizer checks it


serialize, deserialize = writer_and_reader(get)
