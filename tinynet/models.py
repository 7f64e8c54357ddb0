"""Sequential: a stack of layers that can be trained, summarized and saved."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinynet import config, saving
from tinynet.arrays import Array
from tinynet.checks import integer
from tinynet.data import Dataset
from tinynet.evaluation import Evaluator
from tinynet.kernels.threads import products_as_chosen
from tinynet.repeat import Written
from tinynet.step.tape import Step
from tinynet.summary import ASCII, summary_table
from tinynet.terminal import can_show, say


class Sequential(Evaluator):
    """A stack of layers: the output of each is the input of the next.

    `forward` sends a batch up the stack and `backward` sends the gradient back down
    (`tinynet.stack`); how the two make a training step is in `tinynet.training`, and what a trained
    model can do is in `tinynet.evaluation`.

    Parameters
    ----------
    layers : sequence of Layer, optional
        May begin with an `Input`; without one, the weights are made when the first batch
        arrives.
    trainable : bool
        Whether the layers may learn.
    name : str, optional

    Notes
    -----
    Follows keras/src/models/sequential.py.
    """

    @products_as_chosen()
    def __call__(self, x: Any, training: bool | None = None) -> Array:
        """Make the weights if necessary, and send a batch through all layers.

        Without `training` each layer does what it does when called on its own: layers that
        augment images augment them, dropout drops nothing.
        """
        out = self._single_batch(Dataset(x, None, None, config.floatx())).x
        if training is not None:
            return self.forward(out, training)
        for layer in self.layers:
            out = layer(out)
        return out

    def step(self, batch_size: int = 32) -> Step:
        """Return what a step of `fit` does, as a list of lines that can be printed and run.

        The step belongs to a copy of the model and to a batch of its own, ``step.known["x"]`` and
        ``["y"]``, which begins as random numbers with targets of 0. To look into a step::

            for line in step.lines:
                line.run()

        Parameters
        ----------
        batch_size : int

        Returns
        -------
        Step

        Raises
        ------
        RuntimeError
            If `compile` has not been called.
        ValueError
            If the model has no weights yet.
        """
        batch_size = integer("batch_size", batch_size)
        self._compiled()
        self.require_built()
        model = copy.deepcopy(self)
        x = np.random.default_rng(0).random((batch_size, *(self.input_shape or ())))
        data = Dataset(x, _some_targets(model, batch_size), None, config.floatx())
        model._build(data)
        order, place = np.arange(batch_size), np.zeros((), np.int64)
        return Written(model, data, model.train_step, order, place, batch_size).step

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], object] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print a table of the layers: output shapes, parameters, totals.

        If standard output cannot show the table's lines, they are drawn in ASCII.

        Parameters
        ----------
        line_length, positions, show_trainable, layer_range
            See `tinynet.summary.summary_table`.
        print_fn : callable, optional
            Called with the text; by default the text is printed.
        expand_nested : bool
            Has no effect: here, no layer of a model has layers of its own.
        """
        arguments = (line_length, positions, show_trainable, layer_range)
        table = summary_table(self, *arguments)
        if not can_show(table):
            table = summary_table(self, *arguments, box=ASCII)
        (print_fn or say)(table)

    # Files.

    def save(self, filepath: str | os.PathLike[str]) -> None:
        """Write weights, architecture and, if compiled, the optimizer into one file.

        See `tinynet.saving.save_model`.
        """
        saving.save_model(self, filepath)

    def save_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Write the weights and states, but not the optimizer."""
        saving.save_weights(self, filepath)

    def load_weights(self, filepath: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
        """Read weights and states from a file that `save` or `save_weights` wrote.

        See `tinynet.saving.load_weights`.
        """
        saving.load_weights(self, filepath, skip_mismatch)


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
) -> Sequential:
    """Read a model that `Sequential.save` wrote, compiled as it was.

    Parameters
    ----------
    filepath : str or path
    custom_objects : dict of str to class or function, optional
        What the model has that is not tinynet's: ``{"Scaled": Scaled}``. Classes that were
        registered with `tinynet.saving.register_keras_serializable` are found without this.
    compile : bool
        Whether to restore the optimizer, the loss and the metrics too.

    Returns
    -------
    Sequential
        With weights, states, the optimizer's memory and the positions in the random sequences
        as they were, so that training continues as if it had not been interrupted.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a file that `save` wrote, or is damaged; if it names a class that is not
        tinynet's and was not registered.
    """
    content = saving.read(filepath)
    with saving.naming(content.path), saving.custom_object_scope(custom_objects or {}):
        model = Sequential.from_config(content.architecture)
        saving.restore(model, content, compile)
    return model


def _some_targets(model: Sequential, n: int) -> Array:
    """Return targets of 0 for n samples: integer labels if the loss takes them."""
    assert model.loss is not None
    output_shape = model.shapes_behind(model.input_shape or ())[-1]
    labels = np.zeros((n, *output_shape[:-1]), np.int64)
    try:
        model.loss.check_targets(labels, output_shape)
    except ValueError:
        return np.zeros((n, *output_shape))
    return labels
