r"""The optimizers. In the formulas g is the gradient, w the parameter, t the step, from 1.

Where a docstring says "through float32", Keras on TensorFlow rounds that constant through
float32, in float64 as well; the others keep their double precision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import flag, number
from tinynet.config import through_float32
from tinynet.kernels import updates
from tinynet.optimizers.base import Optimizer
from tinynet.optimizers.schedules import LearningRateSchedule
from tinynet.step.tape import call


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
            updates.sgd_momentum(g, learning_rate, momentum, self.nesterov, slots["momentum"], w)
        else:
            updates.sgd(g, learning_rate, w)


class RMSprop(Optimizer):
    r"""Divide the gradient by the root of a moving average of its square.

    :math:`v \leftarrow \rho v + (1 - \rho) g^2`,
    :math:`m \leftarrow \mu m + lr\,g/\sqrt{v + \epsilon}`, :math:`w \leftarrow w - m`;
    if centered, with the moving average a of g, the root is :math:`\sqrt{v - a^2 + \epsilon}`.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
    rho : float
        How much of the moving averages one step keeps.
    momentum : float
        :math:`\mu`.
    epsilon : float
        Inside the root.
    centered : bool
    **kwargs
        See `Optimizer`.

    Notes
    -----
    Source: Tieleman and Hinton 2012, lecture 6.5; follows keras/src/optimizers/rmsprop.py.
    """

    only_kernels = True

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ) -> None:
        self.rho = number("rho", rho, least=0, most=1)
        self.momentum = number("momentum", momentum, least=0, most=1)
        self.epsilon = number("epsilon", epsilon, least=0)
        self.centered = flag("centered", centered)
        super().__init__(learning_rate, **kwargs)

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of the averages that are in use."""
        used = {"velocity": True, "momentum": self.momentum, "average_gradient": self.centered}
        return tuple(name for name, yes in used.items() if yes)

    def update(self, w: Array, g: Array, slots: dict[str, Array], learning_rate: Any) -> None:
        """Update `w`."""
        learning_rate = np.asarray(learning_rate)  # a subclass may pass on a float
        velocity = slots["velocity"]
        average = slots.get("average_gradient", velocity)  # not touched unless centered
        momentum = slots["momentum"] if self.momentum else np.zeros_like(w)
        updates.rmsprop(
            g,
            learning_rate,
            self.rho,
            self.epsilon,
            float(self.momentum),
            self.centered,
            velocity,
            average,
            momentum,
            w,
        )


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
    keras/src/optimizers/adam.py. In the powers the betas go through float32.
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
        alpha = call(self._alpha, w.dtype.type, learning_rate)
        constants = alpha, 1 - self.beta_1, 1 - self.beta_2, self.epsilon
        m, v = slots["momentum"], slots["velocity"]
        if self.amsgrad:
            updates.adam_amsgrad(g, *constants, m, v, slots["velocity_hat"], w)
        else:
            updates.adam(g, *constants, m, v, w)

    def _alpha(self, number: type, learning_rate: Any) -> Array:
        """Return the learning rate, corrected for the start of both moments at 0."""
        power_1 = number(through_float32(self.beta_1) ** (self.iterations + 1))
        power_2 = number(through_float32(self.beta_2) ** (self.iterations + 1))
        return np.array(number(learning_rate) * np.sqrt(1 - power_2) / (1 - power_1), np.float64)


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


class Adagrad(Optimizer):
    r"""Divide the gradient by the root of the sum of all its squares so far.

    :math:`v \leftarrow v + g^2`, :math:`w \leftarrow w - lr\,g/\sqrt{v + \epsilon}`.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
    initial_accumulator_value : float
        Initial value of v.
    epsilon : float
        Inside the root.
    **kwargs
        See `Optimizer`.

    Notes
    -----
    Source: Duchi et al. 2011, figure 1; follows keras/src/optimizers/adagrad.py. The initial
    value of v goes through float32.
    """

    only_kernels = True

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        self.initial_accumulator_value = number(
            "initial_accumulator_value", initial_accumulator_value, least=0
        )
        self.epsilon = number("epsilon", epsilon, least=0)
        super().__init__(learning_rate, **kwargs)

    def slot_names(self) -> tuple[str, ...]:
        """Return the name of the sum of squares."""
        return ("accumulator",)

    def first_value(self, slot: str) -> float:
        """Return what the sum of squares starts from."""
        return through_float32(self.initial_accumulator_value)

    def update(self, w: Array, g: Array, slots: dict[str, Array], learning_rate: Any) -> None:
        """Update `w`."""
        learning_rate = np.asarray(learning_rate)  # a subclass may pass on a float
        updates.adagrad(g, learning_rate, self.epsilon, slots["accumulator"], w)


class Nadam(Optimizer):
    r"""Adam with Nesterov's look-ahead.

    With :math:`u_t = \beta_1(1 - 0.96^t/2)` and :math:`U_t = u_1 u_2 \cdots u_t`, and m, v as in
    Adam:

    .. math:: \hat m = \frac{u_{t+1}\, m}{1 - U_{t+1}} + \frac{(1 - u_t)\, g}{1 - U_t},

    :math:`\hat v = v/(1 - \beta_2^t)`,
    :math:`w \leftarrow w - lr\,\hat m/(\sqrt{\hat v} + \epsilon)`.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
    beta_1, beta_2, epsilon
        See `Adam`.
    **kwargs
        See `Optimizer`.

    Notes
    -----
    Source: Dozat 2016, algorithm 2; follows keras/src/optimizers/nadam.py. The betas and 0.96
    go through float32, except in the product U.
    """

    only_kernels = True

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        self.beta_1 = number("beta_1", beta_1, least=0, below=1)
        self.beta_2 = number("beta_2", beta_2, least=0, below=1)
        self.epsilon = number("epsilon", epsilon, least=0)
        super().__init__(learning_rate, **kwargs)
        self.u_product = 1.0

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of the moments."""
        return ("momentum", "velocity")

    def get_state(self) -> dict[str, Array]:
        """Return the counter, the slots and U."""
        return {**super().get_state(), "u_product": np.array(self.u_product)}

    def set_state(self, state: Mapping[str, Array]) -> None:
        """Restore what `get_state` returned."""
        super().set_state(state)
        self.u_product = float(state["u_product"])

    def begin_step(self, learning_rate: float) -> None:
        """Multiply U by this step's u."""
        self.u_product *= self.beta_1 * (1 - 0.5 * math.pow(0.96, self.iterations + 1))

    def update(self, w: Array, g: Array, slots: dict[str, Array], learning_rate: Any) -> None:
        """Update `w`."""
        learning_rate = np.asarray(learning_rate)  # a subclass may pass on a float
        shares = call(self._shares, w.dtype.type)
        updates.nadam(
            g,
            learning_rate,
            1 - through_float32(self.beta_1),
            1 - through_float32(self.beta_2),
            *(shares[i, ...] for i in range(3)),
            self.epsilon,
            slots["momentum"],
            slots["velocity"],
            w,
        )

    def _shares(self, number: type) -> Array:
        """Return the shares of m and g in the look-ahead, and the correction of v."""
        t = self.iterations + 1
        beta_1, beta_2 = through_float32(self.beta_1), through_float32(self.beta_2)
        decay = through_float32(0.96)
        u_now = beta_1 * (1 - 0.5 * decay**t)
        u_next = beta_1 * (1 - 0.5 * decay ** (t + 1))
        return np.array(
            [
                u_next / (1 - self.u_product * u_next),
                (1 - u_now) / (1 - self.u_product),
                number(1 - number(beta_2**t)),
            ]
        )
