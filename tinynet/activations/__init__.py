r"""Activations: a function and its derivative in one object.

Calling one computes it, as in Keras: ``activations.leaky_relu(x, negative_slope=0.1)``. A
layer also needs the backward pass, ``backward(dout, x, out)``: the derivative at ``x`` times
the upstream gradient ``dout``. The two are a pair of kernels; the function under each name
below says which pair, and which constants go with it.

`get` turns a name or a config into such an object, with its options fixed. All are derived
on the page :doc:`/backprop/activations`, softmax on :doc:`/backprop/softmax_cross_entropy`.
"""

from tinynet import scope
from tinynet.activations.base import ACTIVATIONS, Activation, Linear, RowActivation
from tinynet.activations.functions import (
    elu,
    exponential,
    gelu,
    leaky_relu,
    linear,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    tanh,
)
from tinynet.configurable import UnknownObjectError, known_name, unknown_object
from tinynet.custom_objects import get_registered_object

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Linear",
    "RowActivation",
    "elu",
    "exponential",
    "gelu",
    "get",
    "leaky_relu",
    "linear",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "tanh",
]

swish = silu
ALIASES = {"swish": silu}


def get(identifier: object) -> Activation:
    """Return the activation that a name, a config, an `Activation` or None (linear) stands for.

    Raises
    ------
    ValueError
        If there is no activation with that name; the closest name is suggested.
    TypeError
        If `identifier` is anything else, for instance a plain function: a layer needs its
        derivative too.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, Activation):
        return identifier
    table = {**ACTIVATIONS, **ALIASES}
    if isinstance(identifier, str):
        custom = get_registered_object(identifier)
        return custom or table[known_name("activation", identifier, table)]
    if isinstance(identifier, dict) and "config" in identifier:
        options = dict(identifier["config"])
        name, module = options.pop("name"), options.pop("module", None)
        if module is None:
            return table[known_name("activation", name, table)].with_options(**options)
        custom = get_registered_object(name)
        if custom is None:
            raise UnknownObjectError(unknown_object("activation", name, f"of the module {module}"))
        return get(custom).with_options(**options)
    raise TypeError(
        f"activation: expected its name or an Activation (a function with its derivative), "
        f"got {identifier!r} of type {type(identifier).__name__}"
    )


__getattr__ = scope.refuses(__name__)
