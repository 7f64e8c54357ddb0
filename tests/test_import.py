"""What ``import tinynet`` brings along, and what it leaves until it is used."""

import subprocess
import sys

import pytest

import tinynet

HEAVY = [
    "keras",
    "matplotlib",
    "numba",
    "optuna",
    "pooch",
    "safetensors",
    "sklearn",
    "sqlalchemy",
    "tensorflow",
    "tqdm",
]
REPORT = f"import sys; print(*[name for name in {HEAVY} if name in sys.modules])"


def heavy_modules_after(code: str) -> list[str]:
    """Run code in a fresh process; return which of the heavy packages it has imported."""
    command = [sys.executable, "-c", f"{code}\n{REPORT}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_the_import_is_light() -> None:
    assert heavy_modules_after("import tinynet") == []


def test_so_is_the_import_of_every_part_but_the_plots() -> None:
    parts = [name for name in tinynet.__all__ if name != "plots"]
    code = f"import tinynet\nfor name in {parts}: getattr(tinynet, name)"
    assert heavy_modules_after(code) == []


def test_this_test_would_see_a_heavy_import() -> None:
    assert heavy_modules_after("import tqdm") == ["tqdm"]


def test_numba_comes_with_the_first_compiled_kernel() -> None:
    code = "import tinynet\ntinynet.config.use_kernels('numba')\ntinynet.activations.relu([1.0])"
    assert heavy_modules_after(code) == ["numba"]


def test_every_public_name_is_there() -> None:
    assert set(tinynet.__all__) <= set(dir(tinynet))
    for name in tinynet.__all__:
        assert getattr(tinynet, name) is not None
    assert tinynet.Sequential is tinynet.models.Sequential
    assert tinynet.Input is tinynet.layers.Input


def test_parts_are_imported_when_they_are_used() -> None:
    code = (
        "import sys, tinynet\n"
        "assert 'tinynet.layers' not in sys.modules\n"
        "tinynet.layers.Dense\n"
        "assert 'tinynet.layers' in sys.modules"
    )
    assert heavy_modules_after(code) == []


def test_unknown_names() -> None:
    with pytest.raises(AttributeError, match="module 'tinynet' has no attribute 'layer'"):
        _ = tinynet.layer
