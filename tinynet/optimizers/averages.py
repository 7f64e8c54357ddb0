"""What an optimizer does over several steps: averages of parameters, sums of gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import flag, integer, number
from tinynet.kernels.sgd import average_weights, take_average


class OverSteps:
    """The part of every optimizer that is there only if it is asked for; see `Optimizer`.

    Averages are kernels. Of a step that adds up gradients, only the last batch moves anything, so
    it is a line of Python.
    """

    swapped = False  # whether a callback has put each average and its parameter in the other place
    dials: dict[str, Array]
    slots: dict[str, dict[str, Array]]

    def over_steps(
        self,
        use_ema: bool,
        ema_momentum: float,
        ema_overwrite_frequency: int | None,
        gradient_accumulation_steps: int | None,
    ) -> None:
        """Check and keep the options."""
        every, steps = ema_overwrite_frequency, gradient_accumulation_steps
        self.use_ema = flag("use_ema", use_ema)
        self.ema_momentum = number("ema_momentum", ema_momentum, least=0, most=1)
        self.ema_overwrite_frequency = (
            None if every is None else integer("ema_overwrite_frequency", every)
        )
        self.gradient_accumulation_steps = (
            None if steps is None else integer("gradient_accumulation_steps", steps, least=2)
        )

    @property
    def batches(self) -> int:
        """How many batches there have been: one for each step, unless gradients are added up."""
        return int(self.dials.get("batches", self.dials["iterations"]))

    @batches.setter
    def batches(self, value: int) -> None:
        steps = self.gradient_accumulation_steps
        self.dials["iterations"][...] = value // (steps or 1)
        if steps is not None:
            self.dials["batches"] = self.dials.get("batches", np.zeros((), np.int64))
            self.dials["batches"][...] = value

    def more_slot_names(self) -> tuple[str, ...]:
        """Return the names of the arrays that this needs for every parameter."""
        average = ("average",) if self.use_ema else ()
        total = ("gradient_accumulator",) if self.gradient_accumulation_steps is not None else ()
        return (*average, *total)

    def _move(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> Any:
        """Update all parameters; defined by `Optimizer`."""
        raise NotImplementedError

    def _accumulate(self, params: Mapping[str, Array], grads: Mapping[str, Array]) -> None:
        """Add up gradients; with those of the last batch of a step, move by their mean."""
        steps = self.gradient_accumulation_steps
        assert steps is not None
        sums = {key: self.slots[key]["gradient_accumulator"] for key in grads}
        for key, total in sums.items():
            total += grads[key].reshape(-1)
        if (self.batches + 1) % steps == 0:
            means = {key: total / steps for key, total in sums.items()}
            self._move(params, means)
            for total in sums.values():
                total[...] = 0

    def _average(self, params: Mapping[str, Array]) -> None:
        """Update the averages, and let them replace the parameters where it is time."""
        now = self.dials["iterations"]
        for key, w in params.items():
            average = self.slots[key]["average"]
            average_weights(w.reshape(-1), now, self.ema_momentum, average)
            if self.ema_overwrite_frequency is not None:
                take_average(average, now, self.ema_overwrite_frequency, w.reshape(-1))

    def _count_batch(self) -> None:
        """Count a batch, and a step if it was the last one of a step."""
        self.batches += 1

    def finalize_variable_values(self, params: Mapping[str, Array]) -> None:
        """Put the averages in the place of the parameters, if there are averages elsewhere."""
        for key, w in params.items():
            if self.use_ema and key in self.slots and not self.swapped:
                w[...] = self.slots[key]["average"].reshape(w.shape)
