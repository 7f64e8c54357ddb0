"""No public name of tinynet without a comparison with Keras."""

import importlib
from pathlib import Path

import pytest

import tinynet

# Base classes, containers and functions that are not compared on their own.
NO_PIECES = {
    "layers": {"Layer"},
    "losses": {"Loss"},
    "optimizers": {"Optimizer", "schedules"},
    "callbacks": {"Callback", "CallbackList"},
    "metrics": {"Metric", "get"},
}
PUBLIC = {
    **{
        part: set(getattr(tinynet, part).__all__) - NO_PIECES[part]
        for part in ("layers", "losses", "optimizers", "callbacks", "metrics")
    },
    "optimizers.schedules": {
        each.__name__ for each in tinynet.optimizers.schedules.SCHEDULES.values()
    },
    "initializers": {each.__name__ for each in tinynet.initializers.INITIALIZERS.values()},
    "constraints": {each.__name__ for each in tinynet.constraints.CONSTRAINTS.values()},
    "regularizers": {each.__name__ for each in tinynet.regularizers.REGULARIZERS.values()},
    "activations": set(tinynet.activations.ACTIVATIONS),
    "interop": set(tinynet.interop.__all__),
}


def covered():
    """Return the pieces for which any test module has cases."""
    found = set()
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"parity_tests.{path.stem}")
        found |= set(getattr(module, "CASES", ()))
    return found


@pytest.mark.parametrize("part", PUBLIC)
def test_every_public_name_is_compared_with_keras(part):
    pieces = covered()
    missing = [f"{part}.{name}" for name in sorted(PUBLIC[part]) if f"{part}.{name}" not in pieces]
    assert not missing, f"public names without a case in any CASES of parity_tests/: {missing}"
