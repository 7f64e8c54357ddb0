"""What every layer is: dictionaries of arrays, a forward pass and a backward pass."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from tinynet import config, initializers, old_names
from tinynet.activations import Activation, linear
from tinynet.arrays import Array, copy_into, make_writable
from tinynet.checks import flag, integer, sample_shape
from tinynet.configurable import (
    LAYER_NAME,
    Configurable,
    auto_name,
    checked_name,
    is_own,
    serialize,
)
from tinynet.constraints import Constraint
from tinynet.initializers import Initializer
from tinynet.overriding import missing, require_forward
from tinynet.random import SeedGenerator
from tinynet.regularizers import Regularizer
from tinynet.step.tape import Computes, call
from tinynet.symbolic import Call, connect, is_symbolic
from tinynet.symbolic import Shape as Shape
from tinynet.variables import Variable, WeightLists, variable


class Layer(Computes, Configurable, WeightLists):
    """A step of the model: ``forward`` computes it, ``backward`` differentiates it.

    A subclass defines ``forward(x, training)`` and ``backward(dout)``, and, if it has
    weights, ``build(input_shape)``, which creates them with `add_weight`. `forward` must not write
    into x, which may be another layer's output, and keeps in attributes what `backward` reads;
    `backward` overwrites the arrays in ``grads`` (it never adds to them) and returns the gradient
    with respect to the layer's input. A constructor of its own hands ``**kwargs`` on to
    ``super().__init__``, and keeps each argument under its name, ``self.rate = rate``: `get_config`
    looks there, and so the layer can be saved.

    Parameters
    ----------
    name : str, optional
        By default the class's name in snake case, numbered: ``"dense"``, ``"dense_1"``.
    trainable : bool
        Whether an optimizer may change the layer's weights.
    dtype : {"float32", "float64"}, optional
        By default `tinynet.config.floatx()`.
    input_shape : tuple of int, optional
        Shape of one sample; on a model's first layer it takes the place of an `Input`. For vectors
        there is also `input_dim`, their length.

    Attributes
    ----------
    params, grads : dict of str to ndarray
        Weights that are learned, and their gradients under the same keys.
    state : dict of str to ndarray
        Arrays that training changes, but not by gradients: batch norm's moving statistics.

    Raises
    ------
    ValueError
        If `dtype` is another type, or an argument is not known; from `backward`, if the shape of
        `dout` is not the output's.
    NotImplementedError
        If a subclass defines Keras's ``call`` and no `forward`.
    RuntimeError
        From `backward`, if no `forward` came before it.
    """

    computing = ("forward", "backward", "penalty", "add_penalty_gradients", "constrain")
    takes_list = False  # whether x is a list of arrays, and backward returns one
    # Keeps the position of a random layer in its sequence of draws.
    seed_generator: SeedGenerator | None = None
    # Arguments of the constructor that are handled here and not in the subclass.
    BASE_ARGUMENTS: ClassVar[tuple[str, ...]] = ("name", "trainable", "dtype", "input_shape")

    def __init_subclass__(cls, **options: Any) -> None:
        """See to it that a layer counts as built after its `build`, whoever calls it."""
        super().__init_subclass__(**options)
        if "build" in vars(cls):
            cls.build = _then_built(cls.build)  # type: ignore[method-assign]

    def __init__(
        self,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: str | None = None,
        input_shape: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        require_forward(self)
        if "input_dim" in kwargs:
            input_shape = (integer("input_dim", kwargs.pop("input_dim")),)
        old_names.refuse(type(self).__name__, kwargs)
        self.dtype = config.float_type(dtype or config.floatx())
        self.trainable = flag("trainable", trainable)
        self.input_shape = None if input_shape is None else sample_shape("input_shape", input_shape)
        self.name = auto_name(type(self)) if name in (None, "") else checked_name(name, LAYER_NAME)
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.state: dict[str, Array] = {}
        self.regularizers: dict[str, Regularizer] = {}
        self.constraints: dict[str, Constraint] = {}
        self._calls: list[Call] = []  # on tensors without numbers
        self.built = False

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to the models that the layer is in."""
        return {key: each for key, each in vars(self).items() if key != "_calls"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take on a copy's attributes; arrays that came as read-only files are copied."""
        vars(self).update(state)
        self._calls = []
        for arrays in (self.params, self.grads, self.state):
            make_writable(arrays)

    def __getattr__(self, name: str) -> Any:
        """Return a weight or a state, ``layer.kernel``; called for what is not found otherwise."""
        own = vars(self)
        if "built" not in own and not name.startswith("__"):
            raise AttributeError(
                f"{type(self).__name__} has no {name} yet: its __init__ has to call "
                f"super().__init__(**kwargs) first"
            )
        for arrays in (own.get("params", {}), own.get("state", {})):
            if name in arrays:
                learns = arrays is own["params"] and self.trainable
                return variable(arrays[name], f"{self.name}/{name}", learns)
        if name in ("input", "output"):  # properties, which have raised an error
            raise AttributeError(
                f"{self.name}: has no input and output yet; begin the model with Input(shape), or "
                f"call the layer on what Input returns"
            )
        raise old_names.missing(self, name)

    @property
    def weights(self) -> list[Variable]:
        """All weights and states, in Keras's order."""
        return [getattr(self, name) for name in self.arrays]

    # What a subclass defines.

    def build(self, input_shape: Shape) -> None:
        """Create the weights for samples of this shape (without the batch axis)."""

    def forward(self, x: Array, training: bool = False) -> Array:
        """Compute the layer for a batch."""
        raise missing(self, "forward(x, training), which returns its output, and backward(dout)")

    def backward(self, dout: Array) -> Array:
        """Return the gradient at the input, given that at the output; fill `grads`."""
        raise NotImplementedError(
            f"{self.name}: {type(self).__name__} has no backward(dout), which returns the gradient "
            f"at its input; the lowest layer of a model needs one, too"
        )

    def check_input(self, input_shape: Shape) -> None:
        """Raise an error if samples of this shape do not fit the layer.

        `compute_output_shape` begins with it. What only the computation of that shape finds, such
        as a window that is larger than the image, is an error there.
        """

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Check the shape of a sample, and return its shape after this layer."""
        self.check_input(input_shape)
        return input_shape

    @property
    def input(self) -> Any:
        """What the layer was first called on, without numbers; a list if there were several."""
        inputs = self._first_call().inputs
        return inputs[0] if len(inputs) == 1 else inputs

    @property
    def output(self) -> Any:
        """What came out of it, a `KerasTensor`."""
        return self._first_call().outputs[0]

    def _first_call(self) -> Call:
        if not self._calls:
            raise AttributeError
        return self._calls[0]

    @property
    def final_activation(self) -> Activation:
        """The activation at the layer's end, through which a loss may look; or ``linear``."""
        return linear

    # What all layers share.

    def __call__(self, x: Any, training: bool = False) -> Any:
        """Build the layer if it is not built yet, and run it forward on an array.

        On what `Input` returns, or another layer called on that, it computes nothing and returns a
        `KerasTensor`, from which ``Model(inputs, outputs)`` makes a model.
        """
        if is_symbolic(x):
            return connect(self, x)
        if self.takes_list:
            x = [np.asarray(each, self.dtype) for each in x]
            self.ensure_built([each.shape[1:] for each in x])
        else:
            x = np.asarray(x, self.dtype)
            self.ensure_built(x.shape[1:])
        return self.forward(x, training)

    def ensure_built(self, input_shape: Any) -> None:
        """Build the layer if it is not built yet, for an input that it can take."""
        if not self.built:
            shape = input_shape if self.takes_list else tuple(input_shape)
            out_shape = self.compute_output_shape(shape)
            self.build(shape)
            self.built = True
            self._warn_of_softmax_over_one(out_shape)

    def _warn_of_softmax_over_one(self, out_shape: Shape) -> None:
        axis = self.final_activation.options.get("axis", -1)
        sizes = (0, *out_shape)  # 0 stands in for the batch axis
        if (
            self.final_activation.name == "softmax"
            and -len(sizes) <= axis < len(sizes)
            and sizes[axis] == 1
        ):
            warnings.warn(
                f"{self.name}: a softmax over a single number, axis {axis} of an output of shape "
                f"(batch, {', '.join(map(str, out_shape))}), is always 1, and nothing can be "
                f"learned from it; for two classes use a single sigmoid",
                stacklevel=3,
            )

    def add_weight(
        self,
        name: str,
        shape: Shape,
        initializer: Initializer | str,
        regularizer: Regularizer | None = None,
        constraint: Constraint | None = None,
    ) -> None:
        """Create a learned weight ``params[name]``, with a penalty and a constraint if given.

        The initializer is an object or, as in Keras, a name: ``"zeros"``.
        """
        if isinstance(initializer, str):
            initializer = initializers.get(initializer)
        value = np.asarray(initializer(shape, self.dtype), self.dtype, order="C")
        # An initializer that is not tinynet's may return an array that somebody keeps.
        self.params[name] = value if is_own(type(initializer)) else value.copy()
        self.grads[name] = np.zeros(shape, self.dtype)  # one array, overwritten in every step
        if regularizer is not None:
            self.regularizers[name] = regularizer
        if constraint is not None:
            self.constraints[name] = constraint

    def kept(self, name: str) -> Any:
        """Return what `forward` kept under `name`; raise an error if there was none."""
        try:
            return getattr(self, name)
        except AttributeError:
            raise RuntimeError(
                f"{self.name}: forward has to come before the loss and before backward, which "
                f"need what it keeps; call forward(x, training=True) first"
            ) from None

    def lay_out(self) -> None:
        """See to it that weights lie row by row, each with a gradient that lies like it.

        Somebody may have put other arrays into `params`, and a layer of the user's into `grads`.
        """
        for key, given in self.params.items():
            weight = self.params[key] = np.asarray(given, order="C")
            if key not in self.grads:
                self.grads[key] = np.zeros_like(weight)
            found = np.asarray(self.grads[key], weight.dtype, order="C")
            if found.shape != weight.shape:
                raise ValueError(
                    f"{self.name}: expected a gradient of shape {weight.shape} for {key}, got "
                    f"{found.shape}"
                )
            self.grads[key] = found

    def check_dout(self, dout: Array, shape: Shape) -> None:
        """Raise an error if `dout` has another shape: compiled loops would not notice."""
        if dout.shape != shape:
            raise ValueError(
                f"{self.name}: expected dout of shape {shape} like the last output, got "
                f"{dout.shape}"
            )

    def penalty(self) -> float:
        """Return the sum of the regularizers' penalties on the weights; a frozen layer has none."""
        if not self.regularizers or not self.trainable:
            return 0.0
        return sum(rule(self.params[key]) for key, rule in self.regularizers.items())

    def add_penalty_gradients(self) -> None:
        """Add the regularizers' gradients to `grads`, after `backward` has filled them."""
        if self.trainable:
            for key, rule in self.regularizers.items():
                call(self._add_penalty_gradient, rule, key)

    def _add_penalty_gradient(self, rule: Regularizer, key: str) -> None:
        gradient = self.grads[key] + rule.gradient(self.params[key])
        if self.only_kernels:  # the lines of a step know where it is
            self.grads[key][...] = gradient
        else:  # a layer that is not tinynet's may have its array in other places, too
            self.grads[key] = gradient

    def constrain(self, *left_alone: str) -> None:
        """Put the other weights back to what their constraints allow, after a step."""
        for key, rule in self.constraints.items():
            if self.trainable and key not in left_alone:
                rule.apply(self.params[key])

    @property
    def arrays(self) -> dict[str, Array]:
        """All weights and states, in Keras's order."""
        return {**self.params, **self.state}

    def get_weights(self) -> list[Array]:
        """Return copies of all weights and states, in Keras's order."""
        return [each.copy() for each in self.arrays.values()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copy values into all weights and states.

        Raises
        ------
        ValueError
            If the number of arrays or a shape differs; nothing is changed then.
        """
        copy_into(self.arrays, weights)

    def count_params(self) -> int:
        """Return how many numbers the weights and states hold."""
        return sum(each.size for each in self.arrays.values())

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain Python values."""
        base = {key: serialize(getattr(self, key)) for key in self.BASE_ARGUMENTS}
        return {**super().get_config(), **base}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Layer:
        """Make the layer that `get_config` described.

        If the constructor does not take `name` and the like, they are set afterwards.
        """
        if _takes(cls, "name"):  # type: ignore[arg-type] # a class can be hashed
            return cls(**config)
        layer = cls(**{k: v for k, v in config.items() if k not in cls.BASE_ARGUMENTS})
        layer.name, layer.trainable = config["name"], config["trainable"]
        layer.dtype = config["dtype"]
        if config["input_shape"] is not None:
            layer.input_shape = tuple(config["input_shape"])
        return layer

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


def _then_built(build: Callable[..., None]) -> Callable[..., None]:
    """Return a `build` after which the layer is built."""

    @functools.wraps(build)
    def build_once(self: Layer, input_shape: Shape) -> None:
        build(self, input_shape)
        self.built = True

    return build_once


@functools.cache
def _takes(cls: type, argument: str) -> bool:
    """Return whether a constructor takes an argument by name, kept: looking it up is slow."""
    parameters = inspect.signature(cls).parameters
    kinds = {each.kind for each in parameters.values()}
    return argument in parameters or inspect.Parameter.VAR_KEYWORD in kinds
