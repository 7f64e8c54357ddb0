"""Models: layers that can be trained, summarized and saved, in a stack or as a graph."""

from __future__ import annotations

import copy
import inspect
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from tinynet import old_names, saving
from tinynet.arrays import Array
from tinynet.checks import integer
from tinynet.configurable import arguments_of, is_own, restored, serialize
from tinynet.custom_objects import noting
from tinynet.described import (
    NETWORKS,
    is_by_class,
    layer_config,
    layer_configs,
    layer_from,
    layers_from,
)
from tinynet.evaluation import Evaluator
from tinynet.graph import Graph
from tinynet.kernels.threads import products_as_chosen
from tinynet.layers import IN_GRAPHS, LAYERS, BatchNormalization, InputLayer, Layer
from tinynet.overriding import OF_MODELS, refuse_call, require_called
from tinynet.stack import Network, Stack
from tinynet.step.tape import Step, several
from tinynet.summary import ASCII, summary_table
from tinynet.symbolic import connect, is_symbolic
from tinynet.terminal import can_show, say
from tinynet.written import Written


class Model(Graph, Evaluator):
    """Layers between some tensors and some others, to be trained, summarized and saved.

    ``Model(inputs, outputs)`` finds the layers by going back from the outputs (`tinynet.wiring`);
    how a training step is made from them is in `tinynet.training`, and what a trained model can do
    is in `tinynet.evaluation`. A subclass may define ``call(self, x)`` instead, in which its layers
    are called on tensors: it is run once, when the shape of the data is known, on a tensor without
    numbers. So it cannot depend on numbers; ``training`` is True in it. As in Keras, dropout and
    batch norm do in `fit` what they do in `predict` if it takes no ``training``; a warning says so.

    Parameters
    ----------
    inputs, outputs : KerasTensor, or list or dict of them
        What `Input` has returned, or a layer.
    name : str, optional
    trainable : bool
        Whether the layers may learn.

    Raises
    ------
    TypeError, ValueError
        See `tinynet.wiring.Wired`; if there are neither tensors nor a ``call``, or both; if a
        subclass overrides what Keras calls in a step and tinynet does not, such as
        ``compute_loss``.

    Notes
    -----
    Follows keras/src/models/model.py and functional.py.
    """

    call: Callable[..., Any]  # if a subclass defines it

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        name: str | None = None,
        trainable: bool = True,
    ) -> None:
        if inputs is not None or outputs is not None:
            refuse_call(self)
            super().__init__(inputs, outputs, name, trainable)
        elif hasattr(self, "call"):
            self.layers, self.wires = [], []
            self._begin(name, trainable)
        else:
            raise TypeError(
                "inputs, outputs: expected the tensors where the model begins and ends, or a "
                "subclass with call(self, x); for layers in a row there is Sequential"
            )

    def _begin(self, name: str | None, trainable: bool) -> None:
        require_called(self, OF_MODELS)
        super()._begin(name, trainable)

    def __getattr__(self, name: str) -> Any:
        """Say what an attribute is called now; called for what is not found otherwise."""
        raise old_names.missing(self, name)

    @property
    def names_outputs(self) -> bool:
        """Whether outputs have names: what a ``call`` of one's own returns, if it is a dict."""
        return not hasattr(self, "call") or bool(self.keys)

    def ensure_built(self, input_shape: Any) -> None:
        """Run a ``call`` of one's own, if there is one, on a tensor; see that the shapes fit."""
        if not self.wires:
            x: Any = [InputLayer(shape).output for shape in several(input_shape)]
            x = x if isinstance(input_shape, list) else x[0]
            self.tells_training = "training" in inspect.signature(self.call).parameters
            out = self.call(x, training=True) if self.tells_training else self.call(x)
            self._wire(x, out, by_call=True)
            own = _layers_of(self)
            self.layers = [layer for layer in own if layer in self.layers]
            if not self.tells_training:
                self._warn_of_layers_that_are_not_told()
        super().ensure_built(input_shape)

    def _warn_of_layers_that_are_not_told(self) -> None:
        leaves = self.leaves.items()
        others = [
            name
            for name, layer in leaves
            if layer.seed_generator is not None or isinstance(layer, BatchNormalization)
        ]
        if others:
            warnings.warn(
                f"call: it takes no argument training, so that {', '.join(others)} will do in fit "
                f"what they do in predict, as in Keras; write call(self, x, training=None), and "
                f"they are trained",
                stacklevel=2,
            )

    def build(self, input_shape: Any = None) -> None:
        """Make all weights; for several inputs, from a list of shapes with the batch axis."""
        if input_shape and isinstance(input_shape, list) and isinstance(input_shape[0], tuple):
            self.ensure_built([tuple(shape[1:]) for shape in input_shape])
        else:
            super().build(input_shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Check the shapes of a sample, and return those of the outputs; lists if several."""
        if not self.wires:
            self.ensure_built(input_shape)
        return super().compute_output_shape(input_shape)

    @products_as_chosen()
    def __call__(self, x: Any, training: bool | None = None) -> Any:
        """Make the weights if necessary, and send a batch through all layers.

        Without `training` each layer does what it does when called on its own: layers that
        augment images augment them, dropout drops nothing.
        """
        if isinstance(x, Mapping) and is_symbolic([*x.values()]):
            x = [x[name] for name in self.input_names]
        if is_symbolic(x):
            return self.as_given(connect(self, x))
        out = self._single_batch(self._dataset(x)).x
        found = self.as_alone(out) if training is None else self.forward(out, training)
        return self.as_given(found)

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
        rng = np.random.default_rng(0)
        x = [rng.random((batch_size, *shape)) for shape in several(self.sample_shape)]
        data = model._dataset(x, _some_targets(model, batch_size))
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
        line_length, positions, show_trainable, layer_range, expand_nested
            See `tinynet.summary.summary_table`.
        print_fn : callable, optional
            Called with the text; by default the text is printed.
        """
        arguments = (line_length, positions, show_trainable, layer_range)
        table = summary_table(self, *arguments, expand_nested=expand_nested)
        if not can_show(table):
            table = summary_table(self, *arguments, ASCII, expand_nested)
        (print_fn or say)(table)

    # Files.

    def _note_given(self, given: Mapping[str, Any]) -> None:
        """Note what the constructor gets, which such a class need not keep, as in Keras."""
        if is_by_class(self):
            self._given = dict(given)
        else:
            super()._note_given(given)

    def get_config(self) -> dict[str, Any]:
        """Return the layers and their wires as plain Python values.

        For a class of the user's with a ``call``, or whose constructor makes the layers, it is what
        the constructor got; if the class has a `get_config` of its own, which adds that, it is, as
        in Keras, what every model has.
        """
        if not is_by_class(self):
            return super().get_config()
        if not is_own(type(self).get_config):
            return {"name": self.name, "trainable": self.trainable}
        given = dict(self._given)
        if unnamed := [name for name in given if name.startswith("*")]:
            raise NotImplementedError(
                f"{type(self).__name__}: its constructor got something as {unnamed[0]}, which has "
                f"no name to be saved under; write the arguments one by one"
            )
        return {name: serialize(each, for_user=True) for name, each in given.items()}

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Self:
        """Make the model that `get_config` described; `custom_objects` are as for `load_model`."""
        if custom_objects:
            with saving.custom_object_scope(custom_objects):
                return cls.from_config(config)
        if "wires" in config:
            return super().from_config(config)
        known = LAYERS | IN_GRAPHS | NETWORKS
        given = {key: restored(each) for key, each in config.items()}
        for key, each in given.items():  # in older files, layers look like dicts of the user's
            if isinstance(each, Mapping) and each.get("class_name") in known:
                given[key] = layer_from(each)
        if "dtype" not in arguments_of(cls):  # type: ignore[arg-type] # a class can be hashed
            given.pop("dtype", None)  # which Keras says of every model
        return cls(**given)

    def save(
        self,
        filepath: str | os.PathLike[str],
        overwrite: bool = True,
        include_optimizer: bool = True,
        save_format: str | None = None,
    ) -> None:
        """Write weights, architecture and, if compiled, the optimizer into one file.

        See `tinynet.saving.save_model`.
        """
        saving.save_model(self, filepath, overwrite, include_optimizer, save_format)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the weights and states; see `tinynet.saving.save_weights`."""
        saving.save_weights(self, filepath, overwrite)

    def load_weights(
        self,
        filepath: str | os.PathLike[str],
        skip_mismatch: bool = False,
        by_name: bool = False,
    ) -> None:
        """Read weights and states from a file that `save` or `save_weights` wrote.

        See `tinynet.saving.load_weights`.
        """
        saving.load_weights(self, filepath, skip_mismatch, by_name)

    def to_json(self, **options: Any) -> str:
        """Return the architecture, and what `compile` was given, as Keras's JSON.

        Parameters
        ----------
        **options
            For `json.dumps`: ``indent=2``.
        """
        text: str = saving.keras_files().to_json(self, **options)
        return text

    def export(self, filepath: str | os.PathLike[str], format: str = "tf_saved_model") -> None:
        """Raise an error: TensorFlow's formats are written by Keras.

        Raises
        ------
        NotImplementedError
        """
        raise NotImplementedError(
            f"export: tinynet does not write {format}; save the model as .keras, and let Keras "
            f"export it: keras.models.load_model(...).export(...)"
        )


class Sequential(Stack, Model):
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

    Raises
    ------
    TypeError
        If a subclass defines ``call``, or overrides what only Keras calls, as for `Model`.

    Notes
    -----
    Follows keras/src/models/sequential.py.
    """

    def _begin(self, name: str | None, trainable: bool) -> None:
        refuse_call(self)
        super()._begin(name, trainable)

    def get_config(self) -> dict[str, Any]:
        """Return the architecture as plain Python values.

        For a class of the user's whose constructor makes the layers, it is what that got.
        """
        if is_by_class(self) and is_own(type(self).get_config):
            return Model.get_config(self)
        return super().get_config()

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Self:
        """Make the model that `get_config` described; `custom_objects` are as for `load_model`."""
        with saving.custom_object_scope(custom_objects or {}):
            return super().from_config(config) if "layers" in config else cls(**restored(config))


NETWORKS.update(Model=Model, Sequential=Sequential)


def _layers_of(model: Model) -> list[Any]:
    """Return the layers that are attributes of a model, or in lists, tuples and dicts there."""
    attributes = vars(model).items()
    own = [each for name, each in attributes if name not in ("layers", "begins", "wires", "_given")]
    return list(dict.fromkeys(_layers_in(own)))


def _layers_in(value: Any) -> Iterator[Any]:
    if isinstance(value, (Layer, Network)):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _layers_in(each)


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Model:
    """Read a model that `Model.save` or Keras wrote, compiled as it was.

    Parameters
    ----------
    filepath : str or path
        ``.keras`` and ``.h5`` are Keras's formats, see `tinynet.interop.keras_files`.
    custom_objects : dict of str to class or function, optional
        What the model has that is not tinynet's: ``{"Scaled": Scaled}``. Classes that were
        registered with `tinynet.saving.register_keras_serializable` are found without this.
    compile : bool
        Whether to restore the optimizer, the loss and the metrics too.
    safe_mode : bool
        True: code in a file is never run.

    Returns
    -------
    Model
        A `Sequential` if it was one; with weights, states, the optimizer's memory and the positions
        in the random sequences as they were, so that training continues as if it had not been
        interrupted. (Keras writes no positions: in a file of Keras's, dropout and the like begin
        anew, as they do there.)

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a file that `save` wrote, or is damaged; if it names a class that is not
        tinynet's and was not registered; if `safe_mode` is False.
    """
    if not safe_mode:
        raise ValueError("safe_mode: expected True, got False; tinynet never runs code from a file")
    with saving.custom_object_scope(custom_objects or {}):
        if saving.is_for_keras(filepath):
            read: Model = saving.keras_files().load_model(Path(filepath), compile)
            return read
        content = saving.read(filepath)
        if content.architecture is None and content.compiled is None:
            raise ValueError(
                f"{content.path}: there are only weights in it, of a model whose layers could not "
                f"be written; make the model as before, and call its load_weights"
            )
        with saving.naming(content.path):
            shapes = saving.shapes_by_layer(content.arrays)
            model: Model = saving.keras_files().made(content.architecture, shapes)
            saving.restore(model, content, compile)
    return model


save_model = saving.save_model


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Model:
    """Make a new model, with new weights, from what `Model.to_json` or Keras's wrote.

    Parameters
    ----------
    json_string : str
    custom_objects : dict of str to class or function, optional
        As for `load_model`.

    Raises
    ------
    ValueError
        If it is not the JSON of a model, or the model has a part that tinynet lacks.
    """
    with saving.custom_object_scope(custom_objects or {}):
        model: Model = saving.keras_files().from_json(json_string)
    return model


def clone_model(model: Model, clone_function: Callable[[Any], Any] | None = None) -> Model:
    """Make a model of the same architecture with new weights, compiled anew if `model` is compiled.

    Parameters
    ----------
    model : Model
    clone_function : callable, optional
        Takes a layer of a `Sequential` and returns the one for the new model; by default, one with
        the same config.

    Returns
    -------
    Model
        Of the same class, also if that is one of your own.

    Raises
    ------
    ValueError
        If there is a `clone_function` and the model is a graph, or is made by its own class.

    Notes
    -----
    Follows keras/src/models/cloning.py.
    """
    with noting() as users:  # classes and functions: nobody has to lend them
        described = layer_config(model)
        parts = saving.compiled_parts(model) if saving.has_parts(model) else None
    with saving.custom_object_scope(users):
        clone = _made_like(model, described, clone_function)
        if parts is not None:
            saving.compile_with(clone, parts)
    return clone


def _made_like(
    model: Model, described: dict[str, Any], clone_function: Callable[[Any], Any] | None
) -> Model:
    clone: Model
    if not is_own(type(model)) and clone_function is None:
        clone = layer_from(described, "model")
    elif isinstance(model, Sequential) and not is_by_class(model):
        if clone_function is None:
            layers = layers_from(layer_configs(model.layers))
        else:
            layers = [clone_function(layer) for layer in model.layers]
        shape = model.sample_shape
        start = (
            [] if shape is None else [InputLayer(shape, None, model.input_dtype, model.input_name)]
        )
        clone = Sequential([*start, *layers], name=model.name)
        clone.may_learn = model.may_learn
    elif clone_function is None:
        clone = Model.from_config(described["config"])
    else:
        got = "a class of your own" if is_by_class(model) else "a graph"
        raise ValueError(f"clone_function: expected a Sequential to clone with it, got {got}")
    return clone


def _some_targets(model: Model, n: int) -> list[Array]:
    """Return targets of 0 for n samples: integer labels if the loss takes them."""
    assert model.loss is not None
    shapes = several(model.compute_output_shape(model.sample_shape or ()))
    found = []
    for loss, shape in zip(getattr(model.loss, "losses", [model.loss]), shapes, strict=True):
        targets = np.zeros((n, *shape))
        try:
            labels = np.zeros((n, *shape[:-1]), np.int64)
            targets = labels if loss is None else loss.check_targets(labels, shape)
        except ValueError:
            pass
        found.append(targets)
    return found
