"""What has to be so before the first step of `fit`, `evaluate` or `predict`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinynet import config, losses, optimizers
from tinynet.activations import Activation
from tinynet.arrays import Array
from tinynet.callbacks import Callback, CallbackList, ProgbarLogger, TerminateOnNaN
from tinynet.checks import entries, integer
from tinynet.data import Dataset, brief, errors_from
from tinynet.figures import Figures
from tinynet.layers import (
    BatchNormalization,
    Cropping2D,
    Flatten,
    InputLayer,
    Lambda,
    Permute,
    Rescaling,
    Reshape,
    UnitNormalization,
    UpSampling2D,
)
from tinynet.layers.base import Shape
from tinynet.layers.core import integer_type
from tinynet.layers.preprocessing import Augmentation
from tinynet.losses.outputs import OutputLosses
from tinynet.reach import unreached
from tinynet.several import Several, sorted_out
from tinynet.stack import Network
from tinynet.step.tape import several
from tinynet.streams import Stream, is_stream

# Layers that leave the size of gray values as it is, and those that may change it.
MOVES_PIXELS = (Cropping2D, Flatten, InputLayer, Permute, Reshape, UpSampling2D)
SCALES = (BatchNormalization, Lambda, Rescaling, UnitNormalization)


class Prepared(Network):
    """Layers, and the checks of what is passed to their methods; nothing is changed by a check."""

    optimizer: optimizers.Optimizer | None = None
    loss: losses.Loss | None = None
    figures: Figures
    keys: Any = ()  # of a dict that the model returns
    names_outputs: Any = True  # whether Keras knows the names of several outputs
    tells_training: Any = True  # whether `fit` tells the layers that they are trained
    waiting: Any = None  # finds the loss and the figures, once the outputs are known

    @property
    def compiled(self) -> bool:
        """Whether `compile` has been called."""
        return self.optimizer is not None

    def _know_outputs(self, x: Any) -> None:
        """Find out how many outputs there are, and which loss and metrics belong to each.

        It is known from the start, but for a model with a ``call`` of its own, which tells when it
        is run on the first data, and for one to which layers are added after `compile`.
        """
        if not self.names_outputs and not self.output_names:
            found = sorted_out("x", x, [], "input")
            self.compute_output_shape(Several(found, [None], [None], [], []).sample_shape)
        if self.waiting is not None and self.output_names:
            self.loss, self.figures = self.waiting(self)
            self.waiting = None

    # What was passed.

    def _dataset(self, x: Any, y: Any = None, sample_weight: Any = None) -> Dataset:
        """Return arrays as a data set."""
        self._know_outputs(x)
        inputs, outputs = self.input_names, self.output_names
        found = sorted_out("x", x, inputs, "input")
        targets = sorted_out("y", self._at_losses(y), outputs, "output")
        weights = [sample_weight]
        if len(outputs) <= 1 or isinstance(sample_weight, (list, tuple, Mapping)):
            weights = sorted_out("sample_weight", sample_weight, outputs, "output")
        found = [_in_type(*each) for each in zip(found, self._types(found), strict=True)]
        if len(found) == 1 and len(outputs) <= 1:
            return Dataset(found[0], targets[0], weights[0], config.floatx())
        if len(outputs) > 1:  # the same weights for all of them; or nothing
            targets, weights = (
                each * len(outputs) if len(each) == 1 else each for each in (targets, weights)
            )
        return Several(found, targets, weights, inputs, outputs)

    def _types(self, found: list[Any]) -> list[str | None]:
        """Return the type of integers that each input is to have, or None."""
        known = self.inputs if self.input_names else []
        types = [integer_type(each.dtype) for each in known]
        return types if len(types) == len(found) else [None] * len(found)

    def _at_losses(self, y: Any) -> Any:
        """Return targets with None for the outputs without a loss, if only the others are there."""
        losses_ = getattr(self.loss, "losses", [])
        if isinstance(y, Mapping) and self.keys:
            pairs = zip(self.output_names, losses_, strict=False)
            return {name: None for name, loss in pairs if loss is None} | dict(y)
        if not isinstance(y, (list, tuple)) or len(y) == len(losses_):
            return y
        if len(y) != sum(each is not None for each in losses_):
            return y
        rest = iter(y)
        return [None if each is None else next(rest) for each in losses_]

    def _weighted(
        self, x: Any, y: Any, sample_weight: Any, class_weight: Mapping[int, float] | None
    ) -> Dataset:
        """Return arrays as a data set with the weights of its classes."""
        return self._dataset(x, y, sample_weight).weighted(class_weight)

    def _checked(
        self, x: Any, y: Any = None, sample_weight: Any = None, needs_targets: bool = True
    ) -> Dataset:
        """Return arrays as a data set that fits the model; x alone, if that is enough."""
        data = self._dataset(x, y, sample_weight) if needs_targets else self._dataset(x)
        self.check(data, needs_targets)
        return data

    def _source(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        shuffle: object = False,
        needs_targets: bool = True,
        later: bool = False,
    ) -> Dataset | Stream:
        """Return arrays as a data set, and what hands out batches as a stream of them.

        Raises
        ------
        TypeError, ValueError
            As `Dataset` and `Stream` do.
        """
        if not is_stream(x):
            return self._weighted(x, y, sample_weight, class_weight)
        for name, each in (("y", y), ("sample_weight", sample_weight)):
            if each is not None:
                raise ValueError(
                    f"{name}: expected None, because x, a {type(x).__name__}, hands out batches "
                    f"with the {'targets' if name == 'y' else 'weights'} in them: (x, y) or "
                    f"(x, y, sample_weight)"
                )
        check = functools.partial(self._checked, needs_targets=needs_targets)
        return Stream(x, check, class_weight, shuffle, later)

    def _sources(
        self,
        x: Any,
        y: Any,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: object = False,
    ) -> tuple[Dataset | Stream, Dataset | Stream | None]:
        """Return what `fit` trains with, and what it validates with.

        Raises
        ------
        TypeError, ValueError
            As `_source` does; also if `validation_data` has the wrong form.
        """
        validation: Dataset | Stream | None = None
        if validation_data is None and validation_split:
            if is_stream(x):
                raise ValueError(
                    f"validation_split: expected arrays to split, got a {type(x).__name__}, which "
                    f"hands out batches; give some of them as validation_data"
                )
            data, validation = self._dataset(x, y, sample_weight).split(validation_split)
            return data.weighted(class_weight), validation
        source = self._source(x, y, sample_weight, class_weight, shuffle)
        if validation_data is None:
            return source, None
        given = [validation_data] if is_stream(validation_data) else validation_data
        if not isinstance(given, (tuple, list)) or not 1 <= len(given) <= 3:
            raise ValueError(
                f"validation_data: expected (x, y) or (x, y, sample_weight), or batches of them, "
                f"got {brief(given)}"
            )
        if len(given) == 1 and not is_stream(given[0]):
            raise ValueError(
                "validation_data: expected (x, y) or (x, y, sample_weight), got 1 entries"
            )
        with errors_from("validation_data"):
            val_x, val_y, val_weight = (*given, None, None)[:3]
            validation = self._source(val_x, val_y, val_weight, later=True)
        shapes = [each.first.sample_shape for each in (source, validation)]
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"validation_data: expected samples of the same shape as in x, {shapes[0]}, got "
                f"{shapes[1]}; was one of the two prepared differently?"
            )
        return source, validation

    # Before the first step.

    def check(self, data: Dataset, needs_targets: bool = False) -> None:
        """Check that data fit the model; nothing is changed.

        Raises
        ------
        ValueError
            If they do not.
        """
        if self.sample_shape is not None:
            data.fit_ranks(self.sample_shape)
        shape = data.sample_shape
        if self.sample_shape is not None and shape != self.sample_shape:
            self._refuse(data)
        if needs_targets:
            self._check_targets(data, self.compute_output_shape(shape))
        elif not self.built:
            self.compute_output_shape(shape)  # raises an error if a layer cannot take it

    def _refuse(self, data: Dataset) -> None:
        """Raise an error about the first array whose samples have another shape than expected."""
        for name, x, expected in zip(
            data.inputs, several(data.x), several(self.sample_shape), strict=True
        ):
            shape = x.shape[1:]
            if shape != expected:
                raise ValueError(
                    f"{name}: expected samples of shape {expected}, got an array of shape "
                    f"{x.shape}, samples of shape {shape}; {_likely(shape, expected)}"
                )

    def _check_targets(self, data: Dataset, output_shape: Any) -> None:
        if self.loss is None:
            raise RuntimeError("the model is not compiled: call compile(optimizer, loss) first")
        if data.y is None:
            raise ValueError("y: expected targets, got None")
        ends: Any = self.final_activation
        if not isinstance(self.loss, OutputLosses):
            self._check_output(self.loss, ends, data.y, data.sample_weight, output_shape)
        elif not isinstance(output_shape, list):
            (loss,) = self.loss.losses
            self._check_output(loss, ends, data.y, data.sample_weight, output_shape)
        else:
            weights = data.sample_weight or [None] * len(output_shape)
            for name, *each in zip(
                self.loss.names, self.loss.losses, ends, data.y, weights, output_shape, strict=True
            ):
                with errors_from(f"output {name!r}"):
                    self._check_output(*each)
        self.figures.check(data.y, output_shape)

    def _check_output(
        self,
        loss: losses.Loss | None,
        ends: Activation,
        y: Array | None,
        weights: Array | None,
        output_shape: Shape,
    ) -> None:
        """Check that the targets and the weights of one output fit it, and its loss."""
        if loss is None:
            return
        if y is None:
            raise ValueError("y: expected targets, got None")
        if loss.from_logits and loss.sees_through(ends):
            raise ValueError(
                f"from_logits=True: expected logits, but the model ends in {ends.name}, which "
                f"makes probabilities; leave out from_logits, or the last activation"
            )
        loss.check_targets(y, output_shape)
        rows = (len(y), *output_shape[:-1])
        if weights is not None and weights.shape not in (rows, (*rows, 1)):
            raise ValueError(
                f"sample_weight: expected one number per sample, shape {rows}, got {weights.shape}"
            )

    def _build(self, data: Dataset) -> None:
        """Make what depends on the shapes of the data, once: the weights and the metrics."""
        shape = data.sample_shape
        if self.sample_shape is None or not self.built:
            self.ensure_built(shape)
        self._make_native()
        if data.y is not None and not self.figures.built:
            self.figures.build(data.y, self.compute_output_shape(shape))
        self._find_unreached()

    def _find_unreached(self) -> None:
        """Find out which weights get no gradient, as soon as outputs and losses are known."""
        known = self.compiled and self.waiting is None and self.built
        self.unreached = unreached(self) if known else ()

    def lay_out(self) -> None:
        """Have weights and gradients lie as an optimizer takes them, in a type that loops read."""
        self._make_native()
        super().lay_out()

    def _make_native(self) -> None:
        """Put copies in the place of arrays whose bytes are in another order: no loop reads them.

        Somebody may have put them into a layer as a file from another machine has them.
        """
        for layer in self.leaves.values():
            for arrays in (layer.params, layer.state):
                for key, each in arrays.items():
                    if isinstance(each, np.ndarray) and not each.dtype.isnative:
                        arrays[key] = each.astype(each.dtype.newbyteorder("="))

    def _scales_its_input(self) -> bool:
        """Return whether the first layer that computes with the pixels scales them."""
        for layer in self.leaves.values():
            if not isinstance(layer, (*MOVES_PIXELS, Augmentation)):
                return isinstance(layer, SCALES)
        return False

    def _callback_list(
        self,
        callbacks: list[Callback],
        verbose: int | str,
        steps: Any,  # Repeat or Feed
        epochs: int = 1,
        names: list[str] | None = None,
    ) -> CallbackList:
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(f"verbose: expected 'auto', 0, 1 or 2, got {verbose!r}")
        if verbose and not any(isinstance(each, ProgbarLogger) for each in callbacks):
            callbacks = [*callbacks, ProgbarLogger()]
        params = {"verbose": verbose, "epochs": epochs, "steps": steps.total, "metrics": names}
        for each in callbacks:
            if isinstance(each, TerminateOnNaN):
                each.steps = steps
        return CallbackList(callbacks, self, params)


def _in_type(x: Any, dtype: str | None) -> Any:
    """Return an array in a type of integers, if there is one; else what was given."""
    return x if dtype is None or not hasattr(x, "__array__") else np.asarray(x).astype(dtype)


def optional_integers(**given: Any) -> list[int | None]:
    """Return some arguments as positive integers, or None where None was given.

    Raises
    ------
    ValueError
        If one is anything else.
    """
    return [None if each is None else integer(name, each) for name, each in given.items()]


def validating_epochs(freq: Any) -> Callable[[int], bool]:
    """Return whether to validate after the epoch of a number, counted from 1.

    Raises
    ------
    ValueError
        If `freq` is neither a positive integer nor a list of them.
    """
    chosen = entries(freq)
    if chosen is None:
        every = integer("validation_freq", freq)
        return lambda epoch: epoch % every == 0
    after = {integer("validation_freq", each) for each in chosen}
    return lambda epoch: epoch in after


def _likely(got: Shape, expected: Shape) -> str:
    """Return the likely cause of a wrong sample shape."""
    if np.prod(got) == np.prod(expected):
        return "the sizes agree: reshape x, or begin the model with Flatten"
    if got == expected[1:]:
        return "a single sample needs a batch axis: x[None]"
    return "were rows and columns mixed up, or is this other data?"
