"""What scripts for Keras 1 and 2 write, and what it is called now.

Keras 3 refuses these names; so does tinynet, and says what to write.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

Constructor = TypeVar("Constructor", bound=Callable[..., None])

# Arguments.
ARGUMENTS = {
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "gamma_init": "gamma_initializer",
    "init": "kernel_initializer",
    "lr": "learning_rate",
    "nb_col": "kernel_size, a pair",
    "nb_epoch": "epochs",
    "nb_filter": "filters",
    "nb_row": "kernel_size, a pair",
    "nb_val_samples": "validation_steps",
    "output_dim": "units",
    "p": "rate",
    "samples_per_epoch": "steps_per_epoch",
    "subsample": "strides",
}
INSTEAD = {
    "decay": "give a schedule as learning_rate, such as schedules.InverseTimeDecay",
    "batch_input_shape": "begin the model with Input(batch_shape=...)",
    "weights": "call set_weights when the layer has its shape",
}
# Methods and attributes.
ATTRIBUTES = {
    "decay": "it is a schedule now, given as learning_rate",
    "evaluate_generator": "evaluate takes generators",
    "fit_generator": "fit takes generators",
    "lr": "it is called learning_rate",
    "predict_classes": "write predict(x).argmax(axis=-1), or predict(x) > 0.5 for a single sigmoid",
    "predict_generator": "predict takes generators",
    "predict_proba": "it is called predict",
    "sample_weights": "fit and evaluate take sample_weight",
}


def hint(argument: str) -> str:
    """Return what to write in place of an argument, to be put behind an error; or nothing."""
    if argument in ARGUMENTS:
        return f"; since Keras 2 it is called {ARGUMENTS[argument]}"
    return f"; {INSTEAD[argument]}" if argument in INSTEAD else ""


def refuse(owner: str, arguments: dict[str, Any], error: type[Exception] = ValueError) -> None:
    """Raise an error if there are arguments that nobody has taken.

    Raises
    ------
    ValueError, or what `error` says
        With what to write instead, if it is known.
    """
    for name, value in arguments.items():
        raise error(f"{name}: not an argument of {owner}, got {value!r}{hint(name)}")


def ignore_decay(arguments: dict[str, Any]) -> None:
    """Take the decay of Keras 1 and 2 out of an optimizer's arguments; Keras 3 warns, too."""
    if arguments.pop("decay", None) is not None:
        warnings.warn(
            f"decay: is ignored, as in Keras 3{hint('decay')}",
            stacklevel=4,  # past the constructor of the subclass
        )


def missing(owner: object, name: str) -> AttributeError:
    """Return the error for an attribute that is not there."""
    instead = f"; {ATTRIBUTES[name]}" if name in ATTRIBUTES else ""
    return AttributeError(f"{type(owner).__name__!r} object has no attribute {name!r}{instead}")


def warns_of_rows_and_columns(constructor: Constructor) -> Constructor:
    """Return a convolution's constructor that warns of what Keras 1 took for a window.

    There ``Conv2D(32, 3, 3)`` was 32 filters of 3 rows and 3 columns. Today the third place is the
    strides, so that the same line means something else without an error. Only what is given by its
    place can be meant in the old way, and a function sees that before its arguments have names.
    """

    @functools.wraps(constructor)
    def constructed(*arguments: Any, **options: Any) -> None:
        constructor(*arguments, **options)
        if len(arguments) < 4:
            return
        layer, filters, size, strides = arguments[:4]
        if isinstance(strides, int) and strides == size > 1:
            kind = type(layer).__name__
            warnings.warn(
                f"{kind}({filters}, {size}, {strides}): the third place is strides, so the window "
                f"of {size} x {size} moves {strides} pixels at a time. If {size} rows and {size} "
                f"columns are meant, as in Keras 1, write {kind}({filters}, ({size}, {size})); if "
                f"the strides are, write strides={strides}, and there is no warning",
                stacklevel=2,
            )

    return cast("Constructor", constructed)
