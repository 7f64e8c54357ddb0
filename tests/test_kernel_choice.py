"""Which form the kernels run in: by call, by environment variable, and where Numba is absent."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tinynet import config
from tinynet.kernels import KERNELS, Kernel, linear, registry
from tinynet.kernels.compiled import compile_loops


def run_python(code: str, **environment: str) -> str:
    """Run code in a fresh process and return what it prints."""
    inherited = {k: v for k, v in os.environ.items() if k != "TINYNET_KERNELS"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


WITHOUT_NUMBA = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "numba":
            raise ImportError("numba is blocked")

sys.meta_path.insert(0, Blocker())
"""
# A forward and a backward pass, and the values of the environment's choice.
ONE_STEP = """
import numpy as np
from tinynet import config, layers
dense = layers.Dense(3, activation="tanh")
dense(np.ones((2, 4)))
dense.backward(np.ones((2, 3), "float32"))
print(config.kernels())
"""
SAY_THE_ERROR = """
try:
    {}
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize("form", registry.FORMS)
def test_use_kernels_decides_which_form_runs(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    kernel = linear.bias_add
    monkeypatch.setattr(kernel, "form", lambda name: lambda *args: calls.append(name))
    other = "numpy" if form == "numba" else "numba"
    for choice in (other, form):  # a kernel that has already run changes its form too
        config.use_kernels(choice)
        assert config.kernels() == choice
        kernel(np.zeros(2), np.zeros((1, 2)))
    assert calls == [other, form]


def test_calling_a_kernel_writes_the_result(kernel_form: str) -> None:
    z = np.array([[1.0, 2.0], [3.0, 4.0]])
    linear.bias_add(np.array([10.0, 20.0]), z)
    np.testing.assert_array_equal(z, [[11, 22], [13, 24]])


def test_an_unknown_form_changes_nothing() -> None:
    config.use_kernels("numpy")
    with pytest.raises(ValueError, match=r"use_kernels: expected one of .*got 'fortran'"):
        config.use_kernels("fortran")
    assert config.kernels() == "numpy"


@pytest.mark.parametrize("form", registry.FORMS)
def test_the_environment_variable_chooses(form: str) -> None:
    assert run_python(ONE_STEP, TINYNET_KERNELS=form) == form


def test_numba_is_the_default_and_an_empty_variable_is_none() -> None:
    assert run_python(ONE_STEP, TINYNET_KERNELS="") == "numba"


def test_an_unknown_form_in_the_environment() -> None:
    code = "import tinynet.config as config" + SAY_THE_ERROR.format("config.kernels()")
    said = run_python(code, TINYNET_KERNELS="cuda")
    assert said.startswith("ValueError the environment variable TINYNET_KERNELS: expected")
    assert said.endswith("got 'cuda'")


def test_a_use_of_numpy_alone_never_imports_numba() -> None:
    code = ONE_STEP + "\nimport sys\nprint('numba' in sys.modules)"
    assert run_python(code, TINYNET_KERNELS="numpy").split() == ["numpy", "False"]


def test_without_numba_the_numpy_forms_run() -> None:
    assert run_python(WITHOUT_NUMBA + ONE_STEP) == "numpy"


@pytest.mark.parametrize(
    ("call", "variable", "origin"),
    [
        ("config.use_kernels('numba')", "", "use_kernels"),
        ("config.kernels()", "numba", "the environment variable TINYNET_KERNELS"),
    ],
)
def test_without_numba_asking_for_it_is_an_error(call: str, variable: str, origin: str) -> None:
    code = f"{WITHOUT_NUMBA}\nfrom tinynet import config{SAY_THE_ERROR.format(call)}"
    said = run_python(code, TINYNET_KERNELS=variable)
    assert said == f"ImportError {origin}: Numba is not installed; install it or choose 'numpy'"


@registry.called_by_loops
def twice(x: float) -> float:
    return 2 * x


@registry.called_by_loops
def four_times(x: float) -> float:
    return twice(twice(x))


def four_times_each(x: np.ndarray, out: np.ndarray) -> None:
    for i in range(x.size):
        out[i] = four_times(x[i])


def test_loops_may_call_functions_that_call_others() -> None:
    out = np.empty(2)
    compile_loops(four_times_each)(np.array([1.0, 2.5]), out)
    assert out.tolist() == [4.0, 10.0]
    assert four_times(3) == 12  # as it stands, without Numba


def test_two_kernels_of_one_name_are_refused() -> None:
    def relu() -> None:
        """Do nothing."""

    before = KERNELS["relu"]
    with pytest.raises(ValueError, match="two kernels are named 'relu'"):
        Kernel(relu, {})
    assert KERNELS["relu"] is before


def test_a_kernel_without_loops_cannot_be_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear.bias_add, "loops_form", None)
    with pytest.raises(TypeError, match="'bias_add' has no loops to compile"):
        linear.bias_add.form("numba")


def test_numba_is_chosen_where_nothing_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_chosen", None)
    active_form = registry.active_form.__wrapped__  # which is kept once it is known
    assert active_form() == "numba"
    monkeypatch.setattr(registry, "_numba_is_there", lambda: False)
    assert active_form() == "numpy"
