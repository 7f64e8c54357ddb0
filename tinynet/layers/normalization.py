"""Batch normalization and layer normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinynet import constraints, initializers, regularizers
from tinynet.arrays import Array
from tinynet.checks import entries, flag, integer, number
from tinynet.kernels import batch_norm, layer_norm
from tinynet.layers.base import Layer, Shape
from tinynet.step.tape import in_order


class BatchNormalization(Layer):
    r"""Give every feature mean 0 and variance 1 over the batch, then scale and shift it.

    In training, with :math:`\mu` and :math:`\sigma^2` the batch's own mean and (biased)
    variance, :math:`\hat x = (x - \mu)/\sqrt{\sigma^2 + \epsilon}` and
    :math:`out = \gamma \hat x + \beta`. Backward, over m rows:
    :math:`d\gamma = \sum dout\,\hat x`, :math:`d\beta = \sum dout`,

    .. math:: dx = \frac{\gamma}{\sqrt{\sigma^2 + \epsilon}}
              \left(dout - \frac{d\beta}{m} - \hat x\,\frac{d\gamma}{m}\right).

    Outside of training (and in a layer that is not trainable) the moving statistics take the place
    of the batch's; each training step sets them to ``moving*momentum + batch*(1 - momentum)``.

    Parameters
    ----------
    axis : int
        The axis of the features; statistics are taken over all others.
    momentum : float
        How much of the moving statistics one step keeps.
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there is a beta, a gamma.
    beta_initializer, gamma_initializer : str or Initializer
    moving_mean_initializer, moving_variance_initializer : str or Initializer
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : str or Constraint, optional
    **kwargs
        See `Layer`.

    Notes
    -----
    Weights, each (features,): ``gamma``, ``beta``; states: ``moving_mean``,
    ``moving_variance``. Source: Ioffe and Szegedy 2015, algorithms 1 and 2; defaults and the
    biased moving variance follow keras/src/layers/normalization/batch_normalization.py.

    Derived on the page :doc:`/backprop/batch_norm`.
    """

    only_kernels = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: object = "zeros",
        gamma_initializer: object = "ones",
        moving_mean_initializer: object = "zeros",
        moving_variance_initializer: object = "ones",
        beta_regularizer: object = None,
        gamma_regularizer: object = None,
        beta_constraint: object = None,
        gamma_constraint: object = None,
        **kwargs: Any,
    ) -> None:
        self.axis = integer("axis", axis, least=None)
        self.momentum = number("momentum", momentum, least=0, most=1)
        self.epsilon = number("epsilon", epsilon, least=0)
        self.center = flag("center", center)
        self.scale = flag("scale", scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        super().__init__(**kwargs)

    def build(self, input_shape: Shape) -> None:
        """Create gamma, beta and the moving statistics, each (features,)."""
        rank = len(input_shape) + 1
        shape = ((0, *input_shape)[self.axis],)  # 0 stands in for the batch axis
        features_last = list(range(rank))
        features_last.append(features_last.pop(self.axis))
        self.features_last = tuple(features_last)
        self.features_are_last = self.features_last == tuple(range(rank))
        self.features_back = tuple(features_last.index(i) for i in range(rank))
        if self.scale:
            rules = self.gamma_initializer, self.gamma_regularizer, self.gamma_constraint
            self.add_weight("gamma", shape, *rules)
        if self.center:
            rules = self.beta_initializer, self.beta_regularizer, self.beta_constraint
            self.add_weight("beta", shape, *rules)
        self.state["moving_mean"] = self.moving_mean_initializer(shape, self.dtype)
        self.state["moving_variance"] = self.moving_variance_initializer(shape, self.dtype)
        # Stand-ins where a weight is switched off; they are never learned.
        self.ones, self.zeros = np.ones(shape, self.dtype), np.zeros(shape, self.dtype)

    def check_input(self, input_shape: Shape) -> None:
        """Raise an error unless samples of this shape have the features."""
        rank = len(input_shape) + 1
        if not self.built:
            if self.axis % rank == 0 or not -rank <= self.axis < rank:
                raise ValueError(
                    f"{self.name}: axis {self.axis} is not a feature axis of a batch of rank {rank}"
                )
            return
        axes, features = len(self.features_last), self.ones.size
        if rank != axes or (0, *input_shape)[self.axis] != features:
            raise ValueError(
                f"{self.name}: expected {features} features in axis {self.axis} of x with "
                f"{axes} axes, got samples of shape {input_shape}"
            )

    def forward(self, x: Array, training: bool = False) -> Array:
        """Normalize; in training, do so with the batch's statistics and update the moving ones."""
        self.check_input(x.shape[1:])
        rows = self._rows(x)  # (m, features)
        uses_batch = training and self.trainable and len(x) > 0  # no rows, no statistics
        gamma, beta = self.params.get("gamma", self.ones), self.params.get("beta", self.zeros)
        mean, variance = self.state["moving_mean"], self.state["moving_variance"]
        inv_std, out = np.empty_like(gamma), np.empty_like(rows)
        given = rows, gamma, beta, self.epsilon
        if uses_batch:
            averages, mean = (self.momentum, mean, variance), np.empty_like(gamma)
            batch_norm.batch_norm_forward(*given, *averages, mean, inv_std, out)
        else:
            batch_norm.batch_norm_inference(*given, mean, variance, inv_std, out)
        self.x, self.mean, self.inv_std = rows, mean, inv_std
        self.shape, self.uses_batch = x.shape, uses_batch
        return self._unrows(out, x.shape)

    def backward(self, dout: Array) -> Array:
        """Fill dgamma and dbeta, return dx."""
        x, gamma = self.kept("x"), self.params.get("gamma", self.ones)
        self.check_dout(dout, self.shape)
        dgamma = self.grads["gamma"] if self.scale else np.empty_like(gamma)
        dbeta = self.grads["beta"] if self.center else np.empty_like(gamma)
        dx = np.empty_like(x)
        backward = (
            batch_norm.batch_norm_backward
            if self.uses_batch
            else batch_norm.batch_norm_inference_backward
        )
        backward(self._rows(dout), x, gamma, self.mean, self.inv_std, dgamma, dbeta, dx)
        return self._unrows(dx, self.shape)

    def _rows(self, x: Array) -> Array:
        """Lay x out as (m, features), with the feature axis last."""
        if not self.features_are_last:
            x = x.transpose(self.features_last)
        return in_order(x).reshape(-1, x.shape[-1])

    def _unrows(self, rows: Array, shape: Shape) -> Array:
        """Undo `_rows`."""
        if self.features_are_last:
            return rows.reshape(shape)
        moved_shape = tuple(shape[i] for i in self.features_last)
        return in_order(rows.reshape(moved_shape).transpose(self.features_back))


