"""The dense layer, in which every output depends on every input."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinynet import activations, constraints, initializers, regularizers
from tinynet.arrays import Array
from tinynet.checks import flag, integer
from tinynet.kernels import linear
from tinynet.kernels.products import product
from tinynet.layers.activated import Activated
from tinynet.layers.base import Shape


class Dense(Activated):
    r"""Fully connected layer: :math:`out = f(x W + b)`.

    With :math:`z = x W + b` and the upstream gradient ``dout``,
    :math:`dz = dout \cdot f'(z)`, and then :math:`dW = x^T dz`, :math:`db = \sum_i dz_i`,
    :math:`dx = dz\,W^T`.

    Parameters
    ----------
    units : int
        Number of outputs.
    activation : str or Activation, optional
        f; by default the identity.
    use_bias : bool
        Whether to add b.
    kernel_initializer, bias_initializer : str or Initializer
        Initial values of W and b.
    kernel_regularizer, bias_regularizer, activity_regularizer : str or Regularizer, optional
        Penalties on W, on b, and on the output (divided by the number of samples).
    kernel_constraint, bias_constraint : str or Constraint, optional
        What W and b are put back to after every step.
    **kwargs
        `name`, `trainable`, `dtype`, `input_shape`; see `Layer`.

    Raises
    ------
    ValueError
        If `units` is not a positive integer; if W does not fit the features of a batch.

    Notes
    -----
    Weights: ``kernel`` (inputs, units) and ``bias`` (units,); the input is (batch, ..., inputs),
    the output (batch, ..., units). Follows keras/src/layers/core/dense.py. Derived on the page
    :doc:`/backprop/dense`, after Rumelhart, Hinton and Williams 1986, Nature 323, 533.
    """

    def __init__(
        self,
        units: int,
        activation: object = None,
        use_bias: bool = True,
        kernel_initializer: object = "glorot_uniform",
        bias_initializer: object = "zeros",
        kernel_regularizer: object = None,
        bias_regularizer: object = None,
        activity_regularizer: object = None,
        kernel_constraint: object = None,
        bias_constraint: object = None,
        **kwargs: Any,
    ) -> None:
        self.units = integer("units", units)
        self.activation = activations.get(activation)
        self.use_bias = flag("use_bias", use_bias)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        # What can fail comes before what draws a seed or takes a name.
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        super().__init__(**kwargs)

    def build(self, input_shape: Shape) -> None:
        """Create ``kernel`` (inputs, units) and ``bias`` (units,)."""
        kernel_shape = (input_shape[-1], self.units)
        rules = self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint
        self.add_weight("kernel", kernel_shape, *rules)
        if self.use_bias:
            rules = self.bias_initializer, self.bias_regularizer, self.bias_constraint
            self.add_weight("bias", (self.units,), *rules)

    def forward(self, x: Array, training: bool = False) -> Array:
        """Compute f(x W + b)."""
        kernel = self.params["kernel"]
        self.check_input(x.shape[1:])
        self.x = rows = x.reshape(-1, len(kernel))  # (rows, inputs)
        z = np.empty((len(rows), self.units), np.result_type(x, kernel))  # (rows, units)
        product(rows, kernel, z)
        if self.use_bias:
            linear.bias_add(self.params["bias"], z)
        return self.activate(z.reshape(*x.shape[:-1], self.units))

    def backward(self, dout: Array, from_logits: bool = False) -> Array:
        """Fill dkernel and dbias, return dx."""
        self.dz = dz = self.before_activation(dout, from_logits).reshape(-1, self.units)
        x, kernel = self.x, self.params["kernel"]
        product(x.T, dz, self.grads["kernel"])  # (inputs, units)
        if self.use_bias:
            linear.column_sum(dz, self.grads["bias"])
        dx = np.empty((len(dz), len(kernel)), np.result_type(dz, kernel))  # (rows, inputs)
        product(dz, kernel.T, dx)
        return dx.reshape(*dout.shape[:-1], len(kernel))

    def check_input(self, input_shape: Shape) -> None:
        """Raise an error unless the last axis has the features."""
        if not input_shape:
            raise ValueError(
                f"{self.name}: expected a batch of vectors, shape (batch, ..., features), got "
                f"plain numbers, shape (batch,); reshape to (batch, 1) if one number is a sample"
            )
        if self.built and input_shape[-1] != len(self.params["kernel"]):
            raise ValueError(
                f"{self.name}: expected {len(self.params['kernel'])} features in the last axis of "
                f"x, got samples of shape {input_shape}; images have to be flattened first"
            )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Replace the last axis with the number of units."""
        self.check_input(input_shape)
        return (*input_shape[:-1], self.units)
