"""The list of bugs for `make mutants` matches the code."""

from pathlib import Path

import pytest

import tinynet
from parity_tests.planted_bugs import BUGS

PACKAGE = Path(tinynet.__file__).parent


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.what)
def test_the_line_of_a_bug_is_there_once(bug):
    assert (PACKAGE / bug.path).read_text(encoding="utf-8").count(bug.right) == 1
    assert bug.wrong != bug.right
    assert (Path(__file__).parent / f"{bug.tests.split(' ')[0]}.py").exists()


def test_every_kernel_module_has_a_bug():
    modules = {f"kernels/{path.name}" for path in (PACKAGE / "kernels").glob("*.py")}
    # No arithmetic.
    around = {"__init__.py", "registry.py", "compiled.py", "entries.py", "threads.py"}
    around |= {"team.py"}  # who computes: see tests/test_products.py
    assert modules - {bug.path for bug in BUGS} == {f"kernels/{name}" for name in around}
