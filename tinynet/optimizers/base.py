"""What every optimizer does around the one formula in which they differ."""

from __future__ import annotations

import re
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from tinynet import old_names
from tinynet.arrays import Array, make_writable
from tinynet.checks import number, text
from tinynet.config import through_float32
from tinynet.configurable import Configurable, auto_name, serialize
from tinynet.kernels.counting import count_up
from tinynet.kernels.sgd import decay_weights
from tinynet.optimizers import schedules
from tinynet.optimizers.averages import OverSteps
from tinynet.overriding import OF_OPTIMIZERS, missing, require_called
from tinynet.step.tape import Computes, call
from tinynet.variables import Rate


class Optimizer(OverSteps, Computes, Configurable):
    """Moves parameters against their gradients. A subclass defines `update` for one of them.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
    weight_decay : float, optional
        Before each step every parameter shrinks by ``parameter*weight_decay*learning_rate``
        (Loshchilov and Hutter 2019, algorithm 2).
    clipnorm : float, optional
        Largest norm of the gradient of one parameter.
    clipvalue : float, optional
        Largest absolute value of one entry of a gradient.
    global_clipnorm : float, optional
        Largest norm of all gradients together (Pascanu et al. 2013, algorithm 1).
    use_ema : bool
        Whether to keep an average of each parameter over the steps, ``average = ema_momentum *
        average + (1 - ema_momentum) * parameter``. At the end of `fit`, it replaces the parameter.
    ema_momentum : float
        From 0 to 1.
    ema_overwrite_frequency : int, optional
        After how many steps, again and again, the average replaces the parameter.
    gradient_accumulation_steps : int, optional
        How many batches make a step, which goes by the mean of their gradients; at least 2.
    name : str, optional

    Attributes
    ----------
    schedule : LearningRateSchedule or None
        What sets the learning rate, if it is not a number.
    dials : dict of str to ndarray
        Numbers that change from step to step, as arrays without axes, which the kernels read.
    slots : dict of str to dict of str to ndarray
        The optimizer's memory, ``slots["dense_1/kernel"]["velocity"]``.

    Raises
    ------
    ValueError
        If more than one way of clipping is requested, a number is negative, or an argument is not
        known.

    Notes
    -----
    Follows keras/src/optimizers/base_optimizer.py: clipping comes first, then weight decay,
    then the update; the averages come last, and the step counter advances once per step. As in
    Keras, a schedule and the averages go on with every batch when gradients are accumulated.
    """

    computing = ("update", "step", "begin_step")
    BASE_ARGUMENTS: ClassVar[tuple[str, ...]] = (
        "weight_decay",
        "clipnorm",
        "clipvalue",
        "global_clipnorm",
        "use_ema",
        "ema_momentum",
        "ema_overwrite_frequency",
        "gradient_accumulation_steps",
        "name",
    )

    def __init__(
        self,
        learning_rate: float | schedules.LearningRateSchedule,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        require_called(self, OF_OPTIMIZERS)
        old_names.ignore_decay(kwargs)
        old_names.refuse(type(self).__name__, kwargs)
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        if sum(value is not None for value in clips.values()) > 1:
            raise ValueError(f"expected at most one of {', '.join(clips)}, got {clips}")
        limits = {
            key: None if value is None else number(key, value, least=0)
            for key, value in {**clips, "weight_decay": weight_decay}.items()
        }
        self.over_steps(use_ema, ema_momentum, ema_overwrite_frequency, gradient_accumulation_steps)
        self.schedule: schedules.LearningRateSchedule | None = None
        self.dials = {"learning_rate": np.zeros(()), "iterations": np.zeros((), np.int64)}
        self.batches = 0
        self.learning_rate = schedules.get(learning_rate)
        self.weight_decay = limits["weight_decay"]
        self.clipnorm = limits["clipnorm"]
        self.clipvalue = limits["clipvalue"]
        self.global_clipnorm = limits["global_clipnorm"]
        self.name = text("name", name) or auto_name(type(self))
        self.slots: dict[str, dict[str, Array]] = {}
        self.excluded_from_decay: list[str] = []
        self._trains: weakref.WeakSet[Any] | None = None  # the layers; None before the first step

    def __getattr__(self, name: str) -> Any:
        raise old_names.missing(self, name)

    def __getstate__(self) -> dict[str, Any]:
        # For copy and pickle: the layers are copies, too, and a copy has dials of its own.
        dials = {name: dial.copy() for name, dial in self.dials.items()}
        return {**vars(self), "_trains": None, "dials": dials}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        for slots in self.slots.values():
            make_writable(slots)

    # What a subclass defines.

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of the arrays that `update` needs for every parameter."""
        return ()

    def update(self, w: Array, g: Array, slots: dict[str, Array], learning_rate: Any) -> None:
        """Update one parameter, flat (n,), in place.

        The learning rate is a float, or an array without axes if the optimizer `only_kernels`.
        """
        raise missing(self, "update(w, g, slots, learning_rate), which moves w in place by g")

    def first_value(self, slot: str) -> float:
        """Return what a new slot is filled with."""
        return 0.0

    # What all optimizers share.

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step; set it to change it, unless a schedule does.

        A number that also has Keras's ``numpy()`` and ``assign(value)``.
        """
        if self.schedule is not None:
            return Rate(self.schedule(self.batches), self)
        return Rate(float(self.dials["learning_rate"]), self)

    @learning_rate.setter
    def learning_rate(self, value: float | schedules.LearningRateSchedule) -> None:
        if isinstance(value, schedules.LearningRateSchedule):
            self.schedule = value
            return
        self.require_settable_rate()
        self.dials["learning_rate"][...] = number("learning_rate", value, least=0)

    @property
    def iterations(self) -> int:
        """How many steps have been taken."""
        return int(self.dials["iterations"])

    @iterations.setter
    def iterations(self, value: int) -> None:
        self.batches = value * (self.gradient_accumulation_steps or 1)

    def require_settable_rate(self) -> None:
        """Raise an error if a schedule sets the learning rate: then nothing else can."""
        if self.schedule is not None:
            raise TypeError(
                "learning_rate: the optimizer was made with a schedule, which sets it; make the "
                "optimizer with a number to set it by hand or by a callback"
            )

    def begin_with(self, layers: Sequence[Any]) -> None:
        """Take on the layers of a model that is about to be trained.

        Raises
        ------
        ValueError
            If the optimizer has begun with others: its slots and its step counter belong to them.
        """
        if self._trains is None:
            self._trains = weakref.WeakSet(layers)
        elif others := [layer.name for layer in layers if layer not in self._trains]:
            raise ValueError(
                f"optimizer: {type(self).__name__} {self.name!r} has begun with other layers and "
                f"cannot continue with {', '.join(others)}; give every model an optimizer of its "
                f"own, and a new one to a model in which other layers are to learn"
            )

    def step(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Update all parameters in place.

        Parameters
        ----------
        params, grads : dict of str to ndarray
            The same shape under each key. A parameter without a gradient stays as it is.
        """
        self.ensure_slots(params)
        if self.gradient_accumulation_steps is None:
            self._move(params, grads)
        else:
            call(self._accumulate, params, grads)
        if self.use_ema:
            self._average(params)
        if self.gradient_accumulation_steps is None:
            count_up(self.dials["iterations"])
        else:
            call(self._count_batch)

    def _move(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Clip the gradients, and decay and update the parameters."""
        if self.clipnorm or self.clipvalue or self.global_clipnorm:
            clipped = {key: np.empty_like(g) for key, g in grads.items()}
            call(self._clip, grads, clipped)
            grads = clipped
        if self.schedule is not None or type(self).learning_rate is not Optimizer.learning_rate:
            call(self._follow)
        dial = self.dials["learning_rate"]
        rate: Any = dial if self.only_kernels else float(dial)
        self.begin_step(rate)
        if self.weight_decay is not None:
            decay = through_float32(self.weight_decay)
            for key in filter(self._decays, grads):
                decay_weights(dial, decay, params[key].reshape(-1))
        for key, g in grads.items():  # reshaped to views: parameters are contiguous
            self.update(params[key].reshape(-1), g.reshape(-1), self.slots[key], rate)

    def _follow(self) -> None:
        """Take this step's learning rate from the schedule, or from a property of the user's."""
        self.dials["learning_rate"][...] = self.learning_rate

    def begin_step(self, learning_rate: Any) -> None:
        """Compute what is the same for all parameters in a step; the rate is as for `update`."""

    def ensure_slots(self, params: Mapping[str, Array]) -> None:
        """Make the slots of each parameter that is seen for the first time.

        Raises
        ------
        ValueError
            If the slots under a name belong to another parameter.
        """
        names = self.all_slot_names()
        new = [key for key in params if key not in self.slots]
        first = {name: self.first_value(name) for name in self.slot_names()} if new else {}
        for key in new:
            w = params[key]
            self.slots[key] = {n: np.full(w.size, first.get(n, 0.0), w.dtype) for n in names}
        for key, w in params.items():
            slots = self.slots[key]
            for name in names:  # compiled loops would run past the end of a short one
                if name not in slots or slots[name].shape != (w.size,):
                    found = slots[name].size if name in slots else "none"
                    raise ValueError(
                        f"{self.name}: expected {name} of {w.size} numbers for {key}, got {found}; "
                        f"was it used for another model? give every model its own"
                    )

    def all_slot_names(self) -> tuple[str, ...]:
        """Return the names of what `update` needs, of the average, and of the sum of gradients."""
        if self.use_ema or self.gradient_accumulation_steps is not None:
            return (*self.slot_names(), *self.more_slot_names())
        return self.slot_names()

    def get_state(self) -> dict[str, Array]:
        """Return everything that a later step depends on, as arrays: the counter and the slots.

        The counter is that of the batches.
        """
        state = {"iterations": np.array(self.batches)}
        for key, memory in self.slots.items():
            state.update({f"{key}/{name}": value for name, value in memory.items()})
        return state

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Restore what `get_state` returned."""
        self.batches = int(state["iterations"])
        self.slots = {}
        for path, value in state.items():
            if "/" in path:
                key, name = path.rsplit("/", 1)
                self.slots.setdefault(key, {})[name] = value.copy()

    def exclude_from_weight_decay(self, var_names: Sequence[str]) -> None:
        """Leave parameters out of weight decay if one of `var_names` occurs in their name.

        The name is that of the array alone: ``exclude_from_weight_decay(["bias"])``.
        """
        self.excluded_from_decay = list(var_names)

    def _decays(self, key: str) -> bool:
        name = key.rsplit("/", 1)[-1]
        return not any(re.search(each, name) for each in self.excluded_from_decay)

    def _clip(self, grads: Mapping[str, Array], clipped: Mapping[str, Array]) -> None:
        """Write the clipped gradients into arrays of the same shapes."""
        if self.clipnorm:
            limit = self.clipnorm
            for key, g in grads.items():
                clipped[key][...] = g * limit / max(_norm(g), limit)
        elif self.global_clipnorm:
            limit = self.global_clipnorm
            norm = float(np.sqrt(sum(_norm(g) ** 2 for g in grads.values())))
            # With an infinite norm Keras's factor is NaN, so that the failure is visible.
            factor = limit / max(norm, limit) if np.isfinite(norm) else float("nan")
            for key, g in grads.items():
                np.multiply(g, factor, out=clipped[key])
        elif self.clipvalue:
            for key, g in grads.items():
                np.clip(g, -self.clipvalue, self.clipvalue, out=clipped[key])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain Python values."""
        base = {key: getattr(self, key) for key in self.BASE_ARGUMENTS}
        rate = serialize(self.argument("learning_rate"))
        return {**super().get_config(), **base, "learning_rate": rate}

    def argument(self, name: str) -> Any:
        """Return what the constructor was given under a name; no schedule is asked for a rate."""
        is_schedule = name == "learning_rate" and self.schedule is not None
        return self.schedule if is_schedule else super().argument(name)


def _norm(g: Array) -> float:
    return float(np.linalg.norm(g))
