"""Hinge losses: 0 for a prediction that is right by a margin of 1, a straight line below it."""

from __future__ import annotations

import numpy as np

from tinynet.arrays import Array
from tinynet.kernels import hinge
from tinynet.kernels.registry import Differentiable
from tinynet.losses.base import Loss
from tinynet.step.tape import call


class Hinge(Loss):
    r"""Mean over the outputs of what is missing to the margin: :math:`\max(1 - t\,p, 0)`.

    The derivative is :math:`-t/k` where :math:`t\,p \le 1`, else 0.

    Parameters
    ----------
    reduction : str
        See `Loss`.
    name : str, optional

    Notes
    -----
    Targets: -1 or 1. Where all targets of a batch are 0 or 1, each 0 is taken for -1. Follows
    keras/src/losses/losses.py.

    Derived on the page :doc:`/backprop/losses`.
    """

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels."""
        return Differentiable(hinge.hinge, hinge.hinge_backward)

    def target_rows(self, targets: Array, rows: Array) -> Array:
        """Lay the targets out as rows, with -1 in place of 0 if there is nothing but 0 and 1."""
        signed: Array = call(_signed, super().target_rows(targets, rows))
        return signed


class SquaredHinge(Hinge):
    r"""Mean over the outputs of the squared hinge: :math:`\max(1 - t\,p, 0)^2`.

    The derivative is :math:`-\frac2k\,t \max(1 - t\,p, 0)`. Parameters and targets are those of
    `Hinge`.
    """

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels."""
        return Differentiable(hinge.squared_hinge, hinge.squared_hinge_backward)


class CategoricalHinge(Loss):
    r"""What is missing to a margin of 1 before the largest other output.

    With one-hot t it is :math:`\max(1 + \max_j (1 - t_j)\,p_j - \sum_j t_j\,p_j, 0)`. Its slope
    is -1 at the own class and 1 at the largest other one; several equal ones share it. The own
    class takes part in the inner maximum with 0, so a rival below 0 does not count. Crammer and
    Singer 2001.

    Parameters
    ----------
    reduction : str
        See `Loss`.
    name : str, optional

    Notes
    -----
    Targets: one-hot, shape (n, classes). Follows keras/src/losses/losses.py.

    Derived on the page :doc:`/backprop/losses`.
    """

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels."""
        return Differentiable(hinge.categorical_hinge, hinge.categorical_hinge_backward)


def _signed(targets: Array) -> Array:
    """Return targets of 0 and 1 as -1 and 1, others as they are."""
    binary = np.all((targets == 0) | (targets == 1))
    return 2 * targets - 1 if binary else targets
