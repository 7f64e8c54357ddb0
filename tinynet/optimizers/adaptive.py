"""Other optimizers that scale each gradient by its own past.

In the formulas g is the gradient, w the parameter, t the step, from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinynet.arrays import Array
from tinynet.checks import flag, number
from tinynet.config import through_float32
from tinynet.kernels import adaptive
from tinynet.optimizers.base import Optimizer
from tinynet.optimizers.schedules import LearningRateSchedule


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

    Derived on the page :doc:`/backprop/optimizers`.
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
        adaptive.rmsprop(
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

    Derived on the page :doc:`/backprop/optimizers`.
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
        adaptive.adagrad(g, learning_rate, self.epsilon, slots["accumulator"], w)


class Adadelta(Optimizer):
    r"""Give each step the size of the steps so far instead of one that has to be chosen.

    With moving averages v of the squared gradient and d of the squared step s:

    :math:`v \leftarrow \rho v + (1 - \rho) g^2`,
    :math:`s = \sqrt{d + \epsilon}\,g/\sqrt{v + \epsilon}`,
    :math:`d \leftarrow \rho d + (1 - \rho) s^2`, :math:`w \leftarrow w - lr\,s`.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        1 is the method of the paper; the default, 0.001, is a thousandth of its steps.
    rho : float
        How much of the moving averages one step keeps.
    epsilon : float
        Inside the roots; the first steps are as small as its root.
    **kwargs
        See `Optimizer`.

    Notes
    -----
    Source: Zeiler 2012, "ADADELTA: an adaptive learning rate method", algorithm 1; follows
    keras/src/optimizers/adadelta.py.

    Derived on the page :doc:`/backprop/optimizers`.
    """

    only_kernels = True

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        self.rho = number("rho", rho, least=0, most=1)
        self.epsilon = number("epsilon", epsilon, least=0)
        super().__init__(learning_rate, **kwargs)

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of the averages of gradients and of steps."""
        return ("accumulated_grad", "accumulated_delta_var")

    def update(self, w: Array, g: Array, slots: dict[str, Array], learning_rate: Any) -> None:
        """Update `w`."""
        averages = slots["accumulated_grad"], slots["accumulated_delta_var"]
        adaptive.adadelta(g, np.asarray(learning_rate), self.rho, self.epsilon, *averages, w)


class Adamax(Optimizer):
    r"""Adam with the largest gradient of late, v, in place of the root of an average of squares.

    :math:`m \leftarrow m + (1 - \beta_1)(g - m)`, :math:`v \leftarrow \max(\beta_2 v, |g|)`,
    :math:`w \leftarrow w - lr\,m/\big((1 - \beta_1^t)(v + \epsilon)\big)`.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
    beta_1, beta_2 : float
        How much of m and of v one step keeps.
    epsilon : float
    **kwargs
        See `Optimizer`.

    Notes
    -----
    Source: Kingma and Ba 2015, algorithm 2; follows keras/src/optimizers/adamax.py. In the power
    :math:`\beta_1` goes through float32.

    Derived on the page :doc:`/backprop/optimizers`.
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

    def slot_names(self) -> tuple[str, ...]:
        """Return the names of the moment and of the largest gradient."""
        return ("momentum", "norm")

    def update(self, w: Array, g: Array, slots: dict[str, Array], learning_rate: Any) -> None:
        """Update `w`."""
        given = g, np.asarray(learning_rate), self.dials["iterations"]
        constants = self.beta_1, self.beta_2, self.epsilon
        adaptive.adamax(*given, *constants, slots["momentum"], slots["norm"], w)


class Lion(Optimizer):
    r"""Steps of one size, in the direction of the sign of a momentum m.

    :math:`w \leftarrow w - lr\,\mathrm{sign}(\beta_1 m + (1 - \beta_1) g)`, and then
    :math:`m \leftarrow \beta_2 m + (1 - \beta_2) g`.

    Parameters
    ----------
    learning_rate : float or LearningRateSchedule
        The size of every step; a third to a tenth of what Adam would take.
    beta_1 : float
        How much of the direction is the momentum's; above 0.
    beta_2 : float
        How much of the momentum one step keeps.
    **kwargs
        See `Optimizer`.

    Notes
    -----
    Source: Chen et al. 2023, "Symbolic discovery of optimization algorithms", program 1; follows
    keras/src/optimizers/lion.py. The betas go through float32.

    Derived on the page :doc:`/backprop/optimizers`.
    """

    only_kernels = True

    def __init__(
        self,
        learning_rate: float | LearningRateSchedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **kwargs: Any,
    ) -> None:
        self.beta_1 = number("beta_1", beta_1, above=0, most=1)
        self.beta_2 = number("beta_2", beta_2, least=0, most=1)
        super().__init__(learning_rate, **kwargs)

    def slot_names(self) -> tuple[str, ...]:
        """Return the name of the momentum."""
        return ("momentum",)

    def update(self, w: Array, g: Array, slots: dict[str, Array], learning_rate: Any) -> None:
        """Update `w`."""
        betas = through_float32(self.beta_1), through_float32(self.beta_2)
        adaptive.lion(g, np.asarray(learning_rate), *betas, slots["momentum"], w)


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

    Derived on the page :doc:`/backprop/optimizers`.
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
        self.dials["u_product"] = np.array(1.0)

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

    @property
    def u_product(self) -> float:
        """U."""
        return float(self.dials["u_product"])

    @u_product.setter
    def u_product(self, value: float) -> None:
        self.dials["u_product"][...] = value

    def begin_step(self, learning_rate: Any) -> None:
        """Multiply U by this step's u."""
        adaptive.multiply_u(self.dials["iterations"], self.beta_1, self.dials["u_product"])

    def update(self, w: Array, g: Array, slots: dict[str, Array], learning_rate: Any) -> None:
        """Update `w`."""
        adaptive.nadam(
            g,
            np.asarray(learning_rate),
            self.dials["iterations"],
            self.dials["u_product"],
            self.beta_1,
            self.beta_2,
            self.epsilon,
            slots["momentum"],
            slots["velocity"],
            w,
        )
