"""Gradient descent; in the formulas g is the gradient and w the parameter."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import flag, number
from tinynet.config import through_float32
from tinynet.kernels import sgd
from tinynet.optimizers.base import Optimizer
from tinynet.optimizers.schedules import LearningRateSchedule


class SGD(Optimizer):
    r"""Gradient descent, with or without momentum.

    :math:`w \leftarrow w - lr\,g`; with momentum :math:`\mu`:
    :math:`m \leftarrow \mu m - lr\,g` and :math:`w \leftarrow w + m`, or with Nesterov
    :math:`w \leftarrow w + \mu m - lr\,g`.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
    momentum : float
        From 0 to 1.
    nesterov : bool
    **kwargs
        `weight_decay`, `clipnorm`, `clipvalue`, `global_clipnorm`, `name`; see `Optimizer`.

    Raises
    ------
    ValueError
        If `momentum` is not between 0 and 1.

    Notes
    -----
    Source: Sutskever et al. 2013, section 2; follows keras/src/optimizers/sgd.py.

    Derived on the page :doc:`/backprop/optimizers`.
    """

    only_kernels = True

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **kwargs: Any,
    ) -> None:
        self.momentum = number("momentum", momentum, least=0, most=1)
        self.nesterov = flag("nesterov", nesterov)
        super().__init__(learning_rate, **kwargs)

    def slot_names(self) -> tuple[str, ...]:
        """Return the name of the momentum's slot if there is momentum."""
        return ("momentum",) if self.momentum else ()

    def update(self, w: Array, g: Array, slots: dict[str, Array], learning_rate: Any) -> None:
        """Update `w`; the momentum goes through float32."""
        learning_rate = np.asarray(learning_rate)  # a subclass may pass on a float
        if self.momentum:
            momentum = through_float32(self.momentum)
            sgd.sgd_momentum(g, learning_rate, momentum, self.nesterov, slots["momentum"], w)
        else:
            sgd.sgd(g, learning_rate, w)
