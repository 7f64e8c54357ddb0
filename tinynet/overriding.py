"""What a subclass of the user's has overridden, and what to say where that would change nothing.

Some methods that Keras calls have another name here, or a partner that has to go with them, such as
a gradient. A subclass that has only Keras's would run and compute as if it had none.
"""

from __future__ import annotations

from tinynet.configurable import is_own


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

    Raises
    ------
    NotImplementedError
        If its nearest ``call`` is nearer than its nearest ``forward``.
    """
    if overrides(type(layer), "call", "forward"):
        name = type(layer).__name__
        raise NotImplementedError(
            f"{name}: its call would not be called; define forward(x, training), which stands in "
            f"the place of Keras's call, and a backward(dout) that goes with it. For a dropout "
            f"that drops in predict, too, forward(self, x, training=False) is "
            f"super().forward(x, True); the layer alone is called as layer(x, training=True)"
        )