class LayerNormalization(Layer):
    r"""Give every sample mean 0 and variance 1 over its features, then scale and shift them.

    :math:`\hat x = (x - \mu)/\sqrt{\sigma^2 + \epsilon}` with the mean and the (biased) variance
    of one sample over `axis`, and :math:`out = \gamma \hat x + \beta`, in training and inference.
    Backward: :math:`d\gamma = \sum dout\,\hat x` and :math:`d\beta = \sum dout` over the samples;
    with :math:`g = dout\,\gamma` and means over the features,

    .. math:: dx = \frac{1}{\sqrt{\sigma^2 + \epsilon}}
              \left(g - \overline{g} - \hat x\,\overline{g \hat x}\right).

    Parameters
    ----------
    axis : int or sequence of int
        The axis of the features, or several; not the first, which is the batch axis.
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there is a beta, a gamma.
    beta_initializer, gamma_initializer : str or Initializer
    beta_regularizer, gamma_regularizer : str or Regularizer, optional
    beta_constraint, gamma_constraint : str or Constraint, optional
    **kwargs
        See `Layer`.

    Raises
    ------
    ValueError
        If a batch has no such axis, or its number of features is not that of the layer.

    Notes
    -----
    Weights, each with the size of the axes: ``gamma``, ``beta``. Source: Ba et al. 2016, "Layer
    normalization", equation 3; follows keras/src/layers/normalization/layer_normalization.py.

    Derived on the page :doc:`/backprop/layer_norm`.
    """

    only_kernels = True

    def __init__(
        self,
        axis: int | Sequence[int] = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: object = "zeros",
        gamma_initializer: object = "ones",
        beta_regularizer: object = None,
        gamma_regularizer: object = None,
        beta_constraint: object = None,
        gamma_constraint: object = None,
        **kwargs: Any,
    ) -> None:
        axes = [integer("axis", each, least=None) for each in entries(axis) or [axis]]
        self.axis = axes[0] if len(axes) == 1 else axes
        self.epsilon = number("epsilon", epsilon, least=0)
        self.center = flag("center", center)
        self.scale = flag("scale", scale)
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.beta_regularizer = regularizers.get(beta_regularizer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.beta_constraint = constraints.get(beta_constraint)
        self.gamma_constraint = constraints.get(gamma_constraint)
        super().__init__(**kwargs)

    def build(self, input_shape: Shape) -> None:
        """Create gamma and beta, each with the size of the axes."""
        shape = self._features(input_shape)
        if self.scale:
            rules = self.gamma_initializer, self.gamma_regularizer, self.gamma_constraint
            self.add_weight("gamma", shape, *rules)
        if self.center:
            rules = self.beta_initializer, self.beta_regularizer, self.beta_constraint
            self.add_weight("beta", shape, *rules)
        # Stand-ins where a weight is switched off; they are never learned.
        self.ones, self.zeros = np.ones(shape, self.dtype), np.zeros(shape, self.dtype)

    def check_input(self, input_shape: Shape) -> None:
        """Raise an error unless samples of this shape have the features."""
        features = self._features(input_shape)
        if self.built and features != self.ones.shape:
            raise ValueError(
                f"{self.name}: expected {self.ones.shape} features in axis {self.axis} of x, got "
                f"samples of shape {input_shape}"
            )

    def _axes(self, rank: int) -> list[int]:
        """Return the axes of the features in a batch of this rank, counted from the front."""
        given = [self.axis] if isinstance(self.axis, int) else list(self.axis)
        axes = sorted(axis % rank for axis in given if -rank <= axis < rank)
        if len(axes) < len(given) or 0 in axes:
            raise ValueError(
                f"{self.name}: axis {self.axis} is not a feature axis of a batch of rank {rank}"
            )
        return axes

    def _features(self, input_shape: Shape) -> Shape:
        return tuple(input_shape[axis - 1] for axis in self._axes(len(input_shape) + 1))

    def forward(self, x: Array, training: bool = False) -> Array:
        """Normalize."""
        self.check_input(x.shape[1:])
        rows = self._rows(x)  # (rows, features)
        mean, inv_std = np.empty((2, len(rows)), x.dtype)
        gamma, beta = self.params.get("gamma", self.ones), self.params.get("beta", self.zeros)
        out = np.empty_like(rows)
        weights = gamma.reshape(-1), beta.reshape(-1)
        layer_norm.layer_norm_forward(rows, *weights, self.epsilon, mean, inv_std, out)
        self.x, self.mean, self.inv_std, self.shape = rows, mean, inv_std, x.shape
        return self._unrows(out, x.shape)

    def backward(self, dout: Array) -> Array:
        """Fill dgamma and dbeta, return dx."""
        x, gamma = self.kept("x"), self.params.get("gamma", self.ones)
        self.check_dout(dout, self.shape)
        dgamma = self.grads["gamma"] if self.scale else np.empty_like(gamma)
        dbeta = self.grads["beta"] if self.center else np.empty_like(gamma)
        dx = np.empty_like(x)
        layer_norm.layer_norm_backward(
            self._rows(dout),
            x,
            gamma.reshape(-1),
            self.mean,
            self.inv_std,
            dgamma.reshape(-1),
            dbeta.reshape(-1),
            dx,
        )
        return self._unrows(dx, self.shape)

    def _order(self, rank: int) -> list[int]:
        """Return the axes of a batch with those of the features last."""
        axes = self._axes(rank)
        return [axis for axis in range(rank) if axis not in axes] + axes

    def _rows(self, x: Array) -> Array:
        """Lay x out as (rows, features)."""
        moved = in_order(x.transpose(self._order(x.ndim)))
        return moved.reshape(-1, self.ones.size)

    def _unrows(self, rows: Array, shape: Shape) -> Array:
        """Undo `_rows`."""
        order = self._order(len(shape))
        moved = rows.reshape([shape[axis] for axis in order])
        return in_order(moved.transpose(np.argsort(order)))
