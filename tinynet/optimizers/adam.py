"""Adam; in the formulas g is the gradient, w the parameter and t the step, from 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import flag, number
from tinynet.kernels.adam import adam, adam_amsgrad
from tinynet.optimizers.base import Optimizer
from tinynet.optimizers.schedules import LearningRateSchedule


class Adam(Optimizer):
    r"""Moving averages m of the gradient and v of its square, both corrected for their start at 0.

    :math:`m \leftarrow m + (1 - \beta_1)(g - m)`, :math:`v \leftarrow v + (1 - \beta_2)(g^2 - v)`,
    :math:`\alpha = lr\sqrt{1 - \beta_2^t}/(1 - \beta_1^t)`,
    :math:`w \leftarrow w - \alpha\,m/(\sqrt v + \epsilon)`.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
    beta_1, beta_2 : float
        How much of m and of v one step keeps.
    epsilon : float
        Outside the root, and not corrected.
    amsgrad : bool
        Whether to put the largest v so far under the root (Reddi et al. 2018, algorithm 2).
    **kwargs
        See `Optimizer`.

    Notes
    -----
    Source: Kingma and Ba 2015, algorithm 1, in the form at the end of its section 2; follows
    keras/src/optimizers/adam.py. In the powers the betas go through float32. Derived on the page
    :doc:`/backprop/adam`.
    """

    only_kernels = True

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        self.beta_1 = number("beta_1", beta_1, least=0, below=1)
        self.beta_2 = number("beta_2", beta_2, least=0, below=1)
        self.epsilon = number("epsilon", epsilon, least=0)
        self.amsgrad = flag("amsgrad", amsgrad)
        super().__init__(learning_rate, **kwargs)

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of the moments."""
        moments = ("momentum", "velocity")
        return (*moments, "velocity_hat") if self.amsgrad else moments

    def update(self, w: Array, g: Array, slots: dict[str, Array], learning_rate: Any) -> None:
        """Update `w`."""
        constants = self.beta_1, self.beta_2, self.epsilon
        given = g, np.asarray(learning_rate), self.dials["iterations"], *constants
        m, v = slots["momentum"], slots["velocity"]
        if self.amsgrad:
            adam_amsgrad(*given, m, v, slots["velocity_hat"], w)
        else:
            adam(*given, m, v, w)


class AdamW(Adam):
    """Adam with weight decay 0.004 by default (Loshchilov and Hutter 2019, algorithm 2).

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
    weight_decay : float
    beta_1, beta_2, epsilon, amsgrad
        See `Adam`.
    **kwargs
        See `Optimizer`.

    Raises
    ------
    ValueError
        If `weight_decay` is None: without weight decay, use `Adam`.

    Notes
    -----
    Derived on the page :doc:`/backprop/optimizers`.
    """

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("weight_decay: expected a number, got None; use Adam for none")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs
        )
