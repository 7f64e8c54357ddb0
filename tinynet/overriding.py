"""What a subclass of the user's has overridden, and what to say where that would change nothing.

Some methods that Keras calls have another name here, or a partner that has to go with them, such as
a gradient. A subclass that has only Keras's would run and compute as if it had none.
"""

from __future__ import annotations

from collections.abc import Mapping

from tinynet.configurable import is_own

# What Keras calls, by its name: what is called here in its place, and what to write.
STEPS = "train_step(batch), which fit calls, and test_step(batch), which evaluate calls"
OF_MODELS = {
    "compute_loss": ("train_step", f"give compile a function as the loss, or define {STEPS}"),
    "compute_metrics": ("train_step", f"give compile functions as metrics, or define {STEPS}"),
    "get_metrics_result": ("train_step", f"give compile functions as metrics, or define {STEPS}"),
    "predict_step": ("predict", "define predict(x), or change what it returns"),
    "make_train_function": ("train_step", f"define {STEPS}"),
    "make_test_function": ("test_step", f"define {STEPS}"),
    "make_predict_function": ("predict", "define predict(x)"),
    "__call__": ("forward", "put what it does into the outputs, or into a call of the model's own"),
}
OF_OPTIMIZERS = {
    "update_step": (
        "update",
        "define update(w, g, slots, learning_rate), which moves one weight w in place by its "
        "gradient g, and slot_names(), the names of the arrays in slots",
    ),
    "apply": ("step", "define step(params, grads), which moves all weights"),
    "apply_gradients": ("step", "define step(params, grads), which moves all weights"),
}
OF_LOSSES = {"__call__": ("value", "define call(y_true, y_pred), the loss of each sample")}


def overrides(kind: type, name: str, than: str = "") -> bool:
    """Return whether a class outside tinynet defines a method, nearer than another is defined.

    Parameters
    ----------
    kind : type
        It and its bases are looked through in Python's order: a subclass before what it extends.
    name : str
    than : str
        The other method. Where one class defines both, it is this one that counts.
    """
    for each in kind.__mro__:
        if than in vars(each):
            return False
        if name in vars(each):
            return not is_own(each)
    return False


def missing(owner: object, method: str) -> NotImplementedError:
    """Return the error for a method that a subclass has to define; "call(x), the output" is one."""
    return NotImplementedError(f"{type(owner).__name__}: define {method}")


def require_forward(layer: object) -> None:
    """Raise an error if a layer computes in Keras's ``call``, which nothing calls here.

    Nor does a model call a layer's ``__call__``.

    Raises
    ------
    NotImplementedError
        If the nearest of either is nearer than the nearest ``forward``.
    """
    for name in ("call", "__call__"):
        if overrides(type(layer), name, "forward"):
            raise NotImplementedError(
                f"{type(layer).__name__}: its {name} would not be called; define forward(x, "
                f"training), which stands in the place of Keras's call, and a backward(dout) that "
                f"goes with it. For a dropout that drops in predict, too, forward(self, x, "
                f"training=False) is super().forward(x, True); the layer alone is called as "
                f"layer(x, training=True)"
            )


def require_called(owner: object, names: Mapping[str, tuple[str, str]]) -> None:
    """Raise an error if a model and the like overrides what Keras calls, and nothing calls here.

    One that defines what is called here as well may call what it likes from there.

    Parameters
    ----------
    owner : object
    names : dict of str to (str, str)
        `OF_MODELS`, `OF_OPTIMIZERS` or `OF_LOSSES`.

    Raises
    ------
    TypeError
    """
    for name, (than, instead) in names.items():
        if overrides(type(owner), name, than):
            raise TypeError(
                f"{type(owner).__name__}: its {name} would not be called, as Keras would call it; "
                f"{instead}"
            )


def refuse_call(model: object) -> None:
    """Raise an error if a model whose layers are connected already has a ``call``, too.

    Raises
    ------
    TypeError
    """
    if hasattr(model, "call"):
        raise TypeError(
            f"{type(model).__name__}: its call would not be called, because its layers are "
            f"connected already; put what call does into the outputs, Model(inputs, "
            f"Rescaling(0.5)(outputs)), or make the model without inputs, outputs and layers, as a "
            f"subclass of Model whose call calls its layers"
        )
