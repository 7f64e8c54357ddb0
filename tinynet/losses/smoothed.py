"""Cross-entropies whose targets are probabilities, which may be smoothed."""

from __future__ import annotations

from tinynet import config
from tinynet.arrays import Array
from tinynet.checks import flag, integer, number
from tinynet.kernels import clipped_cross_entropy, cross_entropy
from tinynet.kernels.registry import Differentiable
from tinynet.losses.base import Loss
from tinynet.losses.cross_entropy import Crossentropy
from tinynet.step.tape import call


class SmoothedCrossentropy(Crossentropy):
    """What the two losses with float targets share: targets that are pulled toward indifference.

    With label smoothing s, ``t*(1 - s) + s*indifferent`` takes the place of every target t.
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ) -> None:
        super().__init__(reduction, name)
        self.from_logits = flag("from_logits", from_logits)
        self.axis = integer("axis", axis, least=None)
        self.label_smoothing = number("label_smoothing", label_smoothing, least=0, most=1)

    def indifferent(self, columns: int) -> float:
        """Return the target that carries no information."""
        raise NotImplementedError

    def target_rows(self, targets: Array, rows: Array) -> Array:
        """Lay the targets out as rows, smoothed."""
        sharp = super().target_rows(targets, rows)
        if not self.label_smoothing:
            return sharp
        smoothed: Array = call(self._smoothed, sharp)
        return smoothed

    def _smoothed(self, sharp: Array) -> Array:
        s = self.label_smoothing
        smoothed: Array = sharp * (1 - s) + s * self.indifferent(sharp.shape[1])
        return smoothed


class CategoricalCrossentropy(SmoothedCrossentropy):
    r"""Cross-entropy with one-hot (or soft) targets: :math:`-\sum_j t_{ij} \log p_{ij}`.

    From logits the gradient is :math:`p - t`. Rows of probabilities are first normalized and
    clipped to [1e-7, 1 - 1e-7].

    Parameters
    ----------
    from_logits : bool
        See `SparseCategoricalCrossentropy`.
    label_smoothing : float
        s in ``t*(1 - s) + s/classes``, from 0 to 1 (Szegedy et al. 2016, section 7).
    axis : int
        The axis of the classes: the last one.
    reduction : str
        See `Loss`.
    name : str, optional

    Raises
    ------
    ValueError
        If `label_smoothing` is not between 0 and 1, or `axis` not the last one.

    Notes
    -----
    Targets: shape (n, classes). Follows keras/src/losses/losses.py.

    Derived on the page :doc:`/backprop/softmax_cross_entropy`.
    """

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair for logits or for probabilities."""
        if from_logits:
            return Differentiable(
                cross_entropy.softmax_cross_entropy,
                cross_entropy.softmax_cross_entropy_backward,
            )
        return Differentiable(
            clipped_cross_entropy.cross_entropy,
            clipped_cross_entropy.cross_entropy_backward,
            (config.epsilon(),),
        )

    def check_targets(self, y_true: Array, output_shape: tuple[int, ...]) -> Array:
        """Return targets with one column per class."""
        self.check_axis(output_shape)
        if y_true.shape[1:] == output_shape:
            return y_true
        hint = ""
        if y_true.shape[1:] in (output_shape[:-1], (*output_shape[:-1], 1)):
            hint = (
                "; labels look like integers; use sparse_categorical_crossentropy, or "
                "to_categorical(y)"
            )
        raise ValueError(
            f"y: {self.name} expected one-hot rows, shape "
            f"(n, {', '.join(map(str, output_shape))}), got {y_true.shape}{hint}"
        )

    def indifferent(self, columns: int) -> float:
        """Return 1/classes: the same probability for each."""
        return 1 / columns


class BinaryCrossentropy(SmoothedCrossentropy):
    r"""Cross-entropy of independent yes-or-no outputs, the mean over the last axis.

    :math:`-\frac1k\sum_j t_j \log p_j + (1 - t_j)\log(1 - p_j)`; from logits the gradient is
    :math:`(\sigma(z) - t)/k`. Probabilities are clipped to [1e-7, 1 - 1e-7].

    Parameters
    ----------
    from_logits : bool
        Whether the predictions are logits. Leave it off for a model that ends in sigmoid.
    label_smoothing : float
        s in ``t*(1 - s) + s/2``, from 0 to 1.
    axis : int
        The axis of the outputs: the last one.
    reduction : str
        See `Loss`.
    name : str, optional

    Raises
    ------
    ValueError
        If `label_smoothing` is not between 0 and 1, or `axis` not the last one.

    Notes
    -----
    Targets: 0 or 1, the shape of the output; (n,) for an output (n, 1). Follows
    keras/src/backend/tensorflow/nn.py.

    Derived on the page :doc:`/backprop/losses`, with numbers on :doc:`/backprop/one_neuron`.
    """

    over_classes = False

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair for logits or for probabilities."""
        if from_logits:
            return Differentiable(
                cross_entropy.sigmoid_cross_entropy,
                cross_entropy.sigmoid_cross_entropy_backward,
            )
        return Differentiable(
            clipped_cross_entropy.binary_cross_entropy,
            clipped_cross_entropy.binary_cross_entropy_backward,
            (config.epsilon(),),
        )

    def check_targets(self, y_true: Array, output_shape: tuple[int, ...]) -> Array:
        """Return targets in the shape of the output, all between 0 and 1."""
        targets = super().check_targets(y_true, output_shape)
        if targets.size and not (targets.min() >= 0 and targets.max() <= 1):
            raise ValueError(
                f"y: {self.name} expected targets between 0 and 1, got {targets.min()} "
                f"to {targets.max()}; use sparse_categorical_crossentropy for more classes"
            )
        return targets

    def indifferent(self, columns: int) -> float:
        """Return 1/2: yes and no are equally likely."""
        return 0.5


class KLDivergence(Loss):
    r"""Kullback-Leibler divergence of p from t: :math:`\sum_j t_j \log(t_j/p_j)`.

    It is the cross-entropy less the entropy of the targets, so that it is 0 where both are equal;
    the derivative is the same, :math:`-t_j/p_j`. Both are clipped to [1e-7, 1], and rows are not
    normalized. Kullback and Leibler 1951.

    Parameters
    ----------
    reduction : str
        See `Loss`.
    name : str, optional

    Notes
    -----
    Targets: rows of probabilities, shape (n, classes). The loss does not look back through a final
    softmax, and does not read logits. Follows keras/src/losses/losses.py.

    Derived on the page :doc:`/backprop/losses`.
    """

    def kernels(self, from_logits: bool) -> Differentiable:
        """Return the pair of kernels and epsilon."""
        return Differentiable(
            clipped_cross_entropy.kl_divergence,
            clipped_cross_entropy.kl_divergence_backward,
            (config.epsilon(),),
        )
