r"""Activations: a function and its derivative in one object.

Calling one computes it, as in Keras: ``activations.leaky_relu(x, negative_slope=0.1)``. A
layer also needs the backward pass, ``backward(dout, x, out)``: the derivative at ``x`` times
the upstream gradient ``dout``. The two are a pair of kernels; the function under each name
below says which pair, and which constants go with it.

`get` turns a name or a config into such an object, with its options fixed. The derivative of a
function of the user's is measured. All are derived
on the page :doc:`/backprop/activations`, softmax on :doc:`/backprop/softmax_cross_entropy`.
"""

from typing import Any

from tinynet import configurable, scope
from tinynet.activations.base import ACTIVATIONS, Activation, Linear, RowActivation
from tinynet.activations.functions import (
    celu,
    elu,
    exponential,
    gelu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from tinynet.activations.measured import MeasuredActivation
from tinynet.configurable import (
    UnknownObjectError,
    is_own,
    known_name,
    unknown_object,
    writer_and_reader,
)
from tinynet.custom_objects import get_registered_object

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Linear",
    "MeasuredActivation",
    "RowActivation",
    "celu",
    "elu",
    "exponential",
    "gelu",
    "get",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "tanh",
    "tanh_shrink",
    "threshold",
]

swish = silu
hard_swish = hard_silu
ALIASES = {"swish": silu, "hard_swish": hard_silu}
# Names that Keras has and tinynet refuses, with the reason.
REFUSED = {
    "glu": "its output is half as wide as its input, so it is a layer rather than an activation",
    "sparsemax": "Keras 3.15 computes rows that do not sum to 1; softmax or relu take its place",
}


def get(identifier: object) -> Activation:
    """Return the activation that a name, a config, an `Activation` or None (linear) stands for.

    A function of the user's becomes a `MeasuredActivation`. Of tinynet's layers that are nothing
    but an activation, such as ``layers.LeakyReLU(0.2)``, it is that one.

    Raises
    ------
    ValueError
        If there is no activation with that name; the closest name is suggested. If it is one of
        Keras's that tinynet refuses; the reason is given.
    TypeError
        If `identifier` is anything else, for instance a class.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, Activation):
        return identifier
    if _is_activation_layer(identifier):
        found: Activation = identifier.activation  # type: ignore[attr-defined] # a layer has it
        return found
    table = {**ACTIVATIONS, **ALIASES}
    if isinstance(identifier, str):
        custom = get_registered_object(identifier)
        if custom is None and identifier in REFUSED:
            raise ValueError(f"{identifier!r} is no activation in tinynet: {REFUSED[identifier]}")
        return table[known_name("activation", identifier, table)] if custom is None else get(custom)
    if isinstance(identifier, dict) and "config" in identifier:
        options = dict(identifier["config"])
        name, module = options.pop("name"), options.pop("module", None)
        if module is None:
            own = table[known_name("activation", name, table)]
            return own.with_options(**options) if options else own
        custom = get_registered_object(name)
        if custom is None:
            raise UnknownObjectError(unknown_object("activation", name, f"of the module {module}"))
        return get(custom).with_options(**options)
    if callable(identifier) and not (
        isinstance(identifier, type) or hasattr(identifier, "get_config")
    ):
        return MeasuredActivation(identifier)
    raise TypeError(
        f"activation: expected its name, an Activation or a function of an array, "
        f"got {identifier!r} of type {type(identifier).__name__}"
    )


def _is_activation_layer(thing: object) -> bool:
    """Return whether something is a layer that is nothing but its activation."""
    kind = type(thing)
    only_activates = is_own(kind) and getattr(kind, "only_activates", False)
    return only_activates and "forward" not in vars(thing)


def serialize(activation: Activation) -> Any:
    """Return the name of an activation; with options, or if it is the user's own, its config."""
    plain = activation is ACTIVATIONS.get(activation.name)
    return activation.name if plain else configurable.serialize(activation)


_, deserialize = writer_and_reader(get)
__getattr__ = scope.refuses(__name__)
