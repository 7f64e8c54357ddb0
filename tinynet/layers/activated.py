"""What the layers share that end in an activation."""

from __future__ import annotations

from tinynet.activations import Activation
from tinynet.arrays import Array
from tinynet.layers.base import Layer
from tinynet.regularizers import Regularizer


class Activated(Layer):
    r"""A layer that ends in an activation, :math:`out = f(z)`; z are its logits.

    A subclass defines ``backward_logits(dlogits)``: what `backward` does after
    :math:`dz = dout \cdot f'(z)`. A loss may look through the activation and begin there.
    """

    activation: Activation
    activity_regularizer: Regularizer | None = None

    def activate(self, z: Array) -> Array:
        """Return f(z), and keep both."""
        out = self.activation.forward(z)
        self.logits, self.out = z, out
        return out

    def backward(self, dout: Array) -> Array:
        """Fill `grads`, return dx."""
        logits = self.kept("logits")
        self.check_dout(dout, logits.shape)
        return self.backward_logits(self.activation.backward(dout, logits, self.out))

    def with_penalty(self, dlogits: Array) -> Array:
        """Add the gradient of the penalty on the output, if there is one, to that of the loss."""
        if self.activity_regularizer is None:
            return dlogits
        dpenalty = self.activity_regularizer.gradient(self.out) / len(self.out)
        return dlogits + self.activation.backward(dpenalty, self.logits, self.out)

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
