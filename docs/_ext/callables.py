"""Signatures of callable objects: activations and kernels.

Both are objects that were made from a function and have its name. Autodoc takes their docstring
and signature from that function. For an activation, that function chooses the kernels, so the
array that the activation is called with has to be put before the options.
"""

import inspect

from tinynet.activations import Activation
from tinynet.kernels import Kernel


def put_x_in_front(app, what, name, obj, options, signature, return_annotation):
    """Write ``relu(x, negative_slope=0.0)`` for what is chosen by ``relu(negative_slope=0.0)``."""
    if isinstance(obj, Activation) and signature is not None:
        options = signature.removeprefix("(")
        return ("(x)" if options == ")" else f"(x, {options}"), None
    return None


def show_formulas_as_they_are(app, what, name, obj, options, lines):
    """Keep a kernel's docstring as it is typed: z[i, j], |x| and a*b are not markup there."""
    if isinstance(obj, Kernel):
        lines[:] = ["::", "", *(f"    {line}" for line in inspect.getdoc(obj).split("\n")), ""]


def setup(app):
    """Connect to autodoc."""
    app.connect("autodoc-process-signature", put_x_in_front)
    after_numpydoc = 900
    app.connect("autodoc-process-docstring", show_formulas_as_they_are, priority=after_numpydoc)
    return {"parallel_read_safe": True}
