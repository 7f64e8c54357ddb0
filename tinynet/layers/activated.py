"""What the layers share that end in an activation."""

from __future__ import annotations

from tinynet.activations import Activation
from tinynet.arrays import Array
from tinynet.layers.base import Layer
from tinynet.regularizers import Regularizer


class Activated(Layer):
    r"""A layer that ends in an activation, :math:`out = f(z)`; z are its logits.

    A subclass defines ``backward(dout, from_logits)``, which begins with `before_activation`. Where
    a loss looks through f, `from_logits` says that `dout` is already the gradient at the logits.
    """

    activation: Activation
    activity_regularizer: Regularizer | None = None

    def activate(self, z: Array) -> Array:
        """Return f(z), and keep both."""
        out = self.activation.forward(z)
        self.logits, self.out = z, out
        return out

    def before_activation(self, dout: Array, from_logits: bool) -> Array:
        """Return dz: dout * f'(z), or for softmax, row by row, dout times its Jacobian."""
        z = self.kept("logits")
        self.check_dout(dout, z.shape)
        dz = dout if from_logits else self.activation.backward(dout, z, self.out)
        if self.activity_regularizer is not None:
            dpenalty = self.activity_regularizer.gradient(self.out) / len(self.out)
            dz = dz + self.activation.backward(dpenalty, z, self.out)
        return dz

    def penalty(self) -> float:
        """Return the penalties on the weights and on the last output."""
        total = super().penalty()
        if self.activity_regularizer is not None:
            out = self.kept("out")
            total += self.activity_regularizer(out) / len(out)
        return total

    @property
    def final_activation(self) -> Activation:
        """Return f."""
        return self.activation

    @property
    def only_kernels(self) -> bool:
        """Whether a step of the layer can be written down line by line; see `Computes`."""
        return self.activity_regularizer is None and self.activation.only_kernels
